/* Takeovers for the calls that need one. */
#ifndef HOSTILE_TAKEOVERS_H
#define HOSTILE_TAKEOVERS_H

#include "hostile.h"

/* Begins one with base_sipxfer_request() on the world's engine, and answers its id. */
uint64_t running_takeover(struct world *world);

/* The dialog that base_sipxfer_request() replaces. */
struct sipxfer_dialog_key *replaced_dialog(struct world *world);

/* An INVITE whose Join names the same dialog, on an engine that allows it. */
struct sipxfer_request *base_join(struct world *world);

#endif
