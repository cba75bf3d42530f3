/* The manifest: a list of fields in ascending order of type. One table says what each field is, and serves
 * reading and writing; what fields owe each other is in consistent(). */
#include "core/image/manifest.h"

#include <string.h>

#include "core/image/bytes.h"
#include "tandem/relocate.h"

#define CRITICAL 0x80 /* types below must be known */

/* A value is words little-endian u32, then plain bytes; both fill the manifest from offset on without a gap.
 */
struct field {
    uint8_t type;
    uint8_t min;
    uint8_t max;
    uint8_t words;
    uint16_t offset;
};

#define MEMBER(name) ((uint16_t)offsetof(struct tdm_manifest, name))

static const struct field fields[] = {
    {1, 1, TDM_TAG_VALUE_MAX, 0, MEMBER(type)},
    {2, 1, TDM_TAG_VALUE_MAX, 0, MEMBER(version)},
    {3, 0, TDM_TAG_VALUE_MAX, 0, MEMBER(build)},
    {4, 1, TDM_HARDWARE_MAX, 0, MEMBER(hardware)},
    {5, 36, 36, 1, MEMBER(image_bytes)},
    {6, 40, 40, 2, MEMBER(relocation_bytes)},
    {7, 4, 4, 1, MEMBER(counter)},
    {8, 4, 4, 1, MEMBER(link_address)},
    {9, 4, 4, 1, MEMBER(entry)},
    {10, 1, 1, 0, MEMBER(revoked_keys)},
};
#define FIELDS (sizeof fields / sizeof fields[0])
#define TEXTS  4 /* the first fields are texts */

typedef char image_is_gapless[MEMBER(image_digest) == MEMBER(image_bytes) + 4 ? 1 : -1];
typedef char relocations_are_gapless[MEMBER(relocation_digest) == MEMBER(relocation_bytes) + 8 ? 1 : -1];

/* Blocks of 4096 bytes, the last one maybe short: entries in the relocation table's index. */
static uint32_t relocation_blocks(const struct tdm_manifest *manifest)
{
    return (manifest->image_bytes - 1) / TDM_RELOCATION_BLOCK + 1;
}

/* A code takes one or two bytes, an index entry four. Nothing here overflows: count is below 2^30. */
static bool relocations_consistent(const struct tdm_manifest *m)
{
    uint32_t index = 4 * relocation_blocks(m);
    uint32_t count = m->relocation_count;

    if (count == 0)
        return m->relocation_bytes == 0;
    return m->link_address != TDM_LINK_ANYWHERE && count <= m->image_bytes / 4 &&
           m->relocation_bytes >= index + count && m->relocation_bytes <= index + 2 * count;
}

/* What no single field can say. An image that would revoke all keys could never be followed by another. */
static bool consistent(const struct tdm_manifest *m)
{
    return m->image_bytes >= 8 && m->entry % 4 == 0 && m->entry <= m->image_bytes - 8 &&
           m->revoked_keys < (1 << TDM_KEY_SLOTS) - 1 && relocations_consistent(m);
}

static bool printable(const uint8_t *text, size_t bytes)
{
    while (bytes-- > 0) {
        if (text[bytes] < 0x20 || text[bytes] > 0x7E)
            return false;
    }
    return true;
}

/* --- Reading --- */

static int read_field(struct tdm_manifest *manifest, const struct field *field, const uint8_t *value,
                      size_t bytes)
{
    uint8_t *to = (uint8_t *)manifest + field->offset;
    unsigned i;

    if (bytes < field->min || bytes > field->max)
        return TDM_E_MANIFEST;
    if (field->type <= TEXTS && !printable(value, bytes))
        return TDM_E_MANIFEST;
    for (i = 0; i < field->words; i++, value += 4, to += 4, bytes -= 4) {
        uint32_t word = tdm__load_u32(value);

        memcpy(to, &word, 4);
    }
    memcpy(to, value, bytes);
    return TDM_OK;
}

int tdm__manifest_parse(struct tdm_manifest *manifest, const uint8_t *data, size_t bytes)
{
    const struct field *next = fields; /* the lowest field that may still come */
    unsigned last_type = 0;
    size_t at = 0;

    memset(manifest, 0, sizeof *manifest);
    while (at < bytes) {
        unsigned type = data[at];
        size_t length;

        if (bytes - at < 2 || type <= last_type)
            return TDM_E_MANIFEST;
        length = data[at + 1];
        at += 2;
        if (length > bytes - at)
            return TDM_E_MANIFEST;
        if (type < CRITICAL) {
            if (next == fields + FIELDS || next->type != type ||
                read_field(manifest, next, data + at, length) != TDM_OK)
                return TDM_E_MANIFEST;
            next++;
        }
        last_type = type;
        at += length;
    }
    /* Types count up from 1, so each field found stood where it had to; only the last one may be missing, and
     * it stands only where it says something. */
    if (next < fields + FIELDS - 1 || (next == fields + FIELDS && manifest->revoked_keys == 0))
        return TDM_E_MANIFEST;
    return consistent(manifest) ? TDM_OK : TDM_E_MANIFEST;
}

/* --- Writing --- */

/* Bytes of the value, or more than max for a text without an end. */
static size_t value_bytes(const struct tdm_manifest *manifest, const struct field *field)
{
    const char *text = (const char *)manifest + field->offset;
    size_t bytes = 0;

    if (field->type > TEXTS)
        return field->max;
    while (bytes <= field->max && text[bytes] != '\0')
        bytes++;
    return bytes;
}

static int write_field(const struct tdm_manifest *manifest, const struct field *field, uint8_t *to,
                       size_t capacity)
{
    const uint8_t *from = (const uint8_t *)manifest + field->offset;
    size_t bytes = value_bytes(manifest, field);
    unsigned i;

    if (bytes < field->min || bytes > field->max || (field->type <= TEXTS && !printable(from, bytes)))
        return TDM_E_ARGUMENT;
    if (capacity < 2 + bytes)
        return TDM_E_ROOM;
    to[0] = field->type;
    to[1] = (uint8_t)bytes;
    memcpy(to + 2, from, bytes);
    for (i = 0; i < field->words; i++) {
        uint32_t word;

        memcpy(&word, from + 4 * i, 4);
        tdm__store_u32(to + 2 + 4 * i, word);
    }
    return (int)(2 + bytes);
}

int tdm__manifest_build(const struct tdm_manifest *manifest, uint8_t *to, size_t capacity)
{
    size_t count = manifest->revoked_keys == 0 ? FIELDS - 1 : FIELDS;
    size_t length = 0;
    size_t i;

    if (!consistent(manifest))
        return TDM_E_ARGUMENT;
    for (i = 0; i < count; i++) {
        int result = write_field(manifest, &fields[i], to + length, capacity - length);

        if (result < 0)
            return result;
        length += (size_t)result;
    }
    return (int)length;
}
