/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Level 3: the library keeps a transfer, a takeover or a parked call until it has its one outcome.
 * The host takes outputs, carries them out, and reports what happens. Each act here writes down
 * what it was told to do, which is compared with what it should have been told.
 */
#include "link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct act {
    const struct sipxfer_engine *engine;
    struct dialog_list *list;
    uint64_t now_ms;
    char log[512];
};

static void note(struct act *act, const char *format, ...)
{
    size_t len = strlen(act->log);
    va_list args;

    if (len > 0)
        len += (size_t)snprintf(act->log + len, sizeof act->log - len, "; ");
    va_start(args, format);
    int more = vsnprintf(act->log + len, sizeof act->log - len, format, args);
    va_end(args);
    if (more < 0 || (size_t)more >= sizeof act->log - len) {
        fprintf(stderr, "the log is full\n");
        exit(EXIT_FAILURE);
    }
}

static struct act begin(const char *title, const struct sipxfer_engine *engine,
                        struct dialog_list *list, uint64_t now_ms)
{
    struct act act = {engine, list, now_ms, ""};

    printf("-- %s\n", title);
    return act;
}

static size_t end(const struct act *act, const char *expected)
{
    printf("   %s\n", act->log);
    if (strcmp(act->log, expected) == 0)
        return 0;
    printf("   NOT AS EXPECTED: %s\n", expected);
    return 1;
}

/* ---- a REFER is received, and its transfer comes to its end ---- */

/* Takes what there is to be done now. A host sends and starts where this one writes down. */
static void transfer_outputs(struct act *act, uint64_t transfer)
{
    char buffer[SIPXFER_EVENT_SIZE(MESSAGE_MAX)];
    struct sipxfer_output output;
    int32_t status;

    for (;;) {
        SIPXFER_INIT(output);
        status = sipxfer_transfer_next(act->engine, transfer, buffer, sizeof buffer, &output);
        if (status == SIPXFER_E_NOT_FOUND) /* none now */
            return;
        check(status, "sipxfer_transfer_next");
        if (output.kind == SIPXFER_OUTPUT_COMMAND)
            note(act, "%s", sipxfer_command_name(output.command));
        else
            note(act, "%s %u", sipxfer_output_name(output.kind), (unsigned)output.code);
        if (output.kind == SIPXFER_OUTPUT_FINISHED)
            note(act, "cause %s", sipxfer_cause_name(output.cause));
        if (output.kind == SIPXFER_OUTPUT_NOTIFY) {
            printf("%.*s\r\n%.*s", SIPXFER_ARG(output.headers), SIPXFER_ARG(output.body));
            /* Its 200 comes back at once. Of the last one nobody needs to know. */
            if (!output.last)
                check(sipxfer_transfer_notify_answered(act->engine, transfer, 200, act->now_ms),
                      "sipxfer_transfer_notify_answered");
        }
        if (output.last)
            note(act, "gone");
    }
}

static size_t receive_refer(const struct sipxfer_engine *engine, struct dialog_list *list,
                            struct dialog *call)
{
    static char scratch[SIPXFER_SCRATCH_SIZE(MESSAGE_MAX)];
    struct act act = begin("a blind transfer, from the REFER to its outcome", engine, list, 10000);
    char text[MESSAGE_MAX];
    struct sipxfer_str message =
        request_text(text, "REFER", "bob", call, "", "Refer-To: <sip:100@example.com>");
    struct sipxfer_request request = request_of(message, "bob", call, act.now_ms);
    struct sipxfer_dialog_key key = dialog_key(call);
    struct sipxfer_verdict verdict;
    uint64_t transfer = 0;
    size_t told = 0;

    SIPXFER_INIT(verdict);
    check(
        sipxfer_transfer_receive(engine, &request, 0, scratch, sizeof scratch, &verdict, &transfer),
        "sipxfer_transfer_receive");
    note(&act, "%s", sipxfer_verdict_name(verdict.kind));
    transfer_outputs(&act, transfer); /* the command to start is acted on by the verdict */
    check(sipxfer_verdict_release(engine, &verdict), "sipxfer_verdict_release");

    act.now_ms += 1500;
    check(sipxfer_transfer_progress(engine, transfer, 180, NULL, 0, act.now_ms),
          "sipxfer_transfer_progress");
    transfer_outputs(&act, transfer);
    /* The transferor hangs up: that concerns all transfers of its dialog, and ends none of them. */
    check(sipxfer_dialog_bye(engine, &key, act.now_ms, &told), "sipxfer_dialog_bye");
    note(&act, "BYE told to %zu", told);
    transfer_outputs(&act, transfer);
    act.now_ms += 1500;
    check(sipxfer_transfer_progress(engine, transfer, 200, NULL, 0, act.now_ms),
          "sipxfer_transfer_progress");
    transfer_outputs(&act, transfer);

    return end(&act, "blind; answer 202; notify 100; start; notify 180; BYE told to 1; notify 200; "
                     "finished 200; cause target; gone");
}

/* ---- an INVITE with Replaces takes a call over ---- */

static void takeover_output(struct act *act, uint64_t takeover, struct dialog *old,
                            const struct sipxfer_takeover_output *output, int has_media)
{
    const struct sipxfer_engine *engine = act->engine;

    switch (output->kind) {
    case SIPXFER_TAKEOVER_ANSWER_NEW:
        /* The host may find that there is no codec in common: the old call is still untouched. */
        note(act, "answer %u", has_media ? (unsigned)output->code : 488);
        check(has_media ? sipxfer_takeover_answered(engine, takeover, act->now_ms)
                        : sipxfer_takeover_not_answered(engine, takeover, 488, act->now_ms),
              "the answer to the new INVITE");
        break;
    case SIPXFER_TAKEOVER_TAKE_OVER:
        note(act, "move the bridge"); /* and the recording, and all else that was the old call's */
        break;
    case SIPXFER_TAKEOVER_BYE_OLD:
        note(act, "BYE to the old call");
        pthread_mutex_lock(&old->mutex);
        dialog_end(engine, act->list, old, act->now_ms);
        pthread_mutex_unlock(&old->mutex);
        check(sipxfer_takeover_old_ended(engine, takeover, act->now_ms),
              "sipxfer_takeover_old_ended");
        break;
    case SIPXFER_TAKEOVER_LEAVE_OLD:
        note(act, "leave the old call");
        break;
    case SIPXFER_TAKEOVER_FINISHED:
        note(act, "finished %u", (unsigned)output->code);
        break;
    default: /* CANCEL, 487, ACK for calls that are early, which this host has none of */
        note(act, "output %u", (unsigned)output->kind);
        break;
    }
}

static size_t take_over(const struct sipxfer_engine *engine, struct dialog_list *list,
                        const char *call_id, int has_media, const char *expected)
{
    static char scratch[SIPXFER_SCRATCH_SIZE(MESSAGE_MAX)];
    struct act act = begin(has_media ? "the same user takes dialog3 over from another phone"
                                     : "an INVITE with Replaces whose media does not fit",
                           engine, list, 20000);
    char text[MESSAGE_MAX];
    struct sipxfer_str message = request_text(text, "INVITE", "bob", NULL, call_id,
                                              "Replaces: dialog3;to-tag=l3;from-tag=r3");
    struct sipxfer_request request = request_of(message, "bob", NULL, act.now_ms);
    struct sipxfer_takeover_output output;
    struct sipxfer_verdict verdict;
    uint64_t takeover = 0;

    SIPXFER_INIT(verdict);
    check(
        sipxfer_takeover_receive(engine, &request, 1, scratch, sizeof scratch, &verdict, &takeover),
        "sipxfer_takeover_receive");
    note(&act, "%s", sipxfer_verdict_name(verdict.kind));
    if (verdict.locked) {
        /* The takeover has the dialog now. Its reference stays until all is over. */
        dialog_unlock(list, verdict.dialog);
        verdict.locked = 0;
    }
    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = sipxfer_takeover_next(engine, takeover, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            break;
        check(status, "sipxfer_takeover_next");
        takeover_output(&act, takeover, verdict.dialog, &output, has_media);
    }
    check(sipxfer_verdict_release(engine, &verdict), "sipxfer_verdict_release");
    return end(&act, expected);
}

/* ---- this side transfers ---- */

static void refer_outputs(struct act *act, uint64_t transfer)
{
    char buffer[4 * MESSAGE_MAX];
    struct sipxfer_refer_output output;

    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = sipxfer_refer_next(act->engine, transfer, buffer, sizeof buffer, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return;
        check(status, "sipxfer_refer_next");
        if (output.kind == SIPXFER_REFER_OUTPUT_SEND) {
            note(act, "send");
            printf("%.*s", SIPXFER_ARG(output.headers));
            /* With a Contact, and the CSeq that the dialog has come to. */
            check(sipxfer_refer_sent(act->engine, transfer, output.attempt, 2, 1, act->now_ms),
                  "sipxfer_refer_sent");
        } else if (output.kind == SIPXFER_REFER_OUTPUT_COMMAND) {
            note(act, "%s", sipxfer_refer_command_name(output.command));
        } else if (output.kind == SIPXFER_REFER_OUTPUT_FINISHED) {
            note(act, "%s %u", sipxfer_refer_outcome_name(output.outcome), (unsigned)output.code);
        } else {
            note(act, "%s %u", sipxfer_refer_output_name(output.kind), (unsigned)output.code);
        }
    }
}

static void notify_came(struct act *act, uint64_t transfer, const char *state, const char *body)
{
    char message[MESSAGE_MAX];
    uint32_t code = 0;
    int len = snprintf(message, sizeof message,
                       "NOTIFY sip:pbx@example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKn\r\n"
                       "From: <sip:alice@example.com>;tag=r0\r\n"
                       "To: <sip:pbx@example.com>;tag=l0\r\n"
                       "Call-ID: call\r\n"
                       "CSeq: 7 NOTIFY\r\n"
                       "Event: refer\r\n"
                       "Subscription-State: %s\r\n"
                       "Content-Type: message/sipfrag;version=2.0\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       state, strlen(body), body);

    if (len < 0 || (size_t)len >= sizeof message)
        exit(EXIT_FAILURE);
    /* Attempt 0: it came in the dialog of the call, as the REFER went. */
    check(sipxfer_refer_notify(act->engine, transfer, 0, message, (size_t)len, act->now_ms, &code),
          "sipxfer_refer_notify");
    note(act, "%u to the NOTIFY", (unsigned)code);
    refer_outputs(act, transfer);
}

static size_t send_refer(const struct sipxfer_engine *engine, struct dialog_list *list)
{
    struct act act = begin("an attended transfer that this side begins", engine, list, 30000);
    static const char accepted[] = "SIP/2.0 202 Accepted\r\n"
                                   "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKr\r\n"
                                   "From: <sip:pbx@example.com>;tag=l0\r\n"
                                   "To: <sip:alice@example.com>;tag=r0\r\n"
                                   "Call-ID: call\r\n"
                                   "CSeq: 2 REFER\r\n"
                                   "Contact: <sip:alice@192.0.2.9>\r\n"
                                   "Content-Length: 0\r\n\r\n";
    struct sipxfer_refer_options options;
    struct sipxfer_replaces replaces;
    uint64_t transfer = 0;

    SIPXFER_INIT(replaces); /* the consultation call as Carol sees it: her tag is the to-tag */
    replaces.call_id = str("consultation");
    replaces.to_tag = str("carol");
    replaces.from_tag = str("ours");
    SIPXFER_INIT(options);
    options.kind = SIPXFER_REFER_ATTENDED;
    options.contact = str("sip:carol@192.0.2.8");
    options.contact_reachable = 1;
    options.replaces = &replaces;
    options.dialog_state = SIPXFER_DIALOG_CONFIRMED;
    options.dialog_initiator = SIPXFER_INITIATOR_LOCAL;
    options.target_supports_replaces = 1;
    options.peer = SIPXFER_PEER_REPLACES;
    options.referred_by = str("<sip:bob@example.com>");
    options.subscribe = 1;
    check(sipxfer_refer_start(engine, &options, act.now_ms, &transfer), "sipxfer_refer_start");
    refer_outputs(&act, transfer);
    check(sipxfer_refer_response(engine, transfer, 1, accepted, sizeof accepted - 1, act.now_ms),
          "sipxfer_refer_response");
    refer_outputs(&act, transfer);
    notify_came(&act, transfer, "active;expires=60", "SIP/2.0 180 Ringing\r\n");
    notify_came(&act, transfer, "terminated;reason=noresource", "SIP/2.0 200 OK\r\n");
    return end(&act,
               "send; 200 to the NOTIFY; progress 180; 200 to the NOTIFY; hang_up; success 200");
}

/* ---- a call is parked, and somebody takes it out ---- */

static struct sipxfer_str park(struct act *act, const struct dialog *waits, uint32_t place,
                               char token[SIPXFER_PARK_TOKEN_SIZE])
{
    struct sipxfer_str text = {token, 0};
    struct sipxfer_park_call call;

    SIPXFER_INIT(call);
    call.call_id = str(waits->call_id);
    call.local_tag = str(waits->local_tag);
    call.remote_tag = str(waits->remote_tag);
    call.parker = str("bob");
    call.place = place;
    call.handle = 7;
    check(sipxfer_park(act->engine, &call, act->now_ms, token, SIPXFER_PARK_TOKEN_SIZE, &text.len),
          "sipxfer_park");
    return text;
}

/* By a number that is dialled: whoever may dial it gets the call. */
static size_t park_and_dial(const struct sipxfer_engine *engine, struct dialog_list *list,
                            const struct dialog *waits)
{
    struct act act = begin("a call is parked, and somebody dials its place", engine, list, 40000);
    char token[SIPXFER_PARK_TOKEN_SIZE], buffer[MESSAGE_MAX];
    struct sipxfer_str place = park(&act, waits, SIPXFER_PARK_LOWEST, token);
    struct sipxfer_parked parked;
    size_t needed = 0, left = 1;

    note(&act, "place %.*s", SIPXFER_ARG(place));
    SIPXFER_INIT(parked);
    check(sipxfer_park_claim(engine, place.ptr, place.len, act.now_ms, buffer, sizeof buffer,
                             &needed, &parked),
          "sipxfer_park_claim");
    note(&act, "claimed %u of %.*s", (unsigned)parked.handle, SIPXFER_ARG(parked.parker));
    /* Until that is told nobody else gets it: */
    struct sipxfer_parked second;
    SIPXFER_INIT(second);
    if (sipxfer_park_claim(engine, place.ptr, place.len, act.now_ms, buffer, sizeof buffer, &needed,
                           &second) == SIPXFER_E_TAKEN)
        note(&act, "taken");
    check(sipxfer_park_retrieved(engine, parked.claim, act.now_ms), "sipxfer_park_retrieved");
    check(sipxfer_park_count(engine, &left), "sipxfer_park_count");
    note(&act, "%zu left", left);
    return end(&act, "place 701; claimed 7 of bob; taken; 0 left");
}

/* By an INVITE with Replaces: a secret is permission enough. */
static size_t park_and_replace(const struct sipxfer_engine *engine, struct dialog_list *list,
                               const struct dialog *waits)
{
    static char scratch[SIPXFER_SCRATCH_SIZE(MESSAGE_MAX)];
    struct act act = begin("a call is parked under a secret, and an INVITE with Replaces shows it",
                           engine, list, 50000);
    char token[SIPXFER_PARK_TOKEN_SIZE], buffer[MESSAGE_MAX], header[512], text[MESSAGE_MAX];
    struct sipxfer_str secret = park(&act, waits, SIPXFER_PARK_SECRET, token);
    struct sipxfer_dialog_key key = dialog_key(waits);
    struct sipxfer_parked parked;
    struct sipxfer_verdict verdict;
    size_t needed = 0;

    /* What a program hands to whom it wants to have the call. */
    snprintf(header, sizeof header, "Replaces: %s;to-tag=%s;from-tag=%s;token=%.*s", waits->call_id,
             waits->local_tag, waits->remote_tag, SIPXFER_ARG(secret));
    struct sipxfer_str message = request_text(text, "INVITE", "carol", NULL, "retrieval", header);
    struct sipxfer_request request = request_of(message, "carol", NULL, act.now_ms);
    SIPXFER_INIT(verdict);
    check(sipxfer_replaces_verify_request(engine, &request, 0, scratch, sizeof scratch, &verdict),
          "sipxfer_replaces_verify_request");
    note(&act, "%s by %s", sipxfer_verdict_name(verdict.kind), sipxfer_ground_name(verdict.ground));
    if (verdict.kind == SIPXFER_VERDICT_ACCEPT &&
        verdict.old_dialog == SIPXFER_OLD_DIALOG_NOTHING) {
        SIPXFER_INIT(parked);
        check(sipxfer_park_claim_dialog(engine, &key, act.now_ms, buffer, sizeof buffer, &needed,
                                        &parked),
              "sipxfer_park_claim_dialog");
        note(&act, "claimed %u", (unsigned)parked.handle);
        /* Here the INVITE is answered, and its call is connected with the one that waits. */
        check(sipxfer_park_retrieved(engine, parked.claim, act.now_ms), "sipxfer_park_retrieved");
    }
    check(sipxfer_verdict_release(engine, &verdict), "sipxfer_verdict_release");
    return end(&act, "accept by token; claimed 7");
}

size_t play_transfers(const struct sipxfer_engine *engine, struct dialog_list *list,
                      struct dialog *call)
{
    struct dialog *dialog3 = dialog_new(list, "dialog3", "l3", "r3", "bob");
    struct dialog *waits = dialog_new(list, "waits", "l4", "r4", "alice");
    size_t wrong = receive_refer(engine, list, call), transfers = 1, takeovers = 1;

    (void)dialog3; /* the list has it, and the takeover ends it */
    wrong += take_over(engine, list, "no-media", 0,
                       "accept; answer 488; leave the old call; finished 488");
    wrong += take_over(engine, list, "takes-over", 1,
                       "accept; answer 200; move the bridge; BYE to the old call; "
                       "finished 200");
    wrong += send_refer(engine, list);
    wrong += park_and_dial(engine, list, waits);
    wrong += park_and_replace(engine, list, waits);

    check(sipxfer_transfer_count(engine, &transfers), "sipxfer_transfer_count");
    check(sipxfer_takeover_count(engine, &takeovers), "sipxfer_takeover_count");
    printf("%zu transfers and %zu takeovers are left\n", transfers, takeovers);
    return wrong + (transfers != 0) + (takeovers != 0);
}
