/* An hour's worth of transfers and more on a clock that is a number: whatever comes in has one
 * outcome, and at rest nothing is left.
 *
 *     soak SECONDS [SEED]    so many seconds of that clock, 20 arrivals in each */
#include "soak.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARRIVALS_A_SECOND = 20, PARTS = 4 };

/* ---- memory ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *old);

static long blocks, bytes;

static void *counted(void *block)
{
    blocks += block != NULL;
    bytes += (long)malloc_usable_size(block);
    return block;
}

static void uncounted(void *block)
{
    blocks -= block != NULL;
    bytes -= (long)malloc_usable_size(block);
}

void *malloc(size_t size)
{
    return counted(__libc_malloc(size));
}
void *calloc(size_t count, size_t size)
{
    return counted(__libc_calloc(count, size));
}
void *realloc(void *old, size_t size)
{
    uncounted(old);
    return counted(__libc_realloc(old, size));
}
int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = counted(__libc_memalign(alignment, size));
    return *out == NULL ? ENOMEM : 0;
}
void free(void *old)
{
    uncounted(old);
    __libc_free(old);
}

/* ---- clock, chance, book ---- */

const struct sipxfer_api *api;
struct sipxfer_engine *engine;
uint64_t now_ms = 1000;
unsigned long begun[KINDS], ended[KINDS], faults;

/* A heap: the earliest is the first. Never so many at once. */
enum { EVENTS = 1 << 17, BOOK = 1 << 17 };
static struct event events[EVENTS];
static size_t event_count;

static void swap(size_t one, size_t other)
{
    struct event event = events[one];
    events[one] = events[other];
    events[other] = event;
}

void later(uint64_t delay_ms, enum act act, uint64_t id, uint32_t code, uint32_t number)
{
    if (event_count == EVENTS)
        wrong("too many events", event_count);
    size_t at = event_count++;
    events[at] = (struct event){now_ms + delay_ms, id, act, code, number};
    for (; at > 0 && events[at].at < events[(at - 1) / 2].at; at = (at - 1) / 2)
        swap(at, (at - 1) / 2);
}

uint64_t next_event(void)
{
    return event_count > 0 ? events[0].at : UINT64_MAX;
}

struct event take_event(void)
{
    struct event first = events[0];
    events[0] = events[--event_count];
    for (size_t at = 0;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < event_count && events[child].at < events[least].at)
                least = child;
        if (least == at)
            return first;
        swap(at, least);
        at = least;
    }
}

static uint64_t seed = 1;

uint32_t chance(uint32_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)((seed >> 11) % below);
}

size_t one_of(const unsigned *shares, size_t count)
{
    uint32_t drawn = chance(100);
    for (size_t at = 0; at < count; at++) {
        if (drawn < shares[at])
            return at;
        drawn -= shares[at];
    }
    return count - 1;
}

/* What began and has not ended, per kind: a table with open places. */
static uint64_t book[KINDS][BOOK];
static size_t open_count[KINDS];

static size_t place(unsigned kind, uint64_t id)
{
    size_t at = (size_t)(id * 0x9E3779B97F4A7C15u >> 40) % BOOK;
    while (book[kind][at] != 0 && book[kind][at] != id)
        at = (at + 1) % BOOK;
    return at;
}

void book_begin(unsigned kind, uint64_t id)
{
    size_t at = place(kind, id);
    if (book[kind][at] == id)
        wrong("an id that is in use begins again", id);
    if (++open_count[kind] > BOOK / 2)
        wrong("too many are open", kind);
    book[kind][at] = id;
    begun[kind]++;
}

void book_end(unsigned kind, uint64_t id)
{
    size_t at = place(kind, id);
    if (book[kind][at] != id)
        wrong("an outcome of what has ended, or never began", id);
    book[kind][at] = 0;
    open_count[kind]--;
    ended[kind]++;
    /* What stood behind it moves up where it would be looked for. */
    for (size_t next = (at + 1) % BOOK; book[kind][next] != 0; next = (next + 1) % BOOK) {
        uint64_t moved = book[kind][next];
        book[kind][next] = 0;
        book[kind][place(kind, moved)] = moved;
    }
}

bool book_has(unsigned kind, uint64_t id)
{
    return book[kind][place(kind, id)] == id;
}

size_t book_open(unsigned kind)
{
    return open_count[kind];
}

void wrong(const char *what, uint64_t number)
{
    fprintf(stderr, "at %llu ms: %s: %llu (seed of this moment: %llu)\n",
            (unsigned long long)now_ms, what, (unsigned long long)number, (unsigned long long)seed);
    exit(1);
}

void must_work(int32_t status, const char *what)
{
    if (status == SIPXFER_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, api->strerror(status));
    wrong(what, (uint64_t)-status);
}

void may_be_late(int32_t status, const char *what)
{
    if (status != SIPXFER_E_NOT_FOUND && status != SIPXFER_E_WRONG_STATE &&
        status != SIPXFER_E_NOT_CONTROLLED && status != SIPXFER_E_NO_SUBSCRIPTION)
        must_work(status, what);
}

struct sipxfer_str str(const char *text)
{
    struct sipxfer_str str = {text, strlen(text)};
    return str;
}

/* ---- the host ---- */

static unsigned long added, released;

static void release(void *user, void *dialog)
{
    (void)user, (void)dialog;
    released++;
}

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context;
    return extension.len == 6 && memcmp(extension.ptr, "nobody", 6) == 0 ? SIPXFER_NO : SIPXFER_YES;
}

static void set(struct sipxfer_config *config, const char *scope, const char *name,
                const char *value)
{
    must_work(
        api->config_set(config, scope, strlen(scope), name, strlen(name), value, strlen(value)),
        name);
}

static void engine_begin(void)
{
    struct sipxfer_directory directory;
    struct sipxfer_host host;
    struct sipxfer_engine_options options;
    struct sipxfer_config *config = NULL;
    SIPXFER_INIT(directory);
    directory.release = release;
    SIPXFER_INIT(host);
    host.extension_exists = extension_exists;
    SIPXFER_INIT(options);
    options.directory = &directory;
    options.host = &host;
    must_work(api->engine_new(&options, &engine), "engine_new");
    must_work(api->config_new(&config), "config_new");
    set(config, "endpoint:phone", "replaces_trusted", "yes");
    set(config, "", "rate.per_endpoint", "0");
    set(config, "", "park.places", "701-799");
    must_work(api->config_apply(engine, config), "config_apply");
    api->config_free(config);
}

void dialog_comes(uint32_t number, uint32_t state)
{
    static int object;
    char name[32];
    struct sipxfer_dialog dialog;
    uint64_t id = 0;
    snprintf(name, sizeof name, "call-%u", number);
    SIPXFER_INIT(dialog);
    dialog.dialog = &object;
    dialog.call_id = str(name);
    dialog.local_tag = str("ours");
    dialog.remote_tag = str("theirs");
    dialog.user = dialog.endpoint = str("phone");
    dialog.state = state;
    dialog.initiator =
        state == SIPXFER_DIALOG_EARLY ? SIPXFER_INITIATOR_LOCAL : SIPXFER_INITIATOR_REMOTE;
    dialog.usage = SIPXFER_USAGE_INVITE;
    must_work(api->dialog_add(engine, &dialog, &id), "dialog_add");
    added++;
    /* Most calls are shorter than the longest transfer, some are not. */
    later(20000 + chance(400000), DIALOG_GOES, id, 0, number);
}

void dialog_goes(uint32_t number)
{
    char name[32];
    size_t count = 0;
    struct sipxfer_dialog_key key;
    snprintf(name, sizeof name, "call-%u", number);
    SIPXFER_INIT(key);
    key.call_id = str(name);
    key.local_tag = str("ours");
    key.remote_tag = str("theirs");
    must_work(api->dialog_bye(engine, &key, now_ms, &count), "dialog_bye");
    if (count > 0)
        take_transfers(0);
}

/* ---- requests ---- */

struct sipxfer_request request_of(const char *method, uint32_t number, bool in_dialog,
                                  const char *header)
{
    static char text[REQUEST_ROOM];
    static unsigned count;
    struct sipxfer_request request;
    count++;
    int len = snprintf(text, sizeof text,
                       "%s sip:pbx@example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK%u\r\n"
                       "From: <sip:phone@example.com>;tag=theirs\r\n"
                       "To: <sip:pbx@example.com>%s\r\n"
                       "Call-ID: %s-%u\r\nCSeq: %u %s\r\n"
                       "Contact: <sip:phone@192.0.2.7>\r\n%s\r\nContent-Length: 0\r\n\r\n",
                       method, count, in_dialog ? ";tag=ours" : "", in_dialog ? "call" : "new",
                       number, count, method, header);
    if (len < 0 || (size_t)len >= sizeof text)
        wrong("the message is too long", (uint64_t)len);
    SIPXFER_INIT(request);
    request.message.ptr = text;
    request.message.len = (size_t)len;
    request.endpoint = request.user = str("phone");
    request.context = str("internal");
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = now_ms;
    return request;
}

/* Bytes change, go, or come twice. */
void damage(struct sipxfer_request *request)
{
    char *text = (char *)(uintptr_t)request->message.ptr;
    size_t *len = &request->message.len;
    for (uint32_t times = 1 + chance(6); times > 0 && *len > 2; times--) {
        size_t at = chance((uint32_t)*len);
        switch (chance(4)) {
        case 0:
            text[at] = (char)chance(256);
            break;
        case 1:
            *len = at + 1;
            break;
        case 2:
            memmove(text + at, text + at + 1, --*len - at);
            break;
        default:
            text[at] = "\r\n;,<>\"%?=@: "[chance(13)];
        }
        faults++;
    }
}

/* ---- the run ---- */

static uint64_t part_ends_ms;
static uint32_t number;

static void arrives(void)
{
    static const unsigned shares[] = {55, 15, 15, 10, 5};
    number++;
    switch (one_of(shares, 5)) {
    case 0:
        transfer_arrives(number);
        break;
    case 1:
        takeover_arrives(number);
        break;
    case 2:
        sent_begins(number);
        break;
    case 3:
        park_arrives(number);
        break;
    default:
        garbage_arrives(number);
    }
}

/* Lets time pass until nobody waits for anything. */
static void play(void)
{
    for (;;) {
        uint64_t deadline = UINT64_MAX;
        must_work(api->next_deadline(engine, &deadline), "next_deadline");
        uint64_t event = next_event();
        uint64_t next = event < deadline ? event : deadline;
        if (next == UINT64_MAX)
            break;
        if (next < now_ms)
            next = now_ms;
        now_ms = next;
        if (event <= deadline) {
            struct event taken = take_event();
            if (taken.act == ARRIVAL) {
                arrives();
                if (now_ms < part_ends_ms)
                    later(chance(2000 / ARRIVALS_A_SECOND), ARRIVAL, 0, 0, 0);
            } else if (taken.act == DIALOG_GOES) {
                dialog_goes(taken.number);
                must_work(api->dialog_remove(engine, taken.id, now_ms), "dialog_remove");
            } else
                happens(&taken);
        } else {
            must_work(api->tick(engine, now_ms), "tick");
        }
        take_transfers(0);
        take_takeovers(0);
        take_sent(0);
        take_parked();
    }
}

static void nothing_is_left(void)
{
    size_t left = 1;
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (book_open(kind) != 0 || begun[kind] != ended[kind])
            wrong("without an outcome, of kind", kind);
    must_work(api->transfer_count(engine, &left), "transfer_count");
    if (left != 0)
        wrong("transfers are left", left);
    must_work(api->takeover_count(engine, &left), "takeover_count");
    if (left != 0)
        wrong("takeovers are left", left);
    must_work(api->park_count(engine, &left), "park_count");
    if (left != 0)
        wrong("parked calls are left", left);
    must_work(api->dialog_count(engine, &left), "dialog_count");
    if (left != 0 || added != released)
        wrong("dialogs are left", left);
    if (api->panic_count() != 0)
        wrong("faults inside", api->panic_count());
}

int main(int argc, char **argv)
{
    long seconds = argc > 1 ? atol(argv[1]) : 0, bytes_at_rest[PARTS] = {0},
         blocks_at_rest[PARTS] = {0};
    if (seconds < PARTS) {
        fprintf(stderr, "usage: soak SECONDS [SEED]\n");
        return 2;
    }
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10) | 1;
    api = sipxfer_get_api(SIPXFER_ABI_MAJOR);
    printf("soak of %ld seconds\n", seconds); /* with the buffer of its output */
    long before = blocks;
    engine_begin();
    for (unsigned part = 0; part < PARTS; part++) {
        part_ends_ms = now_ms + (uint64_t)seconds * 1000 / PARTS;
        later(0, ARRIVAL, 0, 0, 0);
        play();
        nothing_is_left();
        bytes_at_rest[part] = bytes;
        blocks_at_rest[part] = blocks;
        printf("part %u, %llu s: %ld blocks, %ld bytes\n", part + 1,
               (unsigned long long)now_ms / 1000, blocks, bytes);
    }
    /* The first part brings the tables to their size. Later some of them grow by what few calls
     * more at once than ever before ask for; none of them gets another block. */
    for (unsigned part = 2; part < PARTS; part++)
        if (blocks_at_rest[part] > blocks_at_rest[1] + 4 ||
            bytes_at_rest[part] > bytes_at_rest[1] + bytes_at_rest[1] / 10)
            wrong("memory grows", (uint64_t)bytes_at_rest[part]);
    api->engine_free(engine);
    unsigned long cases = 0, lost = 0;
    static const char *const names[] = {"transfers", "takeovers", "sent", "parked"};
    for (unsigned kind = 0; kind < KINDS; kind++) {
        printf("%s: %lu in, %lu out\n", names[kind], begun[kind], ended[kind]);
        cases += begun[kind];
        lost += begun[kind] - ended[kind];
    }
    if (blocks != before)
        wrong("blocks are left behind the engine", (uint64_t)(blocks - before));
    printf("hard: soak-virtual %lu %lu 0 %lu\n", cases, faults, lost);
    return 0;
}
