/* One thread adds and removes dialogs, one changes the settings, the others verify INVITEs that
 * name them and hold what they get. A host object is freed when its last reference is given back.
 *
 * Then transfers: some threads receive REFERs, take outputs and report progress, others let time
 * pass and take what it gives. Every transfer that began has one outcome, and is gone in the end.
 *
 * The number of rounds is fixed; nothing here depends on how fast anybody is. */
#include "tsan.h"

#include <pthread.h>
#include <sipxfer.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOTS = 16, ROUNDS = 1500, VERIFIERS = 3, VERDICTS = 4000 };

struct object {
    pthread_mutex_t mutex;
    uint32_t state;  /* under mutex */
    bool locked;     /* under mutex */
    atomic_int refs; /* host directory only */
    unsigned slot;
    char call_id[32];
};

static struct sipxfer_engine *engine;
static bool own_table;
static atomic_long created, freed, accepted, refused, failures;

/* The host's directory: the dialogs by slot. */
static pthread_mutex_t list = PTHREAD_MUTEX_INITIALIZER;
static struct object *objects[SLOTS];

static void fail(const char *what, long number)
{
    fprintf(stderr, "%s: %ld\n", what, number);
    atomic_fetch_add(&failures, 1);
}

static struct sipxfer_str literal(const char *text)
{
    struct sipxfer_str str = {text, strlen(text)};
    return str;
}

static struct object *object_new(unsigned slot)
{
    struct object *object = calloc(1, sizeof *object);
    if (object == NULL)
        abort();
    pthread_mutex_init(&object->mutex, NULL);
    object->state = SIPXFER_DIALOG_CONFIRMED;
    object->slot = slot;
    atomic_init(&object->refs, 1);
    snprintf(object->call_id, sizeof object->call_id, "call-%u@pbx", slot);
    atomic_fetch_add(&created, 1);
    return object;
}

static void object_free(struct object *object)
{
    pthread_mutex_destroy(&object->mutex);
    memset(object, 0xDD, sizeof *object);
    free(object);
    atomic_fetch_add(&freed, 1);
}

static void describe(struct object *object, struct sipxfer_dialog *out)
{
    out->dialog = object;
    out->call_id = literal(object->call_id);
    out->local_tag = literal("L");
    out->remote_tag = literal("R");
    out->user = literal("bob");
    out->endpoint = literal("bob-phone");
    out->state = SIPXFER_DIALOG_CONFIRMED;
    out->initiator = SIPXFER_INITIATOR_REMOTE;
    out->usage = SIPXFER_USAGE_INVITE;
}

/* ---- callbacks ---- */

static int32_t host_find(void *user, const struct sipxfer_dialog_key *key,
                         struct sipxfer_dialog *out)
{
    (void)user;
    int32_t status = SIPXFER_E_NOT_FOUND;
    pthread_mutex_lock(&list);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        struct object *object = objects[slot];
        if (object == NULL || strlen(object->call_id) != key->call_id.len ||
            memcmp(object->call_id, key->call_id.ptr, key->call_id.len) != 0)
            continue;
        atomic_fetch_add(&object->refs, 1);
        describe(object, out);
        status = SIPXFER_OK;
        break;
    }
    pthread_mutex_unlock(&list);
    return status;
}

static int32_t host_lock(void *user, void *dialog, uint32_t *state)
{
    (void)user;
    struct object *object = dialog;
    pthread_mutex_lock(&object->mutex);
    if (object->state == SIPXFER_DIALOG_TERMINATED) {
        pthread_mutex_unlock(&object->mutex);
        return SIPXFER_E_GONE;
    }
    object->locked = true;
    *state = object->state;
    return SIPXFER_OK;
}

static void host_unlock(void *user, void *dialog)
{
    (void)user;
    struct object *object = dialog;
    object->locked = false;
    pthread_mutex_unlock(&object->mutex);
}

/* The engine's own table counts for the host: the call is the last. A directory of the host
 * counts by itself. */
static void host_release(void *user, void *dialog)
{
    (void)user;
    struct object *object = dialog;
    if (own_table || atomic_fetch_sub(&object->refs, 1) == 1)
        object_free(object);
}

/* ---- one dialog ---- */

static uint64_t put(unsigned slot, struct object **kept)
{
    uint64_t id = 0;
    struct object *object = object_new(slot);
    *kept = object;
    if (own_table) {
        struct sipxfer_dialog dialog;
        SIPXFER_INIT(dialog);
        describe(object, &dialog);
        int32_t status = sipxfer_dialog_add(engine, &dialog, &id);
        if (status != SIPXFER_OK)
            fail("dialog_add", status);
    } else {
        pthread_mutex_lock(&list);
        objects[slot] = object;
        pthread_mutex_unlock(&list);
    }
    return id;
}

/* The call ends first, under its own lock, as in a PBX; then it is taken out. */
static void take(unsigned slot, struct object *object, uint64_t id)
{
    int32_t status;
    pthread_mutex_lock(&object->mutex);
    object->state = SIPXFER_DIALOG_TERMINATED;
    pthread_mutex_unlock(&object->mutex);
    if (own_table) {
        status = sipxfer_dialog_remove(engine, id, 1000);
        if (status != SIPXFER_OK)
            fail("dialog_remove", status);
        status = sipxfer_dialog_remove(engine, id, 1000);
        if (status != SIPXFER_E_NOT_FOUND)
            fail("a stale id", status);
        return;
    }
    struct sipxfer_dialog_key key;
    SIPXFER_INIT(key);
    key.call_id = literal(object->call_id);
    key.local_tag = literal("L");
    key.remote_tag = literal("R");
    pthread_mutex_lock(&list);
    objects[slot] = NULL;
    pthread_mutex_unlock(&list);
    status = sipxfer_dialog_ended(engine, &key, 1000);
    if (status != SIPXFER_OK)
        fail("dialog_ended", status);
    host_release(NULL, object);
}

/* Verifies one INVITE. Answers the code. */
static uint32_t verify(unsigned slot, bool lock_it)
{
    char message[512], scratch[16384];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    snprintf(message, sizeof message,
             "INVITE sip:c@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
             "From: <sip:bob@h>;tag=f\r\nTo: <sip:c@h>\r\nCall-ID: new\r\nCSeq: 1 INVITE\r\n"
             "Replaces: call-%u@pbx;to-tag=L;from-tag=R\r\n\r\n",
             slot);
    request.message = literal(message);
    request.endpoint = literal("bob-phone");
    request.user = literal("bob");
    request.context = literal("internal");
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = 1000;
    int32_t status = sipxfer_replaces_verify_request(engine, &request, lock_it, scratch,
                                                     sizeof scratch, &verdict);
    if (status != SIPXFER_OK) {
        fail("verify", status);
        return 0;
    }
    uint32_t code = verdict.code;
    if (verdict.kind == SIPXFER_VERDICT_ACCEPT) {
        /* Ours until it is given back, whatever the others do meanwhile. */
        struct object *object = verdict.dialog;
        if (object->slot != slot)
            fail("another dialog", object->slot);
        if (lock_it && (!object->locked || object->state != SIPXFER_DIALOG_CONFIRMED))
            fail("a dialog that is not locked, or has ended", object->state);
        if (verdict.locked != lock_it)
            fail("locked", verdict.locked);
    } else if (code != 603 && code != 481) {
        fail("code", code);
    }
    status = sipxfer_verdict_release(engine, &verdict);
    if (status != SIPXFER_OK)
        fail("verdict_release", status);
    return code;
}

/* ---- threads ---- */

static pthread_barrier_t start;

static void *verifier(void *argument)
{
    unsigned number = *(unsigned *)argument;
    pthread_barrier_wait(&start);
    for (unsigned at = 0; at < VERDICTS; at++) {
        uint32_t code = verify((at * 7 + number) % SLOTS, at % 3 != 0);
        atomic_fetch_add(code == 200 ? &accepted : &refused, 1);
    }
    return NULL;
}

static void *changer(void *argument)
{
    (void)argument;
    struct sipxfer_config *config = NULL;
    if (sipxfer_config_new(&config) != SIPXFER_OK)
        fail("config_new", 0);
    pthread_barrier_wait(&start);
    for (unsigned at = 0; at < ROUNDS; at++) {
        struct sipxfer_str name = literal("context"), value = literal(at % 2 ? "one" : "other");
        int32_t status =
            sipxfer_config_set(config, "endpoint:x", 10, name.ptr, name.len, value.ptr, value.len);
        if (status == SIPXFER_OK)
            status = sipxfer_config_apply(engine, config);
        if (status != SIPXFER_OK)
            fail("settings", status);
    }
    sipxfer_config_free(config);
    return NULL;
}

static struct object *kept[SLOTS];
static uint64_t ids[SLOTS];

static void *replacer(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start);
    for (unsigned at = 0; at < ROUNDS; at++) {
        unsigned slot = at % SLOTS;
        take(slot, kept[slot], ids[slot]);
        ids[slot] = put(slot, &kept[slot]);
    }
    return NULL;
}

static void every(uint32_t code, const char *what)
{
    for (unsigned slot = 0; slot < SLOTS; slot++)
        for (int lock_it = 0; lock_it <= 1; lock_it++) {
            uint32_t got = verify(slot, lock_it);
            if (got != code)
                fail(what, got);
        }
}

/* ---- transfers ---- */

enum { RECEIVERS = 3, TICKERS = 2, REFERS = 700, DIALOGS = 8, MOST = RECEIVERS * REFERS };

/* Ids in the order in which they came. */
struct ids {
    atomic_long count;
    uint64_t id[MOST + 1];
};

static struct ids begun, started, ended, over;
static atomic_long answers, failed, given_up;
static atomic_uint receivers_left;
static _Atomic uint64_t clock_ms = 1000, told_deadline = UINT64_MAX;

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    return SIPXFER_YES;
}

static void on_deadline(void *user, uint64_t deadline_ms)
{
    (void)user;
    uint64_t next = 0;
    size_t count = 0;
    atomic_store(&told_deadline, deadline_ms);
    int32_t status = sipxfer_next_deadline(engine, &next);
    if (status == SIPXFER_OK)
        status = sipxfer_transfer_count(engine, &count);
    if (status != SIPXFER_OK)
        fail("a question from within on_deadline", status);
}

static void note(struct ids *ids, uint64_t id)
{
    long at = atomic_fetch_add(&ids->count, 1);
    if (at < MOST)
        ids->id[at] = id;
    else
        fail("more than there are transfers", at);
}

static bool has(struct sipxfer_str str, const char *text)
{
    return memmem(str.ptr, str.len, text, strlen(text)) != NULL;
}

/* Takes all outputs of a transfer; with 0, all that time has given to any. */
static void drain(uint64_t transfer)
{
    char buffer[SIPXFER_OUTPUT_SIZE];
    struct sipxfer_output output;
    int32_t status;
    SIPXFER_INIT(output);
    while ((status = sipxfer_transfer_next(engine, transfer, buffer, sizeof buffer, &output)) ==
           SIPXFER_OK) {
        if (output.transfer == 0 || (transfer != 0 && output.transfer != transfer))
            fail("an output of another transfer", (long)output.kind);
        if (output.kind == SIPXFER_OUTPUT_ANSWER)
            atomic_fetch_add(&answers, 1);
        else if (output.kind == SIPXFER_OUTPUT_NOTIFY && has(output.headers, "terminated"))
            note(&ended, output.transfer);
        else if (output.kind == SIPXFER_OUTPUT_COMMAND)
            switch (output.command) {
            case SIPXFER_COMMAND_START:
                note(&started, output.transfer);
                break;
            case SIPXFER_COMMAND_KEEP_CALL:
                atomic_fetch_add(&given_up, 1);
                break;
            default:
                fail("command", output.command);
            }
        else if (output.kind == SIPXFER_OUTPUT_FINISHED) {
            note(&over, output.transfer);
            atomic_fetch_add(&failed, output.code >= 300);
        }
    }
    if (status != SIPXFER_E_NOT_FOUND)
        fail("transfer_next", status);
}

/* The REFER with this number, of one of the thread's dialogs. */
static uint64_t receive(unsigned thread, unsigned number)
{
    char message[512], scratch[16384];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    uint64_t transfer = 0;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    snprintf(message, sizeof message,
             "REFER sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK%u\r\n"
             "From: <sip:bob@h>;tag=f%u\r\nTo: <sip:pbx@h>;tag=t\r\nCall-ID: refer-%u\r\n"
             "CSeq: %u REFER\r\nContact: <sip:bob@192.0.2.1>\r\nRefer-To: <sip:100@h>\r\n\r\n",
             number, number % DIALOGS, thread, number + 1);
    request.message = literal(message);
    request.endpoint = literal("bob-phone");
    request.user = literal("bob");
    request.context = literal("internal");
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = atomic_load(&clock_ms);
    int32_t status =
        sipxfer_transfer_receive(engine, &request, 0, scratch, sizeof scratch, &verdict, &transfer);
    if (status != SIPXFER_OK || verdict.code != 202 || transfer == 0)
        fail("transfer_receive", status == SIPXFER_OK ? (long)verdict.code : status);
    status = sipxfer_verdict_release(engine, &verdict);
    if (status != SIPXFER_OK)
        fail("verdict_release of a transfer", status);
    return transfer;
}

/* Time may have ended it before, and its last output may be taken. */
static void report(uint64_t transfer, uint32_t code)
{
    uint64_t now_ms = atomic_load(&clock_ms);
    int32_t status = code == 503
                         ? sipxfer_transfer_contact_failed(engine, transfer, now_ms)
                         : sipxfer_transfer_progress(engine, transfer, code, NULL, 0, now_ms);
    if (status != SIPXFER_OK && status != SIPXFER_E_WRONG_STATE && status != SIPXFER_E_NOT_FOUND)
        fail("progress", status);
    drain(transfer);
}

static void *receiver(void *argument)
{
    /* The last one is left to the time. */
    static const uint32_t outcomes[] = {200, 486, 503, 0};
    unsigned thread = *(unsigned *)argument;
    pthread_barrier_wait(&start);
    for (unsigned at = 0; at < REFERS; at++) {
        uint64_t transfer = receive(thread, at);
        uint32_t outcome = outcomes[at % 4];
        note(&begun, transfer);
        /* Whoever lets time pass takes all of this one. */
        if (at % 8 == 7)
            continue;
        drain(transfer);
        report(transfer, 180);
        report(transfer, 183);
        if (outcome != 0)
            report(transfer, outcome);
    }
    atomic_fetch_sub(&receivers_left, 1);
    return NULL;
}

static void *ticker(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start);
    do {
        int32_t status = sipxfer_tick(engine, atomic_fetch_add(&clock_ms, 100) + 100);
        if (status != SIPXFER_OK)
            fail("tick", status);
        drain(0);
    } while (atomic_load(&receivers_left) > 0);
    return NULL;
}

static int by_value(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

/* Each transfer that began, once. */
static void each_once(const char *what, struct ids *ids)
{
    long count = atomic_load(&ids->count), all = atomic_load(&begun.count);
    if (count != all)
        fail(what, count - all);
    qsort(ids->id, (size_t)(count < MOST ? count : MOST), sizeof *ids->id, by_value);
    for (long at = 0; at < all && at < count; at++)
        if (ids->id[at] != begun.id[at]) {
            fail(what, at);
            break;
        }
}

static void transfers(void)
{
    pthread_t threads[RECEIVERS + TICKERS];
    unsigned numbers[RECEIVERS];
    uint64_t next = 0;
    size_t count = 0;
    atomic_store(&receivers_left, RECEIVERS);
    pthread_barrier_init(&start, NULL, RECEIVERS + TICKERS);
    for (unsigned at = 0; at < RECEIVERS + TICKERS; at++) {
        if (at < RECEIVERS)
            numbers[at] = at;
        void *argument = at < RECEIVERS ? &numbers[at] : NULL;
        if (pthread_create(&threads[at], NULL, argument ? receiver : ticker, argument) != 0)
            exit(2);
    }
    for (unsigned at = 0; at < RECEIVERS + TICKERS; at++)
        pthread_join(threads[at], NULL);
    pthread_barrier_destroy(&start);

    /* Nobody else is at work: what was told last is what there is. */
    if (sipxfer_next_deadline(engine, &next) != SIPXFER_OK || next != atomic_load(&told_deadline))
        fail("another deadline was told last", (long)(atomic_load(&told_deadline) - next));
    while (next != UINT64_MAX) {
        if (sipxfer_tick(engine, next) != SIPXFER_OK)
            fail("tick at the end", 0);
        drain(0);
        uint64_t before = next;
        if (sipxfer_next_deadline(engine, &next) != SIPXFER_OK || next <= before) {
            fail("a deadline that has passed", (long)next);
            break;
        }
    }
    if (sipxfer_transfer_count(engine, &count) != SIPXFER_OK || count != 0)
        fail("transfers that are left", (long)count);
    if (begun.count != MOST)
        fail("transfers that began", begun.count);
    qsort(begun.id, MOST, sizeof *begun.id, by_value);
    each_once("commands to start", &started);
    each_once("subscriptions that ended", &ended);
    each_once("outcomes", &over);
    if (answers != MOST)
        fail("answers", answers);
    if (given_up != failed)
        fail("failures that do not say what becomes of the call", failed - given_up);
}

int main(int argc, char **argv)
{
    struct sipxfer_directory directory;
    struct sipxfer_host host;
    struct sipxfer_engine_options options;
    own_table = argc == 2 && strcmp(argv[1], "own") == 0;
    SIPXFER_INIT(directory);
    SIPXFER_INIT(options);
    SIPXFER_INIT(host);
    host.extension_exists = extension_exists;
    host.on_deadline = on_deadline;
    options.host = &host;
    directory.find = own_table ? NULL : host_find;
    directory.lock = host_lock;
    directory.unlock = host_unlock;
    directory.release = host_release;
    options.directory = &directory;
    if (sipxfer_engine_new(&options, &engine) != SIPXFER_OK)
        return 2;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        ids[slot] = put(slot, &kept[slot]);
    every(200, "before");

    pthread_t threads[VERIFIERS + 2];
    unsigned numbers[VERIFIERS];
    pthread_barrier_init(&start, NULL, VERIFIERS + 2);
    for (unsigned at = 0; at < VERIFIERS; at++) {
        numbers[at] = at;
        if (pthread_create(&threads[at], NULL, verifier, &numbers[at]) != 0)
            return 2;
    }
    if (pthread_create(&threads[VERIFIERS], NULL, replacer, NULL) != 0 ||
        pthread_create(&threads[VERIFIERS + 1], NULL, changer, NULL) != 0)
        return 2;
    for (unsigned at = 0; at < VERIFIERS + 2; at++)
        pthread_join(threads[at], NULL);
    pthread_barrier_destroy(&start);

    every(200, "after");
    for (unsigned slot = 0; slot < SLOTS; slot++)
        take(slot, kept[slot], ids[slot]);
    every(603, "behind the end");
    transfers();
    sipxfer_engine_free(engine);

    if (sipxfer_panic_count() != 0)
        fail("faults inside the library", (long)sipxfer_panic_count());
    if (created != freed)
        fail("dialogs that were not given back", created - freed);
    if (failures == 0)
        printf("every dialog was given back: %ld; %ld verdicts accepted, %ld refused; "
               "%ld transfers, %ld failed\n",
               freed, accepted, refused, over.count, failed);
    return failures != 0;
}
