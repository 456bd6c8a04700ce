/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * pjsip_replaces_verify_request() itself, decided by sipxfer, for programs that are not to be
 * changed. pjsip's libraries call it through the dynamic linker, so that the first one found is the
 * one that runs. Two ways:
 *
 *   - linked into an application that calls sipxfer_pjsip_init() itself: pjsip, and pjsua above it,
 *     then ask sipxfer without a line changed (this needs pjsip's shared libraries, or this object
 *     ahead of its archives);
 *   - as a shared object of its own, made with -DSIPXFER_PRELOAD and put into a program by
 * LD_PRELOAD. It then sets up sipxfer where the program sets up pjsip's module, and says so in
 * pjsip's log. Settings come from the environment variable SIPXFER_SETTINGS, as in
 *     "replaces.accept_early_incoming=yes; warning.agent=pbx". Nobody tells it who is who, so
 *     that "replaces.authorize" is "any" unless set: everybody may replace everything, as with
 * pjsip's own function. Anything else refuses everything.
 *
 * The Replaces header of a message stays a pjsip_replaces_hdr.
 */
#include "sipxfer_pjsip_parts.h"

#include <stdlib.h>
#include <string.h>

#define THIS_FILE "sipxfer_replaced.c"

#ifdef SIPXFER_PRELOAD

enum { MAX_SETTINGS = 32 };

static char *trim(char *text)
{
    size_t len;

    while (*text == ' ')
        text++;
    len = strlen(text);
    while (len > 0 && text[len - 1] == ' ')
        text[--len] = '\0';
    return text;
}

/* NAME=VALUE; NAME=VALUE, cut up where it stands. */
static void read_settings(char *text, const char **settings)
{
    size_t count = 2; /* behind the default */

    while (text != NULL && *text != '\0' && count + 2 < 2 * MAX_SETTINGS) {
        char *end = strchr(text, ';'), *equals;
        if (end != NULL)
            *end = '\0';
        equals = strchr(text, '=');
        if (equals != NULL) {
            *equals = '\0';
            settings[count++] = trim(text);
            settings[count++] = trim(equals + 1);
        } else if (*trim(text) != '\0') {
            PJ_LOG(1, (THIS_FILE, "SIPXFER_SETTINGS: no '=' in \"%s\"", text));
        }
        text = end != NULL ? end + 1 : NULL;
    }
    settings[count] = NULL;
}

static void on_endpoint_gone(pjsip_endpoint *endpoint)
{
    (void)endpoint;
    sipxfer_pjsip_shutdown();
}

static pj_status_t set_up(pjsip_endpoint *endpoint)
{
    const char *settings[2 * MAX_SETTINGS + 1] = {"replaces.authorize", "any", NULL};
    const char *given = getenv("SIPXFER_SETTINGS");
    struct sipxfer_pjsip_options options;
    char text[2048];
    pj_status_t status;

    memset(&options, 0, sizeof options);
    options.settings = settings;
    if (given != NULL && strlen(given) < sizeof text) {
        strcpy(text, given);
        read_settings(text, settings);
    } else if (given != NULL) {
        PJ_LOG(1, (THIS_FILE, "SIPXFER_SETTINGS is too long"));
        return PJ_ETOOBIG;
    }
    status = sipxfer_pjsip_init(endpoint, &options);
    if (status == PJ_SUCCESS)
        status = pjsip_endpt_atexit(endpoint, on_endpoint_gone);
    PJ_LOG(3, (THIS_FILE, "pjsip_replaces_verify_request() is sipxfer's in this process (%s)",
               status == PJ_SUCCESS ? "preloaded" : "FAILED: every Replaces is refused"));
    return status;
}

#else

static pj_status_t set_up(pjsip_endpoint *endpoint)
{
    return sipxfer_pjsip_replaces_init(endpoint);
}

#endif

/* pjsip's is not called: its parser drops a message with a bad Replaces without any answer. */
PJ_DEF(pj_status_t) pjsip_replaces_init_module(pjsip_endpoint *endpoint)
{
    PJ_ASSERT_RETURN(endpoint != NULL, PJ_EINVAL);
    return self.engine != NULL && self.endpoint == endpoint ? PJ_SUCCESS : set_up(endpoint);
}

PJ_DEF(pj_status_t)
pjsip_replaces_verify_request(pjsip_rx_data *rdata, pjsip_dialog **dialog, pj_bool_t lock,
                              pjsip_tx_data **tdata)
{
    pj_status_t status = sipxfer_pjsip_replaces_verify_request(rdata, dialog, lock, tdata);
    struct sipxfer_pjsip_counters counters;

    sipxfer_pjsip_count(&counters);
    PJ_LOG(4, (THIS_FILE, "sipxfer has verified request %lu: %s", counters.verified,
               status != PJ_SUCCESS ? "refused" : (*dialog != NULL ? "replaces" : "no Replaces")));
    return status;
}
