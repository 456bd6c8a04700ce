/* A small host that uses each level of the library once, through the table of functions. What is
 * not answered as it should be ends the program. */
#ifndef ONE_OF_EACH_H
#define ONE_OF_EACH_H

#include <sipxfer.h>

/* An engine with its own table, in which is Bob's call, and Alice's. */
struct sipxfer_engine *engine_begin(const struct sipxfer_api *api);
void engine_end(const struct sipxfer_api *api, struct sipxfer_engine *engine);

/* An INVITE with Replaces of Bob's call: accepted, and given back. */
void verdict_of(const struct sipxfer_api *api, const struct sipxfer_engine *engine);

/* A blind transfer from its REFER to where the host has to start; then from there to its outcome.
 */
uint64_t transfer_begin(const struct sipxfer_api *api, const struct sipxfer_engine *engine);
void transfer_end(const struct sipxfer_api *api, const struct sipxfer_engine *engine,
                  uint64_t transfer);

/* Parks Alice's call under a secret and takes it out by that. */
void secret_of(const struct sipxfer_api *api, const struct sipxfer_engine *engine,
               char token[SIPXFER_PARK_TOKEN_SIZE]);

/* All of it, from the engine's beginning to its end. */
void one_of_each(const struct sipxfer_api *api);

void must_be(int right, const char *what);

/* The table of the library in this file. */
const struct sipxfer_api *table_of(void *library);

#endif
