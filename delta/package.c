#include "delta/package.h"

#include <stdlib.h>
#include <string.h>

#include "delta/decode.h"
#include "tandem/digest.h"

int delta_package_open(struct delta_package *package, const uint8_t *data, size_t bytes)
{
    const struct tdm_envelope *envelope = &package->envelope;
    const struct tdm_manifest *manifest = &package->manifest;
    uint32_t key_id;
    uint64_t front;
    uint64_t whole;
    int error = tdm_envelope_parse(&package->envelope, data, bytes);

    if (error != TDM_OK)
        return error;
    front = (uint64_t)TDM_ENVELOPE_BYTES + envelope->head_bytes + TDM_SIGNATURE_BYTES;
    whole = front + envelope->relocation_bytes + envelope->payload_bytes;
    if (bytes != whole)
        return bytes < whole ? TDM_E_TRUNCATED : TDM_E_FORMAT;
    package->head = data + TDM_ENVELOPE_BYTES;
    package->table = data + front;
    package->payload = package->table + envelope->relocation_bytes;
    error = tdm_head_parse(&package->manifest, &key_id, package->head, envelope->head_bytes);
    if (error != TDM_OK)
        return error;
    if (manifest->relocation_bytes != envelope->relocation_bytes ||
        (envelope->encoding == TDM_ENCODING_PLAIN && manifest->image_bytes != envelope->payload_bytes))
        return TDM_E_MANIFEST;
    return TDM_OK;
}

/* --- The image --- */

static bool needs_base(const struct delta_package *package)
{
    static const uint8_t none[TDM_SHA256_BYTES];

    return memcmp(package->envelope.base_digest, none, sizeof none) != 0;
}

static int check_digest(const struct delta_package *package, const uint8_t *image)
{
    uint8_t digest[TDM_SHA256_BYTES];

    tdm_sha256(image, package->manifest.image_bytes, digest);
    return memcmp(digest, package->manifest.image_digest, sizeof digest) == 0 ? TDM_OK : TDM_E_DIGEST;
}

/* Is this what the delta was made for? */
static int check_base(const struct delta_package *package, const struct delta_package *base)
{
    if (base == NULL ||
        memcmp(base->manifest.image_digest, package->envelope.base_digest, TDM_SHA256_BYTES) != 0)
        return TDM_E_NOT_FOUND;
    if (base->envelope.encoding != TDM_ENCODING_PLAIN)
        return TDM_E_ENCODING;
    return check_digest(base, base->payload);
}

static int copy_image(uint8_t **image, const struct delta_package *package)
{
    *image = malloc(package->manifest.image_bytes);
    if (*image == NULL)
        return TDM_E_ROOM;
    memcpy(*image, package->payload, package->manifest.image_bytes);
    return TDM_OK;
}

static int decode_image(uint8_t **image, const struct delta_package *package,
                        const struct delta_package *base)
{
    int error = needs_base(package) ? check_base(package, base) : TDM_OK;

    if (error != TDM_OK)
        return error;
    if (!needs_base(package))
        base = NULL;
    return delta_decode(image, package->manifest.image_bytes, package->payload,
                        package->envelope.payload_bytes, base != NULL ? base->payload : NULL,
                        base != NULL ? base->manifest.image_bytes : 0);
}

int delta_package_image(uint8_t **image, const struct delta_package *package,
                        const struct delta_package *base)
{
    bool plain = package->envelope.encoding == TDM_ENCODING_PLAIN;
    int error = plain ? copy_image(image, package) : decode_image(image, package, base);

    if (error != TDM_OK)
        return error;
    error = check_digest(package, *image);
    if (error != TDM_OK) {
        free(*image);
        *image = NULL;
    }
    return error;
}

/* --- Encoding --- */

/* The front and the table of package, then another payload. */
static int assemble(uint8_t **to, size_t *to_bytes, const struct delta_package *package,
                    const struct delta_package *base, const uint8_t *payload, size_t payload_bytes)
{
    struct tdm_envelope envelope = package->envelope;
    size_t kept = (size_t)(package->payload - package->head); /* head, signature, table */

    envelope.encoding = TDM_ENCODING_LZMA_FRAMED;
    envelope.payload_bytes = (uint32_t)payload_bytes;
    if (base != NULL)
        memcpy(envelope.base_digest, base->manifest.image_digest, sizeof envelope.base_digest);
    *to_bytes = TDM_ENVELOPE_BYTES + kept + payload_bytes;
    *to = malloc(*to_bytes);
    if (*to == NULL)
        return TDM_E_ROOM;
    tdm_envelope_build(&envelope, *to);
    memcpy(*to + TDM_ENVELOPE_BYTES, package->head, kept);
    memcpy(*to + TDM_ENVELOPE_BYTES + kept, payload, payload_bytes);
    return TDM_OK;
}

static int check_plain(const struct delta_package *package)
{
    if (package->envelope.encoding != TDM_ENCODING_PLAIN)
        return TDM_E_ENCODING;
    return check_digest(package, package->payload);
}

int delta_package_encode(uint8_t **to, size_t *to_bytes, const struct delta_package *package,
                         const struct delta_package *base, delta_progress_fn *progress, void *ctx)
{
    uint8_t *payload = NULL;
    size_t payload_bytes = 0;
    int error = check_plain(package);

    if (error == TDM_OK && base != NULL)
        error = check_plain(base);
    if (error == TDM_OK)
        error = delta_encode(&payload, &payload_bytes, package->payload, package->manifest.image_bytes,
                             base != NULL ? base->payload : NULL,
                             base != NULL ? base->manifest.image_bytes : 0, progress, ctx);
    if (error == TDM_OK)
        error = assemble(to, to_bytes, package, base, payload, payload_bytes);
    free(payload);
    return error;
}
