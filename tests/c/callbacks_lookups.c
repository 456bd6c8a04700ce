/* Lookups on other nodes: a callback that fails, lies, answers at once and calls back. */
#include "callbacks.h"

#include <string.h>

static int32_t answer;
/* What the lookup is resumed with before the callback returns; 1: nothing. */
static int32_t at_once;
static bool asks_again;
static uint64_t begun, over;

static int32_t resume(uint64_t lookup, int32_t status)
{
    struct sipxfer_remote_dialog remote;
    SIPXFER_INIT(remote);
    remote.node = literal("node-b");
    remote.uri = literal("sip:replaces@192.0.2.22");
    remote.user = literal("bob");
    remote.state = SIPXFER_DIALOG_CONFIRMED;
    remote.initiator = SIPXFER_INITIATOR_REMOTE;
    return sipxfer_lookup_resume(engine, lookup, status, status == SIPXFER_OK ? &remote : NULL, 0);
}

static int32_t look_up(void *user, uint64_t lookup, const struct sipxfer_dialog_key *key)
{
    if (user != &begun || key->call_id.len != strlen("elsewhere"))
        complain("lookup", "what it is handed", (long)key->call_id.len);
    begun = lookup;
    if (at_once != 1 && resume(lookup, at_once) != SIPXFER_OK)
        complain("lookup", "resumed at once", at_once);
    if (asks_again) {
        asks_again = false;
        /* The same dialog, from within: it waits for this very lookup. */
        struct outcome outcome = ask("lookup asks again", ROUTE_REMOTE, false);
        if (outcome.kind != SIPXFER_VERDICT_PENDING)
            complain("lookup asks again", "kind", outcome.kind);
    }
    return answer;
}

static void told(void *user, uint64_t lookup)
{
    (void)user;
    over = lookup;
    /* The engine may be called from here. */
    size_t count = 1;
    if (sipxfer_lookup_count(engine, &count) != SIPXFER_OK || count != 0)
        complain("on_lookup", "lookups under way", (long)count);
}

/* ---- calls that are parked there ---- */

static int32_t parked_status, may;

static int32_t look_up_parked(void *user, uint64_t lookup, struct sipxfer_str token,
                              const struct sipxfer_dialog_key *key)
{
    struct sipxfer_remote_dialog remote;
    SIPXFER_INIT(remote);
    if (user != &begun || token.len != 3 || key->call_id.len != 0)
        complain("lookup_parked", "what it is handed", (long)token.len);
    begun = lookup;
    remote.node = literal("node-b");
    remote.uri = literal("sip:replaces@192.0.2.22");
    remote.user = literal("alice");
    remote.state = SIPXFER_DIALOG_CONFIRMED;
    remote.initiator = SIPXFER_INITIATOR_REMOTE;
    remote.parked = SIPXFER_PARKED_NUMBER;
    remote.call_id = literal("held");
    remote.local_tag = literal("a");
    if (parked_status == SIPXFER_E_PENDING &&
        sipxfer_lookup_resume(engine, lookup, SIPXFER_OK, &remote, 0) != SIPXFER_OK)
        complain("lookup_parked", "resumed at once", 0);
    return parked_status;
}

static int32_t authorize_remote(void *user, const struct sipxfer_request *request,
                                const struct sipxfer_remote_dialog *dialog)
{
    size_t count = 1;
    (void)user;
    if (request == NULL || dialog->parked != SIPXFER_PARKED_NUMBER || dialog->call_id.len != 4)
        complain("authorize_remote", "what it is handed", (long)dialog->parked);
    /* The engine may be called from here. */
    if (sipxfer_lookup_count(engine, &count) != SIPXFER_OK || count != 0)
        complain("authorize_remote", "lookups under way", (long)count);
    return may;
}

static void finds(const char *test, uint32_t code)
{
    static const char message[] =
        "INVITE sip:701@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
        "From: <sip:c@h>;tag=f\r\nTo: <sip:701@h>\r\nCall-ID: new\r\n"
        "CSeq: 1 INVITE\r\n\r\n";
    static char scratch[SIPXFER_SCRATCH_SIZE(sizeof message)];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    request.message = literal(message);
    request.endpoint = literal("carol");
    request.user = literal("carol");
    if (sipxfer_park_find(engine, &request, "701", 3, scratch, sizeof scratch, &verdict) !=
        SIPXFER_OK)
        complain(test, "status", 0);
    if (verdict.code != code)
        complain(test, "code", (long)verdict.code);
}

static void begin(enum engine_kind kind)
{
    struct sipxfer_directory directory = directory_of(kind);
    struct sipxfer_host host = whole_host();
    honest();
    engine_kind = kind;
    directory.lookup = look_up;
    directory.lookup_user = &begun;
    directory.lookup_parked = look_up_parked;
    host.on_lookup = told;
    host.authorize_remote = authorize_remote;
    at_once = 1;
    answer = SIPXFER_E_PENDING;
    over = 0;
    if (engine_make(&directory, &host) != SIPXFER_OK)
        complain("lookup", "the engine", 0);
    if (kind == CALLBACKS)
        act.find_status = SIPXFER_E_NOT_FOUND;
}

static void is(const char *test, uint32_t kind)
{
    struct outcome outcome = ask(test, ROUTE_REMOTE, false);
    if (outcome.kind != kind)
        complain(test, "kind", outcome.kind);
}

void lookups_fail_and_lie(void)
{
    static const int32_t garbage[] = {SIPXFER_OK, 1, 77, -9999, INT32_MAX, INT32_MIN};
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++) {
        begin((enum engine_kind)kind);
        for (size_t at = 0; at < sizeof garbage / sizeof *garbage; at++) {
            answer = garbage[at];
            is("lookup answers no status", SIPXFER_VERDICT_REMOTE_ATTENDED);
            if (resume(begun, SIPXFER_OK) != SIPXFER_E_NOT_FOUND)
                complain("lookup", "it failed, and was not waited for", (long)at);
        }
        answer = SIPXFER_E_PENDING;
        is("lookup pends", SIPXFER_VERDICT_PENDING);
        is("lookup still pends", SIPXFER_VERDICT_PENDING);
        if (resume(begun, SIPXFER_OK) != SIPXFER_OK || over != begun)
            complain("on_lookup", "told of another lookup", (long)over);
        is("it is found", SIPXFER_VERDICT_REMOTE_NODE);
        sipxfer_engine_free(engine);

        begin((enum engine_kind)kind);
        at_once = SIPXFER_OK;
        is("lookup is resumed at once", SIPXFER_VERDICT_REMOTE_NODE);
        sipxfer_engine_free(engine);

        begin((enum engine_kind)kind);
        at_once = SIPXFER_E_AMBIGUOUS;
        answer = SIPXFER_E_NOT_FOUND;
        is("lookup is resumed and says that it is not", SIPXFER_VERDICT_REMOTE_ATTENDED);
        sipxfer_engine_free(engine);

        begin((enum engine_kind)kind);
        asks_again = true;
        is("lookup calls the engine", SIPXFER_VERDICT_PENDING);
        if (sipxfer_tick(engine, 100000) != SIPXFER_OK || over != begun)
            complain("on_lookup", "not told of the deadline", (long)over);
        is("what was not found is held", SIPXFER_VERDICT_REMOTE_ATTENDED);
        if (sipxfer_tick(engine, 101000) != SIPXFER_OK)
            complain("lookup", "tick", 0);
        /* An engine may go while a lookup is under way. */
        is("lookup pends at the end", SIPXFER_VERDICT_PENDING);
        sipxfer_engine_free(engine);

        begin((enum engine_kind)kind);
        for (size_t at = 0; at < sizeof garbage / sizeof *garbage; at++) {
            parked_status = garbage[at];
            finds("lookup_parked answers no status", 404);
        }
        parked_status = SIPXFER_E_PENDING;
        for (size_t at = 2; at < sizeof garbage / sizeof *garbage; at++) {
            may = garbage[at];
            finds("authorize_remote answers nonsense", 500);
        }
        may = SIPXFER_NO;
        finds("authorize_remote says no", 403);
        may = SIPXFER_YES;
        finds("authorize_remote says yes", 302);
        sipxfer_engine_free(engine);
    }
}
