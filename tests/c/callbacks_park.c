/* The park lot and callbacks: random and on_deadline call back, and every callback of a verdict
 * about a parked call uses the lot. A lock of the library that was held meanwhile would stop this
 * program for ever. */
#include "callbacks_transfers.h"

static const char *test;

static void expect(const char *what, uint64_t got, uint64_t expected)
{
    if (got != expected)
        complain(test, what, (long)got);
}

static void expect_status(const char *what, int32_t got, int32_t expected)
{
    if (got != expected)
        complain(test, what, got);
}

static struct sipxfer_park_call call_of(const char *call_id, uint32_t place, uint32_t number)
{
    struct sipxfer_park_call call;
    SIPXFER_INIT(call);
    call.call_id = literal(call_id);
    call.local_tag = literal("L1");
    call.remote_tag = literal("R1");
    call.parker = literal("sip:bob@example.com");
    call.handle = 7;
    call.place = place;
    call.number = number;
    return call;
}

static int32_t park(const char *call_id, uint32_t place, uint32_t number, uint64_t now_ms)
{
    char token[SIPXFER_PARK_TOKEN_SIZE];
    size_t needed = 0;
    struct sipxfer_park_call call = call_of(call_id, place, number);
    return sipxfer_park(engine, &call, now_ms, token, sizeof token, &needed);
}

static int32_t claim(const char *token, uint64_t now_ms, uint64_t *claim_id)
{
    char strings[512];
    size_t needed = 0;
    struct sipxfer_parked parked;
    SIPXFER_INIT(parked);
    int32_t status = sipxfer_park_claim(engine, token, strlen(token), now_ms, strings,
                                        sizeof strings, &needed, &parked);
    *claim_id = parked.claim;
    return status;
}

/* How many outputs there were. */
static unsigned take_outputs(void)
{
    static char strings[16384];
    struct sipxfer_park_output output;
    unsigned count = 0;
    size_t needed = 0;
    int32_t status;
    SIPXFER_INIT(output);
    while ((status = sipxfer_park_next(engine, strings, sizeof strings, &needed, &output)) ==
           SIPXFER_OK)
        count++;
    expect_status("park_next behind the last one", status, SIPXFER_E_NOT_FOUND);
    return count;
}

static size_t count_of_lot(void)
{
    size_t count = SIZE_MAX;
    expect_status("park_count", sipxfer_park_count(engine, &count), SIPXFER_OK);
    return count;
}

/* Everything that the lot can do, but for the call at 701; leaves the lot as it was. */
static void use_the_lot(enum place place)
{
    uint64_t id = 0, watcher = 0, handle = 0;
    uint32_t granted_s = 0;
    struct sipxfer_park_watch watch;
    (void)place;
    size_t before = count_of_lot();
    expect_status("park from within", park("within@pbx", SIPXFER_PARK_NUMBER, 720, 10), SIPXFER_OK);
    expect_status("claim from within", claim("720", 10, &id), SIPXFER_OK);
    expect_status("release from within", sipxfer_park_release(engine, id, 10), SIPXFER_OK);
    expect_status("claim from within", claim("720", 10, &id), SIPXFER_OK);
    expect_status("retrieved from within", sipxfer_park_retrieved(engine, id, 10), SIPXFER_OK);
    expect_status("park from within", park("within@pbx", SIPXFER_PARK_NUMBER, 720, 10), SIPXFER_OK);
    expect_status("cancel from within",
                  sipxfer_park_cancel(engine, SIPXFER_LIT("720"), 10, &handle), SIPXFER_OK);
    SIPXFER_INIT(watch);
    watch.expires_s = 60;
    expect_status("subscribe from within",
                  sipxfer_park_subscribe(engine, &watch, 10, &watcher, &granted_s), SIPXFER_OK);
    expect_status("refresh from within", sipxfer_park_refresh(engine, watcher, 0, 10, &granted_s),
                  SIPXFER_OK);
    expect("outputs from within", take_outputs() >= 2, true);
    expect_status("tick from within", sipxfer_tick(engine, 10), SIPXFER_OK);
    expect("calls that wait", count_of_lot(), before);
}

/* ---- verdicts about a parked call ---- */

static void verdicts_use_the_lot(enum engine_kind kind, enum request_kind request, bool lock_it)
{
    struct sipxfer_host host = whole_host();
    test = "the lot from within a verdict";
    honest();
    if (!engine_begin(test, kind, &host))
        return;
    struct sipxfer_dialog_key key = host_key();
    struct sipxfer_park_call call = call_of("", SIPXFER_PARK_NUMBER, 701);
    char token[SIPXFER_PARK_TOKEN_SIZE];
    size_t needed = 0;
    call.call_id = key.call_id;
    call.local_tag = key.local_tag;
    call.remote_tag = key.remote_tag;
    expect_status("park", sipxfer_park(engine, &call, 5, token, sizeof token, &needed), SIPXFER_OK);
    act.inside = use_the_lot;
    expect_status("verdict", ask(test, request, lock_it).status, SIPXFER_OK);
    act.by_host = true;
    expect_status("verdict", ask(test, request, lock_it).status, SIPXFER_OK);
    act.inside = NULL;
    /* What ended is out of the lot. */
    expect("calls that wait", count_of_lot(), 1);
    expect_status("dialog_ended", sipxfer_dialog_ended(engine, &key, 20), SIPXFER_OK);
    expect("calls that wait", count_of_lot(), 0);
    engine_end(test);
}

/* ---- random ---- */

static int32_t random_answer;
static void (*random_inside)(enum place place);
static bool random_is_stuck;

static int32_t random_bytes(void *user, char *buffer, size_t len)
{
    static unsigned char seed;
    (void)user;
    memset(buffer, random_is_stuck ? 7 : ++seed, len);
    if (random_inside != NULL)
        random_inside(IN_LOG);
    return random_answer;
}

static void secrets_need_random_bytes(enum engine_kind kind)
{
    struct sipxfer_host host = whole_host();
    const int32_t garbage[] = {SIPXFER_E_RANDOM, SIPXFER_YES, INT32_MIN, 77, SIPXFER_E_PANIC};
    test = "random bytes of a secret";
    honest();
    host.random = random_bytes;
    random_answer = SIPXFER_OK;
    random_is_stuck = false;
    if (!engine_begin(test, kind, &host))
        return;
    random_inside = use_the_lot;
    expect_status("a secret", park("a@pbx", SIPXFER_PARK_SECRET, 0, 10), SIPXFER_OK);
    random_inside = NULL;
    for (size_t at = 0; at < sizeof garbage / sizeof *garbage; at++) {
        random_answer = garbage[at];
        expect_status("no secret", park("b@pbx", SIPXFER_PARK_SECRET, 0, 10), SIPXFER_E_RANDOM);
        expect_status("a number needs none", park("b@pbx", SIPXFER_PARK_LOWEST, 0, 10), SIPXFER_OK);
        uint64_t handle = 0;
        expect_status("cancel", sipxfer_park_cancel(engine, SIPXFER_LIT("701"), 10, &handle),
                      SIPXFER_OK);
        expect("handle", handle, 7);
    }
    expect("calls that wait", count_of_lot(), 1);
    /* Bytes that come twice are not random. */
    random_answer = SIPXFER_OK;
    random_is_stuck = true;
    expect_status("the first", park("b@pbx", SIPXFER_PARK_SECRET, 0, 10), SIPXFER_OK);
    expect_status("the second", park("c@pbx", SIPXFER_PARK_SECRET, 0, 10), SIPXFER_E_RANDOM);
    engine_end(test);
}

/* ---- on_deadline ---- */

static unsigned long told;
static uint64_t last_told;

static void on_deadline(void *user, uint64_t deadline_ms)
{
    uint64_t next = 0, id = 0;
    (void)user;
    told++;
    last_told = deadline_ms;
    expect_status("next_deadline from within", sipxfer_next_deadline(engine, &next), SIPXFER_OK);
    expect("what is told is what there is", next, deadline_ms);
    /* Claims and gives back what there is, which leads to more to tell. */
    if (claim("701", 10, &id) == SIPXFER_OK)
        expect_status("release from within", sipxfer_park_release(engine, id, 10), SIPXFER_OK);
    take_outputs();
}

static void deadlines_are_told(enum engine_kind kind)
{
    struct sipxfer_host host = whole_host();
    uint64_t id = 0;
    test = "deadlines of the lot";
    honest();
    host.on_deadline = on_deadline;
    told = 0;
    if (!engine_begin(test, kind, &host))
        return;
    expect_status("park", park("a@pbx", SIPXFER_PARK_LOWEST, 0, 10), SIPXFER_OK);
    expect("the time-out", last_told, 45010);
    expect_status("claim", claim("701", 20, &id), SIPXFER_OK);
    expect("the claim", last_told, 32020);
    expect_status("release", sipxfer_park_release(engine, id, 30), SIPXFER_OK);
    expect("the time-out again", last_told, 45010);
    expect_status("tick", sipxfer_tick(engine, 45010), SIPXFER_OK);
    expect("nothing is waited for", last_told, UINT64_MAX);
    expect("the lot is empty", count_of_lot(), 0);
    engine_end(test);
}

/* ---- ids ---- */

static void names_nothing(const char *what, uint64_t id)
{
    uint32_t granted_s = 77;
    const int32_t statuses[] = {
        sipxfer_park_release(engine, id, 10),
        sipxfer_park_retrieved(engine, id, 10),
        sipxfer_park_refresh(engine, id, 60, 10, &granted_s),
        sipxfer_park_notify_answered(engine, id, 481, 10),
    };
    for (size_t at = 0; at < sizeof statuses / sizeof *statuses; at++)
        if (statuses[at] != SIPXFER_E_NOT_FOUND)
            complain(test, what, statuses[at]);
    expect("seconds that nobody granted", granted_s, 77);
}

static void stale_and_foreign(enum engine_kind kind)
{
    struct sipxfer_host host = whole_host();
    struct sipxfer_directory directory = directory_of(kind);
    struct sipxfer_park_watch watch;
    uint64_t of_claim = 0, watcher = 0;
    uint32_t granted_s = 0;
    test = "stale and foreign ids of the lot";
    honest();
    if (!engine_begin(test, kind, &host))
        return;
    struct sipxfer_engine *whole = engine;
    SIPXFER_INIT(watch);
    watch.expires_s = 60;
    expect_status("park", park("a@pbx", SIPXFER_PARK_LOWEST, 0, 10), SIPXFER_OK);
    expect_status("claim", claim("701", 10, &of_claim), SIPXFER_OK);
    expect_status("subscribe", sipxfer_park_subscribe(engine, &watch, 10, &watcher, &granted_s),
                  SIPXFER_OK);
    names_nothing("0", 0);
    for (unsigned bit = 0; bit < 64; bit++)
        if ((of_claim ^ (uint64_t)1 << bit) != watcher) {
            names_nothing("a flipped bit", of_claim ^ (uint64_t)1 << bit);
        }
    for (unsigned bit = 0; bit < 64; bit++)
        if ((watcher ^ (uint64_t)1 << bit) != of_claim)
            names_nothing("a flipped bit", watcher ^ (uint64_t)1 << bit);
    expect_status("engine_new", engine_make(&directory, &host), SIPXFER_OK);
    names_nothing("a claim of another engine", of_claim);
    names_nothing("a watcher of another engine", watcher);
    sipxfer_engine_free(engine);
    engine = whole;
    expect_status("retrieved", sipxfer_park_retrieved(engine, of_claim, 10), SIPXFER_OK);
    expect_status("refused", sipxfer_park_notify_answered(engine, watcher, 481, 10), SIPXFER_OK);
    names_nothing("a claim of before", of_claim);
    names_nothing("a watcher of before", watcher);
    destroyed = 0;
    engine_end(test);
}

void park_from_within(void)
{
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++) {
        for (int lock_it = 0; lock_it <= 1; lock_it++) {
            verdicts_use_the_lot(kind, VERIFY, lock_it);
            verdicts_use_the_lot(kind, ROUTE, lock_it);
        }
        secrets_need_random_bytes(kind);
        deadlines_are_told(kind);
        stale_and_foreign(kind);
    }
}
