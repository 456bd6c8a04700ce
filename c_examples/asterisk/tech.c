/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * REFER outside of a call, as ARI's POST /endpoints/refer asks for it: the technology "pjsip" of
 * Asterisk's refer core. Whether the outcome is told goes to the debug log alone: the core has no
 * place for it.
 */
#include "module.h"

#include "asterisk/refer.h"

/* A sent REFER: its dialog lives as long as its subscription. */
struct sent {
    pjsip_dialog *dlg;
    struct ast_sip_endpoint *endpoint;
    int challenges;
};

struct order {
    struct ast_refer *refer;
    char *destination;
    char *from;
    char *refer_to;
};

static struct ast_taskprocessor *serializer;

static pjsip_module sent_module = {
    .name = {"sipxfer sent", 12},
    .id = -1,
    .priority = PJSIP_MOD_PRIORITY_APPLICATION,
};

static void sent_destroy(void *object)
{
    struct sent *sent = object;

    ao2_cleanup(sent->endpoint);
}

static void order_destroy(void *object)
{
    struct order *order = object;

    ast_free(order->destination);
    ast_free(order->from);
    ast_free(order->refer_to);
    if (order->refer != NULL) {
        ast_refer_destroy(order->refer);
    }
}

static int release_task(void *data)
{
    struct sent *sent = data;

    if (sent->dlg != NULL) {
        pjsip_dlg_dec_session(sent->dlg, &sent_module);
        sent->dlg = NULL;
    }
    ao2_ref(sent, -1);
    return 0;
}

/* Runs under the lock of the dialog. The subscription lets go of the dialog later, by a task. */
static void let_go(pjsip_evsub *sub, struct sent *sent)
{
    pjsip_evsub_set_mod_data(sub, sent_module.id, NULL);
    if (ast_sip_push_task(serializer, release_task, sent)) {
        ast_log(LOG_ERROR, "sipxfer: a dialog of REFER cannot be released\n");
    }
}

static int try_again(struct sent *sent, pjsip_event *event)
{
    pjsip_transaction *tsx = event->body.tsx_state.tsx;
    pjsip_tx_data *tdata;

    if (event->type != PJSIP_EVENT_TSX_STATE || event->body.tsx_state.type != PJSIP_EVENT_RX_MSG ||
        (tsx->status_code != 401 && tsx->status_code != 407) || tsx->role != PJSIP_ROLE_UAC ||
        ++sent->challenges > MAX_RX_CHALLENGES ||
        ast_sip_create_request_with_auth(&sent->endpoint->outbound_auths,
                                         event->body.tsx_state.src.rdata, tsx->last_tx, &tdata)) {
        return -1;
    }
    return ast_sip_send_request(tdata, sent->dlg, NULL, NULL, NULL);
}

static void on_evsub_state(pjsip_evsub *sub, pjsip_event *event)
{
    struct sent *sent = pjsip_evsub_get_mod_data(sub, sent_module.id);
    pjsip_status_line status = {0};
    pjsip_tx_data *tdata;

    if (sent == NULL || event == NULL) {
        return;
    }
    if (event->type == PJSIP_EVENT_TSX_STATE && event->body.tsx_state.type == PJSIP_EVENT_RX_MSG) {
        const pjsip_msg *msg = event->body.tsx_state.src.rdata->msg_info.msg;

        if (msg->type == PJSIP_RESPONSE_MSG) {
            static const pj_str_t refer_sub = {"Refer-Sub", 9};
            const pjsip_generic_string_hdr *header =
                pjsip_msg_find_hdr_by_name(msg, &refer_sub, NULL);

            if (!try_again(sent, event)) {
                return;
            }
            if (msg->line.status.code / 100 == 2 && header != NULL &&
                !pj_strnicmp2(&header->hvalue, "false", 5)) {
                /* RFC 4488 section 4: no NOTIFY comes. */
                let_go(sub, sent);
                pjsip_evsub_terminate(sub, PJ_TRUE);
                return;
            }
            status = msg->line.status.code >= 300 ? msg->line.status : status;
        } else if (msg->body != NULL && !pj_stricmp2(&msg->body->content_type.subtype, "sipfrag")) {
            struct sipxfer_sipfrag fragment;

            SIPXFER_INIT(fragment);
            if (sipxfer_sipfrag_parse(msg->body->data, msg->body->len, &fragment, NULL) ==
                SIPXFER_OK) {
                status.code = (int)fragment.code;
            }
        }
    }
    if (status.code < 200 && pjsip_evsub_get_state(sub) != PJSIP_EVSUB_STATE_TERMINATED) {
        return;
    }
    ast_debug(1, "sipxfer: a REFER to endpoint %s has come to %d\n",
              ast_sorcery_object_get_id(sent->endpoint), status.code);
    let_go(sub, sent);
    if (pjsip_evsub_get_state(sub) != PJSIP_EVSUB_STATE_TERMINATED &&
        pjsip_evsub_initiate(sub, pjsip_get_subscribe_method(), 0, &tdata) == PJ_SUCCESS) {
        pjsip_evsub_send_request(sub, tdata);
    }
}

static pjsip_evsub_user callbacks = {
    .on_evsub_state = on_evsub_state,
};

/* Headers that are not the caller's to write. */
static int is_blocked(const char *name)
{
    static const char *const blocked[] = {
        "To",    "From",           "Via",          "Route",       "Contact", "Call-ID", "CSeq",
        "Allow", "Content-Length", "Content-Type", "Request-URI", "Refer-To"};

    for (size_t i = 0; i < ARRAY_LEN(blocked); i++) {
        if (!strcasecmp(name, blocked[i])) {
            return 1;
        }
    }
    return strpbrk(name, "\r\n: ") != NULL;
}

static void add_headers(const struct ast_refer *refer, pjsip_tx_data *tdata)
{
    struct ast_refer_var_iterator *each = ast_refer_var_iterator_init(refer);
    const char *name, *value;

    for (; each != NULL && ast_refer_var_iterator_next(each, &name, &value);
         ast_refer_var_unref_current(each)) {
        if (!is_blocked(name) && strpbrk(value, "\r\n") == NULL) {
            ast_sip_add_header(tdata, name, value);
        }
    }
    if (each != NULL) {
        ast_refer_var_iterator_destroy(each);
    }
}

/* The Refer-To, where it is asked for with Asterisk's own address in it. */
static pj_str_t refer_to_value(const struct order *order, const char *uri, pjsip_tx_data *tdata)
{
    char *display = ast_refer_get_var_and_unlink(order->refer, "display_name");
    char *named = NULL, quoted[256];
    pj_str_t value;

    if (ast_refer_get_to_self(order->refer)) {
        pj_str_t text;
        pjsip_uri *parsed;

        pj_strdup2_with_null(tdata->pool, &text, uri);
        parsed = pjsip_parse_uri(tdata->pool, text.ptr, (pj_size_t)text.slen, 0);
        if (parsed != NULL &&
            (PJSIP_URI_SCHEME_IS_SIP(parsed) || PJSIP_URI_SCHEME_IS_SIPS(parsed))) {
            char *printed = pj_pool_alloc(tdata->pool, PJSIP_MAX_URL_SIZE);
            int len;

            ast_sip_rewrite_uri_to_local(pjsip_uri_get_uri(parsed), tdata);
            len =
                pjsip_uri_print(PJSIP_URI_IN_CONTACT_HDR, parsed, printed, PJSIP_MAX_URL_SIZE - 1);
            if (len > 0) {
                printed[len] = '\0';
                uri = printed;
            }
        }
    }
    if (!ast_strlen_zero(display)) {
        ast_escape_quoted(display, quoted, sizeof quoted);
        if (ast_asprintf(&named, "\"%s\" <%s>", quoted, uri) < 0) {
            named = NULL;
        }
    }
    pj_strdup2(tdata->pool, &value, named != NULL ? named : uri);
    ast_free(named);
    ast_free(display);
    return value;
}

static int send_task(void *data)
{
    struct order *order = data;
    struct ast_sip_endpoint *endpoint, *target;
    struct sent *sent = NULL;
    pjsip_evsub *sub = NULL;
    pjsip_tx_data *tdata;
    char *uri = NULL, *refer_to = NULL;
    pj_str_t value;
    int res = -1;

    endpoint = ast_sip_get_endpoint(order->destination, 1, &uri);
    target = ast_sip_get_endpoint(order->refer_to, 0, &refer_to);
    if (endpoint == NULL || refer_to == NULL) {
        ast_log(LOG_WARNING, "REFER to %s: no endpoint for it, or no URI to refer to\n",
                order->destination);
        goto out;
    }
    sent = ao2_alloc(sizeof *sent, sent_destroy);
    if (sent == NULL || (sent->dlg = ast_sip_create_dialog_uac(endpoint, uri, NULL)) == NULL) {
        ast_log(LOG_WARNING, "REFER to %s: no dialog\n", order->destination);
        goto out;
    }
    sent->endpoint = ao2_bump(endpoint);
    ast_sip_dialog_set_endpoint(sent->dlg, endpoint);
    pjsip_dlg_inc_lock(sent->dlg);
    if (pjsip_xfer_create_uac(sent->dlg, &callbacks, &sub) != PJ_SUCCESS) {
        pjsip_dlg_dec_lock(sent->dlg);
        goto out;
    }
    pj_cstr(&value, refer_to);
    if (pjsip_xfer_initiate(sub, &value, &tdata) != PJ_SUCCESS) {
        pjsip_evsub_terminate(sub, PJ_FALSE);
        pjsip_dlg_dec_lock(sent->dlg);
        goto out;
    }
    {
        static const pj_str_t name = {"Refer-To", 8};
        pjsip_generic_string_hdr *header = pjsip_msg_find_hdr_by_name(tdata->msg, &name, NULL);

        if (header != NULL) {
            header->hvalue = refer_to_value(order, refer_to, tdata);
        }
    }
    ast_sip_update_to_uri(tdata, uri);
    ast_sip_update_from(tdata, order->from);
    add_headers(order->refer, tdata);
    pjsip_evsub_set_mod_data(sub, sent_module.id, ao2_bump(sent));
    if (pjsip_xfer_send_request(sub, tdata) == PJ_SUCCESS) {
        res = 0;
    } else if (pjsip_evsub_get_mod_data(sub, sent_module.id) != NULL) {
        pjsip_evsub_set_mod_data(sub, sent_module.id, NULL);
        ao2_ref(sent, -1);
        pjsip_evsub_terminate(sub, PJ_FALSE);
    }
    pjsip_dlg_dec_lock(sent->dlg);
out:
    ao2_cleanup(sent);
    ao2_cleanup(target);
    ao2_cleanup(endpoint);
    ast_free(uri);
    ast_free(refer_to);
    return res;
}

static int refer_send(const struct ast_refer *refer)
{
    const char *to = ast_refer_get_to(refer), *from = ast_refer_get_from(refer);
    struct order *order;
    char *params;
    int res = -1;

    /* To begins with the name of the technology. */
    if (ast_strlen_zero(to) || (to = strchr(to, ':')) == NULL) {
        ast_log(LOG_ERROR, "REFER needs an address to send it to\n");
        return -1;
    }
    order = ao2_alloc(sizeof *order, order_destroy);
    if (order == NULL) {
        return -1;
    }
    order->refer = ast_refer_ref((struct ast_refer *)refer);
    order->destination = ast_strdup(to + 1);
    order->from = ast_strdup(S_OR(from, ""));
    order->refer_to = ast_strdup(S_OR(ast_refer_get_refer_to(refer), ""));
    if (order->destination != NULL && order->from != NULL && order->refer_to != NULL) {
        /* A From has no URI parameters here: a tag will follow. */
        params = strchr(order->from, '@');
        params = params != NULL ? strchr(params, ';') : NULL;
        if (params != NULL) {
            *params = '\0';
        }
        res = ast_sip_push_task_wait_serializer(serializer, send_task, order);
    }
    ao2_ref(order, -1);
    return res;
}

static const struct ast_refer_tech tech = {
    .name = "pjsip",
    .refer_send = refer_send,
};

int tech_register(void)
{
    serializer = ast_sip_create_serializer("pjsip/sipxfer");
    if (serializer == NULL) {
        return -1;
    }
    if (ast_sip_register_service(&sent_module) || ast_refer_tech_register(&tech)) {
        ast_taskprocessor_unreference(serializer);
        serializer = NULL;
        return -1;
    }
    return 0;
}

void tech_unregister(void)
{
    ast_refer_tech_unregister(&tech);
    ast_sip_unregister_service(&sent_module);
    serializer = ast_taskprocessor_unreference(serializer);
}
