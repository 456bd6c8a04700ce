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

struct notified {
    uintptr_t token;
    int code;
};

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

static int notified_task(void *data)
{
    struct notified *notified = data;
    struct xfer *xfer = notifying(notified->token);

    if (xfer != NULL) {
        sipxfer_transfer_notify_answered(engine, xfer->id, (uint32_t)notified->code, clock_ms());
        outputs_take(xfer->id);
        ao2_ref(xfer, -1);
    }
    ast_free(notified);
    return 0;
}

/* Runs under the lock of the dialog. */
void notify_answered(pjsip_transaction *tsx, pjsip_event *event)
{
    struct notified *notified;

    if (tsx->role != PJSIP_ROLE_UAC || tsx->mod_data[usage_module.id] == NULL ||
        tsx->status_code < 200) {
        return;
    }
    notified = ast_calloc(1, sizeof *notified);
    if (notified == NULL) {
        return;
    }
    notified->token = (uintptr_t)tsx->mod_data[usage_module.id];
    tsx->mod_data[usage_module.id] = NULL;
    /* pjsip makes a 408 of its own where nobody has answered. */
    notified->code = tsx->status_code == 408 && event->body.tsx_state.type == PJSIP_EVENT_TIMER
                         ? 0
                         : tsx->status_code;
    if (ast_sip_push_task(NULL, notified_task, notified)) {
        ast_free(notified);
    }
}
