/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A host that links with libsipxfer and keeps its dialogs in a list of its own: each dialog with
 * a mutex and a reference count, as a SIP stack has them. The library finds, locks and releases
 * them through callbacks, decides about raw requests, and the host acts.
 */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct sipxfer_str str(const char *text)
{
    struct sipxfer_str s = {text, strlen(text)};
    return s;
}

int same(struct sipxfer_str a, const char *b)
{
    return a.len == strlen(b) && memcmp(a.ptr, b, a.len) == 0;
}

static int same_tag(struct sipxfer_str a, const char *b)
{
    return a.len == strlen(b) && strncasecmp(a.ptr, b, a.len) == 0;
}

void check(int32_t status, const char *what)
{
    if (status == SIPXFER_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, sipxfer_strerror(status));
    exit(EXIT_FAILURE);
}

struct dialog *dialog_new(struct dialog_list *list, const char *call_id, const char *local_tag,
                          const char *remote_tag, const char *user)
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

void dialog_release(void *user, void *object)
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

void dialog_unlock(void *user, void *object)
{
    struct dialog *dialog = object;

    (void)user;
    pthread_mutex_unlock(&dialog->mutex);
}

struct sipxfer_dialog_key dialog_key(const struct dialog *dialog)
{
    struct sipxfer_dialog_key key;

    SIPXFER_INIT(key);
    key.call_id = str(dialog->call_id);
    key.local_tag = str(dialog->local_tag);
    key.remote_tag = str(dialog->remote_tag);
    return key;
}

void dialog_end(const struct sipxfer_engine *engine, struct dialog_list *list,
                struct dialog *dialog, uint64_t now_ms)
{
    struct sipxfer_dialog_key key = dialog_key(dialog);

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
    /* It is remembered for a while: a Replaces for it gets 603 and not 481. */
    check(sipxfer_dialog_ended(engine, &key, now_ms), "sipxfer_dialog_ended");
}

/* The callbacks of struct sipxfer_host: the dialplan and the log. */

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request;
    if (!same(context, "transfers"))
        return SIPXFER_NO;
    return same(extension, "external_replaces") || same(extension, "100") ? SIPXFER_YES
                                                                          : SIPXFER_NO;
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

/* ---- requests, as a SIP stack would hand them over ---- */

struct sipxfer_str request_text(char message[MESSAGE_MAX], const char *method, const char *user,
                                const struct dialog *in_dialog, const char *call_id,
                                const char *header)
{
    static unsigned count;
    struct sipxfer_str text = {message, 0};
    int len =
        snprintf(message, MESSAGE_MAX,
                 "%s sip:pbx@example.com SIP/2.0\r\n"
                 "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK%u\r\n"
                 "Max-Forwards: 70\r\n"
                 "From: <sip:%s@example.com>;tag=%s\r\n"
                 "To: <sip:pbx@example.com>%s%s\r\n"
                 "Call-ID: %s\r\n"
                 "CSeq: %u %s\r\n"
                 "Contact: <sip:%s@192.0.2.7>\r\n"
                 "%s\r\n"
                 "Content-Length: 0\r\n\r\n",
                 method, count + 1, user, in_dialog != NULL ? in_dialog->remote_tag : "phone",
                 in_dialog != NULL ? ";tag=" : "", in_dialog != NULL ? in_dialog->local_tag : "",
                 in_dialog != NULL ? in_dialog->call_id : call_id, count + 1, method, user, header);

    count++;
    if (len < 0 || len >= MESSAGE_MAX) {
        fprintf(stderr, "the message is too long\n");
        exit(EXIT_FAILURE);
    }
    text.len = (size_t)len;
    return text;
}

struct sipxfer_request request_of(struct sipxfer_str message, const char *user,
                                  struct dialog *in_dialog, uint64_t now_ms)
{
    struct sipxfer_request request;

    SIPXFER_INIT(request);
    request.message = message;
    request.dialog = in_dialog;
    request.source = str("192.0.2.7:5060");
    request.endpoint = request.user = str(user);
    request.transport = SIPXFER_TRANSPORT_UDP;
    request.now_ms = now_ms;
    return request;
}

int main(void)
{
    struct dialog_list list = {PTHREAD_MUTEX_INITIALIZER, NULL};
    dialog_new(&list, "dialog2", "l2", "r2", "bob");
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
    check(sipxfer_engine_new(&options, &engine), "sipxfer_engine_new");

    size_t wrong = play_verdicts(engine, &list, call) + play_transfers(engine, &list, call);
    sipxfer_engine_free(engine);
    while (list.first != NULL) { /* nobody else has a reference any more */
        struct dialog *dialog = list.first;
        list.first = dialog->next;
        dialog_release(&list, dialog);
    }
    printf("sipxfer %s: %s\n", sipxfer_version(),
           wrong == 0 ? "all went as it should" : "NOT ALL WENT AS IT SHOULD");
    return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
