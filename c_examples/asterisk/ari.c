/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Transfers that an application controls: the ChannelTransfer events. Its commands come as frames
 * (watch.c).
 */
#include "module.h"

#include "asterisk/refer.h"
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

struct event {
    struct xfer *xfer;               /* counted */
    struct ast_refer_params *params; /* counted */
    char *call_id;
    char *destination;
    enum ast_control_transfer state;
    int first;
};

static void event_destroy(void *object)
{
    struct event *event = object;

    ao2_cleanup(event->xfer);
    ao2_cleanup(event->params);
    ast_free(event->call_id);
    ast_free(event->destination);
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
    if (!failed) {
        failed = ast_refer_notify_transfer_request(chan, S_OR(event->xfer->referred_by, NULL),
                                                   S_OR(event->destination, NULL), event->call_id,
                                                   target, event->params, event->state);
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
