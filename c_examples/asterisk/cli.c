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
    ast_cli(a->fd, "Transferee:  %s\n", S_OR(xfer_copy(xfer, transferee), "-"));
    ast_cli(a->fd, "Refer-To:    %s\n", xfer->refer_to_raw);
    ast_cli(a->fd, "Goes to:     %s in %s\n", S_OR(xfer->extension, "-"), S_OR(xfer->context, "-"));
    ast_cli(a->fd, "Referred-By: %s\n", S_OR(xfer->referred_by, "-"));
    ast_cli(a->fd, "Began:       %ld s ago\n",
            (long)(ast_tvdiff_ms(ast_tvnow(), xfer->began) / 1000));
    if (xfer->over) {
        ast_cli(a->fd, "Outcome:     %d %s\n", xfer->outcome, xfer_copy(xfer, reason));
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
    settings_show_own(a->fd);
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
    /* Whoever has a password has been asked for it before this module sees the request. */
    uint32_t code = verdict->kind == SIPXFER_VERDICT_CHALLENGE ? 403 : verdict->code;

    ast_cli(fd, "%s %u %.*s\n%.*s\n", sipxfer_verdict_name(verdict->kind), code,
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

struct question {
    int fd;
    char *message;
    const char *name; /* of an endpoint, or NULL */
    struct leg *leg;  /* of the call that it is in, or NULL; counted */
};

/* With a leg: in the serializer of its session. */
static int explain_task(void *data)
{
    const struct question *question = data;
    struct ast_sip_endpoint *endpoint = NULL;
    struct asked asked = {{0}};
    struct sipxfer_request *request = &asked.request;
    int32_t status;

    SIPXFER_INIT(asked.request);
    SIPXFER_INIT(asked.verdict);
    if (question->leg != NULL) {
        endpoint = ao2_bump(question->leg->session->endpoint);
    } else if (question->name != NULL) {
        endpoint = ast_sorcery_retrieve_by_id(ast_sip_get_sorcery(), "endpoint", question->name);
        if (endpoint == NULL) {
            ast_cli(question->fd, "There is no endpoint %s; asked for a stranger.\n",
                    question->name);
        }
    }
    request->message.ptr = question->message;
    request->message.len = strlen(question->message);
    request->host_data = &asked;
    request->now_ms = clock_ms();
    asked.endpoint = endpoint;
    asked_by(&asked, question->leg);
    if (question->leg != NULL && question->leg->session->transferhandling_ari) {
        request->handling = SIPXFER_HANDLING_APPLICATION;
    }
    asked.scratch_len = SIPXFER_SCRATCH_SIZE(request->message.len);
    asked.scratch = ast_malloc(asked.scratch_len);
    if (asked.scratch == NULL) {
        status = SIPXFER_E_NOMEM;
    } else if (!strncmp(question->message, "REFER ", 6)) {
        status = sipxfer_refer_route(engine, request, 0, asked.scratch, asked.scratch_len,
                                     &asked.verdict);
    } else {
        status = sipxfer_replaces_verify_request(engine, request, 0, asked.scratch,
                                                 asked.scratch_len, &asked.verdict);
    }
    if (status == SIPXFER_OK) {
        if (asked.verdict.kind == SIPXFER_VERDICT_ACCEPT && endpoint != NULL &&
            !endpoint->allowtransfer && behaviour.transfer_covers) {
            ast_cli(question->fd, "reject 403 Forbidden\nallow_transfer of endpoint %s is no\n",
                    ast_sorcery_object_get_id(endpoint));
        } else {
            tell_verdict(question->fd, &asked.verdict);
        }
        asked_close(&asked);
    } else {
        ast_cli(question->fd, "No verdict: %s\n", sipxfer_strerror(status));
        ast_free(asked.scratch);
    }
    ao2_cleanup(endpoint);
    return 0;
}

/* The call whose dialog a message belongs to. */
static struct leg *leg_of_message(const char *text)
{
    struct sipxfer_message message;
    struct sipxfer_dialog_key key;

    SIPXFER_INIT(message);
    SIPXFER_INIT(key);
    if (sipxfer_message_parse(text, strlen(text), &message, NULL) != SIPXFER_OK ||
        message.to_tag.len == 0) {
        return NULL;
    }
    key.call_id = message.call_id;
    key.local_tag = message.to_tag;
    key.remote_tag = message.from_tag;
    return leg_by_key(&key);
}

static void explain_message(int fd, char *message, const char *name)
{
    struct question question = {fd, message, name, leg_of_message(message)};

    if (question.leg == NULL) {
        explain_task(&question);
    } else if (ast_sip_push_task_wait_serializer(question.leg->session->serializer, explain_task,
                                                 &question)) {
        ast_cli(fd, "No verdict: the call is over\n");
    }
    ao2_cleanup(question.leg);
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
            "       this endpoint, and why. One with the Call-ID and the tags of a call is taken\n"
            "       for a request of that call. Write \\\\n for a new line. Nothing is done.\n";
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
