#include "sim/firmware.h"

#include <bearssl.h>
#include <stdlib.h>
#include <string.h>

#include "tandem/relocate.h"

enum { KEY_ID = 7, WORD_BYTES = 4, TABLE_MAX = 64, BLOCK_BYTES = 4096 };

/* --- Keys --- */

enum { TRUSTED = 0x5A, OTHER = 0xA5 }; /* each byte of a private key */

static br_ec_private_key private_key(uint8_t byte, uint8_t scalar[32])
{
    memset(scalar, byte, 32);
    return (br_ec_private_key){.curve = BR_EC_secp256r1, .x = scalar, .xlen = 32};
}

void sim_firmware_keys(struct tdm_key_set *keys, bool real)
{
    uint8_t scalar[32], point[BR_EC_KBUF_PUB_MAX_SIZE];
    br_ec_private_key key = private_key(TRUSTED, scalar);

    memset(keys, 0, sizeof *keys);
    keys->count = 1;
    keys->key[0].id = KEY_ID;
    memset(keys->key[0].point, TRUSTED, sizeof keys->key[0].point);
    if (real) {
        (void)br_ec_compute_pub(br_ec_get_default(), NULL, point, &key);
        memcpy(keys->key[0].point, point + 1, sizeof keys->key[0].point); /* behind the "uncompressed" byte */
    }
}

static void sign_real(const uint8_t digest[TDM_SHA256_BYTES], uint8_t byte,
                      uint8_t signature[TDM_SIGNATURE_BYTES])
{
    uint8_t scalar[32];
    br_ec_private_key key = private_key(byte, scalar);

    (void)br_ecdsa_sign_raw_get_default()(br_ec_get_default(), &br_sha256_vtable, digest, &key, signature);
}

static void sign(const uint8_t digest[TDM_SHA256_BYTES], uint8_t key, uint8_t signature[TDM_SIGNATURE_BYTES])
{
    unsigned i;

    for (i = 0; i < TDM_SHA256_BYTES; i++) {
        signature[i] = digest[i];
        signature[TDM_SHA256_BYTES + i] = digest[i] ^ key;
    }
}

bool sim_firmware_verify(const uint8_t digest[TDM_SHA256_BYTES], const uint8_t signature[TDM_SIGNATURE_BYTES],
                         const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    uint8_t right[TDM_SIGNATURE_BYTES];

    sign(digest, key[0], right);
    return memcmp(right, signature, sizeof right) == 0;
}

/* --- Building --- */

static void store_u32(uint8_t *to, uint32_t value)
{
    unsigned i;

    for (i = 0; i < WORD_BYTES; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t load_u32(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

/* More than the relocation table of an image takes. */
static uint32_t table_room(uint32_t image_bytes)
{
    return TABLE_MAX + image_bytes / BLOCK_BYTES * WORD_BYTES;
}

/* What both banks take, with a table of TABLE_MAX bytes. */
static uint32_t room_for_image(const struct sim_layout *layout)
{
    const struct tdm_layout *places = &layout->places;
    uint32_t room = places->bank[0].bytes;

    if (!sim_layout_has_one_bank(layout) && room > places->bank[1].bytes)
        room = places->bank[1].bytes;
    room -= places->header_bytes;
    if (room < TABLE_MAX + 64)
        return 0;
    return room - TABLE_MAX;
}

static uint32_t image_bytes(const struct sim_terms *terms, const struct sim_image *image)
{
    uint32_t limit = terms->large ? SIM_LARGE_MAX : SIM_IMAGE_MAX;
    uint32_t room = room_for_image(terms->layout);

    if (image != NULL)
        return image->bytes <= room && table_room(image->bytes) - TABLE_MAX <= room - image->bytes
                   ? image->bytes
                   : 0;
    if (room == 0)
        return 0;
    room--; /* an odd size: the last program unit is not full */
    return room < limit ? room : limit - 1;
}

static uint32_t number_of(const char *version)
{
    uint32_t number = (uint32_t)strlen(version);

    while (*version != '\0')
        number = number * 31 + (uint8_t)*version++;
    return number;
}

/* Noise that differs by version, with a blank stretch. */
static void fill_noise(uint8_t *image, uint32_t bytes, uint32_t version)
{
    uint32_t random = version;
    uint32_t at;

    for (at = 0; at < bytes; at++) {
        random = random * 1664525u + 1013904223u;
        image[at] = at / 32 % 4 == 3 ? 0xFF : (uint8_t)(random >> 24);
    }
}

/* As code is: few kinds of lines with operands of their own. From a third on a version is moved by some
 * bytes, and one in eight differs. The middle of a large one is blank, since each operation makes 14 cases.
 */
static void fill_alike(uint8_t *image, uint32_t bytes, uint32_t version)
{
    enum { LINE = 16, KINDS = 11, BLANK_FROM = 2048, BLANK_TO = 15360, ONE_IN_8 = 32 };
    uint32_t at;

    for (at = 0; at < bytes; at++) {
        uint32_t from = at < bytes / 3 ? at : at + LINE * 4 - version % (LINE * 4);
        uint32_t line = (from / LINE + 1) * 2654435761u;
        uint32_t kind = (line >> 8) % KINDS * LINE + from % LINE;

        image[at] = (uint8_t)(from % LINE == 5 ? line >> 16 : kind * 2654435761u >> 24);
        if ((at + version) * 2654435761u >> 24 < ONE_IN_8)
            image[at] ^= (uint8_t)((at + version) * 2246822519u >> 24);
        if (from / LINE % 16 == 15 || (at >= BLANK_FROM && at < BLANK_TO))
            image[at] = 0xFF;
    }
}

/* Words that point into the image; the first one is its link address. */
static void add_sites(struct sim_firmware *firmware, uint8_t *image)
{
    uint32_t link_address = firmware->manifest.link_address;
    uint32_t bytes = firmware->manifest.image_bytes;
    uint32_t at = 0;

    firmware->sites = 0;
    for (; firmware->sites < SIM_SITES && at + WORD_BYTES <= bytes; at += bytes / SIM_SITES & ~3u) {
        firmware->site[firmware->sites++] = at;
        store_u32(image + at, link_address + at / 2);
    }
}

/* The bank that takes the first update. */
static uint32_t target_address(const struct sim_layout *layout)
{
    return layout->places.bank[sim_layout_has_one_bank(layout) ? 0 : 1].address;
}

static void describe(struct sim_firmware *firmware, enum sim_file file, const struct sim_terms *terms,
                     const struct sim_image *image)
{
    const struct sim_layout *layout = terms->layout;
    struct tdm_manifest *manifest = &firmware->manifest;
    const struct sim_recipe *recipe = &firmware->recipe;

    memset(manifest, 0, sizeof *manifest);
    memcpy(manifest->type, recipe->damage == SIM_OTHER_TYPE ? "else" : SIM_TYPE, sizeof SIM_TYPE);
    memcpy(manifest->version, recipe->version, strlen(recipe->version) + 1);
    memcpy(manifest->hardware, recipe->damage == SIM_OTHER_HARDWARE ? "sun" : SIM_HARDWARE,
           sizeof SIM_HARDWARE);
    manifest->counter = recipe->counter;
    manifest->link_address = layout->places.bank[0].address;
    manifest->image_bytes = image_bytes(terms, image);
    if (file == SIM_BIN && recipe->damage != SIM_OTHER_BANK)
        manifest->link_address = target_address(layout);
}

static bool add_table(struct sim_firmware *firmware, uint8_t *table)
{
    struct tdm_manifest *manifest = &firmware->manifest;
    long bytes = tdm_relocations_encode(firmware->site, firmware->sites, manifest->image_bytes, table,
                                        table_room(manifest->image_bytes));

    if (bytes < 0)
        return false;
    manifest->relocation_bytes = (uint32_t)bytes;
    manifest->relocation_count = firmware->sites;
    tdm_sha256(table, manifest->relocation_bytes, manifest->relocation_digest);
    return true;
}

/* Envelope, head, signature; what follows is appended. */
static bool add_front(struct sim_firmware *firmware, bool is_signed, bool real)
{
    struct tdm_envelope envelope = {.encoding = TDM_ENCODING_PLAIN};
    uint8_t *head = firmware->package + TDM_ENVELOPE_BYTES;
    uint8_t digest[TDM_SHA256_BYTES];
    int bytes = tdm_head_build(&firmware->manifest, "", is_signed ? KEY_ID : 0, head,
                               TDM_PACKAGE_FRONT_MAX - TDM_ENVELOPE_BYTES - TDM_SIGNATURE_BYTES);

    if (bytes < 0)
        return false;
    firmware->head_bytes = (uint32_t)bytes;
    tdm_sha256(head, firmware->head_bytes, digest);
    memset(head + bytes, 0, TDM_SIGNATURE_BYTES);
    if (is_signed)
        (real ? sign_real : sign)(digest, firmware->recipe.damage == SIM_OTHER_KEY ? OTHER : TRUSTED,
                                  head + bytes);
    envelope.head_bytes = (uint16_t)bytes;
    envelope.relocation_bytes = firmware->manifest.relocation_bytes;
    envelope.payload_bytes = firmware->manifest.image_bytes;
    tdm_envelope_build(&envelope, firmware->package);
    firmware->table = TDM_ENVELOPE_BYTES + firmware->head_bytes + TDM_SIGNATURE_BYTES;
    firmware->image = firmware->table + firmware->manifest.relocation_bytes;
    firmware->bytes = firmware->image + firmware->manifest.image_bytes;
    return true;
}

static void damage(struct sim_firmware *firmware)
{
    switch (firmware->recipe.damage) {
    case SIM_BAD_SIGNATURE:
        firmware->package[TDM_ENVELOPE_BYTES + firmware->head_bytes + 5] ^= 1;
        break;
    case SIM_BAD_TABLE:
        firmware->package[firmware->image - 1] ^= 1;
        break;
    case SIM_BAD_IMAGE:
        firmware->package[firmware->bytes - 20] ^= 1;
        break;
    default:
        break;
    }
}

/* The package of an image that is far enough behind its beginning. */
static bool wrap(struct sim_firmware *firmware, const uint8_t *image, bool is_signed, bool real)
{
    uint8_t *table = firmware->package + TDM_PACKAGE_FRONT_MAX;

    tdm_sha256(image, firmware->manifest.image_bytes, firmware->manifest.image_digest);
    if (!add_table(firmware, table) || !add_front(firmware, is_signed, real))
        return false;
    memmove(firmware->package + firmware->table, table, firmware->manifest.relocation_bytes);
    memmove(firmware->package + firmware->image, image, firmware->manifest.image_bytes);
    return true;
}

bool sim_firmware_build(struct sim_firmware *firmware, const struct sim_recipe *recipe, enum sim_file file,
                        const struct sim_terms *terms, const struct sim_image *image,
                        const struct sim_firmware *before)
{
    uint32_t bytes;
    uint8_t *content;

    memset(firmware, 0, sizeof *firmware);
    firmware->recipe = *recipe;
    describe(firmware, file, terms, image);
    bytes = firmware->manifest.image_bytes;
    firmware->package = malloc(TDM_PACKAGE_FRONT_MAX + table_room(bytes) + bytes);
    if (bytes == 0 || firmware->package == NULL)
        return false;
    content = firmware->package + TDM_PACKAGE_FRONT_MAX + table_room(bytes);
    if (image != NULL)
        memcpy(content, image->data, bytes);
    else
        (terms->alike ? fill_alike : fill_noise)(content, bytes, number_of(recipe->version));
    add_sites(firmware, content);
    if (file == SIM_BIN) { /* there is nobody to relocate it */
        firmware->sites = 0;
    }
    if (!wrap(firmware, content, file != SIM_BIN, terms->real_signatures))
        return false;
    damage(firmware);
    return sim_firmware_ship(firmware, file, before);
}

void sim_firmware_close(struct sim_firmware *firmware)
{
    free(firmware->encoded);
    free(firmware->package);
    firmware->encoded = NULL;
    firmware->package = NULL;
}

bool sim_firmware_may_run(const struct sim_firmware *firmware)
{
    return firmware->recipe.damage < SIM_OTHER_BANK;
}

/* --- In a bank --- */

/* Byte at offset of the image as it stands in a bank that starts at address. */
static uint8_t placed(const struct sim_firmware *firmware, uint32_t address, uint32_t offset)
{
    const uint8_t *image = firmware->package + firmware->image;
    unsigned i;

    for (i = 0; i < firmware->sites; i++) {
        uint32_t at = offset - firmware->site[i];

        if (at < WORD_BYTES) {
            uint32_t word = load_u32(image + firmware->site[i]) + address - firmware->manifest.link_address;

            return (uint8_t)(word >> 8 * at);
        }
    }
    return image[offset];
}

bool sim_firmware_is(const struct sim_firmware *firmware, uint32_t address, const uint8_t *bytes)
{
    const uint8_t *image = firmware->package + firmware->image;
    uint32_t end = firmware->manifest.image_bytes;
    uint32_t at = 0;
    unsigned i;

    for (i = 0; i < firmware->sites; i++) {
        uint32_t site = firmware->site[i];

        if (memcmp(bytes + at, image + at, site - at) != 0 ||
            load_u32(bytes + site) != load_u32(image + site) + address - firmware->manifest.link_address)
            return false;
        at = site + WORD_BYTES;
    }
    return memcmp(bytes + at, image + at, end - at) == 0;
}

static uint32_t whole_units(uint32_t bytes, uint32_t unit)
{
    return (bytes + unit - 1) / unit * unit;
}

/* docs/PACKAGE.md, "In the bank". */
void sim_firmware_place(const struct sim_firmware *firmware, struct sim_flash *flash,
                        const struct sim_layout *layout, uint8_t bank, bool marked)
{
    const struct tdm_region *region = &layout->places.bank[bank];
    uint32_t header = region->address + region->bytes - layout->places.header_bytes;
    uint32_t mark_bytes = whole_units(TDM_MARK_BYTES, layout->program_bytes);
    uint8_t prefix[TDM_STORED_PREFIX_BYTES] = {'T', 'D', 'M', 'B'};
    uint8_t mark[TDM_MARK_BYTES] = {'T', 'D', 'M', 'C'};
    uint32_t at;

    for (at = 0; at < firmware->manifest.image_bytes; at++) {
        uint8_t byte = placed(firmware, region->address, at);

        sim_flash_set(flash, region->address + at, &byte, 1);
    }
    sim_flash_set(flash, header - whole_units(firmware->manifest.relocation_bytes, layout->program_bytes),
                  firmware->package + firmware->table, firmware->manifest.relocation_bytes);
    prefix[4] = (uint8_t)firmware->head_bytes;
    prefix[5] = (uint8_t)(firmware->head_bytes >> 8);
    sim_flash_set(flash, header, prefix, sizeof prefix);
    sim_flash_set(flash, header + sizeof prefix, firmware->package + TDM_ENVELOPE_BYTES,
                  firmware->head_bytes + TDM_SIGNATURE_BYTES);
    memcpy(mark + 4, firmware->manifest.image_digest, sizeof mark - 4);
    if (marked)
        sim_flash_set(flash, region->address + region->bytes - mark_bytes, mark, sizeof mark);
}
