/* Asks for every verdict on each message that is named on the command line, from a file each, and
 * prints the answer of each refusal. Bob sends them, who has two calls. tests/linear_cost.rs counts
 * what it costs. */
#include <sipxfer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1 << 18 };

static char message[LONGEST], scratch[SIPXFER_SCRATCH_SIZE(LONGEST)], answer[2 * LONGEST];

static struct sipxfer_str str(const char *text)
{
    return (struct sipxfer_str){text, strlen(text)};
}

static void must(int32_t status, const char *what)
{
    if (status == SIPXFER_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, sipxfer_strerror(status));
    exit(1);
}

static int32_t any_extension(void *user, const struct sipxfer_request *request,
                             struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    return SIPXFER_YES;
}

/* The log is written and thrown away. */
static void no_log(void *user, uint32_t level, struct sipxfer_str line)
{
    (void)user, (void)level, (void)line;
}

static void call(struct sipxfer_engine *engine, const char *call_id, const char *local,
                 const char *remote)
{
    static int object;
    uint64_t id;
    struct sipxfer_dialog dialog = {.struct_size = sizeof dialog,
                                    .dialog = &object,
                                    .call_id = str(call_id),
                                    .local_tag = str(local),
                                    .remote_tag = str(remote),
                                    .user = str("bob"),
                                    .endpoint = str("bob"),
                                    .state = SIPXFER_DIALOG_CONFIRMED,
                                    .initiator = SIPXFER_INITIATOR_REMOTE,
                                    .usage = SIPXFER_USAGE_INVITE};
    must(sipxfer_dialog_add(engine, &dialog, &id), "sipxfer_dialog_add");
}

typedef int32_t question(const struct sipxfer_engine *engine, const struct sipxfer_request *request,
                         uint32_t lock, char *room, size_t len, struct sipxfer_verdict *verdict);

static void ask(struct sipxfer_engine *engine, const struct sipxfer_request *request, question *ask)
{
    struct sipxfer_verdict verdict = {.struct_size = sizeof verdict};
    size_t needed, len = SIPXFER_SCRATCH_SIZE(request->message.len);
    must(ask(engine, request, 0, scratch, len, &verdict), "a verdict");
    if (verdict.code >= 300) {
        int32_t status =
            sipxfer_response_print(request, &verdict, "own", 3, answer, sizeof answer, &needed);
        /* What cannot be read cannot be answered. */
        if (status != SIPXFER_E_PARSE)
            must(status, "sipxfer_response_print");
    }
    must(sipxfer_verdict_release(engine, &verdict), "sipxfer_verdict_release");
}

int main(int count, char **files)
{
    struct sipxfer_host host = {
        .struct_size = sizeof host, .extension_exists = any_extension, .log = no_log};
    struct sipxfer_engine_options options = {.struct_size = sizeof options, .host = &host};
    struct sipxfer_engine *engine;
    must(sipxfer_engine_new(&options, &engine), "sipxfer_engine_new");
    call(engine, "first@phone", "pbx-to-bob", "bob-to-pbx");
    call(engine, "second@phone", "L", "R");
    for (int number = 1; number < count; number++) {
        FILE *file = fopen(files[number], "rb");
        if (file == NULL) {
            perror(files[number]);
            return 1;
        }
        struct sipxfer_request request = {.struct_size = sizeof request};
        request.message = (struct sipxfer_str){message, fread(message, 1, LONGEST, file)};
        fclose(file);
        request.endpoint = request.user = str("bob");
        ask(engine, &request, sipxfer_refer_route);
        ask(engine, &request, sipxfer_replaces_verify_request);
        ask(engine, &request, sipxfer_join_verify_request);
    }
    sipxfer_engine_free(engine);
    return 0;
}
