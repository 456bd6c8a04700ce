/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The wire. Messages are printed into a packet and read through the library's views.
 *
 * Nothing is retransmitted and there are no transaction timers: on the loopback interface UDP
 * loses nothing that the socket's buffer has room for. A real host has a SIP stack for that.
 */
#include "demo.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct sipxfer_str str(const char *text)
{
    struct sipxfer_str s = {text, strlen(text)};
    return s;
}

int str_is(struct sipxfer_str a, const char *b)
{
    return a.len == strlen(b) && (a.len == 0 || memcmp(a.ptr, b, a.len) == 0);
}

int str_is_nocase(struct sipxfer_str a, const char *b)
{
    return a.len == strlen(b) && (a.len == 0 || strncasecmp(a.ptr, b, a.len) == 0);
}

int str_copy(char *to, size_t size, struct sipxfer_str from)
{
    if (from.len >= size)
        return -1;
    if (from.len > 0)
        memcpy(to, from.ptr, from.len);
    to[from.len] = '\0';
    return 0;
}

int world_by_name(const struct world *world, const char *name)
{
    for (int i = 0; i < world->count; i++)
        if (strcmp(world->party[i].name, name) == 0)
            return i;
    return -1;
}

int world_by_host(const struct world *world, struct sipxfer_str host)
{
    for (int i = 0; i < world->count; i++)
        if (str_is_nocase(host, world->party[i].host))
            return i;
    return -1;
}

int world_by_address(const struct world *world, const struct sockaddr_in *address)
{
    for (int i = 0; i < world->count; i++)
        if (world->party[i].address.sin_port == address->sin_port &&
            world->party[i].address.sin_addr.s_addr == address->sin_addr.s_addr)
            return i;
    return -1;
}

/* As much as fits, with NUL at the end. */
static void fill(char *to, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size)
        len = size - 1;
    memcpy(to, text, len);
    to[len] = '\0';
}

void report(const struct world *world, int kind, int to, const char *label, const char *text)
{
    struct record record;

    memset(&record, 0, sizeof record);
    record.kind = kind;
    record.from = world->self;
    record.to = to;
    fill(record.label, sizeof record.label, label);
    fill(record.text, sizeof record.text, text);
    if (write(world->report, &record, sizeof record) != (ssize_t)sizeof record)
        _exit(EXIT_FAILURE); /* the parent is gone */
}

void die(const struct world *world, const char *what)
{
    report(world, RECORD_FAILURE, -1, "", what);
    exit(EXIT_FAILURE);
}

void packet_add(struct packet *packet, const char *format, ...)
{
    size_t room = sizeof packet->bytes - packet->len;
    va_list args;

    va_start(args, format);
    int len = vsnprintf(packet->bytes + packet->len, room, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= room)
        packet->overflow = 1;
    else
        packet->len += (size_t)len;
}

/* What the ladder says beside a message: the headers that tell something about a transfer. */
static void margin(const struct packet *packet, const struct sipxfer_message *msg, char *text,
                   size_t size)
{
    static const char *const told[] = {"Replaces",           "Refer-To", "Referred-By",
                                       "Subscription-State", "Warning",  "WWW-Authenticate"};
    struct sipxfer_str value;
    size_t len = 0;

    text[0] = '\0';
    if (str_is(msg->method, "INVITE"))
        len += (size_t)snprintf(text, size, "Call-ID: %.*s\n", SIPXFER_ARG(msg->call_id));
    for (size_t i = 0; i < sizeof told / sizeof told[0] && len < size; i++)
        if (sipxfer_message_header(packet->bytes, packet->len, told[i], strlen(told[i]), 0,
                                   &value) == SIPXFER_OK)
            len +=
                (size_t)snprintf(text + len, size - len, "%s: %.*s\n", told[i], SIPXFER_ARG(value));
    if (len < size && (str_is(msg->method, "NOTIFY") || str_is(msg->method, "INFO"))) {
        struct sipxfer_str body = msg->body;
        while (body.len > 0 && (body.ptr[body.len - 1] == '\r' || body.ptr[body.len - 1] == '\n'))
            body.len--;
        snprintf(text + len, size - len, "%.*s\n", SIPXFER_ARG(body));
    }
}

void packet_send(const struct world *world, int to, const struct packet *packet)
{
    const struct party *self = &world->party[world->self], *peer = &world->party[to];
    struct sipxfer_message msg;
    char label[16], text[480];

    SIPXFER_INIT(msg);
    if (packet->overflow ||
        sipxfer_message_parse(packet->bytes, packet->len, &msg, NULL) != SIPXFER_OK)
        die(world, "built a message that is too long or no SIP");
    if (msg.status != 0)
        snprintf(label, sizeof label, "%u %.*s", (unsigned)msg.status,
                 SIPXFER_ARG(msg.cseq_method));
    else
        snprintf(label, sizeof label, "%.*s", SIPXFER_ARG(msg.method));
    margin(packet, &msg, text, sizeof text);
    report(world, RECORD_MESSAGE, to, label, text);

    if (sendto(self->socket, packet->bytes, packet->len, 0, (const struct sockaddr *)&peer->address,
               sizeof peer->address) != (ssize_t)packet->len)
        die(world, "sendto failed");
}

int packet_receive(const struct world *world, struct incoming *in)
{
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    ssize_t len;

    do
        len = recvfrom(world->party[world->self].socket, in->packet.bytes, sizeof in->packet.bytes,
                       0, (struct sockaddr *)&from, &from_len);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        die(world, "recvfrom failed");
    in->packet.len = (size_t)len;
    in->packet.overflow = 0;
    in->from = world_by_address(world, &from);
    SIPXFER_INIT(in->msg);
    if (in->from < 0 || in->packet.len == sizeof in->packet.bytes)
        return -1; /* no party, or cut off */
    if (sipxfer_message_parse(in->packet.bytes, in->packet.len, &in->msg, NULL) != SIPXFER_OK ||
        in->msg.call_id.len == 0)
        return -1;
    return 0;
}

struct sipxfer_str header(const struct incoming *in, const char *name)
{
    struct sipxfer_str value = {NULL, 0};

    if (sipxfer_message_header(in->packet.bytes, in->packet.len, name, strlen(name), 0, &value) !=
        SIPXFER_OK)
        value.len = 0;
    return value;
}

struct sipxfer_str uri_of(struct sipxfer_str value)
{
    struct sipxfer_name_addr parts;

    SIPXFER_INIT(parts);
    if (sipxfer_name_addr_parse(value.ptr, value.len, &parts, NULL) != SIPXFER_OK)
        parts.uri.len = 0;
    return parts.uri;
}

int resolve(const struct world *world, struct sipxfer_str uri, struct sipxfer_str *user)
{
    struct sipxfer_uri parts;

    SIPXFER_INIT(parts);
    if (sipxfer_uri_parse(uri.ptr, uri.len, &parts, NULL) != SIPXFER_OK)
        return -1;
    if (user != NULL)
        *user = parts.user;
    return world_by_host(world, parts.host);
}

void respond(const struct world *world, const struct incoming *request, unsigned code,
             const char *reason, const char *to_tag, const char *extra, const char *body)
{
    struct packet out = {0, 0, ""};
    struct sipxfer_str via;

    packet_add(&out, "SIP/2.0 %u %s\r\n", code, reason);
    for (uint32_t i = 0; sipxfer_message_header(request->packet.bytes, request->packet.len, "Via",
                                                3, i, &via) == SIPXFER_OK;
         i++)
        packet_add(&out, "Via: %.*s\r\n", SIPXFER_ARG(via));
    packet_add(&out, "From: %.*s\r\nTo: %.*s", SIPXFER_ARG(header(request, "From")),
               SIPXFER_ARG(header(request, "To")));
    if (request->msg.to_tag.len == 0 && to_tag != NULL)
        packet_add(&out, ";tag=%s", to_tag);
    packet_add(&out, "\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n%s", SIPXFER_ARG(request->msg.call_id),
               SIPXFER_ARG(header(request, "CSeq")), extra != NULL ? extra : "");
    if (body != NULL)
        packet_add(&out, "Content-Type: application/sdp\r\n");
    packet_add(&out, "Content-Length: %zu\r\n\r\n%s", body != NULL ? strlen(body) : 0,
               body != NULL ? body : "");
    packet_send(world, request->from, &out);
}
