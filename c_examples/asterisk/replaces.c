/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * An INVITE that takes the place of another call (RFC 3891 section 3). The verdict was given
 * before; here the channels change places, in a thread that holds no lock while it waits for one
 * session or the other.
 */
#include "module.h"

#include "asterisk/bridge.h"
#include "asterisk/causes.h"

struct takeover {
    struct ast_sip_session *session; /* of the new call; counted */
    struct ast_channel *chan;        /* its channel: the reference that ast_hangup() takes */
    struct leg *old;                 /* counted */
    int code;
};

static void takeover_destroy(void *object)
{
    struct takeover *takeover = object;

    ao2_cleanup(takeover->session);
    ao2_cleanup(takeover->old);
}

/* In the serializer of the new session, which has not answered yet. */
static int refuse_task(void *data)
{
    struct takeover *takeover = data;
    struct ast_sip_session *session = takeover->session;
    pjsip_tx_data *tdata = NULL;

    session->defer_terminate = 1;
    ast_hangup(takeover->chan);
    takeover->chan = NULL;
    if (session->inv_session->state < PJSIP_INV_STATE_CONNECTING &&
        pjsip_inv_end_session(session->inv_session, takeover->code, NULL, &tdata) == PJ_SUCCESS &&
        tdata != NULL) {
        ast_sip_session_send_response(session, tdata);
    }
    ao2_ref(takeover, -1);
    return 0;
}

static void refuse(struct takeover *takeover, int code)
{
    count(&stats.refused);
    takeover->code = code;
    ao2_ref(takeover, +1);
    if (ast_sip_push_task(takeover->session->serializer, refuse_task, takeover)) {
        ast_queue_hangup(takeover->chan);
        takeover->chan = NULL;
        ao2_ref(takeover, -1);
    }
}

/* The first one gets it (RFC 3891 section 3: a dialog is replaced once). */
static int claim(struct leg *leg)
{
    int mine;

    ao2_lock(leg);
    mine = !leg->claimed;
    leg->claimed = 1;
    ao2_unlock(leg);
    return mine;
}

static void *take_over(void *data)
{
    struct takeover *takeover = data;
    struct ast_channel *old, *chan = takeover->chan;
    struct ast_bridge *bridge;
    int failed;

    old = leg_channel(takeover->old);
    if (old == NULL) {
        refuse(takeover, 603);
        ao2_ref(takeover, -1);
        return NULL;
    }
    ast_channel_lock(chan);
    ast_setstate(chan, AST_STATE_RING);
    ast_channel_unlock(chan);
    if (ast_check_hangup(chan) || ast_raw_answer(chan)) {
        /* Taken back, or it cannot be answered: the old call is as it was. */
        takeover->old->claimed = 0;
        ast_channel_unref(old);
        refuse(takeover, 487);
        ao2_ref(takeover, -1);
        return NULL;
    }
    /* From here on nobody can be told by a response: what goes wrong ends the new call. */
    ast_queue_unhold(chan);
    ast_queue_frame(chan, &ast_null_frame);
    bridge = ast_bridge_transfer_acquire_bridge(old);
    if (bridge != NULL) {
        failed = ast_bridge_impart(bridge, chan, old, NULL, AST_BRIDGE_IMPART_CHAN_INDEPENDENT);
        ao2_ref(bridge, -1);
    } else {
        failed = ast_channel_move(old, chan);
        if (!failed) {
            /* The new party is in the old channel now, and this one holds the old party. */
            ast_hangup(chan);
        }
    }
    if (failed) {
        takeover->old->claimed = 0;
        ast_channel_lock(chan);
        ast_channel_hangupcause_set(chan, AST_CAUSE_FAILURE);
        ast_channel_unlock(chan);
        ast_hangup(chan);
        count(&stats.failed);
    } else {
        count(&stats.succeeded);
    }
    takeover->chan = NULL;
    ast_channel_unref(old);
    ao2_ref(takeover, -1);
    return NULL;
}

int replaces_take_over(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    uint64_t number;
    struct takeover *takeover;

    if (rdata->msg_info.to->tag.slen > 0) {
        static const pj_str_t name = {"Replaces", 8};

        if (behaviour.in_dialog_ends && session->channel != NULL &&
            pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, NULL) != NULL) {
            ast_queue_hangup(session->channel); /* compat: as res_pjsip_refer does */
        }
        return 0;
    }
    number = front_claimed(rdata);
    if (number == 0 || session->channel == NULL) {
        return 0;
    }
    takeover = ao2_alloc(sizeof *takeover, takeover_destroy);
    if (takeover == NULL) {
        return 0;
    }
    takeover->session = ao2_bump(session);
    takeover->chan = session->channel;
    takeover->old = leg_by_number(number);
    if (takeover->old == NULL || !claim(takeover->old)) {
        refuse(takeover, 603);
        ao2_ref(takeover, -1);
        return 1;
    }
    if (detached(take_over, takeover)) {
        takeover->old->claimed = 0;
        refuse(takeover, 500);
        ao2_ref(takeover, -1);
    }
    return 1;
}
