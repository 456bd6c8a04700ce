/* The engine and the host that the hostile tests work on. */
#include "hostile_lookups.h"
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size)   ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif
struct world *the_world;

void must(int32_t status, const char *call, const char *file, int line)
{
    if (status == SIPXFER_OK)
        return;
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, call, sipxfer_strerror(status));
    exit(2);
}

/* Behind each block: bytes that nobody may change. Code that AddressSanitizer instruments is
 * stopped when it touches them, other code is found out afterwards. */
enum { GUARD = 64 };

struct block {
    struct block *next;
    size_t size;
};

void *keep(struct world *world, size_t size)
{
    struct block *block = malloc(sizeof *block + size + GUARD);
    if (block == NULL)
        abort();
    unsigned char *bytes = (unsigned char *)(block + 1);
    block->size = size;
    block->next = world->blocks;
    world->blocks = block;
    memset(bytes, 0xA5, size + GUARD);
    ASAN_POISON_MEMORY_REGION(bytes + size, GUARD);
    return bytes;
}

bool is_intact(const void *memory)
{
    const struct block *block = (const struct block *)memory - 1;
    const unsigned char *guard = (const unsigned char *)memory + block->size;
    bool intact = true;
    ASAN_UNPOISON_MEMORY_REGION(guard, GUARD);
    for (size_t at = 0; at < GUARD; at++)
        intact = intact && guard[at] == 0xA5;
    ASAN_POISON_MEMORY_REGION(guard, GUARD);
    return intact;
}

const char *keep_text(struct world *world, const char *text)
{
    return memcpy(keep(world, strlen(text)), text, strlen(text));
}

struct sipxfer_str str_of(struct world *world, const char *text)
{
    struct sipxfer_str str = {keep_text(world, text), strlen(text)};
    return str;
}
/* ---- the host ---- */

static const char CALL_ID[] = "call-1@pbx", LOCAL_TAG[] = "Local1", REMOTE_TAG[] = "Remote1";
static int object;

static struct sipxfer_str literal(const char *text)
{
    struct sipxfer_str str = {text, strlen(text)};
    return str;
}

static bool equals(struct sipxfer_str str, const char *text)
{
    return str.len == strlen(text) && memcmp(str.ptr, text, str.len) == 0;
}

static void describe(struct sipxfer_dialog *dialog)
{
    dialog->dialog = &object;
    dialog->call_id = literal(CALL_ID);
    dialog->local_tag = literal(LOCAL_TAG);
    dialog->remote_tag = literal(REMOTE_TAG);
    dialog->user = literal("bob");
    dialog->endpoint = literal("bob-phone");
    dialog->state = SIPXFER_DIALOG_CONFIRMED;
    dialog->initiator = SIPXFER_INITIATOR_REMOTE;
    dialog->usage = SIPXFER_USAGE_INVITE;
}

static int32_t find(void *user, const struct sipxfer_dialog_key *key, struct sipxfer_dialog *out)
{
    (void)user;
    if (!equals(key->call_id, CALL_ID) || !equals(key->local_tag, LOCAL_TAG) ||
        !equals(key->remote_tag, REMOTE_TAG))
        return SIPXFER_E_NOT_FOUND;
    describe(out);
    the_world->counts.references++;
    return SIPXFER_OK;
}

static int32_t lock(void *user, void *dialog, uint32_t *state)
{
    (void)user, (void)dialog;
    the_world->counts.locks++;
    *state = SIPXFER_DIALOG_CONFIRMED;
    return SIPXFER_OK;
}

static void unlock(void *user, void *dialog)
{
    (void)user, (void)dialog;
    the_world->counts.unlocks++;
}

static void release(void *user, void *dialog)
{
    (void)user, (void)dialog;
    the_world->counts.releases++;
}

static void destroy(void *user)
{
    (void)user;
    the_world->counts.destroyed++;
}

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    return SIPXFER_YES;
}

static int32_t transfer_context(void *user, const struct sipxfer_request *request, char *buffer,
                                size_t capacity, size_t *len)
{
    (void)user, (void)request;
    if (capacity < 8)
        return SIPXFER_E_BUFFER;
    memcpy(buffer, "internal", 8);
    *len = 8;
    return SIPXFER_OK;
}

static int32_t allow_transfer(void *user, const struct sipxfer_request *request)
{
    (void)user, (void)request;
    return SIPXFER_YES;
}

static int32_t approval = SIPXFER_YES;

static int32_t approve(void *user, const struct sipxfer_request *request, uint32_t kind,
                       struct sipxfer_str target)
{
    (void)user, (void)request, (void)kind, (void)target;
    return approval;
}

static int32_t authorize(void *user, const struct sipxfer_request *request,
                         const struct sipxfer_dialog *dialog)
{
    (void)user, (void)request, (void)dialog;
    return SIPXFER_YES;
}

static void log_line(void *user, uint32_t level, struct sipxfer_str text)
{
    (void)user, (void)level;
    /* Read to its end: the log of a hostile request must be readable too. */
    for (size_t at = 0; at < text.len; at++)
        if (text.ptr[at] == '\n' || text.ptr[at] == '\r') {
            fprintf(stderr, "a line end inside a log line\n");
            exit(1);
        }
}

static int32_t random_bytes(void *user, char *buffer, size_t len)
{
    (void)user;
    memset(buffer, 7, len);
    return SIPXFER_OK;
}

/* One thread: what is told is what there is. */
static void on_deadline(void *user, uint64_t deadline_ms)
{
    (void)user;
    uint64_t next = 0;
    MUST(the_world->api->next_deadline(the_world->engine, &next));
    if (next != deadline_ms) {
        fprintf(stderr, "a deadline is told that is not the next one\n");
        exit(1);
    }
}

int32_t base_peer_leg(void *user, const struct sipxfer_dialog_key *key,
                      struct sipxfer_dialog_key *peer)
{
    (void)user, (void)key;
    peer->call_id = literal("other-leg");
    peer->local_tag = literal("L2");
    peer->remote_tag = literal("R2");
    return SIPXFER_OK;
}

/* ---- valid structs ---- */

#define NEW(world, type) new_struct(world, sizeof(struct type))
static void *new_struct(struct world *world, size_t size)
{
    void *memory = memset(keep(world, size), 0, size);
    memcpy(memory, &size, sizeof size);
    return memory;
}

void *new_out(struct world *world, size_t size)
{
    return memcpy(keep(world, size), &size, sizeof size);
}

struct sipxfer_dialog_key *base_sipxfer_dialog_key(struct world *world)
{
    struct sipxfer_dialog_key *key = NEW(world, sipxfer_dialog_key);
    key->call_id = str_of(world, CALL_ID);
    key->local_tag = str_of(world, LOCAL_TAG);
    key->remote_tag = str_of(world, REMOTE_TAG);
    return key;
}

struct sipxfer_dialog *base_sipxfer_dialog(struct world *world)
{
    struct sipxfer_dialog *dialog = NEW(world, sipxfer_dialog);
    describe(dialog);
    dialog->call_id = str_of(world, "call-2@pbx");
    dialog->local_tag = str_of(world, LOCAL_TAG);
    dialog->remote_tag = str_of(world, REMOTE_TAG);
    dialog->user = str_of(world, "bob");
    dialog->endpoint = str_of(world, "bob-phone");
    return dialog;
}

struct sipxfer_directory *base_sipxfer_directory(struct world *world)
{
    struct sipxfer_directory *directory = NEW(world, sipxfer_directory);
    directory->user = world;
    directory->find = find;
    directory->lock = lock;
    directory->unlock = unlock;
    directory->release = release;
    directory->destroy = destroy;
    directory->lookup = hostile_lookup;
    return directory;
}

struct sipxfer_host *base_sipxfer_host(struct world *world)
{
    struct sipxfer_host *host = NEW(world, sipxfer_host);
    host->user = world;
    host->extension_exists = extension_exists;
    host->transfer_context = transfer_context;
    host->allow_transfer = allow_transfer;
    host->approve = approve;
    host->authorize = authorize;
    host->log = log_line;
    host->random = random_bytes;
    host->on_deadline = on_deadline;
    host->destroy = destroy;
    host->on_lookup = hostile_on_lookup;
    return host;
}

struct sipxfer_engine_options *base_sipxfer_engine_options(struct world *world)
{
    struct sipxfer_engine_options *options = NEW(world, sipxfer_engine_options);
    options->directory = base_sipxfer_directory(world);
    options->host = base_sipxfer_host(world);
    return options;
}

static struct sipxfer_request *request_of(struct world *world, const char *message)
{
    struct sipxfer_request *request = NEW(world, sipxfer_request);
    request->message = str_of(world, message);
    request->host_data = world;
    request->source = str_of(world, "192.0.2.1:5060");
    request->endpoint = str_of(world, "bob-phone");
    request->user = str_of(world, "bob");
    request->context = str_of(world, "internal");
    request->now_ms = 1000;
    request->transport = SIPXFER_TRANSPORT_UDP;
    return request;
}

#define MESSAGE(method, uri, to_tag, rest)                                                         \
    method " " uri " SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"               \
           "Max-Forwards: 70\r\nFrom: Bob <sip:bob@example.com>;tag=f1\r\n"                        \
           "To: <sip:pbx@example.com>" to_tag "\r\nCall-ID: new-1\r\nCSeq: 1 " method "\r\n"       \
           "Contact: <sip:bob@192.0.2.1>\r\n" rest "Content-Length: 0\r\n\r\n"

struct sipxfer_request *base_sipxfer_request(struct world *world)
{
    return request_of(world,
                      MESSAGE("INVITE", "sip:carol@example.com", "",
                              "Replaces: call-1@pbx;to-tag=Local1;from-tag=Remote1\r\n"
                              "Require: replaces\r\nReferred-By: <sip:bob@example.com>\r\n"));
}

struct sipxfer_request *base_refer(struct world *world)
{
    struct sipxfer_request *request = request_of(
        world,
        MESSAGE("REFER", "sip:pbx@example.com", ";tag=t1",
                "Refer-To: <sip:carol@example.com?Replaces=call-1%40pbx%3Bto-tag%3DLocal1"
                "%3Bfrom-tag%3DRemote1&Subject=hello>\r\nReferred-By: <sip:bob@example.com>\r\n"));
    request->dialog = &object;
    return request;
}

struct sipxfer_verdict *base_sipxfer_verdict(struct world *world)
{
    struct sipxfer_verdict *verdict = NEW(world, sipxfer_verdict);
    struct sipxfer_request *request = base_sipxfer_request(world);
    size_t size = SIPXFER_SCRATCH_SIZE(request->message.len);
    MUST(world->api->replaces_verify_request(world->engine, request, 1, keep(world, size), size,
                                             verdict));
    if (verdict->kind != SIPXFER_VERDICT_ACCEPT) {
        fprintf(stderr, "the valid INVITE is not accepted: kind %u, code %u, %.*s\n", verdict->kind,
                verdict->code, (int)verdict->why.len, verdict->why.ptr);
        exit(2);
    }
    return verdict;
}

struct sipxfer_verdict *base_refusal(struct world *world)
{
    struct sipxfer_verdict *verdict = NEW(world, sipxfer_verdict);
    verdict->kind = SIPXFER_VERDICT_REJECT;
    verdict->code = 481;
    verdict->reason = str_of(world, "Call/Transaction Does Not Exist");
    verdict->warning = str_of(world, "399 sipxfer \"no such dialog\"");
    verdict->retry_after_s = 5;
    verdict->rules[0] = 6;
    verdict->rule_count = 1;
    verdict->why = str_of(world, "There is no such dialog.");
    return verdict;
}

struct sipxfer_replaces *base_sipxfer_replaces(struct world *world)
{
    struct sipxfer_replaces *replaces = NEW(world, sipxfer_replaces);
    replaces->call_id = str_of(world, "ABCDE@h");
    replaces->to_tag = str_of(world, "x");
    replaces->from_tag = str_of(world, "y");
    replaces->params = str_of(world, "foo=bar");
    return replaces;
}

struct sipxfer_target_dialog *base_sipxfer_target_dialog(struct world *world)
{
    struct sipxfer_target_dialog *target = NEW(world, sipxfer_target_dialog);
    target->call_id = str_of(world, "ABCDE@h");
    target->local_tag = str_of(world, "x");
    target->remote_tag = str_of(world, "y");
    target->params = str_of(world, "foo=bar");
    return target;
}

struct sipxfer_refer_to_target *base_sipxfer_refer_to_target(struct world *world)
{
    struct sipxfer_refer_to_target *target = NEW(world, sipxfer_refer_to_target);
    target->uri = str_of(world, "sip:carol@192.0.2.3");
    target->replaces = base_sipxfer_replaces(world);
    target->dialog_state = SIPXFER_DIALOG_CONFIRMED;
    target->dialog_initiator = SIPXFER_INITIATOR_LOCAL;
    target->require_replaces = 1;
    return target;
}

struct sipxfer_invite_headers *base_sipxfer_invite_headers(struct world *world)
{
    struct sipxfer_invite_headers *headers = NEW(world, sipxfer_invite_headers);
    headers->replaces = base_sipxfer_replaces(world);
    headers->referred_by = str_of(world, "<sip:bob@example.com>");
    headers->dialog_state = SIPXFER_DIALOG_CONFIRMED;
    headers->dialog_initiator = SIPXFER_INITIATOR_LOCAL;
    headers->require_replaces = 1;
    return headers;
}

struct sipxfer_referred_by *base_sipxfer_referred_by(struct world *world)
{
    struct sipxfer_referred_by *referred_by = NEW(world, sipxfer_referred_by);
    referred_by->display = str_of(world, "Bob");
    referred_by->uri = str_of(world, "sip:bob@example.com");
    referred_by->cid = str_of(world, "2UWQFN309shb3@example.com");
    referred_by->params = str_of(world, "foo=bar");
    return referred_by;
}

struct sipxfer_event_header *base_sipxfer_event_header(struct world *world)
{
    struct sipxfer_event_header *event = NEW(world, sipxfer_event_header);
    event->package = str_of(world, "refer");
    event->id = str_of(world, "93809824");
    return event;
}

struct sipxfer_subscription_state *base_sipxfer_subscription_state(struct world *world)
{
    struct sipxfer_subscription_state *state = NEW(world, sipxfer_subscription_state);
    state->state_text = str_of(world, "terminated");
    state->state = SIPXFER_SUBSCRIPTION_TERMINATED;
    state->reason = str_of(world, "noresource");
    state->has_expires = 1;
    state->expires_s = 60;
    return state;
}

struct sipxfer_event *base_sipxfer_event(struct world *world)
{
    struct sipxfer_event *event = NEW(world, sipxfer_event);
    event->application = str_of(world, "transfers");
    event->timestamp = str_of(world, "2026-01-02T03:04:05.678+0000");
    event->state = str_of(world, "channel_progress");
    event->replaces = str_of(world, "call-1@pbx;to-tag=Local1;from-tag=Remote1");
    event->source_channel = str_of(world, "{\"id\":\"1.1\",\"name\":\"PJSIP/bob\"}");
    event->source_connected = str_of(world, "{\"id\":\"1.2\",\"rank\":[1,-2.5e3,null]}");
    event->source_bridge = str_of(world, "{\"id\":\"b1\"}");
    event->destination_channel = str_of(world, "{\"id\":\"1.3\"}");
    event->destination_connected = str_of(world, "{\"id\":\"1.4\",\"name\":\"\\u00e9\"}");
    event->destination_bridge = str_of(world, "{\"id\":\"b2\"}");
    return event;
}

/* ---- transfers ---- */

struct sipxfer_dialog_key *refer_dialog(struct world *world)
{
    struct sipxfer_dialog_key *key = NEW(world, sipxfer_dialog_key);
    key->call_id = str_of(world, "new-1");
    key->local_tag = str_of(world, "t1");
    key->remote_tag = str_of(world, "f1");
    return key;
}

static uint64_t begin_transfer(struct world *world)
{
    uint64_t transfer = 0;
    struct sipxfer_verdict *verdict = NEW(world, sipxfer_verdict);
    struct sipxfer_request *request = base_refer(world);
    size_t size = SIPXFER_SCRATCH_SIZE(request->message.len);
    void *room = keep(world, size);
    MUST(world->api->transfer_receive(world->engine, request, 0, room, size, verdict, &transfer));
    if (transfer == 0) {
        fprintf(stderr, "the valid REFER begins no transfer: code %u, %.*s\n", verdict->code,
                SIPXFER_ARG(verdict->why));
        exit(2);
    }
    MUST(world->api->verdict_release(world->engine, verdict));
    return transfer;
}

uint64_t running_transfer(struct world *world)
{
    return begin_transfer(world);
}

uint64_t answered_transfer(struct world *world)
{
    uint64_t transfer = begin_transfer(world);
    struct sipxfer_output *output = NEW(world, sipxfer_output);
    MUST(world->api->transfer_next(world->engine, transfer, keep(world, SIPXFER_OUTPUT_SIZE),
                                   SIPXFER_OUTPUT_SIZE, output));
    if (output->kind != SIPXFER_OUTPUT_ANSWER) {
        fprintf(stderr, "the first output is no answer: %u\n", output->kind);
        exit(2);
    }
    return transfer;
}

uint64_t undecided_transfer(struct world *world)
{
    approval = SIPXFER_LATER;
    uint64_t transfer = begin_transfer(world);
    approval = SIPXFER_YES;
    return transfer;
}

uint64_t controlled_transfer(struct world *world)
{
    struct sipxfer_config *config = NULL;
    struct sipxfer_str name = literal("transfer_handling"), value = literal("application-only");
    MUST(world->api->config_new(&config));
    MUST(world->api->config_set(config, NULL, 0, name.ptr, name.len, value.ptr, value.len));
    MUST(world->api->config_apply(world->engine, config));
    world->api->config_free(config);
    return begin_transfer(world);
}

/* ---- sent transfers ---- */

struct sipxfer_refer_options *base_sipxfer_refer_options(struct world *world)
{
    struct sipxfer_refer_options *options = NEW(world, sipxfer_refer_options);
    options->target = str_of(world, "sip:carol@example.com");
    options->contact = str_of(world, "sip:carol@192.0.2.3");
    options->aor = str_of(world, "sip:carol@example.com");
    options->replaces = base_sipxfer_replaces(world);
    options->target_dialog = base_sipxfer_target_dialog(world);
    options->referred_by = str_of(world, "<sip:bob@example.com>");
    options->peer_message = str_of(world, "SIP/2.0 200 OK\r\nSupported: replaces\r\n\r\n");
    options->endpoint = str_of(world, "bob-phone");
    options->kind = SIPXFER_REFER_ATTENDED;
    options->contact_reachable = 1;
    options->dialog_state = SIPXFER_DIALOG_CONFIRMED;
    options->dialog_initiator = SIPXFER_INITIATOR_LOCAL;
    options->target_supports_replaces = 1;
    options->peer = SIPXFER_PEER_REPLACES;
    options->subscribe = 1;
    return options;
}

uint64_t sent_refer(struct world *world)
{
    uint64_t sent = 0;
    MUST(world->api->refer_start(world->engine, base_sipxfer_refer_options(world), 1000, &sent));
    MUST(world->api->refer_sent(world->engine, sent, 1, 7, 1, 1000));
    return sent;
}

/* ---- the world ---- */

static uint64_t add(struct world *world, const char *call_id)
{
    uint64_t id = 0;
    struct sipxfer_dialog *dialog = base_sipxfer_dialog(world);
    dialog->call_id = str_of(world, call_id);
    MUST(world->api->dialog_add(world->engine, dialog, &id));
    world->counts.references++;
    return id;
}

struct world *world_new(enum engine_kind kind)
{
    struct world *world = calloc(1, sizeof *world);
    if (world == NULL)
        abort();
    the_world = world;
    world->api = sipxfer_get_api(SIPXFER_ABI_MAJOR);
    world->kind = kind;
    struct sipxfer_engine_options *options = base_sipxfer_engine_options(world);
    struct sipxfer_directory *directory = base_sipxfer_directory(world);
    if (kind == OWN_TABLE)
        directory->find = NULL;
    options->directory = directory;
    MUST(world->api->engine_new(options, &world->engine));
    MUST(world->api->config_new(&world->config));
    if (kind == OWN_TABLE) {
        world->id = add(world, CALL_ID);
        add(world, "call-3@pbx");
    }
    return world;
}

const char *world_free(struct world *world)
{
    const char *wrong = NULL;
    world->api->engine_free(world->spare_engine);
    world->api->config_free(world->spare_config);
    world->api->config_free(world->config);
    world->counts.destroyed = 0;
    world->api->engine_free(world->engine);
    if (world->counts.destroyed != 2)
        wrong = "the end of the engine did not call both destroy callbacks";
    if (world->counts.references != world->counts.releases)
        wrong = "references taken and references given back differ";
    if (world->counts.locks != world->counts.unlocks)
        wrong = "locks taken and locks given back differ";
    while (world->blocks != NULL) {
        struct block *block = world->blocks;
        if (!is_intact(block + 1))
            wrong = "bytes behind a block of the host were written";
        world->blocks = block->next;
        ASAN_UNPOISON_MEMORY_REGION(block, sizeof *block + block->size + GUARD);
        free(block);
    }
    free(world);
    return wrong;
}
