/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A PBX as a B2BUA: each call is two legs that it bridges. Every INVITE is shown to the library
 * (host.c), and its verdict is carried out, nothing else (takeover.c); so is every REFER
 * (transfer.c).
 */
#include "demo.h"

#include <stdio.h>
#include <string.h>

/* ---- calls ---- */

struct sipxfer_dialog_key leg_key(const struct leg *leg)
{
    struct sipxfer_dialog_key key;

    SIPXFER_INIT(key);
    key.call_id = str(leg->call_id);
    key.local_tag = str(leg->local_tag);
    key.remote_tag = str(leg->remote_tag);
    return key;
}

void unbridge(struct leg *leg)
{
    if (leg->peer != NULL)
        leg->peer->peer = NULL;
    leg->peer = NULL;
}

void bridge(struct leg *a, struct leg *b)
{
    unbridge(a);
    unbridge(b);
    a->peer = b;
    b->peer = a;
}

static int awaits_answer(const struct leg *leg)
{
    return leg != NULL && leg->state == LEG_RINGING && !leg->outgoing;
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
    uint64_t takeover = 0;

    ask_invite(ua, in, &request, &verdict, &takeover);
    switch (verdict.kind) {
    case SIPXFER_VERDICT_NONE:
        new_call(ua, in);
        break;
    case SIPXFER_VERDICT_ACCEPT:
        takeover_begin(ua, in, &verdict, takeover);
        break;
    case SIPXFER_VERDICT_AGAIN: /* which the loopback interface never brings */
        break;
    default: /* what this PBX does not know is a refusal */
        refuse(ua, in, &request, &verdict);
        break;
    }
    done(ua, &verdict);
}

/* ---- what becomes of the legs ---- */

/* The transfer that this leg is called for, or NULL. */
static struct transfer *called_for(struct ua *ua, const struct leg *leg)
{
    struct transfer *transfer = transfer_of(ua, leg);

    return transfer != NULL && transfer->target == leg ? transfer : NULL;
}

static void on_ringing(struct ua *ua, struct leg *leg, unsigned code, struct sipxfer_str reason)
{
    struct transfer *transfer = called_for(ua, leg);

    if (transfer != NULL)
        transfer_response(ua, transfer, code, reason);
    else if (awaits_answer(leg->peer))
        leg_ring(ua, leg->peer);
}

static void on_answered(struct ua *ua, struct leg *leg)
{
    struct transfer *transfer = called_for(ua, leg);

    if (transfer != NULL)
        transfer_response(ua, transfer, 200, str("OK"));
    else if (awaits_answer(leg->peer))
        leg_answer(ua, leg->peer);
}

static void on_failed(struct ua *ua, struct leg *leg, unsigned code, struct sipxfer_str reason)
{
    struct transfer *transfer = called_for(ua, leg);
    struct leg *peer = leg->peer;
    char text[64];

    if (transfer != NULL) {
        transfer_response(ua, transfer, code, reason);
    } else if (peer != NULL && str_copy(text, sizeof text, reason) == 0) {
        unbridge(leg);
        leg_end(ua, peer, code, text);
    }
}

static void on_ended(struct ua *ua, struct leg *leg)
{
    struct transfer *transfer = transfer_of(ua, leg);
    struct leg *peer = leg->peer;

    unbridge(leg);
    transfer_hung_up(ua, transfer, leg);
    takeover_leg_ended(ua, leg);
    /* A transferor may hang up right after the 202, and the transfer goes on (RFC 5589
     * section 6): it then says what becomes of the other party. */
    if (peer != NULL && (transfer == NULL || transfer->transferee != peer))
        leg_end(ua, peer, 480, "Temporarily Unavailable");
}

static void on_response(struct ua *ua, struct leg *leg, const struct incoming *in)
{
    if (str_is(in->msg.cseq_method, "NOTIFY"))
        transfer_notify_answered(ua, leg, in);
    else if (str_is(in->msg.cseq_method, "BYE"))
        takeover_leg_ended(ua, leg);
}

/* The CANCEL has had its effect. */
static void on_cancelled(struct ua *ua, struct leg *leg)
{
    takeover_leg_ended(ua, leg);
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
        snprintf(text + len, size - len, "%s", history(ua));
}

static void on_tick(struct ua *ua)
{
    transfer_tick(ua);
    takeover_tick(ua);
    park_tick(ua);
}

void pbx_run(struct world *world)
{
    static const struct ua_events events = {
        .invite = on_invite,
        .ringing = on_ringing,
        .answered = on_answered,
        .failed = on_failed,
        .ended = on_ended,
        .cancelled = on_cancelled,
        .refer = transfer_refer,
        .info = on_info,
        .response = on_response,
        .tick = on_tick,
        .state = on_state,
    };
    static struct ua ua;

    ua.world = world;
    ua.on = &events;
    host_open(&ua);
    ua_run(&ua);
    host_close(&ua);
}
