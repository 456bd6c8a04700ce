/* Callbacks that call back into the library. Threads receive REFERs, send others, verify INVITEs
 * and let time pass; and each callback of the host, of every kind, does one of these things too,
 * from within. What the callbacks begin counts like all the rest: in the end each transfer that
 * began has one last NOTIFY and one outcome, each dialog was given back, and nothing is left.
 *
 * A callback of a callback does the same once more, and no deeper. Nothing is locked from within a
 * callback: a host that does that may wait for itself.
 *
 * The number of rounds is fixed; nothing here depends on how fast anybody is. */
#include "stress_callbacks.h"
#include "tsan.h"

#include <unistd.h>

static const char *const kind_names[KINDS] = {
    "find",           "lock",    "unlock",    "release", "extension_exists", "transfer_context",
    "allow_transfer", "approve", "authorize", "log",     "on_deadline",
};

static atomic_uint workers_left, destroyed;
static _Atomic uint64_t told_deadline = UINT64_MAX;

static void call_back(enum kind kind)
{
    if (depth >= DEEPEST)
        return;
    depth++;
    atomic_fetch_add(&called_back[kind], 1);
    /* Most calls make several callbacks; if each did the most it would never end. */
    unsigned number = atomic_fetch_add(&turn, 1);
    if (depth == 1 || number % 4 == 0)
        something(number);
    else
        questions();
    depth--;
}

/* ---- callbacks ---- */

static int32_t host_find(void *user, const struct sipxfer_dialog_key *key,
                         struct sipxfer_dialog *out)
{
    (void)user;
    int32_t status = SIPXFER_E_NOT_FOUND;
    call_back(FIND);
    pthread_mutex_lock(&list);
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        struct object *object = objects[slot];
        if (object == NULL || strlen(object->call_id) != key->call_id.len ||
            memcmp(object->call_id, key->call_id.ptr, key->call_id.len) != 0)
            continue;
        atomic_fetch_add(&object->refs, 1);
        atomic_fetch_add(&references, 1);
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
    call_back(LOCK);
    pthread_mutex_lock(&object->mutex);
    uint32_t found = atomic_load(&object->state);
    if (found == SIPXFER_DIALOG_TERMINATED) {
        pthread_mutex_unlock(&object->mutex);
        return SIPXFER_E_GONE;
    }
    *state = found;
    return SIPXFER_OK;
}

static void host_unlock(void *user, void *dialog)
{
    (void)user;
    struct object *object = dialog;
    pthread_mutex_unlock(&object->mutex);
    call_back(UNLOCK);
}

/* The engine's own table counts by itself: its call is the last. */
static void host_release(void *user, void *dialog)
{
    (void)user;
    if (!own_table)
        atomic_fetch_sub(&references, 1);
    object_release(dialog);
    call_back(RELEASE);
}

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    call_back(EXTENSION_EXISTS);
    return SIPXFER_YES;
}

static int32_t transfer_context(void *user, const struct sipxfer_request *request, char *buffer,
                                size_t capacity, size_t *len)
{
    (void)user, (void)request, (void)capacity;
    call_back(TRANSFER_CONTEXT);
    memcpy(buffer, "other", 5);
    *len = 5;
    return SIPXFER_OK;
}

static int32_t allow_transfer(void *user, const struct sipxfer_request *request)
{
    (void)user, (void)request;
    call_back(ALLOW_TRANSFER);
    return SIPXFER_YES;
}

static int32_t approve(void *user, const struct sipxfer_request *request, uint32_t kind,
                       struct sipxfer_str target)
{
    (void)user, (void)request, (void)kind, (void)target;
    call_back(APPROVE);
    return atomic_load(&turn) % 2 ? SIPXFER_YES : SIPXFER_LATER;
}

static int32_t authorize(void *user, const struct sipxfer_request *request,
                         const struct sipxfer_dialog *dialog)
{
    (void)user, (void)request, (void)dialog;
    call_back(AUTHORIZE);
    return SIPXFER_YES;
}

/* It may be called with the dialog of a verdict locked; what is done here locks none. */
static void host_log(void *user, uint32_t level, struct sipxfer_str text)
{
    (void)user, (void)level, (void)text;
    call_back(LOG);
}

static void on_deadline(void *user, uint64_t deadline_ms)
{
    (void)user;
    atomic_store(&told_deadline, deadline_ms);
    call_back(ON_DEADLINE);
}

static void destroy(void *user)
{
    (void)user;
    atomic_fetch_add(&destroyed, 1);
}

/* ---- threads ---- */

static pthread_barrier_t start;

static void *worker(void *argument)
{
    unsigned number = *(unsigned *)argument;
    pthread_barrier_wait(&start);
    for (unsigned at = 0; at < ROUNDS; at++)
        something(at * WORKERS + number);
    atomic_fetch_sub(&workers_left, 1);
    return NULL;
}

static void *ticker(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start);
    do
        pass_time();
    while (atomic_load(&workers_left) > 0);
    return NULL;
}

static int by_value(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static void sort(struct ids *ids)
{
    qsort(ids->id, (size_t)atomic_load(&ids->count), sizeof *ids->id, by_value);
}

/* Each that began, once. */
static void each_once(struct ids *ids, struct ids *all)
{
    long count = atomic_load(&ids->count), wanted = atomic_load(&all->count);
    sort(ids);
    if (count != wanted)
        fail(ids->what, count - wanted);
    for (long at = 0; at < count && at < wanted; at++)
        if (ids->id[at] != all->id[at]) {
            fail(ids->what, at);
            break;
        }
}

/* Time may have ended one before it was decided about: that one never starts. */
static void at_most_once(struct ids *ids)
{
    long count = atomic_load(&ids->count);
    sort(ids);
    if (count == 0 || count > atomic_load(&begun.count))
        fail(ids->what, count);
    for (long at = 1; at < count; at++)
        if (ids->id[at] == ids->id[at - 1])
            fail(ids->what, at);
}

/* Nobody else is at work: the rest is taken, time passes, and the counts add up. */
static void settle(void)
{
    uint64_t next = 0, before = 0;
    size_t count = 0;
    depth = DEEPEST;
    for (unsigned slot = 0; slot < SLOTS; slot++)
        replace(slot, false);
    expect("next_deadline", sipxfer_next_deadline(engine, &next));
    if (next != atomic_load(&told_deadline))
        fail("another deadline was told last", (long)(atomic_load(&told_deadline) - next));
    for (long at = 0; at < atomic_load(&begun.count); at++)
        drain(begun.id[at]);
    for (long at = 0; at < atomic_load(&sent.count); at++)
        drain_sent(sent.id[at]);
    while (sipxfer_next_deadline(engine, &next) == SIPXFER_OK && next != UINT64_MAX) {
        if (next <= before) {
            fail("a deadline that has passed", (long)next);
            break;
        }
        before = next;
        expect("tick", sipxfer_tick(engine, next));
        drain(0);
        drain_sent(0);
    }
    expect("transfer_count", sipxfer_transfer_count(engine, &count));
    if (count != 0)
        fail("transfers that are left", (long)count);
    if (own_table)
        expect("dialog_count", sipxfer_dialog_count(engine, &count));
    if (count != 0)
        fail("dialogs that are left", (long)count);
    sort(&begun);
    at_most_once(&started);
    each_once(&ended, &begun);
    each_once(&over, &begun);
    sort(&sent);
    each_once(&refers, &sent);
    each_once(&sent_over, &sent);
    if (references != 0)
        fail("dialogs that verdicts still hold", references);
    if (created != freed)
        fail("dialogs that were not given back", created - freed);
    for (int kind = 0; kind < KINDS; kind++)
        if (called_back[kind] == 0 && !(own_table && kind == FIND))
            fail(kind_names[kind], 0);
}

int main(int argc, char **argv)
{
    struct sipxfer_directory directory;
    struct sipxfer_host host;
    struct sipxfer_engine_options options;
    pthread_t threads[WORKERS + 1];
    unsigned numbers[WORKERS];
    own_table = argc == 2 && strcmp(argv[1], "own") == 0;
    /* Threads that wait for one another are ended, and the test fails. */
    alarm(300);
    SIPXFER_INIT(directory);
    SIPXFER_INIT(options);
    SIPXFER_INIT(host);
    host.extension_exists = extension_exists;
    host.transfer_context = transfer_context;
    host.allow_transfer = allow_transfer;
    host.approve = approve;
    host.authorize = authorize;
    host.log = host_log;
    host.on_deadline = on_deadline;
    host.destroy = destroy;
    options.host = &host;
    directory.find = own_table ? NULL : host_find;
    directory.lock = host_lock;
    directory.unlock = host_unlock;
    directory.release = host_release;
    directory.destroy = destroy;
    options.directory = &directory;
    if (sipxfer_engine_new(&options, &engine) != SIPXFER_OK)
        return 2;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        replace(slot, true);
    atomic_store(&workers_left, WORKERS);
    pthread_barrier_init(&start, NULL, WORKERS + 1);
    for (unsigned at = 0; at < WORKERS; at++) {
        numbers[at] = at;
        if (pthread_create(&threads[at], NULL, worker, &numbers[at]) != 0)
            return 2;
    }
    if (pthread_create(&threads[WORKERS], NULL, ticker, NULL) != 0)
        return 2;
    for (unsigned at = 0; at <= WORKERS; at++)
        pthread_join(threads[at], NULL);
    pthread_barrier_destroy(&start);

    settle();
    sipxfer_engine_free(engine);
    if (destroyed != 2)
        fail("destructors", (long)destroyed);
    if (sipxfer_panic_count() != 0)
        fail("faults inside the library", (long)sipxfer_panic_count());
    if (failures == 0)
        printf("all of it was given back and ended: %ld received, %ld sent, %ld verdicts, "
               "%ld dialogs\n",
               begun.count, sent.count, verdicts, freed);
    return failures != 0;
}
