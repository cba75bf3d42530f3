/* Encoded packages into a bank, as the update client installs them: decoded, relocated, verified; and gone on
 * with at a frame. */
#include "tandem/decode.h"
#include "tandem/resume.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/mcu/client.h"
#include "delta/package.h"
#include "tests/support/firmware_like.h"
#include "tests/support/ram_flash.h"

#define FLASH       0x08000000u
#define PAGE        1024u
#define BANK_BYTES  0xF000u
#define BANK_A      (FLASH + 2 * PAGE)
#define BANK_B      (BANK_A + BANK_BYTES)
#define BASE_BYTES  50000u
#define SITES_MAX   600
#define PACKAGE_MAX 60000

/* --- Packages: relocated words every 200 bytes, linked for bank A --- */

struct file {
    uint8_t bytes[PACKAGE_MAX];
    size_t count;
    uint32_t sites[SITES_MAX];
    uint32_t site_count;
    struct delta_package package;
};

static struct file old;
static struct file new;

static void sha256(const uint8_t *data, size_t bytes, uint8_t to[TDM_SHA256_BYTES])
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

static int make_all(void **state)
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

struct device {
    struct ram_flash ram;
    struct tdm_layout layout;
    struct tdm_key_set keys;
    struct tdm_mcu_config config;
    struct tdm_mcu_decoding decoding;
    struct tdm_mcu mcu;
    union tdm_mcu_work work;
    uint8_t running;
};

static struct device device;

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

/* As after a reset: RAM is lost, the record is read. */
static void start(struct device *d)
{
    memset(&d->mcu, 0, sizeof d->mcu);
    memset(&d->decoding, 0xA5, sizeof d->decoding);
    d->mcu.config = &d->config;
    d->mcu.running_known = true;
    memcpy(d->mcu.running_digest, old.package.manifest.image_digest, TDM_SHA256_BYTES);
    d->mcu.link.peer = 0xFF;
    assert_int_equal(tdm_record_load(&d->mcu.log, &d->ram.flash, &d->layout), TDM_OK);
}

static void power_on(struct device *d, uint32_t program_bytes, uint8_t running)
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

/* Takes the front, plans and erases. Returns the front's bytes, or the error of the plan. */
static int prepare(struct device *d, const uint8_t *package, size_t bytes)
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

/* Writes [from, to) of a package in chunks, each from memory of its own, which may be changed. */
static int write_chunks(struct device *d, const uint8_t *package, size_t from, size_t to, size_t chunk)
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

static void is_installed(struct device *d)
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

static uint8_t *encode(size_t *bytes, bool delta)
{
    uint8_t *data = NULL;

    assert_int_equal(
        delta_package_encode(&data, bytes, &new.package, delta ? &old.package : NULL, NULL, NULL), TDM_OK);
    return data;
}

static void packages_of_both_kinds_are_installed_in_either_bank(void **state)
{
    static const uint32_t units[] = {4, 8, 16, 32};
    static const size_t chunks[] = {1, 16, 77, 1024};

    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        size_t bytes;
        uint8_t *package = encode(&bytes, kind == 1);

        for (unsigned i = 0; i < 8; i++) {
            int front;

            power_on(&device, units[i / 2], i % 2);
            front = prepare(&device, package, bytes);
            assert_true(front > 0);
            assert_int_equal(write_chunks(&device, package, (size_t)front, bytes, chunks[i / 2]), TDM_OK);
            is_installed(&device);
        }
        free(package);
    }
}

/* Cut off anywhere: it goes on at a frame, with what is in flash. */
static void a_transfer_that_was_cut_off_goes_on_at_a_frame(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        size_t bytes;
        uint8_t *package = encode(&bytes, kind == 1);
        unsigned resumed = 0;

        for (size_t cut = 1200; cut < bytes; cut += 1 + bytes / 23) {
            struct delta_package parts;
            uint32_t position;
            size_t at;
            int front;

            power_on(&device, 8, 0);
            front = prepare(&device, package, bytes);
            if (cut <= (size_t)front)
                continue;
            assert_int_equal(write_chunks(&device, package, (size_t)front, cut, 100), TDM_OK);
            start(&device);
            assert_int_equal(prepare(&device, package, bytes), front);
            at = (size_t)front;
            position = 0;
            if (device.mcu.install.resumes) {
                resumed++;
                position = device.mcu.install.placed;
                assert_int_equal(position % TDM_UNLZMA_FRAME_BYTES, 0);
                assert_int_equal(delta_package_open(&parts, package, bytes), TDM_OK);
                at = (size_t)(parts.payload - package);
                for (uint32_t frame = 0; frame < position / TDM_UNLZMA_FRAME_BYTES; frame++)
                    at += 2u + package[at] + 256u * package[at + 1];
                assert_true(tdm_mcu_resumes.go_on_at(&device.mcu, (uint32_t)at));
            }
            assert_int_equal(write_chunks(&device, package, at, bytes, 512), TDM_OK);
            is_installed(&device);
        }
        assert_true(resumed > 5);
        free(package);
    }
}

static void a_delta_for_another_image_is_refused_before_anything_is_erased(void **state)
{
    size_t bytes;
    uint8_t *package = encode(&bytes, true);
    uint32_t erases;

    (void)state;
    power_on(&device, 8, 0);
    device.mcu.running_digest[0] ^= 1;
    assert_int_equal(prepare(&device, package, bytes), TDM_E_BASE);
    power_on(&device, 8, 0);
    device.mcu.running_known = false;
    erases = device.ram.erases;
    assert_int_equal(prepare(&device, package, bytes), TDM_E_BASE);
    assert_int_equal(device.ram.erases, erases);
    free(package);
}

static void without_a_decoder_it_is_refused_before_anything_is_erased(void **state)
{
    size_t bytes;
    uint8_t *package = encode(&bytes, false);
    uint32_t erases;

    (void)state;
    power_on(&device, 8, 0);
    erases = device.ram.erases;
    device.config.decoder = NULL;
    assert_int_equal(prepare(&device, package, bytes), TDM_E_ENCODING);
    assert_int_equal(device.ram.erases, erases);
    free(package);
}

/* What a hostile cloud may send below a good signature: it ends with an error, or with an image that does not
 * verify; and never leaves the bank. */
static void a_damaged_payload_never_verifies_and_stays_in_its_bank(void **state)
{
    static uint8_t before[BANK_BYTES];
    size_t bytes;
    uint8_t *package = encode(&bytes, true);
    struct delta_package parts;

    (void)state;
    assert_int_equal(delta_package_open(&parts, package, bytes), TDM_OK);
    for (size_t i = (size_t)(parts.payload - package); i < bytes; i += 1 + bytes / 60) {
        int front;

        power_on(&device, 8, 0);
        memcpy(before, ram_flash_at(&device.ram, BANK_A), BANK_BYTES);
        package[i] ^= 0x24;
        front = prepare(&device, package, bytes);
        assert_true(front > 0);
        if (write_chunks(&device, package, (size_t)front, bytes, 256) == TDM_OK &&
            tdm_unlzma_done(&device.decoding.u.unlzma))
            assert_int_equal(tdm__install_verify(&device.mcu), TDM_E_DIGEST);
        assert_memory_equal(ram_flash_at(&device.ram, BANK_A), before, BANK_BYTES);
        package[i] ^= 0x24;
    }
    free(package);
}

/* --- A hostile cloud: head and signature are genuine, everything else is its own (docs/PACKAGE.md) --- */

/* Stands in for a signature: only the head that the product's owner made is signed. */
static bool only_the_genuine_head(const uint8_t *digest, const uint8_t *signature, const uint8_t *key)
{
    uint8_t genuine[TDM_SHA256_BYTES];

    (void)signature;
    (void)key;
    sha256(new.package.head, new.package.envelope.head_bytes, genuine);
    return memcmp(digest, genuine, sizeof genuine) == 0;
}

/* The genuine front and table of new, with a payload that makes image out of base; it claims old as its base.
 */
static uint8_t *forge(size_t *bytes, const uint8_t *image, const uint8_t *base)
{
    struct tdm_envelope envelope = new.package.envelope;
    size_t kept = (size_t)(new.package.payload - new.package.head);
    uint8_t *payload = NULL;
    size_t payload_bytes = 0;
    uint8_t *data;

    assert_int_equal(delta_encode(&payload, &payload_bytes, image, new.package.manifest.image_bytes, base,
                                  BASE_BYTES, NULL, NULL),
                     TDM_OK);
    envelope.encoding = TDM_ENCODING_LZMA_FRAMED;
    envelope.payload_bytes = (uint32_t)payload_bytes;
    memcpy(envelope.base_digest, old.package.manifest.image_digest, sizeof envelope.base_digest);
    *bytes = TDM_ENVELOPE_BYTES + kept + payload_bytes;
    data = malloc(*bytes);
    assert_non_null(data);
    tdm_envelope_build(&envelope, data);
    memcpy(data + TDM_ENVELOPE_BYTES, new.package.head, kept);
    memcpy(data + TDM_ENVELOPE_BYTES + kept, payload, payload_bytes);
    free(payload);
    return data;
}

/* It ends without another image to run: an error on the way, or the digest; the running bank is untouched. */
static void gains_nothing(const uint8_t *package, size_t bytes, bool decodes)
{
    static uint8_t before[BANK_BYTES];
    int front;
    int error;

    power_on(&device, 8, 0);
    device.config.trust.verify = only_the_genuine_head;
    memcpy(before, ram_flash_at(&device.ram, BANK_A), BANK_BYTES);
    front = prepare(&device, package, bytes);
    assert_true(front > 0);
    error = write_chunks(&device, package, (size_t)front, bytes, 256);
    if (decodes)
        assert_int_equal(error, TDM_OK);
    if (error == TDM_OK)
        error = tdm__install_verify(&device.mcu);
    assert_true(error == TDM_E_DIGEST || (!decodes && error == TDM_E_PAYLOAD));
    assert_int_equal(device.mcu.log.record.state, TDM_BOOT_RECEIVING);
    assert_memory_equal(ram_flash_at(&device.ram, BANK_A), before, BANK_BYTES);
    assert_int_equal(device.ram.violations, 0);
}

static void a_delta_that_yields_another_image_is_refused_by_its_digest(void **state)
{
    uint32_t image_bytes = new.package.manifest.image_bytes;
    uint8_t *image = malloc(image_bytes);
    uint8_t *package;
    size_t bytes;

    (void)state;
    assert_non_null(image);
    memcpy(image, new.package.payload, image_bytes);
    package = forge(&bytes, image, old.package.payload);
    power_on(&device, 8, 0);
    device.config.trust.verify = only_the_genuine_head;
    assert_int_equal(write_chunks(&device, package, (size_t)prepare(&device, package, bytes), bytes, 256),
                     TDM_OK);
    is_installed(&device); /* so the forgery is a good one but for what follows */
    free(package);
    for (uint32_t at = 8; at < image_bytes; at += image_bytes / 5) {
        image[at] ^= 1; /* one bit of code */
        package = forge(&bytes, image, old.package.payload);
        gains_nothing(package, bytes, true);
        free(package);
        image[at] ^= 1;
    }
    free(image);
}

static void a_forged_base_digest_ends_at_the_digest(void **state)
{
    uint8_t *other = malloc(BASE_BYTES);
    uint8_t *package;
    size_t bytes;

    (void)state;
    assert_non_null(other);
    firmware_like(other, BASE_BYTES, 99);
    package = forge(&bytes, new.package.payload, other);
    gains_nothing(package, bytes, false);
    free(package);
    memcpy(other, old.package.payload, BASE_BYTES);
    for (uint32_t at = 0; at < BASE_BYTES; at += 64) /* what the new image takes from it differs for sure */
        other[at] ^= 0x10;
    package = forge(&bytes, new.package.payload, other);
    gains_nothing(package, bytes, false);
    free(package);
    free(other);
}

static void a_head_that_was_not_signed_is_refused_whatever_its_payload(void **state)
{
    size_t bytes;
    uint8_t *package = encode(&bytes, true);
    uint32_t erases;

    (void)state;
    power_on(&device, 8, 0);
    device.config.trust.verify = only_the_genuine_head;
    erases = device.ram.erases;
    for (size_t i = 0; i < new.package.envelope.head_bytes; i++) {
        struct tdm_front *front = &device.mcu.front;
        struct tdm_trust trust = tdm__trust(&device.mcu);
        size_t used = 0;

        package[TDM_ENVELOPE_BYTES + i] ^= 1;
        tdm_front_init(front, device.work.front);
        assert_true(tdm_front_feed(front, &trust, package, bytes, &used) < 0);
        assert_false(front->complete);
        package[TDM_ENVELOPE_BYTES + i] ^= 1;
    }
    assert_int_equal(device.ram.erases, erases);
    free(package);
}

static void a_forged_table_is_refused_under_a_delta_too(void **state)
{
    size_t bytes;
    uint8_t *package = encode(&bytes, true);
    size_t table = (size_t)(new.package.table - new.bytes);

    (void)state;
    for (uint32_t i = 0; i < new.package.envelope.relocation_bytes; i += 7) {
        int front;

        power_on(&device, 8, 0);
        package[table + i] ^= 1;
        front = prepare(&device, package, bytes);
        assert_true(front > 0);
        assert_int_equal(write_chunks(&device, package, (size_t)front, bytes, 256), TDM_E_RELOCATIONS);
        package[table + i] ^= 1;
    }
    free(package);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packages_of_both_kinds_are_installed_in_either_bank),
        cmocka_unit_test(a_transfer_that_was_cut_off_goes_on_at_a_frame),
        cmocka_unit_test(a_delta_for_another_image_is_refused_before_anything_is_erased),
        cmocka_unit_test(without_a_decoder_it_is_refused_before_anything_is_erased),
        cmocka_unit_test(a_damaged_payload_never_verifies_and_stays_in_its_bank),
        cmocka_unit_test(a_delta_that_yields_another_image_is_refused_by_its_digest),
        cmocka_unit_test(a_forged_base_digest_ends_at_the_digest),
        cmocka_unit_test(a_head_that_was_not_signed_is_refused_whatever_its_payload),
        cmocka_unit_test(a_forged_table_is_refused_under_a_delta_too),
    };

    return cmocka_run_group_tests(tests, make_all, NULL);
}
