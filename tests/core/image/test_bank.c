/* A bank's map, stored header and confirm mark. big.bank0 and big.bank1 are what
 * tests/python/tandem_package.py says the two banks hold; bank1 is confirmed, bank0 is not. */
#include "tandem/package.h"

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
    struct bytes package; /* big.tdm */
    struct tdm_front front;
    uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    struct tdm_manifest manifest;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    struct fixture *f = &fixture;

    image_flash_init(&f->ram, &f->layout);
    read_keys(&f->keys);
    f->trust = real_trust(&f->keys);
    f->package = read_vector("big.tdm");
    assert_int_equal(feed_all(&f->front, f->buffer, &f->trust, &f->package), TDM_OK);
    assert_int_equal(tdm_front_manifest(&f->front, &f->manifest), TDM_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    free_bytes(&f->package);
    return 0;
}

static void load_bank(struct fixture *f, uint8_t bank, const char *file)
{
    struct bytes content = read_vector(file);

    assert_int_equal(content.count, f->layout.bank[bank].bytes);
    memcpy(image_flash_at(&f->ram, f->layout.bank[bank].address), content.data, content.count);
    free_bytes(&content);
}

static int map(struct fixture *f, struct tdm_bank_map *to, uint8_t bank)
{
    return tdm_bank_map(to, &f->layout, bank, &f->ram.flash, &f->manifest);
}

/* --- Layout and map --- */

static void an_address_lies_in_one_bank_or_none(void **state)
{
    struct fixture *f = *state;
    struct tdm_layout *layout = &f->layout;

    assert_int_equal(tdm_layout_bank_at(layout, 0xFFFF), TDM_NO_BANK);
    assert_int_equal(tdm_layout_bank_at(layout, 0x10000), 0);
    assert_int_equal(tdm_layout_bank_at(layout, 0x12FFF), 0);
    assert_int_equal(tdm_layout_bank_at(layout, 0x13000), TDM_NO_BANK);
    assert_int_equal(tdm_layout_bank_at(layout, 0x14000), 1);
    assert_int_equal(tdm_layout_bank_at(layout, 0x16FFF), 1);
    assert_int_equal(tdm_layout_bank_at(layout, 0x17000), TDM_NO_BANK);
    layout->bank[1].bytes = 0;
    assert_int_equal(tdm_layout_bank_at(layout, 0x14000), TDM_NO_BANK);
}

static void the_map_says_where_everything_is(void **state)
{
    struct fixture *f = *state;
    struct tdm_bank_map m;

    /* Index of 3 blocks, 39 codes, five of them of two bytes: 56 bytes, seven units of 8. */
    assert_int_equal(f->manifest.relocation_bytes, 12 + 39 + 5);
    assert_int_equal(map(f, &m, 1), TDM_OK);
    assert_int_equal(m.image, 0x14000);
    assert_int_equal(m.header, 0x17000 - 1024);
    assert_int_equal(m.relocations, 0x17000 - 1024 - 56);
    assert_int_equal(m.mark, 0x17000 - 16);
    f->ram.flash.program_bytes = 32;
    f->manifest.relocation_bytes = 57;
    assert_int_equal(map(f, &m, 0), TDM_OK);
    assert_int_equal(m.relocations, 0x13000 - 1024 - 64);
    assert_int_equal(m.mark, 0x13000 - 32);
}

static void what_fits_exactly_fits_and_a_byte_more_does_not(void **state)
{
    struct fixture *f = *state;
    struct tdm_bank_map m;

    f->manifest.image_bytes = 0x3000 - 1024 - 56;
    assert_int_equal(map(f, &m, 0), TDM_OK);
    f->manifest.image_bytes++;
    assert_int_equal(map(f, &m, 0), TDM_E_SIZE);
    f->manifest.image_bytes--;
    f->manifest.relocation_bytes++;
    assert_int_equal(map(f, &m, 0), TDM_E_SIZE);
    f->manifest.relocation_bytes = 0x3000 - 1024;
    f->manifest.image_bytes = 0;
    assert_int_equal(map(f, &m, 0), TDM_OK);
    f->manifest.relocation_bytes++;
    assert_int_equal(map(f, &m, 0), TDM_E_SIZE);
    f->manifest.relocation_bytes = 0xFFFFFFFF;
    f->manifest.image_bytes = 0xFFFFFFFF;
    assert_int_equal(map(f, &m, 0), TDM_E_SIZE);
    f->manifest.image_bytes = 8;
    assert_int_equal(map(f, &m, 0), TDM_E_SIZE);
    f->manifest.relocation_bytes = 0;
    f->manifest.image_bytes = 0xFFFFFFFF;
    assert_int_equal(map(f, &m, 0), TDM_E_SIZE);
}

static void a_layout_without_room_for_the_longest_header_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tdm_bank_map m;

    f->manifest.image_bytes = 8;
    f->layout.header_bytes = 968 + 16;
    assert_int_equal(map(f, &m, 0), TDM_OK);
    f->layout.header_bytes -= 8;
    assert_int_equal(map(f, &m, 0), TDM_E_SIZE);
    f->layout.header_bytes = 0x3008;
    assert_int_equal(map(f, &m, 0), TDM_E_SIZE);
    f->layout.header_bytes = 1024;
    assert_int_equal(map(f, &m, 2), TDM_E_SIZE);
    assert_int_equal(map(f, &m, TDM_NO_BANK), TDM_E_SIZE);
    f->layout.bank[1].bytes = 0;
    assert_int_equal(map(f, &m, 1), TDM_E_SIZE);
}

static void an_image_without_relocations_runs_where_it_is_linked_or_anywhere(void **state)
{
    struct fixture *f = *state;
    struct tdm_bank_map m;

    f->manifest.relocation_bytes = 0;
    f->manifest.relocation_count = 0;
    assert_int_equal(map(f, &m, 0), TDM_OK);
    assert_int_equal(map(f, &m, 1), TDM_E_LINK_ADDRESS);
    f->manifest.link_address = TDM_LINK_ANYWHERE;
    assert_int_equal(map(f, &m, 0), TDM_OK);
    assert_int_equal(map(f, &m, 1), TDM_OK);
    f->manifest.link_address = 0;
    assert_int_equal(map(f, &m, 0), TDM_E_LINK_ADDRESS);
}

/* --- Stored header --- */

static int header(struct fixture *f, uint8_t bank)
{
    static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];

    return tdm_bank_header(&f->manifest, &f->layout, bank, &f->ram.flash, &f->trust, buffer);
}

static void the_programmed_header_is_that_of_the_second_implementation(void **state)
{
    struct fixture *f = *state;
    struct bytes bank = read_vector("big.bank1");

    /* In place: head and signature lie in the buffer that is the scratch. */
    assert_int_equal(tdm_bank_header_program(&f->layout, 1, &f->ram.flash, tdm_front_head(&f->front),
                                             f->front.head_bytes, tdm_front_signature(&f->front), f->buffer),
                     TDM_OK);
    assert_int_equal(tdm_bank_mark_program(f->manifest.image_digest, &f->layout, 1, &f->ram.flash), TDM_OK);
    assert_memory_equal(image_flash_at(&f->ram, 0x17000 - 1024), bank.data + 0x3000 - 1024, 1024);
    free_bytes(&bank);
}

static void a_header_is_told_from_every_other(void **state)
{
    struct fixture *f = *state;
    const uint8_t *head = tdm_front_head(&f->front);
    size_t stored = TDM_STORED_PREFIX_BYTES + (size_t)f->front.head_bytes + TDM_SIGNATURE_BYTES;
    uint8_t *at = image_flash_at(&f->ram, 0x13000 - 1024);

    assert_false(tdm_bank_header_is(&f->layout, 0, &f->ram.flash, head, f->front.head_bytes));
    load_bank(f, 0, "big.bank0");
    for (size_t i = 0; i < stored; i++) {
        assert_true(tdm_bank_header_is(&f->layout, 0, &f->ram.flash, head, f->front.head_bytes));
        at[i] ^= 0x10;
        assert_false(tdm_bank_header_is(&f->layout, 0, &f->ram.flash, head, f->front.head_bytes));
        at[i] ^= 0x10;
    }
    assert_false(tdm_bank_header_is(&f->layout, 0, &f->ram.flash, head, f->front.head_bytes - 1u));
}

static void a_stored_header_gives_its_manifest(void **state)
{
    struct fixture *f = *state;

    load_bank(f, 0, "big.bank0");
    memset(&f->manifest, 0, sizeof f->manifest);
    assert_int_equal(header(f, 0), TDM_OK);
    assert_string_equal(f->manifest.version, "2.0.0");
    assert_int_equal(f->manifest.counter, 0x01020304);
}

static void what_is_no_header_is_told_from_what_is_a_bad_one(void **state)
{
    struct fixture *f = *state;
    uint8_t *at = image_flash_at(&f->ram, 0x13000 - 1024);

    assert_int_equal(header(f, 0), TDM_E_NO_HEADER);
    assert_int_equal(header(f, TDM_NO_BANK), TDM_E_NO_HEADER);
    load_bank(f, 0, "big.bank0");
    at[0] ^= 1;
    assert_int_equal(header(f, 0), TDM_E_NO_HEADER);
    at[0] ^= 1;
    at[6] = 1;
    assert_int_equal(header(f, 0), TDM_E_NO_HEADER);
    at[6] = 0;
    at[5] = 4; /* a head of over 1 KiB */
    assert_int_equal(header(f, 0), TDM_E_NO_HEADER);
    load_bank(f, 0, "big.bank0");
    at[8] ^= 1;
    assert_int_equal(header(f, 0), TDM_E_FORMAT);
    at[8] ^= 1;
    at[100] ^= 1;
    assert_int_equal(header(f, 0), TDM_E_SIGNATURE);
    at[100] ^= 1;
    f->trust.revoked_keys = 2;
    assert_int_equal(header(f, 0), TDM_E_KEY);
    f->trust.revoked_keys = 0;
    image_flash_lose(&f->ram, 0x13000 - 1024);
    assert_int_equal(header(f, 0), TDM_E_FLASH_READ);
    image_flash_lose(&f->ram, 0x13000 - 1024 + 200);
    assert_int_equal(header(f, 0), TDM_E_FLASH_READ);
}

static void a_peek_gives_the_manifest_of_a_header_that_nobody_signed(void **state)
{
    struct fixture *f = *state;
    uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    uint8_t *at = image_flash_at(&f->ram, 0x13000 - 1024);
    struct tdm_manifest seen;

    assert_int_equal(tdm_bank_peek(&seen, &f->layout, 0, &f->ram.flash, buffer), TDM_E_NO_HEADER);
    assert_int_equal(tdm_bank_peek(&seen, &f->layout, 2, &f->ram.flash, buffer), TDM_E_NO_HEADER);
    load_bank(f, 0, "big.bank0");
    at[8 + f->front.head_bytes] ^= 1;
    assert_int_equal(header(f, 0), TDM_E_SIGNATURE);
    assert_int_equal(tdm_bank_peek(&seen, &f->layout, 0, &f->ram.flash, buffer), TDM_OK);
    assert_memory_equal(seen.image_digest, f->manifest.image_digest, TDM_SHA256_BYTES);
    at[8 + f->front.head_bytes - 1] ^= 1; /* the entry */
    assert_int_equal(tdm_bank_peek(&seen, &f->layout, 0, &f->ram.flash, buffer), TDM_E_MANIFEST);
    image_flash_lose(&f->ram, 0x13000 - 1024 + 8);
    assert_int_equal(tdm_bank_peek(&seen, &f->layout, 0, &f->ram.flash, buffer), TDM_E_FLASH_READ);
}

static void a_header_that_does_not_fit_is_not_programmed(void **state)
{
    struct fixture *f = *state;
    uint8_t scratch[TDM_PACKAGE_FRONT_MAX];
    uint8_t head[897] = {0};
    uint8_t signature[TDM_SIGNATURE_BYTES] = {0};
    struct tdm_layout *layout = &f->layout;
    struct tdm_flash *flash = &f->ram.flash;

    assert_int_equal(tdm_bank_header_program(layout, 0, flash, head, 897, signature, scratch), TDM_E_SIZE);
    assert_int_equal(tdm_bank_header_program(layout, 2, flash, head, 100, signature, scratch), TDM_E_SIZE);
    flash->program_bytes = 32;
    memset(scratch, 0x5A, sizeof scratch);
    assert_int_equal(tdm_bank_header_program(layout, 0, flash, head, 896, signature, scratch), TDM_OK);
    for (unsigned at = 8 + 896 + TDM_SIGNATURE_BYTES; at < 992; at++)
        assert_int_equal(*image_flash_at(&f->ram, 0x13000 - 1024 + at), 0xFF);
    layout->header_bytes = 512;
    assert_int_equal(tdm_bank_header_program(layout, 1, flash, head, 424, signature, scratch), TDM_E_SIZE);
    assert_int_equal(tdm_bank_header_program(layout, 1, flash, head, 408, signature, scratch), TDM_OK);
}

/* --- Confirm mark --- */

static bool marked(struct fixture *f, uint8_t bank)
{
    return tdm_bank_mark_present(f->manifest.image_digest, &f->layout, bank, &f->ram.flash);
}

static void a_mark_counts_only_whole_and_for_its_image(void **state)
{
    struct fixture *f = *state;
    unsigned i;

    load_bank(f, 0, "big.bank0");
    load_bank(f, 1, "big.bank1");
    assert_false(marked(f, 0));
    assert_true(marked(f, 1));
    assert_false(marked(f, 2));
    for (i = 0; i < 16 * 8; i++) {
        *image_flash_at(&f->ram, 0x17000 - 16 + i / 8) ^= (uint8_t)(1 << i % 8);
        assert_false(marked(f, 1));
        *image_flash_at(&f->ram, 0x17000 - 16 + i / 8) ^= (uint8_t)(1 << i % 8);
    }
    image_flash_lose(&f->ram, 0x17000 - 1);
    assert_false(marked(f, 1));
    image_flash_lose(&f->ram, 0);
    f->manifest.image_digest[11] ^= 1;
    assert_false(marked(f, 1));
}

static void a_mark_fills_whole_program_units(void **state)
{
    struct fixture *f = *state;
    unsigned unit;

    for (unit = 1; unit <= TDM_PROGRAM_MAX; unit *= 2) {
        unsigned bytes = unit < 16 ? 16 : unit;

        image_flash_init(&f->ram, &f->layout);
        f->ram.flash.program_bytes = unit;
        assert_int_equal(tdm_bank_mark_program(f->manifest.image_digest, &f->layout, 0, &f->ram.flash),
                         TDM_OK);
        assert_memory_equal(image_flash_at(&f->ram, 0x13000 - bytes), "TDMC", 4);
        assert_memory_equal(image_flash_at(&f->ram, 0x13000 - bytes + 4), f->manifest.image_digest, 12);
        for (unsigned at = 16; at < bytes; at++)
            assert_int_equal(*image_flash_at(&f->ram, 0x13000 - bytes + at), 0xFF);
        assert_true(marked(f, 0));
    }
    assert_int_equal(tdm_bank_mark_program(f->manifest.image_digest, &f->layout, 2, &f->ram.flash),
                     TDM_E_SIZE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_address_lies_in_one_bank_or_none),
        TEST(the_map_says_where_everything_is),
        TEST(what_fits_exactly_fits_and_a_byte_more_does_not),
        TEST(a_layout_without_room_for_the_longest_header_is_refused),
        TEST(an_image_without_relocations_runs_where_it_is_linked_or_anywhere),
        TEST(the_programmed_header_is_that_of_the_second_implementation),
        TEST(a_header_is_told_from_every_other),
        TEST(a_stored_header_gives_its_manifest),
        TEST(what_is_no_header_is_told_from_what_is_a_bad_one),
        TEST(a_peek_gives_the_manifest_of_a_header_that_nobody_signed),
        TEST(a_header_that_does_not_fit_is_not_programmed),
        TEST(a_mark_counts_only_whole_and_for_its_image),
        TEST(a_mark_fills_whole_program_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
