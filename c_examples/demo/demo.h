/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The demo: two small PBXes and a few phones, each a process with a UDP socket of its own, play
 * the call transfers that sipxfer decides about.
 *
 *   sip.c        the wire: build and read SIP messages
 *   ua.c         dialogs and the loop that both kinds of party run
 *   phone.c      a phone
 *   pbx.c        a B2BUA that acts by the library's verdicts
 *   transfer.c   its transfers: what the library wants done for them, and what it is told
 *   takeover.c   INVITEs that take over a call, and the park lot
 *   app.c        an application that controls transfers by commands
 *   host.c       what the PBX tells the library and what it is asked by it
 *   ladder.c     prints the messages in columns
 *   scenarios.c  who calls whom, and how it must end
 *   demo.c       starts the processes and watches them
 */
#ifndef DEMO_H
#define DEMO_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include <sipxfer.h>

#define PACKET_MAX    4096
#define MAX_PARTIES   6
#define MAX_LEGS      8
#define MAX_TRANSFERS 4
#define MAX_TAKEOVERS 4
#define MAX_ROUTES    4
#define MAX_SETTINGS  4
#define MAX_SCENARIOS 24
#define COMMAND_SIZE  256

/* What each party speaks but one that has odd_codec. */
#define COMMON_CODEC "RTP/AVP 0"

#if defined(__GNUC__)
#define PRINTF_LIKE __attribute__((format(printf, 2, 3)))
#define NO_RETURN   __attribute__((noreturn))
#else
#define PRINTF_LIKE
#define NO_RETURN
#endif

struct sipxfer_str str(const char *text);
int str_is(struct sipxfer_str a, const char *b); /* byte for byte */
int str_is_nocase(struct sipxfer_str a, const char *b);
/* Copies into an array and ends it with NUL; -1 where it does not fit. */
int str_copy(char *to, size_t size, struct sipxfer_str from);

/* ---- who takes part ---------------------------------------------------------------------- */

struct route { /* an extension of a PBX's dialplan, and the party that it dials */
    const char *context, *extension, *party;
};

struct setting { /* of a PBX's library: "endpoint:bob", or "" for all */
    const char *scope, *name, *value;
};

struct party {
    const char *name;  /* "bob": the user of a phone, and the endpoint that a PBX knows it as */
    const char *title; /* "Bob": its column in the ladder */
    const char *host;  /* "server_b.com": what stands in URIs */
    int is_pbx;
    int rings_only;          /* a phone that nobody answers */
    int busy;                /* a phone that takes no call */
    int odd_codec;           /* a phone whose codec nobody else has */
    const char *call_ids[2]; /* for the calls that it makes; generated where NULL */
    struct route routes[MAX_ROUTES];
    const char *stranger;        /* PBX: the one party that it does not identify by address */
    const char *trusts;          /* PBX: the peer that may replace any dialog here */
    const char *pickup_group[2]; /* PBX: the first may pick up what rings at the second */
    struct setting settings[MAX_SETTINGS];
    int silent_app; /* PBX: its application answers no event */
    /* Set by demo.c. */
    int socket;
    struct sockaddr_in address;
};

/* Every process has a copy: it stands for DNS and, at the PBXes, for the configuration. */
struct world {
    struct party party[MAX_PARTIES];
    int count;
    int self;    /* index of the party that this process plays; -1 in the parent */
    int report;  /* pipe to the parent */
    int control; /* pipe from the parent: COMMAND_SIZE bytes each */
};

int world_by_name(const struct world *world, const char *name);
int world_by_host(const struct world *world, struct sipxfer_str host);
int world_by_address(const struct world *world, const struct sockaddr_in *address);

/* ---- reports to the parent --------------------------------------------------------------- */

enum {
    RECORD_MESSAGE = 1,
    RECORD_NOTE,
    RECORD_STATE,
    RECORD_WAITING, /* something is to happen at a certain time */
    RECORD_WAITED,  /* nothing is any more */
    RECORD_HANDLED, /* of a message or a command */
    RECORD_FAILURE
};

/* One write each, so that records never mix in the pipe, and no larger than what POSIX lets a
 * pipe take at once. A party reports a message before it sends it: what it causes comes later in
 * the pipe as well. */
struct record {
    int kind, from, to, reserved;
    char label[16]; /* "INVITE", "200 INVITE" */
    char text[480]; /* lines for the margin, or the state */
};

void report(const struct world *world, int kind, int to, const char *label, const char *text);
/* For what a party cannot go on after: tells the parent and ends the process. */
NO_RETURN void die(const struct world *world, const char *what);

/* ---- sip.c ------------------------------------------------------------------------------- */

struct packet {
    size_t len;
    int overflow; /* set when something did not fit: such a packet is never sent */
    char bytes[PACKET_MAX];
};

struct incoming { /* a datagram, and the views that the library made of it */
    struct packet packet;
    struct sipxfer_message msg;
    int from; /* index of the sender by its address, -1 for nobody known */
};

PRINTF_LIKE void packet_add(struct packet *packet, const char *format, ...);
void packet_send(const struct world *world, int to, const struct packet *packet);
/* 0, or -1 for what is no SIP message. */
int packet_receive(const struct world *world, struct incoming *in);
struct sipxfer_str header(const struct incoming *in, const char *name); /* empty if absent */
/* The URI of a Contact, From or To; empty for none. */
struct sipxfer_str uri_of(struct sipxfer_str value);
/* Index of the party that a SIP URI leads to, or -1; its user part where user is not NULL. */
int resolve(const struct world *world, struct sipxfer_str uri, struct sipxfer_str *user);
/* A response to a request, by RFC 3261 section 8.2.6; extra holds header lines. Of the strings
 * only reason must not be NULL. */
void respond(const struct world *world, const struct incoming *request, unsigned code,
             const char *reason, const char *to_tag, const char *extra, const char *body);

/* ---- ua.c -------------------------------------------------------------------------------- */

enum leg_state {
    LEG_CALLING, /* our INVITE has no answer yet */
    LEG_RINGING, /* an early dialog */
    LEG_TALKING, /* confirmed */
    LEG_ENDED
};

struct leg { /* one dialog, and what the PBX needs to know of its call */
    enum leg_state state;
    int outgoing;
    int party; /* index of the other side */
    char call_id[64], local_tag[32], remote_tag[32];
    char local_uri[96], remote_uri[96], target[96]; /* target: the other side's Contact */
    char branch[32];                                /* of our INVITE, for CANCEL and ACK */
    unsigned cseq, invite_cseq;
    int cancelled;          /* CANCEL was sent; a 2xx that crosses it is ended with BYE */
    int unacked;            /* our final answer to its INVITE awaits the ACK */
    struct incoming invite; /* of an incoming call, to answer it later */
    /* For pbx.c */
    struct leg *peer; /* the leg that it is bridged with, or shall be */
    uint32_t depth;   /* transfers that the call has been through */
    unsigned refs;    /* references that the library holds */
};

struct transfer { /* what a PBX keeps of one */
    uint64_t id;
    struct leg *transferor; /* on which the REFER came */
    struct leg *transferee; /* with which that was bridged then; NULL: nobody to be moved */
    struct leg *target;     /* the leg that is called for it, once there is one */
    uint32_t depth;         /* for the call that it makes */
    unsigned first_notify;  /* CSeq of its first NOTIFY, or 0 */
    int by_app;             /* an application controls it */
    int over;               /* it has its outcome */
    int gone;               /* its last output was taken, and its id is stale */
};

struct takeover {
    uint64_t id;
    struct leg *old, *leg; /* the call that gives way, and the new one */
    struct leg *partner;   /* who is connected with the new one then, or NULL */
    uint32_t old_dialog;   /* as the verdict says */
    uint64_t claim;        /* of a call that was parked, or 0 */
};

struct ua {
    struct world *world;
    struct leg legs[MAX_LEGS]; /* never reused: a dialog that ended can still be asked for */
    int leg_count, calls_made, branches;
    int open; /* requests other than INVITE that await their final response */
    const struct ua_events *on;
    uint64_t deadline_ms; /* when tick is to be called, by clock_ms(); UINT64_MAX for never */
    void *user;
    /* Of a PBX */
    struct sipxfer_engine *engine;
    struct transfer transfers[MAX_TRANSFERS]; /* never reused either */
    int transfer_count;
    struct takeover takeovers[MAX_TAKEOVERS];
    int takeover_count;
    char supported[64]; /* value of the Supported header, or empty */
    char state[480];    /* as last reported */
};

struct ua_events { /* what phone.c and pbx.c do about it; all but state may be NULL */
    void (*invite)(struct ua *ua, const struct incoming *in);
    void (*ringing)(struct ua *ua, struct leg *leg, unsigned code, struct sipxfer_str reason);
    void (*answered)(struct ua *ua, struct leg *leg);
    void (*failed)(struct ua *ua, struct leg *leg, unsigned code, struct sipxfer_str reason);
    void (*ended)(struct ua *ua, struct leg *leg);     /* by the other side */
    void (*cancelled)(struct ua *ua, struct leg *leg); /* as this side had asked for */
    void (*refer)(struct ua *ua, struct leg *leg, const struct incoming *in);
    void (*notify)(struct ua *ua, struct leg *leg, const struct incoming *in);
    void (*info)(struct ua *ua, struct leg *leg, struct sipxfer_str body);
    void (*response)(struct ua *ua, struct leg *leg, const struct incoming *in);
    void (*command)(struct ua *ua, char *text);
    void (*tick)(struct ua *ua); /* deadline_ms has come */
    void (*state)(struct ua *ua, char *text, size_t size);
};

uint64_t clock_ms(void); /* monotonic */
/* Ends when the parent closes the control pipe. */
void ua_run(struct ua *ua);
/* A leg for an INVITE that came in; NULL, after a refusal, where it cannot be had. */
struct leg *leg_accept(struct ua *ua, const struct incoming *in);
/* A call: INVITE to the URI, sent to the party; extra holds header lines. */
struct leg *leg_call(struct ua *ua, int party, struct sipxfer_str uri, const char *extra);
void leg_ring(struct ua *ua, struct leg *leg);
void leg_answer(struct ua *ua, struct leg *leg);
/* Ends the call by what its state asks for: BYE, CANCEL, or a final answer to its INVITE. */
void leg_end(struct ua *ua, struct leg *leg, unsigned code, const char *reason);
/* A request inside the dialog; with content_type NULL, extra tells the type of the body. */
void leg_request(struct ua *ua, struct leg *leg, const char *method, const char *extra,
                 const char *content_type, const char *body);
struct leg *leg_by_call_id(struct ua *ua, const char *call_id);
/* Ends the process where the library failed. */
void check(struct ua *ua, int32_t status, const char *what);

/* ---- host.c ------------------------------------------------------------------------------ */

void host_open(struct ua *ua);
void host_close(struct ua *ua);
/* The endpoint that a sender is, empty for a stranger. */
const char *identify(const struct ua *ua, int party);
const struct route *route_of(const struct ua *ua, struct sipxfer_str context,
                             struct sipxfer_str extension);
/* An INVITE outside of a dialog: also the id of its takeover, or 0. */
void ask_invite(struct ua *ua, const struct incoming *in, struct sipxfer_request *request,
                struct sipxfer_verdict *verdict, uint64_t *takeover);
/* A REFER in the dialog of a leg: the id of its transfer, or 0 where it is to be refused. */
uint64_t ask_refer(struct ua *ua, const struct incoming *in, struct leg *leg,
                   struct sipxfer_request *request, struct sipxfer_verdict *verdict);
/* Sends the final response that the verdict asks for. */
void refuse(struct ua *ua, const struct incoming *in, const struct sipxfer_request *request,
            const struct sipxfer_verdict *verdict);
/* What the library has decided and wanted so far: "; accept 200 (host)" each. */
const char *history(const struct ua *ua);
void history_add(struct ua *ua, const char *text);
/* Gives the verdict's dialog back: every verdict ends with it. */
void done(struct ua *ua, struct sipxfer_verdict *verdict);

/* ---- pbx.c ------------------------------------------------------------------------------- */

/* How the library knows a leg. */
struct sipxfer_dialog_key leg_key(const struct leg *leg);
/* Connects two parties; whoever was connected with them is not any more. */
void bridge(struct leg *a, struct leg *b);
/* Leaves a party without anybody to talk to, and who talked with it too. */
void unbridge(struct leg *leg);

/* ---- transfer.c -------------------------------------------------------------------------- */

void transfer_refer(struct ua *ua, struct leg *leg, const struct incoming *in);
/* The transfer under way that a leg takes part in, or NULL. */
struct transfer *transfer_of(struct ua *ua, const struct leg *leg);
/* The target has sent a response. */
void transfer_response(struct ua *ua, struct transfer *transfer, unsigned code,
                       struct sipxfer_str reason);
/* The other side of this leg has hung up; transfer: that it takes part in, or NULL. */
void transfer_hung_up(struct ua *ua, struct transfer *transfer, const struct leg *leg);
/* A NOTIFY in the dialog of this leg has its answer. */
void transfer_notify_answered(struct ua *ua, const struct leg *leg, const struct incoming *in);
void transfer_tick(struct ua *ua);
/* Calls a party for the transferee. */
void transfer_dial(struct ua *ua, struct transfer *transfer, int party, struct sipxfer_str uri,
                   const char *extra);
/* The target has answered: the transferee is connected with it. */
void transfer_connect(struct transfer *transfer);
/* A line for the margin. */
PRINTF_LIKE void note(struct ua *ua, const char *format, ...);

/* ---- takeover.c -------------------------------------------------------------------------- */

/* An INVITE whose Replaces was accepted. */
void takeover_begin(struct ua *ua, const struct incoming *in, const struct sipxfer_verdict *verdict,
                    uint64_t id);
/* This leg is over, in whichever way; it may be part of a takeover, or wait in the lot. */
void takeover_leg_ended(struct ua *ua, const struct leg *leg);
void takeover_tick(struct ua *ua);
/* The transferee of this transfer goes to the park lot. */
void park(struct ua *ua, struct transfer *transfer);
void park_tick(struct ua *ua);

/* ---- app.c ------------------------------------------------------------------------------- */

/* What a transfer wanted to be told, and what the target of its call has answered. */
void app_event(struct ua *ua, struct transfer *transfer, const struct sipxfer_output *output);
void app_response(struct ua *ua, struct transfer *transfer, unsigned code);

/* ---- the rest ---------------------------------------------------------------------------- */

void phone_run(struct world *world);
void pbx_run(struct world *world);

void ladder_begin(const struct world *world, int number, const char *title);
void ladder_print(const struct record *record);

/* A scenario while the parent plays it (demo.c). */
struct stage;
void stage_tell(struct stage *stage, const char *party, const char *command);
/* The state that a party must come to, until told otherwise. */
void stage_expect(struct stage *stage, const char *party, const char *state);
/* Waits until nothing is on its way, then compares all states with the expected ones. A time that
 * is waited for may be left, which has to be far. */
void stage_pause(struct stage *stage);
/* The same, and waits until no time is waited for any more. */
void stage_settle(struct stage *stage);

struct scenario {
    const char *title;
    void (*play)(struct stage *stage);
    struct party party[MAX_PARTIES]; /* in the order of the columns */
};
extern const struct scenario scenarios[];
extern const int scenario_count; /* at most MAX_SCENARIOS */

#endif
