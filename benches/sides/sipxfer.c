/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * sipxfer's side. */
#include "side.h"

#include <stdio.h>
#include <stdlib.h>

static struct sipxfer_engine *engine;

struct worker {
    struct sipxfer_verdict verdict;
    char answer[2048];
    char scratch[SIPXFER_SCRATCH_SIZE(4096)];
};

static void open_side(void)
{
    engine = load_engine(0);
}

static void add_side(unsigned dialogs, struct load_names *names, int choose)
{
    (void)choose;
    for (unsigned number = 0; number < dialogs; number++)
        load_add(engine, &names[number]);
}

static void *worker_of(unsigned number)
{
    static struct worker workers[SIDE_WORKERS];
    struct worker *worker = &workers[number];
    worker->verdict.struct_size = sizeof worker->verdict;
    return worker;
}

static int hit(void *of, const char *bytes, size_t len)
{
    struct worker *worker = of;
    struct sipxfer_request request = load_request(bytes, len);
    struct sipxfer_verdict *verdict = &worker->verdict;
    MUST(sipxfer_replaces_verify_request(engine, &request, 0, worker->scratch,
                                         SIPXFER_SCRATCH_SIZE(len), verdict));
    int code = verdict->kind == SIPXFER_VERDICT_ACCEPT ? 200 : (int)verdict->code;
    MUST(sipxfer_verdict_release(engine, verdict));
    return code;
}

static int parse(void *of, const char *bytes, size_t len)
{
    struct sipxfer_message message = {.struct_size = sizeof message};
    (void)of;
    MUST(sipxfer_message_parse(bytes, len, &message, NULL));
    return (int)message.call_id.len;
}

static int response(void *of, const char *bytes, size_t len)
{
    struct worker *worker = of;
    struct sipxfer_request request = load_request(bytes, len);
    size_t needed;
    MUST(sipxfer_replaces_verify_request(engine, &request, 0, worker->scratch,
                                         SIPXFER_SCRATCH_SIZE(len), &worker->verdict));
    MUST(sipxfer_response_print(&request, &worker->verdict, "mine-of-this-call", 17, worker->answer,
                                sizeof worker->answer, &needed));
    MUST(sipxfer_verdict_release(engine, &worker->verdict));
    return (int)needed;
}

static int refer_to(void *of, const char *bytes, size_t len)
{
    struct worker *worker = of;
    struct sipxfer_refer_to out = {.struct_size = sizeof out};
    MUST(sipxfer_refer_to_parse(bytes, len, worker->scratch, 2 * len, &out, NULL));
    return (int)(out.replaces_call_id.len + out.replaces_to_tag.len + out.replaces_from_tag.len);
}

static int refer(void *of, const char *bytes, size_t len)
{
    struct worker *worker = of;
    struct sipxfer_request request = load_request(bytes, len);
    struct sipxfer_verdict *verdict = &worker->verdict;
    MUST(sipxfer_refer_route(engine, &request, 0, worker->scratch, SIPXFER_SCRATCH_SIZE(len),
                             verdict));
    if (verdict->kind != SIPXFER_VERDICT_LOCAL_ATTENDED) {
        fprintf(stderr, "another verdict: %.*s\n", (int)verdict->why.len, verdict->why.ptr);
        exit(1);
    }
    /* Call-ID and both tags are what the other sides count. */
    int keys = (int)verdict->replaces.len;
    MUST(sipxfer_verdict_release(engine, verdict));
    return keys;
}

static void close_side(void)
{
    sipxfer_engine_free(engine);
}

const struct side side_sipxfer = {"sipxfer", open_side, add_side, worker_of, hit,
                                  parse,     response,  refer_to, refer,     close_side};
