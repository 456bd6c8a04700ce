#include "one_of_each.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

void must_be(int right, const char *what)
{
    if (right)
        return;
    fprintf(stderr, "not as it should be: %s\n", what);
    exit(2);
}

static void ok(const struct sipxfer_api *api, int32_t status, const char *what)
{
    if (status == SIPXFER_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, api->strerror(status));
    exit(2);
}

const struct sipxfer_api *table_of(void *library)
{
    const struct sipxfer_api *(*get_api)(uint32_t);
    void *symbol = library == NULL ? NULL : dlsym(library, "sipxfer_get_api");
    if (symbol == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    memcpy(&get_api, &symbol, sizeof get_api);
    const struct sipxfer_api *api = get_api(SIPXFER_ABI_MAJOR);
    must_be(api != NULL, "the table");
    return api;
}

static struct sipxfer_str str(const char *text)
{
    struct sipxfer_str str = {text, strlen(text)};
    return str;
}

static void release(void *user, void *dialog)
{
    (void)user, (void)dialog;
}

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    return SIPXFER_YES;
}

static void add(const struct sipxfer_api *api, struct sipxfer_engine *engine, const char *name)
{
    static int object;
    struct sipxfer_dialog dialog;
    uint64_t id = 0;
    SIPXFER_INIT(dialog);
    dialog.dialog = &object;
    dialog.call_id = dialog.user = dialog.endpoint = str(name);
    dialog.local_tag = str("ours");
    dialog.remote_tag = str("theirs");
    dialog.state = SIPXFER_DIALOG_CONFIRMED;
    dialog.initiator = SIPXFER_INITIATOR_REMOTE;
    dialog.usage = SIPXFER_USAGE_INVITE;
    ok(api, api->dialog_add(engine, &dialog, &id), "dialog_add");
}

struct sipxfer_engine *engine_begin(const struct sipxfer_api *api)
{
    struct sipxfer_directory directory;
    struct sipxfer_host host;
    struct sipxfer_engine_options options;
    struct sipxfer_engine *engine = NULL;
    struct sipxfer_config *config = NULL;
    SIPXFER_INIT(directory);
    directory.release = release;
    SIPXFER_INIT(host);
    host.extension_exists = extension_exists;
    SIPXFER_INIT(options);
    options.directory = &directory;
    options.host = &host;
    ok(api, api->engine_new(&options, &engine), "engine_new");
    ok(api, api->config_new(&config), "config_new");
    ok(api,
       api->config_set(config, SIPXFER_LIT("endpoint:bob"), SIPXFER_LIT("context"),
                       SIPXFER_LIT("internal")),
       "config_set");
    ok(api, api->config_apply(engine, config), "config_apply");
    api->config_free(config);
    add(api, engine, "bob");
    add(api, engine, "alice");
    return engine;
}

void engine_end(const struct sipxfer_api *api, struct sipxfer_engine *engine)
{
    size_t transfers = 1;
    ok(api, api->transfer_count(engine, &transfers), "transfer_count");
    must_be(transfers == 0, "no transfer is left");
    api->engine_free(engine);
}

#define REQUEST(method, to_tag, call_id, header)                                                   \
    method " sip:pbx@example.com SIP/2.0\r\n"                                                      \
           "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"                                        \
           "From: <sip:bob@example.com>;tag=theirs\r\n"                                            \
           "To: <sip:pbx@example.com>" to_tag "\r\n"                                               \
           "Call-ID: " call_id "\r\nCSeq: 2 " method "\r\n"                                        \
           "Contact: <sip:bob@192.0.2.7>\r\n" header "\r\nContent-Length: 0\r\n\r\n"

static const char INVITE[] =
    REQUEST("INVITE", "", "new", "Replaces: bob;to-tag=ours;from-tag=theirs");
static const char REFER[] =
    REQUEST("REFER", ";tag=ours", "bob", "Refer-To: <sip:carol@example.com>");

static struct sipxfer_request request_of(const char *message)
{
    struct sipxfer_request request;
    SIPXFER_INIT(request);
    request.message = str(message);
    request.endpoint = request.user = str("bob");
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = 1000;
    return request;
}

void verdict_of(const struct sipxfer_api *api, const struct sipxfer_engine *engine)
{
    char scratch[SIPXFER_SCRATCH_SIZE(sizeof INVITE)];
    struct sipxfer_request request = request_of(INVITE);
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(verdict);
    ok(api, api->replaces_verify_request(engine, &request, 0, scratch, sizeof scratch, &verdict),
       "replaces_verify_request");
    must_be(verdict.kind == SIPXFER_VERDICT_ACCEPT, "the INVITE is accepted");
    ok(api, api->verdict_release(engine, &verdict), "verdict_release");
}

/* Takes what there is. Answers the last command, or the code that it finished with. */
static uint32_t outputs(const struct sipxfer_api *api, const struct sipxfer_engine *engine,
                        uint64_t transfer)
{
    char buffer[SIPXFER_EVENT_SIZE(sizeof REFER)];
    struct sipxfer_output output;
    uint32_t last = 0;
    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = api->transfer_next(engine, transfer, buffer, sizeof buffer, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return last;
        ok(api, status, "transfer_next");
        if (output.kind == SIPXFER_OUTPUT_COMMAND)
            last = output.command;
        if (output.kind == SIPXFER_OUTPUT_FINISHED)
            last = output.code;
        if (output.kind == SIPXFER_OUTPUT_NOTIFY && !output.last)
            ok(api, api->transfer_notify_answered(engine, transfer, 200, 1000), "its 200");
    }
}

uint64_t transfer_begin(const struct sipxfer_api *api, const struct sipxfer_engine *engine)
{
    char scratch[SIPXFER_SCRATCH_SIZE(sizeof REFER)];
    struct sipxfer_request request = request_of(REFER);
    struct sipxfer_verdict verdict;
    uint64_t transfer = 0;
    SIPXFER_INIT(verdict);
    ok(api,
       api->transfer_receive(engine, &request, 0, scratch, sizeof scratch, &verdict, &transfer),
       "transfer_receive");
    must_be(verdict.kind == SIPXFER_VERDICT_BLIND, "the REFER is accepted");
    ok(api, api->verdict_release(engine, &verdict), "verdict_release");
    must_be(outputs(api, engine, transfer) == SIPXFER_COMMAND_START, "the host is to start");
    return transfer;
}

void transfer_end(const struct sipxfer_api *api, const struct sipxfer_engine *engine,
                  uint64_t transfer)
{
    ok(api, api->transfer_progress(engine, transfer, 180, SIPXFER_LIT("Ringing"), 2000), "ringing");
    ok(api, api->transfer_progress(engine, transfer, 200, SIPXFER_LIT("OK"), 3000), "answered");
    must_be(outputs(api, engine, transfer) == 200, "the outcome");
    /* What is kept for late requests is let go. */
    uint64_t next = 0;
    while (api->next_deadline(engine, &next) == SIPXFER_OK && next != UINT64_MAX) {
        ok(api, api->tick(engine, next), "tick");
        outputs(api, engine, 0);
    }
}

void secret_of(const struct sipxfer_api *api, const struct sipxfer_engine *engine,
               char token[SIPXFER_PARK_TOKEN_SIZE])
{
    char strings[512];
    struct sipxfer_park_call call;
    struct sipxfer_parked parked;
    size_t needed = 0;
    SIPXFER_INIT(call);
    call.call_id = str("alice");
    call.local_tag = str("ours");
    call.remote_tag = str("theirs");
    call.parker = str("bob");
    call.place = SIPXFER_PARK_SECRET;
    memset(token, 0, SIPXFER_PARK_TOKEN_SIZE);
    ok(api, api->park(engine, &call, 1000, token, SIPXFER_PARK_TOKEN_SIZE, &needed), "park");
    SIPXFER_INIT(parked);
    ok(api, api->park_claim(engine, token, needed, 1000, strings, sizeof strings, &needed, &parked),
       "park_claim");
    ok(api, api->park_retrieved(engine, parked.claim, 1000), "park_retrieved");
}

void one_of_each(const struct sipxfer_api *api)
{
    char token[SIPXFER_PARK_TOKEN_SIZE];
    struct sipxfer_engine *engine = engine_begin(api);
    verdict_of(api, engine);
    transfer_end(api, engine, transfer_begin(api, engine));
    secret_of(api, engine, token);
    engine_end(api, engine);
}
