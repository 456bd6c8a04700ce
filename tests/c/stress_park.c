/* The park lot: threads park calls, others want the same ones and verify INVITEs that name them,
 * others watch, let time pass and take what the lot wants done. Each call comes out of the lot
 * once: retrieved, cancelled or rung back; of those whose dialog ended at most once.
 *
 * The number of rounds is fixed; nothing here depends on how fast anybody is. */
#include "tsan.h"

#include <pthread.h>
#include <sipxfer.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARKERS = 2, TAKERS = 3, PER_PARKER = 1500, CALLS = PARKERS * PER_PARKER, PLACES = 20 };

static struct sipxfer_engine *engine;
static int object;
static atomic_long failures, now_ms = 1000, retrieved, cancelled, rung, notifys, allowed;
static atomic_int parkers_left = PARKERS;
/* How often each call came out, and whether its dialog ended. */
static atomic_int came_out[CALLS];
static atomic_bool has_ended[CALLS];
static pthread_barrier_t start;

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

static struct sipxfer_dialog_key key_of(char *name, size_t size, unsigned call)
{
    struct sipxfer_dialog_key key;
    SIPXFER_INIT(key);
    snprintf(name, size, "call-%u@pbx", call);
    key.call_id = literal(name);
    key.local_tag = literal("L1");
    key.remote_tag = literal("R1");
    return key;
}

static void out_of_the_lot(uint64_t handle, atomic_long *how)
{
    if (handle >= CALLS || atomic_fetch_add(&came_out[handle], 1) != 0)
        fail("a call that came out twice", (long)handle);
    atomic_fetch_add(how, 1);
}

static void *parker(void *argument)
{
    unsigned first = *(unsigned *)argument * PER_PARKER;
    char name[32], token[SIPXFER_PARK_TOKEN_SIZE];
    pthread_barrier_wait(&start);
    for (unsigned number = first; number < first + PER_PARKER; number++) {
        struct sipxfer_dialog_key key = key_of(name, sizeof name, number);
        struct sipxfer_park_call call;
        size_t needed = 0;
        int32_t status;
        SIPXFER_INIT(call);
        call.call_id = key.call_id;
        call.local_tag = key.local_tag;
        call.remote_tag = key.remote_tag;
        call.parker = literal("sip:bob@example.com");
        call.handle = number;
        call.place = number % 8 == 0 ? SIPXFER_PARK_SECRET : SIPXFER_PARK_LOWEST;
        /* Where no place is free somebody takes one out sooner or later; time does at last. */
        while ((status = sipxfer_park(engine, &call, (uint64_t)now_ms, token, sizeof token,
                                      &needed)) == SIPXFER_E_NOMEM)
            atomic_fetch_add(&now_ms, 100);
        if (status != SIPXFER_OK)
            fail("park", status);
        uint64_t handle = CALLS;
        if (number % 5 == 0 &&
            sipxfer_park_cancel(engine, token, needed, (uint64_t)now_ms, &handle) == SIPXFER_OK)
            out_of_the_lot(handle, &cancelled);
        if (number % 7 == 0) {
            atomic_store(&has_ended[number], true);
            if (sipxfer_dialog_ended(engine, &key, (uint64_t)now_ms) != SIPXFER_OK)
                fail("dialog_ended", number);
        }
    }
    atomic_fetch_sub(&parkers_left, 1);
    return NULL;
}

static void verify(const struct sipxfer_parked *parked)
{
    char message[1024], scratch[16384];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    snprintf(message, sizeof message,
             "INVITE sip:pbx@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
             "From: <sip:carol@example.com>;tag=f1\r\nTo: <sip:pbx@example.com>\r\n"
             "Call-ID: new-1\r\nCSeq: 1 INVITE\r\nReplaces: %.*s\r\n\r\n",
             SIPXFER_ARG(parked->replaces));
    request.message = literal(message);
    request.endpoint = literal("carol-phone");
    request.user = literal("carol");
    request.now_ms = (uint64_t)now_ms;
    int32_t status =
        sipxfer_replaces_verify_request(engine, &request, 0, scratch, sizeof scratch, &verdict);
    if (status != SIPXFER_OK)
        fail("verdict", status);
    /* A secret is a ground as long as the call waits; a number never is here. */
    if (verdict.kind == SIPXFER_VERDICT_ACCEPT) {
        if (verdict.ground != SIPXFER_GROUND_TOKEN || parked->token.len < 26)
            fail("ground", verdict.ground);
        atomic_fetch_add(&allowed, 1);
    }
    if (sipxfer_verdict_release(engine, &verdict) != SIPXFER_OK)
        fail("verdict_release", 0);
}

static void *taker(void *argument)
{
    unsigned seed = *(unsigned *)argument;
    char name[32], strings[512], place[8];
    pthread_barrier_wait(&start);
    for (unsigned round = 0; parkers_left > 0 || round % 64 != 0; round++) {
        struct sipxfer_parked parked;
        size_t needed = 0;
        int32_t status;
        SIPXFER_INIT(parked);
        if (round % 2 == 0) {
            snprintf(place, sizeof place, "%u", 701 + (round / 2 + seed) % PLACES);
            status = sipxfer_park_claim(engine, place, strlen(place), (uint64_t)now_ms, strings,
                                        sizeof strings, &needed, &parked);
        } else {
            struct sipxfer_dialog_key key = key_of(name, sizeof name, (round * 7 + seed) % CALLS);
            status = sipxfer_park_claim_dialog(engine, &key, (uint64_t)now_ms, strings,
                                               sizeof strings, &needed, &parked);
        }
        if (status == SIPXFER_E_NOT_FOUND || status == SIPXFER_E_TAKEN)
            continue;
        if (status != SIPXFER_OK) {
            fail("claim", status);
            continue;
        }
        verify(&parked);
        if (round % 3 == 0)
            sipxfer_park_release(engine, parked.claim, (uint64_t)now_ms);
        else if (sipxfer_park_retrieved(engine, parked.claim, (uint64_t)now_ms) == SIPXFER_OK)
            out_of_the_lot(parked.handle, &retrieved);
    }
    return NULL;
}

static void take_outputs(void)
{
    static _Thread_local char strings[32768];
    struct sipxfer_park_output output;
    size_t needed = 0;
    int32_t status;
    SIPXFER_INIT(output);
    while ((status = sipxfer_park_next(engine, strings, sizeof strings, &needed, &output)) ==
           SIPXFER_OK) {
        if (output.kind == SIPXFER_PARK_OUTPUT_RING_BACK) {
            out_of_the_lot(output.handle, &rung);
            continue;
        }
        atomic_fetch_add(&notifys, 1);
        /* Some refuse, some do not. */
        sipxfer_park_notify_answered(engine, output.watcher, output.watcher % 5 == 0 ? 481 : 200,
                                     (uint64_t)now_ms);
    }
    if (status != SIPXFER_E_NOT_FOUND)
        fail("park_next", status);
}

static void *watcher(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start);
    for (unsigned round = 0; parkers_left > 0; round++) {
        struct sipxfer_park_watch watch;
        uint64_t id = 0;
        uint32_t granted_s = 0;
        SIPXFER_INIT(watch);
        watch.entity = literal("sip:lot@example.com");
        watch.number = round % 2 == 0 ? 0 : 701 + round % PLACES;
        watch.expires_s = round % 4 * 10;
        int32_t status = sipxfer_park_subscribe(engine, &watch, (uint64_t)now_ms, &id, &granted_s);
        if (status != SIPXFER_OK)
            fail("subscribe", status);
        if (round % 3 == 0)
            sipxfer_park_refresh(engine, id, 0, (uint64_t)now_ms, &granted_s);
        atomic_fetch_add(&now_ms, 20);
        if (sipxfer_tick(engine, (uint64_t)now_ms) != SIPXFER_OK)
            fail("tick", 0);
        take_outputs();
    }
    return NULL;
}

static int32_t find(void *user, const struct sipxfer_dialog_key *key, struct sipxfer_dialog *out)
{
    (void)user;
    out->dialog = &object;
    out->call_id = key->call_id;
    out->local_tag = key->local_tag;
    out->remote_tag = key->remote_tag;
    out->state = SIPXFER_DIALOG_CONFIRMED;
    out->initiator = SIPXFER_INITIATOR_REMOTE;
    out->usage = SIPXFER_USAGE_INVITE;
    return SIPXFER_OK;
}

static void release(void *user, void *dialog)
{
    (void)user, (void)dialog;
}

int main(void)
{
    struct sipxfer_directory directory;
    struct sipxfer_engine_options options;
    SIPXFER_INIT(directory);
    SIPXFER_INIT(options);
    directory.find = find;
    directory.release = release;
    options.directory = &directory;
    if (sipxfer_engine_new(&options, &engine) != SIPXFER_OK)
        return 2;
    pthread_t threads[PARKERS + TAKERS + 1];
    unsigned numbers[PARKERS + TAKERS], made = 0;
    pthread_barrier_init(&start, NULL, PARKERS + TAKERS + 1);
    for (; made < PARKERS + TAKERS; made++) {
        numbers[made] = made;
        if (pthread_create(&threads[made], NULL, made < PARKERS ? parker : taker, &numbers[made]) !=
            0)
            return 2;
    }
    if (pthread_create(&threads[made++], NULL, watcher, NULL) != 0)
        return 2;
    while (made > 0)
        pthread_join(threads[--made], NULL);
    /* Time alone empties the lot and ends the subscriptions. */
    uint64_t deadline = 0;
    for (unsigned turns = 0; deadline != UINT64_MAX && turns < 100000; turns++) {
        if (sipxfer_next_deadline(engine, &deadline) != SIPXFER_OK)
            fail("next_deadline", 0);
        if (deadline != UINT64_MAX && sipxfer_tick(engine, deadline) != SIPXFER_OK)
            fail("tick", 0);
        take_outputs();
    }
    size_t left = 1;
    if (sipxfer_park_count(engine, &left) != SIPXFER_OK || left != 0 || deadline != UINT64_MAX)
        fail("calls that are left", (long)left);
    for (unsigned call = 0; call < CALLS; call++)
        if (came_out[call] == 0 && !has_ended[call])
            fail("a call that was lost", call);
    sipxfer_engine_free(engine);
    if (sipxfer_panic_count() != 0)
        fail("faults inside the library", (long)sipxfer_panic_count());
    if (retrieved == 0 || cancelled == 0 || notifys == 0)
        fail("something that never happened", retrieved);
    if (failures == 0)
        printf("no call was lost: %ld retrieved, %ld cancelled, %ld rung back; %ld NOTIFYs, "
               "%ld verdicts by token\n",
               retrieved, cancelled, rung, notifys, allowed);
    return failures != 0;
}
