#include "tests/delta/installing.h"

#include <stdlib.h>
#include <string.h>

#include "tandem/resume.h"
#include "tests/support/firmware_like.h"

/* --- Packages: relocated words every 200 bytes, linked for bank A --- */

struct file old;
struct file new;

void sha256(const uint8_t *data, size_t bytes, uint8_t to[TDM_SHA256_BYTES])
{
    struct tdm_hash hash;

    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, data, bytes);
    tdm_sha256_result(&hash, to);
}

static void put_pointers(struct file *file, uint8_t *image, uint32_t bytes)
{
    file->site_count = 0;
    for (uint32_t at = 4; at + 4 <= bytes; at += 200) {
        uint32_t value = BANK_A + at / 3 * 2 + 1;

        for (int i = 0; i < 4; i++)
            image[at + (uint32_t)i] = (uint8_t)(value >> (8 * i));
        file->sites[file->site_count++] = at;
    }
}

static void make(struct file *file, uint8_t *image, uint32_t image_bytes, const char *version)
{
    struct tdm_manifest manifest = {
        .type = "pump", .build = "b", .hardware = "board", .link_address = BANK_A};
    struct tdm_envelope envelope = {.payload_bytes = image_bytes};
    uint8_t table[2000];
    uint8_t *at = file->bytes + TDM_ENVELOPE_BYTES;
    long table_bytes;
    int head;

    put_pointers(file, image, image_bytes);
    table_bytes = tdm_relocations_encode(file->sites, file->site_count, image_bytes, table, sizeof table);
    assert_true(table_bytes > 0);
    memcpy(manifest.version, version, strlen(version) + 1);
    manifest.image_bytes = image_bytes;
    manifest.relocation_bytes = envelope.relocation_bytes = (uint32_t)table_bytes;
    manifest.relocation_count = file->site_count;
    sha256(image, image_bytes, manifest.image_digest);
    sha256(table, (size_t)table_bytes, manifest.relocation_digest);
    head = tdm_head_build(&manifest, "", 0x11223344, at, 896);
    assert_true(head > 0);
    envelope.head_bytes = (uint16_t)head;
    tdm_envelope_build(&envelope, file->bytes);
    at += head;
    memset(at, 0x5A, TDM_SIGNATURE_BYTES);
    memcpy(at + TDM_SIGNATURE_BYTES, table, (size_t)table_bytes);
    memcpy(at + TDM_SIGNATURE_BYTES + table_bytes, image, image_bytes);
    file->count = (size_t)(at - file->bytes) + TDM_SIGNATURE_BYTES + (size_t)table_bytes + image_bytes;
    assert_int_equal(delta_package_open(&file->package, file->bytes, file->count), TDM_OK);
}

int make_all(void **state)
{
    static uint8_t base[BASE_BYTES];
    static uint8_t image[BASE_BYTES + 4096];
    uint32_t bytes;

    (void)state;
    firmware_like(base, BASE_BYTES, 21);
    bytes = firmware_newer(image, base, BASE_BYTES, 21);
    make(&old, base, BASE_BYTES, "1.0.0");
    make(&new, image, bytes, "1.1.0");
    return 0;
}

/* --- The device: old runs in one bank, the other takes new --- */

struct device device;

static bool any_signature(const uint8_t *digest, const uint8_t *signature, const uint8_t *key)
{
    (void)digest;
    (void)signature;
    (void)key;
    return true;
}

static void feed_nothing(void *ctx)
{
    (void)ctx;
}

static const struct tdm_mcu_ops ops = {.feed_watchdog = feed_nothing};

static void put_old(struct device *d, uint8_t bank)
{
    const struct tdm_manifest *manifest = &old.package.manifest;
    uint32_t address = d->layout.bank[bank].address;
    uint32_t unit = d->ram.flash.program_bytes;
    uint8_t prefix[TDM_STORED_PREFIX_BYTES] = {'T',
                                               'D',
                                               'M',
                                               'B',
                                               (uint8_t)old.package.envelope.head_bytes,
                                               (uint8_t)(old.package.envelope.head_bytes >> 8)};
    uint32_t header = address + BANK_BYTES - PAGE;
    uint32_t table = header - (manifest->relocation_bytes + unit - 1) / unit * unit;
    static uint8_t image[BASE_BYTES];

    memcpy(image, old.package.payload, BASE_BYTES);
    for (uint32_t i = 0; i < old.site_count; i++) {
        uint32_t value = BANK_A + old.sites[i] / 3 * 2 + 1 + (address - BANK_A);

        for (int k = 0; k < 4; k++)
            image[old.sites[i] + (uint32_t)k] = (uint8_t)(value >> (8 * k));
    }
    ram_flash_set(&d->ram, address, image, BASE_BYTES);
    ram_flash_set(&d->ram, table, old.package.table, manifest->relocation_bytes);
    ram_flash_set(&d->ram, header, prefix, sizeof prefix);
    ram_flash_set(&d->ram, header + sizeof prefix, old.package.head,
                  old.package.envelope.head_bytes + (uint32_t)TDM_SIGNATURE_BYTES);
}

void start(struct device *d)
{
    memset(&d->mcu, 0, sizeof d->mcu);
    memset(&d->decoding, 0xA5, sizeof d->decoding);
    d->mcu.config = &d->config;
    d->mcu.running_known = true;
    memcpy(d->mcu.running_digest, old.package.manifest.image_digest, TDM_SHA256_BYTES);
    d->mcu.link.peer = 0xFF;
    assert_int_equal(tdm_record_load(&d->mcu.log, &d->ram.flash, &d->layout), TDM_OK);
}

void power_on(struct device *d, uint32_t program_bytes, uint8_t running)
{
    struct tdm_record record = {.state = TDM_BOOT_IDLE, .active = running, .target = TDM_NO_BANK};

    ram_flash_init(&d->ram, FLASH, PAGE, program_bytes, false);
    d->running = running;
    d->layout = (struct tdm_layout){.record = {{FLASH, PAGE}, {FLASH + PAGE, PAGE}},
                                    .bank = {{BANK_A, BANK_BYTES}, {BANK_B, BANK_BYTES}},
                                    .header_bytes = PAGE};
    d->keys = (struct tdm_key_set){.count = 1, .key = {{.id = 0x11223344}}};
    d->config = (struct tdm_mcu_config){.ops = &ops,
                                        .ctx = d,
                                        .flash = &d->ram.flash,
                                        .layout = &d->layout,
                                        .running_bank = running,
                                        .decoder = &tdm_mcu_decodes,
                                        .resume = &tdm_mcu_resumes,
                                        .decoding = &d->decoding,
                                        .trust = {.keys = &d->keys, .verify = any_signature},
                                        .work = &d->work};
    put_old(d, running);
    (void)!tdm_record_load(&d->mcu.log, &d->ram.flash, &d->layout);
    assert_int_equal(tdm_record_append(&d->mcu.log, &record), TDM_OK);
    start(d);
}

int prepare(struct device *d, const uint8_t *package, size_t bytes)
{
    struct tdm_trust trust = tdm__trust(&d->mcu);
    struct tdm_manifest manifest;
    size_t used = 0;
    int error;

    d->mcu.install.stored = false;
    tdm_front_init(&d->mcu.front, d->work.front);
    assert_int_equal(tdm_front_feed(&d->mcu.front, &trust, package, bytes, &used), TDM_OK);
    assert_true(d->mcu.front.complete);
    d->mcu.file.bytes = (uint32_t)bytes;
    assert_int_equal(tdm__install_manifest(&d->mcu, &manifest), TDM_OK);
    error = tdm__install_plan(&d->mcu, &manifest);
    if (error != TDM_OK)
        return error;
    assert_int_equal(tdm__install_begin(&d->mcu, &manifest), TDM_OK);
    while ((error = tdm__install_erase(&d->mcu)) > 0)
        ;
    assert_int_equal(error, TDM_OK);
    assert_int_equal(tdm__install_header(&d->mcu), TDM_OK);
    return (int)used;
}

int write_chunks(struct device *d, const uint8_t *package, size_t from, size_t to, size_t chunk)
{
    int error = TDM_OK;

    while (from < to && error == TDM_OK) {
        size_t n = to - from < chunk ? to - from : chunk;
        uint8_t *copy = malloc(n);

        memcpy(copy, package + from, n);
        error = tdm__install_write(&d->mcu, copy, (uint32_t)n);
        free(copy);
        from += n;
    }
    return error;
}

static void move_pointer(uint8_t *at, uint32_t delta)
{
    uint32_t value = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;

    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)((value + delta) >> (8 * i));
}

void is_installed(struct device *d)
{
    uint32_t bank = d->layout.bank[d->running ^ 1].address;
    static uint8_t image[BASE_BYTES + 4096];

    assert_int_equal(tdm__install_verify(&d->mcu), TDM_OK);
    memcpy(image, ram_flash_at(&d->ram, bank), new.package.manifest.image_bytes);
    for (uint32_t i = 0; i < new.site_count; i++)
        move_pointer(image + new.sites[i], BANK_A - bank);
    assert_memory_equal(image, new.package.payload, new.package.manifest.image_bytes);
    assert_int_equal(d->ram.violations, 0);
}

uint8_t *encode(size_t *bytes, bool delta)
{
    uint8_t *data = NULL;

    assert_int_equal(
        delta_package_encode(&data, bytes, &new.package, delta ? &old.package : NULL, NULL, NULL), TDM_OK);
    return data;
}
