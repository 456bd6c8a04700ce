/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Several PBXes as one: dialogs are published by libsipxfer_cluster.so, and those that are not here
 * are looked up by it. It is loaded when cluster.url is set, and without that everything is as if
 * this file was not there.
 *
 * A REFER that waits for a lookup has its answer, and goes on from the queue. An INVITE is kept as
 * a copy, and goes through the modules from this one on once more.
 */
#include "sipxfer_pjsip_parts.h"

#include "sipxfer_cluster.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define THIS_FILE "sipxfer_pjsip_cluster.c"
#define LIBRARY   "libsipxfer_cluster.so.0"

/* INVITEs that wait for a lookup at the same time. */
#define MOST_KEPT 256
/* Lookups that are over, for who begins to wait a moment too late. */
#define REMEMBERED 64

enum { URL, NODE, URI, USER, PASSWORD_FILE, CA_FILE, LEASE, DEADLINE, SETTINGS };

static const char *const names[SETTINGS] = {
    "cluster.url",           "cluster.node",    "cluster.uri",     "cluster.user",
    "cluster.password_file", "cluster.ca_file", "cluster.lease_s", "cluster.deadline_ms",
};

/* An INVITE that waits. */
struct kept {
    struct kept *next;
    uint64_t lookup;
    int over;
    pjsip_rx_data *rdata; /* a copy */
};

/* A thread of the cluster, as pjlib wants to know it. */
struct known {
    struct known *next;
    pj_thread_desc description;
};

static struct {
    char settings[SETTINGS][512];
    void *library;
    const struct sipxfer_cluster_api *api;
    struct sipxfer_cluster *node;
    /* Under the adapter's mutex. */
    struct kept *kept;
    unsigned kept_count, over_count;
    uint64_t over[REMEMBERED];
    struct known *threads;
} cluster;

/* ---- threads that pjlib has not made ---- */

static pj_bool_t know_thread(void)
{
    struct known *known;
    pj_thread_t *thread;

    if (pj_thread_is_registered())
        return PJ_TRUE;
    known = calloc(1, sizeof *known);
    if (known == NULL)
        return PJ_FALSE;
    if (pj_thread_register("sipxfer-cluster", known->description, &thread) != PJ_SUCCESS) {
        free(known);
        return PJ_FALSE;
    }
    pj_mutex_lock(self.mutex);
    known->next = cluster.threads;
    cluster.threads = known;
    pj_mutex_unlock(self.mutex);
    return PJ_TRUE;
}

static void log_line(void *user, uint32_t level, struct sipxfer_str text)
{
    (void)user;
    if (!know_thread())
        return;
    switch (level) {
    case SIPXFER_LOG_ERROR:
        PJ_LOG(1, (THIS_FILE, "%.*s", SIPXFER_ARG(text)));
        break;
    case SIPXFER_LOG_WARNING:
        PJ_LOG(2, (THIS_FILE, "%.*s", SIPXFER_ARG(text)));
        break;
    default:
        PJ_LOG(3, (THIS_FILE, "%.*s", SIPXFER_ARG(text)));
    }
}

/* What the library calls from here uses pjlib. Without memory the lookup ends by its deadline. */
static int32_t resume(const struct sipxfer_engine *engine, uint64_t lookup, int32_t status,
                      const struct sipxfer_remote_dialog *dialog, uint64_t now_ms)
{
    return know_thread() ? sipxfer_lookup_resume(engine, lookup, status, dialog, now_ms)
                         : SIPXFER_E_NOMEM;
}

/* ---- settings ---- */

enum sipxfer_pjsip_taken sipxfer_pjsip_cluster_setting(const char *name, const char *value)
{
    for (int i = 0; i < SETTINGS; i++) {
        if (strcmp(name, names[i]) != 0)
            continue;
        if (cluster.node == NULL) { /* a node stays what it was made as */
            if (strlen(value) >= sizeof cluster.settings[i])
                return SIPXFER_PJSIP_BAD;
            strcpy(cluster.settings[i], value);
        }
        /* The engine has a deadline of its own, of this name. */
        return i == DEADLINE ? SIPXFER_PJSIP_SHARED : SIPXFER_PJSIP_TAKEN;
    }
    return SIPXFER_PJSIP_NOT_MINE;
}

static struct sipxfer_str str(int setting)
{
    struct sipxfer_str made = {cluster.settings[setting], strlen(cluster.settings[setting])};

    return made;
}

/* Nothing is 0, which stands for the default. */
static pj_status_t number(int setting, uint32_t *value)
{
    const char *text = cluster.settings[setting];
    char *end = NULL;
    unsigned long read = strtoul(text, &end, 10);

    *value = (uint32_t)read;
    if (text[0] == '\0' || (text[0] >= '0' && text[0] <= '9' && *end == '\0' && read <= 86400000))
        return PJ_SUCCESS;
    PJ_LOG(1, (THIS_FILE, "%s = %s: a number is expected", names[setting], text));
    return PJ_EINVAL;
}

static pj_status_t load_library(void)
{
    const struct sipxfer_cluster_api *(*get)(uint32_t) = NULL;

    cluster.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (cluster.library == NULL) {
        PJ_LOG(1, (THIS_FILE, "cluster.url is set and there is no " LIBRARY ": %s", dlerror()));
        return PJ_ENOTFOUND;
    }
    *(void **)&get = dlsym(cluster.library, "sipxfer_cluster_get_api");
    cluster.api = get != NULL ? get(SIPXFER_CLUSTER_ABI_MAJOR) : NULL;
    if (cluster.api == NULL || cluster.api->struct_size < sizeof *cluster.api) {
        PJ_LOG(1, (THIS_FILE, LIBRARY " has another ABI than this program was compiled for"));
        cluster.api = NULL;
        return PJ_ENOTSUP;
    }
    return PJ_SUCCESS;
}

pj_status_t sipxfer_pjsip_cluster_join(void)
{
    struct sipxfer_cluster_options options;
    struct sipxfer_cluster *made = NULL;
    pj_status_t status;
    int32_t joined;

    if (cluster.settings[URL][0] == '\0')
        return PJ_SUCCESS;
    SIPXFER_INIT(options);
    options.url = str(URL);
    options.node = str(NODE);
    options.uri = str(URI);
    options.user = str(USER);
    options.password_file = str(PASSWORD_FILE);
    options.ca_file = str(CA_FILE);
    options.log = log_line;
    status = number(LEASE, &options.lease_s);
    if (status == PJ_SUCCESS)
        status = number(DEADLINE, &options.deadline_ms);
    if (status == PJ_SUCCESS)
        status = load_library();
    if (status != PJ_SUCCESS)
        return status;
    joined = cluster.api->create(&options, &made);
    if (joined == SIPXFER_OK) {
        joined = cluster.api->attach(made, self.engine, resume);
        if (joined != SIPXFER_OK)
            cluster.api->destroy(made);
    }
    if (joined != SIPXFER_OK) {
        sipxfer_pjsip_complain("the cluster is not joined", joined);
        return PJ_EINVAL;
    }
    cluster.node = made; /* no request has come in yet */
    return PJ_SUCCESS;
}

/* ---- dialogs ---- */

static int32_t remove_dialog(const pjsip_dialog *dialog, const pj_str_t *remote_tag)
{
    struct sipxfer_dialog_key key;

    SIPXFER_INIT(key);
    key.call_id = sipxfer_pjsip_str(&dialog->call_id->id);
    key.local_tag = sipxfer_pjsip_str(&dialog->local.info->tag);
    key.remote_tag = sipxfer_pjsip_str(remote_tag);
    return cluster.api->remove(cluster.node, &key);
}

/* The remote tag under which a dialog is published stands with it: the dialog of an INVITE that was
 * forked takes another one when another phone answers. */
void sipxfer_pjsip_publish(pjsip_dialog *dialog, const struct sipxfer_dialog *now)
{
    pj_str_t **published = (pj_str_t **)&dialog->mod_data[sipxfer_pjsip_first_module.id];
    const pj_str_t *tag = &dialog->remote.info->tag;
    int32_t status = SIPXFER_OK;

    if (cluster.node == NULL)
        return;
    if (*published != NULL &&
        (pj_strcmp(*published, tag) != 0 || now->state == SIPXFER_DIALOG_TERMINATED)) {
        sipxfer_pjsip_complain("a dialog is taken away", remove_dialog(dialog, *published));
        *published = NULL;
    }
    if (now->state == SIPXFER_DIALOG_TERMINATED)
        return;
    status = cluster.api->publish(cluster.node, now);
    sipxfer_pjsip_complain("a dialog is published", status);
    if (status == SIPXFER_OK && *published == NULL) {
        *published = PJ_POOL_ALLOC_T(dialog->pool, pj_str_t);
        pj_strdup(dialog->pool, *published, tag);
    }
}

int32_t sipxfer_pjsip_lookup(void *user, uint64_t lookup, const struct sipxfer_dialog_key *key)
{
    (void)user;
    return cluster.node != NULL ? cluster.api->lookup(cluster.node, lookup, key)
                                : SIPXFER_E_NOT_FOUND;
}

/* ---- an INVITE that waits ---- */

static void drop(struct kept *kept)
{
    pjsip_rx_data_free_cloned(kept->rdata);
    free(kept);
}

/* The first one whose lookup is over. */
static struct kept *take_ready(void)
{
    struct kept **at, *found;

    pj_mutex_lock(self.mutex);
    for (at = &cluster.kept; *at != NULL && !(*at)->over; at = &(*at)->next)
        continue;
    found = *at;
    if (found != NULL) {
        *at = found->next;
        cluster.kept_count--;
    }
    pj_mutex_unlock(self.mutex);
    return found;
}

/* As if they came just now, but for the transactions, which they have passed. */
static void go_on(void *user, void *argument)
{
    pjsip_process_rdata_param from;
    pj_bool_t handled;
    struct kept *kept;

    (void)user, (void)argument;
    pjsip_process_rdata_param_default(&from);
    from.start_mod = &sipxfer_pjsip_first_module;
    while ((kept = take_ready()) != NULL) {
        pjsip_endpt_process_rx_data(self.endpoint, kept->rdata, &from, &handled);
        drop(kept);
    }
}

static int is_same(const pjsip_rx_data *a, const pjsip_rx_data *b)
{
    return pj_strcmp(&a->msg_info.cid->id, &b->msg_info.cid->id) == 0 &&
           pj_strcmp(&a->msg_info.from->tag, &b->msg_info.from->tag) == 0 &&
           a->msg_info.cseq->cseq == b->msg_info.cseq->cseq &&
           pj_strcmp(&a->msg_info.via->branch_param, &b->msg_info.via->branch_param) == 0;
}

/* Takes it over unless there is one like it already, which was sent again, or no room. */
static pj_bool_t take_over(struct kept *kept, pj_bool_t *has_one)
{
    struct kept **at;

    *has_one = PJ_FALSE;
    pj_mutex_lock(self.mutex);
    for (at = &cluster.kept; *at != NULL; at = &(*at)->next)
        *has_one |= is_same((*at)->rdata, kept->rdata);
    for (unsigned i = 0; i < REMEMBERED; i++)
        kept->over |= cluster.over[i] == kept->lookup;
    if (*has_one || cluster.kept_count >= MOST_KEPT) {
        pj_mutex_unlock(self.mutex);
        return PJ_FALSE;
    }
    *at = kept;
    cluster.kept_count++;
    pj_mutex_unlock(self.mutex);
    return PJ_TRUE;
}

pj_bool_t sipxfer_pjsip_keep(pjsip_rx_data *rdata, uint64_t lookup)
{
    struct kept *kept = calloc(1, sizeof *kept);
    pj_bool_t has_one;

    if (kept == NULL)
        return PJ_FALSE;
    if (pjsip_rx_data_clone(rdata, 0, &kept->rdata) != PJ_SUCCESS) {
        free(kept);
        return PJ_FALSE;
    }
    kept->lookup = lookup;
    pjsip_endpt_respond_stateless(self.endpoint, rdata, PJSIP_SC_TRYING, NULL, NULL, NULL);
    if (!take_over(kept, &has_one)) {
        drop(kept);
        return has_one;
    }
    /* It may be over already, and nobody tells of that again. */
    sipxfer_pjsip_later(go_on, NULL);
    return PJ_TRUE;
}

void sipxfer_pjsip_on_lookup(void *user, uint64_t lookup)
{
    struct kept *kept;

    (void)user;
    pj_mutex_lock(self.mutex);
    for (kept = cluster.kept; kept != NULL; kept = kept->next)
        kept->over |= kept->lookup == lookup;
    cluster.over[cluster.over_count++ % REMEMBERED] = lookup;
    pj_mutex_unlock(self.mutex);
    sipxfer_pjsip_later(go_on, NULL);
    sipxfer_pjsip_pump(0);
}

/* ---- the end ---- */

/* Its threads have ended when this returns. */
void sipxfer_pjsip_cluster_leave(void)
{
    if (cluster.node != NULL)
        cluster.api->destroy(cluster.node);
    while (cluster.kept != NULL) {
        struct kept *kept = cluster.kept;
        cluster.kept = kept->next;
        drop(kept);
    }
    while (cluster.threads != NULL) {
        struct known *known = cluster.threads;
        cluster.threads = known->next;
        free(known);
    }
    memset(&cluster, 0, sizeof cluster); /* the library stays, as its threads' own ends may */
}
