/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The transferor's leg, which waits until the outcome of its transfer is known.
 */
#include "module.h"

#include "asterisk/bridge_after.h"

static void set_waiting(struct xfer *xfer, struct ast_channel *chan)
{
    struct ast_channel *old;

    ao2_lock(xfer);
    old = xfer->transferor;
    xfer->transferor = chan != NULL ? ast_channel_ref(chan) : NULL;
    xfer->waits = chan != NULL;
    xfer->left = chan == NULL;
    ast_cond_broadcast(&xfer->changed);
    ao2_unlock(xfer);
    ast_channel_cleanup(old);
}

/* Who waits for the outcome hears nothing for so long, and silence from then on. */
#define SILENCE_MS 500

/* The leg of the transferor has left its bridge: it stays, silent, until the outcome is known. Runs
 * in the channel's own thread. */
static void transferor_waits(struct ast_channel *chan, void *data)
{
    struct xfer *xfer = data;
    struct ast_silence_generator *silence = NULL;

    if (xfer->fate == FATE_OPEN || xfer->fate == FATE_DONE || xfer->fate == FATE_KEEP) {
        struct timeval since = ast_tvnow();

        set_waiting(xfer, chan);
        while (!xfer->release && !ast_check_hangup(chan)) {
            int left = ast_waitfor(chan, SILENCE_MS);
            struct ast_frame *f;

            /* Most are done before, and what makes silence costs more than all of their waiting. */
            if (silence == NULL && ast_tvdiff_ms(ast_tvnow(), since) >= SILENCE_MS) {
                silence = ast_channel_start_silence_generator(chan);
            }
            if (left == 0) {
                continue;
            }
            f = left > 0 ? ast_read(chan) : NULL;
            if (f == NULL) {
                break;
            }
            ast_frfree(f);
        }
        if (silence != NULL) {
            ast_channel_stop_silence_generator(chan, silence);
        }
        set_waiting(xfer, NULL);
        if (xfer->fate == FATE_DONE) {
            /* It has left its call by the transfer, whoever says BYE now: the records say so. */
            ast_set_hangupsource(chan, "", 1);
        }
    }
    ao2_ref(xfer, -1);
}

static void transferor_cannot_wait(enum ast_bridge_after_cb_reason reason, void *data)
{
    ao2_ref((struct xfer *)data, -1);
}

int waiting_begin(struct xfer *xfer, struct ast_channel *chan)
{
    ao2_ref(xfer, +1);
    if (ast_bridge_set_after_callback(chan, transferor_waits, transferor_cannot_wait, xfer)) {
        ao2_ref(xfer, -1);
        return -1;
    }
    return 0;
}

void waiting_cancel(struct ast_channel *chan)
{
    ast_bridge_discard_after_callback(chan, AST_BRIDGE_AFTER_CB_REASON_REMOVED);
}

/* Today's way: the channel goes, the dialog stays until the phone ends it or a minute is over. */
void waiting_defer(struct xfer *xfer)
{
    if (!xfer->leg->session->defer_terminate) {
        ast_sip_session_defer_termination(xfer->leg->session);
    }
}

int waiting_undefer(void *data)
{
    struct leg *leg = data;

    ast_sip_session_end_if_deferred(leg->session);
    ast_sip_session_defer_termination_cancel(leg->session);
    ao2_ref(leg, -1);
    return 0;
}

int waiting_undefer_end(void *data)
{
    struct leg *leg = data;

    ast_sip_session_end_if_deferred(leg->session);
    ao2_ref(leg, -1);
    return 0;
}

void leg_push(struct leg *leg, int (*task)(void *))
{
    if (ast_sip_push_task(leg->session->serializer, task, ao2_bump(leg))) {
        ao2_ref(leg, -1);
    }
}

void channel_hang_up_transferor(struct xfer *xfer)
{
    struct ast_channel *chan;

    ao2_lock(xfer);
    xfer->release = 1;
    chan = xfer->transferor != NULL ? ast_channel_ref(xfer->transferor) : NULL;
    ao2_unlock(xfer);
    if (chan != NULL) {
        ast_softhangup(chan, AST_SOFTHANGUP_EXPLICIT);
        ast_channel_unref(chan);
    } else {
        leg_push(xfer->leg, waiting_undefer);
    }
}
