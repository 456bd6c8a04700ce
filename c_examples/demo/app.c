/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * An application that controls transfers: it is told of each by an event, decides what becomes of
 * it, and says so by commands. Behind ARI it would be a program of its own; here it is a part of
 * the PBX and sees the output that the event was made of.
 */
#include "demo.h"

#include <stdio.h>
#include <string.h>

/* Whether it was in time. What follows from it are outputs, which transfer.c takes next. */
static int command(struct ua *ua, const struct transfer *transfer, const char *state)
{
    note(ua, "application: %s", state);
    int32_t status =
        sipxfer_transfer_command(ua->engine, transfer->id, state, strlen(state), clock_ms());
    if (status == SIPXFER_E_WRONG_STATE || status == SIPXFER_E_NOT_FOUND)
        return 0;
    check(ua, status, "sipxfer_transfer_command");
    return 1;
}

/* Whom the event names as the target, or NULL where it leads to nobody. */
static const struct route *target(struct ua *ua, const struct transfer *transfer,
                                  const struct sipxfer_output *output)
{
    const struct route *route = route_of(ua, str("default"), output->destination);

    return transfer->transferee != NULL && route != NULL && route->party != NULL ? route : NULL;
}

void app_event(struct ua *ua, struct transfer *transfer, const struct sipxfer_output *output)
{
    const struct route *route = target(ua, transfer, output);
    char uri[96];

    if (ua->world->party[ua->world->self].silent_app)
        return;
    if (output->state.len == 0) {
        command(ua, transfer, route != NULL ? "channel_progress" : "channel_not_found");
    } else if (str_is(output->state, "channel_progress") && route != NULL) {
        int party = world_by_name(ua->world, route->party);
        snprintf(uri, sizeof uri, "sip:%s@%s", route->extension, ua->world->party[party].host);
        transfer_dial(ua, transfer, party, str(uri), "");
    }
}

void app_response(struct ua *ua, struct transfer *transfer, unsigned code)
{
    if (code < 200)
        return;
    if (code >= 300)
        command(ua, transfer, code == 603 ? "channel_declined" : "channel_unavailable");
    else if (command(ua, transfer, "channel_answered"))
        transfer_connect(transfer);
}
