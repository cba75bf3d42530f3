/* CRC-32. The expected values are the published check value and those of Python's zlib. */
#include "tandem/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char fox[] = "The quick brown fox jumps over the lazy dog";

static void known_values(void **state)
{
    uint8_t all[256];
    unsigned i;

    (void)state;
    for (i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    assert_int_equal(tdm_crc32(0, "", 0), 0);
    assert_int_equal(tdm_crc32(0, "123456789", 9), 0xCBF43926);
    assert_int_equal(tdm_crc32(0, fox, strlen(fox)), 0x414FA339);
    assert_int_equal(tdm_crc32(0, all, sizeof all), 0x29058C73);
}

static void it_goes_on_from_any_split(void **state)
{
    size_t split;

    (void)state;
    for (split = 0; split <= strlen(fox); split++) {
        uint32_t crc = tdm_crc32(0, fox, split);

        assert_int_equal(tdm_crc32(crc, fox + split, strlen(fox) - split), 0x414FA339);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(it_goes_on_from_any_split),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
