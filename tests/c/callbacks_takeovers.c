/* The target's side and callbacks: on_deadline takes outputs and reports, every other callback does
 * too, also while a takeover begins; can_mix and is_conference fail and lie. A lock of the library
 * that was held meanwhile would stop this program for ever. */
#include "callbacks_takeovers.h"

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

static int32_t mix, conference;
static unsigned long mix_asked, conference_asked;
static void (*in_deadline)(void);

static int32_t can_mix(void *user, const struct sipxfer_request *request,
                       const struct sipxfer_dialog *dialog)
{
    (void)user, (void)request;
    mix_asked++;
    if (dialog->call_id.len == 0)
        complain(test, "can_mix is told the dialog", 0);
    if (act.inside != NULL)
        act.inside(IN_AUTHORIZE);
    return mix;
}

static int32_t is_conference(void *user, const struct sipxfer_request *request)
{
    (void)user, (void)request;
    conference_asked++;
    if (act.inside != NULL)
        act.inside(IN_AUTHORIZE);
    return conference;
}

static void on_deadline(void *user, uint64_t deadline_ms)
{
    (void)user, (void)deadline_ms;
    if (in_deadline != NULL)
        in_deadline();
}

static bool begin(const char *name, enum engine_kind kind)
{
    struct sipxfer_host host = whole_host();
    host.on_deadline = on_deadline;
    host.can_mix = can_mix;
    host.is_conference = is_conference;
    test = name;
    honest();
    in_deadline = NULL;
    mix = SIPXFER_YES;
    conference = SIPXFER_NO;
    mix_asked = conference_asked = 0;
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

/* An INVITE with this Call-ID and header line. Answers the code of its verdict; where `takeover` is
 * NULL it is verified for Join. */
static uint32_t invite(const char *call_id, const char *line, bool lock_it, uint64_t *takeover)
{
    char message[512], scratch[16384];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    snprintf(message, sizeof message,
             "INVITE sip:pbx@example.com SIP/2.0\r\n"
             "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"
             "From: <sip:bob@example.com>;tag=f1\r\nTo: <sip:pbx@example.com>\r\n"
             "Call-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:bob@192.0.2.1>\r\n%s\r\n\r\n",
             call_id, line);
    request.message = literal(message);
    request.endpoint = literal("bob-phone");
    request.user = literal("bob");
    request.context = literal("internal");
    request.now_ms = 5;
    int32_t status = takeover == NULL
                         ? sipxfer_join_verify_request(engine, &request, lock_it, scratch,
                                                       sizeof scratch, &verdict)
                         : sipxfer_takeover_receive(engine, &request, lock_it, scratch,
                                                    sizeof scratch, &verdict, takeover);
    expect_status("the verdict", status, SIPXFER_OK);
    if (status != SIPXFER_OK)
        return 0;
    uint32_t accepted = takeover == NULL ? SIPXFER_VERDICT_JOIN : SIPXFER_VERDICT_ACCEPT;
    expect("a dialog goes with an acceptance", verdict.dialog != NULL, verdict.kind == accepted);
    expect("locked", verdict.locked, verdict.kind == accepted && lock_it);
    expect_status("verdict_release", sipxfer_verdict_release(engine, &verdict), SIPXFER_OK);
    return verdict.code;
}

#define REPLACES "Replaces: call-1@pbx;to-tag=L1;from-tag=R1"
#define JOIN     "Join: call-1@pbx;to-tag=L1;from-tag=R1"
#define NOWHERE  "Join: elsewhere;to-tag=L1;from-tag=R1"

/* One letter for each output that is there, in order. */
static const char *outputs_of(uint64_t takeover)
{
    static char letters[32];
    struct sipxfer_takeover_output output;
    size_t count = 0;
    int32_t status;
    SIPXFER_INIT(output);
    while ((status = sipxfer_takeover_next(engine, takeover, &output)) == SIPXFER_OK &&
           count < sizeof letters - 1)
        letters[count++] = output.kind <= 9 ? "?ATBCRKELF"[output.kind] : '?';
    letters[count] = 0;
    expect_status("takeover_next behind the last one", status, SIPXFER_E_NOT_FOUND);
    return letters;
}

static void expect_outputs(const char *what, uint64_t takeover, const char *expected)
{
    const char *got = outputs_of(takeover);
    if (strcmp(got, expected) == 0)
        return;
    printf("%s: %s\n", what, got);
    complain(test, expected, (long)strlen(got));
}

static size_t takeovers(void)
{
    size_t count = SIZE_MAX;
    expect_status("takeover_count", sipxfer_takeover_count(engine, &count), SIPXFER_OK);
    return count;
}

/* ---- callbacks that call back ---- */

static unsigned long inside_calls;

/* Everything that a callback may ask of takeovers, whichever callback it is. */
static void ask_about_takeovers(enum place place)
{
    (void)place;
    struct sipxfer_dialog_key key = host_key();
    struct sipxfer_takeover_output output;
    uint64_t takeover = 0;
    uint32_t side = 0, code = 0;
    SIPXFER_INIT(output);
    inside_calls++;
    (void)takeovers();
    expect_status("reinvite", sipxfer_takeover_reinvite(engine, &key, &code), SIPXFER_OK);
    int32_t status = sipxfer_takeover_find(engine, &key, &takeover, &side);
    if (status == SIPXFER_OK)
        expect("the side", side, SIPXFER_TAKEOVER_SIDE_OLD);
    else
        expect_status("find", status, SIPXFER_E_NOT_FOUND);
    expect_status("tick", sipxfer_tick(engine, 5), SIPXFER_OK);
    expect_status("next of any", sipxfer_takeover_next(engine, 0, &output), SIPXFER_E_NOT_FOUND);
    expect_status("acked", sipxfer_takeover_acked(engine, 12345, 5), SIPXFER_E_NOT_FOUND);
}

static void whole_takeover(enum engine_kind kind, bool lock_it)
{
    uint64_t takeover = 0, other = 0;
    if (!begin("a takeover with callbacks that call back", kind))
        return;
    act.inside = ask_about_takeovers;
    expect("code", invite("new-1", REPLACES, lock_it, &takeover), 200);
    expect("a second one", invite("new-2", REPLACES, lock_it, &other), 603);
    expect("its id", other, 0);
    expect("the first one again", invite("new-1", REPLACES, lock_it, &other), 0);
    expect("its id", other, takeover);
    expect_outputs("the answer", takeover, "A");
    expect_status("answered", sipxfer_takeover_answered(engine, takeover, 5), SIPXFER_OK);
    expect_outputs("the takeover", takeover, "TB");
    expect_status("old_ended", sipxfer_takeover_old_ended(engine, takeover, 5), SIPXFER_OK);
    expect_outputs("the end", takeover, "F");
    expect("count", takeovers(), 0);
    expect_status("stale", sipxfer_takeover_old_ended(engine, takeover, 5), SIPXFER_E_NOT_FOUND);
    engine_end(test);
}

/* The deadline is told by sipxfer_takeover_receive() itself: the host finds the takeover by its
 * dialog and gives it up before it has its id. */
static void give_up_at_once(void)
{
    struct sipxfer_dialog_key key = host_key();
    uint64_t takeover = 0;
    uint32_t side = 0;
    in_deadline = NULL;
    expect_status("find", sipxfer_takeover_find(engine, &key, &takeover, &side), SIPXFER_OK);
    int32_t status = sipxfer_takeover_not_answered(engine, takeover, 488, 5);
    expect_status("not_answered", status, SIPXFER_OK);
    expect_outputs("all of it", takeover, "ALF");
}

static void over_before_it_is_known(enum engine_kind kind)
{
    uint64_t takeover = 0;
    if (!begin("a takeover that on_deadline ends", kind))
        return;
    in_deadline = give_up_at_once;
    expect("code", invite("new-1", REPLACES, true, &takeover), 200);
    expect_status("stale", sipxfer_takeover_answered(engine, takeover, 5), SIPXFER_E_NOT_FOUND);
    expect("count", takeovers(), 0);
    /* Nothing has happened to the dialog. */
    expect("the next one", invite("new-2", REPLACES, true, &takeover), 200);
    expect_status("time", sipxfer_tick(engine, 40000), SIPXFER_OK);
    expect_outputs("time gives up", 0, "AALF");
    engine_end(test);
}

/* The dialog ends while its takeover is being decided about. */
static void end_it(enum place place)
{
    if (place != IN_AUTHORIZE)
        return;
    act.inside = NULL;
    struct sipxfer_dialog_key key = host_key();
    int32_t status = engine_kind == OWN_TABLE ? sipxfer_dialog_remove(engine, dialog_id, 5)
                                              : sipxfer_dialog_ended(engine, &key, 5);
    expect_status("the dialog ends", status, SIPXFER_OK);
}

static void ends_between_match_and_claim(enum engine_kind kind)
{
    uint64_t takeover = 0;
    if (!begin("a dialog that ends between match and claim", kind))
        return;
    put_setting("replaces.authorize", "host");
    act.inside = end_it;
    expect("code", invite("new-1", REPLACES, false, &takeover), 603);
    expect("id", takeover, 0);
    expect("count", takeovers(), 0);
    engine_end(test);
}

/* ---- joins ---- */

static void joined(enum engine_kind kind)
{
    static const int32_t nonsense[] = {2, -1, SIPXFER_E_NOT_FOUND, INT32_MAX, INT32_MIN};
    if (!begin("joins", kind))
        return;
    expect("not allowed by the settings", invite("j", JOIN, false, NULL), 0);
    expect("can_mix is not asked then", mix_asked, 0);
    put_setting("join.allow", "yes");
    for (int lock_it = 0; lock_it < 2; lock_it++) {
        act.inside = ask_about_takeovers;
        mix = SIPXFER_YES;
        expect("it can be mixed", invite("j", JOIN, lock_it, NULL), 200);
        mix = SIPXFER_NO;
        expect("it cannot", invite("j", JOIN, lock_it, NULL), 488);
        for (size_t at = 0; at < sizeof nonsense / sizeof *nonsense; at++) {
            mix = conference = nonsense[at];
            expect("can_mix answers nonsense", invite("j", JOIN, lock_it, NULL), 500);
        }
    }
    expect("is_conference is not asked where there is a dialog", conference_asked, 0);
    if (kind == CALLBACKS)
        act.find_status = SIPXFER_E_NOT_FOUND;
    expect("is_conference answers nonsense", invite("j", NOWHERE, false, NULL), 500);
    conference = SIPXFER_YES;
    expect("a conference", invite("j", NOWHERE, false, NULL), 0);
    conference = SIPXFER_NO;
    expect("no conference", invite("j", NOWHERE, false, NULL), 481);
    engine_end(test);
}

/* A host that has neither callback: the answers are yes and no. */
static void without_callbacks(void)
{
    struct sipxfer_host host = whole_host();
    test = "joins without callbacks";
    honest();
    if (!engine_begin(test, OWN_TABLE, &host))
        return;
    put_setting("join.allow", "yes");
    expect("it can be mixed", invite("j", JOIN, true, NULL), 200);
    expect("no conference", invite("j", NOWHERE, true, NULL), 481);
    engine_end(test);
}

/* ---- foreign ids ---- */

static void of_another_engine(void)
{
    uint64_t takeover = 0;
    if (!begin("ids of another engine", OWN_TABLE))
        return;
    expect("code", invite("new-1", REPLACES, false, &takeover), 200);
    struct sipxfer_engine *first = engine;
    uint64_t first_dialog = dialog_id;
    struct sipxfer_directory directory = directory_of(CALLBACKS);
    struct sipxfer_host host = whole_host();
    expect_status("engine_new", engine_make(&directory, &host), SIPXFER_OK);
    struct sipxfer_engine *second = engine;
    int32_t status = sipxfer_takeover_answered(second, takeover, 5);
    expect_status("of another engine", status, SIPXFER_E_NOT_FOUND);
    status = sipxfer_transfer_bye(first, takeover, 5);
    expect_status("no transfer", status, SIPXFER_E_NOT_FOUND);
    status = sipxfer_refer_call_ended(first, takeover, 5);
    expect_status("no sent transfer", status, SIPXFER_E_NOT_FOUND);
    sipxfer_engine_free(second);
    destroyed = 0;
    engine = first;
    dialog_id = first_dialog;
    expect_outputs("it is untouched", takeover, "A");
    engine_end(test);
}

void takeovers_from_within(void)
{
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++) {
        whole_takeover(kind, false);
        whole_takeover(kind, true);
        over_before_it_is_known(kind);
        ends_between_match_and_claim(kind);
        joined(kind);
    }
    without_callbacks();
    of_another_engine();
    if (inside_calls < 20) {
        test = "callbacks that call back";
        complain(test, "were called", (long)inside_calls);
    }
    honest();
}
