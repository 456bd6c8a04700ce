/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A small B2BUA on pjsua: calls between phones and trunks, bridged with pjsua's conference bridge
 * on a null sound device; blind and attended transfer (local and remote), pickup, park and
 * retrieve, and transfers that an application controls, all decided by sipxfer.
 *
 * pjsua's callbacks come on its own threads with locks of pjsip held. They only put down what has
 * happened; everything is done on sipxfer's queue, which is also where transfers come from. So the
 * tables here need no lock.
 *
 * The dialplan: the name of a peer calls that peer, `park` is where calls are transferred to be
 * parked, 700 and up is where they are taken back, and external_replaces is where a transfer to
 * another PBX leaves.
 */
#include "pbx.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pbx pbx;

enum { FIRST_SLOT = 700 };

/* Something that happened to a call. */
struct happening {
    enum { INCOMING, PROGRESS, ANSWERED, ENDED, MEDIA, REPLACED } kind;
    pjsua_call_id call, made;
    unsigned birth, made_birth;
    const struct peer *peer;
    unsigned code;
    char extension[NAME_SIZE], subject[NAME_SIZE];
};

void say(const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    puts(line); /* one write a line: threads do not mix theirs */
}

/* ---- who is who ---- */

const struct peer *peer_named(struct sipxfer_str name)
{
    for (int i = 0; i < pbx.peer_count; i++)
        if (name.len == strlen(pbx.peers[i].name) &&
            memcmp(name.ptr, pbx.peers[i].name, name.len) == 0)
            return &pbx.peers[i];
    return NULL;
}

/* By source address, as trunks are; a PBX on the open net would ask for digest credentials. */
static const struct peer *peer_from(const pjsip_rx_data *rdata)
{
    char address[64];

    pj_ansi_snprintf(address, sizeof address, "%s:%d", rdata->pkt_info.src_name,
                     rdata->pkt_info.src_port);
    for (int i = 0; i < pbx.peer_count; i++)
        if (strcmp(pbx.peers[i].address, address) == 0)
            return &pbx.peers[i];
    return NULL;
}

static struct sipxfer_str name_of(const struct peer *peer)
{
    struct sipxfer_str name = {NULL, 0};

    if (peer != NULL) {
        name.ptr = peer->name;
        name.len = strlen(peer->name);
    }
    return name;
}

void identify(void *user, pjsip_rx_data *rdata, struct sipxfer_pjsip_peer *out)
{
    pjsua_call_id call = sipxfer_pjsua_call_of(pjsip_rdata_get_dlg(rdata));

    (void)user;
    out->endpoint = out->user = name_of(peer_from(rdata));
    out->transfer_depth = call != PJSUA_INVALID_ID ? pbx.legs[call].depth : 0;
}

/* Who called was identified by address; who was called is the endpoint and no user. */
void dialog_peer(void *user, pjsip_dialog *dialog, struct sipxfer_pjsip_peer *out)
{
    pjsua_call_id call = sipxfer_pjsua_call_of(dialog);
    const struct peer *peer = call != PJSUA_INVALID_ID ? pjsua_call_get_user_data(call) : NULL;

    (void)user;
    out->endpoint = name_of(peer);
    if (dialog->role == PJSIP_ROLE_UAS)
        out->user = out->endpoint;
}

void uri_of(const struct peer *peer, char *uri, size_t size)
{
    pj_ansi_snprintf(uri, size, "sip:%s@%s", peer->name, peer->address);
}

/* ---- legs ---- */

static struct leg *leg_of(pjsua_call_id call)
{
    return call >= 0 && call < PJSUA_MAX_CALLS ? &pbx.legs[call] : NULL;
}

/* pjsua uses the number of a call again as soon as it has ended, while the end may still stand in
 * the queue: what is noted about a call is about the one that was born then. */
static unsigned births[PJSUA_MAX_CALLS];

static int is_same(pjsua_call_id call)
{
    return pbx.legs[call].live && pbx.legs[call].birth == births[call];
}

static void on_ended(pjsua_call_id call, unsigned code);

static void new_leg(pjsua_call_id call, unsigned birth, const struct peer *peer, int incoming,
                    unsigned depth)
{
    struct leg *leg = &pbx.legs[call];

    if (leg->live) /* its end still stands in the queue, and is about another one by then */
        on_ended(call, 0);
    memset(leg, 0, sizeof *leg);
    leg->peer = peer;
    leg->with = PJSUA_INVALID_ID;
    leg->live = 1;
    leg->birth = birth;
    leg->incoming = incoming;
    leg->depth = depth;
}

/* Offers no video, and no text where pjsua would by itself (2.16 and later). */
const pjsua_call_setting *audio_only(void)
{
    static pjsua_call_setting setting;

    pjsua_call_setting_default(&setting);
    setting.vid_cnt = 0;
#if PJ_VERSION_NUM >= 0x02100000
    setting.txt_cnt = 0;
#endif
    return &setting;
}

void expect_answer(pjsua_call_id call, const struct peer *peer, unsigned depth)
{
    new_leg(call, births[call], peer, 0, depth);
}

void hang_up(pjsua_call_id call, unsigned code)
{
    struct leg *leg = leg_of(call);

    if (leg != NULL && is_same(call))
        pjsua_call_hangup(call, code, NULL, NULL);
}

static void answer(pjsua_call_id call, unsigned code)
{
    struct leg *leg = leg_of(call);

    if (leg == NULL || !is_same(call) || !leg->incoming || leg->answered)
        return;
    if (code == 200)
        leg->answered = 1;
    pjsua_call_answer(call, code, NULL, NULL);
}

/* The voices of two legs, once both have media. */
static void connect_media(pjsua_call_id call, int on)
{
    struct leg *leg = &pbx.legs[call], *other = leg_of(leg->with);
    pjsua_conf_port_id a = pjsua_call_get_conf_port(call), b;

    if (other == NULL)
        return;
    b = pjsua_call_get_conf_port(leg->with);
    if (a == PJSUA_INVALID_ID || b == PJSUA_INVALID_ID || leg->connected == on)
        return;
    if (on && leg->media && other->media) {
        pjsua_conf_connect(a, b);
        pjsua_conf_connect(b, a);
    } else if (!on) {
        pjsua_conf_disconnect(a, b);
        pjsua_conf_disconnect(b, a);
    } else {
        return;
    }
    leg->connected = other->connected = on;
}

void part(pjsua_call_id call)
{
    struct leg *leg = leg_of(call), *other = leg != NULL ? leg_of(leg->with) : NULL;

    if (other == NULL)
        return;
    connect_media(call, 0);
    leg->connected = other->connected = 0;
    other->with = leg->with = PJSUA_INVALID_ID;
}

void bridge(pjsua_call_id a, pjsua_call_id b)
{
    if (pbx.legs[a].with != b) { /* else their voices may be connected already, and stay so */
        part(a);
        part(b);
        pbx.legs[a].with = b;
        pbx.legs[b].with = a;
    }
    answer(a, 200);
    answer(b, 200);
    connect_media(a, 1);
    say("bridged %d %s, %d %s", a, pbx.legs[a].peer->name, b, pbx.legs[b].peer->name);
}

int park(pjsua_call_id call)
{
    for (int i = 0; i < MAX_SLOTS; i++) {
        if (pbx.slots[i] != PJSUA_INVALID_ID)
            continue;
        part(call);
        pbx.slots[i] = call;
        say("parked %d %s at %d", call, pbx.legs[call].peer->name, FIRST_SLOT + i);
        return FIRST_SLOT + i;
    }
    return 0;
}

/* ---- calls ---- */

static void retrieve(pjsua_call_id call, int slot)
{
    pjsua_call_id parked = slot >= 0 && slot < MAX_SLOTS ? pbx.slots[slot] : PJSUA_INVALID_ID;

    if (parked == PJSUA_INVALID_ID) {
        answer(call, 404);
        return;
    }
    pbx.slots[slot] = PJSUA_INVALID_ID;
    bridge(call, parked);
}

/* A leg to who was called, for one that comes in; what the call is about goes along. */
static void dial(const struct happening *what, const struct peer *callee)
{
    pj_pool_t *pool = pjsua_pool_create("dial", 512, 512);
    struct sipxfer_str line;
    pjsua_msg_data data;
    pjsua_call_id made;
    pj_status_t status;
    pj_str_t target;
    char text[160];

    if (pool == NULL)
        abort();
    pjsua_msg_data_init(&data);
    line.ptr = text;
    line.len = (size_t)pj_ansi_snprintf(text, sizeof text, "Subject: %s\r\n", what->subject);
    if (what->subject[0] != '\0')
        sipxfer_pjsip_add_lines(pool, &data.hdr_list, line);
    uri_of(callee, text, sizeof text);
    target = pj_str(text);
    status =
        pjsua_call_make_call(callee->account, &target, audio_only(), (void *)callee, &data, &made);
    pj_pool_release(pool);
    if (status != PJ_SUCCESS) {
        answer(what->call, 503);
        return;
    }
    new_leg(made, births[made], callee, 0, 0);
    pbx.legs[made].with = what->call;
    pbx.legs[what->call].with = made;
}

static void incoming(const struct happening *what)
{
    struct sipxfer_str extension = {what->extension, strlen(what->extension)};
    const struct peer *callee = peer_named(extension);

    new_leg(what->call, what->birth, what->peer, 1, 0);
    if (what->peer == NULL)
        answer(what->call, 403);
    else if (callee == NULL)
        retrieve(what->call, atoi(what->extension) - FIRST_SLOT);
    else
        dial(what, callee);
}

static void on_progress(pjsua_call_id call, unsigned code)
{
    struct leg *leg = &pbx.legs[call];

    if (!leg->incoming && leg->with != PJSUA_INVALID_ID && code < 200)
        answer(leg->with, 180);
}

static void on_answered(pjsua_call_id call)
{
    struct leg *leg = &pbx.legs[call];
    struct moving *moving = moving_target(call);

    if (leg->incoming || leg->answered)
        return;
    leg->answered = 1;
    if (moving != NULL)
        moved(moving);
    else if (leg->with != PJSUA_INVALID_ID)
        bridge(call, leg->with);
}

static void on_ended(pjsua_call_id call, unsigned code)
{
    struct leg *leg = &pbx.legs[call], *other = leg_of(leg->with);
    pjsua_call_id with = leg->with;

    if (!leg->live)
        return;
    say("ended %d %s %u", call, leg->peer != NULL ? leg->peer->name : "-", code);
    part(call);
    leg->live = 0;
    for (int i = 0; i < MAX_SLOTS; i++)
        if (pbx.slots[i] == call)
            pbx.slots[i] = PJSUA_INVALID_ID;
    /* A transferor may hang up right after the 202: the other party waits for the target then
     * (RFC 5589 section 6). */
    if (other != NULL && other->live && moving_transferee(with) == NULL) {
        if (other->incoming && !other->answered)
            answer(with, code >= 300 ? code : 480);
        else
            hang_up(with, 0);
    }
    leg_ended(call);
}

/* The new leg stands where the old one stood (RFC 3891 section 3); pjsua answers it and ends the
 * old. */
static void on_replaced(const struct happening *what)
{
    pjsua_call_id old = what->call, made = what->made;
    pjsua_call_id with = pbx.legs[old].with;

    new_leg(made, what->made_birth, what->peer, 1, pbx.legs[old].depth);
    pbx.legs[made].answered = 1;
    say("replaced %d by %d %s", old, made, what->peer->name);
    leg_replaced(old, made);
    part(old);
    if (with != PJSUA_INVALID_ID)
        bridge(made, with);
}

static void happened(void *user, void *argument)
{
    struct happening *what = argument;

    (void)user;
    if (what->kind != INCOMING && what->birth != pbx.legs[what->call].birth) {
        free(what);
        return;
    }
    switch (what->kind) {
    case INCOMING:
        incoming(what);
        break;
    case PROGRESS:
        on_progress(what->call, what->code);
        break;
    case ANSWERED:
        on_answered(what->call);
        break;
    case ENDED:
        on_ended(what->call, what->code);
        break;
    case MEDIA:
        pbx.legs[what->call].media = 1;
        pbx.legs[what->call].connected = 0;
        connect_media(what->call, 1);
        break;
    case REPLACED:
        on_replaced(what);
        break;
    }
    free(what);
}

/* ---- pjsua's callbacks: with locks held ---- */

static struct happening *note(int kind, pjsua_call_id call)
{
    struct happening *what = calloc(1, sizeof *what);

    if (what == NULL)
        abort();
    what->kind = kind;
    what->call = call;
    what->birth = births[call];
    return what;
}

static void on_incoming_call(pjsua_acc_id account, pjsua_call_id call, pjsip_rx_data *rdata)
{
    static const pj_str_t name = {"Subject", 7};
    struct happening *what;
    const pjsip_generic_string_hdr *subject =
        pjsip_msg_find_hdr_by_name(rdata->msg_info.msg, &name, NULL);
    const pjsip_sip_uri *uri = pjsip_uri_get_uri(rdata->msg_info.msg->line.req.uri);

    (void)account;
    births[call]++;
    what = note(INCOMING, call);
    what->peer = peer_from(rdata);
    if (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri))
        pj_ansi_snprintf(what->extension, sizeof what->extension, "%.*s", (int)uri->user.slen,
                         uri->user.ptr);
    if (subject != NULL)
        pj_ansi_snprintf(what->subject, sizeof what->subject, "%.*s", (int)subject->hvalue.slen,
                         subject->hvalue.ptr);
    pjsua_call_set_user_data(call, (void *)what->peer);
    sipxfer_pjsip_later(happened, what);
}

static void on_call_state(pjsua_call_id call, pjsip_event *pjsip)
{
    struct happening *what;
    pjsua_call_info info;

    (void)pjsip;
    if (pjsua_call_get_info(call, &info) != PJ_SUCCESS)
        return;
    if (info.state == PJSIP_INV_STATE_CALLING)
        births[call]++;
    if (info.state == PJSIP_INV_STATE_EARLY && info.role == PJSIP_ROLE_UAC)
        what = note(PROGRESS, call);
    else if (info.state == PJSIP_INV_STATE_CONNECTING && info.role == PJSIP_ROLE_UAC)
        what = note(ANSWERED, call);
    else if (info.state == PJSIP_INV_STATE_DISCONNECTED)
        what = note(ENDED, call);
    else
        return;
    what->code = (unsigned)info.last_status;
    sipxfer_pjsip_later(happened, what);
}

static void on_call_media_state(pjsua_call_id call)
{
    sipxfer_pjsip_later(happened, note(MEDIA, call));
}

/* The sender of the INVITE, for the callback that follows on the same thread. */
static const struct peer *replacing[PJSUA_MAX_CALLS];

static void on_call_replace_request2(pjsua_call_id call, pjsip_rx_data *rdata, int *code,
                                     pj_str_t *text, pjsua_call_setting *setting)
{
    (void)text, (void)setting;
    replacing[call] = peer_from(rdata);
    if (replacing[call] == NULL)
        *code = PJSIP_SC_FORBIDDEN;
}

static void on_call_replaced(pjsua_call_id old, pjsua_call_id made)
{
    struct happening *what = note(REPLACED, old);

    what->made = made;
    what->made_birth = ++births[made];
    what->peer = replacing[old];
    pjsua_call_set_user_data(made, (void *)what->peer);
    sipxfer_pjsip_later(happened, what);
}

/* For the queue, where an end of the call is noted before its dialog goes. */
pjsip_dialog *dialog_of_leg(pjsua_call_id call)
{
    pjsua_call_info info;

    if (leg_of(call) == NULL || !is_same(call) || pjsua_call_get_info(call, &info) != PJ_SUCCESS ||
        info.state == PJSIP_INV_STATE_DISCONNECTED)
        return NULL;
    return sipxfer_pjsua_dialog_of(call);
}

void set_callbacks(pjsua_callback *callbacks)
{
    callbacks->on_incoming_call = on_incoming_call;
    callbacks->on_call_state = on_call_state;
    callbacks->on_call_media_state = on_call_media_state;
    callbacks->on_call_replace_request2 = on_call_replace_request2;
    callbacks->on_call_replaced = on_call_replaced;
}
