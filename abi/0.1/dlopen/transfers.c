/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Level 3 through the table of functions, by a clock that is only a number: each part of it takes
 * outputs, carries them out and reports what happens.
 */
#include "dlopen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sipxfer_engine *engine;
static uint64_t now_ms = 1000;
static char log_text[512];
static int references; /* of dialogs that the table has */

static void note(const char *format, ...)
{
    size_t len = strlen(log_text);
    va_list args;

    if (len > 0)
        len += (size_t)snprintf(log_text + len, sizeof log_text - len, "; ");
    va_start(args, format);
    int more = vsnprintf(log_text + len, sizeof log_text - len, format, args);
    va_end(args);
    if (more < 0 || (size_t)more >= sizeof log_text - len) {
        fprintf(stderr, "the log is full\n");
        exit(EXIT_FAILURE);
    }
}

/* What was told to do is printed, and compared with what should have been. */
static void compare(const char *title, const char *expected)
{
    printf("%s\n  %s\n", title, log_text);
    if (strcmp(log_text, expected) != 0) {
        fprintf(stderr, "expected %s\n", expected);
        exit(EXIT_FAILURE);
    }
    log_text[0] = '\0';
}

static void release(void *user, void *dialog)
{
    (void)user, (void)dialog;
    references--;
}

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context;
    return extension.len == 4 && memcmp(extension.ptr, "park", 4) == 0 ? SIPXFER_YES : SIPXFER_NO;
}

static uint64_t dialog_add(const char *call_id, uint32_t state, uint32_t initiator,
                           const char *endpoint)
{
    static int host_object;
    struct sipxfer_dialog dialog;
    uint64_t id = 0;

    SIPXFER_INIT(dialog);
    dialog.dialog = &host_object;
    dialog.call_id = str(call_id);
    dialog.local_tag = str("ours");
    dialog.remote_tag = str("theirs");
    dialog.endpoint = str(endpoint);
    dialog.user = str(initiator == SIPXFER_INITIATOR_REMOTE ? endpoint : "");
    dialog.state = state;
    dialog.initiator = initiator;
    dialog.usage = SIPXFER_USAGE_INVITE;
    check(api->dialog_add(engine, &dialog, &id), "dialog_add");
    references++;
    return id;
}

/* The text is static: it is needed until the verdict on it is released. */
static struct sipxfer_request request_of(const char *method, const char *call_id,
                                         const char *to_tag, const char *header)
{
    static char message[MESSAGE_MAX];
    struct sipxfer_request request;
    int len = snprintf(message, sizeof message,
                       "%s sip:pbx@example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK2\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: <sip:bob@example.com>;tag=theirs\r\n"
                       "To: <sip:pbx@example.com>%s\r\n"
                       "Call-ID: %s\r\n"
                       "CSeq: 2 %s\r\n"
                       "Contact: <sip:bob@192.0.2.7>\r\n"
                       "%s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       method, to_tag, call_id, method, header);

    if (len < 0 || (size_t)len >= sizeof message) {
        fprintf(stderr, "the message is too long\n");
        exit(EXIT_FAILURE);
    }
    SIPXFER_INIT(request);
    request.message.ptr = message;
    request.message.len = (size_t)len;
    request.endpoint = request.user = str("bob");
    request.context = str("default");
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = now_ms;
    return request;
}

/* ---- parked calls ---- */

static struct sipxfer_str park(char token[SIPXFER_PARK_TOKEN_SIZE])
{
    struct sipxfer_str text = {token, 0};
    struct sipxfer_park_call call;

    SIPXFER_INIT(call);
    call.call_id = str("alice-waits");
    call.local_tag = str("ours");
    call.remote_tag = str("theirs");
    call.parker = str("bob");
    call.place = SIPXFER_PARK_LOWEST;
    check(api->park(engine, &call, now_ms, token, SIPXFER_PARK_TOKEN_SIZE, &text.len), "park");
    return text;
}

static void transfer_outputs(uint64_t transfer)
{
    char buffer[SIPXFER_EVENT_SIZE(MESSAGE_MAX)], token[SIPXFER_PARK_TOKEN_SIZE];
    struct sipxfer_output output;

    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = api->transfer_next(engine, transfer, buffer, sizeof buffer, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return;
        check(status, "transfer_next");
        if (output.kind != SIPXFER_OUTPUT_COMMAND)
            note("%s %u", api->output_name(output.kind), (unsigned)output.code);
        else
            note("%s", api->command_name(output.command));
        if (output.kind == SIPXFER_OUTPUT_NOTIFY)
            printf("%.*s\r\n%.*s", SIPXFER_ARG(output.headers), SIPXFER_ARG(output.body));
        if (output.kind == SIPXFER_OUTPUT_COMMAND && output.command == SIPXFER_COMMAND_START) {
            /* The dialplan has come to the extension that parks. */
            struct sipxfer_str place = park(token);
            check(api->transfer_parked(engine, transfer, place.ptr, place.len,
                                       SIPXFER_LIT("pbx.example.com"), now_ms),
                  "transfer_parked");
        }
    }
}

/* Bob sends Alice to the extension that parks, and learns by the final NOTIFY where she waits. */
static void park_by_refer(void)
{
    static char scratch[SIPXFER_SCRATCH_SIZE(MESSAGE_MAX)];
    struct sipxfer_request request =
        request_of("REFER", "bob", ";tag=ours", "Refer-To: <sip:park@example.com>");
    struct sipxfer_verdict verdict;
    uint64_t transfer = 0;

    SIPXFER_INIT(verdict);
    check(api->transfer_receive(engine, &request, 0, scratch, sizeof scratch, &verdict, &transfer),
          "transfer_receive");
    transfer_outputs(transfer);
    check(api->verdict_release(engine, &verdict), "verdict_release");
    compare("a REFER to the extension that parks",
            "answer 202; notify 100; start; notify 200; finished 200");
}

static void claim(void)
{
    char buffer[MESSAGE_MAX];
    struct sipxfer_parked parked;
    size_t needed = 0;

    SIPXFER_INIT(parked);
    check(api->park_claim(engine, SIPXFER_LIT("701"), now_ms, buffer, sizeof buffer, &needed,
                          &parked),
          "park_claim");
    note("claimed %.*s", SIPXFER_ARG(parked.call_id));
    check(api->park_retrieved(engine, parked.claim, now_ms), "park_retrieved");
    compare("somebody dials 701", "claimed alice-waits");
}

/* Nobody comes, and the time of the call in the lot is over. */
static void ring_back(void)
{
    char token[SIPXFER_PARK_TOKEN_SIZE], buffer[MESSAGE_MAX];
    struct sipxfer_park_output output;
    size_t needed = 0, left = 1;

    park(token);
    check(api->next_deadline(engine, &now_ms), "next_deadline");
    check(api->tick(engine, now_ms), "tick");
    SIPXFER_INIT(output);
    check(api->park_next(engine, buffer, sizeof buffer, &needed, &output), "park_next");
    if (output.kind == SIPXFER_PARK_OUTPUT_RING_BACK)
        note("ring %.*s for %.*s", SIPXFER_ARG(output.parker), SIPXFER_ARG(output.call_id));
    check(api->park_count(engine, &left), "park_count");
    note("%zu left", left);
    compare("the call is parked again, and nobody comes", "ring bob for alice-waits; 0 left");
}

/* ---- a takeover ---- */

/* Bob's desk phone rings, and he takes the call with another one (RFC 3891 section 3). */
static void take_over(uint64_t ringing)
{
    static char scratch[SIPXFER_SCRATCH_SIZE(MESSAGE_MAX)];
    struct sipxfer_request request = request_of(
        "INVITE", "bob-elsewhere", "", "Replaces: ringing;to-tag=ours;from-tag=theirs;early-only");
    struct sipxfer_takeover_output output;
    struct sipxfer_verdict verdict;
    uint64_t takeover = 0;

    SIPXFER_INIT(verdict);
    check(api->takeover_receive(engine, &request, 0, scratch, sizeof scratch, &verdict, &takeover),
          "takeover_receive");
    note("%s", api->verdict_name(verdict.kind));
    check(api->verdict_release(engine, &verdict), "verdict_release");
    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = api->takeover_next(engine, takeover, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            break;
        check(status, "takeover_next");
        switch (output.kind) {
        case SIPXFER_TAKEOVER_ANSWER_NEW:
            note("answer %u", (unsigned)output.code);
            check(api->takeover_answered(engine, takeover, now_ms), "takeover_answered");
            break;
        case SIPXFER_TAKEOVER_TAKE_OVER:
            note("move the bridge");
            break;
        case SIPXFER_TAKEOVER_CANCEL_OLD: /* it ends with 487 */
            note("CANCEL");
            check(api->dialog_remove(engine, ringing, now_ms), "dialog_remove");
            check(api->takeover_old_ended(engine, takeover, now_ms), "takeover_old_ended");
            break;
        case SIPXFER_TAKEOVER_FINISHED:
            note("finished %u", (unsigned)output.code);
            break;
        default: /* an output that this host should not have got */
            note("output %u", (unsigned)output.kind);
            break;
        }
    }
    compare("an INVITE with Replaces takes over what rings at Bob's desk",
            "accept; answer 200; move the bridge; CANCEL; finished 200");
}

/* ---- this side transfers ---- */

static void refer_outputs(uint64_t transfer)
{
    char buffer[4 * MESSAGE_MAX];
    struct sipxfer_refer_output output;

    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = api->refer_next(engine, transfer, buffer, sizeof buffer, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return;
        check(status, "refer_next");
        if (output.kind == SIPXFER_REFER_OUTPUT_SEND) {
            note("send");
            printf("%.*s", SIPXFER_ARG(output.headers));
            check(api->refer_sent(engine, transfer, output.attempt, 3, 1, now_ms), "refer_sent");
        } else if (output.kind == SIPXFER_REFER_OUTPUT_COMMAND) {
            note("%s", api->refer_command_name(output.command));
        } else if (output.kind == SIPXFER_REFER_OUTPUT_FINISHED) {
            note("%s %u", api->refer_outcome_name(output.outcome), (unsigned)output.code);
        }
    }
}

/* Carol is busy: the transferee says so, and the call with it stays. */
static void send_refer(void)
{
    static const char accepted[] = "SIP/2.0 202 Accepted\r\n"
                                   "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK3\r\n"
                                   "From: <sip:pbx@example.com>;tag=ours\r\n"
                                   "To: <sip:bob@example.com>;tag=theirs\r\n"
                                   "Call-ID: bob\r\n"
                                   "CSeq: 3 REFER\r\n"
                                   "Content-Length: 0\r\n\r\n";
    static const char busy[] = "NOTIFY sip:pbx@example.com SIP/2.0\r\n"
                               "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK4\r\n"
                               "From: <sip:bob@example.com>;tag=theirs\r\n"
                               "To: <sip:pbx@example.com>;tag=ours\r\n"
                               "Call-ID: bob\r\n"
                               "CSeq: 4 NOTIFY\r\n"
                               "Event: refer\r\n"
                               "Subscription-State: terminated;reason=noresource\r\n"
                               "Content-Type: message/sipfrag\r\n"
                               "Content-Length: 23\r\n\r\n"
                               "SIP/2.0 486 Busy Here\r\n";
    struct sipxfer_refer_options options;
    uint64_t transfer = 0;
    uint32_t code = 0;

    SIPXFER_INIT(options);
    options.kind = SIPXFER_REFER_BLIND;
    options.target = str("sip:carol@example.com");
    options.subscribe = 1;
    check(api->refer_start(engine, &options, now_ms, &transfer), "refer_start");
    refer_outputs(transfer);
    check(api->refer_response(engine, transfer, 1, accepted, sizeof accepted - 1, now_ms),
          "refer_response");
    refer_outputs(transfer);
    check(api->refer_notify(engine, transfer, 0, busy, sizeof busy - 1, now_ms, &code),
          "refer_notify");
    note("%u to the NOTIFY", (unsigned)code);
    refer_outputs(transfer);
    compare("this side transfers, and the target is busy",
            "send; 200 to the NOTIFY; keep_call; failure 486");
}

void play_transfers(void)
{
    struct sipxfer_directory directory;
    struct sipxfer_host host;
    struct sipxfer_engine_options options;
    size_t transfers = 1;

    SIPXFER_INIT(directory);
    directory.release = release;
    SIPXFER_INIT(host);
    host.extension_exists = extension_exists;
    SIPXFER_INIT(options);
    options.directory = &directory;
    options.host = &host;
    check(api->engine_new(&options, &engine), "engine_new");

    dialog_add("bob", SIPXFER_DIALOG_CONFIRMED, SIPXFER_INITIATOR_REMOTE, "bob");
    dialog_add("alice-waits", SIPXFER_DIALOG_CONFIRMED, SIPXFER_INITIATOR_REMOTE, "alice");
    park_by_refer();
    claim();
    ring_back();
    take_over(dialog_add("ringing", SIPXFER_DIALOG_EARLY, SIPXFER_INITIATOR_LOCAL, "bob"));
    send_refer();

    check(api->transfer_count(engine, &transfers), "transfer_count");
    api->engine_free(engine);
    if (transfers != 0 || references != 0) {
        fprintf(stderr, "%zu transfers and %d references are left\n", transfers, references);
        exit(EXIT_FAILURE);
    }
}
