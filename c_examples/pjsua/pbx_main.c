/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How the PBX is started and steered.
 */
#include "pbx.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { RTP_PORTS = 1600 };

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

/* Bytes that are allocated, as far as the C library tells. */
static unsigned long memory_in_use(void)
{
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
#else
    return 0;
#endif
}

static void show_counters(void *user, void *argument)
{
    struct sipxfer_pjsip_counters counters;

    (void)user, (void)argument;
    sipxfer_pjsip_count(&counters);
    say("counters verified %lu refused %lu referred %lu transfers %lu pinned %lu calls %u panics "
        "%lu transactions %u dialogs %u memory %lu",
        counters.verified, counters.refused, counters.referred, counters.transfers, counters.pinned,
        pjsua_call_get_count(), (unsigned long)sipxfer_panic_count(),
        pjsip_tsx_layer_get_tsx_count(), pjsip_ua_get_dlg_set_count(), memory_in_use());
}

static void hang_up_now(void *user, void *argument)
{
    (void)user;
    hang_up((pjsua_call_id)(pj_ssize_t)argument, 0);
}

struct asked {
    pjsua_call_id call;
    char uri[200];
};

/* Sends the other side of a call away, as a phone would. */
static void refer_now(void *user, void *argument)
{
    struct asked *asked = argument;
    struct sipxfer_refer_options options;
    pjsip_dialog *dialog = dialog_of_leg(asked->call);

    (void)user;
    SIPXFER_INIT(options);
    options.kind = SIPXFER_REFER_BLIND;
    options.target.ptr = asked->uri;
    options.target.len = strlen(asked->uri);
    options.subscribe = 1;
    if (dialog == NULL || sipxfer_pjsip_refer(dialog, &options, NULL, NULL) != PJ_SUCCESS)
        say("not referred");
    free(asked);
}

static void commanded(uint64_t transfer, int32_t status)
{
    say("commanded %llu: %s", (unsigned long long)transfer, sipxfer_strerror(status));
}

static void *copy_of(const void *what, size_t size)
{
    void *copy = malloc(size);

    if (copy == NULL)
        abort();
    return memcpy(copy, what, size);
}

static void steer(const char *line)
{
    unsigned long long id;
    struct asked asked;
    char word[40];
    int number;

    if (strncmp(line, "calls", 5) == 0)
        sipxfer_pjsip_later(show_calls, NULL);
    else if (strncmp(line, "counters", 8) == 0)
        sipxfer_pjsip_later(show_counters, NULL);
    else if (sscanf(line, "hangup %d", &number) == 1)
        sipxfer_pjsip_later(hang_up_now, (void *)(pj_ssize_t)number);
    else if (sscanf(line, "refer %d %199s", &asked.call, asked.uri) == 2)
        sipxfer_pjsip_later(refer_now, copy_of(&asked, sizeof asked));
    else if (sscanf(line, "transfer %llu %39s", &id, word) == 2)
        sipxfer_pjsip_command(id, word, commanded);
    else
        say("commands: calls, counters, hangup CALL, refer CALL URI, transfer ID STATE, quit");
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
        config.force_contact = config.id; /* older ones than 2.17 name another address */
        config.rtp_cfg.port = (unsigned)(10000 + i * RTP_PORTS); /* each its own: no collisions */
        config.rtp_cfg.port_range = RTP_PORTS;
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
    set_callbacks(&config.cb);
    sipxfer_pjsua_callbacks(&config.cb);
    pjsua_logging_config_default(&logging);
    logging.console_level = (unsigned)pbx.log_level;
    logging.level = (unsigned)pbx.log_level;
    pjsua_media_config_default(&media);
    media.clock_rate = media.snd_clock_rate = 8000;
    media.max_media_ports = PJSUA_MAX_CONF_PORTS;
    media.no_vad = PJ_TRUE;
    media.ec_tail_len = 0;
    /* The bridge connects a moment after it was asked to: its clock, idle until then, must not be
     * taken away in between, or nobody is heard. */
    media.snd_auto_close_time = -1;
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
    options.referring = referring;
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
    struct rlimit files;
    char line[256];

    /* Two sockets a call. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
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
