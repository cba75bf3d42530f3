/* Any bytes in record units and banks: loading and choosing end, and never run a bank that does not verify.
 *
 * The first byte picks reset cause and flash; the rest fills the units, then the banks' headers and images,
 * each as far as it goes. A signature is good where its first byte is 0xA5, so that the fuzzer gets past it.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "tandem/boot.h"
#include "tests/support/ram_flash.h"

#define BASE 0x10000u
#define UNIT 512u
#define BANK 3072u

static const struct tdm_layout layout = {
    .record = {{BASE, UNIT}, {BASE + UNIT, UNIT}},
    .bank = {{BASE + 2 * UNIT, BANK}, {BASE + 2 * UNIT + BANK, BANK}},
    .header_bytes = 1024,
};

static struct ram_flash ram;

static bool verify(const uint8_t digest[TDM_SHA256_BYTES], const uint8_t signature[TDM_SIGNATURE_BYTES],
                   const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    (void)digest;
    (void)key;
    return signature[0] == 0xA5;
}

static int check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                       uint32_t address)
{
    (void)ctx;
    (void)flash;
    return address >= bank->address && address < bank->address + bank->bytes ? TDM_OK : TDM_E_VECTOR;
}

static void watchdog(void *ctx)
{
    (void)ctx;
}

/* Fills region from what is left of the input. */
static void fill(uint32_t address, uint32_t bytes, const uint8_t **data, size_t *left)
{
    uint32_t count = *left < bytes ? (uint32_t)*left : bytes;

    ram_flash_set(&ram, address, *data, count);
    *data += count;
    *left -= count;
}

/* Gives every slot that was filled the CRC that its entry needs. */
static void seal_entries(void)
{
    uint32_t slot_bytes = ram.flash.program_bytes == 32 ? 64 : 48;
    uint32_t unit, at;

    for (unit = 0; unit < 2; unit++) {
        for (at = 0; at + slot_bytes <= UNIT; at += slot_bytes) {
            uint32_t address = layout.record[unit].address + at;
            uint32_t crc = tdm_crc32(0, ram_flash_at(&ram, address), 44);
            const uint8_t bytes[] = {(uint8_t)crc, (uint8_t)(crc >> 8), (uint8_t)(crc >> 16),
                                     (uint8_t)(crc >> 24)};

            if (ram.flash.ops->is_blank(&ram, address, slot_bytes) == 0)
                ram_flash_set(&ram, address + 44, bytes, sizeof bytes);
        }
    }
}

static void put_image(int bank)
{
    static const uint8_t image[32] = {1, 2, 3, 4};
    struct tdm_manifest manifest = {
        .type = "t", .version = "1", .hardware = "h", .image_bytes = sizeof image};
    uint8_t stored[1024] = {'T', 'D', 'M', 'B'};
    struct tdm_hash hash;
    int head_bytes;

    tdm_sha256_init(&hash);
    tdm_sha256_result(&hash, manifest.relocation_digest);
    tdm_sha256_update(&hash, image, sizeof image);
    tdm_sha256_result(&hash, manifest.image_digest);
    manifest.counter = (uint32_t)bank;
    manifest.link_address = TDM_LINK_ANYWHERE;
    head_bytes = tdm_head_build(&manifest, "", 1, stored + 8, sizeof stored - 8 - TDM_SIGNATURE_BYTES);
    if (head_bytes < 0)
        abort();
    stored[4] = (uint8_t)head_bytes;
    stored[5] = (uint8_t)(head_bytes >> 8);
    stored[8 + head_bytes] = 0xA5;
    ram_flash_set(&ram, layout.bank[bank].address, image, sizeof image);
    ram_flash_set(&ram, layout.bank[bank].address + BANK - 1024, stored, sizeof stored - 32);
}

static void check_choice(const struct tdm_boot_config *config, const struct tdm_boot_choice *choice)
{
    static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    struct tdm_manifest manifest;

    if (choice->action == TDM_BOOT_RECOVER)
        return;
    if (choice->bank >= TDM_BANKS ||
        tdm_bank_header(&manifest, &layout, choice->bank, config->flash, &config->trust, buffer) != TDM_OK ||
        tdm_bank_verify(&manifest, &layout, choice->bank, config->flash, NULL, NULL) != TDM_OK)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct tdm_key_set keys = {.key = {{.id = 1}}, .count = 1};
    static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    struct tdm_boot_config config = {
        .flash = &ram.flash,
        .layout = &layout,
        .trust = {.keys = &keys, .verify = verify},
        .attempts = 1,
        .soft_limit = 1,
        .check_image = check_image,
        .arm_watchdog = watchdog,
        .feed_watchdog = watchdog,
    };
    struct tdm_boot_choice choice;
    uint8_t options, banks;
    int start, bank;

    if (size < 2)
        return 0;
    options = data[0];
    banks = data[1];
    data += 2;
    size -= 2;
    ram_flash_init(&ram, BASE, UNIT, (options & 8) != 0 ? 32 : 4, (options & 16) != 0);
    config.trust.allow_unsigned = (options & 32) != 0;
    fill(BASE, 2 * UNIT, &data, &size);
    if ((options & 64) != 0)
        seal_entries();
    for (bank = 0; bank < TDM_BANKS; bank++) {
        if ((banks >> bank & 1) != 0) {
            put_image(bank);
            continue;
        }
        fill(layout.bank[bank].address + BANK - 1024, 1024, &data, &size);
        fill(layout.bank[bank].address, BANK - 1024, &data, &size);
    }
    for (start = 0; start < 3; start++) {
        tdm_boot_choose(&choice, &config, (enum tdm_reset_cause)(options % 8), buffer);
        check_choice(&config, &choice);
    }
    return 0;
}
