/* What comes in, and how the host of the soak acts on what it is told. */
#include "soak.h"

#include <stdio.h>

/* How long a phone, a network or a person takes, in milliseconds. */
static uint64_t soon(void)
{
    return 1 + chance(200);
}
static uint64_t after_a_while(void)
{
    return 200 + chance(20000);
}

static uint32_t final_code(void)
{
    static const uint32_t codes[] = {200, 200, 200, 200, 486, 480, 404, 603, 487, 500};
    return codes[chance(sizeof codes / sizeof *codes)];
}

/* ---- a REFER comes ---- */

static void receive(struct sipxfer_request *request)
{
    char scratch[SIPXFER_SCRATCH_SIZE(REQUEST_ROOM)];
    struct sipxfer_verdict verdict;
    uint64_t transfer = 0;
    SIPXFER_INIT(verdict);
    must_work(
        api->transfer_receive(engine, request, 0, scratch, sizeof scratch, &verdict, &transfer),
        "transfer_receive");
    must_work(api->verdict_release(engine, &verdict), "verdict_release");
    if (transfer == 0)
        return;
    if (!book_has(TRANSFER, transfer))
        book_begin(TRANSFER, transfer);
    take_transfers(transfer);
}

void transfer_arrives(uint32_t number)
{
    static const unsigned shares[] = {50, 20, 20, 10};
    char header[256];
    dialog_comes(number, SIPXFER_DIALOG_CONFIRMED);
    switch (one_of(shares, 4)) {
    case 0:
        snprintf(header, sizeof header, "Refer-To: <sip:carol@example.com>");
        break;
    case 1: /* the other call is here too */
        dialog_comes(number | 1u << 31, SIPXFER_DIALOG_CONFIRMED);
        snprintf(header, sizeof header,
                 "Refer-To: <sip:carol@example.com?Replaces=call-%u%%3Bto-tag%%3Dours%%3B"
                 "from-tag%%3Dtheirs>",
                 number | 1u << 31);
        break;
    case 2:
        snprintf(header, sizeof header,
                 "Refer-To: <sip:carol@b.example?Replaces=far-%u%%3Bto-tag%%3D1%%3Bfrom-tag%%3D2>",
                 number);
        break;
    default:
        snprintf(header, sizeof header, "Refer-To: <sip:nobody@example.com>");
    }
    struct sipxfer_request request = request_of("REFER", number, true, header);
    if (chance(100) < 15)
        request.handling = SIPXFER_HANDLING_APPLICATION;
    receive(&request);
    if (chance(100) < 5) { /* and once more, as its answer was lost */
        faults++;
        receive(&request);
    }
    if (chance(100) < 20) { /* the transferor does not wait for the end */
        faults++;
        later(after_a_while(), HUNG_UP, 0, 0, number);
    }
}

/* What the target does, and the way to it. */
static void start(uint64_t transfer)
{
    static const unsigned shares[] = {70, 10, 8, 7, 5};
    switch (one_of(shares, 5)) {
    case 0:
        later(soon(), PROGRESS, transfer, 180, 0);
        later(after_a_while(), PROGRESS, transfer, final_code(), 0);
        break;
    case 1:
        later(soon(), NO_CONTACT, transfer, 0, 0);
        break;
    case 2:
        later(after_a_while(), GIVE_UP, transfer, 487, 0);
        break;
    case 3: /* it rings, and nobody ever says more */
        faults++;
        later(soon(), PROGRESS, transfer, 180, 0);
        break;
    default: /* nothing is heard of it */
        faults++;
    }
    if (chance(100) < 10)
        later(after_a_while(), SUBSCRIBED, transfer, 0, 0);
}

void take_transfers(uint64_t transfer)
{
    char buffer[SIPXFER_EVENT_SIZE(REQUEST_ROOM)];
    struct sipxfer_output output;
    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = api->transfer_next(engine, transfer, buffer, sizeof buffer, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return;
        must_work(status, "transfer_next");
        uint64_t id = output.transfer;
        if (output.kind == SIPXFER_OUTPUT_NOTIFY) {
            static const unsigned shares[] = {90, 3, 4, 3};
            static const uint32_t codes[] = {200, 481, 408, 0};
            uint32_t code = codes[one_of(shares, 4)];
            faults += code != 200;
            if (code != 0)
                later(soon(), NOTIFIED, id, code, 0);
        } else if (output.kind == SIPXFER_OUTPUT_COMMAND) {
            if (output.command == SIPXFER_COMMAND_START)
                start(id);
        } else if (output.kind == SIPXFER_OUTPUT_EVENT) {
            if (output.state.len == 0) { /* the application hears of it */
                later(soon(), COMMANDED, id, 0, 0);
                later(after_a_while(), COMMANDED, id, 1 + chance(5), 0);
            }
        } else if (output.kind == SIPXFER_OUTPUT_FINISHED) {
            book_end(TRANSFER, id);
        }
    }
}

static void command(uint64_t transfer, uint32_t which)
{
    static const char *const words[] = {"channel_progress", "channel_answered",
                                        "channel_unavailable", "channel_declined",
                                        "channel_not_found"};
    if (which > 4) { /* the application has died */
        faults++;
        return;
    }
    may_be_late(api->transfer_command(engine, transfer, words[which], strlen(words[which]), now_ms),
                "transfer_command");
}

/* ---- an INVITE with Replaces comes ---- */

void takeover_arrives(uint32_t number)
{
    char scratch[SIPXFER_SCRATCH_SIZE(REQUEST_ROOM)], header[128];
    struct sipxfer_verdict verdict;
    uint64_t takeover = 0;
    bool early = chance(3) == 0;
    dialog_comes(number, early ? SIPXFER_DIALOG_EARLY : SIPXFER_DIALOG_CONFIRMED);
    snprintf(header, sizeof header, "Replaces: call-%u;to-tag=ours;from-tag=theirs", number);
    struct sipxfer_request request = request_of("INVITE", number, false, header);
    for (unsigned times = chance(10) == 0 ? 2 : 1; times > 0; times--) {
        SIPXFER_INIT(verdict);
        must_work(api->takeover_receive(engine, &request, 0, scratch, sizeof scratch, &verdict,
                                        &takeover),
                  "takeover_receive");
        must_work(api->verdict_release(engine, &verdict), "verdict_release");
        if (takeover != 0 && !book_has(TAKEOVER, takeover))
            book_begin(TAKEOVER, takeover);
        take_takeovers(takeover);
        faults += times > 1;
    }
}

void take_takeovers(uint64_t takeover)
{
    struct sipxfer_takeover_output output;
    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = api->takeover_next(engine, takeover, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return;
        must_work(status, "takeover_next");
        uint64_t id = output.takeover;
        bool silent = chance(100) < 5;
        faults += silent;
        switch (output.kind) {
        case SIPXFER_TAKEOVER_ANSWER_NEW: {
            uint32_t code = output.code != 200 || chance(10) > 0 ? output.code : 488;
            later(soon(), NEW_ANSWERED, id, code, 0);
            if (!silent)
                later(300 + soon(), chance(20) == 0 ? NEW_ENDED : NEW_ACKED, id, 0, 0);
            break;
        }
        case SIPXFER_TAKEOVER_CANCEL_OLD:
            if (chance(10) == 0)
                later(soon(), OLD_ANSWERED, id, 0, 0);
            /* fall through */
        case SIPXFER_TAKEOVER_BYE_OLD:
        case SIPXFER_TAKEOVER_REJECT_OLD:
            if (!silent)
                later(400 + soon(), OLD_ENDED, id, 0, 0);
            break;
        case SIPXFER_TAKEOVER_FINISHED:
            book_end(TAKEOVER, id);
            break;
        default:
            break;
        }
    }
}

/* ---- this side transfers ---- */

void sent_begins(uint32_t number)
{
    struct sipxfer_refer_options options;
    struct sipxfer_replaces replaces;
    uint64_t transfer = 0;
    bool attended = chance(2) == 0;
    (void)number;
    SIPXFER_INIT(options);
    SIPXFER_INIT(replaces);
    options.endpoint = str("phone");
    options.subscribe = chance(10) > 0;
    if (attended) {
        replaces.call_id = str("consultation");
        replaces.to_tag = str("c");
        replaces.from_tag = str("p");
        options.kind = SIPXFER_REFER_ATTENDED;
        options.contact = str("sip:carol@192.0.2.9");
        options.aor = str("sip:carol@example.com");
        options.contact_reachable = chance(2);
        options.replaces = &replaces;
        options.dialog_state = SIPXFER_DIALOG_CONFIRMED;
        options.dialog_initiator = SIPXFER_INITIATOR_LOCAL;
        options.target_supports_replaces = 1;
        options.peer = SIPXFER_PEER_REPLACES;
    } else {
        options.kind = SIPXFER_REFER_BLIND;
        options.target = str("sip:carol@example.com");
        options.bye_after_accept = chance(4) == 0;
    }
    must_work(api->refer_start(engine, &options, now_ms, &transfer), "refer_start");
    book_begin(SENT, transfer);
    take_sent(transfer);
    if (chance(5) == 0)
        later(after_a_while(), CALL_ENDED, transfer, 0, 0);
}

void take_sent(uint64_t transfer)
{
    char buffer[4 * REQUEST_ROOM];
    struct sipxfer_refer_output output;
    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = api->refer_next(engine, transfer, buffer, sizeof buffer, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return;
        must_work(status, "refer_next");
        uint64_t id = output.transfer;
        if (output.kind == SIPXFER_REFER_OUTPUT_FINISHED) {
            book_end(SENT, id);
        } else if (output.kind == SIPXFER_REFER_OUTPUT_SEND) {
            static const unsigned shares[] = {75, 10, 10, 5};
            static const uint32_t codes[] = {202, 403, 404, 0};
            uint32_t code = codes[one_of(shares, 4)];
            faults += code == 0;
            later(0, REFER_SENT, id, 0, output.attempt);
            later(soon(), REFER_ANSWER, id, code, output.attempt);
            if (code != 202)
                continue;
            /* Progress may overtake the answer; a final one may never come, or twice. */
            later(soon(), REFER_NOTIFY, id, 180, output.attempt);
            for (uint32_t times = chance(20) == 0 ? 0 : 1 + (chance(20) == 0); times > 0; times--)
                later(after_a_while(), REFER_NOTIFY, id, final_code(), output.attempt);
        }
    }
}

static void refer_answer(const struct event *event)
{
    char text[256];
    int len = event->code == 0 ? 0
                               : snprintf(text, sizeof text,
                                          "SIP/2.0 %u X\r\nCSeq: 7 REFER\r\nCall-ID: x\r\n\r\n",
                                          (unsigned)event->code);
    may_be_late(api->refer_response(engine, event->id, event->number, text, (size_t)len, now_ms),
                "refer_response");
}

static void refer_notify(const struct event *event)
{
    char text[512];
    uint32_t answer = 0;
    bool last = event->code >= 200;
    int len = snprintf(text, sizeof text,
                       "NOTIFY sip:pbx@h SIP/2.0\r\nCall-ID: x\r\nCSeq: 9 NOTIFY\r\n"
                       "Event: refer;id=%u\r\nSubscription-State: %s\r\n"
                       "Content-Type: message/sipfrag\r\n\r\nSIP/2.0 %u X\r\n",
                       6u + (unsigned)event->number,
                       last ? "terminated;reason=noresource" : "active;expires=60",
                       (unsigned)event->code);
    may_be_late(
        api->refer_notify(engine, event->id, event->number, text, (size_t)len, now_ms, &answer),
        "refer_notify");
}

/* ---- calls are parked ---- */

void park_arrives(uint32_t number)
{
    char token[SIPXFER_PARK_TOKEN_SIZE], name[32];
    struct sipxfer_park_call call;
    size_t len = 0;
    snprintf(name, sizeof name, "parked-%u", number);
    SIPXFER_INIT(call);
    call.call_id = str(name);
    call.local_tag = str("ours");
    call.remote_tag = str("theirs");
    call.parker = str("phone");
    call.handle = number;
    call.place = SIPXFER_PARK_LOWEST;
    int32_t status = api->park(engine, &call, now_ms, token, sizeof token, &len);
    if (status == SIPXFER_E_TAKEN) /* the lot is full */
        return;
    must_work(status, "park");
    book_begin(PARKED, number);
    if (chance(3) > 0)
        later(after_a_while(), CLAIMED, 0, 0, number);
    take_parked();
}

void take_parked(void)
{
    char buffer[REQUEST_ROOM];
    struct sipxfer_park_output output;
    size_t needed = 0;
    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = api->park_next(engine, buffer, sizeof buffer, &needed, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return;
        must_work(status, "park_next");
        if (output.kind == SIPXFER_PARK_OUTPUT_RING_BACK)
            book_end(PARKED, output.handle);
    }
}

static void claim(uint32_t number)
{
    char name[32], buffer[REQUEST_ROOM];
    struct sipxfer_dialog_key key;
    struct sipxfer_parked parked;
    size_t needed = 0;
    snprintf(name, sizeof name, "parked-%u", number);
    SIPXFER_INIT(key);
    key.call_id = str(name);
    key.local_tag = str("ours");
    key.remote_tag = str("theirs");
    SIPXFER_INIT(parked);
    int32_t status =
        api->park_claim_dialog(engine, &key, now_ms, buffer, sizeof buffer, &needed, &parked);
    if (status == SIPXFER_E_NOT_FOUND || status == SIPXFER_E_TAKEN) /* rung back meanwhile */
        return;
    must_work(status, "park_claim_dialog");
    if (chance(4) == 0) { /* who came hangs up again, or is never heard of: it waits on */
        if (chance(2) == 0)
            later(soon(), CLAIM_FAILED, parked.claim, 0, number);
        faults++;
        return;
    }
    must_work(api->park_retrieved(engine, parked.claim, now_ms), "park_retrieved");
    book_end(PARKED, number);
}

/* ---- what nobody meant ---- */

void garbage_arrives(uint32_t number)
{
    char scratch[SIPXFER_SCRATCH_SIZE(REQUEST_ROOM)];
    struct sipxfer_verdict verdict;
    dialog_comes(number, SIPXFER_DIALOG_CONFIRMED);
    struct sipxfer_request request =
        request_of("REFER", number, true,
                   "Refer-To: \"C\" <sip:carol@b.example;x=1?Replaces=a%40b%3Bto-tag%3D1%3B"
                   "from-tag%3D2&Subject=x>;y=2\r\nReferred-By: <sip:phone@example.com>");
    damage(&request);
    if (chance(2) == 0) {
        receive(&request);
        return;
    }
    SIPXFER_INIT(verdict);
    must_work(api->replaces_verify_request(engine, &request, 0, scratch, sizeof scratch, &verdict),
              "replaces_verify_request");
    must_work(api->verdict_release(engine, &verdict), "verdict_release");
}

/* ---- what happens ---- */

void happens(const struct event *event)
{
    uint64_t id = event->id;
    uint32_t granted = 0;
    switch (event->act) {
    case PROGRESS:
        may_be_late(
            api->transfer_progress(engine, id, event->code, SIPXFER_LIT("As it is"), now_ms),
            "transfer_progress");
        break;
    case GIVE_UP:
        may_be_late(api->transfer_give_up(engine, id, event->code, now_ms), "transfer_give_up");
        break;
    case NO_CONTACT:
        may_be_late(api->transfer_contact_failed(engine, id, now_ms), "transfer_contact_failed");
        break;
    case NOTIFIED:
        may_be_late(api->transfer_notify_answered(engine, id, event->code, now_ms),
                    "transfer_notify_answered");
        break;
    case HUNG_UP:
        dialog_goes(event->number);
        break;
    case COMMANDED:
        command(id, event->code);
        break;
    case SUBSCRIBED:
        may_be_late(api->transfer_subscribe(engine, id, chance(120), now_ms, &granted),
                    "transfer_subscribe");
        break;
    case NEW_ANSWERED:
        if (event->code == 200)
            may_be_late(api->takeover_answered(engine, id, now_ms), "takeover_answered");
        else
            may_be_late(api->takeover_not_answered(engine, id, event->code, now_ms),
                        "takeover_not_answered");
        break;
    case NEW_ACKED:
        may_be_late(api->takeover_acked(engine, id, now_ms), "takeover_acked");
        break;
    case NEW_ENDED:
        may_be_late(api->takeover_new_ended(engine, id, now_ms), "takeover_new_ended");
        break;
    case OLD_ENDED:
        may_be_late(api->takeover_old_ended(engine, id, now_ms), "takeover_old_ended");
        break;
    case OLD_ANSWERED:
        may_be_late(api->takeover_old_answered(engine, id, now_ms), "takeover_old_answered");
        break;
    case REFER_SENT:
        may_be_late(api->refer_sent(engine, id, event->number, 6 + event->number, 1, now_ms),
                    "refer_sent");
        break;
    case REFER_ANSWER:
        refer_answer(event);
        break;
    case REFER_NOTIFY:
        refer_notify(event);
        break;
    case CALL_ENDED:
        may_be_late(api->refer_call_ended(engine, id, now_ms), "refer_call_ended");
        break;
    case CLAIMED:
        claim(event->number);
        break;
    case CLAIM_FAILED:
        may_be_late(api->park_release(engine, id, now_ms), "park_release");
        break;
    default:
        wrong("an event that nobody knows", event->act);
    }
    if (event->act >= PROGRESS && event->act <= SUBSCRIBED && id != 0)
        take_transfers(id);
    if (event->act >= NEW_ANSWERED && event->act <= OLD_ANSWERED)
        take_takeovers(id);
    if (event->act >= REFER_SENT && event->act <= CALL_ENDED)
        take_sent(id);
}
