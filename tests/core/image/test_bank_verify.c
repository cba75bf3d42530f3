/* Verifying what a bank holds, and the way of a package into a bank as a whole: a byte missing or changed
 * anywhere, and it is refused. */
#include "tandem/package.h"
#include "tandem/relocate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/image/image_flash.h"
#include "tests/core/image/vectors.h"

struct fixture {
    struct ram_flash ram;
    struct tdm_layout layout;
    struct tdm_key_set keys;
    struct tdm_trust trust;
    struct tdm_manifest manifest;
    struct bytes package;
    uint8_t signature[TDM_SIGNATURE_BYTES]; /* the one that verify_known knows */
    unsigned progress;
};

static struct fixture fixture;

/* Knows the one signature there is: what the curve would say, without its time. */
static const uint8_t *known_digest;

static bool verify_known(const uint8_t digest[TDM_SHA256_BYTES], const uint8_t signature[TDM_SIGNATURE_BYTES],
                         const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    (void)key;
    return memcmp(digest, known_digest, TDM_SHA256_BYTES) == 0 &&
           memcmp(signature, fixture.signature, TDM_SIGNATURE_BYTES) == 0;
}

static int set_up(void **state)
{
    image_flash_init(&fixture.ram, &fixture.layout);
    read_keys(&fixture.keys);
    fixture.trust = real_trust(&fixture.keys);
    fixture.progress = 0;
    fixture.package.data = NULL;
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    free_bytes(&f->package);
    return 0;
}

static void count_progress(void *ctx)
{
    struct fixture *f = ctx;

    f->progress++;
}

static int verify(struct fixture *f, uint8_t bank)
{
    return tdm_bank_verify(&f->manifest, &f->layout, bank, &f->ram.flash, count_progress, f);
}

/* What an update client does, in its shortest form: front, header, table, image. Nothing is relocated: for
 * banks that the image is linked for. */
static int install(struct fixture *f, uint8_t bank)
{
    static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    uint8_t scratch[TDM_PACKAGE_FRONT_MAX];
    struct tdm_front front;
    struct tdm_bank_map map;
    size_t front_bytes;
    int result = feed_all(&front, buffer, &f->trust, &f->package);

    if (result != TDM_OK)
        return result;
    if (!front.complete || f->package.count != tdm_front_package_bytes(&front))
        return TDM_E_TRUNCATED;
    assert_int_equal(tdm_front_manifest(&front, &f->manifest), TDM_OK);
    result = tdm_bank_map(&map, &f->layout, bank, &f->ram.flash, &f->manifest);
    if (result != TDM_OK)
        return result;
    front_bytes = 128u + front.head_bytes;
    memset(image_flash_at(&f->ram, map.image), 0xFF, f->layout.bank[bank].bytes);
    result = tdm_bank_header_program(&f->layout, bank, &f->ram.flash, tdm_front_head(&front),
                                     front.head_bytes, tdm_front_signature(&front), scratch);
    if (result != TDM_OK)
        return result;
    memcpy(image_flash_at(&f->ram, map.relocations), f->package.data + front_bytes,
           f->manifest.relocation_bytes);
    memcpy(image_flash_at(&f->ram, map.image), f->package.data + front_bytes + f->manifest.relocation_bytes,
           f->manifest.image_bytes);
    return verify(f, bank);
}

static void install_vector(struct fixture *f, const char *name, uint8_t bank, int expected)
{
    free_bytes(&f->package);
    f->package = read_vector(name);
    assert_int_equal(install(f, bank), expected);
}

/* Puts big.bank0 or big.bank1 in its place and reads the manifest from the stored header. */
static void load_big(struct fixture *f, uint8_t bank)
{
    static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    struct bytes content = read_vector(bank == 0 ? "big.bank0" : "big.bank1");

    memcpy(image_flash_at(&f->ram, f->layout.bank[bank].address), content.data, content.count);
    free_bytes(&content);
    assert_int_equal(tdm_bank_header(&f->manifest, &f->layout, bank, &f->ram.flash, &f->trust, buffer),
                     TDM_OK);
}

static void a_bank_of_the_second_implementation_verifies_at_either_address(void **state)
{
    struct fixture *f = *state;

    load_big(f, 0);
    assert_int_equal(verify(f, 0), TDM_OK);
    load_big(f, 1);
    assert_int_equal(verify(f, 1), TDM_OK);
}

static void progress_runs_at_least_once_per_4096_bytes(void **state)
{
    struct fixture *f = *state;

    load_big(f, 1);
    assert_int_equal(verify(f, 1), TDM_OK);
    assert_true(f->progress >= 3 + 1);
    assert_int_equal(tdm_bank_verify(&f->manifest, &f->layout, 1, &f->ram.flash, NULL, NULL), TDM_OK);
}

static void an_image_relocated_for_the_other_bank_does_not_verify(void **state)
{
    struct fixture *f = *state;

    load_big(f, 0);
    memcpy(image_flash_at(&f->ram, 0x14000), image_flash_at(&f->ram, 0x10000), 0x3000);
    assert_int_equal(verify(f, 1), TDM_E_DIGEST);
}

static void packages_verify_where_they_may_run(void **state)
{
    struct fixture *f = *state;

    install_vector(f, "anywhere.tdm", 0, TDM_OK);
    install_vector(f, "anywhere.tdm", 1, TDM_OK);
    install_vector(f, "fixed.tdm", 1, TDM_OK);
    install_vector(f, "fixed.tdm", 0, TDM_E_LINK_ADDRESS);
    install_vector(f, "longest.tdm", 0, TDM_OK);
    install_vector(f, "gap.tdm", 1, TDM_OK);
    install_vector(f, "example.tdm", 0, TDM_OK);
}

static void a_changed_byte_anywhere_in_a_bank_is_found(void **state)
{
    struct fixture *f = *state;
    struct tdm_bank_map map;
    uint32_t at;

    install_vector(f, "small.tdm", 0, TDM_OK);
    assert_int_equal(tdm_bank_map(&map, &f->layout, 0, &f->ram.flash, &f->manifest), TDM_OK);
    for (at = 0; at < f->manifest.image_bytes; at++) {
        *image_flash_at(&f->ram, map.image + at) ^= 0x10;
        assert_int_equal(verify(f, 0), TDM_E_DIGEST);
        *image_flash_at(&f->ram, map.image + at) ^= 0x10;
    }
    for (at = 0; at < f->manifest.relocation_bytes; at++) {
        *image_flash_at(&f->ram, map.relocations + at) ^= 0x10;
        assert_int_equal(verify(f, 0), TDM_E_RELOCATIONS);
        *image_flash_at(&f->ram, map.relocations + at) ^= 0x10;
    }
    assert_int_equal(verify(f, 0), TDM_OK);
}

static void a_changed_byte_of_the_table_is_found_without_a_look_at_the_image(void **state)
{
    struct fixture *f = *state;
    struct tdm_bank_map map;

    load_big(f, 1);
    assert_int_equal(tdm_bank_map(&map, &f->layout, 1, &f->ram.flash, &f->manifest), TDM_OK);
    *image_flash_at(&f->ram, map.image + 8) ^= 1;
    for (uint32_t i = 0; i < f->manifest.relocation_bytes; i++) {
        assert_int_equal(tdm_bank_verify_table(&f->manifest, &f->layout, 1, &f->ram.flash), TDM_OK);
        *image_flash_at(&f->ram, map.relocations + i) ^= 1;
        assert_int_equal(tdm_bank_verify_table(&f->manifest, &f->layout, 1, &f->ram.flash),
                         TDM_E_RELOCATIONS);
        *image_flash_at(&f->ram, map.relocations + i) ^= 1;
    }
}

static void an_unreadable_unit_is_an_error_and_nothing_worse(void **state)
{
    struct fixture *f = *state;

    load_big(f, 1);
    image_flash_lose(&f->ram, 0x14000 + 9217);
    assert_int_equal(verify(f, 1), TDM_E_FLASH_READ);
    image_flash_lose(&f->ram, 0x17000 - 1024 - 1);
    assert_int_equal(verify(f, 1), TDM_E_FLASH_READ);
    image_flash_lose(&f->ram, 0x14000 + 9224); /* the unit behind the image: not read */
    assert_int_equal(verify(f, 1), TDM_OK);
}

static void set_digest(uint8_t to[TDM_SHA256_BYTES], const uint8_t *data, size_t bytes)
{
    struct tdm_hash hash;

    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, data, bytes);
    tdm_sha256_result(&hash, to);
}

/* A signer may err: its digest is right, its table is not canonical. */
static void a_signed_table_that_is_not_canonical_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tdm_bank_map map;
    uint8_t *table;

    load_big(f, 0);
    assert_int_equal(tdm_bank_map(&map, &f->layout, 0, &f->ram.flash, &f->manifest), TDM_OK);
    table = image_flash_at(&f->ram, map.relocations);
    table[0] = 1;
    set_digest(f->manifest.relocation_digest, table, f->manifest.relocation_bytes);
    assert_int_equal(verify(f, 0), TDM_E_RELOCATIONS);
    table[0] = 0;
    set_digest(f->manifest.relocation_digest, table, f->manifest.relocation_bytes);
    assert_int_equal(verify(f, 0), TDM_OK);
    f->manifest.relocation_count++;
    assert_int_equal(verify(f, 0), TDM_E_RELOCATIONS);
    f->manifest.relocation_count -= 2;
    assert_int_equal(verify(f, 0), TDM_E_RELOCATIONS);
}

/* --- A whole package --- */

static void prepare_known(struct fixture *f, uint8_t digest[TDM_SHA256_BYTES])
{
    size_t head_bytes;

    f->package = read_vector("small.tdm");
    head_bytes = (size_t)(f->package.data[6] | f->package.data[7] << 8);
    set_digest(digest, f->package.data + 64, head_bytes);
    memcpy(f->signature, f->package.data + 64 + head_bytes, sizeof f->signature);
    known_digest = digest;
    f->trust.verify = verify_known;
    assert_int_equal(install(f, 0), TDM_OK);
}

static void a_package_cut_short_is_refused_at_every_byte(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[TDM_SHA256_BYTES];
    struct bytes whole;

    prepare_known(f, digest);
    whole = f->package;
    for (f->package.count = 0; f->package.count < whole.count; f->package.count++)
        assert_int_not_equal(install(f, 0), TDM_OK);
    f->package.count++;
    f->package = bytes_copy(whole.data, whole.count);
    assert_int_equal(install(f, 0), TDM_OK);
    free_bytes(&whole);
}

static void a_package_with_a_changed_bit_is_refused_at_every_byte(void **state)
{
    struct fixture *f = *state;
    uint8_t digest[TDM_SHA256_BYTES];
    size_t at;

    prepare_known(f, digest);
    for (at = 0; at < f->package.count; at++) {
        uint8_t bit = (uint8_t)(1 << at % 8);

        f->package.data[at] ^= bit;
        assert_int_not_equal(install(f, 0), TDM_OK);
        f->package.data[at] ^= bit;
    }
    assert_int_equal(install(f, 0), TDM_OK);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_bank_of_the_second_implementation_verifies_at_either_address),
        TEST(progress_runs_at_least_once_per_4096_bytes),
        TEST(an_image_relocated_for_the_other_bank_does_not_verify),
        TEST(packages_verify_where_they_may_run),
        TEST(a_changed_byte_anywhere_in_a_bank_is_found),
        TEST(a_changed_byte_of_the_table_is_found_without_a_look_at_the_image),
        TEST(an_unreadable_unit_is_an_error_and_nothing_worse),
        TEST(a_signed_table_that_is_not_canonical_is_refused),
        TEST(a_package_cut_short_is_refused_at_every_byte),
        TEST(a_package_with_a_changed_bit_is_refused_at_every_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
