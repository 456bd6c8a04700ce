/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What verdicts and transfers cost through the shared object: time, memory and, under callgrind,
 * instructions.
 *
 * usage: goals times | transfers COUNT | work KIND COUNT
 *
 * `times` and `transfers` print lines of a name and a value. `work` makes so many rounds of one
 * kind, for callgrind to count in. scripts/bench.sh runs them and compares with the goals. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 1000, MANY = 1000000, ROUND = 64, ROUNDS = 4000, REPEATS = 5 };

/* ---- verdicts ---- */

enum kind { HIT, MISS, REFER };

struct worker {
    struct sipxfer_engine *engine;
    unsigned dialogs;
    enum kind kind;
    int churn;
    const char *more;
    unsigned rounds;
    uint64_t random;
    double spent, worked;
    char *messages[ROUND];
    size_t lens[ROUND];
    char *scratch;
    struct sipxfer_verdict verdict;
};

static void one(struct worker *worker, int number)
{
    struct sipxfer_request request = load_request(worker->messages[number], worker->lens[number]);
    char answer[2048];
    size_t needed;
    size_t scratch = SIPXFER_SCRATCH_SIZE(request.message.len);
    struct sipxfer_verdict *verdict = &worker->verdict;
    uint32_t expected = SIPXFER_VERDICT_ACCEPT;
    if (worker->kind == REFER) {
        MUST(sipxfer_refer_route(worker->engine, &request, 0, worker->scratch, scratch, verdict));
        expected = SIPXFER_VERDICT_LOCAL_ATTENDED;
    } else {
        MUST(sipxfer_replaces_verify_request(worker->engine, &request, 0, worker->scratch, scratch,
                                             verdict));
    }
    if (worker->kind == MISS) {
        expected = SIPXFER_VERDICT_REJECT;
        MUST(sipxfer_response_print(&request, verdict, "mine", 4, answer, sizeof answer, &needed));
    }
    if (verdict->kind != expected) {
        fprintf(stderr, "another verdict: %.*s\n", (int)verdict->why.len, verdict->why.ptr);
        exit(1);
    }
    MUST(sipxfer_verdict_release(worker->engine, verdict));
}

/* Rounds of messages that name dialogs from all over the table. Writing them is not timed; that
 * they were just written is as where they were just received. */
static void *work(void *argument)
{
    struct worker *worker = argument;
    uint64_t added[ROUND];
    struct load_names begun[ROUND];
    worker->scratch = load_room(SIPXFER_SCRATCH_SIZE(LOAD_LONGEST));
    worker->verdict.struct_size = sizeof worker->verdict;
    for (int number = 0; number < ROUND; number++)
        worker->messages[number] = load_room(LOAD_LONGEST);
    unsigned fresh = MANY * 2 + (unsigned)worker->random % 7 * 100000000;
    for (unsigned round = 0; round < worker->rounds; round++) {
        for (int number = 0; number < ROUND; number++) {
            unsigned dialog = (unsigned)(load_random(&worker->random) % worker->dialogs);
            if (worker->kind == MISS)
                dialog += MANY;
            struct load_names names = load_names_of(dialog);
            char *message = worker->messages[number];
            if (worker->churn && number % 10 == 9 && round % 2 == 0)
                begun[number] = load_names_of(fresh++);
            if (worker->kind == REFER)
                worker->lens[number] = load_refer(message, LOAD_LONGEST, dialog, &names);
            else
                worker->lens[number] =
                    load_invite(message, LOAD_LONGEST, dialog, &names, worker->more);
        }
        double start = load_seconds(CLOCK_MONOTONIC), began = load_seconds(CLOCK_THREAD_CPUTIME_ID);
        for (int number = 0; number < ROUND; number++) {
            /* One operation in ten: dialogs that begin in one round and end in the next. */
            if (!worker->churn || number % 10 != 9)
                one(worker, number);
            else if (round % 2 == 0)
                added[number] = load_add(worker->engine, &begun[number]);
            else
                MUST(sipxfer_dialog_remove(worker->engine, added[number], 0));
        }
        worker->spent += load_seconds(CLOCK_MONOTONIC) - start;
        worker->worked += load_seconds(CLOCK_THREAD_CPUTIME_ID) - began;
    }
    for (int number = 0; number < ROUND; number++)
        free(worker->messages[number]);
    free(worker->scratch);
    return NULL;
}

struct cost {
    double wall, cpu;
};

/* Median nanoseconds per operation of each thread. */
static struct cost measured(const struct worker *kind, int threads)
{
    double times[REPEATS], worked[REPEATS];
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        struct worker workers[2];
        pthread_t running[2];
        double spent = 0, cpu = 0;
        for (int number = 0; number < threads; number++) {
            workers[number] = *kind;
            workers[number].rounds = ROUNDS;
            workers[number].random = (uint64_t)(repeat * 2 + number + 1);
            if (pthread_create(&running[number], NULL, work, &workers[number]) != 0)
                exit(1);
        }
        for (int number = 0; number < threads; number++) {
            pthread_join(running[number], NULL);
            spent += workers[number].spent;
            cpu += workers[number].worked;
        }
        times[repeat] = spent / threads / ((double)ROUNDS * ROUND) * 1e9;
        worked[repeat] = cpu / threads / ((double)ROUNDS * ROUND) * 1e9;
    }
    return (struct cost){load_median(times, REPEATS), load_median(worked, REPEATS)};
}

/* ---- what nobody can do without: read each line, hash the names, miss the cache once ---- */

static double floor_of(size_t places)
{
    uint64_t *table = load_room(places * 64);
    char *message = load_room(LOAD_LONGEST);
    uint64_t random = 1, sum = 0;
    double spent = 0;
    for (size_t place = 0; place < places; place++)
        table[place * 8] = place;
    for (unsigned round = 0; round < ROUNDS * 8; round++) {
        unsigned number = (unsigned)load_random(&random) % MANY;
        struct load_names names = load_names_of(number);
        size_t len = load_invite(message, LOAD_LONGEST, number, &names, "");
        double start = load_seconds(CLOCK_MONOTONIC);
        for (int again = 0; again < 8; again++) {
            const char *line = message, *end;
            while ((end = memchr(line, '\n', len - (size_t)(line - message))) != NULL)
                line = end + 1;
            uint64_t hash = random ^ sum;
            for (size_t at = 400; at < 500; at += 8) {
                uint64_t word;
                memcpy(&word, message + at, sizeof word);
                hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
                hash ^= hash >> 32;
            }
            sum += table[hash % places * 8];
        }
        spent += load_seconds(CLOCK_MONOTONIC) - start;
    }
    free(table);
    free(message);
    /* Read, so that none of it can be left out. */
    if (sum == 1)
        puts("");
    return spent / (ROUNDS * 64.0) * 1e9;
}

/* By the wall clock, and by what the threads have worked: where other programs take the cores, only
 * the latter tells how much the threads are in each other's way. */
static void scaling(const char *name, const char *kind, const struct worker *worker)
{
    struct cost one = measured(worker, 1), two = measured(worker, 2);
    printf("%s-million-ns %.0f\n", name, one.wall);
    printf("%s-two-threads %.2f\n", kind, 2 * one.wall / two.wall);
    printf("%s-two-threads-cpu %.2f\n", kind, 2 * one.cpu / two.cpu);
}

static void times(void)
{
    struct worker hot = {.engine = load_engine(FEW), .dialogs = FEW, .more = ""};
    size_t before = load_heap();
    struct worker cold = {.engine = load_engine(MANY), .dialogs = MANY, .more = ""};
    printf("bytes-per-dialog %.1f\n", (double)(load_heap() - before) / MANY);
    printf("floor-thousand-ns %.0f\nfloor-million-ns %.0f\n", floor_of(FEW), floor_of(MANY));
    printf("hit-thousand-ns %.0f\n", measured(&hot, 1).wall);
    struct worker refers = hot, misses = hot, churn = cold;
    refers.kind = REFER;
    misses.kind = MISS;
    churn.churn = 1;
    printf("refer-thousand-ns %.0f\n", measured(&refers, 1).wall);
    printf("response-thousand-ns %.0f\n", measured(&misses, 1).wall);
    scaling("hit", "reads", &cold);
    scaling("mixed", "mixed", &churn);
    sipxfer_engine_free(hot.engine);
    sipxfer_engine_free(cold.engine);
}

/* So many bytes of header lines, of a folded one, or of parameters. */
static char *filler(const char *piece, const char *first, size_t bytes)
{
    char *text = load_room(bytes + 256);
    size_t len = strlen(first), step = strlen(piece);
    memcpy(text, first, len);
    for (; len + step <= bytes; len += step)
        memcpy(text + len, piece, step);
    if (first[0] != ';')
        memcpy(text + len, "\r\n", 3);
    return text;
}

int main(int count, char **arguments)
{
    if (count == 2 && strcmp(arguments[1], "times") == 0) {
        times();
        return 0;
    }
    if (count == 3 && strcmp(arguments[1], "transfers") == 0) {
        transfers_measure((unsigned)strtoul(arguments[2], NULL, 10));
        return 0;
    }
    if (count != 4 || strcmp(arguments[1], "work") != 0) {
        fprintf(stderr, "usage: goals times | transfers COUNT | work KIND ROUNDS\n");
        return 2;
    }
    const char *kind = arguments[2];
    size_t bytes = 0;
    const char *length = strchr(kind, ':');
    if (length != NULL)
        bytes = strtoul(length + 1, NULL, 10);
    if (strncmp(kind, "tick:", 5) == 0) {
        transfers_tick((unsigned)bytes);
        return 0;
    }
    struct worker worker = {.engine = load_engine(FEW), .dialogs = FEW, .more = "", .random = 1};
    worker.rounds = (unsigned)strtoul(arguments[3], NULL, 10);
    char *more = NULL;
    if (strncmp(kind, "headers:", 8) == 0)
        more = filler("\r\nX-Some-Header: some value of it", "X-First: 1", bytes);
    else if (strncmp(kind, "folds:", 6) == 0)
        more = filler("\r\n folded on and on and on", "X-Folded: 1", bytes);
    else if (strncmp(kind, "params:", 7) == 0)
        more = filler(";p=\"q;r\"", ";x=1", bytes);
    else if (strcmp(kind, "refer") == 0)
        worker.kind = REFER;
    else if (strcmp(kind, "miss") == 0)
        worker.kind = MISS;
    if (more != NULL)
        worker.more = more;
    work(&worker);
    free(more);
    sipxfer_engine_free(worker.engine);
    return 0;
}
