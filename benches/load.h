/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the benchmarks put on the table: dialogs, messages that name them, and the clock. */
#ifndef LOAD_H
#define LOAD_H

#include <sipxfer.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Getting ready takes callgrind ten times as long where it counts: with --instr-atstart=no it
 * begins where it is told to. */
#if defined(__has_include)
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif
#endif
#ifndef CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_START_INSTRUMENTATION
#endif

/* The longest message, and how far apart those of usual length begin: an odd number of cache lines,
 * so that they do not all begin in the same set of the cache. */
enum { LOAD_LONGEST = 1 << 17, LOAD_APART = 19 * 64 };

/* Ends the program where a call of the library has failed. */
#define MUST(call) load_must((call), #call, __LINE__)
void load_must(int32_t status, const char *call, int line);

/* So many zeros, or the end of the program. */
void *load_room(size_t size);

struct sipxfer_str load_str(const char *text);

double load_seconds(clockid_t clock);

/* The same numbers in each run, and never two alike one after the other. */
uint64_t load_random(uint64_t *state);

/* The middle one of a few numbers, which are sorted by that. */
double load_median(double *numbers, size_t count);

/* Bytes that malloc() has handed out and not got back. */
size_t load_heap(void);

/* Dialogs: 99 bytes of identifiers each, user and endpoint counted. */
struct load_names {
    char call_id[64], local[48], remote[32];
};

struct load_names load_names_of(unsigned number);

/* Adds a confirmed dialog of Bob's. */
uint64_t load_add(struct sipxfer_engine *engine, const struct load_names *names);

/* An engine with dialogs 0 to `dialogs` - 1, whose dialplan has every extension. */
struct sipxfer_engine *load_engine(unsigned dialogs);

/* An INVITE whose Replaces names that dialog; without names, one without Replaces. `more` are
 * header lines, or parameters of the Contact where they begin with a semicolon. Returns its length.
 */
size_t load_invite(char *message, size_t size, unsigned number, const struct load_names *names,
                   const char *more);

/* The value of a Refer-To with that dialog in a Replaces; without names, none. Returns its length.
 */
size_t load_refer_to(char *value, size_t size, const struct load_names *names);

/* A REFER in a dialog of its own, with such a Refer-To. Returns its length. */
size_t load_refer(char *message, size_t size, unsigned number, const struct load_names *names);

/* Bob, who sends it. */
struct sipxfer_request load_request(const char *message, size_t len);

/* What a message costs among many that are handed in at once (batch.c). */
void batch_measure(const struct sipxfer_engine *engine, unsigned dialogs);

/* Memory and ticks of so many transfers that are under way (transfers.c). */
void transfers_measure(unsigned count);

/* For callgrind to count in: one sipxfer_tick() that has ten due, among so many transfers. */
void transfers_tick(unsigned count);

#endif
