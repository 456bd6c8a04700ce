/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mode = observe: what would have been answered is kept until res_pjsip_refer answers, and a
 * difference is logged. Nothing is changed.
 */
#include "module.h"

/* Answers that never came are forgotten when there are so many. */
#define MOST 4096

struct expected {
    int code;
    uint32_t cseq;
    int invite;
    AST_DECLARE_STRING_FIELDS(AST_STRING_FIELD(call_id); AST_STRING_FIELD(endpoint);
                              AST_STRING_FIELD(why););
};

static struct ao2_container *waiting;

AO2_STRING_FIELD_HASH_FN(expected, call_id)
AO2_STRING_FIELD_CMP_FN(expected, call_id)

static void expected_destroy(void *object)
{
    ast_string_field_free_memory((struct expected *)object);
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
        }
    }
    ao2_ref(expected, -1);
    return PJ_SUCCESS;
}

static pjsip_module observe_module = {
    .name = {"sipxfer observe", 15},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
    .on_tx_response = on_tx_response,
};

int observe_init(void)
{
    waiting = ao2_container_alloc_hash(AO2_ALLOC_OPT_LOCK_MUTEX, 0, 257, expected_hash_fn, NULL,
                                       expected_cmp_fn);
    return waiting == NULL ? -1 : ast_sip_register_service(&observe_module);
}

void observe_exit(void)
{
    if (observe_module.id >= 0) {
        ast_sip_unregister_service(&observe_module);
    }
    ao2_cleanup(waiting);
    waiting = NULL;
}
