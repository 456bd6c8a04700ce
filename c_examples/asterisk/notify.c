/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The NOTIFYs of a transfer, and their answers.
 */
#include "module.h"

/* What tells a NOTIFY from others when its answer comes: the id, where a pointer has room for it.
 */
#if UINTPTR_MAX > 0xffffffffu
#define NOTIFY_TOKEN(xfer) ((void *)(uintptr_t)(xfer)->id)
#else
#define NOTIFY_TOKEN(xfer) ((void *)(uintptr_t)(xfer)->number)
#endif

void notify_send(struct xfer *xfer, const struct sipxfer_output *told)
{
    static const pj_str_t type = {"message", 7}, subtype = {"sipfrag;version=2.0", 19};
    pj_str_t body = str_pj(told->body);
    pjsip_tx_data *tdata;

    if (xfer->dlg == NULL) {
        return;
    }
    pjsip_dlg_inc_lock(xfer->dlg);
    if (pjsip_dlg_create_request(xfer->dlg, pjsip_get_notify_method(), -1, &tdata) == PJ_SUCCESS) {
        lines_add(tdata, told->headers);
        tdata->msg->body = pjsip_msg_body_create(tdata->pool, &type, &subtype, &body);
        pjsip_dlg_send_request(xfer->dlg, tdata, usage_module.id, NOTIFY_TOKEN(xfer));
    }
    pjsip_dlg_dec_lock(xfer->dlg);
}

#if UINTPTR_MAX > 0xffffffffu
static struct xfer *notifying(uintptr_t token)
{
    return xfer_by_id((uint64_t)token);
}
#else
static int has_number(void *object, void *arg, int flags)
{
    return ((const struct xfer *)object)->number == *(unsigned int *)arg ? CMP_MATCH | CMP_STOP : 0;
}

static struct xfer *notifying(uintptr_t token)
{
    unsigned int number = (unsigned int)token;

    return ao2_callback(transfers_all(), 0, has_number, &number);
}
#endif

/* Runs under the lock of the dialog: nothing is waited for here. */
void notify_answered(pjsip_transaction *tsx, pjsip_event *event)
{
    struct xfer *xfer;
    int code;

    if (tsx->role != PJSIP_ROLE_UAC || tsx->mod_data[usage_module.id] == NULL ||
        tsx->status_code < 200) {
        return;
    }
    xfer = notifying((uintptr_t)tsx->mod_data[usage_module.id]);
    tsx->mod_data[usage_module.id] = NULL;
    if (xfer == NULL) {
        return;
    }
    /* pjsip makes a 408 of its own where nobody has answered. */
    code = tsx->status_code == 408 && event->body.tsx_state.type == PJSIP_EVENT_TIMER
               ? 0
               : tsx->status_code;
    sipxfer_transfer_notify_answered(engine, xfer->id, (uint32_t)code, clock_ms());
    outputs_take(xfer->id);
    ao2_ref(xfer, -1);
}
