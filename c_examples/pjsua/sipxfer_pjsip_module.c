/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The modules that take REFERs and INVITEs with Replaces before the application does.
 */
#include "sipxfer_pjsip_parts.h"

#define THIS_FILE "sipxfer_pjsip_module.c"

static pj_bool_t on_rx_request(pjsip_rx_data *rdata);
static pj_bool_t on_dialog_request(pjsip_rx_data *rdata);
static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event);

/* Ahead of the UA layer, which locks dialogs; behind the transactions, which take retransmissions.
 */
pjsip_module sipxfer_pjsip_first_module = {
    .name = {"mod-sipxfer", 11},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_UA_PROXY_LAYER - 1,
    .on_rx_request = on_rx_request,
};

/* In the dialogs of transfers, ahead of the invite usage and of event subscriptions. */
pjsip_module sipxfer_pjsip_dialog_module = {
    .name = {"mod-sipxfer-dialog", 18},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_DIALOG_USAGE - 1,
    .on_rx_request = on_dialog_request,
    .on_tsx_state = on_tsx_state,
};

static pj_bool_t is_method(const pjsip_method *method, const char *name)
{
    return pj_strcmp2(&method->name, name) == 0;
}

static pj_bool_t is_refer_event(const pjsip_msg *msg)
{
    static const pj_str_t name = {"Event", 5}, short_name = {"o", 1};
    const pjsip_event_hdr *event = pjsip_msg_find_hdr_by_names(msg, &name, &short_name, NULL);

    return event != NULL && pj_stricmp2(&event->event_type, "refer") == 0;
}

/* Answers outside of dialogs, with a transaction that takes the ACK and retransmissions. */
static void refuse(pjsip_rx_data *rdata, const struct sipxfer_verdict *verdict)
{
    pjsip_transaction *tsx;
    pjsip_tx_data *tdata;

    if (sipxfer_pjsip_refusal(rdata, verdict, NULL, &tdata) != PJ_SUCCESS)
        return;
    if (pjsip_tsx_create_uas2(&sipxfer_pjsip_first_module, rdata, NULL, &tsx) != PJ_SUCCESS) {
        pjsip_tx_data_dec_ref(tdata);
        return;
    }
    pjsip_tsx_recv_msg(tsx, rdata);
    pjsip_tsx_send_msg(tsx, tdata);
}

static pj_bool_t refuse_with(pjsip_rx_data *rdata, uint32_t code)
{
    struct sipxfer_verdict verdict;

    SIPXFER_INIT(verdict);
    verdict.kind = SIPXFER_VERDICT_REJECT;
    verdict.code = code;
    refuse(rdata, &verdict);
    return PJ_TRUE;
}

static pj_bool_t on_invite(pjsip_rx_data *rdata)
{
    struct question *question = sipxfer_pjsip_ask_invite(rdata, PJ_FALSE);

    if (question == NULL)
        return refuse_with(rdata, PJSIP_SC_SERVICE_UNAVAILABLE);
    switch (question->verdict.kind) {
    case SIPXFER_VERDICT_NONE:
        sipxfer_pjsip_forget(question);
        return PJ_FALSE;
    case SIPXFER_VERDICT_ACCEPT:
        sipxfer_pjsip_wait(rdata, question);
        return PJ_FALSE;
    case SIPXFER_VERDICT_PENDING:
        if (!sipxfer_pjsip_keep(rdata, question->verdict.lookup))
            refuse_with(rdata, PJSIP_SC_SERVICE_UNAVAILABLE);
        sipxfer_pjsip_forget(question);
        return PJ_TRUE;
    default:
        refuse(rdata, &question->verdict);
        sipxfer_pjsip_forget(question);
        return PJ_TRUE;
    }
}

/* The dialog that a REFER came in, with a session count; NULL where pjsip is to answer it. */
static pjsip_dialog *dialog_of(pjsip_rx_data *rdata)
{
    pjsip_dialog *dialog = pjsip_ua_find_dialog(&rdata->msg_info.cid->id, &rdata->msg_info.to->tag,
                                                &rdata->msg_info.from->tag, PJ_TRUE);
    pj_bool_t fits;

    if (dialog == NULL)
        return NULL;
    fits = rdata->msg_info.cseq->cseq > dialog->remote.cseq &&
           pjsip_dlg_get_inv_session(dialog) != NULL;
    if (fits && !pjsip_dlg_has_usage(dialog, &sipxfer_pjsip_dialog_module))
        fits = pjsip_dlg_add_usage(dialog, &sipxfer_pjsip_dialog_module, NULL) == PJ_SUCCESS;
    if (fits)
        pjsip_dlg_inc_session(dialog, &sipxfer_pjsip_first_module);
    pjsip_dlg_dec_lock(dialog);
    return fits ? dialog : NULL;
}

static pj_bool_t on_refer(pjsip_rx_data *rdata)
{
    pj_bool_t inside = rdata->msg_info.to->tag.slen > 0;
    pjsip_dialog *dialog = inside ? dialog_of(rdata) : NULL;
    struct question *question;
    int32_t status;

    if (inside && dialog == NULL)
        return PJ_FALSE; /* 481, or 500 for its CSeq */
    sipxfer_pjsip_tally(&self.counters.referred, 1);
    question = sipxfer_pjsip_question(rdata, dialog);
    if (question == NULL) {
        if (dialog != NULL)
            pjsip_dlg_dec_session(dialog, &sipxfer_pjsip_first_module);
        return refuse_with(rdata, PJSIP_SC_SERVICE_UNAVAILABLE);
    }
    question->in_dialog = dialog;
    status = inside ? sipxfer_transfer_receive(self.engine, &question->request, 0,
                                               question->scratch, question->scratch_len,
                                               &question->verdict, &question->transfer)
                    : sipxfer_refer_route(self.engine, &question->request, 0, question->scratch,
                                          question->scratch_len, &question->verdict);
    if (status != SIPXFER_OK) { /* fails closed */
        sipxfer_pjsip_complain("a REFER", status);
        question->verdict.kind = SIPXFER_VERDICT_REJECT;
        question->verdict.code = PJSIP_SC_INTERNAL_SERVER_ERROR;
    }
    if (question->verdict.pin != 0)
        sipxfer_pjsip_tally(&self.counters.pinned, 1);
    if (inside) {
        sipxfer_pjsip_wait(rdata, question);
        return PJ_FALSE;
    }
    /* There is no dialog for its NOTIFYs here. */
    refuse(rdata, &question->verdict);
    sipxfer_pjsip_forget(question);
    return PJ_TRUE;
}

static pj_bool_t on_rx_request(pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;

    if (method->id == PJSIP_INVITE_METHOD)
        return on_invite(rdata);
    if (is_method(method, "REFER"))
        return on_refer(rdata);
    /* A subscription to a transfer comes from its REFER only (RFC 3515 section 2.4.4). */
    if (is_method(method, "SUBSCRIBE") && rdata->msg_info.to->tag.slen == 0 &&
        is_refer_event(rdata->msg_info.msg))
        return refuse_with(rdata, PJSIP_SC_FORBIDDEN);
    return PJ_FALSE;
}

/* In a dialog: these are answered below, when they have a transaction. */
static pj_bool_t on_dialog_request(pjsip_rx_data *rdata)
{
    const pjsip_method *method = &rdata->msg_info.msg->line.req.method;
    pjsip_dialog *dialog = pjsip_rdata_get_dlg(rdata);

    if (dialog == NULL || !pjsip_dlg_has_usage(dialog, &sipxfer_pjsip_dialog_module))
        return PJ_FALSE;
    return is_method(method, "REFER") ||
           (is_method(method, "SUBSCRIBE") && is_refer_event(rdata->msg_info.msg)) ||
           (is_method(method, "NOTIFY") && sipxfer_pjsip_refers_in(dialog));
}

/* Of requests that this side sends: the answer to a REFER, and that the call ends. */
static void on_own_request(pjsip_dialog *dialog, pjsip_transaction *tsx, const pjsip_event *event)
{
    pj_bool_t over = tsx->state == PJSIP_TSX_STATE_COMPLETED ||
                     (tsx->state == PJSIP_TSX_STATE_TERMINATED &&
                      event->body.tsx_state.prev_state != PJSIP_TSX_STATE_COMPLETED);

    if (over && is_method(&tsx->method, "REFER"))
        sipxfer_pjsip_refer_answered(dialog, tsx, event);
    else if (tsx->state == PJSIP_TSX_STATE_CALLING && is_method(&tsx->method, "BYE"))
        sipxfer_pjsip_refer_bye(dialog);
}

static void on_tsx_state(pjsip_transaction *tsx, pjsip_event *event)
{
    pjsip_dialog *dialog = pjsip_tsx_get_dlg(tsx);
    struct question *question;
    pjsip_rx_data *rdata;

    if (event->type != PJSIP_EVENT_TSX_STATE || dialog == NULL)
        return;
    if (tsx->role == PJSIP_ROLE_UAC) {
        on_own_request(dialog, tsx, event);
        return;
    }
    if (tsx->state != PJSIP_TSX_STATE_TRYING || event->body.tsx_state.type != PJSIP_EVENT_RX_MSG)
        return;
    rdata = event->body.tsx_state.src.rdata;
    if (is_method(&tsx->method, "BYE")) {
        sipxfer_pjsip_dialog_bye(dialog);
        sipxfer_pjsip_refer_bye(dialog);
    } else if (is_method(&tsx->method, "NOTIFY") && sipxfer_pjsip_refers_in(dialog)) {
        pjsip_dlg_respond(dialog, rdata, (int)sipxfer_pjsip_refer_notify(dialog, rdata), NULL, NULL,
                          NULL);
    } else if (is_method(&tsx->method, "SUBSCRIBE") && is_refer_event(rdata->msg_info.msg)) {
        sipxfer_pjsip_take_subscribe(dialog, tsx, rdata);
    } else if (is_method(&tsx->method, "REFER")) {
        question = sipxfer_pjsip_claim(rdata);
        if (question != NULL)
            sipxfer_pjsip_take_refer(dialog, tsx, rdata, question);
        else /* judged for nobody: nobody gets it */
            pjsip_dlg_respond(dialog, rdata, PJSIP_SC_SERVICE_UNAVAILABLE, NULL, NULL, NULL);
    }
}

static pj_bool_t allows(const char *method)
{
    const pjsip_generic_array_hdr *header =
        (const pjsip_generic_array_hdr *)pjsip_endpt_get_capability(self.endpoint, PJSIP_H_ALLOW,
                                                                    NULL);

    for (unsigned i = 0; header != NULL && i < header->count; i++)
        if (pj_stricmp2(&header->values[i], method) == 0)
            return PJ_TRUE;
    return PJ_FALSE;
}

pj_status_t sipxfer_pjsip_modules_init(void)
{
    pj_status_t status = PJ_SUCCESS;

    /* pjsip's own modules for subscriptions and REFER take one initialization each. */
    if (!allows("NOTIFY"))
        status = pjsip_evsub_init_module(self.endpoint);
    if (status == PJ_SUCCESS && !allows("REFER"))
        status = pjsip_xfer_init_module(self.endpoint);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_register_module(self.endpoint, &sipxfer_pjsip_dialog_module);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_register_module(self.endpoint, &sipxfer_pjsip_first_module);
    return status;
}

void sipxfer_pjsip_modules_close(void)
{
    sipxfer_pjsip_end_transfers();
    sipxfer_pjsip_end_refers();
    if (sipxfer_pjsip_first_module.id >= 0)
        pjsip_endpt_unregister_module(self.endpoint, &sipxfer_pjsip_first_module);
    if (sipxfer_pjsip_dialog_module.id >= 0)
        pjsip_endpt_unregister_module(self.endpoint, &sipxfer_pjsip_dialog_module);
}
