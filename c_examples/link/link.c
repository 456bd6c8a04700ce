/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A host that links with libsipxfer and keeps its dialogs in a list of its own: each dialog with
 * a mutex and a reference count, as a SIP stack has them. The library finds, locks and releases
 * them through callbacks, decides about raw requests, and the host acts.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sipxfer.h>

#define MESSAGE_MAX 2048

/* A dialog. The list's mutex guards refs and state; the dialog's own mutex is what keeps another
 * thread from changing the call while a verdict on it is carried out. To change the state both are
 * held, in this order: dialog, list. */
struct dialog {
    struct dialog *next;
    pthread_mutex_t mutex;
    unsigned refs;
    uint32_t state;
    const char *call_id, *local_tag, *remote_tag;
    const char *user; /* whom the host has authenticated on the other side */
    const char *endpoint;
};

struct dialog_list {
    pthread_mutex_t mutex;
    struct dialog *first;
};

static struct sipxfer_str str(const char *text)
{
    struct sipxfer_str s = {text, strlen(text)};
    return s;
}

static int same(struct sipxfer_str a, const char *b)
{
    return a.len == strlen(b) && memcmp(a.ptr, b, a.len) == 0;
}

static int same_tag(struct sipxfer_str a, const char *b)
{
    return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

static struct dialog *dialog_new(struct dialog_list *list, const char *call_id,
                                 const char *local_tag, const char *remote_tag, const char *user)
{
    struct dialog *dialog = calloc(1, sizeof *dialog);
    if (dialog == NULL || pthread_mutex_init(&dialog->mutex, NULL) != 0) {
        fprintf(stderr, "no memory for a dialog\n");
        exit(EXIT_FAILURE);
    }
    dialog->refs = 1; /* the list's own */
    dialog->state = SIPXFER_DIALOG_CONFIRMED;
    dialog->call_id = call_id;
    dialog->local_tag = local_tag;
    dialog->remote_tag = remote_tag;
    dialog->user = dialog->endpoint = user;
    pthread_mutex_lock(&list->mutex);
    dialog->next = list->first;
    list->first = dialog;
    pthread_mutex_unlock(&list->mutex);
    return dialog;
}

/* The callbacks of struct sipxfer_directory. None of them is called under a lock of the library. */

static void dialog_release(void *user, void *object)
{
    struct dialog_list *list = user;
    struct dialog *dialog = object;

    pthread_mutex_lock(&list->mutex);
    unsigned left = --dialog->refs;
    pthread_mutex_unlock(&list->mutex);
    if (left == 0) {
        pthread_mutex_destroy(&dialog->mutex);
        free(dialog);
    }
}

static int32_t dialog_find(void *user, const struct sipxfer_dialog_key *key,
                           struct sipxfer_dialog *out)
{
    struct dialog_list *list = user;
    int32_t status = SIPXFER_E_NOT_FOUND;

    pthread_mutex_lock(&list->mutex);
    for (struct dialog *d = list->first; d != NULL; d = d->next) {
        if (!same(key->call_id, d->call_id) || !same_tag(key->local_tag, d->local_tag) ||
            !same_tag(key->remote_tag, d->remote_tag))
            continue;
        d->refs++; /* the library gives it back through dialog_release() */
        out->dialog = d;
        out->call_id = str(d->call_id);
        out->local_tag = str(d->local_tag);
        out->remote_tag = str(d->remote_tag);
        out->user = str(d->user);
        out->endpoint = str(d->endpoint);
        out->state = d->state;
        out->initiator = SIPXFER_INITIATOR_REMOTE;
        out->usage = SIPXFER_USAGE_INVITE;
        status = SIPXFER_OK;
        break;
    }
    pthread_mutex_unlock(&list->mutex);
    return status;
}

static int32_t dialog_lock(void *user, void *object, uint32_t *state)
{
    struct dialog_list *list = user;
    struct dialog *dialog = object;

    pthread_mutex_lock(&dialog->mutex);
    /* The call may have ended between dialog_find() and here. */
    pthread_mutex_lock(&list->mutex);
    *state = dialog->state;
    pthread_mutex_unlock(&list->mutex);
    if (*state == SIPXFER_DIALOG_TERMINATED) {
        pthread_mutex_unlock(&dialog->mutex);
        return SIPXFER_E_GONE;
    }
    return SIPXFER_OK;
}

static void dialog_unlock(void *user, void *object)
{
    struct dialog *dialog = object;

    (void)user;
    pthread_mutex_unlock(&dialog->mutex);
}

/* The end of a dialog: out of the list, and its reference there is given back. The caller has the
 * dialog locked and a reference of its own. */
static void dialog_end(struct dialog_list *list, struct dialog *dialog)
{
    pthread_mutex_lock(&list->mutex);
    dialog->state = SIPXFER_DIALOG_TERMINATED;
    for (struct dialog **at = &list->first; *at != NULL; at = &(*at)->next) {
        if (*at == dialog) {
            *at = dialog->next;
            dialog->refs--; /* the caller's is still there, so this is not the last */
            break;
        }
    }
    pthread_mutex_unlock(&list->mutex);
}

/* The callbacks of struct sipxfer_host: the dialplan and the log. */

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request;
    if (same(context, "transfers") && same(extension, "external_replaces"))
        return SIPXFER_YES;
    return SIPXFER_NO;
}

static int32_t transfer_context(void *user, const struct sipxfer_request *request, char *buffer,
                                size_t capacity, size_t *len)
{
    static const char context[] = "transfers"; /* TRANSFER_CONTEXT on every channel here */

    (void)user, (void)request;
    if (capacity < strlen(context))
        return SIPXFER_E_BUFFER;
    *len = strlen(context);
    memcpy(buffer, context, *len);
    return SIPXFER_OK;
}

static void write_log(void *user, uint32_t level, struct sipxfer_str text)
{
    (void)user;
    if (level <= SIPXFER_LOG_WARNING)
        printf("   log  %.*s\n", SIPXFER_ARG(text));
}

/* What comes in, and what the library should say to it. */

static const struct step {
    const char *title, *method, *header, *user;
    uint32_t kind, code;
} steps[] = {
    {"an INVITE with Replaces for a dialog that does not exist", "INVITE",
     "Replaces: nosuch;to-tag=l1;from-tag=r1", "bob", SIPXFER_VERDICT_REJECT, 481},
    {"one from a user who has no right to that dialog", "INVITE",
     "Replaces: dialog1;to-tag=l1;from-tag=r1", "mallory", SIPXFER_VERDICT_REJECT, 403},
    {"early-only for a dialog that is confirmed", "INVITE",
     "Replaces: dialog1;to-tag=l1;from-tag=r1;early-only", "bob", SIPXFER_VERDICT_REJECT, 486},
    {"a REFER whose target is on this host: local attended transfer", "REFER",
     "Refer-To: <sip:carol@example.com?Replaces=dialog2%3Bto-tag%3Dl2%3Bfrom-tag%3Dr2>", "bob",
     SIPXFER_VERDICT_LOCAL_ATTENDED, 202},
    {"a REFER whose target is elsewhere: remote attended transfer", "REFER",
     "Refer-To: <sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBob%3Bfrom-tag%3DBobtoB>",
     "bob", SIPXFER_VERDICT_REMOTE_ATTENDED, 202},
    {"the same user takes dialog1 over from another phone", "INVITE",
     "Replaces: dialog1;to-tag=l1;from-tag=r1", "bob", SIPXFER_VERDICT_ACCEPT, 200},
    {"and again, now that dialog1 has ended", "INVITE", "Replaces: dialog1;to-tag=l1;from-tag=r1",
     "bob", SIPXFER_VERDICT_REJECT, 603},
};

static void print_refusal(const struct sipxfer_request *request,
                          const struct sipxfer_verdict *verdict)
{
    char response[MESSAGE_MAX];
    size_t len = 0;
    int32_t status = sipxfer_response_print(request, verdict, SIPXFER_LIT("new-tag"), response,
                                            sizeof response, &len);

    if (status != SIPXFER_OK) {
        fprintf(stderr, "sipxfer_response_print: %s\n", sipxfer_strerror(status));
        exit(EXIT_FAILURE);
    }
    printf("%.*s", (int)len, response);
}

/* Hands one request to the library and acts on the verdict. Returns 1 where it is as expected. */
static int run(const struct sipxfer_engine *engine, struct dialog_list *list,
               struct dialog *in_dialog, const struct step *step, uint64_t now_ms)
{
    static char scratch[SIPXFER_SCRATCH_SIZE(MESSAGE_MAX)];
    int is_refer = strcmp(step->method, "REFER") == 0;
    char message[MESSAGE_MAX];
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    int32_t status;

    int len = snprintf(message, sizeof message,
                       "%s sip:pbx@example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK%u\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: <sip:%s@example.com>;tag=phone\r\n"
                       "To: <sip:pbx@example.com>%s\r\n"
                       "Call-ID: %s\r\n"
                       "CSeq: 1 %s\r\n"
                       "Contact: <sip:%s@192.0.2.7>\r\n"
                       "%s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       step->method, (unsigned)now_ms, step->user, is_refer ? ";tag=l0" : "",
                       is_refer ? in_dialog->call_id : "new-call", step->method, step->user,
                       step->header);
    if (len < 0 || (size_t)len >= sizeof message)
        return 0;

    SIPXFER_INIT(request);
    SIPXFER_INIT(verdict);
    request.message = str(message);
    request.dialog = is_refer ? in_dialog : NULL;
    request.source = str("192.0.2.7:5060");
    request.endpoint = request.user = str(step->user);
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = now_ms;

    printf("-- %s\n", step->title);
    status = (is_refer ? sipxfer_refer_route : sipxfer_replaces_verify_request)(
        engine, &request, 1, scratch, sizeof scratch, &verdict);
    if (status != SIPXFER_OK) {
        printf("   no verdict: %s\n", sipxfer_strerror(status));
        return 0;
    }
    printf("   %s %u %.*s, rules", sipxfer_verdict_name(verdict.kind), (unsigned)verdict.code,
           SIPXFER_ARG(verdict.reason));
    for (uint32_t i = 0; i < verdict.rule_count; i++)
        printf(" R%03u", (unsigned)verdict.rules[i]);
    printf("%s\n   why  %.*s\n", verdict.locked ? ", dialog locked" : "", SIPXFER_ARG(verdict.why));

    int as_expected = verdict.kind == step->kind && verdict.code == step->code;
    switch (verdict.kind) {
    case SIPXFER_VERDICT_ACCEPT: {
        struct dialog *old = verdict.dialog;
        /* Here a PBX answers the INVITE with 200 and moves the bridge to it. Only then: */
        printf("   do   200 to the new INVITE, then %s on %s\n",
               verdict.old_dialog == SIPXFER_OLD_DIALOG_BYE ? "BYE" : "CANCEL", old->call_id);
        dialog_end(list, old);
        struct sipxfer_dialog_key key;
        SIPXFER_INIT(key);
        key.call_id = str(old->call_id);
        key.local_tag = str(old->local_tag);
        key.remote_tag = str(old->remote_tag);
        as_expected = as_expected && verdict.locked &&
                      verdict.old_dialog == SIPXFER_OLD_DIALOG_BYE &&
                      sipxfer_dialog_ended(engine, &key, now_ms) == SIPXFER_OK;
        break;
    }
    case SIPXFER_VERDICT_LOCAL_ATTENDED:
        printf("   do   connect the other parties of %s and %s\n", in_dialog->call_id,
               ((struct dialog *)verdict.dialog)->call_id);
        break;
    case SIPXFER_VERDICT_REMOTE_ATTENDED:
    case SIPXFER_VERDICT_BLIND:
        for (size_t i = 0; i < verdict.variable_count; i++)
            printf("   set  %.*s=%.*s\n", SIPXFER_ARG(verdict.variables[i].name),
                   SIPXFER_ARG(verdict.variables[i].value));
        printf("   do   send the other party of %s to %.*s,%.*s\n", in_dialog->call_id,
               SIPXFER_ARG(verdict.context), SIPXFER_ARG(verdict.extension));
        break;
    default: /* a kind that this host does not know is a refusal too */
        print_refusal(&request, &verdict);
        break;
    }
    status = sipxfer_verdict_release(engine, &verdict);
    return as_expected && status == SIPXFER_OK;
}

int main(void)
{
    struct dialog_list list = {PTHREAD_MUTEX_INITIALIZER, NULL};
    struct dialog *dialog2 = dialog_new(&list, "dialog2", "l2", "r2", "bob");
    dialog_new(&list, "dialog1", "l1", "r1", "bob");
    struct dialog *call = dialog_new(&list, "call", "l0", "r0", "bob");

    struct sipxfer_directory directory;
    SIPXFER_INIT(directory);
    directory.user = &list;
    directory.find = dialog_find;
    directory.lock = dialog_lock;
    directory.unlock = dialog_unlock;
    directory.release = dialog_release;

    struct sipxfer_host host;
    SIPXFER_INIT(host);
    host.extension_exists = extension_exists;
    host.transfer_context = transfer_context;
    host.log = write_log;

    struct sipxfer_engine_options options;
    SIPXFER_INIT(options);
    options.directory = &directory;
    options.host = &host;

    struct sipxfer_engine *engine = NULL;
    int32_t status = sipxfer_engine_new(&options, &engine);
    if (status != SIPXFER_OK) {
        fprintf(stderr, "sipxfer_engine_new: %s\n", sipxfer_strerror(status));
        return EXIT_FAILURE;
    }

    size_t wrong = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (!run(engine, &list, call, &steps[i], 1000 + i)) {
            printf("   NOT AS EXPECTED: %s %u\n", sipxfer_verdict_name(steps[i].kind),
                   (unsigned)steps[i].code);
            wrong++;
        }
    }
    sipxfer_engine_free(engine);
    dialog_release(&list, dialog2);
    dialog_release(&list, call);
    printf("sipxfer %s: %zu of %zu verdicts as expected\n", sipxfer_version(),
           sizeof steps / sizeof steps[0] - wrong, sizeof steps / sizeof steps[0]);
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
