/* A C host with a park lot, as one node of a cluster: reads commands from stdin, answers each with
 * a line.
 *
 *   park NUMBER          parks Alice's call, under that number or (0) a secret: its token
 *   dial USER TOKEN      somebody asks for the call with this token: the verdict
 *   invite USER REPLACES an INVITE with this Replaces has come: the verdict
 *
 * A verdict is printed as: kind code ground node target replaces, "-" standing for what is empty.
 */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <pthread.h>
#include <sipxfer.h>
#include <sipxfer_cluster.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct sipxfer_api *api;
static const struct sipxfer_cluster_api *cluster_api;
static struct sipxfer_engine *engine;
static struct sipxfer_cluster *node;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static unsigned long over;

static void must(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

static struct sipxfer_str str(const char *text)
{
    struct sipxfer_str made = {text, strlen(text)};
    return made;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_lookup(void *user, uint64_t lookup)
{
    (void)user, (void)lookup;
    pthread_mutex_lock(&lock);
    over++;
    pthread_cond_broadcast(&told);
    pthread_mutex_unlock(&lock);
}

/* Until a lookup more is over than `before`; time passes for the engine meanwhile. */
static void wait_for_lookup(unsigned long before)
{
    pthread_mutex_lock(&lock);
    while (over == before) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 10000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&told, &lock, &until);
        pthread_mutex_unlock(&lock);
        must(api->tick(engine, now_ms()) == SIPXFER_OK, "tick");
        pthread_mutex_lock(&lock);
    }
    pthread_mutex_unlock(&lock);
}

static void put(struct sipxfer_str text)
{
    printf(" %.*s", text.len > 0 ? (int)text.len : 1, text.len > 0 ? text.ptr : "-");
}

/* An INVITE of this user: with a Replaces, or (with a token) one that dials that. */
static void invite(const char *user, const char *replaces, const char *token)
{
    char message[2048], scratch[SIPXFER_SCRATCH_SIZE(sizeof message)];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    unsigned long before;
    int32_t status;

    snprintf(message, sizeof message,
             "INVITE sip:pbx@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
             "From: <sip:x@h>;tag=f\r\nTo: <sip:pbx@h>\r\nCall-ID: new@h\r\nCSeq: 1 INVITE\r\n"
             "%s%s%sContent-Length: 0\r\n\r\n",
             token != NULL ? "" : "Replaces: ", token != NULL ? "" : replaces,
             token != NULL ? "" : "\r\n");
    for (;;) {
        SIPXFER_INIT(request);
        SIPXFER_INIT(verdict);
        request.message = str(message);
        request.endpoint = str(user);
        request.user = str(user);
        request.now_ms = now_ms();
        pthread_mutex_lock(&lock);
        before = over;
        pthread_mutex_unlock(&lock);
        if (token != NULL)
            status = api->park_find(engine, &request, token, strlen(token), scratch, sizeof scratch,
                                    &verdict);
        else
            status = api->replaces_verify_request(engine, &request, 0, scratch, sizeof scratch,
                                                  &verdict);
        must(status == SIPXFER_OK, "the verdict");
        if (verdict.kind != SIPXFER_VERDICT_PENDING)
            break;
        wait_for_lookup(before);
    }
    printf("%s %u %s", api->verdict_name(verdict.kind), verdict.code,
           api->ground_name(verdict.ground));
    put(verdict.node);
    put(verdict.target);
    put(verdict.replaces);
    printf("\n");
    must(api->verdict_release(engine, &verdict) == SIPXFER_OK, "the dialog is given back");
}

static void park(unsigned int number)
{
    char token[SIPXFER_PARK_TOKEN_SIZE];
    struct sipxfer_park_call call;
    struct sipxfer_dialog dialog;
    static char call_id[32];
    static int calls;
    uint64_t id;
    size_t len;

    snprintf(call_id, sizeof call_id, "held-%d@alice", ++calls);
    SIPXFER_INIT(dialog);
    dialog.dialog = call_id;
    dialog.call_id = str(call_id);
    dialog.local_tag = str("ours");
    dialog.remote_tag = str("hers");
    dialog.user = str("alice");
    dialog.endpoint = str("alice-phone");
    dialog.state = SIPXFER_DIALOG_CONFIRMED;
    dialog.initiator = SIPXFER_INITIATOR_REMOTE;
    dialog.usage = SIPXFER_USAGE_INVITE;
    must(api->dialog_add(engine, &dialog, &id) == SIPXFER_OK, "dialog_add");
    SIPXFER_INIT(call);
    call.call_id = dialog.call_id;
    call.local_tag = dialog.local_tag;
    call.remote_tag = dialog.remote_tag;
    call.parker = str("bob");
    call.place = number == 0 ? SIPXFER_PARK_SECRET : SIPXFER_PARK_NUMBER;
    call.number = number;
    must(api->park(engine, &call, now_ms(), token, sizeof token, &len) == SIPXFER_OK, "park");
    struct sipxfer_str shown = {token, len};
    must(cluster_api->park(node, &dialog, shown) == SIPXFER_OK, "the other nodes are told");
    printf("%.*s\n", (int)len, token);
}

static void log_line(void *user, uint32_t level, struct sipxfer_str text)
{
    (void)user;
    fprintf(stderr, "%u: %.*s\n", level, (int)text.len, text.ptr);
}

static void *symbol(const char *library, const char *name)
{
    void *opened = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    must(opened != NULL, library);
    return dlsym(opened, name);
}

static void begin(char **args)
{
    const struct sipxfer_api *(*get)(uint32_t);
    const struct sipxfer_cluster_api *(*get_cluster)(uint32_t);
    struct sipxfer_cluster_options options;
    struct sipxfer_directory directory;
    struct sipxfer_engine_options parts;
    struct sipxfer_host host;

    *(void **)&get = symbol(args[1], "sipxfer_get_api");
    *(void **)&get_cluster = symbol(args[2], "sipxfer_cluster_get_api");
    api = get(SIPXFER_ABI_MAJOR);
    cluster_api = get_cluster(SIPXFER_CLUSTER_ABI_MAJOR);
    SIPXFER_INIT(options);
    options.url = str(args[3]);
    options.node = str(args[4]);
    options.uri = str(args[5]);
    options.lease_s = 2;
    options.log = log_line;
    must(cluster_api->create(&options, &node) == SIPXFER_OK, "the node");
    SIPXFER_INIT(directory);
    directory.lookup = cluster_api->lookup;
    directory.lookup_parked = cluster_api->lookup_parked;
    directory.lookup_user = node;
    SIPXFER_INIT(host);
    host.on_lookup = on_lookup;
    SIPXFER_INIT(parts);
    parts.directory = &directory;
    parts.host = &host;
    must(api->engine_new(&parts, &engine) == SIPXFER_OK, "the engine");
    must(cluster_api->attach(node, engine, api->lookup_resume) == SIPXFER_OK, "attach");
}

int main(int count, char **args)
{
    char line[1024], user[64], text[512];
    unsigned int number;

    must(count == 6, "usage: lot LIBSIPXFER LIBSIPXFER_CLUSTER URL NODE URI");
    setvbuf(stdout, NULL, _IOLBF, 0);
    begin(args);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (sscanf(line, "park %u", &number) == 1)
            park(number);
        else if (sscanf(line, "dial %63s %511s", user, text) == 2)
            invite(user, NULL, text);
        else if (sscanf(line, "invite %63s %511s", user, text) == 2)
            invite(user, text, NULL);
        else
            must(0, line);
    }
    cluster_api->destroy(node);
    api->engine_free(engine);
    return 0;
}
