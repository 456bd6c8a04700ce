/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Channels and bridges: beginning a transfer, and what becomes of those who took part in it.
 */
#include "module.h"

#include "asterisk/bridge.h"
#include "asterisk/bridge_after.h"
#include "asterisk/bridge_basic.h"
#include "asterisk/causes.h"
#include "asterisk/core_local.h"
#include "asterisk/pbx.h"
#include "asterisk/stasis_bridges.h"

static int result_to_sip(enum ast_transfer_result result)
{
    switch (result) {
    case AST_BRIDGE_TRANSFER_SUCCESS:
        return 200;
    case AST_BRIDGE_TRANSFER_NOT_PERMITTED:
        return 403;
    case AST_BRIDGE_TRANSFER_INVALID:
        /* The REFER was right; there is nobody in the call who could be transferred. */
        return behaviour.plain_codes ? 400 : 480;
    default:
        return 500;
    }
}

/* ---- blind, and attended to a dialog elsewhere ---- */

static void transferee_begins(struct ast_channel *chan, struct transfer_channel_data *data,
                              enum ast_transfer_type type)
{
    struct xfer *xfer = data->data;
    struct ast_channel *runs = NULL;

    watch_variables(xfer, chan);
    if (type == AST_BRIDGE_TRANSFER_MULTI_PARTY) {
        /* Nobody moves: the other half of this Local channel looks for the target. */
        xfer->several = 1;
        ast_channel_lock(chan);
        runs = ast_local_get_peer(chan);
        ast_channel_unlock(chan);
    }
    if (watch_attach(xfer, runs != NULL ? runs : chan) && log_allowed()) {
        ast_log(LOG_WARNING, "sipxfer: the transfer of %s cannot be watched\n",
                ast_channel_name(chan));
    }
    ast_channel_cleanup(runs);
}

static void remember_bridge(struct xfer *xfer, struct ast_channel *chan)
{
    struct ast_bridge *bridge = ast_bridge_transfer_acquire_bridge(chan);

    if (bridge != NULL) {
        ao2_lock(xfer);
        ast_string_field_set(xfer, bridge, bridge->uniqueid);
        ao2_unlock(xfer);
        ao2_ref(bridge, -1);
    }
}

static void blind(struct xfer *xfer, struct ast_channel *chan)
{
    enum ast_transfer_result result;
    int waits;

    remember_bridge(xfer, chan);
    waits = behaviour.keep && !waiting_begin(xfer, chan);
    if (!waits) {
        waiting_defer(xfer);
    }
    xfer->moved = 1;
    result =
        ast_bridge_transfer_blind(1, chan, xfer->extension, xfer->context, transferee_begins, xfer);
    if (result != AST_BRIDGE_TRANSFER_SUCCESS) {
        xfer->moved = 0;
        if (waits) {
            waiting_cancel(chan);
        } else {
            ast_sip_session_end_if_deferred(xfer->leg->session);
            ast_sip_session_defer_termination_cancel(xfer->leg->session);
        }
        xfer_give_up(xfer, result_to_sip(result));
        return;
    }
    if (!waits) {
        ast_sip_session_end_if_deferred(xfer->leg->session);
    }
    if (xfer->kind == SIPXFER_VERDICT_BLIND && !xfer->blind_progress) {
        /* refer_blind_progress=no: the transferor is told that it is done (pjsip.conf). */
        xfer_progress(xfer, 200, NULL, 0);
    }
}

/* ---- attended, both calls here ---- */

static void attended_failed(struct xfer *xfer, int waits, struct ast_channel *chan, int code)
{
    if (waits) {
        waiting_cancel(chan);
    } else {
        leg_push(xfer->leg, waiting_undefer);
    }
    xfer_give_up(xfer, code);
}

static int defer_task(void *data)
{
    waiting_defer(data);
    return 0;
}

struct start {
    struct xfer *xfer;        /* counted */
    struct ast_channel *chan; /* of the transferor; counted */
};

/* In a thread of its own: it waits for both sessions, one after the other. */
static void *attended(void *data)
{
    struct start *start = data;
    struct xfer *xfer = start->xfer;
    struct leg *other = leg_by_number(xfer->other);
    struct ast_channel *chan = start->chan, *second = NULL, *peer = NULL;
    enum ast_transfer_result result;
    int waits = 0;

    ast_free(start);
    if (other == NULL || other == xfer->leg || (second = leg_channel(other)) == NULL) {
        xfer_give_up(xfer, 603);
        goto out;
    }
    remember_bridge(xfer, chan);
    ast_channel_lock(second);
    xfer->semi = !ast_channel_is_bridged(second) && ast_channel_state(second) != AST_STATE_UP;
    ast_channel_unlock(second);
    if (xfer->semi && !behaviour.semi_at_once) {
        peer = ast_channel_bridge_peer(chan);
        waits = behaviour.keep && !waiting_begin(xfer, chan);
        if (peer != NULL) {
            /* The lock of a channel comes before that of a transfer. */
            ast_channel_lock(second);
            ao2_lock(xfer);
            if (!xfer->over) {
                ast_string_field_set(xfer, linked, ast_channel_linkedid(second));
                ast_atomic_fetchadd_int(&semi_attended, 1);
            }
            ao2_unlock(xfer);
            ast_channel_unlock(second);
            watch_attach(xfer, peer);
        }
    }
    if (!waits) {
        ast_sip_push_task_wait_serializer(xfer->leg->session->serializer, defer_task, xfer);
    }
    xfer->moved = 1;
    result = ast_bridge_transfer_attended(chan, second);
    if (result != AST_BRIDGE_TRANSFER_SUCCESS) {
        xfer->moved = 0;
        attended_failed(xfer, waits, chan, result_to_sip(result));
        goto out;
    }
    if (!waits) {
        leg_push(xfer->leg, waiting_undefer_end);
    }
    if (peer == NULL) {
        xfer_progress(xfer, 200, NULL, 0);
    }
out:
    ast_channel_cleanup(peer);
    ast_channel_cleanup(second);
    ast_channel_unref(chan);
    ao2_cleanup(other);
    ao2_ref(xfer, -1);
    return NULL;
}

static void attended_start(struct xfer *xfer, struct ast_channel *chan)
{
    struct start *start = ast_malloc(sizeof *start);

    if (start != NULL) {
        start->xfer = ao2_bump(xfer);
        start->chan = ast_channel_ref(chan);
        if (!detached(attended, start)) {
            return;
        }
        ast_channel_unref(chan);
        ao2_ref(xfer, -1);
        ast_free(start);
    }
    xfer_give_up(xfer, 500);
}

static void start(struct xfer *xfer);

static int start_task(void *data)
{
    struct xfer *xfer = data;

    start(xfer);
    ao2_ref(xfer, -1);
    return 0;
}

/* A transferor that is told of a failure may try the next target at once (RFC 5589 section 7.3),
 * when who it had transferred is not back yet. */
static void *start_later(void *data)
{
    struct xfer *xfer = data;
    struct leg *leg = xfer->leg;
    struct timespec until = {time(NULL) + 5, 0};

    ao2_lock(leg);
    while (leg->giving > 0 && !leg->ended) {
        if (ast_cond_timedwait(&leg->given, ao2_object_get_lockaddr(leg), &until) != 0) {
            leg->giving = 0; /* nobody comes back any more */
        }
    }
    ao2_unlock(leg);
    if (ast_sip_push_task(leg->session->serializer, start_task, xfer)) {
        ao2_ref(xfer, -1);
    }
    return NULL;
}

void channel_start(struct xfer *xfer)
{
    int later;

    ao2_lock(xfer->leg);
    later = xfer->leg->giving > 0;
    ao2_unlock(xfer->leg);
    if (later && !detached(start_later, ao2_bump(xfer))) {
        return;
    }
    if (later) {
        ao2_ref(xfer, -1);
    }
    start(xfer);
}

static void gives(struct xfer *xfer, int more)
{
    ao2_lock(xfer->leg);
    xfer->leg->giving = MAX(xfer->leg->giving + more, 0);
    ast_cond_broadcast(&xfer->leg->given);
    ao2_unlock(xfer->leg);
}

static void start(struct xfer *xfer)
{
    struct ast_channel *chan = xfer->leg->session->channel;

    if (chan == NULL || xfer->leg->ended) {
        xfer_give_up(xfer, 481);
        return;
    }
    if (behaviour.accepts_unknown && xfer->kind != SIPXFER_VERDICT_LOCAL_ATTENDED &&
        !ast_exists_extension(NULL, xfer->context, xfer->extension, 1, NULL)) {
        /* res_pjsip_refer accepts first and looks then. */
        xfer_give_up(xfer, 404);
        return;
    }
    switch (xfer->kind) {
    case SIPXFER_VERDICT_LOCAL_ATTENDED:
        attended_start(xfer, chan);
        break;
    case SIPXFER_VERDICT_BLIND:
    case SIPXFER_VERDICT_REMOTE_ATTENDED:
    case SIPXFER_VERDICT_REMOTE_NODE:
        ast_channel_ref(chan);
        blind(xfer, chan);
        ast_channel_unref(chan);
        break;
    default:
        /* What this version does not know is a refusal. */
        xfer_give_up(xfer, 603);
        break;
    }
}

/* ---- what it has come to ---- */

void channel_fate(struct xfer *xfer, enum fate fate)
{
    struct ast_channel *transferee;
    int send;

    ao2_lock(xfer);
    xfer->fate = fate;
    xfer->gives = fate == FATE_KEEP && xfer->moved && !xfer->gone;
    if (xfer->gives) {
        gives(xfer, 1);
    }
    send = fate != FATE_DONE && xfer->moved && !xfer->ending && !xfer->gone;
    if (fate != FATE_DONE && fate != FATE_KEEP) {
        xfer->release = 1;
    }
    if (fate == FATE_KEEP && (xfer->gone || !xfer->moved)) {
        /* Nobody comes back, or nobody has left. */
        xfer->release = xfer->gone;
    }
    ast_cond_broadcast(&xfer->changed);
    ao2_unlock(xfer);
    if (xfer->release && behaviour.ends_dead_call) {
        channel_hang_up_transferor(xfer);
    }
    if (!send) {
        return;
    }
    transferee = ast_channel_get_by_name(xfer_copy(xfer, transferee_id));
    if (transferee != NULL) {
        ast_async_goto(transferee, INTERNAL_CONTEXT, "fulfil", 1);
        ast_channel_unref(transferee);
    }
}

/* Waits until the transferor's thread has come to its waiting place; it may be slower than a target
 * that is busy. */
static struct ast_channel *transferor_of(struct xfer *xfer)
{
    struct timespec until = {time(NULL) + 5, 0};
    struct ast_channel *chan;

    ao2_lock(xfer);
    while (xfer->transferor == NULL && !xfer->release && !xfer->left && !xfer->leg->ended &&
           ast_cond_timedwait(&xfer->changed, ao2_object_get_lockaddr(xfer), &until) == 0) {
    }
    chan = xfer->transferor != NULL ? ast_channel_ref(xfer->transferor) : NULL;
    ao2_unlock(xfer);
    return chan;
}

static int into(struct ast_bridge *bridge, struct ast_channel *chan)
{
    if (ast_bridge_impart(bridge, chan, NULL, NULL, AST_BRIDGE_IMPART_CHAN_INDEPENDENT)) {
        ast_hangup(chan);
        return -1;
    }
    return 0;
}

/* Back into the bridge that the others have stayed in. */
static void rejoin(struct xfer *xfer)
{
    struct ast_channel *transferor = transferor_of(xfer), *taken;
    struct ast_bridge *bridge =
        transferor != NULL ? ast_bridge_find_by_id(xfer_copy(xfer, bridge)) : NULL;

    if (bridge != NULL) {
        taken = ast_channel_yank(transferor);
        if (taken != NULL) {
            into(bridge, taken);
        }
    }
    ao2_cleanup(bridge);
    ast_channel_cleanup(transferor);
}

/* Takes a channel out of the dialplan that its own thread runs. The hangup handler that this may be
 * is a subroutine, which has to return: where to, is kept in a datastore that stays behind. */
static struct ast_channel *take_out(struct ast_channel *chan)
{
    struct ast_datastore *stack = NULL, *each;
    struct ast_channel *taken;

    ast_channel_lock(chan);
    AST_LIST_TRAVERSE(ast_channel_datastores(chan), each, entry)
    {
        if (!strcmp(each->info->type, "GOSUB")) {
            stack = each;
        }
    }
    if (stack != NULL) {
        ast_channel_datastore_remove(chan, stack);
    }
    ast_channel_unlock(chan);
    taken = ast_channel_yank(chan);
    if (stack != NULL) {
        ast_channel_lock(chan);
        ast_channel_datastore_add(chan, stack);
        ast_channel_unlock(chan);
    }
    return taken;
}

/* Both are taken out of where they are, and connected again. Not 0 where there is no transferor. */
static int give_back(struct xfer *xfer, struct ast_channel *chan)
{
    struct ast_channel *transferor = transferor_of(xfer), *first, *second;
    struct ast_bridge *bridge = transferor != NULL ? ast_bridge_basic_new() : NULL;

    if (bridge == NULL) {
        ast_channel_cleanup(transferor);
        return -1;
    }
    first = take_out(chan);
    if (first != NULL && !into(bridge, first)) {
        second = ast_channel_yank(transferor);
        if (second == NULL || into(bridge, second)) {
            ast_bridge_destroy(bridge, AST_CAUSE_NORMAL_CLEARING);
            bridge = NULL;
        }
    }
    ao2_cleanup(bridge);
    ast_channel_unref(transferor);
    return 0;
}

/* The transferor has hung up: it is called again, and connected if it answers. */
static void recall(struct xfer *xfer, struct ast_channel *chan)
{
    struct ast_channel *taken = take_out(chan);

    if (taken == NULL) {
        return;
    }
    pbx_builtin_setvar_helper(taken, "SIPXFERRECALL", xfer->endpoint);
    ast_explicit_goto(taken, INTERNAL_CONTEXT, "recall", 1);
    if (ast_pbx_start(taken)) {
        ast_hangup(taken);
    }
}

/* Whether a transferee is hung up that nobody has back. */
static int hangs_up_who_is_alone(const struct xfer *xfer)
{
    char *value = settings_value(xfer->endpoint, "refer.on_failure");
    int result = value != NULL && !strcmp(value, "hangup");

    ast_free(value);
    return result;
}

static void fulfil(struct xfer *xfer, struct ast_channel *chan)
{
    if (xfer->several) {
        if (xfer->fate == FATE_KEEP) {
            rejoin(xfer);
        }
        return;
    }
    if (xfer->gone) {
        return;
    }
    switch (xfer->fate) {
    case FATE_KEEP:
        if (give_back(xfer, chan) && !hangs_up_who_is_alone(xfer)) {
            /* Its BYE came when this was decided already. */
            recall(xfer, chan);
        }
        break;
    case FATE_RECALL:
        recall(xfer, chan);
        break;
    default:
        /* Its dialplan ends, and the channel with it. */
        break;
    }
}

void channel_fulfil(struct xfer *xfer, struct ast_channel *chan)
{
    int gave;

    fulfil(xfer, chan);
    ao2_lock(xfer);
    gave = xfer->gives;
    xfer->gives = 0;
    ao2_unlock(xfer);
    if (gave) {
        gives(xfer, -1);
    }
}
