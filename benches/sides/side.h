/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * One stack of the comparison: what it does with a message off a socket. */
#ifndef SIDE_H
#define SIDE_H

#include "../load.h"

/* How many work at once at most. */
enum { SIDE_WORKERS = 2 };

/* What a stack is asked to do with bytes: 200 or 481 where a dialog is looked for, otherwise the
 * length of what came out; -1 where it refuses the bytes. `worker` is what `worker()` has made. */
typedef int (*side_work)(void *worker, const char *bytes, size_t len);

struct side {
    const char *name;
    void (*open)(void);
    /* Begins so many confirmed dialogs. With `choose` it may set their local tags, which the others
     * then take. */
    void (*add)(unsigned dialogs, struct load_names *names, int choose);
    /* What one thread needs; called by that thread. */
    void *(*worker)(unsigned number);
    side_work hit, parse, response, refer_to, refer;
    void (*close)(void);
};

extern const struct side side_sipxfer, side_pjsip, side_sofia;

#endif
