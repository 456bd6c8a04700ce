/* A host whose callbacks do what a test tells them to; the counts of what was taken and given back
 * are compared here. */
#include "callbacks_transfers.h"

struct act act;
struct sipxfer_engine *engine;
enum engine_kind engine_kind;
uint64_t dialog_id;
unsigned long called[PLACES];
int failures;

long destroyed;
static long references, releases, locks, unlocks;
static int object;

void honest(void)
{
    struct act plain = {
        .find_status = SIPXFER_OK,
        .lock_status = SIPXFER_OK,
        .lock_state = SIPXFER_DIALOG_CONFIRMED,
        .extension = SIPXFER_YES,
        .allow = SIPXFER_YES,
        .approve = SIPXFER_YES,
        .authorize = SIPXFER_YES,
        .verify_token = SIPXFER_YES,
        .random = SIPXFER_OK,
        .context_status = SIPXFER_OK,
        .context_len = 8,
    };
    act = plain;
}

void took_reference(void)
{
    references++;
}

void complain(const char *test, const char *what, long got)
{
    printf("%s (%s): %s: %ld\n", test, engine_kind == OWN_TABLE ? "own table" : "callbacks", what,
           got);
    failures++;
}

struct sipxfer_str literal(const char *text)
{
    struct sipxfer_str str = {text, strlen(text)};
    return str;
}

/* ---- the callbacks ---- */

/* What a callback does inside is not done again by the callbacks that it causes. */
static void enter(enum place place)
{
    static bool inside;
    called[place]++;
    if (act.inside != NULL && !inside) {
        inside = true;
        act.inside(place);
        inside = false;
    }
}

struct sipxfer_dialog_key host_key(void)
{
    struct sipxfer_dialog_key key;
    SIPXFER_INIT(key);
    key.call_id = literal("call-1@pbx");
    key.local_tag = literal("L1");
    key.remote_tag = literal("R1");
    return key;
}

struct sipxfer_dialog host_dialog(void)
{
    struct sipxfer_dialog dialog;
    struct sipxfer_dialog_key key = host_key();
    SIPXFER_INIT(dialog);
    dialog.dialog = &object;
    dialog.call_id = key.call_id;
    dialog.local_tag = key.local_tag;
    dialog.remote_tag = key.remote_tag;
    dialog.user = literal("bob");
    dialog.endpoint = literal("bob-phone");
    dialog.state = SIPXFER_DIALOG_CONFIRMED;
    dialog.initiator = SIPXFER_INITIATOR_REMOTE;
    dialog.usage = SIPXFER_USAGE_INVITE;
    return dialog;
}

static int32_t find(void *user, const struct sipxfer_dialog_key *key, struct sipxfer_dialog *out)
{
    (void)user;
    enter(IN_FIND);
    if (key->call_id.len != 10 || memcmp(key->call_id.ptr, "call-1@pbx", 10) != 0)
        return SIPXFER_E_NOT_FOUND;
    if (act.find_status == SIPXFER_OK) {
        size_t size = out->struct_size;
        *out = host_dialog();
        out->struct_size = size;
        references++;
    }
    if (act.distort != NULL)
        act.distort(out);
    /* Without an object there is nothing to give back. */
    if (act.find_status == SIPXFER_OK && out->dialog == NULL)
        references--;
    return act.find_status;
}

static int32_t lock(void *user, void *dialog, uint32_t *state)
{
    (void)user, (void)dialog;
    enter(IN_LOCK);
    if (!act.lock_is_silent)
        *state = act.lock_state;
    locks += act.lock_status == SIPXFER_OK;
    return act.lock_status;
}

static void unlock(void *user, void *dialog)
{
    (void)user, (void)dialog;
    unlocks++;
    enter(IN_UNLOCK);
}

static void release(void *user, void *dialog)
{
    (void)user, (void)dialog;
    releases++;
    enter(IN_RELEASE);
}

static void destroy(void *user)
{
    (void)user;
    destroyed++;
}

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    enter(IN_EXTENSION_EXISTS);
    return act.extension;
}

static int32_t transfer_context(void *user, const struct sipxfer_request *request, char *buffer,
                                size_t capacity, size_t *len)
{
    (void)user, (void)request;
    enter(IN_TRANSFER_CONTEXT);
    memset(buffer, 'x', capacity);
    if (!act.context_is_silent)
        *len = act.context_len;
    return act.context_status;
}

static int32_t allow_transfer(void *user, const struct sipxfer_request *request)
{
    (void)user, (void)request;
    enter(IN_ALLOW_TRANSFER);
    return act.allow;
}

static int32_t approve(void *user, const struct sipxfer_request *request, uint32_t kind,
                       struct sipxfer_str target)
{
    (void)user, (void)request, (void)kind, (void)target;
    enter(IN_APPROVE);
    return act.approve;
}

static int32_t authorize(void *user, const struct sipxfer_request *request,
                         const struct sipxfer_dialog *dialog)
{
    (void)user, (void)request, (void)dialog;
    enter(IN_AUTHORIZE);
    return act.authorize;
}

static int32_t verify_token(void *user, const struct sipxfer_request *request,
                            struct sipxfer_str referred_by, struct sipxfer_str part)
{
    (void)user, (void)request, (void)referred_by, (void)part;
    enter(IN_VERIFY_TOKEN);
    return act.verify_token;
}

static void log_line(void *user, uint32_t level, struct sipxfer_str text)
{
    (void)user, (void)level, (void)text;
    enter(IN_LOG);
}

static int32_t random_bytes(void *user, char *buffer, size_t len)
{
    /* Other bytes for every engine: ids of one must mean nothing to another. */
    static unsigned char seed;
    (void)user;
    memset(buffer, ++seed, len);
    return act.random;
}

/* ---- engines and requests ---- */

struct sipxfer_directory directory_of(enum engine_kind kind)
{
    struct sipxfer_directory directory;
    SIPXFER_INIT(directory);
    directory.find = kind == CALLBACKS ? find : NULL;
    directory.lock = lock;
    directory.unlock = unlock;
    directory.release = release;
    directory.destroy = destroy;
    return directory;
}

struct sipxfer_host whole_host(void)
{
    struct sipxfer_host host;
    SIPXFER_INIT(host);
    host.extension_exists = extension_exists;
    host.transfer_context = transfer_context;
    host.allow_transfer = allow_transfer;
    host.approve = approve;
    host.authorize = authorize;
    host.verify_token = verify_token;
    host.log = log_line;
    host.random = random_bytes;
    host.destroy = destroy;
    return host;
}

int32_t engine_make(const struct sipxfer_directory *directory, const struct sipxfer_host *host)
{
    struct sipxfer_engine_options options;
    SIPXFER_INIT(options);
    options.directory = directory;
    options.host = host;
    return sipxfer_engine_new(&options, &engine);
}

#define HEAD(method, to_tag)                                                                       \
    method " sip:pbx@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"        \
           "From: <sip:bob@example.com>;tag=f1\r\n"                                                \
           "To: <sip:pbx@example.com>" to_tag "\r\nCall-ID: new-1\r\n"                             \
           "CSeq: 1 " method "\r\nContact: <sip:bob@192.0.2.1>\r\nMax-Forwards: 70\r\n"

static const char *const messages[] = {
    [VERIFY] = HEAD("INVITE", "") "Replaces: call-1@pbx;to-tag=L1;from-tag=R1\r\n\r\n",
    [ROUTE] = HEAD("REFER", ";tag=t1") "Refer-To: <sip:carol@example.com?Replaces=call-1%40pbx"
                                       "%3Bto-tag%3DL1%3Bfrom-tag%3DR1>\r\n\r\n",
    [ROUTE_REMOTE] = HEAD("REFER", ";tag=t1") "Refer-To: <sip:carol@example.net?Replaces=elsewhere"
                                              "%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n\r\n",
    [ROUTE_TOKEN] = HEAD("REFER", ";tag=t1") "Refer-To: <sip:100@example.com>\r\n"
                                             "Referred-By: <sip:bob@example.com>;cid=\"a@b\"\r\n"
                                             "Content-Type: multipart/mixed;boundary=x\r\n\r\n"
                                             "--x\r\nContent-ID: <a@b>\r\n\r\ntoken\r\n--x--\r\n",
    [ROUTE_BLIND] = HEAD("REFER", ";tag=t1") "Refer-To: <sip:100@example.com>\r\n\r\n",
};

struct outcome ask(const char *test, enum request_kind what, bool lock_it)
{
    static const struct outcome none;
    struct outcome outcome = none;
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    request.message = literal(messages[what]);
    request.endpoint = literal(act.by_host ? "eve-phone" : "bob-phone");
    request.user = literal(act.by_host ? "eve" : "bob");
    request.context = literal("internal");
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = 5;
    if (what != VERIFY)
        request.dialog = &object;
    size_t size = SIPXFER_SCRATCH_SIZE(request.message.len);
    char *scratch = malloc(size);
    if (scratch == NULL)
        abort();
    outcome.status =
        what == VERIFY
            ? sipxfer_replaces_verify_request(engine, &request, lock_it, scratch, size, &verdict)
            : sipxfer_refer_route(engine, &request, lock_it, scratch, size, &verdict);
    if (outcome.status == SIPXFER_OK) {
        outcome.kind = verdict.kind;
        outcome.code = verdict.code;
        outcome.state = verdict.dialog_state;
        bool hands_out = verdict.kind == SIPXFER_VERDICT_ACCEPT ||
                         verdict.kind == SIPXFER_VERDICT_LOCAL_ATTENDED;
        if (hands_out != (verdict.dialog != NULL))
            complain(test, "a dialog goes with an acceptance, and with nothing else", verdict.kind);
        if (verdict.locked != (hands_out && lock_it))
            complain(test, "locked", verdict.locked);
        /* Read to their ends, so that a string that points nowhere is found out. */
        unsigned sum = 0;
        const struct sipxfer_str strings[] = {verdict.why, verdict.reason, verdict.warning,
                                              verdict.context, verdict.setting};
        for (size_t at = 0; at < sizeof strings / sizeof *strings; at++)
            for (size_t byte = 0; byte < strings[at].len; byte++)
                sum += (unsigned char)strings[at].ptr[byte];
        if (sum == 0)
            complain(test, "a verdict without a word", outcome.code);
        int32_t status = sipxfer_verdict_release(engine, &verdict);
        if (status != SIPXFER_OK)
            complain(test, "verdict_release", status);
        if (verdict.dialog != NULL || verdict.pin != 0 || verdict.locked != 0)
            complain(test, "verdict_release clears what it gave back", verdict.locked);
    }
    free(scratch);
    return outcome;
}

static void settings(const char *test)
{
    struct sipxfer_config *config = NULL;
    int32_t status = sipxfer_config_new(&config);
    struct sipxfer_str name = literal("replaces.authorize"), value = literal("host");
    if (status == SIPXFER_OK && act.by_host)
        status = sipxfer_config_set(config, NULL, 0, name.ptr, name.len, value.ptr, value.len);
    if (status == SIPXFER_OK)
        status = sipxfer_config_apply(engine, config);
    if (status != SIPXFER_OK)
        complain(test, "settings", status);
    sipxfer_config_free(config);
}

bool engine_begin(const char *test, enum engine_kind kind, const struct sipxfer_host *host)
{
    struct sipxfer_directory directory = directory_of(kind);
    references = releases = locks = unlocks = destroyed = 0;
    engine_kind = kind;
    engine = NULL;
    int32_t status = engine_make(&directory, host);
    if (status != SIPXFER_OK) {
        complain(test, "engine_new", status);
        return false;
    }
    settings(test);
    if (kind == OWN_TABLE) {
        struct sipxfer_dialog dialog = host_dialog();
        status = sipxfer_dialog_add(engine, &dialog, &dialog_id);
        references += status == SIPXFER_OK;
        if (status != SIPXFER_OK)
            complain(test, "dialog_add", status);
    }
    return true;
}

void engine_end(const char *test)
{
    if (engine_kind == OWN_TABLE) {
        /* Here `release` is called; it may call back, which it may not once the engine ends. */
        int32_t status = sipxfer_dialog_remove(engine, dialog_id, 5);
        if (status != SIPXFER_OK && status != SIPXFER_E_NOT_FOUND)
            complain(test, "dialog_remove", status);
    }
    act.inside = NULL;
    sipxfer_engine_free(engine);
    engine = NULL;
    if (references != releases)
        complain(test, "references that were not given back", references - releases);
    if (locks != unlocks)
        complain(test, "locks that were not given back", locks - unlocks);
    if (destroyed != 2)
        complain(test, "destroy callbacks", destroyed);
    if (sipxfer_panic_count() != 0) {
        complain(test, "faults inside the library", (long)sipxfer_panic_count());
        exit(1);
    }
}

struct outcome play(const char *test, enum engine_kind kind, enum request_kind request,
                    bool lock_it)
{
    struct sipxfer_host host = whole_host();
    struct outcome outcome = {.status = SIPXFER_E_STATE};
    if (!engine_begin(test, kind, &host))
        return outcome;
    outcome = ask(test, request, lock_it);
    engine_end(test);
    return outcome;
}
