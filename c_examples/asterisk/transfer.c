/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Transfers under way: the library's outputs are taken under one lock and put into the queue of
 * their transfer, which the serializer of the transferor's session carries out in order.
 */
#include "module.h"

#include "asterisk/config.h"
#include "asterisk/datastore.h"
#include "asterisk/pbx.h"

/* How many transfers that are over `sipxfer show transfers` still knows. */
#define RECENT 64

static struct ao2_container *xfers;
static struct ao2_container *watched; /* by unique id of the transferee */
static struct ao2_container *recent;
static int numbers;
int semi_attended;

/* Taking an output and putting it into its queue is one step. */
AST_MUTEX_DEFINE_STATIC(outputs_lock);

/* While the library decides about a REFER its transfer is in the library's table and not yet in
 * ours: what another thread takes of it meanwhile (time passes, its leg ends) waits here. */
static AST_LIST_HEAD_NOLOCK_STATIC(parked, output);
static int receiving;

void outputs_expect(void)
{
    ast_mutex_lock(&outputs_lock);
    receiving++;
    ast_mutex_unlock(&outputs_lock);
}

void outputs_expected(void)
{
    struct output *output;

    ast_mutex_lock(&outputs_lock);
    if (--receiving == 0) {
        /* Of transfers that are over, or could not be kept. */
        while ((output = AST_LIST_REMOVE_HEAD(&parked, entry))) {
            ast_free(output);
        }
    }
    ast_mutex_unlock(&outputs_lock);
}

/* A new transfer, with what was taken of it already, in order. */
static void xfer_link(struct xfer *xfer)
{
    struct output *output;

    ast_mutex_lock(&outputs_lock);
    AST_LIST_TRAVERSE_SAFE_BEGIN(&parked, output, entry)
    {
        if (output->told.transfer == xfer->id) {
            AST_LIST_REMOVE_CURRENT(entry);
            AST_LIST_INSERT_TAIL(&xfer->queue, output, entry);
        }
    }
    AST_LIST_TRAVERSE_SAFE_END;
    ao2_link(xfers, xfer);
    ast_mutex_unlock(&outputs_lock);
}

/* ---- the transfers ---- */

static int xfer_hash(const void *object, int flags)
{
    uint64_t id = (flags & OBJ_SEARCH_MASK) == OBJ_SEARCH_KEY ? *(const uint64_t *)object
                                                              : ((const struct xfer *)object)->id;

    return (int)((id ^ (id >> 32)) & 0x7fffffff);
}

static int xfer_compare(void *object, void *arg, int flags)
{
    uint64_t id = (flags & OBJ_SEARCH_MASK) == OBJ_SEARCH_KEY ? *(const uint64_t *)arg
                                                              : ((const struct xfer *)arg)->id;

    return ((const struct xfer *)object)->id == id ? CMP_MATCH | CMP_STOP : 0;
}

AO2_STRING_FIELD_HASH_FN(xfer, transferee_id)
AO2_STRING_FIELD_CMP_FN(xfer, transferee_id)

static int dialog_release(void *data)
{
    pjsip_dlg_dec_session((pjsip_dialog *)data, &usage_module);
    return 0;
}

static void xfer_destroy(void *object)
{
    struct xfer *xfer = object;
    struct output *output;

    while ((output = AST_LIST_REMOVE_HEAD(&xfer->queue, entry))) {
        ast_free(output);
    }
    if (xfer->dlg != NULL) {
        ast_sip_push_task(NULL, dialog_release, xfer->dlg);
    }
    ast_variables_destroy(xfer->variables);
    ast_channel_cleanup(xfer->transferor);
    ao2_cleanup(xfer->leg);
    ast_cond_destroy(&xfer->changed);
    ast_string_field_free_memory(xfer);
}

struct xfer *xfer_by_id(uint64_t id)
{
    return id != 0 && xfers != NULL ? ao2_find(xfers, &id, OBJ_SEARCH_KEY) : NULL;
}

int xfer_is(struct xfer *xfer, const ast_string_field *field, const char *value)
{
    int is;

    ao2_lock(xfer);
    is = !ast_strlen_zero(*field) && !strcmp(*field, value);
    ao2_unlock(xfer);
    return is;
}

struct xfer *xfer_by_transferee(const char *id)
{
    return watched != NULL ? ao2_find(watched, id, OBJ_SEARCH_KEY) : NULL;
}

void xfer_watch(struct xfer *xfer)
{
    ao2_link(watched, xfer);
}

static void own_destroy(void *data)
{
    ao2_ref((struct xfer *)data, -1);
}

static const struct ast_datastore_info own_info = {
    .type = "sipxfer",
    .destroy = own_destroy,
};

int xfer_own(struct xfer *xfer, struct ast_channel *chan)
{
    struct ast_datastore *own = ast_channel_datastore_find(chan, &own_info, NULL);

    if (own != NULL) { /* of an earlier transfer */
        ast_channel_datastore_remove(chan, own);
        ast_datastore_free(own);
    }
    own = ast_datastore_alloc(&own_info, NULL);
    if (own == NULL) {
        return -1;
    }
    own->data = ao2_bump(xfer);
    ast_channel_datastore_add(chan, own);
    return 0;
}

struct xfer *xfer_of_channel(struct ast_channel *chan)
{
    struct ast_datastore *own;
    struct xfer *xfer;
    uint64_t id = 0;
    const char *value;

    ast_channel_lock(chan);
    value = pbx_builtin_getvar_helper(chan, VAR_TRANSFER);
    if (!ast_strlen_zero(value)) {
        sscanf(value, "%20" SCNx64, &id);
    }
    own = ast_channel_datastore_find(chan, &own_info, NULL);
    xfer = own != NULL ? own->data : NULL;
    xfer = xfer != NULL && xfer->id == id ? ao2_bump(xfer) : NULL;
    ast_channel_unlock(chan);
    /* A channel that was dialled for it has inherited the variable alone. */
    if (xfer == NULL) {
        xfer = xfer_by_id(id);
    }
    if (xfer == NULL && id != 0) {
        xfer = ao2_find(recent, &id, OBJ_SEARCH_KEY);
    }
    return xfer;
}

struct ao2_container *transfers_all(void)
{
    return xfers;
}

struct ao2_container *transfers_recent(void)
{
    return recent;
}

int xfer_rerouted(struct xfer *xfer, const struct asked *asked)
{
    struct ast_variable *before;
    int failed;

    /* The command line reads it meanwhile. */
    ao2_lock(xfer);
    before = xfer->variables;
    xfer->variables = NULL;
    failed = xfer_remember(xfer, asked);
    ao2_unlock(xfer);
    ast_variables_destroy(before);
    return failed;
}

static void xfer_run(struct xfer *xfer, const struct asked *asked);

static int xfer_task(void *data)
{
    struct xfer *xfer = data;

    xfer_run(xfer, NULL);
    ao2_ref(xfer, -1);
    return 0;
}

static void xfer_push(struct xfer *xfer)
{
    if (ast_sip_push_task(xfer->leg->session->serializer, xfer_task, ao2_bump(xfer))) {
        if (log_allowed()) {
            ast_log(LOG_ERROR, "sipxfer: a transfer of %s cannot go on: no thread for it\n",
                    xfer->endpoint);
        }
        ao2_ref(xfer, -1);
    }
}

int xfer_begin(struct asked *asked, uint64_t id, int application)
{
    struct ast_sip_session *session = asked->session;
    struct xfer *xfer = xfer_by_id(id);

    if (xfer == NULL) {
        xfer = ao2_alloc(sizeof *xfer, xfer_destroy);
        if (xfer == NULL) {
            sipxfer_transfer_give_up(engine, id, 500, clock_ms());
            return -1;
        }
        ast_cond_init(&xfer->changed, NULL);
        xfer->id = id;
        xfer->number = (unsigned int)ast_atomic_fetchadd_int(&numbers, 1) + 1;
        xfer->hook = xfer->hook_source = -1;
        xfer->application = application;
        xfer->blind_progress = session->endpoint->refer_blind_progress;
        xfer->began = ast_tvnow();
        xfer->leg = ao2_bump(asked->leg);
        xfer->scheduled = 1;
        if (asked->leg == NULL || ast_string_field_init(xfer, 1024) || xfer_remember(xfer, asked)) {
            ao2_ref(xfer, -1);
            sipxfer_transfer_give_up(engine, id, 500, clock_ms());
            return -1;
        }
        ast_string_field_set(xfer, endpoint, ast_sorcery_object_get_id(session->endpoint));
        ast_string_field_set(xfer, source, asked->source);
        xfer->transport = asked->request.transport;
        xfer->secure = asked->request.secure;
        xfer->depth_before = asked->request.transfer_depth;
        xfer->handling = asked->request.handling;
        if (session->channel != NULL) {
            ast_channel_lock(session->channel);
            ast_string_field_set(xfer, source_channel, ast_channel_name(session->channel));
            ast_string_field_set(xfer, source_id, ast_channel_uniqueid(session->channel));
            ast_channel_unlock(session->channel);
        }
        /* The dialog stays for the NOTIFYs, also behind a BYE. */
        if (pjsip_dlg_has_usage(asked->dlg, &usage_module) ||
            pjsip_dlg_add_usage(asked->dlg, &usage_module, NULL) == PJ_SUCCESS) {
            pjsip_dlg_inc_session(asked->dlg, &usage_module);
            xfer->dlg = asked->dlg;
        }
        asked->leg->transfers++;
        xfer_link(xfer);
    }
    outputs_take(id);
    /* The answer goes out here and now, the rest behind this request. */
    xfer_run(xfer, asked);
    xfer_push(xfer);
    ao2_ref(xfer, -1);
    return 0;
}

void outputs_take(uint64_t id)
{
    size_t room = SIPXFER_OUTPUT_SIZE;

    ast_mutex_lock(&outputs_lock);
    for (;;) {
        struct output *output = ast_malloc(sizeof *output + room);
        struct xfer *xfer;
        int32_t status;
        int push;

        if (output == NULL) {
            break;
        }
        SIPXFER_INIT(output->told);
        output->entry.next = NULL;
        status = sipxfer_transfer_next(engine, id, output->text, room, &output->told);
        if (status == SIPXFER_E_BUFFER && room < 1u << 20) {
            ast_free(output);
            room *= 4;
            continue;
        }
        xfer = status == SIPXFER_OK ? xfer_by_id(output->told.transfer) : NULL;
        if (status != SIPXFER_OK) {
            ast_free(output);
            break;
        }
        if (xfer == NULL) {
            if (receiving > 0) {
                AST_LIST_INSERT_TAIL(&parked, output, entry);
            } else {
                ast_free(output); /* of a transfer that could not be kept */
            }
            continue;
        }
        ao2_lock(xfer);
        AST_LIST_INSERT_TAIL(&xfer->queue, output, entry);
        push = !xfer->scheduled;
        xfer->scheduled = 1;
        ao2_unlock(xfer);
        if (push) {
            xfer_push(xfer);
        }
        ao2_ref(xfer, -1);
    }
    ast_mutex_unlock(&outputs_lock);
}

/* ---- the end of a leg ---- */

static int is_of_leg(void *object, void *arg, int flags)
{
    return ((const struct xfer *)object)->leg == arg ? CMP_MATCH : 0;
}

static int forget_task(void *data);

void transfers_leg_ended(struct leg *leg)
{
    struct ao2_iterator *found = ao2_callback(xfers, OBJ_MULTIPLE, is_of_leg, leg);
    struct xfer *xfer;

    if (found == NULL) {
        return;
    }
    while ((xfer = ao2_iterator_next(found))) {
        sipxfer_transfer_bye(engine, xfer->id, clock_ms());
        outputs_take(xfer->id);
        if (xfer->over && !ast_sip_push_task(leg->session->serializer, forget_task, xfer)) {
            continue; /* it has the reference now */
        }
        ao2_ref(xfer, -1);
    }
    ao2_iterator_destroy(found);
}

/* ---- the outputs ---- */

static void answer(const struct sipxfer_output *told, const struct asked *asked)
{
    pjsip_rx_data *rdata = asked->rdata;
    pjsip_dialog *dlg = asked->dlg;
    pjsip_tx_data *tdata;
    pj_str_t reason = str_pj(told->reason);
    int code = (int)told->code;

    if (behaviour.nosub_200 && told->headers.len > 0) {
        /* Refer-Sub: false. res_pjsip_refer says 200 to it. */
        code = 200;
    }
    if (pjsip_dlg_create_response(dlg, rdata, code, code == (int)told->code ? &reason : NULL,
                                  &tdata) != PJ_SUCCESS) {
        pjsip_dlg_respond(dlg, rdata, code, NULL, NULL, NULL);
        return;
    }
    lines_add(tdata, told->headers);
    pjsip_dlg_send_response(dlg, pjsip_rdata_get_tsx(rdata), tdata);
}

/* Nothing is to be done any more: the transfer is remembered for `sipxfer show transfers`. */
static void forget(struct xfer *xfer)
{
    pjsip_dialog *dlg;

    /* It is always in one of both: somebody may be looking for it. */
    ao2_wrlock(recent);
    if (ao2_container_count(recent) >= RECENT) {
        struct ao2_iterator each = ao2_iterator_init(recent, AO2_ITERATOR_DONTLOCK);
        struct xfer *oldest = ao2_iterator_next(&each);

        ao2_iterator_destroy(&each);
        if (oldest != NULL) {
            ao2_unlink_flags(recent, oldest, OBJ_NOLOCK);
            ao2_ref(oldest, -1);
        }
    }
    ao2_link_flags(recent, xfer, OBJ_NOLOCK);
    ao2_unlock(recent);
    ao2_unlink(xfers, xfer);
    ao2_unlink(watched, xfer);
    ao2_lock(xfer);
    dlg = xfer->dlg;
    xfer->dlg = NULL;
    ao2_unlock(xfer);
    if (dlg != NULL) {
        dialog_release(dlg);
    }
}

static int forget_task(void *data)
{
    struct xfer *xfer = data;

    forget(xfer);
    ao2_ref(xfer, -1);
    return 0;
}

static void finished(struct xfer *xfer, const struct sipxfer_output *told)
{
    int success = told->code / 100 == 2, semi;

    count(success ? &stats.succeeded : &stats.failed);
    ast_verb(4, "sipxfer: the transfer of %s to %s has ended with %u\n", xfer->source_channel,
             S_OR(xfer->extension, xfer->target), told->code);
    ao2_lock(xfer);
    semi = !ast_strlen_zero(xfer->linked);
    xfer->over = 1;
    xfer->outcome = (int)told->code;
    xfer_set(xfer, &xfer->reason, told->reason);
    ao2_unlock(xfer);
    if (semi) {
        ast_atomic_fetchadd_int(&semi_attended, -1);
    }
    if (success) {
        channel_fate(xfer, FATE_DONE);
    }
    ao2_unlink(watched, xfer);
    if (!success || xfer->leg->ended) {
        forget(xfer);
    }
}

static void execute(struct xfer *xfer, const struct sipxfer_output *told, const struct asked *asked)
{
    switch (told->kind) {
    case SIPXFER_OUTPUT_ANSWER:
        if (asked != NULL) {
            answer(told, asked);
        }
        break;
    case SIPXFER_OUTPUT_NOTIFY:
        notify_send(xfer, told);
        break;
    case SIPXFER_OUTPUT_EVENT:
        ari_event(xfer, told);
        break;
    case SIPXFER_OUTPUT_FINISHED:
        finished(xfer, told);
        break;
    case SIPXFER_OUTPUT_COMMAND:
        switch (told->command) {
        case SIPXFER_COMMAND_START:
            channel_start(xfer);
            break;
        case SIPXFER_COMMAND_KEEP_CALL:
            channel_fate(xfer, FATE_KEEP);
            break;
        case SIPXFER_COMMAND_RECALL_TRANSFEROR:
            channel_fate(xfer, FATE_RECALL);
            break;
        case SIPXFER_COMMAND_HANG_UP_TRANSFEREE:
            channel_fate(xfer, FATE_HANG_UP);
            break;
        case SIPXFER_COMMAND_HANG_UP_TRANSFEROR:
            channel_hang_up_transferor(xfer);
            forget(xfer);
            break;
        case SIPXFER_COMMAND_ROUTE:
            cluster_route(xfer);
            break;
        default:
            break;
        }
        break;
    default:
        break;
    }
}

/* Carries out what there is. With the request at hand: its answer, and no more. */
static void xfer_run(struct xfer *xfer, const struct asked *asked)
{
    for (;;) {
        struct output *output;

        ao2_lock(xfer);
        output = AST_LIST_FIRST(&xfer->queue);
        if (output == NULL || (asked != NULL && output->told.kind != SIPXFER_OUTPUT_ANSWER)) {
            if (asked == NULL) {
                xfer->scheduled = 0;
            }
            ao2_unlock(xfer);
            return;
        }
        AST_LIST_REMOVE_HEAD(&xfer->queue, entry);
        ao2_unlock(xfer);
        execute(xfer, &output->told, asked);
        ast_free(output);
    }
}

/* ---- beginning and end ---- */

int detached(void *(*run)(void *), void *data)
{
    pthread_t thread;

    return ast_pthread_create_detached_background(&thread, NULL, run, data);
}

int transfers_init(void)
{
    xfers =
        ao2_container_alloc_hash(AO2_ALLOC_OPT_LOCK_MUTEX, 0, 997, xfer_hash, NULL, xfer_compare);
    watched =
        ao2_container_alloc_hash(AO2_ALLOC_OPT_LOCK_MUTEX, 0, 997, xfer_hash_fn, NULL, xfer_cmp_fn);
    recent = ao2_container_alloc_list(AO2_ALLOC_OPT_LOCK_RWLOCK, 0, NULL, xfer_compare);
    if (xfers == NULL || watched == NULL || recent == NULL) {
        return -1;
    }
    return clock_start();
}

void transfers_exit(void)
{
    clock_stop();
    ao2_cleanup(xfers);
    ao2_cleanup(watched);
    ao2_cleanup(recent);
    xfers = watched = recent = NULL;
}
