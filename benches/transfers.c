/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Transfers that are under way: what each of them takes, and what a tick costs among many. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DUE = 10, DECADE_MS = 1 << 30 };

/* Takes what there is to be done, and does nothing of it. */
static void take(const struct sipxfer_engine *engine, uint64_t transfer)
{
    char buffer[SIPXFER_EVENT_SIZE(2048)];
    struct sipxfer_output output = {.struct_size = sizeof output};
    int32_t status;
    while ((status = sipxfer_transfer_next(engine, transfer, buffer, sizeof buffer, &output)) ==
           SIPXFER_OK)
        if (output.kind == SIPXFER_OUTPUT_NOTIFY)
            MUST(sipxfer_transfer_notify_answered(engine, output.transfer, 200, 0));
    if (status != SIPXFER_E_NOT_FOUND)
        MUST(status);
}

static void started(struct sipxfer_engine *engine, uint64_t now_ms, const char *message, size_t len,
                    uint32_t handling, uint64_t *transfer)
{
    char scratch[SIPXFER_SCRATCH_SIZE(2048)];
    struct sipxfer_verdict verdict = {.struct_size = sizeof verdict};
    struct sipxfer_request request = load_request(message, len);
    request.now_ms = now_ms;
    request.handling = handling;
    MUST(
        sipxfer_transfer_receive(engine, &request, 0, scratch, sizeof scratch, &verdict, transfer));
    if (*transfer == 0) {
        fprintf(stderr, "no transfer: %.*s\n", (int)verdict.why.len, verdict.why.ptr);
        exit(1);
    }
    take(engine, *transfer);
    MUST(sipxfer_verdict_release(engine, &verdict));
}

/* A blind one that the host controls; progress has come, and its NOTIFY was answered. */
static void blind(struct sipxfer_engine *engine, unsigned number, uint64_t now_ms)
{
    char message[2048];
    uint64_t transfer;
    size_t len = load_refer(message, sizeof message, number, NULL);
    started(engine, now_ms, message, len, SIPXFER_HANDLING_HOST, &transfer);
    MUST(sipxfer_transfer_progress(engine, transfer, 180, NULL, 0, now_ms));
    take(engine, transfer);
}

/* An attended one that an application controls. */
static void attended(struct sipxfer_engine *engine, unsigned number, uint64_t now_ms)
{
    char message[2048];
    uint64_t transfer;
    struct load_names names = load_names_of(number);
    size_t len = load_refer(message, sizeof message, number, &names);
    started(engine, now_ms, message, len, SIPXFER_HANDLING_APPLICATION, &transfer);
}

/* One that this side has begun: the REFER is out and was accepted. */
static void sent(struct sipxfer_engine *engine, unsigned number, uint64_t now_ms)
{
    char buffer[2048];
    struct load_names names = load_names_of(number);
    struct sipxfer_replaces replaces = {.struct_size = sizeof replaces,
                                        .call_id = load_str(names.call_id),
                                        .to_tag = load_str(names.local),
                                        .from_tag = load_str(names.remote)};
    struct sipxfer_refer_options options = {.struct_size = sizeof options,
                                            .contact = load_str("sip:alice@198.51.100.9:5060"),
                                            .aor = load_str("sip:alice@pbx.example.com"),
                                            .replaces = &replaces,
                                            .kind = SIPXFER_REFER_ATTENDED,
                                            .dialog_state = SIPXFER_DIALOG_CONFIRMED,
                                            .dialog_initiator = SIPXFER_INITIATOR_REMOTE};
    struct sipxfer_refer_output output = {.struct_size = sizeof output};
    uint64_t transfer;
    MUST(sipxfer_refer_start(engine, &options, now_ms, &transfer));
    while (sipxfer_refer_next(engine, transfer, buffer, sizeof buffer, &output) == SIPXFER_OK)
        if (output.kind == SIPXFER_REFER_OUTPUT_SEND)
            MUST(sipxfer_refer_sent(engine, transfer, output.attempt, 314159, 1, now_ms));
}

static void memory(const char *name, unsigned dialogs, unsigned count,
                   void (*begin)(struct sipxfer_engine *, unsigned, uint64_t))
{
    struct sipxfer_engine *engine = load_engine(dialogs);
    size_t before = load_heap();
    for (unsigned number = 0; number < count; number++)
        begin(engine, number, 1);
    printf("%s-bytes %.1f\n", name, (double)(load_heap() - before) / count);
    sipxfer_engine_free(engine);
}

/* So many that wait long, and a few that are due. */
static struct sipxfer_engine *waiting(unsigned count)
{
    struct sipxfer_engine *engine = load_engine(0);
    for (unsigned number = 0; number < DUE; number++)
        blind(engine, number, 1);
    for (unsigned number = DUE; number < count; number++)
        blind(engine, number, DECADE_MS);
    return engine;
}

/* All but the first few have their deadline later than that. */
static const uint64_t DUE_AT_MS = DECADE_MS + 1;

static void few_are_due(struct sipxfer_engine *engine)
{
    size_t count;
    MUST(sipxfer_transfer_count(engine, &count));
    MUST(sipxfer_tick(engine, DUE_AT_MS));
    take(engine, 0);
    size_t left;
    MUST(sipxfer_transfer_count(engine, &left));
    if (count - left != DUE) {
        fprintf(stderr, "%zu of %zu were due\n", count - left, count);
        exit(1);
    }
}

void transfers_tick(unsigned count)
{
    struct sipxfer_engine *engine = waiting(count);
    CALLGRIND_START_INSTRUMENTATION;
    few_are_due(engine);
    sipxfer_engine_free(engine);
}

void transfers_measure(unsigned count)
{
    memory("transfer", 0, count, blind);
    memory("transfer-application", count, count, attended);
    memory("transfer-sent", 0, count, sent);
    size_t before = load_heap();
    struct sipxfer_engine *engine = waiting(count);
    double start = load_seconds(CLOCK_MONOTONIC);
    MUST(sipxfer_tick(engine, DUE_AT_MS));
    printf("tick-ten-due-us %.1f\n", (load_seconds(CLOCK_MONOTONIC) - start) * 1e6);
    /* All end. Their dialogs are remembered, for the next REFER. */
    MUST(sipxfer_tick(engine, INT64_MAX / 2));
    take(engine, 0);
    printf("transfers-left-bytes %.1f\n", ((double)load_heap() - (double)before) / count);
    sipxfer_engine_free(engine);
}
