/* Parked calls and subscriptions for the calls that need one. */
#ifndef HOSTILE_PARK_H
#define HOSTILE_PARK_H

#include "hostile.h"

struct sipxfer_park_call *base_sipxfer_park_call(struct world *world);
struct sipxfer_park_watch *base_sipxfer_park_watch(struct world *world);
struct sipxfer_dialog_info *base_sipxfer_dialog_info(struct world *world);

void parked_call(struct world *world);         /* the dialog of base_sipxfer_dialog_key(), at 701 */
uint64_t claimed_call(struct world *world);    /* the same, claimed; answers the claim */
uint64_t running_watcher(struct world *world); /* of the whole lot */

#endif
