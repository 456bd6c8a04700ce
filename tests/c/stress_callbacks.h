/* What the two halves of stress_callbacks share. */
#ifndef STRESS_CALLBACKS_H
#define STRESS_CALLBACKS_H

#include <pthread.h>
#include <sipxfer.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORKERS = 4, ROUNDS = 400, DEEPEST = 2, MOST = 100000, SLOTS = 8 };

/* Every kind of callback; each is to have called back. */
enum kind {
    FIND,
    LOCK,
    UNLOCK,
    RELEASE,
    EXTENSION_EXISTS,
    TRANSFER_CONTEXT,
    ALLOW_TRANSFER,
    APPROVE,
    AUTHORIZE,
    LOG,
    ON_DEADLINE,
    KINDS
};

struct object {
    pthread_mutex_t mutex;
    atomic_uint state;
    atomic_int refs;
    unsigned slot;
    char call_id[32];
};

/* Ids in the order in which they came. */
struct ids {
    const char *what;
    atomic_long count;
    _Atomic uint64_t id[MOST];
};

extern struct sipxfer_engine *engine;
extern bool own_table;
extern atomic_long called_back[KINDS];
extern atomic_long created, freed, references, verdicts, failures;
extern atomic_uint turn;
extern _Atomic uint64_t clock_ms;

/* Received and sent transfers; and what their outputs said. */
extern struct ids begun, started, ended, over, sent, refers, sent_over;

/* How many callbacks this thread is in. */
extern _Thread_local unsigned depth;

/* The dialogs by slot. */
extern pthread_mutex_t list;
extern struct object *objects[SLOTS];

void fail(const char *what, long number);
void expect(const char *what, int32_t status);
void object_release(struct object *object);
void describe(struct object *object, struct sipxfer_dialog *out);
void replace(unsigned slot, bool put_another);
void drain(uint64_t transfer);
void drain_sent(uint64_t transfer);
void pass_time(void);
void questions(void);
void something(unsigned number);

#endif
