/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 *   link.c       the dialogs of this host, and what the library asks about them
 *   verdicts.c   level 2: requests in, verdicts out
 *   transfers.c  level 3: transfers, takeovers and parked calls, from their beginning to their end
 */
#ifndef LINK_H
#define LINK_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

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

struct sipxfer_str str(const char *text);
int same(struct sipxfer_str a, const char *b);
/* Ends the program where the library failed. */
void check(int32_t status, const char *what);

struct dialog *dialog_new(struct dialog_list *list, const char *call_id, const char *local_tag,
                          const char *remote_tag, const char *user);
/* The end of a dialog: out of the list, whose reference is given back, and the engine is told. The
 * caller has the dialog locked and a reference of its own. */
void dialog_end(const struct sipxfer_engine *engine, struct dialog_list *list,
                struct dialog *dialog, uint64_t now_ms);
void dialog_unlock(void *user, void *object);
void dialog_release(void *user, void *object);
struct sipxfer_dialog_key dialog_key(const struct dialog *dialog);

/* A request as the phone of a user sends it: inside a dialog where that is not NULL. */
struct sipxfer_str request_text(char message[MESSAGE_MAX], const char *method, const char *user,
                                const struct dialog *in_dialog, const char *call_id,
                                const char *header);
struct sipxfer_request request_of(struct sipxfer_str message, const char *user,
                                  struct dialog *in_dialog, uint64_t now_ms);

/* How many of them did not end as they should. */
size_t play_verdicts(const struct sipxfer_engine *engine, struct dialog_list *list,
                     struct dialog *call);
size_t play_transfers(const struct sipxfer_engine *engine, struct dialog_list *list,
                      struct dialog *call);

#endif
