/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Verdicts on many INVITEs at once, as for a host that drains a socket. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOGETHER = 32, MESSAGES = 1024, ROUNDS = 100, SCRATCH = SIPXFER_SCRATCH_SIZE(LOAD_APART) };

struct batch {
    struct sipxfer_verification items[TOGETHER];
    struct sipxfer_request requests[TOGETHER];
    struct sipxfer_verdict verdicts[TOGETHER];
    char scratch[TOGETHER][SCRATCH];
};

static void verify(const struct sipxfer_engine *engine, struct batch *batch, const char *messages,
                   const size_t *lens)
{
    for (int number = 0; number < TOGETHER; number++) {
        batch->requests[number] = load_request(messages + number * LOAD_APART, lens[number]);
        batch->items[number].scratch_len = SIPXFER_SCRATCH_SIZE(lens[number]);
    }
    MUST(sipxfer_replaces_verify_requests(engine, batch->items, TOGETHER));
    for (int number = 0; number < TOGETHER; number++) {
        struct sipxfer_verdict *verdict = &batch->verdicts[number];
        if (verdict->kind != SIPXFER_VERDICT_ACCEPT) {
            fprintf(stderr, "another verdict: %.*s\n", (int)verdict->why.len, verdict->why.ptr);
            exit(1);
        }
        MUST(sipxfer_verdict_release(engine, verdict));
    }
}

void batch_measure(const struct sipxfer_engine *engine, unsigned dialogs)
{
    struct batch *batch = load_room(sizeof *batch);
    char *messages = load_room((size_t)MESSAGES * LOAD_APART);
    size_t lens[MESSAGES];
    double times[ROUNDS];
    uint64_t random = 1;
    for (int number = 0; number < TOGETHER; number++) {
        batch->verdicts[number].struct_size = sizeof batch->verdicts[number];
        batch->items[number].struct_size = sizeof batch->items[number];
        batch->items[number].request = &batch->requests[number];
        batch->items[number].verdict = &batch->verdicts[number];
        batch->items[number].scratch = batch->scratch[number];
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t number = 0; number < MESSAGES; number++) {
            unsigned dialog = (unsigned)(load_random(&random) % dialogs);
            struct load_names names = load_names_of(dialog);
            lens[number] =
                load_invite(messages + number * LOAD_APART, LOAD_APART, dialog, &names, "");
        }
        double start = load_seconds(CLOCK_THREAD_CPUTIME_ID);
        for (size_t number = 0; number < MESSAGES; number += TOGETHER)
            verify(engine, batch, messages + number * LOAD_APART, lens + number);
        times[round] = (load_seconds(CLOCK_THREAD_CPUTIME_ID) - start) / MESSAGES * 1e9;
    }
    printf("batch-%u-ns %.0f\n", dialogs, load_median(times, ROUNDS));
    free(messages);
    free(batch);
}
