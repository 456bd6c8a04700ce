/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sipxfer for an application on pjsip (pjproject 2.12 and later): requests with Replaces and REFERs
 * are judged by sipxfer before the application sees them, NOTIFYs go out through pjsip's own event
 * subscriptions, and the library's deadlines run on the endpoint's timer heap.
 *
 * To use it: add sipxfer_pjsip.c and sipxfer_pjsip_*.c to the application, call
 * sipxfer_pjsip_init() once the endpoint, the UA layer and the invite usage are there, and
 * sipxfer_pjsip_shutdown() before the endpoint goes. For pjsua, sipxfer_pjsua.h does both and more.
 * An application that only wants the check of Replaces changes the name of
 * pjsip_replaces_verify_request(), or links sipxfer_replaced.c and changes nothing.
 *
 * ---- Locks ----
 *
 * pjsip's order is: dialog, then the UA layer's table, then nothing. One dialog is never locked
 * under another, since two phones that refer to each other at the same moment would wait for one
 * another. This adapter keeps it so:
 *
 *   - A request is judged by a module ahead of the UA layer, on the thread that received it, before
 *     any dialog is locked for it. There the dialog that Replaces names is looked up and locked,
 *     pinned by a session count and unlocked again. No lock is held while the library or a callback
 *     of the application runs.
 *   - In the dialog of a REFER, which pjsip has locked, the one thing done is to answer it.
 *   - Everything else (NOTIFYs, commands to the application, giving a pinned dialog back) is done
 * by a queue that one thread at a time works off, from the timer heap, where pjsip holds no lock.
 *     It takes one dialog's lock at a time. What the application reports is put into that queue, so
 *     that reports may be made under any lock.
 *   - The adapter's own mutex guards that queue and the list of transfers; nothing is called with
 * it held but the timer heap.
 */
#ifndef SIPXFER_PJSIP_H
#define SIPXFER_PJSIP_H

#include <pjsip.h>
#include <pjsip_simple.h>
#include <pjsip_ua.h>

#include "sipxfer.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Who sent a request, or who is on the other side of a dialog. Empty strings: a stranger. */
struct sipxfer_pjsip_peer {
    /** The endpoint that it was identified as. */
    struct sipxfer_str endpoint;
    /** The user that was authenticated (or, for a dialog: the peer's); never taken from a From. */
    struct sipxfer_str user;
    /** Dialplan context; empty for the endpoint's setting. Not used for a dialog. */
    struct sipxfer_str context;
    /** How many transfers the call has been through. Not used for a dialog. */
    unsigned transfer_depth;
};

/** A REFER that was accepted, until its outcome and the last of its NOTIFYs. */
struct sipxfer_pjsip_transfer {
    /** Its id in the engine; reports are made by it. */
    uint64_t id;
    /** The dialog that the REFER came in. It is there as long as this struct. */
    pjsip_dialog *dialog;
    /** What was decided. Its strings hold as long as this struct; verdict->dialog holds until
     * `start` returns. */
    const struct sipxfer_verdict *verdict;
    /** The application's own. */
    void *data;
};

/** A transfer that this side has asked for, until its outcome and the last of its NOTIFYs. */
struct sipxfer_pjsip_refer {
    /** Its id in the engine. */
    uint64_t id;
    /** The dialog with the transferee. It is there as long as this struct. */
    pjsip_dialog *dialog;
    /** The application's own. */
    void *data;
};

/** What the application does. All may be NULL but `start`. Called with no lock of pjsip or of the
 * adapter held, but for `identify` and `dialog_peer`, which must not lock a dialog. */
struct sipxfer_pjsip_options {
    /** Handed to each of these callbacks. */
    void *user;
    /** What the library asks about dialplan and policy; its `on_deadline` is not used, its `log`
     * goes to pj_log where it is NULL, and the `host_data` of a request is its pjsip_rx_data, or
     * NULL for a REFER that has waited for a lookup. `on_lookup` is not used. NULL: every extension
     * exists. */
    const struct sipxfer_host *host;
    /** Settings as NAME, VALUE for all, or SCOPE NAME as in "endpoint:alice context". Ends with
     * NULL. With `start`, cluster.url and its kin (docs/cluster.md) join a cluster of PBXes, by
     * libsipxfer_cluster.so.0; that is done once. */
    const char *const *settings;
    /** Who sent this request? The strings hold until this request is dealt with. NULL: a stranger.
     */
    void (*identify)(void *user, pjsip_rx_data *rdata, struct sipxfer_pjsip_peer *peer);
    /** Who is on the other side of this dialog? Called with the dialog locked. The strings hold as
     * long as the dialog. NULL: nobody known. */
    void (*dialog_peer)(void *user, pjsip_dialog *dialog, struct sipxfer_pjsip_peer *peer);
    /** Adds WWW-Authenticate to a 401. Answers PJ_FALSE where there is no way to authenticate: the
     * answer is then 403, as it is without this callback. */
    pj_bool_t (*challenge)(void *user, pjsip_rx_data *rdata, pjsip_tx_data *tdata);
    /** Do what transfer->verdict says, and report by sipxfer_pjsip_progress() and its kin. NULL
     * where the application has no transfers: only Replaces is judged then, and REFER is left
     * alone. */
    void (*start)(void *user, struct sipxfer_pjsip_transfer *transfer);
    /** Do SIPXFER_COMMAND_*. */
    void (*command)(void *user, struct sipxfer_pjsip_transfer *transfer, unsigned command);
    /** An application that controls the transfer is to be told; SIPXFER_OUTPUT_EVENT. */
    void (*event)(void *user, struct sipxfer_pjsip_transfer *transfer,
                  const struct sipxfer_output *output);
    /** The transfer has its outcome: SIP code and SIPXFER_CAUSE_*. */
    void (*finished)(void *user, struct sipxfer_pjsip_transfer *transfer, unsigned code,
                     unsigned cause);
    /** Of a transfer that this side has asked for: a SIPXFER_REFER_OUTPUT_COMMAND to do, its
     * PROGRESS, and its one outcome, FINISHED. */
    void (*referring)(void *user, struct sipxfer_pjsip_refer *refer,
                      const struct sipxfer_refer_output *output);
    /** The struct is about to go. */
    void (*destroyed)(void *user, struct sipxfer_pjsip_transfer *transfer);
};

/** How often what was done; for logs and tests. */
struct sipxfer_pjsip_counters {
    /** Calls of sipxfer_pjsip_replaces_verify_request(), by whatever name. */
    unsigned long verified;
    /** Refusals made of them or ahead of the application. */
    unsigned long refused;
    /** REFERs judged. */
    unsigned long referred;
    /** Transfers there are now, and verdicts whose dialog was not given back yet. */
    unsigned long transfers, pinned;
};

/** Makes the engine; registers the Replaces header, the `replaces` option tag and, with `start`,
 * the modules, once each and whatever the application or pjsua has registered before. `options` and
 * its host are copied, NULL is for Replaces alone; the settings are not kept. PJ_EINVALIDOP where
 * it was called before. To be called by one thread, before requests come in. */
pj_status_t sipxfer_pjsip_init(pjsip_endpoint *endpoint,
                               const struct sipxfer_pjsip_options *options);

/** Ends what is left: transfers, pinned dialogs, the engine. No request may come in any more. */
void sipxfer_pjsip_shutdown(void);

/** pjsip_replaces_verify_request() with the same signature and the same promises, decided by
 * sipxfer: PJ_SUCCESS and no dialog where the request has no Replaces; PJ_SUCCESS and the dialog to
 * be replaced, locked if `lock` is set (to be undone by pjsip_dlg_dec_lock()); else an error, a
 * dialog that is none, and in `tdata`, if it is not NULL, the final response to send, with its
 * Warning. sipxfer_pjsip_init() comes first. Threads: any that pjlib knows. Where the adapter's
 * module has seen the INVITE no lock is taken unless `lock` asks for it; else no dialog may be
 * locked by the caller. */
pj_status_t sipxfer_pjsip_replaces_verify_request(pjsip_rx_data *rdata, pjsip_dialog **dialog,
                                                  pj_bool_t lock, pjsip_tx_data **tdata);

/** Registers a parser of Replaces that takes every value, so that a bad one gets its 400 (pjsip's
 * own parser drops such a message without any answer), and `replaces` in Supported. Part of
 * sipxfer_pjsip_init(). */
pj_status_t sipxfer_pjsip_replaces_init(pjsip_endpoint *endpoint);

/** The referred call has come so far: 100 to 699, with a reason phrase or an empty one. This and
 * the next ones return at once; what they lead to is done later. An id that is over is ignored.
 * Threads: any, under any lock. */
void sipxfer_pjsip_progress(uint64_t transfer, unsigned code, const pj_str_t *reason);

/** The target could not be contacted. */
void sipxfer_pjsip_contact_failed(uint64_t transfer);

/** The application gives the transfer up: 300 to 699. */
void sipxfer_pjsip_give_up(uint64_t transfer, unsigned code);

/** The decision about a transfer whose verdict said approval_pending. */
void sipxfer_pjsip_decide(uint64_t transfer, pj_bool_t yes);

/** A command of the application that controls the transfer, as `channel_answered`. `done` (may be
 * NULL) is told the status of sipxfer_transfer_command(). */
void sipxfer_pjsip_command(uint64_t transfer, const char *state,
                           void (*done)(uint64_t transfer, int32_t status));

/** Asks the other side of this dialog to go to a target: sipxfer_refer_start(), with the REFER in
 * this dialog. Answers, challenges and NOTIFYs are dealt with here; `referring` of the options
 * tells the rest. `target_dialog` is not used. Needs `start` in the options, which brings the
 * modules. PJ_EINVAL where the library takes none of it. Threads: any, under the lock of this
 * dialog or none. */
pj_status_t sipxfer_pjsip_refer(pjsip_dialog *dialog, const struct sipxfer_refer_options *options,
                                void *data, uint64_t *refer);

/** The consultation call has ended, or was answered while it was being ended. */
void sipxfer_pjsip_consultation_ended(uint64_t refer);
void sipxfer_pjsip_consultation_answered(uint64_t refer);

/** Runs `call(user, argument)` from the queue, where no lock is held. */
void sipxfer_pjsip_later(void (*call)(void *user, void *argument), void *argument);

/** The engine, for settings, and the counters. */
struct sipxfer_engine *sipxfer_pjsip_engine(void);
void sipxfer_pjsip_count(struct sipxfer_pjsip_counters *counters);

/** Milliseconds of pjlib's clock, as the engine is told them. */
uint64_t sipxfer_pjsip_now(void);

/** Puts settings in the place of those that hold; as `settings` of the options, but that a node of
 * a cluster stays what it was made as. */
pj_status_t sipxfer_pjsip_settings(const char *const *settings);

/** The call of this dialog has begun, come further or ended: told to the other nodes of a cluster,
 * and a Replaces for one that has ended gets 603 (RFC 3891 section 3). To be called from
 * on_state_changed of pjsip_inv_callback, with the dialog locked as it is there; sipxfer_pjsua.c
 * does. */
void sipxfer_pjsip_dialog_changed(pjsip_dialog *dialog);

/** Header lines as the library writes them, added to a message; Content-Type is left out, the body
 * has it. */
void sipxfer_pjsip_add_lines(pj_pool_t *pool, pjsip_hdr *list, struct sipxfer_str lines);

#ifdef __cplusplus
}
#endif

#endif
