/* Turns every knob of every function, one at a time, and looks at what comes back: a status that
 * the header names, the right one where the header says which, and never a crash. */
#include "hostile.h"

/* What is expected besides a certain status. */
enum { KNOWN = 1000, AS_BEFORE = 1001 };

struct turn {
    const struct function *function;
    enum engine_kind kind;
    const struct knob *knob;
    struct world *world;
    char *arguments;
    int32_t before; /* what the valid call answers */
};

static unsigned long calls, failures;

static bool is_known(int32_t status)
{
    for (size_t at = 0; at < status_count; at++)
        if (statuses[at] == status)
            return true;
    return false;
}

static void complain(const struct turn *turn, const char *what, const char *text)
{
    failures++;
    if (failures <= 40)
        printf("%s (%s), %s: %s: %s\n", turn->function->name,
               turn->kind == OWN_TABLE ? "own table" : "callbacks",
               turn->knob == NULL ? "valid" : turn->knob->name, what, text);
}

static void begin(struct turn *turn)
{
    turn->world = world_new(turn->kind);
    turn->arguments = keep(turn->world, turn->function->arguments_size);
    memset(turn->arguments, 0, turn->function->arguments_size);
    turn->function->fill(turn->world, turn->arguments);
}

/* Calls, and compares the status with what is expected. */
static int32_t call(struct turn *turn, const char *what, int32_t expected)
{
    char text[96];
    int32_t status = turn->function->call(turn->world, turn->arguments);
    calls++;
    if (expected == AS_BEFORE)
        expected = turn->before;
    if (expected == KNOWN ? !is_known(status) : status != expected) {
        snprintf(text, sizeof text, "answers %d where %d is expected", status, expected);
        complain(turn, what, text);
    }
    if (turn->function->after != NULL)
        turn->function->after(turn->world, turn->arguments, status);
    return status;
}

static void end(struct turn *turn, const char *what)
{
    const char *wrong = world_free(turn->world);
    if (wrong != NULL)
        complain(turn, what, wrong);
    if (sipxfer_panic_count() != 0) {
        printf("%s, %s: a fault inside the library was caught\n", turn->function->name, what);
        exit(1);
    }
}

/* The block that the knob's spot lies in. */
static char *block_of(const struct turn *turn)
{
    char *block = turn->arguments;
    for (unsigned at = 0; at < turn->knob->depth; at++)
        memcpy(&block, block + turn->knob->path[at], sizeof block);
    return block;
}

static size_t get_size(const char *block, size_t at)
{
    size_t value;
    memcpy(&value, block + at, sizeof value);
    return value;
}
static char *get_pointer(const char *block, size_t at)
{
    char *value;
    memcpy(&value, block + at, sizeof value);
    return value;
}
static void set_size(char *block, size_t at, size_t value)
{
    memcpy(block + at, &value, sizeof value);
}
static void set_pointer(char *block, size_t at, const void *value)
{
    memcpy(block + at, &value, sizeof value);
}

/* One call with the spot set by `set`. */
typedef void (*setter)(struct turn *turn, char *block, size_t number);
static void turn_once(struct turn *turn, const char *what, setter set, size_t number,
                      int32_t expected)
{
    begin(turn);
    set(turn, block_of(turn), number);
    call(turn, what, expected);
    end(turn, what);
}

/* ---- pointers ---- */

static void set_null(struct turn *turn, char *block, size_t number)
{
    (void)number;
    set_pointer(block, turn->knob->at, NULL);
}

static void turn_pointer(struct turn *turn)
{
    unsigned flags = turn->knob->flags;
    bool free_to_answer = flags & (OPTIONAL | ANY | NO_EFFECT);
    turn_once(turn, "NULL", set_null, 0, free_to_answer ? KNOWN : SIPXFER_E_NULL);
}

/* ---- texts ---- */

static const char *const hostile_texts[] = {
    "\r\n",
    "\n",
    ";",
    "=",
    "<",
    ">",
    "\"",
    "\\",
    "%",
    "%0",
    "%zz",
    "%0d%0a",
    "?",
    "&",
    ":",
    "@",
    "sip:",
    "<sip:",
    "sip:a@",
    "sip:[::1",
    "a\r\nEvil: yes",
    "\xff\xfe",
    "\xc3\x28",
    " \t ",
    ";;;;====",
    "0",
    "4294967296",
    "99999999999999999999999",
    "a;to-tag=;from-tag=",
    "a;to-tag=1;to-tag=1;from-tag=2",
    "SIP/2.0",
    "SIP/2.0 99999 x",
    "SIP/2.0 200",
    "a: b",
    ": ",
    "\r\n\r\n",
    "INVITE sip:a SIP/2.0\r\n\r\n",
    "INVITE sip:a SIP/2.0\r\nReplaces",
    "INVITE sip:a SIP/2.0\r\nReplaces:\r\n\r\n",
    "REFER sip:a SIP/2.0\r\nRefer-To: <sip:b?Replaces=%\r\n\r\n",
    "endpoint:",
    "endpoint:a b",
    "nowhere",
    "*",
    "10.0.0.0/99",
    "yes, no, maybe",
};

enum { NULL_WITH_LENGTH, NULL_EMPTY, EMPTY, NULL_HUGE, HUGE_LENGTH, OVER_HALF };

static void set_text(struct turn *turn, char *block, size_t number)
{
    const struct knob *knob = turn->knob;
    if (number == NULL_WITH_LENGTH || number == NULL_EMPTY || number == NULL_HUGE)
        set_pointer(block, knob->at, NULL);
    if (number == NULL_WITH_LENGTH)
        set_size(block, knob->length_at, 5);
    if (number == NULL_EMPTY || number == EMPTY)
        set_size(block, knob->length_at, 0);
    if (number == NULL_HUGE || number == HUGE_LENGTH)
        set_size(block, knob->length_at, SIZE_MAX);
    if (number == OVER_HALF)
        set_size(block, knob->length_at, SIZE_MAX / 2 + 1);
}

static void set_hostile_text(struct turn *turn, char *block, size_t number)
{
    const char *text = hostile_texts[number];
    set_pointer(block, turn->knob->at, keep_text(turn->world, text));
    set_size(block, turn->knob->length_at, strlen(text));
}

/* The first `number` bytes, in a block that ends there. */
static void set_prefix(struct turn *turn, char *block, size_t number)
{
    char *copy = keep(turn->world, number);
    memcpy(copy, get_pointer(block, turn->knob->at), number);
    set_pointer(block, turn->knob->at, copy);
    set_size(block, turn->knob->length_at, number);
}

/* A long text of one byte value. */
static void set_long(struct turn *turn, char *block, size_t number)
{
    enum { LONG = 5000 };
    char *text = keep(turn->world, LONG);
    memset(text, (int)number, LONG);
    set_pointer(block, turn->knob->at, text);
    set_size(block, turn->knob->length_at, LONG);
}

static void turn_text(struct turn *turn)
{
    begin(turn);
    bool any = turn->knob->flags & ANY;
    bool empty = get_pointer(block_of(turn), turn->knob->at) == NULL;
    size_t whole = get_size(block_of(turn), turn->knob->length_at);
    call(turn, "the whole text", AS_BEFORE);
    end(turn, "the whole text");
    int32_t null = any ? KNOWN : SIPXFER_E_NULL;
    int32_t range = any ? KNOWN : empty ? SIPXFER_E_NULL : SIPXFER_E_RANGE;
    turn_once(turn, "NULL with a length", set_text, NULL_WITH_LENGTH, null);
    turn_once(turn, "NULL without a length", set_text, NULL_EMPTY, KNOWN);
    turn_once(turn, "no length", set_text, EMPTY, KNOWN);
    turn_once(turn, "NULL with the largest length", set_text, NULL_HUGE, null);
    if (!any) {
        turn_once(turn, "the largest length", set_text, HUGE_LENGTH, range);
        turn_once(turn, "half of all memory", set_text, OVER_HALF, range);
    }
    for (size_t at = 0; at < sizeof hostile_texts / sizeof *hostile_texts; at++)
        turn_once(turn, hostile_texts[at], set_hostile_text, at, KNOWN);
    for (size_t byte = 0; byte < 256; byte += 5)
        turn_once(turn, "a long text", set_long, byte, KNOWN);
    for (size_t length = 1; length < whole; length++)
        turn_once(turn, "the beginning of the text", set_prefix, length, KNOWN);
}

/* ---- buffers ---- */

static void set_buffer(struct turn *turn, char *block, size_t number)
{
    set_pointer(block, turn->knob->at, keep(turn->world, number));
    set_size(block, turn->knob->length_at, number);
}

/* The length needed, which a print function reports whether the buffer was large enough or not. */
static size_t needed_of(struct turn *turn)
{
    size_t needed;
    memcpy(&needed, get_pointer(block_of(turn), turn->knob->needed_at), sizeof needed);
    return needed;
}

/* Prints into a buffer of this capacity. What is needed must not depend on it, and what was
 * written must end where it says. */
static void print_into(struct turn *turn, size_t capacity, size_t expected)
{
    char what[64];
    snprintf(what, sizeof what, "capacity %zu of %zu", capacity, expected);
    begin(turn);
    char *block = block_of(turn);
    set_buffer(turn, block, capacity);
    int32_t wanted = expected > capacity ? SIPXFER_E_BUFFER : SIPXFER_OK;
    call(turn, what, wanted);
    if (needed_of(turn) != expected)
        complain(turn, what, "another length is needed");
    if (wanted == SIPXFER_OK) {
        const char *bytes = get_pointer(block, turn->knob->at);
        for (size_t at = expected; at < capacity; at++)
            if ((unsigned char)bytes[at] != 0xA5) {
                complain(turn, what, "more was written than is needed");
                break;
            }
    }
    end(turn, what);
}

static void turn_buffer(struct turn *turn)
{
    turn_once(turn, "NULL with a capacity", set_text, NULL_WITH_LENGTH, SIPXFER_E_NULL);
    turn_once(turn, "NULL with the largest", set_text, NULL_HUGE, SIPXFER_E_NULL);
    turn_once(turn, "the largest capacity", set_text, HUGE_LENGTH, SIPXFER_E_RANGE);
    begin(turn);
    call(turn, "room enough", AS_BEFORE);
    size_t needed = needed_of(turn);
    end(turn, "room enough");
    turn_once(turn, "NULL without capacity", set_text, NULL_EMPTY,
              needed == 0 ? SIPXFER_OK : SIPXFER_E_BUFFER);
    for (size_t capacity = 0; capacity <= needed + 2; capacity++)
        print_into(turn, capacity, needed);
}

static void turn_scratch(struct turn *turn)
{
    /* A buffer without a place for the length needed is a buffer all the same. */
    bool is_buffer = strcmp(turn->knob->name, "buffer") == 0;
    int32_t too_small = is_buffer ? SIPXFER_E_BUFFER : SIPXFER_E_SCRATCH;
    turn_once(turn, "NULL with a length", set_text, NULL_WITH_LENGTH,
              turn->knob->flags & NO_EFFECT ? KNOWN : SIPXFER_E_NULL);
    turn_once(turn, "NULL without a length", set_text, NULL_EMPTY, too_small);
    turn_once(turn, "no length", set_text, EMPTY, too_small);
    turn_once(turn, "NULL with the largest", set_text, NULL_HUGE, SIPXFER_E_NULL);
    turn_once(turn, "the largest length", set_text, HUGE_LENGTH, SIPXFER_E_RANGE);
    turn_once(turn, "one byte", set_buffer, 1, too_small);
    for (size_t length = 2; length < 10000; length += 97)
        turn_once(turn, "some scratch space", set_buffer, length, KNOWN);
}

/* ---- structs ---- */

static const size_t ALLOW = SIPXFER_ALLOW_UNKNOWN;

/* Puts a struct of `room` bytes in the place of the valid one, which says that it is `size`. */
static unsigned char *resize(struct turn *turn, size_t room, size_t size, int tail)
{
    char *block = block_of(turn);
    const struct knob *knob = turn->knob;
    unsigned char *old = (unsigned char *)get_pointer(block, knob->at);
    unsigned char *now = keep(turn->world, room);
    size_t copied = room < knob->size ? room : knob->size;
    memset(now, tail, room);
    memcpy(now, old, copied);
    memcpy(now, &size, sizeof size);
    set_pointer(block, knob->at, now);
    return now;
}

static void sized(struct turn *turn, const char *what, size_t room, size_t size, int tail,
                  int32_t expected)
{
    begin(turn);
    unsigned char *now = resize(turn, room, size, tail);
    call(turn, what, expected);
    if (get_size((char *)now, 0) != size)
        complain(turn, what, "struct_size was changed");
    for (size_t at = turn->knob->size; at < room; at++)
        if (now[at] != tail) {
            complain(turn, what, "the tail was written");
            break;
        }
    end(turn, what);
}

static void turn_struct(struct turn *turn)
{
    const struct knob *knob = turn->knob;
    size_t size = knob->size, least = sizeof(size_t);
    int32_t unknown = SIPXFER_E_UNKNOWN_FIELD;
    if (knob->flags & WRITTEN)
        unknown = knob->flags & READ ? KNOWN : AS_BEFORE;
    turn_pointer(turn);
    sized(turn, "struct_size 0", least, 0, 0, SIPXFER_E_STRUCT_SIZE);
    sized(turn, "struct_size 7", least, 7, 0, SIPXFER_E_STRUCT_SIZE);
    sized(turn, "struct_size 8", least, 8, 0, SIPXFER_E_STRUCT_SIZE);
    sized(turn, "one byte less", size - 1, size - 1, 0, SIPXFER_E_STRUCT_SIZE);
    sized(turn, "struct_size 4097", 4097, 4097, 0, SIPXFER_E_STRUCT_SIZE);
    sized(turn, "the largest", size, SIZE_MAX, 0, SIPXFER_E_STRUCT_SIZE);
    sized(turn, "unknown and 0", least, ALLOW, 0, SIPXFER_E_STRUCT_SIZE);
    sized(turn, "unknown and 4097", 4097, ALLOW + 4097, 0, SIPXFER_E_STRUCT_SIZE);
    sized(turn, "unknown allowed", size, ALLOW + size, 0, AS_BEFORE);
    sized(turn, "one zero more", size + 1, size + 1, 0, AS_BEFORE);
    sized(turn, "a field of zero more", size + 8, size + 8, 0, AS_BEFORE);
    sized(turn, "zeros up to 4096", 4096, 4096, 0, AS_BEFORE);
    sized(turn, "an unknown byte", size + 1, size + 1, 1, unknown);
    sized(turn, "an unknown field", size + 8, size + 8, 0x5A, unknown);
    sized(turn, "unknown up to 4096", 4096, 4096, 0x5A, unknown);
    sized(turn, "an allowed field", size + 8, ALLOW + size + 8, 0x5A, AS_BEFORE);
    sized(turn, "allowed up to 4096", 4096, ALLOW + 4096, 0x5A, AS_BEFORE);
}

/* ---- numbers ---- */

static void set_number32(struct turn *turn, char *block, size_t number)
{
    uint32_t value = (uint32_t)number;
    memcpy(block + turn->knob->at, &value, sizeof value);
}

static void turn_number32(struct turn *turn)
{
    int32_t expected = turn->knob->flags & ANY ? KNOWN : SIPXFER_E_RANGE;
    turn_once(turn, "0xFFFFFFFF", set_number32, UINT32_MAX, expected);
    turn_once(turn, "0x80000000", set_number32, 0x80000000, expected);
    turn_once(turn, "77", set_number32, 77, expected);
    for (size_t number = 0; number < 12; number++)
        turn_once(turn, "a small number", set_number32, number, KNOWN);
}

static void set_number64(struct turn *turn, char *block, size_t number)
{
    set_size(block, turn->knob->at, number);
}

static void flip_bit(struct turn *turn, char *block, size_t bit)
{
    set_size(block, turn->knob->at, get_size(block, turn->knob->at) ^ (size_t)1 << bit);
}

static void turn_number64(struct turn *turn)
{
    /* A transfer that goes in is an id too; 0 may stand for any of them. */
    bool is_id = turn->knob->flags & ID || strcmp(turn->knob->name, "transfer") == 0 ||
                 strcmp(turn->knob->name, "takeover") == 0;
    int32_t stale = is_id ? SIPXFER_E_NOT_FOUND : KNOWN;
    turn_once(turn, "0", set_number64, 0, turn->knob->flags & ANY ? KNOWN : stale);
    turn_once(turn, "1", set_number64, 1, stale);
    turn_once(turn, "the largest", set_number64, SIZE_MAX, stale);
    for (size_t bit = 0; bit < 64; bit++)
        turn_once(turn, "a flipped bit", flip_bit, bit, stale);
}

static void turn_index(struct turn *turn)
{
    /* How many there are of something has a bound; an index only ends somewhere. */
    bool is_count = strcmp(turn->knob->name, "count") == 0;
    int32_t none = is_count ? SIPXFER_E_RANGE : SIPXFER_E_NOT_FOUND;
    turn_once(turn, "the largest", set_number64, SIZE_MAX, none);
    turn_once(turn, "1000000", set_number64, 1000000, none);
    for (size_t index = 0; index < 64; index++)
        turn_once(turn, "an index", set_number64, index, KNOWN);
}

/* ---- all of them ---- */

static void turn_knob(struct turn *turn)
{
    switch (turn->knob->kind) {
    case POINTER:
    case CALLBACK:
        turn_pointer(turn);
        break;
    case TEXT:
        turn_text(turn);
        break;
    case BUFFER:
        turn_buffer(turn);
        break;
    case SCRATCH:
        turn_scratch(turn);
        break;
    case STRUCT:
        turn_struct(turn);
        break;
    case NUMBER32:
        turn_number32(turn);
        break;
    case NUMBER64:
        turn_number64(turn);
        break;
    case INDEX:
        turn_index(turn);
        break;
    }
}

/* Nothing turned: what every other answer is compared with. */
static void valid_call(struct turn *turn)
{
    turn->knob = NULL;
    begin(turn);
    turn->before = call(turn, "the valid call", KNOWN);
    bool other_kind = turn->function->of_own_table && turn->kind == CALLBACKS;
    if (turn->before < 0 && !other_kind)
        complain(turn, "the valid call", sipxfer_strerror(turn->before));
    end(turn, "the valid call");
}

int32_t check_c_string(const char *text)
{
    if (text == NULL)
        return INT32_MIN;
    return text[strlen(text)] == 0 ? SIPXFER_OK : INT32_MIN;
}

int main(void)
{
    for (size_t at = 0; at < function_count; at++) {
        const struct function *function = &functions[at];
        for (int kind = OWN_TABLE; kind <= (function->has_engine ? CALLBACKS : OWN_TABLE); kind++) {
            struct turn turn = {.function = function, .kind = kind};
            valid_call(&turn);
            /* What does not fit this kind of engine is refused before its arguments matter. */
            if (function->of_own_table && kind == CALLBACKS)
                continue;
            for (size_t knob = 0; knob < function->knob_count; knob++) {
                turn.knob = &function->knobs[knob];
                turn_knob(&turn);
            }
        }
    }
    printf("%zu functions, %lu calls, %lu failures\n", function_count, calls, failures);
    return failures != 0;
}
