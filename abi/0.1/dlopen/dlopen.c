/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A host that is not linked with libsipxfer: it opens the library at run time, looks up one
 * symbol, and lets the engine keep the table of dialogs.
 *
 *     dlopen [path of the library]
 */
#include "dlopen.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The table grows at its end: a function is there if the library's table reaches behind it. */
#define HAS(api, member)                                                                           \
    ((api)->struct_size >= offsetof(struct sipxfer_api, member) + sizeof(api)->member)

const struct sipxfer_api *api;

void check(int32_t status, const char *what)
{
    if (status == SIPXFER_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, api->strerror(status));
    exit(EXIT_FAILURE);
}

struct sipxfer_str str(const char *text)
{
    struct sipxfer_str s = {text, strlen(text)};
    return s;
}

static const struct sipxfer_api *load(void *library)
{
    const struct sipxfer_api *(*get_api)(uint32_t);

    /* ISO C has no cast from void * to a function; POSIX asks for this one. */
    *(void **)&get_api = dlsym(library, "sipxfer_get_api");
    if (get_api == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return NULL;
    }
    const struct sipxfer_api *table = get_api(SIPXFER_ABI_MAJOR);
    if (table == NULL) {
        fprintf(stderr, "the library does not speak version %d of the ABI\n", SIPXFER_ABI_MAJOR);
        return NULL;
    }
    /* Of the functions used here this one came last; an older library may end before it. */
    if (!HAS(table, refer_outcome_name)) {
        fprintf(stderr, "the library is older than this program\n");
        return NULL;
    }
    return table;
}

/* Level 1: headers alone, no engine. */
static void headers(void)
{
    static const char value[] =
        "<sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBob%3Bfrom-tag%3DBobtoB>";
    static const char broken[] =
        "<sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBobfrom-tag%3DBobtoB>";
    char scratch[sizeof value], built[256];
    struct sipxfer_refer_to refer_to;
    struct sipxfer_parse_error error;
    size_t len = 0;

    SIPXFER_INIT(refer_to);
    SIPXFER_INIT(error);
    check(api->refer_to_parse(value, strlen(value), scratch, sizeof scratch, &refer_to, &error),
          "Refer-To");
    printf("Refer-To    %s\n", value);
    printf("  target    %.*s\n", SIPXFER_ARG(refer_to.request_uri));
    printf("  Call-ID   %.*s\n", SIPXFER_ARG(refer_to.replaces_call_id));
    printf("  to-tag    %.*s\n", SIPXFER_ARG(refer_to.replaces_to_tag));
    printf("  from-tag  %.*s\n", SIPXFER_ARG(refer_to.replaces_from_tag));

    struct sipxfer_replaces replaces;
    SIPXFER_INIT(replaces);
    replaces.call_id = refer_to.replaces_call_id;
    replaces.to_tag = refer_to.replaces_to_tag;
    replaces.from_tag = refer_to.replaces_from_tag;
    struct sipxfer_refer_to_target target;
    SIPXFER_INIT(target);
    target.uri = refer_to.request_uri;
    target.replaces = &replaces;
    target.dialog_state = SIPXFER_DIALOG_CONFIRMED;
    target.dialog_initiator = SIPXFER_INITIATOR_LOCAL;
    check(api->refer_to_build(&target, built, sizeof built, &len), "building a Refer-To");
    printf("built       %.*s\n", (int)len, built);
    if (len != strlen(value) || memcmp(built, value, len) != 0) {
        fprintf(stderr, "what was built is not what was parsed\n");
        exit(EXIT_FAILURE);
    }

    /* As it is printed in the documentation of a well-known PBX: a semicolon is missing. */
    SIPXFER_INIT(refer_to);
    if (api->refer_to_parse(broken, strlen(broken), scratch, sizeof scratch, &refer_to, &error) !=
        SIPXFER_E_PARSE) {
        fprintf(stderr, "a broken Refer-To was taken for a good one\n");
        exit(EXIT_FAILURE);
    }
    printf("broken      %s\n", broken);
    printf("  at byte %zu: %.*s (R%03u: %s)\n", error.offset, SIPXFER_ARG(error.what),
           (unsigned)error.rule, api->rule_text(error.rule));
}

static void release(void *user, void *dialog)
{
    (void)dialog;
    ++*(int *)user; /* here a host drops its reference */
}

static void verify(const struct sipxfer_engine *engine, const char *replaces, uint64_t now_ms,
                   uint32_t kind, uint32_t code)
{
    static char scratch[SIPXFER_SCRATCH_SIZE(MESSAGE_MAX)];
    char message[MESSAGE_MAX];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    int len = snprintf(message, sizeof message,
                       "INVITE sip:pbx@example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: <sip:trunk@example.com>;tag=t1\r\n"
                       "To: <sip:pbx@example.com>\r\n"
                       "Call-ID: new-call\r\n"
                       "CSeq: 1 INVITE\r\n"
                       "Contact: <sip:trunk@192.0.2.7>\r\n"
                       "Replaces: %s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       replaces);

    if (len < 0 || (size_t)len >= sizeof message) {
        fprintf(stderr, "the message is too long\n");
        exit(EXIT_FAILURE);
    }
    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    request.message.ptr = message;
    request.message.len = (size_t)len;
    request.endpoint = request.user = str("trunk");
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = now_ms;
    check(api->replaces_verify_request(engine, &request, 0, scratch, sizeof scratch, &verdict),
          "verdict");
    printf("Replaces    %s\n  verdict   %s, code %u, ground %s\n  why       %.*s\n", replaces,
           api->verdict_name(verdict.kind), (unsigned)verdict.code,
           api->ground_name(verdict.ground), SIPXFER_ARG(verdict.why));
    int as_expected = verdict.kind == kind && verdict.code == code;
    check(api->verdict_release(engine, &verdict), "releasing the verdict");
    if (!as_expected) {
        fprintf(stderr, "expected verdict %u, code %u\n", (unsigned)kind, (unsigned)code);
        exit(EXIT_FAILURE);
    }
}

static void engine_with_its_own_table(void)
{
    int host_object = 0, released = 0;
    struct sipxfer_directory directory;
    SIPXFER_INIT(directory);
    directory.user = &released;
    directory.release = release; /* no find: the dialogs are put into the engine's table */

    struct sipxfer_engine_options options;
    SIPXFER_INIT(options);
    options.directory = &directory;
    struct sipxfer_engine *engine = NULL;
    check(api->engine_new(&options, &engine), "making an engine");

    /* The trunk to another PBX may replace any dialog: that PBX asks its users. */
    static const char scope[] = "endpoint:trunk", name[] = "replaces_trusted", value[] = "yes";
    struct sipxfer_config *config = NULL;
    check(api->config_new(&config), "settings");
    check(api->config_set(config, scope, strlen(scope), name, strlen(name), value, strlen(value)),
          name);
    check(api->config_apply(engine, config), "applying the settings");
    api->config_free(config);

    struct sipxfer_dialog dialog;
    SIPXFER_INIT(dialog);
    dialog.dialog = &host_object;
    dialog.call_id = str("ABCDE");
    dialog.local_tag = str("BtoBob");
    dialog.remote_tag = str("BobtoB");
    dialog.user = dialog.endpoint = str("bob");
    dialog.state = SIPXFER_DIALOG_CONFIRMED;
    dialog.initiator = SIPXFER_INITIATOR_REMOTE;
    dialog.usage = SIPXFER_USAGE_INVITE;
    uint64_t id = 0;
    check(api->dialog_add(engine, &dialog, &id), "adding a dialog");

    static const char ours[] = "ABCDE;to-tag=BtoBob;from-tag=BobtoB";
    verify(engine, ours, 1000, SIPXFER_VERDICT_ACCEPT, 200);
    check(api->dialog_remove(engine, id, 2000), "removing the dialog");
    verify(engine, ours, 3000, SIPXFER_VERDICT_REJECT, 603); /* it has ended, and is remembered */
    verify(engine, "other;to-tag=BtoBob;from-tag=BobtoB", 3000, SIPXFER_VERDICT_REJECT, 481);

    api->engine_free(engine);
    if (released != 1) {
        fprintf(stderr, "the dialog was given back %d times\n", released);
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "libsipxfer.so.0";
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return EXIT_FAILURE;
    }
    api = load(library);
    if (api == NULL) {
        dlclose(library);
        return EXIT_FAILURE;
    }
    printf("sipxfer %s, ABI %u.%u\n", api->version(), (unsigned)api->abi_major,
           (unsigned)api->abi_minor);
    headers();
    engine_with_its_own_table();
    play_transfers();
    dlclose(library);
    return EXIT_SUCCESS;
}
