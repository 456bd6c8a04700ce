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

#define THIS_FILE "pbx.c"

struct pbx pbx;

enum { FIRST_SLOT = 700 };

/* Something that happened to a call. */
struct happening {
    enum { INCOMING, PROGRESS, ANSWERED, ENDED, MEDIA, REPLACED } kind;
    pjsua_call_id call, made;
    const struct peer *peer;
    unsigned code;
    char extension[NAME_SIZE];
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

static void identify(void *user, pjsip_rx_data *rdata, struct sipxfer_pjsip_peer *out)
{
    pjsua_call_id call = sipxfer_pjsua_call_of(pjsip_rdata_get_dlg(rdata));

    (void)user;
    out->endpoint = out->user = name_of(peer_from(rdata));
    out->transfer_depth = call != PJSUA_INVALID_ID ? pbx.legs[call].depth : 0;
}

/* Who called was identified by address; who was called is the endpoint and no user. */
static void dialog_peer(void *user, pjsip_dialog *dialog, struct sipxfer_pjsip_peer *out)
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

static void new_leg(pjsua_call_id call, const struct peer *peer, int incoming, unsigned depth)
{
    struct leg *leg = &pbx.legs[call];

    memset(leg, 0, sizeof *leg);
    leg->peer = peer;
    leg->with = PJSUA_INVALID_ID;
    leg->live = 1;
    leg->incoming = incoming;
    leg->depth = depth;
}

void expect_answer(pjsua_call_id call, const struct peer *peer, unsigned depth)
{
    new_leg(call, peer, 0, depth);
}

void hang_up(pjsua_call_id call, unsigned code)
{
    struct leg *leg = leg_of(call);

    if (leg != NULL && leg->live)
        pjsua_call_hangup(call, code, NULL, NULL);
}

static void answer(pjsua_call_id call, unsigned code)
{
    struct leg *leg = leg_of(call);

    if (leg == NULL || !leg->live || !leg->incoming || leg->answered)
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
    part(a);
    part(b);
    pbx.legs[a].with = b;
    pbx.legs[b].with = a;
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

static void incoming(const struct happening *what)
{
    struct sipxfer_str extension = {what->extension, strlen(what->extension)};
    const struct peer *callee = peer_named(extension);
    pjsua_call_id made;
    char uri[160];
    pj_str_t target;

    new_leg(what->call, what->peer, 1, 0);
    if (what->peer == NULL) {
        answer(what->call, 403);
    } else if (callee == NULL) {
        retrieve(what->call, atoi(what->extension) - FIRST_SLOT);
    } else {
        uri_of(callee, uri, sizeof uri);
        target = pj_str(uri);
        if (pjsua_call_make_call(callee->account, &target, NULL, (void *)callee, NULL, &made) !=
            PJ_SUCCESS) {
            answer(what->call, 503);
            return;
        }
        new_leg(made, callee, 0, 0);
        pbx.legs[made].with = what->call;
        pbx.legs[what->call].with = made;
    }
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
static void on_replaced(pjsua_call_id old, pjsua_call_id made, const struct peer *peer)
{
    pjsua_call_id with = pbx.legs[old].with;

    new_leg(made, peer, 1, pbx.legs[old].depth);
    pbx.legs[made].answered = 1;
    say("replaced %d by %d %s", old, made, peer->name);
    leg_replaced(old, made);
    part(old);
    if (with != PJSUA_INVALID_ID)
        bridge(made, with);
}

static void happened(void *user, void *argument)
{
    struct happening *what = argument;

    (void)user;
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
        on_replaced(what->call, what->made, what->peer);
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
    return what;
}

static void on_incoming_call(pjsua_acc_id account, pjsua_call_id call, pjsip_rx_data *rdata)
{
    struct happening *what = note(INCOMING, call);
    const pjsip_sip_uri *uri = pjsip_uri_get_uri(rdata->msg_info.msg->line.req.uri);

    (void)account;
    what->peer = peer_from(rdata);
    if (PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri))
        pj_ansi_snprintf(what->extension, sizeof what->extension, "%.*s", (int)uri->user.slen,
                         uri->user.ptr);
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
    what->peer = replacing[old];
    pjsua_call_set_user_data(made, (void *)what->peer);
    sipxfer_pjsip_later(happened, what);
}

/* ---- the command line ---- */

static void show_calls(void *user, void *argument)
{
    (void)user, (void)argument;
    for (pjsua_call_id i = 0; i < PJSUA_MAX_CALLS; i++)
        if (pbx.legs[i].live)
            say("call %d %s %s with %d", i, pbx.legs[i].peer ? pbx.legs[i].peer->name : "-",
                pbx.legs[i].answered ? "up" : "ringing", pbx.legs[i].with);
    show_transfers();
    say("done");
}

static void show_counters(void *user, void *argument)
{
    struct sipxfer_pjsip_counters counters;

    (void)user, (void)argument;
    sipxfer_pjsip_count(&counters);
    say("counters verified %lu refused %lu referred %lu transfers %lu pinned %lu calls %u panics "
        "%lu",
        counters.verified, counters.refused, counters.referred, counters.transfers, counters.pinned,
        pjsua_call_get_count(), (unsigned long)sipxfer_panic_count());
}

static void hang_up_now(void *user, void *argument)
{
    (void)user;
    hang_up((pjsua_call_id)(pj_ssize_t)argument, 0);
}

static void commanded(uint64_t transfer, int32_t status)
{
    say("commanded %llu: %s", (unsigned long long)transfer, sipxfer_strerror(status));
}

static void steer(const char *line)
{
    unsigned long long id;
    char word[40];
    int number;

    if (strncmp(line, "calls", 5) == 0)
        sipxfer_pjsip_later(show_calls, NULL);
    else if (strncmp(line, "counters", 8) == 0)
        sipxfer_pjsip_later(show_counters, NULL);
    else if (sscanf(line, "hangup %d", &number) == 1)
        sipxfer_pjsip_later(hang_up_now, (void *)(pj_ssize_t)number);
    else if (sscanf(line, "transfer %llu %39s", &id, word) == 2)
        sipxfer_pjsip_command(id, word, commanded);
    else
        say("commands: calls, counters, hangup CALL, transfer ID STATE, quit");
}

static void usage(void)
{
    fprintf(stderr,
            "pbx --port PORT [--bind ADDRESS] [--peer NAME=HOST:PORT] [--trunk NAME=HOST:PORT]\n"
            "    [--pickup NAME]... [--set 'NAME=VALUE'] [--set 'endpoint:NAME NAME=VALUE']\n"
            "    [--log LEVEL]\n"
            "--pickup: who may pick up for one another. Commands come by standard input.\n");
    exit(2);
}

static void add_peer(char *value, int trunk)
{
    struct peer *peer = &pbx.peers[pbx.peer_count];
    char *equals = strchr(value, '=');

    if (equals == NULL || pbx.peer_count == MAX_PEERS)
        usage();
    *equals = '\0';
    pj_ansi_snprintf(peer->name, sizeof peer->name, "%s", value);
    pj_ansi_snprintf(peer->address, sizeof peer->address, "%s", equals + 1);
    peer->trunk = trunk;
    pbx.peer_count++;
}

static void add_setting(char *value)
{
    char *equals = strchr(value, '=');

    if (equals == NULL || pbx.setting_count + 2 >= (int)PJ_ARRAY_SIZE(pbx.settings))
        usage();
    *equals = '\0';
    pbx.settings[pbx.setting_count++] = value;
    pbx.settings[pbx.setting_count++] = equals + 1;
}

static void read_arguments(int argc, char **argv)
{
    pbx.log_level = 2;
    pbx.bind = "127.0.0.1";
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc)
            usage();
        if (strcmp(argv[i], "--port") == 0)
            pbx.port = atoi(argv[i + 1]);
        else if (strcmp(argv[i], "--bind") == 0)
            pbx.bind = argv[i + 1];
        else if (strcmp(argv[i], "--peer") == 0)
            add_peer(argv[i + 1], 0);
        else if (strcmp(argv[i], "--trunk") == 0)
            add_peer(argv[i + 1], 1);
        else if (strcmp(argv[i], "--pickup") == 0 && pbx.pickup_count < MAX_PEERS)
            pbx.pickup[pbx.pickup_count++] = argv[i + 1];
        else if (strcmp(argv[i], "--set") == 0)
            add_setting(argv[i + 1]);
        else if (strcmp(argv[i], "--log") == 0)
            pbx.log_level = atoi(argv[i + 1]);
        else
            usage();
    }
    if (pbx.port == 0)
        usage();
}

static void must(pj_status_t status, const char *what)
{
    char text[PJ_ERR_MSG_SIZE];

    if (status == PJ_SUCCESS)
        return;
    pj_strerror(status, text, sizeof text);
    fprintf(stderr, "pbx: %s: %s\n", what, text);
    exit(1);
}

/* One account a peer: what that peer calls is ours, and what calls it is From our side. */
static void add_accounts(void)
{
    pjsua_acc_config config;
    char id[96];

    for (int i = 0; i < pbx.peer_count; i++) {
        pjsua_acc_config_default(&config);
        pj_ansi_snprintf(id, sizeof id, "<sip:%s@%s:%d>", pbx.peers[i].name, pbx.bind, pbx.port);
        config.id = pj_str(id);
        config.rtp_cfg.port = 20000;
        config.rtp_cfg.bound_addr = config.rtp_cfg.public_addr = pj_str((char *)pbx.bind);
        must(pjsua_acc_add(&config, i == 0, &pbx.peers[i].account), "an account");
    }
}

static void open_pjsua(void)
{
    struct sipxfer_pjsip_options options;
    pjsua_transport_config transport;
    pjsua_logging_config logging;
    pjsua_media_config media;
    pjsua_config config;

    must(pjsua_create(), "pjsua");
    pjsua_config_default(&config);
    config.max_calls = PJSUA_MAX_CALLS;
    config.thread_cnt = 2;
    config.cb.on_incoming_call = on_incoming_call;
    config.cb.on_call_state = on_call_state;
    config.cb.on_call_media_state = on_call_media_state;
    config.cb.on_call_replace_request2 = on_call_replace_request2;
    config.cb.on_call_replaced = on_call_replaced;
    sipxfer_pjsua_callbacks(&config.cb);
    pjsua_logging_config_default(&logging);
    logging.console_level = (unsigned)pbx.log_level;
    logging.level = (unsigned)pbx.log_level;
    pjsua_media_config_default(&media);
    media.clock_rate = media.snd_clock_rate = 8000;
    media.max_media_ports = PJSUA_MAX_CONF_PORTS;
    media.no_vad = PJ_TRUE;
    media.ec_tail_len = 0;
    must(pjsua_init(&config, &logging, &media), "pjsua");

    memset(&options, 0, sizeof options);
    options.host = &pbx_host;
    options.settings = pbx.settings;
    options.identify = identify;
    options.dialog_peer = dialog_peer;
    options.start = start;
    options.command = command;
    options.event = event;
    options.finished = finished;
    options.destroyed = destroyed;
    must(sipxfer_pjsua_init(&options), "sipxfer");

    pjsua_transport_config_default(&transport);
    transport.port = (unsigned)pbx.port;
    transport.bound_addr = transport.public_addr = pj_str((char *)pbx.bind);
    must(pjsua_transport_create(PJSIP_TRANSPORT_UDP, &transport, NULL), "the transport");
    must(pjsua_start(), "pjsua");
    must(pjsua_set_null_snd_dev(), "the null sound device");
    add_accounts();
}

int main(int argc, char **argv)
{
    char line[256];

    setvbuf(stdout, NULL, _IOLBF, 1024);
    for (int i = 0; i < MAX_SLOTS; i++)
        pbx.slots[i] = PJSUA_INVALID_ID;
    read_arguments(argc, argv);
    open_pjsua();
    say("ready");
    while (fgets(line, sizeof line, stdin) != NULL && strncmp(line, "quit", 4) != 0)
        steer(line);
    sipxfer_pjsua_destroy();
    return sipxfer_panic_count() == 0 ? 0 : 1;
}
