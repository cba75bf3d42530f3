/* See bytes.h. */
#include "tests/cloud/mqtt/bytes.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t hex_byte(const char *digits)
{
    char two[3] = {digits[0], digits[1], 0};
    char *end;
    unsigned long value = strtoul(two, &end, 16);

    assert_ptr_equal(end, two + 2);
    return (uint8_t)value;
}

size_t bytes_of(const char *text, uint8_t *out, size_t capacity)
{
    size_t count = 0;

    while (*text != 0) {
        if (*text == ' ') {
            text++;
        } else if (*text == '\'') {
            for (text++; *text != '\''; text++) {
                assert_true(*text != 0 && count < capacity);
                out[count++] = (uint8_t)*text;
            }
            text++;
        } else {
            assert_true(count < capacity);
            out[count++] = hex_byte(text);
            text += 2;
        }
    }
    return count;
}
