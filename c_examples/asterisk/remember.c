/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a transfer remembers of its REFER and of the decision about it.
 */
#include "module.h"

#include "asterisk/config.h"

void xfer_set(struct xfer *xfer, const ast_string_field *field, struct sipxfer_str value)
{
    char *text = value.len > 0 ? str_dup(value) : NULL;

    if (text != NULL) {
        ast_string_field_ptr_set(xfer, field, text);
        ast_free(text);
    }
}

static void set_hdr(struct xfer *xfer, const ast_string_field *field, pjsip_rx_data *rdata,
                    const char *name, const char *compact)
{
    pj_str_t full = pj_str((char *)name), brief = pj_str((char *)compact);
    const pjsip_generic_string_hdr *header =
        pjsip_msg_find_hdr_by_names(rdata->msg_info.msg, &full, &brief, NULL);

    if (header != NULL) {
        struct sipxfer_str value = {header->hvalue.ptr, (size_t)header->hvalue.slen};

        xfer_set(xfer, field, value);
    }
}

int xfer_remember(struct xfer *xfer, const struct asked *asked)
{
    const struct sipxfer_verdict *verdict = &asked->verdict;
    char rules[SIPXFER_MAX_RULES * 5 + 1] = "";
    const struct leg *other = verdict->dialog;

    xfer->kind = verdict->kind;
    xfer->depth = verdict->transfer_depth;
    xfer->other = other != NULL ? other->number : 0;
    xfer->other_state = verdict->dialog_state;
    xfer_set(xfer, &xfer->context, verdict->context);
    xfer_set(xfer, &xfer->extension, verdict->extension);
    xfer_set(xfer, &xfer->target, verdict->target);
    xfer_set(xfer, &xfer->replaces, verdict->replaces);
    xfer_set(xfer, &xfer->referred_by, verdict->referred_by);
    xfer_set(xfer, &xfer->headers, verdict->headers);
    xfer_set(xfer, &xfer->why, verdict->why);
    xfer_set(xfer, &xfer->message, asked->request.message);
    if (asked->rdata != NULL) {
        set_hdr(xfer, &xfer->refer_to_raw, asked->rdata, "Refer-To", "r");
    }
    for (uint32_t i = 0; i < verdict->rule_count && i < SIPXFER_MAX_RULES; i++) {
        snprintf(rules + strlen(rules), sizeof rules - strlen(rules), "%sR%03u", i > 0 ? " " : "",
                 verdict->rules[i]);
    }
    ast_string_field_set(xfer, rules, rules);
    for (size_t i = 0; i < verdict->variable_count; i++) {
        char *name = str_dup(verdict->variables[i].name);
        char *value = str_dup(verdict->variables[i].value);
        struct ast_variable *variable =
            name != NULL && value != NULL ? ast_variable_new(name, value, "") : NULL;

        ast_free(name);
        ast_free(value);
        if (variable == NULL) {
            return -1;
        }
        ast_variable_list_append(&xfer->variables, variable);
    }
    return 0;
}
