/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The dialplan function SIPXFER().
 */

/*** DOCUMENTATION
        <function name="SIPXFER" language="en_US">
                <synopsis>
                        Tells about the transfer that this channel takes part in.
                </synopsis>
                <syntax>
                        <parameter name="what" required="true">
                                <enumlist>
                                        <enum name="id"><para>Its id, as in <literal>sipxfer show
 transfers</literal>.</para></enum> <enum name="kind"><para><literal>blind</literal>,
 <literal>local_attended</literal>, <literal>remote_attended</literal>.</para></enum> <enum
 name="state"><para><literal>pending</literal> or the SIP code of its outcome.</para></enum> <enum
 name="reason"><para>The reason phrase of its outcome.</para></enum> <enum name="why"><para>One
 sentence about the decision.</para></enum> <enum name="rules"><para>The rules that led to it, as
 R029 R030.</para></enum> <enum name="transferor"><para>The endpoint that sent the
 REFER.</para></enum> <enum name="target"><para>The URI to contact, without headers.</para></enum>
                                        <enum name="replaces"><para>The Replaces inside the
 Refer-To, or empty.</para></enum> <enum name="refer_to_raw"><para>The Refer-To as it was received.
 It was written by a stranger: never put it into a dial string.</para></enum> <enum
 name="depth"><para>How many transfers the call has been through.</para></enum>
                                </enumlist>
                        </parameter>
                </syntax>
                <description>
                        <para>Empty where the channel takes part in none.</para>
                </description>
        </function>
        <application name="SIPXFEREnded" language="en_US">
                <synopsis>
                        Tells the transferor that the dialplan of a transferred channel has ended.
                </synopsis>
                <syntax />
                <description>
                        <para>Run by this module itself, in the hangup handler of a transferred
 channel.</para>
                </description>
        </application>
        <application name="SIPXFERFulfil" language="en_US">
                <synopsis>
                        Gives a channel back to the transferor of a transfer that has failed.
                </synopsis>
                <syntax />
                <description>
                        <para>Run by this module itself.</para>
                </description>
        </application>
 ***/

#include "module.h"

#include "asterisk/pbx.h"

static int read_function(struct ast_channel *chan, const char *cmd, char *data, char *buffer,
                         size_t len)
{
    struct xfer *xfer;

    ast_copy_string(buffer, "", len);
    if (chan == NULL) {
        ast_log(LOG_WARNING, "%s needs a channel\n", cmd);
        return -1;
    }
    xfer = xfer_of_channel(chan);
    if (xfer == NULL) {
        return 0;
    }
    if (!strcasecmp(data, "id")) {
        snprintf(buffer, len, "%" PRIx64, xfer->id);
    } else if (!strcasecmp(data, "kind")) {
        ast_copy_string(buffer, sipxfer_verdict_name(xfer->kind), len);
    } else if (!strcasecmp(data, "state")) {
        if (xfer->over) {
            snprintf(buffer, len, "%d", xfer->outcome);
        } else {
            ast_copy_string(buffer, "pending", len);
        }
    } else if (!strcasecmp(data, "reason")) {
        ast_copy_string(buffer, xfer_copy(xfer, reason), len);
    } else if (!strcasecmp(data, "why")) {
        ast_copy_string(buffer, xfer->why, len);
    } else if (!strcasecmp(data, "rules")) {
        ast_copy_string(buffer, xfer->rules, len);
    } else if (!strcasecmp(data, "transferor")) {
        ast_copy_string(buffer, xfer->endpoint, len);
    } else if (!strcasecmp(data, "target")) {
        ast_copy_string(buffer, xfer->target, len);
    } else if (!strcasecmp(data, "replaces")) {
        ast_copy_string(buffer, xfer->replaces, len);
    } else if (!strcasecmp(data, "refer_to_raw")) {
        ast_copy_string(buffer, xfer->refer_to_raw, len);
    } else if (!strcasecmp(data, "depth")) {
        snprintf(buffer, len, "%u", xfer->depth);
    } else {
        ast_log(LOG_WARNING, "%s knows no '%s'\n", cmd, data);
        ao2_ref(xfer, -1);
        return -1;
    }
    ao2_ref(xfer, -1);
    return 0;
}

static struct ast_custom_function function = {
    .name = "SIPXFER",
    .read = read_function,
};

int functions_register(void)
{
    return ast_custom_function_register(&function);
}

void functions_unregister(void)
{
    ast_custom_function_unregister(&function);
}
