/* The envelope, and the streaming reader of a package's front.
 *
 *     need = 64            the envelope is complete: it says how long head and signature are
 *     need = 64 + H + 64   they are complete: verify, then parse, then compare with the envelope
 *     complete             what follows is relocation table and payload
 *
 * Invariants: length <= need <= TDM_PACKAGE_FRONT_MAX; complete only with a head whose signature verified. An
 * error leaves length == need, so the next call comes to the same error. */
#include "tandem/package.h"

#include <string.h>

#include "core/image/bytes.h"
#include "core/image/head.h"

#define ENVELOPE_VERSION 1
#define RESERVED_AT      16
#define BASE_AT          28
#define CRC_AT           60

#define MAGIC TDM__WORD('T', 'D', 'M', 'P')

static bool all_zero(const uint8_t *data, size_t bytes)
{
    while (bytes > 0 && data[bytes - 1] == 0)
        bytes--;
    return bytes == 0;
}

/* The first error in the order of the header: a damaged envelope is a wrong format, never another version. */
static int envelope_check(const struct tdm_envelope *e, const uint8_t *data)
{
    uint32_t front = TDM_ENVELOPE_BYTES + (uint32_t)e->head_bytes + TDM_SIGNATURE_BYTES;
    bool plain = e->encoding == TDM_ENCODING_PLAIN;

    if (data[4] != ENVELOPE_VERSION)
        return TDM_E_VERSION;
    if (e->encoding > TDM_ENCODING_LZMA_FRAMED)
        return TDM_E_ENCODING;
    if (e->head_bytes < TDM_HEAD_FIXED_BYTES ||
        !all_zero(data + RESERVED_AT, plain ? CRC_AT - RESERVED_AT : BASE_AT - RESERVED_AT))
        return TDM_E_FORMAT;
    if (front > TDM_PACKAGE_FRONT_MAX || e->relocation_bytes > UINT32_MAX - front ||
        e->payload_bytes > UINT32_MAX - front - e->relocation_bytes)
        return TDM_E_SIZE;
    return TDM_OK;
}

int tdm_envelope_parse(struct tdm_envelope *envelope, const uint8_t *data, size_t bytes)
{
    if (bytes < TDM_ENVELOPE_BYTES)
        return TDM_E_TRUNCATED;
    if (tdm__load_u32(data) != MAGIC || tdm_crc32(0, data, CRC_AT) != tdm__load_u32(data + CRC_AT))
        return TDM_E_FORMAT;
    envelope->encoding = data[5];
    envelope->head_bytes = tdm__load_u16(data + 6);
    envelope->relocation_bytes = tdm__load_u32(data + 8);
    envelope->payload_bytes = tdm__load_u32(data + 12);
    memcpy(envelope->base_digest, data + BASE_AT, TDM_SHA256_BYTES);
    return envelope_check(envelope, data);
}

void tdm_envelope_build(const struct tdm_envelope *envelope, uint8_t to[TDM_ENVELOPE_BYTES])
{
    memset(to, 0, TDM_ENVELOPE_BYTES);
    tdm__store_u32(to, MAGIC);
    to[4] = ENVELOPE_VERSION;
    to[5] = envelope->encoding;
    tdm__store_u16(to + 6, envelope->head_bytes);
    tdm__store_u32(to + 8, envelope->relocation_bytes);
    tdm__store_u32(to + 12, envelope->payload_bytes);
    memcpy(to + BASE_AT, envelope->base_digest, TDM_SHA256_BYTES);
    tdm__store_u32(to + CRC_AT, tdm_crc32(0, to, CRC_AT));
}

/* --- The front, from a stream --- */

void tdm_front_init(struct tdm_front *front, uint8_t buffer[TDM_PACKAGE_FRONT_MAX])
{
    memset(front, 0, sizeof *front);
    front->buffer = buffer;
    front->need = TDM_ENVELOPE_BYTES;
}

const uint8_t *tdm_front_base(const struct tdm_front *front)
{
    return front->buffer + BASE_AT;
}

const uint8_t *tdm_front_head(const struct tdm_front *front)
{
    return front->buffer + TDM_ENVELOPE_BYTES;
}

const uint8_t *tdm_front_signature(const struct tdm_front *front)
{
    return tdm_front_head(front) + front->head_bytes;
}

uint32_t tdm_front_package_bytes(const struct tdm_front *front)
{
    return front->length + front->relocation_bytes + front->payload_bytes;
}

int tdm_front_manifest(const struct tdm_front *front, struct tdm_manifest *manifest)
{
    if (!front->complete)
        return TDM_E_STATE;
    return tdm__head_peek(manifest, tdm_front_head(front), front->head_bytes);
}

static int take_envelope(struct tdm_front *front)
{
    struct tdm_envelope envelope;
    int result = tdm_envelope_parse(&envelope, front->buffer, TDM_ENVELOPE_BYTES);

    if (result != TDM_OK)
        return result;
    front->encoding = envelope.encoding;
    front->head_bytes = envelope.head_bytes;
    front->relocation_bytes = envelope.relocation_bytes;
    front->payload_bytes = envelope.payload_bytes;
    front->need = (uint16_t)(TDM_ENVELOPE_BYTES + envelope.head_bytes + TDM_SIGNATURE_BYTES);
    return TDM_OK;
}

static int take_head(struct tdm_front *front, const struct tdm_trust *trust)
{
    struct tdm_trust signed_only = *trust;
    struct tdm_manifest manifest;
    int result;

    signed_only.allow_unsigned = false;
    result = tdm_head_accept(&manifest, &signed_only, tdm_front_head(front), front->head_bytes,
                             tdm_front_signature(front));
    if (result == TDM_OK)
        result = tdm__head_tag_agrees(&manifest, tdm_front_head(front));
    if (result != TDM_OK)
        return result;
    if (front->relocation_bytes != manifest.relocation_bytes ||
        (front->encoding == TDM_ENCODING_PLAIN && front->payload_bytes != manifest.image_bytes))
        return TDM_E_MANIFEST;
    front->complete = true;
    return TDM_OK;
}

int tdm_front_feed(struct tdm_front *front, const struct tdm_trust *trust, const uint8_t *data, size_t bytes,
                   size_t *used)
{
    int result = TDM_OK;

    *used = 0;
    while (result == TDM_OK && !front->complete) {
        size_t missing = (size_t)front->need - front->length;
        size_t count = bytes - *used < missing ? bytes - *used : missing;

        if (count > 0)
            memcpy(front->buffer + front->length, data + *used, count);
        front->length += (uint16_t)count;
        *used += count;
        if (front->length < front->need)
            break;
        result = front->need == TDM_ENVELOPE_BYTES ? take_envelope(front) : take_head(front, trust);
    }
    return result;
}
