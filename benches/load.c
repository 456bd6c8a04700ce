/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * See load.h. */
#include "load.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void load_must(int32_t status, const char *call, int line)
{
    if (status == SIPXFER_OK)
        return;
    fprintf(stderr, "line %d: %s: %s\n", line, call, sipxfer_strerror(status));
    exit(1);
}

void *load_room(size_t size)
{
    void *bytes = calloc(1, size);
    if (bytes == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    return bytes;
}

struct sipxfer_str load_str(const char *text)
{
    return (struct sipxfer_str){text, strlen(text)};
}

double load_seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint64_t load_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EBu;
    return mixed ^ mixed >> 31;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

double load_median(double *numbers, size_t count)
{
    qsort(numbers, count, sizeof numbers[0], compare);
    return numbers[count / 2];
}

size_t load_heap(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

struct load_names load_names_of(unsigned number)
{
    struct load_names names;
    unsigned mixed = number * 0x9E3779B1u;
    snprintf(names.call_id, sizeof names.call_id, "%08x-4f3a-9b1c-%08x-3848276@198.51.100.7",
             number, mixed);
    snprintf(names.local, sizeof names.local, "as5d-%08x-%08x", mixed, number);
    snprintf(names.remote, sizeof names.remote, "fr0m-%08x-%08x", number, mixed);
    return names;
}

static int object;

uint64_t load_add(struct sipxfer_engine *engine, const struct load_names *names)
{
    struct sipxfer_dialog dialog = {.struct_size = sizeof dialog,
                                    .dialog = &object,
                                    .call_id = load_str(names->call_id),
                                    .local_tag = load_str(names->local),
                                    .remote_tag = load_str(names->remote),
                                    .user = load_str("bobby"),
                                    .endpoint = load_str("bobby"),
                                    .state = SIPXFER_DIALOG_CONFIRMED,
                                    .initiator = SIPXFER_INITIATOR_REMOTE,
                                    .usage = SIPXFER_USAGE_INVITE};
    uint64_t id;
    MUST(sipxfer_dialog_add(engine, &dialog, &id));
    return id;
}

static int32_t any_extension(void *user, const struct sipxfer_request *request,
                             struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    return SIPXFER_YES;
}

struct sipxfer_engine *load_engine(unsigned dialogs)
{
    struct sipxfer_host host = {.struct_size = sizeof host, .extension_exists = any_extension};
    struct sipxfer_engine_options options = {.struct_size = sizeof options, .host = &host};
    struct sipxfer_engine *engine;
    MUST(sipxfer_engine_new(&options, &engine));
    for (unsigned number = 0; number < dialogs; number++) {
        struct load_names names = load_names_of(number);
        load_add(engine, &names);
    }
    return engine;
}

static const char *const SDP = "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\n"
                               "c=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0\r\n";

size_t load_invite(char *message, size_t size, unsigned number, const struct load_names *names,
                   const char *more)
{
    int in_contact = more[0] == ';';
    char replaces[256] = "";
    if (names != NULL)
        snprintf(replaces, sizeof replaces,
                 "Replaces: %s;to-tag=%s;from-tag=%s\r\nRequire: replaces\r\n", names->call_id,
                 names->local, names->remote);
    int len = snprintf(message, size,
                       "INVITE sip:100@pbx.example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKnashds8%08x;rport\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: \"Bob\" <sip:bob@example.com>;tag=9fxced76sl%08x\r\n"
                       "To: <sip:100@pbx.example.com>\r\n"
                       "Call-ID: new-%08x-3848276298220188511@198.51.100.7\r\n"
                       "CSeq: 314159 INVITE\r\n"
                       "Contact: <sip:bob@198.51.100.7:5060;transport=udp>%s\r\n"
                       "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY\r\n"
                       "Supported: replaces, timer\r\n"
                       "User-Agent: Example Phone 1.2.3\r\n"
                       "%s%s"
                       "Content-Type: application/sdp\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       number, number, number, in_contact ? more : "", in_contact ? "" : more,
                       replaces, strlen(SDP), SDP);
    return (size_t)len;
}

size_t load_refer_to(char *value, size_t size, const struct load_names *names)
{
    if (names == NULL)
        return (size_t)snprintf(value, size, "<sip:alice@pbx.example.com>");
    /* No @ stands in a header of a URI (RFC 3261 section 25.1, hnv-unreserved). */
    size_t at = strcspn(names->call_id, "@");
    int len =
        snprintf(value, size,
                 "<sip:alice@pbx.example.com?Replaces=%.*s%s%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3D%s>",
                 (int)at, names->call_id, names->call_id[at] == '@' ? "%40" : "",
                 names->call_id + at + (names->call_id[at] == '@'), names->local, names->remote);
    return (size_t)len;
}

size_t load_refer(char *message, size_t size, unsigned number, const struct load_names *names)
{
    char refer_to[384];
    load_refer_to(refer_to, sizeof refer_to, names);
    int len = snprintf(message, size,
                       "REFER sip:100@pbx.example.com SIP/2.0\r\n"
                       "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKnashds8%08x;rport\r\n"
                       "Max-Forwards: 70\r\n"
                       "From: \"Bob\" <sip:bob@example.com>;tag=9fxced76sl%08x\r\n"
                       "To: <sip:100@pbx.example.com>;tag=as5d%08x\r\n"
                       "Call-ID: new-%08x-3848276298220188511@198.51.100.7\r\n"
                       "CSeq: 314159 REFER\r\n"
                       "Contact: <sip:bob@198.51.100.7:5060;transport=udp>\r\n"
                       "User-Agent: Example Phone 1.2.3\r\n"
                       "Refer-To: %s\r\n"
                       "Content-Length: 0\r\n\r\n",
                       number, number, number, number, refer_to);
    return (size_t)len;
}

struct sipxfer_request load_request(const char *message, size_t len)
{
    struct sipxfer_request request = {.struct_size = sizeof request};
    request.message = (struct sipxfer_str){message, len};
    request.endpoint = request.user = load_str("bobby");
    return request;
}
