#include "cli/package/package.h"

#include <stdlib.h>
#include <string.h>

#include "cli/base/options.h"
#include "cli/base/output.h"
#include "delta/package.h"
#include "tandem/relocate.h"

int package_read_table(void *ctx, uint32_t offset, void *to, size_t bytes)
{
    memcpy(to, (const uint8_t *)ctx + offset, bytes);
    return TDM_OK;
}

int package_parse(struct package *package)
{
    const uint8_t *data = package->file.data;
    const struct tdm_envelope *envelope = &package->envelope;
    const struct tdm_manifest *manifest = &package->manifest;
    uint64_t front;
    int rc = tdm_envelope_parse(&package->envelope, data, package->file.size);

    if (rc != TDM_OK)
        return rc;
    front = (uint64_t)TDM_ENVELOPE_BYTES + envelope->head_bytes + TDM_SIGNATURE_BYTES;
    if (package->file.size < front + envelope->relocation_bytes + envelope->payload_bytes)
        return TDM_E_TRUNCATED;
    if (package->file.size > front + envelope->relocation_bytes + envelope->payload_bytes)
        return TDM_E_FORMAT;
    package->head = data + TDM_ENVELOPE_BYTES;
    package->signature = package->head + envelope->head_bytes;
    package->relocations = data + front;
    package->payload = package->relocations + envelope->relocation_bytes;
    rc = tdm_head_parse(&package->manifest, &package->key_id, package->head, envelope->head_bytes);
    if (rc != TDM_OK)
        return rc;
    if (manifest->relocation_bytes != envelope->relocation_bytes ||
        (envelope->encoding == TDM_ENCODING_PLAIN && manifest->image_bytes != envelope->payload_bytes))
        return TDM_E_MANIFEST;
    return TDM_OK;
}

static bool digest_is(const void *data, size_t bytes, const uint8_t expected[TDM_SHA256_BYTES])
{
    uint8_t digest[TDM_SHA256_BYTES];

    tdm_sha256(data, bytes, digest);
    return memcmp(digest, expected, sizeof digest) == 0;
}

static int check_image(const struct package *package, const struct package *base)
{
    struct delta_package whole;
    struct delta_package whole_base;
    uint8_t *image = NULL;
    int rc = delta_package_open(&whole, package->file.data, package->file.size);

    if (rc == TDM_OK && base)
        rc = delta_package_open(&whole_base, base->file.data, base->file.size);
    if (rc == TDM_OK)
        rc = delta_package_image(&image, &whole, base ? &whole_base : NULL);
    free(image);
    return rc;
}

int package_check_content(const struct package *package, const struct package *base)
{
    const struct tdm_manifest *manifest = &package->manifest;
    int rc;

    if (!digest_is(package->relocations, manifest->relocation_bytes, manifest->relocation_digest))
        return TDM_E_RELOCATIONS;
    rc = check_image(package, base);
    return rc == TDM_OK ? tdm_relocations_check(package_read_table, (void *)package->relocations, manifest)
                        : rc;
}

int package_check_signature(const struct package *package, const struct tdm_key_set *keys)
{
    struct tdm_trust trust = {.keys = keys, .verify = tdm_p256_verify};

    return tdm_head_verify(&trust, package->head, package->envelope.head_bytes, package->signature);
}

/* What to do about an error, where its own text does not say. */
static const char *advice(int error)
{
    switch (error) {
    case TDM_E_FORMAT:
        return "; packages are made by `tandem pack`, plain images are read by `tandem tag show`";
    case TDM_E_TRUNCATED:
        return "; copy or download it again";
    case TDM_E_DIGEST:
    case TDM_E_PAYLOAD:
    case TDM_E_RELOCATIONS:
    case TDM_E_MANIFEST:
        return "; the file was damaged or changed after it was packed";
    case TDM_E_KEY:
        return "; `tandem inspect` tells which key it was signed with";
    case TDM_E_SIGNATURE:
        return "; its head was changed after it was signed";
    default:
        return "";
    }
}

const char *package_error_text(int error)
{
    return error == TDM_E_NOT_FOUND ? "not checked: name the package it was made for with --base"
                                    : tdm_error_text(error);
}

int package_fail(const char *path, int error)
{
    if (error == TDM_E_NOT_FOUND)
        return output_fail(CLI_FAILED, "%s: a delta, %s", path, package_error_text(error));
    return output_fail(CLI_FAILED, "%s: not a valid package: %s%s", path, tdm_error_text(error),
                       advice(error));
}

int package_open(struct package *package, const char *path)
{
    int rc;

    memset(package, 0, sizeof *package);
    if (file_read(&package->file, path) != CLI_OK)
        return CLI_FAILED;
    rc = package_parse(package);
    return rc == TDM_OK ? CLI_OK : package_fail(path, rc);
}

int package_open_base(struct package *package, const struct invocation *call)
{
    memset(package, 0, sizeof *package);
    return option_given(call, "base") ? package_open(package, option_text(call, "base")) : CLI_OK;
}

void package_close(struct package *package)
{
    file_free(&package->file);
}
