#include "cli/package/content.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/package/container.h"
#include "tandem/relocate.h"

#define IMAGE_BYTES_MIN  4
#define VECTOR_BYTES     8 /* initial stack pointer and reset vector */
#define SITE_BYTES_MAX   2 /* of a site in the table */
#define RESET_VECTOR     4
#define REVOKED_SLOT_MAX (TDM_KEY_SLOTS - 1)

/* --- The image --- */

static int load_other(struct elf_image *other, const struct invocation *call)
{
    const char *path = option_text(call, "check-with");
    struct file_bytes file;
    int rc = file_read(&file, path);

    if (rc == CLI_OK && !elf_is_elf(&file))
        rc = output_fail(CLI_FAILED,
                         "%s: not an ELF file; --check-with takes the same program linked for "
                         "another address",
                         path);
    rc = rc == CLI_OK ? elf_image_load(other, &file, path, false, NULL) : rc;
    file_free(&file);
    return rc;
}

static int load_elf(struct content *content, const struct invocation *call)
{
    struct elf_image other = {.bytes = NULL};
    bool with_sites = !option_given(call, "position-independent") && !option_given(call, "fixed");
    bool compare = option_given(call, "check-with");
    int rc = CLI_OK;

    if (option_given(call, "link-address"))
        return output_fail(CLI_USAGE, "--link-address is for a .bin; an ELF file says where it is linked");
    if (compare && !with_sites)
        return output_fail(CLI_USAGE, "--check-with checks relocations, and this package is to have none");
    rc = compare ? load_other(&other, call) : CLI_OK;
    if (rc == CLI_OK)
        rc = elf_image_load(&content->image, &content->file, content->path, with_sites,
                            compare ? &other : NULL);
    if (rc == CLI_OK && compare)
        rc = elf_image_compare(&content->image, &other, option_text(call, "check-with"));
    elf_image_free(&other);
    return rc;
}

static int load_bin(struct content *content, const struct invocation *call)
{
    bool has_address = option_given(call, "link-address");

    if (has_address == option_given(call, "position-independent"))
        return output_fail(CLI_USAGE,
                           "%s: a .bin does not say where it runs: give --link-address, or "
                           "--position-independent if it runs anywhere; from an ELF file that is linked with "
                           "-Wl,--emit-relocs comes a package that runs in both banks",
                           content->path);
    if (option_given(call, "check-with") || option_given(call, "fixed"))
        return output_fail(CLI_USAGE, "--check-with and --fixed are for ELF files");
    content->image.bytes = content->file.data;
    content->image.size = (uint32_t)content->file.size;
    content->file.data = NULL; /* the image's now */
    return option_number(call, "link-address", TDM_LINK_ANYWHERE - 1, &content->image.link_address);
}

static int load_image(struct content *content, const struct invocation *call)
{
    int rc = file_read(&content->file, content->path);

    rc = rc == CLI_OK ? container_refuse(&content->file, content->path) : rc;
    if (rc != CLI_OK)
        return rc;
    content->is_elf = elf_is_elf(&content->file);
    rc = content->is_elf ? load_elf(content, call) : load_bin(content, call);
    if (rc == CLI_OK && content->image.size < IMAGE_BYTES_MIN)
        return output_fail(CLI_FAILED, "%s: too small to be a firmware (%u bytes)", content->path,
                           content->image.size);
    return rc;
}

/* --- Who it is --- */

/* Takes a value from its option, from the image's tag, or from both if they agree. */
static int take_value(const struct invocation *call, const char *option, const char *tagged, bool has_tag,
                      char to[TDM_TAG_VALUE_MAX + 1])
{
    const char *given = option_text(call, option);

    if (given && has_tag && strcmp(given, tagged) != 0)
        return output_fail(CLI_FAILED,
                           "--%s %s differs from the firmware tag in %s, which says \"%s\"; leave "
                           "the option out, or build the firmware with that value",
                           option, given, call->argument[0], tagged);
    if (given && (given[0] == '\0' || strlen(given) > TDM_TAG_VALUE_MAX))
        return output_fail(CLI_USAGE, "--%s \"%s\": must have 1 to %d characters", option, given,
                           TDM_TAG_VALUE_MAX);
    if (!given && has_tag)
        given = tagged;
    if (!given && strcmp(option, "build") != 0)
        return output_fail(CLI_USAGE,
                           "%s holds no firmware tag: put one in with TDM_FIRMWARE_TAG (tandem/tag.h), and "
                           "KEEP(*(.rodata.tandem_tag)) in the linker script; or give --type and --version",
                           call->argument[0]);
    memcpy(to, given ? given : "", strlen(given ? given : "") + 1);
    return CLI_OK;
}

/* What the device says at run time is what the tag says: options can't mend one. */
static int check_tag(const struct content *content)
{
    const char *lacking = content->tag.version[0] == '\0' ? "mcu"
                          : content->tag.type[0] == '\0'  ? "fw-type"
                                                          : NULL;

    if (lacking != NULL)
        return output_fail(
            CLI_FAILED,
            "%s: its firmware tag has no %s; a tag needs mcu and fw-type: put a whole one in with "
            "TDM_FIRMWARE_TAG (tandem/tag.h)",
            content->path, lacking);
    return CLI_OK;
}

/* Scanners take the first tag; firmware that was linked with another may say that one at run time. */
static void warn_of_another_tag(const struct content *content, size_t first)
{
    const struct elf_image *image = &content->image;
    size_t start = first + 1;
    struct tdm_tag other;
    long offset = tdm_tag_find(&other, image->bytes + start, image->size - start);

    if (offset >= 0 &&
        (strcmp(other.version, content->tag.version) != 0 || strcmp(other.type, content->tag.type) != 0))
        output_warn("%s holds two firmware tags: type %s, version %s at %zu, which counts, and type %s, "
                    "version %s at %zu; "
                    "what it says in setFirmwareInfo must be the first",
                    content->path, content->tag.type, content->tag.version, first, other.type, other.version,
                    start + (size_t)offset);
}

static int take_names(struct content *content, const struct invocation *call)
{
    struct tdm_manifest *manifest = &content->manifest;
    struct tdm_tag *tag = &content->tag;
    const char *hardware = option_text(call, "hardware");
    long tag_at = tdm_tag_find(tag, content->image.bytes, content->image.size);
    bool has_tag = tag_at >= 0;
    int rc = has_tag ? check_tag(content) : CLI_OK;

    rc = rc == CLI_OK ? take_value(call, "type", tag->type, has_tag, manifest->type) : rc;
    rc = rc == CLI_OK ? take_value(call, "version", tag->version, has_tag, manifest->version) : rc;
    rc = rc == CLI_OK ? take_value(call, "build", tag->build, has_tag, manifest->build) : rc;
    if (rc != CLI_OK)
        return rc;
    if (has_tag) {
        warn_of_another_tag(content, (size_t)tag_at);
    } else {
        memset(tag, 0, sizeof *tag);
        output_warn("%s holds no firmware tag; what it says in setFirmwareInfo must be type %s, version %s, "
                    "build \"%s\"",
                    content->path, manifest->type, manifest->version, manifest->build);
    }
    if (hardware[0] == '\0' || strlen(hardware) > TDM_HARDWARE_MAX)
        return output_fail(CLI_USAGE, "--hardware \"%s\": must have 1 to %d characters", hardware,
                           TDM_HARDWARE_MAX);
    memcpy(manifest->hardware, hardware, strlen(hardware) + 1);
    return CLI_OK;
}

/* --- What it is --- */

/* The processor starts at the vector table: a package that can't start is not made. */
static int check_vectors(const struct content *content)
{
    const struct elf_image *image = &content->image;
    const struct tdm_manifest *manifest = &content->manifest;
    const uint8_t *at = image->bytes + manifest->entry + RESET_VECTOR;
    uint32_t reset = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;

    if (manifest->link_address == TDM_LINK_ANYWHERE)
        return CLI_OK;
    if ((reset & 1) == 0 || reset - image->link_address >= image->size)
        return output_fail(CLI_FAILED,
                           "%s: the reset vector at 0x%08x is 0x%08x, no Thumb address inside of the image; "
                           "say with --entry where the vector table is, and place it there in the linker "
                           "script",
                           content->path, image->link_address + manifest->entry + RESET_VECTOR, reset);
    return CLI_OK;
}

static int take_numbers(struct content *content, const struct invocation *call)
{
    struct tdm_manifest *manifest = &content->manifest;
    uint32_t slot = 0;
    int rc = option_number(call, "counter", UINT32_MAX, &manifest->counter);

    rc = rc == CLI_OK ? option_number(call, "entry", UINT32_MAX, &manifest->entry) : rc;
    rc = rc == CLI_OK ? option_number(call, "revoke-slot", REVOKED_SLOT_MAX, &slot) : rc;
    if (rc != CLI_OK)
        return rc;
    manifest->image_bytes = content->image.size;
    manifest->link_address =
        option_given(call, "position-independent") ? TDM_LINK_ANYWHERE : content->image.link_address;
    manifest->revoked_keys = option_given(call, "revoke-slot") ? (uint8_t)(1u << slot) : 0;
    if (manifest->entry % 4 != 0 || manifest->image_bytes < VECTOR_BYTES ||
        manifest->entry > manifest->image_bytes - VECTOR_BYTES)
        return output_fail(CLI_FAILED,
                           "%s: --entry 0x%x: the vector table lies at a multiple of 4, inside of the image "
                           "(%u bytes)",
                           content->path, manifest->entry, manifest->image_bytes);
    return check_vectors(content);
}

static int make_table(struct content *content)
{
    const struct elf_image *image = &content->image;
    struct tdm_manifest *manifest = &content->manifest;
    size_t blocks = image->size / TDM_RELOCATION_BLOCK + 1;
    size_t room = blocks * sizeof(uint32_t) + (size_t)image->site_count * SITE_BYTES_MAX;
    long bytes;

    content->table = memory_take(room);
    bytes = tdm_relocations_encode(image->sites, image->site_count, image->size, content->table, room);
    if (bytes < 0)
        return output_fail(CLI_FAILED, "%s: relocations: %s", content->path, tdm_error_text((int)bytes));
    manifest->relocation_bytes = (uint32_t)bytes;
    manifest->relocation_count = image->site_count;
    tdm_sha256(content->table, (size_t)bytes, manifest->relocation_digest);
    tdm_sha256(image->bytes, image->size, manifest->image_digest);
    return CLI_OK;
}

int content_load(struct content *content, const struct invocation *call)
{
    int rc;

    *content = (struct content){.path = call->argument[0]};
    rc = load_image(content, call);
    rc = rc == CLI_OK ? take_names(content, call) : rc;
    rc = rc == CLI_OK ? take_numbers(content, call) : rc;
    return rc == CLI_OK ? make_table(content) : rc;
}

void content_free(struct content *content)
{
    elf_image_free(&content->image);
    free(content->table);
    file_free(&content->file);
}
