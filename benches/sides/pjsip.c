/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * pjsip's side. Its dialogs are made by messages: an INVITE comes in, is answered with 200, and its
 * ACK comes. What it sends ends at a loop transport that discards everything. */
#include "side.h"

#include <pjlib-util.h>
#include <pjlib.h>
#include <pjsip.h>
#include <pjsip_ua.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    pj_caching_pool pools;
    pjsip_endpoint *endpoint;
    pjsip_transport *transport;
    pjsip_inv_session *last;
} self;

struct worker {
    pjsip_rx_data rdata;
    pj_pool_t *pool;
    pj_thread_desc room;
    char answer[PJSIP_MAX_PKT_LEN];
};

static struct worker workers[SIDE_WORKERS];

static const char SDP[] =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8 0\r\n";

static void must(pj_status_t status, const char *what)
{
    char text[PJ_ERR_MSG_SIZE];
    if (status == PJ_SUCCESS)
        return;
    fprintf(stderr, "pjsip: %s: %s\n", what, pj_strerror(status, text, sizeof text).ptr);
    exit(1);
}

static void on_state(pjsip_inv_session *inv, pjsip_event *event)
{
    (void)inv, (void)event;
}

static void on_forked(pjsip_inv_session *inv, pjsip_event *event)
{
    (void)inv, (void)event;
}

static pj_bool_t on_request(pjsip_rx_data *rdata)
{
    pj_str_t contact = pj_str("<sip:100@127.0.0.1>");
    pjmedia_sdp_session *sdp;
    pjsip_dialog *dialog;
    pjsip_tx_data *answer;
    char text[sizeof SDP];

    if (rdata->msg_info.msg->line.req.method.id != PJSIP_INVITE_METHOD)
        return PJ_FALSE;
    must(pjsip_dlg_create_uas_and_inc_lock(pjsip_ua_instance(), rdata, &contact, &dialog),
         "a dialog");
    memcpy(text, SDP, sizeof text);
    must(pjmedia_sdp_parse(dialog->pool, text, sizeof text - 1, &sdp), "an SDP");
    must(pjsip_inv_create_uas(dialog, rdata, sdp, 0, &self.last), "a session");
    pjsip_dlg_dec_lock(dialog);
    must(pjsip_inv_initial_answer(self.last, rdata, 200, NULL, NULL, &answer), "an answer");
    must(pjsip_inv_send_msg(self.last, answer), "to send an answer");
    return PJ_TRUE;
}

static pjsip_module module_of_calls = {.name = {"calls", 5},
                                       .id = -1,
                                       .priority = PJSIP_MOD_PRIORITY_APPLICATION,
                                       .on_rx_request = on_request};

static void *worker_of(unsigned number)
{
    struct worker *worker = &workers[number];
    pj_thread_t *thread;
    if (!pj_thread_is_registered())
        must(pj_thread_register("worker", worker->room, &thread), "a thread");
    if (worker->pool == NULL)
        worker->pool = pjsip_endpt_create_pool(self.endpoint, "message", 8000, 4000);
    return worker;
}

static void open_side(void)
{
    pjsip_inv_callback callbacks = {.on_state_changed = on_state, .on_new_session = on_forked};

    pj_log_set_level(0);
    must(pj_init(), "pjlib");
    must(pjlib_util_init(), "pjlib-util");
    pj_caching_pool_init(&self.pools, NULL, 0);
    must(pjsip_endpt_create(&self.pools.factory, "side", &self.endpoint), "an endpoint");
    /* Transactions that are over stay for half a minute otherwise, and are no dialogs. */
    pjsip_tsx_set_timers(20, 20, 20, 100);
    must(pjsip_tsx_layer_init_module(self.endpoint), "transactions");
    must(pjsip_ua_init_module(self.endpoint, NULL), "dialogs");
    must(pjsip_inv_usage_init(self.endpoint, &callbacks), "sessions");
    must(pjsip_100rel_init_module(self.endpoint), "100rel");
    must(pjsip_timer_init_module(self.endpoint), "timers");
    must(pjsip_replaces_init_module(self.endpoint), "Replaces");
    must(pjsip_endpt_register_module(self.endpoint, &module_of_calls), "the module");
    must(pjsip_loop_start(self.endpoint, &self.transport), "the transport");
    must(pjsip_loop_set_discard(self.transport, PJ_TRUE, NULL), "the transport");
    pjsip_transport_add_ref(self.transport);
    worker_of(0);
}

static void receive(const char *text)
{
    static pjsip_rx_data rdata;
    size_t len = strlen(text);

    memset(&rdata, 0, offsetof(pjsip_rx_data, pkt_info));
    rdata.tp_info.pool = workers[0].pool;
    rdata.tp_info.transport = self.transport;
    memcpy(rdata.pkt_info.packet, text, len + 1);
    rdata.pkt_info.len = (pj_ssize_t)len;
    pj_str_t address = pj_str("127.0.0.1");
    pj_sockaddr_in_init(&rdata.pkt_info.src_addr.ipv4, &address, 5060);
    rdata.pkt_info.src_addr_len = sizeof(pj_sockaddr_in);
    strcpy(rdata.pkt_info.src_name, "127.0.0.1");
    rdata.pkt_info.src_port = 5060;
    pjsip_tpmgr_receive_packet(pjsip_endpt_get_tpmgr(self.endpoint), &rdata);
    pj_pool_reset(workers[0].pool);
}

static void message(const char *method, unsigned number, const struct load_names *names,
                    const char *to_tag)
{
    char text[1024];
    int is_invite = strcmp(method, "INVITE") == 0;
    snprintf(
        text, sizeof text,
        "%s sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK%s%u\r\n"
        "From: <sip:bob@example.com>;tag=%s\r\nTo: <sip:100@pbx.example.com>%s%s\r\n"
        "Call-ID: %s\r\nCSeq: 1 %s\r\nContact: <sip:bob@127.0.0.1:5060>\r\n"
        "Max-Forwards: 70\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, method, number, names->remote, to_tag[0] != '\0' ? ";tag=" : "", to_tag,
        names->call_id, method, is_invite ? "Content-Type: application/sdp\r\n" : "",
        is_invite ? strlen(SDP) : 0, is_invite ? SDP : "");
    receive(text);
}

static void add_side(unsigned dialogs, struct load_names *names, int choose)
{
    pj_time_val now = {0, 0};
    if (!choose)
        must(PJ_EINVALIDOP, "chooses its tags itself, and has to be the first");
    for (unsigned number = 0; number < dialogs; number++) {
        struct load_names *it = &names[number];
        self.last = NULL;
        message("INVITE", number, it, "");
        if (self.last == NULL || self.last->dlg->local.info->tag.slen >= (long)sizeof it->local)
            must(PJ_EUNKNOWN, "an INVITE begins no call");
        snprintf(it->local, sizeof it->local, "%.*s", (int)self.last->dlg->local.info->tag.slen,
                 self.last->dlg->local.info->tag.ptr);
        message("ACK", number, it, it->local);
        if (self.last->state != PJSIP_INV_STATE_CONFIRMED)
            must(PJ_EUNKNOWN, "an ACK confirms no call");
        /* Transactions that are over go by a timer. */
        pjsip_endpt_handle_events(self.endpoint, &now);
    }
    for (int turn = 0; pjsip_tsx_layer_get_tsx_count() > 0; turn++) {
        pjsip_endpt_handle_events(self.endpoint, &now);
        if (turn > 10000)
            pj_thread_sleep(1);
        if (turn > 100000)
            must(PJ_ETIMEDOUT, "a transaction does not end");
    }
}

/* The parser writes into what it reads: as off a socket, the bytes are its own. */
static pjsip_msg *parsed(struct worker *worker, const char *bytes, size_t len)
{
    pjsip_rx_data *rdata = &worker->rdata;
    if (len >= PJSIP_MAX_PKT_LEN)
        return NULL;
    pj_pool_reset(worker->pool);
    memcpy(rdata->pkt_info.packet, bytes, len);
    rdata->pkt_info.packet[len] = '\0';
    rdata->pkt_info.len = (pj_ssize_t)len;
    memset(&rdata->msg_info, 0, sizeof rdata->msg_info);
    pj_list_init(&rdata->msg_info.parse_err);
    rdata->tp_info.pool = worker->pool;
    rdata->tp_info.transport = self.transport;
    rdata->msg_info.msg_buf = rdata->pkt_info.packet;
    rdata->msg_info.len = (int)len;
    rdata->msg_info.msg = pjsip_parse_rdata(rdata->pkt_info.packet, len, rdata);
    /* What the transport layer drops. */
    return pj_list_empty(&rdata->msg_info.parse_err) ? rdata->msg_info.msg : NULL;
}

static int hit(void *of, const char *bytes, size_t len)
{
    struct worker *worker = of;
    pjsip_dialog *dialog = NULL;
    if (parsed(worker, bytes, len) == NULL)
        return -1;
    pj_status_t status = pjsip_replaces_verify_request(&worker->rdata, &dialog, PJ_TRUE, NULL);
    if (status != PJ_SUCCESS)
        return PJSIP_ERRNO_TO_SIP_STATUS(status);
    if (dialog == NULL)
        return 0;
    pjsip_dlg_dec_lock(dialog);
    return 200;
}

static int parse(void *of, const char *bytes, size_t len)
{
    struct worker *worker = of;
    if (parsed(worker, bytes, len) == NULL)
        return -1;
    return (int)worker->rdata.msg_info.cid->id.slen;
}

static int response(void *of, const char *bytes, size_t len)
{
    struct worker *worker = of;
    pjsip_dialog *dialog = NULL;
    pjsip_tx_data *answer = NULL;
    if (parsed(worker, bytes, len) == NULL)
        return -1;
    pjsip_replaces_verify_request(&worker->rdata, &dialog, PJ_TRUE, &answer);
    if (answer == NULL)
        return -1;
    pj_ssize_t size = pjsip_msg_print(answer->msg, worker->answer, sizeof worker->answer);
    pjsip_tx_data_dec_ref(answer);
    return (int)size;
}

/* As pjsua reads a Refer-To, and then the Replaces in its URI. */
static int keys_of(struct worker *worker, const pj_str_t *value)
{
    char *copy = pj_pool_alloc(worker->pool, (size_t)value->slen + 1);
    memcpy(copy, value->ptr, (size_t)value->slen);
    copy[value->slen] = '\0';
    pjsip_uri *uri =
        pjsip_parse_uri(worker->pool, copy, (size_t)value->slen, PJSIP_PARSE_URI_AS_NAMEADDR);
    if (uri == NULL)
        return -1;
    pjsip_sip_uri *sip = pjsip_uri_get_uri(uri);
    const pj_str_t name = pj_str("Replaces");
    pjsip_param *param = pjsip_param_find(&sip->header_param, &name);
    if (param == NULL)
        return -1;
    copy = pj_pool_alloc(worker->pool, (size_t)param->value.slen + 1);
    memcpy(copy, param->value.ptr, (size_t)param->value.slen);
    copy[param->value.slen] = '\0';
    pjsip_replaces_hdr *replaces =
        pjsip_parse_hdr(worker->pool, &name, copy, (size_t)param->value.slen, NULL);
    if (replaces == NULL)
        return -1;
    return (int)(replaces->call_id.slen + replaces->to_tag.slen + replaces->from_tag.slen);
}

static int refer_to(void *of, const char *bytes, size_t len)
{
    struct worker *worker = of;
    pj_str_t value = {(char *)bytes, (pj_ssize_t)len};
    pj_pool_reset(worker->pool);
    return keys_of(worker, &value);
}

static int refer(void *of, const char *bytes, size_t len)
{
    struct worker *worker = of;
    const pj_str_t name = pj_str("Refer-To");
    pjsip_msg *msg = parsed(worker, bytes, len);
    if (msg == NULL)
        return -1;
    pjsip_generic_string_hdr *header = pjsip_msg_find_hdr_by_name(msg, &name, NULL);
    return header != NULL ? keys_of(worker, &header->hvalue) : -1;
}

/* The process ends next: its dialogs go with it. */
static void close_side(void)
{
}

const struct side side_pjsip = {"pjsip", open_side, add_side, worker_of, hit,
                                parse,   response,  refer_to, refer,     close_side};
