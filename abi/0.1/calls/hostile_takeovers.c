/* Takeovers and joins for the calls that need one. */
#include "hostile_takeovers.h"

uint64_t running_takeover(struct world *world)
{
    uint64_t takeover = 0;
    struct sipxfer_verdict *verdict = new_out(world, sizeof *verdict);
    struct sipxfer_request *request = base_sipxfer_request(world);
    size_t size = SIPXFER_SCRATCH_SIZE(request->message.len);
    MUST(world->api->takeover_receive(world->engine, request, 0, keep(world, size), size, verdict,
                                      &takeover));
    if (takeover == 0) {
        fprintf(stderr, "the valid INVITE begins no takeover: code %u, %.*s\n", verdict->code,
                SIPXFER_ARG(verdict->why));
        exit(2);
    }
    MUST(world->api->verdict_release(world->engine, verdict));
    return takeover;
}

struct sipxfer_dialog_key *replaced_dialog(struct world *world)
{
    struct sipxfer_dialog *dialog = base_sipxfer_dialog(world);
    struct sipxfer_dialog_key *key = base_sipxfer_dialog_key(world);
    key->call_id = str_of(world, "call-1@pbx");
    key->local_tag = dialog->local_tag;
    key->remote_tag = dialog->remote_tag;
    return key;
}

struct sipxfer_request *base_join(struct world *world)
{
    static const char name[] = "join.allow", yes[] = "yes";
    struct sipxfer_config *config = NULL;
    struct sipxfer_request *request = base_sipxfer_request(world);
    MUST(world->api->config_new(&config));
    MUST(world->api->config_set(config, NULL, 0, name, sizeof name - 1, yes, sizeof yes - 1));
    MUST(world->api->config_apply(world->engine, config));
    world->api->config_free(config);
    request->message = str_of(world, "INVITE sip:carol@example.com SIP/2.0\r\n"
                                     "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
                                     "Max-Forwards: 70\r\n"
                                     "From: <sip:bob@example.com>;tag=f1\r\n"
                                     "To: <sip:carol@example.com>\r\nCall-ID: new-1\r\n"
                                     "CSeq: 1 INVITE\r\nContact: <sip:bob@192.0.2.1>\r\n"
                                     "Join: call-1@pbx;to-tag=Local1;from-tag=Remote1\r\n"
                                     "Require: join\r\nContent-Length: 0\r\n\r\n");
    return request;
}
