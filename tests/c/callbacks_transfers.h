/* What the scenarios of transfers share with the host of the callbacks. */
#ifndef CALLBACKS_TRANSFERS_H
#define CALLBACKS_TRANSFERS_H

#include "callbacks.h"

/* callbacks_host.c: an engine of this kind with this host, and its end, where counts of references
 * and locks are compared. */
bool engine_begin(const char *test, enum engine_kind kind, const struct sipxfer_host *host);
void engine_end(const char *test);

/* callbacks_transfers.c: callbacks that call the library about transfers, and ids that are stale or
 * of another engine. */
void transfers_from_within(void);

/* callbacks_park.c: the same about the park lot. */
void park_from_within(void);

#endif
