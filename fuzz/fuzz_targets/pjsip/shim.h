/* What the fuzz target asks pjsip's parsers. What is handed out is valid until the next call. */
#ifndef SHIM_H
#define SHIM_H

#include <stddef.h>

struct shim_text {
    const char *ptr;
    size_t len;
};

struct shim_replaces {
    struct shim_text call_id, to_tag, from_tag;
    int early_only;
};

struct shim_refer_to {
    struct shim_text scheme, user, password, host, method, replaces;
    int port;
    int is_sip;
    int has_replaces;
};

/* 0 where pjsip is ready. Once, before all else. */
int shim_open(void);
/* 1 where pjsip reads it, 0 where it refuses it. */
int shim_replaces(const char *text, size_t len, struct shim_replaces *out);
int shim_refer_to(const char *text, size_t len, struct shim_refer_to *out);

#endif
