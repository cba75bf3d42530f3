/* Plain images for a bootloader that fetches (docs/PACKAGE.md, "Plain images"; docs/BOOT.md, R12). */
#include "tandem/fetch_plain.h"

#include <string.h>

#include "bench.h"

enum { IMAGE_BYTES = 2503, VIEW_BYTES = 64 };

#define OF_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static unsigned views;           /* check_image was asked about what is not in flash yet, */
static unsigned checks;          /* about what is, */
static int verdict;              /* and answered */
static uint32_t checked_at;      /* the address that it was asked about */
static uint8_t view[VIEW_BYTES]; /* what it saw there, the first time */

static int look(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank, uint32_t address)
{
    const struct fixture *f = ctx;
    uint8_t other[VIEW_BYTES];

    assert_int_equal(bank->address, BANK_A);
    checked_at = address;
    if (flash == &f->ram.flash) {
        checks++;
        return TDM_OK;
    }
    views++;
    assert_int_equal(flash->ops->read(flash->ctx, address, view, sizeof view), TDM_OK);
    assert_int_equal(flash->ops->read(flash->ctx, address + 4, other, 4), TDM_OK);
    assert_memory_equal(other, view + 4, 4);
    assert_int_not_equal(flash->ops->read(flash->ctx, address + 1, other, VIEW_BYTES), TDM_OK);
    assert_int_not_equal(flash->ops->read(flash->ctx, address + VIEW_BYTES, other, 1), TDM_OK);
    assert_int_not_equal(flash->ops->read(flash->ctx, address + VIEW_BYTES + 1, other, 1), TDM_OK);
    return verdict;
}

static void set_floor(struct fixture *f, uint32_t floor)
{
    struct tdm_record_log log;

    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    log.record.counter_floor = floor;
    assert_int_equal(tdm_record_append(&log, &log.record), TDM_OK);
}

/* f->package is a plain image from here on. */
static void build(struct fixture *f)
{
    f->package.length = f->package.image_bytes = IMAGE_BYTES;
    for (uint32_t i = 0; i < IMAGE_BYTES; i++)
        f->package.bytes[i] = (uint8_t)(i * 31 + i / 256 * 7 + 1);
}

static void tell_digest(struct fixture *f)
{
    f->ncp.digests = 1;
    tdm_sha256(f->package.bytes, f->package.length, f->ncp.sha256);
}

static void start(struct fixture *f, bool with_image)
{
    if (with_image)
        bench_start_with_image(f);
    else
        bench_start_without_image(f);
    set_floor(f, 0);
    f->config.trust.allow_unsigned = true;
    bench.product.plain = &tdm_fetch_takes_plain;
    bench.product.check_image = look;
    bench.on_start = tell_digest;
    views = checks = 0;
    verdict = TDM_OK;
    build(f);
}

static void assert_installed(struct fixture *f)
{
    assert_memory_equal(ram_flash_at(&f->ram, BANK_A), f->package.bytes, IMAGE_BYTES);
    assert_int_equal(bench_record(f).state, TDM_BOOT_PENDING);
    assert_int_equal(f->ram.violations, 0);
}

static void read_header(struct fixture *f, struct tdm_manifest *manifest)
{
    assert_int_equal(tdm_bank_header(manifest, &f->layout, 0, &f->ram.flash, &f->config.trust, bench.front),
                     TDM_OK);
}

/* --- Taken --- */

/* H = 16 + T + M */
static uint32_t head_bytes(const uint8_t *head)
{
    return 16u + head[12] + head[13] * 256u + head[14] + head[15] * 256u;
}

/* What it may hold of the image that was there. */
static void leave_a_manifest(struct fixture *f)
{
    struct tdm_manifest *manifest = &bench.fetch.manifest;

    tell_digest(f);
    manifest->entry = 4;
    manifest->revoked_keys = 1;
    strcpy(manifest->hardware, "board-7 of old");
}

static void a_plain_image_gets_a_header_without_a_signature_and_counter_0(void **state)
{
    struct fixture *f = &fixture;
    static const uint8_t no_signature[TDM_SIGNATURE_BYTES];
    const uint8_t *header;
    uint8_t digest[TDM_SHA256_BYTES];
    struct tdm_manifest manifest;

    (void)state;
    start(f, false);
    bench.on_start = leave_a_manifest;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(bench.starts, 2); /* the first chunk says what it is, then it comes from its start */
    assert_installed(f);
    header = ram_flash_at(&f->ram, BANK_A + BANK_BYTES - ERASE_BYTES);
    assert_memory_equal(header, "TDMB", 4);
    assert_memory_equal(header + 8, "TDMH\x01\x00\0\0\0\0\0\0", 12); /* algorithm 0, key id 0 */
    assert_memory_equal(header + 8 + head_bytes(header + 8), no_signature, sizeof no_signature);
    read_header(f, &manifest);
    tdm_sha256(f->package.bytes, IMAGE_BYTES, digest);
    assert_memory_equal(manifest.image_digest, digest, sizeof digest);
    assert_string_equal(manifest.type, "product");
    assert_string_equal(manifest.version, f->options.version);
    assert_string_equal(manifest.build, "build 1");
    assert_string_equal(manifest.hardware, "board-7");
    assert_int_equal(manifest.counter, 0);
    assert_int_equal(manifest.link_address, BANK_A);
    assert_int_equal(manifest.entry, 0);
    assert_int_equal(manifest.revoked_keys, 0);
}

static void is_untouched_before_the_last_start(struct fixture *f)
{
    tell_digest(f);
    if (bench.starts <= 3)
        bench_assert_untouched(f);
}

/* Front, whole, front, written. */
static void it_is_streamed_whole_before_an_image_gives_way(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start(f, true);
    bench.on_start = is_untouched_before_the_last_start;
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(bench.starts, 4);
    assert_installed(f);
}

static void its_vector_table_is_looked_at_before_it_is_there_and_once_it_is(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start(f, false);
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_int_equal(views, 1);
    assert_memory_equal(view, f->package.bytes, sizeof view);
    assert_int_equal(checks, 1);
    assert_int_equal(checked_at, BANK_A);
}

static void packages_are_taken_as_ever(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start(f, true);
    bench.on_start = NULL;
    fixture_build(f);
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(bench.starts, 2);
    assert_int_equal(views, 0);
    assert_true(bench_holds_package(f));
}

static void texts_may_be_64_characters_long(void **state)
{
    struct fixture *f = &fixture;
    struct tdm_manifest manifest;

    (void)state;
    start(f, false);
    bench.product.type = f->options.type = OF_64;
    f->options.version = OF_64;
    bench.build = OF_64;
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_installed(f);
    read_header(f, &manifest);
    assert_string_equal(manifest.type, OF_64);
    assert_string_equal(manifest.version, OF_64);
    assert_string_equal(manifest.build, OF_64);
}

/* Nor is it that of the image that runs, which was told before. */
static void a_longer_build_is_none(void **state)
{
    struct fixture *f = &fixture;
    struct tdm_manifest manifest;

    (void)state;
    start(f, true);
    bench.build = OF_64 "!";
    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_installed(f);
    read_header(f, &manifest);
    assert_string_equal(manifest.build, "");
}

/* TDMP at 0 and TDMH at 64 make a package; nothing less does. */
static void what_almost_carries_a_magic_is_a_plain_image(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start(f, false);
    memcpy(f->package.bytes, "TDMQ", 4);
    memcpy(f->package.bytes + 64, "TDMI", 4);
    assert_true(bench_runs_for(f, LONG_MS, &bench_nothing));
    assert_installed(f);
}

/* --- Refused --- */

static void assert_refused(struct fixture *f, uint8_t expected)
{
    uint8_t reason;

    assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, expected);
    assert_int_equal(bench_record(f).state, TDM_BOOT_IDLE);
    bench_assert_untouched(f);
}

static void it_is_refused_once_the_counter_floor_is_above_0(void **state)
{
    (void)state;
    start(&fixture, true);
    set_floor(&fixture, 1);
    assert_refused(&fixture, TDM_REASON_COUNTER);
}

static void a_bootloader_without_the_code_for_it_refuses_it(void **state)
{
    (void)state;
    start(&fixture, true);
    bench.product.plain = NULL;
    assert_refused(&fixture, TDM_REASON_PACKAGE);
}

static void an_image_linked_for_elsewhere_is_refused(void **state)
{
    (void)state;
    start(&fixture, true);
    verdict = TDM_E_VECTOR;
    assert_refused(&fixture, TDM_REASON_LINK_ADDRESS);
    assert_int_equal(ncp_stub_count(&fixture.ncp, 0x0344), 0);
}

static void type_and_version_must_be_there_and_no_longer_than_64(void **state)
{
    static const char *const none[] = {"", OF_64 "!"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        start(&fixture, true);
        fixture.options.type = none[i];
        assert_refused(&fixture, TDM_REASON_PACKAGE);
        start(&fixture, true);
        fixture.options.version = none[i];
        assert_refused(&fixture, TDM_REASON_PACKAGE);
    }
}

static uint8_t results[35]; /* length, digest, true: each case gets something wrong */
static size_t result_bytes;

static void tell_results(struct fixture *f)
{
    f->ncp.sha256_results = results;
    f->ncp.sha256_result_bytes = result_bytes;
}

static void anything_but_32_bytes_and_true_is_no_digest(void **state)
{
    static const struct {
        uint8_t length[2];
        uint8_t value;
        size_t bytes;
    } cases[] = {
        {{32, 0}, 0, 35}, /* false */
        {{31, 0}, 1, 35}, {{33, 0}, 1, 35}, {{32, 1}, 1, 35},
        {{32, 0}, 1, 34}, {{32, 0}, 1, 2},  {{32, 0}, 1, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(&fixture, true);
        tdm_sha256(fixture.package.bytes, IMAGE_BYTES, results + 2);
        memcpy(results, cases[i].length, 2);
        results[34] = cases[i].value;
        result_bytes = cases[i].bytes;
        bench.on_start = tell_results;
        assert_refused(&fixture, TDM_REASON_PACKAGE);
        assert_int_equal(bench.starts, 1);
    }
}

static void tell_no_digest(struct fixture *f)
{
    f->ncp.digests = -1;
}

static void a_co_processor_that_does_not_tell_the_digest_is_refused(void **state)
{
    (void)state;
    start(&fixture, true);
    bench.on_start = tell_no_digest;
    assert_refused(&fixture, TDM_REASON_PACKAGE);
}

static void tell_another_digest(struct fixture *f)
{
    tell_digest(f);
    f->ncp.sha256[7] ^= 1;
}

static void a_digest_that_is_not_the_images_fails_in_the_check(void **state)
{
    (void)state;
    start(&fixture, true);
    bench.on_start = tell_another_digest;
    assert_refused(&fixture, TDM_REASON_DIGEST);
}

static void send_pieces_of_68(struct fixture *f)
{
    tell_digest(f);
    bench.chunk = 68; /* the second magic ends with it */
}

/* A package is never taken for a plain image, however it is damaged, and wherever a chunk ends. */
static void a_bad_package_is_a_bad_package(void **state)
{
    static const uint32_t places[] = {0, 3, 5, 20, 62, 64, 67};
    struct fixture *f = &fixture;

    (void)state;
    for (size_t i = 0; i < 2 * sizeof places / sizeof places[0]; i++) {
        start(f, true);
        if (i % 2 == 1)
            bench.on_start = send_pieces_of_68;
        fixture_build(f);
        f->package.bytes[places[i / 2]] ^= 1;
        assert_true(bench_runs_for(f, LONG_MS, &bench_intact));
        assert_int_equal(bench.starts, 1);
        assert_int_equal(views, 0);
        assert_int_equal(ncp_stub_count(&f->ncp, 0x0344), 0);
        bench_assert_untouched(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_image_gets_a_header_without_a_signature_and_counter_0),
        cmocka_unit_test(it_is_streamed_whole_before_an_image_gives_way),
        cmocka_unit_test(its_vector_table_is_looked_at_before_it_is_there_and_once_it_is),
        cmocka_unit_test(packages_are_taken_as_ever),
        cmocka_unit_test(texts_may_be_64_characters_long),
        cmocka_unit_test(a_longer_build_is_none),
        cmocka_unit_test(what_almost_carries_a_magic_is_a_plain_image),
        cmocka_unit_test(it_is_refused_once_the_counter_floor_is_above_0),
        cmocka_unit_test(a_bootloader_without_the_code_for_it_refuses_it),
        cmocka_unit_test(an_image_linked_for_elsewhere_is_refused),
        cmocka_unit_test(type_and_version_must_be_there_and_no_longer_than_64),
        cmocka_unit_test(anything_but_32_bytes_and_true_is_no_digest),
        cmocka_unit_test(a_co_processor_that_does_not_tell_the_digest_is_refused),
        cmocka_unit_test(a_digest_that_is_not_the_images_fails_in_the_check),
        cmocka_unit_test(a_bad_package_is_a_bad_package),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
