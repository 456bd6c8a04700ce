/* Requests that are verified together. */
#ifndef HOSTILE_VERIFICATIONS_H
#define HOSTILE_VERIFICATIONS_H

#include "hostile.h"

/* As many as may be asked about at once; all are in order. */
struct sipxfer_verification *base_verifications(struct world *world);
/* Gives back what the verdicts of the first ones hold. */
void give_back_verifications(struct world *world, const struct sipxfer_verification *items,
                             size_t count);

#endif
