/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sipxfer for an application on pjsip: see sipxfer_pjsip.h.
 */
#include "sipxfer_pjsip_parts.h"

#include <stdlib.h>
#include <string.h>

#define THIS_FILE "sipxfer_pjsip.c"

struct sipxfer_pjsip_self sipxfer_pjsip_self;

uint64_t sipxfer_pjsip_now(void)
{
    pj_time_val now;

    pj_gettickcount(&now);
    return (uint64_t)now.sec * 1000 + (uint64_t)now.msec;
}

struct sipxfer_str sipxfer_pjsip_str(const pj_str_t *text)
{
    struct sipxfer_str str = {text->ptr, (size_t)(text->slen > 0 ? text->slen : 0)};

    return str;
}

pj_str_t sipxfer_pjsip_pj(struct sipxfer_str str)
{
    pj_str_t text;

    return *pj_strset(&text, (char *)str.ptr, str.len);
}

void sipxfer_pjsip_complain(const char *what, int32_t status)
{
    if (status != SIPXFER_OK)
        PJ_LOG(2, (THIS_FILE, "%s: %s", what, sipxfer_strerror(status)));
}

/* ---- dialogs, for the library ---- */

static uint32_t state_of(const pjsip_inv_session *inv)
{
    if (inv->state == PJSIP_INV_STATE_DISCONNECTED)
        return SIPXFER_DIALOG_TERMINATED;
    return inv->state >= PJSIP_INV_STATE_CONNECTING ? SIPXFER_DIALOG_CONFIRMED
                                                    : SIPXFER_DIALOG_EARLY;
}

/* With the dialog locked. */
static void describe(pjsip_dialog *dialog, struct sipxfer_dialog *out)
{
    pjsip_inv_session *inv = pjsip_dlg_get_inv_session(dialog);
    struct sipxfer_pjsip_peer peer;

    memset(&peer, 0, sizeof peer);
    if (self.options.dialog_peer != NULL)
        self.options.dialog_peer(self.options.user, dialog, &peer);
    out->dialog = dialog;
    out->call_id = sipxfer_pjsip_str(&dialog->call_id->id);
    out->local_tag = sipxfer_pjsip_str(&dialog->local.info->tag);
    out->remote_tag = sipxfer_pjsip_str(&dialog->remote.info->tag);
    out->endpoint = peer.endpoint;
    out->user = peer.user;
    out->initiator =
        dialog->role == PJSIP_ROLE_UAC ? SIPXFER_INITIATOR_LOCAL : SIPXFER_INITIATOR_REMOTE;
    out->usage = inv != NULL ? SIPXFER_USAGE_INVITE : SIPXFER_USAGE_OTHER;
    out->state = inv != NULL ? state_of(inv) : SIPXFER_DIALOG_CONFIRMED;
    out->secure = dialog->secure ? 1 : 0;
}

void sipxfer_pjsip_dialog_changed(pjsip_dialog *dialog)
{
    struct sipxfer_dialog now;
    struct sipxfer_dialog_key key;

    /* Before it has both tags it is none. */
    if (self.engine == NULL || pjsip_dlg_get_inv_session(dialog) == NULL ||
        dialog->remote.info->tag.slen == 0)
        return;
    SIPXFER_INIT(now);
    describe(dialog, &now);
    if (now.state == SIPXFER_DIALOG_TERMINATED) {
        SIPXFER_INIT(key);
        key.call_id = now.call_id;
        key.local_tag = now.local_tag;
        key.remote_tag = now.remote_tag;
        sipxfer_dialog_ended(self.engine, &key, sipxfer_pjsip_now());
    }
    if (sipxfer_pjsip_first_module.id >= 0)
        sipxfer_pjsip_publish(dialog, &now);
}

static int32_t find(void *user, const struct sipxfer_dialog_key *key, struct sipxfer_dialog *out)
{
    const pj_str_t call_id = sipxfer_pjsip_pj(key->call_id),
                   local = sipxfer_pjsip_pj(key->local_tag),
                   remote = sipxfer_pjsip_pj(key->remote_tag);
    /* The tables are asked by tag first: an empty one is in none. */
    pjsip_dialog *dialog =
        local.slen > 0 ? pjsip_ua_find_dialog(&call_id, &local, &remote, PJ_TRUE) : NULL;

    (void)user;
    if (dialog == NULL)
        return SIPXFER_E_NOT_FOUND;
    describe(dialog, out);
    pjsip_dlg_inc_session(dialog, &sipxfer_pjsip_first_module); /* the pin */
    pjsip_dlg_dec_lock(dialog);
    return SIPXFER_OK;
}

static int32_t lock_dialog(void *user, void *dialog, uint32_t *state)
{
    pjsip_inv_session *inv;

    (void)user;
    pjsip_dlg_inc_lock(dialog);
    inv = pjsip_dlg_get_inv_session(dialog);
    if (inv == NULL || state_of(inv) == SIPXFER_DIALOG_TERMINATED) {
        pjsip_dlg_dec_lock(dialog);
        return SIPXFER_E_GONE;
    }
    *state = state_of(inv);
    return SIPXFER_OK;
}

static void unlock_dialog(void *user, void *dialog)
{
    (void)user;
    pjsip_dlg_dec_lock(dialog);
}

static void release_dialog(void *user, void *dialog)
{
    (void)user;
    pjsip_dlg_dec_session(dialog, &sipxfer_pjsip_first_module);
}

static int32_t any_extension(void *user, const struct sipxfer_request *request,
                             struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    return SIPXFER_YES;
}

static void log_line(void *user, uint32_t level, struct sipxfer_str text)
{
    (void)user;
    switch (level) {
    case SIPXFER_LOG_ERROR:
        PJ_LOG(1, (THIS_FILE, "%.*s", SIPXFER_ARG(text)));
        break;
    case SIPXFER_LOG_WARNING:
        PJ_LOG(3, (THIS_FILE, "%.*s", SIPXFER_ARG(text)));
        break;
    default:
        PJ_LOG(4, (THIS_FILE, "%.*s", SIPXFER_ARG(text)));
    }
}

/* ---- judging a request ---- */

static uint32_t transport_of(const pjsip_rx_data *rdata)
{
    switch (rdata->tp_info.transport->key.type & ~PJSIP_TRANSPORT_IPV6) {
    case PJSIP_TRANSPORT_UDP:
        return SIPXFER_TRANSPORT_UDP;
    case PJSIP_TRANSPORT_TCP:
        return SIPXFER_TRANSPORT_TCP;
    case PJSIP_TRANSPORT_TLS:
        return SIPXFER_TRANSPORT_TLS;
    default:
        return 0;
    }
}

/* A copy behind what stands there already. */
static struct sipxfer_str copied(char **end, struct sipxfer_str text)
{
    struct sipxfer_str copy = {*end, text.len};

    if (text.len > 0)
        memcpy(*end, text.ptr, text.len);
    *end += text.len;
    return copy;
}

/* What it is about is copied: pjsip reuses its buffer, a verdict points into it, and a REFER may be
 * asked about once more, when a lookup is over. */
struct question *sipxfer_pjsip_question(pjsip_rx_data *rdata, pjsip_dialog *dialog)
{
    struct sipxfer_pjsip_peer peer;
    struct sipxfer_str message = {rdata->msg_info.msg_buf, (size_t)rdata->msg_info.len},
                       source = {rdata->pkt_info.src_name, strlen(rdata->pkt_info.src_name)};
    size_t room = SIPXFER_SCRATCH_SIZE(message.len);
    struct question *question;
    char *end;

    memset(&peer, 0, sizeof peer);
    if (self.options.identify != NULL)
        self.options.identify(self.options.user, rdata, &peer);
    question = calloc(1, sizeof *question + room + message.len + source.len + peer.endpoint.len +
                             peer.user.len + peer.context.len);
    if (question == NULL)
        return NULL;
    question->scratch = (char *)(question + 1);
    question->scratch_len = room;
    end = question->scratch + room;
    SIPXFER_INIT(question->request);
    question->request.message = copied(&end, message);
    question->request.source = copied(&end, source);
    question->request.endpoint = copied(&end, peer.endpoint);
    question->request.user = copied(&end, peer.user);
    question->request.context = copied(&end, peer.context);
    question->request.host_data = rdata;
    question->request.dialog = dialog;
    question->request.transfer_depth = peer.transfer_depth;
    question->request.transport = transport_of(rdata);
    question->request.secure = PJSIP_TRANSPORT_IS_SECURE(rdata->tp_info.transport) ? 1 : 0;
    question->request.now_ms = sipxfer_pjsip_now();
    SIPXFER_INIT(question->verdict);
    return question;
}

void sipxfer_pjsip_tally(unsigned long *counter, int by)
{
    pj_mutex_lock(self.mutex);
    *counter += (unsigned long)by;
    pj_mutex_unlock(self.mutex);
}

/* Gives the dialog back; takes its lock. */
void sipxfer_pjsip_forget(struct question *question)
{
    if (question->verdict.pin != 0)
        sipxfer_pjsip_tally(&self.counters.pinned, -1);
    sipxfer_pjsip_complain("sipxfer_verdict_release",
                           sipxfer_verdict_release(self.engine, &question->verdict));
    if (question->in_dialog != NULL)
        pjsip_dlg_dec_session(question->in_dialog, &sipxfer_pjsip_first_module);
    free(question);
}

struct question *sipxfer_pjsip_ask_invite(pjsip_rx_data *rdata, pj_bool_t lock)
{
    struct question *question = sipxfer_pjsip_question(rdata, NULL);
    int32_t status;

    if (question == NULL)
        return NULL;
    status = sipxfer_replaces_verify_request(self.engine, &question->request, lock ? 1 : 0,
                                             question->scratch, question->scratch_len,
                                             &question->verdict);
    if (status != SIPXFER_OK) { /* fails closed */
        sipxfer_pjsip_complain("sipxfer_replaces_verify_request", status);
        question->verdict.kind = SIPXFER_VERDICT_REJECT;
        question->verdict.code = 500;
    }
    if (question->verdict.pin != 0)
        sipxfer_pjsip_tally(&self.counters.pinned, 1);
    return question;
}

static void add_line(pj_pool_t *pool, pjsip_hdr *list, const char *name, struct sipxfer_str value)
{
    pj_str_t key, text = sipxfer_pjsip_pj(value), copy;

    if (value.len == 0)
        return;
    key = pj_str((char *)name);
    pj_strdup(pool, &copy, &text);
    pj_list_push_back(list, pjsip_generic_string_hdr_create(pool, &key, &copy));
}

void sipxfer_pjsip_add_lines(pj_pool_t *pool, pjsip_hdr *list, struct sipxfer_str lines)
{
    while (lines.len > 0) {
        const char *end = memchr(lines.ptr, '\r', lines.len);
        size_t len = end != NULL ? (size_t)(end - lines.ptr) : lines.len;
        const char *colon = memchr(lines.ptr, ':', len);
        if (colon != NULL) {
            pj_str_t name, value, key;
            pj_strset(&name, (char *)lines.ptr, (pj_size_t)(colon - lines.ptr));
            pj_strset3(&value, (char *)colon + 1, (char *)lines.ptr + len);
            pj_strtrim(&value);
            if (pj_stricmp2(&name, "Content-Type") != 0) {
                struct sipxfer_str text = sipxfer_pjsip_str(&value);
                pj_strdup_with_null(pool, &key, &name);
                add_line(pool, list, key.ptr, text);
            }
        }
        len = len + 2 < lines.len ? len + 2 : lines.len;
        lines.ptr += len;
        lines.len -= len;
    }
}

/* The refusal that a verdict asks for. A challenge that nobody can make is 403. */
pj_status_t sipxfer_pjsip_refusal(pjsip_rx_data *rdata, const struct sipxfer_verdict *verdict,
                                  pjsip_dialog *dialog, pjsip_tx_data **tdata)
{
    static const struct sipxfer_str unknown_sender = {
        SIPXFER_LIT("399 sipxfer \"The sender is not authenticated\"")};
    unsigned code = verdict->code >= 300 && verdict->code <= 699 ? verdict->code : 603;
    char *contact;
    pj_str_t reason = sipxfer_pjsip_pj(verdict->reason);
    const pj_str_t *text = reason.slen > 0 ? &reason : NULL;
    pj_status_t status;

    sipxfer_pjsip_tally(&self.counters.refused, 1);
    if (verdict->kind == SIPXFER_VERDICT_CHALLENGE) {
        code = self.options.challenge != NULL ? 401 : 403;
        text = NULL;
    }
    status = dialog != NULL
                 ? pjsip_dlg_create_response(dialog, rdata, (int)code, text, tdata)
                 : pjsip_endpt_create_response(self.endpoint, rdata, (int)code, text, tdata);
    if (status != PJ_SUCCESS)
        return status;
    add_line((*tdata)->pool, &(*tdata)->msg->hdr, "Warning", verdict->warning);
    add_line((*tdata)->pool, &(*tdata)->msg->hdr, "Unsupported", verdict->unsupported);
    if (verdict->kind == SIPXFER_VERDICT_REMOTE_NODE) { /* 302 */
        contact = pj_pool_alloc((*tdata)->pool, verdict->target.len + 3);
        pj_ansi_snprintf(contact, verdict->target.len + 3, "<%.*s>", SIPXFER_ARG(verdict->target));
        add_line((*tdata)->pool, &(*tdata)->msg->hdr, "Contact",
                 (struct sipxfer_str){contact, verdict->target.len + 2});
    }
    if (verdict->retry_after_s > 0)
        pjsip_msg_add_hdr((*tdata)->msg, (pjsip_hdr *)pjsip_retry_after_hdr_create(
                                             (*tdata)->pool, (int)verdict->retry_after_s));
    if (code == 401 && verdict->kind == SIPXFER_VERDICT_CHALLENGE &&
        !self.options.challenge(self.options.user, rdata, *tdata)) {
        code = 403;
        (*tdata)->msg->line.status.code = 403;
        (*tdata)->msg->line.status.reason = *pjsip_get_status_text(403);
    }
    if (code == 403 && verdict->kind == SIPXFER_VERDICT_CHALLENGE)
        add_line((*tdata)->pool, &(*tdata)->msg->hdr, "Warning", unknown_sender);
    return PJ_SUCCESS;
}

pj_status_t sipxfer_pjsip_replaces_verify_request(pjsip_rx_data *rdata, pjsip_dialog **dialog,
                                                  pj_bool_t lock, pjsip_tx_data **tdata)
{
    struct question *question;
    pj_status_t status = PJ_SUCCESS;

    PJ_ASSERT_RETURN(rdata != NULL && dialog != NULL, PJ_EINVAL);
    PJ_ASSERT_RETURN(self.engine != NULL, PJ_EINVALIDOP);
    *dialog = NULL;
    if (tdata != NULL)
        *tdata = NULL;
    sipxfer_pjsip_tally(&self.counters.verified, 1);
    question = sipxfer_pjsip_claim(rdata); /* judged already, and its dialog is pinned */
    if (question == NULL)
        question = sipxfer_pjsip_ask_invite(rdata, lock);
    else if (lock && question->verdict.kind == SIPXFER_VERDICT_ACCEPT) {
        uint32_t state = 0;
        if (lock_dialog(NULL, question->verdict.dialog, &state) == SIPXFER_OK) {
            question->verdict.locked = 1;
        } else {
            question->verdict.kind = SIPXFER_VERDICT_REJECT;
            question->verdict.code = PJSIP_SC_DECLINE;
        }
    }
    if (question == NULL)
        return PJ_ENOMEM;
    switch (question->verdict.kind) {
    case SIPXFER_VERDICT_NONE:
        break;
    case SIPXFER_VERDICT_ACCEPT:
        *dialog = question->verdict.dialog;
        if (lock) { /* the lock is the caller's now */
            question->verdict.locked = 0;
            sipxfer_pjsip_forget(question);
            return PJ_SUCCESS;
        }
        break;
    default: /* what is not known is a refusal */
        status = PJSIP_ERRNO_FROM_SIP_STATUS(
            question->verdict.code >= 300 ? (int)question->verdict.code : PJSIP_SC_DECLINE);
        if (tdata != NULL) {
            pj_status_t made = sipxfer_pjsip_refusal(rdata, &question->verdict, NULL, tdata);
            if (made != PJ_SUCCESS)
                status = made;
        }
    }
    sipxfer_pjsip_forget_later(question);
    return status;
}

/* ---- setting up ---- */

/* The value ends where its line does, folds included. Values that pjsip's own parser would drop the
 * message for are kept as they are: the library reads the message itself, and says what is wrong.
 */
static pjsip_hdr *parse_replaces(pjsip_parse_ctx *ctx)
{
    pjsip_replaces_hdr *header = pjsip_replaces_hdr_create(ctx->pool);
    pj_scanner *scanner = ctx->scanner;
    const char *start = scanner->curptr, *end = start;
    struct sipxfer_replaces value;

    while (end < scanner->end && *end != '\0') {
        const char *next = end + 1;
        if (*end == '\r' && next < scanner->end && *next == '\n')
            next++;
        if ((*end == '\r' || *end == '\n') &&
            (next >= scanner->end || (*next != ' ' && *next != '\t')))
            break;
        end = next;
    }
    SIPXFER_INIT(value);
    if (sipxfer_replaces_parse(start, (size_t)(end - start), &value, NULL) == SIPXFER_OK) {
        header->call_id = sipxfer_pjsip_pj(value.call_id);
        header->to_tag = sipxfer_pjsip_pj(value.to_tag);
        header->from_tag = sipxfer_pjsip_pj(value.from_tag);
        header->early_only = value.early_only != 0;
    } else {
        pj_strset(&header->call_id, (char *)start, (pj_size_t)(end - start));
    }
    scanner->curptr = (char *)end;
    pjsip_parse_end_hdr_imp(scanner);
    return (pjsip_hdr *)header;
}

static pj_bool_t listed(int type, const char *name)
{
    const pjsip_generic_array_hdr *header =
        (const pjsip_generic_array_hdr *)pjsip_endpt_get_capability(self.endpoint, type, NULL);

    for (unsigned i = 0; header != NULL && i < header->count; i++)
        if (pj_stricmp2(&header->values[i], name) == 0)
            return PJ_TRUE;
    return PJ_FALSE;
}

pj_status_t sipxfer_pjsip_replaces_init(pjsip_endpoint *endpoint)
{
    const pj_str_t tag = {"replaces", 8};
    pj_status_t status;

    self.endpoint = endpoint;
    /* The one who announces it has registered a parser, and pjsip stops at a second one. */
    if (listed(PJSIP_H_SUPPORTED, "replaces"))
        return PJ_SUCCESS;
    status = pjsip_register_hdr_parser("Replaces", NULL, parse_replaces);
    if (status != PJ_SUCCESS)
        return status;
    return pjsip_endpt_add_capability(endpoint, NULL, PJSIP_H_SUPPORTED, NULL, 1, &tag);
}

static pj_status_t set_one(struct sipxfer_config *config, const char *name, const char *value)
{
    const char *space = strchr(name, ' ');
    const char *key = space != NULL ? space + 1 : name;
    char why[256];
    size_t len = 0;

    switch (sipxfer_pjsip_cluster_setting(name, value)) {
    case SIPXFER_PJSIP_TAKEN:
        return PJ_SUCCESS;
    case SIPXFER_PJSIP_BAD:
        PJ_LOG(1, (THIS_FILE, "%s: the value is too long", name));
        return PJ_ETOOBIG;
    default:
        break;
    }
    if (sipxfer_config_set(config, name, space != NULL ? (size_t)(space - name) : 0, key,
                           strlen(key), value, strlen(value)) == SIPXFER_OK)
        return PJ_SUCCESS;
    if (sipxfer_config_error(config, why, sizeof why, &len) == SIPXFER_OK)
        PJ_LOG(1, (THIS_FILE, "%s = %s: %.*s", name, value, (int)len, why));
    return PJ_EINVAL;
}

pj_status_t sipxfer_pjsip_settings(const char *const *settings)
{
    struct sipxfer_config *config = NULL;
    pj_status_t status = PJ_SUCCESS;

    if (sipxfer_config_new(&config) != SIPXFER_OK)
        return PJ_ENOMEM;
    for (; settings != NULL && settings[0] != NULL && status == PJ_SUCCESS; settings += 2)
        status = set_one(config, settings[0], settings[1]);
    if (status == PJ_SUCCESS && sipxfer_config_apply(self.engine, config) != SIPXFER_OK)
        status = PJ_EINVAL;
    sipxfer_config_free(config);
    return status;
}

static pj_status_t new_engine(const struct sipxfer_host *of_application)
{
    struct sipxfer_engine_options options;
    struct sipxfer_directory directory;
    struct sipxfer_host host;

    SIPXFER_INIT(directory);
    directory.find = find;
    directory.lock = lock_dialog;
    directory.unlock = unlock_dialog;
    directory.release = release_dialog;
    directory.lookup = sipxfer_pjsip_lookup;
    SIPXFER_INIT(host);
    if (of_application != NULL)
        host = *of_application;
    host.on_deadline = sipxfer_pjsip_on_deadline;
    host.on_lookup = sipxfer_pjsip_on_lookup;
    if (host.log == NULL)
        host.log = log_line;
    if (host.extension_exists == NULL)
        host.extension_exists = any_extension;
    SIPXFER_INIT(options);
    options.directory = &directory;
    options.host = &host;
    return sipxfer_engine_new(&options, &self.engine) == SIPXFER_OK ? PJ_SUCCESS : PJ_EUNKNOWN;
}

pj_status_t sipxfer_pjsip_init(pjsip_endpoint *endpoint,
                               const struct sipxfer_pjsip_options *options)
{
    pj_status_t status;

    PJ_ASSERT_RETURN(endpoint != NULL, PJ_EINVAL);
    PJ_ASSERT_RETURN(self.engine == NULL, PJ_EINVALIDOP);
    if (options != NULL)
        self.options = *options;
    status = sipxfer_pjsip_replaces_init(endpoint);
    if (status != PJ_SUCCESS)
        return status;
    self.pool = pjsip_endpt_create_pool(endpoint, "sipxfer", 512, 512);
    if (self.pool == NULL)
        return PJ_ENOMEM;
    status = pj_mutex_create_simple(self.pool, "sipxfer", &self.mutex);
    if (status != PJ_SUCCESS)
        return status;
    sipxfer_pjsip_queue_init();
    status = new_engine(self.options.host);
    if (status == PJ_SUCCESS)
        status = sipxfer_pjsip_settings(self.options.settings);
    if (status == PJ_SUCCESS && self.options.start != NULL)
        status = sipxfer_pjsip_modules_init();
    if (status == PJ_SUCCESS && self.options.start != NULL)
        status = sipxfer_pjsip_cluster_join();
    PJ_LOG(3, (THIS_FILE, "sipxfer %s on pjproject %s", sipxfer_version(), pj_get_version()));
    return status;
}

void sipxfer_pjsip_shutdown(void)
{
    if (self.engine == NULL)
        return;
    sipxfer_pjsip_modules_close();
    sipxfer_pjsip_cluster_leave();
    sipxfer_pjsip_queue_close();
    sipxfer_engine_free(self.engine);
    pj_mutex_destroy(self.mutex);
    pjsip_endpt_release_pool(self.endpoint, self.pool);
    memset(&self, 0, sizeof self);
}

struct sipxfer_engine *sipxfer_pjsip_engine(void)
{
    return self.engine;
}

void sipxfer_pjsip_count(struct sipxfer_pjsip_counters *counters)
{
    memset(counters, 0, sizeof *counters);
    if (self.mutex == NULL)
        return;
    pj_mutex_lock(self.mutex);
    *counters = self.counters;
    pj_mutex_unlock(self.mutex);
}
