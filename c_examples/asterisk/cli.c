/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The commands `sipxfer ...` of the CLI.
 */
#include "module.h"

#include "asterisk/cli.h"

#define ROW "%-18s %-16s %-24s %-24s %s\n"

static void show_row(int fd, const struct xfer *xfer)
{
    char id[20], state[32];

    snprintf(id, sizeof id, "%" PRIx64, xfer->id);
    if (xfer->over) {
        snprintf(state, sizeof state, "%d", xfer->outcome);
    } else {
        snprintf(state, sizeof state, "pending %d", xfer->told);
    }
    ast_cli(fd, ROW, id, sipxfer_verdict_name(xfer->kind), xfer->source_channel,
            S_OR(xfer->extension, xfer->target), state);
}

static void show_all(int fd, struct ao2_container *container)
{
    struct ao2_iterator each = ao2_iterator_init(container, 0);
    struct xfer *xfer;

    for (; (xfer = ao2_iterator_next(&each)); ao2_ref(xfer, -1)) {
        show_row(fd, xfer);
    }
    ao2_iterator_destroy(&each);
}

static char *show_transfers(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
    switch (cmd) {
    case CLI_INIT:
        e->command = "sipxfer show transfers";
        e->usage = "Usage: sipxfer show transfers\n"
                   "       Lists the transfers that are under way, and the last that have ended.\n";
        return NULL;
    case CLI_GENERATE:
        return NULL;
    }
    if (a->argc != 3) {
        return CLI_SHOWUSAGE;
    }
    ast_cli(a->fd, ROW, "Id", "Kind", "Transferor", "Target", "State");
    show_all(a->fd, transfers_all());
    show_all(a->fd, transfers_recent());
    return CLI_SUCCESS;
}

static char *show_transfer(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
    uint64_t id = 0;
    struct xfer *xfer;

    switch (cmd) {
    case CLI_INIT:
        e->command = "sipxfer show transfer";
        e->usage = "Usage: sipxfer show transfer ID\n"
                   "       Tells all that is known of one transfer.\n";
        return NULL;
    case CLI_GENERATE:
        return NULL;
    }
    if (a->argc != 4 || sscanf(a->argv[3], "%20" SCNx64, &id) != 1) {
        return CLI_SHOWUSAGE;
    }
    xfer = xfer_by_id(id);
    if (xfer == NULL) {
        xfer = ao2_find(transfers_recent(), &id, OBJ_SEARCH_KEY);
    }
    if (xfer == NULL) {
        ast_cli(a->fd, "There is no transfer %s.\n", a->argv[3]);
        return CLI_SUCCESS;
    }
    ast_cli(a->fd, "Id:          %" PRIx64 "\n", xfer->id);
    ast_cli(a->fd, "Kind:        %s\n", sipxfer_verdict_name(xfer->kind));
    ast_cli(a->fd, "Controlled:  by %s\n", xfer->application ? "an application" : "the dialplan");
    ast_cli(a->fd, "Transferor:  %s (endpoint %s)\n", xfer->source_channel, xfer->endpoint);
    ast_cli(a->fd, "Transferee:  %s\n", S_OR(xfer->transferee, "-"));
    ast_cli(a->fd, "Refer-To:    %s\n", xfer->refer_to_raw);
    ast_cli(a->fd, "Goes to:     %s in %s\n", S_OR(xfer->extension, "-"), S_OR(xfer->context, "-"));
    ast_cli(a->fd, "Referred-By: %s\n", S_OR(xfer->referred_by, "-"));
    ast_cli(a->fd, "Began:       %ld s ago\n",
            (long)(ast_tvdiff_ms(ast_tvnow(), xfer->began) / 1000));
    if (xfer->over) {
        ast_cli(a->fd, "Outcome:     %d %s\n", xfer->outcome, xfer->reason);
    } else {
        ast_cli(a->fd, "Outcome:     pending, last heard %d\n", xfer->told);
    }
    ast_cli(a->fd, "Rules:       %s\nWhy:         %s\n", S_OR(xfer->rules, "-"),
            S_OR(xfer->why, "-"));
    ao2_ref(xfer, -1);
    return CLI_SUCCESS;
}

static char *show_settings(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
    struct sipxfer_setting setting;

    switch (cmd) {
    case CLI_INIT:
        e->command = "sipxfer show settings";
        e->usage = "Usage: sipxfer show settings [ENDPOINT]\n"
                   "       Lists every setting and its value, for all or for one endpoint.\n";
        return NULL;
    case CLI_GENERATE:
        return NULL;
    }
    if (a->argc > 4) {
        return CLI_SHOWUSAGE;
    }
    for (size_t i = 0;; i++) {
        char *name, *value;

        SIPXFER_INIT(setting);
        if (sipxfer_setting_at(i, &setting) != SIPXFER_OK) {
            break;
        }
        name = str_dup(setting.name);
        value = name != NULL ? settings_value(a->argc == 4 ? a->argv[3] : "", name) : NULL;
        if (value != NULL) {
            ast_cli(a->fd, "%-32s %s\n", name, S_OR(value, "-"));
        }
        ast_free(name);
        ast_free(value);
    }
    ast_cli(a->fd, "%-32s %s\n", "mode", behaviour.observe ? "observe" : "decide");
    ast_cli(a->fd, "%-32s %s\n", "compat", behaviour.compat ? "res_pjsip_refer" : "no");
    ast_cli(a->fd, "%-32s %s\n", "transferor_waits", AST_CLI_YESNO(behaviour.keep));
    ast_cli(a->fd, "%-32s %s\n", "media_is_answer", AST_CLI_YESNO(behaviour.media_answers));
    ast_cli(a->fd, "%-32s %s\n", "semi_attended_at_once", AST_CLI_YESNO(behaviour.semi_at_once));
    ast_cli(a->fd, "%-32s %s\n", "in_dialog_replaces_ends_call",
            AST_CLI_YESNO(behaviour.in_dialog_ends));
    ast_cli(a->fd, "%-32s %s\n", "identified_is_authenticated",
            AST_CLI_YESNO(behaviour.trust_identified));
    return CLI_SUCCESS;
}

static char *show_stats(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
    size_t transfers = 0, dialogs = 0;

    switch (cmd) {
    case CLI_INIT:
        e->command = "sipxfer show stats";
        e->usage = "Usage: sipxfer show stats\n"
                   "       Counts what was received, decided, and what came of it.\n";
        return NULL;
    case CLI_GENERATE:
        return NULL;
    }
    sipxfer_transfer_count(engine, &transfers);
    sipxfer_dialog_count(engine, &dialogs);
    ast_cli(a->fd, "REFER received:                 %d\n", stats.refers);
    ast_cli(a->fd, "REFER decided:                  %d\n", stats.refers_decided);
    ast_cli(a->fd, "INVITE with Replaces received:  %d\n", stats.replaces);
    ast_cli(a->fd, "INVITE with Replaces decided:   %d\n", stats.replaces_decided);
    ast_cli(a->fd, "Refused:                        %d\n", stats.refused);
    ast_cli(a->fd, "Succeeded:                      %d\n", stats.succeeded);
    ast_cli(a->fd, "Failed:                         %d\n", stats.failed);
    ast_cli(a->fd, "Differences (mode = observe):   %d\n", stats.differences);
    ast_cli(a->fd, "Transfers under way:            %zu\n", transfers);
    ast_cli(a->fd, "Dialogs known:                  %zu (%zu sessions)\n", dialogs,
            dialogs_count());
    ast_cli(a->fd, "Faults inside the library:      %" PRIu64 "\n", sipxfer_panic_count());
    return CLI_SUCCESS;
}

static char *turn(struct ast_cli_args *a, int is_off)
{
    if (a->argc == 2) {
        behaviour.off = is_off;
        ast_cli(a->fd, "sipxfer is %s.\n", is_off ? "off" : "on");
        return CLI_SUCCESS;
    }
    if (a->argc != 3) {
        return CLI_SHOWUSAGE;
    }
    settings_set_off(a->argv[2], is_off);
    ast_cli(a->fd, "sipxfer is %s for endpoint %s.\n", is_off ? "off" : "on", a->argv[2]);
    return CLI_SUCCESS;
}

static char *turn_off(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
    switch (cmd) {
    case CLI_INIT:
        e->command = "sipxfer off";
        e->usage = "Usage: sipxfer off [ENDPOINT]\n"
                   "       Decides nothing from now on, for all or for one endpoint: where\n"
                   "       res_pjsip_refer is loaded too, it does. Transfers under way go on.\n";
        return NULL;
    case CLI_GENERATE:
        return NULL;
    }
    return turn(a, 1);
}

static char *turn_on(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
    switch (cmd) {
    case CLI_INIT:
        e->command = "sipxfer on";
        e->usage = "Usage: sipxfer on [ENDPOINT]\n"
                   "       Takes `sipxfer off` back.\n";
        return NULL;
    case CLI_GENERATE:
        return NULL;
    }
    return turn(a, 0);
}

static struct ast_cli_entry entries[] = {
    AST_CLI_DEFINE(show_transfers, "List transfers"),
    AST_CLI_DEFINE(show_transfer, "Tell about one transfer"),
    AST_CLI_DEFINE(show_settings, "List settings"),
    AST_CLI_DEFINE(show_stats, "Count transfers"),
    AST_CLI_DEFINE(turn_off, "Decide no transfer"),
    AST_CLI_DEFINE(turn_on, "Decide transfers again"),
};

int cli_register(void)
{
    return ast_cli_register_multiple(entries, ARRAY_LEN(entries));
}

void cli_unregister(void)
{
    ast_cli_unregister_multiple(entries, ARRAY_LEN(entries));
}
