/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See pjsip_side.h. With -DPJSIP_SIDE_PROGRAM it is a program, which reads a message from standard
 * input and prints the answer and the nanoseconds of one verification and of the parsing in it:
 *
 *     pjsip_side DIALOGS ROUNDS < message
 *
 * The dialogs are call-N@example.com with the local tag local-N and the remote tag remote-N.
 */
#include "pjsip_side.h"

#include <pj/os.h>
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
    pjsip_rx_data rdata;
    pj_pool_t *pool;
    char *packet;
} self;

static void on_state(pjsip_inv_session *inv, pjsip_event *event)
{
    (void)inv, (void)event;
}

static void on_forked(pjsip_inv_session *inv, pjsip_event *event)
{
    (void)inv, (void)event;
}

static pj_status_t set_up(void)
{
    pjsip_inv_callback callbacks;
    pj_status_t status;

    pj_log_set_level(1);
    if ((status = pj_init()) != PJ_SUCCESS || (status = pjlib_util_init()) != PJ_SUCCESS)
        return status;
    pj_caching_pool_init(&self.pools, NULL, 0);
    status = pjsip_endpt_create(&self.pools.factory, "side", &self.endpoint);
    if (status == PJ_SUCCESS)
        status = pjsip_tsx_layer_init_module(self.endpoint);
    if (status == PJ_SUCCESS)
        status = pjsip_ua_init_module(self.endpoint, NULL);
    memset(&callbacks, 0, sizeof callbacks);
    callbacks.on_state_changed = on_state;
    callbacks.on_new_session = on_forked;
    if (status == PJ_SUCCESS)
        status = pjsip_inv_usage_init(self.endpoint, &callbacks);
    if (status == PJ_SUCCESS)
        status = pjsip_100rel_init_module(self.endpoint);
    if (status == PJ_SUCCESS)
        status = pjsip_replaces_init_module(self.endpoint);
    return status;
}

/* Confirmed by hand: what counts here is that the tables hold it. */
static pj_status_t add_dialog(unsigned number, const char *call_id, const char *local_tag,
                              const char *remote_tag)
{
    const pj_str_t local = pj_str("<sip:side@127.0.0.1>"), remote = pj_str("<sip:peer@127.0.0.1>");
    pjsip_inv_session *inv;
    pjsip_dialog *dialog;
    pj_status_t status;
    pj_str_t text;
    char name[128];

    status = pjsip_dlg_create_uac(pjsip_ua_instance(), &local, NULL, &remote, NULL, &dialog);
    if (status != PJ_SUCCESS)
        return status;
    pjsip_dlg_inc_lock(dialog);
    status = pjsip_inv_create_uac(dialog, NULL, 0, &inv);
    if (status == PJ_SUCCESS) {
        inv->state = PJSIP_INV_STATE_CONFIRMED;
        dialog->state = PJSIP_DIALOG_STATE_ESTABLISHED;
        /* The table goes by the local tag. */
        status = pjsip_ua_unregister_dlg(pjsip_ua_instance(), dialog);
    }
    if (status == PJ_SUCCESS) {
        pj_ansi_snprintf(name, sizeof name, call_id, number);
        text = pj_str(name);
        pj_strdup(dialog->pool, &dialog->call_id->id, &text);
        pj_ansi_snprintf(name, sizeof name, local_tag, number);
        text = pj_str(name);
        pj_strdup(dialog->pool, &dialog->local.info->tag, &text);
        dialog->local.tag_hval = pj_hash_calc_tolower(0, NULL, &dialog->local.info->tag);
        pj_ansi_snprintf(name, sizeof name, remote_tag, number);
        text = pj_str(name);
        pj_strdup(dialog->pool, &dialog->remote.info->tag, &text);
        status = pjsip_ua_register_dlg(pjsip_ua_instance(), dialog);
    }
    pjsip_dlg_dec_lock(dialog);
    return status;
}

int pjsip_side_open(unsigned dialogs, const char *call_id, const char *local_tag,
                    const char *remote_tag)
{
    pj_status_t status = set_up();

    for (unsigned i = 0; i < dialogs && status == PJ_SUCCESS; i++)
        status = add_dialog(i, call_id, local_tag, remote_tag);
    if (status != PJ_SUCCESS)
        return status;
    self.pool = pjsip_endpt_create_pool(self.endpoint, "message", 8000, 4000);
    self.packet = malloc(PJSIP_MAX_PKT_LEN + 1);
    return self.pool != NULL && self.packet != NULL ? 0 : PJ_ENOMEM;
}

int pjsip_side_parse(const char *message, size_t len)
{
    if (len >= PJSIP_MAX_PKT_LEN)
        return -1;
    pj_pool_reset(self.pool);
    memcpy(self.packet, message, len); /* as off a socket: the parser writes into it */
    self.packet[len] = '\0';
    memset(&self.rdata.msg_info, 0, sizeof self.rdata.msg_info);
    pj_list_init(&self.rdata.msg_info.parse_err);
    self.rdata.tp_info.pool = self.pool;
    self.rdata.msg_info.msg_buf = self.packet;
    self.rdata.msg_info.len = (int)len;
    self.rdata.msg_info.msg = pjsip_parse_rdata(self.packet, len, &self.rdata);
    /* What the transport layer drops. */
    return self.rdata.msg_info.msg != NULL && pj_list_empty(&self.rdata.msg_info.parse_err) ? 0
                                                                                            : -1;
}

int pjsip_side_verify(const char *message, size_t len)
{
    pjsip_dialog *dialog = NULL;
    pj_status_t status;

    if (pjsip_side_parse(message, len) != 0)
        return -1;
    status = pjsip_replaces_verify_request(&self.rdata, &dialog, PJ_TRUE, NULL);
    if (status != PJ_SUCCESS)
        return PJSIP_ERRNO_TO_SIP_STATUS(status);
    if (dialog == NULL)
        return 0;
    pjsip_dlg_dec_lock(dialog);
    return 200;
}

void pjsip_side_close(void)
{
    free(self.packet);
    pjsip_endpt_release_pool(self.endpoint, self.pool);
    pjsip_endpt_destroy(self.endpoint);
    pj_caching_pool_destroy(&self.pools);
    pj_shutdown();
    memset(&self, 0, sizeof self);
}

#ifdef PJSIP_SIDE_PROGRAM

static unsigned long per_round(int (*step)(const char *, size_t), const char *message, size_t len,
                               unsigned rounds)
{
    pj_timestamp from, to;

    pj_get_timestamp(&from);
    for (unsigned i = 0; i < rounds; i++)
        step(message, len);
    pj_get_timestamp(&to);
    return rounds > 0 ? (unsigned long)(pj_elapsed_nanosec(&from, &to) / rounds) : 0;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
    static char message[PJSIP_MAX_PKT_LEN];
    size_t len = fread(message, 1, sizeof message, stdin);
    int code;

    if (pjsip_side_open(argc > 1 ? (unsigned)atoi(argv[1]) : 1, "call-%u@example.com", "local-%u",
                        "remote-%u") != 0)
        return 1;
    code = pjsip_side_verify(message, len);
    printf("%d %lu %lu\n", code, per_round(pjsip_side_verify, message, len, rounds),
           per_round(pjsip_side_parse, message, len, rounds));
    pjsip_side_close();
    return 0;
}

#endif
