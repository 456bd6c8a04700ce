/* A transfer with an explicit subscription, and the URI that its answer hands out. */

#include "hostile_transfers.h"

#include <string.h>

_Static_assert(SIPXFER_EVENT_SIZE(7 + 1) == SIPXFER_OUTPUT_SIZE + 8, "one room for all outputs");

char explicit_uri[sizeof "sip:refer-0123456789abcdef0123456789abcdef@h"];

static const char REFER[] = "REFER sip:pbx@example.com SIP/2.0\r\n"
                            "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
                            "From: Bob <sip:bob@example.com>;tag=f1\r\n"
                            "To: <sip:pbx@example.com>;tag=t1\r\nCall-ID: new-1\r\n"
                            "CSeq: 1 REFER\r\nContact: <sip:bob@192.0.2.1>\r\n"
                            "Refer-To: <sip:carol@example.com>\r\nRequire: explicitsub\r\n\r\n";

void explicit_transfer(struct world *world)
{
    const struct sipxfer_api *api = world->api;
    struct sipxfer_config *config = NULL;
    MUST(api->config_new(&config));
    MUST(api->config_set(config, NULL, 0, SIPXFER_LIT("refer.events_at"), SIPXFER_LIT("sip:h")));
    MUST(api->config_apply(world->engine, config));
    api->config_free(config);

    struct sipxfer_request *request = base_refer(world);
    request->message = (struct sipxfer_str){REFER, sizeof REFER - 1};
    struct sipxfer_verdict verdict;
    SIPXFER_INIT(verdict);
    size_t size = SIPXFER_SCRATCH_SIZE(request->message.len);
    uint64_t transfer = 0;
    MUST(api->transfer_receive(world->engine, request, 0, keep(world, size), size, &verdict,
                               &transfer));
    MUST(api->verdict_release(world->engine, &verdict));

    char buffer[SIPXFER_OUTPUT_SIZE];
    struct sipxfer_output output;
    SIPXFER_INIT(output);
    MUST(api->transfer_next(world->engine, transfer, buffer, sizeof buffer, &output));
    static const char before[] = "Refer-Events-At: <";
    const size_t uri = sizeof explicit_uri - 1, skipped = sizeof before - 1;
    if (output.headers.len != skipped + uri + 3 ||
        memcmp(output.headers.ptr, before, skipped) != 0) {
        fprintf(stderr, "no URI in the answer: %.*s\n", SIPXFER_ARG(output.headers));
        exit(2);
    }
    memcpy(explicit_uri, output.headers.ptr + skipped, uri);
}
