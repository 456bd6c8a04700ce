/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The transfers that begin with a REFER: answers, NOTIFYs, and what the application is to do.
 */
#include "sipxfer_pjsip_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define THIS_FILE "sipxfer_pjsip_transfer.c"

struct transfer {
    struct sipxfer_pjsip_transfer open; /* what the application sees; first */
    struct transfer *next;
    struct question *question;
    pjsip_evsub *sub; /* under the dialog's lock */
    int begun;        /* its REFER has its answer; what comes next is the queue's to take */
    int finished;
};

/* ---- the list of transfers ---- */

/* One that has begun. */
static struct transfer *transfer_by_id(uint64_t id)
{
    struct transfer *transfer;

    pj_mutex_lock(self.mutex);
    for (transfer = self.transfers; transfer != NULL && transfer->open.id != id;)
        transfer = transfer->next;
    if (transfer != NULL && !transfer->begun)
        transfer = NULL;
    pj_mutex_unlock(self.mutex);
    return transfer;
}

static void has_begun(struct transfer *transfer)
{
    pj_mutex_lock(self.mutex);
    transfer->begun = 1;
    pj_mutex_unlock(self.mutex);
}

static void link_transfer(struct transfer *transfer)
{
    pj_mutex_lock(self.mutex);
    transfer->next = self.transfers;
    self.transfers = transfer;
    self.counters.transfers++;
    pj_mutex_unlock(self.mutex);
}

static void unlink_transfer(struct transfer *transfer)
{
    struct transfer **at;

    pj_mutex_lock(self.mutex);
    for (at = &self.transfers; *at != NULL && *at != transfer; at = &(*at)->next)
        continue;
    if (*at != NULL) {
        *at = transfer->next;
        self.counters.transfers--;
    }
    pj_mutex_unlock(self.mutex);
}

/* From the queue only. */
static void destroy(struct transfer *transfer)
{
    pjsip_dialog *dialog = transfer->open.dialog;

    unlink_transfer(transfer);
    pjsip_dlg_inc_lock(dialog);
    if (transfer->sub != NULL) {
        pjsip_evsub_set_mod_data(transfer->sub, (unsigned)sipxfer_pjsip_dialog_module.id, NULL);
        pjsip_evsub_terminate(transfer->sub, PJ_FALSE);
        transfer->sub = NULL;
    }
    pjsip_dlg_dec_lock(dialog);
    if (self.options.destroyed != NULL)
        self.options.destroyed(self.options.user, &transfer->open);
    sipxfer_pjsip_forget(transfer->question);
    free(transfer);
}

/* ---- NOTIFYs ---- */

static struct sipxfer_str line_value(struct sipxfer_str lines, const char *name)
{
    struct sipxfer_str value = {NULL, 0};
    size_t len = strlen(name);

    while (lines.len > len) {
        const char *end = memchr(lines.ptr, '\r', lines.len);
        size_t line = end != NULL ? (size_t)(end - lines.ptr) : lines.len;
        if (line > len + 1 && lines.ptr[len] == ':' &&
            pj_ansi_strnicmp(lines.ptr, name, len) == 0) {
            value.ptr = lines.ptr + len + 2;
            value.len = line - len - 2;
            break;
        }
        line = line + 2 < lines.len ? line + 2 : lines.len;
        lines.ptr += line;
        lines.len -= line;
    }
    return value;
}

static void remove_headers(pjsip_msg *msg, const char *name)
{
    const pj_str_t key = pj_str((char *)name);
    pjsip_hdr *header;

    while ((header = pjsip_msg_find_hdr_by_name(msg, &key, NULL)) != NULL)
        pj_list_erase(header);
}

static pj_bool_t is_last(const struct sipxfer_output *output)
{
    struct sipxfer_str value = line_value(output->headers, "Subscription-State");
    struct sipxfer_subscription_state state;

    SIPXFER_INIT(state);
    return sipxfer_subscription_state_parse(value.ptr, value.len, &state, NULL) == SIPXFER_OK &&
           state.state == SIPXFER_SUBSCRIPTION_TERMINATED;
}

static void sent_to_nobody(const struct transfer *transfer)
{
    sipxfer_pjsip_notify_answered(transfer->open.id, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST);
}

/* pjsip makes the request and keeps the subscription; what the library says about its state and
 * body stands in the place of pjsip's. With the dialog locked. */
static void send_notify(struct transfer *transfer, const struct sipxfer_output *output)
{
    static const pj_str_t type = {"message", 7}, subtype = {"sipfrag", 7};
    pj_str_t body = sipxfer_pjsip_pj(output->body);
    pjsip_tx_data *tdata;
    pjsip_hdr lines, *line;
    pjsip_param *version;

    if (transfer->sub == NULL || pjsip_evsub_notify(transfer->sub,
                                                    is_last(output) ? PJSIP_EVSUB_STATE_TERMINATED
                                                                    : PJSIP_EVSUB_STATE_ACTIVE,
                                                    NULL, NULL, &tdata) != PJ_SUCCESS) {
        sent_to_nobody(transfer);
        return;
    }
    remove_headers(tdata->msg, "Subscription-State");
    pj_list_init(&lines);
    sipxfer_pjsip_add_lines(tdata->pool, &lines, output->headers);
    while ((line = lines.next) != &lines) {
        pj_list_erase(line);
        if (pj_stricmp2(&line->name, "Event") != 0) /* is there, as pjsip's own kind */
            pjsip_msg_add_hdr(tdata->msg, line);
    }
    tdata->msg->body = pjsip_msg_body_create(tdata->pool, &type, &subtype, &body);
    version = PJ_POOL_ZALLOC_T(tdata->pool, pjsip_param);
    version->name = pj_str("version");
    version->value = pj_str("2.0");
    pj_list_push_back(&tdata->msg->body->content_type.param, version);
    if (pjsip_evsub_send_request(transfer->sub, tdata) != PJ_SUCCESS)
        sent_to_nobody(transfer);
}

/* NULL once the subscription has ended, or the module is gone. */
static struct transfer *transfer_of_sub(pjsip_evsub *sub)
{
    return sipxfer_pjsip_dialog_module.id >= 0
               ? pjsip_evsub_get_mod_data(sub, (unsigned)sipxfer_pjsip_dialog_module.id)
               : NULL;
}

static void on_sub_state(pjsip_evsub *sub, pjsip_event *event)
{
    struct transfer *transfer = transfer_of_sub(sub);

    (void)event;
    if (transfer == NULL || pjsip_evsub_get_state(sub) != PJSIP_EVSUB_STATE_TERMINATED)
        return;
    /* Transactions of its NOTIFYs may outlive the transfer. */
    pjsip_evsub_set_mod_data(sub, (unsigned)sipxfer_pjsip_dialog_module.id, NULL);
    transfer->sub = NULL;
    sipxfer_pjsip_pump(transfer->open.id);
}

static void on_sub_tsx(pjsip_evsub *sub, pjsip_transaction *tsx, pjsip_event *event)
{
    struct transfer *transfer = transfer_of_sub(sub);
    pj_bool_t answered =
        tsx->state == PJSIP_TSX_STATE_COMPLETED ||
        (tsx->state == PJSIP_TSX_STATE_TERMINATED && event->type == PJSIP_EVENT_TSX_STATE &&
         event->body.tsx_state.prev_state != PJSIP_TSX_STATE_COMPLETED);

    /* A challenge is met by the subscription, with another request. */
    if (transfer != NULL && answered && tsx->role == PJSIP_ROLE_UAC && tsx->status_code >= 200 &&
        tsx->status_code != 401 && tsx->status_code != 407)
        sipxfer_pjsip_notify_answered(transfer->open.id, (unsigned)tsx->status_code);
}

/* The library has a deadline of its own for it. */
static void on_sub_timeout(pjsip_evsub *sub)
{
    (void)sub;
}

static const pjsip_evsub_user sub_callbacks = {
    .on_evsub_state = on_sub_state,
    .on_tsx_state = on_sub_tsx,
    .on_server_timeout = on_sub_timeout,
};

/* Event: refer, with the id that the first NOTIFY is to have; what the REFER may say is left out.
 */
static void set_event(pjsip_rx_data *rdata, const struct sipxfer_output *notify)
{
    struct sipxfer_str value = line_value(notify->headers, "Event");
    struct sipxfer_event_header event;
    pjsip_event_hdr *header = pjsip_event_hdr_create(rdata->tp_info.pool);
    pj_str_t id;

    remove_headers(rdata->msg_info.msg, "Event");
    remove_headers(rdata->msg_info.msg, "o");
    remove_headers(rdata->msg_info.msg, "Expires");
    header->event_type = pj_str("refer");
    SIPXFER_INIT(event);
    if (sipxfer_event_header_parse(value.ptr, value.len, &event, NULL) == SIPXFER_OK) {
        id = sipxfer_pjsip_pj(event.id);
        pj_strdup(rdata->tp_info.pool, &header->id_param, &id);
    }
    pjsip_msg_add_hdr(rdata->msg_info.msg, (pjsip_hdr *)header);
}

/* ---- outputs ---- */

/* A transfer that nobody carries out. */
static void abandon(uint64_t id)
{
    char buffer[SIPXFER_OUTPUT_SIZE];
    struct sipxfer_output output;
    int32_t status;

    sipxfer_transfer_give_up(self.engine, id, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST,
                             sipxfer_pjsip_now());
    sipxfer_transfer_notify_answered(self.engine, id, PJSIP_SC_CALL_TSX_DOES_NOT_EXIST,
                                     sipxfer_pjsip_now());
    do {
        SIPXFER_INIT(output);
        status = sipxfer_transfer_next(self.engine, id, buffer, sizeof buffer, &output);
    } while (status == SIPXFER_OK);
}

void sipxfer_pjsip_drop(struct question *question)
{
    if (question->transfer != 0)
        abandon(question->transfer);
    sipxfer_pjsip_forget(question);
}

/* The lookup that it has waited for is over: its REFER is judged once more. */
static void route(struct transfer *transfer)
{
    struct question *question = transfer->question;
    int32_t status;

    question->request.host_data = NULL; /* pjsip's own is long gone */
    question->request.now_ms = sipxfer_pjsip_now();
    SIPXFER_INIT(question->verdict);
    status = sipxfer_transfer_route(self.engine, transfer->open.id, &question->request, 0,
                                    question->scratch, question->scratch_len, &question->verdict);
    if (status != SIPXFER_OK) {
        sipxfer_pjsip_complain("sipxfer_transfer_route", status);
        sipxfer_transfer_give_up(self.engine, transfer->open.id, PJSIP_SC_INTERNAL_SERVER_ERROR,
                                 sipxfer_pjsip_now());
    }
    if (question->verdict.pin != 0)
        sipxfer_pjsip_tally(&self.counters.pinned, 1);
}

static void command(struct transfer *transfer, uint32_t what)
{
    if (what == SIPXFER_COMMAND_ROUTE) {
        route(transfer);
        return;
    }
    if (what != SIPXFER_COMMAND_START) {
        if (self.options.command != NULL)
            self.options.command(self.options.user, &transfer->open, what);
        return;
    }
    self.options.start(self.options.user, &transfer->open);
    if (transfer->question->verdict.pin != 0)
        sipxfer_pjsip_tally(&self.counters.pinned, -1);
    sipxfer_pjsip_complain("sipxfer_verdict_release",
                           sipxfer_verdict_release(self.engine, &transfer->question->verdict));
}

static void carry_out(struct transfer *transfer, const struct sipxfer_output *output)
{
    switch (output->kind) {
    case SIPXFER_OUTPUT_NOTIFY:
        pjsip_dlg_inc_lock(transfer->open.dialog);
        send_notify(transfer, output);
        pjsip_dlg_dec_lock(transfer->open.dialog);
        break;
    case SIPXFER_OUTPUT_COMMAND:
        command(transfer, output->command);
        break;
    case SIPXFER_OUTPUT_EVENT:
        if (self.options.event != NULL)
            self.options.event(self.options.user, &transfer->open, output);
        break;
    case SIPXFER_OUTPUT_FINISHED:
        transfer->finished = 1;
        if (self.options.finished != NULL)
            self.options.finished(self.options.user, &transfer->open, output->code, output->cause);
        break;
    default:
        break;
    }
}

/* The engine has forgotten it: nothing more will come. */
static pj_bool_t is_gone(uint64_t id)
{
    return sipxfer_transfer_decide(self.engine, id, SIPXFER_YES, sipxfer_pjsip_now()) ==
           SIPXFER_E_NOT_FOUND;
}

static void outputs_of(uint64_t id, char *buffer, size_t capacity)
{
    struct transfer *transfer = transfer_by_id(id);
    struct sipxfer_output output;

    while (transfer != NULL) {
        SIPXFER_INIT(output);
        if (sipxfer_transfer_next(self.engine, id, buffer, capacity, &output) != SIPXFER_OK)
            break;
        carry_out(transfer, &output);
    }
    if (transfer != NULL && transfer->finished && is_gone(id))
        destroy(transfer);
}

/* Those that have begun, as many as there is room for. */
static size_t all_begun(uint64_t *ids, size_t room)
{
    const struct transfer *transfer;
    size_t count = 0;

    pj_mutex_lock(self.mutex);
    for (transfer = self.transfers; transfer != NULL && count < room; transfer = transfer->next)
        if (transfer->begun)
            ids[count++] = transfer->open.id;
    pj_mutex_unlock(self.mutex);
    return count;
}

/* Id 0 stands for all that have begun. The library's own id 0 would hand out the answer to a REFER
 * that another thread is just about to give. */
void sipxfer_pjsip_outputs(uint64_t id)
{
    struct sipxfer_pjsip_counters counters;
    size_t capacity = SIPXFER_OUTPUT_SIZE + PJSIP_MAX_PKT_LEN; /* an event repeats its REFER */
    size_t count = 1;
    uint64_t *ids;
    char *buffer;

    sipxfer_pjsip_count(&counters); /* a REFER that comes now has its turn when it has begun */
    ids = calloc(counters.transfers + 1, sizeof *ids);
    buffer = malloc(capacity);
    if (ids != NULL && buffer != NULL) {
        ids[0] = id;
        if (id == 0)
            count = all_begun(ids, counters.transfers);
        for (size_t i = 0; i < count; i++)
            outputs_of(ids[i], buffer, capacity);
    }
    free(buffer);
    free(ids);
}

/* ---- a REFER ---- */

static void respond(pjsip_dialog *dialog, pjsip_transaction *tsx, pjsip_rx_data *rdata, int code,
                    struct sipxfer_str reason, struct sipxfer_str lines)
{
    pj_str_t text = sipxfer_pjsip_pj(reason);
    pjsip_tx_data *tdata;

    if (pjsip_dlg_create_response(dialog, rdata, code, text.slen > 0 ? &text : NULL, &tdata) !=
        PJ_SUCCESS)
        return;
    sipxfer_pjsip_add_lines(tdata->pool, &tdata->msg->hdr, lines);
    pjsip_dlg_send_response(dialog, tsx, tdata);
}

static void refuse_in_dialog(pjsip_dialog *dialog, pjsip_transaction *tsx, pjsip_rx_data *rdata,
                             const struct sipxfer_verdict *verdict)
{
    pjsip_tx_data *tdata;

    if (sipxfer_pjsip_refusal(rdata, verdict, dialog, &tdata) == PJ_SUCCESS)
        pjsip_dlg_send_response(dialog, tsx, tdata);
}

static struct transfer *new_transfer(struct question *question)
{
    struct transfer *transfer = calloc(1, sizeof *transfer);

    if (transfer == NULL)
        return NULL;
    transfer->open.id = question->transfer;
    transfer->open.dialog = question->in_dialog;
    transfer->open.verdict = &question->verdict;
    transfer->question = question;
    link_transfer(transfer);
    return transfer;
}

/* The answer, and right behind it the first NOTIFY (RFC 3515 section 2.4.4), while the dialog is
 * locked anyway; all the rest comes from the queue. */
static pj_bool_t begin(struct transfer *transfer, pjsip_dialog *dialog, pjsip_transaction *tsx,
                       pjsip_rx_data *rdata)
{
    static const struct sipxfer_str none = {NULL, 0};
    char answer_text[SIPXFER_OUTPUT_SIZE], notify_text[SIPXFER_OUTPUT_SIZE];
    struct sipxfer_output answer, notify;
    int with_notify = transfer->open.verdict->subscription != 0;

    SIPXFER_INIT(answer);
    SIPXFER_INIT(notify);
    if (sipxfer_transfer_next(self.engine, transfer->open.id, answer_text, sizeof answer_text,
                              &answer) != SIPXFER_OK ||
        answer.kind != SIPXFER_OUTPUT_ANSWER)
        return PJ_FALSE;
    if (with_notify) {
        if (sipxfer_transfer_next(self.engine, transfer->open.id, notify_text, sizeof notify_text,
                                  &notify) != SIPXFER_OK ||
            notify.kind != SIPXFER_OUTPUT_NOTIFY)
            return PJ_FALSE;
        set_event(rdata, &notify);
        if (pjsip_xfer_create_uas(dialog, &sub_callbacks, rdata, &transfer->sub) != PJ_SUCCESS)
            return PJ_FALSE;
        pjsip_evsub_set_mod_data(transfer->sub, (unsigned)sipxfer_pjsip_dialog_module.id, transfer);
    }
    respond(dialog, tsx, rdata, (int)answer.code, none, answer.headers);
    if (with_notify)
        send_notify(transfer, &notify);
    return PJ_TRUE;
}

void sipxfer_pjsip_take_refer(pjsip_dialog *dialog, pjsip_transaction *tsx, pjsip_rx_data *rdata,
                              struct question *question)
{
    static const struct sipxfer_str none = {NULL, 0};
    struct transfer *transfer;

    if (question->transfer == 0) {
        refuse_in_dialog(dialog, tsx, rdata, &question->verdict);
        sipxfer_pjsip_forget_later(question);
        return;
    }
    transfer = new_transfer(question);
    if (transfer != NULL && begin(transfer, dialog, tsx, rdata)) {
        has_begun(transfer);
        sipxfer_pjsip_pump(transfer->open.id);
        return;
    }
    PJ_LOG(1, (THIS_FILE, "a transfer could not be begun"));
    respond(dialog, tsx, rdata, PJSIP_SC_INTERNAL_SERVER_ERROR, none, none);
    if (transfer != NULL) {
        has_begun(transfer);
        sipxfer_pjsip_give_up(question->transfer, PJSIP_SC_INTERNAL_SERVER_ERROR);
    } else
        sipxfer_pjsip_forget_later(question);
}

void sipxfer_pjsip_take_subscribe(pjsip_dialog *dialog, pjsip_transaction *tsx,
                                  pjsip_rx_data *rdata)
{
    static const pj_str_t name = {"Event", 5}, short_name = {"o", 1};
    static const struct sipxfer_str none = {NULL, 0};
    const pjsip_event_hdr *event =
        pjsip_msg_find_hdr_by_names(rdata->msg_info.msg, &name, &short_name, NULL);
    const pjsip_expires_hdr *expires =
        pjsip_msg_find_hdr(rdata->msg_info.msg, PJSIP_H_EXPIRES, NULL);
    struct sipxfer_dialog_key key;
    struct sipxfer_str lines;
    uint64_t id = 0;
    uint32_t granted = 0;
    char text[32];
    int32_t status;

    SIPXFER_INIT(key);
    key.call_id = sipxfer_pjsip_str(&dialog->call_id->id);
    key.local_tag = sipxfer_pjsip_str(&dialog->local.info->tag);
    key.remote_tag = sipxfer_pjsip_str(&dialog->remote.info->tag);
    status = sipxfer_transfer_find(self.engine, &key,
                                   event != NULL ? (uint32_t)pj_strtoul(&event->id_param) : 0, &id);
    if (status == SIPXFER_OK)
        status = sipxfer_transfer_subscribe(self.engine, id,
                                            expires != NULL ? expires->ivalue : UINT32_MAX,
                                            sipxfer_pjsip_now(), &granted);
    if (status != SIPXFER_OK) {
        respond(dialog, tsx, rdata, PJSIP_SC_FORBIDDEN, none, none);
    } else {
        lines.ptr = text;
        lines.len =
            (size_t)pj_ansi_snprintf(text, sizeof text, "Expires: %u\r\n", (unsigned)granted);
        respond(dialog, tsx, rdata, PJSIP_SC_OK, none, lines);
    }
    if (id != 0)
        sipxfer_pjsip_pump(id);
}

void sipxfer_pjsip_dialog_bye(const pjsip_dialog *dialog)
{
    struct transfer *transfer;
    uint64_t ids[32];
    size_t count = 0;

    pj_mutex_lock(self.mutex);
    for (transfer = self.transfers; transfer != NULL; transfer = transfer->next)
        if (transfer->open.dialog == dialog && count < PJ_ARRAY_SIZE(ids))
            ids[count++] = transfer->open.id;
    pj_mutex_unlock(self.mutex);
    while (count > 0)
        sipxfer_pjsip_bye(ids[--count]);
}

/* Nothing comes in any more. */
void sipxfer_pjsip_end_transfers(void)
{
    while (self.transfers != NULL) {
        abandon(self.transfers->open.id);
        destroy(self.transfers);
    }
}
