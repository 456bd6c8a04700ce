/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The INVITE dialogs of this Asterisk, kept in the library's own table. Sessions report themselves
 * by a supplement, so that no request makes anybody look for a dialog, or wait for its lock.
 */
#include "module.h"

static struct ao2_container *legs;
static int numbers; /* of legs; below 2^31 in one life of Asterisk's, and a clash is harmless */

static int leg_hash_number(const void *object, int flags)
{
    if ((flags & OBJ_SEARCH_MASK) == OBJ_SEARCH_KEY) {
        return (int)(*(const uint64_t *)object & 0x7fffffff);
    }
    return (int)(((const struct leg *)object)->number & 0x7fffffff);
}

static int leg_compare_number(void *object, void *arg, int flags)
{
    const struct leg *leg = object;
    uint64_t number = (flags & OBJ_SEARCH_MASK) == OBJ_SEARCH_KEY
                          ? *(const uint64_t *)arg
                          : ((const struct leg *)arg)->number;

    return leg->number == number ? CMP_MATCH | CMP_STOP : 0;
}

static void leg_destroy(void *object)
{
    struct leg *leg = object;

    ao2_cleanup(leg->session);
    ast_cond_destroy(&leg->given);
    ast_string_field_free_memory(leg);
}

struct leg *leg_of(struct ast_sip_session *session)
{
    return session->inv_session != NULL ? session->inv_session->mod_data[usage_module.id] : NULL;
}

struct leg *leg_by_number(uint64_t number)
{
    return number != 0 && legs != NULL ? ao2_find(legs, &number, OBJ_SEARCH_KEY) : NULL;
}

static int is_str(const char *text, struct sipxfer_str other, int exactly)
{
    return strlen(text) == other.len &&
           !(exactly ? strncmp : strncasecmp)(text, other.len > 0 ? other.ptr : "", other.len);
}

static int has_key(void *object, void *arg, int flags)
{
    struct leg *leg = object;
    const struct sipxfer_dialog_key *key = arg;
    int found;

    ao2_lock(leg);
    found = !leg->ended && is_str(leg->call_id, key->call_id, 1) &&
            is_str(leg->local_tag, key->local_tag, 0) &&
            is_str(leg->remote_tag, key->remote_tag, 0);
    ao2_unlock(leg);
    return found ? CMP_MATCH | CMP_STOP : 0;
}

struct leg *leg_by_key(const struct sipxfer_dialog_key *key)
{
    return legs != NULL ? ao2_callback(legs, 0, has_key, (void *)key) : NULL;
}

size_t dialogs_count(void)
{
    return legs != NULL ? (size_t)ao2_container_count(legs) : 0;
}

static struct sipxfer_str str(const char *text)
{
    struct sipxfer_str made = {text, strlen(text)};

    return made;
}

void leg_key(const struct leg *leg, struct sipxfer_dialog_key *key)
{
    SIPXFER_INIT(*key);
    key->call_id = str(leg->call_id);
    key->local_tag = str(leg->local_tag);
    key->remote_tag = str(leg->remote_tag);
}

static void set_pj(struct leg *leg, const ast_string_field *field, const pj_str_t *value)
{
    char *text = ast_strndup(value->slen > 0 ? value->ptr : "", value->slen);

    if (text != NULL) {
        ast_string_field_ptr_set(leg, field, text);
        ast_free(text);
    }
}

static struct leg *leg_make(struct ast_sip_session *session, const char *user)
{
    pjsip_dialog *dlg = session->inv_session->dlg;
    struct leg *leg = ao2_alloc(sizeof *leg, leg_destroy);

    if (leg == NULL) {
        return NULL;
    }
    ast_cond_init(&leg->given, NULL);
    if (ast_string_field_init(leg, 256)) {
        ao2_ref(leg, -1);
        return NULL;
    }
    leg->session = ao2_bump(session);
    leg->number = (uint64_t)ast_atomic_fetchadd_int(&numbers, 1) + 1;
    leg->state = SIPXFER_DIALOG_EARLY;
    leg->initiator =
        dlg->role == PJSIP_ROLE_UAC ? SIPXFER_INITIATOR_LOCAL : SIPXFER_INITIATOR_REMOTE;
    set_pj(leg, &leg->call_id, &dlg->call_id->id);
    set_pj(leg, &leg->local_tag, &dlg->local.info->tag);
    ast_string_field_set(leg, user, user);
    ast_string_field_set(leg, endpoint,
                         session->endpoint != NULL ? ast_sorcery_object_get_id(session->endpoint)
                                                   : "");
    if (!ao2_link(legs, leg)) {
        ao2_ref(leg, -1);
        return NULL;
    }
    /* The container's reference keeps it as long as the session knows it. */
    session->inv_session->mod_data[usage_module.id] = leg;
    ao2_ref(leg, -1);
    return leg;
}

/* Puts a dialog whose tags are known into the library's table, or tells its new state. */
static void leg_report(struct leg *leg, const pj_str_t *remote_tag, uint32_t state)
{
    struct sipxfer_dialog dialog;
    int32_t status;

    if (leg->ended) {
        return;
    }
    if (leg->id != 0 && ((size_t)remote_tag->slen != strlen(leg->remote_tag) ||
                         strncasecmp(leg->remote_tag, remote_tag->slen > 0 ? remote_tag->ptr : "",
                                     remote_tag->slen))) {
        /* Another branch of a forked INVITE: pjsip follows one of them, and so does this. */
        sipxfer_dialog_remove(engine, leg->id, clock_ms());
        leg->id = 0;
    }
    leg->state = state;
    if (leg->id != 0) {
        sipxfer_dialog_set_state(engine, leg->id, state);
        return;
    }
    ao2_lock(leg);
    set_pj(leg, &leg->remote_tag, remote_tag);
    ao2_unlock(leg);
    SIPXFER_INIT(dialog);
    dialog.dialog = leg;
    dialog.call_id = str(leg->call_id);
    dialog.local_tag = str(leg->local_tag);
    dialog.remote_tag = str(leg->remote_tag);
    dialog.user = str(leg->user);
    dialog.endpoint = str(leg->endpoint);
    dialog.state = state;
    dialog.initiator = leg->initiator;
    dialog.usage = SIPXFER_USAGE_INVITE;
    dialog.secure = !!(leg->session->inv_session->dlg->secure);
    ao2_ref(leg, +1);
    status = sipxfer_dialog_add(engine, &dialog, &leg->id);
    if (status != SIPXFER_OK) {
        ao2_ref(leg, -1);
        if (log_allowed()) {
            ast_log(LOG_WARNING, "sipxfer cannot keep the dialog %s: %s\n", leg->call_id,
                    sipxfer_strerror(status));
        }
    }
}

static int is_first_invite(const pjsip_rx_data *rdata)
{
    return rdata->msg_info.to->tag.slen == 0;
}

static int invite_in(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    char user[256];
    struct leg *leg;

    if (!is_first_invite(rdata) || leg_of(session) != NULL) {
        return 0;
    }
    leg = leg_make(session, authenticated_user(session->endpoint, user, sizeof user));
    if (leg != NULL) {
        leg_report(leg, &session->inv_session->dlg->remote.info->tag, SIPXFER_DIALOG_EARLY);
    }
    return 0;
}

static void invite_out(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    if (session->inv_session->state == PJSIP_INV_STATE_NULL && leg_of(session) == NULL) {
        leg_make(session, "");
    }
}

static void response_in(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    struct leg *leg = leg_of(session);
    int code = rdata->msg_info.msg->line.status.code;

    if (leg == NULL || leg->ended ||
        pjsip_method_cmp(&rdata->msg_info.cseq->method, &pjsip_invite_method)) {
        return;
    }
    if (code > 100 && code < 300 && rdata->msg_info.to->tag.slen > 0 &&
        (code >= 200 || leg->state == SIPXFER_DIALOG_EARLY)) {
        leg_report(leg, &rdata->msg_info.to->tag,
                   code >= 200 ? SIPXFER_DIALOG_CONFIRMED : SIPXFER_DIALOG_EARLY);
    }
    outgoing_answered(session, rdata);
}

static void response_out(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    struct leg *leg = leg_of(session);
    const pjsip_cseq_hdr *cseq = pjsip_msg_find_hdr(tdata->msg, PJSIP_H_CSEQ, NULL);

    if (leg != NULL && leg->state == SIPXFER_DIALOG_EARLY && cseq != NULL &&
        !pjsip_method_cmp(&cseq->method, &pjsip_invite_method) &&
        tdata->msg->line.status.code / 100 == 2) {
        leg_report(leg, &session->inv_session->dlg->remote.info->tag, SIPXFER_DIALOG_CONFIRMED);
    }
}

static void session_end(struct ast_sip_session *session)
{
    struct leg *leg = leg_of(session);

    if (leg == NULL) {
        return;
    }
    ao2_ref(leg, +1);
    session->inv_session->mod_data[usage_module.id] = NULL;
    leg->ended = 1;
    ao2_unlink(legs, leg);
    if (leg->transfers > 0) {
        transfers_leg_ended(leg);
    }
    if (leg->id != 0) {
        sipxfer_dialog_remove(engine, leg->id, clock_ms());
        leg->id = 0;
    }
    ao2_ref(leg, -1);
}

/* Before everybody else, so that whoever comes next finds the dialog. */
static struct ast_sip_session_supplement supplement = {
    .method = "INVITE",
    .priority = AST_SIP_SUPPLEMENT_PRIORITY_FIRST,
    .incoming_request = invite_in,
    .outgoing_request = invite_out,
    .incoming_response = response_in,
    .outgoing_response = response_out,
    .session_end = session_end,
};

struct fetch {
    struct leg *leg;
    struct ast_channel *chan;
};

static int fetch_channel(void *data)
{
    struct fetch *fetch = data;
    struct ast_channel *chan = fetch->leg->session->channel;

    fetch->chan = chan != NULL && !fetch->leg->ended ? ast_channel_ref(chan) : NULL;
    return 0;
}

struct ast_channel *leg_channel(struct leg *leg)
{
    struct fetch fetch = {leg, NULL};

    if (ast_sip_push_task_wait_serializer(leg->session->serializer, fetch_channel, &fetch)) {
        return NULL;
    }
    return fetch.chan;
}

int dialogs_init(void)
{
    legs = ao2_container_alloc_hash(AO2_ALLOC_OPT_LOCK_MUTEX, 0, 997, leg_hash_number, NULL,
                                    leg_compare_number);
    if (legs == NULL) {
        return -1;
    }
    ast_sip_session_register_supplement(&supplement);
    return 0;
}

void dialogs_exit(void)
{
    if (legs != NULL) {
        ast_sip_session_unregister_supplement(&supplement);
        ao2_cleanup(legs);
        legs = NULL;
    }
}
