/* The world of the hostile tests: an engine, a host behind it, and memory that is exactly as long
 * as it is said to be, so that a byte read or written beside it is noticed. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <sipxfer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum engine_kind { OWN_TABLE, CALLBACKS };

/* What the host's callbacks count: in the end every reference and every lock was given back. */
struct counts {
    long references, releases, locks, unlocks, destroyed;
};

struct world {
    const struct sipxfer_api *api;
    enum engine_kind kind;
    struct sipxfer_engine *engine;
    struct sipxfer_config *config;
    struct sipxfer_engine *spare_engine;
    struct sipxfer_config *spare_config;
    uint64_t id;
    /* The verdict that the call works on, and a copy of what it was. */
    struct sipxfer_verdict *verdict;
    struct sipxfer_verdict held;
    struct counts counts;
    struct block *blocks;
};

/* There is one world at a time; callbacks find it here, whatever `user` they are given. */
extern struct world *the_world;

struct world *world_new(enum engine_kind kind);
/* Ends the engine and compares what was taken with what was given back. Returns what is wrong, or
 * NULL. */
const char *world_free(struct world *world);

/* `size` bytes, filled with 0xA5, that live as long as the world. */
void *keep(struct world *world, size_t size);
/* The bytes of a literal without its NUL. */
const char *keep_text(struct world *world, const char *text);
/* Bytes behind this block may not be touched; says whether they were. */
bool is_intact(const void *block);

/* Valid structs, in a block of their exact size with struct_size set. */
struct sipxfer_dialog_key *base_sipxfer_dialog_key(struct world *world);
struct sipxfer_dialog *base_sipxfer_dialog(struct world *world);
struct sipxfer_directory *base_sipxfer_directory(struct world *world);
struct sipxfer_host *base_sipxfer_host(struct world *world);
struct sipxfer_engine_options *base_sipxfer_engine_options(struct world *world);
struct sipxfer_request *base_sipxfer_request(struct world *world);
struct sipxfer_request *base_refer(struct world *world);
struct sipxfer_verdict *base_sipxfer_verdict(struct world *world);
struct sipxfer_verdict *base_refusal(struct world *world);
struct sipxfer_replaces *base_sipxfer_replaces(struct world *world);
struct sipxfer_target_dialog *base_sipxfer_target_dialog(struct world *world);
struct sipxfer_refer_to_target *base_sipxfer_refer_to_target(struct world *world);
struct sipxfer_invite_headers *base_sipxfer_invite_headers(struct world *world);
struct sipxfer_referred_by *base_sipxfer_referred_by(struct world *world);
struct sipxfer_event_header *base_sipxfer_event_header(struct world *world);
struct sipxfer_subscription_state *base_sipxfer_subscription_state(struct world *world);

/* A struct to be written by the library: its bytes are not zero, its struct_size is set. */
void *new_out(struct world *world, size_t size);

struct sipxfer_str str_of(struct world *world, const char *text);
int32_t base_peer_leg(void *user, const struct sipxfer_dialog_key *key,
                      struct sipxfer_dialog_key *peer);

/* Stops the program when a call that prepares a test does not work. */
#define MUST(call) must((call), #call, __FILE__, __LINE__)
void must(int32_t status, const char *call, const char *file, int line);

/* One spot of a function's arguments that can be made wrong. */
enum knob_kind { POINTER, TEXT, BUFFER, SCRATCH, STRUCT, NUMBER32, NUMBER64, INDEX, CALLBACK };

enum knob_flags {
    READ = 1,      /* the library reads it */
    WRITTEN = 2,   /* the library writes it */
    OPTIONAL = 4,  /* NULL is fine */
    ANY = 8,       /* any value is in order, or which are is not said */
    ID = 16,       /* another value names nothing */
    NO_EFFECT = 32 /* NULL is answered, but not with SIPXFER_E_NULL */
};

struct knob {
    enum knob_kind kind;
    unsigned flags;
    const char *name;
    /* From the arguments to the block that holds the spot: pointers to follow. */
    unsigned depth;
    size_t path[3];
    size_t at;        /* the pointer or number */
    size_t length_at; /* its length */
    size_t needed_at; /* the pointer to the length needed */
    size_t size;      /* of the struct behind it */
};

struct function {
    const char *name;
    size_t arguments_size;
    void (*fill)(struct world *world, void *arguments);
    int32_t (*call)(struct world *world, void *arguments);
    /* Gives back what a call that succeeded handed out. */
    void (*after)(struct world *world, void *arguments, int32_t status);
    bool has_engine;
    bool of_own_table;
    const struct knob *knobs;
    size_t knob_count;
};

extern const struct function functions[];
extern const size_t function_count;
/* Every status of the header but the one for a fault in the library. */
extern const int32_t statuses[];
extern const size_t status_count;

/* Text out of the library: never NULL, and readable to its end. */
int32_t check_c_string(const char *text);

#endif
