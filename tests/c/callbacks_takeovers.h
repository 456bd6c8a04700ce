/* Takeovers and joins from within callbacks. */
#ifndef CALLBACKS_TAKEOVERS_H
#define CALLBACKS_TAKEOVERS_H

#include "callbacks_transfers.h"

/* callbacks_takeovers.c: callbacks that call the library about takeovers, that fail or lie about
 * joins, and ids that are stale or of another engine. */
void takeovers_from_within(void);

#endif
