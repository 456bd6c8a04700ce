/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The target's side of a transfer: an INVITE whose Replaces was accepted takes the place of another
 * call. The library says step by step what is to be done, and the old call is not touched before
 * the new one is answered. And the calls that wait in the park lot, which are had in the same
 * manner.
 */
#include "demo.h"

#include <stdio.h>
#include <string.h>

static int awaits_answer(const struct leg *leg)
{
    return leg->state == LEG_RINGING && !leg->outgoing;
}

/* What a PBX would find out by SDP: is there a codec that both know? */
static int has_media(const struct incoming *in)
{
    char sdp[1024];

    return str_copy(sdp, sizeof sdp, in->msg.body) == 0 && strstr(sdp, COMMON_CODEC) != NULL;
}

/* ---- the park lot ---- */

/* What the lot wants done. Nobody subscribes to it here, so that is to ring somebody back. */
static void park_outputs(struct ua *ua)
{
    char buffer[512], name[32];
    struct sipxfer_park_output output;
    size_t needed = 0;

    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = sipxfer_park_next(ua->engine, buffer, sizeof buffer, &needed, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return;
        check(ua, status, "sipxfer_park_next");
        if (output.kind != SIPXFER_PARK_OUTPUT_RING_BACK)
            continue;
        if (str_copy(name, sizeof name, output.parker) != 0)
            die(ua->world, "a name that is too long");
        char text[64], uri[96];
        int party = world_by_name(ua->world, name);
        snprintf(text, sizeof text, "ring %s back", name);
        history_add(ua, text);
        note(ua, "=> %s", text);
        snprintf(uri, sizeof uri, "sip:%s@%s", name, ua->world->party[party].host);
        bridge(&ua->legs[output.handle], leg_call(ua, party, str(uri), ""));
    }
}

void park(struct ua *ua, struct transfer *transfer)
{
    struct leg *leg = transfer->transferee;
    const struct party *self = &ua->world->party[ua->world->self];
    char token[SIPXFER_PARK_TOKEN_SIZE], text[64];
    struct sipxfer_str place = {token, 0};
    struct sipxfer_park_call call;

    SIPXFER_INIT(call);
    call.call_id = str(leg->call_id);
    call.local_tag = str(leg->local_tag);
    call.remote_tag = str(leg->remote_tag);
    call.parker = str(ua->world->party[transfer->transferor->party].name);
    call.party = str(leg->remote_uri);
    call.handle = (uint64_t)(leg - ua->legs);
    call.place = SIPXFER_PARK_LOWEST;
    check(ua, sipxfer_park(ua->engine, &call, clock_ms(), token, sizeof token, &place.len),
          "sipxfer_park");
    snprintf(text, sizeof text, "parked %.*s", SIPXFER_ARG(place));
    history_add(ua, text);
    note(ua, "=> %s", text);
    unbridge(leg);
    check(ua,
          sipxfer_transfer_parked(ua->engine, transfer->id, place.ptr, place.len, self->host,
                                  strlen(self->host), clock_ms()),
          "sipxfer_transfer_parked");
}

void park_tick(struct ua *ua)
{
    park_outputs(ua);
}

/* The party that waits is who is wanted; 0 where somebody else is faster. */
static int claim(struct ua *ua, struct takeover *takeover)
{
    struct sipxfer_dialog_key key = leg_key(takeover->old);
    struct sipxfer_parked parked;
    char buffer[512];
    size_t needed = 0;

    SIPXFER_INIT(parked);
    int32_t status = sipxfer_park_claim_dialog(ua->engine, &key, clock_ms(), buffer, sizeof buffer,
                                               &needed, &parked);
    if (status == SIPXFER_E_TAKEN || status == SIPXFER_E_NOT_FOUND)
        return 0;
    check(ua, status, "sipxfer_park_claim_dialog");
    takeover->claim = parked.claim;
    return 1;
}

/* ---- takeovers ---- */

static void answer_new(struct ua *ua, struct takeover *takeover, uint32_t code)
{
    struct leg *leg = takeover->leg;

    if (code < 300 && takeover->partner == NULL)
        code = 480; /* nobody to talk to */
    else if (code < 300 && !has_media(&leg->invite))
        code = 488;
    else if (code < 300 && takeover->old_dialog == SIPXFER_OLD_DIALOG_NOTHING &&
             !claim(ua, takeover))
        code = 603;
    if (code < 300) {
        leg_answer(ua, leg);
        check(ua, sipxfer_takeover_answered(ua->engine, takeover->id, clock_ms()),
              "sipxfer_takeover_answered");
        return;
    }
    leg_end(ua, leg, code,
            code == 488   ? "Not Acceptable Here"
            : code == 480 ? "Temporarily Unavailable"
                          : "Decline");
    check(ua, sipxfer_takeover_not_answered(ua->engine, takeover->id, code, clock_ms()),
          "sipxfer_takeover_not_answered");
}

static void take_over(struct ua *ua, struct takeover *takeover)
{
    note(ua, "=> take over");
    bridge(takeover->leg, takeover->partner);
    if (awaits_answer(takeover->partner)) /* pickup: the caller still waits */
        leg_answer(ua, takeover->partner);
    if (takeover->claim == 0)
        return;
    check(ua, sipxfer_park_retrieved(ua->engine, takeover->claim, clock_ms()),
          "sipxfer_park_retrieved");
    park_outputs(ua);
}

static void end_old(struct ua *ua, struct takeover *takeover, const char *what)
{
    note(ua, "=> %s to the old call", what);
    leg_end(ua, takeover->old, 487, "Request Terminated");
}

static void carry_out(struct ua *ua, struct takeover *takeover,
                      const struct sipxfer_takeover_output *output)
{
    char text[32];

    switch (output->kind) {
    case SIPXFER_TAKEOVER_ANSWER_NEW:
        answer_new(ua, takeover, output->code);
        break;
    case SIPXFER_TAKEOVER_TAKE_OVER:
        take_over(ua, takeover);
        break;
    case SIPXFER_TAKEOVER_BYE_OLD:
        end_old(ua, takeover, "BYE");
        break;
    case SIPXFER_TAKEOVER_CANCEL_OLD: /* a 2xx that crosses it is acknowledged and ended in ua.c */
        end_old(ua, takeover, "CANCEL");
        break;
    case SIPXFER_TAKEOVER_REJECT_OLD:
        end_old(ua, takeover, "487");
        check(ua, sipxfer_takeover_old_ended(ua->engine, takeover->id, clock_ms()),
              "sipxfer_takeover_old_ended");
        break;
    case SIPXFER_TAKEOVER_END_NEW:
        leg_end(ua, takeover->leg, 0, NULL);
        break;
    case SIPXFER_TAKEOVER_LEAVE_OLD:
        note(ua, "=> leave the old call");
        break;
    case SIPXFER_TAKEOVER_FINISHED:
        if (output->code >= 300 && takeover->claim != 0)
            check(ua, sipxfer_park_release(ua->engine, takeover->claim, clock_ms()),
                  "sipxfer_park_release");
        snprintf(text, sizeof text, "takeover %u", (unsigned)output->code);
        history_add(ua, text);
        note(ua, "=> %s", text);
        break;
    default:
        break;
    }
}

static void outputs(struct ua *ua, uint64_t id)
{
    struct sipxfer_takeover_output output;

    for (;;) {
        SIPXFER_INIT(output);
        int32_t status = sipxfer_takeover_next(ua->engine, id, &output);
        if (status == SIPXFER_E_NOT_FOUND)
            return;
        check(ua, status, "sipxfer_takeover_next");
        for (int i = 0; i < ua->takeover_count; i++)
            if (ua->takeovers[i].id == output.takeover)
                carry_out(ua, &ua->takeovers[i], &output);
    }
}

void takeover_begin(struct ua *ua, const struct incoming *in, const struct sipxfer_verdict *verdict,
                    uint64_t id)
{
    struct leg *old = verdict->dialog;

    if (ua->takeover_count == MAX_TAKEOVERS)
        die(ua->world, "too many takeovers");
    struct takeover *takeover = &ua->takeovers[ua->takeover_count++];
    takeover->id = id;
    takeover->old = old;
    takeover->old_dialog = verdict->old_dialog;
    takeover->partner = verdict->old_dialog == SIPXFER_OLD_DIALOG_NOTHING ? old : old->peer;
    takeover->leg = leg_accept(ua, in);
    if (takeover->leg == NULL) /* which has answered it */
        check(ua, sipxfer_takeover_not_answered(ua->engine, id, 500, clock_ms()),
              "sipxfer_takeover_not_answered");
    outputs(ua, id);
}

void takeover_leg_ended(struct ua *ua, const struct leg *leg)
{
    struct sipxfer_dialog_key key = leg_key(leg);
    uint64_t id = 0;
    uint32_t side = 0;

    int32_t status = sipxfer_takeover_find(ua->engine, &key, &id, &side);
    if (status == SIPXFER_OK) {
        check(ua,
              (side == SIPXFER_TAKEOVER_SIDE_OLD
                   ? sipxfer_takeover_old_ended
                   : sipxfer_takeover_new_ended)(ua->engine, id, clock_ms()),
              "the end of a call in a takeover");
        outputs(ua, id);
    } else if (status != SIPXFER_E_NOT_FOUND) {
        check(ua, status, "sipxfer_takeover_find");
    }
    /* Where it waited in the lot it is out of that too. */
    check(ua, sipxfer_dialog_ended(ua->engine, &key, clock_ms()), "sipxfer_dialog_ended");
    park_outputs(ua);
}

void takeover_tick(struct ua *ua)
{
    outputs(ua, 0);
}
