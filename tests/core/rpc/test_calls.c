/* The call table and signatures against the second implementation, tests/python/tandem_wire.py. */
#include "tandem/rpc.h"
#include "tests/core/link/wire_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void table_is_the_one_of_the_second_implementation(void **state)
{
    FILE *file = vectors_open("calls.txt");
    size_t count = 0, rows;

    (void)state;
    for (; vectors_next(file); count++) {
        const struct tdm_call_info *info = tdm_call_info((uint16_t)strtoul(vectors_field(), NULL, 16));

        assert_non_null(info);
        assert_string_equal(info->name, vectors_field());
        assert_string_equal(info->arguments, vectors_field());
        assert_string_equal(info->results, vectors_field());
        assert_int_equal(info->timeout_ms, vectors_number());
        assert_string_equal(info->served_by_ncp ? "ncp" : "mcu", vectors_field());
    }
    assert_non_null(tdm_call_table(&rows));
    assert_int_equal(rows, count);
    fclose(file);
}

static void every_uid_is_there_once_and_unknown_ones_are_not(void **state)
{
    size_t rows;
    const struct tdm_call_info *table = tdm_call_table(&rows);

    (void)state;
    for (size_t i = 0; i < rows; i++)
        assert_ptr_equal(tdm_call_info(table[i].uid), &table[i]);
    assert_null(tdm_call_info(0));
    assert_null(tdm_call_info(0x0445));
}

static void signatures_match_exactly_their_fields(void **state)
{
    FILE *file = vectors_open("signatures.txt");
    unsigned count = 0;

    (void)state;
    for (; vectors_next(file); count++) {
        const char *signature = vectors_field();
        uint8_t bytes[256];
        size_t length = vectors_bytes(bytes, sizeof bytes);

        assert_int_equal(tdm_signature_matches(signature, bytes, length), vectors_number());
    }
    assert_true(count > 200);
    fclose(file);
}

static void signature_of_an_unknown_type_matches_nothing(void **state)
{
    (void)state;
    assert_false(tdm_signature_matches("x", (const uint8_t *)"", 0));
}

static void every_status_has_a_text(void **state)
{
    (void)state;
    assert_string_equal(tdm_status_text(0x13), "unknown call");
    assert_string_equal(tdm_status_text(0x77), "unknown status");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_the_one_of_the_second_implementation),
        cmocka_unit_test(every_uid_is_there_once_and_unknown_ones_are_not),
        cmocka_unit_test(signatures_match_exactly_their_fields),
        cmocka_unit_test(signature_of_an_unknown_type_matches_nothing),
        cmocka_unit_test(every_status_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
