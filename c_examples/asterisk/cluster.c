/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Several Asterisks as one: dialogs are published by libsipxfer_cluster.so, and those that are not
 * here are looked up by it. It is loaded when cluster.url is set, and without that everything is as
 * if this file was not there.
 *
 * A REFER that waits for a lookup has its answer, and goes on in the serializer of its session. An
 * INVITE is kept as a copy, and goes on behind this module as if it had just come.
 */
#include "module.h"

#include "asterisk/cli.h"

#include <dlfcn.h>

#include "sipxfer_cluster.h"

#define LIBRARY "libsipxfer_cluster.so.0"

/* INVITEs that wait for a lookup at the same time. */
#define MOST_WAITING 256
/* Lookups that are over, for who begins to wait a moment too late. */
#define REMEMBERED 64

enum { URL, NODE, URI, USER, PASSWORD_FILE, CA_FILE, LEASE, DEADLINE, SETTINGS };

static const char *const names[SETTINGS] = {
    "cluster.url",           "cluster.node",    "cluster.uri",     "cluster.user",
    "cluster.password_file", "cluster.ca_file", "cluster.lease_s", "cluster.deadline_ms",
};

/* What the file says, and what holds; empty where nothing is said. */
static char wanted[SETTINGS][512], applied[SETTINGS][512];

static const struct sipxfer_cluster_api *api;
static struct sipxfer_cluster *node;
static ast_rwlock_t node_lock = AST_RWLOCK_INIT_VALUE;

/* ---- settings ---- */

void cluster_begin_settings(void)
{
    memset(wanted, 0, sizeof wanted);
}

int cluster_setting(const char *name, const char *value)
{
    for (int i = 0; i < SETTINGS; i++) {
        if (!strcasecmp(name, names[i])) {
            ast_copy_string(wanted[i], value, sizeof wanted[i]);
            /* The library has a deadline of its own, of this name. */
            return i == DEADLINE ? 0 : 1;
        }
    }
    return 0;
}

static void log_line(void *user, uint32_t level, struct sipxfer_str text)
{
    switch (level) {
    case SIPXFER_LOG_ERROR:
        ast_log(LOG_ERROR, "sipxfer: %.*s\n", SIPXFER_ARG(text));
        break;
    case SIPXFER_LOG_WARNING:
        ast_log(LOG_WARNING, "sipxfer: %.*s\n", SIPXFER_ARG(text));
        break;
    default:
        ast_log(LOG_NOTICE, "sipxfer: %.*s\n", SIPXFER_ARG(text));
        break;
    }
}

static int load_library(void)
{
    const struct sipxfer_cluster_api *(*get)(uint32_t);
    void *library;

    if (api != NULL) {
        return 0;
    }
    /* Beside this module, whose search path leads there. */
    library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        ast_log(LOG_ERROR, "cluster.url is set and " LIBRARY " cannot be loaded: %s\n", dlerror());
        return -1;
    }
    *(void **)&get = dlsym(library, "sipxfer_cluster_get_api");
    api = get != NULL ? get(SIPXFER_CLUSTER_ABI_MAJOR) : NULL;
    if (api == NULL || api->struct_size < sizeof *api) {
        ast_log(LOG_ERROR, LIBRARY " has another ABI: install the one that came with the module\n");
        api = NULL;
        return -1;
    }
    return 0;
}

static struct sipxfer_str str(const char *text)
{
    struct sipxfer_str made = {text, strlen(text)};

    return made;
}

static void set_node(struct sipxfer_cluster *made)
{
    struct sipxfer_cluster *old;

    ast_rwlock_wrlock(&node_lock);
    old = node;
    node = made;
    ast_rwlock_unlock(&node_lock);
    if (old != NULL) {
        api->destroy(old);
    }
}

static unsigned int number(const char *text)
{
    unsigned int value = 0;

    sscanf(text, "%9u", &value);
    return value;
}

int cluster_apply(void)
{
    struct sipxfer_cluster_options options;
    struct sipxfer_cluster *made = NULL;
    int32_t status;

    if (!memcmp(wanted, applied, sizeof wanted)) {
        return 0;
    }
    if (ast_strlen_zero(wanted[URL])) {
        set_node(NULL);
        memcpy(applied, wanted, sizeof applied);
        return 0;
    }
    if (load_library()) {
        return -1;
    }
    SIPXFER_INIT(options);
    options.url = str(wanted[URL]);
    options.node = str(wanted[NODE]);
    options.uri = str(wanted[URI]);
    options.user = str(wanted[USER]);
    options.password_file = str(wanted[PASSWORD_FILE]);
    options.ca_file = str(wanted[CA_FILE]);
    options.lease_s = number(wanted[LEASE]);
    options.deadline_ms = number(wanted[DEADLINE]);
    options.log = log_line;
    status = api->create(&options, &made);
    if (status != SIPXFER_OK) {
        ast_log(LOG_ERROR, "sipxfer: the cluster is not joined: %s\n", sipxfer_strerror(status));
        return -1;
    }
    api->attach(made, engine, sipxfer_lookup_resume);
    set_node(made);
    memcpy(applied, wanted, sizeof applied);
    dialogs_publish();
    return 0;
}

/* ---- dialogs ---- */

void cluster_publish(const struct sipxfer_dialog *dialog)
{
    ast_rwlock_rdlock(&node_lock);
    if (node != NULL) {
        api->publish(node, dialog);
    }
    ast_rwlock_unlock(&node_lock);
}

void cluster_remove(const struct leg *leg)
{
    struct sipxfer_dialog_key key;

    ast_rwlock_rdlock(&node_lock);
    if (node != NULL) {
        leg_key(leg, &key);
        api->remove(node, &key);
    }
    ast_rwlock_unlock(&node_lock);
}

int32_t cluster_lookup(void *user, uint64_t lookup, const struct sipxfer_dialog_key *key)
{
    int32_t status = SIPXFER_E_NOT_FOUND;

    ast_rwlock_rdlock(&node_lock);
    if (node != NULL && !behaviour.observe) {
        status = api->lookup(node, lookup, key);
    }
    ast_rwlock_unlock(&node_lock);
    return status;
}

/* ---- a REFER that has waited ---- */

/* The request of a transfer once more, from what was kept of it. */
static int ask_again(struct asked *asked, struct xfer *xfer)
{
    struct sipxfer_request *request = &asked->request;
    struct leg *leg = xfer->leg;
    struct ast_sip_endpoint *endpoint = leg->session->endpoint;

    memset(asked, 0, sizeof *asked);
    SIPXFER_INIT(asked->request);
    SIPXFER_INIT(asked->verdict);
    asked->session = leg->session;
    asked->endpoint = endpoint;
    asked->leg = leg;
    request->message = str(xfer->message);
    asked->scratch_len = SIPXFER_SCRATCH_SIZE(request->message.len);
    asked->scratch = ast_malloc(asked->scratch_len);
    if (asked->scratch == NULL) {
        return -1;
    }
    request->host_data = asked;
    request->dialog = leg;
    request->source = str(xfer->source);
    request->endpoint = str(ast_sorcery_object_get_id(endpoint));
    request->context = str(endpoint->context);
    request->user = str(leg->initiator == SIPXFER_INITIATOR_LOCAL ? leg->endpoint : leg->user);
    request->now_ms = clock_ms();
    request->transport = xfer->transport;
    request->secure = xfer->secure;
    request->transfer_depth = xfer->depth_before;
    request->handling = xfer->handling;
    return 0;
}

void cluster_route(struct xfer *xfer)
{
    struct asked asked;
    int32_t status = SIPXFER_E_NOMEM;

    if (ask_again(&asked, xfer) == 0) {
        status = sipxfer_transfer_route(engine, xfer->id, &asked.request, 0, asked.scratch,
                                        asked.scratch_len, &asked.verdict);
        if (status == SIPXFER_OK) {
            ast_verb(4, "sipxfer: REFER: %s %u: %.*s\n", sipxfer_verdict_name(asked.verdict.kind),
                     asked.verdict.code, SIPXFER_ARG(asked.verdict.why));
            if (xfer_rerouted(xfer, &asked)) {
                status = SIPXFER_E_NOMEM;
            }
        }
        asked_close(&asked);
    }
    if (status != SIPXFER_OK) {
        ast_log(LOG_ERROR, "sipxfer: a transfer cannot go on behind its lookup: %s\n",
                sipxfer_strerror(status));
        sipxfer_transfer_give_up(engine, xfer->id, 500, clock_ms());
    }
    outputs_take(xfer->id);
}

/* ---- an INVITE that waits ---- */

struct waiting {
    AST_LIST_ENTRY(waiting) entry;
    uint64_t lookup;
    pjsip_rx_data *rdata;              /* a copy */
    struct ast_sip_endpoint *endpoint; /* counted */
};

static AST_LIST_HEAD_NOLOCK_STATIC(kept, waiting);
static unsigned int kept_count, over_count;
static uint64_t over[REMEMBERED];
AST_MUTEX_DEFINE_STATIC(kept_lock);

static void waiting_free(struct waiting *waiting)
{
    pjsip_rx_data_free_cloned(waiting->rdata);
    ao2_cleanup(waiting->endpoint);
    ast_free(waiting);
}

/* In the serializer that its dialog would have. */
static int go_on(void *data)
{
    struct waiting *waiting = data;

    front_go_on(waiting->rdata, waiting->endpoint);
    waiting_free(waiting);
    return 0;
}

static void push(struct waiting *waiting)
{
    struct ast_taskprocessor *serializer = ast_sip_get_distributor_serializer(waiting->rdata);

    if (ast_sip_push_task(serializer, go_on, waiting)) {
        ast_log(LOG_ERROR, "sipxfer: an INVITE cannot go on: no thread for it\n");
        waiting_free(waiting);
    }
    ao2_cleanup(serializer);
}

static int is_same(const pjsip_rx_data *a, const pjsip_rx_data *b)
{
    return !pj_strcmp(&a->msg_info.cid->id, &b->msg_info.cid->id) &&
           !pj_strcmp(&a->msg_info.from->tag, &b->msg_info.from->tag) &&
           a->msg_info.cseq->cseq == b->msg_info.cseq->cseq &&
           !pj_strcmp(&a->msg_info.via->branch_param, &b->msg_info.via->branch_param);
}

int cluster_wait(pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint, uint64_t lookup)
{
    struct waiting *waiting, *each;
    int is_over = 0, full;

    waiting = ast_calloc(1, sizeof *waiting);
    if (waiting == NULL) {
        return -1;
    }
    if (pjsip_rx_data_clone(rdata, 0, &waiting->rdata) != PJ_SUCCESS) {
        ast_free(waiting);
        return -1;
    }
    /* What Asterisk's modules have noted of it; the endpoint is the only thing that is counted. */
    memcpy(&waiting->rdata->endpt_info, &rdata->endpt_info, sizeof rdata->endpt_info);
    waiting->endpoint = ao2_bump(endpoint);
    waiting->lookup = lookup;
    ast_mutex_lock(&kept_lock);
    AST_LIST_TRAVERSE(&kept, each, entry)
    {
        if (is_same(each->rdata, rdata)) {
            /* Sent again: the first one waits already. */
            ast_mutex_unlock(&kept_lock);
            waiting_free(waiting);
            return 0;
        }
    }
    for (unsigned int i = 0; i < REMEMBERED; i++) {
        is_over |= over[i] == lookup;
    }
    full = kept_count >= MOST_WAITING;
    if (!is_over && !full) {
        AST_LIST_INSERT_TAIL(&kept, waiting, entry);
        kept_count++;
    }
    ast_mutex_unlock(&kept_lock);
    if (!is_over && full) {
        waiting_free(waiting);
        return -1;
    }
    pjsip_endpt_respond_stateless(ast_sip_get_pjsip_endpoint(), rdata, 100, NULL, NULL, NULL);
    if (is_over) {
        push(waiting);
    }
    return 0;
}

void cluster_on_lookup(void *user, uint64_t lookup)
{
    AST_LIST_HEAD_NOLOCK(, waiting) ready = AST_LIST_HEAD_NOLOCK_INIT_VALUE;
    struct waiting *waiting;

    ast_mutex_lock(&kept_lock);
    AST_LIST_TRAVERSE_SAFE_BEGIN(&kept, waiting, entry)
    {
        if (waiting->lookup == lookup) {
            AST_LIST_REMOVE_CURRENT(entry);
            AST_LIST_INSERT_TAIL(&ready, waiting, entry);
            kept_count--;
        }
    }
    AST_LIST_TRAVERSE_SAFE_END;
    over[over_count++ % REMEMBERED] = lookup;
    ast_mutex_unlock(&kept_lock);
    while ((waiting = AST_LIST_REMOVE_HEAD(&ready, entry))) {
        push(waiting);
    }
    outputs_take(0);
}

/* ---- what it counts ---- */

void cluster_show(int fd)
{
    struct sipxfer_cluster_stats stats;
    int32_t status = SIPXFER_E_NOT_FOUND;

    SIPXFER_INIT(stats);
    ast_rwlock_rdlock(&node_lock);
    if (node != NULL) {
        status = api->stats(node, &stats);
    }
    ast_rwlock_unlock(&node_lock);
    if (status != SIPXFER_OK) {
        return;
    }
    ast_cli(fd, "Cluster: published:             %s\n", stats.is_publishing ? "yes" : "no");
    ast_cli(fd, "Cluster: dialogs, not yet sent: %" PRIu64 ", %" PRIu64 "\n", stats.dialogs,
            stats.waiting);
    ast_cli(fd, "Cluster: dropped:               %" PRIu64 "\n", stats.dropped);
    ast_cli(fd, "Cluster: lookups:               %" PRIu64 "\n", stats.lookups);
    ast_cli(fd, "Cluster: found:                 %" PRIu64 "\n", stats.found);
    ast_cli(fd, "Cluster: found at several:      %" PRIu64 "\n", stats.ambiguous);
    ast_cli(fd, "Cluster: too late:              %" PRIu64 "\n", stats.expired);
    ast_cli(fd, "Cluster: not asked:             %" PRIu64 "\n",
            stats.refused_away + stats.refused_full);
    ast_cli(fd, "Cluster: connections lost:      %" PRIu64 "\n", stats.failures);
    ast_cli(fd, "Cluster: name taken by another: %" PRIu64 "\n", stats.conflicts);
}

void cluster_leave(void)
{
    struct waiting *waiting;

    set_node(NULL);
    ast_mutex_lock(&kept_lock);
    while ((waiting = AST_LIST_REMOVE_HEAD(&kept, entry))) {
        waiting_free(waiting);
    }
    kept_count = 0;
    ast_mutex_unlock(&kept_lock);
}
