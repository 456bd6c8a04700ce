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
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 1000, MANY = 1000000, ROUND = 1024, ROUNDS = 10, REPEATS = 41, FLOORS = 5 };

/* Of messages that are long, and for callgrind. */
enum { FEW_A_ROUND = 64 };

/* ---- verdicts ---- */

enum kind { HIT, MISS, REFER };

struct worker {
    struct sipxfer_engine *engine;
    unsigned dialogs;
    enum kind kind;
    int churn;
    const char *more;
    unsigned rounds;
    /* Messages of one round, at most ROUND. */
    int batch;
    /* Where two work: how many have come to the beginning of a round. */
    atomic_uint *arrived;
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
    size_t size = worker->more[0] != '\0' ? LOAD_LONGEST : LOAD_APART;
    char *room = load_room((size_t)worker->batch * size);
    for (int number = 0; number < worker->batch; number++)
        worker->messages[number] = room + (size_t)number * size;
    unsigned fresh = MANY * 2 + (unsigned)worker->random % 7 * 100000000;
    for (unsigned round = 0; round < worker->rounds; round++) {
        for (int number = 0; number < worker->batch; number++) {
            unsigned dialog = (unsigned)(load_random(&worker->random) % worker->dialogs);
            if (worker->kind == MISS)
                dialog += MANY;
            struct load_names names = load_names_of(dialog);
            char *message = worker->messages[number];
            if (worker->churn && number % 10 == 9 && round % 2 == 0)
                begun[number] = load_names_of(fresh++);
            if (worker->kind == REFER)
                worker->lens[number] = load_refer(message, size, dialog, &names);
            else
                worker->lens[number] = load_invite(message, size, dialog, &names, worker->more);
        }
        /* Writing the messages is no work that is measured: nobody begins before all have done it.
         */
        if (worker->arrived != NULL) {
            atomic_fetch_add(worker->arrived, 1);
            while (atomic_load(worker->arrived) < 2 * (round + 1))
                sched_yield();
        }
        double start = load_seconds(CLOCK_MONOTONIC), began = load_seconds(CLOCK_THREAD_CPUTIME_ID);
        for (int number = 0; number < worker->batch; number++) {
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
    free(room);
    free(worker->scratch);
    return NULL;
}

/* Nanoseconds of an operation, by the clock and by the processor time of its thread. */
struct cost {
    double wall, cpu;
};

static struct cost once(const struct worker *kind, int threads, unsigned rounds, int repeat)
{
    struct worker workers[2];
    pthread_t running[2];
    struct cost spent = {0, 0};
    atomic_uint arrived = 0;
    for (int number = 0; number < threads; number++) {
        workers[number] = *kind;
        workers[number].rounds = rounds;
        workers[number].arrived = threads > 1 ? &arrived : NULL;
        workers[number].random = (uint64_t)(repeat * 2 + number + 1);
        if (pthread_create(&running[number], NULL, work, &workers[number]) != 0)
            exit(1);
    }
    double operations = (double)rounds * ROUND * threads;
    for (int number = 0; number < threads; number++) {
        pthread_join(running[number], NULL);
        spent.wall += workers[number].spent / operations * 1e9;
        spent.cpu += workers[number].worked / operations * 1e9;
    }
    return spent;
}

/* Median nanoseconds of one thread. Other programs on the machine take the clock's time and not the
 * thread's. */
static double alone(const struct worker *kind)
{
    double times[REPEATS];
    for (int repeat = 0; repeat < REPEATS; repeat++)
        times[repeat] = once(kind, 1, ROUNDS, repeat).cpu;
    return load_median(times, REPEATS);
}

/* ---- what nobody can do without: the call, each line read, the names hashed, one cache miss ----
 */

static double floor_of(size_t places)
{
    uint64_t *table = load_room(places * 64);
    char *room = load_room(ROUND * LOAD_APART);
    uint64_t random = 1, sum = 0;
    double times[REPEATS];
    size_t lens[ROUND];
    for (size_t place = 0; place < places; place++)
        table[place * 8] = place;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double spent = 0;
        for (unsigned round = 0; round < FLOORS; round++) {
            for (int number = 0; number < ROUND; number++) {
                unsigned dialog = (unsigned)load_random(&random) % MANY;
                struct load_names names = load_names_of(dialog);
                lens[number] =
                    load_invite(room + number * LOAD_APART, LOAD_APART, dialog, &names, "");
            }
            double start = load_seconds(CLOCK_THREAD_CPUTIME_ID);
            for (int number = 0; number < ROUND; number++) {
                const char *message = room + number * LOAD_APART;
                const char *line = message, *end = message + lens[number], *next;
                while ((next = memchr(line, '\n', (size_t)(end - line))) != NULL)
                    line = next + 1;
                uint64_t hash = sum ^ (uint64_t)sipxfer_panic_count();
                for (size_t at = 400; at < 500; at += 8) {
                    uint64_t word;
                    memcpy(&word, message + at, sizeof word);
                    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
                    hash ^= hash >> 32;
                }
                sum += table[hash % places * 8];
            }
            spent += load_seconds(CLOCK_THREAD_CPUTIME_ID) - start;
        }
        times[repeat] = spent / ((double)FLOORS * ROUND) * 1e9;
    }
    free(table);
    free(room);
    /* Read, so that none of it can be left out. */
    if (sum == 1)
        puts("");
    return load_median(times, REPEATS);
}

static double least(double one, double other)
{
    return one < other ? one : other;
}

/* Throughput of two threads in that of one, one and two in turn. By the clock: of the best of many
 * short tries, since the others were in the way of other programs. And by what the threads have
 * worked. */
static void scaling(const char *name, const struct worker *worker)
{
    double one[REPEATS], two[REPEATS], alone_ns = 1e9, both_ns = 1e9;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        struct cost single = once(worker, 1, ROUNDS, repeat);
        struct cost both = once(worker, 2, ROUNDS, repeat);
        one[repeat] = single.cpu;
        two[repeat] = both.cpu;
        alone_ns = least(alone_ns, single.wall);
        both_ns = least(both_ns, both.wall);
    }
    double each = load_median(one, REPEATS), each_of_two = load_median(two, REPEATS);
    printf("%s-%u-ns %.0f\n", name, worker->dialogs, each);
    printf("%s-%u-each-of-two-ns %.0f\n", name, worker->dialogs, each_of_two);
    printf("%s-%u-two-threads %.2f\n", name, worker->dialogs, 2 * alone_ns / both_ns);
    printf("%s-%u-two-threads-cpu %.2f\n", name, worker->dialogs, 2 * each / each_of_two);
}

static void times(void)
{
    for (unsigned dialogs = FEW; dialogs <= MANY; dialogs *= 10) {
        size_t before = load_heap();
        struct worker reads = {
            .engine = load_engine(dialogs), .dialogs = dialogs, .more = "", .batch = ROUND};
        printf("bytes-%u %.1f\n", dialogs, (double)(load_heap() - before) / dialogs);
        printf("floor-%u-ns %.0f\n", dialogs, floor_of(dialogs));
        struct worker refers = reads, misses = reads, churn = reads;
        refers.kind = REFER;
        misses.kind = MISS;
        churn.churn = 1;
        scaling("hit", &reads);
        scaling("mixed", &churn);
        printf("refer-%u-ns %.0f\n", dialogs, alone(&refers));
        printf("response-%u-ns %.0f\n", dialogs, alone(&misses));
        batch_measure(reads.engine, dialogs);
        fflush(stdout);
        sipxfer_engine_free(reads.engine);
    }
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
    struct worker worker = {
        .engine = load_engine(FEW), .dialogs = FEW, .more = "", .random = 1, .batch = FEW_A_ROUND};
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
    CALLGRIND_START_INSTRUMENTATION;
    work(&worker);
    free(more);
    sipxfer_engine_free(worker.engine);
    return 0;
}
