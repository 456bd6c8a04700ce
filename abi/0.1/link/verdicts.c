/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Level 2: each request is shown to the library, and its verdict is acted on. What becomes of a
 * transfer after that is the host's own matter here; transfers.c leaves it to the library.
 */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What comes in, and what the library should say to it. */

static const struct step {
    const char *title, *method, *header, *user;
    uint32_t kind, code;
} steps[] = {
    {"an INVITE with Replaces for a dialog that does not exist", "INVITE",
     "Replaces: nosuch;to-tag=l1;from-tag=r1", "bob", SIPXFER_VERDICT_REJECT, 481},
    {"one from a user who has no right to that dialog", "INVITE",
     "Replaces: dialog1;to-tag=l1;from-tag=r1", "mallory", SIPXFER_VERDICT_REJECT, 403},
    {"early-only for a dialog that is confirmed", "INVITE",
     "Replaces: dialog1;to-tag=l1;from-tag=r1;early-only", "bob", SIPXFER_VERDICT_REJECT, 486},
    {"a REFER whose target is on this host: local attended transfer", "REFER",
     "Refer-To: <sip:carol@example.com?Replaces=dialog2%3Bto-tag%3Dl2%3Bfrom-tag%3Dr2>", "bob",
     SIPXFER_VERDICT_LOCAL_ATTENDED, 202},
    {"a REFER whose target is elsewhere: remote attended transfer", "REFER",
     "Refer-To: <sip:carol@server_b.com?Replaces=ABCDE%3Bto-tag%3DBtoBob%3Bfrom-tag%3DBobtoB>",
     "bob", SIPXFER_VERDICT_REMOTE_ATTENDED, 202},
    {"the same user takes dialog1 over from another phone", "INVITE",
     "Replaces: dialog1;to-tag=l1;from-tag=r1", "bob", SIPXFER_VERDICT_ACCEPT, 200},
    {"and again, now that dialog1 has ended", "INVITE", "Replaces: dialog1;to-tag=l1;from-tag=r1",
     "bob", SIPXFER_VERDICT_REJECT, 603},
};

static void print_refusal(const struct sipxfer_request *request,
                          const struct sipxfer_verdict *verdict)
{
    char response[MESSAGE_MAX];
    size_t len = 0;
    int32_t status = sipxfer_response_print(request, verdict, SIPXFER_LIT("new-tag"), response,
                                            sizeof response, &len);

    if (status != SIPXFER_OK) {
        fprintf(stderr, "sipxfer_response_print: %s\n", sipxfer_strerror(status));
        exit(EXIT_FAILURE);
    }
    printf("%.*s", (int)len, response);
}

/* Hands one request to the library and acts on the verdict. Returns 1 where it is as expected. */
static int run(const struct sipxfer_engine *engine, struct dialog_list *list,
               struct dialog *in_dialog, const struct step *step, uint64_t now_ms)
{
    static char scratch[SIPXFER_SCRATCH_SIZE(MESSAGE_MAX)];
    int is_refer = strcmp(step->method, "REFER") == 0;
    char text[MESSAGE_MAX];
    struct sipxfer_str message = request_text(
        text, step->method, step->user, is_refer ? in_dialog : NULL, "new-call", step->header);
    struct sipxfer_request request =
        request_of(message, step->user, is_refer ? in_dialog : NULL, now_ms);
    struct sipxfer_verdict verdict;
    int32_t status;

    SIPXFER_INIT(verdict);
    printf("-- %s\n", step->title);
    status = (is_refer ? sipxfer_refer_route : sipxfer_replaces_verify_request)(
        engine, &request, 1, scratch, sizeof scratch, &verdict);
    if (status != SIPXFER_OK) {
        printf("   no verdict: %s\n", sipxfer_strerror(status));
        return 0;
    }
    printf("   %s %u %.*s, rules", sipxfer_verdict_name(verdict.kind), (unsigned)verdict.code,
           SIPXFER_ARG(verdict.reason));
    for (uint32_t i = 0; i < verdict.rule_count; i++)
        printf(" R%03u", (unsigned)verdict.rules[i]);
    printf("%s\n   why  %.*s\n", verdict.locked ? ", dialog locked" : "", SIPXFER_ARG(verdict.why));

    int as_expected = verdict.kind == step->kind && verdict.code == step->code;
    switch (verdict.kind) {
    case SIPXFER_VERDICT_ACCEPT: {
        struct dialog *old = verdict.dialog;
        /* Here a PBX answers the INVITE with 200 and moves the bridge to it. Only then: */
        printf("   do   200 to the new INVITE, then %s on %s\n",
               verdict.old_dialog == SIPXFER_OLD_DIALOG_BYE ? "BYE" : "CANCEL", old->call_id);
        dialog_end(engine, list, old, now_ms);
        as_expected = as_expected && verdict.locked && verdict.old_dialog == SIPXFER_OLD_DIALOG_BYE;
        break;
    }
    case SIPXFER_VERDICT_LOCAL_ATTENDED:
        printf("   do   connect the other parties of %s and %s\n", in_dialog->call_id,
               ((struct dialog *)verdict.dialog)->call_id);
        break;
    case SIPXFER_VERDICT_REMOTE_ATTENDED:
    case SIPXFER_VERDICT_BLIND:
        for (size_t i = 0; i < verdict.variable_count; i++)
            printf("   set  %.*s=%.*s\n", SIPXFER_ARG(verdict.variables[i].name),
                   SIPXFER_ARG(verdict.variables[i].value));
        printf("   do   send the other party of %s to %.*s,%.*s\n", in_dialog->call_id,
               SIPXFER_ARG(verdict.context), SIPXFER_ARG(verdict.extension));
        break;
    default: /* a kind that this host does not know is a refusal too */
        print_refusal(&request, &verdict);
        break;
    }
    status = sipxfer_verdict_release(engine, &verdict);
    return as_expected && status == SIPXFER_OK;
}

size_t play_verdicts(const struct sipxfer_engine *engine, struct dialog_list *list,
                     struct dialog *call)
{
    size_t count = sizeof steps / sizeof steps[0], wrong = 0;

    for (size_t i = 0; i < count; i++) {
        if (!run(engine, list, call, &steps[i], 1000 + i)) {
            printf("   NOT AS EXPECTED: %s %u\n", sipxfer_verdict_name(steps[i].kind),
                   (unsigned)steps[i].code);
            wrong++;
        }
    }
    printf("%zu of %zu verdicts as expected\n", count - wrong, count);
    return wrong;
}
