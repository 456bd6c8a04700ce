/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Starts a process for each party of a scenario, tells them what to do, and compares the state
 * that they come to with the one that is expected.
 *
 *     demo [number of a scenario ...]
 */
#include "demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    SETTLE_MS = 5000, /* for a step of a scenario; it takes milliseconds */
    LIFETIME_S = 60   /* after which a process ends that the parent has lost */
};

struct stage {
    struct world world;
    pid_t pid[MAX_PARTIES];
    int control[MAX_PARTIES];
    int report;
    char state[MAX_PARTIES][480];
    const char *expected[MAX_PARTIES]; /* NULL: not asked */
    /* Messages and commands on their way. Each is counted when it is sent and again when all is
     * done that it causes, so at 0 nothing can happen any more but by time. */
    int in_flight;
    int waiting; /* parties that wait for a time */
    int failed;
};

/* A larger record could be torn apart in the pipe. */
typedef char record_fits[sizeof(struct record) <= _POSIX_PIPE_BUF ? 1 : -1];

static void fatal(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void party_open(struct party *party)
{
    socklen_t len = sizeof party->address;

    memset(&party->address, 0, sizeof party->address);
    party->address.sin_family = AF_INET;
    party->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    party->address.sin_port = 0; /* the kernel chooses */
    party->socket = socket(AF_INET, SOCK_DGRAM, 0);
    if (party->socket < 0 ||
        bind(party->socket, (struct sockaddr *)&party->address, sizeof party->address) != 0 ||
        getsockname(party->socket, (struct sockaddr *)&party->address, &len) != 0)
        fatal("socket");
}

/* The child's part: the sockets and pipes of the others are closed, or it would never see the end
 * of its own control pipe. */
static void party_play(struct stage *stage, int self, int control[MAX_PARTIES][2], int report[2])
{
    struct world *world = &stage->world;

    world->self = self;
    world->control = control[self][0];
    world->report = report[1];
    close(report[0]);
    for (int i = 0; i < world->count; i++) {
        close(control[i][1]);
        if (i == self)
            continue;
        close(control[i][0]);
        close(world->party[i].socket);
    }
    alarm(LIFETIME_S);
    (world->party[self].is_pbx ? pbx_run : phone_run)(world);
}

static void stage_open(struct stage *stage, const struct scenario *scenario, int number)
{
    struct world *world = &stage->world;
    int control[MAX_PARTIES][2], report[2];

    memset(stage, 0, sizeof *stage);
    world->self = -1;
    while (world->count < MAX_PARTIES && scenario->party[world->count].name != NULL) {
        world->party[world->count] = scenario->party[world->count];
        party_open(&world->party[world->count]);
        if (pipe(control[world->count]) != 0)
            fatal("pipe");
        world->count++;
    }
    if (pipe(report) != 0)
        fatal("pipe");
    stage->in_flight = world->count; /* each reports once when it has begun */
    ladder_begin(world, number, scenario->title);
    fflush(stdout); /* or each child would print it again */
    for (int i = 0; i < world->count; i++) {
        stage->pid[i] = fork();
        if (stage->pid[i] < 0)
            fatal("fork");
        if (stage->pid[i] == 0) {
            party_play(stage, i, control, report);
            exit(EXIT_SUCCESS);
        }
    }
    for (int i = 0; i < world->count; i++) {
        close(world->party[i].socket);
        close(control[i][0]);
        stage->control[i] = control[i][1];
    }
    close(report[1]);
    stage->report = report[0];
}

static void failure(struct stage *stage, const char *party, const char *what)
{
    printf("   FAILED: %s: %s\n", party, what);
    stage->failed = 1;
}

/* Reads one record; 0 at the end of the pipe or at the deadline. */
static int take_record(struct stage *stage, uint64_t deadline)
{
    struct record record;
    size_t have = 0;

    while (have < sizeof record) {
        struct pollfd fd = {stage->report, POLLIN, 0};
        uint64_t now = clock_ms();
        int ready = now < deadline ? poll(&fd, 1, (int)(deadline - now)) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return 0;
        ssize_t len = read(stage->report, (char *)&record + have, sizeof record - have);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return 0;
        have += (size_t)len;
    }
    switch (record.kind) {
    case RECORD_MESSAGE:
        stage->in_flight++;
        ladder_print(&record);
        break;
    case RECORD_NOTE:
        ladder_print(&record);
        break;
    case RECORD_WAITING:
        stage->waiting++;
        break;
    case RECORD_WAITED:
        stage->waiting--;
        break;
    case RECORD_HANDLED:
        stage->in_flight--;
        break;
    case RECORD_STATE:
        memcpy(stage->state[record.from], record.text, sizeof record.text);
        break;
    default:
        failure(stage, stage->world.party[record.from].name, record.text);
        break;
    }
    return 1;
}

void stage_tell(struct stage *stage, const char *party, const char *command)
{
    char text[COMMAND_SIZE] = "";
    int to = world_by_name(&stage->world, party);

    if (stage->failed)
        return;
    strncpy(text, command, sizeof text - 1);
    stage->in_flight++;
    if (write(stage->control[to], text, sizeof text) != (ssize_t)sizeof text)
        failure(stage, party, "is gone");
}

void stage_expect(struct stage *stage, const char *party, const char *state)
{
    stage->expected[world_by_name(&stage->world, party)] = state;
}

static void wait_and_compare(struct stage *stage, int for_times)
{
    uint64_t deadline = clock_ms() + SETTLE_MS;
    char text[1100];

    while ((stage->in_flight > 0 || (for_times && stage->waiting > 0)) && !stage->failed)
        if (!take_record(stage, deadline))
            failure(stage, "scenario",
                    "messages were lost, a deadline is far, or a process is gone");
    for (int i = 0; i < stage->world.count && !stage->failed; i++) {
        if (stage->expected[i] == NULL || strcmp(stage->expected[i], stage->state[i]) == 0)
            continue;
        snprintf(text, sizeof text, "expected \"%s\", is \"%s\"", stage->expected[i],
                 stage->state[i]);
        failure(stage, stage->world.party[i].name, text);
    }
}

void stage_pause(struct stage *stage)
{
    wait_and_compare(stage, 0);
}

void stage_settle(struct stage *stage)
{
    wait_and_compare(stage, 1);
}

static int stage_close(struct stage *stage)
{
    uint64_t deadline = clock_ms() + SETTLE_MS;

    for (int i = 0; i < stage->world.count; i++)
        close(stage->control[i]); /* which ends them */
    while (take_record(stage, deadline))
        continue;
    close(stage->report);
    for (int i = 0; i < stage->world.count; i++) {
        int status = 0;
        if (clock_ms() >= deadline)
            kill(stage->pid[i], SIGKILL);
        while (waitpid(stage->pid[i], &status, 0) < 0)
            if (errno != EINTR)
                fatal("waitpid");
        if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
            failure(stage, stage->world.party[i].name, "its process ended badly");
    }
    printf("\n");
    for (int i = 0; i < stage->world.count; i++)
        printf("   %-6s %s\n", stage->world.party[i].name, stage->state[i]);
    return !stage->failed;
}

int main(int argc, char **argv)
{
    static struct stage stage;
    int passed[MAX_SCENARIOS], ran = 0, failed = 0;

    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < scenario_count; i++) {
        int wanted = argc < 2;
        for (int arg = 1; arg < argc; arg++)
            wanted = wanted || atoi(argv[arg]) == i + 1;
        passed[i] = -1;
        if (!wanted)
            continue;
        stage_open(&stage, &scenarios[i], i + 1);
        scenarios[i].play(&stage);
        passed[i] = stage_close(&stage);
        failed += !passed[i];
        ran++;
    }
    printf("\n");
    for (int i = 0; i < scenario_count; i++)
        if (passed[i] >= 0)
            printf("%s  %d. %s\n", passed[i] ? "ok    " : "FAILED", i + 1, scenarios[i].title);
    printf("%d of %d scenarios ended as they should (sipxfer %s)\n", ran - failed, ran,
           sipxfer_version());
    return ran > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
