/* Lookups on other nodes, for the calls that need one. */
#ifndef HOSTILE_LOOKUPS_H
#define HOSTILE_LOOKUPS_H

#include "hostile_transfers.h"

struct sipxfer_remote_dialog *base_sipxfer_remote_dialog(struct world *world);
/* A REFER whose Replaces names a dialog that is not here. */
struct sipxfer_request *base_lookup_refer(struct world *world);

uint64_t pending_lookup(struct world *world);     /* its transfer was begun with that REFER */
uint64_t looked_up_transfer(struct world *world); /* the same; its lookup is over */

/* Callbacks of the world: a lookup finds nothing, but for those two. */
int32_t hostile_lookup(void *user, uint64_t lookup, const struct sipxfer_dialog_key *key);
void hostile_on_lookup(void *user, uint64_t lookup);

#endif
