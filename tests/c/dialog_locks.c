/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Goes before the libraries of an Asterisk (LD_PRELOAD) and tells, with the stack, where a thread
 * waits for the lock of a dialog while it holds that of another, or waits for a task of another
 * serializer while it holds any or is in a serializer itself. Two threads that do so the other way
 * round wait for each other for ever.
 *
 * The file is named by SIPXFER_DIALOG_LOCKS. Its last line says how many locks were taken.
 */
#include <dlfcn.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST   64
#define FRAMES 40

struct pjsip_dialog;
struct ast_taskprocessor;
typedef int (*task)(void *);

void pjsip_dlg_inc_lock(struct pjsip_dialog *dlg);
int pjsip_dlg_try_inc_lock(struct pjsip_dialog *dlg);
void pjsip_dlg_dec_lock(struct pjsip_dialog *dlg);
int ast_sip_push_task_wait_serializer(struct ast_taskprocessor *serializer, task run, void *data);

static _Thread_local const struct pjsip_dialog *held[MOST];
static _Thread_local int count;
static atomic_long taken;

/* The next one of this name; a program without it has no business here. */
static void *next(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL) {
        found = dlsym(RTLD_DEFAULT, name);
    }
    if (found == NULL) {
        abort();
    }
    return found;
}

static FILE *report(void)
{
    const char *name = getenv("SIPXFER_DIALOG_LOCKS");

    return name != NULL ? fopen(name, "a") : NULL;
}

static void tell(const char *what)
{
    void *frames[FRAMES];
    int size = backtrace(frames, FRAMES);
    char **names = backtrace_symbols(frames, size);
    FILE *file = report();

    if (file != NULL && names != NULL) {
        /* One writer at a time, so that stacks do not mix. */
        flockfile(file);
        setvbuf(file, NULL, _IOFBF, 1 << 16);
        fprintf(file, "%s\n", what);
        for (int i = 0; i < size; i++) {
            fprintf(file, "    %s\n", names[i]);
        }
        fputc('\n', file);
        funlockfile(file);
    }
    if (file != NULL) {
        fclose(file);
    }
    free(names);
}

static void look(const struct pjsip_dialog *dlg)
{
    for (int i = 0; i < count && i < MOST; i++) {
        if (held[i] != dlg) {
            tell("waits for a dialog and holds another");
            return;
        }
    }
}

static void push(const struct pjsip_dialog *dlg)
{
    atomic_fetch_add(&taken, 1);
    if (count < MOST) {
        held[count] = dlg;
    }
    count++;
}

static void pop(const struct pjsip_dialog *dlg)
{
    int at = count < MOST ? count : MOST;

    while (at > 0 && held[at - 1] != dlg) {
        at--;
    }
    if (at == 0) {
        return; /* taken by another way */
    }
    for (count--; at < count && at < MOST; at++) {
        held[at - 1] = held[at];
    }
}

void pjsip_dlg_inc_lock(struct pjsip_dialog *dlg)
{
    static void (*real)(struct pjsip_dialog *);

    if (real == NULL) {
        real = (void (*)(struct pjsip_dialog *))next("pjsip_dlg_inc_lock");
    }
    look(dlg);
    real(dlg);
    push(dlg);
}

int pjsip_dlg_try_inc_lock(struct pjsip_dialog *dlg)
{
    static int (*real)(struct pjsip_dialog *);
    int status;

    if (real == NULL) {
        real = (int (*)(struct pjsip_dialog *))next("pjsip_dlg_try_inc_lock");
    }
    /* pjsip_ua_find_dialog() tries until it has it, which is waiting. */
    look(dlg);
    status = real(dlg);
    if (status == 0) {
        push(dlg);
    }
    return status;
}

void pjsip_dlg_dec_lock(struct pjsip_dialog *dlg)
{
    static void (*real)(struct pjsip_dialog *);

    if (real == NULL) {
        real = (void (*)(struct pjsip_dialog *))next("pjsip_dlg_dec_lock");
    }
    pop(dlg);
    real(dlg);
}

int ast_sip_push_task_wait_serializer(struct ast_taskprocessor *serializer, task run, void *data)
{
    static int (*real)(struct ast_taskprocessor *, task, void *);
    static int (*is_task)(struct ast_taskprocessor *);
    static int (*is_servant)(void);

    if (real == NULL) {
        is_task = (int (*)(struct ast_taskprocessor *))next("ast_taskprocessor_is_task");
        is_servant = (int (*)(void))next("ast_sip_thread_is_servant");
        real = (int (*)(struct ast_taskprocessor *, task, void *))next(
            "ast_sip_push_task_wait_serializer");
    }
    if (serializer != NULL && !is_task(serializer) && (count > 0 || is_servant())) {
        tell(count > 0 ? "waits for a task and holds a dialog" : "waits for a task in another");
    }
    return real(serializer, run, data);
}

__attribute__((destructor)) static void sum(void)
{
    FILE *file = atomic_load(&taken) > 0 ? report() : NULL;

    if (file != NULL) {
        fprintf(file, "locks taken: %ld\n", atomic_load(&taken));
        fclose(file);
    }
}
