/* Callbacks that call the library again, or that wait for another thread which does. A lock of the
 * library that was held meanwhile would stop this program for ever. */
#include "callbacks.h"

#include <pthread.h>

static const char *test;

static void look(enum place place)
{
    (void)place;
    struct outcome outcome = ask(test, VERIFY, false);
    if (outcome.status != SIPXFER_OK)
        complain(test, "a verdict from within", outcome.status);
}

static void look_and_lock(enum place place)
{
    /* The host's own lock may be held in these; a second one is for the host to avoid. */
    if (place == IN_UNLOCK)
        return;
    struct outcome outcome = ask(test, VERIFY, true);
    if (outcome.status != SIPXFER_OK)
        complain(test, "a locked verdict from within", outcome.status);
    outcome = ask(test, ROUTE, false);
    if (outcome.status != SIPXFER_OK)
        complain(test, "a REFER from within", outcome.status);
}

static void set(enum place place)
{
    (void)place;
    struct sipxfer_config *config = NULL;
    struct sipxfer_str name = literal("context"), value = literal("elsewhere");
    int32_t status = sipxfer_config_new(&config);
    if (status == SIPXFER_OK)
        status = sipxfer_config_set(config, NULL, 0, name.ptr, name.len, value.ptr, value.len);
    if (status == SIPXFER_OK)
        status = sipxfer_config_apply(engine, config);
    if (status != SIPXFER_OK)
        complain(test, "settings from within", status);
    sipxfer_config_free(config);
}

static void change_the_table(enum place place)
{
    uint64_t id = 0;
    size_t count = 0;
    struct sipxfer_dialog dialog = host_dialog();
    dialog.call_id = literal("call-9@pbx");
    /* What is taken out here would be given back by another call of this callback. */
    if (place == IN_RELEASE || engine_kind != OWN_TABLE)
        return;
    if (sipxfer_dialog_count(engine, &count) != SIPXFER_OK)
        complain(test, "dialog_count from within", (long)count);
    int32_t status = sipxfer_dialog_add(engine, &dialog, &id);
    if (status != SIPXFER_OK)
        complain(test, "dialog_add from within", status);
    else
        took_reference();
    status = sipxfer_dialog_set_state(engine, id, SIPXFER_DIALOG_EARLY);
    if (status != SIPXFER_OK)
        complain(test, "dialog_set_state from within", status);
    status = sipxfer_dialog_remove(engine, id, 5);
    if (status != SIPXFER_OK)
        complain(test, "dialog_remove from within", status);
}

static void tell_an_end(enum place place)
{
    (void)place;
    struct sipxfer_dialog_key key = host_key();
    key.call_id = literal("call-8@pbx");
    int32_t status = sipxfer_dialog_ended(engine, &key, 5);
    if (status != SIPXFER_OK)
        complain(test, "dialog_ended from within", status);
}

static void remove_it(enum place place)
{
    if (place != IN_LOCK)
        return;
    int32_t status = sipxfer_dialog_remove(engine, dialog_id, 5);
    if (status != SIPXFER_OK)
        complain(test, "the dialog cannot be removed while it is locked", status);
    status = sipxfer_dialog_remove(engine, dialog_id, 5);
    if (status != SIPXFER_E_NOT_FOUND)
        complain(test, "removed twice", status);
    size_t count = 1;
    if (sipxfer_dialog_count(engine, &count) != SIPXFER_OK || count != 0)
        complain(test, "dialogs that are left", (long)count);
}

/* The same by another thread, for which the callback waits. */
static void (*by_the_other)(enum place place);
static enum place waiting_in;

static void *the_other(void *unused)
{
    by_the_other(waiting_in);
    return unused;
}

static void wait_for_the_other(enum place place)
{
    pthread_t thread;
    waiting_in = place;
    if (pthread_create(&thread, NULL, the_other, NULL) != 0 || pthread_join(thread, NULL) != 0)
        complain(test, "another thread", place);
}

/* The verdict of each request is what it would be without the call inside. */
static void from_everywhere(const char *name, void (*inside)(enum place))
{
    static const uint32_t codes[] = {[VERIFY] = 200,
                                     [ROUTE] = 202,
                                     [ROUTE_REMOTE] = 202,
                                     [ROUTE_TOKEN] = 202,
                                     [ROUTE_BLIND] = 202};
    test = name;
    for (int kind = OWN_TABLE; kind <= CALLBACKS; kind++)
        for (int request = VERIFY; request <= ROUTE_BLIND; request++)
            for (int lock = 0; lock <= 1; lock++) {
                honest();
                act.inside = inside;
                struct outcome outcome = play(test, kind, request, lock);
                if (outcome.status != SIPXFER_OK)
                    complain(test, "status", outcome.status);
                else if (outcome.code != codes[request])
                    complain(test, "code", outcome.code);
            }
    /* Only the host can allow this one: authorize is asked. */
    honest();
    act.inside = inside;
    act.by_host = true;
    struct outcome outcome = play(test, CALLBACKS, VERIFY, true);
    if (outcome.code != 200)
        complain(test, "code by authorize", outcome.code);
}

void callbacks_that_call_back(void)
{
    memset(called, 0, sizeof called);
    from_everywhere("a verdict from within", look);
    from_everywhere("a locked verdict from within", look_and_lock);
    from_everywhere("settings from within", set);
    from_everywhere("the table from within", change_the_table);
    from_everywhere("an end from within", tell_an_end);
    static const struct {
        const char *name;
        void (*inside)(enum place place);
    } others[] = {{"a verdict by another thread, for which a callback waits", look},
                  {"a locked verdict by another thread", look_and_lock},
                  {"settings by another thread", set},
                  {"the table by another thread", change_the_table},
                  {"an end by another thread", tell_an_end}};
    for (size_t at = 0; at < sizeof others / sizeof others[0]; at++) {
        by_the_other = others[at].inside;
        from_everywhere(others[at].name, wait_for_the_other);
    }
    for (int place = 0; place < PLACES; place++)
        if (called[place] == 0)
            complain("callbacks that call back", "this callback was never called", place);

    test = "removal while it is locked";
    honest();
    act.inside = remove_it;
    /* Taken out means ended, whatever lock says afterwards: its lock is undone again. */
    struct outcome outcome = play(test, OWN_TABLE, VERIFY, true);
    if (outcome.status != SIPXFER_OK || outcome.code != 603)
        complain(test, "code of what was removed", outcome.code);
    honest();
    act.inside = remove_it;
    act.lock_status = SIPXFER_E_GONE;
    outcome = play(test, OWN_TABLE, VERIFY, true);
    if (outcome.status != SIPXFER_OK || outcome.code != 603)
        complain(test, "code of what is gone", outcome.code);
    test = "removal by another thread while it is locked";
    honest();
    by_the_other = remove_it;
    act.inside = wait_for_the_other;
    outcome = play(test, OWN_TABLE, VERIFY, true);
    if (outcome.status != SIPXFER_OK || outcome.code != 603)
        complain(test, "code of what was removed", outcome.code);
}
