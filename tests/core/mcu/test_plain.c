/* Plain images (docs/PACKAGE.md; docs/BOOT.md, R12). */
#include "tandem/plain.h"

#include "tests/core/mcu/fixture.h"

#include <string.h>

enum { IMAGE_BYTES = 7003 };

static struct fixture fixture;

/* f->package is a plain image from here on. */
static void build(struct fixture *f)
{
    struct tdm_hash hash;

    f->package.length = f->package.image_bytes = IMAGE_BYTES;
    for (uint32_t i = 0; i < IMAGE_BYTES; i++)
        f->package.bytes[i] = (uint8_t)(i * 31 + i / 256 * 7 + 1);
    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, f->package.bytes, IMAGE_BYTES);
    tdm_sha256_result(&hash, f->ncp.sha256);
    f->ncp.crc32 = package_crc32(f->package.bytes, IMAGE_BYTES);
    f->ncp.image_at = 0;
}

static void set_floor(struct fixture *f, uint32_t floor)
{
    struct tdm_record_log log;
    struct tdm_record record;

    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    record = log.record;
    record.counter_floor = floor;
    assert_int_equal(tdm_record_append(&log, &record), TDM_OK);
    f->ram.erases = 0;
}

static int setup(void **state)
{
    struct fixture *f = &fixture;

    fixture_init(f, 8, false);
    f->config.plain = &tdm_mcu_takes_plain;
    f->config.offer = &f->offer;
    f->config.trust.allow_unsigned = true;
    set_floor(f, 0);
    build(f);
    *state = f;
    return 0;
}

static void update(struct fixture *f)
{
    assert_int_equal(fixture_offer(f, "product", "1.1.0"), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), IMAGE_BYTES);
    assert_int_equal(fixture_finish(f), 1);
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_PENDING);
    assert_memory_equal(ram_flash_at(&f->ram, BANK_B), f->package.bytes, IMAGE_BYTES);
    assert_int_equal(f->ram.violations, 0);
}

static void assert_refused(struct fixture *f, const char *version, uint8_t reason)
{
    uint8_t reported;

    fixture_bring_up(f);
    assert_int_equal(fixture_offer(f, "product", version), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), 0);
    fixture_run(f, 10);
    fixture_assert_ended(f, reason);
    assert_int_equal(fixture_last_report(f, &reported), 2);
    assert_int_equal(reported, reason);
    assert_int_equal(f->ram.erases, 0);
}

/* --- Taken --- */

static void a_plain_image_gets_a_header_without_a_signature_and_counter_0(void **state)
{
    struct fixture *f = *state;
    const uint8_t *header = ram_flash_at(&f->ram, BANK_B + BANK_BYTES - ERASE_BYTES);
    struct tdm_trust trust = f->config.trust;
    struct tdm_manifest manifest;

    fixture_bring_up(f);
    update(f);
    assert_memory_equal(header, "TDMB", 4);
    assert_memory_equal(header + 8, "TDMH\x01\x00\0\0\0\0\0\0", 12); /* algorithm 0, key id 0 */
    assert_int_equal(tdm_bank_header(&manifest, &f->layout, 1, &f->ram.flash, &trust, f->work.front), TDM_OK);
    assert_string_equal(manifest.type, "product");
    assert_string_equal(manifest.version, "1.1.0");
    assert_string_equal(manifest.build, "build 1");
    assert_string_equal(manifest.hardware, "board-7");
    assert_int_equal(manifest.counter, 0);
    assert_int_equal(manifest.link_address, BANK_B);
    assert_memory_equal(manifest.image_digest, f->ncp.sha256, 32);
    trust.allow_unsigned = false;
    assert_int_equal(tdm_bank_header(&manifest, &f->layout, 1, &f->ram.flash, &trust, f->work.front),
                     TDM_E_SIGNATURE);
}

static void its_vector_table_is_looked_at_before_anything_is_erased(void **state)
{
    struct fixture *f = *state;

    fixture_bring_up(f);
    update(f);
    assert_int_equal(f->views, 1);
    assert_memory_equal(f->vectors, f->package.bytes, 8);
}

static void nothing_of_an_offer_before_is_in_its_header(void **state)
{
    struct fixture *f = *state;
    struct tdm_manifest manifest;

    fixture_bring_up(f);
    assert_int_equal(fixture_offer(f, "product", "1.1.0-beta.27"), 1);
    update(f);
    assert_int_equal(
        tdm_bank_header(&manifest, &f->layout, 1, &f->ram.flash, &f->config.trust, f->work.front), TDM_OK);
    assert_string_equal(manifest.version, "1.1.0");
}

static void packages_are_taken_as_ever(void **state)
{
    struct fixture *f = *state;

    fixture_build(f);
    fixture_accept(f);
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(fixture_bank_b_holds_package(f));
    assert_int_equal(f->views, 0);
}

static void a_transfer_of_one_that_was_cut_off_goes_on(void **state)
{
    struct fixture *f = *state;

    f->ncp.knows_resume = true;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer(f, "product", "1.1.0"), 1);
    assert_true(fixture_await_start(f));
    for (uint32_t at = 0; at < 4096; at += 512)
        assert_int_equal(fixture_write(f, at, 512), 1);
    fixture_power_up(f);
    build(f);
    fixture_bring_up(f);
    update(f);
    assert_int_equal(f->ncp.resumes, 1);
    assert_int_equal(f->ncp.resume_at, 3072);
}

static void one_whose_resume_is_refused_is_taken_from_its_start(void **state)
{
    struct fixture *f = *state;

    f->ncp.knows_resume = true;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer(f, "product", "1.1.0"), 1);
    assert_true(fixture_await_start(f));
    for (uint32_t at = 0; at < 4096; at += 512)
        assert_int_equal(fixture_write(f, at, 512), 1);
    assert_int_equal(fixture_cancel(f), 0xEE);
    f->ncp.refuses_resume = true;
    assert_int_equal(fixture_offer(f, "product", "1.1.0"), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_write(f, 0, 512), NO_ANSWER);
    assert_int_equal(fixture_transfer(f, 0), IMAGE_BYTES);
    assert_int_equal(fixture_finish(f), 1);
}

/* --- Refused --- */

static void it_is_refused_once_the_counter_floor_is_above_0(void **state)
{
    struct fixture *f = *state;

    set_floor(f, 1);
    assert_refused(f, "1.1.0", TDM_REASON_COUNTER);
}

static void a_product_that_does_not_allow_it_refuses_it(void **state)
{
    struct fixture *f = *state;

    f->config.trust.allow_unsigned = false;
    assert_refused(f, "1.1.0", TDM_REASON_PACKAGE);
}

static void a_client_without_the_code_for_it_refuses_it(void **state)
{
    struct fixture *f = *state;

    f->config.plain = NULL;
    assert_refused(f, "1.1.0", TDM_REASON_PACKAGE);
}

static void an_image_linked_for_elsewhere_is_refused(void **state)
{
    struct fixture *f = *state;

    f->check_image = TDM_E_VECTOR;
    assert_refused(f, "1.1.0", TDM_REASON_LINK_ADDRESS);
}

static void without_a_check_of_vector_tables_it_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tdm_mcu_ops ops = *f->config.ops;

    ops.check_image = NULL;
    f->config.ops = &ops;
    assert_refused(f, "1.1.0", TDM_REASON_LINK_ADDRESS);
}

static void a_file_without_a_tag_is_refused(void **state)
{
    assert_refused(*state, "", TDM_REASON_PACKAGE);
}

static void a_co_processor_that_does_not_know_the_digest_before_the_end_is_refused(void **state)
{
    struct fixture *f = *state;

    f->ncp.digests = 0;
    assert_refused(f, "1.1.0", TDM_REASON_PACKAGE);
}

static void a_digest_that_is_not_the_images_fails_in_the_end(void **state)
{
    struct fixture *f = *state;

    f->ncp.sha256[7] ^= 1;
    fixture_bring_up(f);
    assert_int_equal(fixture_offer(f, "product", "1.1.0"), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), IMAGE_BYTES);
    assert_int_equal(fixture_finish(f), 0);
    fixture_assert_ended(f, TDM_REASON_DIGEST);
}

static void the_rejected_image_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tdm_record_log log;
    struct tdm_record record;

    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    record = log.record;
    memcpy(record.rejected_digest, f->ncp.sha256, TDM_DIGEST_PREFIX_BYTES);
    assert_int_equal(tdm_record_append(&log, &record), TDM_OK);
    f->ram.erases = 0;
    assert_refused(f, "1.1.0", TDM_REASON_REJECTED_BEFORE);
}

/* A package is never taken for a plain image, however it is damaged. */
static void a_bad_package_is_a_bad_package(void **state)
{
    static const uint32_t places[] = {0, 3, 5, 20, 62, 64, 67};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        (void)setup(state);
        f = *state;
        fixture_build(f);
        f->package.bytes[places[i]] ^= 1;
        fixture_bring_up(f);
        assert_int_equal(fixture_offer(f, "product", "1.1.0"), 1);
        assert_true(fixture_await_start(f));
        assert_int_equal(fixture_transfer(f, 0), 0);
        fixture_run(f, 10);
        assert_false(tdm_mcu_is_updating(&f->mcu));
        assert_int_equal(f->views, 0);
        assert_int_equal(f->ram.erases, 0);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plain_image_gets_a_header_without_a_signature_and_counter_0),
        TEST(its_vector_table_is_looked_at_before_anything_is_erased),
        TEST(nothing_of_an_offer_before_is_in_its_header),
        TEST(packages_are_taken_as_ever),
        TEST(a_transfer_of_one_that_was_cut_off_goes_on),
        TEST(one_whose_resume_is_refused_is_taken_from_its_start),
        TEST(it_is_refused_once_the_counter_floor_is_above_0),
        TEST(a_product_that_does_not_allow_it_refuses_it),
        TEST(a_client_without_the_code_for_it_refuses_it),
        TEST(an_image_linked_for_elsewhere_is_refused),
        TEST(without_a_check_of_vector_tables_it_is_refused),
        TEST(a_file_without_a_tag_is_refused),
        TEST(a_co_processor_that_does_not_know_the_digest_before_the_end_is_refused),
        TEST(a_digest_that_is_not_the_images_fails_in_the_end),
        TEST(the_rejected_image_is_refused),
        TEST(a_bad_package_is_a_bad_package),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
