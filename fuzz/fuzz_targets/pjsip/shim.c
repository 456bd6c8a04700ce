/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * pjsip's own parsers, as its users call them: a Replaces by the header parser that
 * pjsip_replaces_init_module() registers, a Refer-To by pjsip_parse_uri(). */
#include "shim.h"

#include <pjlib.h>
#include <pjsip.h>
#include <pjsip_ua.h>

#include <string.h>

static pj_caching_pool caching;
static pjsip_endpoint *endpoint;
/* Holds what the last call has handed out. */
static pj_pool_t *pool;

int shim_open(void)
{
    pj_log_set_level(0);
    if (pj_init() != PJ_SUCCESS)
        return -1;
    pj_caching_pool_init(&caching, NULL, 0);
    if (pjsip_endpt_create(&caching.factory, "fuzz", &endpoint) != PJ_SUCCESS)
        return -1;
    return pjsip_replaces_init_module(endpoint) == PJ_SUCCESS ? 0 : -1;
}

/* Its parsers want a NUL behind the text, and write to it. */
static char *copy(const char *text, size_t len)
{
    if (pool != NULL)
        pj_pool_release(pool);
    pool = pj_pool_create(&caching.factory, "one", 4096, 4096, NULL);
    char *buffer = pj_pool_alloc(pool, len + 1);
    memcpy(buffer, text, len);
    buffer[len] = '\0';
    return buffer;
}

static struct shim_text text_of(pj_str_t string)
{
    return (struct shim_text){string.ptr, string.slen > 0 ? (size_t)string.slen : 0};
}

int shim_replaces(const char *text, size_t len, struct shim_replaces *out)
{
    char *buffer = copy(text, len);
    pj_str_t name = pj_str("Replaces");
    int parsed = 0;
    const pjsip_replaces_hdr *header = pjsip_parse_hdr(pool, &name, buffer, len, &parsed);
    if (header == NULL)
        return 0;
    out->call_id = text_of(header->call_id);
    out->to_tag = text_of(header->to_tag);
    out->from_tag = text_of(header->from_tag);
    out->early_only = header->early_only != 0;
    return 1;
}

int shim_refer_to(const char *text, size_t len, struct shim_refer_to *out)
{
    static const struct shim_text none;
    const pj_str_t replaces = pj_str("Replaces");
    char *buffer = copy(text, len);
    pjsip_uri *uri = pjsip_parse_uri(pool, buffer, len, 0);
    if (uri == NULL)
        return 0;
    uri = pjsip_uri_get_uri(uri);
    out->scheme = text_of(*pjsip_uri_get_scheme(uri));
    out->user = out->password = out->host = out->method = out->replaces = none;
    out->port = 0;
    out->is_sip = PJSIP_URI_SCHEME_IS_SIP(uri) || PJSIP_URI_SCHEME_IS_SIPS(uri);
    out->has_replaces = 0;
    if (!out->is_sip)
        return 1;
    const pjsip_sip_uri *sip = (const pjsip_sip_uri *)uri;
    out->user = text_of(sip->user);
    out->password = text_of(sip->passwd);
    out->host = text_of(sip->host);
    out->method = text_of(sip->method_param);
    out->port = sip->port;
    const pjsip_param *found = pjsip_param_find(&sip->header_param, &replaces);
    if (found != NULL) {
        out->has_replaces = 1;
        out->replaces = text_of(found->value);
    }
    return 1;
}
