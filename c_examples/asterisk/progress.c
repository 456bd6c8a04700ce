/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What becomes of a transfer is reported to the library.
 */
#include "module.h"

void xfer_progress(struct xfer *xfer, int code, const char *reason, size_t reason_len)
{
    int32_t status;

    if (xfer->application) {
        return;
    }
    status =
        sipxfer_transfer_progress(engine, xfer->id, (uint32_t)code, reason, reason_len, clock_ms());
    if (status != SIPXFER_OK && status != SIPXFER_E_WRONG_STATE && status != SIPXFER_E_NOT_FOUND) {
        /* A reason phrase that cannot be sent on: the code is what counts. */
        sipxfer_transfer_progress(engine, xfer->id, (uint32_t)code, NULL, 0, clock_ms());
    }
    outputs_take(xfer->id);
}

void xfer_give_up(struct xfer *xfer, int code)
{
    sipxfer_transfer_give_up(engine, xfer->id, (uint32_t)code, clock_ms());
    outputs_take(xfer->id);
}

void xfer_contact_failed(struct xfer *xfer)
{
    sipxfer_transfer_contact_failed(engine, xfer->id, clock_ms());
    outputs_take(xfer->id);
}
