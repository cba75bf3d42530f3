/* The choice with real signatures: banks that tests/python made and OpenSSL signed, relocated for where they
 * lie, verified by the P-256 of ports/crypto. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tandem/boot.h"
#include "tests/core/image/vectors.h"
#include "tests/support/ram_flash.h"

#define BASE   0x10000u
#define RECORD 0x17000u

static struct ram_flash ram;
static struct tdm_key_set keys;
static const struct tdm_layout layout = {
    .record = {{RECORD, 1024}, {RECORD + 1024, 1024}},
    .bank = {{BASE, 12288}, {BASE + 0x4000, 12288}},
    .header_bytes = 1024,
};

static int check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                       uint32_t address)
{
    (void)ctx;
    (void)flash;
    (void)bank;
    (void)address;
    return TDM_OK;
}

static void watchdog(void *ctx)
{
    (void)ctx;
}

static struct tdm_boot_choice choose(void)
{
    static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    const struct tdm_boot_config config = {
        .flash = &ram.flash,
        .layout = &layout,
        .trust = real_trust(&keys),
        .attempts = 1,
        .check_image = check_image,
        .arm_watchdog = watchdog,
        .feed_watchdog = watchdog,
    };
    struct tdm_boot_choice choice;

    tdm_boot_choose(&choice, &config, TDM_RESET_POWER, buffer);
    return choice;
}

static void put_bank(uint8_t bank, const char *vector)
{
    struct bytes content = read_vector(vector);

    assert_int_equal(content.count, layout.bank[bank].bytes);
    ram_flash_set(&ram, layout.bank[bank].address, content.data, (uint32_t)content.count);
    free_bytes(&content);
}

static void flip(uint32_t address)
{
    uint8_t byte = *ram_flash_at(&ram, address) ^ 1;

    ram_flash_set(&ram, address, &byte, 1);
}

static int set_up(void **state)
{
    (void)state;
    ram_flash_init(&ram, BASE, 1024, 8, false);
    read_keys(&keys);
    return 0;
}

static void a_signed_bank_runs_wherever_it_was_relocated_to(void **state)
{
    static const char *const vectors[] = {"big.bank0", "big.bank1"};
    uint8_t bank;

    (void)state;
    for (bank = 0; bank < TDM_BANKS; bank++) {
        struct tdm_boot_choice choice;

        set_up(NULL);
        put_bank(bank, vectors[bank]);
        choice = choose();
        assert_int_equal(choice.action, TDM_BOOT_RUN);
        assert_int_equal(choice.bank, bank);
    }
}

static void a_bank_relocated_for_another_place_does_not_run(void **state)
{
    (void)state;
    put_bank(1, "big.bank0");
    assert_int_equal(choose().action, TDM_BOOT_RECOVER);
}

static void a_flipped_bit_in_signature_head_or_image_keeps_a_bank_from_running(void **state)
{
    uint32_t header = layout.bank[0].address + layout.bank[0].bytes - layout.header_bytes;
    uint32_t head_bytes, i;

    (void)state;
    put_bank(0, "big.bank0");
    head_bytes = *ram_flash_at(&ram, header + 4) | (uint32_t)*ram_flash_at(&ram, header + 5) << 8;
    const uint32_t places[] = {header + 8 + 20, header + 8 + head_bytes, header + 8 + head_bytes + 63, BASE};

    for (i = 0; i < sizeof places / sizeof places[0]; i++) {
        flip(places[i]);
        assert_int_equal(choose().action, TDM_BOOT_RECOVER);
        flip(places[i]);
    }
    assert_int_equal(choose().action, TDM_BOOT_RUN);
}

static void a_bank_signed_by_a_key_that_the_device_does_not_hold_does_not_run(void **state)
{
    (void)state;
    put_bank(0, "big.bank0");
    keys.count = 1; /* the image is signed by the other key */
    assert_int_equal(choose().action, TDM_BOOT_RECOVER);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_signed_bank_runs_wherever_it_was_relocated_to, set_up),
        cmocka_unit_test_setup(a_bank_relocated_for_another_place_does_not_run, set_up),
        cmocka_unit_test_setup(a_flipped_bit_in_signature_head_or_image_keeps_a_bank_from_running, set_up),
        cmocka_unit_test_setup(a_bank_signed_by_a_key_that_the_device_does_not_hold_does_not_run, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
