/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 *   dlopen.c     opens the library; headers; verdicts on an engine with its own table of dialogs
 *   transfers.c  on another one: a transfer, a takeover and a parked call, to their end
 */
#ifndef DLOPEN_H
#define DLOPEN_H

#include <stdint.h>

#include <sipxfer.h>

#define MESSAGE_MAX 1024

/* The library, once it is open. */
extern const struct sipxfer_api *api;

struct sipxfer_str str(const char *text);
/* Ends the program where the library failed. */
void check(int32_t status, const char *what);

void play_transfers(void);

#endif
