/* sipxfer: the call-transfer logic of a PBX.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The engine decides, the host acts: the library owns no socket, no thread and reads no clock.
 *
 * Conventions
 *   - A function that can fail returns an int32_t: SIPXFER_OK is 0, failures are negative;
 *     sipxfer_strerror() has the words.
 *   - A struct that begins with struct_size is cleared and given its size by SIPXFER_INIT() before
 *     it is used, whether it goes in or out.
 *   - Strings are pointer and length, without NUL at the end. Nothing that the library hands out is
 *     ever passed to free().
 *   - Numbers that stand for a choice are uint32_t and one of the constants here; anything else is
 *     refused.
 *   - No callback is called under a lock of the library, and a callback may call the library.
 *     Exceptions and longjmp must not pass through it.
 *   - "Threads: any" means: from any thread, at the same time as anything else.
 *
 * This file is generated. Change the comments in src/ffi/ instead.
 */

#ifndef SIPXFER_H
#define SIPXFER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Clears a struct of this header and sets its struct_size; to be done before any use. */
#define SIPXFER_INIT(object) \
    (memset(&(object), 0, sizeof (object)), (void) ((object).struct_size = sizeof (object)))

/** A string literal as the two arguments, pointer and length, that functions here take. */
#define SIPXFER_LIT(literal) ("" literal), (sizeof (literal) - 1)

/** A struct sipxfer_str as the two arguments that "%.*s" takes; an empty one prints nothing. */
#define SIPXFER_ARG(string) (int) (string).len, ((string).len ? (string).ptr : "")

/** Scratch space that is always enough for a verdict on a message of this length, in bytes. */
#define SIPXFER_SCRATCH_SIZE(message_len) (8192 + 6 * (size_t) (message_len))

/** A buffer that is always enough for the outputs of a transfer, an EVENT too, whose REFER has this
 *  length, in bytes. */
#define SIPXFER_EVENT_SIZE(message_len) (1024 + (size_t) (message_len))


/**
 * Done.
 */
#define SIPXFER_OK 0

/**
 * A pointer that must not be NULL is NULL, or a length is given without a pointer.
 */
#define SIPXFER_E_NULL (-1)

/**
 * `struct_size` is smaller than version 1 of the struct, larger than 4096, or ends within a field.
 */
#define SIPXFER_E_STRUCT_SIZE (-2)

/**
 * The struct has a non-zero field that this version does not know. Ignoring it could open a
 * hole (a callback that is never asked), so it is refused unless the caller added
 * `SIPXFER_ALLOW_UNKNOWN` to `struct_size`.
 */
#define SIPXFER_E_UNKNOWN_FIELD (-3)

/**
 * An enumeration or a number lies outside its range.
 */
#define SIPXFER_E_RANGE (-4)

/**
 * The text does not parse; a `sipxfer_parse_error` tells what was expected and where.
 */
#define SIPXFER_E_PARSE (-5)

/**
 * The buffer is too small. Nothing was lost: the length needed is reported, call again.
 */
#define SIPXFER_E_BUFFER (-6)

/**
 * There is no such thing: a stale or foreign id, a header that is absent, a dialog that does
 * not exist.
 */
#define SIPXFER_E_NOT_FOUND (-7)

/**
 * Answer of a dialog lookup: more than one dialog matches (RFC 3891 section 3).
 */
#define SIPXFER_E_AMBIGUOUS (-8)

/**
 * Answer of a dialog lookup: not known yet, the host asks again later.
 */
#define SIPXFER_E_PENDING (-9)

/**
 * Answer of a lock request: the dialog has ended meanwhile.
 */
#define SIPXFER_E_GONE (-10)

/**
 * A callback that the call needs was not given.
 */
#define SIPXFER_E_CALLBACK_MISSING (-11)

/**
 * A callback failed, or answered what it may not answer.
 */
#define SIPXFER_E_CALLBACK (-12)

/**
 * There is no setting of this name, or not in this scope.
 */
#define SIPXFER_E_UNKNOWN_SETTING (-13)

/**
 * The value does not fit the setting.
 */
#define SIPXFER_E_BAD_VALUE (-14)

/**
 * The rules forbid it; the function's text names the rule.
 */
#define SIPXFER_E_NOT_ALLOWED (-15)

/**
 * The call does not fit the way the engine was made (its own dialog table against a callback
 * directory).
 */
#define SIPXFER_E_STATE (-16)

/**
 * Random bytes could not be had.
 */
#define SIPXFER_E_RANDOM (-17)

/**
 * Memory could not be had.
 */
#define SIPXFER_E_NOMEM (-18)

/**
 * A fault inside the library was caught at the boundary. It is counted
 * (`sipxfer_panic_count()`), other calls go on.
 */
#define SIPXFER_E_PANIC (-19)

/**
 * The scratch space is smaller than `SIPXFER_SCRATCH_SIZE(message_len)`.
 */
#define SIPXFER_E_SCRATCH (-20)

/**
 * The ABI of the library has another major number.
 */
#define SIPXFER_E_ABI (-21)

/**
 * The command fits no state of the transfer: not approved yet, or over (412 towards an application).
 */
#define SIPXFER_E_WRONG_STATE (-22)

/**
 * The transfer is not under the control that the call belongs to: an application's command for one
 * that the host controls, or the other way round (409 towards an application).
 */
#define SIPXFER_E_NOT_CONTROLLED (-23)

/**
 * The subscription has ended or never was (403 towards a SUBSCRIBE).
 */
#define SIPXFER_E_NO_SUBSCRIPTION (-24)

/**
 * Somebody else has it: a place of the park lot, a dialog that is parked already, or a parked call
 * that is being taken out (603 towards a Replaces).
 */
#define SIPXFER_E_TAKEN (-30)

/**
 * Major number of the ABI; the soname carries it.
 */
#define SIPXFER_ABI_MAJOR 0

/**
 * Grows with every addition to the ABI.
 */
#define SIPXFER_ABI_MINOR 1

/**
 * Added to a `struct_size`: fields at the end of the struct that this version of the library
 * does not know are ignored, whatever they hold.
 */
#define SIPXFER_ALLOW_UNKNOWN 2147483648u

/**
 * INVITE: it carries no Replaces that applies, go on as with any other. REFER: it was received before,
 * `code` is to be answered again (`sipxfer_transfer_receive()`).
 */
#define SIPXFER_VERDICT_NONE 0

/**
 * INVITE: accept it in the place of `dialog`, then do `old_dialog` to the old one.
 */
#define SIPXFER_VERDICT_ACCEPT 1

/**
 * Answer with `code`. The call that exists is left as it is.
 */
#define SIPXFER_VERDICT_REJECT 2

/**
 * Challenge the sender: 401, or 407 where the host acts as a proxy.
 */
#define SIPXFER_VERDICT_CHALLENGE 3

/**
 * REFER: send the other party of the call to `extension` in `context`.
 */
#define SIPXFER_VERDICT_BLIND 4

/**
 * REFER: both calls are here; connect the other party of the call to that of `dialog`, and then do
 * `old_dialog` to `dialog`, which is the transferor's leg of the consultation call. The leg that the
 * REFER came in is the transferor's to end, after the final NOTIFY.
 */
#define SIPXFER_VERDICT_LOCAL_ATTENDED 5

/**
 * REFER: the target's dialog is elsewhere; send the other party of the call to the
 * external_replaces extension in `context`, with the variables.
 */
#define SIPXFER_VERDICT_REMOTE_ATTENDED 6

/**
 * REFER: another method than INVITE is asked for (`method`), and the settings allow it.
 */
#define SIPXFER_VERDICT_OTHER_METHOD 7

/**
 * The directory has not found out yet: keep the request and ask again later; where `lookup` is not 0,
 * when `on_lookup` tells of it, an INVITE being answered with 100 meanwhile. By
 * `sipxfer_transfer_receive()` a REFER that waits for a lookup is accepted: `code` is its answer, and the
 * transfer goes on by `sipxfer_transfer_route()`.
 */
#define SIPXFER_VERDICT_PENDING 8

/**
 * INVITE with Join: accept it and mix it with the call of `dialog`, which goes on (RFC 3911 section
 * 4). What cannot be accepted after all is refused and leaves `dialog` as it was.
 */
#define SIPXFER_VERDICT_JOIN 9

/**
 * INVITE, by `sipxfer_takeover_receive()` alone: it was received before. Answer it as it was answered
 * then, if it was, and do nothing else.
 */
#define SIPXFER_VERDICT_AGAIN 10

/**
 * REFER: pass it on to the other leg of its call (the setting `refer.mode`); `code` is 0.
 *
 * The host sends a REFER in the dialog of that leg, with the header lines of `sipxfer_refer_pass()`, a
 * Contact of its own and the body as it came. Its final response is the answer to this one: the code,
 * and Refer-Sub or Refer-Events-At where it has one. The NOTIFYs that come on that leg are sent on in
 * the dialog of this REFER, with their Subscription-State and body as they are; where their Event has
 * an id, that is the CSeq of the REFER on that leg, and becomes the CSeq of this one (RFC 3515 section
 * 2.4.6); each is answered as the one sent on is. A SUBSCRIBE goes the same way in the other direction.
 * No transfer of the library begins.
 */
#define SIPXFER_VERDICT_PASS 11

/**
 * The dialog is on another node, `node`, and the sender may replace it; only where the directory has
 * `lookup`. REFER: as `SIPXFER_VERDICT_REMOTE_ATTENDED`, but `target` is the URI under which that node
 * takes INVITEs with Replaces, whatever the Refer-To names; `remote.allow_domains` and its kin do not
 * hold for it, `remote.require_tls` does. INVITE: redirect it, with `code` 302 and a Contact of `target`
 * (`sipxfer_response_print()` has both); its sender repeats the Replaces there (RFC 3261 section
 * 8.1.3.4).
 */
#define SIPXFER_VERDICT_REMOTE_NODE 12

/**
 * There is no Referred-By.
 */
#define SIPXFER_REFERRER_NONE 0

/**
 * There is a Referred-By that anybody could have written (RFC 3892 section 5): it has no token, its
 * `cid` names no body part, or the host does not hold the token to be valid.
 */
#define SIPXFER_REFERRER_UNVERIFIED 1

/**
 * There is a Referred-By, and the host's `verify_token` holds its token to be valid.
 */
#define SIPXFER_REFERRER_VERIFIED 2

/**
 * The dialog exists, the INVITE has no final answer yet.
 */
#define SIPXFER_DIALOG_EARLY 1

/**
 * The INVITE was answered with 2xx.
 */
#define SIPXFER_DIALOG_CONFIRMED 2

/**
 * The dialog has ended.
 */
#define SIPXFER_DIALOG_TERMINATED 3

/**
 * This side sent the request that made the dialog.
 */
#define SIPXFER_INITIATOR_LOCAL 1

/**
 * The peer sent the request that made the dialog.
 */
#define SIPXFER_INITIATOR_REMOTE 2

/**
 * The dialog was made by INVITE.
 */
#define SIPXFER_USAGE_INVITE 1

/**
 * The dialog was made by SUBSCRIBE or anything else that is not INVITE.
 */
#define SIPXFER_USAGE_OTHER 2

/**
 * Leave the old dialog alone. With ACCEPT or LOCAL_ATTENDED `dialog` is a parked call, and the party
 * that waits there is who is wanted: claim it (`sipxfer_park_claim_dialog()`), connect it, and tell
 * (`sipxfer_park_retrieved()`, or `sipxfer_park_release()` where that failed).
 */
#define SIPXFER_OLD_DIALOG_NOTHING 0

/**
 * Once the new call is answered, end the old dialog with BYE (RFC 3891 section 3).
 */
#define SIPXFER_OLD_DIALOG_BYE 1

/**
 * Once the new call is answered, end the old dialog with CANCEL; if its 2xx crosses the
 * CANCEL, ACK and BYE (RFC 3891 section 3).
 */
#define SIPXFER_OLD_DIALOG_CANCEL 2

/**
 * Once the new call is answered, answer the old dialog's INVITE with 487: it is an early
 * dialog that the peer began, and the setting `replaces.accept_early_incoming` lets it go.
 */
#define SIPXFER_OLD_DIALOG_REJECT 3

/**
 * Not authorized, or nothing to authorize.
 */
#define SIPXFER_GROUND_NONE 0

/**
 * The setting `replaces.authorize` is `any`.
 */
#define SIPXFER_GROUND_ANY 1

/**
 * The sender is the user that is being replaced.
 */
#define SIPXFER_GROUND_SAME_USER 2

/**
 * The sender's endpoint is the one that is being replaced.
 */
#define SIPXFER_GROUND_SAME_ENDPOINT 3

/**
 * A trusted peer sent a Referred-By of the user that is being replaced.
 */
#define SIPXFER_GROUND_REFERRED_BY 4

/**
 * The sender shows the token of a parked call (`sipxfer_park()`) as parameter `token` of its Replaces,
 * or the call is parked under a number and `park.open` lets the sender have such calls.
 */
#define SIPXFER_GROUND_TOKEN 5

/**
 * The configuration trusts the sender's endpoint (`replaces_trusted`).
 */
#define SIPXFER_GROUND_TRUSTED_PEER 6

/**
 * The host's `authorize` callback said yes.
 */
#define SIPXFER_GROUND_HOST 7

/**
 * UDP.
 */
#define SIPXFER_TRANSPORT_UDP 1

/**
 * TCP.
 */
#define SIPXFER_TRANSPORT_TCP 2

/**
 * TLS over TCP.
 */
#define SIPXFER_TRANSPORT_TLS 3

/**
 * WebSocket.
 */
#define SIPXFER_TRANSPORT_WS 4

/**
 * WebSocket over TLS.
 */
#define SIPXFER_TRANSPORT_WSS 5

/**
 * Answer of an asking callback: no.
 */
#define SIPXFER_NO 0

/**
 * Answer of an asking callback: yes.
 */
#define SIPXFER_YES 1

/**
 * Answer of the `approve` callback: not decided yet; the REFER is accepted meanwhile.
 */
#define SIPXFER_LATER 2

/**
 * The setting `transfer_handling` says who decides how an accepted REFER goes on.
 */
#define SIPXFER_HANDLING_SETTING 0

/**
 * The host does, whatever the setting says.
 */
#define SIPXFER_HANDLING_HOST 1

/**
 * An application does, by its commands, whatever the setting says.
 */
#define SIPXFER_HANDLING_APPLICATION 2

/**
 * Log level: something is broken.
 */
#define SIPXFER_LOG_ERROR 1

/**
 * Log level: something was refused or dropped.
 */
#define SIPXFER_LOG_WARNING 2

/**
 * Log level: what was decided.
 */
#define SIPXFER_LOG_INFO 3

/**
 * The most rules that a verdict names.
 */
#define SIPXFER_MAX_RULES 16

/**
 * The most requests that `sipxfer_replaces_verify_requests()` takes at once.
 */
#define SIPXFER_MAX_VERIFICATIONS 64

/**
 * Answer the REFER with `code`, `reason` and the header lines in `headers`. The first output of a
 * transfer; given again only where the REFER is retransmitted.
 */
#define SIPXFER_OUTPUT_ANSWER 1

/**
 * Send a NOTIFY in the dialog of the REFER, or in that of the SUBSCRIBE where the subscription is an
 * explicit one (`sipxfer_transfer_subscribe_at()`): `headers` has its Event, Subscription-State and
 * Content-Type, `body` the sipfrag. How it is answered is told by
 * `sipxfer_transfer_notify_answered()`.
 */
#define SIPXFER_OUTPUT_NOTIFY 2

/**
 * Do `command`.
 */
#define SIPXFER_OUTPUT_COMMAND 3

/**
 * Tell the application: that there is a transfer (an empty `state`), or its new state;
 * `sipxfer_event_json()` makes the event.
 */
#define SIPXFER_OUTPUT_EVENT 4

/**
 * The transfer has its one outcome: `code`, `reason` and `cause`. It is not gone by that; `last` tells.
 */
#define SIPXFER_OUTPUT_FINISHED 5

/**
 * Contact the target, or connect the calls, as the verdict said; tell what comes of it by
 * `sipxfer_transfer_progress()`.
 */
#define SIPXFER_COMMAND_START 1

/**
 * The transfer has failed: give up what there is of the referred call and leave the original call
 * as it was (RFC 5589 section 4).
 */
#define SIPXFER_COMMAND_KEEP_CALL 2

/**
 * The transfer has failed and the transferor has hung up: give up what there is of the referred
 * call and call the transferor back for the other party. This one and the next come behind FINISHED,
 * after a KEEP_CALL, where the device of the transferor had let go of its call before the failure (its
 * profile says so) and its BYE comes only now.
 */
#define SIPXFER_COMMAND_RECALL_TRANSFEROR 3

/**
 * The transfer has failed and the transferor has hung up: give up what there is of the referred
 * call and hang up the other party.
 */
#define SIPXFER_COMMAND_HANG_UP_TRANSFEREE 4

/**
 * The transfer has succeeded and the transferor has not hung up: send it a BYE.
 */
#define SIPXFER_COMMAND_HANG_UP_TRANSFEROR 5

/**
 * The lookup is over that the transfer waited for since its REFER was accepted with
 * `SIPXFER_VERDICT_PENDING`: call `sipxfer_transfer_route()` with the REFER, of which the host has kept a
 * copy.
 */
#define SIPXFER_COMMAND_ROUTE 6

/**
 * The final response of the target.
 */
#define SIPXFER_CAUSE_TARGET 1

/**
 * The target could not be contacted.
 */
#define SIPXFER_CAUSE_CONTACT 2

/**
 * The host refused after the REFER had been accepted.
 */
#define SIPXFER_CAUSE_REFUSED 3

/**
 * The application decided.
 */
#define SIPXFER_CAUSE_APPLICATION 4

/**
 * Nothing was heard of the transfer for too long.
 */
#define SIPXFER_CAUSE_DEADLINE 5

/**
 * The host gave up.
 */
#define SIPXFER_CAUSE_GIVEN_UP 6

/**
 * Room that is enough for the strings of any output but an EVENT, which repeats the Replaces or the
 * user part of its REFER.
 * (`SIPXFER_EVENT_SIZE()` is enough for that.)
 */
#define SIPXFER_OUTPUT_SIZE 1024

/**
 * Send the transferee to `target` (RFC 5589 section 6).
 */
#define SIPXFER_REFER_BLIND 1

/**
 * The same, but the consultation call with the target is ended first (RFC 5589 section 6).
 */
#define SIPXFER_REFER_CONSULTATION_HOLD 2

/**
 * Send the transferee to the other end of the consultation call, which its call replaces (RFC 5589
 * section 7). Where that cannot be (one side lacks Replaces, or the dialog is early and this side
 * began it) the consultation call is ended and the transfer is a blind one (RFC 5589 sections 7.4 and
 * 7.5).
 */
#define SIPXFER_REFER_ATTENDED 3

/**
 * The transferee supports `replaces` (RFC 3891).
 */
#define SIPXFER_PEER_REPLACES 1

/**
 * The transferee supports `norefersub` (RFC 4488).
 */
#define SIPXFER_PEER_NOREFERSUB 2

/**
 * The transferee supports `tdialog` (RFC 4538).
 */
#define SIPXFER_PEER_TDIALOG 4

/**
 * The transferee's Contact is a GRUU (RFC 5627).
 */
#define SIPXFER_PEER_GRUU 8

/**
 * Send a REFER: in the dialog of the call with the transferee where `in_dialog` is 1, else outside
 * of it, to the transferee's Contact (RFC 7647 section 4). It carries the lines in `headers` and
 * exactly one Contact, which the host adds (RFC 3515 section 2). `sipxfer_refer_sent()` reports it.
 */
#define SIPXFER_REFER_OUTPUT_SEND 1

/**
 * Do `command`.
 */
#define SIPXFER_REFER_OUTPUT_COMMAND 2

/**
 * The referred call has come as far as `code` and `reason` say. Nothing has to be done.
 */
#define SIPXFER_REFER_OUTPUT_PROGRESS 3

/**
 * The transfer has its one outcome, and this is its last output: `outcome`, `code` and, by outcome,
 * `reason` or `why`.
 */
#define SIPXFER_REFER_OUTPUT_FINISHED 4

/**
 * End the consultation call, by CANCEL or by BYE; `sipxfer_refer_consultation_ended()` reports that it
 * has ended, `sipxfer_refer_consultation_answered()` that its 2xx has crossed the CANCEL.
 */
#define SIPXFER_REFER_COMMAND_DROP_CONSULTATION 1

/**
 * The 2xx of the consultation call has crossed the CANCEL: ACK, then BYE (RFC 3261 section 9.1).
 */
#define SIPXFER_REFER_COMMAND_BYE_CONSULTATION 2

/**
 * The call with the transferee stays: take it back from hold (RFC 5589 section 4).
 */
#define SIPXFER_REFER_COMMAND_KEEP_CALL 3

/**
 * Send the transferee a BYE.
 */
#define SIPXFER_REFER_COMMAND_HANG_UP 4

/**
 * The transferee has reached the target: `code` is 200 to 299.
 */
#define SIPXFER_REFER_SUCCESS 1

/**
 * It has not: `code` is 300 to 699, of the REFER or of the referred call.
 */
#define SIPXFER_REFER_FAILURE 2

/**
 * Nobody will ever tell: `code` is the last one that was heard, or 0.
 */
#define SIPXFER_REFER_UNKNOWN 3

/**
 * Timer N has ended without a NOTIFY (RFC 6665 section 4.1.2.4).
 */
#define SIPXFER_REFER_WHY_NO_NOTIFY 1

/**
 * The subscription has run out.
 */
#define SIPXFER_REFER_WHY_EXPIRED 2

/**
 * The last NOTIFY brought no final status line.
 */
#define SIPXFER_REFER_WHY_ENDED 3

/**
 * The peer has agreed to send no NOTIFY (RFC 4488 section 4).
 */
#define SIPXFER_REFER_WHY_NOT_SUBSCRIBED 4

/**
 * Answer the new INVITE with `code`: 200, or a refusal. What was sent is reported by
 * `sipxfer_takeover_answered()` or `sipxfer_takeover_not_answered()`. A refusal may follow a 200 where
 * the old call has changed before either was reported; a 2xx that was on its way by then counts.
 */
#define SIPXFER_TAKEOVER_ANSWER_NEW 1

/**
 * Give the new call the place and the resources of the old one: bridge, recording, user interface
 * (RFC 3891 section 3).
 */
#define SIPXFER_TAKEOVER_TAKE_OVER 2

/**
 * End the old call with BYE. Its end is reported by `sipxfer_takeover_old_ended()`, here and for the
 * next two.
 */
#define SIPXFER_TAKEOVER_BYE_OLD 3

/**
 * End the old call, which this side began and nobody has answered, with CANCEL. A 2xx that comes all
 * the same is reported by `sipxfer_takeover_old_answered()`.
 */
#define SIPXFER_TAKEOVER_CANCEL_OLD 4

/**
 * Answer the INVITE of the old call, which the peer began, with 487 or whatever else fits.
 */
#define SIPXFER_TAKEOVER_REJECT_OLD 5

/**
 * Acknowledge the 2xx of the old call, which has crossed the CANCEL.
 */
#define SIPXFER_TAKEOVER_ACK_OLD 6

/**
 * End the new call with BYE: nobody has acknowledged its 2xx (RFC 3261 section 13.3.1.4).
 */
#define SIPXFER_TAKEOVER_END_NEW 7

/**
 * There is no new call: the old one goes on as if nothing had been.
 */
#define SIPXFER_TAKEOVER_LEAVE_OLD 8

/**
 * It is over, and the last output. `code` is 200 where the new call stands in the old one's place,
 * else the failure (300 to 699) for which there is no new call.
 */
#define SIPXFER_TAKEOVER_FINISHED 9

/**
 * The dialog is the one that is replaced.
 */
#define SIPXFER_TAKEOVER_SIDE_OLD 1

/**
 * The dialog is the one of the new INVITE.
 */
#define SIPXFER_TAKEOVER_SIDE_NEW 2

/**
 * The lowest free place of `park.places`.
 */
#define SIPXFER_PARK_LOWEST 1

/**
 * The place `number`.
 */
#define SIPXFER_PARK_NUMBER 2

/**
 * No place: under a secret of 128 random bits, which nobody guesses. Who shows it in a Replaces has
 * the ground `token`.
 */
#define SIPXFER_PARK_SECRET 3

/**
 * Room that is enough for every token.
 */
#define SIPXFER_PARK_TOKEN_SIZE 26

/**
 * Nobody came for this call in `park.timeout_s`, and it is out of the lot: ring the one who parked it
 * (`parker`) and connect it with the call (`handle`), where that is still there.
 */
#define SIPXFER_PARK_OUTPUT_RING_BACK 1

/**
 * Send a NOTIFY in the subscription `handle`: `headers` has its Event, Subscription-State and
 * Content-Type, `body` the document (RFC 4235). Where `watcher` is not 0,
 * `sipxfer_park_notify_answered()` is told how it is answered.
 */
#define SIPXFER_PARK_OUTPUT_NOTIFY 2

/**
 * Subscription-State: active.
 */
#define SIPXFER_SUBSCRIPTION_ACTIVE 1

/**
 * Subscription-State: pending.
 */
#define SIPXFER_SUBSCRIPTION_PENDING 2

/**
 * Subscription-State: terminated.
 */
#define SIPXFER_SUBSCRIPTION_TERMINATED 3

/**
 * Subscription-State: an extension; `state_text` holds it.
 */
#define SIPXFER_SUBSCRIPTION_OTHER 4

/**
 * A buffer that is always enough for the strings of `sipxfer_last_transfer()`.
 */
#define SIPXFER_RECORD_SIZE 512

/**
 * The dialog is not parked.
 */
#define SIPXFER_PARKED_NO 0

/**
 * It is parked under a number, which everybody may know.
 */
#define SIPXFER_PARKED_NUMBER 1

/**
 * It is parked under a secret.
 */
#define SIPXFER_PARKED_SECRET 2

/**
 * A set of settings in the making; opaque. One thread at a time.
 */
struct sipxfer_config;

/**
 * Decides; opaque. One engine serves any number of threads at once.
 */
struct sipxfer_engine;

/**
 * A borrowed string: `len` bytes at `ptr`, without NUL at the end. (NULL, 0) is empty.
 *
 * Strings that the library hands out point into what the caller handed in (message, scratch space,
 * request), or into static text; each field says for how long they hold. Nobody frees them.
 */
struct sipxfer_str {
    /**
     * The first byte, or NULL where `len` is 0.
     */
    const char *ptr;
    /**
     * Length in bytes.
     */
    size_t len;
};

/**
 * The identity of a dialog as this side sees it (RFC 3261 section 12).
 */
struct sipxfer_dialog_key {
    /**
     * `sizeof (struct sipxfer_dialog_key)`.
     */
    size_t struct_size;
    /**
     * Call-ID, compared byte for byte.
     */
    struct sipxfer_str call_id;
    /**
     * This side's tag, compared without regard to ASCII case.
     */
    struct sipxfer_str local_tag;
    /**
     * The peer's tag, compared without regard to ASCII case; empty for a peer that sends none
     * (RFC 2543).
     */
    struct sipxfer_str remote_tag;
};

/**
 * A dialog of the host.
 */
struct sipxfer_dialog {
    /**
     * `sizeof (struct sipxfer_dialog)`.
     */
    size_t struct_size;
    /**
     * The host's own object, never NULL. The library hands it back and never looks into it.
     */
    void *dialog;
    /**
     * Call-ID.
     */
    struct sipxfer_str call_id;
    /**
     * This side's tag.
     */
    struct sipxfer_str local_tag;
    /**
     * The peer's tag; empty where the peer sends none (RFC 2543).
     */
    struct sipxfer_str remote_tag;
    /**
     * The peer's user as the host has authenticated it; empty equals nobody, as on a leg that this
     * side called. Never taken from a From header.
     */
    struct sipxfer_str user;
    /**
     * The endpoint that the call came from, or that this side called. On a leg that this side
     * called it stands for the user who may be replaced.
     */
    struct sipxfer_str endpoint;
    /**
     * `SIPXFER_DIALOG_EARLY`, `_CONFIRMED` or `_TERMINATED`.
     */
    uint32_t state;
    /**
     * `SIPXFER_INITIATOR_LOCAL` or `_REMOTE`.
     */
    uint32_t initiator;
    /**
     * `SIPXFER_USAGE_INVITE` or `_OTHER`.
     */
    uint32_t usage;
    /**
     * 1 where the dialog was made over sips.
     */
    uint32_t secure;
};

/**
 * Where the host keeps its dialogs.
 *
 * No callback is called under a lock of the library; each may call back into the library, from
 * any thread that calls the library. Under a lock of the host (`lock`) only `unlock`, `release` and
 * `log` are called: locking is the last thing that is done about a request. None may throw or
 * longjmp. The struct itself is copied by
 * `sipxfer_engine_new()`.
 *
 * With `find` NULL the engine's own table is used (`sipxfer_dialog_add()`); `lock`, `unlock` and
 * `release` then speak of the host objects that were put into it.
 */
struct sipxfer_directory {
    /**
     * `sizeof (struct sipxfer_directory)`.
     */
    size_t struct_size;
    /**
     * Handed to each of these callbacks.
     */
    void *user;
    /**
     * Finds the dialog with this key: fills in `out` (whose struct_size is set), takes a
     * reference on its object and answers `SIPXFER_OK`; the strings of `out` must hold as long as
     * that reference. Answers `SIPXFER_E_NOT_FOUND`, `SIPXFER_E_AMBIGUOUS` where several dialogs
     * match, or `SIPXFER_E_PENDING` without a reference. A dialog that has ended may still be
     * found, with the state TERMINATED (603). May be called up to four times for one request: a tag
     * of value `0` also means a peer that sends none, and is asked for as an empty tag too. The triple in `out` is compared with the key: a
     * dialog that does not match it is never handed on. Any other answer is a failure (500).
     */
    int32_t (*find)(void *user, const struct sipxfer_dialog_key *key, struct sipxfer_dialog *out);
    /**
     * Locks a dialog that is referenced and writes its state at that moment
     * (`SIPXFER_DIALOG_*`). Answers `SIPXFER_OK`, or `SIPXFER_E_GONE` without a lock where it has
     * ended. May block. Needed only where a lock is asked for.
     */
    int32_t (*lock)(void *user, void *dialog, uint32_t *state);
    /**
     * Undoes `lock`. Given together with it. Called on the thread that calls
     * `sipxfer_verdict_release()`: where the host's lock belongs to a thread, that is the one that
     * got the verdict.
     */
    void (*unlock)(void *user, void *dialog);
    /**
     * Gives one reference back: each successful `find` is one, each `sipxfer_dialog_add()` is
     * one. After the last the library holds nothing of the dialog.
     */
    void (*release)(void *user, void *dialog);
    /**
     * Called once when the engine is gone and nothing will use `user` any more; may be NULL.
     */
    void (*destroy)(void *user);
    /**
     * Begins to look on other nodes for a dialog that is not here (`find`, or the engine's own table, has
     * none, and none has ended a short while ago); NULL where there are none. Answers
     * `SIPXFER_E_PENDING`: the answer comes by `sipxfer_lookup_resume()` with this id, from any thread,
     * also before this callback returns; or `SIPXFER_E_NOT_FOUND`, where nobody can be asked now. Any
     * other answer counts as not found, with a line in the log. Must not block: a call waits for it.
     *
     * Asked for the Replaces of an INVITE and of a Refer-To, once for each dialog, whoever asks for it
     * meanwhile, and only for senders that are authenticated. No more than `cluster.max_lookups` are
     * under way at once, each for at most `cluster.deadline_ms`. The strings of `key` hold until it
     * returns. With this callback the host needs `on_lookup` too.
     */
    int32_t (*lookup)(void *user, uint64_t lookup, const struct sipxfer_dialog_key *key);
    /**
     * Handed to `lookup` and `lookup_parked` in the place of `user`.
     */
    void *lookup_user;
    /**
     * As `lookup`, for a call that may be parked on another node and whose token was shown; NULL where
     * parked calls are not known there, and `lookup` is asked without the token then. `token` is a number,
     * or the letters of a secret in lower case. `key` is that of the Replaces that carries the token; all
     * three parts are empty where the token alone is known (`sipxfer_park_find()`). The answer is the
     * dialog that is parked under that token, with `call_id` and the tags filled in (and only if it is the
     * one that `key` names, if it names one); else the one of `key`, without them. Together with `lookup`.
     */
    int32_t (*lookup_parked)(void *user,
                             uint64_t lookup,
                             struct sipxfer_str token,
                             const struct sipxfer_dialog_key *key);
};

/**
 * A request as the host received it, and what the host knows about its sender.
 */
struct sipxfer_request {
    /**
     * `sizeof (struct sipxfer_request)`.
     */
    size_t struct_size;
    /**
     * The raw bytes of the request, start line to body. Must stay as they are while a verdict
     * on them is in use.
     */
    struct sipxfer_str message;
    /**
     * The host's own object for the request; callbacks get it back.
     */
    void *host_data;
    /**
     * The dialog that the request came in (the host's own object), or NULL outside of one: for the
     * callbacks. The library itself goes by the To tag of the message.
     */
    void *dialog;
    /**
     * Source address as text, for the log; may be empty.
     */
    struct sipxfer_str source;
    /**
     * The endpoint that the sender was identified as; empty for a stranger.
     */
    struct sipxfer_str endpoint;
    /**
     * The user that the host has authenticated (by digest, certificate or address); empty
     * equals nobody. Never taken from a From header.
     */
    struct sipxfer_str user;
    /**
     * The endpoint's dialplan context. Where it is empty the endpoint's setting `context` is
     * taken.
     */
    struct sipxfer_str context;
    /**
     * Monotonic time in milliseconds, from any starting point. Going back is clamped; a jump far
     * ahead ends what waits for time (the memory of ended dialogs, the rate of REFERs). At most
     * INT64_MAX.
     */
    uint64_t now_ms;
    /**
     * `SIPXFER_TRANSPORT_*`, or 0: for the callbacks.
     */
    uint32_t transport;
    /**
     * 1 where the request came over a transport that the host holds to be secure.
     */
    uint32_t secure;
    /**
     * How many transfers the call has already been through; 0 for a fresh call. A verdict
     * hands back the number to keep for the new call.
     */
    uint32_t transfer_depth;
    /**
     * `SIPXFER_HANDLING_*`: who decides how an accepted REFER goes on; 0 leaves it to the setting
     * `transfer_handling`.
     */
    uint32_t handling;
};

/**
 * A dialog that another node has, as that node has published it.
 */
struct sipxfer_remote_dialog {
    /**
     * `sizeof (struct sipxfer_remote_dialog)`.
     */
    size_t struct_size;
    /**
     * The name of the node: 1 to 64 letters, digits, hyphens, dots and underscores.
     */
    struct sipxfer_str node;
    /**
     * The sip or sips URI under which the node takes INVITEs with Replaces; at most 255 bytes, and none
     * that a dial string gives a meaning to.
     */
    struct sipxfer_str uri;
    /**
     * The peer's authenticated user there; empty equals nobody.
     */
    struct sipxfer_str user;
    /**
     * The endpoint that the call came from or went to there.
     */
    struct sipxfer_str endpoint;
    /**
     * `SIPXFER_DIALOG_*`.
     */
    uint32_t state;
    /**
     * `SIPXFER_INITIATOR_*`, as that node sees it.
     */
    uint32_t initiator;
    /**
     * 1 where the dialog was made over sips.
     */
    uint32_t secure;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * `SIPXFER_PARKED_*`: whether, and how, it is parked there.
     */
    uint32_t parked;
    /**
     * Zero.
     */
    uint32_t reserved2;
    /**
     * Its Call-ID, where it was found by the token of a parked call; else it and the tags are empty.
     */
    struct sipxfer_str call_id;
    /**
     * The tag of its node.
     */
    struct sipxfer_str local_tag;
    /**
     * The peer's tag there; empty for a peer that sends none (RFC 2543).
     */
    struct sipxfer_str remote_tag;
};

/**
 * What the library asks the host about dialplan and policy, and where it logs.
 *
 * Every callback but `extension_exists` may be NULL: the settings then answer. The rules of
 * `sipxfer_directory` hold here too. The `request` of a callback is the very struct that the host handed in.
 */
struct sipxfer_host {
    /**
     * `sizeof (struct sipxfer_host)`.
     */
    size_t struct_size;
    /**
     * Handed to each of these callbacks.
     */
    void *user;
    /**
     * Does this extension exist in this context? `SIPXFER_YES` or `SIPXFER_NO`; anything else is
     * a failure (500). Without this callback `sipxfer_refer_route()` answers
     * `SIPXFER_E_CALLBACK_MISSING`; an engine that only verifies Replaces can do without.
     */
    int32_t (*extension_exists)(void *user,
                                const struct sipxfer_request *request,
                                struct sipxfer_str context,
                                struct sipxfer_str extension);
    /**
     * The value of TRANSFER_CONTEXT on the channel that the request came on: writes up to
     * `capacity` bytes to `buffer` and their number to `len`, and answers `SIPXFER_OK`; or
     * `SIPXFER_E_NOT_FOUND` where it is not set. Anything else is a failure (500).
     */
    int32_t (*transfer_context)(void *user,
                                const struct sipxfer_request *request,
                                char *buffer,
                                size_t capacity,
                                size_t *len);
    /**
     * May this endpoint transfer at all? `SIPXFER_YES` or `SIPXFER_NO`. Without this callback
     * the endpoint's setting `allow_transfer` answers.
     */
    int32_t (*allow_transfer)(void *user, const struct sipxfer_request *request);
    /**
     * Approval of one transfer, asked before anything is contacted (RFC 3515 section 2.4.2):
     * where it would go is told by kind (`SIPXFER_VERDICT_*`) and target. `SIPXFER_YES`,
     * `SIPXFER_NO` (603), or `SIPXFER_LATER`: the REFER is accepted, and a later refusal is
     * notified as 603.
     */
    int32_t (*approve)(void *user,
                       const struct sipxfer_request *request,
                       uint32_t kind,
                       struct sipxfer_str target);
    /**
     * May the sender of this request replace this dialog (a pickup group, say)? `SIPXFER_YES` or
     * `SIPXFER_NO`. Asked last, only for authenticated senders, and only where
     * `replaces.authorize` holds `host`; for a Join (may the sender join its call?) only where
     * `join.authorize` does, which it does not by default.
     */
    int32_t (*authorize)(void *user,
                         const struct sipxfer_request *request,
                         const struct sipxfer_dialog *dialog);
    /**
     * A log line, without line end, with the Call-ID, endpoint and source of the request it is about:
     * level is `SIPXFER_LOG_*`. It may be called with the dialog of a verdict locked.
     */
    void (*log)(void *user, uint32_t level, struct sipxfer_str text);
    /**
     * Fills `len` bytes at `buffer` with random bytes and answers `SIPXFER_OK`. Without it the
     * operating system is asked. Called by `sipxfer_engine_new()`, and by `sipxfer_park()` for a
     * secret: what it fills in is to be fit for one.
     */
    int32_t (*random)(void *user, char *buffer, size_t len);
    /**
     * The time of the earliest deadline has changed: at `deadline_ms` (in the time of `now_ms`)
     * `sipxfer_tick()` is to be called, being late is allowed; UINT64_MAX for never. Called by the
     * function that changed it, before that returns, or, where another call is just telling, by that
     * one: the last that is told is what holds. Without it the host asks `sipxfer_next_deadline()`.
     */
    void (*on_deadline)(void *user, uint64_t deadline_ms);
    /**
     * Called once when the engine is gone and nothing will use `user` any more; may be NULL.
     */
    void (*destroy)(void *user);
    /**
     * Can the call of the request's sender be mixed with that of this dialog (RFC 3911 section 4)?
     * `SIPXFER_YES` or `SIPXFER_NO` (488); anything else is a failure (500). It depends on the call
     * (its bridge, its codecs, its keys), which is why no setting answers. Asked only by
     * `sipxfer_join_verify_request()`, after the sender was found to be allowed. Without it the answer is
     * yes, and a host that finds out later refuses with 488 by itself.
     */
    int32_t (*can_mix)(void *user,
                       const struct sipxfer_request *request,
                       const struct sipxfer_dialog *dialog);
    /**
     * Does the Request-URI of this INVITE name a conference? `SIPXFER_YES` or `SIPXFER_NO`; anything
     * else is a failure (500). Asked only where a Join matches no dialog: towards a conference it is
     * then ignored (RFC 3911 section 4). Without it the answer is no.
     */
    int32_t (*is_conference)(void *user, const struct sipxfer_request *request);
    /**
     * Is this the token of that referrer, and valid (RFC 3892 section 5)? `referred_by` is the value of the
     * Referred-By, `part` the whole body part that its `cid` names, MIME header lines included:
     * `SIPXFER_YES` or `SIPXFER_NO`; anything else is a failure (500). A valid one makes its referrer as
     * good as one that a trusted peer names. Without this callback no token is valid.
     */
    int32_t (*verify_token)(void *user,
                            const struct sipxfer_request *request,
                            struct sipxfer_str referred_by,
                            struct sipxfer_str part);
    /**
     * A lookup on other nodes is over: it was resumed, or its time has passed. A request whose verdict
     * was `SIPXFER_VERDICT_PENDING` with this `lookup` is asked about again now, and transfers may have
     * outputs (`sipxfer_transfer_next()` with `transfer` 0). Called by `sipxfer_lookup_resume()` and
     * `sipxfer_tick()`, and perhaps before the function that hands the verdict out has returned: a host
     * that keeps a request under the number only then asks about it once more when it is kept.
     */
    void (*on_lookup)(void *user, uint64_t lookup);
    /**
     * As `authorize`, for a dialog of another node (a pickup group that holds phones of several nodes,
     * say): what that node has published of it. Asked where `authorize` would be. That node judges the
     * INVITE with Replaces once more by itself. Without it the answer is no.
     */
    int32_t (*authorize_remote)(void *user,
                                const struct sipxfer_request *request,
                                const struct sipxfer_remote_dialog *dialog);
};

/**
 * How an engine is made.
 */
struct sipxfer_engine_options {
    /**
     * `sizeof (struct sipxfer_engine_options)`.
     */
    size_t struct_size;
    /**
     * Where dialogs are found; NULL for the engine's own table without locks.
     */
    const struct sipxfer_directory *directory;
    /**
     * Dialplan, policy and log; NULL for none.
     */
    const struct sipxfer_host *host;
};

/**
 * A setting that exists.
 */
struct sipxfer_setting {
    /**
     * `sizeof (struct sipxfer_setting)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Name, as `replaces.authorize`. Static, as all of these.
     */
    struct sipxfer_str name;
    /**
     * What a value looks like, in words.
     */
    struct sipxfer_str values;
    /**
     * Value where nothing is set.
     */
    struct sipxfer_str default_value;
    /**
     * What it does.
     */
    struct sipxfer_str help;
    /**
     * 1 where it can be set for all.
     */
    uint32_t global;
    /**
     * 1 where it can be set per endpoint.
     */
    uint32_t per_endpoint;
};

/**
 * One channel variable for the dialplan.
 */
struct sipxfer_variable {
    /**
     * Name: SIPTRANSFER, SIPREFERRINGCONTEXT, SIPREFERTOHDR, SIPREPLACESHDR, SIPREFERREDBYHDR,
     * SIPTRANSFERNODE (the name of the node that has the dialog; not by Asterisk's names).
     */
    struct sipxfer_str name;
    /**
     * Value. SIPREFERTOHDR is the URI as a Request-URI, without the headers behind its `?`. It
     * comes from a stranger: a host that reads it into a dial string escapes what that string
     * gives a meaning to.
     */
    struct sipxfer_str value;
};

/**
 * What the library decided about a request, and why.
 *
 * All strings hold until the scratch space, the message or the request is reused. Where the
 * function that fills it in fails, it is left as it was. A kind that the host does not know is to be treated
 * as a refusal.
 */
struct sipxfer_verdict {
    /**
     * `sizeof (struct sipxfer_verdict)`, set by the caller.
     */
    size_t struct_size;
    /**
     * `SIPXFER_VERDICT_*`.
     */
    uint32_t kind;
    /**
     * The SIP status to answer with: the final response of a refusal or challenge; 202 or 200
     * for a REFER that is accepted; 200 for an accepted Replaces (after which media is the
     * host's matter: 488 leaves the old dialog untouched); 0 where the host goes on as usual.
     */
    uint32_t code;
    /**
     * Reason phrase of `code`.
     */
    struct sipxfer_str reason;
    /**
     * Value of a Warning header to send with a refusal, or empty.
     */
    struct sipxfer_str warning;
    /**
     * Value of the Unsupported header of a 420, or empty.
     */
    struct sipxfer_str unsupported;
    /**
     * The host's dialog that Replaces names, or NULL. It is pinned until
     * `sipxfer_verdict_release()`, and locked where `locked` is 1.
     */
    void *dialog;
    /**
     * The reference that `sipxfer_verdict_release()` gives back; 0 for none.
     */
    uint64_t pin;
    /**
     * `SIPXFER_DIALOG_*` of `dialog`, as its lock reported it where a lock was asked for.
     */
    uint32_t dialog_state;
    /**
     * `SIPXFER_INITIATOR_*` of `dialog`.
     */
    uint32_t dialog_initiator;
    /**
     * `SIPXFER_OLD_DIALOG_*`: what is to happen to `dialog` once the new call stands. On any
     * failure before that it is left exactly as it was (RFC 3891 section 3).
     */
    uint32_t old_dialog;
    /**
     * 1 where the host's lock of `dialog` is held.
     */
    uint32_t locked;
    /**
     * 1 where only an early dialog may be replaced.
     */
    uint32_t early_only;
    /**
     * `SIPXFER_GROUND_*`: on what ground the sender may replace `dialog`.
     */
    uint32_t ground;
    /**
     * Dialplan context to go on in.
     */
    struct sipxfer_str context;
    /**
     * Extension to go on at: the user part without its options, decoded, `s` where there is none,
     * or the external_replaces extension. It exists, but where it came from a stranger it may hold
     * what a dial string gives a meaning to.
     */
    struct sipxfer_str extension;
    /**
     * The Request-URI of the triggered request: the Refer-To URI without its headers. For a local
     * attended transfer nothing is triggered, and this and the next fields are for the log.
     */
    struct sipxfer_str target;
    /**
     * The method that the Refer-To asks for; INVITE where it names none.
     */
    struct sipxfer_str method;
    /**
     * Value of the Replaces header for the triggered INVITE, or empty.
     */
    struct sipxfer_str replaces;
    /**
     * Value of the Referred-By header to copy into the triggered INVITE, or empty.
     */
    struct sipxfer_str referred_by;
    /**
     * The header lines that the triggered INVITE carries, each ended by CRLF: Replaces,
     * Require, Referred-By and what the Refer-To URI may add. Free of anything else.
     */
    struct sipxfer_str headers;
    /**
     * Names of header fields of the Refer-To URI that were dropped, separated by commas.
     */
    struct sipxfer_str dropped;
    /**
     * The channel variables to set.
     */
    const struct sipxfer_variable *variables;
    /**
     * How many variables there are.
     */
    size_t variable_count;
    /**
     * 1 where accepting the REFER creates a subscription and a NOTIFY with `SIP/2.0 100
     * Trying` is to follow at once; 0 where the sender wants none: by `Refer-Sub: false`, which the
     * answer repeats, or by what it requires (RFC 7614; `rules` then holds 71 or 72).
     */
    uint32_t subscription;
    /**
     * 1 where the host's `approve` callback has not decided yet.
     */
    uint32_t approval_pending;
    /**
     * The number to hand in as `transfer_depth` for the call that this transfer makes.
     */
    uint32_t transfer_depth;
    /**
     * Seconds for a Retry-After header, or 0.
     */
    uint32_t retry_after_s;
    /**
     * The numbers of the rules that led here, in the order in which they were met.
     */
    uint16_t rules[SIPXFER_MAX_RULES];
    /**
     * How many of `rules` are set.
     */
    uint32_t rule_count;
    /**
     * Where a header did not parse: number of the rule it breaks; otherwise 0.
     */
    uint32_t error_rule;
    /**
     * Where a header did not parse: what was expected; otherwise empty.
     */
    struct sipxfer_str error_what;
    /**
     * Where a header did not parse: the byte of the message where it was expected.
     */
    size_t error_offset;
    /**
     * The setting that decided, or empty.
     */
    struct sipxfer_str setting;
    /**
     * One sentence for an administrator; the `log` callback got it too. Not for the wire.
     */
    struct sipxfer_str why;
    /**
     * REFER: 1 where it is about a call with its sender, in whose dialog it came or which
     * `target_dialog` names. 0 where there is no such call (click-to-dial): the host calls the one that
     * it acts for, and sends that call to where the verdict says. With `SIPXFER_VERDICT_LOCAL_ATTENDED`
     * the new call takes the place of `dialog`, which may be a third party's.
     */
    uint32_t in_call;
    /**
     * `SIPXFER_REFERRER_*`: what is known of who is named in `referred_by`.
     */
    uint32_t referrer;
    /**
     * The body part with the token of the Referred-By as it came, its MIME header lines included; or
     * empty. It goes into the triggered INVITE untouched, as a part of its multipart body between
     * delimiters that do not occur in it (RFC 3892 section 2.2).
     */
    struct sipxfer_str token;
    /**
     * REFER: value of the Target-Dialog that names its call, where it came outside of the call's dialog
     * and the setting `refer.target_dialog` lets that stand; otherwise empty.
     * `sipxfer_target_dialog_parse()` reads it.
     */
    struct sipxfer_str target_dialog;
    /**
     * Of a PENDING verdict: the lookup that is waited for, or 0.
     */
    uint64_t lookup;
    /**
     * The name of the node that has the dialog (`SIPXFER_VERDICT_REMOTE_NODE`), or empty.
     */
    struct sipxfer_str node;
};

/**
 * One request of those that `sipxfer_replaces_verify_requests()` verifies, and what came of it.
 */
struct sipxfer_verification {
    /**
     * `sizeof (struct sipxfer_verification)`, set by the caller, in each element of the array.
     */
    size_t struct_size;
    /**
     * The request.
     */
    const struct sipxfer_request *request;
    /**
     * Scratch space of its own, of `SIPXFER_SCRATCH_SIZE(request->message.len)` bytes at least.
     */
    char *scratch;
    /**
     * How many bytes `scratch` has.
     */
    size_t scratch_len;
    /**
     * Where its verdict goes; one of its own.
     */
    struct sipxfer_verdict *verdict;
    /**
     * Written by the library: `SIPXFER_OK` where there is a verdict, else why there is none.
     */
    int32_t status;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * A ChannelTransfer event, as ARI of Asterisk 22 knows it. Channels and bridges are the host's own
 * JSON objects (`{"id":"...","name":"..."}` and whatever else), or empty where there is none or it is
 * not known here. In a bridge of three or more `connected_channel` stays empty, since none of the
 * others is the connected one, and the bridge tells who is there.
 */
struct sipxfer_event {
    /**
     * `sizeof (struct sipxfer_event)`.
     */
    size_t struct_size;
    /**
     * The application that it is for, or empty.
     */
    struct sipxfer_str application;
    /**
     * When, as the host writes dates, or empty.
     */
    struct sipxfer_str timestamp;
    /**
     * `state` of the output; empty in the first event.
     */
    struct sipxfer_str state;
    /**
     * `replaces` of the output. Either this or `destination`.
     */
    struct sipxfer_str replaces;
    /**
     * `destination` of the output.
     */
    struct sipxfer_str destination;
    /**
     * The channel that the REFER came on. Never empty.
     */
    struct sipxfer_str source_channel;
    /**
     * The channel that is connected with it.
     */
    struct sipxfer_str source_connected;
    /**
     * The bridge of both.
     */
    struct sipxfer_str source_bridge;
    /**
     * The channel of the dialog that is to be replaced, where it is here.
     */
    struct sipxfer_str destination_channel;
    /**
     * The channel that is connected with it.
     */
    struct sipxfer_str destination_connected;
    /**
     * The bridge of both.
     */
    struct sipxfer_str destination_bridge;
};

/**
 * One thing that a transfer wants done. Its strings point into the buffer that was handed in, or
 * into static text.
 */
struct sipxfer_output {
    /**
     * `sizeof (struct sipxfer_output)`, set by the caller.
     */
    size_t struct_size;
    /**
     * The transfer that wants it.
     */
    uint64_t transfer;
    /**
     * `SIPXFER_OUTPUT_*`. A kind that the host does not know is left out.
     */
    uint32_t kind;
    /**
     * `SIPXFER_COMMAND_*` of a COMMAND.
     */
    uint32_t command;
    /**
     * SIP code of an ANSWER, a NOTIFY or the outcome.
     */
    uint32_t code;
    /**
     * `SIPXFER_CAUSE_*` of the outcome.
     */
    uint32_t cause;
    /**
     * Reason phrase of `code`.
     */
    struct sipxfer_str reason;
    /**
     * Header lines, each ended by CRLF.
     */
    struct sipxfer_str headers;
    /**
     * Body of a NOTIFY.
     */
    struct sipxfer_str body;
    /**
     * State of an EVENT, as `channel_answered`; empty for the first one of a transfer.
     */
    struct sipxfer_str state;
    /**
     * What the REFER of an EVENT asks for: value of the Replaces of an attended transfer, or empty.
     */
    struct sipxfer_str replaces;
    /**
     * What it asks for: the user part of the target of a blind transfer, or empty.
     */
    struct sipxfer_str destination;
    /**
     * 1 where the transfer goes with this output: its id is stale from now on. A FINISHED may come
     * before that, as long as the subscription goes on or a command about the transferor may follow. A
     * transfer whose FINISHED was taken may also go without another output: with the BYE of a transferor
     * that the host would have been told to hang up, or when nobody has subscribed where it is kept for
     * that. `sipxfer_transfer_count()` counts those that are there.
     */
    uint32_t last;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * How many bytes the strings need in the buffer. Written where the answer is `SIPXFER_E_BUFFER`
     * too, and then nothing else is.
     */
    size_t needed;
};

/**
 * Replaces (RFC 3891 section 6.1) or Join (RFC 3911): the dialog as the *recipient* sees it, its
 * to-tag being the recipient's own.
 */
struct sipxfer_replaces {
    /**
     * `sizeof (struct sipxfer_replaces)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Call-ID.
     */
    struct sipxfer_str call_id;
    /**
     * to-tag: the local tag of the recipient.
     */
    struct sipxfer_str to_tag;
    /**
     * from-tag: the remote tag of the recipient.
     */
    struct sipxfer_str from_tag;
    /**
     * The parameters as they stood, the known ones included; when printed, those that are not
     * known here are written again behind the known ones.
     */
    struct sipxfer_str params;
    /**
     * 1 where only an early dialog may be replaced. Always 0 in a Join.
     */
    uint32_t early_only;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * Target-Dialog (RFC 4538): the dialog as the recipient sees it.
 */
struct sipxfer_target_dialog {
    /**
     * `sizeof (struct sipxfer_target_dialog)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Call-ID.
     */
    struct sipxfer_str call_id;
    /**
     * local-tag: the tag of the recipient.
     */
    struct sipxfer_str local_tag;
    /**
     * remote-tag: the tag of the sender.
     */
    struct sipxfer_str remote_tag;
    /**
     * The parameters as they stood, the known ones included.
     */
    struct sipxfer_str params;
};

/**
 * A transfer that is to begin. All strings are copied.
 */
struct sipxfer_refer_options {
    /**
     * `sizeof (struct sipxfer_refer_options)`.
     */
    size_t struct_size;
    /**
     * URI of the target of a BLIND or CONSULTATION_HOLD, without headers; not used for ATTENDED.
     */
    struct sipxfer_str target;
    /**
     * URI of the Contact of the target of an ATTENDED, without headers, or empty; not used for the
     * others. One of `contact` and `aor` is given.
     */
    struct sipxfer_str contact;
    /**
     * Its address of record, without headers, or empty. With both, the other one is tried after a
     * failure (RFC 5589 section 7.3).
     */
    struct sipxfer_str aor;
    /**
     * The consultation dialog of an ATTENDED as the *target* sees it (to-tag = the target's own
     * tag). NULL for the others.
     */
    const struct sipxfer_replaces *replaces;
    /**
     * The call with the transferee as the *transferee* sees it, or NULL. With it the REFER goes
     * outside the dialog where the peer knows `tdialog` and its Contact is a GRUU (RFC 4538 section 3,
     * RFC 7647 section 4), else in the dialog.
     */
    const struct sipxfer_target_dialog *target_dialog;
    /**
     * Value of the Referred-By to send, or empty (RFC 3892 section 2.1).
     */
    struct sipxfer_str referred_by;
    /**
     * The last INVITE, or 2xx to one, that came from the transferee, as it was received: its
     * Supported and Contact tell what the peer can do. Empty: `peer` alone does.
     */
    struct sipxfer_str peer_message;
    /**
     * The endpoint that the transferee is, or empty: by its settings `replaces` is offered in Supported
     * (RFC 3891 section 6.2).
     */
    struct sipxfer_str endpoint;
    /**
     * `SIPXFER_REFER_BLIND`, `_CONSULTATION_HOLD` or `_ATTENDED`.
     */
    uint32_t kind;
    /**
     * 1 where the transferee can reach `contact`: it is a GRUU or a public address. It is then tried
     * first (RFC 5589 section 7.3).
     */
    uint32_t contact_reachable;
    /**
     * `SIPXFER_DIALOG_*` of the consultation dialog of an ATTENDED; not used for the others.
     */
    uint32_t dialog_state;
    /**
     * `SIPXFER_INITIATOR_*` of that dialog as seen from here: LOCAL where this side called the target.
     * Needed where the dialog is early.
     */
    uint32_t dialog_initiator;
    /**
     * 1 where the target lists `replaces` in its Supported.
     */
    uint32_t target_supports_replaces;
    /**
     * `SIPXFER_PEER_*`, added: what the transferee can do, besides what `peer_message` says.
     */
    uint32_t peer;
    /**
     * 1 where progress and outcome are wanted. 0: a peer that knows `norefersub` is asked for no
     * subscription (RFC 4488 section 4), and the outcome is then UNKNOWN.
     */
    uint32_t subscribe;
    /**
     * 1 to hang up as soon as the REFER was accepted (RFC 5589 section 6), 0 at the outcome. With 1
     * there is no second try and nothing to take back.
     */
    uint32_t bye_after_accept;
};

/**
 * One thing that a sent transfer wants done. Its strings point into the buffer that was handed in.
 */
struct sipxfer_refer_output {
    /**
     * `sizeof (struct sipxfer_refer_output)`, set by the caller.
     */
    size_t struct_size;
    /**
     * The transfer that wants it.
     */
    uint64_t transfer;
    /**
     * `SIPXFER_REFER_OUTPUT_*`. A kind that the host does not know is left out.
     */
    uint32_t kind;
    /**
     * `SIPXFER_REFER_COMMAND_*` of a COMMAND.
     */
    uint32_t command;
    /**
     * 1 where the REFER of a SEND goes in the dialog of the call with the transferee.
     */
    uint32_t in_dialog;
    /**
     * Attempt of a SEND: 1, or 2 for the second try. What belongs to that REFER is reported with it.
     */
    uint32_t attempt;
    /**
     * `SIPXFER_REFER_SUCCESS`, `_FAILURE` or `_UNKNOWN` of a FINISHED.
     */
    uint32_t outcome;
    /**
     * SIP code of a PROGRESS or FINISHED.
     */
    uint32_t code;
    /**
     * `SIPXFER_REFER_WHY_*` of an outcome that is UNKNOWN.
     */
    uint32_t why;
    /**
     * Zero.
     */
    uint32_t reserved;
    /**
     * Reason phrase of `code` in the peer's words, or empty.
     */
    struct sipxfer_str reason;
    /**
     * Header lines of a SEND, each ended by CRLF, without Contact.
     */
    struct sipxfer_str headers;
    /**
     * How many bytes the strings need in the buffer. Written where the answer is `SIPXFER_E_BUFFER`
     * too, and then nothing else is.
     */
    size_t needed;
};

/**
 * One thing that a takeover wants done.
 */
struct sipxfer_takeover_output {
    /**
     * `sizeof (struct sipxfer_takeover_output)`, set by the caller.
     */
    size_t struct_size;
    /**
     * The takeover that wants it.
     */
    uint64_t takeover;
    /**
     * `SIPXFER_TAKEOVER_*`. A kind that the host does not know is left out.
     */
    uint32_t kind;
    /**
     * SIP code of an ANSWER_NEW or FINISHED, else 0.
     */
    uint32_t code;
    /**
     * Reason phrase of `code`, or empty. Static text.
     */
    struct sipxfer_str reason;
};

/**
 * A call that is to be parked.
 */
struct sipxfer_park_call {
    /**
     * `sizeof (struct sipxfer_park_call)`.
     */
    size_t struct_size;
    /**
     * Call-ID of the dialog with the party that waits.
     */
    struct sipxfer_str call_id;
    /**
     * This side's tag.
     */
    struct sipxfer_str local_tag;
    /**
     * The peer's tag; empty for a peer that sends none (RFC 2543).
     */
    struct sipxfer_str remote_tag;
    /**
     * Who parks it: whatever the host needs to ring back.
     */
    struct sipxfer_str parker;
    /**
     * The URI of the party that waits, for those who watch the lot; may be empty.
     */
    struct sipxfer_str party;
    /**
     * The host's own name for the call.
     */
    uint64_t handle;
    /**
     * `SIPXFER_PARK_LOWEST`, `_NUMBER` or `_SECRET`.
     */
    uint32_t place;
    /**
     * The place of a NUMBER, else 0.
     */
    uint32_t number;
};

/**
 * A parked call that was claimed.
 */
struct sipxfer_parked {
    /**
     * `sizeof (struct sipxfer_parked)`, set by the caller.
     */
    size_t struct_size;
    /**
     * The right to take it out, for `sipxfer_park_retrieved()` or `sipxfer_park_release()`.
     */
    uint64_t claim;
    /**
     * The host's own name for the call.
     */
    uint64_t handle;
    /**
     * Its token.
     */
    struct sipxfer_str token;
    /**
     * Value of a Replaces that names its dialog as this side reads it, with its token as parameter
     * `token`: an INVITE or Refer-To with it, sent to this side, may take the call out.
     */
    struct sipxfer_str replaces;
    /**
     * Call-ID of its dialog.
     */
    struct sipxfer_str call_id;
    /**
     * This side's tag.
     */
    struct sipxfer_str local_tag;
    /**
     * The peer's tag, or empty.
     */
    struct sipxfer_str remote_tag;
    /**
     * Who parked it.
     */
    struct sipxfer_str parker;
    /**
     * The URI of the party that waits, or empty.
     */
    struct sipxfer_str party;
};

/**
 * A SUBSCRIBE with Event: dialog to the lot, or to one of its places.
 */
struct sipxfer_park_watch {
    /**
     * `sizeof (struct sipxfer_park_watch)`.
     */
    size_t struct_size;
    /**
     * The URI that was subscribed to: `entity` of the documents.
     */
    struct sipxfer_str entity;
    /**
     * The URI that an INVITE with Replaces is to go to: an address of this side.
     */
    struct sipxfer_str target;
    /**
     * The id of the SUBSCRIBE's Event, or empty. One that is no token is left out.
     */
    struct sipxfer_str event_id;
    /**
     * The host's own name for the subscription.
     */
    uint64_t handle;
    /**
     * The place that is watched; 0 for the whole lot.
     */
    uint32_t number;
    /**
     * Expires of the SUBSCRIBE; UINT32_MAX: none. 0 is a single look.
     */
    uint32_t expires_s;
};

/**
 * One thing that the lot wants done. Its strings point into the buffer that was handed in.
 */
struct sipxfer_park_output {
    /**
     * `sizeof (struct sipxfer_park_output)`, set by the caller.
     */
    size_t struct_size;
    /**
     * The subscription of a NOTIFY; 0 where it is over with this one and has no name.
     */
    uint64_t watcher;
    /**
     * The host's own name for the call, or for the subscription.
     */
    uint64_t handle;
    /**
     * `SIPXFER_PARK_OUTPUT_*`. A kind that the host does not know is left out.
     */
    uint32_t kind;
    /**
     * 1 where the subscription ends with this NOTIFY.
     */
    uint32_t is_last;
    /**
     * Header lines of a NOTIFY, each ended by CRLF.
     */
    struct sipxfer_str headers;
    /**
     * Body of a NOTIFY.
     */
    struct sipxfer_str body;
    /**
     * Token of a RING_BACK; it names the call no more.
     */
    struct sipxfer_str token;
    /**
     * Call-ID of the dialog of a RING_BACK.
     */
    struct sipxfer_str call_id;
    /**
     * This side's tag.
     */
    struct sipxfer_str local_tag;
    /**
     * The peer's tag, or empty.
     */
    struct sipxfer_str remote_tag;
    /**
     * Who parked the call of a RING_BACK.
     */
    struct sipxfer_str parker;
    /**
     * The URI of the party that waits, or empty.
     */
    struct sipxfer_str party;
};

/**
 * Which dialogs of the engine's own table a dialog-info document is about.
 */
struct sipxfer_dialog_info {
    /**
     * `sizeof (struct sipxfer_dialog_info)`.
     */
    size_t struct_size;
    /**
     * The URI that was subscribed to, as `sip:bob@pbx.example.com`.
     */
    struct sipxfer_str entity;
    /**
     * Where an INVITE goes that picks a call up: an address of this side.
     */
    struct sipxfer_str target;
    /**
     * Dialogs of this endpoint are listed; or empty.
     */
    struct sipxfer_str endpoint;
    /**
     * Dialogs of this authenticated user are listed too; or empty.
     */
    struct sipxfer_str user;
    /**
     * 0 for a full document: what it does not list is over. Else the id of the one dialog that has
     * changed, for a partial document; one that is in the table no more is told to have terminated.
     */
    uint64_t only;
    /**
     * 0 in the first NOTIFY of a subscription, and one more in each that follows.
     */
    uint32_t version;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * The parts of a SIP message that a host without a parser of its own needs. All strings are
 * views into the message.
 */
struct sipxfer_message {
    /**
     * `sizeof (struct sipxfer_message)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Method of a request; empty for a response.
     */
    struct sipxfer_str method;
    /**
     * Request-URI of a request; empty for a response.
     */
    struct sipxfer_str request_uri;
    /**
     * Reason phrase of a response.
     */
    struct sipxfer_str reason;
    /**
     * Call-ID, or empty where the message has none.
     */
    struct sipxfer_str call_id;
    /**
     * Tag of the From header, or empty.
     */
    struct sipxfer_str from_tag;
    /**
     * Tag of the To header, or empty.
     */
    struct sipxfer_str to_tag;
    /**
     * Method of the CSeq header, or empty.
     */
    struct sipxfer_str cseq_method;
    /**
     * What follows the empty line.
     */
    struct sipxfer_str body;
    /**
     * Status code of a response; 0 for a request.
     */
    uint32_t status;
    /**
     * Number of the CSeq header, or 0.
     */
    uint32_t cseq;
};

/**
 * Why a text did not parse.
 */
struct sipxfer_parse_error {
    /**
     * `sizeof (struct sipxfer_parse_error)`, set by the caller.
     */
    size_t struct_size;
    /**
     * What was expected, in plain words. Static text.
     */
    struct sipxfer_str what;
    /**
     * The byte of the text, counted from 0, where it was expected.
     */
    size_t offset;
    /**
     * Number of the rule that asks for it; `sipxfer_rule_text()` has its words.
     */
    uint32_t rule;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * A URI in its parts (RFC 3261 section 19.1). All strings are views into the text.
 */
struct sipxfer_uri {
    /**
     * `sizeof (struct sipxfer_uri)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Scheme, as it stands.
     */
    struct sipxfer_str scheme;
    /**
     * User part with its options, without password; empty where there is none.
     */
    struct sipxfer_str user;
    /**
     * Password, or empty.
     */
    struct sipxfer_str password;
    /**
     * Host; an IPv6 address keeps its brackets. Empty where the scheme is not sip or sips.
     */
    struct sipxfer_str host;
    /**
     * Parameters, without the first `;`.
     */
    struct sipxfer_str params;
    /**
     * Headers, without the `?`, still escaped.
     */
    struct sipxfer_str headers;
    /**
     * What follows the colon of a scheme that is not sip or sips.
     */
    struct sipxfer_str opaque;
    /**
     * Port, or 0 where none is given.
     */
    uint32_t port;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * A From, To or Contact value in its parts (RFC 3261 section 20). All strings are views into the
 * value.
 */
struct sipxfer_name_addr {
    /**
     * `sizeof (struct sipxfer_name_addr)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Display name as it stands, with its quotes, or empty.
     */
    struct sipxfer_str display;
    /**
     * URI, without angle brackets; `sipxfer_uri_parse()` takes it apart.
     */
    struct sipxfer_str uri;
    /**
     * Parameters of the header, without the first `;`.
     */
    struct sipxfer_str params;
    /**
     * The tag parameter, or empty.
     */
    struct sipxfer_str tag;
};

/**
 * A Refer-To value in its parts (RFC 3515 section 2.1).
 */
struct sipxfer_refer_to {
    /**
     * `sizeof (struct sipxfer_refer_to)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Display name as it stands, or empty.
     */
    struct sipxfer_str display;
    /**
     * The URI as it stands, headers included.
     */
    struct sipxfer_str uri;
    /**
     * The URI without its headers and without what is no part of a Request-URI (the method
     * parameter); what is to be contacted.
     */
    struct sipxfer_str request_uri;
    /**
     * The method that the URI asks for; empty means INVITE (RFC 3515 section 2.4.3).
     */
    struct sipxfer_str method;
    /**
     * Header parameters behind the URI.
     */
    struct sipxfer_str params;
    /**
     * Call-ID of the Replaces inside the URI, or empty where there is none.
     */
    struct sipxfer_str replaces_call_id;
    /**
     * Its to-tag.
     */
    struct sipxfer_str replaces_to_tag;
    /**
     * Its from-tag.
     */
    struct sipxfer_str replaces_from_tag;
    /**
     * Its parameters as they stood.
     */
    struct sipxfer_str replaces_params;
    /**
     * 1 where the URI holds a Replaces.
     */
    uint32_t has_replaces;
    /**
     * 1 where that Replaces is early-only.
     */
    uint32_t early_only;
};

/**
 * What a Refer-To is built from.
 */
struct sipxfer_refer_to_target {
    /**
     * `sizeof (struct sipxfer_refer_to_target)`.
     */
    size_t struct_size;
    /**
     * sip or sips URI of the target, without headers: its Contact where that can be reached,
     * else its AOR (RFC 5589 section 7.3).
     */
    struct sipxfer_str uri;
    /**
     * The dialog with the target as the *target* sees it (to-tag = the target's own tag), or NULL
     * for a blind transfer.
     */
    const struct sipxfer_replaces *replaces;
    /**
     * `SIPXFER_DIALOG_*` of that dialog; not read for a blind transfer.
     */
    uint32_t dialog_state;
    /**
     * `SIPXFER_INITIATOR_*` of that dialog as the transferor sees it: LOCAL where it called the
     * target. Needed where the dialog is early.
     */
    uint32_t dialog_initiator;
    /**
     * 1 to ask for `Require: replaces` in the triggered INVITE: right where `uri` is an AOR
     * (RFC 5589 section 7.3).
     */
    uint32_t require_replaces;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * What the header lines of a triggered INVITE are built from.
 */
struct sipxfer_invite_headers {
    /**
     * `sizeof (struct sipxfer_invite_headers)`.
     */
    size_t struct_size;
    /**
     * The dialog to replace as the *recipient* sees it, or NULL.
     */
    const struct sipxfer_replaces *replaces;
    /**
     * Value of the Referred-By to copy, or empty (RFC 3892 section 2.2).
     */
    struct sipxfer_str referred_by;
    /**
     * `SIPXFER_DIALOG_*` of the dialog to replace, if there is one.
     */
    uint32_t dialog_state;
    /**
     * `SIPXFER_INITIATOR_*` of that dialog as seen by whoever asks to replace it: LOCAL means that
     * the recipient did not begin it. Needed where the dialog is early.
     */
    uint32_t dialog_initiator;
    /**
     * 1 to add `Require: replaces`.
     */
    uint32_t require_replaces;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * Referred-By (RFC 3892 section 2.1).
 */
struct sipxfer_referred_by {
    /**
     * `sizeof (struct sipxfer_referred_by)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Display name as it stands, or empty.
     */
    struct sipxfer_str display;
    /**
     * URI of the referrer.
     */
    struct sipxfer_str uri;
    /**
     * Content-ID of the token in the body, unquoted, or empty. A cid that names no body part
     * makes nothing true: the Referred-By is not verified.
     */
    struct sipxfer_str cid;
    /**
     * All header parameters as they stood.
     */
    struct sipxfer_str params;
};

/**
 * Refer-Sub (RFC 4488 section 4).
 */
struct sipxfer_refer_sub {
    /**
     * `sizeof (struct sipxfer_refer_sub)`, set by the caller.
     */
    size_t struct_size;
    /**
     * Parameters as they stood.
     */
    struct sipxfer_str params;
    /**
     * 1 for true (a subscription is wanted), 0 for false.
     */
    uint32_t value;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * Event (RFC 6665 section 8.2.1).
 */
struct sipxfer_event_header {
    /**
     * `sizeof (struct sipxfer_event_header)`.
     */
    size_t struct_size;
    /**
     * Package: `refer` for transfers.
     */
    struct sipxfer_str package;
    /**
     * The id parameter, or empty. From the second REFER of a dialog on it is the CSeq number of
     * its REFER (RFC 3515 section 2.4.6).
     */
    struct sipxfer_str id;
};

/**
 * Subscription-State (RFC 6665 section 8.2.3).
 */
struct sipxfer_subscription_state {
    /**
     * `sizeof (struct sipxfer_subscription_state)`.
     */
    size_t struct_size;
    /**
     * The word as it stands.
     */
    struct sipxfer_str state_text;
    /**
     * The reason parameter, or empty.
     */
    struct sipxfer_str reason;
    /**
     * `SIPXFER_SUBSCRIPTION_*`.
     */
    uint32_t state;
    /**
     * 1 where `expires_s` was given.
     */
    uint32_t has_expires;
    /**
     * Seconds that the subscription lasts.
     */
    uint32_t expires_s;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * The start of a message/sipfrag body (RFC 3420).
 */
struct sipxfer_sipfrag {
    /**
     * `sizeof (struct sipxfer_sipfrag)`.
     */
    size_t struct_size;
    /**
     * Reason phrase of the status line.
     */
    struct sipxfer_str reason;
    /**
     * What follows the start line: header lines, if any.
     */
    struct sipxfer_str headers;
    /**
     * Status code; 0 where the body has no status line, which is no outcome (RFC 3515
     * section 2.4.5).
     */
    uint32_t code;
    /**
     * Zero.
     */
    uint32_t reserved;
};

/**
 * One part of a multipart body (RFC 2046 section 5.1). Its strings point into the message.
 */
struct sipxfer_body_part {
    /**
     * `sizeof (struct sipxfer_body_part)`, set by the caller.
     */
    size_t struct_size;
    /**
     * All of it, as it stands between the delimiters.
     */
    struct sipxfer_str raw;
    /**
     * Its MIME header lines.
     */
    struct sipxfer_str headers;
    /**
     * What follows the empty line behind them.
     */
    struct sipxfer_str content;
    /**
     * Value of its Content-Type, or empty.
     */
    struct sipxfer_str content_type;
};

/**
 * What an engine has counted since it was made, and what it holds now.
 */
struct sipxfer_stats {
    /**
     * `sizeof (struct sipxfer_stats)`.
     */
    size_t struct_size;
    /**
     * Verdicts of all kinds.
     */
    uint64_t verdicts;
    /**
     * Verdicts of kind ACCEPT: an INVITE that may replace a dialog.
     */
    uint64_t accepted;
    /**
     * Verdicts with a final refusal, challenges included.
     */
    uint64_t refused;
    /**
     * Verdicts of kind CHALLENGE.
     */
    uint64_t challenged;
    /**
     * Received transfers that ended with a 2xx.
     */
    uint64_t transfers_done;
    /**
     * Received transfers that ended otherwise.
     */
    uint64_t transfers_failed;
    /**
     * Received transfers that are there now, those included whose subscription goes on.
     */
    uint64_t transfers_open;
    /**
     * Transfers begun by this side that ended with a 2xx, with another code, and with nobody telling.
     */
    uint64_t refers_done;
    /**
     * See `refers_done`.
     */
    uint64_t refers_failed;
    /**
     * See `refers_done`.
     */
    uint64_t refers_unknown;
    /**
     * Transfers begun by this side that are there now.
     */
    uint64_t refers_open;
    /**
     * Takeovers that are under way.
     */
    uint64_t takeovers_open;
    /**
     * Calls in the park lot.
     */
    uint64_t parked;
    /**
     * Dialogs in the engine's own table; 0 where the host has them.
     */
    uint64_t dialogs;
    /**
     * Faults inside the library, of all engines: `sipxfer_panic_count()`.
     */
    uint64_t panics;
    /**
     * Lines that went to the log.
     */
    uint64_t log_lines;
    /**
     * Lines that the setting `log.per_second` has left out.
     */
    uint64_t log_lines_left_out;
};

/**
 * One of the last transfers, or a request that was refused. A host's mirror of it is cleared first.
 */
struct sipxfer_transfer_record {
    /**
     * `sizeof (struct sipxfer_transfer_record)`.
     */
    size_t struct_size;
    /**
     * Its id, which may be stale by now; 0 for a request that was refused.
     */
    uint64_t transfer;
    /**
     * When its request came, in the host's time.
     */
    uint64_t began_ms;
    /**
     * When its outcome was known; 0: not yet.
     */
    uint64_t ended_ms;
    /**
     * What was decided: `SIPXFER_VERDICT_*`.
     */
    uint32_t kind;
    /**
     * The code of its outcome; of the answer, where it was refused or has no outcome yet.
     */
    uint32_t code;
    /**
     * What ended it: `SIPXFER_CAUSE_*`; 0 where it was refused or has no outcome yet.
     */
    uint32_t cause;
    /**
     * The rule that decided last; 0 for none.
     */
    uint32_t rule;
    /**
     * Call-ID of the request. This and the other strings may be cut: they are kept in little room.
     */
    struct sipxfer_str call_id;
    /**
     * The endpoint that sent it.
     */
    struct sipxfer_str endpoint;
    /**
     * Where it was to go.
     */
    struct sipxfer_str target;
    /**
     * Why, in one sentence.
     */
    struct sipxfer_str why;
};

/**
 * Every function of this header but `sipxfer_get_api()`, for a host that loads the library with
 * dlopen. New ones are only ever added at the end; `struct_size` tells which are there.
 */
struct sipxfer_api {
    /**
     * Size of the table that the library has.
     */
    size_t struct_size;
    /**
     * `SIPXFER_ABI_MAJOR` of the library.
     */
    uint32_t abi_major;
    /**
     * `SIPXFER_ABI_MINOR` of the library.
     */
    uint32_t abi_minor;
    /**
     * `sipxfer_version()`.
     */
    const char *(*version)(void);
    /**
     * `sipxfer_strerror()`.
     */
    const char *(*strerror)(int32_t status);
    /**
     * `sipxfer_panic_count()`.
     */
    uint64_t (*panic_count)(void);
    /**
     * `sipxfer_engine_new()`.
     */
    int32_t (*engine_new)(const struct sipxfer_engine_options *options,
                          struct sipxfer_engine **engine);
    /**
     * `sipxfer_engine_free()`.
     */
    void (*engine_free)(struct sipxfer_engine *engine);
    /**
     * `sipxfer_engine_supported()`.
     */
    int32_t (*engine_supported)(const struct sipxfer_engine *engine,
                                const char *endpoint,
                                size_t endpoint_len,
                                char *buffer,
                                size_t capacity,
                                size_t *needed);
    /**
     * `sipxfer_config_new()`.
     */
    int32_t (*config_new)(struct sipxfer_config **config);
    /**
     * `sipxfer_config_set()`.
     */
    int32_t (*config_set)(struct sipxfer_config *config,
                          const char *scope,
                          size_t scope_len,
                          const char *name,
                          size_t name_len,
                          const char *value,
                          size_t value_len);
    /**
     * `sipxfer_config_get()`.
     */
    int32_t (*config_get)(const struct sipxfer_config *config,
                          const char *scope,
                          size_t scope_len,
                          const char *name,
                          size_t name_len,
                          char *buffer,
                          size_t capacity,
                          size_t *needed);
    /**
     * `sipxfer_config_error()`.
     */
    int32_t (*config_error)(const struct sipxfer_config *config,
                            char *buffer,
                            size_t capacity,
                            size_t *needed);
    /**
     * `sipxfer_config_apply()`.
     */
    int32_t (*config_apply)(const struct sipxfer_engine *engine, const struct sipxfer_config *config);
    /**
     * `sipxfer_config_free()`.
     */
    void (*config_free)(struct sipxfer_config *config);
    /**
     * `sipxfer_setting_at()`.
     */
    int32_t (*setting_at)(size_t index, struct sipxfer_setting *setting);
    /**
     * `sipxfer_dialog_add()`.
     */
    int32_t (*dialog_add)(const struct sipxfer_engine *engine,
                          const struct sipxfer_dialog *dialog,
                          uint64_t *id);
    /**
     * `sipxfer_dialog_set_state()`.
     */
    int32_t (*dialog_set_state)(const struct sipxfer_engine *engine, uint64_t id, uint32_t state);
    /**
     * `sipxfer_dialog_remove()`.
     */
    int32_t (*dialog_remove)(const struct sipxfer_engine *engine, uint64_t id, uint64_t now_ms);
    /**
     * `sipxfer_dialog_ended()`.
     */
    int32_t (*dialog_ended)(const struct sipxfer_engine *engine,
                            const struct sipxfer_dialog_key *key,
                            uint64_t now_ms);
    /**
     * `sipxfer_dialog_count()`.
     */
    int32_t (*dialog_count)(const struct sipxfer_engine *engine, size_t *count);
    /**
     * `sipxfer_replaces_verify_request()`.
     */
    int32_t (*replaces_verify_request)(const struct sipxfer_engine *engine,
                                       const struct sipxfer_request *request,
                                       uint32_t lock_dialog,
                                       char *scratch,
                                       size_t scratch_len,
                                       struct sipxfer_verdict *verdict);
    /**
     * `sipxfer_refer_route()`.
     */
    int32_t (*refer_route)(const struct sipxfer_engine *engine,
                           const struct sipxfer_request *request,
                           uint32_t lock_dialog,
                           char *scratch,
                           size_t scratch_len,
                           struct sipxfer_verdict *verdict);
    /**
     * `sipxfer_verdict_release()`.
     */
    int32_t (*verdict_release)(const struct sipxfer_engine *engine, struct sipxfer_verdict *verdict);
    /**
     * `sipxfer_response_print()`.
     */
    int32_t (*response_print)(const struct sipxfer_request *request,
                              const struct sipxfer_verdict *verdict,
                              const char *to_tag,
                              size_t to_tag_len,
                              char *buffer,
                              size_t capacity,
                              size_t *needed);
    /**
     * `sipxfer_verdict_name()`.
     */
    const char *(*verdict_name)(uint32_t kind);
    /**
     * `sipxfer_ground_name()`.
     */
    const char *(*ground_name)(uint32_t ground);
    /**
     * `sipxfer_rule_text()`.
     */
    const char *(*rule_text)(uint32_t rule);
    /**
     * `sipxfer_rule_source()`.
     */
    const char *(*rule_source)(uint32_t rule);
    /**
     * `sipxfer_event_json()`.
     */
    int32_t (*event_json)(const struct sipxfer_event *event,
                          char *buffer,
                          size_t capacity,
                          size_t *needed);
    /**
     * `sipxfer_transfer_receive()`.
     */
    int32_t (*transfer_receive)(const struct sipxfer_engine *engine,
                                const struct sipxfer_request *request,
                                uint32_t lock_dialog,
                                char *scratch,
                                size_t scratch_len,
                                struct sipxfer_verdict *verdict,
                                uint64_t *transfer);
    /**
     * `sipxfer_transfer_next()`.
     */
    int32_t (*transfer_next)(const struct sipxfer_engine *engine,
                             uint64_t transfer,
                             char *buffer,
                             size_t capacity,
                             struct sipxfer_output *output);
    /**
     * `sipxfer_transfer_decide()`.
     */
    int32_t (*transfer_decide)(const struct sipxfer_engine *engine,
                               uint64_t transfer,
                               int32_t answer,
                               uint64_t now_ms);
    /**
     * `sipxfer_transfer_progress()`.
     */
    int32_t (*transfer_progress)(const struct sipxfer_engine *engine,
                                 uint64_t transfer,
                                 uint32_t code,
                                 const char *reason,
                                 size_t reason_len,
                                 uint64_t now_ms);
    /**
     * `sipxfer_transfer_contact_failed()`.
     */
    int32_t (*transfer_contact_failed)(const struct sipxfer_engine *engine,
                                       uint64_t transfer,
                                       uint64_t now_ms);
    /**
     * `sipxfer_transfer_give_up()`.
     */
    int32_t (*transfer_give_up)(const struct sipxfer_engine *engine,
                                uint64_t transfer,
                                uint32_t code,
                                uint64_t now_ms);
    /**
     * `sipxfer_transfer_bye()`.
     */
    int32_t (*transfer_bye)(const struct sipxfer_engine *engine, uint64_t transfer, uint64_t now_ms);
    /**
     * `sipxfer_transfer_subscribe()`.
     */
    int32_t (*transfer_subscribe)(const struct sipxfer_engine *engine,
                                  uint64_t transfer,
                                  uint32_t expires_s,
                                  uint64_t now_ms,
                                  uint32_t *granted_s);
    /**
     * `sipxfer_transfer_notify_answered()`.
     */
    int32_t (*transfer_notify_answered)(const struct sipxfer_engine *engine,
                                        uint64_t transfer,
                                        uint32_t code,
                                        uint64_t now_ms);
    /**
     * `sipxfer_transfer_command()`.
     */
    int32_t (*transfer_command)(const struct sipxfer_engine *engine,
                                uint64_t transfer,
                                const char *state,
                                size_t state_len,
                                uint64_t now_ms);
    /**
     * `sipxfer_transfer_find()`.
     */
    int32_t (*transfer_find)(const struct sipxfer_engine *engine,
                             const struct sipxfer_dialog_key *dialog,
                             uint32_t event_id,
                             uint64_t *transfer);
    /**
     * `sipxfer_transfer_count()`.
     */
    int32_t (*transfer_count)(const struct sipxfer_engine *engine, size_t *count);
    /**
     * `sipxfer_tick()`.
     */
    int32_t (*tick)(const struct sipxfer_engine *engine, uint64_t now_ms);
    /**
     * `sipxfer_next_deadline()`.
     */
    int32_t (*next_deadline)(const struct sipxfer_engine *engine, uint64_t *deadline_ms);
    /**
     * `sipxfer_message_parse()`.
     */
    int32_t (*message_parse)(const char *message,
                             size_t len,
                             struct sipxfer_message *out,
                             struct sipxfer_parse_error *error);
    /**
     * `sipxfer_message_header()`.
     */
    int32_t (*message_header)(const char *message,
                              size_t len,
                              const char *name,
                              size_t name_len,
                              uint32_t index,
                              struct sipxfer_str *value);
    /**
     * `sipxfer_uri_parse()`.
     */
    int32_t (*uri_parse)(const char *uri,
                         size_t len,
                         struct sipxfer_uri *out,
                         struct sipxfer_parse_error *error);
    /**
     * `sipxfer_name_addr_parse()`.
     */
    int32_t (*name_addr_parse)(const char *value,
                               size_t len,
                               struct sipxfer_name_addr *out,
                               struct sipxfer_parse_error *error);
    /**
     * `sipxfer_replaces_parse()`.
     */
    int32_t (*replaces_parse)(const char *value,
                              size_t len,
                              struct sipxfer_replaces *out,
                              struct sipxfer_parse_error *error);
    /**
     * `sipxfer_replaces_print()`.
     */
    int32_t (*replaces_print)(const struct sipxfer_replaces *replaces,
                              char *buffer,
                              size_t capacity,
                              size_t *needed);
    /**
     * `sipxfer_join_parse()`.
     */
    int32_t (*join_parse)(const char *value,
                          size_t len,
                          struct sipxfer_replaces *out,
                          struct sipxfer_parse_error *error);
    /**
     * `sipxfer_join_print()`.
     */
    int32_t (*join_print)(const struct sipxfer_replaces *join,
                          char *buffer,
                          size_t capacity,
                          size_t *needed);
    /**
     * `sipxfer_target_dialog_parse()`.
     */
    int32_t (*target_dialog_parse)(const char *value,
                                   size_t len,
                                   struct sipxfer_target_dialog *out,
                                   struct sipxfer_parse_error *error);
    /**
     * `sipxfer_target_dialog_print()`.
     */
    int32_t (*target_dialog_print)(const struct sipxfer_target_dialog *target,
                                   char *buffer,
                                   size_t capacity,
                                   size_t *needed);
    /**
     * `sipxfer_map_replaces()`.
     */
    int32_t (*map_replaces)(const char *value,
                            size_t len,
                            int32_t (*peer_leg)(void *user,
                                                const struct sipxfer_dialog_key *key,
                                                struct sipxfer_dialog_key *peer),
                            void *user,
                            char *buffer,
                            size_t capacity,
                            size_t *needed,
                            struct sipxfer_parse_error *error);
    /**
     * `sipxfer_refer_to_parse()`.
     */
    int32_t (*refer_to_parse)(const char *value,
                              size_t len,
                              char *scratch,
                              size_t scratch_len,
                              struct sipxfer_refer_to *out,
                              struct sipxfer_parse_error *error);
    /**
     * `sipxfer_refer_to_build()`.
     */
    int32_t (*refer_to_build)(const struct sipxfer_refer_to_target *target,
                              char *buffer,
                              size_t capacity,
                              size_t *needed);
    /**
     * `sipxfer_invite_headers_build()`.
     */
    int32_t (*invite_headers_build)(const struct sipxfer_invite_headers *headers,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *needed);
    /**
     * `sipxfer_referred_by_parse()`.
     */
    int32_t (*referred_by_parse)(const char *value,
                                 size_t len,
                                 struct sipxfer_referred_by *out,
                                 struct sipxfer_parse_error *error);
    /**
     * `sipxfer_referred_by_print()`.
     */
    int32_t (*referred_by_print)(const struct sipxfer_referred_by *referred_by,
                                 char *buffer,
                                 size_t capacity,
                                 size_t *needed);
    /**
     * `sipxfer_refer_sub_parse()`.
     */
    int32_t (*refer_sub_parse)(const char *value,
                               size_t len,
                               struct sipxfer_refer_sub *out,
                               struct sipxfer_parse_error *error);
    /**
     * `sipxfer_refer_sub_print()`.
     */
    int32_t (*refer_sub_print)(uint32_t value, char *buffer, size_t capacity, size_t *needed);
    /**
     * `sipxfer_event_header_parse()`.
     */
    int32_t (*event_header_parse)(const char *value,
                                  size_t len,
                                  struct sipxfer_event_header *out,
                                  struct sipxfer_parse_error *error);
    /**
     * `sipxfer_event_header_print()`.
     */
    int32_t (*event_header_print)(const struct sipxfer_event_header *event,
                                  char *buffer,
                                  size_t capacity,
                                  size_t *needed);
    /**
     * `sipxfer_subscription_state_parse()`.
     */
    int32_t (*subscription_state_parse)(const char *value,
                                        size_t len,
                                        struct sipxfer_subscription_state *out,
                                        struct sipxfer_parse_error *error);
    /**
     * `sipxfer_subscription_state_print()`.
     */
    int32_t (*subscription_state_print)(const struct sipxfer_subscription_state *state,
                                        char *buffer,
                                        size_t capacity,
                                        size_t *needed);
    /**
     * `sipxfer_option_tag_listed()`.
     */
    int32_t (*option_tag_listed)(const char *value, size_t len, const char *tag, size_t tag_len);
    /**
     * `sipxfer_sipfrag_parse()`.
     */
    int32_t (*sipfrag_parse)(const char *body,
                             size_t len,
                             struct sipxfer_sipfrag *out,
                             struct sipxfer_parse_error *error);
    /**
     * `sipxfer_sipfrag_print()`.
     */
    int32_t (*sipfrag_print)(uint32_t code,
                             const char *reason,
                             size_t reason_len,
                             char *buffer,
                             size_t capacity,
                             size_t *needed);
    /**
     * `sipxfer_refer_start()`.
     */
    int32_t (*refer_start)(const struct sipxfer_engine *engine,
                           const struct sipxfer_refer_options *start,
                           uint64_t now_ms,
                           uint64_t *transfer);
    /**
     * `sipxfer_refer_next()`.
     */
    int32_t (*refer_next)(const struct sipxfer_engine *engine,
                          uint64_t transfer,
                          char *buffer,
                          size_t capacity,
                          struct sipxfer_refer_output *output);
    /**
     * `sipxfer_refer_sent()`.
     */
    int32_t (*refer_sent)(const struct sipxfer_engine *engine,
                          uint64_t transfer,
                          uint32_t attempt,
                          uint32_t cseq,
                          uint32_t first_in_dialog,
                          uint64_t now_ms);
    /**
     * `sipxfer_refer_response()`.
     */
    int32_t (*refer_response)(const struct sipxfer_engine *engine,
                              uint64_t transfer,
                              uint32_t attempt,
                              const char *message,
                              size_t message_len,
                              uint64_t now_ms);
    /**
     * `sipxfer_refer_notify()`.
     */
    int32_t (*refer_notify)(const struct sipxfer_engine *engine,
                            uint64_t transfer,
                            uint32_t attempt,
                            const char *message,
                            size_t message_len,
                            uint64_t now_ms,
                            uint32_t *answer_code);
    /**
     * `sipxfer_refer_call_ended()`.
     */
    int32_t (*refer_call_ended)(const struct sipxfer_engine *engine,
                                uint64_t transfer,
                                uint64_t now_ms);
    /**
     * `sipxfer_refer_consultation_answered()`.
     */
    int32_t (*refer_consultation_answered)(const struct sipxfer_engine *engine,
                                           uint64_t transfer,
                                           uint64_t now_ms);
    /**
     * `sipxfer_refer_consultation_ended()`.
     */
    int32_t (*refer_consultation_ended)(const struct sipxfer_engine *engine,
                                        uint64_t transfer,
                                        uint64_t now_ms);
    /**
     * `sipxfer_takeover_receive()`.
     */
    int32_t (*takeover_receive)(const struct sipxfer_engine *engine,
                                const struct sipxfer_request *request,
                                uint32_t lock_dialog,
                                char *scratch,
                                size_t scratch_len,
                                struct sipxfer_verdict *verdict,
                                uint64_t *takeover);
    /**
     * `sipxfer_takeover_next()`.
     */
    int32_t (*takeover_next)(const struct sipxfer_engine *engine,
                             uint64_t takeover,
                             struct sipxfer_takeover_output *output);
    /**
     * `sipxfer_takeover_answered()`.
     */
    int32_t (*takeover_answered)(const struct sipxfer_engine *engine,
                                 uint64_t takeover,
                                 uint64_t now_ms);
    /**
     * `sipxfer_takeover_not_answered()`.
     */
    int32_t (*takeover_not_answered)(const struct sipxfer_engine *engine,
                                     uint64_t takeover,
                                     uint32_t code,
                                     uint64_t now_ms);
    /**
     * `sipxfer_takeover_acked()`.
     */
    int32_t (*takeover_acked)(const struct sipxfer_engine *engine,
                              uint64_t takeover,
                              uint64_t now_ms);
    /**
     * `sipxfer_takeover_new_ended()`.
     */
    int32_t (*takeover_new_ended)(const struct sipxfer_engine *engine,
                                  uint64_t takeover,
                                  uint64_t now_ms);
    /**
     * `sipxfer_takeover_old_answered()`.
     */
    int32_t (*takeover_old_answered)(const struct sipxfer_engine *engine,
                                     uint64_t takeover,
                                     uint64_t now_ms);
    /**
     * `sipxfer_takeover_old_ended()`.
     */
    int32_t (*takeover_old_ended)(const struct sipxfer_engine *engine,
                                  uint64_t takeover,
                                  uint64_t now_ms);
    /**
     * `sipxfer_takeover_reinvite()`.
     */
    int32_t (*takeover_reinvite)(const struct sipxfer_engine *engine,
                                 const struct sipxfer_dialog_key *dialog,
                                 uint32_t *code);
    /**
     * `sipxfer_takeover_find()`.
     */
    int32_t (*takeover_find)(const struct sipxfer_engine *engine,
                             const struct sipxfer_dialog_key *dialog,
                             uint64_t *takeover,
                             uint32_t *side);
    /**
     * `sipxfer_takeover_count()`.
     */
    int32_t (*takeover_count)(const struct sipxfer_engine *engine, size_t *count);
    /**
     * `sipxfer_join_verify_request()`.
     */
    int32_t (*join_verify_request)(const struct sipxfer_engine *engine,
                                   const struct sipxfer_request *request,
                                   uint32_t lock_dialog,
                                   char *scratch,
                                   size_t scratch_len,
                                   struct sipxfer_verdict *verdict);
    /**
     * `sipxfer_park()`.
     */
    int32_t (*park)(const struct sipxfer_engine *engine,
                    const struct sipxfer_park_call *call,
                    uint64_t now_ms,
                    char *buffer,
                    size_t capacity,
                    size_t *needed);
    /**
     * `sipxfer_park_claim()`.
     */
    int32_t (*park_claim)(const struct sipxfer_engine *engine,
                          const char *token,
                          size_t token_len,
                          uint64_t now_ms,
                          char *buffer,
                          size_t capacity,
                          size_t *needed,
                          struct sipxfer_parked *parked);
    /**
     * `sipxfer_park_claim_dialog()`.
     */
    int32_t (*park_claim_dialog)(const struct sipxfer_engine *engine,
                                 const struct sipxfer_dialog_key *dialog,
                                 uint64_t now_ms,
                                 char *buffer,
                                 size_t capacity,
                                 size_t *needed,
                                 struct sipxfer_parked *parked);
    /**
     * `sipxfer_park_release()`.
     */
    int32_t (*park_release)(const struct sipxfer_engine *engine, uint64_t claim, uint64_t now_ms);
    /**
     * `sipxfer_park_retrieved()`.
     */
    int32_t (*park_retrieved)(const struct sipxfer_engine *engine, uint64_t claim, uint64_t now_ms);
    /**
     * `sipxfer_park_cancel()`.
     */
    int32_t (*park_cancel)(const struct sipxfer_engine *engine,
                           const char *token,
                           size_t token_len,
                           uint64_t now_ms,
                           uint64_t *handle);
    /**
     * `sipxfer_park_count()`.
     */
    int32_t (*park_count)(const struct sipxfer_engine *engine, size_t *count);
    /**
     * `sipxfer_transfer_parked()`.
     */
    int32_t (*transfer_parked)(const struct sipxfer_engine *engine,
                               uint64_t transfer,
                               const char *token,
                               size_t token_len,
                               const char *host,
                               size_t host_len,
                               uint64_t now_ms);
    /**
     * `sipxfer_park_subscribe()`.
     */
    int32_t (*park_subscribe)(const struct sipxfer_engine *engine,
                              const struct sipxfer_park_watch *watch,
                              uint64_t now_ms,
                              uint64_t *watcher,
                              uint32_t *granted_s);
    /**
     * `sipxfer_park_refresh()`.
     */
    int32_t (*park_refresh)(const struct sipxfer_engine *engine,
                            uint64_t watcher,
                            uint32_t expires_s,
                            uint64_t now_ms,
                            uint32_t *granted_s);
    /**
     * `sipxfer_park_notify_answered()`.
     */
    int32_t (*park_notify_answered)(const struct sipxfer_engine *engine,
                                    uint64_t watcher,
                                    uint32_t code,
                                    uint64_t now_ms);
    /**
     * `sipxfer_park_next()`.
     */
    int32_t (*park_next)(const struct sipxfer_engine *engine,
                         char *buffer,
                         size_t capacity,
                         size_t *needed,
                         struct sipxfer_park_output *output);
    /**
     * `sipxfer_dialog_info_print()`.
     */
    int32_t (*dialog_info_print)(const struct sipxfer_engine *engine,
                                 const struct sipxfer_dialog_info *info,
                                 char *buffer,
                                 size_t capacity,
                                 size_t *needed);
    /**
     * `sipxfer_dialog_bye()`.
     */
    int32_t (*dialog_bye)(const struct sipxfer_engine *engine,
                          const struct sipxfer_dialog_key *key,
                          uint64_t now_ms,
                          size_t *count);
    /**
     * `sipxfer_transfer_subscribe_at()`.
     */
    int32_t (*transfer_subscribe_at)(const struct sipxfer_engine *engine,
                                     const char *request_uri,
                                     size_t request_uri_len,
                                     uint32_t expires_s,
                                     uint64_t now_ms,
                                     uint64_t *transfer,
                                     uint32_t *granted_s);
    /**
     * `sipxfer_refer_pass()`.
     */
    int32_t (*refer_pass)(const char *message,
                          size_t message_len,
                          int32_t (*peer_leg)(void *user,
                                              const struct sipxfer_dialog_key *key,
                                              struct sipxfer_dialog_key *peer),
                          void *user,
                          char *scratch,
                          size_t scratch_len,
                          char *buffer,
                          size_t capacity,
                          size_t *needed,
                          struct sipxfer_parse_error *error);
    /**
     * `sipxfer_message_part()`.
     */
    int32_t (*message_part)(const char *message,
                            size_t message_len,
                            const char *cid,
                            size_t cid_len,
                            struct sipxfer_body_part *part);
    /**
     * `sipxfer_output_name()`.
     */
    const char *(*output_name)(uint32_t kind);
    /**
     * `sipxfer_command_name()`.
     */
    const char *(*command_name)(uint32_t command);
    /**
     * `sipxfer_cause_name()`.
     */
    const char *(*cause_name)(uint32_t cause);
    /**
     * `sipxfer_refer_output_name()`.
     */
    const char *(*refer_output_name)(uint32_t kind);
    /**
     * `sipxfer_refer_command_name()`.
     */
    const char *(*refer_command_name)(uint32_t command);
    /**
     * `sipxfer_refer_outcome_name()`.
     */
    const char *(*refer_outcome_name)(uint32_t outcome);
    /**
     * `sipxfer_refer_why_name()`.
     */
    const char *(*refer_why_name)(uint32_t why);
    /**
     * `sipxfer_lookup_resume()`.
     */
    int32_t (*lookup_resume)(const struct sipxfer_engine *engine,
                             uint64_t lookup,
                             int32_t status,
                             const struct sipxfer_remote_dialog *dialog,
                             uint64_t now_ms);
    /**
     * `sipxfer_lookup_count()`.
     */
    int32_t (*lookup_count)(const struct sipxfer_engine *engine, size_t *count);
    /**
     * `sipxfer_transfer_route()`.
     */
    int32_t (*transfer_route)(const struct sipxfer_engine *engine,
                              uint64_t transfer,
                              const struct sipxfer_request *request,
                              uint32_t lock_dialog,
                              char *scratch,
                              size_t scratch_len,
                              struct sipxfer_verdict *verdict);
    /**
     * `sipxfer_stats_read()`.
     */
    int32_t (*stats_read)(const struct sipxfer_engine *engine, struct sipxfer_stats *stats);
    /**
     * `sipxfer_refusal_count()`.
     */
    int32_t (*refusal_count)(const struct sipxfer_engine *engine, uint32_t rule, uint64_t *count);
    /**
     * `sipxfer_verdict_took()`.
     */
    int32_t (*verdict_took)(const struct sipxfer_engine *engine, uint64_t ns);
    /**
     * `sipxfer_last_transfer()`.
     */
    int32_t (*last_transfer)(const struct sipxfer_engine *engine,
                             size_t back,
                             char *buffer,
                             size_t capacity,
                             struct sipxfer_transfer_record *record);
    /**
     * `sipxfer_metrics_print()`.
     */
    int32_t (*metrics_print)(const struct sipxfer_engine *engine,
                             char *buffer,
                             size_t capacity,
                             size_t *needed);
    /**
     * `sipxfer_replaces_verify_requests()`.
     */
    int32_t (*replaces_verify_requests)(const struct sipxfer_engine *engine,
                                        struct sipxfer_verification *items,
                                        size_t count);
    /**
     * `sipxfer_park_find()`.
     */
    int32_t (*park_find)(const struct sipxfer_engine *engine,
                         const struct sipxfer_request *request,
                         const char *token,
                         size_t token_len,
                         char *scratch,
                         size_t scratch_len,
                         struct sipxfer_verdict *verdict);
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The meaning of a status, in a few English words. Never NULL; a number that is no status
 * answers "unknown status".
 *
 * The text is static and ends with NUL. Threads: any; does not block.
 */
const char *sipxfer_strerror(int32_t status);

/**
 * Makes an engine with the default settings. Both callback tables are copied.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_CALLBACK_MISSING` where `find` comes without `release`, only one
 * of `lock` and `unlock` is given, `lookup` comes without `on_lookup` or `lookup_parked` without `lookup`,
 * `SIPXFER_E_RANDOM`, or the status of a wrong argument. On a failure the `destroy` callbacks are not called. Threads: any; allocates.
 *
 * Requires:
 * `options` points to a struct whose `struct_size` is set, `engine` to a writable pointer.
 */
int32_t sipxfer_engine_new(const struct sipxfer_engine_options *options,
                           struct sipxfer_engine **engine);

/**
 * Ends an engine: gives back every dialog of its own table (`release`), then calls the `destroy`
 * callbacks, which must not call the engine. What verdicts still hold is unlocked and given back
 * too. NULL does nothing. No other call on this engine may be under way.
 *
 * Requires:
 * `engine` came from `sipxfer_engine_new()` and was not freed before.
 */
void sipxfer_engine_free(struct sipxfer_engine *engine);

/**
 * The value of a Supported header towards an endpoint (empty: towards a stranger), by its settings:
 * `replaces` is in it where Replaces is supported, and never where not (RFC 3891 section 6.2); so is
 * `join` (RFC 3911 section 7.2).
 *
 * Otherwise as `sipxfer_replaces_print()`. Threads: any.
 *
 * Requires:
 * `engine` is valid, `endpoint` points to `endpoint_len` bytes, `buffer` points to `capacity` writable bytes, `needed` to a writable size.
 */
int32_t sipxfer_engine_supported(const struct sipxfer_engine *engine,
                                 const char *endpoint,
                                 size_t endpoint_len,
                                 char *buffer,
                                 size_t capacity,
                                 size_t *needed);

/**
 * Begins a set of settings, each at its default.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; allocates.
 *
 * Requires:
 * `config` points to a writable pointer.
 */
int32_t sipxfer_config_new(struct sipxfer_config **config);

/**
 * Sets one value. The scope is empty for all, or `endpoint:NAME`.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_UNKNOWN_SETTING`, `SIPXFER_E_BAD_VALUE` (nothing is changed, and
 * `sipxfer_config_error()` has a sentence that names the place), or the status of a wrong argument.
 *
 * Requires:
 * `config` is valid and used by this thread alone; each string points to as many bytes as given.
 */
int32_t sipxfer_config_set(struct sipxfer_config *config,
                           const char *scope,
                           size_t scope_len,
                           const char *name,
                           size_t name_len,
                           const char *value,
                           size_t value_len);

/**
 * The value that holds in a scope: what was set there, else what was set for all, else the
 * default. Otherwise as `sipxfer_replaces_print()`, and `SIPXFER_E_UNKNOWN_SETTING`.
 *
 * Requires:
 * As for `sipxfer_config_set()` and `sipxfer_replaces_print()`.
 */
int32_t sipxfer_config_get(const struct sipxfer_config *config,
                           const char *scope,
                           size_t scope_len,
                           const char *name,
                           size_t name_len,
                           char *buffer,
                           size_t capacity,
                           size_t *needed);

/**
 * The sentence of the last failed `sipxfer_config_set()`; empty where none failed. Otherwise as
 * `sipxfer_replaces_print()`.
 *
 * Requires:
 * As for `sipxfer_config_set()` and `sipxfer_replaces_print()`.
 */
int32_t sipxfer_config_error(const struct sipxfer_config *config,
                             char *buffer,
                             size_t capacity,
                             size_t *needed);

/**
 * Makes all of these settings the engine's, in the place of those it has, all at once. Verdicts
 * that are under way end by the settings they began with. `config` stays the caller's and can be
 * changed and applied again.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any, while other calls go on.
 *
 * Requires:
 * `engine` and `config` are valid.
 */
int32_t sipxfer_config_apply(const struct sipxfer_engine *engine,
                             const struct sipxfer_config *config);

/**
 * Frees a set of settings. NULL does nothing.
 *
 * Requires:
 * `config` came from `sipxfer_config_new()` and was not freed before.
 */
void sipxfer_config_free(struct sipxfer_config *config);

/**
 * The setting number `index`, counted from 0, so that a host can list or document them.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` behind the last, or the status of a wrong argument.
 * Threads: any.
 *
 * Requires:
 * `setting` points to a struct whose `struct_size` is set.
 */
int32_t sipxfer_setting_at(size_t index, struct sipxfer_setting *setting);

/**
 * Puts a dialog into the engine's own table. The strings are copied; `dialog->dialog` is kept
 * until `release` gives it back. The state is not TERMINATED.
 *
 * Returns `SIPXFER_OK` and the dialog's id, `SIPXFER_E_STATE` where the engine uses the host's
 * directory, `SIPXFER_E_PARSE` where the Call-ID or the local tag is empty, or the status of a wrong
 * argument. Threads: any; allocates.
 *
 * Requires:
 * `engine` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold,
 * `id` to a writable number.
 */
int32_t sipxfer_dialog_add(const struct sipxfer_engine *engine,
                           const struct sipxfer_dialog *dialog,
                           uint64_t *id);

/**
 * Tells that a dialog of the engine's own table is now early or confirmed.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id, `SIPXFER_E_RANGE` for another
 * state. Threads: any; does not block; allocates nothing.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_dialog_set_state(const struct sipxfer_engine *engine,
                                 uint64_t id,
                                 uint32_t state);

/**
 * Takes a dialog that has ended out of the engine's own table, at once, even while a verdict
 * holds it: `release` is called when the last one lets go, maybe before this returns. For 32
 * seconds from `now_ms` a Replaces that names the dialog gets 603 instead of 481 (RFC 3891
 * section 3). A parked one is out of the lot; those who watch are told (`sipxfer_park_next()`).
 * A takeover that stands on the dialog is not: that is `sipxfer_takeover_old_ended()`.
 *
 * Returns `SIPXFER_OK`, or `SIPXFER_E_NOT_FOUND` for a stale or foreign id. Threads: any.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_dialog_remove(const struct sipxfer_engine *engine, uint64_t id, uint64_t now_ms);

/**
 * Tells that a dialog of the host's directory has ended, so that for 32 seconds a Replaces that
 * names it gets 603 instead of 481. A host whose `find` still finds such dialogs need not call it, but
 * for one that is parked: it is out of the lot, and those who watch are told.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; may allocate.
 *
 * Requires:
 * `engine` is valid, `key` points to a struct whose `struct_size` is set and whose strings hold.
 */
int32_t sipxfer_dialog_ended(const struct sipxfer_engine *engine,
                             const struct sipxfer_dialog_key *key,
                             uint64_t now_ms);

/**
 * How many dialogs stand in the engine's own table.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `count` points to a writable size.
 */
int32_t sipxfer_dialog_count(const struct sipxfer_engine *engine, size_t *count);

/**
 * Verifies an INVITE by RFC 3891 section 3, in the manner of `pjsip_replaces_verify_request()`.
 *
 * Without a Replaces header the verdict is `SIPXFER_VERDICT_NONE`. Where Replaces names a dialog
 * that the sender may replace it is `SIPXFER_VERDICT_ACCEPT` with `dialog`, pinned, and locked if
 * `lock_dialog` is 1 (then the directory's `lock` is called, and the verdict goes by the state that
 * it reports). Otherwise it is `SIPXFER_VERDICT_REJECT` or `_CHALLENGE` with the final response to
 * send: `code`, `reason`, `warning`; `sipxfer_response_print()` makes it ready to send. The library
 * never keeps a dialog locked that it does not hand out.
 *
 * A host that takes locks in a certain order (pjsip: never one dialog under another) calls this
 * without a dialog lock held, or with `lock_dialog` 0.
 *
 * Returns `SIPXFER_OK` whenever there is a verdict, a refusal included; `SIPXFER_E_SCRATCH`,
 * `SIPXFER_E_CALLBACK_MISSING` where a lock is asked for and the directory has none, or the status of
 * a wrong argument. Threads: any; blocks only if a callback does. Allocates nothing, as long as no
 * more than 64 verdicts with a dialog are held at once.
 *
 * Requires:
 * `engine` is valid, `request` and `verdict` point to structs whose `struct_size` is set, the strings
 * of `request` hold, `scratch` points to `scratch_len` writable bytes.
 */
int32_t sipxfer_replaces_verify_request(const struct sipxfer_engine *engine,
                                        const struct sipxfer_request *request,
                                        uint32_t lock_dialog,
                                        char *scratch,
                                        size_t scratch_len,
                                        struct sipxfer_verdict *verdict);

/**
 * Decides about a REFER: local attended, remote attended through the external_replaces extension,
 * blind, another method, or refused (RFC 3515 section 2.4, RFC 5589).
 *
 * The host's own dialog that a Replaces in the Refer-To names is handed out as by
 * `sipxfer_replaces_verify_request()`. Nothing of the call that exists is changed by a verdict.
 *
 * A REFER with the To tag of a dialog that the host does not have is the host's to answer, with 481.
 * One without a To tag is refused unless `refer.outside_dialog` is yes or its Target-Dialog names a
 * call of this side and `refer.target_dialog` lets that stand (RFC 4538 section 3). An explicit
 * subscription (RFC 7614) is only to be had of `sipxfer_transfer_receive()`. Where a blind transfer goes
 * is the dialplan's decision, whatever host the URI names; `remote.allow_domains` and its kin guard
 * what leaves by external_replaces or by another method.
 *
 * Returns and requirements as for `sipxfer_replaces_verify_request()`, and
 * `SIPXFER_E_CALLBACK_MISSING` without `extension_exists`.
 *
 * Requires:
 * As for `sipxfer_replaces_verify_request()`.
 */
int32_t sipxfer_refer_route(const struct sipxfer_engine *engine,
                            const struct sipxfer_request *request,
                            uint32_t lock_dialog,
                            char *scratch,
                            size_t scratch_len,
                            struct sipxfer_verdict *verdict);

/**
 * Unlocks (where `locked`) and gives back the dialog of a verdict, and clears both in it. Every
 * verdict that holds a dialog ends with this; one that holds none may.
 *
 * A host that has its own way to unlock may do that first and set `locked` to 0.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where the pin is stale, foreign, or was given back
 * before (nothing happens then), or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `verdict` points to a struct whose `struct_size` is set.
 */
int32_t sipxfer_verdict_release(const struct sipxfer_engine *engine,
                                struct sipxfer_verdict *verdict);

/**
 * Prints the refusal, challenge or redirection that a verdict asks for (300 to 699), ready to send: status line, Via, From, To
 * with `to_tag`, Call-ID and CSeq of the request, Warning, Unsupported, Contact, Retry-After, and
 * `Content-Length: 0` (RFC 3261 section 8.2.6). The header part ends with one empty line, before
 * which a host puts header lines of its own: the challenge of a 401, say. The 2xx of an accepted
 * request is the host's to make, with its Contact.
 *
 * `to_tag` is not used where the request's To has a tag already. Otherwise as
 * `sipxfer_replaces_print()`; `SIPXFER_E_RANGE` where the verdict is no
 * refusal, `SIPXFER_E_PARSE` where the request cannot be read or `to_tag` is no token.
 *
 * Requires:
 * `request` and `verdict` point to structs whose `struct_size` is set and whose strings hold; the
 * rest as for `sipxfer_replaces_print()`.
 */
int32_t sipxfer_response_print(const struct sipxfer_request *request,
                               const struct sipxfer_verdict *verdict,
                               const char *to_tag,
                               size_t to_tag_len,
                               char *buffer,
                               size_t capacity,
                               size_t *needed);

/**
 * The name of a kind of verdict, as `remote_attended`; "unknown" for a number that is none. Static,
 * ends with NUL, never NULL. Threads: any; does not block.
 */
const char *sipxfer_verdict_name(uint32_t kind);

/**
 * The name of a ground, as it stands in `replaces.authorize`; otherwise as
 * `sipxfer_verdict_name()`.
 */
const char *sipxfer_ground_name(uint32_t ground);

/**
 * What a rule says, in one sentence; empty for a number that is no rule. Static, ends with NUL,
 * never NULL. Threads: any; does not block.
 */
const char *sipxfer_rule_text(uint32_t rule);

/**
 * The document and section that a rule comes from; otherwise as `sipxfer_rule_text()`.
 */
const char *sipxfer_rule_source(uint32_t rule);

/**
 * Verifies the INVITEs of an array, for a host that takes many off a socket at once. Each gets the
 * verdict that `sipxfer_replaces_verify_request()` would give it with `lock_dialog` 0, one after the
 * other; but what the lookups read of the engine's own table is waited for together, which is what
 * most of the time of a verdict goes into where there are very many dialogs.
 *
 * No dialog is locked: a host that locks does so before it acts on a verdict, one by one, and looks
 * at the state of the dialog then. Several requests may name the same dialog; each verdict that holds
 * it is given back by `sipxfer_verdict_release()`.
 *
 * Each element's `status` tells whether it has its verdict, and the verdict of one that has none is
 * left as it was. Returns `SIPXFER_OK` where all have, else the status of the first that has none;
 * `SIPXFER_E_RANGE` for more than `SIPXFER_MAX_VERIFICATIONS` elements and `SIPXFER_E_STRUCT_SIZE`
 * where their sizes differ: then nothing was done. With `SIPXFER_E_PANIC` those have none whose status
 * is the same. Threads: any; blocks only if a callback does. Allocates nothing, as long as no more
 * than 64 verdicts with a dialog are held at once.
 *
 * Requires:
 * `engine` is valid, `items` points to `count` structs whose `struct_size` is set; for each of them
 * what `sipxfer_replaces_verify_request()` demands, and no two share a scratch space or a verdict.
 */
int32_t sipxfer_replaces_verify_requests(const struct sipxfer_engine *engine,
                                         struct sipxfer_verification *items,
                                         size_t count);

/**
 * Prints a ChannelTransfer event as one JSON object.
 *
 * Writes up to `capacity` bytes, without NUL, and their number to `needed`. Returns `SIPXFER_OK`,
 * `SIPXFER_E_BUFFER` where `needed` is more than `capacity`, `SIPXFER_E_PARSE` where a channel or bridge
 * is no JSON object or the Replaces does not parse, `SIPXFER_E_RANGE` for an unknown state or for both
 * or none of `replaces` and `destination`, or the status of a wrong argument. Threads: any; does not
 * block; allocates nothing.
 *
 * Requires:
 * `event` points to a struct whose `struct_size` is set and whose strings hold, `buffer` to
 * `capacity` writable bytes, `needed` to a writable size.
 */
int32_t sipxfer_event_json(const struct sipxfer_event *event,
                           char *buffer,
                           size_t capacity,
                           size_t *needed);

/**
 * Decides about a REFER as `sipxfer_refer_route()` does and, where it is accepted, begins a transfer:
 * `transfer` gets its id, or 0.
 *
 * The host then takes the outputs one by one by `sipxfer_transfer_next()` and carries them out: the
 * answer first, the NOTIFYs, the command to start, and later the outcome. It reports what happens by
 * the functions below, and takes outputs after each, whatever it returned: one that comes too late may
 * be refused and have brought out what was due by then.
 *
 * The command to start is taken right after this function, while the verdict and its scratch space
 * still hold, but for `approval_pending`: then it comes after `sipxfer_transfer_decide()`, and the host
 * keeps a copy of what it needs of the verdict. An accepted REFER whose kind of verdict the host does
 * not know is given up with 603. NOTIFYs need a Contact of the host's.
 *
 * A REFER that was received before gets a verdict of kind NONE with the `code` to answer again. Where
 * its transfer is still there, `transfer` has its id, and the answer is its next output.
 *
 * The settings of the sender's endpoint say how it goes: `refer.concurrent` (491 while another one is
 * pending), `refer.on_failure`, `refer.timeout_ms`, `notify.min_interval_ms`, `transfer_handling` and
 * its kin.
 *
 * Returns and requirements as for `sipxfer_refer_route()`. Threads: any; allocates. One transfer is
 * handled by one thread at a time, or its outputs could be carried out in another order.
 *
 * Requires:
 * As for `sipxfer_refer_route()`; `transfer` points to a writable number.
 */
int32_t sipxfer_transfer_receive(const struct sipxfer_engine *engine,
                                 const struct sipxfer_request *request,
                                 uint32_t lock_dialog,
                                 char *scratch,
                                 size_t scratch_len,
                                 struct sipxfer_verdict *verdict,
                                 uint64_t *transfer);

/**
 * Takes the next output of a transfer. With `transfer` 0: of any transfer that `sipxfer_tick()` has
 * given outputs.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is none now (also for an id that is stale:
 * a transfer goes when it has its outcome, its subscription has ended, its last output was taken, which
 * `last` tells, and no command about the transferor may follow), `SIPXFER_E_BUFFER` where its strings
 * do not fit (it stays the next one, and `needed` tells how many bytes they need; `SIPXFER_OUTPUT_SIZE`
 * bytes are enough for all but EVENT, `SIPXFER_EVENT_SIZE()` for that too), or the status of a wrong
 * argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `buffer` points to `capacity` writable bytes, `output` to a struct whose
 * `struct_size` is set.
 */
int32_t sipxfer_transfer_next(const struct sipxfer_engine *engine,
                              uint64_t transfer,
                              char *buffer,
                              size_t capacity,
                              struct sipxfer_output *output);

/**
 * The host has decided about a transfer whose verdict said `approval_pending`: `SIPXFER_YES`, or
 * `SIPXFER_NO`, which the transferor learns by a NOTIFY of 603 (RFC 3515 section 2.4.5).
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id, `SIPXFER_E_WRONG_STATE` where it
 * was decided before or is over, or the status of a wrong argument. Threads: any, one per transfer.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_transfer_decide(const struct sipxfer_engine *engine,
                                uint64_t transfer,
                                int32_t answer,
                                uint64_t now_ms);

/**
 * The referred call has come so far: a response of the target, 100 to 699, with its reason phrase
 * (empty: the usual one). A final one is the outcome. The transferor learns its status line and no
 * more (RFC 3515 section 5), not more often than `notify.min_interval_ms` but for the final one.
 *
 * Returns as `sipxfer_transfer_decide()`, and `SIPXFER_E_NOT_CONTROLLED` where an application controls
 * the transfer.
 *
 * Requires:
 * `engine` is valid, `reason` points to `reason_len` bytes.
 */
int32_t sipxfer_transfer_progress(const struct sipxfer_engine *engine,
                                  uint64_t transfer,
                                  uint32_t code,
                                  const char *reason,
                                  size_t reason_len,
                                  uint64_t now_ms);

/**
 * The target could not be contacted at all: outcome 503 (RFC 3515 section 2.4.5). Returns as
 * `sipxfer_transfer_decide()`.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_transfer_contact_failed(const struct sipxfer_engine *engine,
                                        uint64_t transfer,
                                        uint64_t now_ms);

/**
 * The host gives the transfer up, with a failure of this code (300 to 699). Returns as
 * `sipxfer_transfer_decide()`.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_transfer_give_up(const struct sipxfer_engine *engine,
                                 uint64_t transfer,
                                 uint32_t code,
                                 uint64_t now_ms);

/**
 * The transferor has hung up its call; `sipxfer_dialog_bye()` tells that to all transfers of it. Neither the transfer nor its subscription ends by that
 * (RFC 5057, RFC 5589 section 6); a failure that comes later goes by `refer.on_failure`.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND`, or the status of a wrong argument.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_transfer_bye(const struct sipxfer_engine *engine,
                             uint64_t transfer,
                             uint64_t now_ms);

/**
 * The transferor has sent SUBSCRIBE for the subscription of its REFER, with these seconds in Expires
 * (0 ends it; UINT32_MAX: no Expires). `granted_s` gets what the answer's Expires says: never more than
 * was asked for (RFC 6665 section 4.2.1). The end of the subscription does not end the transfer.
 *
 * Returns as `sipxfer_transfer_decide()`, and `SIPXFER_E_NO_SUBSCRIPTION` (answer 403).
 *
 * Requires:
 * `engine` is valid, `granted_s` points to a writable number.
 */
int32_t sipxfer_transfer_subscribe(const struct sipxfer_engine *engine,
                                   uint64_t transfer,
                                   uint32_t expires_s,
                                   uint64_t now_ms,
                                   uint32_t *granted_s);

/**
 * A NOTIFY of this transfer was answered with this code; 0: not at all. 481 and some others end the
 * subscription (RFC 6665 section 4.2.2), never the call or the transfer.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` (as a rule for the last NOTIFY, with which the transfer
 * went), `SIPXFER_E_RANGE` for a code that is neither 0 nor from 100 to 699, or the status of a wrong
 * argument.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_transfer_notify_answered(const struct sipxfer_engine *engine,
                                         uint64_t transfer,
                                         uint32_t code,
                                         uint64_t now_ms);

/**
 * A command of the application that controls the transfer: `channel_progress` (100),
 * `channel_answered` (200), `channel_unavailable` (503), `channel_declined` (603),
 * `channel_not_found` (404). Each is a NOTIFY, held back by `notify.min_interval_ms` unless it is
 * final, and an event with that state; from a final one on the transfer is over.
 * `sipxfer_transfer_give_up()` and `sipxfer_transfer_contact_failed()` are the host's here too. Within `application.timeout_ms` the first must come, within
 * `application.final_timeout_ms` of the first progress a final one; else it is
 * `channel_unavailable`.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` (404), `SIPXFER_E_NOT_CONTROLLED` where no application
 * controls the transfer (409), `SIPXFER_E_WRONG_STATE` where it is over or not approved (412),
 * `SIPXFER_E_RANGE` for another word, or the status of a wrong argument.
 *
 * Requires:
 * `engine` is valid, `state` points to `state_len` bytes.
 */
int32_t sipxfer_transfer_command(const struct sipxfer_engine *engine,
                                 uint64_t transfer,
                                 const char *state,
                                 size_t state_len,
                                 uint64_t now_ms);

/**
 * The transfer that a request of the transferor belongs to, by its dialog (as this side sees it) and
 * the id of its Event (0: none): for a SUBSCRIBE; with `event_id` 0 the only one of the dialog, or of
 * several the oldest that has no id either. A BYE concerns all of them: `sipxfer_dialog_bye()`. Of a REFER
 * that came outside of a dialog it is the key with an empty `local_tag`.
 *
 * Returns `SIPXFER_OK` and the id, `SIPXFER_E_NOT_FOUND` (a SUBSCRIBE with Event: refer is then answered
 * with 403, RFC 3515 section 2.4.4), or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold,
 * `transfer` to a writable number.
 */
int32_t sipxfer_transfer_find(const struct sipxfer_engine *engine,
                              const struct sipxfer_dialog_key *dialog,
                              uint32_t event_id,
                              uint64_t *transfer);

/**
 * How many transfers there are, received and sent, those included that are over and have outputs left
 * or a subscription that goes on.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `count` points to a writable size.
 */
int32_t sipxfer_transfer_count(const struct sipxfer_engine *engine,
                               size_t *count);

/**
 * Lets time pass: deadlines that have come are acted on. The outputs are then taken by
 * `sipxfer_transfer_next()`, `sipxfer_refer_next()` and `sipxfer_takeover_next()` with the id 0, and by
 * `sipxfer_park_next()`. Costs what is due, not what exists.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_tick(const struct sipxfer_engine *engine,
                     uint64_t now_ms);

/**
 * When `sipxfer_tick()` is to be called next, in the time of `now_ms`; UINT64_MAX: nothing is waited
 * for. The `on_deadline` callback tells each change of it.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `deadline_ms` points to a writable number.
 */
int32_t sipxfer_next_deadline(const struct sipxfer_engine *engine,
                              uint64_t *deadline_ms);

/**
 * Begins a transfer: `transfer` gets its id.
 *
 * The host then takes the outputs one by one by `sipxfer_refer_next()` and carries them out: first a
 * REFER to send or the consultation call to end, in the end whether the call stays, and the outcome.
 * It reports what happens by the functions below, and takes outputs after each. A REFER ends nobody's
 * call by itself (RFC 5589 section 4). The ids are others than those of received transfers.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` where a value cannot stand in a REFER (a URI that is none or
 * has headers, a Referred-By, a dialog), where `peer_message` is no SIP message, or where an
 * ATTENDED has neither `contact` nor `aor`, `SIPXFER_E_NULL` where it has no `replaces`,
 * `SIPXFER_E_RANGE` for a number that is none of its constants, `SIPXFER_E_NOMEM` where there are too
 * many transfers, or the status of a wrong argument. Threads: any; allocates. One transfer is handled by
 * one thread at a time, or its outputs could be carried out in another order.
 *
 * Requires:
 * `engine` is valid, `start` points to a struct whose `struct_size` is set and whose pointers hold,
 * `transfer` to a writable number.
 */
int32_t sipxfer_refer_start(const struct sipxfer_engine *engine,
                            const struct sipxfer_refer_options *start,
                            uint64_t now_ms,
                            uint64_t *transfer);

/**
 * Takes the next output of a sent transfer. With `transfer` 0: of any that `sipxfer_tick()` has given
 * outputs.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is none now (also for an id that is stale
 * or foreign: a transfer goes when it has its outcome, its last output was taken and no NOTIFY is
 * expected any more), `SIPXFER_E_BUFFER` where its strings do not fit (it stays the next one, and `needed` tells how many
 * bytes they need;
 * `SIPXFER_OUTPUT_SIZE` bytes and three times the length of all strings of `struct sipxfer_refer_options` are
 * enough for a SEND, the longest message that was handed in for the others), or the status of a wrong
 * argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `buffer` points to `capacity` writable bytes, `output` to a struct whose
 * `struct_size` is set.
 */
int32_t sipxfer_refer_next(const struct sipxfer_engine *engine,
                           uint64_t transfer,
                           char *buffer,
                           size_t capacity,
                           struct sipxfer_refer_output *output);

/**
 * The REFER of a SEND goes out under this CSeq, below 2^31 (RFC 3261 section 8.1.1.5); to be called
 * before any of its NOTIFYs is handed in. `first_in_dialog` is 1 for the first REFER that this side
 * sends in its dialog, whose NOTIFYs may come without an Event id (RFC 3515 section 2.4.6). A REFER
 * that is sent again, with credentials, is reported again. From here Timer N runs, 32 seconds
 * (RFC 6665 section 4.1.2.4).
 *
 * Returns `SIPXFER_OK`, also where it is too late to matter, `SIPXFER_E_NOT_FOUND` for a stale or
 * foreign id, `SIPXFER_E_RANGE` for an attempt that is not 1 or 2, or the status of a wrong argument.
 * Threads: any, one per transfer.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_refer_sent(const struct sipxfer_engine *engine,
                           uint64_t transfer,
                           uint32_t attempt,
                           uint32_t cseq,
                           uint32_t first_in_dialog,
                           uint64_t now_ms);

/**
 * The REFER of this attempt was answered with this message. An empty one: it was not answered at
 * all, which counts as 408; where it could not be sent a bare `SIP/2.0 503` stands for the answer
 * (RFC 3261 section 8.1.3.1). A challenge that the host meets with credentials is not reported.
 *
 * A 2xx is no outcome, and 200 is as good as 202 (RFC 7647 section 5, RFC 5589 section 4); after 403,
 * 404 or 408 the other URI of an ATTENDED is tried, once (RFC 5589 section 7.3).
 *
 * Returns as `sipxfer_refer_sent()`, and `SIPXFER_E_PARSE` for what is no response.
 *
 * Requires:
 * `engine` is valid, `message` points to `message_len` bytes.
 */
int32_t sipxfer_refer_response(const struct sipxfer_engine *engine,
                               uint64_t transfer,
                               uint32_t attempt,
                               const char *message,
                               size_t message_len,
                               uint64_t now_ms);

/**
 * A NOTIFY has come in the dialog that the REFER of this attempt made; `attempt` 0: in the dialog of
 * the call with the transferee. `answer_code` gets what it is to be answered with: 200, 400, 481 where
 * it matches no REFER of this transfer by its Event id (RFC 3515 section 2.4.6), 489 for another event
 * package (RFC 6665 section 4.1.3). Where a dialog has several transfers, the first one that does not
 * say 481 is meant. A copy of a NOTIFY is for the host's transaction layer to answer: one without an
 * Event id that is handed in again behind the second REFER would be taken for one of that.
 *
 * It may come before the answer to its REFER (RFC 3515 section 2.4.4), and after the outcome. A body
 * that does not begin with a status line is no outcome (RFC 3420 section 2). One that reports 403, 404,
 * 408 or 503 makes the other URI of an ATTENDED be tried, as `sipxfer_refer_response()` says.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id (the NOTIFY is then answered
 * with 481), `SIPXFER_E_RANGE` for an attempt above 2, `SIPXFER_E_PARSE` for what is no NOTIFY, or the
 * status of a wrong argument. Threads: any, one per transfer.
 *
 * Requires:
 * `engine` is valid, `message` points to `message_len` bytes, `answer_code` to a writable number.
 */
int32_t sipxfer_refer_notify(const struct sipxfer_engine *engine,
                             uint64_t transfer,
                             uint32_t attempt,
                             const char *message,
                             size_t message_len,
                             uint64_t now_ms,
                             uint32_t *answer_code);

/**
 * The call with the transferee has ended, by whichever side. A REFER that is out goes on (RFC 5057
 * section 4, RFC 5589 section 6); one that was not sent yet is not sent any more.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id, or the status of a wrong
 * argument. Threads: any, one per transfer.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_refer_call_ended(const struct sipxfer_engine *engine,
                                 uint64_t transfer,
                                 uint64_t now_ms);

/**
 * The target has answered the consultation call with 2xx while that was being ended (RFC 3261
 * section 9.1). Returns as `sipxfer_refer_call_ended()`.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_refer_consultation_answered(const struct sipxfer_engine *engine,
                                            uint64_t transfer,
                                            uint64_t now_ms);

/**
 * The consultation call has ended: where that was waited for the REFER follows (RFC 5589 section
 * 7.4); it follows after 32 seconds too, when this is not reported. Returns as
 * `sipxfer_refer_call_ended()`.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_refer_consultation_ended(const struct sipxfer_engine *engine,
                                         uint64_t transfer,
                                         uint64_t now_ms);

/**
 * Decides about an INVITE as `sipxfer_replaces_verify_request()` does and, where its Replaces is
 * accepted, reserves the dialog that it names and begins a takeover: `takeover` gets its id, or 0.
 *
 * The host then takes the outputs one by one by `sipxfer_takeover_next()` and carries them out, and
 * reports what happens by the functions below, taking outputs after each. Until the 2xx to the new
 * INVITE is reported the old call is not touched; each failure before that leaves it as it was (RFC
 * 3891 section 3). Each step is waited for 64 times `takeover.t1_ms`.
 *
 * The verdict pins the dialog until `sipxfer_verdict_release()`, also beyond this function: a host
 * may keep it until FINISHED, but gives the lock back (and sets `locked` to 0) as soon as it has noted
 * the id. With `lock_dialog` 1 the dialog cannot change between match and claim.
 *
 * A parked call (the verdict says `SIPXFER_OLD_DIALOG_NOTHING`) is to be claimed from the lot as well,
 * which this function does not do: the host calls `sipxfer_park_claim_dialog()` before it answers. Where
 * that is refused, somebody else has it: the INVITE is answered with 603 (`sipxfer_takeover_not_answered()`).
 * Where it holds, TAKE_OVER connects the new call with the party that waits, and
 * `sipxfer_park_retrieved()` follows; `sipxfer_park_release()` where the takeover fails.
 *
 * Another INVITE with Replaces for the same dialog gets 603 as long as this takeover is under way, and
 * afterwards what the dialog's state says: 603 after a success. One whose dialog is found to have
 * changed between match and claim gets 481. An INVITE that was received before (the same Call-ID, From
 * tag and CSeq, from the same endpoint and user) gets `SIPXFER_VERDICT_AGAIN` and begins nothing;
 * `takeover` is then the id of its takeover, or 0 where that is over. A host whose transaction layer
 * absorbs retransmissions never sees one.
 *
 * Returns and requirements as for `sipxfer_replaces_verify_request()`. Threads: any; allocates. One
 * takeover is handled by one thread at a time, or its outputs could be carried out in another order.
 *
 * Requires:
 * As for `sipxfer_replaces_verify_request()`; `takeover` points to a writable number.
 */
int32_t sipxfer_takeover_receive(const struct sipxfer_engine *engine,
                                 const struct sipxfer_request *request,
                                 uint32_t lock_dialog,
                                 char *scratch,
                                 size_t scratch_len,
                                 struct sipxfer_verdict *verdict,
                                 uint64_t *takeover);

/**
 * Takes the next output of a takeover. With `takeover` 0: of any that `sipxfer_tick()` has given
 * outputs.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is none now (also for an id that is stale: a
 * takeover goes when its FINISHED was taken), or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `output` points to a struct whose `struct_size` is set.
 */
int32_t sipxfer_takeover_next(const struct sipxfer_engine *engine,
                              uint64_t takeover,
                              struct sipxfer_takeover_output *output);

/**
 * The 2xx to the new INVITE was sent. From here on the old call gives way, at once or, with
 * `takeover.wait_for_ack`, behind the ACK.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a stale or foreign id, or the status of a wrong
 * argument. A 2xx that is sent after the takeover has failed makes a call that nobody wants: the host
 * ends it with BYE. Threads: any, one per takeover.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_takeover_answered(const struct sipxfer_engine *engine,
                                  uint64_t takeover,
                                  uint64_t now_ms);

/**
 * The new INVITE was refused with this code (300 to 699): what an ANSWER_NEW said, or 488 where
 * there is no common media, 487 where its sender has cancelled it, and so on. Otherwise as
 * `sipxfer_takeover_answered()`; `SIPXFER_E_RANGE` for another code.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_takeover_not_answered(const struct sipxfer_engine *engine,
                                      uint64_t takeover,
                                      uint32_t code,
                                      uint64_t now_ms);

/**
 * The ACK to the 2xx of the new INVITE has come. Returns as `sipxfer_takeover_answered()`.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_takeover_acked(const struct sipxfer_engine *engine,
                               uint64_t takeover,
                               uint64_t now_ms);

/**
 * The new call, once answered, has ended: before TAKE_OVER the old one then goes on. Returns as
 * `sipxfer_takeover_answered()`.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_takeover_new_ended(const struct sipxfer_engine *engine,
                                   uint64_t takeover,
                                   uint64_t now_ms);

/**
 * The old call, which was early, has got its 2xx: before its turn it is then ended with BYE (or, with
 * early-only, the new INVITE is refused with 486), behind the CANCEL it is acknowledged and ended with
 * BYE. Returns as `sipxfer_takeover_answered()`.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_takeover_old_answered(const struct sipxfer_engine *engine,
                                      uint64_t takeover,
                                      uint64_t now_ms);

/**
 * The old call has ended: because it was told to, or of its own accord. Before the new INVITE is
 * answered that is refused with 603. Returns as `sipxfer_takeover_answered()`.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_takeover_old_ended(const struct sipxfer_engine *engine,
                                   uint64_t takeover,
                                   uint64_t now_ms);

/**
 * What to answer a re-INVITE or UPDATE in this dialog with: `code` gets 491 where a takeover is under
 * way that it is part of (RFC 3261 section 14.2), or 0: as ever. The old call waits until the end of
 * the takeover, the new one until TAKE_OVER. Nothing else changes by that.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
 *
 * Requires:
 * `engine` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold,
 * `code` to a writable number.
 */
int32_t sipxfer_takeover_reinvite(const struct sipxfer_engine *engine,
                                  const struct sipxfer_dialog_key *dialog,
                                  uint32_t *code);

/**
 * The takeover that a dialog is part of, and which of its calls it is: `side` gets
 * `SIPXFER_TAKEOVER_SIDE_*`. A BYE in it, say, is then reported by `sipxfer_takeover_old_ended()` or
 * `sipxfer_takeover_new_ended()`. The new call is known by its Call-ID and the peer's tag alone.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND`, or the status of a wrong argument. Threads: any; does
 * not block.
 *
 * Requires:
 * `engine` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold,
 * `takeover` and `side` to writable numbers.
 */
int32_t sipxfer_takeover_find(const struct sipxfer_engine *engine,
                              const struct sipxfer_dialog_key *dialog,
                              uint64_t *takeover,
                              uint32_t *side);

/**
 * How many takeovers there are, those included that are over and have outputs left.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `count` points to a writable size.
 */
int32_t sipxfer_takeover_count(const struct sipxfer_engine *engine, size_t *count);

/**
 * Verifies an INVITE that may carry Join, by RFC 3911 section 4, in the manner of
 * `sipxfer_replaces_verify_request()`.
 *
 * Without a Join header, and where `join.allow` is no (the default), the verdict is
 * `SIPXFER_VERDICT_NONE`. Where Join names a dialog whose call the sender may join, early or confirmed,
 * it is `SIPXFER_VERDICT_JOIN` with `dialog`: the new call is accepted and mixed with that one, which
 * goes on; `old_dialog` is NOTHING. What cannot be accepted after all (488) leaves it as it was.
 * Otherwise it is a refusal or a challenge: 400 for a malformed Join or one beside Replaces, 420, 481,
 * 603, 403 by `join.authorize`, 488 where the host cannot mix (`can_mix`).
 *
 * A request with both headers is refused by either function; a host that supports both asks this one
 * where the other's verdict is NONE.
 *
 * Returns and requirements as for `sipxfer_replaces_verify_request()`.
 *
 * Requires:
 * As for `sipxfer_replaces_verify_request()`.
 */
int32_t sipxfer_join_verify_request(const struct sipxfer_engine *engine,
                                    const struct sipxfer_request *request,
                                    uint32_t lock_dialog,
                                    char *scratch,
                                    size_t scratch_len,
                                    struct sipxfer_verdict *verdict);

/**
 * Parks a call: writes its token to `buffer`, without NUL. A number is for people, and may be known
 * to everybody; a secret is for programs. Both name the call until it is taken out. What happens to
 * the call itself, music say, is the host's matter; so is who may park.
 *
 * Those who watch the lot are told: outputs of `sipxfer_park_next()`. A dialog that ends
 * (`sipxfer_dialog_remove()`, `sipxfer_dialog_ended()`) is out of the lot by that, claimed or not.
 *
 * Returns `SIPXFER_OK`; `SIPXFER_E_BUFFER` with the length needed, and nothing is parked
 * (`SIPXFER_PARK_TOKEN_SIZE` bytes are enough); `SIPXFER_E_TAKEN` where that place is taken or this
 * dialog is parked already; `SIPXFER_E_NOMEM` where no place is free, or there are
 * `park.max_secrets` secrets; `SIPXFER_E_RANGE` where the lot has no such place; `SIPXFER_E_PARSE` where
 * no Replaces could name the dialog; `SIPXFER_E_RANDOM`; or the status of a wrong argument. Threads:
 * any; allocates.
 *
 * Requires:
 * `engine` is valid, `call` points to a struct whose `struct_size` is set and whose strings hold,
 * `buffer` to `capacity` writable bytes, `needed` to a writable size.
 */
int32_t sipxfer_park(const struct sipxfer_engine *engine,
                     const struct sipxfer_park_call *call,
                     uint64_t now_ms,
                     char *buffer,
                     size_t capacity,
                     size_t *needed);

/**
 * Claims a parked call by its token, as it was dialled, say: a number, or the letters of a secret in
 * any case. Nobody else gets it, and nobody is rung back, until the claim is released or
 * `park.claim_s` is over. The host then connects the call, or hands `replaces` to somebody, and tells
 * how that went.
 *
 * An INVITE whose verdict says ACCEPT with `SIPXFER_OLD_DIALOG_NOTHING` wants a parked call:
 * `sipxfer_park_claim_dialog()` with the dialog that it names is next, unless it was claimed for
 * this very INVITE before. The second of two gets `SIPXFER_E_TAKEN`, and 603.
 *
 * A token that a stranger may know is no permission: who may dial a place is the dialplan's
 * decision.
 *
 * Returns `SIPXFER_OK`; `SIPXFER_E_NOT_FOUND` where no call has this token (404, or 481 towards a
 * Replaces); `SIPXFER_E_TAKEN` where somebody else is taking it out; `SIPXFER_E_BUFFER` where the
 * strings of `parked` do not fit, with the length needed, and nothing is claimed; or the status of a
 * wrong argument. Threads: any; allocates.
 *
 * Requires:
 * `engine` is valid, `token` points to `token_len` bytes, `buffer` to `capacity` writable bytes, which
 * the strings of `parked` point into, `needed` to a writable size, `parked` to a struct whose
 * `struct_size` is set.
 */
int32_t sipxfer_park_claim(const struct sipxfer_engine *engine,
                           const char *token,
                           size_t token_len,
                           uint64_t now_ms,
                           char *buffer,
                           size_t capacity,
                           size_t *needed,
                           struct sipxfer_parked *parked);

/**
 * Claims a parked call by its dialog, as this side sees it. Otherwise as `sipxfer_park_claim()`;
 * `SIPXFER_E_NOT_FOUND` where this dialog is not parked.
 *
 * Requires:
 * `dialog` points to a struct whose `struct_size` is set and whose strings hold; the rest as for
 * `sipxfer_park_claim()`.
 */
int32_t sipxfer_park_claim_dialog(const struct sipxfer_engine *engine,
                                  const struct sipxfer_dialog_key *dialog,
                                  uint64_t now_ms,
                                  char *buffer,
                                  size_t capacity,
                                  size_t *needed,
                                  struct sipxfer_parked *parked);

/**
 * The retrieval has failed: the call waits on, in its place (RFC 3891 section 3). Its time ran on
 * meanwhile: where it is over, the parker is rung back at once.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where the claim has lapsed or is foreign, or the status of
 * a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_park_release(const struct sipxfer_engine *engine,
                             uint64_t claim,
                             uint64_t now_ms);

/**
 * The retrieval went well: the call is out of the lot, and those who watch are told.
 *
 * Returns as `sipxfer_park_release()`. With `SIPXFER_E_NOT_FOUND` the call is somebody else's by now, was
 * rung back, or has ended.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_park_retrieved(const struct sipxfer_engine *engine,
                               uint64_t claim,
                               uint64_t now_ms);

/**
 * Takes a call out of the lot for another reason, claimed or not: `handle` gets the host's own name
 * for it. Nobody is rung.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where no call has this token, or the status of a wrong
 * argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `token` points to `token_len` bytes, `handle` to a writable number.
 */
int32_t sipxfer_park_cancel(const struct sipxfer_engine *engine,
                            const char *token,
                            size_t token_len,
                            uint64_t now_ms,
                            uint64_t *handle);

/**
 * How many calls are parked.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
 *
 * Requires:
 * `engine` is valid, `count` points to a writable size.
 */
int32_t sipxfer_park_count(const struct sipxfer_engine *engine, size_t *count);

/**
 * A REFER to park a call has done it: the transfer ends with 200, and the body of its final NOTIFY
 * tells the transferor where the call is, by a header behind the status line (RFC 3420 section 2):
 * `Contact: <sip:701@pbx.example.com>`. A phone that does not know that sees the 200 alone.
 *
 * This is no response of the referred call, of which the transferor learns the status line only (RFC
 * 3515 section 5): who was referred to is this side itself, and what it says is meant for the parker.
 * `host` is a name or address of this side, with a port or without; empty: no Contact. A secret
 * that is told this way is known to whoever reads the NOTIFY.
 *
 * Returns as `sipxfer_transfer_progress()`, and `SIPXFER_E_PARSE` where `token` is no token or `host` no
 * host. Threads: any, one per transfer; allocates.
 *
 * Requires:
 * `engine` is valid, `token` points to `token_len` bytes, `host` to `host_len` bytes.
 */
int32_t sipxfer_transfer_parked(const struct sipxfer_engine *engine,
                                uint64_t transfer,
                                const char *token,
                                size_t token_len,
                                const char *host,
                                size_t host_len,
                                uint64_t now_ms);

/**
 * Accepts a SUBSCRIBE with Event: dialog to the lot or to one of its places: `watcher` gets its name,
 * or 0 where it was a single look, `granted_s` what the answer's Expires says. The first NOTIFY is an
 * output right away; each change in the lot is one, with a full document, but no more than one a
 * second (RFC 4235 section 3.10). Calls under secrets are not listed.
 *
 * Whether this subscriber may know who waits is the host's decision. A phone that builds an INVITE
 * with Replaces from the document names the very dialog that is parked; `park.open` lets it have the
 * call.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_RANGE` where the lot has no such place (404), `SIPXFER_E_NOMEM` where
 * 10,000 watch already (503), or the status of a wrong argument. Threads: any; allocates.
 *
 * Requires:
 * `engine` is valid, `watch` points to a struct whose `struct_size` is set and whose strings hold,
 * `watcher` and `granted_s` to writable numbers.
 */
int32_t sipxfer_park_subscribe(const struct sipxfer_engine *engine,
                               const struct sipxfer_park_watch *watch,
                               uint64_t now_ms,
                               uint64_t *watcher,
                               uint32_t *granted_s);

/**
 * A SUBSCRIBE came inside a subscription, with these seconds in Expires (0 ends it; UINT32_MAX: no
 * Expires). `granted_s` gets what the answer's Expires says: never more than was asked for (RFC 6665
 * section 4.2.1). A NOTIFY follows at once.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is no such subscription any more (481), or the
 * status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `granted_s` points to a writable number.
 */
int32_t sipxfer_park_refresh(const struct sipxfer_engine *engine,
                             uint64_t watcher,
                             uint32_t expires_s,
                             uint64_t now_ms,
                             uint32_t *granted_s);

/**
 * A NOTIFY of this subscription was answered with this code; 0: not at all. 481 and some others end
 * the subscription (RFC 6665 section 4.2.2), and what it still had to be told is dropped.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` (as a rule for the last NOTIFY), `SIPXFER_E_RANGE` for a
 * code that is none, or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_park_notify_answered(const struct sipxfer_engine *engine,
                                     uint64_t watcher,
                                     uint32_t code,
                                     uint64_t now_ms);

/**
 * Takes the next thing that the lot wants done. To be called after each function of this part, after
 * `sipxfer_tick()`, and where a dialog ended that may have been parked, until there is none.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is none now, `SIPXFER_E_BUFFER` where its
 * strings do not fit (`needed` has the length; it stays the next one, and its document may have grown
 * by the next call), or the status of a wrong argument. Threads: any; two threads that take outputs
 * could carry out two NOTIFYs of one subscription in another order.
 *
 * Requires:
 * `engine` is valid, `buffer` points to `capacity` writable bytes, `needed` to a writable size, `output`
 * to a struct whose `struct_size` is set.
 */
int32_t sipxfer_park_next(const struct sipxfer_engine *engine,
                          char *buffer,
                          size_t capacity,
                          size_t *needed,
                          struct sipxfer_park_output *output);

/**
 * Prints a document of type application/dialog-info+xml (RFC 4235) about the calls of an endpoint or
 * user, from the engine's own table: for the NOTIFYs of a SUBSCRIBE with Event: dialog, which are the
 * host's.
 *
 * Each leg is written down as the phone at its other end sees it: `local-tag` is the phone's tag,
 * `remote-tag` the tag of this side, `direction` is recipient where this side called. A phone that
 * builds its Replaces as RFC 3891 section 4 has it, and sends its INVITE to `target`, thereby names
 * this side's leg to the ringing phone: `sipxfer_replaces_verify_request()` then says CANCEL for a leg
 * that rings, 486 for one that was answered where the phone asked for early-only, and 403 without a
 * ground: pickup groups are the `authorize` callback's. Who may subscribe is the host's decision:
 * whoever reads the document can name the dialogs in it.
 *
 * It looks at every dialog of the table, but for a partial document. Dialogs that come or go
 * meanwhile may be in it or not.
 *
 * Otherwise as `sipxfer_replaces_print()`; `SIPXFER_E_STATE` where the engine uses the host's
 * directory, `SIPXFER_E_NOT_FOUND` where `only` is a dialog of somebody else. Threads: any; does not
 * block; allocates nothing.
 *
 * Requires:
 * `engine` is valid, `info` points to a struct whose `struct_size` is set and whose strings hold,
 * `buffer` to `capacity` writable bytes, `needed` to a writable size.
 */
int32_t sipxfer_dialog_info_print(const struct sipxfer_engine *engine,
                                  const struct sipxfer_dialog_info *info,
                                  char *buffer,
                                  size_t capacity,
                                  size_t *needed);

/**
 * Parses the start line and the identity of a message. Header lines may be folded, compact, in
 * any case; a body is never taken for headers (RFC 3261 section 7.3).
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where), or the status of a
 * wrong argument. Threads: any; does not block; allocates nothing.
 *
 * Requires:
 * `message` points to `len` bytes, `out` and `error` to structs whose `struct_size` is set.
 */
int32_t sipxfer_message_parse(const char *message,
                              size_t len,
                              struct sipxfer_message *out,
                              struct sipxfer_parse_error *error);

/**
 * Finds the value of a header by its name, long or compact, in any case. `index` counts the
 * lines of that name from 0. The value is a view into the message, trimmed, folds included.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there is no such line, `SIPXFER_E_PARSE`, or
 * the status of a wrong argument. Threads: any; does not block; allocates nothing.
 *
 * Requires:
 * `message` and `name` point to as many bytes as are given, `value` to a writable struct.
 */
int32_t sipxfer_message_header(const char *message,
                               size_t len,
                               const char *name,
                               size_t name_len,
                               uint32_t index,
                               struct sipxfer_str *value);

/**
 * Parses a URI. sip and sips are taken apart; of any other scheme `opaque` is all there is.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where), or the status of a
 * wrong argument. Threads: any; does not block; allocates nothing.
 *
 * Requires:
 * `uri` points to `len` bytes, `out` and `error` to structs whose `struct_size` is set.
 */
int32_t sipxfer_uri_parse(const char *uri,
                          size_t len,
                          struct sipxfer_uri *out,
                          struct sipxfer_parse_error *error);

/**
 * Parses a From, To or Contact value. Two values in one line are an error.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where), or the status of a
 * wrong argument. Threads: any; does not block; allocates nothing.
 *
 * Requires:
 * `value` points to `len` bytes, `out` and `error` to structs whose `struct_size` is set.
 */
int32_t sipxfer_name_addr_parse(const char *value,
                                size_t len,
                                struct sipxfer_name_addr *out,
                                struct sipxfer_parse_error *error);

/**
 * Parses the value of a Replaces header: exactly one Call-ID, one to-tag, one from-tag (RFC 3891
 * section 6.1). White space around `;` and `=` is allowed.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where), or the status of a
 * wrong argument. The strings are views into the value. Threads: any; does not block; allocates
 * nothing.
 *
 * Requires:
 * `value` points to `len` bytes, `out` and `error` to structs whose `struct_size` is set.
 */
int32_t sipxfer_replaces_parse(const char *value,
                               size_t len,
                               struct sipxfer_replaces *out,
                               struct sipxfer_parse_error *error);

/**
 * Prints the value of a Replaces header, its unknown parameters too (RFC 3891 section 6.1).
 *
 * Writes up to `capacity` bytes, without NUL, and their number to `needed`. Returns `SIPXFER_OK`,
 * `SIPXFER_E_BUFFER` where `needed` is more than `capacity`, `SIPXFER_E_PARSE` where a field could
 * not stand in the header, or the status of a wrong argument. Threads: any; does not block;
 * allocates nothing.
 *
 * Requires:
 * `replaces` points to a struct whose `struct_size` is set and whose strings hold, `buffer` to
 * `capacity` writable bytes, `needed` to a writable size.
 */
int32_t sipxfer_replaces_print(const struct sipxfer_replaces *replaces,
                               char *buffer,
                               size_t capacity,
                               size_t *needed);

/**
 * Parses the value of a Join header (RFC 3911 section 7.1); otherwise as
 * `sipxfer_replaces_parse()`.
 *
 * Requires:
 * As for `sipxfer_replaces_parse()`.
 */
int32_t sipxfer_join_parse(const char *value,
                           size_t len,
                           struct sipxfer_replaces *out,
                           struct sipxfer_parse_error *error);

/**
 * Prints the value of a Join header; otherwise as `sipxfer_replaces_print()`. `early_only` is 0.
 *
 * Requires:
 * As for `sipxfer_replaces_print()`.
 */
int32_t sipxfer_join_print(const struct sipxfer_replaces *join,
                           char *buffer,
                           size_t capacity,
                           size_t *needed);

/**
 * Parses the value of a Target-Dialog header: both tags present (RFC 4538 section 7); otherwise
 * as `sipxfer_replaces_parse()`.
 *
 * Requires:
 * As for `sipxfer_replaces_parse()`.
 */
int32_t sipxfer_target_dialog_parse(const char *value,
                                    size_t len,
                                    struct sipxfer_target_dialog *out,
                                    struct sipxfer_parse_error *error);

/**
 * Prints the value of a Target-Dialog header; otherwise as `sipxfer_replaces_print()`.
 *
 * Requires:
 * As for `sipxfer_replaces_print()`.
 */
int32_t sipxfer_target_dialog_print(const struct sipxfer_target_dialog *target,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *needed);

/**
 * Maps a Replaces value from one leg of a B2BUA to the other (RFC 3891 section 5; a proxy leaves
 * Replaces alone).
 *
 * `peer_leg` is asked for the leg that is bridged with the dialog that the value names: its key
 * comes in as this side sees it (local tag = to-tag), and the peer leg's key goes out as the
 * recipient of the mapped Replaces sees it (`local_tag` = the recipient's own tag). Its strings
 * must hold until this function returns. It answers `SIPXFER_OK`, or `SIPXFER_E_NOT_FOUND`, which
 * this function then returns. early-only and unknown parameters are kept.
 *
 * Otherwise as `sipxfer_replaces_print()` and `sipxfer_replaces_parse()`. Threads: any; blocks only
 * if the callback does; allocates nothing.
 *
 * Requires:
 * `value` points to `len` bytes, `buffer` to `capacity` writable bytes, `needed` to a writable
 * size, `error` to a struct whose `struct_size` is set, or is NULL.
 */
int32_t sipxfer_map_replaces(const char *value,
                             size_t len,
                             int32_t (*peer_leg)(void *user,
                                                 const struct sipxfer_dialog_key *key,
                                                 struct sipxfer_dialog_key *peer),
                             void *user,
                             char *buffer,
                             size_t capacity,
                             size_t *needed,
                             struct sipxfer_parse_error *error);

/**
 * Parses a Refer-To value, the Replaces inside its URI included (decoded exactly once).
 *
 * Decoded strings stand in `scratch`; 2 times `len` bytes are always enough for it. The rest are views
 * into the value. Returns `SIPXFER_OK`, `SIPXFER_E_PARSE` (`error`, if not NULL, says where, as a
 * byte of the value), `SIPXFER_E_SCRATCH`, or the status of a wrong argument. Threads: any; does
 * not block; allocates nothing.
 *
 * Requires:
 * `value` points to `len` bytes, `scratch` to `scratch_len` writable bytes, `out` and `error` to
 * structs whose `struct_size` is set.
 */
int32_t sipxfer_refer_to_parse(const char *value,
                               size_t len,
                               char *scratch,
                               size_t scratch_len,
                               struct sipxfer_refer_to *out,
                               struct sipxfer_parse_error *error);

/**
 * Builds the Refer-To value of a blind or attended transfer, always in angle brackets, with the
 * Replaces escaped exactly once.
 *
 * Writes up to `capacity` bytes, without NUL, and their number to `needed`. Returns `SIPXFER_OK`,
 * `SIPXFER_E_BUFFER` where `needed` is more than `capacity`, `SIPXFER_E_PARSE` where the URI is no
 * sip or sips URI or carries headers already, `SIPXFER_E_NOT_ALLOWED` for an early dialog that the
 * target did not begin (RFC 3891 section 4: transfer blind instead, RFC 5589 section 7.4) or that has
 * ended, `SIPXFER_E_RANGE` where a Replaces comes without the state of its dialog or
 * `require_replaces` without a Replaces, or the status of a wrong argument. Threads: any; does not block; allocates nothing.
 *
 * Requires:
 * `target` points to a struct whose `struct_size` is set and whose pointers hold, `buffer` to
 * `capacity` writable bytes, `needed` to a writable size.
 */
int32_t sipxfer_refer_to_build(const struct sipxfer_refer_to_target *target,
                               char *buffer,
                               size_t capacity,
                               size_t *needed);

/**
 * Builds the header lines of a triggered INVITE: Replaces, `Require: replaces`, Referred-By, each
 * ended by CRLF (RFC 3891 section 4, RFC 3892 section 2.2). A host that has a verdict finds these
 * lines in it already.
 *
 * Writes up to `capacity` bytes, without NUL, and their number to `needed`. Returns `SIPXFER_OK`,
 * `SIPXFER_E_BUFFER` where `needed` is more than `capacity`, `SIPXFER_E_PARSE` where the Referred-By
 * does not parse, `SIPXFER_E_NOT_ALLOWED` for an early dialog that the recipient did not begin
 * (RFC 3891 section 4), or the status of a wrong argument. Threads: any; does not block; allocates
 * nothing.
 *
 * Requires:
 * As for `sipxfer_refer_to_build()`.
 */
int32_t sipxfer_invite_headers_build(const struct sipxfer_invite_headers *headers,
                                     char *buffer,
                                     size_t capacity,
                                     size_t *needed);

/**
 * Parses a Referred-By value (RFC 3892 section 2.1); otherwise as `sipxfer_replaces_parse()`.
 *
 * Requires:
 * As for `sipxfer_replaces_parse()`.
 */
int32_t sipxfer_referred_by_parse(const char *value,
                                  size_t len,
                                  struct sipxfer_referred_by *out,
                                  struct sipxfer_parse_error *error);

/**
 * Prints a Referred-By value: the URI always in angle brackets (RFC 3892 section 3), the cid
 * quoted. `params` is not used. Otherwise as `sipxfer_replaces_print()`.
 *
 * Requires:
 * As for `sipxfer_replaces_print()`.
 */
int32_t sipxfer_referred_by_print(const struct sipxfer_referred_by *referred_by,
                                  char *buffer,
                                  size_t capacity,
                                  size_t *needed);

/**
 * Parses a Refer-Sub value (RFC 4488 section 4); otherwise as `sipxfer_replaces_parse()`.
 *
 * Requires:
 * As for `sipxfer_replaces_parse()`.
 */
int32_t sipxfer_refer_sub_parse(const char *value,
                                size_t len,
                                struct sipxfer_refer_sub *out,
                                struct sipxfer_parse_error *error);

/**
 * Prints a Refer-Sub value, `true` or `false`; otherwise as `sipxfer_replaces_print()`.
 *
 * Requires:
 * As for `sipxfer_replaces_print()`.
 */
int32_t sipxfer_refer_sub_print(uint32_t value, char *buffer, size_t capacity, size_t *needed);

/**
 * Parses an Event value; otherwise as `sipxfer_replaces_parse()`.
 *
 * Requires:
 * As for `sipxfer_replaces_parse()`.
 */
int32_t sipxfer_event_header_parse(const char *value,
                                   size_t len,
                                   struct sipxfer_event_header *out,
                                   struct sipxfer_parse_error *error);

/**
 * Prints an Event value, the id where it is not empty; otherwise as `sipxfer_replaces_print()`.
 *
 * Requires:
 * As for `sipxfer_replaces_print()`.
 */
int32_t sipxfer_event_header_print(const struct sipxfer_event_header *event,
                                   char *buffer,
                                   size_t capacity,
                                   size_t *needed);

/**
 * Parses a Subscription-State value; otherwise as `sipxfer_replaces_parse()`.
 *
 * Requires:
 * As for `sipxfer_replaces_parse()`.
 */
int32_t sipxfer_subscription_state_parse(const char *value,
                                         size_t len,
                                         struct sipxfer_subscription_state *out,
                                         struct sipxfer_parse_error *error);

/**
 * Prints a Subscription-State value from `state` (not OTHER), `expires_s` where `has_expires` is
 * 1, and `reason` where it is not empty; otherwise as `sipxfer_replaces_print()`.
 *
 * Requires:
 * As for `sipxfer_replaces_print()`.
 */
int32_t sipxfer_subscription_state_print(const struct sipxfer_subscription_state *state,
                                         char *buffer,
                                         size_t capacity,
                                         size_t *needed);

/**
 * Is this option tag in the value of a Supported, Require or Unsupported header? Any case.
 *
 * Returns `SIPXFER_YES`, `SIPXFER_NO`, or the status of a wrong argument. Threads: any; does not
 * block; allocates nothing.
 *
 * Requires:
 * `value` and `tag` point to as many bytes as are given.
 */
int32_t sipxfer_option_tag_listed(const char *value, size_t len, const char *tag, size_t tag_len);

/**
 * Parses a message/sipfrag body. A line end of LF, or none at all, is accepted here and never
 * printed. Otherwise as `sipxfer_replaces_parse()`.
 *
 * Requires:
 * As for `sipxfer_replaces_parse()`.
 */
int32_t sipxfer_sipfrag_parse(const char *body,
                              size_t len,
                              struct sipxfer_sipfrag *out,
                              struct sipxfer_parse_error *error);

/**
 * Prints a message/sipfrag body of one status line, ended by CRLF (RFC 3515 section 2.4.5).
 * `code` is 100 to 699; an empty `reason` becomes the usual phrase of the code. Otherwise as
 * `sipxfer_replaces_print()`.
 *
 * Requires:
 * As for `sipxfer_replaces_print()`; `reason` points to `reason_len` bytes.
 */
int32_t sipxfer_sipfrag_print(uint32_t code,
                              const char *reason,
                              size_t reason_len,
                              char *buffer,
                              size_t capacity,
                              size_t *needed);

/**
 * The peer of a dialog has hung up: tells it to every transfer whose REFER came in this dialog, or names
 * it by Target-Dialog, as `sipxfer_transfer_bye()` does for one. `count` gets how many there are. Their
 * outputs, if any, are then taken by `sipxfer_transfer_next()` with `transfer` 0.
 *
 * `sipxfer_dialog_ended()` or `sipxfer_dialog_remove()` is called besides: that makes the dialog one that
 * cannot be replaced any more.
 *
 * Returns `SIPXFER_OK`, also where there is none, or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `key` points to a struct whose `struct_size` is set and whose strings hold, `count`
 * to a writable size.
 */
int32_t sipxfer_dialog_bye(const struct sipxfer_engine *engine,
                           const struct sipxfer_dialog_key *key,
                           uint64_t now_ms,
                           size_t *count);

/**
 * A SUBSCRIBE with Event: refer has come outside of a dialog: where its Request-URI is one that the
 * answer to a REFER has handed out in Refer-Events-At (RFC 7614, setting `refer.events_at`), it begins the
 * subscription of that transfer. `transfer` gets its id and `granted_s` what the Expires of the 200 says;
 * `expires_s` is as for `sipxfer_transfer_subscribe()`.
 *
 * The NOTIFYs of the transfer then go in the dialog of this SUBSCRIBE, the first one at once; the host
 * keeps which transfer that dialog belongs to, and hands a SUBSCRIBE inside of it to
 * `sipxfer_transfer_subscribe()`. Their Event has no id: a SUBSCRIBE whose Event has one is the host's to
 * refuse (RFC 6665 section 8.2.1: it would match none of them). Once that subscription has ended another one may begin. For 32 seconds
 * after the outcome the end is told to who asks for it.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where no transfer has this URI, `SIPXFER_E_NO_SUBSCRIPTION`
 * where the end is not kept any more, `SIPXFER_E_WRONG_STATE` where another subscription goes on (each is
 * answered with 403), or the status of a wrong argument. Threads: any, one per transfer.
 *
 * Requires:
 * `engine` is valid, `request_uri` points to `request_uri_len` bytes, `transfer` and `granted_s` to
 * writable numbers.
 */
int32_t sipxfer_transfer_subscribe_at(const struct sipxfer_engine *engine,
                                      const char *request_uri,
                                      size_t request_uri_len,
                                      uint32_t expires_s,
                                      uint64_t now_ms,
                                      uint64_t *transfer,
                                      uint32_t *granted_s);

/**
 * Prints the header lines of a REFER that is passed on to the other leg of its call (the verdict
 * `SIPXFER_VERDICT_PASS`), each ended by CRLF: Refer-To with its Replaces mapped, Referred-By as it came,
 * Target-Dialog mapped, Refer-Sub and Require.
 *
 * `peer_leg` is asked for each dialog that is named, as by `sipxfer_map_replaces()`. Where it answers
 * `SIPXFER_E_NOT_FOUND` a Replaces stays as it is (the dialog is elsewhere, and a proxy would leave it
 * alone too), and a Target-Dialog is left out. Headers of the Refer-To URI that identify, route or prove
 * something are left out.
 *
 * `scratch` is as long as `SIPXFER_SCRATCH_SIZE()` says. Otherwise as `sipxfer_map_replaces()`:
 * `SIPXFER_E_PARSE` where the message is no REFER or a header does not parse, the offset in `error` being
 * one in the message; `SIPXFER_E_SCRATCH`; `SIPXFER_E_CALLBACK_MISSING` where `peer_leg` is NULL. Threads: any; blocks only if the callback does; allocates
 * nothing.
 *
 * Requires:
 * `message` points to `message_len` bytes, `scratch` to `scratch_len` and `buffer` to `capacity`
 * writable bytes, `needed` to a writable size, `error` to a struct whose `struct_size` is set, or is NULL.
 */
int32_t sipxfer_refer_pass(const char *message,
                           size_t message_len,
                           int32_t (*peer_leg)(void *user,
                                               const struct sipxfer_dialog_key *key,
                                               struct sipxfer_dialog_key *peer),
                           void *user,
                           char *scratch,
                           size_t scratch_len,
                           char *buffer,
                           size_t capacity,
                           size_t *needed,
                           struct sipxfer_parse_error *error);

/**
 * Finds the part of a message's multipart body that has this Content-ID, given without its angle brackets,
 * as the `cid` of a Referred-By names it (RFC 3892 section 2.2). The part is not changed, and parts inside
 * of a part are not looked at.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where the body is no multipart, is cut off, or holds no such
 * part or several, `SIPXFER_E_PARSE` where the message cannot be read, or the status of a wrong argument.
 * Threads: any; does not block; allocates nothing.
 *
 * Requires:
 * `message` points to `message_len` bytes, `cid` to `cid_len` bytes, `part` to a struct whose
 * `struct_size` is set.
 */
int32_t sipxfer_message_part(const char *message,
                             size_t message_len,
                             const char *cid,
                             size_t cid_len,
                             struct sipxfer_body_part *part);

/**
 * The name of a kind of output, as `notify`; "unknown" for a number that is none. Static, ends with NUL,
 * never NULL. Threads: any; does not block.
 */
const char *sipxfer_output_name(uint32_t kind);

/**
 * The name of a command of a received transfer, as `keep_call`; otherwise as `sipxfer_output_name()`.
 */
const char *sipxfer_command_name(uint32_t command);

/**
 * The name of what ended a received transfer, as `deadline`; otherwise as `sipxfer_output_name()`.
 */
const char *sipxfer_cause_name(uint32_t cause);

/**
 * The name of a kind of output of a sent transfer, as `send`; otherwise as `sipxfer_output_name()`.
 */
const char *sipxfer_refer_output_name(uint32_t kind);

/**
 * The name of a command of a sent transfer, as `hang_up`; otherwise as `sipxfer_output_name()`.
 */
const char *sipxfer_refer_command_name(uint32_t command);

/**
 * The name of the outcome of a sent transfer, as `success`; otherwise as `sipxfer_output_name()`.
 */
const char *sipxfer_refer_outcome_name(uint32_t outcome);

/**
 * The name of why an outcome is unknown, as `no_notify`; otherwise as `sipxfer_output_name()`.
 */
const char *sipxfer_refer_why_name(uint32_t why);

/**
 * Reads the counters. Each is exact, but they are not read at one moment.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
 *
 * Requires:
 * `engine` is valid, `stats` points to a struct whose `struct_size` is set.
 */
int32_t sipxfer_stats_read(const struct sipxfer_engine *engine, struct sipxfer_stats *stats);

/**
 * How many refusals a rule has led to: the last one that their verdicts name. `rule` 0: those that
 * name none.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_RANGE` where there is no such rule, or the status of a wrong
 * argument. Threads: any; does not block.
 *
 * Requires:
 * `engine` is valid, `count` points to a writable number.
 */
int32_t sipxfer_refusal_count(const struct sipxfer_engine *engine, uint32_t rule, uint64_t *count);

/**
 * Reports how long a verdict took, in nanoseconds by the host's clock (the library reads none): it
 * goes into the histogram of `sipxfer_metrics_print()`.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
 *
 * Requires:
 * `engine` is valid.
 */
int32_t sipxfer_verdict_took(const struct sipxfer_engine *engine, uint64_t ns);

/**
 * One of the last transfers and refusals: `back` 0 is the last one that began, 1 the one before. A
 * request that was refused is among them only where its sender is authenticated, so that strangers
 * cannot push the others out. Their strings are written into `buffer`; `SIPXFER_RECORD_SIZE` bytes are
 * always enough.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` where there were not so many or it is forgotten (128 are
 * remembered), `SIPXFER_E_BUFFER` where the strings do not fit, or the status of a wrong argument.
 * Threads: any.
 *
 * Requires:
 * `engine` is valid, `buffer` points to `capacity` writable bytes, `record` to a struct whose
 * `struct_size` is set.
 */
int32_t sipxfer_last_transfer(const struct sipxfer_engine *engine,
                              size_t back,
                              char *buffer,
                              size_t capacity,
                              struct sipxfer_transfer_record *record);

/**
 * Prints the counters as OpenMetrics text (version 1.0.0, "application/openmetrics-text"), for the
 * answer to a scraper. The host serves it: the library owns no socket.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_BUFFER` where it does not fit (`needed` has the length, which may
 * have grown by the next call), or the status of a wrong argument. Threads: any; does not block.
 *
 * Requires:
 * `engine` is valid, `buffer` points to `capacity` writable bytes, `needed` to a writable size.
 */
int32_t sipxfer_metrics_print(const struct sipxfer_engine *engine,
                              char *buffer,
                              size_t capacity,
                              size_t *needed);

/**
 * How many faults inside the library were caught at the boundary since it was loaded. Each of
 * them is worth a report. Threads: any; does not block.
 */
uint64_t sipxfer_panic_count(void);

/**
 * Tells what a lookup has come to, which the directory's `lookup` callback has begun: `SIPXFER_OK` with
 * `dialog`, `SIPXFER_E_NOT_FOUND`, or `SIPXFER_E_AMBIGUOUS` where several nodes say that they have the
 * dialog (481, RFC 3891 section 3); for the last two `dialog` is NULL. `now_ms` may be 0: the latest
 * time that the library knows.
 *
 * What waits for it is told by `on_lookup` before this returns. The answer is held for a second: a request
 * that is asked about again by then finds it. A transfer has it for as long as it needs.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_NOT_FOUND` for a lookup that is stale, foreign, was answered before or
 * whose time has passed, `SIPXFER_E_RANGE` for another `status` or a dialog that makes no sense (the
 * lookup then still waits), or the status of a wrong argument. Threads: any; does not block unless a
 * callback does; allocates.
 *
 * Requires:
 * `engine` is valid, `dialog` is NULL or points to a struct whose `struct_size` is set and whose strings
 * hold.
 */
int32_t sipxfer_lookup_resume(const struct sipxfer_engine *engine,
                              uint64_t lookup,
                              int32_t status,
                              const struct sipxfer_remote_dialog *dialog,
                              uint64_t now_ms);

/**
 * Where is the call that is parked under this token, which was dialled here, say? `request` is that of who
 * asks for it: an INVITE, or the REFER that asks for the call on behalf of another one. What is dialled in
 * place of a Replaces is looked up on other nodes as a Replaces with that token is.
 *
 * The verdict is `SIPXFER_VERDICT_NONE` where the call is parked here (`sipxfer_park_claim()` is next);
 * `SIPXFER_VERDICT_PENDING` while the other nodes are asked, and this function is called again when
 * `on_lookup` tells of it; `SIPXFER_VERDICT_REMOTE_NODE` where another node has it: `target` is where that
 * node takes INVITEs, `replaces` names the call, with its token, and `headers` has that as header line. The
 * host sends an INVITE of its own there and connects it with who asks, or answers 302
 * (`sipxfer_response_print()` puts the Replaces into the Contact). Otherwise a refusal: 404, or 403 for who has no
 * ground to take it out (RFC 3891 section 3): a secret is the ground `token`, a number is where `park.open` is set;
 * any other ground of `replaces.authorize` does as well. Only for who is authenticated are other nodes asked.
 *
 * Returns as `sipxfer_replaces_verify_request()`, and `SIPXFER_E_PARSE` where `token` is no token. Threads:
 * any; does not block unless a callback does.
 *
 * Requires:
 * `token` points to `token_len` bytes; the rest as for `sipxfer_replaces_verify_request()`.
 */
int32_t sipxfer_park_find(const struct sipxfer_engine *engine,
                          const struct sipxfer_request *request,
                          const char *token,
                          size_t token_len,
                          char *scratch,
                          size_t scratch_len,
                          struct sipxfer_verdict *verdict);

/**
 * How many lookups are under way.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any.
 *
 * Requires:
 * `engine` is valid, `count` points to a writable size.
 */
int32_t sipxfer_lookup_count(const struct sipxfer_engine *engine, size_t *count);

/**
 * Decides where a transfer goes whose command was `SIPXFER_COMMAND_ROUTE`: as
 * `sipxfer_transfer_receive()` would have done, had the lookup been over. `request` is the REFER as it
 * was received, with what was known of its sender then.
 *
 * Where the verdict is a transfer of some kind the command to start follows (or the host's decision is
 * waited for, with `approval_pending`): take it right after this function, while the verdict and its
 * scratch space still hold. A refusal is told to the transferor by a NOTIFY with its code, and the call
 * stays as it was; the outputs say so, and the host answers nothing. `SIPXFER_VERDICT_PENDING` comes of a
 * `find` that has not found out yet, and this function is called again later.
 *
 * Returns as `sipxfer_transfer_receive()`, `SIPXFER_E_NOT_FOUND` for a stale or foreign transfer,
 * `SIPXFER_E_WRONG_STATE` for one that waits for nothing, and `SIPXFER_E_NOT_ALLOWED` where the request
 * is not the REFER that began it.
 *
 * Requires:
 * As for `sipxfer_refer_route()`.
 */
int32_t sipxfer_transfer_route(const struct sipxfer_engine *engine,
                               uint64_t transfer,
                               const struct sipxfer_request *request,
                               uint32_t lock_dialog,
                               char *scratch,
                               size_t scratch_len,
                               struct sipxfer_verdict *verdict);

/**
 * The table of functions, for dlopen: look up this one symbol with dlsym and call the rest through
 * the table. NULL where `abi_major` is not the library's `SIPXFER_ABI_MAJOR`. The table is static.
 * Threads: any; does not block.
 */
const struct sipxfer_api *sipxfer_get_api(uint32_t abi_major);

/**
 * The library's version, as `0.1.0`. Never NULL. Threads: any; does not block.
 */
const char *sipxfer_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SIPXFER_H */
