/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A phone: calls, answers, transfers. What it needs of sipxfer is level 1, the headers.
 */
#include "demo.h"

#include <stdio.h>
#include <string.h>

struct phone {
    char history[256]; /* what came of its REFERs and calls, and whom it heard */
};

static void remember(struct ua *ua, const char *text)
{
    struct phone *phone = ua->user;
    size_t len = strlen(phone->history), room = sizeof phone->history - len;
    int more = snprintf(phone->history + len, room, "; %s", text);

    if (more < 0 || (size_t)more >= room)
        die(ua->world, "the history is full");
}

static void on_invite(struct ua *ua, const struct incoming *in)
{
    const struct party *self = &ua->world->party[ua->world->self];
    struct leg *leg = leg_accept(ua, in);

    if (leg == NULL)
        return;
    if (self->busy) {
        leg_end(ua, leg, 486, "Busy Here");
        return;
    }
    leg_ring(ua, leg);
    if (!self->rings_only)
        leg_answer(ua, leg);
}

static void on_failed(struct ua *ua, struct leg *leg, unsigned code, struct sipxfer_str reason)
{
    char text[32];

    (void)leg, (void)reason;
    snprintf(text, sizeof text, "INVITE %u", code);
    remember(ua, text);
}

static void on_response(struct ua *ua, struct leg *leg, const struct incoming *in)
{
    char text[32];

    (void)leg;
    if (!str_is(in->msg.cseq_method, "REFER"))
        return;
    snprintf(text, sizeof text, "REFER %u", (unsigned)in->msg.status);
    remember(ua, text);
}

/* It may come before the answer to the REFER (RFC 3515 section 2.4.4). */
static void on_notify(struct ua *ua, struct leg *leg, const struct incoming *in)
{
    struct sipxfer_str event_value = header(in, "Event");
    struct sipxfer_str state_value = header(in, "Subscription-State");
    struct sipxfer_event_header event;
    struct sipxfer_subscription_state state;
    struct sipxfer_sipfrag frag;
    char text[48];

    SIPXFER_INIT(event);
    SIPXFER_INIT(state);
    SIPXFER_INIT(frag);
    if (sipxfer_event_header_parse(event_value.ptr, event_value.len, &event, NULL) != SIPXFER_OK ||
        !str_is(event.package, "refer")) {
        respond(ua->world, in, 489, "Bad Event", NULL, NULL, NULL);
        return;
    }
    if (sipxfer_subscription_state_parse(state_value.ptr, state_value.len, &state, NULL) !=
            SIPXFER_OK ||
        sipxfer_sipfrag_parse(in->msg.body.ptr, in->msg.body.len, &frag, NULL) != SIPXFER_OK) {
        respond(ua->world, in, 400, "Bad Request", NULL, NULL, NULL);
        return;
    }
    respond(ua->world, in, 200, "OK", NULL, NULL, NULL);

    int over = state.state == SIPXFER_SUBSCRIPTION_TERMINATED;
    snprintf(text, sizeof text, "NOTIFY %u%s", (unsigned)frag.code, over ? " terminated" : "");
    remember(ua, text);
    /* Only now is the call of no more use here; after a failure it goes on as before. */
    if (over && frag.code / 100 == 2)
        leg_end(ua, leg, 0, NULL);
}

static void on_info(struct ua *ua, struct leg *leg, struct sipxfer_str body)
{
    char text[64];

    (void)leg;
    snprintf(text, sizeof text, "heard %.*s", SIPXFER_ARG(body));
    remember(ua, text);
}

static void call(struct ua *ua, const char *uri, const char *extra)
{
    int party = resolve(ua->world, str(uri), NULL);

    if (party < 0)
        die(ua->world, "a URI that leads nowhere");
    leg_call(ua, party, str(uri), extra);
}

/* Refers the other side of one call to a URI: a blind transfer, or with a second call to that URI
 * an attended one. */
static void refer(struct ua *ua, struct leg *leg, const char *uri, const struct leg *consultation)
{
    const struct party *self = &ua->world->party[ua->world->self];
    struct sipxfer_refer_to_target target;
    struct sipxfer_replaces replaces;
    struct sipxfer_referred_by referred_by;
    char refer_to[256], referrer[128], extra[640];
    size_t refer_to_len = 0, referrer_len = 0;

    SIPXFER_INIT(target);
    target.uri = str(uri);
    if (consultation != NULL) {
        /* As the target sees the dialog: its own tag is the to-tag. */
        SIPXFER_INIT(replaces);
        replaces.call_id = str(consultation->call_id);
        replaces.to_tag = str(consultation->remote_tag);
        replaces.from_tag = str(consultation->local_tag);
        target.replaces = &replaces;
        target.dialog_state =
            consultation->state == LEG_TALKING ? SIPXFER_DIALOG_CONFIRMED : SIPXFER_DIALOG_EARLY;
        target.dialog_initiator =
            consultation->outgoing ? SIPXFER_INITIATOR_LOCAL : SIPXFER_INITIATOR_REMOTE;
    }
    check(ua, sipxfer_refer_to_build(&target, refer_to, sizeof refer_to, &refer_to_len),
          "Refer-To");
    SIPXFER_INIT(referred_by);
    referred_by.uri = str(leg->local_uri);
    check(ua, sipxfer_referred_by_print(&referred_by, referrer, sizeof referrer, &referrer_len),
          "Referred-By");
    snprintf(extra, sizeof extra, "Contact: <sip:%s@%s>\r\nRefer-To: %.*s\r\nReferred-By: %.*s\r\n",
             self->name, self->host, (int)refer_to_len, refer_to, (int)referrer_len, referrer);
    leg_request(ua, leg, "REFER", extra, NULL, "");
}

/* Takes a dialog over, as an INVITE with Replaces asks for. */
static void replace(struct ua *ua, const char *uri, const char *call_id, const char *to_tag,
                    const char *from_tag, int early)
{
    struct sipxfer_invite_headers headers;
    struct sipxfer_replaces replaces;
    char extra[256];
    size_t len = 0;

    SIPXFER_INIT(replaces);
    replaces.call_id = str(call_id);
    replaces.to_tag = str(to_tag);
    replaces.from_tag = str(from_tag);
    replaces.early_only = early ? 1 : 0;
    SIPXFER_INIT(headers);
    headers.replaces = &replaces;
    /* Pickup: the dialog is early, and the PBX, which is the recipient, began it. */
    headers.dialog_state = early ? SIPXFER_DIALOG_EARLY : SIPXFER_DIALOG_CONFIRMED;
    headers.dialog_initiator = SIPXFER_INITIATOR_REMOTE;
    check(ua, sipxfer_invite_headers_build(&headers, extra, sizeof extra - 1, &len), "Replaces");
    extra[len] = '\0';
    call(ua, uri, extra);
}

static void on_command(struct ua *ua, char *text)
{
    char a[4][96] = {"", "", "", ""}, verb[16];
    int n = sscanf(text, "%15s %95s %95s %95s %95s", verb, a[0], a[1], a[2], a[3]);

    if (n == 2 && strcmp(verb, "call") == 0) { /* call URI */
        call(ua, a[0], "");
    } else if ((n == 3 || n == 4) && strcmp(verb, "refer") == 0) { /* refer CALL URI [CALL] */
        struct leg *leg = leg_by_call_id(ua, a[0]);
        struct leg *consultation = n == 4 ? leg_by_call_id(ua, a[2]) : NULL;
        if (leg == NULL || (n == 4 && consultation == NULL))
            die(ua->world, "no such call");
        refer(ua, leg, a[1], consultation);
    } else if (n == 5 && strcmp(verb, "pickup") == 0) { /* pickup URI CALL-ID TO-TAG FROM-TAG */
        replace(ua, a[0], a[1], a[2], a[3], 1);
    } else if (n == 5 && strcmp(verb, "replace") == 0) { /* the same for a confirmed dialog */
        replace(ua, a[0], a[1], a[2], a[3], 0);
    } else if (n == 2 && strcmp(verb, "hangup") == 0) { /* hangup CALL */
        struct leg *leg = leg_by_call_id(ua, a[0]);
        if (leg == NULL)
            die(ua->world, "no such call");
        leg_end(ua, leg, 0, NULL);
    } else if (n == 1 && (strcmp(verb, "answer") == 0 || strcmp(verb, "decline") == 0)) {
        for (int i = 0; i < ua->leg_count; i++) {
            struct leg *leg = &ua->legs[i];
            if (leg->state == LEG_RINGING && !leg->outgoing && verb[0] == 'a')
                leg_answer(ua, leg);
            else if (leg->state == LEG_RINGING && !leg->outgoing)
                leg_end(ua, leg, 603, "Decline");
        }
    } else if (n == 1 && strcmp(verb, "speak") == 0) { /* to whoever is on the line */
        for (int i = 0; i < ua->leg_count; i++)
            if (ua->legs[i].state == LEG_TALKING)
                leg_request(ua, &ua->legs[i], "INFO", "", "text/plain",
                            ua->world->party[ua->world->self].title);
    } else {
        die(ua->world, "an unknown command");
    }
}

static void on_state(struct ua *ua, char *text, size_t size)
{
    static const char *const words[] = {"calling", "ringing", "talking", ""};
    const struct phone *phone = ua->user;
    size_t len = 0;

    for (int i = 0; i < ua->leg_count && len < size; i++)
        if (ua->legs[i].state != LEG_ENDED)
            len += (size_t)snprintf(text + len, size - len, "%s%s on %s", len > 0 ? ", " : "",
                                    words[ua->legs[i].state], ua->legs[i].call_id);
    if (len < size)
        snprintf(text + len, size - len, "%s%s", len == 0 ? "idle" : "", phone->history);
}

void phone_run(struct world *world)
{
    static const struct ua_events events = {
        .invite = on_invite,
        .failed = on_failed,
        .notify = on_notify,
        .info = on_info,
        .response = on_response,
        .command = on_command,
        .state = on_state,
    };
    static struct ua ua;
    struct phone phone = {""};

    ua.world = world;
    ua.on = &events;
    ua.user = &phone;
    ua_run(&ua);
}
