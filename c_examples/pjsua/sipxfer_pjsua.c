/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sipxfer for an application on pjsua: see sipxfer_pjsua.h.
 */
#include "sipxfer_pjsua.h"

#include <pj/log.h>
#include <pjsua-lib/pjsua_internal.h>

#include <stdlib.h>
#include <string.h>

#define THIS_FILE "sipxfer_pjsua.c"

static struct {
    pjsua_callback application;
    pj_mutex_t *mutex;
    pj_pool_t *pool;
    /* By call: the transfer that it was made for, or 0, and how far it has come (a SIP code). */
    uint64_t transfers[PJSUA_MAX_CALLS];
    unsigned codes[PJSUA_MAX_CALLS];
} self;

/* What the state of a call is worth to a transfer; 0 for nothing yet. */
static unsigned code_of(const pjsua_call_info *info)
{
    unsigned code = (unsigned)info->last_status;

    switch (info->state) {
    case PJSIP_INV_STATE_EARLY:
        return code;
    case PJSIP_INV_STATE_CONNECTING:
    case PJSIP_INV_STATE_CONFIRMED:
        return PJSIP_SC_OK;
    case PJSIP_INV_STATE_DISCONNECTED: /* below 300: it ended before it was answered */
        return code >= 300 && code <= 699 ? code : PJSIP_SC_REQUEST_TERMINATED;
    default:
        return 0;
    }
}

/* What the other nodes of a cluster are told, and a Replaces that comes a moment too late. */
static void tell_of_dialog(pjsua_call_id call)
{
    const pjsip_inv_session *inv = pjsua_var.calls[call].inv;

    if (inv != NULL)
        sipxfer_pjsip_dialog_changed(inv->dlg);
}

static void on_call_state(pjsua_call_id call, pjsip_event *event)
{
    pjsua_call_info info;

    /* The application first, so that it has what a report is about when that has its effect. */
    if (self.application.on_call_state != NULL)
        self.application.on_call_state(call, event);
    tell_of_dialog(call);
    if (self.mutex != NULL && pjsua_call_get_info(call, &info) == PJ_SUCCESS) {
        unsigned code = code_of(&info);
        uint64_t transfer;
        pj_mutex_lock(self.mutex);
        self.codes[call] = code;
        transfer = code > 0 ? self.transfers[call] : 0;
        if (code == 0 || code >= 200)
            self.transfers[call] = 0;
        pj_mutex_unlock(self.mutex);
        if (transfer != 0)
            sipxfer_pjsip_progress(
                transfer, code, code == (unsigned)info.last_status ? &info.last_status_text : NULL);
    }
}

/* What came before the number of the call was known here is told now. */
static void follow(pjsua_call_id call, uint64_t transfer)
{
    unsigned code;

    pj_mutex_lock(self.mutex);
    code = self.codes[call];
    if (code < 200)
        self.transfers[call] = transfer;
    pj_mutex_unlock(self.mutex);
    if (code > 0)
        sipxfer_pjsip_progress(transfer, code, NULL);
}

/* A REFER comes here only if the module has not seen it; pjsua would copy all the headers of its
 * URI. */
static void on_call_transfer_request2(pjsua_call_id call, const pj_str_t *target,
                                      pjsip_status_code *code, pjsua_call_setting *setting)
{
    (void)call, (void)target, (void)setting;
    PJ_LOG(1, (THIS_FILE, "a REFER that nobody has judged: refused"));
    *code = PJSIP_SC_DECLINE;
}

static void on_call_replace_request2(pjsua_call_id call, pjsip_rx_data *rdata, int *code,
                                     pj_str_t *text, pjsua_call_setting *setting)
{
    struct sipxfer_pjsip_counters counters;

    sipxfer_pjsip_count(&counters);
    if (counters.verified == 0) { /* pjsip's own function has let it through */
        PJ_LOG(1, (THIS_FILE, "sipxfer_replaced.c is not linked: Replaces is refused"));
        *code = PJSIP_SC_DECLINE;
        return;
    }
    if (self.application.on_call_replace_request2 != NULL)
        self.application.on_call_replace_request2(call, rdata, code, text, setting);
}

void sipxfer_pjsua_callbacks(pjsua_callback *callbacks)
{
    self.application = *callbacks;
    callbacks->on_call_state = on_call_state;
    callbacks->on_call_transfer_request = NULL;
    callbacks->on_call_transfer_request2 = on_call_transfer_request2;
    callbacks->on_call_replace_request2 = on_call_replace_request2;
}

pj_status_t sipxfer_pjsua_init(const struct sipxfer_pjsip_options *options)
{
    struct sipxfer_pjsip_options taken;
    pj_status_t status;

    memset(&taken, 0, sizeof taken);
    if (options != NULL)
        taken = *options;
    if (taken.start == NULL)
        taken.start = sipxfer_pjsua_start;
    self.pool = pjsua_pool_create("sipxfer-pjsua", 512, 512);
    if (self.pool == NULL)
        return PJ_ENOMEM;
    status = pj_mutex_create_simple(self.pool, "sipxfer-pjsua", &self.mutex);
    return status == PJ_SUCCESS ? sipxfer_pjsip_init(pjsua_get_pjsip_endpt(), &taken) : status;
}

void sipxfer_pjsua_destroy(void)
{
    pjsua_call_hangup_all();
    /* BYEs and CANCELs are answered, or time out, while the dialogs are still there. */
    for (int i = 0; i < 100 && pjsua_call_get_count() > 0; i++)
        pjsua_handle_events(20);
    sipxfer_pjsip_shutdown();
    if (self.mutex != NULL)
        pj_mutex_destroy(self.mutex);
    if (self.pool != NULL)
        pj_pool_release(self.pool);
    memset(&self, 0, sizeof self);
    pjsua_destroy();
}

pjsua_call_id sipxfer_pjsua_call_of(pjsip_dialog *dialog)
{
    const pjsua_call *call = dialog != NULL ? dialog->mod_data[pjsua_var.mod.id] : NULL;

    return call != NULL ? (pjsua_call_id)call->index : PJSUA_INVALID_ID;
}

pjsip_dialog *sipxfer_pjsua_dialog_of(pjsua_call_id call)
{
    const pjsip_inv_session *inv =
        call >= 0 && call < PJSUA_MAX_CALLS ? pjsua_var.calls[call].inv : NULL;

    return inv != NULL ? inv->dlg : NULL;
}

pj_status_t sipxfer_pjsua_call(const struct sipxfer_pjsip_transfer *transfer, pjsua_acc_id account,
                               struct sipxfer_str uri, struct sipxfer_str headers,
                               const pjsua_call_setting *setting, void *user_data,
                               pjsua_call_id *call)
{
    pj_pool_t *pool = pjsua_pool_create("sipxfer-call", 1024, 1024);
    pjsua_msg_data data;
    pj_str_t target, text;
    pj_status_t status;

    if (pool == NULL)
        return PJ_ENOMEM;
    pjsua_msg_data_init(&data);
    sipxfer_pjsip_add_lines(pool, &data.hdr_list, headers);
    pj_strset(&text, (char *)uri.ptr, uri.len);
    pj_strdup_with_null(pool, &target, &text);
    status = pjsua_call_make_call(account, &target, setting, user_data, &data, call);
    if (status == PJ_SUCCESS)
        follow(*call, transfer->id);
    pj_pool_release(pool);
    return status;
}

void sipxfer_pjsua_start(void *user, struct sipxfer_pjsip_transfer *transfer)
{
    const struct sipxfer_verdict *verdict = transfer->verdict;
    pjsua_call_id call = sipxfer_pjsua_call_of(transfer->dialog), made;
    pjsua_call_info info;

    (void)user;
    if (call == PJSUA_INVALID_ID || pjsua_call_get_info(call, &info) != PJ_SUCCESS)
        sipxfer_pjsip_give_up(transfer->id, PJSIP_SC_REQUEST_TERMINATED);
    else if (verdict->kind != SIPXFER_VERDICT_BLIND &&
             verdict->kind != SIPXFER_VERDICT_REMOTE_ATTENDED &&
             verdict->kind != SIPXFER_VERDICT_REMOTE_NODE)
        sipxfer_pjsip_give_up(transfer->id, PJSIP_SC_DECLINE);
    else if (sipxfer_pjsua_call(transfer, info.acc_id, verdict->target, verdict->headers, NULL,
                                NULL, &made) != PJ_SUCCESS)
        sipxfer_pjsip_contact_failed(transfer->id);
}
