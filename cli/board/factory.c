/* tandem factory: the flash as it leaves the factory: bootloader, keys, a confirmed image in bank A, the boot
 * record. What core/ does on a device is done here by the same code on a flash in memory, and then the result
 * is verified as the bootloader will verify it. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/board/layout.h"
#include "cli/board/memory_flash.h"
#include "cli/package/container.h"
#include "cli/package/package.h"
#include "cli/package/sign.h"
#include "tandem/boot.h"
#include "tandem/relocate.h"

#define BANK_A 0

struct factory {
    const struct invocation *call;
    struct board_layout layout;
    struct tdm_key_set keys;
    struct package app;
    struct memory_flash memory;
};

static int fail_step(const char *what, int error)
{
    return output_fail(CLI_FAILED, "%s: %s", what, tdm_error_text(error));
}

/* --- What goes in --- */

static int fail_key(const struct factory *factory, const char *path)
{
    const struct tdm_key_set *keys = &factory->keys;

    for (uint8_t slot = 0; slot < keys->count; slot++) {
        if (keys->key[slot].id == factory->app.key_id)
            return output_fail(CLI_FAILED,
                               "%s: revokes key slot %d, which is that of its own key: the device would not "
                               "start it again; give the keys in the order of the slots",
                               path, slot);
    }
    return output_fail(CLI_FAILED,
                       "%s: was signed with key %08" PRIx32
                       ", which is not among those given with --key: the "
                       "device would not start it; give that key, or pack it with one of these",
                       path, factory->app.key_id);
}

static int load_app(struct factory *factory)
{
    const char *path = option_text(factory->call, "app");
    int rc = package_open(&factory->app, path);
    int error;

    if (rc != CLI_OK)
        return rc;
    if (factory->app.envelope.encoding != TDM_ENCODING_PLAIN)
        return output_fail(
            CLI_FAILED, "%s: an encoded package; the factory image takes the plain one it was made of", path);
    error = package_check_signature(&factory->app, &factory->keys);
    if (error == TDM_E_KEY)
        return fail_key(factory, path);
    error = error == TDM_OK ? package_check_content(&factory->app, NULL) : error;
    return error == TDM_OK ? CLI_OK : package_fail(path, error);
}

static int put_bootloader(struct factory *factory)
{
    const char *path = option_text(factory->call, "bootloader");
    const struct tdm_region *region = &factory->layout.bootloader;
    struct file_bytes file;
    int rc;

    if (!path) {
        if (region->bytes != 0)
            output_warn("no --bootloader: its region at 0x%08" PRIx32 " stays erased", region->address);
        return CLI_OK;
    }
    rc = file_read(&file, path);
    if (rc == CLI_OK && container_name(&file))
        rc = output_fail(
            CLI_FAILED,
            "%s: %s, which no processor starts; give the .bin that `objcopy -O binary` makes of the ELF file",
            path, container_name(&file));
    if (rc == CLI_OK && file.size == 0)
        rc = output_fail(CLI_FAILED, "%s: is empty; build the bootloader again", path);
    if (rc == CLI_OK && file.size > region->bytes)
        rc = output_fail(CLI_FAILED,
                         "%s: %zu bytes, and the layout has %" PRIu32
                         " for the bootloader; give it more there, or a smaller one",
                         path, file.size, region->bytes);
    if (rc == CLI_OK) {
        int error = memory_flash_put(&factory->memory, region->address, file.data, file.size);
        rc = error == TDM_OK ? CLI_OK : fail_step(path, error);
    }
    file_free(&file);
    return rc;
}

static int put_keys(struct factory *factory)
{
    uint8_t page[TDM_KEY_PAGE_BYTES];
    int error;

    tdm_keys_build(&factory->keys, page);
    error = memory_flash_put(&factory->memory, factory->layout.places.keys_address, page, sizeof page);
    return error == TDM_OK ? CLI_OK : fail_step("the key page", error);
}

/* The image as it stands in bank A: relocated unless it was linked for there. */
static int relocate(const struct factory *factory, uint8_t *image)
{
    const struct tdm_manifest *manifest = &factory->app.manifest;
    uint32_t bank = factory->layout.places.bank[BANK_A].address;
    struct tdm_relocations cursor;
    int error;

    memcpy(image, factory->app.payload, manifest->image_bytes);
    if (manifest->link_address == TDM_LINK_ANYWHERE || manifest->link_address == bank)
        return TDM_OK;
    if (manifest->relocation_count == 0)
        return TDM_E_LINK_ADDRESS;
    error = tdm_relocations_seek(&cursor, package_read_table, (void *)factory->app.relocations, manifest, 0);
    if (error != TDM_OK)
        return error;
    return tdm_relocations_apply(&cursor, bank - manifest->link_address, 0, image, manifest->image_bytes);
}

/* Image, table, header and mark of bank A. */
static int fill_bank(struct factory *factory, const struct tdm_bank_map *map)
{
    const struct tdm_manifest *manifest = &factory->app.manifest;
    const struct tdm_layout *places = &factory->layout.places;
    const struct tdm_flash *flash = &factory->memory.flash;
    uint8_t scratch[TDM_PACKAGE_FRONT_MAX];
    uint8_t *image = memory_take(manifest->image_bytes);
    int error = relocate(factory, image);

    if (error == TDM_OK)
        error = memory_flash_put(&factory->memory, map->image, image, manifest->image_bytes);
    free(image);
    if (error == TDM_OK)
        error = memory_flash_put(&factory->memory, map->relocations, factory->app.relocations,
                                 manifest->relocation_bytes);
    if (error == TDM_OK)
        error = tdm_bank_header_program(places, BANK_A, flash, factory->app.head,
                                        factory->app.envelope.head_bytes, factory->app.signature, scratch);
    return error == TDM_OK ? tdm_bank_mark_program(manifest->image_digest, places, BANK_A, flash) : error;
}

/* Why bank A can't take the image. */
static int fail_app(const struct factory *factory, int error)
{
    const struct tdm_manifest *manifest = &factory->app.manifest;
    const struct tdm_layout *places = &factory->layout.places;

    switch (error) {
    case TDM_E_SIZE:
        return output_fail(CLI_FAILED,
                           "the image (%" PRIu32 " bytes) with its relocations (%" PRIu32
                           ") does not fit into bank A: %" PRIu32 " bytes, %" PRIu32
                           " of them for the header; make the bank larger, or the image smaller",
                           manifest->image_bytes, manifest->relocation_bytes, places->bank[BANK_A].bytes,
                           places->header_bytes);
    case TDM_E_LINK_ADDRESS:
        return output_fail(CLI_FAILED,
                           "the image is linked for 0x%08" PRIx32
                           " and carries no relocations; bank A is at 0x%08" PRIx32
                           ": link it for there, or pack it from an ELF file with --emit-relocs",
                           manifest->link_address, places->bank[BANK_A].address);
    default:
        return fail_step("bank A", error);
    }
}

static int put_app(struct factory *factory)
{
    struct tdm_bank_map map;
    int error =
        tdm_bank_map(&map, &factory->layout.places, BANK_A, &factory->memory.flash, &factory->app.manifest);

    error = error == TDM_OK ? fill_bank(factory, &map) : error;
    return error == TDM_OK ? CLI_OK : fail_app(factory, error);
}

static int put_record(struct factory *factory)
{
    struct tdm_record_log log;
    struct tdm_record record = {.state = TDM_BOOT_IDLE,
                                .active = BANK_A,
                                .target = TDM_NO_BANK,
                                .counter_floor = factory->app.manifest.counter,
                                .revoked_keys = factory->app.manifest.revoked_keys};
    int error = tdm_record_load(&log, &factory->memory.flash, &factory->layout.places);

    error = error == TDM_E_NO_RECORD ? tdm_record_append(&log, &record) : TDM_E_STATE;
    return error == TDM_OK ? CLI_OK : fail_step("the boot record", error);
}

/* --- What came out --- */

/* Reads the flash back as the bootloader does. */
static int check(const struct factory *factory)
{
    const struct tdm_layout *places = &factory->layout.places;
    const struct tdm_flash *flash = &factory->memory.flash;
    uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    struct tdm_manifest manifest;
    struct tdm_record_log log = {.found = false};
    struct tdm_key_set keys;
    struct tdm_trust trust = {.keys = &keys, .verify = tdm_p256_verify};
    int error = tdm_keys_load(&keys, flash, places->keys_address);

    error = error == TDM_OK ? tdm_record_load(&log, flash, places) : error;
    trust.revoked_keys = log.record.revoked_keys;
    error = error == TDM_OK ? tdm_bank_header(&manifest, places, BANK_A, flash, &trust, buffer) : error;
    error = error == TDM_OK ? tdm_bank_verify(&manifest, places, BANK_A, flash, NULL, NULL) : error;
    if (error == TDM_OK &&
        (log.record.active != BANK_A || !tdm_bank_mark_present(manifest.image_digest, places, BANK_A, flash)))
        error = TDM_E_STATE;
    return error == TDM_OK ? CLI_OK : fail_step("the flash image just made does not verify", error);
}

static int report(const struct factory *factory)
{
    const struct tdm_manifest *manifest = &factory->app.manifest;

    return show_fields(factory->call,
                       json_pack("{s:s, s:I, s:s, s:s, s:s, s:I, s:I}", "file",
                                 option_text(factory->call, "output"), "flash_bytes",
                                 (json_int_t)factory->layout.flash.bytes, "board", factory->layout.name,
                                 "type", manifest->type, "version", manifest->version, "keys",
                                 (json_int_t)factory->keys.count, "counter", (json_int_t)manifest->counter));
}

static int build(struct factory *factory)
{
    int rc = put_bootloader(factory);

    rc = rc == CLI_OK ? put_keys(factory) : rc;
    rc = rc == CLI_OK ? put_app(factory) : rc;
    rc = rc == CLI_OK ? put_record(factory) : rc;
    rc = rc == CLI_OK ? check(factory) : rc;
    if (rc == CLI_OK)
        rc = file_write_output(option_text(factory->call, "output"), factory->memory.bytes,
                               factory->layout.flash.bytes);
    return rc == CLI_OK ? report(factory) : rc;
}

static int run(const struct invocation *call)
{
    struct factory factory = {.call = call};
    int rc = layout_load(&factory.layout, option_text(call, "layout"));

    rc = rc == CLI_OK ? public_keys_load(&factory.keys, call) : rc;
    rc = rc == CLI_OK ? load_app(&factory) : rc;
    if (rc == CLI_OK) {
        memory_flash_open(&factory.memory, &factory.layout);
        rc = build(&factory);
        memory_flash_close(&factory.memory);
    }
    package_close(&factory.app);
    return rc;
}

static const struct option options[] = {
    {"layout", 0, "FILE.json", "the board's layout (docs/LAYOUT.md)", OPTION_REQUIRED},
    {"app", 0, "FILE.tdm", "the application, as `tandem pack` made it", OPTION_REQUIRED},
    {"key", 'k', "PUB.pem", "public key that the device trusts; one or two",
     OPTION_REQUIRED | OPTION_REPEATED},
    {"output", 'o', "FILE.bin", "the flash image", OPTION_REQUIRED},
    {"bootloader", 0, "FILE.bin", "the bootloader", 0},
    {0},
};

const struct command command_factory = {
    .name = "factory",
    .arguments = "",
    .summary = "make the flash image that a device leaves the factory with",
    .details =
        "The whole flash: bootloader, public keys, the application in bank A, confirmed, and the boot\n"
        "record; the rest is erased. The image is verified as the bootloader will verify it.\n",
    .options = options,
    .uses = USES_JSON,
    .run = run,
};
