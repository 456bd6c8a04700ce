/* Requests that are verified together. */

#include "hostile_verifications.h"

struct sipxfer_verification *base_verifications(struct world *world)
{
    struct sipxfer_verification *items =
        keep(world, SIPXFER_MAX_VERIFICATIONS * sizeof(struct sipxfer_verification));
    for (size_t at = 0; at < SIPXFER_MAX_VERIFICATIONS; at++) {
        SIPXFER_INIT(items[at]);
        struct sipxfer_request *request = base_sipxfer_request(world);
        items[at].request = request;
        /* Enough for the longest message that the driver puts in the place of the first one. */
        items[at].scratch_len = at == 0 ? 65536 : SIPXFER_SCRATCH_SIZE(request->message.len);
        items[at].scratch = keep(world, items[at].scratch_len);
        items[at].verdict = new_out(world, sizeof(struct sipxfer_verdict));
    }
    return items;
}

void give_back_verifications(struct world *world, const struct sipxfer_verification *items,
                             size_t count)
{
    for (size_t at = 0; at < count; at++)
        if (items[at].verdict->pin != 0) {
            struct sipxfer_verdict known = {.struct_size = sizeof known};
            known.pin = items[at].verdict->pin;
            known.locked = items[at].verdict->locked;
            MUST(world->api->verdict_release(world->engine, &known));
        }
}
