/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A small B2BUA on pjsua whose transfers are sipxfer's; see pbx.c.
 */
#ifndef PBX_H
#define PBX_H

#include "sipxfer_pjsua.h"

enum { MAX_PEERS = 32, MAX_SLOTS = 16, NAME_SIZE = 48 };

/* Somebody known by source address: a phone, or another PBX behind a trunk. */
struct peer {
    char name[NAME_SIZE], address[64]; /* HOST:PORT */
    pjsua_acc_id account;
    int trunk;
};

/* A call with one party; its number is pjsua's. */
struct leg {
    const struct peer *peer;
    pjsua_call_id
        with; /* the leg that it is bridged with, or is to be when one of them is answered */
    int live, answered, incoming, media, connected;
    unsigned birth, depth;
};

/* A transfer from its START until sipxfer has done with it. */
struct moving {
    struct moving *next;
    uint64_t id;
    pjsua_call_id transferor, transferee, target;
    const struct peer *by;
    unsigned depth;
    int over;
};

struct pbx {
    struct peer peers[MAX_PEERS];
    int peer_count, port, log_level;
    const char *bind, *settings[128];
    int setting_count;
    const char *pickup[MAX_PEERS];
    int pickup_count;
    struct leg legs[PJSUA_MAX_CALLS];
    pjsua_call_id slots[MAX_SLOTS]; /* parked calls */
    struct moving *moving;
};

extern struct pbx pbx;

/* pbx.c: the legs. All of this runs on sipxfer's queue, one thing at a time, with no lock held. */
#ifdef __GNUC__
__attribute__((format(printf, 1, 2)))
#endif
void
say(const char *format, ...);
const struct peer *peer_named(struct sipxfer_str name);
void bridge(pjsua_call_id a, pjsua_call_id b);
void part(pjsua_call_id call);
void hang_up(pjsua_call_id call, unsigned code);
void uri_of(const struct peer *peer, char *uri, size_t size);
const pjsua_call_setting *audio_only(void);
void expect_answer(pjsua_call_id call, const struct peer *peer, unsigned depth);
int park(pjsua_call_id call);
void identify(void *user, pjsip_rx_data *rdata, struct sipxfer_pjsip_peer *out);
void dialog_peer(void *user, pjsip_dialog *dialog, struct sipxfer_pjsip_peer *out);
pjsip_dialog *dialog_of_leg(pjsua_call_id call);
void set_callbacks(pjsua_callback *callbacks);

/* pbx_transfer.c: what sipxfer asks and what it wants done. */
extern const struct sipxfer_host pbx_host;
void start(void *user, struct sipxfer_pjsip_transfer *transfer);
void command(void *user, struct sipxfer_pjsip_transfer *transfer, unsigned what);
void event(void *user, struct sipxfer_pjsip_transfer *transfer,
           const struct sipxfer_output *output);
void finished(void *user, struct sipxfer_pjsip_transfer *transfer, unsigned code, unsigned cause);
void destroyed(void *user, struct sipxfer_pjsip_transfer *transfer);
void referring(void *user, struct sipxfer_pjsip_refer *refer,
               const struct sipxfer_refer_output *output);
struct moving *moving_target(pjsua_call_id call);
struct moving *moving_transferee(pjsua_call_id call);
void moved(struct moving *moving);
void leg_ended(pjsua_call_id call);
void leg_replaced(pjsua_call_id old, pjsua_call_id made);
void show_transfers(void);

#endif
