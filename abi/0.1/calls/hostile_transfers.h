/* Transfers for the calls that need one, and what else the generated calls take for valid. */
#ifndef HOSTILE_TRANSFERS_H
#define HOSTILE_TRANSFERS_H

#include "hostile.h"

/* Each begins one with base_refer() on the world's engine, and answers its id. */
uint64_t running_transfer(struct world *world);    /* the host has its command to start */
uint64_t answered_transfer(struct world *world);   /* the same; the answer was taken */
uint64_t undecided_transfer(struct world *world);  /* the host has said "later" */
uint64_t controlled_transfer(struct world *world); /* an application commands it */

/* The dialog that base_refer() comes in. */
struct sipxfer_dialog_key *refer_dialog(struct world *world);
struct sipxfer_event *base_sipxfer_event(struct world *world);

/* One that asked for an explicit subscription: the URI that its answer handed out. */
extern char explicit_uri[sizeof "sip:refer-0123456789abcdef0123456789abcdef@h"];
void explicit_transfer(struct world *world);

/* An attended transfer that this side begins. */
struct sipxfer_refer_options *base_sipxfer_refer_options(struct world *world);
uint64_t
sent_refer(struct world *world); /* begun; its REFER was reported, and is still an output */

#endif
