/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A REFER inside a call: asked about, and answered. Runs under the lock of its dialog, and waits
 * for nothing.
 */
#include "module.h"

static void respond(pjsip_dialog *dlg, pjsip_rx_data *rdata, int code,
                    const struct sipxfer_verdict *verdict)
{
    pjsip_tx_data *tdata;
    pj_str_t reason = {NULL, 0};

    if (verdict != NULL && verdict->code == (uint32_t)code && verdict->reason.len > 0) {
        reason = str_pj(verdict->reason);
    }
    if (pjsip_dlg_create_response(dlg, rdata, code, reason.slen > 0 ? &reason : NULL, &tdata) !=
        PJ_SUCCESS) {
        pjsip_dlg_respond(dlg, rdata, 500, NULL, NULL, NULL);
        return;
    }
    if (verdict != NULL) {
        verdict_headers(verdict, tdata);
    }
    pjsip_dlg_send_response(dlg, pjsip_rdata_get_tsx(rdata), tdata);
}

/* An endpoint with a password has been challenged before; one without cannot be. */
static int refusal_code(const struct sipxfer_verdict *verdict)
{
    return verdict->kind == SIPXFER_VERDICT_CHALLENGE || verdict->code < 300 ? 403
                                                                             : (int)verdict->code;
}

void asked_explain(const struct asked *asked)
{
    const struct sipxfer_verdict *verdict = &asked->verdict;
    char rules[SIPXFER_MAX_RULES * 5 + 1] = "";

    if (!VERBOSITY_ATLEAST(4) && !DEBUG_ATLEAST(1)) {
        return;
    }
    for (uint32_t i = 0; i < verdict->rule_count && i < SIPXFER_MAX_RULES; i++) {
        snprintf(rules + strlen(rules), sizeof rules - strlen(rules), " R%03u", verdict->rules[i]);
    }
    if (log_allowed()) {
        ast_verb(4, "sipxfer: %s %u%s: %.*s\n", sipxfer_verdict_name(verdict->kind), verdict->code,
                 rules, SIPXFER_ARG(verdict->why));
        ast_debug(1, "sipxfer: %s %u%s: %.*s\n", sipxfer_verdict_name(verdict->kind), verdict->code,
                  rules, SIPXFER_ARG(verdict->why));
    }
}

static int by_application(const struct ast_sip_session *session)
{
    char *value;
    int result;

    if (session->transferhandling_ari) {
        return 1;
    }
    value = settings_value(ast_sorcery_object_get_id(session->endpoint), "transfer_handling");
    result = value != NULL && !strcmp(value, "application-only");
    ast_free(value);
    return result;
}

static int observed(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct asked asked;

    if (asked_open(&asked, rdata, session->endpoint, session)) {
        return 0;
    }
    if (sipxfer_refer_route(engine, &asked.request, 0, asked.scratch, asked.scratch_len,
                            &asked.verdict) == SIPXFER_OK) {
        count(&stats.refers_decided);
        asked_explain(&asked);
        observe_expect(&asked);
    }
    asked_close(&asked);
    return 0;
}

/* Decides, answers, and begins what is accepted. With the lock of the dialog that the answer goes
 * out in, in the serializer of the session. */
static void decide(struct asked *asked)
{
    struct ast_sip_session *session = asked->session;
    uint64_t id = 0;
    int32_t status;

    if (asked_too_long(asked)) {
        count(&stats.refers_decided);
        count(&stats.refused);
        respond(asked->dlg, asked->rdata, 400, NULL);
        return;
    }
    /* By the dialplan function, by set_var, or by whoever has made the channel. */
    asked->request.handling =
        session->transferhandling_ari ? SIPXFER_HANDLING_APPLICATION : SIPXFER_HANDLING_SETTING;
    outputs_expect();
    status = sipxfer_transfer_receive(engine, &asked->request, 0, asked->scratch,
                                      asked->scratch_len, &asked->verdict, &id);
    if (status != SIPXFER_OK) {
        if (log_allowed()) {
            ast_log(LOG_ERROR, "sipxfer cannot decide about a REFER: %s\n",
                    sipxfer_strerror(status));
        }
        outputs_expected();
        respond(asked->dlg, asked->rdata, 500, NULL);
        return;
    }
    count(&stats.refers_decided);
    asked_explain(asked);
    if (id != 0) {
        if (xfer_begin(asked, id, by_application(session))) {
            respond(asked->dlg, asked->rdata, 500, NULL);
        }
    }
    outputs_expected();
    if (id != 0) {
        /* It has its answer. */
    } else if (asked->verdict.kind == SIPXFER_VERDICT_NONE && asked->verdict.code >= 200) {
        respond(asked->dlg, asked->rdata, (int)asked->verdict.code, &asked->verdict);
    } else {
        count(&stats.refused);
        respond(asked->dlg, asked->rdata, refusal_code(&asked->verdict), &asked->verdict);
    }
}

int refer_request(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct asked asked;

    if (behaviour.off || settings_off(ast_sorcery_object_get_id(session->endpoint))) {
        return 0;
    }
    count(&stats.refers);
    if (behaviour.observe) {
        return observed(session, rdata);
    }
    if (session->channel == NULL && !behaviour.keep) {
        count(&stats.refers_decided);
        respond(session->inv_session->dlg, rdata, 404, NULL);
        return 1;
    }
    if (asked_open(&asked, rdata, session->endpoint, session)) {
        respond(session->inv_session->dlg, rdata, 500, NULL);
        return 1;
    }
    decide(&asked);
    asked_close(&asked);
    return 1;
}

/* ---- outside of the call that it is about (RFC 4538) ---- */

struct beside {
    pjsip_rx_data *rdata; /* its own copy */
    struct ast_sip_endpoint *endpoint;
    struct leg *leg;
};

static void beside_free(struct beside *beside)
{
    if (beside->rdata != NULL) {
        pjsip_rx_data_free_cloned(beside->rdata);
    }
    ao2_cleanup(beside->endpoint);
    ao2_cleanup(beside->leg);
    ast_free(beside);
}

/* In the serializer of the session that it is about, with no lock: the REFER makes a dialog of its
 * own, for its answer and its NOTIFYs. */
static int beside_task(void *data)
{
    struct beside *beside = data;
    pj_status_t status = PJ_SUCCESS;
    pjsip_dialog *dlg = ast_sip_create_dialog_uas_locked(beside->endpoint, beside->rdata, &status);
    struct asked asked;

    if (dlg == NULL) {
        if (status != PJ_EEXISTS) { /* else sent again while the first waited its turn */
            pjsip_endpt_respond_stateless(ast_sip_get_pjsip_endpoint(), beside->rdata, 500, NULL,
                                          NULL, NULL);
        }
        beside_free(beside);
        return 0;
    }
    count(&stats.refers);
    ast_sip_dialog_set_serializer(dlg, beside->leg->session->serializer);
    ast_sip_dialog_set_endpoint(dlg, beside->endpoint);
    if (asked_open(&asked, beside->rdata, beside->endpoint, NULL)) {
        respond(dlg, beside->rdata, 500, NULL);
    } else if (beside->leg->ended) {
        respond(dlg, beside->rdata, 481, NULL);
        asked_close(&asked);
    } else {
        asked_about(&asked, beside->leg);
        asked.dlg = dlg;
        decide(&asked);
        asked_close(&asked);
    }
    pjsip_dlg_dec_lock(dlg);
    beside_free(beside);
    return 0;
}

static int has_contact(const pjsip_rx_data *rdata)
{
    pjsip_contact_hdr *contact = pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_CONTACT, NULL);

    return contact != NULL && !contact->star && contact->uri != NULL &&
           (PJSIP_URI_SCHEME_IS_SIP(contact->uri) || PJSIP_URI_SCHEME_IS_SIPS(contact->uri));
}

int refer_beside(pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint)
{
    struct sipxfer_target_dialog named;
    struct sipxfer_dialog_key key;
    struct sipxfer_str value;
    struct beside *beside;
    struct leg *leg;

    SIPXFER_INIT(named);
    SIPXFER_INIT(key);
    if (behaviour.observe || !has_contact(rdata) ||
        sipxfer_message_header(rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len,
                               SIPXFER_LIT("Target-Dialog"), 0, &value) != SIPXFER_OK ||
        sipxfer_target_dialog_parse(value.ptr, value.len, &named, NULL) != SIPXFER_OK) {
        return -1;
    }
    key.call_id = named.call_id;
    key.local_tag = named.local_tag;
    key.remote_tag = named.remote_tag;
    leg = leg_by_key(&key);
    if (leg == NULL) {
        return -1;
    }
    beside = ast_calloc(1, sizeof *beside);
    if (beside == NULL) {
        ao2_ref(leg, -1);
        return -1;
    }
    beside->leg = leg;
    beside->endpoint = ao2_bump(endpoint);
    if (pjsip_rx_data_clone(rdata, 0, &beside->rdata) != PJ_SUCCESS ||
        ast_sip_push_task(leg->session->serializer, beside_task, beside)) {
        beside_free(beside);
        return -1;
    }
    return 0;
}
