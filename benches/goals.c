/* What verdicts cost through the shared object: time, memory and, under callgrind, instructions.
 *
 * usage: goals times | work KIND COUNT
 *
 * `times` prints lines of a name and a value. `work` makes so many verdicts of one kind, for
 * callgrind to count in. scripts/bench.sh runs both and compares with the goals. */
#include <malloc.h>
#include <pthread.h>
#include <sipxfer.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FEW = 1000, MANY = 1000000, ROUND = 64, ROUNDS = 4000, REPEATS = 5, LONGEST = 1 << 17 };

#define MUST(call) must((call), #call, __LINE__)

static void must(int32_t status, const char *call, int line)
{
    if (status == SIPXFER_OK)
        return;
    fprintf(stderr, "line %d: %s: %s\n", line, call, sipxfer_strerror(status));
    exit(1);
}

static void *room(size_t size)
{
    void *bytes = calloc(1, size);
    if (bytes == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return bytes;
}

static struct sipxfer_str str(const char *text)
{
    return (struct sipxfer_str){text, strlen(text)};
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The same numbers in each run, and never two alike one after the other. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return mixed ^ mixed >> 31;
}

/* ---- dialogs: 99 bytes of identifiers each, user and endpoint counted ---- */

struct names {
    char call_id[64], local[32], remote[32];
};

static struct names names_of(unsigned number)
{
    struct names names;
    unsigned mixed = number * 0x9E3779B1u;
    snprintf(names.call_id, sizeof names.call_id, "%08x-4f3a-9b1c-%08x-3848276@198.51.100.7",
             number, mixed);
    snprintf(names.local, sizeof names.local, "as5d-%08x-%08x", mixed, number);
    snprintf(names.remote, sizeof names.remote, "fr0m-%08x-%08x", number, mixed);
    return names;
}

static int object;

static uint64_t add(struct sipxfer_engine *engine, unsigned number)
{
    struct names names = names_of(number);
    struct sipxfer_dialog dialog = {.struct_size = sizeof dialog,
                                    .dialog = &object,
                                    .call_id = str(names.call_id),
                                    .local_tag = str(names.local),
                                    .remote_tag = str(names.remote),
                                    .user = str("bobby"),
                                    .endpoint = str("bobby"),
                                    .state = SIPXFER_DIALOG_CONFIRMED,
                                    .initiator = SIPXFER_INITIATOR_REMOTE,
                                    .usage = SIPXFER_USAGE_INVITE};
    uint64_t id;
    MUST(sipxfer_dialog_add(engine, &dialog, &id));
    return id;
}

static int32_t any_extension(void *user, const struct sipxfer_request *request,
                             struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    return SIPXFER_YES;
}

static struct sipxfer_engine *engine_of(unsigned dialogs)
{
    struct sipxfer_host host = {.struct_size = sizeof host, .extension_exists = any_extension};
    struct sipxfer_engine_options options = {.struct_size = sizeof options, .host = &host};
    struct sipxfer_engine *engine;
    MUST(sipxfer_engine_new(&options, &engine));
    for (unsigned number = 0; number < dialogs; number++)
        add(engine, number);
    return engine;
}

/* ---- messages ---- */

static const char *const SDP = "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\n"
                               "c=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n";

/* `more` are header lines, or parameters of the Contact where they begin with a semicolon. */
static size_t invite(char *message, size_t size, unsigned number, const char *more)
{
    struct names names = names_of(number);
    int in_contact = more[0] == ';';
    int len = snprintf(message, size,
                       "INVITE sip:100@pbx.example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKnashds8%08x;rport\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: \"Bob\" <sip:bob@example.com>;tag=9fxced76sl%08x\r\n"
                       "To: <sip:100@pbx.example.com>\r\n"
                       "Call-ID: new-%08x-3848276298220188511@198.51.100.7\r\n"
                       "CSeq: 314159 INVITE\r\n"
                       "Contact: <sip:bob@198.51.100.7:5060;transport=udp>%s\r\n"
                       "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY\r\n"
                       "Supported: replaces, timer\r\n"
                       "User-Agent: Example Phone 1.2.3\r\n"
                       "%s"
                       "Replaces: %s;to-tag=%s;from-tag=%s\r\n"
                       "Require: replaces\r\n"
                       "Content-Type: application/sdp\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       number, number, number, in_contact ? more : "", in_contact ? "" : more,
                       names.call_id, names.local, names.remote, strlen(SDP), SDP);
    return (size_t)len;
}

static size_t refer(char *message, size_t size, unsigned number, const char *more)
{
    struct names names = names_of(number);
    int len =
        snprintf(message, size,
                 "REFER sip:100@pbx.example.com SIP/2.0\r\n"
                 "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKnashds8%08x;rport\r\n"
                 "Max-Forwards: 70\r\n"
                 "From: \"Bob\" <sip:bob@example.com>;tag=9fxced76sl%08x\r\n"
                 "To: <sip:100@pbx.example.com>;tag=as5d%08x\r\n"
                 "Call-ID: new-%08x-3848276298220188511@198.51.100.7\r\n"
                 "CSeq: 314159 REFER\r\n"
                 "Contact: <sip:bob@198.51.100.7:5060;transport=udp>\r\n"
                 "User-Agent: Example Phone 1.2.3\r\n"
                 "%s"
                 "Refer-To: <sip:alice@pbx.example.com?Replaces=%s%%3Bto-tag%%3D%s%%3B"
                 "from-tag%%3D%s>\r\n"
                 "Content-Length: 0\r\n\r\n",
                 number, number, number, number, more, names.call_id, names.local, names.remote);
    return (size_t)len;
}

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
    struct sipxfer_request request = {.struct_size = sizeof request};
    request.message = (struct sipxfer_str){worker->messages[number], worker->lens[number]};
    request.endpoint = request.user = str("bobby");
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
    worker->scratch = room(SIPXFER_SCRATCH_SIZE(LONGEST));
    worker->verdict.struct_size = sizeof worker->verdict;
    for (int number = 0; number < ROUND; number++)
        worker->messages[number] = room(LONGEST);
    unsigned fresh = MANY * 2 + (unsigned)worker->random % 7 * 100000000;
    for (unsigned round = 0; round < worker->rounds; round++) {
        for (int number = 0; number < ROUND; number++) {
            unsigned dialog = (unsigned)(next_random(&worker->random) % worker->dialogs);
            if (worker->kind == MISS)
                dialog += MANY;
            worker->lens[number] = (worker->kind == REFER ? refer : invite)(
                worker->messages[number], LONGEST, dialog, worker->more);
        }
        double start = seconds(CLOCK_MONOTONIC), began = seconds(CLOCK_THREAD_CPUTIME_ID);
        for (int number = 0; number < ROUND; number++) {
            /* One operation in ten: dialogs that begin in one round and end in the next. */
            if (!worker->churn || number % 10 != 9)
                one(worker, number);
            else if (round % 2 == 0)
                added[number] = add(worker->engine, fresh++);
            else
                MUST(sipxfer_dialog_remove(worker->engine, added[number], 0));
        }
        worker->spent += seconds(CLOCK_MONOTONIC) - start;
        worker->worked += seconds(CLOCK_THREAD_CPUTIME_ID) - began;
    }
    for (int number = 0; number < ROUND; number++)
        free(worker->messages[number]);
    free(worker->scratch);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
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
    qsort(times, REPEATS, sizeof times[0], compare);
    qsort(worked, REPEATS, sizeof worked[0], compare);
    return (struct cost){times[REPEATS / 2], worked[REPEATS / 2]};
}

/* ---- what nobody can do without: read each line, hash the names, miss the cache once ---- */

static double floor_of(size_t places)
{
    uint64_t *table = room(places * 64);
    char *message = room(LONGEST);
    uint64_t random = 1, sum = 0;
    double spent = 0;
    for (size_t place = 0; place < places; place++)
        table[place * 8] = place;
    for (unsigned round = 0; round < ROUNDS * 8; round++) {
        size_t len = invite(message, LONGEST, (unsigned)next_random(&random) % MANY, "");
        double start = seconds(CLOCK_MONOTONIC);
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
        spent += seconds(CLOCK_MONOTONIC) - start;
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
    struct worker hot = {.engine = engine_of(FEW), .dialogs = FEW, .more = ""};
    struct mallinfo2 before = mallinfo2();
    struct worker cold = {.engine = engine_of(MANY), .dialogs = MANY, .more = ""};
    struct mallinfo2 after = mallinfo2();
    size_t grown = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
    printf("bytes-per-dialog %.1f\n", (double)grown / MANY);
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
    char *text = room(bytes + 256);
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
    if (count != 4 || strcmp(arguments[1], "work") != 0) {
        fprintf(stderr, "usage: goals times | work KIND ROUNDS\n");
        return 2;
    }
    const char *kind = arguments[2];
    size_t bytes = 0;
    const char *length = strchr(kind, ':');
    if (length != NULL)
        bytes = strtoul(length + 1, NULL, 10);
    struct worker worker = {.engine = engine_of(FEW), .dialogs = FEW, .more = "", .random = 1};
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
