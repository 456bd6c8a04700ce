/* A transfer that waits for a lookup on other nodes. */
#include "hostile_lookups.h"

#include <string.h>

static const char REFER[] = "REFER sip:pbx@example.com SIP/2.0\r\n"
                            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
                            "From: Bob <sip:bob@example.com>;tag=f1\r\n"
                            "To: <sip:pbx@example.com>;tag=t1\r\nCall-ID: new-1\r\n"
                            "CSeq: 1 REFER\r\nContact: <sip:bob@192.0.2.1>\r\n"
                            "Refer-To: <sip:carol@example.com?Replaces="
                            "elsewhere%3Bto-tag%3Da%3Bfrom-tag%3Db>\r\n\r\n";

static int pending;
static uint64_t begun;

int32_t hostile_lookup(void *user, uint64_t lookup, const struct sipxfer_dialog_key *key)
{
    (void)user, (void)key;
    begun = lookup;
    return pending ? SIPXFER_E_PENDING : SIPXFER_E_NOT_FOUND;
}

void hostile_on_lookup(void *user, uint64_t lookup)
{
    (void)user, (void)lookup;
}

struct sipxfer_remote_dialog *base_sipxfer_remote_dialog(struct world *world)
{
    struct sipxfer_remote_dialog *dialog = keep(world, sizeof *dialog);
    SIPXFER_INIT(*dialog);
    dialog->node = str_of(world, "node-b");
    dialog->uri = str_of(world, "sip:replaces@192.0.2.22");
    dialog->user = str_of(world, "bob");
    dialog->endpoint = str_of(world, "bob-phone");
    dialog->state = SIPXFER_DIALOG_CONFIRMED;
    dialog->initiator = SIPXFER_INITIATOR_REMOTE;
    return dialog;
}

struct sipxfer_request *base_lookup_refer(struct world *world)
{
    struct sipxfer_request *request = base_refer(world);
    request->message = str_of(world, REFER);
    return request;
}

static uint64_t waiting_transfer(struct world *world)
{
    struct sipxfer_request *request = base_lookup_refer(world);
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(verdict);
    size_t size = SIPXFER_SCRATCH_SIZE(request->message.len);
    uint64_t transfer = 0;
    pending = 1;
    MUST(world->api->transfer_receive(world->engine, request, 0, keep(world, size), size, &verdict,
                                      &transfer));
    pending = 0;
    if (transfer == 0 || verdict.kind != SIPXFER_VERDICT_PENDING || verdict.lookup != begun) {
        fprintf(stderr, "no transfer waits for a lookup: %u, %.*s\n", verdict.kind,
                SIPXFER_ARG(verdict.why));
        exit(2);
    }
    return transfer;
}

uint64_t pending_lookup(struct world *world)
{
    waiting_transfer(world);
    return begun;
}

uint64_t looked_up_transfer(struct world *world)
{
    uint64_t transfer = waiting_transfer(world);
    MUST(world->api->lookup_resume(world->engine, begun, SIPXFER_E_NOT_FOUND, NULL, 0));
    return transfer;
}
