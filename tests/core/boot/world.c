#include "tests/core/boot/world.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct world *running_world; /* the verify hook has no context */

/* --- Images --- */

static void sha256(const void *data, size_t bytes, uint8_t digest[TDM_SHA256_BYTES])
{
    struct tdm_hash hash;

    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, data, bytes);
    tdm_sha256_result(&hash, digest);
}

static bool fake_verify(const uint8_t digest[TDM_SHA256_BYTES], const uint8_t signature[TDM_SIGNATURE_BYTES],
                        const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    assert_true(running_world->watchdog_armed);
    return key[0] == 4 && memcmp(signature, digest, TDM_SHA256_BYTES) == 0 &&
           memcmp(signature + TDM_SHA256_BYTES, digest, TDM_SHA256_BYTES) == 0;
}

void image_build(struct image *image)
{
    struct tdm_manifest *m = &image->manifest;
    int head_bytes;
    size_t i;

    memset(m, 0, sizeof *m);
    for (i = 0; i < sizeof image->payload; i++)
        image->payload[i] = (uint8_t)(i * 7 + (uint8_t)image->version[i % strlen(image->version)]);
    strcpy(m->type, "demo");
    strcpy(m->version, image->version);
    strcpy(m->hardware, "ram");
    m->image_bytes = sizeof image->payload;
    sha256(image->payload, sizeof image->payload, m->image_digest);
    sha256("", 0, m->relocation_digest);
    m->counter = image->counter;
    m->link_address = TDM_LINK_ANYWHERE;
    m->entry = 8;
    m->revoked_keys = image->revoked_keys;
    head_bytes = tdm_head_build(m, "", 1, image->head, sizeof image->head);
    assert_true(head_bytes > 0);
    image->head_bytes = (size_t)head_bytes;
    sha256(image->head, image->head_bytes, image->signature);
    memcpy(image->signature + TDM_SHA256_BYTES, image->signature, TDM_SHA256_BYTES);
}

/* --- Configuration --- */

static int check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                       uint32_t address)
{
    struct world *world = ctx;

    assert_ptr_equal(flash, &world->ram.flash);
    assert_int_equal(address, bank->address + 8);
    world->feeds_when_checked = world->feeds;
    return world->vector_result;
}

static void arm_watchdog(void *ctx)
{
    ((struct world *)ctx)->watchdog_armed = true;
}

static void feed_watchdog(void *ctx)
{
    ((struct world *)ctx)->feeds++;
}

static void bind(struct world *world)
{
    world->ram.flash.ctx = &world->ram;
    world->config.flash = &world->ram.flash;
    world->config.layout = &world->layout;
    world->config.trust.keys = &world->keys;
    world->config.ctx = world;
}

void world_init(struct world *world, uint32_t erase_bytes, uint32_t program_bytes, bool program_once)
{
    static const struct tdm_layout layout = {
        .record = {{WORLD_BASE, 1024}, {WORLD_BASE + 1024, 1024}},
        .bank = {{WORLD_BASE + 2048, 3072}, {WORLD_BASE + 5120, 3072}},
        .header_bytes = 1024,
    };

    memset(world, 0, sizeof *world);
    ram_flash_init(&world->ram, WORLD_BASE, erase_bytes, program_bytes, program_once);
    world->layout = layout;
    world->keys.count = 2;
    world->keys.key[0].id = 1;
    world->keys.key[0].point[0] = 4;
    world->keys.key[1].id = 2;
    world->keys.key[1].point[0] = 4;
    world->config.trust.verify = fake_verify;
    world->config.attempts = WORLD_ATTEMPTS;
    world->config.soft_limit = 2;
    world->config.check_image = check_image;
    world->config.arm_watchdog = arm_watchdog;
    world->config.feed_watchdog = feed_watchdog;
    bind(world);
}

void world_copy(struct world *to, const struct world *from)
{
    *to = *from;
    bind(to);
}

/* --- Banks --- */

static uint32_t header_at(const struct world *world, uint8_t bank)
{
    const struct tdm_region *region = &world->layout.bank[bank];

    return region->address + region->bytes - world->layout.header_bytes;
}

/* docs/PACKAGE.md, "In the bank". */
static size_t stored_header(const struct image *image, uint8_t *to)
{
    memcpy(to, "TDMB", 4);
    to[4] = (uint8_t)image->head_bytes;
    to[5] = (uint8_t)(image->head_bytes >> 8);
    to[6] = 0;
    to[7] = 0;
    memcpy(to + 8, image->head, image->head_bytes);
    memcpy(to + 8 + image->head_bytes, image->signature, TDM_SIGNATURE_BYTES);
    return 8 + image->head_bytes + TDM_SIGNATURE_BYTES;
}

static uint32_t mark_at(const struct world *world, uint8_t bank, const struct image *image, uint8_t mark[16])
{
    uint32_t unit = world->ram.flash.program_bytes;

    memcpy(mark, "TDMC", 4);
    memcpy(mark + 4, image->manifest.image_digest, 12);
    return world->layout.bank[bank].address + world->layout.bank[bank].bytes - (unit > 16 ? unit : 16);
}

void world_place(struct world *world, uint8_t bank, const struct image *image, bool marked)
{
    uint8_t header[1024], mark[16];
    uint32_t header_bytes = (uint32_t)stored_header(image, header);
    uint32_t mark_address = mark_at(world, bank, image, mark);

    ram_flash_blank(&world->ram, &world->layout.bank[bank]);
    ram_flash_set(&world->ram, world->layout.bank[bank].address, image->payload, sizeof image->payload);
    ram_flash_set(&world->ram, header_at(world, bank), header, header_bytes);
    if (marked)
        ram_flash_set(&world->ram, mark_address, mark, sizeof mark);
}

bool world_holds(const struct world *world, uint8_t bank, const struct image *image)
{
    uint8_t header[1024];
    size_t header_bytes = stored_header(image, header);

    return memcmp(ram_flash_at(&world->ram, world->layout.bank[bank].address), image->payload,
                  sizeof image->payload) == 0 &&
           memcmp(ram_flash_at(&world->ram, header_at(world, bank)), header, header_bytes) == 0;
}

bool world_is_marked(const struct world *world, uint8_t bank, const struct image *image)
{
    uint8_t mark[16];
    uint32_t address = mark_at(world, bank, image, mark);

    return memcmp(ram_flash_at(&world->ram, address), mark, sizeof mark) == 0;
}

static void flip(struct world *world, uint32_t address)
{
    uint8_t byte = *ram_flash_at(&world->ram, address) ^ 0x10;

    ram_flash_set(&world->ram, address, &byte, 1);
}

void world_rot_image(struct world *world, uint8_t bank)
{
    flip(world, world->layout.bank[bank].address + 333);
}

void world_rot_header(struct world *world, uint8_t bank)
{
    flip(world, header_at(world, bank) + 100);
}

/* --- Record, starts, updates --- */

struct tdm_record_log world_log(struct world *world)
{
    struct tdm_record_log log;
    int result = tdm_record_load(&log, &world->ram.flash, &world->layout);

    assert_true(result == TDM_OK || result == TDM_E_NO_RECORD);
    return log;
}

void world_record(struct world *world, const struct tdm_record *record)
{
    struct tdm_record_log log = world_log(world);

    assert_int_equal(tdm_record_append(&log, record), TDM_OK);
}

const struct tdm_boot_choice *world_start(struct world *world, enum tdm_reset_cause cause)
{
    running_world = world;
    world->watchdog_armed = false;
    tdm_boot_choose(&world->choice, &world->config, cause, world->buffer);
    return &world->choice;
}

static void erase_bank(struct world *world, uint8_t bank)
{
    const struct tdm_flash *flash = &world->ram.flash;
    const struct tdm_region *region = &world->layout.bank[bank];
    uint32_t address = header_at(world, bank);
    uint32_t left = region->bytes;

    while (left > 0) { /* the header first */
        assert_int_equal(flash->ops->erase(flash->ctx, address), TDM_OK);
        address += flash->erase_bytes;
        left -= flash->erase_bytes;
        if (address == region->address + region->bytes)
            address = region->address;
    }
}

static void program_payload(struct world *world, uint8_t bank, const struct image *image)
{
    const struct tdm_flash *flash = &world->ram.flash;
    uint32_t at;

    for (at = 0; at < WORLD_IMAGE_BYTES; at += 256) {
        uint8_t piece[256];
        uint32_t bytes = WORLD_IMAGE_BYTES - at < 256 ? WORLD_IMAGE_BYTES - at : 256;

        memset(piece, 0xFF, sizeof piece);
        memcpy(piece, image->payload + at, bytes);
        bytes = (bytes + flash->program_bytes - 1) / flash->program_bytes * flash->program_bytes;
        assert_int_equal(flash->ops->program(flash->ctx, world->layout.bank[bank].address + at, piece, bytes),
                         TDM_OK);
    }
}

void world_install(struct world *world, uint8_t running, const struct image *image)
{
    struct tdm_record_log log = world_log(world);
    uint8_t target = 1 - running;

    assert_int_equal(tdm_boot_begin(&log, running, image->manifest.image_digest), TDM_OK);
    erase_bank(world, target);
    assert_int_equal(tdm_boot_receiving(&log), TDM_OK);
    assert_int_equal(tdm_bank_header_program(&world->layout, target, &world->ram.flash, image->head,
                                             image->head_bytes, image->signature, world->buffer),
                     TDM_OK);
    program_payload(world, target, image);
    assert_int_equal(tdm_boot_pending(&log, WORLD_ATTEMPTS), TDM_OK);
}
