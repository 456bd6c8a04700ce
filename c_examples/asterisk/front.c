/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What has to be seen before a dialog or a session gets it: Replaces in any request, REFER outside
 * of a call, SUBSCRIBE for the subscription of a REFER. Runs behind Asterisk's authentication, in
 * the serializer of the dialog, with no lock held.
 */
#include "module.h"

#include "asterisk/pbx.h"
#include "asterisk/threadpool.h"

/* The INVITE that this thread is about to hand on, and the leg that it may take over. */
struct claim {
    const pjsip_rx_data *rdata;
    uint64_t leg;
    char context[AST_MAX_CONTEXT];
    char extension[AST_MAX_EXTENSION]; /* that was made for it, or empty */
};

static __thread struct claim claim;

static void claim_end(void)
{
    if (claim.extension[0] != '\0') {
        ast_context_remove_extension(claim.context, claim.extension, 1, AST_MODULE);
        claim.extension[0] = '\0';
    }
    claim.rdata = NULL;
    claim.leg = 0;
}

uint64_t front_claimed(pjsip_rx_data *rdata)
{
    uint64_t leg = claim.rdata == rdata ? claim.leg : 0;

    claim_end();
    return leg;
}

static int has_header(const pjsip_rx_data *rdata, const char *name)
{
    pj_str_t wanted = pj_str((char *)name);

    return pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &wanted, NULL) != NULL;
}

static int is_method(const pjsip_rx_data *rdata, const char *name)
{
    return !pj_stricmp2(&rdata->msg_info.msg->line.req.method.name, name);
}

/* With a transaction, so that it is sent again and its ACK is taken. Not by Asterisk's function for
 * this, which wants an endpoint. */
static void send_response(pjsip_rx_data *rdata, pjsip_tx_data *tdata)
{
    pjsip_transaction *tsx = NULL;
    pjsip_response_addr to;

    if (pjsip_tsx_create_uas2(&front_module, rdata, NULL, &tsx) == PJ_SUCCESS) {
        pjsip_tsx_recv_msg(tsx, rdata);
        if (pjsip_tsx_send_msg(tsx, tdata) == PJ_SUCCESS) {
            return;
        }
        pjsip_tsx_terminate(tsx, 500);
    } else if (pjsip_get_response_addr(tdata->pool, rdata, &to) == PJ_SUCCESS &&
               pjsip_endpt_send_response(ast_sip_get_pjsip_endpoint(), &to, tdata, NULL, NULL) ==
                   PJ_SUCCESS) {
        return;
    }
    pjsip_tx_data_dec_ref(tdata);
}

static void refuse(pjsip_rx_data *rdata, int code, const struct sipxfer_verdict *verdict)
{
    pjsip_endpoint *endpoint = ast_sip_get_pjsip_endpoint();
    pjsip_tx_data *tdata;
    pj_str_t reason = {NULL, 0};

    if (verdict != NULL && verdict->code == (uint32_t)code && verdict->reason.len > 0) {
        reason = str_pj(verdict->reason);
    }
    if (pjsip_endpt_create_response(endpoint, rdata, code, reason.slen > 0 ? &reason : NULL,
                                    &tdata) != PJ_SUCCESS) {
        return;
    }
    if (verdict != NULL) {
        verdict_headers(verdict, tdata);
    }
    send_response(rdata, tdata);
}

/* The dialog is on another node: its sender goes there, with the Replaces. */
static void redirect(pjsip_rx_data *rdata, const struct sipxfer_verdict *verdict)
{
    pjsip_tx_data *tdata;
    pjsip_contact_hdr *contact;
    char *target;

    if (pjsip_endpt_create_response(ast_sip_get_pjsip_endpoint(), rdata, (int)verdict->code, NULL,
                                    &tdata) != PJ_SUCCESS) {
        refuse(rdata, 500, NULL);
        return;
    }
    contact = pjsip_contact_hdr_create(tdata->pool);
    target = pj_pool_alloc(tdata->pool, verdict->target.len + 1);
    memcpy(target, verdict->target.ptr, verdict->target.len);
    target[verdict->target.len] = '\0';
    contact->uri =
        pjsip_parse_uri(tdata->pool, target, verdict->target.len, PJSIP_PARSE_URI_AS_NAMEADDR);
    if (contact->uri == NULL) {
        pjsip_tx_data_dec_ref(tdata);
        refuse(rdata, 500, NULL);
        return;
    }
    pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)contact);
    send_response(rdata, tdata);
}

static int code_of(const struct sipxfer_verdict *verdict)
{
    if (verdict->kind == SIPXFER_VERDICT_CHALLENGE) {
        return 403; /* whoever has a password has been asked for it before */
    }
    return verdict->code >= 300 ? (int)verdict->code : 500;
}

/* The extension of the Request-URI as the session layer will look for it. */
static int destination(const pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint,
                       char *extension, size_t size)
{
    pjsip_uri *uri = rdata->msg_info.msg->line.req.uri;
    const pj_str_t *user = ast_sip_pjsip_uri_get_username(uri);

    if (user == NULL || (size_t)user->slen >= size) {
        return 0;
    }
    ast_copy_pj_str(extension, user, size);
    AST_SIP_USER_OPTIONS_TRUNCATE_CHECK(extension);
    return ast_exists_extension(NULL, endpoint->context, S_OR(extension, "s"), 1, NULL);
}

/* Behind the request that it stood in for, also where the session layer did not take that. */
static int stood_in(void *data)
{
    struct claim *done = data;

    ast_context_remove_extension(done->context, done->extension, 1, AST_MODULE);
    ast_free(done);
    return 0;
}

/* The session layer asks for the extension of the Request-URI before anybody may look at Replaces.
 * Where Replaces alone decides, one that nobody can guess stands in for the time of this request.
 */
static int stand_in(pjsip_rx_data *rdata, const struct ast_sip_endpoint *endpoint)
{
    pjsip_uri *uri = rdata->msg_info.msg->line.req.uri;
    pjsip_sip_uri *sip;
    struct claim *done;
    struct ast_taskprocessor *here = ast_threadpool_serializer_get_current();
    char name[AST_UUID_STR_LEN];

    if (!PJSIP_URI_SCHEME_IS_SIP(uri) && !PJSIP_URI_SCHEME_IS_SIPS(uri)) {
        return -1;
    }
    ast_uuid_generate_str(name, sizeof name);
    ast_copy_string(claim.context, endpoint->context, sizeof claim.context);
    snprintf(claim.extension, sizeof claim.extension, "replaces-%s", name);
    if (ast_context_find_or_create(NULL, NULL, claim.context, AST_MODULE) == NULL ||
        ast_add_extension(claim.context, 1, claim.extension, 1, NULL, NULL, "Hangup", NULL, NULL,
                          AST_MODULE)) {
        claim.extension[0] = '\0';
        return -1;
    }
    done = here != NULL ? ast_malloc(sizeof *done) : NULL;
    if (done != NULL) {
        *done = claim;
        if (ast_sip_push_task(here, stood_in, done)) {
            ast_free(done);
        }
    }
    sip = pjsip_uri_get_uri(uri);
    pj_strdup2(rdata->tp_info.pool, &sip->user, claim.extension);
    return 0;
}

/* Nothing is done here: what today's module answers is compared. */
static int observed(const struct asked *asked)
{
    if (behaviour.observe) {
        observe_expect(asked);
    }
    return behaviour.observe;
}

/* PJ_TRUE where the request has had its answer. */
static pj_bool_t replaces(pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint, int again)
{
    int invite = is_method(rdata, "INVITE"), in_dialog = rdata->msg_info.to->tag.slen > 0;
    char extension[AST_MAX_EXTENSION] = "";
    struct asked asked;
    pj_bool_t done = PJ_FALSE;

    if (invite && !again) {
        count(&stats.replaces);
    }
    if (asked_open(&asked, rdata, endpoint, NULL)) {
        refuse(rdata, 500, NULL);
        return PJ_TRUE;
    }
    if (asked_too_long(&asked) && !behaviour.observe) {
        if (invite) {
            count(&stats.replaces_decided);
        }
        count(&stats.refused);
        refuse(rdata, 400, NULL);
        asked_close(&asked);
        return PJ_TRUE;
    }
    if (sipxfer_replaces_verify_request(engine, &asked.request, 0, asked.scratch, asked.scratch_len,
                                        &asked.verdict) != SIPXFER_OK) {
        refuse(rdata, 500, NULL);
        asked_close(&asked);
        return PJ_TRUE;
    }
    if (invite) {
        count(&stats.replaces_decided);
    }
    if (observed(&asked)) {
        asked_close(&asked);
        return PJ_FALSE;
    }
    asked_explain(&asked);
    switch (asked.verdict.kind) {
    case SIPXFER_VERDICT_NONE:
        break;
    case SIPXFER_VERDICT_ACCEPT:
        if (!endpoint->allowtransfer && behaviour.transfer_covers) {
            if (log_allowed()) {
                ast_log(LOG_WARNING,
                        "Endpoint %s may not transfer: INVITE with Replaces is refused\n",
                        ast_sorcery_object_get_id(endpoint));
            }
            count(&stats.refused);
            refuse(rdata, 403, NULL);
            done = PJ_TRUE;
            break;
        }
        if (!destination(rdata, endpoint, extension, sizeof extension) &&
            stand_in(rdata, endpoint)) {
            refuse(rdata, 404, NULL);
            done = PJ_TRUE;
            break;
        }
        claim.rdata = rdata;
        claim.leg = ((const struct leg *)asked.verdict.dialog)->number;
        break;
    case SIPXFER_VERDICT_PENDING:
        done = PJ_TRUE;
        if (cluster_wait(rdata, endpoint, asked.verdict.lookup)) {
            refuse(rdata, 503, NULL);
        }
        break;
    case SIPXFER_VERDICT_REMOTE_NODE:
        redirect(rdata, &asked.verdict);
        done = PJ_TRUE;
        break;
    default:
        if (behaviour.in_dialog_ends && invite && in_dialog) {
            break; /* as today: the session is told, and ends */
        }
        count(&stats.refused);
        refuse(rdata, code_of(&asked.verdict), &asked.verdict);
        done = PJ_TRUE;
        break;
    }
    asked_close(&asked);
    return done;
}

void front_go_on(pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint)
{
    pjsip_process_rdata_param param;
    pj_bool_t handled = PJ_FALSE;

    if (replaces(rdata, endpoint, 1)) {
        return;
    }
    pjsip_process_rdata_param_default(&param);
    param.start_mod = &front_module;
    param.idx_after_start = 1;
    pjsip_endpt_process_rx_data(ast_sip_get_pjsip_endpoint(), rdata, &param, &handled);
    claim_end();
    if (!handled) {
        refuse(rdata, 501, NULL);
    }
}

/* A REFER outside of its call, or of any. Where it names no call there is no channel that it could
 * be about: what the library would allow is still refused here. */
static pj_bool_t refer_outside(pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint)
{
    struct asked asked;

    if (!refer_beside(rdata, endpoint)) {
        return PJ_TRUE;
    }
    count(&stats.refers);
    if (asked_open(&asked, rdata, endpoint, NULL)) {
        refuse(rdata, 500, NULL);
        return PJ_TRUE;
    }
    if (sipxfer_refer_route(engine, &asked.request, 0, asked.scratch, asked.scratch_len,
                            &asked.verdict) == SIPXFER_OK) {
        count(&stats.refers_decided);
        if (observed(&asked)) {
            asked_close(&asked);
            return PJ_FALSE;
        }
        count(&stats.refused);
        refuse(rdata, asked.verdict.code >= 300 ? code_of(&asked.verdict) : 403, &asked.verdict);
    } else {
        refuse(rdata, 500, NULL);
    }
    asked_close(&asked);
    return PJ_TRUE;
}

/* Whether a SUBSCRIBE is for the subscription of a REFER, and the id in its Event or 0. */
static int is_refer_event(const pjsip_rx_data *rdata, unsigned int *id)
{
    struct sipxfer_event_header event;
    struct sipxfer_str value;
    char digits[12] = "";

    SIPXFER_INIT(event);
    if (sipxfer_message_header(rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len,
                               SIPXFER_LIT("Event"), 0, &value) != SIPXFER_OK ||
        sipxfer_event_header_parse(value.ptr, value.len, &event, NULL) != SIPXFER_OK ||
        !str_is(event.package, "refer")) {
        return 0;
    }
    if (event.id.len > 0 && event.id.len < sizeof digits) {
        memcpy(digits, event.id.ptr, event.id.len);
        sscanf(digits, "%10u", id);
    }
    return 1;
}

/* SUBSCRIBE with Event: refer inside a dialog (RFC 3515 section 2.4.4). */
static pj_bool_t subscribe(pjsip_rx_data *rdata)
{
    pjsip_expires_hdr *expires = pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_EXPIRES, NULL);
    struct sipxfer_dialog_key key;
    pjsip_tx_data *tdata;
    uint64_t transfer = 0;
    uint32_t granted = 0;
    unsigned int event_id = 0;
    pjsip_dialog *dlg;

    if (!is_refer_event(rdata, &event_id)) {
        return PJ_FALSE;
    }
    SIPXFER_INIT(key);
    key.call_id.ptr = rdata->msg_info.cid->id.ptr;
    key.call_id.len = (size_t)rdata->msg_info.cid->id.slen;
    key.local_tag.ptr = rdata->msg_info.to->tag.ptr;
    key.local_tag.len = (size_t)rdata->msg_info.to->tag.slen;
    key.remote_tag.ptr = rdata->msg_info.from->tag.ptr;
    key.remote_tag.len = (size_t)rdata->msg_info.from->tag.slen;
    if (sipxfer_transfer_find(engine, &key, event_id, &transfer) != SIPXFER_OK &&
        pjsip_ua_find_dialog(&rdata->msg_info.cid->id, &rdata->msg_info.to->tag,
                             &rdata->msg_info.from->tag, PJ_FALSE) != NULL) {
        /* The dialog that a REFER made, which had no tag of ours when it came. */
        key.local_tag.len = 0;
        sipxfer_transfer_find(engine, &key, event_id, &transfer);
    }
    if (transfer == 0 && !replaces_refer) {
        return PJ_FALSE; /* a subscription of res_pjsip_refer's, maybe */
    }
    if (transfer == 0 ||
        sipxfer_transfer_subscribe(engine, transfer,
                                   expires != NULL ? (uint32_t)expires->ivalue : UINT32_MAX,
                                   clock_ms(), &granted) != SIPXFER_OK) {
        refuse(rdata, 403, NULL);
        return PJ_TRUE;
    }
    dlg = pjsip_ua_find_dialog(&rdata->msg_info.cid->id, &rdata->msg_info.to->tag,
                               &rdata->msg_info.from->tag, PJ_TRUE);
    if (dlg == NULL) {
        refuse(rdata, 481, NULL);
    } else if (pjsip_endpt_create_response(ast_sip_get_pjsip_endpoint(), rdata, 200, NULL,
                                           &tdata) != PJ_SUCCESS) {
        pjsip_dlg_dec_lock(dlg);
        refuse(rdata, 500, NULL);
    } else {
        pjsip_expires_hdr *told = pjsip_expires_hdr_create(tdata->pool, granted);

        pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)told);
        pjsip_msg_add_hdr(tdata->msg, pjsip_hdr_clone(tdata->pool, dlg->local.contact));
        pjsip_dlg_dec_lock(dlg);
        send_response(rdata, tdata);
    }
    outputs_take(transfer);
    return PJ_TRUE;
}

static struct ast_sip_endpoint *endpoint_of(pjsip_rx_data *rdata)
{
    int method = rdata->msg_info.msg->line.req.method.id;
    struct ast_sip_endpoint *endpoint;

    if (behaviour.off || method == PJSIP_ACK_METHOD || method == PJSIP_CANCEL_METHOD ||
        rdata->msg_info.to == NULL || rdata->msg_info.from == NULL || rdata->msg_info.cid == NULL) {
        return NULL;
    }
    endpoint = ast_pjsip_rdata_get_endpoint(rdata);
    if (endpoint != NULL && settings_off(ast_sorcery_object_get_id(endpoint))) {
        ao2_ref(endpoint, -1);
        return NULL;
    }
    return endpoint;
}

/* Inside a dialog nobody is challenged by Asterisk, and nothing is granted here either. */
static pj_bool_t inside(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint;
    pj_bool_t done = PJ_FALSE;

    if (rdata->msg_info.to == NULL || rdata->msg_info.from == NULL || rdata->msg_info.cid == NULL ||
        rdata->msg_info.to->tag.slen == 0) {
        return PJ_FALSE;
    }
    if (is_method(rdata, "SUBSCRIBE")) {
        /* A transfer that was begun goes on, also when the module was turned off since. */
        return subscribe(rdata);
    }
    if (!has_header(rdata, "Replaces") || (endpoint = endpoint_of(rdata)) == NULL) {
        return PJ_FALSE;
    }
    if (!is_method(rdata, "REFER")) {
        done = replaces(rdata, endpoint, 0);
    }
    ao2_ref(endpoint, -1);
    return done;
}

static pj_bool_t outside(pjsip_rx_data *rdata)
{
    struct ast_sip_endpoint *endpoint;
    unsigned int event_id = 0;
    pj_bool_t done = PJ_FALSE;

    /* Of a request before this one, which the session layer did not take: another request may lie
     * where that one lay. */
    claim_end();
    if (rdata->msg_info.to == NULL || rdata->msg_info.to->tag.slen > 0 ||
        (!has_header(rdata, "Replaces") && !is_method(rdata, "REFER") &&
         !is_method(rdata, "SUBSCRIBE")) ||
        (endpoint = endpoint_of(rdata)) == NULL) {
        return PJ_FALSE;
    }
    if (is_method(rdata, "SUBSCRIBE") && is_refer_event(rdata, &event_id)) {
        /* Only a REFER makes such a subscription (RFC 3515 section 2.4.4). */
        if (!behaviour.leaves_outside && replaces_refer) {
            refuse(rdata, 403, NULL);
            done = PJ_TRUE;
        }
    } else if (is_method(rdata, "SUBSCRIBE") && !has_header(rdata, "Replaces")) {
        done = PJ_FALSE;
    } else if (!is_method(rdata, "REFER")) {
        done = replaces(rdata, endpoint, 0);
    } else if (!behaviour.leaves_outside) {
        done = refer_outside(rdata, endpoint);
    }
    ao2_ref(endpoint, -1);
    return done;
}

/* Behind the transaction layer, which takes what is sent again, and before the dialogs. */
pjsip_module inside_module = {
    .name = {"sipxfer inside", 14},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_TSX_LAYER + 1,
    .on_rx_request = inside,
};

/* Behind Asterisk's authentication, and before its sessions. */
pjsip_module front_module = {
    .name = {"sipxfer front", 13},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION - 1,
    .on_rx_request = outside,
};

/* In the dialogs of transferors: the answers to our NOTIFYs. */
pjsip_module usage_module = {
    .name = {"sipxfer usage", 13},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_tsx_state = notify_answered,
};
