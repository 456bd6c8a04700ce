/* Callbacks that fail and lie. Whatever they answer, the call returns a status, a dialog that a
 * lie speaks of is never handed on, and every reference and lock is given back. */
#include "callbacks_takeovers.h"

static void expect(const char *test, enum engine_kind kind, enum request_kind request, bool lock_it,
                   uint32_t code)
{
    struct outcome outcome = play(test, kind, request, lock_it);
    if (outcome.status != SIPXFER_OK)
        complain(test, "no verdict", outcome.status);
    else if (outcome.code != code)
        complain(test, "code", outcome.code);
}

static void expect_both(const char *test, enum request_kind request, bool lock_it, uint32_t code)
{
    expect(test, OWN_TABLE, request, lock_it, code);
    expect(test, CALLBACKS, request, lock_it, code);
}

/* A dialog that is not what was asked for: refused, with whatever code fits. */
static void refused(const char *test, void (*distort)(struct sipxfer_dialog *))
{
    honest();
    act.distort = distort;
    for (int lock_it = 0; lock_it <= 1; lock_it++) {
        struct outcome outcome = play(test, CALLBACKS, VERIFY, lock_it);
        if (outcome.status != SIPXFER_OK || outcome.kind != SIPXFER_VERDICT_REJECT)
            complain(test, "no refusal", outcome.kind);
        outcome = play(test, CALLBACKS, ROUTE, lock_it);
        if (outcome.status != SIPXFER_OK || outcome.kind == SIPXFER_VERDICT_LOCAL_ATTENDED)
            complain(test, "no refusal of REFER", outcome.kind);
    }
}

static void nothing(struct sipxfer_dialog *out)
{
    SIPXFER_INIT(*out);
}

static void swapped(struct sipxfer_dialog *out)
{
    struct sipxfer_str tag = out->local_tag;
    out->local_tag = out->remote_tag;
    out->remote_tag = tag;
}

static void length_on_null(struct sipxfer_dialog *out)
{
    out->user.ptr = NULL;
    out->user.len = SIZE_MAX;
}

static void no_object(struct sipxfer_dialog *out)
{
    out->dialog = NULL;
}
static void other_call(struct sipxfer_dialog *out)
{
    out->call_id = literal("call-2@pbx");
}
static void other_case(struct sipxfer_dialog *out)
{
    out->call_id = literal("CALL-1@pbx");
}
static void no_tag(struct sipxfer_dialog *out)
{
    out->remote_tag = literal("");
}
static void state_99(struct sipxfer_dialog *out)
{
    out->state = 99;
}
static void state_0(struct sipxfer_dialog *out)
{
    out->state = 0;
}
static void initiator_99(struct sipxfer_dialog *out)
{
    out->initiator = 99;
}
static void usage_99(struct sipxfer_dialog *out)
{
    out->usage = 99;
}
static void secure_99(struct sipxfer_dialog *out)
{
    out->secure = 99;
}
static void null_call_id(struct sipxfer_dialog *out)
{
    out->call_id.ptr = NULL;
}
static void null_tag(struct sipxfer_dialog *out)
{
    out->local_tag.ptr = NULL;
}
static void null_user(struct sipxfer_dialog *out)
{
    out->user.ptr = NULL;
}
static void null_endpoint(struct sipxfer_dialog *out)
{
    out->endpoint.ptr = NULL;
}
static void huge_call_id(struct sipxfer_dialog *out)
{
    out->call_id.len = SIZE_MAX;
}
static void huge_user(struct sipxfer_dialog *out)
{
    out->user.len = SIZE_MAX;
}
static void size_0(struct sipxfer_dialog *out)
{
    out->struct_size = 0;
}
static void size_huge(struct sipxfer_dialog *out)
{
    out->struct_size = SIZE_MAX;
}
static void terminated(struct sipxfer_dialog *out)
{
    out->state = SIPXFER_DIALOG_TERMINATED;
}

static const int32_t garbage[] = {2, 3, 77, 12345, -77, -9999, INT32_MAX, INT32_MIN};
#define EACH_GARBAGE(at) (size_t at = 0; at < sizeof garbage / sizeof *garbage; at++)

static void find_fails_and_lies(void)
{
    for
        EACH_GARBAGE(at)
        {
            honest();
            act.find_status = garbage[at];
            expect("find answers no status", CALLBACKS, VERIFY, at & 1, 500);
            expect("find answers no status to REFER", CALLBACKS, ROUTE, at & 1, 500);
        }
    honest();
    act.find_status = SIPXFER_E_NOT_FOUND;
    expect("find finds nothing", CALLBACKS, VERIFY, true, 481);
    act.find_status = SIPXFER_E_AMBIGUOUS;
    expect("find finds several", CALLBACKS, VERIFY, true, 481);
    act.find_status = SIPXFER_E_PENDING;
    struct outcome outcome = play("find does not know yet", CALLBACKS, VERIFY, true);
    if (outcome.kind != SIPXFER_VERDICT_PENDING)
        complain("find does not know yet", "kind", outcome.kind);
    honest();
    act.distort = terminated;
    expect("find finds what has ended", CALLBACKS, VERIFY, false, 603);

    refused("find fills in nothing", nothing);
    refused("no object", no_object);
    refused("another Call-ID", other_call);
    refused("a Call-ID in another case", other_case);
    refused("swapped tags", swapped);
    refused("no remote tag", no_tag);
    refused("state 99", state_99);
    refused("state 0", state_0);
    refused("initiator 99", initiator_99);
    refused("usage 99", usage_99);
    refused("secure 99", secure_99);
    refused("a Call-ID at NULL", null_call_id);
    refused("a tag at NULL", null_tag);
    refused("a user at NULL", null_user);
    refused("an endpoint at NULL", null_endpoint);
    refused("a Call-ID without end", huge_call_id);
    refused("a user without end", huge_user);
    refused("a length on NULL", length_on_null);
    /* A host that copies a whole struct of its own brings its own struct_size: no harm. */
    honest();
    act.distort = size_0;
    expect("struct_size 0", CALLBACKS, VERIFY, true, 200);
    act.distort = size_huge;
    expect("struct_size without end", CALLBACKS, VERIFY, true, 200);
}

static void lock_fails_and_lies(void)
{
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++) {
        for
            EACH_GARBAGE(at)
            {
                honest();
                act.lock_status = garbage[at];
                expect("lock answers no status", kind, VERIFY, true, 500);
                expect("lock answers no status to REFER", kind, ROUTE, true, 500);
            }
        static const uint32_t states[] = {0, 4, 99, UINT32_MAX};
        for (size_t at = 0; at < sizeof states / sizeof *states; at++) {
            honest();
            act.lock_state = states[at];
            expect("lock tells no state", kind, VERIFY, true, 500);
        }
    }
    honest();
    act.lock_status = SIPXFER_E_GONE;
    expect_both("lock comes too late", VERIFY, true, 603);
    expect_both("a lock that is not asked for", VERIFY, false, 200);
    honest();
    act.lock_state = SIPXFER_DIALOG_TERMINATED;
    expect_both("lock finds what has ended", VERIFY, true, 603);
    honest();
    expect_both("lock tells the truth", VERIFY, true, 200);
    /* A lock that says nothing of the state: the one before it holds, or it is a failure. */
    act.lock_is_silent = true;
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++) {
        struct outcome outcome = play("lock is silent", kind, VERIFY, true);
        if (outcome.status != SIPXFER_OK || (outcome.code != 200 && outcome.code != 500))
            complain("lock is silent", "code", outcome.code);
    }
}

static void host_fails_and_lies(void)
{
    for
        EACH_GARBAGE(at)
        {
            honest();
            act.extension = garbage[at];
            expect_both("extension_exists answers nonsense", ROUTE_BLIND, false, 500);
            expect_both("extension_exists answers nonsense", ROUTE_REMOTE, false, 500);
            honest();
            act.allow = garbage[at];
            expect_both("allow_transfer answers nonsense", ROUTE_BLIND, false, 500);
            honest();
            act.context_status = garbage[at];
            expect_both("transfer_context answers nonsense", ROUTE_BLIND, false, 500);
            honest();
            act.by_host = true;
            act.authorize = garbage[at];
            expect_both("authorize answers nonsense", VERIFY, true, 500);
            honest();
            act.verify_token = garbage[at];
            expect_both("verify_token answers nonsense", ROUTE_TOKEN, false, 500);
            honest();
            act.approve = garbage[at];
            if (act.approve != SIPXFER_LATER) {
                expect_both("approve answers nonsense", ROUTE_BLIND, false, 500);
                expect_both("approve answers nonsense", ROUTE, true, 500);
            }
        }
    static const size_t lengths[] = {100000, SIZE_MAX, SIZE_MAX / 2};
    for (size_t at = 0; at < sizeof lengths / sizeof *lengths; at++) {
        honest();
        act.context_len = lengths[at];
        expect_both("transfer_context tells too long a length", ROUTE_BLIND, false, 500);
    }
    honest();
    act.context_status = SIPXFER_E_NOT_FOUND;
    act.context_len = SIZE_MAX;
    expect_both("no TRANSFER_CONTEXT", ROUTE_BLIND, false, 202);
    honest();
    act.by_host = true;
    expect_both("authorize says yes", VERIFY, true, 200);
    act.authorize = SIPXFER_NO;
    expect_both("authorize says no", VERIFY, true, 403);
    honest();
    expect_both("verify_token says yes", ROUTE_TOKEN, false, 202);
    act.verify_token = SIPXFER_NO;
    expect_both("verify_token says no", ROUTE_TOKEN, false, 202);
    honest();
    act.approve = SIPXFER_NO;
    expect_both("approve says no", ROUTE, true, 603);
    act.approve = SIPXFER_LATER;
    expect_both("approve says later", ROUTE, true, 202);
    honest();
    act.allow = SIPXFER_NO;
    expect_both("allow_transfer says no", ROUTE_BLIND, false, 603);
    honest();
    act.extension = SIPXFER_NO;
    expect_both("no such extension", ROUTE_BLIND, false, 404);
}

/* ---- incomplete tables ---- */

static void made(const char *test, const struct sipxfer_directory *directory,
                 const struct sipxfer_host *host, int32_t expected)
{
    engine = NULL;
    destroyed = 0;
    int32_t status = engine_make(directory, host);
    if (status != expected)
        complain(test, "engine_new", status);
    if (status == SIPXFER_OK)
        sipxfer_engine_free(engine);
    else if (destroyed != 0)
        complain(test, "destroy after a failure", destroyed);
}

static void incomplete_tables(void)
{
    honest();
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++) {
        engine_kind = kind;
        struct sipxfer_host host = whole_host();
        struct sipxfer_directory directory = directory_of(kind);
        made("whole tables", &directory, &host, SIPXFER_OK);
        made("no host", &directory, NULL, SIPXFER_OK);
        directory.destroy = NULL;
        made("no destroy", &directory, &host, SIPXFER_OK);
        struct sipxfer_directory whole = directory;
        directory.lock = NULL;
        made("no lock", &directory, &host, SIPXFER_E_CALLBACK_MISSING);
        directory.unlock = NULL;
        made("no locks at all", &directory, &host, SIPXFER_OK);
        directory.lock = whole.lock;
        made("no unlock", &directory, &host, SIPXFER_E_CALLBACK_MISSING);
        directory = directory_of(kind);
        directory.release = NULL;
        made("no release", &directory, &host,
             kind == CALLBACKS ? SIPXFER_E_CALLBACK_MISSING : SIPXFER_OK);
        directory = directory_of(kind);
        for
            EACH_GARBAGE(at)
            {
                act.random = garbage[at];
                made("random fails", &directory, &host, SIPXFER_E_RANDOM);
            }
        act.random = SIPXFER_OK;
        SIPXFER_INIT(host);
        made("an empty host", &directory, &host, SIPXFER_OK);
    }
    made("no tables", NULL, NULL, SIPXFER_OK);
}

/* ---- ids and pins that are stale, or of another engine ---- */

static void expect_status(const char *test, const char *call, int32_t status, int32_t expected)
{
    if (status != expected)
        complain(test, call, status);
}

/* Verifies the INVITE that names the dialog, and keeps the verdict. */
static struct sipxfer_verdict hold(const char *test, char *scratch, size_t size)
{
    static const char message[] =
        "INVITE sip:c@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
        "From: <sip:bob@h>;tag=f\r\nTo: <sip:c@h>\r\nCall-ID: n\r\nCSeq: 1 INVITE\r\n"
        "Replaces: call-1@pbx;to-tag=L1;from-tag=R1\r\n\r\n";
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    request.message = literal(message);
    request.user = literal("bob");
    request.endpoint = literal("bob-phone");
    request.transport = SIPXFER_TRANSPORT_UDP;
    int32_t status = sipxfer_replaces_verify_request(engine, &request, 1, scratch, size, &verdict);
    if (status != SIPXFER_OK || verdict.kind != SIPXFER_VERDICT_ACCEPT)
        complain(test, "verify", status);
    return verdict;
}

static void stale_and_foreign(enum engine_kind kind)
{
    const char *test = "stale and foreign";
    static char scratch[16384];
    uint64_t id = 0;
    honest();
    engine_kind = kind;
    struct sipxfer_directory directory = directory_of(kind);
    struct sipxfer_host host = whole_host();
    expect_status(test, "engine_new", engine_make(&directory, &host), SIPXFER_OK);
    struct sipxfer_engine *first = engine;
    expect_status(test, "engine_new", engine_make(&directory, &host), SIPXFER_OK);
    struct sipxfer_engine *second = engine;
    engine = first;
    if (kind == OWN_TABLE) {
        struct sipxfer_dialog dialog = host_dialog();
        expect_status(test, "add", sipxfer_dialog_add(first, &dialog, &id), SIPXFER_OK);
        expect_status(test, "set_state of a foreign id",
                      sipxfer_dialog_set_state(second, id, SIPXFER_DIALOG_EARLY),
                      SIPXFER_E_NOT_FOUND);
        expect_status(test, "remove of a foreign id", sipxfer_dialog_remove(second, id, 1),
                      SIPXFER_E_NOT_FOUND);
    }
    struct sipxfer_verdict verdict = hold(test, scratch, sizeof scratch), copy = verdict;
    expect_status(test, "release of a foreign pin", sipxfer_verdict_release(second, &copy),
                  SIPXFER_E_NOT_FOUND);
    copy = verdict;
    expect_status(test, "release", sipxfer_verdict_release(first, &verdict), SIPXFER_OK);
    expect_status(test, "release of nothing", sipxfer_verdict_release(first, &verdict), SIPXFER_OK);
    expect_status(test, "release of a stale pin", sipxfer_verdict_release(first, &copy),
                  SIPXFER_E_NOT_FOUND);
    /* The place of the old pin is used again: the old one still names nothing. */
    struct sipxfer_verdict again = hold(test, scratch, sizeof scratch);
    expect_status(test, "release of a pin of before", sipxfer_verdict_release(first, &copy),
                  SIPXFER_E_NOT_FOUND);
    expect_status(test, "release of the new pin", sipxfer_verdict_release(first, &again),
                  SIPXFER_OK);
    if (kind == OWN_TABLE) {
        struct sipxfer_dialog dialog = host_dialog();
        uint64_t next = 0;
        expect_status(test, "remove", sipxfer_dialog_remove(first, id, 1), SIPXFER_OK);
        expect_status(test, "add again", sipxfer_dialog_add(first, &dialog, &next), SIPXFER_OK);
        expect_status(test, "remove of an id of before", sipxfer_dialog_remove(first, id, 1),
                      SIPXFER_E_NOT_FOUND);
        expect_status(test, "set_state of an id of before",
                      sipxfer_dialog_set_state(first, id, SIPXFER_DIALOG_EARLY),
                      SIPXFER_E_NOT_FOUND);
    }
    sipxfer_engine_free(first);
    sipxfer_engine_free(second);
    engine = NULL;
}

/* ---- the callback of sipxfer_map_replaces() ---- */

static struct sipxfer_dialog_key told;
static int32_t told_status;

static int32_t peer_leg(void *user, const struct sipxfer_dialog_key *key,
                        struct sipxfer_dialog_key *peer)
{
    (void)user, (void)key;
    *peer = told;
    return told_status;
}

static void mapped(const char *test, int32_t expected)
{
    char buffer[256];
    size_t needed = 0;
    const char value[] = "ABCDE;to-tag=x;from-tag=y";
    int32_t status = sipxfer_map_replaces(value, sizeof value - 1, peer_leg, NULL, buffer,
                                          sizeof buffer, &needed, NULL);
    if (status != expected)
        complain(test, "map_replaces", status);
}

static void peer_leg_fails_and_lies(void)
{
    told = host_key();
    told_status = SIPXFER_OK;
    mapped("peer_leg tells the truth", SIPXFER_OK);
    told_status = SIPXFER_E_NOT_FOUND;
    mapped("peer_leg knows no leg", SIPXFER_E_NOT_FOUND);
    for
        EACH_GARBAGE(at)
        {
            told_status = garbage[at];
            mapped("peer_leg answers no status", SIPXFER_E_CALLBACK);
        }
    told_status = SIPXFER_OK;
    told.call_id.ptr = NULL;
    mapped("peer_leg tells a Call-ID at NULL", SIPXFER_E_CALLBACK);
    told = host_key();
    told.remote_tag.len = SIZE_MAX;
    mapped("peer_leg tells a tag without end", SIPXFER_E_CALLBACK);
    told = host_key();
    told.local_tag = literal("");
    mapped("peer_leg tells no tag", SIPXFER_E_CALLBACK);
    told = host_key();
    told.local_tag = literal("a\r\nEvil: yes");
    mapped("peer_leg tells a line end", SIPXFER_E_CALLBACK);
}

int main(void)
{
    find_fails_and_lies();
    lock_fails_and_lies();
    host_fails_and_lies();
    incomplete_tables();
    stale_and_foreign(OWN_TABLE);
    stale_and_foreign(CALLBACKS);
    peer_leg_fails_and_lies();
    callbacks_that_call_back();
    lookups_fail_and_lie();
    transfers_from_within();
    takeovers_from_within();
    park_from_within();
    printf("%d failures\n", failures);
    return failures != 0;
}
