/* bootloader/memory.c does what the C library does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

void *small_memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *small_memmove(void *to, const void *from, size_t bytes);
void *small_memset(void *to, int value, size_t bytes);
int small_memcmp(const void *a, const void *b, size_t bytes);
size_t small_strlen(const char *text);
int small_strcmp(const char *a, const char *b);

enum { ROOM = 24 };

static void fill(uint8_t bytes[ROOM])
{
    for (uint8_t i = 0; i < ROOM; i++)
        bytes[i] = (uint8_t)(i * 37 + 200);
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

/* Every place and length, overlapping or not. */
static void memmove_moves_both_ways(void **state)
{
    uint8_t ours[ROOM], theirs[ROOM];

    (void)state;
    for (size_t to = 0; to < 8; to++)
        for (size_t from = 0; from < 8; from++)
            for (size_t bytes = 0; bytes <= 16; bytes++) {
                fill(ours);
                fill(theirs);
                assert_ptr_equal(small_memmove(ours + to, ours + from, bytes), ours + to);
                memmove(theirs + to, theirs + from, bytes);
                assert_memory_equal(ours, theirs, ROOM);
            }
}

static void memcpy_and_memset_write_what_they_should_and_no_more(void **state)
{
    uint8_t from[ROOM], ours[ROOM], theirs[ROOM];

    (void)state;
    fill(from);
    for (size_t bytes = 0; bytes <= 16; bytes++) {
        memset(ours, 0x55, ROOM);
        memset(theirs, 0x55, ROOM);
        assert_ptr_equal(small_memcpy(ours + 3, from, bytes), ours + 3);
        memcpy(theirs + 3, from, bytes);
        assert_memory_equal(ours, theirs, ROOM);
        assert_ptr_equal(small_memset(ours + 5, 0x1A7, bytes), ours + 5);
        memset(theirs + 5, 0x1A7, bytes);
        assert_memory_equal(ours, theirs, ROOM);
    }
}

static void memcmp_and_strcmp_order_bytes_without_a_sign(void **state)
{
    static const char *const texts[] = {"", "a", "ab", "abc", "b", "\x7F", "\x80", "\xFF"};

    (void)state;
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++) {
            const char *a = texts[i], *b = texts[k];

            assert_int_equal(sign(small_strcmp(a, b)), sign(strcmp(a, b)));
            for (size_t bytes = 0; bytes <= 1; bytes++)
                assert_int_equal(sign(small_memcmp(a, b, bytes)), sign(memcmp(a, b, bytes)));
        }
    assert_true(small_memcmp("same\1", "same\2", 5) < 0);
    assert_int_equal(small_memcmp("same\1", "same\2", 4), 0);
}

static void strlen_counts(void **state)
{
    (void)state;
    assert_int_equal(small_strlen(""), 0);
    assert_int_equal(small_strlen("bank"), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memmove_moves_both_ways),
        cmocka_unit_test(memcpy_and_memset_write_what_they_should_and_no_more),
        cmocka_unit_test(memcmp_and_strcmp_order_bytes_without_a_sign),
        cmocka_unit_test(strlen_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
