/* The signed head: fixed part, firmware tag, manifest (docs/PACKAGE.md, section "Signed head"). */
#include "core/image/head.h"

#include <string.h>

#include "core/image/bytes.h"
#include "core/image/manifest.h"
#include "core/image/tag_walk.h"

#define FORMAT_VERSION 1
#define TAG_BYTES_AT   12
#define TAG_AT         TDM_HEAD_FIXED_BYTES

enum algorithm { UNSIGNED = 0, ECDSA_P256_SHA256 = 1 };

#define MAGIC TDM__WORD('T', 'D', 'M', 'H')

struct fixed {
    uint8_t algorithm;
    uint32_t key_id;
    size_t tag_bytes;
    size_t manifest_bytes;
};

static int fixed_parse(struct fixed *fixed, const uint8_t *head, size_t head_bytes)
{
    if (head_bytes < TDM_HEAD_FIXED_BYTES)
        return TDM_E_TRUNCATED;
    if (tdm__load_u32(head) != MAGIC)
        return TDM_E_FORMAT;
    if (head[4] != FORMAT_VERSION || head[5] > ECDSA_P256_SHA256)
        return TDM_E_VERSION;
    fixed->algorithm = head[5];
    fixed->key_id = tdm__load_u32(head + 8);
    fixed->tag_bytes = tdm__load_u16(head + TAG_BYTES_AT);
    fixed->manifest_bytes = tdm__load_u16(head + 14);
    if (tdm__load_u16(head + 6) != 0 || (fixed->algorithm == UNSIGNED && fixed->key_id != 0))
        return TDM_E_FORMAT;
    if (TDM_HEAD_FIXED_BYTES + fixed->tag_bytes + fixed->manifest_bytes > head_bytes)
        return TDM_E_TRUNCATED;
    if (TDM_HEAD_FIXED_BYTES + fixed->tag_bytes + fixed->manifest_bytes < head_bytes)
        return TDM_E_FORMAT;
    return TDM_OK;
}

/* Every pair counts, so that a scanner cannot read another firmware out of a tag that names a key twice. */
int tdm__head_tag_agrees(const struct tdm_manifest *manifest, const uint8_t *head)
{
    const uint8_t *tag = head + TAG_AT;
    size_t tag_bytes = tdm__load_u16(head + TAG_BYTES_AT);
    static const char *const keys[] = {"mcu", "fw-type", "build"};
    const char *const expected[] = {manifest->version, manifest->type, manifest->build};
    unsigned seen = manifest->build[0] == '\0' ? 1u << 2 : 0;
    size_t cursor = 0;
    const char *key;
    const char *value;

    if (tdm__tag_length(tag, tag_bytes) != (int)tag_bytes)
        return TDM_E_TAG;
    while (tdm_tag_next_pair(tag, tag_bytes, &cursor, &key, &value)) {
        unsigned i;

        for (i = 0; i < 3; i++) {
            if (strcmp(key, keys[i]) != 0)
                continue;
            if (strcmp(value, expected[i]) != 0)
                return TDM_E_TAG;
            seen |= 1u << i;
        }
    }
    return seen == 7 ? TDM_OK : TDM_E_TAG;
}

static int manifest_of(struct tdm_manifest *manifest, const struct fixed *fixed, const uint8_t *head)
{
    return tdm__manifest_parse(manifest, head + TAG_AT + fixed->tag_bytes, fixed->manifest_bytes);
}

int tdm__head_peek(struct tdm_manifest *manifest, const uint8_t *head, size_t head_bytes)
{
    struct fixed fixed;
    int result = fixed_parse(&fixed, head, head_bytes);

    return result == TDM_OK ? manifest_of(manifest, &fixed, head) : result;
}

int tdm_head_parse(struct tdm_manifest *manifest, uint32_t *key_id, const uint8_t *head, size_t head_bytes)
{
    struct fixed fixed;
    int result = fixed_parse(&fixed, head, head_bytes);

    if (result == TDM_OK)
        result = manifest_of(manifest, &fixed, head);
    if (result == TDM_OK)
        result = tdm__head_tag_agrees(manifest, head);
    if (result == TDM_OK)
        *key_id = fixed.key_id;
    return result;
}

int tdm_head_build(const struct tdm_manifest *manifest, const char *library, uint32_t key_id, uint8_t *to,
                   size_t capacity)
{
    int tag_bytes;
    int manifest_bytes;

    if (key_id == 0 && manifest->counter != 0)
        return TDM_E_ARGUMENT;
    if (capacity < TDM_HEAD_FIXED_BYTES)
        return TDM_E_ROOM;
    tag_bytes = tdm__tag_put(manifest->version, manifest->type, manifest->build, library, to + TAG_AT,
                             capacity - TAG_AT);
    if (tag_bytes < 0)
        return tag_bytes;
    manifest_bytes =
        tdm__manifest_build(manifest, to + TAG_AT + tag_bytes, capacity - TAG_AT - (size_t)tag_bytes);
    if (manifest_bytes < 0)
        return manifest_bytes;
    tdm__store_u32(to, MAGIC);
    to[4] = FORMAT_VERSION;
    to[5] = key_id == 0 ? UNSIGNED : ECDSA_P256_SHA256;
    tdm__store_u16(to + 6, 0);
    tdm__store_u32(to + 8, key_id);
    tdm__store_u16(to + TAG_BYTES_AT, (uint16_t)tag_bytes);
    tdm__store_u16(to + 14, (uint16_t)manifest_bytes);
    return TDM_HEAD_FIXED_BYTES + tag_bytes + manifest_bytes;
}

/* --- Trust --- */

/* Mask of the key slot that signed the head, or an error. */
static int signer(const struct tdm_trust *trust, const struct fixed *fixed, const uint8_t *head,
                  size_t head_bytes, const uint8_t signature[TDM_SIGNATURE_BYTES])
{
    uint8_t digest[TDM_SHA256_BYTES];
    int result = TDM_E_KEY;
    unsigned slot;

    tdm_sha256(head, head_bytes, digest);
    for (slot = 0; slot < trust->keys->count; slot++) {
        const struct tdm_key *key = &trust->keys->key[slot];

        if (key->id != fixed->key_id || (trust->revoked_keys >> slot & 1) != 0)
            continue;
        if (trust->verify(digest, signature, key->point))
            return 1 << slot;
        result = TDM_E_SIGNATURE;
    }
    return result;
}

int tdm_head_accept(struct tdm_manifest *manifest, const struct tdm_trust *trust, const uint8_t *head,
                    size_t head_bytes, const uint8_t signature[TDM_SIGNATURE_BYTES])
{
    struct fixed fixed;
    int slots = 0;
    int result = fixed_parse(&fixed, head, head_bytes);

    if (result != TDM_OK)
        return result;
    if (fixed.algorithm != UNSIGNED)
        slots = signer(trust, &fixed, head, head_bytes, signature);
    else if (!trust->allow_unsigned)
        slots = TDM_E_SIGNATURE;
    if (slots < 0)
        return slots;
    result = manifest_of(manifest, &fixed, head);
    if (result != TDM_OK)
        return result;
    if (fixed.algorithm == UNSIGNED && manifest->counter != 0)
        return TDM_E_SIGNATURE;
    return (manifest->revoked_keys & slots) == 0 ? TDM_OK : TDM_E_KEY;
}

int tdm_head_verify(const struct tdm_trust *trust, const uint8_t *head, size_t head_bytes,
                    const uint8_t signature[TDM_SIGNATURE_BYTES])
{
    struct tdm_manifest manifest;

    return tdm_head_accept(&manifest, trust, head, head_bytes, signature);
}
