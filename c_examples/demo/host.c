/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Between a PBX and the library: what the library asks about dialogs, dialplan and rights, the
 * settings, and how a request is shown to it.
 */
#include "demo.h"

#include <stdio.h>
#include <string.h>

struct pbx {
    char scratch[SIPXFER_SCRATCH_SIZE(PACKET_MAX)];
    char history[256]; /* for the state that the parent compares */
};

static const struct party *self_of(const struct ua *ua)
{
    return &ua->world->party[ua->world->self];
}

/* A sender is known by its source address, as trunks are; a PBX on the open net would ask for
 * digest credentials. Empty for a stranger. */
const char *identify(const struct ua *ua, int party)
{
    const char *name = ua->world->party[party].name, *stranger = self_of(ua)->stranger;

    return stranger != NULL && strcmp(name, stranger) == 0 ? "" : name;
}

const struct route *route_of(const struct ua *ua, struct sipxfer_str context,
                             struct sipxfer_str extension)
{
    for (int i = 0; i < MAX_ROUTES; i++) {
        const struct route *route = &self_of(ua)->routes[i];
        if (route->extension != NULL && str_is(context, route->context) &&
            str_is(extension, route->extension))
            return route;
    }
    return NULL;
}

/* ---- what the library asks ---- */

static int32_t find(void *user, const struct sipxfer_dialog_key *key, struct sipxfer_dialog *out)
{
    struct ua *ua = user;

    for (int i = 0; i < ua->leg_count; i++) {
        struct leg *leg = &ua->legs[i];
        if (leg->remote_tag[0] == '\0' || !str_is(key->call_id, leg->call_id) ||
            !str_is_nocase(key->local_tag, leg->local_tag) ||
            !str_is_nocase(key->remote_tag, leg->remote_tag))
            continue;
        out->dialog = leg;
        out->call_id = str(leg->call_id);
        out->local_tag = str(leg->local_tag);
        out->remote_tag = str(leg->remote_tag);
        /* Who is on the other side: authenticated when it called, known when it was called. */
        out->endpoint =
            str(leg->outgoing ? ua->world->party[leg->party].name : identify(ua, leg->party));
        out->user = str(leg->outgoing ? "" : identify(ua, leg->party));
        out->state = leg->state == LEG_TALKING ? SIPXFER_DIALOG_CONFIRMED
                     : leg->state == LEG_ENDED ? SIPXFER_DIALOG_TERMINATED
                                               : SIPXFER_DIALOG_EARLY;
        out->initiator = leg->outgoing ? SIPXFER_INITIATOR_LOCAL : SIPXFER_INITIATOR_REMOTE;
        out->usage = SIPXFER_USAGE_INVITE;
        leg->refs++;
        return SIPXFER_OK;
    }
    return SIPXFER_E_NOT_FOUND;
}

static void release(void *user, void *dialog)
{
    (void)user;
    ((struct leg *)dialog)->refs--;
}

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)request;
    return route_of(user, context, extension) != NULL ? SIPXFER_YES : SIPXFER_NO;
}

static int32_t authorize(void *user, const struct sipxfer_request *request,
                         const struct sipxfer_dialog *dialog)
{
    const char *const *group = self_of(user)->pickup_group;

    return group[0] != NULL && str_is(request->endpoint, group[0]) &&
                   str_is(dialog->endpoint, group[1])
               ? SIPXFER_YES
               : SIPXFER_NO;
}

static void on_deadline(void *user, uint64_t deadline_ms)
{
    struct ua *ua = user;

    ua->deadline_ms = deadline_ms;
}

/* ---- what it is asked ---- */

const char *history(const struct ua *ua)
{
    const struct pbx *pbx = ua->user;

    return pbx->history;
}

void history_add(struct ua *ua, const char *text)
{
    struct pbx *pbx = ua->user;
    size_t had = strlen(pbx->history), room = sizeof pbx->history - had;
    int more = snprintf(pbx->history + had, room, "; %s", text);

    if (more < 0 || (size_t)more >= room)
        die(ua->world, "the history is full");
}

static void tell_verdict(struct ua *ua, const struct sipxfer_verdict *verdict)
{
    char text[480], headline[64];
    size_t len;

    snprintf(headline, sizeof headline, "%s %u", sipxfer_verdict_name(verdict->kind),
             (unsigned)verdict->code);
    if (verdict->ground != SIPXFER_GROUND_NONE) {
        size_t at = strlen(headline);
        snprintf(headline + at, sizeof headline - at, " (%s)",
                 sipxfer_ground_name(verdict->ground));
    }
    history_add(ua, headline);
    len = (size_t)snprintf(text, sizeof text, "=> %s\nrules", headline);
    for (uint32_t i = 0; i < verdict->rule_count; i++)
        len +=
            (size_t)snprintf(text + len, sizeof text - len, " R%03u", (unsigned)verdict->rules[i]);
    snprintf(text + len, sizeof text - len, "\n%.*s", SIPXFER_ARG(verdict->why));
    report(ua->world, RECORD_NOTE, -1, "", text);
}

static void show(const struct ua *ua, const struct incoming *in, struct leg *leg,
                 struct sipxfer_request *request)
{
    SIPXFER_INIT(*request);
    request->message.ptr = in->packet.bytes;
    request->message.len = in->packet.len;
    request->dialog = leg;
    request->endpoint = request->user = str(identify(ua, in->from));
    request->transport = SIPXFER_TRANSPORT_UDP;
    request->now_ms = clock_ms();
    request->transfer_depth = leg != NULL ? leg->depth : 0;
}

/* One thread: nobody changes a leg between a verdict and its execution, so these ask for no lock.
 */

void ask_invite(struct ua *ua, const struct incoming *in, struct sipxfer_request *request,
                struct sipxfer_verdict *verdict, uint64_t *takeover)
{
    struct pbx *pbx = ua->user;

    show(ua, in, NULL, request);
    SIPXFER_INIT(*verdict);
    check(ua,
          sipxfer_takeover_receive(ua->engine, request, 0, pbx->scratch, sizeof pbx->scratch,
                                   verdict, takeover),
          "sipxfer_takeover_receive");
    if (verdict->kind != SIPXFER_VERDICT_NONE)
        tell_verdict(ua, verdict);
}

uint64_t ask_refer(struct ua *ua, const struct incoming *in, struct leg *leg,
                   struct sipxfer_request *request, struct sipxfer_verdict *verdict)
{
    struct pbx *pbx = ua->user;
    uint64_t transfer = 0;

    show(ua, in, leg, request);
    SIPXFER_INIT(*verdict);
    check(ua,
          sipxfer_transfer_receive(ua->engine, request, 0, pbx->scratch, sizeof pbx->scratch,
                                   verdict, &transfer),
          "sipxfer_transfer_receive");
    tell_verdict(ua, verdict);
    return transfer;
}

void done(struct ua *ua, struct sipxfer_verdict *verdict)
{
    check(ua, sipxfer_verdict_release(ua->engine, verdict), "sipxfer_verdict_release");
}

void refuse(struct ua *ua, const struct incoming *in, const struct sipxfer_request *request,
            const struct sipxfer_verdict *verdict)
{
    struct packet out = {0, 0, ""};
    char tag[32];

    snprintf(tag, sizeof tag, "%sto%s", self_of(ua)->title, ua->world->party[in->from].title);
    check(ua,
          sipxfer_response_print(request, verdict, tag, strlen(tag), out.bytes, sizeof out.bytes,
                                 &out.len),
          "sipxfer_response_print");
    if (verdict->kind == SIPXFER_VERDICT_CHALLENGE) {
        out.len -= 2; /* the challenge goes before the empty line */
        packet_add(&out,
                   "WWW-Authenticate: Digest realm=\"%s\", nonce=\"%llx\", algorithm=MD5\r\n\r\n",
                   self_of(ua)->host, (unsigned long long)request->now_ms);
    }
    packet_send(ua->world, in->from, &out);
}

static void set(struct ua *ua, struct sipxfer_config *config, const char *scope, const char *name,
                const char *value)
{
    check(
        ua,
        sipxfer_config_set(config, scope, strlen(scope), name, strlen(name), value, strlen(value)),
        name);
}

static void configure(struct ua *ua)
{
    const struct party *self = self_of(ua);
    struct sipxfer_config *config = NULL;
    char scope[64];

    check(ua, sipxfer_config_new(&config), "sipxfer_config_new");
    /* A party of a call is moved by one transfer at a time. */
    set(ua, config, "", "refer.concurrent", "reject");
    for (int i = 0; i < ua->world->count; i++) {
        const char *name = ua->world->party[i].name;
        int len = snprintf(scope, sizeof scope, "endpoint:%s", name);
        if (len < 0 || (size_t)len >= sizeof scope)
            die(ua->world, "a name that is too long");
        set(ua, config, scope, "context", "default");
        if (self->trusts != NULL && strcmp(self->trusts, name) == 0)
            set(ua, config, scope, "replaces_trusted", "yes");
    }
    for (int i = 0; i < MAX_SETTINGS && self->settings[i].name != NULL; i++)
        set(ua, config, self->settings[i].scope, self->settings[i].name, self->settings[i].value);
    check(ua, sipxfer_config_apply(ua->engine, config), "sipxfer_config_apply");
    sipxfer_config_free(config);
}

void host_open(struct ua *ua)
{
    static struct pbx pbx;
    struct sipxfer_directory directory;
    struct sipxfer_host host;
    struct sipxfer_engine_options options;
    size_t len = 0;

    ua->user = &pbx;
    SIPXFER_INIT(directory);
    directory.user = ua;
    directory.find = find;
    directory.release = release;
    SIPXFER_INIT(host);
    host.user = ua;
    host.extension_exists = extension_exists;
    host.authorize = authorize;
    host.on_deadline = on_deadline;
    SIPXFER_INIT(options);
    options.directory = &directory;
    options.host = &host;
    check(ua, sipxfer_engine_new(&options, &ua->engine), "sipxfer_engine_new");
    configure(ua);
    check(ua,
          sipxfer_engine_supported(ua->engine, NULL, 0, ua->supported, sizeof ua->supported - 1,
                                   &len),
          "Supported");
    ua->supported[len] = '\0';
}

void host_close(struct ua *ua)
{
    uint64_t deadline = 0;
    size_t transfers = 0, takeovers = 0;

    for (int i = 0; i < ua->leg_count; i++)
        if (ua->legs[i].refs != 0)
            die(ua->world, "a dialog that was not given back");
    check(ua, sipxfer_transfer_count(ua->engine, &transfers), "sipxfer_transfer_count");
    check(ua, sipxfer_takeover_count(ua->engine, &takeovers), "sipxfer_takeover_count");
    check(ua, sipxfer_next_deadline(ua->engine, &deadline), "sipxfer_next_deadline");
    if (transfers != 0 || takeovers != 0 || deadline != ua->deadline_ms)
        die(ua->world, "a transfer or takeover that is not over, or a deadline that was not told");
    sipxfer_engine_free(ua->engine);
    if (sipxfer_panic_count() != 0)
        die(ua->world, "faults inside the library");
}
