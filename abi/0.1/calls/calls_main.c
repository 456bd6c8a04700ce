/* Calls every function of the header that this was compiled with, on both kinds of engine: as
 * linked, and through the table. With BY_DLOPEN the library is opened, and only the table is there.
 *
 * Compiled with the header of an older version it is a program of that version: what it is
 * answered, and that no byte behind its smaller structs is written, is what the ABI promises. */
#include "calls.h"

#ifdef BY_DLOPEN
#include <dlfcn.h>

static const struct sipxfer_api *(*get_api)(uint32_t);

const struct sipxfer_api *sipxfer_get_api(uint32_t abi_major)
{
    return get_api(abi_major);
}

/* What the world needs before it has a table. */
const char *sipxfer_strerror(int32_t status)
{
    return get_api(SIPXFER_ABI_MAJOR)->strerror(status);
}

static void open_library(int argc, char **argv)
{
    void *library = dlopen(argc > 1 ? argv[1] : "libsipxfer.so.0", RTLD_NOW | RTLD_LOCAL);
    void *symbol = library == NULL ? NULL : dlsym(library, "sipxfer_get_api");
    if (symbol == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    memcpy(&get_api, &symbol, sizeof get_api);
}
#else
bool linked;
#endif

static unsigned long made, failures;

static void complain(const char *name, const char *what, const char *text)
{
    failures++;
    printf("%s: %s: %s\n", name, what, text);
}

static void call_on(const struct call *call, enum engine_kind kind)
{
    const char *where = kind == OWN_TABLE ? "own table" : "callbacks";
    struct world *world = world_new(kind);
    int32_t status = call->call(world);
    made++;
    bool other_kind = call->of_own_table && kind == CALLBACKS;
    if (other_kind ? status != SIPXFER_E_STATE : status < 0)
        complain(call->name, where, status == INT32_MIN ? "wrong" : sipxfer_strerror(status));
    const char *wrong = world_free(world);
    if (wrong != NULL)
        complain(call->name, where, wrong);
}

static void call_all(void)
{
    for (size_t at = 0; at < call_count; at++) {
        call_on(&calls[at], OWN_TABLE);
        if (calls[at].has_engine)
            call_on(&calls[at], CALLBACKS);
    }
}

int32_t check_c_string(const char *text)
{
    if (text == NULL)
        return INT32_MIN;
    return text[strlen(text)] == 0 ? SIPXFER_OK : INT32_MIN;
}

int main(int argc, char **argv)
{
#ifdef BY_DLOPEN
    open_library(argc, argv);
#else
    (void)argc, (void)argv;
#endif
    const struct sipxfer_api *api = sipxfer_get_api(SIPXFER_ABI_MAJOR);
    if (api == NULL || api->struct_size < sizeof *api || api->abi_major != SIPXFER_ABI_MAJOR ||
        api->abi_minor < SIPXFER_ABI_MINOR) {
        fprintf(stderr, "the library is not one for this program\n");
        return 2;
    }
    call_all();
#ifndef BY_DLOPEN
    linked = true;
    call_all();
#endif
    if (api->panic_count() != 0)
        complain("the library", "faults", "caught inside");
    printf("%zu functions, %lu calls, %lu failures\n", call_count, made, failures);
    return failures != 0;
}
