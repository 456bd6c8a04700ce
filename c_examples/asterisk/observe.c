/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mode = observe: what would have been answered is kept until res_pjsip_refer answers, and what the
 * target says until the transferor is told of it. A difference is logged. Nothing is changed.
 */
#include "module.h"

#include <pjsip_simple.h>

/* Answers that never came are forgotten when there are so many. */
#define MOST 4096

/* A request that has no answer yet; then, of a REFER that both accept, its transfer. */
struct expected {
    int code;
    uint32_t cseq;
    int invite;
    int told_of;  /* the transferor is to hear how it ends */
    int semi;     /* the target rings at the transferor's own call */
    int called;   /* a target has said something */
    int answered; /* ... and has answered */
    int failure;  /* what the targets have refused it with */
    int notifies;
    AST_DECLARE_STRING_FIELDS(AST_STRING_FIELD(call_id); AST_STRING_FIELD(endpoint);
                              AST_STRING_FIELD(why); AST_STRING_FIELD(linked););
};

static struct ao2_container *waiting; /* for an answer */
static struct ao2_container *pending; /* transfers */

AO2_STRING_FIELD_HASH_FN(expected, call_id)
AO2_STRING_FIELD_CMP_FN(expected, call_id)

static void expected_destroy(void *object)
{
    ast_string_field_free_memory((struct expected *)object);
}

/* What the transferor would hear: with plain codes the same as today, and nothing without progress.
 */
static void expect_outcome(struct expected *expected, const struct asked *asked)
{
    const struct sipxfer_verdict *verdict = &asked->verdict;

    if (expected->invite || asked->session == NULL || asked->session->channel == NULL ||
        verdict->code / 100 != 2 || !verdict->subscription || behaviour.plain_codes) {
        return;
    }
    expected->semi = verdict->kind == SIPXFER_VERDICT_LOCAL_ATTENDED &&
                     verdict->dialog_state == SIPXFER_DIALOG_EARLY && !behaviour.semi_at_once;
    expected->told_of =
        verdict->kind == SIPXFER_VERDICT_LOCAL_ATTENDED ||
        verdict->kind == SIPXFER_VERDICT_REMOTE_ATTENDED ||
        (verdict->kind == SIPXFER_VERDICT_BLIND && asked->endpoint->refer_blind_progress);
    ast_channel_lock(asked->session->channel);
    ast_string_field_set(expected, linked, ast_channel_linkedid(asked->session->channel));
    ast_channel_unlock(asked->session->channel);
}

void observe_expect(const struct asked *asked)
{
    const struct sipxfer_verdict *verdict = &asked->verdict;
    pjsip_rx_data *rdata = asked->rdata;
    struct expected *expected;
    char *call_id, *why;

    if (waiting == NULL || verdict->kind == SIPXFER_VERDICT_NONE ||
        verdict->kind == SIPXFER_VERDICT_PENDING) {
        return;
    }
    if (ao2_container_count(waiting) >= MOST) {
        ao2_callback(waiting, OBJ_UNLINK | OBJ_MULTIPLE | OBJ_NODATA, NULL, NULL);
    }
    expected = ao2_alloc(sizeof *expected, expected_destroy);
    if (expected == NULL) {
        return;
    }
    call_id = ast_strndup(rdata->msg_info.cid->id.ptr, rdata->msg_info.cid->id.slen);
    why = str_dup(verdict->why);
    if (call_id != NULL && why != NULL && !ast_string_field_init(expected, 128)) {
        ast_string_field_set(expected, call_id, call_id);
        ast_string_field_set(expected, why, why);
        ast_string_field_set(expected, endpoint,
                             asked->endpoint != NULL ? ast_sorcery_object_get_id(asked->endpoint)
                                                     : "");
        expected->code = verdict->kind == SIPXFER_VERDICT_CHALLENGE ? 403 : (int)verdict->code;
        expected->cseq = (uint32_t)rdata->msg_info.cseq->cseq;
        expected->invite = rdata->msg_info.msg->line.req.method.id == PJSIP_INVITE_METHOD;
        expect_outcome(expected, asked);
        ao2_link(waiting, expected);
    }
    ast_free(call_id);
    ast_free(why);
    ao2_ref(expected, -1);
}

/* 202 and 200 are the same; so are two refusals with the same code. */
static int is_same(int one, int other)
{
    return one == other || (one / 100 == 2 && other / 100 == 2);
}

static pj_status_t on_tx_response(pjsip_tx_data *tdata)
{
    const pjsip_cseq_hdr *cseq;
    const pjsip_cid_hdr *cid;
    struct expected *expected;
    int code = tdata->msg->line.status.code;
    char call_id[512];

    if (waiting == NULL || code < 200 || ao2_container_count(waiting) == 0) {
        return PJ_SUCCESS;
    }
    cseq = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CSEQ, NULL);
    cid = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CALL_ID, NULL);
    if (cseq == NULL || cid == NULL || (size_t)cid->id.slen >= sizeof call_id) {
        return PJ_SUCCESS;
    }
    ast_copy_pj_str(call_id, &cid->id, sizeof call_id);
    expected = ao2_find(waiting, call_id, OBJ_SEARCH_KEY);
    if (expected == NULL) {
        return PJ_SUCCESS;
    }
    if (expected->cseq == (uint32_t)cseq->cseq &&
        (expected->invite ? cseq->method.id == PJSIP_INVITE_METHOD
                          : !pj_stricmp2(&cseq->method.name, "REFER"))) {
        ao2_unlink(waiting, expected);
        if (!is_same(code, expected->code)) {
            count(&stats.differences);
            if (log_allowed()) {
                ast_log(LOG_NOTICE,
                        "sipxfer observes: %s of %s was answered with %d and would have been with "
                        "%d: %s\n",
                        expected->invite ? "INVITE with Replaces" : "REFER",
                        S_OR(expected->endpoint, "a stranger"), code, expected->code,
                        expected->why);
            }
        } else if (expected->told_of) {
            if (ao2_container_count(pending) >= MOST) {
                ao2_callback(pending, OBJ_UNLINK | OBJ_MULTIPLE | OBJ_NODATA, NULL, NULL);
            }
            ao2_link(pending, expected);
        }
    }
    ao2_ref(expected, -1);
    return PJ_SUCCESS;
}

/* ---- what the transferor is told of it ---- */

static int is_linked(void *object, void *arg, int flags)
{
    return !strcmp(((const struct expected *)object)->linked, arg) ? CMP_MATCH | CMP_STOP : 0;
}

void observe_target(struct ast_channel *chan, int code)
{
    struct expected *expected;

    if (pending == NULL || ao2_container_count(pending) == 0) {
        return;
    }
    expected = ao2_callback(pending, 0, is_linked, (void *)ast_channel_linkedid(chan));
    if (expected == NULL) {
        return;
    }
    ao2_lock(expected);
    expected->called = 1;
    if (code / 100 == 2) {
        expected->answered = 1;
    } else if (code >= 300 && answer_says_more(code, expected->failure)) {
        expected->failure = code;
    }
    ao2_unlock(expected);
    ao2_ref(expected, -1);
}

/* The end of the subscription: by then the target has said what it says. */
static void compare_outcome(struct expected *expected, int code)
{
    const char *would = NULL;
    char said[64];

    ao2_lock(expected);
    if (code / 100 == 2 && !expected->answered && (expected->semi || expected->called)) {
        would = "the target has not answered yet";
    } else if (code >= 300 && expected->failure != 0 && code != expected->failure) {
        snprintf(said, sizeof said, "the target has said %d", expected->failure);
        would = said;
    } else if (expected->notifies == 1) {
        would = "100 would have been told before";
    }
    ao2_unlock(expected);
    if (would == NULL) {
        return;
    }
    count(&stats.differences);
    if (log_allowed()) {
        ast_log(LOG_NOTICE, "sipxfer observes: %s was told that its transfer came to %d, and %s\n",
                S_OR(expected->endpoint, "a stranger"), code, would);
    }
}

static pj_status_t on_tx_request(pjsip_tx_data *tdata)
{
    static const pj_str_t state_name = {"Subscription-State", 18};
    const pjsip_sub_state_hdr *state;
    const pjsip_cid_hdr *cid;
    struct sipxfer_sipfrag fragment;
    struct expected *expected;
    char call_id[512];

    if (pending == NULL || ao2_container_count(pending) == 0 ||
        pjsip_method_cmp(&tdata->msg->line.req.method, pjsip_get_notify_method())) {
        return PJ_SUCCESS;
    }
    cid = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CALL_ID, NULL);
    if (cid == NULL || (size_t)cid->id.slen >= sizeof call_id) {
        return PJ_SUCCESS;
    }
    ast_copy_pj_str(call_id, &cid->id, sizeof call_id);
    expected = ao2_find(pending, call_id, OBJ_SEARCH_KEY);
    if (expected == NULL) {
        return PJ_SUCCESS;
    }
    ao2_lock(expected);
    expected->notifies++;
    ao2_unlock(expected);
    state = pjsip_msg_find_hdr_by_name(tdata->msg, &state_name, NULL);
    if (state != NULL && !pj_stricmp2(&state->sub_state, "terminated")) {
        ao2_unlink(pending, expected);
        SIPXFER_INIT(fragment);
        if (tdata->msg->body != NULL && tdata->msg->body->data != NULL &&
            sipxfer_sipfrag_parse(tdata->msg->body->data, tdata->msg->body->len, &fragment, NULL) ==
                SIPXFER_OK) {
            compare_outcome(expected, (int)fragment.code);
        }
    }
    ao2_ref(expected, -1);
    return PJ_SUCCESS;
}

static pjsip_module observe_module = {
    .name = {"sipxfer observe", 15},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_tx_request = on_tx_request,
    .on_tx_response = on_tx_response,
};

int observe_init(void)
{
    waiting = ao2_container_alloc_hash(AO2_ALLOC_OPT_LOCK_MUTEX, 0, 257, expected_hash_fn, NULL,
                                       expected_cmp_fn);
    pending = ao2_container_alloc_hash(AO2_ALLOC_OPT_LOCK_MUTEX, 0, 257, expected_hash_fn, NULL,
                                       expected_cmp_fn);
    return waiting == NULL || pending == NULL ? -1 : ast_sip_register_service(&observe_module);
}

void observe_exit(void)
{
    if (observe_module.id >= 0) {
        ast_sip_unregister_service(&observe_module);
    }
    ao2_cleanup(waiting);
    ao2_cleanup(pending);
    waiting = pending = NULL;
}
