/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the library is told of a request, and what it asks.
 */
#include "module.h"

#include "asterisk/pbx.h"

#include <time.h>

/* Lines of the log that strangers can cause, a second. */
#define LOG_LINES 20

struct stats stats;

void count(int *counter)
{
    ast_atomic_fetchadd_int(counter, 1);
}

uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

int log_allowed(void)
{
    static ast_mutex_t lock = AST_MUTEX_INIT_VALUE;
    static uint64_t second;
    static unsigned int lines, dropped;
    uint64_t now = clock_ms() / 1000u;
    unsigned int lost = 0;
    int allowed;

    ast_mutex_lock(&lock);
    if (now != second) {
        second = now;
        lines = 0;
        lost = dropped;
        dropped = 0;
    }
    allowed = lines++ < LOG_LINES;
    dropped += !allowed;
    ast_mutex_unlock(&lock);
    if (lost > 0) {
        ast_log(LOG_WARNING, "sipxfer: %u lines more of the kind were left out\n", lost);
    }
    return allowed;
}

char *str_dup(struct sipxfer_str string)
{
    return ast_strndup(string.len > 0 ? string.ptr : "", string.len);
}

pj_str_t str_pj(struct sipxfer_str string)
{
    pj_str_t made = {(char *)(string.len > 0 ? string.ptr : ""), (pj_ssize_t)string.len};

    return made;
}

int str_is(struct sipxfer_str string, const char *text)
{
    return string.len == strlen(text) &&
           !memcmp(string.len > 0 ? string.ptr : "", text, string.len);
}

static void header_add(pjsip_tx_data *tdata, pj_str_t name, pj_str_t value)
{
    pjsip_generic_string_hdr *header = pjsip_generic_string_hdr_create(tdata->pool, &name, &value);

    if (header != NULL) {
        pjsip_msg_add_hdr(tdata->msg, (pjsip_hdr *)header);
    }
}

void verdict_headers(const struct sipxfer_verdict *verdict, pjsip_tx_data *tdata)
{
    char seconds[16];

    if (verdict->warning.len > 0) {
        header_add(tdata, pj_str("Warning"), str_pj(verdict->warning));
    }
    if (verdict->unsupported.len > 0) {
        header_add(tdata, pj_str("Unsupported"), str_pj(verdict->unsupported));
    }
    if (verdict->retry_after_s > 0) {
        snprintf(seconds, sizeof seconds, "%u", verdict->retry_after_s);
        header_add(tdata, pj_str("Retry-After"), pj_str(seconds));
    }
}

void lines_add(pjsip_tx_data *tdata, struct sipxfer_str lines)
{
    const char *at = lines.ptr, *end = lines.len > 0 ? lines.ptr + lines.len : lines.ptr;

    while (at < end) {
        const char *eol = memchr(at, '\r', end - at);
        const char *colon = eol != NULL ? memchr(at, ':', eol - at) : NULL;
        struct sipxfer_str name, value;

        if (colon == NULL) {
            return;
        }
        name.ptr = at;
        name.len = (size_t)(colon - at);
        value.ptr = colon + 1;
        while (value.ptr < eol && *value.ptr == ' ') {
            value.ptr++;
        }
        value.len = (size_t)(eol - value.ptr);
        if (!(name.len >= 8 && !strncasecmp(name.ptr, "Content-", 8))) {
            header_add(tdata, str_pj(name), str_pj(value));
        }
        at = eol + 2;
    }
}

/* ---- the request ---- */

/* Asterisk lets nothing through that fails its challenge, but not every header of credentials has
 * been looked at: who the sender is comes from the configuration. */
const char *authenticated_user(struct ast_sip_endpoint *endpoint, char *buffer, size_t size)
{
    struct ast_sip_auth *auth = NULL;

    buffer[0] = '\0';
    if (endpoint == NULL || !strcmp(ast_sorcery_object_get_id(endpoint), "anonymous")) {
        return buffer;
    }
    if (AST_VECTOR_SIZE(&endpoint->inbound_auths) == 0 && !behaviour.trust_identified) {
        return buffer;
    }
    if (AST_VECTOR_SIZE(&endpoint->inbound_auths) == 1 &&
        !ast_sip_retrieve_auths(&endpoint->inbound_auths, &auth) &&
        !ast_strlen_zero(auth->auth_user)) {
        ast_copy_string(buffer, auth->auth_user, size);
    } else {
        /* One of several, or none is asked for: it is the endpoint that is known. */
        ast_copy_string(buffer, ast_sorcery_object_get_id(endpoint), size);
    }
    if (auth != NULL) {
        ast_sip_cleanup_auths(&auth, 1);
    }
    return buffer;
}

static uint32_t transport_of(const pjsip_rx_data *rdata)
{
    const char *name = rdata->tp_info.transport->type_name;

    if (!strncasecmp(name, "tls", 3)) {
        return SIPXFER_TRANSPORT_TLS;
    }
    if (!strncasecmp(name, "wss", 3)) {
        return SIPXFER_TRANSPORT_WSS;
    }
    if (!strncasecmp(name, "ws", 2)) {
        return SIPXFER_TRANSPORT_WS;
    }
    return !strncasecmp(name, "tcp", 3) ? SIPXFER_TRANSPORT_TCP : SIPXFER_TRANSPORT_UDP;
}

static unsigned int depth_of(struct ast_sip_session *session)
{
    unsigned int depth = 0;
    const char *value;

    if (session == NULL || session->channel == NULL) {
        return 0;
    }
    ast_channel_lock(session->channel);
    value = pbx_builtin_getvar_helper(session->channel, VAR_DEPTH);
    if (!ast_strlen_zero(value)) {
        sscanf(value, "%9u", &depth);
    }
    ast_channel_unlock(session->channel);
    return depth;
}

int asked_open(struct asked *asked, pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint,
               struct ast_sip_session *session)
{
    struct sipxfer_request *request = &asked->request;

    memset(asked, 0, sizeof *asked);
    SIPXFER_INIT(asked->request);
    SIPXFER_INIT(asked->verdict);
    asked->rdata = rdata;
    asked->session = session;
    asked->endpoint = endpoint;
    asked->dlg = session != NULL ? session->inv_session->dlg : NULL;
    asked->scratch_len = SIPXFER_SCRATCH_SIZE(rdata->msg_info.len);
    asked->scratch = ast_malloc(asked->scratch_len);
    if (asked->scratch == NULL) {
        return -1;
    }
    request->message.ptr = rdata->msg_info.msg_buf;
    request->message.len = (size_t)rdata->msg_info.len;
    request->host_data = asked;
    pj_sockaddr_print(&rdata->pkt_info.src_addr, asked->source, sizeof asked->source, 3);
    request->source.ptr = asked->source;
    request->source.len = strlen(asked->source);
    request->transport = transport_of(rdata);
    request->secure = !!(rdata->tp_info.transport->flag & PJSIP_TRANSPORT_SECURE);
    request->now_ms = clock_ms();
    asked_by(asked, session != NULL ? leg_of(session) : NULL);
    return 0;
}

void asked_by(struct asked *asked, struct leg *leg)
{
    struct sipxfer_request *request = &asked->request;

    if (asked->endpoint != NULL) {
        request->endpoint.ptr = ast_sorcery_object_get_id(asked->endpoint);
        request->endpoint.len = strlen(request->endpoint.ptr);
        request->context.ptr = asked->endpoint->context;
        request->context.len = strlen(asked->endpoint->context);
    }
    if (leg != NULL) {
        asked_about(asked, leg);
        /* Asterisk challenges no request inside a dialog: whoever knows its tags is its peer, who
         * was challenged when it called, or whom Asterisk has called. */
        request->user.ptr = asked->leg->user;
        if (asked->leg->initiator == SIPXFER_INITIATOR_LOCAL) {
            request->user.ptr = asked->leg->endpoint;
        }
    } else {
        request->user.ptr = authenticated_user(asked->endpoint, asked->user, sizeof asked->user);
    }
    request->user.len = strlen(request->user.ptr);
}

void asked_about(struct asked *asked, struct leg *leg)
{
    asked->session = leg->session;
    asked->leg = leg;
    asked->request.dialog = leg;
    asked->request.transfer_depth = depth_of(leg->session);
}

void asked_close(struct asked *asked)
{
    sipxfer_verdict_release(engine, &asked->verdict);
    ast_free(asked->scratch);
    asked->scratch = NULL;
}

static int longer(const struct sipxfer_request *request, const char *name, size_t name_len)
{
    struct sipxfer_str value;

    return sipxfer_message_header(request->message.ptr, request->message.len, name, name_len, 0,
                                  &value) == SIPXFER_OK &&
           value.len > (size_t)behaviour.longest;
}

int asked_too_long(const struct asked *asked)
{
    /* No value is longer than all of it: most requests are not looked at. */
    return asked->request.message.len > (size_t)behaviour.longest &&
           (longer(&asked->request, SIPXFER_LIT("Refer-To")) ||
            longer(&asked->request, SIPXFER_LIT("Replaces")));
}

/* ---- what the library asks ---- */

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    const struct asked *asked = request->host_data;
    char in[AST_MAX_CONTEXT], name[AST_MAX_EXTENSION];

    /* What is too long to be one is none: it is never cut. */
    if (context.len >= sizeof in || extension.len >= sizeof name || extension.len == 0 ||
        memchr(extension.ptr, '\0', extension.len)) {
        return SIPXFER_NO;
    }
    /* An application knows its targets itself. */
    if (asked != NULL && asked->request.handling == SIPXFER_HANDLING_APPLICATION) {
        return SIPXFER_YES;
    }
    /* Where a REFER is accepted before its extension is looked for (channel.c). */
    if (behaviour.accepts_unknown && asked != NULL && asked->leg != NULL) {
        return SIPXFER_YES;
    }
    memcpy(in, context.len > 0 ? context.ptr : "", context.len);
    in[context.len] = '\0';
    memcpy(name, extension.ptr, extension.len);
    name[extension.len] = '\0';
    return ast_exists_extension(NULL, in, name, 1, NULL) ? SIPXFER_YES : SIPXFER_NO;
}

static int32_t transfer_context(void *user, const struct sipxfer_request *request, char *buffer,
                                size_t capacity, size_t *len)
{
    const struct asked *asked = request->host_data;
    int32_t status = SIPXFER_E_NOT_FOUND;
    const char *value;

    if (asked == NULL || asked->session == NULL || asked->session->channel == NULL) {
        return status;
    }
    ast_channel_lock(asked->session->channel);
    value = pbx_builtin_getvar_helper(asked->session->channel, "TRANSFER_CONTEXT");
    if (!ast_strlen_zero(value) && strlen(value) <= capacity) {
        *len = strlen(value);
        memcpy(buffer, value, *len);
        status = SIPXFER_OK;
    }
    ast_channel_unlock(asked->session->channel);
    return status;
}

static int32_t allow_transfer(void *user, const struct sipxfer_request *request)
{
    const struct asked *asked = request->host_data;

    return asked != NULL && asked->endpoint != NULL && !asked->endpoint->allowtransfer
               ? SIPXFER_NO
               : SIPXFER_YES;
}

/* Who may pick up a call by its groups may replace it while it rings. */
static int32_t authorize(void *user, const struct sipxfer_request *request,
                         const struct sipxfer_dialog *dialog)
{
    const struct asked *asked = request->host_data;
    const struct leg *leg = dialog->dialog;
    const struct ast_sip_endpoint_pickup_configuration *who, *whom;

    if (asked == NULL || asked->endpoint == NULL || leg == NULL || leg->session->endpoint == NULL ||
        dialog->state != SIPXFER_DIALOG_EARLY || dialog->initiator != SIPXFER_INITIATOR_LOCAL) {
        return SIPXFER_NO;
    }
    who = &asked->endpoint->pickup;
    whom = &leg->session->endpoint->pickup;
    return (who->pickupgroup & whom->callgroup) ||
                   ast_namedgroups_intersect(who->named_pickupgroups, whom->named_callgroups)
               ? SIPXFER_YES
               : SIPXFER_NO;
}

static void log_line(void *user, uint32_t level, struct sipxfer_str text)
{
    switch (level) {
    case SIPXFER_LOG_ERROR:
        if (log_allowed()) {
            ast_log(LOG_ERROR, "sipxfer: %.*s\n", SIPXFER_ARG(text));
        }
        break;
    case SIPXFER_LOG_WARNING:
        if (log_allowed()) {
            ast_log(LOG_WARNING, "sipxfer: %.*s\n", SIPXFER_ARG(text));
        }
        break;
    default:
        ast_debug(1, "sipxfer: %.*s\n", SIPXFER_ARG(text));
        break;
    }
}

static void on_deadline(void *user, uint64_t deadline_ms)
{
    transfers_deadline(deadline_ms);
}

/* Each dialog of the table is a reference on its leg. */
static void release(void *user, void *dialog)
{
    ao2_ref((struct leg *)dialog, -1);
}

int host_open(void)
{
    struct sipxfer_directory directory;
    struct sipxfer_host host;
    struct sipxfer_engine_options options;
    int32_t status;

    SIPXFER_INIT(directory);
    directory.release = release;
    directory.lookup = cluster_lookup;
    SIPXFER_INIT(host);
    host.extension_exists = extension_exists;
    host.transfer_context = transfer_context;
    host.allow_transfer = allow_transfer;
    host.authorize = authorize;
    host.log = log_line;
    host.on_deadline = on_deadline;
    host.on_lookup = cluster_on_lookup;
    SIPXFER_INIT(options);
    options.directory = &directory;
    options.host = &host;
    status = sipxfer_engine_new(&options, &engine);
    if (status != SIPXFER_OK) {
        ast_log(LOG_ERROR, "sipxfer cannot begin: %s\n", sipxfer_strerror(status));
        return -1;
    }
    return 0;
}

void host_close(void)
{
    sipxfer_engine_free(engine);
    engine = NULL;
}
