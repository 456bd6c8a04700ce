/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sipxfer.conf: the library's settings by name, some of this module, and overrides per endpoint.
 *
 *     [general]                what holds for all
 *     [NAME] type = endpoint   what holds for the endpoint of that name in pjsip.conf
 */
#include "module.h"

#include "asterisk/cli.h"
#include "asterisk/config.h"

#define CONFIG_FILE "sipxfer.conf"

static struct ao2_container *off; /* names of endpoints */
static struct sipxfer_config *current;
AST_MUTEX_DEFINE_STATIC(current_lock);

/* What a PBX of Asterisk's kind wants where the library leaves it open. */
static const char *const defaults[][2] = {
    {"replaces.require_extension", "yes"}, /* Asterisk's documentation promises it */
    {"refer.hang_up_after_ms", "32000"},
    {"refer.event_id_on_first", "no"},
};

/* How res_pjsip_refer answers. */
static const char *const compat[][2] = {
    {"replaces.require_extension", "yes"},
    {"replaces.authorize", "any"},
    {"refer.require_auth", "no"},
    {"refer.on_failure", "hangup"},
    {"refer.hang_up_after_ms", "60000"},
    {"notify.min_interval_ms", "0"},
    {"refer.max_depth", "0"},
};

/* Yes or no each, by default and as res_pjsip_refer has it. */
struct own {
    const char *name;
    size_t offset;
    int usual, as_today;
};

static const struct own own[] = {
    {"transferor_waits", offsetof(struct behaviour, keep), 1, 0},
    {"media_is_answer", offsetof(struct behaviour, media_answers), 0, 1},
    {"semi_attended_at_once", offsetof(struct behaviour, semi_at_once), 0, 1},
    {"in_dialog_replaces_ends_call", offsetof(struct behaviour, in_dialog_ends), 0, 1},
    {"unknown_extension_is_accepted", offsetof(struct behaviour, accepts_unknown), 0, 1},
    {"plain_failure_codes", offsetof(struct behaviour, plain_codes), 0, 1},
    {"no_subscription_gets_200", offsetof(struct behaviour, nosub_200), 0, 1},
    {"outside_calls_is_left", offsetof(struct behaviour, leaves_outside), 0, 1},
    {"allow_transfer_covers_replaces", offsetof(struct behaviour, transfer_covers), 1, 0},
    {"dead_call_is_ended", offsetof(struct behaviour, ends_dead_call), 1, 0},
    {"identified_is_authenticated", offsetof(struct behaviour, trust_identified), 1, 1},
};

/* What pjsip takes at all is 64 KiB. */
#define LONGEST_MOST  65535
#define LONGEST_LEAST 256
#define LONGEST_USUAL 32768

static int longest_setting(struct behaviour *made, const struct ast_variable *each)
{
    int bytes = 0, used = 0;

    if (sscanf(each->value, "%9d%n", &bytes, &used) != 1 || each->value[used] != '\0' ||
        bytes < LONGEST_LEAST || bytes > LONGEST_MOST) {
        ast_log(LOG_ERROR, "%s line %d: max_value_bytes is a number from %d to %d\n", CONFIG_FILE,
                each->lineno, LONGEST_LEAST, LONGEST_MOST);
        return -1;
    }
    made->longest = bytes;
    return 0;
}

static int *own_value(struct behaviour *made, const struct own *setting)
{
    return (int *)((char *)made + setting->offset);
}

static int set(struct sipxfer_config *config, const char *scope, const char *name,
               const char *value, int line)
{
    int32_t status =
        sipxfer_config_set(config, scope, strlen(scope), name, strlen(name), value, strlen(value));
    char sentence[512];
    size_t len = 0;

    if (status == SIPXFER_OK) {
        return 0;
    }
    if (sipxfer_config_error(config, sentence, sizeof sentence, &len) != SIPXFER_OK) {
        len = 0;
    }
    ast_log(LOG_ERROR, "%s line %d: %.*s\n", CONFIG_FILE, line,
            len > 0 ? (int)len : (int)strlen(sipxfer_strerror(status)),
            len > 0 ? sentence : sipxfer_strerror(status));
    return -1;
}

static const struct own *own_setting(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        if (!strcasecmp(own[i].name, name)) {
            return &own[i];
        }
    }
    return NULL;
}

static int general(struct sipxfer_config *config, struct behaviour *made, struct ast_variable *each)
{
    int failed = 0;

    for (; each != NULL; each = each->next) {
        const struct own *found = own_setting(each->name);

        if (!strcasecmp(each->name, "type") || !strcasecmp(each->name, "compat")) {
            continue;
        }
        if (!strcasecmp(each->name, "mode")) {
            made->observe = !strcasecmp(each->value, "observe");
            if (!made->observe && strcasecmp(each->value, "decide")) {
                ast_log(LOG_ERROR, "%s line %d: mode is decide or observe\n", CONFIG_FILE,
                        each->lineno);
                failed = -1;
            }
        } else if (!strcasecmp(each->name, "max_value_bytes")) {
            failed |= longest_setting(made, each);
        } else if (found != NULL) {
            *own_value(made, found) = ast_true(each->value);
            if (!ast_true(each->value) && !ast_false(each->value)) {
                ast_log(LOG_ERROR, "%s line %d: %s is yes or no\n", CONFIG_FILE, each->lineno,
                        found->name);
                failed = -1;
            }
        } else if (!cluster_setting(each->name, each->value)) {
            failed |= set(config, "", each->name, each->value, each->lineno);
        }
    }
    return failed;
}

static int endpoint_section(struct sipxfer_config *config, const char *name,
                            struct ast_variable *each)
{
    char scope[300];
    int failed = 0;

    snprintf(scope, sizeof scope, "endpoint:%s", name);
    for (; each != NULL; each = each->next) {
        if (strcasecmp(each->name, "type")) {
            failed |= set(config, scope, each->name, each->value, each->lineno);
        }
    }
    return failed;
}

static int fill(struct sipxfer_config *config, struct behaviour *made, struct ast_config *file)
{
    const char *like = file != NULL ? ast_variable_retrieve(file, "general", "compat") : NULL;
    const char *section = NULL;
    int failed = 0;

    cluster_begin_settings();
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        failed |= set(config, "", defaults[i][0], defaults[i][1], 0);
    }
    if (!ast_strlen_zero(like) && !strcasecmp(like, "res_pjsip_refer")) {
        for (size_t i = 0; i < ARRAY_LEN(compat); i++) {
            failed |= set(config, "", compat[i][0], compat[i][1], 0);
        }
        made->compat = 1;
    } else if (!ast_strlen_zero(like) && strcasecmp(like, "no")) {
        ast_log(LOG_ERROR, "%s: compat is res_pjsip_refer or no\n", CONFIG_FILE);
        failed = -1;
    }
    made->longest = LONGEST_USUAL;
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        *own_value(made, &own[i]) = made->compat ? own[i].as_today : own[i].usual;
    }
    while (file != NULL && (section = ast_category_browse(file, section))) {
        struct ast_variable *each = ast_variable_browse(file, section);
        const char *type = ast_variable_retrieve(file, section, "type");

        if (!strcasecmp(section, "general")) {
            failed |= general(config, made, each);
        } else if (!ast_strlen_zero(type) && !strcasecmp(type, "endpoint")) {
            failed |= endpoint_section(config, section, each);
        } else {
            ast_log(LOG_ERROR, "%s: section [%s] needs type = endpoint\n", CONFIG_FILE, section);
            failed = -1;
        }
    }
    return failed;
}

/* Without authorization each may take over the calls of all others: that is said at every load. */
static void tell_unauthorized(void)
{
    char *grounds = settings_value("", "replaces.authorize");

    if (behaviour.compat) {
        ast_log(LOG_NOTICE, "sipxfer answers as res_pjsip_refer does (compat)\n");
    }
    if (grounds != NULL && !strcmp(grounds, "any")) {
        ast_log(LOG_NOTICE, "sipxfer: any endpoint may name the calls of any other "
                            "(replaces.authorize = any)\n");
    }
    ast_free(grounds);
}

/* Whoever comes from the address of such an endpoint is taken for it: an administrator should know.
 */
static void tell_identified(void)
{
    struct ao2_container *all =
        ast_sorcery_retrieve_by_fields(ast_sip_get_sorcery(), "endpoint",
                                       AST_RETRIEVE_FLAG_MULTIPLE | AST_RETRIEVE_FLAG_ALL, NULL);
    struct ast_sip_endpoint *endpoint;
    struct ao2_iterator each;
    char name[80] = "";
    int found = 0;

    if (all == NULL) {
        return;
    }
    each = ao2_iterator_init(all, 0);
    for (; (endpoint = ao2_iterator_next(&each)); ao2_ref(endpoint, -1)) {
        const char *id = ast_sorcery_object_get_id(endpoint);

        if (AST_VECTOR_SIZE(&endpoint->inbound_auths) == 0 && strcmp(id, "anonymous")) {
            if (found++ == 0) {
                ast_copy_string(name, id, sizeof name);
            }
        }
    }
    ao2_iterator_destroy(&each);
    ao2_ref(all, -1);
    if (found > 0) {
        ast_log(LOG_NOTICE,
                "sipxfer: endpoints without auth count as authenticated "
                "(identified_is_authenticated): %s%s\n",
                name, found > 1 ? " and others" : "");
    }
}

int settings_load(int reload)
{
    struct ast_flags flags = {reload ? CONFIG_FLAG_FILEUNCHANGED : 0};
    struct ast_config *file = ast_config_load(CONFIG_FILE, flags);
    struct sipxfer_config *config = NULL, *old;
    struct behaviour made = {0};
    int failed;

    if (file == CONFIG_STATUS_FILEUNCHANGED) {
        return 0;
    }
    if (file == CONFIG_STATUS_FILEINVALID) {
        ast_log(LOG_ERROR, "%s cannot be read\n", CONFIG_FILE);
        return -1;
    }
    if (file == CONFIG_STATUS_FILEMISSING) {
        file = NULL;
    }
    if (off == NULL) {
        off = ast_str_container_alloc(17);
    }
    if (off == NULL || sipxfer_config_new(&config) != SIPXFER_OK) {
        ast_config_destroy(file);
        return -1;
    }
    failed = fill(config, &made, file);
    ast_config_destroy(file);
    if (failed || cluster_apply() || sipxfer_config_apply(engine, config) != SIPXFER_OK) {
        sipxfer_config_free(config);
        ast_log(LOG_ERROR, "sipxfer: %s\n",
                reload ? "the settings stay as they were" : "not loaded because of its settings");
        return -1;
    }
    made.off = behaviour.off;
    behaviour = made;
    ast_mutex_lock(&current_lock);
    old = current;
    current = config;
    ast_mutex_unlock(&current_lock);
    sipxfer_config_free(old);
    tell_unauthorized();
    if (behaviour.trust_identified) {
        tell_identified();
    }
    return 0;
}

void settings_show_own(int fd)
{
    ast_cli(fd, "%-32s %s\n", "mode", behaviour.observe ? "observe" : "decide");
    ast_cli(fd, "%-32s %d\n", "max_value_bytes", behaviour.longest);
    ast_cli(fd, "%-32s %s\n", "compat", behaviour.compat ? "res_pjsip_refer" : "no");
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        ast_cli(fd, "%-32s %s\n", own[i].name, AST_CLI_YESNO(*own_value(&behaviour, &own[i])));
    }
}

void settings_unload(void)
{
    ast_mutex_lock(&current_lock);
    sipxfer_config_free(current);
    current = NULL;
    ast_mutex_unlock(&current_lock);
    ao2_cleanup(off);
    off = NULL;
}

int settings_off(const char *endpoint)
{
    char *found;

    if (off == NULL || ao2_container_count(off) == 0) {
        return 0;
    }
    found = ao2_find(off, endpoint, OBJ_SEARCH_KEY);
    ao2_cleanup(found);
    return found != NULL;
}

int settings_set_off(const char *endpoint, int is_off)
{
    if (is_off) {
        return settings_off(endpoint) ? 0 : ast_str_container_add(off, endpoint);
    }
    ast_str_container_remove(off, endpoint);
    return 0;
}

char *settings_value(const char *endpoint, const char *name)
{
    char scope[300] = "", text[1024];
    size_t len = 0;
    int32_t status;

    if (!ast_strlen_zero(endpoint)) {
        snprintf(scope, sizeof scope, "endpoint:%s", endpoint);
    }
    ast_mutex_lock(&current_lock);
    status = sipxfer_config_get(current, scope, strlen(scope), name, strlen(name), text,
                                sizeof text, &len);
    ast_mutex_unlock(&current_lock);
    return status == SIPXFER_OK ? ast_strndup(text, len) : NULL;
}
