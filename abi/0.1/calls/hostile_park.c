/* The park lot that the hostile tests work on. */
#include "hostile_park.h"

static void *cleared(struct world *world, size_t size)
{
    void *memory = memset(keep(world, size), 0, size);
    return memcpy(memory, &size, sizeof size);
}

struct sipxfer_park_call *base_sipxfer_park_call(struct world *world)
{
    struct sipxfer_park_call *call = cleared(world, sizeof *call);
    struct sipxfer_dialog_key *key = base_sipxfer_dialog_key(world);
    call->call_id = key->call_id;
    call->local_tag = key->local_tag;
    call->remote_tag = key->remote_tag;
    call->parker = str_of(world, "sip:bob@example.com");
    call->party = str_of(world, "sip:alice@example.com");
    call->handle = 7;
    call->place = SIPXFER_PARK_NUMBER;
    call->number = 701;
    return call;
}

struct sipxfer_park_watch *base_sipxfer_park_watch(struct world *world)
{
    struct sipxfer_park_watch *watch = cleared(world, sizeof *watch);
    watch->entity = str_of(world, "sip:701@example.com");
    watch->target = str_of(world, "sip:pbx@192.0.2.3");
    watch->event_id = str_of(world, "77");
    watch->handle = 8;
    watch->number = 701;
    watch->expires_s = 600;
    return watch;
}

struct sipxfer_dialog_info *base_sipxfer_dialog_info(struct world *world)
{
    struct sipxfer_dialog_info *info = cleared(world, sizeof *info);
    info->entity = str_of(world, "sip:bob@example.com");
    info->target = str_of(world, "sip:pbx@192.0.2.3");
    info->endpoint = str_of(world, "bob-phone");
    info->user = str_of(world, "bob");
    return info;
}

void parked_call(struct world *world)
{
    char token[SIPXFER_PARK_TOKEN_SIZE];
    size_t needed = 0;
    MUST(world->api->park(world->engine, base_sipxfer_park_call(world), 1000, token, sizeof token,
                          &needed));
}

uint64_t claimed_call(struct world *world)
{
    char strings[512];
    size_t needed = 0;
    struct sipxfer_parked parked;
    SIPXFER_INIT(parked);
    parked_call(world);
    MUST(world->api->park_claim(world->engine, SIPXFER_LIT("701"), 1000, strings, sizeof strings,
                                &needed, &parked));
    return parked.claim;
}

uint64_t running_watcher(struct world *world)
{
    uint64_t watcher = 0;
    uint32_t granted_s = 0;
    struct sipxfer_park_watch *watch = base_sipxfer_park_watch(world);
    watch->number = 0;
    MUST(world->api->park_subscribe(world->engine, watch, 1000, &watcher, &granted_s));
    return watcher;
}
