/* Loads the library and lets it go, in the ways in which hosts do.
 *
 *     loading rounds FILE    a thousand times, with threads of the host that outlive it
 *     loading two FILE FILE  two copies at once
 *     loading fork FILE      parent and child go on with the same engine
 *     loading quiet FILE     nothing is asked of the system but memory and random bytes */
#include "one_of_each.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- what the process asks for: these take the place of the C library's ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *old);

static atomic_long blocks, bytes, asked;

static void *counted(void *block)
{
    if (block != NULL) {
        blocks++;
        bytes += (long)malloc_usable_size(block);
    }
    return block;
}

static void uncounted(void *block)
{
    if (block != NULL) {
        blocks--;
        bytes -= (long)malloc_usable_size(block);
    }
}

void *malloc(size_t size)
{
    return counted(__libc_malloc(size));
}
void *calloc(size_t count, size_t size)
{
    return counted(__libc_calloc(count, size));
}
void *realloc(void *old, size_t size)
{
    uncounted(old);
    return counted(__libc_realloc(old, size));
}
int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = counted(__libc_memalign(alignment, size));
    return *out == NULL ? ENOMEM : 0;
}
void free(void *old)
{
    uncounted(old);
    __libc_free(old);
}

static void note(const char *name)
{
    asked++;
    fprintf(stderr, "the library has called %s\n", name);
}

static atomic_bool watching;

char *getenv(const char *name)
{
    (void)name;
    if (watching)
        note("getenv");
    return NULL;
}
int clock_gettime(clockid_t clock, struct timespec *now)
{
    if (watching)
        note("clock_gettime");
    return (int)syscall(SYS_clock_gettime, clock, now);
}

/* ---- what the process has ---- */

struct state {
    long blocks, bytes, descriptors, mappings, mapped, heap;
};

/* Lines and bytes of /proc/self/maps, by system calls alone. The stack grows as it likes, and what
 * lies in the heap is counted by blocks. */
static void read_maps(struct state *state)
{
    static char text[1 << 20];
    size_t length = 0;
    ssize_t got;
    int file = open("/proc/self/maps", O_RDONLY);
    must_be(file >= 0, "the mappings can be read");
    while ((got = read(file, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    close(file);
    text[length] = 0;
    for (char *line = text; *line != 0;) {
        char *end = strchr(line, '\n');
        unsigned long from = 0, to = 0;
        *end = 0;
        must_be(sscanf(line, "%lx-%lx", &from, &to) == 2, "a mapping");
        if (strstr(line, "[heap]") != NULL) {
            state->heap = (long)(to - from);
        } else if (strstr(line, "[stack]") == NULL) {
            state->mappings++;
            state->mapped += (long)(to - from);
        }
        line = end + 1;
    }
}

static struct state state_now(void)
{
    struct state state = {.blocks = blocks, .bytes = bytes};
    for (int file = 0; file < 1024; file++)
        state.descriptors += fcntl(file, F_GETFD) != -1;
    read_maps(&state);
    return state;
}

static void print_state(int round, const struct state *state)
{
    printf("round %d: %ld blocks, %ld bytes, %ld descriptors, %ld mappings of %ld bytes\n", round,
           state->blocks, state->bytes, state->descriptors, state->mappings, state->mapped);
    printf("heap of %ld bytes\n", state->heap);
}

/* ---- loaded a thousand times ---- */

/* One more than is measured: the threads that stay are still there when it is. */
enum { MEASURED = 1000, ROUNDS, STAYING = 2 };

static const struct sipxfer_api *in_use;
static pthread_barrier_t begin, done;

static void *work_in_each_round(void *unused)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&begin);
        one_of_each(in_use);
        pthread_barrier_wait(&done);
    }
    return unused;
}

/* Is inside once, and ends only after the library has been let go. */
static pthread_barrier_t let_go;

static void *outlive_one(void *unused)
{
    one_of_each(in_use);
    pthread_barrier_wait(&begin);
    pthread_barrier_wait(&let_go);
    return unused;
}

static int rounds(const char *path)
{
    pthread_t staying[STAYING], leaving;
    struct state tenth = {0}, last = {0};
    pthread_barrier_init(&begin, NULL, STAYING + 2);
    pthread_barrier_init(&done, NULL, STAYING + 1);
    pthread_barrier_init(&let_go, NULL, 2);
    for (int at = 0; at < STAYING; at++)
        must_be(pthread_create(&staying[at], NULL, work_in_each_round, NULL) == 0, "a thread");
    for (int round = 1; round <= ROUNDS; round++) {
        void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        in_use = table_of(library);
        must_be(pthread_create(&leaving, NULL, outlive_one, NULL) == 0, "a thread");
        pthread_barrier_wait(&begin);
        one_of_each(in_use);
        pthread_barrier_wait(&done);
        must_be(in_use->panic_count() == 0, "no fault inside");
        must_be(dlclose(library) == 0, "dlclose");
        pthread_barrier_wait(&let_go);
        pthread_join(leaving, NULL);
        if (round == 10)
            tenth = state_now();
        if (round == MEASURED)
            last = state_now();
    }
    for (int at = 0; at < STAYING; at++)
        pthread_join(staying[at], NULL);
    print_state(10, &tenth);
    print_state(MEASURED, &last);
    must_be(tenth.blocks == last.blocks, "as many blocks of memory as after the tenth");
    /* The C library rounds a block up by what is too little for another one. */
    must_be(labs(tenth.bytes - last.bytes) <= 16 * last.blocks, "as many bytes in them");
    must_be(tenth.descriptors == last.descriptors, "as many descriptors");
    must_be(tenth.mappings == last.mappings, "as many mappings");
    must_be(tenth.mapped == last.mapped, "as much that is mapped");
    /* Its blocks are counted above. How many threads were inside at the same time decides how far
     * it reaches; 4 KiB lost in each round would be more than this. */
    must_be(last.heap <= tenth.heap + (4000 << 10), "no heap that grows");
    return 0;
}

/* ---- two copies ---- */

static void *copy_at_work(void *api)
{
    for (int round = 0; round < 200; round++)
        one_of_each(api);
    return NULL;
}

static int two(const char *path, const char *other)
{
    /* The worst case: each may find the functions of the other by name. */
    void *libraries[2] = {dlopen(path, RTLD_NOW | RTLD_GLOBAL),
                          dlopen(other, RTLD_NOW | RTLD_GLOBAL)};
    const struct sipxfer_api *apis[2] = {table_of(libraries[0]), table_of(libraries[1])};
    must_be(apis[0] != apis[1], "two tables");
    must_be(apis[0]->engine_new != apis[1]->engine_new, "each table has its own functions");
    must_be(apis[0]->version() != apis[1]->version(), "they are two copies");

    struct sipxfer_engine *engines[2] = {engine_begin(apis[0]), engine_begin(apis[1])};
    uint64_t first = transfer_begin(apis[0], engines[0]);
    uint64_t second = transfer_begin(apis[1], engines[1]);
    if (first != second)
        must_be(apis[1]->transfer_bye(engines[1], first, 1000) == SIPXFER_E_NOT_FOUND,
                "what the one began is unknown to the other");
    transfer_end(apis[0], engines[0], first);
    engine_end(apis[0], engines[0]);
    must_be(dlclose(libraries[0]) == 0, "dlclose of the first");
    transfer_end(apis[1], engines[1], second);
    engine_end(apis[1], engines[1]);

    pthread_t threads[2];
    for (int at = 0; at < 2; at++)
        must_be(pthread_create(&threads[at], NULL, copy_at_work, (void *)apis[at]) == 0, "thread");
    for (int at = 0; at < 2; at++)
        pthread_join(threads[at], NULL);
    must_be(apis[0]->panic_count() + apis[1]->panic_count() == 0, "no fault inside");
    must_be(dlclose(libraries[1]) == 0, "dlclose of the second");
    puts("two copies, and neither knows of the other");
    return 0;
}

/* ---- fork ---- */

static int forked(const char *path)
{
    const struct sipxfer_api *api = table_of(dlopen(path, RTLD_NOW | RTLD_LOCAL));
    struct sipxfer_engine *engine = engine_begin(api);
    uint64_t transfer = transfer_begin(api, engine);
    char theirs[SIPXFER_PARK_TOKEN_SIZE], ours[SIPXFER_PARK_TOKEN_SIZE];
    int ends[2], status = 0;
    must_be(pipe(ends) == 0, "a pipe");
    pid_t child = fork();
    must_be(child >= 0, "fork");
    if (child == 0) {
        one_of_each(api); /* an engine made after */
        verdict_of(api, engine);
        secret_of(api, engine, ours);
        transfer_end(api, engine, transfer);
        engine_end(api, engine);
        must_be(write(ends[1], ours, sizeof ours) == sizeof ours, "the secret goes to the parent");
        must_be(api->panic_count() == 0, "no fault inside");
        exit(0);
    }
    close(ends[1]);
    must_be(read(ends[0], theirs, sizeof theirs) == sizeof theirs, "the child's secret");
    must_be(waitpid(child, &status, 0) == child && status == 0, "the child ends well");
    /* Nothing of what the child did was done here. */
    verdict_of(api, engine);
    secret_of(api, engine, ours);
    transfer_end(api, engine, transfer);
    engine_end(api, engine);
    must_be(memcmp(ours, theirs, sizeof ours) != 0, "a secret of its own on each side");
    must_be(api->panic_count() == 0, "no fault inside");
    puts("parent and child have both come to the end");
    return 0;
}

/* ---- quiet ---- */

static void *quiet_thread(void *api)
{
    one_of_each(api);
    return NULL;
}

static int quiet(const char *path)
{
    pthread_t thread;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    must_be(pthread_create(&thread, NULL, quiet_thread, (void *)table_of(library)) == 0, "thread");
    pthread_join(thread, NULL);
    /* Closing what is not open is how the trace is told where to begin and to end. */
    watching = 1;
    close(-71);
    one_of_each(table_of(library));
    dlclose(library);
    close(-72);
    watching = 0;
    must_be(asked == 0, "it asks for nothing");
    puts("nothing was asked for");
    return 0;
}

int main(int argc, char **argv)
{
    mallopt(M_ARENA_MAX, 1);
    if (argc == 3 && strcmp(argv[1], "rounds") == 0)
        return rounds(argv[2]);
    if (argc == 4 && strcmp(argv[1], "two") == 0)
        return two(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "fork") == 0)
        return forked(argv[2]);
    if (argc == 3 && strcmp(argv[1], "quiet") == 0)
        return quiet(argv[2]);
    fprintf(stderr, "usage: loading rounds|fork|quiet FILE, or two FILE FILE\n");
    return 2;
}
