/* What the threads of stress_callbacks do, and its callbacks too: begin transfers and carry them
 * on, verify, replace dialogs, change settings, let time pass, ask. */
#include "stress_callbacks.h"

struct sipxfer_engine *engine;
bool own_table;
atomic_long called_back[KINDS];
atomic_long created, freed, references, verdicts, failures;
atomic_uint turn;
static atomic_uint next_cseq;
_Atomic uint64_t clock_ms = 1000;

struct ids begun = {.what = "received"}, started = {.what = "commands to start"},
           ended = {.what = "last NOTIFYs"}, over = {.what = "outcomes"}, sent = {.what = "sent"},
           refers = {.what = "REFERs to send"}, sent_over = {.what = "outcomes of sent ones"};

/* How many callbacks this thread is in. */
_Thread_local unsigned depth;

/* The dialogs by slot. */
pthread_mutex_t list = PTHREAD_MUTEX_INITIALIZER;
struct object *objects[SLOTS];
static uint64_t own_ids[SLOTS];

void fail(const char *what, long number)
{
    fprintf(stderr, "%s: %ld\n", what, number);
    atomic_fetch_add(&failures, 1);
}

void expect(const char *what, int32_t status)
{
    if (status != SIPXFER_OK)
        fail(what, status);
}

static struct sipxfer_str literal(const char *text)
{
    struct sipxfer_str str = {text, strlen(text)};
    return str;
}

static void note(struct ids *ids, uint64_t id)
{
    long at = atomic_fetch_add(&ids->count, 1);
    if (at < MOST)
        ids->id[at] = id;
    else
        fail("more than there is room for", at);
}

static uint64_t now(void)
{
    return atomic_load(&clock_ms);
}

/* ---- dialogs ---- */

static struct object *object_new(unsigned slot)
{
    struct object *object = calloc(1, sizeof *object);
    if (object == NULL)
        abort();
    pthread_mutex_init(&object->mutex, NULL);
    atomic_init(&object->state, SIPXFER_DIALOG_CONFIRMED);
    object->slot = slot;
    atomic_init(&object->refs, 1);
    snprintf(object->call_id, sizeof object->call_id, "call-%u", slot);
    atomic_fetch_add(&created, 1);
    return object;
}

void object_release(struct object *object)
{
    if (atomic_fetch_sub(&object->refs, 1) != 1)
        return;
    pthread_mutex_destroy(&object->mutex);
    memset(object, 0xDD, sizeof *object);
    free(object);
    atomic_fetch_add(&freed, 1);
}

void describe(struct object *object, struct sipxfer_dialog *out)
{
    out->dialog = object;
    out->call_id = literal(object->call_id);
    out->local_tag = literal("L");
    out->remote_tag = literal("R");
    /* Nobody's but the one whom the host lets: authorize is asked. */
    out->user = literal("alice");
    out->endpoint = literal("alice-phone");
    out->state = SIPXFER_DIALOG_CONFIRMED;
    out->initiator = SIPXFER_INITIATOR_REMOTE;
    out->usage = SIPXFER_USAGE_INVITE;
}

/* Puts another dialog in the place of one that ends. Two threads may do this for one slot at a
 * time: each takes out what it has found there. */
void replace(unsigned slot, bool put_another)
{
    struct object *object = put_another ? object_new(slot) : NULL, *old;
    struct sipxfer_dialog dialog;
    uint64_t id = 0, old_id;
    SIPXFER_INIT(dialog);
    if (object != NULL && own_table) {
        describe(object, &dialog);
        /* The one that is there still has the same triple; it goes first. */
        pthread_mutex_lock(&list);
        old_id = own_ids[slot];
        own_ids[slot] = 0;
        pthread_mutex_unlock(&list);
        if (old_id != 0)
            expect("dialog_remove", sipxfer_dialog_remove(engine, old_id, now()));
        int32_t status = sipxfer_dialog_add(engine, &dialog, &id);
        if (status != SIPXFER_OK) {
            fail("dialog_add", status);
            object_release(object);
            return;
        }
    }
    pthread_mutex_lock(&list);
    old = objects[slot];
    old_id = own_ids[slot];
    objects[slot] = own_table ? NULL : object;
    own_ids[slot] = id;
    pthread_mutex_unlock(&list);
    if (old_id != 0)
        expect("dialog_remove", sipxfer_dialog_remove(engine, old_id, now()));
    if (old == NULL)
        return;
    /* Not under its mutex: this thread may be in a callback of a verdict that holds it. */
    atomic_store(&old->state, SIPXFER_DIALOG_TERMINATED);
    struct sipxfer_dialog_key key;
    SIPXFER_INIT(key);
    key.call_id = literal(old->call_id);
    key.local_tag = literal("L");
    key.remote_tag = literal("R");
    expect("dialog_ended", sipxfer_dialog_ended(engine, &key, now()));
    object_release(old);
}

/* ---- what anybody does, also from within a callback ---- */

static bool has(struct sipxfer_str str, const char *text)
{
    return str.len > 0 && memmem(str.ptr, str.len, text, strlen(text)) != NULL;
}

/* Takes all outputs of a received transfer; with 0, all that time has given to any. */
void drain(uint64_t transfer)
{
    char buffer[SIPXFER_OUTPUT_SIZE];
    struct sipxfer_output output;
    int32_t status;
    SIPXFER_INIT(output);
    while ((status = sipxfer_transfer_next(engine, transfer, buffer, sizeof buffer, &output)) ==
           SIPXFER_OK) {
        if (output.kind == SIPXFER_OUTPUT_NOTIFY && has(output.headers, "terminated"))
            note(&ended, output.transfer);
        else if (output.kind == SIPXFER_OUTPUT_COMMAND && output.command == SIPXFER_COMMAND_START)
            note(&started, output.transfer);
        else if (output.kind == SIPXFER_OUTPUT_FINISHED)
            note(&over, output.transfer);
    }
    if (status != SIPXFER_E_NOT_FOUND)
        fail("transfer_next", status);
}

void drain_sent(uint64_t transfer)
{
    char buffer[SIPXFER_OUTPUT_SIZE];
    struct sipxfer_refer_output output;
    int32_t status;
    SIPXFER_INIT(output);
    while ((status = sipxfer_refer_next(engine, transfer, buffer, sizeof buffer, &output)) ==
           SIPXFER_OK) {
        if (output.kind == SIPXFER_REFER_OUTPUT_SEND)
            note(&refers, output.transfer);
        else if (output.kind == SIPXFER_REFER_OUTPUT_FINISHED)
            note(&sent_over, output.transfer);
    }
    if (status != SIPXFER_E_NOT_FOUND)
        fail("refer_next", status);
}

/* Whoever else has it may have ended it before. */
static void input(const char *what, int32_t status)
{
    if (status != SIPXFER_OK && status != SIPXFER_E_WRONG_STATE && status != SIPXFER_E_NOT_FOUND)
        fail(what, status);
}

static void request_of(struct sipxfer_request *request, const char *message)
{
    request->message = literal(message);
    request->endpoint = literal("bob-phone");
    request->user = literal("bob");
    request->transport = SIPXFER_TRANSPORT_UDP;
    request->now_ms = now();
}

static uint64_t receive(bool lock_it)
{
    char message[640], target[96], scratch[16384];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    uint64_t transfer = 0;
    unsigned cseq = atomic_fetch_add(&next_cseq, 1) + 1;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    if (cseq % 3 == 0)
        snprintf(target, sizeof target, "<sip:100@h>");
    else
        snprintf(target, sizeof target,
                 "<sip:c@h?Replaces=call-%u%%3Bto-tag%%3DL%%3Bfrom-tag%%3DR>", cseq % SLOTS);
    snprintf(message, sizeof message,
             "REFER sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
             "From: <sip:bob@h>;tag=f%u\r\nTo: <sip:pbx@h>;tag=t\r\nCall-ID: refer\r\n"
             "CSeq: %u REFER\r\nContact: <sip:bob@192.0.2.1>\r\nRefer-To: %s\r\n\r\n",
             cseq, cseq % 16, cseq, target);
    request_of(&request, message);
    int32_t status = sipxfer_transfer_receive(engine, &request, lock_it, scratch, sizeof scratch,
                                              &verdict, &transfer);
    if (status != SIPXFER_OK) {
        fail("transfer_receive", status);
        return 0;
    }
    atomic_fetch_add(&verdicts, 1);
    bool later = verdict.approval_pending != 0;
    if (transfer != 0)
        note(&begun, transfer);
    /* What is not here goes elsewhere. What has just ended is refused (603), and what is there
     * twice for a moment is not found (481). Of two threads with CSeqs of one dialog the later one
     * may come first: then the other is answered as a retransmission. */
    else if (verdict.code != 603 && verdict.code != 481 && verdict.kind != SIPXFER_VERDICT_NONE)
        fail("code of a REFER", (long)verdict.code);
    expect("verdict_release", sipxfer_verdict_release(engine, &verdict));
    if (transfer != 0 && later)
        input("decide", sipxfer_transfer_decide(engine, transfer, SIPXFER_YES, now()));
    return transfer;
}

static void verify(unsigned slot, bool lock_it)
{
    char message[512], scratch[16384];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    snprintf(message, sizeof message,
             "INVITE sip:c@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
             "From: <sip:bob@h>;tag=f\r\nTo: <sip:c@h>\r\nCall-ID: new\r\nCSeq: 1 INVITE\r\n"
             "Replaces: call-%u;to-tag=L;from-tag=R\r\n\r\n",
             slot);
    request_of(&request, message);
    expect("verify", sipxfer_replaces_verify_request(engine, &request, lock_it, scratch,
                                                     sizeof scratch, &verdict));
    atomic_fetch_add(&verdicts, 1);
    if (verdict.kind == SIPXFER_VERDICT_ACCEPT) {
        struct object *object = verdict.dialog;
        if (object->slot != slot || verdict.locked != lock_it)
            fail("another dialog, or another lock", object->slot);
    } else if (verdict.code != 603 && verdict.code != 481) {
        fail("code of an INVITE", (long)verdict.code);
    }
    expect("verdict_release", sipxfer_verdict_release(engine, &verdict));
}

static void progress(uint64_t transfer, uint32_t code)
{
    input("progress", sipxfer_transfer_progress(engine, transfer, code, NULL, 0, now()));
}

/* One that somebody began, a while ago or just now. */
static uint64_t one_of(struct ids *ids, unsigned number)
{
    long count = atomic_load(&ids->count);
    /* The last ones may not be written down yet. */
    return count > 64 ? ids->id[count - 64 + number % 32] : 0;
}

static void begin(void)
{
    struct sipxfer_refer_options options;
    uint64_t transfer = 0;
    SIPXFER_INIT(options);
    options.kind = SIPXFER_REFER_BLIND;
    options.target = literal("sip:carol@h");
    options.subscribe = 1;
    expect("refer_start", sipxfer_refer_start(engine, &options, now(), &transfer));
    note(&sent, transfer);
    drain_sent(transfer);
    input("refer_sent", sipxfer_refer_sent(engine, transfer, 1, 7, 1, now()));
    static const char answer[] = "SIP/2.0 202 Accepted\r\nCSeq: 7 REFER\r\n\r\n";
    input("refer_response",
          sipxfer_refer_response(engine, transfer, 1, answer, sizeof answer - 1, now()));
    static const char notify[] =
        "NOTIFY sip:pbx@h SIP/2.0\r\nCSeq: 1 NOTIFY\r\nEvent: refer\r\n"
        "Subscription-State: terminated;reason=noresource\r\n\r\nSIP/2.0 200 OK\r\n";
    uint32_t code = 0;
    if (atomic_load(&turn) % 4 != 0)
        input("refer_notify",
              sipxfer_refer_notify(engine, transfer, 0, notify, sizeof notify - 1, now(), &code));
    drain_sent(transfer);
}

static void settings(unsigned number)
{
    struct sipxfer_config *config = NULL;
    struct sipxfer_str name = literal("notify.min_interval_ms");
    struct sipxfer_str value = literal(number % 2 ? "1000" : "500");
    expect("config_new", sipxfer_config_new(&config));
    expect("config_set",
           sipxfer_config_set(config, "", 0, name.ptr, name.len, value.ptr, value.len));
    expect("config_apply", sipxfer_config_apply(engine, config));
    sipxfer_config_free(config);
}

void pass_time(void)
{
    expect("tick", sipxfer_tick(engine, atomic_fetch_add(&clock_ms, 50) + 50));
    drain(0);
    drain_sent(0);
}

void questions(void)
{
    struct sipxfer_dialog_key key;
    uint64_t found = 0;
    size_t count = 0;
    SIPXFER_INIT(key);
    key.call_id = literal("refer");
    key.local_tag = literal("t");
    key.remote_tag = literal("f1");
    input("transfer_find", sipxfer_transfer_find(engine, &key, 0, &found));
    expect("transfer_count", sipxfer_transfer_count(engine, &count));
    expect("next_deadline", sipxfer_next_deadline(engine, &found));
    if (own_table)
        expect("dialog_count", sipxfer_dialog_count(engine, &count));
}

/* One thing, the next one each time. A host's lock is only taken where no callback is around it. */
void something(unsigned number)
{
    bool lock_it = depth == 0 && number % 2 == 0;
    uint64_t transfer;
    switch (number % 9) {
    case 0:
    case 1:
        transfer = receive(lock_it);
        if (transfer == 0)
            break;
        drain(transfer);
        progress(transfer, 180);
        /* Some are left to others, and to the time. */
        if (number % 5 != 0)
            progress(transfer, number % 2 ? 200 : 486);
        drain(transfer);
        break;
    case 2:
        verify(number % SLOTS, lock_it);
        break;
    case 3:
        replace(number % SLOTS, true);
        break;
    case 4:
        begin();
        break;
    case 5:
        settings(number);
        break;
    case 6:
        pass_time();
        break;
    case 7:
        questions();
        break;
    default:
        transfer = one_of(&begun, number);
        progress(transfer, 183);
        input("bye", sipxfer_transfer_bye(engine, transfer, now()));
        input("notify_answered", sipxfer_transfer_notify_answered(engine, transfer, 200, now()));
        drain(transfer);
        input("call_ended", sipxfer_refer_call_ended(engine, one_of(&sent, number), now()));
    }
}
