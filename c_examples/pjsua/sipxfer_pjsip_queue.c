/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is done later, where no lock is held: one thread at a time works it off.
 */
#include "sipxfer_pjsip_parts.h"

#include <stdlib.h>
#include <string.h>

#define THIS_FILE "sipxfer_pjsip_queue.c"

/* pjsip hands a request on within the same call; what still waits after this was not taken. */
#define WAIT_MS 5000

enum job_kind {
    JOB_PUMP,
    JOB_PROGRESS,
    JOB_CONTACT_FAILED,
    JOB_GIVE_UP,
    JOB_DECIDE,
    JOB_COMMAND,
    JOB_BYE,
    JOB_NOTIFY_ANSWERED,
    JOB_FORGET,
    JOB_CALL
};

struct job {
    struct job *next;
    enum job_kind kind;
    uint64_t transfer;
    unsigned code;
    char text[128];
    size_t text_len;
    void *argument;
    void (*call)(void *user, void *argument);
    void (*done)(uint64_t transfer, int32_t status);
};

/* With the mutex held, so that the entry is scheduled once. */
static void schedule(pj_timer_entry *entry, uint64_t delay_ms)
{
    pj_time_val delay = {(long)(delay_ms / 1000), (long)(delay_ms % 1000)};

    pjsip_endpt_cancel_timer(self.endpoint, entry);
    if (pjsip_endpt_schedule_timer(self.endpoint, entry, &delay) != PJ_SUCCESS)
        PJ_LOG(1, (THIS_FILE, "the timer heap is full"));
}

static void wake(void)
{
    if (!self.running && !self.scheduled) {
        self.scheduled = 1;
        schedule(&self.run, 0);
    }
}

static struct job *new_job(enum job_kind kind, uint64_t transfer, unsigned code)
{
    struct job *job = calloc(1, sizeof *job);

    if (job == NULL) {
        PJ_LOG(1, (THIS_FILE, "out of memory"));
        return NULL;
    }
    job->kind = kind;
    job->transfer = transfer;
    job->code = code;
    return job;
}

static void set_text(struct job *job, const char *text, size_t len)
{
    job->text_len = len < sizeof job->text ? len : sizeof job->text;
    if (job->text_len > 0)
        memcpy(job->text, text, job->text_len);
}

static void add_job(struct job *job)
{
    if (job == NULL)
        return;
    pj_mutex_lock(self.mutex);
    *self.last = job;
    self.last = &job->next;
    wake();
    pj_mutex_unlock(self.mutex);
}

/* ---- working it off ---- */

/* A report that comes too late is no fault: the transfer was over by then. */
static void report(const struct job *job)
{
    uint64_t now = sipxfer_pjsip_now();
    int32_t status = SIPXFER_OK;

    switch (job->kind) {
    case JOB_PROGRESS:
        status = sipxfer_transfer_progress(self.engine, job->transfer, job->code, job->text,
                                           job->text_len, now);
        break;
    case JOB_CONTACT_FAILED:
        status = sipxfer_transfer_contact_failed(self.engine, job->transfer, now);
        break;
    case JOB_GIVE_UP:
        status = sipxfer_transfer_give_up(self.engine, job->transfer, job->code, now);
        break;
    case JOB_DECIDE:
        status = sipxfer_transfer_decide(self.engine, job->transfer,
                                         job->code != 0 ? SIPXFER_YES : SIPXFER_NO, now);
        break;
    case JOB_COMMAND:
        status =
            sipxfer_transfer_command(self.engine, job->transfer, job->text, job->text_len, now);
        break;
    case JOB_BYE:
        status = sipxfer_transfer_bye(self.engine, job->transfer, now);
        break;
    case JOB_NOTIFY_ANSWERED:
        status = sipxfer_transfer_notify_answered(self.engine, job->transfer, job->code, now);
        break;
    default:
        break;
    }
    if (job->done != NULL)
        job->done(job->transfer, status);
    else if (status != SIPXFER_E_NOT_FOUND && status != SIPXFER_E_WRONG_STATE)
        sipxfer_pjsip_complain("a report", status);
}

static void work(struct job *job)
{
    switch (job->kind) {
    case JOB_FORGET:
        sipxfer_pjsip_forget(job->argument);
        break;
    case JOB_CALL:
        job->call(self.options.user, job->argument);
        break;
    default:
        report(job);
        sipxfer_pjsip_outputs(job->transfer);
    }
    free(job);
}

static struct job *take(void)
{
    struct job *job = self.first;

    if (job != NULL) {
        self.first = job->next;
        if (self.first == NULL)
            self.last = &self.first;
    }
    return job;
}

static void run(void)
{
    pj_mutex_lock(self.mutex);
    if (self.running) {
        pj_mutex_unlock(self.mutex);
        return;
    }
    self.running = 1;
    self.scheduled = 0;
    for (;;) {
        struct job *job = take();
        int tick = self.tick;
        self.tick = 0;
        if (job == NULL && !tick)
            break;
        pj_mutex_unlock(self.mutex);
        if (tick) {
            sipxfer_pjsip_complain("sipxfer_tick", sipxfer_tick(self.engine, sipxfer_pjsip_now()));
            sipxfer_pjsip_outputs(0);
            sipxfer_pjsip_refer_outputs(0);
        }
        if (job != NULL)
            work(job);
        pj_mutex_lock(self.mutex);
    }
    self.running = 0;
    pj_mutex_unlock(self.mutex);
}

static void on_run(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap, (void)entry;
    run();
}

static void on_tick(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    (void)heap, (void)entry;
    pj_mutex_lock(self.mutex);
    self.tick = 1;
    pj_mutex_unlock(self.mutex);
    run();
}

void sipxfer_pjsip_on_deadline(void *user, uint64_t deadline_ms)
{
    uint64_t now = sipxfer_pjsip_now();

    (void)user;
    pj_mutex_lock(self.mutex);
    if (deadline_ms == UINT64_MAX)
        pjsip_endpt_cancel_timer(self.endpoint, &self.deadline);
    else
        schedule(&self.deadline, deadline_ms > now ? deadline_ms - now : 0);
    pj_mutex_unlock(self.mutex);
}

/* ---- between the first module and where pjsip hands the request on ---- */

/* Those that have waited longer than this. */
static struct question *stale(uint64_t before_ms)
{
    struct question **at = &self.waiting, *found = NULL;

    while (*at != NULL) {
        struct question *question = *at;
        if (question->since_ms <= before_ms) {
            *at = question->next;
            question->next = found;
            found = question;
        } else {
            at = &question->next;
        }
    }
    return found;
}

static void drop_all(struct question *question)
{
    while (question != NULL) {
        struct question *next = question->next;
        sipxfer_pjsip_drop(question);
        question = next;
    }
}

static void on_sweep(pj_timer_heap_t *heap, pj_timer_entry *entry)
{
    struct question *found;

    (void)heap, (void)entry;
    pj_mutex_lock(self.mutex);
    found = stale(sipxfer_pjsip_now() - WAIT_MS);
    if (self.waiting != NULL)
        schedule(&self.sweep, WAIT_MS);
    pj_mutex_unlock(self.mutex);
    drop_all(found);
}

void sipxfer_pjsip_wait(pjsip_rx_data *rdata, struct question *question)
{
    rdata->endpt_info.mod_data[sipxfer_pjsip_first_module.id] = question;
    question->since_ms = sipxfer_pjsip_now();
    pj_mutex_lock(self.mutex);
    if (self.waiting == NULL)
        schedule(&self.sweep, WAIT_MS);
    question->next = self.waiting;
    self.waiting = question;
    pj_mutex_unlock(self.mutex);
}

struct question *sipxfer_pjsip_claim(pjsip_rx_data *rdata)
{
    struct question *wanted, **at;

    if (sipxfer_pjsip_first_module.id < 0)
        return NULL;
    wanted = rdata->endpt_info.mod_data[sipxfer_pjsip_first_module.id];
    rdata->endpt_info.mod_data[sipxfer_pjsip_first_module.id] = NULL;
    if (wanted == NULL)
        return NULL;
    pj_mutex_lock(self.mutex);
    for (at = &self.waiting; *at != NULL && *at != wanted; at = &(*at)->next)
        continue;
    if (*at == NULL)
        wanted = NULL; /* came too late */
    else
        *at = wanted->next;
    pj_mutex_unlock(self.mutex);
    return wanted;
}

/* ---- what goes into it ---- */

/* For who may hold a lock that goes before that of a dialog, as pjsua's. */
void sipxfer_pjsip_forget_later(struct question *question)
{
    struct job *job = question->verdict.pin != 0 ? new_job(JOB_FORGET, 0, 0) : NULL;

    if (job == NULL) {
        sipxfer_pjsip_forget(question);
        return;
    }
    job->argument = question;
    add_job(job);
}

void sipxfer_pjsip_pump(uint64_t transfer)
{
    add_job(new_job(JOB_PUMP, transfer, 0));
}

void sipxfer_pjsip_bye(uint64_t transfer)
{
    add_job(new_job(JOB_BYE, transfer, 0));
}

void sipxfer_pjsip_notify_answered(uint64_t transfer, unsigned code)
{
    add_job(new_job(JOB_NOTIFY_ANSWERED, transfer, code));
}

void sipxfer_pjsip_progress(uint64_t transfer, unsigned code, const pj_str_t *reason)
{
    struct job *job = new_job(JOB_PROGRESS, transfer, code);

    if (job != NULL && reason != NULL && reason->slen > 0)
        set_text(job, reason->ptr, (size_t)reason->slen);
    add_job(job);
}

void sipxfer_pjsip_contact_failed(uint64_t transfer)
{
    add_job(new_job(JOB_CONTACT_FAILED, transfer, 0));
}

void sipxfer_pjsip_give_up(uint64_t transfer, unsigned code)
{
    add_job(new_job(JOB_GIVE_UP, transfer, code));
}

void sipxfer_pjsip_decide(uint64_t transfer, pj_bool_t yes)
{
    add_job(new_job(JOB_DECIDE, transfer, yes ? 1 : 0));
}

void sipxfer_pjsip_command(uint64_t transfer, const char *state,
                           void (*done)(uint64_t transfer, int32_t status))
{
    struct job *job = new_job(JOB_COMMAND, transfer, 0);

    if (job != NULL) {
        set_text(job, state, strlen(state));
        job->done = done;
    }
    add_job(job);
}

void sipxfer_pjsip_later(void (*call)(void *user, void *argument), void *argument)
{
    struct job *job = new_job(JOB_CALL, 0, 0);

    if (job != NULL) {
        job->call = call;
        job->argument = argument;
    }
    add_job(job);
}

void sipxfer_pjsip_queue_init(void)
{
    self.last = &self.first;
    pj_timer_entry_init(&self.run, 0, NULL, on_run);
    pj_timer_entry_init(&self.deadline, 0, NULL, on_tick);
    pj_timer_entry_init(&self.sweep, 0, NULL, on_sweep);
}

/* Dialogs are given back; nothing is reported or asked for any more. */
void sipxfer_pjsip_queue_close(void)
{
    struct job *job;

    pjsip_endpt_cancel_timer(self.endpoint, &self.run);
    pjsip_endpt_cancel_timer(self.endpoint, &self.deadline);
    pjsip_endpt_cancel_timer(self.endpoint, &self.sweep);
    while ((job = take()) != NULL) {
        if (job->kind == JOB_FORGET)
            sipxfer_pjsip_forget(job->argument);
        free(job);
    }
    drop_all(stale(UINT64_MAX));
}
