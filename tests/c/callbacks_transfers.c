/* Transfers and callbacks: on_deadline asks, ticks and counts; every other callback takes outputs
 * and reports progress. A lock of the library that was held meanwhile would stop this program for
 * ever. Then ids that name no transfer any more, or never did. */
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

/* ---- the host ---- */

/* What on_deadline was told, in order. */
static struct {
    uint64_t last;
    unsigned long count;
    void (*inside)(uint64_t deadline_ms);
} deadlines;

static void on_deadline(void *user, uint64_t deadline_ms)
{
    (void)user;
    uint64_t next = 0;
    if (deadline_ms == deadlines.last)
        complain(test, "a deadline that is told is another one", (long)deadline_ms);
    deadlines.last = deadline_ms;
    deadlines.count++;
    expect_status("next_deadline from within", sipxfer_next_deadline(engine, &next), SIPXFER_OK);
    expect("next_deadline, told by on_deadline", next, deadline_ms);
    if (deadlines.inside != NULL)
        deadlines.inside(deadline_ms);
}

static bool begin(const char *name, enum engine_kind kind)
{
    struct sipxfer_host host = whole_host();
    host.on_deadline = on_deadline;
    test = name;
    deadlines.last = UINT64_MAX;
    deadlines.count = 0;
    deadlines.inside = NULL;
    return engine_begin(name, kind, &host);
}

static void put_setting(const char *name, const char *value)
{
    struct sipxfer_config *config = NULL;
    int32_t status = sipxfer_config_new(&config);
    if (status == SIPXFER_OK)
        status = sipxfer_config_set(config, NULL, 0, name, strlen(name), value, strlen(value));
    if (status == SIPXFER_OK)
        status = sipxfer_config_apply(engine, config);
    expect_status(name, status, SIPXFER_OK);
    sipxfer_config_free(config);
}

static size_t count_of(struct sipxfer_engine *of)
{
    size_t count = SIZE_MAX;
    expect_status("transfer_count", sipxfer_transfer_count(of, &count), SIPXFER_OK);
    return count;
}

#define BLIND    "<sip:100@example.com>"
#define ATTENDED "<sip:carol@example.com?Replaces=call-1%40pbx%3Bto-tag%3DL1%3Bfrom-tag%3DR1>"

/* A REFER of the dialog "refer-1". Answers the code of its verdict. */
static uint32_t receive(const char *refer_to, unsigned cseq, bool lock_it, uint64_t now_ms,
                        uint64_t *transfer)
{
    char message[512], scratch[16384];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    snprintf(message, sizeof message,
             "REFER sip:pbx@example.com SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\nMax-Forwards: 70\r\n"
             "From: <sip:bob@example.com>;tag=f1\r\nTo: <sip:pbx@example.com>;tag=t1\r\n"
             "Call-ID: refer-1\r\nCSeq: %u REFER\r\nContact: <sip:bob@192.0.2.1>\r\n"
             "Refer-To: %s\r\n\r\n",
             cseq, cseq, refer_to);
    request.message = literal(message);
    request.dialog = host_dialog().dialog;
    request.endpoint = literal("bob-phone");
    request.user = literal("bob");
    request.context = literal("internal");
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = now_ms;
    *transfer = 1;
    int32_t status = sipxfer_transfer_receive(engine, &request, lock_it, scratch, sizeof scratch,
                                              &verdict, transfer);
    expect_status("transfer_receive", status, SIPXFER_OK);
    if (status != SIPXFER_OK)
        return 0;
    if ((verdict.code == 202) != (*transfer != 0))
        complain(test, "what is accepted is a transfer, and nothing else is", verdict.code);
    expect_status("verdict_release", sipxfer_verdict_release(engine, &verdict), SIPXFER_OK);
    return verdict.code;
}

static int32_t next(uint64_t transfer, struct sipxfer_output *output)
{
    static char buffer[SIPXFER_OUTPUT_SIZE];
    SIPXFER_INIT(*output);
    return sipxfer_transfer_next(engine, transfer, buffer, sizeof buffer, output);
}

/* One letter for each output that is there, in order. */
static const char *outputs_of(uint64_t transfer)
{
    static char letters[32];
    struct sipxfer_output output;
    size_t count = 0;
    int32_t status;
    while ((status = next(transfer, &output)) == SIPXFER_OK && count < sizeof letters - 1)
        letters[count++] = output.kind <= 5 ? "?ANCEF"[output.kind] : '?';
    letters[count] = 0;
    expect_status("transfer_next behind the last one", status, SIPXFER_E_NOT_FOUND);
    return letters;
}

static void expect_outputs(const char *what, uint64_t transfer, const char *expected)
{
    const char *got = outputs_of(transfer);
    if (strcmp(got, expected) == 0)
        return;
    printf("%s: %s\n", what, got);
    complain(test, expected, (long)strlen(got));
}

static int32_t progress(uint64_t transfer, uint32_t code, uint64_t now_ms)
{
    return sipxfer_transfer_progress(engine, transfer, code, NULL, 0, now_ms);
}

/* ---- on_deadline ---- */

static unsigned long seen;

static void look_around(uint64_t deadline_ms)
{
    struct sipxfer_output output;
    expect("transfer_count from within", count_of(engine), 1);
    /* Nothing more is due: this changes no deadline, and gives nobody an output. */
    expect_status("tick from within", sipxfer_tick(engine, 5), SIPXFER_OK);
    expect("the deadline it was called for", deadlines.last, deadline_ms);
    while (next(0, &output) == SIPXFER_OK) {
        expect("what time has given", output.kind, SIPXFER_OUTPUT_NOTIFY);
        seen++;
    }
}

static void deadline_looks_around(enum engine_kind kind)
{
    uint64_t transfer = 0;
    if (!begin("on_deadline looks around", kind))
        return;
    deadlines.inside = look_around;
    seen = 0;
    expect("code", receive(BLIND, 1, false, 5, &transfer), 202);
    expect("deadlines told by transfer_receive", deadlines.count, 1);
    expect("deadline", deadlines.last, 180005);
    expect_outputs("outputs", transfer, "ANC");
    /* The same wait at the same time is no change; later it is one. */
    expect_status("progress", progress(transfer, 100, 5), SIPXFER_OK);
    expect("deadlines told by no change", deadlines.count, 1);
    /* Too soon for a NOTIFY: it is due a second after the first one, and taken inside of the tick.
     */
    expect_status("progress", progress(transfer, 180, 5), SIPXFER_OK);
    expect("deadline of the NOTIFY", deadlines.last, 1005);
    expect("outputs before it is due", seen, 0);
    expect_status("tick", sipxfer_tick(engine, 1005), SIPXFER_OK);
    expect("outputs taken inside of the tick", seen, 1);
    expect_outputs("nothing is left", transfer, "");
    expect_status("progress", progress(transfer, 183, 2005), SIPXFER_OK);
    expect("deadline", deadlines.last, 182005);
    expect("outputs that time has not given", seen, 1);
    expect_outputs("progress is no matter of time", transfer, "N");
    deadlines.inside = NULL;
    expect_status("progress", progress(transfer, 200, 3000), SIPXFER_OK);
    expect("nothing is waited for", deadlines.last, UINT64_MAX);
    expect_outputs("the end", transfer, "NF");
    expect("transfers", count_of(engine), 0);
    engine_end(test);
}

static void let_it_happen(uint64_t deadline_ms)
{
    seen++;
    if (deadline_ms != UINT64_MAX)
        expect_status("tick from within", sipxfer_tick(engine, deadline_ms), SIPXFER_OK);
}

/* The time comes inside of transfer_receive: the transfer is over before the host knows its id, and
 * nothing of it is lost. */
static void deadline_ticks(enum engine_kind kind)
{
    uint64_t transfer = 0;
    if (!begin("on_deadline ticks", kind))
        return;
    deadlines.inside = let_it_happen;
    seen = 0;
    expect("code", receive(BLIND, 1, false, 5, &transfer), 202);
    expect("deadlines told, one inside of the other", seen, 2);
    expect("nothing is waited for", deadlines.last, UINT64_MAX);
    expect("transfers", count_of(engine), 1);
    expect_outputs("outputs", kind == OWN_TABLE ? transfer : 0, "ANCNCF");
    expect("transfers", count_of(engine), 0);
    expect_status("progress of what is over", progress(transfer, 200, 5), SIPXFER_E_NOT_FOUND);
    engine_end(test);
}

/* Takes all that there is and reports the end, for a call that is still under way. */
static uint64_t ended_inside;

static void end_it(uint64_t deadline_ms)
{
    struct sipxfer_dialog_key key = host_key();
    key.call_id = literal("refer-1");
    key.local_tag = literal("t1");
    key.remote_tag = literal("f1");
    if (deadline_ms == UINT64_MAX)
        return;
    expect_status("find from within", sipxfer_transfer_find(engine, &key, 0, &ended_inside),
                  SIPXFER_OK);
    expect_outputs("from within", ended_inside, "ANC");
    expect_status("progress from within", progress(ended_inside, 486, 5), SIPXFER_OK);
    expect_outputs("the end from within", ended_inside, "NCF");
    expect("transfers from within", count_of(engine), 0);
}

static void deadline_ends_it(enum engine_kind kind)
{
    uint64_t transfer = 0;
    if (!begin("on_deadline ends the transfer", kind))
        return;
    deadlines.inside = end_it;
    ended_inside = 0;
    expect("code", receive(BLIND, 1, false, 5, &transfer), 202);
    expect("the transfer that was ended", ended_inside, transfer);
    expect_outputs("afterwards", 0, "");
    expect("nothing is waited for", deadlines.last, UINT64_MAX);
    engine_end(test);
}

/* ---- the other callbacks ---- */

static uint64_t first;
static unsigned long places[PLACES];

static void use_the_first(enum place place)
{
    struct sipxfer_output output;
    uint64_t deadline = 0;
    places[place]++;
    while (next(first, &output) == SIPXFER_OK)
        expect("whose output it is", output.transfer, first);
    /* Other reason phrases are other states, so that there is something to take the next time. */
    expect_status("progress from within", progress(first, 180 + (places[place] & 1), 2000),
                  SIPXFER_OK);
    expect_status("tick from within", sipxfer_tick(engine, 2000), SIPXFER_OK);
    expect_status("next_deadline from within", sipxfer_next_deadline(engine, &deadline),
                  SIPXFER_OK);
    expect("transfers from within", count_of(engine) >= 1, true);
    next(0, &output);
}

/* A REFER of the same dialog, while each callback works on the one before. */
static void others_use_transfers(enum engine_kind kind, const char *refer_to, bool lock_it)
{
    uint64_t second = 0;
    honest();
    if (!begin("a transfer from within", kind))
        return;
    expect("code", receive(BLIND, 1, false, 5, &first), 202);
    act.inside = use_the_first;
    expect("code", receive(refer_to, 2, lock_it, 3000, &second), 202);
    act.inside = NULL;
    expect("another transfer", second != first, true);
    expect_outputs("outputs", second, "ANC");
    expect_status("progress", progress(first, 200, 3000), SIPXFER_OK);
    expect_status("progress", progress(second, 603, 3000), SIPXFER_OK);
    outputs_of(first);
    expect_outputs("outputs", second, "NCF");
    expect("transfers", count_of(engine), 0);
    engine_end(test);
}

static void others_end_it(enum place place)
{
    (void)place;
    int32_t status = progress(first, 200, 2000);
    if (status != SIPXFER_OK && status != SIPXFER_E_NOT_FOUND)
        complain(test, "progress from within", status);
    outputs_of(first);
}

/* While one REFER is pending another is refused; here the first ends while the second is looked at.
 */
static void the_first_ends_within(enum engine_kind kind)
{
    uint64_t second = 0;
    honest();
    if (!begin("the first ends within the second", kind))
        return;
    put_setting("refer.concurrent", "reject");
    expect("code", receive(BLIND, 1, false, 5, &first), 202);
    expect("code of a second", receive(BLIND, 2, false, 5, &second), 491);
    act.inside = others_end_it;
    expect("code of a third", receive(BLIND, 3, false, 2000, &second), 202);
    act.inside = NULL;
    expect("transfers", count_of(engine), 1);
    engine_end(test);
}

/* A callback that fails begins nothing. */
static void lies_begin_nothing(enum engine_kind kind)
{
    static const int32_t garbage[] = {3, 77, -77, INT32_MAX, INT32_MIN};
    for (size_t at = 0; at < sizeof garbage / sizeof *garbage; at++) {
        uint64_t transfer = 0;
        honest();
        if (!begin("a callback fails", kind))
            return;
        act.extension = garbage[at];
        expect("code without an extension", receive(BLIND, 1, false, 5, &transfer), 500);
        honest();
        act.approve = garbage[at];
        expect("code without approval", receive(BLIND, 2, false, 5, &transfer), 500);
        expect("code of what is attended", receive(ATTENDED, 3, true, 5, &transfer), 500);
        honest();
        expect("transfers", count_of(engine), 0);
        expect("deadlines told", deadlines.count, 0);
        engine_end(test);
    }
}

static void later(enum engine_kind kind, int32_t decision, const char *expected)
{
    uint64_t transfer = 0;
    honest();
    if (!begin("approve says later", kind))
        return;
    act.approve = SIPXFER_LATER;
    expect("code", receive(ATTENDED, 1, true, 5, &transfer), 202);
    expect_outputs("not decided", transfer, "AN");
    expect_status("progress before", progress(transfer, 180, 5), SIPXFER_E_WRONG_STATE);
    expect_status("decide", sipxfer_transfer_decide(engine, transfer, decision, 2000), SIPXFER_OK);
    int32_t again = sipxfer_transfer_decide(engine, transfer, decision, 2000);
    expect_status("decide twice", again, SIPXFER_E_WRONG_STATE);
    expect_outputs("decided", transfer, expected);
    engine_end(test);
}

/* ---- small buffers ---- */

/* With each capacity that is too small the output stays the next one, and nothing beside the buffer
 * is written; at last it comes whole. */
static void output_waits_for_room(enum engine_kind kind)
{
    uint64_t transfer = 0;
    struct sipxfer_output output;
    static const char reason[] = "Busy for a while longer than anybody would like to wait for it";
    honest();
    if (!begin("small buffers", kind))
        return;
    expect("code", receive(BLIND, 1, false, 5, &transfer), 202);
    outputs_of(transfer);
    int32_t status = sipxfer_transfer_progress(engine, transfer, 486, reason, sizeof reason - 1, 5);
    expect_status("progress", status, SIPXFER_OK);
    size_t capacity = 0;
    do {
        char *buffer = malloc(capacity + 1);
        if (buffer == NULL)
            abort();
        buffer[capacity] = 'x';
        SIPXFER_INIT(output);
        status = sipxfer_transfer_next(engine, transfer, buffer, capacity, &output);
        if (buffer[capacity] != 'x')
            complain(test, "a byte behind the buffer was written", (long)capacity);
        if (status == SIPXFER_OK) {
            expect("kind", output.kind, SIPXFER_OUTPUT_NOTIFY);
            expect("reason", output.reason.len, sizeof reason - 1);
            size_t strings = output.reason.len + output.headers.len + output.body.len;
            expect("the room is what the strings need", capacity, strings);
        } else {
            expect_status("too small", status, SIPXFER_E_BUFFER);
            expect("nothing was told", output.kind, 0);
        }
        free(buffer);
        capacity++;
    } while (status == SIPXFER_E_BUFFER && capacity <= SIPXFER_OUTPUT_SIZE);
    expect_outputs("behind it", transfer, "CF");
    engine_end(test);
}

/* ---- ids ---- */

/* Every function that takes an id. */
static void names_nothing(const char *what, struct sipxfer_engine *of, uint64_t id)
{
    char buffer[SIPXFER_OUTPUT_SIZE];
    struct sipxfer_output output;
    uint32_t granted = 77;
    SIPXFER_INIT(output);
    const int32_t statuses[] = {
        id == 0 ? SIPXFER_E_NOT_FOUND
                : sipxfer_transfer_next(of, id, buffer, sizeof buffer, &output),
        sipxfer_transfer_decide(of, id, SIPXFER_YES, 5),
        sipxfer_transfer_progress(of, id, 180, NULL, 0, 5),
        sipxfer_transfer_contact_failed(of, id, 5),
        sipxfer_transfer_give_up(of, id, 487, 5),
        sipxfer_transfer_bye(of, id, 5),
        sipxfer_transfer_subscribe(of, id, 30, 5, &granted),
        sipxfer_transfer_notify_answered(of, id, 481, 5),
        sipxfer_transfer_command(of, id, "channel_answered", 16, 5),
    };
    for (size_t at = 0; at < sizeof statuses / sizeof *statuses; at++)
        if (statuses[at] != SIPXFER_E_NOT_FOUND)
            complain(test, what, statuses[at]);
    expect("seconds that nobody granted", granted, 77);
}

static void stale_and_foreign(enum engine_kind kind)
{
    uint64_t transfer = 0, again = 0;
    honest();
    if (!begin("stale and foreign transfers", kind))
        return;
    struct sipxfer_engine *whole = engine;
    struct sipxfer_directory directory = directory_of(kind);
    struct sipxfer_host host = whole_host();
    expect_status("engine_new", engine_make(&directory, &host), SIPXFER_OK);
    struct sipxfer_engine *other = engine;
    engine = whole;
    expect("code", receive(BLIND, 1, false, 5, &transfer), 202);
    names_nothing("0", engine, 0);
    names_nothing("an id of another engine", other, transfer);
    for (unsigned bit = 0; bit < 64; bit++)
        names_nothing("a flipped bit", engine, transfer ^ (uint64_t)1 << bit);
    expect_outputs("untouched", transfer, "ANC");
    expect_status("progress", progress(transfer, 200, 5), SIPXFER_OK);
    expect_outputs("the end", transfer, "NF");
    names_nothing("an id of before", engine, transfer);
    /* Its place is used again: the old id still names nothing. */
    expect("code", receive(BLIND, 2, false, 5, &again), 202);
    names_nothing("an id whose place is used again", engine, transfer);
    expect_outputs("untouched", again, "ANC");
    sipxfer_engine_free(other);
    destroyed = 0;
    engine_end(test);
}

void transfers_from_within(void)
{
    memset(places, 0, sizeof places);
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++) {
        honest();
        deadline_looks_around(kind);
        deadline_ticks(kind);
        deadline_ends_it(kind);
        for (int lock_it = 0; lock_it <= 1; lock_it++) {
            others_use_transfers(kind, BLIND, lock_it);
            others_use_transfers(kind, ATTENDED, lock_it);
        }
        the_first_ends_within(kind);
        lies_begin_nothing(kind);
        later(kind, SIPXFER_YES, "NC");
        later(kind, SIPXFER_NO, "NCF");
        output_waits_for_room(kind);
        stale_and_foreign(kind);
    }
    /* authorize is asked about Replaces in an INVITE only. */
    for (int place = 0; place < PLACES; place++)
        if (places[place] == 0 && place != IN_AUTHORIZE && place != IN_VERIFY_TOKEN)
            complain("a transfer from within", "this callback was never called", place);
}
