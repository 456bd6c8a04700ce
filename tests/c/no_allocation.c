/* Counts what reaches the allocator while verdicts are made. The functions here take the place of
 * those of the C library, for the shared object too. */
#include <errno.h>
#include <sipxfer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *old);

static unsigned long allocations, frees;

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    allocations++;
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}

void free(void *old)
{
    frees += old != NULL;
    __libc_free(old);
}

/* ---- the host ---- */

enum engine_kind { OWN_TABLE, CALLBACKS };
static enum engine_kind engine_kind;
static struct sipxfer_engine *engine;
static int object, failures;
static bool external_replaces;

static struct sipxfer_str literal(const char *text)
{
    struct sipxfer_str str = {text, strlen(text)};
    return str;
}

static bool equals(struct sipxfer_str str, const char *text)
{
    return str.len == strlen(text) && memcmp(str.ptr, text, str.len) == 0;
}

static struct sipxfer_dialog dialog_of(const char *call_id)
{
    struct sipxfer_dialog dialog;
    SIPXFER_INIT(dialog);
    dialog.dialog = &object;
    dialog.call_id = literal(call_id);
    dialog.local_tag = literal("L1");
    dialog.remote_tag = literal("R1");
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
    static const char *const dialogs[] = {"call-1@pbx", "waits@pbx", "hidden@pbx"};
    for (size_t at = 0; at < sizeof dialogs / sizeof *dialogs; at++)
        if (equals(key->call_id, dialogs[at]) && equals(key->local_tag, "L1")) {
            *out = dialog_of(dialogs[at]);
            return SIPXFER_OK;
        }
    return SIPXFER_E_NOT_FOUND;
}

static int32_t lock(void *user, void *dialog, uint32_t *state)
{
    (void)user, (void)dialog;
    *state = SIPXFER_DIALOG_CONFIRMED;
    return SIPXFER_OK;
}

static void nothing(void *user, void *dialog)
{
    (void)user, (void)dialog;
}

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context;
    return equals(extension, "external_replaces") && !external_replaces ? SIPXFER_NO : SIPXFER_YES;
}

/* So that the secret of a parked call is known here. */
static int32_t random_bytes(void *user, char *buffer, size_t len)
{
    (void)user;
    memset(buffer, 0, len);
    return SIPXFER_OK;
}

static void log_line(void *user, uint32_t level, struct sipxfer_str text)
{
    (void)user, (void)level, (void)text;
}

static void add_dialog(const char *call_id)
{
    uint64_t id;
    struct sipxfer_dialog dialog = dialog_of(call_id);
    if (sipxfer_dialog_add(engine, &dialog, &id) != SIPXFER_OK)
        exit(2);
}

static void park_dialog(const char *call_id, uint32_t place)
{
    char token[SIPXFER_PARK_TOKEN_SIZE];
    size_t needed = 0;
    struct sipxfer_park_call call;
    SIPXFER_INIT(call);
    call.call_id = literal(call_id);
    call.local_tag = literal("L1");
    call.remote_tag = literal("R1");
    call.place = place;
    if (sipxfer_park(engine, &call, 1, token, sizeof token, &needed) != SIPXFER_OK)
        exit(2);
}

static void engine_begin(void)
{
    struct sipxfer_directory directory;
    struct sipxfer_host host;
    struct sipxfer_engine_options options;
    SIPXFER_INIT(directory);
    SIPXFER_INIT(host);
    SIPXFER_INIT(options);
    directory.find = engine_kind == CALLBACKS ? find : NULL;
    directory.lock = lock;
    directory.unlock = nothing;
    directory.release = nothing;
    host.extension_exists = extension_exists;
    host.log = log_line;
    host.random = random_bytes;
    options.directory = &directory;
    options.host = &host;
    unsigned long before = allocations;
    if (sipxfer_engine_new(&options, &engine) != SIPXFER_OK)
        exit(2);
    if (allocations == before) {
        printf("sipxfer_engine_new allocates nothing: this counter counts nothing\n");
        exit(2);
    }
    struct sipxfer_config *config = NULL;
    if (sipxfer_config_new(&config) != SIPXFER_OK ||
        sipxfer_config_set(config, NULL, 0, "join.allow", 10, "yes", 3) != SIPXFER_OK ||
        sipxfer_config_apply(engine, config) != SIPXFER_OK)
        exit(2);
    sipxfer_config_free(config);
    if (engine_kind == OWN_TABLE) {
        add_dialog("call-1@pbx");
        add_dialog("waits@pbx");
        add_dialog("hidden@pbx");
    }
    park_dialog("waits@pbx", SIPXFER_PARK_LOWEST);
    park_dialog("hidden@pbx", SIPXFER_PARK_SECRET);
}

/* ---- the verdicts ---- */

#define HEAD(method, to_tag)                                                                       \
    method " sip:pbx@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"        \
           "From: <sip:bob@example.com>;tag=f1\r\n"                                                \
           "To: <sip:pbx@example.com>" to_tag "\r\nCall-ID: new-1\r\n"                             \
           "CSeq: 1 " method "\r\nContact: <sip:bob@192.0.2.1>\r\nMax-Forwards: 70\r\n"
#define REPLACES(value) HEAD("INVITE", "") "Replaces: " value "\r\n\r\n"
#define JOIN(value)     HEAD("INVITE", "") "Join: " value "\r\n\r\n"
#define REFER(value)                                                                               \
    HEAD("REFER", ";tag=t1") "Refer-To: " value "\r\nReferred-By: <sip:bob@example.com>\r\n\r\n"

struct request {
    const char *name, *message;
    uint32_t kind, code;
    bool stranger, other_user, no_extension;
};

static const struct request requests[] = {
    {.name = "INVITE without Replaces",
     .message = HEAD("INVITE", "") "\r\n",
     .kind = SIPXFER_VERDICT_NONE},
    {.name = "hit",
     .message = REPLACES("call-1@pbx;to-tag=L1;from-tag=R1"),
     .kind = SIPXFER_VERDICT_ACCEPT,
     .code = 200},
    {.name = "miss",
     .message = REPLACES("call-2@pbx;to-tag=L1;from-tag=R1"),
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 481},
    {.name = "400",
     .message = REPLACES("call-1@pbx;to-tag=L1"),
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 400},
    {.name = "403",
     .message = REPLACES("call-1@pbx;to-tag=L1;from-tag=R1"),
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 403,
     .other_user = true},
    {.name = "parked, with its secret",
     .message = REPLACES("hidden@pbx;to-tag=L1;from-tag=R1;token=aaaaaaaaaaaaaaaaaaaaaaaaaa"),
     .kind = SIPXFER_VERDICT_ACCEPT,
     .code = 200,
     .other_user = true},
    {.name = "parked, with a wrong secret",
     .message = REPLACES("hidden@pbx;to-tag=L1;from-tag=R1;token=qaaaaaaaaaaaaaaaaaaaaaaaaa"),
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 403,
     .other_user = true},
    {.name = "parked, with its number",
     .message = REPLACES("waits@pbx;to-tag=L1;from-tag=R1;token=701"),
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 403,
     .other_user = true},
    {.name = "challenge",
     .message = REPLACES("call-1@pbx;to-tag=L1;from-tag=R1"),
     .kind = SIPXFER_VERDICT_CHALLENGE,
     .code = 401,
     .stranger = true},
    {.name = "486",
     .message = REPLACES("call-1@pbx;to-tag=L1;from-tag=R1;early-only"),
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 486},
    {.name = "420",
     .message = HEAD("INVITE", "") "Require: nothing-known\r\n"
                                   "Replaces: call-1@pbx;to-tag=L1;from-tag=R1\r\n\r\n",
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 420},
    {.name = "Join",
     .message = JOIN("call-1@pbx;to-tag=L1;from-tag=R1"),
     .kind = SIPXFER_VERDICT_JOIN,
     .code = 200},
    {.name = "Join, 481",
     .message = JOIN("other@pbx;to-tag=L1;from-tag=R1"),
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 481},
    {.name = "Join, 403",
     .message = JOIN("call-1@pbx;to-tag=L1;from-tag=R1"),
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 403,
     .other_user = true},
    {.name = "REFER, local attended",
     .message = REFER("<sip:c@h?Replaces=call-1%40pbx%3Bto-tag%3DL1%3Bfrom-tag%3DR1>"),
     .kind = SIPXFER_VERDICT_LOCAL_ATTENDED,
     .code = 202},
    {.name = "REFER with a token",
     .message = HEAD("REFER", ";tag=t1") "Refer-To: <sip:100@h>\r\n"
                                         "Referred-By: <sip:bob@h>;cid=\"a@b\"\r\n"
                                         "Content-Type: multipart/mixed;boundary=x\r\n\r\n"
                                         "--x\r\nContent-ID: <a@b>\r\n\r\nt\r\n--x--\r\n",
     .kind = SIPXFER_VERDICT_BLIND,
     .code = 202},
    {.name = "REFER beside its call",
     .message = HEAD("REFER", "") "Target-Dialog: call-1@pbx;local-tag=L1;remote-tag=R1\r\n"
                                  "Refer-To: <sip:100@h>\r\n\r\n",
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 403},
    {.name = "REFER, remote attended",
     .message = REFER("<sip:c@example.net?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2"
                      "&Subject=hello&X-Dropped=yes>"),
     .kind = SIPXFER_VERDICT_REMOTE_ATTENDED,
     .code = 202},
    {.name = "REFER, no external_replaces",
     .message = REFER("<sip:c@example.net?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>"),
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 404,
     .no_extension = true},
    {.name = "REFER, blind",
     .message = REFER("<sip:100@h>"),
     .kind = SIPXFER_VERDICT_BLIND,
     .code = 202},
    {.name = "REFER, 400",
     .message = HEAD("REFER", ";tag=t1") "\r\n",
     .kind = SIPXFER_VERDICT_REJECT,
     .code = 400},
    {.name = "REFER, challenge",
     .message = REFER("<sip:100@h>"),
     .kind = SIPXFER_VERDICT_CHALLENGE,
     .code = 401,
     .stranger = true},
};

static void verdict(const struct request *what, uint32_t lock_it, const char *which)
{
    static char scratch[65536], response[8192];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    size_t needed = 0;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    request.message = literal(what->message);
    if (!what->stranger) {
        request.endpoint = literal(what->other_user ? "eve-phone" : "bob-phone");
        request.user = literal(what->other_user ? "eve" : "bob");
    }
    request.context = literal("internal");
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = 10;
    int32_t (*verify)(const struct sipxfer_engine *, const struct sipxfer_request *, uint32_t,
                      char *, size_t, struct sipxfer_verdict *) = sipxfer_replaces_verify_request;
    if (strncmp(what->message, "REFER", 5) == 0)
        verify = sipxfer_refer_route;
    else if (strstr(what->message, "\r\nJoin: ") != NULL)
        verify = sipxfer_join_verify_request;
    external_replaces = !what->no_extension;

    unsigned long before = allocations, freed = frees;
    int32_t status = verify(engine, &request, lock_it, scratch, sizeof scratch, &verdict);
    unsigned long decided = allocations;
    uint32_t kind = verdict.kind, code = verdict.code;
    int32_t printed = SIPXFER_OK, released;
    if (code >= 300)
        printed =
            sipxfer_response_print(&request, &verdict, "t1", 2, response, sizeof response, &needed);
    released = sipxfer_verdict_release(engine, &verdict);
    unsigned long after = allocations;

    if (status != SIPXFER_OK || printed != SIPXFER_OK || released != SIPXFER_OK ||
        kind != what->kind || code != what->code) {
        printf("%s: status %d, %d, %d, kind %u, code %u\n", what->name, status, printed, released,
               kind, code);
        failures++;
    }
    if (after != before || frees != freed) {
        printf("%s (%s, %s, %s): %lu allocations by the verdict, %lu behind it, %lu frees\n",
               what->name, engine_kind == OWN_TABLE ? "own table" : "callbacks",
               lock_it ? "locked" : "not locked", which, decided - before, after - decided,
               frees - freed);
        failures++;
    }
}

/* Verdicts that are held while others are made, as many as a busy PBX has threads. */
static void held_at_once(void)
{
    enum { HELD = 48 };
    static char scratch[HELD][16384];
    static struct sipxfer_verdict verdicts[HELD];
    struct sipxfer_request request;
    SIPXFER_INIT(request);
    request.message = literal(REPLACES("call-1@pbx;to-tag=L1;from-tag=R1"));
    request.endpoint = literal("bob-phone");
    request.user = literal("bob");
    request.transport = SIPXFER_TRANSPORT_UDP;
    unsigned long before = allocations, freed = frees;
    for (int at = 0; at < HELD; at++) {
        SIPXFER_INIT(verdicts[at]);
        if (sipxfer_replaces_verify_request(engine, &request, 0, scratch[at], sizeof scratch[at],
                                            &verdicts[at]) != SIPXFER_OK ||
            verdicts[at].kind != SIPXFER_VERDICT_ACCEPT)
            failures++;
    }
    for (int at = 0; at < HELD; at++)
        failures += sipxfer_verdict_release(engine, &verdicts[at]) != SIPXFER_OK;
    struct sipxfer_verification items[HELD];
    for (int at = 0; at < HELD; at++) {
        SIPXFER_INIT(items[at]);
        items[at].request = &request;
        items[at].scratch = scratch[at];
        items[at].scratch_len = sizeof scratch[at];
        items[at].verdict = &verdicts[at];
    }
    failures += sipxfer_replaces_verify_requests(engine, items, HELD) != SIPXFER_OK;
    for (int at = 0; at < HELD; at++) {
        failures += verdicts[at].kind != SIPXFER_VERDICT_ACCEPT;
        failures += sipxfer_verdict_release(engine, &verdicts[at]) != SIPXFER_OK;
    }
    if (allocations != before || frees != freed) {
        printf("%d verdicts at once (%s): %lu allocations\n", HELD,
               engine_kind == OWN_TABLE ? "own table" : "callbacks", allocations - before);
        failures++;
    }
}

int main(void)
{
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++)
        for (size_t at = 0; at < sizeof requests / sizeof *requests; at++)
            for (uint32_t lock_it = 0; lock_it <= 1; lock_it++) {
                engine_kind = kind;
                engine_begin();
                verdict(&requests[at], lock_it, "first");
                verdict(&requests[at], lock_it, "second");
                sipxfer_engine_free(engine);
            }
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++) {
        engine_kind = kind;
        engine_begin();
        held_at_once();
        sipxfer_engine_free(engine);
    }
    unsigned long before = allocations;
    engine_begin();
    printf("%lu allocations by sipxfer_engine_new, %d failures\n", allocations - before, failures);
    sipxfer_engine_free(engine);
    return failures != 0;
}
