/* The key page. */
#include "tandem/package.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/image/image_flash.h"
#include "tests/core/image/vectors.h"

static void a_page_gives_its_keys_and_building_gives_the_page(void **state)
{
    static const struct {
        const char *file;
        unsigned count;
    } pages[] = {{"keys.page", 2}, {"one-key.page", 1}};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        struct bytes page = read_vector(pages[i].file);
        uint8_t built[TDM_KEY_PAGE_BYTES];
        struct tdm_key_set keys;
        unsigned slot;

        assert_int_equal(tdm_keys_parse(&keys, page.data), TDM_OK);
        assert_int_equal(keys.count, pages[i].count);
        for (slot = 0; slot < keys.count; slot++)
            assert_memory_equal(keys.key[slot].point, page.data + 16 + 68 * slot, 64);
        tdm_keys_build(&keys, built);
        assert_memory_equal(built, page.data, sizeof built);
        free_bytes(&page);
    }
}

/* The id is defined by a digest: the first four bytes of SHA-256(X || Y), little-endian. */
static void the_id_is_that_of_the_point(void **state)
{
    struct tdm_key_set keys;
    struct tdm_hash hash;
    uint8_t digest[TDM_SHA256_BYTES];

    (void)state;
    read_keys(&keys);
    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, keys.key[1].point, TDM_PUBLIC_KEY_BYTES);
    tdm_sha256_result(&hash, digest);
    assert_int_equal(keys.key[1].id,
                     digest[0] | digest[1] << 8 | digest[2] << 16 | (uint32_t)digest[3] << 24);
}

static void any_changed_bit_of_the_page_is_refused(void **state)
{
    struct bytes page = read_vector("keys.page");
    struct tdm_key_set keys;
    size_t i;

    (void)state;
    for (i = 0; i < 8 * TDM_KEY_PAGE_BYTES; i++) {
        page.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(tdm_keys_parse(&keys, page.data), TDM_E_FORMAT);
        page.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    free_bytes(&page);
}

static void set_crc(uint8_t *page)
{
    uint32_t crc = tdm_crc32(0, page, 148);
    unsigned i;

    for (i = 0; i < 4; i++)
        page[148 + i] = (uint8_t)(crc >> 8 * i);
}

static void a_page_with_a_wrong_field_is_refused_though_its_crc_is_right(void **state)
{
    static const struct {
        unsigned at;
        uint8_t value;
    } changes[] = {{0, 'X'}, {4, 2}, {5, 0}, {5, 3}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct bytes page = read_vector("one-key.page");
        struct tdm_key_set keys;

        page.data[changes[i].at] = changes[i].value;
        set_crc(page.data);
        assert_int_equal(tdm_keys_parse(&keys, page.data), TDM_E_FORMAT);
        free_bytes(&page);
    }
}

static void keys_are_loaded_through_flash(void **state)
{
    struct bytes page = read_vector("keys.page");
    static struct ram_flash ram;
    struct tdm_layout layout;
    struct tdm_key_set keys;

    (void)state;
    image_flash_init(&ram, &layout);
    assert_int_equal(tdm_keys_load(&keys, &ram.flash, IMAGE_FLASH_KEYS), TDM_E_FORMAT);
    memcpy(image_flash_at(&ram, IMAGE_FLASH_KEYS), page.data, page.count);
    assert_int_equal(tdm_keys_load(&keys, &ram.flash, IMAGE_FLASH_KEYS), TDM_OK);
    assert_int_equal(keys.count, 2);
    image_flash_lose(&ram, IMAGE_FLASH_KEYS + 151);
    assert_int_equal(tdm_keys_load(&keys, &ram.flash, IMAGE_FLASH_KEYS), TDM_E_FLASH_READ);
    free_bytes(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_gives_its_keys_and_building_gives_the_page),
        cmocka_unit_test(the_id_is_that_of_the_point),
        cmocka_unit_test(any_changed_bit_of_the_page_is_refused),
        cmocka_unit_test(a_page_with_a_wrong_field_is_refused_though_its_crc_is_right),
        cmocka_unit_test(keys_are_loaded_through_flash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
