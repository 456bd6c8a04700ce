/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How far a transferee has come. Four things tell: it enters a bridge (the target has answered), an
 * application speaks to it, a control frame says ringing or busy, and its dialplan ends.
 */
#include "module.h"

#include "asterisk/app.h"
#include "asterisk/bridge.h"
#include "asterisk/causes.h"
#include "asterisk/framehook.h"
#include "asterisk/pbx.h"
#include "asterisk/stasis.h"
#include "asterisk/stasis_bridges.h"
#include "asterisk/stasis_channels.h"

/* The longest that the end of a channel is held up for the outcome of its transfer. */
#define FATE_WAIT_S 10

static const char app_ended[] = "SIPXFEREnded";
static const char app_fulfil[] = "SIPXFERFulfil";
static struct stasis_subscription *bridges;

struct report {
    struct xfer *xfer; /* counted */
    int code;
    enum ast_control_transfer state;
};

static int report_task(void *data)
{
    struct report *report = data;

    xfer_progress(report->xfer, report->code, NULL, 0);
    ao2_ref(report->xfer, -1);
    ast_free(report);
    return 0;
}

/* From a place that may not wait for anything. */
static void report_later(struct xfer *xfer, int code)
{
    struct report *report;

    if (xfer->over || (code < 200 && xfer->told == code) || xfer->told >= 200) {
        return;
    }
    xfer->told = code;
    report = ast_calloc(1, sizeof *report);
    if (report == NULL) {
        return;
    }
    report->xfer = ao2_bump(xfer);
    report->code = code;
    if (ast_sip_push_task(xfer->leg->session->serializer, report_task, report)) {
        ao2_ref(xfer, -1);
        ast_free(report);
    }
}

/* ---- entering a bridge ---- */

static void bridge_entered(void *data, struct stasis_subscription *subscription,
                           struct stasis_message *message)
{
    struct ast_bridge_blob *entered;
    struct xfer *xfer;

    if (stasis_message_type(message) != ast_channel_entered_bridge_type()) {
        return;
    }
    entered = stasis_message_data(message);
    xfer = xfer_by_transferee(entered->channel->base->uniqueid);
    if (xfer == NULL) {
        return;
    }
    if (xfer->moved && !xfer_is(xfer, &xfer->bridge, entered->bridge->uniqueid)) {
        report_later(xfer, 200);
    }
    ao2_ref(xfer, -1);
}

/* ---- frames to the transferee ---- */

/* Tones that Asterisk makes itself are no answer, nor is what comes before one: while a Dial is
 * under way, it is the target's early media. */
static int is_spoken_to(struct ast_channel *chan)
{
    const char *app = ast_channel_appl(chan);

    if (ast_channel_is_bridged(chan)) {
        return 0;
    }
    if (behaviour.media_answers) {
        return 1;
    }
    if (ast_channel_generator(chan) != NULL &&
        !ast_test_flag(ast_channel_flags(chan), AST_FLAG_MOH)) {
        return 0;
    }
    return !ast_strlen_zero(app) && strcasecmp(app, "Dial") && strcasecmp(app, "RetryDial") &&
           strcasecmp(app, "FollowMe") && strcasecmp(app, "Busy") &&
           strcasecmp(app, "Congestion") && strcasecmp(app, "Ringing") &&
           strcasecmp(app, "Progress");
}

static struct ast_frame *frame(struct ast_channel *chan, struct ast_frame *f,
                               enum ast_framehook_event event, void *data)
{
    struct xfer *xfer = data;

    if (f == NULL || event != AST_FRAMEHOOK_EVENT_WRITE || !xfer->moved || xfer->over ||
        xfer->told >= 200 || ast_channel_is_bridged(chan)) {
        return f;
    }
    if (f->frametype == AST_FRAME_VOICE) {
        if (is_spoken_to(chan)) {
            report_later(xfer, 200);
        }
        return f;
    }
    if (f->frametype != AST_FRAME_CONTROL) {
        return f;
    }
    switch (f->subclass.integer) {
    case AST_CONTROL_RING:
    case AST_CONTROL_RINGING:
        report_later(xfer, 180);
        break;
    case AST_CONTROL_PROGRESS:
        report_later(xfer, 183);
        break;
    case AST_CONTROL_BUSY:
        if (xfer->failure == 0) {
            xfer->failure = 486;
        }
        report_later(xfer, xfer->failure);
        break;
    case AST_CONTROL_CONGESTION:
        if (xfer->failure == 0) {
            xfer->failure = 503;
        }
        report_later(xfer, xfer->failure);
        break;
    case AST_CONTROL_ANSWER:
        report_later(xfer, 200);
        break;
    default:
        break;
    }
    return f;
}

static void frame_destroy(void *data)
{
    struct xfer *xfer = data;

    xfer->hook = -1;
    ao2_ref(xfer, -1);
}

static int frame_consume(void *data, enum ast_frame_type type)
{
    const struct xfer *xfer = data;

    return !xfer->over && (type == AST_FRAME_VOICE || type == AST_FRAME_CONTROL);
}

static void set_inherited(struct ast_channel *chan, const char *name, const char *value)
{
    char inherited[80];

    snprintf(inherited, sizeof inherited, "__%s", name);
    pbx_builtin_setvar_helper(chan, inherited, value);
}

/* What a URI holds that the argument of an application gives a meaning to is escaped, so that a
 * stranger's URI is one argument and one channel in Dial(PJSIP/endpoint/${SIPREFERTOHDR}). */
static char *dial_safe(const char *value)
{
    static const char syntax[] = "&,|\"\\()'`^{}$<> \t";
    const char *bracket = strchr(value, '[');
    int address = bracket != NULL && strchr(bracket + 1, '[') == NULL &&
                  strchr(value, ']') > bracket && strchr(strchr(value, ']') + 1, ']') == NULL;
    char *safe = ast_malloc(3 * strlen(value) + 1), *to = safe;

    for (; safe != NULL && *value != '\0'; value++) {
        unsigned char byte = (unsigned char)*value;

        if (strchr(syntax, byte) || byte < 0x20 || byte == 0x7f ||
            (!address && (byte == '[' || byte == ']'))) {
            to += sprintf(to, "%%%02X", byte);
        } else {
            *to++ = (char)byte;
        }
    }
    if (safe != NULL) {
        *to = '\0';
    }
    return safe;
}

/* The header fields of the REFER whose names begin with the prefix, for HASH(TRANSFER_DATA,...). */
static void transferrer_data(struct xfer *xfer, struct ast_channel *chan)
{
    const char *at = xfer->message, *prefix;
    char *wanted = NULL;

    ast_channel_lock(chan);
    prefix = pbx_builtin_getvar_helper(chan, "GET_TRANSFERRER_DATA");
    if (!ast_strlen_zero(prefix)) {
        wanted = ast_strdup(strcmp(prefix, "*") ? prefix : "");
    }
    ast_channel_unlock(chan);
    if (wanted == NULL) {
        return;
    }
    at = strchr(at, '\n');
    while (at != NULL && *++at != '\r' && *at != '\n' && *at != '\0') {
        const char *end = at, *colon;
        char *name, *value, *fold;

        do {
            end = strchr(end + 1, '\n');
        } while (end != NULL && (end[1] == ' ' || end[1] == '\t'));
        colon = strchr(at, ':');
        if (colon == NULL || (end != NULL && colon > end)) {
            break;
        }
        name = ast_strndup(at, colon - at);
        value = end != NULL ? ast_strndup(colon + 1, end - colon - 1) : ast_strdup(colon + 1);
        if (name != NULL && value != NULL &&
            !strncasecmp(ast_strip(name), wanted, strlen(wanted))) {
            struct ast_str *variable = ast_str_create(96);

            for (fold = value; (fold = strpbrk(fold, "\r\n")) != NULL;) {
                *fold = ' ';
            }
            if (variable != NULL) {
                ast_str_set(&variable, 0, "~HASH~TRANSFER_DATA~%s~", ast_strip(name));
                pbx_builtin_setvar_helper(chan, ast_str_buffer(variable), ast_strip(value));
                ast_free(variable);
            }
        }
        ast_free(name);
        ast_free(value);
        at = end;
    }
    ast_free(wanted);
}

/* The variables of the verdict. What belongs to an earlier transfer of the channel goes. */
void watch_variables(struct xfer *xfer, struct ast_channel *chan)
{
    static const char *const own[] = {"SIPREPLACESHDR", "SIPREFERREDBYHDR", "SIPREFERTOHDR",
                                      "SIPTRANSFERNODE"};
    const struct ast_variable *variable;

    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        pbx_builtin_setvar_helper(chan, own[i], NULL);
    }
    for (variable = xfer->variables; variable != NULL; variable = variable->next) {
        if (!strcasecmp(variable->name, "SIPREPLACESHDR") ||
            !strcasecmp(variable->name, "SIPREFERREDBYHDR")) {
            set_inherited(chan, variable->name, variable->value);
        } else if (!strcasecmp(variable->name, "SIPREFERTOHDR")) {
            char *safe = dial_safe(variable->value);

            pbx_builtin_setvar_helper(chan, variable->name, safe);
            ast_free(safe);
        } else {
            pbx_builtin_setvar_helper(chan, variable->name, variable->value);
        }
    }
    transferrer_data(xfer, chan);
}

/* What tells a channel of the transfer, and those that are dialled for it. */
static void mark(struct xfer *xfer, struct ast_channel *chan)
{
    char number[24];

    snprintf(number, sizeof number, "%" PRIx64, xfer->id);
    set_inherited(chan, VAR_TRANSFER, number);
    snprintf(number, sizeof number, "%u", xfer->depth);
    set_inherited(chan, VAR_DEPTH, number);
}

int watch_attach(struct xfer *xfer, struct ast_channel *chan)
{
    struct ast_framehook_interface hook = {
        .version = AST_FRAMEHOOK_INTERFACE_VERSION,
        .event_cb = frame,
        .destroy_cb = frame_destroy,
        .consume_cb = frame_consume,
        .data = xfer,
    };
    int owned;

    mark(xfer, chan);
    ast_channel_lock(chan);
    ao2_lock(xfer);
    ast_string_field_set(xfer, transferee, ast_channel_name(chan));
    ast_string_field_set(xfer, transferee_id, ast_channel_uniqueid(chan));
    ao2_unlock(xfer);
    ao2_ref(xfer, +1);
    xfer->hook = ast_framehook_attach(chan, &hook);
    if (xfer->hook < 0) {
        ao2_ref(xfer, -1);
    }
    owned = xfer_own(xfer, chan);
    ast_channel_unlock(chan);
    ast_pbx_hangup_handler_push(chan, INTERNAL_CONTEXT ",ended,1");
    xfer_watch(xfer);
    return xfer->hook < 0 ? -1 : owned;
}

/* ---- the end of the transferee's dialplan ---- */

/* A channel that its own side has hung up has nobody to go back to anybody. */
static int has_hung_up(struct ast_channel *chan)
{
    return !!(ast_channel_softhangup_internal_flag(chan) & AST_SOFTHANGUP_DEV) ||
           ast_test_flag(ast_channel_flags(chan), AST_FLAG_ZOMBIE);
}

static int cause_to_sip(int cause)
{
    switch (cause) {
    case AST_CAUSE_UNALLOCATED:
    case AST_CAUSE_NO_ROUTE_DESTINATION:
    case AST_CAUSE_NO_ROUTE_TRANSIT_NET:
        return 404;
    case AST_CAUSE_USER_BUSY:
        return 486;
    case AST_CAUSE_NO_USER_RESPONSE:
        return 408;
    case AST_CAUSE_NO_ANSWER:
    case AST_CAUSE_SUBSCRIBER_ABSENT:
        return 480;
    case AST_CAUSE_CALL_REJECTED:
        return 603;
    case AST_CAUSE_NUMBER_CHANGED:
        return 410;
    case AST_CAUSE_INVALID_NUMBER_FORMAT:
        return 484;
    case AST_CAUSE_DESTINATION_OUT_OF_ORDER:
        return 502;
    case AST_CAUSE_BEARERCAPABILITY_NOTAVAIL:
        return 488;
    case AST_CAUSE_INTERWORKING:
        return 500;
    default:
        return 0;
    }
}

/* What the target said; else why the dialplan gave up: by the cause that it names, or by what its
 * last Dial came to. One that just hangs up has refused. */
static int failure_of(struct xfer *xfer, struct ast_channel *chan)
{
    const char *status;
    int code;

    if (xfer->failure != 0) {
        return xfer->failure;
    }
    if (behaviour.plain_codes) {
        return 503;
    }
    code = cause_to_sip(ast_channel_hangupcause(chan));
    if (code != 0) {
        return code;
    }
    ast_channel_lock(chan);
    status = S_OR(pbx_builtin_getvar_helper(chan, "DIALSTATUS"), "");
    code = !strcmp(status, "BUSY")                                           ? 486
           : !strcmp(status, "NOANSWER")                                     ? 480
           : !strcmp(status, "CONGESTION") || !strcmp(status, "CHANUNAVAIL") ? 503
                                                                             : 603;
    ast_channel_unlock(chan);
    return code;
}

static int ended_exec(struct ast_channel *chan, const char *data)
{
    struct xfer *xfer = xfer_of_channel(chan);
    struct timespec until = {0, 0};

    if (xfer == NULL) {
        return 0;
    }
    if (xfer->application || !xfer_is(xfer, &xfer->transferee_id, ast_channel_uniqueid(chan)) ||
        xfer->fate == FATE_DONE) {
        /* A channel that was dialled for it, or one whose transfer was over long ago. */
        ao2_ref(xfer, -1);
        return 0;
    }
    ao2_lock(xfer);
    xfer->gone = has_hung_up(chan);
    xfer->ending = 1;
    ao2_unlock(xfer);
    xfer->told = xfer->gone && !behaviour.plain_codes ? 487 : failure_of(xfer, chan);
    if (xfer->gone) {
        xfer_give_up(xfer, xfer->told);
    } else {
        xfer_progress(xfer, xfer->told, NULL, 0);
    }
    until.tv_sec = time(NULL) + FATE_WAIT_S;
    ao2_lock(xfer);
    while (xfer->fate == FATE_OPEN &&
           ast_cond_timedwait(&xfer->changed, ao2_object_get_lockaddr(xfer), &until) == 0) {
    }
    ao2_unlock(xfer);
    channel_fulfil(xfer, chan);
    ao2_ref(xfer, -1);
    return 0;
}

/* Where a transferee is sent whose transfer has failed while its dialplan goes on. */
static int fulfil_exec(struct ast_channel *chan, const char *data)
{
    struct xfer *xfer = xfer_of_channel(chan);

    if (xfer != NULL) {
        channel_fulfil(xfer, chan);
        ao2_ref(xfer, -1);
    }
    return -1;
}

/* ---- an application's commands ---- */

static int command_task(void *data)
{
    struct report *report = data;
    const char *state = report->state == AST_TRANSFER_PROGRESS      ? "channel_progress"
                        : report->state == AST_TRANSFER_SUCCESS     ? "channel_answered"
                        : report->state == AST_TRANSFER_UNAVAILABLE ? "channel_unavailable"
                        : report->state == AST_TRANSFER_FAILED      ? "channel_declined"
                                                                    : "channel_not_found";

    sipxfer_transfer_command(engine, report->xfer->id, state, strlen(state), clock_ms());
    outputs_take(report->xfer->id);
    ao2_ref(report->xfer, -1);
    ast_free(report);
    return 0;
}

static struct ast_frame *command_frame(struct ast_channel *chan, struct ast_frame *f,
                                       enum ast_framehook_event event, void *data)
{
    struct xfer *xfer = data;
    struct report *report;

    if (f == NULL || event != AST_FRAMEHOOK_EVENT_WRITE || xfer->over ||
        f->frametype != AST_FRAME_CONTROL || f->subclass.integer != AST_CONTROL_TRANSFER ||
        f->datalen < (int)sizeof report->state) {
        return f;
    }
    report = ast_calloc(1, sizeof *report);
    if (report != NULL) {
        report->xfer = ao2_bump(xfer);
        memcpy(&report->state, f->data.ptr, sizeof report->state);
        if (ast_sip_push_task(xfer->leg->session->serializer, command_task, report)) {
            ao2_ref(xfer, -1);
            ast_free(report);
        }
    }
    return f;
}

static void command_destroy(void *data)
{
    struct xfer *xfer = data;

    xfer->hook_source = -1;
    ao2_ref(xfer, -1);
}

static int command_consume(void *data, enum ast_frame_type type)
{
    return type == AST_FRAME_CONTROL;
}

int watch_application(struct xfer *xfer, struct ast_channel *chan)
{
    struct ast_framehook_interface hook = {
        .version = AST_FRAMEHOOK_INTERFACE_VERSION,
        .event_cb = command_frame,
        .destroy_cb = command_destroy,
        .consume_cb = command_consume,
        .data = xfer,
    };

    if (xfer->hook_source >= 0) {
        return 0;
    }
    ao2_ref(xfer, +1);
    ast_channel_lock(chan);
    xfer->hook_source = ast_framehook_attach(chan, &hook);
    ast_channel_unlock(chan);
    if (xfer->hook_source < 0) {
        ao2_ref(xfer, -1);
        return -1;
    }
    return 0;
}

/* ---- beginning and end ---- */

int watch_init(void)
{
    static const char *const extensions[][3] = {
        {"ended", "SIPXFEREnded", "Return"},
        {"fulfil", "SIPXFERFulfil", NULL},
    };

    if (ast_register_application2(app_ended, ended_exec, NULL, NULL, AST_MODULE_SELF) ||
        ast_register_application2(app_fulfil, fulfil_exec, NULL, NULL, AST_MODULE_SELF) ||
        ast_context_find_or_create(NULL, NULL, INTERNAL_CONTEXT, AST_MODULE) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(extensions); i++) {
        for (int priority = 1; priority <= 2 && extensions[i][priority] != NULL; priority++) {
            if (ast_add_extension(INTERNAL_CONTEXT, 1, extensions[i][0], priority, NULL, NULL,
                                  extensions[i][priority], NULL, NULL, AST_MODULE)) {
                return -1;
            }
        }
    }
    if (ast_add_extension(INTERNAL_CONTEXT, 1, "recall", 1, NULL, NULL, "Dial",
                          ast_strdup("PJSIP/${SIPXFERRECALL}"), ast_free_ptr, AST_MODULE)) {
        return -1;
    }
    bridges = stasis_subscribe_pool(ast_bridge_topic_all(), bridge_entered, NULL);
    if (bridges == NULL) {
        return -1;
    }
    stasis_subscription_accept_message_type(bridges, ast_channel_entered_bridge_type());
    stasis_subscription_set_filter(bridges, STASIS_SUBSCRIPTION_FILTER_SELECTIVE);
    return 0;
}

void watch_exit(void)
{
    bridges = stasis_unsubscribe_and_join(bridges);
    ast_context_destroy_by_name(INTERNAL_CONTEXT, AST_MODULE);
    ast_unregister_application(app_ended);
    ast_unregister_application(app_fulfil);
}
