/* What happens when memory cannot be had: the functions here take the place of those of the C
 * library, for the shared object too, and fail when they are told to.
 *
 * usage: out_of_memory large      every allocation of LARGE bytes or more fails
 *        out_of_memory NUMBER     so many succeed, the next one fails
 *        out_of_memory count      none fails; prints how many there are
 *
 * A run that comes to its end ends with 0, whatever the library has answered; one that the library
 * ends is killed by SIGABRT. */
#include <errno.h>
#include <sipxfer.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LARGE = 4096, DIALOGS = 20000, REFERS = 20, LONGEST = 2048 };

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static enum { NEVER, WHEN_LARGE, AT_NUMBER } failing;
static unsigned long number_to_fail, asked, failed;
static bool armed;

static bool fails(size_t size)
{
    if (!armed)
        return false;
    asked++;
    bool now =
        failing == WHEN_LARGE ? size >= LARGE : failing == AT_NUMBER && asked == number_to_fail;
    failed += now;
    return now;
}

void *malloc(size_t size)
{
    return fails(size) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails(count * size) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return fails(size) ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    return fails(size) ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = memalign(alignment, size);
    return *out == NULL ? ENOMEM : 0;
}

/* ---- the host ---- */

static struct sipxfer_str str(const char *text)
{
    return (struct sipxfer_str){text, strlen(text)};
}

static unsigned long answered[64];

/* Anything but a status of ours is a fault. */
static int32_t told(int32_t status)
{
    if (status > 0 || status < -40) {
        fprintf(stderr, "%d is no status\n", status);
        exit(1);
    }
    answered[-status]++;
    return status;
}

static void must(int32_t status)
{
    if (status != SIPXFER_OK) {
        fprintf(stderr, "%s\n", sipxfer_strerror(status));
        exit(1);
    }
}

static int32_t any_extension(void *user, const struct sipxfer_request *request,
                             struct sipxfer_str context, struct sipxfer_str extension)
{
    (void)user, (void)request, (void)context, (void)extension;
    return SIPXFER_YES;
}

static int object;
static uint64_t ids[DIALOGS];

static int32_t add(struct sipxfer_engine *engine, unsigned number, uint64_t *id)
{
    char call_id[40];
    snprintf(call_id, sizeof call_id, "call-%u", number);
    struct sipxfer_dialog dialog = {.struct_size = sizeof dialog,
                                    .dialog = &object,
                                    .call_id = str(call_id),
                                    .local_tag = str("L"),
                                    .remote_tag = str("R"),
                                    .user = str("bob"),
                                    .endpoint = str("bob"),
                                    .state = SIPXFER_DIALOG_CONFIRMED,
                                    .initiator = SIPXFER_INITIATOR_REMOTE,
                                    .usage = SIPXFER_USAGE_INVITE};
    return told(sipxfer_dialog_add(engine, &dialog, id));
}

static char scratch[SIPXFER_SCRATCH_SIZE(LONGEST)];

static uint32_t found(struct sipxfer_engine *engine, unsigned number)
{
    char message[LONGEST];
    int len = snprintf(message, sizeof message,
                       "INVITE sip:100@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                       "From: <sip:bob@h>;tag=1\r\nTo: <sip:100@h>\r\nCall-ID: new-%u\r\n"
                       "CSeq: 1 INVITE\r\nReplaces: call-%u;to-tag=L;from-tag=R\r\n\r\n",
                       number, number);
    struct sipxfer_request request = {.struct_size = sizeof request};
    struct sipxfer_verdict verdict = {.struct_size = sizeof verdict};
    request.message = (struct sipxfer_str){message, (size_t)len};
    request.endpoint = request.user = str("bob");
    int32_t status = told(
        sipxfer_replaces_verify_request(engine, &request, 0, scratch, sizeof scratch, &verdict));
    uint32_t kind = verdict.kind;
    if (status == SIPXFER_OK)
        told(sipxfer_verdict_release(engine, &verdict));
    return status == SIPXFER_OK ? kind : SIPXFER_VERDICT_NONE;
}

static void refer(struct sipxfer_engine *engine, unsigned number)
{
    char message[LONGEST];
    int len = snprintf(message, sizeof message,
                       "REFER sip:pbx@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                       "From: <sip:bob@h>;tag=R\r\nTo: <sip:pbx@h>;tag=L\r\nCall-ID: call-%u\r\n"
                       "CSeq: 2 REFER\r\nContact: <sip:bob@h>\r\nRefer-To: <sip:100@h>\r\n\r\n",
                       number);
    struct sipxfer_request request = {.struct_size = sizeof request};
    struct sipxfer_verdict verdict = {.struct_size = sizeof verdict};
    uint64_t id = 0;
    request.message = (struct sipxfer_str){message, (size_t)len};
    request.endpoint = request.user = str("bob");
    int32_t status =
        told(sipxfer_transfer_receive(engine, &request, 0, scratch, sizeof scratch, &verdict, &id));
    if (status != SIPXFER_OK)
        return;
    /* What is not begun is refused. */
    if ((id == 0) != (verdict.code >= 300)) {
        fprintf(stderr, "transfer %lu with code %u\n", (unsigned long)id, verdict.code);
        exit(1);
    }
    told(sipxfer_verdict_release(engine, &verdict));
}

int main(int count, char **arguments)
{
    if (count != 2)
        return 2;
    if (strcmp(arguments[1], "large") == 0)
        failing = WHEN_LARGE;
    else if (strcmp(arguments[1], "count") != 0)
        failing = AT_NUMBER, number_to_fail = strtoul(arguments[1], NULL, 10);
    unsigned dialogs = failing == WHEN_LARGE ? DIALOGS : DIALOGS / 100;
    /* The tables of transfers end the process where they cannot grow. */
    unsigned refers = failing == WHEN_LARGE ? 0 : REFERS;
    struct sipxfer_host host = {.struct_size = sizeof host, .extension_exists = any_extension};
    struct sipxfer_engine_options options = {.struct_size = sizeof options, .host = &host};
    struct sipxfer_engine *engine = NULL;
    struct sipxfer_config *config = NULL;
    must(sipxfer_engine_new(&options, &engine));
    must(sipxfer_config_new(&config));
    must(sipxfer_config_set(config, "", 0, "rate.per_endpoint", 17, "0", 1));
    must(sipxfer_config_apply(engine, config));
    must(sipxfer_tick(engine, 1));

    armed = true;
    unsigned kept = 0;
    for (unsigned number = 0; number < dialogs; number++)
        kept += add(engine, number, &ids[number]) == SIPXFER_OK;
    /* What was taken in is found, and nothing else. */
    for (unsigned number = 0; number < dialogs; number++) {
        bool is_there = ids[number] != 0;
        if (is_there != (found(engine, number) == SIPXFER_VERDICT_ACCEPT)) {
            fprintf(stderr, "dialog %u is%s there\n", number, is_there ? " not" : "");
            return 1;
        }
    }
    for (unsigned number = 0; number < refers; number++)
        refer(engine, number);
    for (unsigned number = 0; number < dialogs; number++) {
        if (ids[number] != 0)
            must(sipxfer_dialog_remove(engine, ids[number], 2));
    }
    told(sipxfer_tick(engine, 1000000));
    armed = false;

    size_t left = 1;
    must(sipxfer_dialog_count(engine, &left));
    if (left != 0) {
        fprintf(stderr, "%zu dialogs are left\n", left);
        return 1;
    }
    sipxfer_config_free(config);
    sipxfer_engine_free(engine);
    printf("%lu asked, %lu failed, %u dialogs kept, %lu refused with NOMEM\n", asked, failed, kept,
           answered[-SIPXFER_E_NOMEM]);
    return 0;
}
