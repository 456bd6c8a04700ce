/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * res_pjsip_sipxfer: the transfers of an Asterisk, decided by libsipxfer.
 *
 * The library decides; what is here touches channels, bridges and dialogs. Where a thing runs:
 *
 *   - A request is looked at in the thread that brought it (front.c, refer.c). A REFER is answered
 *     there, under the lock of its own dialog; nothing else is waited for.
 *   - What follows from a REFER is carried out in the serializer of its session, without a dialog
 *     lock (transfer.c), in the order of the library's outputs.
 *   - What has to wait for another session runs in a thread of its own (channel.c, replaces.c).
 *   - A transferred channel reports from its own thread how far it has come (watch.c).
 */
#ifndef SIPXFER_ASTERISK_MODULE_H
#define SIPXFER_ASTERISK_MODULE_H

#include "asterisk.h"

#include <pjsip.h>
#include <pjsip_ua.h>

#include "asterisk/astobj2.h"
#include "asterisk/channel.h"
#include "asterisk/linkedlists.h"
#include "asterisk/lock.h"
#include "asterisk/logger.h"
#include "asterisk/module.h"
#include "asterisk/res_pjsip.h"
#include "asterisk/res_pjsip_session.h"
#include "asterisk/stringfields.h"
#include "asterisk/strings.h"
#include "asterisk/taskprocessor.h"
#include "asterisk/utils.h"

#include "sipxfer.h"

/* The dialplan context of this module: where a transferred channel comes by when its dialplan ends,
 * and where one goes whose transfer has failed. */
#define INTERNAL_CONTEXT "sipxfer-internal"

/* Channel variables. Those that begin with __ are handed on to every channel that is dialled. */
#define VAR_TRANSFER "SIPXFERID"
#define VAR_DEPTH    "SIPXFERDEPTH"

/* ---- what is set for the module besides the library's settings (settings.c) ---- */

struct behaviour {
    int off;              /* nothing is decided here: `sipxfer off` */
    int observe;          /* decide and compare, but let today's module act */
    int compat;           /* the points below begin as res_pjsip_refer has them */
    int keep;             /* the transferor's leg waits for the outcome */
    int media_answers;    /* media of any kind to the transferee counts as an answer */
    int semi_at_once;     /* a semi-attended transfer has succeeded as soon as it was begun */
    int in_dialog_ends;   /* an INVITE with Replaces inside a dialog hangs up the call */
    int accepts_unknown;  /* a REFER is accepted before its extension is looked for */
    int plain_codes;      /* a failure is told as 486 where the target is busy, else as 503 */
    int nosub_200;        /* a REFER with Refer-Sub: false gets 200, whatever others get */
    int leaves_outside;   /* REFER and SUBSCRIBE outside of calls are left to Asterisk */
    int transfer_covers;  /* allow_transfer=no forbids INVITE with Replaces too */
    int ends_dead_call;   /* a transferor is hung up when its transferee has hung up */
    int trust_identified; /* an endpoint without auth counts as authenticated */
    int longest;          /* bytes that a Refer-To or a Replaces may have */
};

extern struct behaviour behaviour;
extern struct sipxfer_engine *engine;
/* res_pjsip_refer is not loaded: everything that it did is done here. */
extern int replaces_refer;

int settings_load(int reload);
void settings_unload(void);
int settings_off(const char *endpoint);
int settings_set_off(const char *endpoint, int off);
char *settings_value(const char *endpoint, const char *name);
/* The settings of the module itself, for `sipxfer show settings`. */
void settings_show_own(int fd);

/* ---- dialogs (dialogs.c) ---- */

/* One INVITE dialog. Lives as long as its session at least; counted. */
struct leg {
    struct ast_sip_session *session; /* counted */
    uint64_t number;                 /* of this module, never used twice */
    uint64_t id;                     /* in the library's table, 0 before and after */
    uint32_t state;
    uint32_t initiator;
    int transfers; /* how many REFERs were accepted in it */
    int claimed;   /* an INVITE with Replaces is taking it over */
    int ended;
    int giving; /* transferees on their way back to it */
    ast_cond_t given;
    AST_DECLARE_STRING_FIELDS(AST_STRING_FIELD(call_id); AST_STRING_FIELD(local_tag);
                              AST_STRING_FIELD(remote_tag); AST_STRING_FIELD(user);
                              AST_STRING_FIELD(endpoint););
};

int dialogs_init(void);
void dialogs_exit(void);
/* The leg of a session, or NULL. Not counted; to be called in the session's serializer. */
struct leg *leg_of(struct ast_sip_session *session);
/* By its number, counted, or NULL. */
struct leg *leg_by_number(uint64_t number);
/* By its Call-ID and tags as they are seen from here, counted, or NULL. */
struct leg *leg_by_key(const struct sipxfer_dialog_key *key);
void leg_key(const struct leg *leg, struct sipxfer_dialog_key *key);
/* The channel of a leg, counted, or NULL; fetched in its serializer. Must not be called from one.
 */
struct ast_channel *leg_channel(struct leg *leg);
size_t dialogs_count(void);
/* All of them, to a node of a cluster that has just begun. */
void dialogs_publish(void);

/* ---- requests (host.c) ---- */

/* A request as the library sees it, and what its callbacks get. */
struct asked {
    struct sipxfer_request request;
    struct sipxfer_verdict verdict;
    pjsip_rx_data *rdata;
    struct ast_sip_session *session;   /* borrowed, or NULL */
    struct ast_sip_endpoint *endpoint; /* borrowed, or NULL */
    struct leg *leg;                   /* borrowed, or NULL */
    pjsip_dialog *dlg;                 /* of the answer and the NOTIFYs, or NULL */
    char source[80];
    char user[256];
    char *scratch;
    size_t scratch_len;
};

uint64_t clock_ms(void);
int asked_open(struct asked *asked, pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint,
               struct ast_sip_session *session);
/* Who asks: the other end of a call (the leg, in its serializer), or else the endpoint. */
void asked_by(struct asked *asked, struct leg *leg);
/* That it is about the call of this leg, from outside its dialog. In the session's serializer. */
void asked_about(struct asked *asked, struct leg *leg);
void asked_close(struct asked *asked);
/* Its Refer-To or its Replaces has more bytes than max_value_bytes. */
int asked_too_long(const struct asked *asked);
/* A line about what was decided, at verbosity 4 and debug level 1. */
void asked_explain(const struct asked *asked);
const char *authenticated_user(struct ast_sip_endpoint *endpoint, char *buffer, size_t size);
int host_open(void);
void host_close(void);
/* A copy with NUL at the end, or NULL. */
char *str_dup(struct sipxfer_str string);
pj_str_t str_pj(struct sipxfer_str string);
int str_is(struct sipxfer_str string, const char *text);
/* Adds Warning, Unsupported and Retry-After of a refusal. */
void verdict_headers(const struct sipxfer_verdict *verdict, pjsip_tx_data *tdata);
/* Adds header lines, each ended by CRLF; those that describe a body are left out. */
void lines_add(pjsip_tx_data *tdata, struct sipxfer_str lines);
/* A line of the log that a stranger can cause: not more than some a second. */
int log_allowed(void);

struct stats {
    int refers;           /* REFERs received */
    int refers_decided;   /* decided by the library */
    int replaces;         /* INVITEs with Replaces received */
    int replaces_decided; /* decided by the library */
    int refused;
    int succeeded;
    int failed;
    int differences; /* in observe mode */
};

extern struct stats stats;
void count(int *counter);

/* ---- transfers (transfer.c) ---- */

enum fate {
    FATE_OPEN,    /* no outcome yet */
    FATE_DONE,    /* the transfer has succeeded */
    FATE_KEEP,    /* the transferee goes back to the transferor, who is still there */
    FATE_RECALL,  /* the transferor is called back for the transferee */
    FATE_HANG_UP, /* the transferee is hung up */
};

struct output {
    AST_LIST_ENTRY(output) entry;
    struct sipxfer_output told;
    char text[];
};

/* One received REFER that was accepted. */
struct xfer {
    uint64_t id;
    unsigned int number;
    uint32_t kind;
    uint32_t depth;
    struct leg *leg; /* the transferor's; counted */
    uint64_t other;  /* number of the leg that its Replaces names, or 0 */
    uint32_t other_state;
    /* Of its request, for one that waits for a lookup. */
    uint32_t transport, secure, depth_before, handling;
    pjsip_dialog *dlg; /* holds a session count, or NULL once it is over */
    struct ast_variable *variables;
    int application; /* an application controls it */
    int blind_progress;
    int scheduled; /* a task that carries outputs out is under way */
    int moved;     /* the transferee is on its way */
    int several;   /* the transferor leaves a call of three or more */
    int semi;      /* the target has not answered the transferor yet */
    int over;
    int gone;    /* the transferee has hung up */
    int ending;  /* the transferee's dialplan has ended, and its thread waits for the outcome */
    int gives;   /* the transferee is on its way back */
    int waits;   /* the transferor's thread waits for the outcome */
    int release; /* the transferor's thread is to wait no more */
    int left;    /* the transferor's thread has waited, and does no more */
    int told;    /* last code that was reported */
    int failure; /* the code that tells best why the target is not had */
    int outcome;
    int hook;        /* the frame hook of the transferee, -1 for none */
    int hook_source; /* the frame hook of the transferor, -1 for none */
    enum fate fate;
    ast_cond_t changed;
    struct ast_channel *transferor; /* counted, while it waits */
    struct timeval began;
    AST_LIST_HEAD_NOLOCK(, output) queue;
    AST_DECLARE_STRING_FIELDS(AST_STRING_FIELD(context); AST_STRING_FIELD(extension);
                              AST_STRING_FIELD(target); AST_STRING_FIELD(replaces);
                              AST_STRING_FIELD(referred_by); AST_STRING_FIELD(headers);
                              AST_STRING_FIELD(refer_to_raw); AST_STRING_FIELD(why);
                              AST_STRING_FIELD(rules); AST_STRING_FIELD(message);
                              AST_STRING_FIELD(endpoint); AST_STRING_FIELD(source_channel);
                              AST_STRING_FIELD(source_id); AST_STRING_FIELD(transferee);
                              AST_STRING_FIELD(transferee_id); AST_STRING_FIELD(bridge);
                              AST_STRING_FIELD(linked); AST_STRING_FIELD(reason);
                              AST_STRING_FIELD(source););
};

/* A copy on the stack of a string that is set while the transfer goes on: transferee,
 * transferee_id, bridge, linked, reason. The others never change. */
#define xfer_copy(xfer, field)                                                                     \
    ({                                                                                             \
        char *copy_;                                                                               \
        ao2_lock(xfer);                                                                            \
        copy_ = ast_strdupa((xfer)->field);                                                        \
        ao2_unlock(xfer);                                                                          \
        copy_;                                                                                     \
    })
/* Whether such a string is this one, and not empty. */
int xfer_is(struct xfer *xfer, const ast_string_field *field, const char *value);

int transfers_init(void);
void transfers_exit(void);
/* Around sipxfer_transfer_receive and xfer_begin: no output of the new transfer is lost. */
void outputs_expect(void);
void outputs_expected(void);
/* Begins to keep a transfer that the library has accepted, and answers its REFER. */
int xfer_begin(struct asked *asked, uint64_t id, int application);
struct xfer *xfer_by_id(uint64_t id);
/* The transferee keeps its transfer for as long as it lives. The channel is locked. */
int xfer_own(struct xfer *xfer, struct ast_channel *chan);
/* The one that it keeps, or whose number it has inherited; counted, or NULL. The channel is not
 * locked. */
struct xfer *xfer_of_channel(struct ast_channel *chan);
/* By the unique id of the transferee, or the linked id of a call that is still ringing. */
struct xfer *xfer_by_transferee(const char *id);
void xfer_watch(struct xfer *xfer);
/* What it remembers of its REFER (remember.c). */
int xfer_remember(struct xfer *xfer, const struct asked *asked);
void xfer_set(struct xfer *xfer, const ast_string_field *field, struct sipxfer_str value);
/* It is known at last where it goes. */
int xfer_rerouted(struct xfer *xfer, const struct asked *asked);
/* Takes the outputs of a transfer, 0: of those that time has given some. Any thread. */
void outputs_take(uint64_t id);
/* What has become of it is reported to the library (progress.c). */
void xfer_progress(struct xfer *xfer, int code, const char *reason, size_t reason_len);
void xfer_give_up(struct xfer *xfer, int code);
void xfer_contact_failed(struct xfer *xfer);
/* The dialog of a transferor has ended. */
void transfers_leg_ended(struct leg *leg);
/* When the library wants to be woken (clock.c). */
void transfers_deadline(uint64_t deadline_ms);
int clock_start(void);
void clock_stop(void);
/* How many semi-attended transfers are under way. */
extern int semi_attended;
struct ao2_container *transfers_all(void);
struct ao2_container *transfers_recent(void);
/* A task in a thread of its own. */
int detached(void *(*run)(void *), void *data);

/* ---- channels (channel.c) ---- */

void channel_start(struct xfer *xfer);
void channel_fate(struct xfer *xfer, enum fate fate);
void channel_hang_up_transferor(struct xfer *xfer);
/* Does to a transferee, in its own thread, what its transfer has come to. */
void channel_fulfil(struct xfer *xfer, struct ast_channel *chan);

/* ---- the transferor waits (waiting.c) ---- */

/* Its leg stays, behind its bridge, until the outcome is known. Ends with 0, or -1 where it cannot.
 */
int waiting_begin(struct xfer *xfer, struct ast_channel *chan);
void waiting_cancel(struct ast_channel *chan);
/* Where it cannot: the channel goes, the dialog stays. In the serializer of its session. */
void waiting_defer(struct xfer *xfer);
/* Tasks for leg_push(). */
int waiting_undefer(void *leg);
int waiting_undefer_end(void *leg);
/* Runs a task in the serializer of a session, with a reference to the leg, which it gives back. */
void leg_push(struct leg *leg, int (*task)(void *));

/* ---- watching a transferee (watch.c) ---- */

int watch_init(void);
void watch_exit(void);
int watch_attach(struct xfer *xfer, struct ast_channel *chan);
void watch_variables(struct xfer *xfer, struct ast_channel *chan);
int watch_application(struct xfer *xfer, struct ast_channel *chan);

/* ---- INVITE with Replaces (front.c, replaces.c) ---- */

extern pjsip_module inside_module;
extern pjsip_module front_module;
extern pjsip_module usage_module;
/* The leg that the INVITE of this rdata takes over by the verdict of the front module, or 0. */
uint64_t front_claimed(pjsip_rx_data *rdata);
int replaces_take_over(struct ast_sip_session *session, pjsip_rx_data *rdata);
/* An INVITE whose lookup is over, in a serializer. */
void front_go_on(pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint);

/* ---- several Asterisks as one (cluster.c) ---- */

void cluster_begin_settings(void);
/* 1 where the setting is this file's alone. */
int cluster_setting(const char *name, const char *value);
/* Joins the cluster that was set, or leaves the one before. */
int cluster_apply(void);
void cluster_leave(void);
void cluster_publish(const struct sipxfer_dialog *dialog);
void cluster_remove(const struct leg *leg);
/* Callbacks of the library. */
int32_t cluster_lookup(void *user, uint64_t lookup, const struct sipxfer_dialog_key *key);
void cluster_on_lookup(void *user, uint64_t lookup);
/* Goes on with a transfer whose lookup is over; in the serializer of its session. */
void cluster_route(struct xfer *xfer);
/* Keeps an INVITE until its lookup is over, and answers it with 100. */
int cluster_wait(pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint, uint64_t lookup);
/* For `sipxfer show stats`; nothing where there is no cluster. */
void cluster_show(int fd);

/* ---- the rest ---- */

int refer_request(struct ast_sip_session *session, pjsip_rx_data *rdata);
/* A REFER outside of the call that its Target-Dialog names; not 0 where it names none. */
int refer_beside(pjsip_rx_data *rdata, struct ast_sip_endpoint *endpoint);
void notify_send(struct xfer *xfer, const struct sipxfer_output *told);
void notify_answered(pjsip_transaction *tsx, pjsip_event *event);
void outgoing_invite(struct ast_sip_session *session, pjsip_tx_data *tdata);
/* Of the answers of several targets: whether this one tells more than that. */
int answer_says_more(int code, int than);
void outgoing_answered(struct ast_sip_session *session, pjsip_rx_data *rdata);
int tech_register(void);
void tech_unregister(void);
/* mode = observe (observe.c) */
int observe_init(void);
void observe_exit(void);
void observe_expect(const struct asked *asked);
/* The target of a call, whose channel this is, has said something. */
void observe_target(struct ast_channel *chan, int code);
int ari_init(void);
void ari_exit(void);
void ari_event(struct xfer *xfer, const struct sipxfer_output *told);
int cli_register(void);
void cli_unregister(void);
int functions_register(void);
void functions_unregister(void);

#endif
