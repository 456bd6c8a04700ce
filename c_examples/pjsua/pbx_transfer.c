/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The transfers of the PBX: what sipxfer asks about dialplan and rights, and what it wants done.
 */
#include "pbx.h"

#include <stdlib.h>
#include <string.h>

static int is(struct sipxfer_str text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.ptr, word, text.len) == 0;
}

/* ---- what is asked ---- */

static int32_t extension_exists(void *user, const struct sipxfer_request *request,
                                struct sipxfer_str context, struct sipxfer_str extension)
{
    const struct peer *peer = peer_named(extension);

    (void)user, (void)request, (void)context;
    return (peer != NULL && !peer->trunk) || is(extension, "park") ||
                   is(extension, "external_replaces")
               ? SIPXFER_YES
               : SIPXFER_NO;
}

static int in_group(struct sipxfer_str name)
{
    for (int i = 0; i < pbx.pickup_count; i++)
        if (is(name, pbx.pickup[i]))
            return 1;
    return 0;
}

static int32_t authorize(void *user, const struct sipxfer_request *request,
                         const struct sipxfer_dialog *dialog)
{
    (void)user;
    return in_group(request->endpoint) && in_group(dialog->endpoint) ? SIPXFER_YES : SIPXFER_NO;
}

const struct sipxfer_host pbx_host = {
    .struct_size = sizeof(struct sipxfer_host),
    .extension_exists = extension_exists,
    .authorize = authorize,
};

/* ---- transfers under way ---- */

struct moving *moving_target(pjsua_call_id call)
{
    struct moving *moving = pbx.moving;

    while (moving != NULL && (moving->over || moving->target != call))
        moving = moving->next;
    return moving;
}

struct moving *moving_transferee(pjsua_call_id call)
{
    struct moving *moving = pbx.moving;

    while (moving != NULL && (moving->over || moving->transferee != call))
        moving = moving->next;
    return moving;
}

static struct moving *moving_by_id(uint64_t id)
{
    struct moving *moving = pbx.moving;

    while (moving != NULL && moving->id != id)
        moving = moving->next;
    return moving;
}

static struct moving *new_moving(const struct sipxfer_pjsip_transfer *transfer,
                                 pjsua_call_id transferor, pjsua_call_id transferee)
{
    struct moving *moving = calloc(1, sizeof *moving);

    if (moving == NULL)
        abort();
    moving->id = transfer->id;
    moving->transferor = transferor;
    moving->transferee = transferee;
    moving->by = pbx.legs[transferor].peer;
    moving->target = PJSUA_INVALID_ID;
    moving->depth = transfer->verdict->transfer_depth;
    moving->next = pbx.moving;
    pbx.moving = moving;
    return moving;
}

/* The target has answered, and the transferee goes there. */
void moved(struct moving *moving)
{
    if (!pbx.legs[moving->transferee].live) {
        hang_up(moving->target, 0);
        return;
    }
    pbx.legs[moving->transferee].depth = pbx.legs[moving->target].depth = moving->depth;
    bridge(moving->transferee, moving->target);
}

void leg_ended(pjsua_call_id call)
{
    struct moving *moving;

    for (moving = pbx.moving; moving != NULL; moving = moving->next) {
        if (moving->transferee == call && !moving->over) /* nobody is left to be transferred */
            sipxfer_pjsip_give_up(moving->id, PJSIP_SC_REQUEST_TERMINATED);
        if (moving->target == call)
            moving->target = PJSUA_INVALID_ID;
        if (moving->transferor == call)
            moving->transferor = PJSUA_INVALID_ID;
    }
}

void leg_replaced(pjsua_call_id old, pjsua_call_id made)
{
    struct moving *moving;

    for (moving = pbx.moving; moving != NULL; moving = moving->next) {
        if (moving->transferee == old)
            moving->transferee = made;
        if (moving->target == old)
            moving->target = PJSUA_INVALID_ID;
    }
}

/* ---- START ---- */

static void call_target(struct sipxfer_pjsip_transfer *transfer, struct moving *moving,
                        const struct peer *peer, struct sipxfer_str uri)
{
    if (sipxfer_pjsua_call(transfer, peer->account, uri, transfer->verdict->headers, audio_only(),
                           (void *)peer, &moving->target) != PJ_SUCCESS)
        sipxfer_pjsip_contact_failed(transfer->id);
    else
        expect_answer(moving->target, peer, moving->depth);
}

static void blind(struct sipxfer_pjsip_transfer *transfer, struct moving *moving)
{
    const struct peer *peer = peer_named(transfer->verdict->extension);
    struct sipxfer_str uri;
    char text[160];

    if (peer != NULL) {
        uri_of(peer, text, sizeof text);
        uri.ptr = text;
        uri.len = strlen(text);
        call_target(transfer, moving, peer, uri);
    } else if (is(transfer->verdict->extension, "park") && park(moving->transferee) != 0) {
        sipxfer_pjsip_progress(transfer->id, PJSIP_SC_OK, NULL);
    } else {
        sipxfer_pjsip_give_up(transfer->id, PJSIP_SC_TEMPORARILY_UNAVAILABLE);
    }
}

/* Both calls are here: the other parties are connected, and nobody is called. */
static void local_attended(struct sipxfer_pjsip_transfer *transfer, struct moving *moving)
{
    pjsua_call_id consultation = sipxfer_pjsua_call_of(transfer->verdict->dialog);
    pjsua_call_id target =
        consultation != PJSUA_INVALID_ID ? pbx.legs[consultation].with : PJSUA_INVALID_ID;

    if (target == PJSUA_INVALID_ID || !pbx.legs[target].live) { /* hung up meanwhile */
        sipxfer_pjsip_contact_failed(transfer->id);
        return;
    }
    pbx.legs[moving->transferee].depth = pbx.legs[target].depth = moving->depth;
    bridge(moving->transferee, target);
    if (transfer->verdict->old_dialog != SIPXFER_OLD_DIALOG_NOTHING)
        hang_up(consultation, 0);
    sipxfer_pjsip_progress(transfer->id, PJSIP_SC_OK, NULL);
}

/* To another PBX, or to another node of the cluster: by the trunk whose address the target has, and
 * by no other. */
static void remote_attended(struct sipxfer_pjsip_transfer *transfer, struct moving *moving)
{
    struct sipxfer_str target = transfer->verdict->target;
    struct sipxfer_uri uri;
    char address[64];

    SIPXFER_INIT(uri);
    if (sipxfer_uri_parse(target.ptr, target.len, &uri, NULL) == SIPXFER_OK) {
        pj_ansi_snprintf(address, sizeof address, "%.*s:%u", SIPXFER_ARG(uri.host),
                         uri.port != 0 ? (unsigned)uri.port : 5060);
        for (int i = 0; i < pbx.peer_count; i++) {
            if (pbx.peers[i].trunk && strcmp(pbx.peers[i].address, address) == 0) {
                call_target(transfer, moving, &pbx.peers[i], target);
                return;
            }
        }
    }
    sipxfer_pjsip_contact_failed(transfer->id);
}

void start(void *user, struct sipxfer_pjsip_transfer *transfer)
{
    const struct sipxfer_verdict *verdict = transfer->verdict;
    pjsua_call_id transferor = sipxfer_pjsua_call_of(transfer->dialog);
    pjsua_call_id transferee =
        transferor != PJSUA_INVALID_ID ? pbx.legs[transferor].with : PJSUA_INVALID_ID;
    struct moving *moving;

    (void)user;
    /* Nobody is there, or is being transferred already. */
    if (transferee == PJSUA_INVALID_ID || moving_transferee(transferee) != NULL) {
        sipxfer_pjsip_give_up(transfer->id, 491);
        return;
    }
    say("transfer %llu %s", (unsigned long long)transfer->id, sipxfer_verdict_name(verdict->kind));
    moving = new_moving(transfer, transferor, transferee);
    if (verdict->kind == SIPXFER_VERDICT_BLIND)
        blind(transfer, moving);
    else if (verdict->kind == SIPXFER_VERDICT_LOCAL_ATTENDED)
        local_attended(transfer, moving);
    else if (verdict->kind == SIPXFER_VERDICT_REMOTE_ATTENDED ||
             verdict->kind == SIPXFER_VERDICT_REMOTE_NODE)
        remote_attended(transfer, moving);
    else /* what this PBX does not know is a refusal */
        sipxfer_pjsip_give_up(transfer->id, PJSIP_SC_DECLINE);
}

/* ---- later ---- */

/* The transferor has hung up, and the transferee has nobody to go back to. */
static void recall(const struct moving *moving)
{
    pjsua_call_id call = moving->transferee, made;
    const struct peer *peer = moving->by;
    char uri[160];
    pj_str_t target;

    uri_of(peer, uri, sizeof uri);
    target = pj_str(uri);
    if (!pbx.legs[call].live)
        return;
    if (pjsua_call_make_call(peer->account, &target, audio_only(), (void *)peer, NULL, &made) !=
        PJ_SUCCESS) {
        hang_up(call, 0);
        return;
    }
    expect_answer(made, peer, moving->depth);
    pbx.legs[made].with = call;
    pbx.legs[call].with = made;
}

void command(void *user, struct sipxfer_pjsip_transfer *transfer, unsigned what)
{
    struct moving *moving = moving_by_id(transfer->id);

    (void)user;
    if (moving == NULL)
        return;
    if (what == SIPXFER_COMMAND_HANG_UP_TRANSFEROR) {
        hang_up(moving->transferor, 0);
        return;
    }
    if (moving->target != PJSUA_INVALID_ID)
        hang_up(moving->target, 0);
    if (what == SIPXFER_COMMAND_RECALL_TRANSFEROR)
        recall(moving);
    else if (what == SIPXFER_COMMAND_HANG_UP_TRANSFEREE)
        hang_up(moving->transferee, 0);
}

void event(void *user, struct sipxfer_pjsip_transfer *transfer, const struct sipxfer_output *output)
{
    (void)user;
    say("event %llu %.*s to %.*s%.*s", (unsigned long long)transfer->id, SIPXFER_ARG(output->state),
        SIPXFER_ARG(output->destination), SIPXFER_ARG(output->replaces));
}

void finished(void *user, struct sipxfer_pjsip_transfer *transfer, unsigned code, unsigned cause)
{
    struct moving *moving = moving_by_id(transfer->id);

    (void)user;
    say("finished %llu %u cause %u", (unsigned long long)transfer->id, code, cause);
    if (moving != NULL)
        moving->over = 1;
}

void destroyed(void *user, struct sipxfer_pjsip_transfer *transfer)
{
    struct moving **at = &pbx.moving, *gone;

    (void)user;
    while (*at != NULL && (*at)->id != transfer->id)
        at = &(*at)->next;
    gone = *at;
    if (gone == NULL)
        return;
    *at = gone->next;
    free(gone);
}

void show_transfers(void)
{
    const struct moving *moving;

    for (moving = pbx.moving; moving != NULL; moving = moving->next)
        say("transfer %llu of %d by %d to %d", (unsigned long long)moving->id, moving->transferee,
            moving->transferor, moving->target);
}

/* What comes of a REFER that this side has sent. */
void referring(void *user, struct sipxfer_pjsip_refer *refer,
               const struct sipxfer_refer_output *output)
{
    pjsua_call_id call = sipxfer_pjsua_call_of(refer->dialog);

    (void)user;
    if (output->kind == SIPXFER_REFER_OUTPUT_PROGRESS)
        say("referred %d has come to %u", call, (unsigned)output->code);
    else if (output->kind == SIPXFER_REFER_OUTPUT_FINISHED)
        say("referred %d: outcome %u, %u %.*s", call, (unsigned)output->outcome,
            (unsigned)output->code, SIPXFER_ARG(output->reason));
    else if (output->kind == SIPXFER_REFER_OUTPUT_COMMAND &&
             output->command == SIPXFER_REFER_COMMAND_HANG_UP)
        hang_up(call, 0);
}
