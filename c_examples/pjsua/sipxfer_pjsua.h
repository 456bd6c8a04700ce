/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * sipxfer for an application on pjsua. On top of sipxfer_pjsip.h:
 *
 *     pjsua_config_default(&config);
 *     config.cb.on_call_state = ...;              the application's own
 *     sipxfer_pjsua_callbacks(&config.cb);        1. what sipxfer needs, around them
 *     pjsua_init(&config, ...);
 *     sipxfer_pjsua_init(&options);               2. the engine and the modules
 *     ...
 *     sipxfer_pjsua_destroy();                    3. instead of pjsua_destroy()
 *
 * pjsua then gets no REFER any more: an accepted one comes to `start` of the options. Where that is
 * NULL, sipxfer_pjsua_start() is taken: it calls the target, as pjsua would have done, with the
 * headers that the verdict allows and no others. An INVITE whose Replaces is in order goes on to
 * pjsua, which accepts it in the place of the old call; no other one does.
 */
#ifndef SIPXFER_PJSUA_H
#define SIPXFER_PJSUA_H

#include <pjsua-lib/pjsua.h>

#include "sipxfer_pjsip.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Wraps on_call_state, and refuses what has not been judged in on_call_transfer_request2. To be
 * called after the application has set its own, before pjsua_init(). */
void sipxfer_pjsua_callbacks(pjsua_callback *callbacks);

/** sipxfer_pjsip_init() on pjsua's endpoint; after pjsua_init(), before pjsua_start(). */
pj_status_t sipxfer_pjsua_init(const struct sipxfer_pjsip_options *options);

/** Hangs up, ends the transfers, gives the dialogs back and destroys pjsua. */
void sipxfer_pjsua_destroy(void);

/** The call of a dialog, or PJSUA_INVALID_ID. */
pjsua_call_id sipxfer_pjsua_call_of(pjsip_dialog *dialog);

/** The dialog of a call, or NULL. It is the caller's matter that the call does not end meanwhile.
 */
pjsip_dialog *sipxfer_pjsua_dialog_of(pjsua_call_id call);

/** Calls `uri` for a transfer, with header lines of the verdict; what becomes of the call is
 * reported to the transfer. */
pj_status_t sipxfer_pjsua_call(const struct sipxfer_pjsip_transfer *transfer, pjsua_acc_id account,
                               struct sipxfer_str uri, struct sipxfer_str headers,
                               const pjsua_call_setting *setting, void *user_data,
                               pjsua_call_id *call);

/** `start` of a user agent: calls the target; a transfer between two of its own calls is refused.
 */
void sipxfer_pjsua_start(void *user, struct sipxfer_pjsip_transfer *transfer);

#ifdef __cplusplus
}
#endif

#endif
