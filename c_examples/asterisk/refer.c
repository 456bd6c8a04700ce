/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A REFER inside a call: asked about, and answered. Runs under the lock of its dialog, and waits
 * for nothing.
 */
#include "module.h"

static void respond(struct ast_sip_session *session, pjsip_rx_data *rdata, int code,
                    const struct sipxfer_verdict *verdict)
{
    pjsip_dialog *dlg = session->inv_session->dlg;
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

static void explain(const struct asked *asked)
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
        explain(&asked);
        observe_expect(&asked);
    }
    asked_close(&asked);
    return 0;
}

int refer_request(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct asked asked;
    uint64_t id = 0;
    int32_t status;

    if (behaviour.off || settings_off(ast_sorcery_object_get_id(session->endpoint))) {
        return 0;
    }
    count(&stats.refers);
    if (behaviour.observe) {
        return observed(session, rdata);
    }
    if (session->channel == NULL && behaviour.compat) {
        count(&stats.refers_decided);
        respond(session, rdata, 404, NULL);
        return 1;
    }
    if (asked_open(&asked, rdata, session->endpoint, session)) {
        respond(session, rdata, 500, NULL);
        return 1;
    }
    /* By the dialplan function, by set_var, or by whoever has made the channel. */
    asked.request.handling =
        session->transferhandling_ari ? SIPXFER_HANDLING_APPLICATION : SIPXFER_HANDLING_SETTING;
    outputs_expect();
    status = sipxfer_transfer_receive(engine, &asked.request, 0, asked.scratch, asked.scratch_len,
                                      &asked.verdict, &id);
    if (status != SIPXFER_OK) {
        if (log_allowed()) {
            ast_log(LOG_ERROR, "sipxfer cannot decide about a REFER: %s\n",
                    sipxfer_strerror(status));
        }
        outputs_expected();
        respond(session, rdata, 500, NULL);
        asked_close(&asked);
        return 1;
    }
    count(&stats.refers_decided);
    explain(&asked);
    if (id != 0) {
        if (xfer_begin(&asked, id, by_application(session))) {
            respond(session, rdata, 500, NULL);
        }
    }
    outputs_expected();
    if (id != 0) {
        /* It has its answer. */
    } else if (asked.verdict.kind == SIPXFER_VERDICT_NONE && asked.verdict.code >= 200) {
        respond(session, rdata, (int)asked.verdict.code, &asked.verdict);
    } else {
        count(&stats.refused);
        respond(session, rdata, refusal_code(&asked.verdict), &asked.verdict);
    }
    asked_close(&asked);
    return 1;
}
