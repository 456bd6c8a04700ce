/* A host whose callbacks do what a test tells them to. */
#ifndef CALLBACKS_H
#define CALLBACKS_H

#include <sipxfer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum engine_kind { OWN_TABLE, CALLBACKS };
enum request_kind { VERIFY, ROUTE, ROUTE_REMOTE, ROUTE_TOKEN, ROUTE_BLIND };

/* Which callback is being called. */
enum place {
    IN_FIND,
    IN_LOCK,
    IN_UNLOCK,
    IN_RELEASE,
    IN_EXTENSION_EXISTS,
    IN_TRANSFER_CONTEXT,
    IN_ALLOW_TRANSFER,
    IN_APPROVE,
    IN_AUTHORIZE,
    IN_VERIFY_TOKEN,
    IN_LOG,
    PLACES
};

/* How the callbacks behave; honest() is the start of each test. */
struct act {
    int32_t find_status;
    void (*distort)(struct sipxfer_dialog *out); /* after find has told the truth */
    int32_t lock_status;
    bool lock_is_silent; /* does not write the state */
    uint32_t lock_state;
    int32_t extension, allow, approve, authorize, verify_token, random;
    int32_t context_status;
    bool context_is_silent;
    size_t context_len;
    void (*inside)(enum place place); /* calls back into the library */
    bool by_host;                     /* only the authorize callback can allow it */
};

extern struct act act;
extern struct sipxfer_engine *engine;
extern enum engine_kind engine_kind;
/* The dialog's id in the engine's own table. */
extern uint64_t dialog_id;
extern unsigned long called[PLACES];
extern int failures;

void honest(void);
void complain(const char *test, const char *what, long got);

/* One request against an engine of this kind, from its making to its end; counts of references
 * and locks are compared then. */
struct outcome {
    int32_t status;
    uint32_t kind, code, state;
};
struct outcome play(const char *test, enum engine_kind kind, enum request_kind request, bool lock);
/* One request against the engine that is there, its verdict given back. */
struct outcome ask(const char *test, enum request_kind request, bool lock);
/* A dialog was added: one release more is to come. */
void took_reference(void);
struct sipxfer_dialog_key host_key(void);
struct sipxfer_dialog host_dialog(void);
struct sipxfer_str literal(const char *text);

/* The tables of this host, and an engine made of them. */
struct sipxfer_directory directory_of(enum engine_kind kind);
struct sipxfer_host whole_host(void);
int32_t engine_make(const struct sipxfer_directory *directory, const struct sipxfer_host *host);
/* How often a destroy callback was called. */
extern long destroyed;

/* callbacks_again.c: callbacks that call the library. */
void callbacks_that_call_back(void);
/* callbacks_lookups.c: lookups on other nodes. */
void lookups_fail_and_lie(void);

#endif
