/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Between the files of the adapter; nothing here is for the application.
 */
#ifndef SIPXFER_PJSIP_PARTS_H
#define SIPXFER_PJSIP_PARTS_H

#include "sipxfer_pjsip.h"

#include <pj/log.h>
#include <pj/os.h>

struct transfer;
struct sent;
struct job;

/* A request that was judged, and what the strings of its verdict live in. */
struct question {
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    uint64_t transfer;     /* of a REFER that was accepted */
    struct question *next; /* of those that wait for pjsip to hand them on */
    uint64_t since_ms;
    pjsip_dialog *in_dialog; /* of a REFER; with a session count */
    char *scratch;
    size_t scratch_len;
};

struct sipxfer_pjsip_self {
    pjsip_endpoint *endpoint;
    pj_pool_t *pool;
    pj_mutex_t *mutex;
    struct sipxfer_engine *engine;
    struct sipxfer_pjsip_options options;
    struct question *waiting;
    struct transfer *transfers;
    struct sent *sent;
    struct job *first, **last;
    pj_timer_entry run, deadline, sweep;
    int running, scheduled, tick;
    struct sipxfer_pjsip_counters counters;
};

extern struct sipxfer_pjsip_self sipxfer_pjsip_self;
#define self sipxfer_pjsip_self

extern pjsip_module sipxfer_pjsip_first_module, sipxfer_pjsip_dialog_module;

/* sipxfer_pjsip.c */
struct sipxfer_str sipxfer_pjsip_str(const pj_str_t *text);
pj_str_t sipxfer_pjsip_pj(struct sipxfer_str str);
void sipxfer_pjsip_complain(const char *what, int32_t status);
struct question *sipxfer_pjsip_question(pjsip_rx_data *rdata, pjsip_dialog *dialog);
struct question *sipxfer_pjsip_ask_invite(pjsip_rx_data *rdata, pj_bool_t lock);
void sipxfer_pjsip_forget(struct question *question);
void sipxfer_pjsip_tally(unsigned long *counter, int by);
pj_status_t sipxfer_pjsip_refusal(pjsip_rx_data *rdata, const struct sipxfer_verdict *verdict,
                                  pjsip_dialog *dialog, pjsip_tx_data **tdata);

/* sipxfer_pjsip_queue.c */
void sipxfer_pjsip_queue_init(void);
void sipxfer_pjsip_queue_close(void);
void sipxfer_pjsip_forget_later(struct question *question);
void sipxfer_pjsip_on_deadline(void *user, uint64_t deadline_ms);
void sipxfer_pjsip_wait(pjsip_rx_data *rdata, struct question *question);
struct question *sipxfer_pjsip_claim(pjsip_rx_data *rdata);
void sipxfer_pjsip_pump(uint64_t transfer);
void sipxfer_pjsip_bye(uint64_t transfer);
void sipxfer_pjsip_notify_answered(uint64_t transfer, unsigned code);

/* sipxfer_pjsip_module.c */
pj_status_t sipxfer_pjsip_modules_init(void);
void sipxfer_pjsip_modules_close(void);

/* sipxfer_pjsip_transfer.c */
void sipxfer_pjsip_outputs(uint64_t transfer);
void sipxfer_pjsip_drop(struct question *question);
void sipxfer_pjsip_take_refer(pjsip_dialog *dialog, pjsip_transaction *tsx, pjsip_rx_data *rdata,
                              struct question *question);
void sipxfer_pjsip_take_subscribe(pjsip_dialog *dialog, pjsip_transaction *tsx,
                                  pjsip_rx_data *rdata);
void sipxfer_pjsip_dialog_bye(const pjsip_dialog *dialog);
void sipxfer_pjsip_end_transfers(void);

/* sipxfer_pjsip_cluster.c */
enum sipxfer_pjsip_taken {
    SIPXFER_PJSIP_NOT_MINE,
    SIPXFER_PJSIP_TAKEN,
    SIPXFER_PJSIP_SHARED, /* the engine wants it too */
    SIPXFER_PJSIP_BAD
};
enum sipxfer_pjsip_taken sipxfer_pjsip_cluster_setting(const char *name, const char *value);
/* Joins the cluster that was set, if one was. */
pj_status_t sipxfer_pjsip_cluster_join(void);
void sipxfer_pjsip_cluster_leave(void);
/* With the dialog locked. */
void sipxfer_pjsip_publish(pjsip_dialog *dialog, const struct sipxfer_dialog *now);
int32_t sipxfer_pjsip_lookup(void *user, uint64_t lookup, const struct sipxfer_dialog_key *key);
void sipxfer_pjsip_on_lookup(void *user, uint64_t lookup);
/* Keeps an INVITE until its lookup is over; PJ_FALSE where there is no room for it. */
pj_bool_t sipxfer_pjsip_keep(pjsip_rx_data *rdata, uint64_t lookup);

/* sipxfer_pjsip_refer.c */
void sipxfer_pjsip_refer_outputs(uint64_t refer);
void sipxfer_pjsip_refer_bye(const pjsip_dialog *dialog);
pj_bool_t sipxfer_pjsip_refers_in(const pjsip_dialog *dialog);
unsigned sipxfer_pjsip_refer_notify(const pjsip_dialog *dialog, const pjsip_rx_data *rdata);
void sipxfer_pjsip_refer_answered(pjsip_dialog *dialog, pjsip_transaction *tsx,
                                  const pjsip_event *event);
void sipxfer_pjsip_end_refers(void);

#endif
