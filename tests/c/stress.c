/* One thread adds and removes dialogs, one changes the settings, the others verify INVITEs that
 * name them and hold what they get. A host object is freed when its last reference is given back.
 *
 * The number of rounds is fixed; nothing here depends on how fast anybody is. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sipxfer.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
/* The compiler of the library calls these; the runtime of an older C compiler has none of them. A
 * runtime that has them takes their place. */
#define WHERE_MISSING __attribute__((weak, visibility("default")))
WHERE_MISSING void *__tsan_memcpy(void *to, const void *from, size_t size);
WHERE_MISSING void *__tsan_memmove(void *to, const void *from, size_t size);
WHERE_MISSING void *__tsan_memset(void *to, int byte, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size) { return memcpy(to, from, size); }
void *__tsan_memmove(void *to, const void *from, size_t size) { return memmove(to, from, size); }
void *__tsan_memset(void *to, int byte, size_t size) { return memset(to, byte, size); }
#endif
#endif

enum { SLOTS = 16, ROUNDS = 1500, VERIFIERS = 3, VERDICTS = 4000 };

struct object {
    pthread_mutex_t mutex;
    uint32_t state;    /* under mutex */
    bool locked;       /* under mutex */
    atomic_int refs;   /* host directory only */
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
    struct sipxfer_str str = { text, strlen(text) };
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
    (void) user;
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
    (void) user;
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
    (void) user;
    struct object *object = dialog;
    object->locked = false;
    pthread_mutex_unlock(&object->mutex);
}

/* The engine's own table counts for the host: the call is the last. A directory of the host
 * counts by itself. */
static void host_release(void *user, void *dialog)
{
    (void) user;
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
             "Replaces: call-%u@pbx;to-tag=L;from-tag=R\r\n\r\n", slot);
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
    unsigned number = *(unsigned *) argument;
    pthread_barrier_wait(&start);
    for (unsigned at = 0; at < VERDICTS; at++) {
        uint32_t code = verify((at * 7 + number) % SLOTS, at % 3 != 0);
        atomic_fetch_add(code == 200 ? &accepted : &refused, 1);
    }
    return NULL;
}

static void *changer(void *argument)
{
    (void) argument;
    struct sipxfer_config *config = NULL;
    if (sipxfer_config_new(&config) != SIPXFER_OK)
        fail("config_new", 0);
    pthread_barrier_wait(&start);
    for (unsigned at = 0; at < ROUNDS; at++) {
        struct sipxfer_str name = literal("context"), value = literal(at % 2 ? "one" : "other");
        int32_t status = sipxfer_config_set(config, "endpoint:x", 10, name.ptr, name.len,
                                            value.ptr, value.len);
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
    (void) argument;
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

int main(int argc, char **argv)
{
    struct sipxfer_directory directory;
    struct sipxfer_engine_options options;
    own_table = argc == 2 && strcmp(argv[1], "own") == 0;
    SIPXFER_INIT(directory);
    SIPXFER_INIT(options);
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
    sipxfer_engine_free(engine);

    if (sipxfer_panic_count() != 0)
        fail("faults inside the library", (long) sipxfer_panic_count());
    if (created != freed)
        fail("dialogs that were not given back", created - freed);
    if (failures == 0)
        printf("every dialog was given back: %ld; %ld verdicts accepted, %ld refused\n",
               freed, accepted, refused);
    return failures != 0;
}
