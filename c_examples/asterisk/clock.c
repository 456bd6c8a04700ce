/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The library's deadlines: a thread sleeps until the earliest one.
 */
#include "module.h"

#include <time.h>

static ast_mutex_t clock_lock = AST_MUTEX_INIT_VALUE;
static ast_cond_t clock_changed;
static pthread_t clock_thread = AST_PTHREADT_NULL;
static uint64_t clock_deadline = UINT64_MAX;
static int clock_stops;

void transfers_deadline(uint64_t deadline_ms)
{
    ast_mutex_lock(&clock_lock);
    clock_deadline = deadline_ms;
    if (clock_thread != AST_PTHREADT_NULL) {
        ast_cond_signal(&clock_changed);
    }
    ast_mutex_unlock(&clock_lock);
}

static void *clock_run(void *data)
{
    ast_mutex_lock(&clock_lock);
    while (!clock_stops) {
        uint64_t now = clock_ms();

        if (clock_deadline <= now) {
            clock_deadline = UINT64_MAX;
            ast_mutex_unlock(&clock_lock);
            sipxfer_tick(engine, now);
            outputs_take(0);
            ast_mutex_lock(&clock_lock);
        } else if (clock_deadline == UINT64_MAX) {
            ast_cond_wait(&clock_changed, &clock_lock);
        } else {
            struct timeval until = ast_tvadd(
                ast_tvnow(), ast_samp2tv((unsigned int)MIN(clock_deadline - now, 60000u), 1000));
            struct timespec at = {until.tv_sec, until.tv_usec * 1000};

            ast_cond_timedwait(&clock_changed, &clock_lock, &at);
        }
    }
    ast_mutex_unlock(&clock_lock);
    return NULL;
}

int clock_start(void)
{
    int failed;

    ast_cond_init(&clock_changed, NULL);
    ast_mutex_lock(&clock_lock);
    clock_stops = 0;
    failed = ast_pthread_create_background(&clock_thread, NULL, clock_run, NULL);
    if (failed) {
        clock_thread = AST_PTHREADT_NULL;
    }
    ast_mutex_unlock(&clock_lock);
    return failed ? -1 : 0;
}

void clock_stop(void)
{
    if (clock_thread == AST_PTHREADT_NULL) {
        return;
    }
    ast_mutex_lock(&clock_lock);
    clock_stops = 1;
    ast_cond_signal(&clock_changed);
    ast_mutex_unlock(&clock_lock);
    pthread_join(clock_thread, NULL);
    clock_thread = AST_PTHREADT_NULL;
}
