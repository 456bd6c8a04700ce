/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The transfers of a PBX. The library keeps each from its REFER to its one outcome; the PBX takes
 * its outputs, carries them out in their order, and reports what happens meanwhile.
 */
#include "demo.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What an output may refer to as long as the REFER is being received, and no longer. */
struct received {
    const struct incoming *refer;
    const struct sipxfer_verdict *verdict;
};

static const struct party *self_of(const struct ua *ua)
{
    return &ua->world->party[ua->world->self];
}

void note(struct ua *ua, const char *format, ...)
{
    char text[480];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    report(ua->world, RECORD_NOTE, -1, "", text);
}

/* The same for the margin and for the state. */
static void tell(struct ua *ua, const char *text, struct sipxfer_str more)
{
    history_add(ua, text);
    note(ua, "=> %s%s%.*s", text, more.len > 0 ? "\n" : "", SIPXFER_ARG(more));
}

static struct transfer *transfer_by_id(struct ua *ua, uint64_t id)
{
    for (int i = 0; i < ua->transfer_count; i++)
        if (ua->transfers[i].id == id)
            return &ua->transfers[i];
    return NULL;
}

struct transfer *transfer_of(struct ua *ua, const struct leg *leg)
{
    for (int i = 0; i < ua->transfer_count; i++) {
        struct transfer *transfer = &ua->transfers[i];
        if (!transfer->over &&
            (transfer->transferor == leg || transfer->transferee == leg || transfer->target == leg))
            return transfer;
    }
    return NULL;
}

/* ---- START: what the verdict says ---- */

/* Both calls are here: their other parties are connected, and nobody is called. */
static void local_attended(struct ua *ua, struct transfer *transfer,
                           const struct sipxfer_verdict *verdict)
{
    struct leg *consultation = verdict->dialog;
    struct leg *target = consultation->peer;

    if (target == NULL) { /* hung up meanwhile */
        check(ua, sipxfer_transfer_contact_failed(ua->engine, transfer->id, clock_ms()),
              "sipxfer_transfer_contact_failed");
        return;
    }
    transfer->target = target;
    transfer_connect(transfer);
    if (verdict->old_dialog != SIPXFER_OLD_DIALOG_NOTHING)
        leg_end(ua, consultation, 487, "Request Terminated");
    check(ua, sipxfer_transfer_progress(ua->engine, transfer->id, 200, NULL, 0, clock_ms()),
          "sipxfer_transfer_progress");
}

static struct sipxfer_str variable(const struct sipxfer_verdict *verdict, const char *name)
{
    for (size_t i = 0; i < verdict->variable_count; i++)
        if (str_is(verdict->variables[i].name, name))
            return verdict->variables[i].value;
    return str("");
}

/* The dialplan at the extension that the verdict names. For external_replaces it reads
 *
 *     exten => external_replaces,1,Dial(PJSIP/default_outgoing/${SIPREFERTOHDR})
 */
static void dialplan(struct ua *ua, struct transfer *transfer,
                     const struct sipxfer_verdict *verdict)
{
    const struct route *route = route_of(ua, verdict->context, verdict->extension);
    struct sipxfer_str uri = variable(verdict, "SIPREFERTOHDR");
    char headers[1024];
    int party;

    if (str_is(verdict->extension, "park")) {
        note(ua, "dialplan %.*s,park: Park()", SIPXFER_ARG(verdict->context));
        park(ua, transfer);
        return;
    }
    if (verdict->kind == SIPXFER_VERDICT_REMOTE_ATTENDED) {
        party = resolve(ua->world, uri, NULL);
        note(ua,
             "dialplan %.*s,%.*s:\nSIPTRANSFER=%.*s\nSIPREFERRINGCONTEXT=%.*s\n"
             "SIPREFERTOHDR=%.*s\nDial(PJSIP/default_outgoing/%.*s)",
             SIPXFER_ARG(verdict->context), SIPXFER_ARG(verdict->extension),
             SIPXFER_ARG(variable(verdict, "SIPTRANSFER")),
             SIPXFER_ARG(variable(verdict, "SIPREFERRINGCONTEXT")), SIPXFER_ARG(uri),
             SIPXFER_ARG(uri));
    } else {
        party = route != NULL && route->party != NULL ? world_by_name(ua->world, route->party) : -1;
        uri = verdict->target;
        note(ua, "dialplan %.*s,%.*s: Dial(PJSIP/%s)", SIPXFER_ARG(verdict->context),
             SIPXFER_ARG(verdict->extension), party >= 0 ? route->party : "");
    }
    if (str_copy(headers, sizeof headers, verdict->headers) != 0)
        die(ua->world, "headers that are too long");
    if (party >= 0)
        transfer_dial(ua, transfer, party, uri, headers);
    else
        check(ua, sipxfer_transfer_contact_failed(ua->engine, transfer->id, clock_ms()),
              "sipxfer_transfer_contact_failed");
}

static void start(struct ua *ua, struct transfer *transfer, const struct sipxfer_verdict *verdict)
{
    unsigned code = 0;

    if (transfer->transferee == NULL) /* nobody is there, or is transferring in turn */
        code = 491;
    else if (verdict->kind == SIPXFER_VERDICT_LOCAL_ATTENDED)
        local_attended(ua, transfer, verdict);
    else if (verdict->kind == SIPXFER_VERDICT_BLIND ||
             verdict->kind == SIPXFER_VERDICT_REMOTE_ATTENDED)
        dialplan(ua, transfer, verdict);
    else /* what this PBX does not know is a refusal */
        code = 603;
    if (code != 0)
        check(ua, sipxfer_transfer_give_up(ua->engine, transfer->id, code, clock_ms()),
              "sipxfer_transfer_give_up");
}

/* The other party of the call is to talk to somebody who has to be called first. Until that one
 * answers nothing is changed. */
void transfer_dial(struct ua *ua, struct transfer *transfer, int party, struct sipxfer_str uri,
                   const char *extra)
{
    transfer->target = leg_call(ua, party, uri, extra);
    transfer->target->depth = transfer->depth;
}

void transfer_connect(struct transfer *transfer)
{
    transfer->transferee->depth = transfer->target->depth = transfer->depth;
    bridge(transfer->transferee, transfer->target);
}

/* ---- the outputs ---- */

static void answer(struct ua *ua, const struct sipxfer_output *output, const struct incoming *refer)
{
    char reason[64], extra[256];

    if (str_copy(reason, sizeof reason, output->reason) != 0)
        reason[0] = '\0';
    snprintf(extra, sizeof extra, "Contact: <sip:%s>\r\n%.*s", self_of(ua)->host,
             SIPXFER_ARG(output->headers));
    respond(ua->world, refer, output->code, reason, NULL, extra, NULL);
}

static void send_notify(struct ua *ua, struct transfer *transfer,
                        const struct sipxfer_output *output)
{
    char extra[512], body[256];
    int len = snprintf(extra, sizeof extra, "Contact: <sip:%s>\r\n%.*s", self_of(ua)->host,
                       SIPXFER_ARG(output->headers));

    if (len < 0 || (size_t)len >= sizeof extra || str_copy(body, sizeof body, output->body) != 0)
        die(ua->world, "a NOTIFY that is too long");
    leg_request(ua, transfer->transferor, "NOTIFY", extra, NULL, body);
    if (transfer->first_notify == 0)
        transfer->first_notify = transfer->transferor->cseq;
}

/* The transferor has hung up, so that the other party has nobody to go back to. */
static void recall(struct ua *ua, struct transfer *transfer)
{
    struct leg *transferor = transfer->transferor;

    if (transfer->transferee != NULL && transfer->transferee->state != LEG_ENDED)
        bridge(transfer->transferee,
               leg_call(ua, transferor->party, str(transferor->remote_uri), ""));
}

static void give_up_target(struct ua *ua, struct transfer *transfer)
{
    if (transfer->target != NULL)
        leg_end(ua, transfer->target, 487, "Request Terminated");
}

static void command(struct ua *ua, struct transfer *transfer, uint32_t command,
                    const struct sipxfer_verdict *verdict)
{
    if (command == SIPXFER_COMMAND_START) /* each transfer has one, so the state leaves it out */
        note(ua, "=> %s", sipxfer_command_name(command));
    else
        tell(ua, sipxfer_command_name(command), str(""));
    switch (command) {
    case SIPXFER_COMMAND_START:
        if (verdict == NULL)
            die(ua->world, "a START behind its verdict");
        start(ua, transfer, verdict);
        break;
    case SIPXFER_COMMAND_KEEP_CALL:
        give_up_target(ua, transfer);
        break;
    case SIPXFER_COMMAND_RECALL_TRANSFEROR:
        give_up_target(ua, transfer);
        recall(ua, transfer);
        break;
    case SIPXFER_COMMAND_HANG_UP_TRANSFEREE:
        give_up_target(ua, transfer);
        if (transfer->transferee != NULL)
            leg_end(ua, transfer->transferee, 480, "Temporarily Unavailable");
        break;
    case SIPXFER_COMMAND_HANG_UP_TRANSFEROR:
        leg_end(ua, transfer->transferor, 480, "Temporarily Unavailable");
        break;
    default:
        break;
    }
}

/* A channel for the event, as a JSON object. A host with ids that others choose escapes them. */
static struct sipxfer_str channel(const struct ua *ua, const struct leg *leg, char *text,
                                  size_t size)
{
    if (leg == NULL)
        return str("");
    snprintf(text, size, "{\"id\":\"%d\",\"name\":\"PJSIP/%s\"}", (int)(leg - ua->legs) + 1,
             ua->world->party[leg->party].name);
    return str(text);
}

static void event(struct ua *ua, struct transfer *transfer, const struct sipxfer_output *output)
{
    struct sipxfer_event event;
    struct sipxfer_str json = {NULL, 0};
    char source[96], connected[96], text[PACKET_MAX], headline[64];

    SIPXFER_INIT(event);
    event.application = str("demo");
    event.state = output->state;
    event.replaces = output->replaces;
    event.destination = output->destination;
    event.source_channel = channel(ua, transfer->transferor, source, sizeof source);
    event.source_connected = channel(ua, transfer->transferee, connected, sizeof connected);
    check(ua, sipxfer_event_json(&event, text, sizeof text, &json.len), "sipxfer_event_json");
    json.ptr = text;
    snprintf(headline, sizeof headline, "event%s%.*s", output->state.len > 0 ? " " : "",
             SIPXFER_ARG(output->state));
    tell(ua, headline, json);
    transfer->by_app = 1;
    app_event(ua, transfer, output);
}

static void finished(struct ua *ua, struct transfer *transfer, const struct sipxfer_output *output)
{
    char text[64];

    snprintf(text, sizeof text, "outcome %u (%s)", (unsigned)output->code,
             sipxfer_cause_name(output->cause));
    tell(ua, text, str(""));
    transfer->over = 1;
}

static void carry_out(struct ua *ua, struct transfer *transfer, const struct sipxfer_output *output,
                      const struct received *received)
{
    switch (output->kind) {
    case SIPXFER_OUTPUT_ANSWER:
        if (received == NULL)
            die(ua->world, "an answer behind its REFER");
        answer(ua, output, received->refer);
        break;
    case SIPXFER_OUTPUT_NOTIFY:
        send_notify(ua, transfer, output);
        break;
    case SIPXFER_OUTPUT_COMMAND:
        command(ua, transfer, output->command, received != NULL ? received->verdict : NULL);
        break;
    case SIPXFER_OUTPUT_EVENT:
        event(ua, transfer, output);
        break;
    case SIPXFER_OUTPUT_FINISHED:
        finished(ua, transfer, output);
        break;
    default:
        break;
    }
}

/* Takes all outputs there are now, those included that the carrying out of one leads to; with id 0
 * those that time has brought. */
static void outputs(struct ua *ua, uint64_t id, const struct received *received)
{
    char buffer[SIPXFER_OUTPUT_SIZE + PACKET_MAX]; /* an event repeats what its REFER says */
    struct sipxfer_output output;

    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = sipxfer_transfer_next(ua->engine, id, buffer, sizeof buffer, &output);
        if (status == SIPXFER_E_NOT_FOUND) /* none now */
            return;
        check(ua, status, "sipxfer_transfer_next");
        struct transfer *transfer = transfer_by_id(ua, output.transfer);
        if (transfer == NULL)
            die(ua->world, "an output of a transfer that never began");
        transfer->gone = (int)output.last;
        carry_out(ua, transfer, &output, received);
    }
}

/* ---- what is reported ---- */

void transfer_refer(struct ua *ua, struct leg *leg, const struct incoming *in)
{
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    struct received received = {in, &verdict};
    uint64_t id = ask_refer(ua, in, leg, &request, &verdict);

    if (id == 0) {
        refuse(ua, in, &request, &verdict);
    } else {
        if (transfer_by_id(ua, id) == NULL) { /* not sent once more */
            int movable = leg->peer != NULL && transfer_of(ua, leg->peer) == NULL;
            if (ua->transfer_count == MAX_TRANSFERS)
                die(ua->world, "too many transfers");
            struct transfer *transfer = &ua->transfers[ua->transfer_count++];
            transfer->id = id;
            transfer->transferor = leg;
            transfer->transferee = movable ? leg->peer : NULL;
            transfer->depth = verdict.transfer_depth;
        }
        outputs(ua, id, &received);
    }
    done(ua, &verdict);
}

void transfer_response(struct ua *ua, struct transfer *transfer, unsigned code,
                       struct sipxfer_str reason)
{
    if (transfer->by_app) {
        app_response(ua, transfer, code);
    } else {
        int32_t status = sipxfer_transfer_progress(ua->engine, transfer->id, code, reason.ptr,
                                                   reason.len, clock_ms());
        if (status == SIPXFER_OK && code / 100 == 2)
            transfer_connect(transfer);
        else if (status != SIPXFER_E_WRONG_STATE) /* its time was over: the outputs say so */
            check(ua, status, "sipxfer_transfer_progress");
    }
    outputs(ua, transfer->id, NULL);
}

void transfer_hung_up(struct ua *ua, struct transfer *transfer, const struct leg *leg)
{
    struct sipxfer_dialog_key key = leg_key(leg);
    size_t told = 0;

    /* It concerns all transfers that were asked for in this dialog, which go on (RFC 5057). */
    check(ua, sipxfer_dialog_bye(ua->engine, &key, clock_ms(), &told), "sipxfer_dialog_bye");
    outputs(ua, 0, NULL);
    if (transfer == NULL || transfer->over || leg == transfer->transferor)
        return;
    /* Nobody is left to be transferred. */
    check(ua, sipxfer_transfer_give_up(ua->engine, transfer->id, 487, clock_ms()),
          "sipxfer_transfer_give_up");
    outputs(ua, transfer->id, NULL);
}

void transfer_notify_answered(struct ua *ua, const struct leg *leg, const struct incoming *in)
{
    /* The transfers of a dialog come one after the other, and so do the CSeqs of their NOTIFYs. */
    for (int i = ua->transfer_count - 1; i >= 0; i--) {
        const struct transfer *transfer = &ua->transfers[i];
        if (transfer->transferor != leg || transfer->first_notify == 0 ||
            transfer->first_notify > in->msg.cseq)
            continue;
        if (transfer->gone) /* with its last NOTIFY, so nobody asks how that was answered */
            return;
        check(
            ua,
            sipxfer_transfer_notify_answered(ua->engine, transfer->id, in->msg.status, clock_ms()),
            "sipxfer_transfer_notify_answered");
        outputs(ua, transfer->id, NULL);
        return;
    }
}

void transfer_tick(struct ua *ua)
{
    note(ua, "the deadline has come");
    check(ua, sipxfer_tick(ua->engine, clock_ms()), "sipxfer_tick");
    outputs(ua, 0, NULL);
}
