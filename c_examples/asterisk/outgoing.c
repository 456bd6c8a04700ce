/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls that Asterisk makes: the headers that a transfer adds to them, and what their answers tell
 * of a transfer.
 */
#include "module.h"

#include "asterisk/pbx.h"

static int has_header(const pjsip_tx_data *tdata, const char *name)
{
    pj_str_t wanted = pj_str((char *)name);

    return pjsip_msg_find_hdr_by_name(tdata->msg, &wanted, NULL) != NULL;
}

/* A variable that the dialplan may have set is still one line. */
static void add_variable(struct ast_channel *chan, const char *variable, const char *name,
                         pjsip_tx_data *tdata)
{
    const char *value = pbx_builtin_getvar_helper(chan, variable);

    if (ast_strlen_zero(value) || has_header(tdata, name)) {
        return;
    }
    for (const char *at = value; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 && *at != '\t') {
            if (log_allowed()) {
                ast_log(LOG_WARNING,
                        "sipxfer: %s of %s holds a control character and is not sent\n", variable,
                        ast_channel_name(chan));
            }
            return;
        }
    }
    ast_sip_add_header(tdata, name, value);
}

/* Header fields that the Refer-To asked for and the library let through, besides those two. */
static void add_wanted(struct xfer *xfer, pjsip_tx_data *tdata)
{
    char *lines = ast_strdup(xfer->headers), *rest = lines, *line;

    while (lines != NULL && (line = strsep(&rest, "\n")) != NULL) {
        char *value = strchr(line, ':');

        if (value == NULL) {
            continue;
        }
        *value++ = '\0';
        if (strcasecmp(line, "Replaces") && strcasecmp(line, "Referred-By") &&
            (!has_header(tdata, line) || !strcasecmp(line, "Require"))) {
            ast_sip_add_header(tdata, line, ast_strip(value));
        }
    }
    ast_free(lines);
}

void outgoing_invite(struct ast_sip_session *session, pjsip_tx_data *tdata)
{
    struct xfer *xfer;

    if (session->channel == NULL || session->inv_session->state != PJSIP_INV_STATE_NULL) {
        return;
    }
    ast_channel_lock(session->channel);
    add_variable(session->channel, "SIPREPLACESHDR", "Replaces", tdata);
    add_variable(session->channel, "SIPREFERREDBYHDR", "Referred-By", tdata);
    ast_channel_unlock(session->channel);
    xfer = xfer_of_channel(session->channel);
    if (xfer != NULL) {
        if (!xfer->over) {
            add_wanted(xfer, tdata);
        }
        ao2_ref(xfer, -1);
    }
}

/* The transfer that a dialled channel belongs to: by the variable that it has inherited, or, where
 * it was dialled before the transfer began, by the call that it is part of. */
static struct xfer *xfer_of_dialled(struct ast_channel *chan)
{
    struct xfer *xfer = xfer_of_channel(chan);
    struct ao2_iterator each;
    const char *linked;

    if (xfer != NULL || semi_attended == 0) {
        return xfer;
    }
    linked = ast_channel_linkedid(chan);
    each = ao2_iterator_init(transfers_all(), 0);
    while ((xfer = ao2_iterator_next(&each))) {
        if (xfer->semi && !xfer->over && xfer_is(xfer, &xfer->linked, linked)) {
            break;
        }
        ao2_ref(xfer, -1);
    }
    ao2_iterator_destroy(&each);
    return xfer;
}

/* Of several targets the one that says most is remembered: a refusal tells more than no answer. */
int answer_says_more(int code, int than)
{
    static const int order[] = {603, 486, 600, 480, 404, 481, 488};
    size_t a, b;

    if (than == 0) {
        return 1;
    }
    for (a = 0; a < ARRAY_LEN(order) && order[a] != code; a++) {
    }
    for (b = 0; b < ARRAY_LEN(order) && order[b] != than; b++) {
    }
    return a < b;
}

void outgoing_answered(struct ast_sip_session *session, pjsip_rx_data *rdata)
{
    const pjsip_status_line *status = &rdata->msg_info.msg->line.status;
    struct xfer *xfer;

    if (session->channel == NULL || session->call_direction != AST_SIP_SESSION_OUTGOING_CALL ||
        ast_sip_session_get_pjsip_inv_state(session) == PJSIP_INV_STATE_CONFIRMED ||
        status->code <= 100 || status->code == 401 || status->code == 407) {
        return;
    }
    if (behaviour.observe) {
        observe_target(session->channel, status->code);
        return;
    }
    if (behaviour.plain_codes || transfers_all() == NULL ||
        ao2_container_count(transfers_all()) == 0) {
        return;
    }
    xfer = xfer_of_dialled(session->channel);
    if (xfer == NULL) {
        return;
    }
    if (!xfer->over && !xfer->application) {
        if (status->code < 200) {
            xfer->told = status->code;
            xfer_progress(xfer, status->code, status->reason.ptr, (size_t)status->reason.slen);
        } else if (status->code >= 300 && answer_says_more(status->code, xfer->failure)) {
            /* The outcome only when the dialplan knows no other way either. */
            xfer->failure = status->code;
        }
    }
    ao2_ref(xfer, -1);
}
