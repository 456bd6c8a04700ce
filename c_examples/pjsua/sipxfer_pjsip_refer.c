/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Transfers that this side asks for: REFERs that are sent in a dialog, their answers and NOTIFYs.
 */
#include "sipxfer_pjsip_parts.h"

#include <stdlib.h>
#include <string.h>

#define THIS_FILE "sipxfer_pjsip_refer.c"

struct sent {
    struct sipxfer_pjsip_refer open; /* what the application sees; first */
    struct sent *next;
    int32_t cseqs[3]; /* of attempt 1 and 2 */
    size_t room;      /* for the strings of its outputs */
    int finished;
};

/* Something to be told to the engine from the queue. */
struct news {
    enum { BEGUN, ANSWERED, CALL_ENDED, CONSULTATION_ENDED, CONSULTATION_ANSWERED, LOOK } kind;
    uint64_t id;
    uint32_t attempt;
    size_t len;
    char *message;
};

/* From the queue only. Who has found it holds the lock of its dialog, which is taken once here
 * between unlinking and freeing it. */
static void destroy(struct sent *sent)
{
    struct sent **at;

    pj_mutex_lock(self.mutex);
    for (at = &self.sent; *at != NULL && *at != sent; at = &(*at)->next)
        continue;
    if (*at != NULL) {
        *at = sent->next;
        self.counters.transfers--;
    }
    pj_mutex_unlock(self.mutex);
    pjsip_dlg_dec_session(sent->open.dialog, &sipxfer_pjsip_first_module);
    free(sent);
}

/* The engine answers NOT_FOUND once no NOTIFY is expected any more; about a consultation it has
 * long been told by then. */
static int is_gone(const struct sent *sent)
{
    return sent->finished &&
           sipxfer_refer_consultation_ended(self.engine, sent->open.id, sipxfer_pjsip_now()) ==
               SIPXFER_E_NOT_FOUND;
}

/* ---- outputs ---- */

/* The REFER could not be sent (RFC 3261 section 8.1.3.1). */
static void not_sent(const struct sent *sent, uint32_t attempt)
{
    sipxfer_refer_response(self.engine, sent->open.id, attempt,
                           SIPXFER_LIT("SIP/2.0 503 Service Unavailable\r\n\r\n"),
                           sipxfer_pjsip_now());
}

/* With the dialog locked: nobody else takes the CSeq that is reported. */
static pj_status_t send_now(struct sent *sent, uint32_t attempt, pjsip_tx_data *tdata)
{
    pjsip_dialog *dialog = sent->open.dialog;
    int32_t cseq = dialog->local.cseq;
    int first = dialog->mod_data[sipxfer_pjsip_dialog_module.id] == NULL;

    pj_mutex_lock(self.mutex);
    if (attempt < PJ_ARRAY_SIZE(sent->cseqs))
        sent->cseqs[attempt] = cseq;
    pj_mutex_unlock(self.mutex);
    dialog->mod_data[sipxfer_pjsip_dialog_module.id] = dialog; /* not the first one any more */
    sipxfer_pjsip_complain("sipxfer_refer_sent",
                           sipxfer_refer_sent(self.engine, sent->open.id, attempt, (uint32_t)cseq,
                                              first ? 1 : 0, sipxfer_pjsip_now()));
    return pjsip_dlg_send_request(dialog, tdata, -1, NULL);
}

static void send_refer(struct sent *sent, const struct sipxfer_refer_output *output)
{
    pjsip_dialog *dialog = sent->open.dialog;
    pjsip_tx_data *tdata;
    pj_status_t status;

    pjsip_dlg_inc_lock(dialog);
    status = output->in_dialog
                 ? pjsip_dlg_create_request(dialog, pjsip_get_refer_method(), -1, &tdata)
                 : PJ_ENOTSUP;
    if (status == PJ_SUCCESS) {
        sipxfer_pjsip_add_lines(tdata->pool, &tdata->msg->hdr, output->headers);
        pjsip_auth_clt_init_req(&dialog->auth_sess, tdata);
        status = send_now(sent, output->attempt, tdata);
    }
    pjsip_dlg_dec_lock(dialog);
    if (status != PJ_SUCCESS)
        not_sent(sent, output->attempt);
}

static void carry_out(struct sent *sent, const struct sipxfer_refer_output *output)
{
    switch (output->kind) {
    case SIPXFER_REFER_OUTPUT_SEND:
        send_refer(sent, output);
        break;
    case SIPXFER_REFER_OUTPUT_FINISHED:
        sent->finished = 1;
        /* fall through */
    default:
        if (self.options.referring != NULL)
            self.options.referring(self.options.user, &sent->open, output);
    }
}

/* With id 0: what time has brought, and those that the engine has forgotten. */
void sipxfer_pjsip_refer_outputs(uint64_t id)
{
    struct sent *sent, *next;

    /* Only this queue unlinks; new ones come in front. */
    pj_mutex_lock(self.mutex);
    sent = self.sent;
    pj_mutex_unlock(self.mutex);
    for (; sent != NULL; sent = next) {
        struct sipxfer_refer_output output;
        char *buffer = id == 0 || sent->open.id == id ? malloc(sent->room) : NULL;
        for (; buffer != NULL;) {
            SIPXFER_INIT(output);
            if (sipxfer_refer_next(self.engine, sent->open.id, buffer, sent->room, &output) !=
                SIPXFER_OK)
                break;
            carry_out(sent, &output);
        }
        free(buffer);
        next = sent->next;
        if (is_gone(sent))
            destroy(sent);
    }
}

/* ---- what is told ---- */

static void on_news(void *user, void *argument)
{
    struct news *news = argument;
    uint64_t now = sipxfer_pjsip_now();

    (void)user;
    switch (news->kind) {
    case ANSWERED:
        sipxfer_refer_response(self.engine, news->id, news->attempt, news->message, news->len, now);
        break;
    case CALL_ENDED:
        sipxfer_refer_call_ended(self.engine, news->id, now);
        break;
    case CONSULTATION_ENDED:
        sipxfer_refer_consultation_ended(self.engine, news->id, now);
        break;
    case CONSULTATION_ANSWERED:
        sipxfer_refer_consultation_answered(self.engine, news->id, now);
        break;
    default:
        break;
    }
    sipxfer_pjsip_refer_outputs(news->id);
    free(news);
}

static void tell(int kind, uint64_t id, uint32_t attempt, const char *message, size_t len)
{
    struct news *news = calloc(1, sizeof *news + len);

    if (news == NULL) {
        PJ_LOG(1, (THIS_FILE, "out of memory"));
        return;
    }
    news->kind = kind;
    news->id = id;
    news->attempt = attempt;
    news->message = (char *)(news + 1);
    news->len = len;
    if (len > 0)
        memcpy(news->message, message, len);
    sipxfer_pjsip_later(on_news, news);
}

void sipxfer_pjsip_consultation_ended(uint64_t refer)
{
    tell(CONSULTATION_ENDED, refer, 0, NULL, 0);
}

void sipxfer_pjsip_consultation_answered(uint64_t refer)
{
    tell(CONSULTATION_ANSWERED, refer, 0, NULL, 0);
}

/* The transfers of a dialog, at most so many. */
static size_t of_dialog(const pjsip_dialog *dialog, struct sent **found, size_t room)
{
    struct sent *sent;
    size_t count = 0;

    pj_mutex_lock(self.mutex);
    for (sent = self.sent; sent != NULL && count < room; sent = sent->next)
        if (sent->open.dialog == dialog)
            found[count++] = sent;
    pj_mutex_unlock(self.mutex);
    return count;
}

enum { MAX_OF_DIALOG = 32 };

void sipxfer_pjsip_refer_bye(const pjsip_dialog *dialog)
{
    struct sent *found[MAX_OF_DIALOG];
    size_t count = of_dialog(dialog, found, MAX_OF_DIALOG);

    while (count > 0)
        tell(CALL_ENDED, found[--count]->open.id, 0, NULL, 0);
}

pj_bool_t sipxfer_pjsip_refers_in(const pjsip_dialog *dialog)
{
    struct sent *found[1];

    return of_dialog(dialog, found, 1) > 0;
}

/* The first transfer of the dialog that knows the NOTIFY answers it. The dialog is locked: none of
 * them goes meanwhile that a NOTIFY could be for. */
unsigned sipxfer_pjsip_refer_notify(const pjsip_dialog *dialog, const pjsip_rx_data *rdata)
{
    struct sent *found[MAX_OF_DIALOG];
    size_t count = of_dialog(dialog, found, MAX_OF_DIALOG);
    uint32_t code = PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
    uint64_t ids[MAX_OF_DIALOG];

    for (size_t i = 0; i < count; i++)
        ids[i] = found[i]->open.id;
    for (size_t i = 0; i < count && code == PJSIP_SC_CALL_TSX_DOES_NOT_EXIST; i++) {
        if (sipxfer_refer_notify(self.engine, ids[i], 0, rdata->msg_info.msg_buf,
                                 (size_t)rdata->msg_info.len, sipxfer_pjsip_now(),
                                 &code) != SIPXFER_OK)
            code = PJSIP_SC_CALL_TSX_DOES_NOT_EXIST;
        tell(LOOK, ids[i], 0, NULL, 0);
    }
    return code;
}

/* A challenge is met here and not told, as long as there are credentials. With the dialog locked.
 */
static int authenticates(struct sent *sent, uint32_t attempt, pjsip_transaction *tsx,
                         pjsip_rx_data *rdata)
{
    pjsip_tx_data *tdata;

    return (tsx->status_code == 401 || tsx->status_code == 407) &&
           pjsip_auth_clt_reinit_req(&sent->open.dialog->auth_sess, rdata, tsx->last_tx, &tdata) ==
               PJ_SUCCESS &&
           send_now(sent, attempt, tdata) == PJ_SUCCESS;
}

void sipxfer_pjsip_refer_answered(pjsip_dialog *dialog, pjsip_transaction *tsx,
                                  const pjsip_event *event)
{
    pj_bool_t received = event->body.tsx_state.type == PJSIP_EVENT_RX_MSG;
    pjsip_rx_data *rdata = received ? event->body.tsx_state.src.rdata : NULL;
    struct sent *found[MAX_OF_DIALOG];
    size_t count = of_dialog(dialog, found, MAX_OF_DIALOG);

    for (size_t i = 0; i < count; i++) {
        for (uint32_t attempt = 1; attempt < PJ_ARRAY_SIZE(found[i]->cseqs); attempt++) {
            if (found[i]->cseqs[attempt] != tsx->cseq || tsx->cseq == 0)
                continue;
            if (!received) /* nobody has answered */
                tell(ANSWERED, found[i]->open.id, attempt, NULL, 0);
            else if (!authenticates(found[i], attempt, tsx, rdata))
                tell(ANSWERED, found[i]->open.id, attempt, rdata->msg_info.msg_buf,
                     (size_t)rdata->msg_info.len);
            return;
        }
    }
}

pj_status_t sipxfer_pjsip_refer(pjsip_dialog *dialog, const struct sipxfer_refer_options *options,
                                void *data, uint64_t *refer)
{
    struct sipxfer_refer_options inside = *options;
    struct sent *sent = calloc(1, sizeof *sent);
    int32_t status;

    if (sent == NULL)
        return PJ_ENOMEM;
    inside.target_dialog = NULL; /* in the dialog, whose answers come here */
    sent->open.dialog = dialog;
    sent->open.data = data;
    sent->room = SIPXFER_OUTPUT_SIZE + PJSIP_MAX_PKT_LEN +
                 3 * (options->target.len + options->contact.len + options->aor.len +
                      options->referred_by.len + PJSIP_MAX_PKT_LEN);
    pjsip_dlg_inc_lock(dialog);
    if (!pjsip_dlg_has_usage(dialog, &sipxfer_pjsip_dialog_module))
        pjsip_dlg_add_usage(dialog, &sipxfer_pjsip_dialog_module, NULL);
    pjsip_dlg_inc_session(dialog, &sipxfer_pjsip_first_module);
    pjsip_dlg_dec_lock(dialog);
    status = sipxfer_refer_start(self.engine, &inside, sipxfer_pjsip_now(), &sent->open.id);
    if (status != SIPXFER_OK) {
        sipxfer_pjsip_complain("sipxfer_refer_start", status);
        pjsip_dlg_dec_session(dialog, &sipxfer_pjsip_first_module);
        free(sent);
        return PJ_EINVAL;
    }
    if (refer != NULL)
        *refer = sent->open.id;
    pj_mutex_lock(self.mutex);
    sent->next = self.sent;
    self.sent = sent;
    self.counters.transfers++;
    pj_mutex_unlock(self.mutex);
    tell(BEGUN, sent->open.id, 0, NULL, 0);
    return PJ_SUCCESS;
}

/* Nothing comes in any more. */
void sipxfer_pjsip_end_refers(void)
{
    while (self.sent != NULL)
        destroy(self.sent);
}
