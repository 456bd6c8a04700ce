/* The valid calls that a program of one version of the header makes; see calls_main.c. */
#ifndef CALLS_H
#define CALLS_H

#include "hostile.h"
#include "hostile_lookups.h"
#include "hostile_park.h"
#include "hostile_takeovers.h"
#include "hostile_transfers.h"
#include "hostile_verifications.h"

struct call {
    const char *name;
    /* Answers the status of the function; a negative one is wrong. */
    int32_t (*call)(struct world *world);
    bool has_engine;
    bool of_own_table; /* answers SIPXFER_E_STATE on any other engine */
};

extern const struct call calls[];
extern const size_t call_count;

/* The function as it is linked, or as the table has it. */
#ifdef BY_DLOPEN
#define CALLED(name) (world->api->name)
#else
extern bool linked;
#define CALLED(name) (linked ? sipxfer_##name : world->api->name)
#endif

#endif
