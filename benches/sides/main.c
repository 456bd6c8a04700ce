/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The same work by several stacks, on the same bytes, in one run.
 *
 * usage: sides times DIALOGS [SIDE...] | work SIDE KIND DIALOGS ROUNDS
 *
 * `times` prints lines: the kind of work, the side, the number of dialogs, and the median of the
 * nanoseconds that one message takes. The sides take turns, round by round; each round has messages
 * of its own, which name dialogs from all over the table. `work` is for callgrind, which counts in
 * side_do(). The first side that chooses its local tags itself gives them to the others. */
#include "side.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 1024, ROUNDS = 61, KINDS = 5, MOST_SIDES = 3, THREAD_ROUNDS = 4, REPEATS = 41 };

static const struct side *const ALL[MOST_SIDES] = {&side_pjsip, &side_sipxfer, &side_sofia};

static struct load_names *names;
static unsigned dialogs;
static uint64_t chance = 1;

struct batch {
    char *messages[MESSAGES];
    size_t lens[MESSAGES];
};

static const char *const KIND_NAMES[KINDS] = {"hit", "response", "parse", "refer-to", "refer"};

static side_work work_of(const struct side *side, int kind)
{
    const side_work all[KINDS] = {side->hit, side->response, side->parse, side->refer_to,
                                  side->refer};
    return all[kind];
}

static struct batch batch_of(void)
{
    struct batch batch = {0};
    for (int number = 0; number < MESSAGES; number++)
        batch.messages[number] = load_room(LOAD_APART);
    return batch;
}

static void fill(struct batch *batch, int kind)
{
    for (int number = 0; number < MESSAGES; number++) {
        unsigned dialog = (unsigned)(load_random(&chance) % dialogs);
        struct load_names it = names[dialog];
        char *message = batch->messages[number];
        const char *name = KIND_NAMES[kind];
        /* One that no side has. */
        if (strcmp(name, "response") == 0)
            it.call_id[0] = 'x';
        if (strcmp(name, "refer-to") == 0)
            batch->lens[number] = load_refer_to(message, LOAD_APART, &it);
        else if (strcmp(name, "refer") == 0)
            batch->lens[number] = load_refer(message, LOAD_APART, dialog, &it);
        else
            batch->lens[number] = load_invite(message, LOAD_APART, dialog, &it, "");
    }
}

/* Nothing but the work, so that instructions are counted of it alone. */
__attribute__((noinline)) int side_do(side_work work, void *worker, const char *bytes, size_t len);
int side_do(side_work work, void *worker, const char *bytes, size_t len)
{
    return work(worker, bytes, len);
}

static void check(const struct side *side, int kind, int result)
{
    if (kind == 0 ? result == 200 : result > 0)
        return;
    fprintf(stderr, "%s: %s: %d\n", side->name, KIND_NAMES[kind], result);
    exit(1);
}

static double round_of(const struct side *side, int kind, void *worker, const struct batch *batch,
                       clockid_t clock)
{
    side_work work = work_of(side, kind);
    double start = load_seconds(clock);
    for (int number = 0; number < MESSAGES; number++)
        check(side, kind, side_do(work, worker, batch->messages[number], batch->lens[number]));
    return (load_seconds(clock) - start) / MESSAGES * 1e9;
}

/* Opens the sides, and prints what a dialog takes of the heap. */
static void open_sides(const struct side *const *sides, int count)
{
    names = load_room(sizeof names[0] * dialogs);
    for (unsigned number = 0; number < dialogs; number++)
        names[number] = load_names_of(number);
    for (int number = 0; number < count; number++) {
        sides[number]->open();
        size_t before = load_heap();
        sides[number]->add(dialogs, names, number == 0);
        printf("bytes %s %u %.0f\n", sides[number]->name, dialogs,
               (double)(load_heap() - before) / dialogs);
    }
}

static void kinds(const struct side *const *sides, int count)
{
    struct batch batch = batch_of();
    void *workers[MOST_SIDES];
    for (int side = 0; side < count; side++)
        workers[side] = sides[side]->worker(0);
    for (int kind = 0; kind < KINDS; kind++) {
        double times[MOST_SIDES][ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
            fill(&batch, kind);
            for (int turn = 0; turn < count; turn++) {
                int side = (round + turn) % count;
                times[side][round] =
                    round_of(sides[side], kind, workers[side], &batch, CLOCK_THREAD_CPUTIME_ID);
            }
        }
        for (int side = 0; side < count; side++)
            printf("%s %s %u %.1f\n", KIND_NAMES[kind], sides[side]->name, dialogs,
                   load_median(times[side], ROUNDS));
    }
}

/* ---- two threads ---- */

struct reader {
    const struct side *side;
    struct batch batch;
    pthread_barrier_t *start;
    unsigned number;
    double spent;
};

static void *read_all(void *argument)
{
    struct reader *reader = argument;
    void *worker = reader->side->worker(reader->number);
    reader->spent = 0;
    pthread_barrier_wait(reader->start);
    for (int round = 0; round < THREAD_ROUNDS; round++)
        reader->spent +=
            round_of(reader->side, 0, worker, &reader->batch, CLOCK_MONOTONIC) / THREAD_ROUNDS;
    return NULL;
}

/* Messages of all threads in a nanosecond. */
static double together(struct reader *readers, unsigned threads)
{
    pthread_t running[SIDE_WORKERS];
    pthread_barrier_t start;
    double spent = 0;
    pthread_barrier_init(&start, NULL, threads);
    for (unsigned number = 0; number < threads; number++) {
        readers[number].start = &start;
        if (pthread_create(&running[number], NULL, read_all, &readers[number]) != 0)
            exit(1);
    }
    for (unsigned number = 0; number < threads; number++) {
        pthread_join(running[number], NULL);
        spent += readers[number].spent;
    }
    pthread_barrier_destroy(&start);
    return threads * threads / spent;
}

/* The best of many short tries: the others were in the way of other programs. */
static void threads(const struct side *side)
{
    static struct reader readers[SIDE_WORKERS];
    double alone = 0, both = 0;
    for (unsigned number = 0; number < SIDE_WORKERS; number++) {
        readers[number].side = side;
        readers[number].number = number;
        if (readers[number].batch.messages[0] == NULL)
            readers[number].batch = batch_of();
        fill(&readers[number].batch, 0);
    }
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double one = together(readers, 1), two = together(readers, SIDE_WORKERS);
        alone = one > alone ? one : alone;
        both = two > both ? two : both;
    }
    printf("two-threads %s %u %.2f\n", side->name, dialogs, both / alone);
}

static const struct side *side_of(const char *name)
{
    for (int number = 0; number < MOST_SIDES; number++)
        if (strcmp(ALL[number]->name, name) == 0)
            return ALL[number];
    fprintf(stderr, "no side %s\n", name);
    exit(2);
}

static int kind_of(const char *name)
{
    for (int kind = 0; kind < KINDS; kind++)
        if (strcmp(KIND_NAMES[kind], name) == 0)
            return kind;
    fprintf(stderr, "no work %s\n", name);
    exit(2);
}

int main(int count, char **arguments)
{
    if (count >= 4 && count <= 3 + MOST_SIDES && strcmp(arguments[1], "times") == 0) {
        const struct side *sides[MOST_SIDES];
        dialogs = (unsigned)strtoul(arguments[2], NULL, 10);
        for (int number = 3; number < count; number++)
            sides[number - 3] = side_of(arguments[number]);
        open_sides(sides, count - 3);
        kinds(sides, count - 3);
        for (int number = 0; number < count - 3; number++)
            threads(sides[number]);
        for (int number = 0; number < count - 3; number++)
            sides[number]->close();
        return 0;
    }
    if (count != 6 || strcmp(arguments[1], "work") != 0) {
        fprintf(stderr, "usage: sides times DIALOGS SIDE... | work SIDE KIND DIALOGS ROUNDS\n");
        return 2;
    }
    const struct side *side = side_of(arguments[2]);
    int kind = kind_of(arguments[3]);
    dialogs = (unsigned)strtoul(arguments[4], NULL, 10);
    open_sides(&side, 1);
    struct batch batch = batch_of();
    void *worker = side->worker(0);
    CALLGRIND_START_INSTRUMENTATION;
    for (unsigned long round = strtoul(arguments[5], NULL, 10); round > 0; round--) {
        fill(&batch, kind);
        round_of(side, kind, worker, &batch, CLOCK_THREAD_CPUTIME_ID);
    }
    side->close();
    return 0;
}
