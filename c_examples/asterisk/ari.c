/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Transfers that an application controls: the ChannelTransfer events. Its commands come as frames
 * (watch.c).
 */
#include "module.h"

#include "asterisk/bridge.h"
#include "asterisk/json.h"
#include "asterisk/refer.h"
#include "asterisk/stasis.h"
#include "asterisk/stasis_bridges.h"
#include "asterisk/stasis_channels.h"
#include "asterisk/vector.h"

static void params_destroy(void *object)
{
    struct ast_refer_params *params = object;

    for (int i = 0; i < AST_VECTOR_SIZE(params); i++) {
        struct ast_refer_param param = AST_VECTOR_GET(params, i);

        ast_free((char *)param.param_name);
        ast_free((char *)param.param_value);
    }
    AST_VECTOR_FREE(params);
}

static void param_add(struct ast_refer_params *params, const char *name, struct sipxfer_str value)
{
    struct ast_refer_param param = {ast_strdup(name), str_dup(value)};

    if (param.param_name == NULL || param.param_value == NULL || AST_VECTOR_APPEND(params, param)) {
        ast_free((char *)param.param_name);
        ast_free((char *)param.param_value);
    }
}

static enum ast_control_transfer state_of(struct sipxfer_str state)
{
    if (str_is(state, "channel_progress")) {
        return AST_TRANSFER_PROGRESS;
    }
    if (str_is(state, "channel_answered")) {
        return AST_TRANSFER_SUCCESS;
    }
    if (str_is(state, "channel_declined")) {
        return AST_TRANSFER_FAILED;
    }
    if (str_is(state, "channel_unavailable") || str_is(state, "channel_not_found")) {
        return AST_TRANSFER_UNAVAILABLE;
    }
    return AST_TRANSFER_INVALID;
}

/* Asterisk's own event has no words for channel_unavailable and channel_not_found: it calls both
 * declined. This message is the same event with the state as it is. */
struct told {
    struct stasis_message *event; /* counted */
    char state[32];
};

static struct ast_json *told_json(struct stasis_message *message,
                                  const struct stasis_message_sanitizer *sanitize)
{
    const struct told *told = stasis_message_data(message);
    struct ast_json *json = stasis_message_to_json(told->event, (void *)sanitize);

    if (json != NULL) {
        ast_json_object_set(json, "state", ast_json_string_create(told->state));
    }
    return json;
}

STASIS_MESSAGE_TYPE_DEFN_LOCAL(told_type, .to_json = told_json, );

static void told_destroy(void *object)
{
    ao2_cleanup(((struct told *)object)->event);
}

static void bridge_of(struct ast_channel *chan, struct ast_bridge_snapshot **bridge,
                      struct ast_channel_snapshot **peer)
{
    struct ast_bridge *found = ast_bridge_transfer_acquire_bridge(chan);
    struct ast_channel *other;

    if (found == NULL) {
        return;
    }
    ast_bridge_lock(found);
    *bridge = ast_bridge_get_snapshot(found);
    other = ast_bridge_peer_nolock(found, chan);
    ast_bridge_unlock(found);
    if (other != NULL) {
        ast_channel_lock(other);
        *peer = ao2_bump(ast_channel_snapshot(other));
        ast_channel_unlock(other);
        ast_channel_unref(other);
    }
    ao2_ref(found, -1);
}

static int tell(struct ast_channel *chan, const char *referred_by, const char *destination,
                const char *call_id, struct ast_channel *target, struct ast_refer_params *params,
                const char *state)
{
    struct ast_ari_transfer_message *event = ast_ari_transfer_message_create(
        chan, referred_by, destination, call_id, target, params, AST_TRANSFER_UNAVAILABLE);
    struct told *told = ao2_alloc(sizeof *told, told_destroy);
    struct stasis_message *message = NULL;

    if (event != NULL && told != NULL) {
        bridge_of(chan, &event->source_bridge, &event->source_peer);
        if (target != NULL) {
            bridge_of(target, &event->dest_bridge, &event->dest_peer);
        }
        ast_copy_string(told->state, state, sizeof told->state);
        told->event = stasis_message_create(ast_channel_transfer_request_type(), event);
        message = told->event != NULL ? stasis_message_create(told_type(), told) : NULL;
    }
    if (message != NULL) {
        ast_channel_lock(chan);
        stasis_publish(ast_channel_topic(chan), message);
        ast_channel_unlock(chan);
    }
    ao2_cleanup(event);
    ao2_cleanup(told);
    ao2_cleanup(message);
    return message != NULL ? 0 : -1;
}

int ari_init(void)
{
    return STASIS_MESSAGE_TYPE_INIT(told_type);
}

void ari_exit(void)
{
    STASIS_MESSAGE_TYPE_CLEANUP(told_type);
}

struct event {
    struct xfer *xfer;               /* counted */
    struct ast_refer_params *params; /* counted */
    char *call_id;
    char *destination;
    enum ast_control_transfer state;
    char *word;
    int first;
};

static void event_destroy(void *object)
{
    struct event *event = object;

    ao2_cleanup(event->xfer);
    ao2_cleanup(event->params);
    ast_free(event->call_id);
    ast_free(event->destination);
    ast_free(event->word);
}

/* In a thread of its own: the other leg is asked in its serializer for its channel. */
static void *event_send(void *data)
{
    struct event *event = data;
    struct ast_channel *chan = leg_channel(event->xfer->leg);
    struct leg *other = leg_by_number(event->xfer->other);
    struct ast_channel *target = other != NULL ? leg_channel(other) : NULL;
    int failed = chan == NULL;

    if (chan != NULL && event->first) {
        failed = watch_application(event->xfer, chan);
    }
    if (!failed && event->state == AST_TRANSFER_UNAVAILABLE) {
        failed =
            tell(chan, S_OR(event->xfer->referred_by, NULL), event->destination, event->call_id,
                 target, event->params, S_OR(event->word, "channel_unavailable"));
    } else if (!failed) {
        failed = ast_refer_notify_transfer_request(chan, S_OR(event->xfer->referred_by, NULL),
                                                   event->destination, event->call_id, target,
                                                   event->params, event->state);
    }
    if (failed && event->first) {
        xfer_give_up(event->xfer, 500);
    }
    ast_channel_cleanup(target);
    ast_channel_cleanup(chan);
    ao2_cleanup(other);
    ao2_ref(event, -1);
    return NULL;
}

/* The user part of the target, as Asterisk's own event has it. */
static char *destination_of(const struct xfer *xfer)
{
    struct sipxfer_uri uri;

    if (!ast_strlen_zero(xfer->extension)) {
        return ast_strdup(xfer->extension);
    }
    SIPXFER_INIT(uri);
    if (sipxfer_uri_parse(xfer->target, strlen(xfer->target), &uri, NULL) != SIPXFER_OK ||
        uri.user.len >= AST_MAX_EXTENSION) {
        return ast_strdup("");
    }
    return str_dup(uri.user);
}

void ari_event(struct xfer *xfer, const struct sipxfer_output *told)
{
    struct event *event = ao2_alloc(sizeof *event, event_destroy);
    struct sipxfer_replaces replaces;

    if (event == NULL) {
        return;
    }
    event->xfer = ao2_bump(xfer);
    event->params = ao2_alloc(sizeof *event->params, params_destroy);
    event->destination = destination_of(xfer);
    if (event->params == NULL || event->destination == NULL) {
        ao2_ref(event, -1);
        return;
    }
    AST_VECTOR_INIT(event->params, 2);
    event->state = state_of(told->state);
    event->word = str_dup(told->state);
    event->first = told->state.len == 0;
    SIPXFER_INIT(replaces);
    if (told->replaces.len > 0 && sipxfer_replaces_parse(told->replaces.ptr, told->replaces.len,
                                                         &replaces, NULL) == SIPXFER_OK) {
        event->call_id = str_dup(replaces.call_id);
        param_add(event->params, "from", replaces.from_tag);
        param_add(event->params, "to", replaces.to_tag);
    }
    if (detached(event_send, event)) {
        ao2_ref(event, -1);
    }
}
