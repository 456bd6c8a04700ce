/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * sofia-sip's side: its parser and the dialogs of its transaction engine (nta). It leaves locking
 * to the host: where two threads work, a lock stands around what they share, the table. */
#include "side.h"

#include <pthread.h>
#include <sofia-sip/msg.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_tag.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/url.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static su_root_t *root;
static nta_agent_t *agent;
static nta_leg_t **legs;
static unsigned made;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void fail(const char *what)
{
    fprintf(stderr, "sofia-sip: %s\n", what);
    exit(1);
}

static void open_side(void)
{
    if (su_init() < 0 || (root = su_root_create(NULL)) == NULL)
        fail("no root");
    /* No transport: nothing is sent here. */
    agent = nta_agent_create(root, (url_string_t *)-1, NULL, NULL, TAG_END());
    if (agent == NULL)
        fail("no agent");
}

static void add_side(unsigned dialogs, struct load_names *names, int choose)
{
    (void)choose;
    legs = load_room(sizeof legs[0] * dialogs);
    for (made = 0; made < dialogs; made++) {
        char from[128], to[128];
        snprintf(from, sizeof from, "<sip:100@pbx.example.com>;tag=%s", names[made].local);
        snprintf(to, sizeof to, "<sip:bob@example.com>;tag=%s", names[made].remote);
        legs[made] = nta_leg_tcreate(agent, NULL, NULL, SIPTAG_CALL_ID_STR(names[made].call_id),
                                     SIPTAG_FROM_STR(from), SIPTAG_TO_STR(to), TAG_END());
        if (legs[made] == NULL)
            fail("no dialog");
    }
}

static void *worker_of(unsigned number)
{
    (void)number;
    return NULL;
}

static msg_t *parsed(const char *bytes, size_t len)
{
    msg_t *msg = msg_make(sip_default_mclass(), 0, bytes, (ssize_t)len);
    if (msg == NULL || sip_object(msg) == NULL || sip_object(msg)->sip_request == NULL)
        fail("a message was not read");
    return msg;
}

static int found(const sip_replaces_t *replaces)
{
    if (replaces == NULL)
        fail("no Replaces");
    pthread_mutex_lock(&lock);
    nta_leg_t *leg = nta_leg_by_replaces(agent, replaces);
    pthread_mutex_unlock(&lock);
    return leg != NULL ? 200 : 481;
}

static int hit(void *worker, const char *bytes, size_t len)
{
    (void)worker;
    msg_t *msg = parsed(bytes, len);
    int code = found(sip_object(msg)->sip_replaces);
    msg_destroy(msg);
    return code;
}

static int parse(void *worker, const char *bytes, size_t len)
{
    (void)worker;
    msg_t *msg = parsed(bytes, len);
    int call_id = (int)strlen(sip_object(msg)->sip_call_id->i_id);
    msg_destroy(msg);
    return call_id;
}

static int response(void *worker, const char *bytes, size_t len)
{
    (void)worker;
    msg_t *msg = parsed(bytes, len), *answer = msg_create(sip_default_mclass(), 0);
    const sip_t *sip = sip_object(msg);
    msg_iovec_t parts[64];
    if (found(sip->sip_replaces) != 481)
        fail("a dialog of nobody's");
    if (sip_add_tl(answer, sip_object(answer),
                   SIPTAG_STATUS(sip_status_create(msg_home(answer), SIP_481_NO_CALL, NULL)),
                   SIPTAG_VIA(sip->sip_via), SIPTAG_FROM(sip->sip_from), SIPTAG_TO(sip->sip_to),
                   SIPTAG_CALL_ID(sip->sip_call_id), SIPTAG_CSEQ(sip->sip_cseq),
                   SIPTAG_WARNING_STR("399 pbx.example.com \"Call/Transaction Does Not Exist\""),
                   SIPTAG_CONTENT_LENGTH_STR("0"), TAG_END()) < 0 ||
        sip_to_tag(msg_home(answer), sip_object(answer)->sip_to, "mine-of-this-call") < 0 ||
        sip_complete_message(answer) < 0 || msg_serialize(answer, (void *)sip_object(answer)) < 0)
        fail("no answer");
    int size = msg_prepare(answer);
    if (size <= 0 || msg_iovec(answer, parts, 64) == 0)
        fail("no answer");
    msg_destroy(answer);
    msg_destroy(msg);
    return size;
}

static int keys_of(su_home_t *home, const sip_refer_to_t *refer_to)
{
    char *headers =
        refer_to != NULL ? url_query_as_header_string(home, refer_to->r_url->url_headers) : NULL;
    if (headers == NULL || strncasecmp(headers, "Replaces:", 9) != 0)
        fail("no Replaces in the Refer-To");
    headers[strcspn(headers, "\r\n")] = '\0';
    const sip_replaces_t *replaces = sip_replaces_make(home, headers + 9);
    if (replaces == NULL)
        fail("no Replaces in the Refer-To");
    return (int)(strlen(replaces->rp_call_id) + strlen(replaces->rp_to_tag) +
                 strlen(replaces->rp_from_tag));
}

static int refer_to(void *worker, const char *bytes, size_t len)
{
    (void)worker, (void)len;
    su_home_t home[1] = {SU_HOME_INIT(home)};
    su_home_init(home);
    int keys = keys_of(home, sip_refer_to_make(home, bytes));
    su_home_deinit(home);
    return keys;
}

static int refer(void *worker, const char *bytes, size_t len)
{
    (void)worker;
    msg_t *msg = parsed(bytes, len);
    int keys = keys_of(msg_home(msg), sip_object(msg)->sip_refer_to);
    msg_destroy(msg);
    return keys;
}

static void close_side(void)
{
    while (made > 0)
        nta_leg_destroy(legs[--made]);
    nta_agent_destroy(agent);
    su_root_destroy(root);
    su_deinit();
    free(legs);
}

const struct side side_sofia = {"sofia-sip", open_side, add_side, worker_of, hit,
                                parse,       response,  refer_to, refer,     close_side};
