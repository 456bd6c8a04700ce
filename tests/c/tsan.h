/* What a test program under the thread sanitizer needs; included by one of its files. */
#ifndef TSAN_H
#define TSAN_H

#include <string.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
/* The compiler of the library calls these; the runtime of an older C compiler has none of them. A
 * runtime that has them takes their place. */
#define WHERE_MISSING __attribute__((weak, visibility("default")))
WHERE_MISSING void *__tsan_memcpy(void *to, const void *from, size_t size);
WHERE_MISSING void *__tsan_memmove(void *to, const void *from, size_t size);
WHERE_MISSING void *__tsan_memset(void *to, int byte, size_t size);

void *__tsan_memcpy(void *to, const void *from, size_t size)
{
    return memcpy(to, from, size);
}
void *__tsan_memmove(void *to, const void *from, size_t size)
{
    return memmove(to, from, size);
}
void *__tsan_memset(void *to, int byte, size_t size)
{
    return memset(to, byte, size);
}
#endif
#endif

#endif
