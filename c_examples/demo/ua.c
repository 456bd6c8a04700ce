/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What phones and PBXes have in common: dialogs, the messages inside them, and the loop.
 */
#include "demo.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

/* What is said in the calls of the demo travels in INFO. */
#define SDP(codec)                                                                                 \
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"                    \
    "m=audio 9 " codec "\r\n"

static const struct party *self_of(const struct ua *ua)
{
    return &ua->world->party[ua->world->self];
}

uint64_t clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void check(struct ua *ua, int32_t status, const char *what)
{
    char text[128];

    if (status == SIPXFER_OK)
        return;
    snprintf(text, sizeof text, "%s: %s", what, sipxfer_strerror(status));
    die(ua->world, text);
}

static struct leg *leg_new(struct ua *ua, int party, struct sipxfer_str call_id)
{
    int others = 0;

    if (ua->leg_count == MAX_LEGS)
        return NULL;
    struct leg *leg = &ua->legs[ua->leg_count];
    memset(leg, 0, sizeof *leg);
    if (str_copy(leg->call_id, sizeof leg->call_id, call_id) != 0)
        return NULL;
    leg->party = party;
    /* Tags that tell the reader whose they are. Real ones are random (RFC 3261 section 19.3). */
    for (int i = 0; i < ua->leg_count; i++)
        others += ua->legs[i].party == party;
    int len = snprintf(leg->local_tag, sizeof leg->local_tag, "%sto%s", self_of(ua)->title,
                       ua->world->party[party].title);
    if (others > 0)
        snprintf(leg->local_tag + len, sizeof leg->local_tag - (size_t)len, "%d", others + 1);
    ua->leg_count++;
    return leg;
}

struct leg *leg_by_call_id(struct ua *ua, const char *call_id)
{
    for (int i = 0; i < ua->leg_count; i++)
        if (strcmp(ua->legs[i].call_id, call_id) == 0)
            return &ua->legs[i];
    return NULL;
}

/* A request that came in names us in its To, a response to ours in its From. */
static struct leg *leg_of(struct ua *ua, struct sipxfer_str call_id, struct sipxfer_str local_tag,
                          struct sipxfer_str remote_tag)
{
    for (int i = 0; i < ua->leg_count; i++) {
        struct leg *leg = &ua->legs[i];
        int learnt = leg->remote_tag[0] != '\0'; /* not before the first answer to our INVITE */
        if (str_is(call_id, leg->call_id) && str_is_nocase(local_tag, leg->local_tag) &&
            (!learnt || remote_tag.len == 0 || str_is_nocase(remote_tag, leg->remote_tag)))
            return leg;
    }
    return NULL;
}

/* ---- requests that we send ---- */

static void branch_new(struct ua *ua, char *branch, size_t size)
{
    snprintf(branch, size, "z9hG4bK%s%d", self_of(ua)->title, ++ua->branches);
}

static void begin(struct ua *ua, const struct leg *leg, struct packet *out, const char *method,
                  const char *uri, unsigned cseq, const char *branch, const char *to_tag)
{
    out->len = 0;
    out->overflow = 0;
    packet_add(out, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nMax-Forwards: 70\r\n",
               method, uri, self_of(ua)->host, branch);
    packet_add(out, "From: <%s>;tag=%s\r\nTo: <%s>%s%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n",
               leg->local_uri, leg->local_tag, leg->remote_uri, to_tag[0] != '\0' ? ";tag=" : "",
               to_tag, leg->call_id, cseq, method);
}

static const char *sdp_of(const struct ua *ua)
{
    return self_of(ua)->odd_codec ? SDP("RTP/AVP 96") : SDP(COMMON_CODEC);
}

/* The header lines that every INVITE and every answer to one carries. */
static void contact_lines(struct ua *ua, char *lines, size_t size)
{
    const struct party *self = self_of(ua);
    int has = ua->supported[0] != '\0';

    snprintf(lines, size, "Contact: <sip:%s%s%s>\r\n%s%s%s", self->is_pbx ? "" : self->name,
             self->is_pbx ? "" : "@", self->host, has ? "Supported: " : "", ua->supported,
             has ? "\r\n" : "");
}

struct leg *leg_call(struct ua *ua, int party, struct sipxfer_str uri, const char *extra)
{
    const struct party *self = self_of(ua);
    char call_id[64], lines[256];
    struct packet out;
    int made = ua->calls_made++;

    if (made < 2 && self->call_ids[made] != NULL)
        snprintf(call_id, sizeof call_id, "%s", self->call_ids[made]);
    else
        snprintf(call_id, sizeof call_id, "%s-%d", self->name, made + 1);
    struct leg *leg = leg_new(ua, party, str(call_id));
    if (leg == NULL || str_copy(leg->remote_uri, sizeof leg->remote_uri, uri) != 0)
        die(ua->world, "too many calls, or a URI that is too long");
    snprintf(leg->local_uri, sizeof leg->local_uri, "sip:%s%s%s", self->is_pbx ? "" : self->name,
             self->is_pbx ? "" : "@", self->host);
    leg->outgoing = 1;
    leg->state = LEG_CALLING;
    leg->cseq = leg->invite_cseq = 1;
    branch_new(ua, leg->branch, sizeof leg->branch);
    contact_lines(ua, lines, sizeof lines);
    begin(ua, leg, &out, "INVITE", leg->remote_uri, leg->invite_cseq, leg->branch, "");
    packet_add(&out, "%s%sContent-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", lines,
               extra, strlen(sdp_of(ua)), sdp_of(ua));
    packet_send(ua->world, party, &out);
    return leg;
}

void leg_request(struct ua *ua, struct leg *leg, const char *method, const char *extra,
                 const char *content_type, const char *body)
{
    char branch[32];
    struct packet out;

    branch_new(ua, branch, sizeof branch);
    begin(ua, leg, &out, method, leg->target, ++leg->cseq, branch, leg->remote_tag);
    packet_add(&out, "%s", extra);
    if (body[0] != '\0' && content_type != NULL)
        packet_add(&out, "Content-Type: %s\r\n", content_type);
    packet_add(&out, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    ua->open++;
    packet_send(ua->world, leg->party, &out);
}

static void send_cancel(struct ua *ua, struct leg *leg)
{
    struct packet out;

    /* The branch and the CSeq number of the INVITE (RFC 3261 section 9.1). */
    begin(ua, leg, &out, "CANCEL", leg->remote_uri, leg->invite_cseq, leg->branch, "");
    packet_add(&out, "Content-Length: 0\r\n\r\n");
    ua->open++;
    packet_send(ua->world, leg->party, &out);
}

static void send_ack(struct ua *ua, struct leg *leg, int accepted, const char *to_tag)
{
    char branch[32];
    struct packet out;

    /* The ACK of a 2xx is a transaction of its own, that of a refusal belongs to the INVITE
     * (RFC 3261 sections 13.2.2.4 and 17.1.1.3). */
    branch_new(ua, branch, sizeof branch);
    begin(ua, leg, &out, "ACK", accepted ? leg->target : leg->remote_uri, leg->invite_cseq,
          accepted ? branch : leg->branch, to_tag);
    packet_add(&out, "Content-Length: 0\r\n\r\n");
    packet_send(ua->world, leg->party, &out);
}

/* ---- answers that we give ---- */

struct leg *leg_accept(struct ua *ua, const struct incoming *in)
{
    struct sipxfer_str contact = header(in, "Contact");
    struct leg *leg = leg_new(ua, in->from, in->msg.call_id);

    if (leg == NULL) {
        respond(ua->world, in, 500, "Server Internal Error", "none", NULL, NULL);
        return NULL;
    }
    leg->state = LEG_RINGING;
    leg->invite = *in;
    /* The views of the original point into its own packet. */
    SIPXFER_INIT(leg->invite.msg);
    if (sipxfer_message_parse(leg->invite.packet.bytes, leg->invite.packet.len, &leg->invite.msg,
                              NULL) != SIPXFER_OK)
        die(ua->world, "a message that parses only once");
    if (contact.len == 0 || in->msg.from_tag.len == 0 ||
        str_copy(leg->remote_tag, sizeof leg->remote_tag, in->msg.from_tag) != 0 ||
        str_copy(leg->local_uri, sizeof leg->local_uri, uri_of(header(in, "To"))) != 0 ||
        str_copy(leg->remote_uri, sizeof leg->remote_uri, uri_of(header(in, "From"))) != 0 ||
        str_copy(leg->target, sizeof leg->target, uri_of(contact)) != 0) {
        respond(ua->world, in, 400, "Bad Request", leg->local_tag, NULL, NULL);
        ua->leg_count--;
        return NULL;
    }
    return leg;
}

void leg_ring(struct ua *ua, struct leg *leg)
{
    char lines[256];

    contact_lines(ua, lines, sizeof lines);
    respond(ua->world, &leg->invite, 180, "Ringing", leg->local_tag, lines, NULL);
}

void leg_answer(struct ua *ua, struct leg *leg)
{
    char lines[256];

    contact_lines(ua, lines, sizeof lines);
    leg->state = LEG_TALKING;
    leg->unacked = 1;
    respond(ua->world, &leg->invite, 200, "OK", leg->local_tag, lines, sdp_of(ua));
}

void leg_end(struct ua *ua, struct leg *leg, unsigned code, const char *reason)
{
    if (leg->state == LEG_TALKING) {
        leg->state = LEG_ENDED;
        leg_request(ua, leg, "BYE", "", NULL, "");
    } else if (leg->state != LEG_ENDED && leg->outgoing) {
        /* Not before a provisional response (RFC 3261 section 9.1); it ends with the INVITE's
         * final response. */
        leg->cancelled = 1;
        if (leg->state == LEG_RINGING)
            send_cancel(ua, leg);
    } else if (leg->state != LEG_ENDED) {
        leg->state = LEG_ENDED;
        leg->unacked = 1;
        respond(ua->world, &leg->invite, code, reason, leg->local_tag, NULL, NULL);
    }
}

/* ---- what comes in ---- */

static void learn(struct ua *ua, struct leg *leg, const struct incoming *in)
{
    struct sipxfer_str contact = header(in, "Contact");

    if (str_copy(leg->remote_tag, sizeof leg->remote_tag, in->msg.to_tag) != 0 ||
        (contact.len > 0 && str_copy(leg->target, sizeof leg->target, uri_of(contact)) != 0))
        die(ua->world, "a tag or Contact that is too long");
}

static void invite_response(struct ua *ua, struct leg *leg, const struct incoming *in)
{
    uint32_t code = in->msg.status;
    char to_tag[32];

    if (in->msg.cseq != leg->invite_cseq || leg->state == LEG_TALKING || leg->state == LEG_ENDED)
        return;
    if (code < 200) {
        if (code == 100 || leg->state != LEG_CALLING)
            return;
        learn(ua, leg, in);
        leg->state = LEG_RINGING;
        if (leg->cancelled)
            send_cancel(ua, leg);
        else if (ua->on->ringing != NULL)
            ua->on->ringing(ua, leg, code, in->msg.reason);
    } else if (code < 300) {
        learn(ua, leg, in);
        leg->state = LEG_TALKING;
        send_ack(ua, leg, 1, leg->remote_tag);
        if (leg->cancelled) /* the 2xx crossed our CANCEL (RFC 3891 section 3) */
            leg_end(ua, leg, 0, NULL);
        else if (ua->on->answered != NULL)
            ua->on->answered(ua, leg);
    } else {
        leg->state = LEG_ENDED;
        if (str_copy(to_tag, sizeof to_tag, in->msg.to_tag) != 0)
            die(ua->world, "a tag that is too long");
        send_ack(ua, leg, 0, to_tag);
        if (!leg->cancelled && ua->on->failed != NULL)
            ua->on->failed(ua, leg, code, in->msg.reason);
        else if (leg->cancelled && ua->on->cancelled != NULL)
            ua->on->cancelled(ua, leg);
    }
}

static void on_response(struct ua *ua, const struct incoming *in)
{
    struct leg *leg = leg_of(ua, in->msg.call_id, in->msg.from_tag, in->msg.to_tag);

    if (leg == NULL)
        return;
    if (str_is(in->msg.cseq_method, "INVITE")) {
        invite_response(ua, leg, in);
    } else if (in->msg.status >= 200) {
        ua->open--;
        if (ua->on->response != NULL)
            ua->on->response(ua, leg, in);
    }
}

static void on_cancel(struct ua *ua, const struct incoming *in)
{
    for (int i = 0; i < ua->leg_count; i++) {
        struct leg *leg = &ua->legs[i];
        if (leg->outgoing || leg->state != LEG_RINGING || !str_is(in->msg.call_id, leg->call_id) ||
            !str_is_nocase(in->msg.from_tag, leg->remote_tag))
            continue;
        respond(ua->world, in, 200, "OK", leg->local_tag, NULL, NULL);
        leg_end(ua, leg, 487, "Request Terminated");
        if (ua->on->ended != NULL)
            ua->on->ended(ua, leg);
        return;
    }
    respond(ua->world, in, 481, "Call/Transaction Does Not Exist", "none", NULL, NULL);
}

static void on_request(struct ua *ua, const struct incoming *in)
{
    struct sipxfer_str method = in->msg.method;
    const struct ua_events *on = ua->on;

    if (in->msg.to_tag.len == 0) {
        if (str_is(method, "INVITE"))
            on->invite(ua, in);
        else if (str_is(method, "CANCEL"))
            on_cancel(ua, in);
        else
            respond(ua->world, in, 501, "Not Implemented", "none", NULL, NULL);
        return;
    }
    struct leg *leg = leg_of(ua, in->msg.call_id, in->msg.to_tag, in->msg.from_tag);
    if (str_is(method, "ACK")) {
        if (leg != NULL)
            leg->unacked = 0;
    } else if (leg == NULL || (leg->state == LEG_ENDED && !str_is(method, "NOTIFY"))) {
        /* BYE ends the call and not the subscription of a REFER: NOTIFY may still come. */
        respond(ua->world, in, 481, "Call/Transaction Does Not Exist", NULL, NULL, NULL);
    } else if (str_is(method, "BYE")) {
        leg->state = LEG_ENDED;
        respond(ua->world, in, 200, "OK", NULL, NULL, NULL);
        if (on->ended != NULL)
            on->ended(ua, leg);
    } else if (str_is(method, "REFER") && on->refer != NULL) {
        on->refer(ua, leg, in);
    } else if (str_is(method, "NOTIFY") && on->notify != NULL) {
        on->notify(ua, leg, in);
    } else if (str_is(method, "INFO") && on->info != NULL) {
        respond(ua->world, in, 200, "OK", NULL, NULL, NULL);
        on->info(ua, leg, in->msg.body);
    } else {
        respond(ua->world, in, 501, "Not Implemented", NULL, NULL, NULL);
    }
}

/* A request that was never answered shows in the state. */
static void report_state(struct ua *ua)
{
    char state[sizeof ua->state] = "";
    int open = ua->open;

    for (int i = 0; i < ua->leg_count; i++)
        open += ua->legs[i].unacked || (ua->legs[i].cancelled && ua->legs[i].state != LEG_ENDED);
    if (open > 0)
        snprintf(state, sizeof state, "%d under way", open);
    else
        ua->on->state(ua, state, sizeof state);
    if (strcmp(state, ua->state) == 0)
        return;
    memcpy(ua->state, state, sizeof state);
    report(ua->world, RECORD_STATE, -1, "", state);
}

/* For poll: the time that is left until something is due, -1 where nothing is. */
static int timeout(const struct ua *ua)
{
    uint64_t now = clock_ms();

    if (ua->deadline_ms == UINT64_MAX)
        return -1;
    if (ua->deadline_ms <= now)
        return 0;
    return ua->deadline_ms - now > INT_MAX ? INT_MAX : (int)(ua->deadline_ms - now);
}

void ua_run(struct ua *ua)
{
    struct pollfd fds[2] = {{self_of(ua)->socket, POLLIN, 0}, {ua->world->control, POLLIN, 0}};
    struct incoming in;
    char command[COMMAND_SIZE];
    int waiting = 0; /* as the parent knows it */
    int ready = 1;   /* the parent counts the start too */

    ua->deadline_ms = UINT64_MAX;
    for (;;) {
        report_state(ua);
        if (waiting != (ua->deadline_ms != UINT64_MAX)) {
            waiting = !waiting;
            report(ua->world, waiting ? RECORD_WAITING : RECORD_WAITED, -1, "", "");
        }
        if (ready > 0)
            report(ua->world, RECORD_HANDLED, -1, "", "");
        /* Where nothing is due it waits for ever: the parent has the deadlines, and an alarm ends a
         * process that it lost. */
        ready = poll(fds, 2, timeout(ua));
        if (ready < 0 && errno != EINTR)
            die(ua->world, "poll failed");
        if (ua->on->tick != NULL && ua->deadline_ms <= clock_ms())
            ua->on->tick(ua);
        if (ready <= 0)
            continue;
        if (fds[0].revents != 0) {
            if (packet_receive(ua->world, &in) != 0)
                continue;
            if (in.msg.status != 0)
                on_response(ua, &in);
            else
                on_request(ua, &in);
        } else if (fds[1].revents != 0) {
            ssize_t len = read(ua->world->control, command, sizeof command);
            if (len == 0)
                return;
            if (len != (ssize_t)sizeof command || ua->on->command == NULL)
                die(ua->world, "a command that cannot be read");
            command[sizeof command - 1] = '\0';
            ua->on->command(ua, command);
        }
    }
}
