/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A PBX as a B2BUA: each call is two legs that it bridges. Every INVITE and every REFER is shown to
 * the library (host.c), and its verdict is carried out, nothing else.
 */
#include "demo.h"

#include <stdio.h>
#include <string.h>

static const struct party *self_of(const struct ua *ua)
{
    return &ua->world->party[ua->world->self];
}

/* ---- calls ---- */

static void bridge(struct leg *a, struct leg *b)
{
    if (a->peer != NULL)
        a->peer->peer = NULL;
    if (b->peer != NULL)
        b->peer->peer = NULL;
    a->peer = b;
    b->peer = a;
}

static int awaits_answer(const struct leg *leg)
{
    return leg != NULL && leg->state == LEG_RINGING && !leg->outgoing;
}

/* The new call takes the place of the old one (RFC 3891 section 3). */
static void take_over(struct ua *ua, const struct incoming *in,
                      const struct sipxfer_verdict *verdict)
{
    struct leg *old = verdict->dialog, *partner = old->peer;
    struct leg *leg = partner != NULL ? leg_accept(ua, in) : NULL;

    if (partner == NULL) /* nobody to talk to; the old call stays as it is */
        respond(ua->world, in, 488, "Not Acceptable Here", "none", NULL, NULL);
    if (leg == NULL)
        return;
    bridge(leg, partner);
    leg_answer(ua, leg);
    if (awaits_answer(partner)) /* pickup: the caller still waits */
        leg_answer(ua, partner);
    if (verdict->old_dialog != SIPXFER_OLD_DIALOG_NOTHING) /* BYE, CANCEL, 487 by its state */
        leg_end(ua, old, 487, "Request Terminated");
}

static void new_call(struct ua *ua, const struct incoming *in)
{
    struct sipxfer_str extension = {NULL, 0};
    char uri[96];

    if (identify(ua, in->from)[0] == '\0') {
        respond(ua->world, in, 403, "Forbidden", "none", NULL, NULL);
        return;
    }
    resolve(ua->world, in->msg.request_uri, &extension);
    const struct route *route = route_of(ua, str("default"), extension);
    if (route == NULL || route->party == NULL) {
        respond(ua->world, in, 404, "Not Found", "none", NULL, NULL);
        return;
    }
    struct leg *leg = leg_accept(ua, in);
    if (leg == NULL)
        return;
    int party = world_by_name(ua->world, route->party);
    snprintf(uri, sizeof uri, "sip:%s@%s", route->extension, ua->world->party[party].host);
    bridge(leg, leg_call(ua, party, str(uri), ""));
}

static void on_invite(struct ua *ua, const struct incoming *in)
{
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;

    ask(ua, in, NULL, &request, &verdict);
    switch (verdict.kind) {
    case SIPXFER_VERDICT_NONE:
        new_call(ua, in);
        break;
    case SIPXFER_VERDICT_ACCEPT:
        take_over(ua, in, &verdict);
        break;
    default: /* what this PBX does not know is a refusal */
        refuse(ua, in, &request, &verdict);
        break;
    }
    done(ua, &verdict);
}

/* ---- transfers ---- */

/* Tells the transferor how its transfer goes: 100 at once, then the outcome. What lies between may
 * be told once a second at most (RFC 3515 section 3.10); this PBX leaves it out. */
static void notify(struct ua *ua, struct leg *transferor, unsigned code, struct sipxfer_str reason,
                   int last)
{
    struct sipxfer_event_header event;
    struct sipxfer_subscription_state state;
    char event_text[64], state_text[64], body[128], id[16], extra[256];
    size_t event_len, state_len, body_len;

    SIPXFER_INIT(event);
    event.package = str("refer");
    if (transferor->event_id != 0) {
        snprintf(id, sizeof id, "%u", transferor->event_id);
        event.id = str(id);
    }
    SIPXFER_INIT(state);
    state.state = last ? SIPXFER_SUBSCRIPTION_TERMINATED : SIPXFER_SUBSCRIPTION_ACTIVE;
    if (last)
        state.reason = str("noresource");
    else
        state.has_expires = 1, state.expires_s = 60;
    check(ua, sipxfer_event_header_print(&event, event_text, sizeof event_text, &event_len),
          "Event");
    check(ua, sipxfer_subscription_state_print(&state, state_text, sizeof state_text, &state_len),
          "Subscription-State");
    check(ua, sipxfer_sipfrag_print(code, reason.ptr, reason.len, body, sizeof body - 1, &body_len),
          "sipfrag");
    body[body_len] = '\0';
    snprintf(extra, sizeof extra,
             "Contact: <sip:%s>\r\nEvent: %.*s\r\nSubscription-State: %.*s\r\n", self_of(ua)->host,
             (int)event_len, event_text, (int)state_len, state_text);
    leg_request(ua, transferor, "NOTIFY", extra, "message/sipfrag;version=2.0", body);
}

static void accept_refer(struct ua *ua, struct leg *leg, const struct incoming *in,
                         const struct sipxfer_verdict *verdict)
{
    struct sipxfer_str usual = {NULL, 0};
    char extra[128], reason[64];

    if (str_copy(reason, sizeof reason, verdict->reason) != 0)
        reason[0] = '\0';
    snprintf(extra, sizeof extra, "Contact: <sip:%s>\r\n%s", self_of(ua)->host,
             verdict->subscription ? "" : "Refer-Sub: false\r\n");
    respond(ua->world, in, verdict->code, reason, NULL, extra, NULL);
    /* The first REFER of a dialog may go without id (RFC 3515 section 2.4.6). */
    leg->event_id = leg->refers++ > 0 ? in->msg.cseq : 0;
    if (verdict->subscription)
        notify(ua, leg, 100, usual, 0);
}

/* Both calls are here: their other parties are connected, and nobody is called. */
static void local_attended(struct ua *ua, struct leg *leg, const struct incoming *in,
                           const struct sipxfer_verdict *verdict)
{
    struct leg *consultation = verdict->dialog;
    struct sipxfer_str usual = {NULL, 0};

    accept_refer(ua, leg, in, verdict);
    bridge(leg->peer, consultation->peer);
    leg_end(ua, consultation, 487, "Request Terminated");
    if (verdict->subscription)
        notify(ua, leg, 200, usual, 1);
}

/* The other party of the call is to talk to somebody who has to be called first. Until that one
 * answers nothing is changed. */
static void dial(struct ua *ua, struct leg *leg, const struct incoming *in,
                 const struct sipxfer_verdict *verdict, int party, struct sipxfer_str uri)
{
    char headers[1024];

    if (str_copy(headers, sizeof headers, verdict->headers) != 0)
        die(ua->world, "headers that are too long");
    accept_refer(ua, leg, in, verdict);
    struct leg *out = leg_call(ua, party, uri, headers);
    out->transferee = leg->peer;
    out->transferor = leg;
    out->notify = verdict->subscription != 0;
    out->depth = verdict->transfer_depth;
    leg->peer->moving = out;
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
static void dialplan(struct ua *ua, struct leg *leg, const struct incoming *in,
                     const struct sipxfer_verdict *verdict)
{
    const struct route *route = route_of(ua, verdict->context, verdict->extension);
    struct sipxfer_str uri = variable(verdict, "SIPREFERTOHDR");
    char text[480];
    int party;

    if (verdict->kind == SIPXFER_VERDICT_REMOTE_ATTENDED) {
        party = resolve(ua->world, uri, NULL);
        snprintf(text, sizeof text,
                 "dialplan %.*s,%.*s:\nSIPTRANSFER=%.*s\nSIPREFERRINGCONTEXT=%.*s\n"
                 "SIPREFERTOHDR=%.*s\nDial(PJSIP/default_outgoing/%.*s)",
                 SIPXFER_ARG(verdict->context), SIPXFER_ARG(verdict->extension),
                 SIPXFER_ARG(variable(verdict, "SIPTRANSFER")),
                 SIPXFER_ARG(variable(verdict, "SIPREFERRINGCONTEXT")), SIPXFER_ARG(uri),
                 SIPXFER_ARG(uri));
    } else {
        party = route != NULL && route->party != NULL ? world_by_name(ua->world, route->party) : -1;
        uri = verdict->target;
        snprintf(text, sizeof text, "dialplan %.*s,%.*s: Dial(PJSIP/%s)",
                 SIPXFER_ARG(verdict->context), SIPXFER_ARG(verdict->extension),
                 party >= 0 ? route->party : "");
    }
    report(ua->world, RECORD_NOTE, -1, "", text);
    if (party < 0)
        respond(ua->world, in, 404, "Not Found", NULL, NULL, NULL);
    else
        dial(ua, leg, in, verdict, party, uri);
}

static void on_refer(struct ua *ua, struct leg *leg, const struct incoming *in)
{
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    ask(ua, in, leg, &request, &verdict);
    const struct leg *consultation = verdict.dialog;
    int pending = leg->peer == NULL || leg->peer->moving != NULL;
    switch (verdict.kind) {
    case SIPXFER_VERDICT_LOCAL_ATTENDED:
        if (pending || consultation == NULL || consultation->peer == NULL)
            respond(ua->world, in, 491, "Request Pending", NULL, NULL, NULL);
        else
            local_attended(ua, leg, in, &verdict);
        break;
    case SIPXFER_VERDICT_REMOTE_ATTENDED:
    case SIPXFER_VERDICT_BLIND:
        if (pending)
            respond(ua->world, in, 491, "Request Pending", NULL, NULL, NULL);
        else
            dialplan(ua, leg, in, &verdict);
        break;
    default:
        refuse(ua, in, &request, &verdict);
        break;
    }
    done(ua, &verdict);
}

/* ---- what becomes of the legs ---- */

static void on_ringing(struct ua *ua, struct leg *leg)
{
    if (awaits_answer(leg->peer))
        leg_ring(ua, leg->peer);
}

static void on_answered(struct ua *ua, struct leg *leg)
{
    struct sipxfer_str usual = {NULL, 0};

    if (leg->transferee == NULL) {
        if (awaits_answer(leg->peer))
            leg_answer(ua, leg->peer);
        return;
    }
    leg->transferee->moving = NULL;
    leg->transferee->depth = leg->depth;
    bridge(leg->transferee, leg);
    if (leg->notify)
        notify(ua, leg->transferor, 200, usual, 1);
}

static void on_failed(struct ua *ua, struct leg *leg, unsigned code, struct sipxfer_str reason)
{
    struct leg *other = leg->transferee != NULL ? leg->transferee : leg->peer;
    char text[64];

    if (leg->transferee != NULL) {
        other->moving = NULL;
        if (leg->notify)
            notify(ua, leg->transferor, code, reason, 1);
        if (other->peer != NULL)
            return; /* the call that there was goes on */
    }
    if (other != NULL && str_copy(text, sizeof text, reason) == 0) {
        other->peer = NULL;
        leg_end(ua, other, code, text);
    }
}

static void on_ended(struct ua *ua, struct leg *leg)
{
    struct leg *peer = leg->peer, *out = leg->moving;

    leg->peer = leg->moving = NULL;
    if (out != NULL) { /* nobody left to transfer */
        out->transferee = NULL;
        if (out->notify)
            notify(ua, out->transferor, 487, str("Request Terminated"), 1);
        leg_end(ua, out, 0, NULL);
    }
    if (peer != NULL) {
        peer->peer = NULL;
        /* A transferor may hang up right after the 202, and the transfer goes on (RFC 5589
         * section 6). */
        if (peer->moving == NULL)
            leg_end(ua, peer, 480, "Temporarily Unavailable");
    }
}

/* What is said on one leg is heard on the other. */
static void on_info(struct ua *ua, struct leg *leg, struct sipxfer_str body)
{
    char text[64];

    if (leg->peer != NULL && leg->peer->state == LEG_TALKING &&
        str_copy(text, sizeof text, body) == 0)
        leg_request(ua, leg->peer, "INFO", "", "text/plain", text);
}

static void on_state(struct ua *ua, char *text, size_t size)
{
    size_t len = 0;

    for (int i = 0; i < ua->leg_count && len < size; i++) {
        const struct leg *leg = &ua->legs[i], *peer = leg->peer;
        const char *name = ua->world->party[leg->party].name, *gap = len > 0 ? "; " : "";
        if (leg->state == LEG_ENDED)
            len += (size_t)snprintf(text + len, size - len, "%send %s/%s", gap, name, leg->call_id);
        else if (peer == NULL)
            len += (size_t)snprintf(text + len, size - len, "%s%s/%s", gap, name, leg->call_id);
        else if (peer > leg)
            len += (size_t)snprintf(
                text + len, size - len, "%s%s/%s %s %s/%s", gap, name, leg->call_id,
                leg->state == LEG_TALKING && peer->state == LEG_TALKING ? "<->" : "...",
                ua->world->party[peer->party].name, peer->call_id);
    }
    if (len < size)
        snprintf(text + len, size - len, "%s", verdicts(ua));
}

void pbx_run(struct world *world)
{
    static const struct ua_events events = {
        .invite = on_invite,
        .ringing = on_ringing,
        .answered = on_answered,
        .failed = on_failed,
        .ended = on_ended,
        .refer = on_refer,
        .info = on_info,
        .state = on_state,
    };
    static struct ua ua;

    ua.world = world;
    ua.on = &events;
    host_open(&ua);
    ua_run(&ua);
    host_close(&ua);
}
