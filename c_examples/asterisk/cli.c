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
    cluster_show(a->fd);
    return CLI_SUCCESS;
}

/* A message as it is typed: \\r and \\n stand for themselves, and what ends a message is added. */
static char *typed_message(const char *typed)
{
    struct ast_str *message = ast_str_create(strlen(typed) + 8);
    char *made = NULL;

    for (; message != NULL && *typed != '\0'; typed++) {
        if (typed[0] == '\\' && (typed[1] == 'r' || typed[1] == 'n')) {
            typed++;
            if (*typed == 'n') {
                ast_str_append(&message, 0, "\r\n");
            }
        } else if (*typed == '\n') {
            ast_str_append(&message, 0, "\r\n");
        } else if (*typed != '\r') {
            ast_str_append(&message, 0, "%c", *typed);
        }
    }
    if (message != NULL) {
        ast_str_append(&message, 0, "\r\n\r\n");
        made = ast_strdup(ast_str_buffer(message));
        ast_free(message);
    }
    return made;
}

static void tell_verdict(int fd, const struct sipxfer_verdict *verdict)
{
    ast_cli(fd, "%s %u %.*s\n%.*s\n", sipxfer_verdict_name(verdict->kind), verdict->code,
            SIPXFER_ARG(verdict->reason), SIPXFER_ARG(verdict->why));
    if (verdict->error_what.len > 0) {
        ast_cli(fd, "At byte %zu: %.*s\n", verdict->error_offset, SIPXFER_ARG(verdict->error_what));
    }
    if (verdict->setting.len > 0) {
        ast_cli(fd, "By the setting %.*s\n", SIPXFER_ARG(verdict->setting));
    }
    for (uint32_t i = 0; i < verdict->rule_count && i < SIPXFER_MAX_RULES; i++) {
        ast_cli(fd, "R%03u %s: %s\n", verdict->rules[i], sipxfer_rule_source(verdict->rules[i]),
                sipxfer_rule_text(verdict->rules[i]));
    }
}

static void explain_message(int fd, char *message, const char *name)
{
    struct ast_sip_endpoint *endpoint =
        name != NULL ? ast_sorcery_retrieve_by_id(ast_sip_get_sorcery(), "endpoint", name) : NULL;
    size_t len = strlen(message), room = SIPXFER_SCRATCH_SIZE(len);
    char *scratch = ast_malloc(room), user[256];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    int32_t status;

    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    request.message.ptr = message;
    request.message.len = len;
    request.now_ms = clock_ms();
    if (endpoint != NULL) {
        request.endpoint.ptr = name;
        request.endpoint.len = strlen(name);
        request.context.ptr = endpoint->context;
        request.context.len = strlen(endpoint->context);
        request.user.ptr = authenticated_user(endpoint, user, sizeof user);
        request.user.len = strlen(user);
    } else if (name != NULL) {
        ast_cli(fd, "There is no endpoint %s; asked for a stranger.\n", name);
    }
    if (scratch == NULL) {
        status = SIPXFER_E_NOMEM;
    } else if (!strncmp(message, "REFER ", 6)) {
        status = sipxfer_refer_route(engine, &request, 0, scratch, room, &verdict);
    } else {
        status = sipxfer_replaces_verify_request(engine, &request, 0, scratch, room, &verdict);
    }
    if (status == SIPXFER_OK) {
        tell_verdict(fd, &verdict);
        sipxfer_verdict_release(engine, &verdict);
    } else {
        ast_cli(fd, "No verdict: %s\n", sipxfer_strerror(status));
    }
    ast_free(scratch);
    ao2_cleanup(endpoint);
}

static char *explain(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
    char *message;

    switch (cmd) {
    case CLI_INIT:
        e->command = "sipxfer explain";
        e->usage =
            "Usage: sipxfer explain \"MESSAGE\" [ENDPOINT]\n"
            "       Says what would be decided about a REFER, or an INVITE with Replaces, of\n"
            "       this endpoint, and why. Write \\\\n for a new line. Nothing is done.\n";
        return NULL;
    case CLI_GENERATE:
        return NULL;
    }
    if (a->argc != 3 && a->argc != 4) {
        return CLI_SHOWUSAGE;
    }
    message = typed_message(a->argv[2]);
    if (message == NULL) {
        return CLI_FAILURE;
    }
    explain_message(a->fd, message, a->argc == 4 ? a->argv[3] : NULL);
    ast_free(message);
    return CLI_SUCCESS;
}

static char *turn(struct ast_cli_args *a, int is_off)
{
    if (is_off && !ast_module_check("res_pjsip_refer.so")) {
        ast_cli(a->fd, "res_pjsip_refer is not loaded: nobody would handle transfers.\n");
        return CLI_FAILURE;
    }
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
    AST_CLI_DEFINE(explain, "Say what would be decided about a request"),
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
