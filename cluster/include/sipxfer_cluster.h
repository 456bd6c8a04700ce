/* sipxfer_cluster: several PBXes as one for the call transfers of sipxfer, over Valkey or Redis.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A library of its own, with threads of its own: what a call waits for never goes over a network here.
 * It knows the engine of libsipxfer only by what the host hands it (sipxfer_cluster_attach()).
 *
 * The conventions are those of sipxfer.h, its statuses and its structs included.
 *
 * This file is generated. Change the comments in cluster/src/ffi.rs and below cluster/src/ffi instead.
 */

#ifndef SIPXFER_CLUSTER_H
#define SIPXFER_CLUSTER_H

#include "sipxfer.h"

/**
 * Major number of the ABI; the soname carries it.
 */
#define SIPXFER_CLUSTER_ABI_MAJOR 0

/**
 * Grows with every addition to the ABI.
 */
#define SIPXFER_CLUSTER_ABI_MINOR 1

/**
 * One node of a cluster, with its threads; opaque.
 */
struct sipxfer_cluster;

/**
 * How a node is made. The names behind `cluster.` are those of the settings that hosts offer.
 */
struct sipxfer_cluster_options {
    /**
     * `sizeof (struct sipxfer_cluster_options)`.
     */
    size_t struct_size;
    /**
     * `cluster.url`: where the server is, as `redis://HOST:PORT/DB` or `valkey://...`, over TLS
     * `rediss://...` or `valkeys://...`, or `unix:///PATH`.
     */
    struct sipxfer_str url;
    /**
     * `cluster.node`: the name of this node, 1 to 64 letters, digits, dashes, dots and underscores; no other
     * node of the cluster has it.
     */
    struct sipxfer_str node;
    /**
     * `cluster.uri`: the sip or sips URI under which this node takes INVITEs with Replaces from the other
     * nodes.
     */
    struct sipxfer_str uri;
    /**
     * `cluster.user`: the name towards the server, where it wants one; or empty.
     */
    struct sipxfer_str user;
    /**
     * The password towards the server, handed over by the host; or empty. Never logged.
     */
    struct sipxfer_str password;
    /**
     * `cluster.password_file`: a file whose first line is the password; or empty.
     */
    struct sipxfer_str password_file;
    /**
     * `cluster.ca_file`: a file with the certificates of who signs for the server, as PEM; empty for those
     * of the system.
     */
    struct sipxfer_str ca_file;
    /**
     * `cluster.lease_s`: how long the dialogs of a node that died can still be found; 0 for 15 seconds.
     */
    uint32_t lease_s;
    /**
     * `cluster.deadline_ms`: how long the server may take for a lookup; 0 for 200 milliseconds. The same
     * as the engine's setting of this name.
     */
    uint32_t deadline_ms;
    /**
     * How many dialogs are published at most; 0 for 200000. What is more is not found by other nodes.
     */
    uint32_t max_dialogs;
    /**
     * How many lookups wait at most; 0 for 256.
     */
    uint32_t max_lookups;
    /**
     * Handed to `log`.
     */
    void *log_user;
    /**
     * A log line, without line end; level is `SIPXFER_LOG_*`. Called by any thread, also by those of the
     * node, and at most some times for each time that the server comes and goes; may be NULL.
     */
    void (*log)(void *user, uint32_t level, struct sipxfer_str text);
};

/**
 * `sipxfer_lookup_resume()` as a function of a library that this one is not linked with.
 */
typedef int32_t (*sipxfer_cluster_resume)(const struct sipxfer_engine *engine,
                                          uint64_t lookup,
                                          int32_t status,
                                          const struct sipxfer_remote_dialog *dialog,
                                          uint64_t now_ms);

/**
 * What a node has counted since it was made.
 */
struct sipxfer_cluster_stats {
    /**
     * `sizeof (struct sipxfer_cluster_stats)`, set by the caller.
     */
    size_t struct_size;
    /**
     * States of dialogs that have reached the server.
     */
    uint64_t published;
    /**
     * Ends of dialogs that have reached it.
     */
    uint64_t removed;
    /**
     * Dialogs that were not published: there were too many, or their Call-ID and tags are longer than
     * 1024 bytes.
     */
    uint64_t dropped;
    /**
     * How often everything was published anew, because the server was away.
     */
    uint64_t resyncs;
    /**
     * Connections that were made.
     */
    uint64_t connects;
    /**
     * Connections that failed, or could not be made.
     */
    uint64_t failures;
    /**
     * How often the lease was renewed.
     */
    uint64_t renewals;
    /**
     * How often it was not, because another process has begun later under the same name.
     */
    uint64_t conflicts;
    /**
     * Lookups that were asked for.
     */
    uint64_t lookups;
    /**
     * Those that found a dialog.
     */
    uint64_t found;
    /**
     * Those that found none.
     */
    uint64_t not_found;
    /**
     * Those that found several.
     */
    uint64_t ambiguous;
    /**
     * Those that were answered at once, because the server is away.
     */
    uint64_t refused_away;
    /**
     * Those that were answered at once, because too many waited.
     */
    uint64_t refused_full;
    /**
     * Those whose time had passed before the server answered.
     */
    uint64_t expired;
    /**
     * Faults inside the library that were caught.
     */
    uint64_t panics;
    /**
     * How many dialogs there are now.
     */
    uint64_t dialogs;
    /**
     * How many of their states and ends have still to reach the server.
     */
    uint64_t waiting;
    /**
     * 1 where the lease of this node stood on the server when it was looked at last.
     */
    uint32_t is_publishing;
    /**
     * How many threads have a connection to ask by.
     */
    uint32_t askers;
};

/**
 * The functions of this library, for dlopen.
 */
struct sipxfer_cluster_api {
    /**
     * `sizeof (struct sipxfer_cluster_api)` of the library.
     */
    size_t struct_size;
    /**
     * `SIPXFER_CLUSTER_ABI_MAJOR` of the library.
     */
    uint32_t abi_major;
    /**
     * `SIPXFER_CLUSTER_ABI_MINOR` of the library.
     */
    uint32_t abi_minor;
    /**
     * `sipxfer_cluster_new()`.
     */
    int32_t (*create)(const struct sipxfer_cluster_options *options,
                      struct sipxfer_cluster **cluster);
    /**
     * `sipxfer_cluster_free()`.
     */
    void (*destroy)(struct sipxfer_cluster *cluster);
    /**
     * `sipxfer_cluster_attach()`.
     */
    int32_t (*attach)(struct sipxfer_cluster *cluster,
                      const struct sipxfer_engine *engine,
                      sipxfer_cluster_resume resume);
    /**
     * `sipxfer_cluster_lookup()`.
     */
    int32_t (*lookup)(void *cluster, uint64_t lookup, const struct sipxfer_dialog_key *key);
    /**
     * `sipxfer_cluster_publish()`.
     */
    int32_t (*publish)(const struct sipxfer_cluster *cluster, const struct sipxfer_dialog *dialog);
    /**
     * `sipxfer_cluster_remove()`.
     */
    int32_t (*remove)(const struct sipxfer_cluster *cluster, const struct sipxfer_dialog_key *key);
    /**
     * `sipxfer_cluster_stats()`.
     */
    int32_t (*stats)(const struct sipxfer_cluster *cluster, struct sipxfer_cluster_stats *stats);
    /**
     * `sipxfer_cluster_version()`.
     */
    const char *(*version)(void);
    /**
     * `sipxfer_cluster_park()`.
     */
    int32_t (*park)(const struct sipxfer_cluster *cluster,
                    const struct sipxfer_dialog *dialog,
                    struct sipxfer_str token);
    /**
     * `sipxfer_cluster_unpark()`.
     */
    int32_t (*unpark)(const struct sipxfer_cluster *cluster, struct sipxfer_str token);
    /**
     * `sipxfer_cluster_lookup_parked()`.
     */
    int32_t (*lookup_parked)(void *cluster,
                             uint64_t lookup,
                             struct sipxfer_str token,
                             const struct sipxfer_dialog_key *key);
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a node. It connects by itself, and goes on trying as long as the server is away; nothing here
 * waits for that.
 *
 * Returns `SIPXFER_OK`, `SIPXFER_E_BAD_VALUE` where a setting cannot be used (`log` gets a sentence about
 * it, without the password), `SIPXFER_E_RANDOM`, `SIPXFER_E_NOMEM` where there are no threads, or the
 * status of a wrong argument. Threads: any.
 *
 * Requires:
 * `options` points to a struct whose `struct_size` is set and whose strings hold, `cluster` to a writable
 * pointer.
 */
int32_t sipxfer_cluster_new(const struct sipxfer_cluster_options *options,
                            struct sipxfer_cluster **cluster);

/**
 * Ends a node: takes its lease away, which makes its dialogs vanish for the others, and waits until its
 * threads have ended, which may take as long as the server may take to answer (some seconds). NULL does
 * nothing. No other call on it may be under way, and the engine's `lookup` is not called any more or
 * is one of the host's that knows.
 *
 * A host ends it before the engine, or attaches NULL first.
 *
 * Requires:
 * `cluster` came from `sipxfer_cluster_new()` and was not freed before.
 */
void sipxfer_cluster_free(struct sipxfer_cluster *cluster);

/**
 * Says which engine gets the answers, and by what function: `sipxfer_lookup_resume()`. NULL for none.
 * When this returns, the engine before gets none any more.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any, but for one that is inside
 * `resume`, which would wait for itself.
 *
 * Requires:
 * `cluster` is valid; `engine` stays valid until another one is attached, or the node is freed.
 */
int32_t sipxfer_cluster_attach(struct sipxfer_cluster *cluster,
                               const struct sipxfer_engine *engine,
                               sipxfer_cluster_resume resume);

/**
 * The `lookup` callback of a `struct sipxfer_directory` whose `lookup_user` is the node. Looks for the
 * dialog on the server, with a deadline, and answers by the function that was attached.
 *
 * Returns `SIPXFER_E_PENDING`, or `SIPXFER_E_NOT_FOUND` where the server is away, too many lookups wait, or
 * `cluster` is NULL. Threads: any; does not block.
 *
 * Requires:
 * `cluster` is NULL or valid, `key` points to a struct whose `struct_size` is set and whose strings hold.
 */
int32_t sipxfer_cluster_lookup(void *cluster,
                               uint64_t lookup,
                               const struct sipxfer_dialog_key *key);

/**
 * A dialog has begun or come further: the other nodes can find it, in this state. Its `dialog` is not
 * looked at; one that is TERMINATED is taken away, and one that INVITE did not make is left out.
 *
 * Returns `SIPXFER_OK`, also where the server is away (it gets there later) or there are too many (which
 * is counted), or the status of a wrong argument. Threads: any; does not block.
 *
 * Requires:
 * `cluster` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold.
 */
int32_t sipxfer_cluster_publish(const struct sipxfer_cluster *cluster,
                                const struct sipxfer_dialog *dialog);

/**
 * A dialog has ended. One that is not known is no error. Returns as `sipxfer_cluster_publish()`.
 *
 * Requires:
 * `cluster` is valid, `key` points to a struct whose `struct_size` is set and whose strings hold.
 */
int32_t sipxfer_cluster_remove(const struct sipxfer_cluster *cluster,
                               const struct sipxfer_dialog_key *key);

/**
 * What the node has counted.
 *
 * Returns `SIPXFER_OK` or the status of a wrong argument. Threads: any; does not block.
 *
 * Requires:
 * `cluster` is valid, `stats` points to a struct whose `struct_size` is set.
 */
int32_t sipxfer_cluster_stats(const struct sipxfer_cluster *cluster,
                              struct sipxfer_cluster_stats *stats);

/**
 * A call was parked (`sipxfer_park()`): the other nodes find it by its token, and by its dialog as parked. It
 * need not have been published before, and what is published of the dialog later leaves it parked; its end
 * takes the token along. A dialog that is parked under another token moves; a token that has another call is
 * this one's from now on. Of a secret its SHA-256 goes to the server, nothing else.
 *
 * A number is found only where no other node has a call under it too: each node has places of its own
 * (`park.places`).
 *
 * Returns as `sipxfer_cluster_publish()`, and `SIPXFER_E_PARSE` where `token` is no token. A dialog that is
 * TERMINATED or that INVITE did not make is `SIPXFER_E_RANGE`.
 *
 * Requires:
 * `cluster` is valid, `dialog` points to a struct whose `struct_size` is set and whose strings hold, `token`
 * holds.
 */
int32_t sipxfer_cluster_park(const struct sipxfer_cluster *cluster,
                             const struct sipxfer_dialog *dialog,
                             struct sipxfer_str token);

/**
 * The call under this token is out of the lot (it was taken out, or its parker is rung back): the other nodes
 * find it no more by its token, and its dialog as any other. A token without a call is no error. Returns as
 * `sipxfer_cluster_park()`.
 *
 * Requires:
 * `cluster` is valid, `token` holds.
 */
int32_t sipxfer_cluster_unpark(const struct sipxfer_cluster *cluster,
                               struct sipxfer_str token);

/**
 * The `lookup_parked` callback of a `struct sipxfer_directory` whose `lookup_user` is the node: as
 * `sipxfer_cluster_lookup()`, by the token of a parked call, and by the key where that is not empty, in one round
 * trip.
 *
 * Requires:
 * As for `sipxfer_cluster_lookup()`; `token` holds.
 */
int32_t sipxfer_cluster_lookup_parked(void *cluster,
                                      uint64_t lookup,
                                      struct sipxfer_str token,
                                      const struct sipxfer_dialog_key *key);

/**
 * The table of functions: the one symbol that a host looks up with dlsym. NULL where `abi_major` is not
 * the library's `SIPXFER_CLUSTER_ABI_MAJOR`. The table is static. Threads: any; does not block.
 */
const struct sipxfer_cluster_api *sipxfer_cluster_get_api(uint32_t abi_major);

/**
 * The library's version, as `0.1.0`. Never NULL. Threads: any; does not block.
 */
const char *sipxfer_cluster_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SIPXFER_CLUSTER_H */
