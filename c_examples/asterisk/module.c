/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Loading, and what has to fit before anything is decided here.
 */

/*** MODULEINFO
        <depend>pjproject</depend>
        <depend>res_pjsip</depend>
        <depend>res_pjsip_session</depend>
        <depend>res_pjsip_pubsub</depend>
        <support_level>extended</support_level>
 ***/

#include "module.h"

#include "asterisk/ast_version.h"
#include "asterisk/buildopts.h"

/* Asterisk gives pjproject a configuration of its own, on which the sizes of its structs depend and
 * which no checksum covers. A build with another one is stopped here. */
#if PJSIP_MAX_PKT_LEN < 65535
#error "This is not the pjproject that Asterisk was built with: use its config_site.h (README.md)"
#endif
_Static_assert(sizeof(((pjsip_rx_data *)0)->pkt_info.packet) == PJSIP_MAX_PKT_LEN,
               "pjsip_rx_data has another packet buffer than Asterisk's");
_Static_assert(sizeof(void *) < 8 ||
                   (sizeof(pjsip_rx_data) > 66000 && sizeof(pjsip_rx_data) < 67500),
               "pjsip_rx_data has another size than Asterisk's");

struct behaviour behaviour;
struct sipxfer_engine *engine;
int replaces_refer;
static int own_tech;

/* "22.10.1" and the like; development versions ("GIT-22-...") name the branch too. */
static int major_version(const char *version)
{
    int major = 0;

    while (*version != '\0' && (*version < '0' || *version > '9')) {
        version++;
    }
    sscanf(version, "%4d", &major);
    return major;
}

#ifndef SIPXFER_BUILT_FOR_ASTERISK
#error "SIPXFER_BUILT_FOR_ASTERISK is the major version of the headers; the Makefile sets it"
#endif
#if SIPXFER_BUILT_FOR_ASTERISK < 20 || SIPXFER_BUILT_FOR_ASTERISK > 23
#error "This module knows Asterisk 20 to 23"
#endif

static int fits(void)
{
    const char *running = ast_get_version();
    const char *pj = pj_get_version();
    const struct sipxfer_api *api = sipxfer_get_api(SIPXFER_ABI_MAJOR);

    if (major_version(running) != SIPXFER_BUILT_FOR_ASTERISK) {
        ast_log(
            LOG_ERROR,
            "This module was built for Asterisk %d and this is Asterisk %s: build it against the "
            "headers of this Asterisk\n",
            SIPXFER_BUILT_FOR_ASTERISK, running);
        return 0;
    }
    if (strcmp(pj, SIPXFER_BUILT_FOR_PJPROJECT) != 0 &&
        strncmp(pj, SIPXFER_BUILT_FOR_PJPROJECT "-", strlen(SIPXFER_BUILT_FOR_PJPROJECT) + 1) !=
            0) {
        ast_log(
            LOG_ERROR,
            "This module was built for pjproject %s and this Asterisk has pjproject %s: build it "
            "against the pjproject of this Asterisk\n",
            SIPXFER_BUILT_FOR_PJPROJECT, pj);
        return 0;
    }
    if (api == NULL || api->abi_minor < SIPXFER_ABI_MINOR || api->struct_size < sizeof *api) {
        ast_log(
            LOG_ERROR,
            "This module needs a libsipxfer with ABI %d.%d, and the one that was found (%s) has "
            "another: install the library that came with the module\n",
            SIPXFER_ABI_MAJOR, SIPXFER_ABI_MINOR, sipxfer_version());
        return 0;
    }
    return 1;
}

/* ---- what a session brings ---- */

static int is_method(const pjsip_rx_data *rdata, const pjsip_method *method)
{
    return pjsip_method_cmp(&rdata->msg_info.msg->line.req.method, method) == 0;
}

static int incoming_request(struct ast_sip_session *session, struct pjsip_rx_data *rdata)
{
    if (is_method(rdata, pjsip_get_refer_method())) {
        return refer_request(session, rdata);
    }
    if (is_method(rdata, &pjsip_invite_method)) {
        return replaces_take_over(session, rdata);
    }
    return 0;
}

static void outgoing_request(struct ast_sip_session *session, struct pjsip_tx_data *tdata)
{
    if (pjsip_method_cmp(&tdata->msg->line.req.method, &pjsip_invite_method) == 0) {
        outgoing_invite(session, tdata);
    }
}

static struct ast_sip_session_supplement supplement = {
    .priority = AST_SIP_SUPPLEMENT_PRIORITY_CHANNEL + 1,
    .incoming_request = incoming_request,
    .outgoing_request = outgoing_request,
};

/* What res_pjsip_refer does for the whole of pjsip, and nobody else. */
static void advertise(void)
{
    static const pj_str_t norefersub = {"norefersub", 10};
    pjsip_endpoint *endpoint = ast_sip_get_pjsip_endpoint();
    char supported[256];
    size_t len = 0;

    if (sipxfer_engine_supported(engine, NULL, 0, supported, sizeof supported, &len) ==
            SIPXFER_OK &&
        len <= sizeof supported &&
        sipxfer_option_tag_listed(supported, len, SIPXFER_LIT("replaces")) == SIPXFER_YES) {
        pjsip_replaces_init_module(endpoint);
    }
    /* It may be there already, which is no error here. */
    pjsip_xfer_init_module(endpoint);
    if (ast_sip_get_norefersub()) {
        pjsip_endpt_add_capability(endpoint, NULL, PJSIP_H_SUPPORTED, NULL, 1, &norefersub);
    }
}

static int unload_module(void);

static int load_module(void)
{
    if (!fits()) {
        return AST_MODULE_LOAD_DECLINE;
    }
    replaces_refer = !ast_module_check("res_pjsip_refer.so");
    if (host_open() || dialogs_init() || transfers_init() || watch_init() || ari_init() ||
        observe_init() || settings_load(0) || cli_register() || functions_register()) {
        unload_module();
        return AST_MODULE_LOAD_DECLINE;
    }
    if (replaces_refer && behaviour.observe) {
        ast_log(LOG_ERROR, "mode = observe compares with res_pjsip_refer, which is not loaded\n");
        unload_module();
        return AST_MODULE_LOAD_DECLINE;
    }
    if (replaces_refer) {
        advertise();
        if (tech_register()) {
            unload_module();
            return AST_MODULE_LOAD_DECLINE;
        }
        own_tech = 1;
    } else {
        /* Before its turn: in an equal place the order of registration counts. */
        supplement.priority = AST_SIP_SUPPLEMENT_PRIORITY_CHANNEL;
        ast_log(LOG_NOTICE, "res_pjsip_refer is loaded too: sipxfer goes first\n");
    }
    if (ast_sip_register_service(&usage_module) || ast_sip_register_service(&inside_module) ||
        ast_sip_register_service(&front_module)) {
        unload_module();
        return AST_MODULE_LOAD_DECLINE;
    }
    ast_sip_session_register_supplement(&supplement);
    /* Sessions hold on to it: it stays until Asterisk ends. */
    ast_module_shutdown_ref(ast_module_info->self);
    ast_verb(2, "sipxfer: library %s, Asterisk %s, pjproject %s\n", sipxfer_version(),
             ast_get_version(), pj_get_version());
    return AST_MODULE_LOAD_SUCCESS;
}

static int unload_module(void)
{
    ast_sip_session_unregister_supplement(&supplement);
    if (inside_module.id >= 0) {
        ast_sip_unregister_service(&inside_module);
    }
    if (front_module.id >= 0) {
        ast_sip_unregister_service(&front_module);
    }
    if (own_tech) {
        tech_unregister();
        own_tech = 0;
    }
    functions_unregister();
    cli_unregister();
    watch_exit();
    ari_exit();
    observe_exit();
    transfers_exit();
    dialogs_exit();
    if (usage_module.id >= 0) {
        ast_sip_unregister_service(&usage_module);
    }
    host_close();
    settings_unload();
    return 0;
}

static int reload_module(void)
{
    return settings_load(1) ? AST_MODULE_LOAD_DECLINE : AST_MODULE_LOAD_SUCCESS;
}

/* Late, so that it is known whether res_pjsip_refer is there. */
AST_MODULE_INFO(ASTERISK_GPL_KEY, AST_MODFLAG_LOAD_ORDER, "Call transfers by libsipxfer",
                .support_level = AST_MODULE_SUPPORT_EXTENDED, .load = load_module,
                .unload = unload_module, .reload = reload_module, .load_pri = AST_MODPRI_DEFAULT,
                .requires = "res_pjsip,res_pjsip_session,res_pjsip_pubsub",
                .optional_modules = "app_stack");
