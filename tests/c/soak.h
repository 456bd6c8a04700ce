/* What the parts of the soak share: a clock that is a number, what is to happen on it, chance that
 * is the same in every run of a seed, and the book of what began and has not ended. */
#ifndef SOAK_H
#define SOAK_H

#include <sipxfer.h>
#include <stdbool.h>

enum { TRANSFER, TAKEOVER, SENT, PARKED, KINDS };

enum act {
    ARRIVAL,      /* somebody wants something */
    PROGRESS,     /* the target of a transfer answers with `code` */
    GIVE_UP,      /* the host gives it up */
    NO_CONTACT,   /* the target cannot be reached */
    NOTIFIED,     /* a NOTIFY was answered with `code` */
    HUNG_UP,      /* the transferor has hung up: the dialog of `number` */
    COMMANDED,    /* the application says how far it is */
    SUBSCRIBED,   /* the transferor refreshes its subscription */
    NEW_ANSWERED, /* the 2xx of a takeover was sent, or `code` was */
    NEW_ACKED,    /* its ACK has come */
    NEW_ENDED,    /* its sender hangs up */
    OLD_ENDED,    /* the old call has ended */
    OLD_ANSWERED, /* it has got its 2xx, which crosses the CANCEL */
    REFER_SENT,   /* a REFER of this side goes out */
    REFER_ANSWER, /* it was answered with `code` */
    REFER_NOTIFY, /* a NOTIFY has come with `code` */
    CALL_ENDED,   /* the call with the transferee has ended */
    CLAIMED,      /* somebody dials the place of a parked call */
    CLAIM_FAILED, /* its claim was given back: the caller has hung up */
    DIALOG_GOES   /* a dialog of the table ends */
};

struct event {
    uint64_t at;
    uint64_t id;
    enum act act;
    uint32_t code;
    uint32_t number;
};

extern const struct sipxfer_api *api;
extern struct sipxfer_engine *engine;
extern uint64_t now_ms;

/* Something that is to happen so many milliseconds from now. */
void later(uint64_t delay_ms, enum act act, uint64_t id, uint32_t code, uint32_t number);
/* The time of the next one, UINT64_MAX where there is none; and it, taken out. */
uint64_t next_event(void);
struct event take_event(void);

uint32_t chance(uint32_t below);
/* One of these, each with its share of a hundred; they add up to 100. */
size_t one_of(const unsigned *shares, size_t count);

void book_begin(unsigned kind, uint64_t id);
void book_end(unsigned kind, uint64_t id);
bool book_has(unsigned kind, uint64_t id);
size_t book_open(unsigned kind);
extern unsigned long begun[KINDS], ended[KINDS], faults;

/* Stops the soak where this status is none of those that may come: OK, and for what came too late
 * NOT_FOUND and its like. */
void may_be_late(int32_t status, const char *what);
void must_work(int32_t status, const char *what);
void wrong(const char *what, uint64_t number);

struct sipxfer_str str(const char *text);

/* One more of these from somebody; each part takes the events of its own. */
void transfer_arrives(uint32_t number);
void takeover_arrives(uint32_t number);
void sent_begins(uint32_t number);
void park_arrives(uint32_t number);
void garbage_arrives(uint32_t number);
void happens(const struct event *event);

/* Takes all that the library wants done now, of anybody. */
void take_transfers(uint64_t transfer);
void take_takeovers(uint64_t takeover);
void take_sent(uint64_t transfer);
void take_parked(void);

/* The dialog of this number, in the table of the engine, until DIALOG_GOES. */
void dialog_comes(uint32_t number, uint32_t state);
void dialog_goes(uint32_t number);

/* A request in the dialog of this number (`in_dialog`), or outside, as a stranger may have damaged
 * it. */
enum { REQUEST_ROOM = 2048 };
struct sipxfer_request request_of(const char *method, uint32_t number, bool in_dialog,
                                  const char *header);
void damage(struct sipxfer_request *request);

#endif
