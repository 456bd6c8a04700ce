/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * pjsip's own way of a request with Replaces, for a comparison on the same bytes in the same run:
 * parse the message, call pjsip_replaces_verify_request(). No socket and no thread is made.
 */
#ifndef PJSIP_SIDE_H
#define PJSIP_SIDE_H

#include <stddef.h>

/** Starts pjsip and makes confirmed invite dialogs number 0 to `dialogs` - 1. That of number N has
 * the Call-ID, local tag and remote tag that sprintf() makes of the three formats and N: each has
 * one %u. Answers 0, or an error of pjsip. Once a process, one thread. */
int pjsip_side_open(unsigned dialogs, const char *call_id, const char *local_tag,
                    const char *remote_tag);

/** Parses `len` bytes and verifies the request. Answers 200 where a dialog was found, which is
 * unlocked again; 0 without Replaces; the SIP code of a refusal; -1 where pjsip drops the message.
 */
int pjsip_side_verify(const char *message, size_t len);

/** The same without the verification: what of the time above is the parser's. Answers 0 or -1. */
int pjsip_side_parse(const char *message, size_t len);

/** Ends pjsip. */
void pjsip_side_close(void);

#endif
