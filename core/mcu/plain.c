/* A plain image (docs/PACKAGE.md): the device makes the head that a package would bring, without a signature.
 * From then on it is installed like any other.
 *
 *     first chunk: no package, a vector table for the target bank
 *       v
 *     otaUpdateGetSHA256 --> head: who it is and how long by the offer, its digest by the co-processor
 *       v
 *     policy, erase, header, image, ... : update_chunk.c
 *
 * What the offer and the co-processor say is believed as little as the image itself: a wrong digest makes the
 * update fail, and type and version are what the cloud would decide by anyway. */
#include "tandem/plain.h"

#include <string.h>

#include "core/mcu/update.h"

enum { DIGEST_TIMEOUT_MS = 1000, VECTORS_BYTES = 8, HEAD_AT = TDM_ENVELOPE_BYTES };

/* --- The offer --- */

/* Too long for a tag: as if there were none. */
static void keep_text(char to[TDM_TAG_VALUE_MAX + 1], const char *text)
{
    size_t length = strlen(text);

    memset(to, 0, TDM_TAG_VALUE_MAX + 1);
    if (length <= TDM_TAG_VALUE_MAX)
        memcpy(to, text, length);
}

static void offered(struct tdm_mcu *mcu, const char *type, const char *version, const char *build)
{
    struct tdm_mcu_offer *offer = mcu->config->offer;

    keep_text(offer->type, type);
    keep_text(offer->version, version);
    keep_text(offer->build, build);
}

/* --- The first chunk --- */

static bool stands_at(const struct tdm_mcu *mcu, uint16_t offset, const char magic[4])
{
    return mcu->file.chunk_bytes >= offset + 4 && memcmp(mcu->config->chunk + offset, magic, 4) == 0;
}

/* A package that is damaged is a package: neither of its magics may be there. */
static bool is_plain(const struct tdm_mcu *mcu)
{
    return mcu->config->trust.allow_unsigned && !stands_at(mcu, 0, "TDMP") &&
           !stands_at(mcu, HEAD_AT, "TDMH");
}

/* The chunk, as flash at the address where it will lie. */
struct view {
    const struct tdm_mcu *mcu;
    uint32_t address;
};

static int read_view(void *ctx, uint32_t address, void *to, size_t bytes)
{
    const struct view *view = ctx;
    uint32_t offset = address - view->address;
    uint32_t held = view->mcu->file.chunk_bytes;

    if (offset > held || bytes > held - offset)
        return TDM_E_FLASH_READ;
    memcpy(to, view->mcu->config->chunk + offset, bytes);
    return TDM_OK;
}

static int check_vectors(const struct tdm_mcu *mcu)
{
    static const struct tdm_flash_ops ops = {.read = read_view};
    const struct tdm_mcu_config *config = mcu->config;
    const struct tdm_region *bank = &config->layout->bank[tdm__target_bank(mcu)];
    struct view view = {mcu, bank->address};
    struct tdm_flash flash = *config->flash;

    if (config->ops->check_image == NULL || mcu->file.bytes < VECTORS_BYTES)
        return TDM_E_VECTOR;
    flash.ops = &ops;
    flash.ctx = &view;
    return config->ops->check_image(config->ctx, &flash, bank, bank->address);
}

/* --- The head --- */

static void describe(const struct tdm_mcu *mcu, struct tdm_manifest *manifest,
                     const uint8_t digest[TDM_SHA256_BYTES])
{
    const struct tdm_mcu_offer *offer = mcu->config->offer;

    memset(manifest, 0, sizeof *manifest);
    memcpy(manifest->type, offer->type, sizeof offer->type);
    memcpy(manifest->version, offer->version, sizeof offer->version);
    memcpy(manifest->build, offer->build, sizeof offer->build);
    memcpy(manifest->hardware, mcu->config->hardware, strlen(mcu->config->hardware));
    manifest->image_bytes = mcu->file.bytes;
    memcpy(manifest->image_digest, digest, TDM_SHA256_BYTES);
    tdm_sha256("", 0, manifest->relocation_digest);
    manifest->counter = 0;
    manifest->link_address = mcu->config->layout->bank[tdm__target_bank(mcu)].address;
}

/* Where a package's front would have it, without an envelope: length 0 says that the file has none. */
static int make_head(struct tdm_mcu *mcu, const struct tdm_manifest *manifest)
{
    struct tdm_front *front = &mcu->front;
    int bytes = tdm_head_build(manifest, "", 0, front->buffer + HEAD_AT,
                               TDM_PACKAGE_FRONT_MAX - HEAD_AT - TDM_SIGNATURE_BYTES);

    if (bytes < 0)
        return bytes;
    memset(front->buffer + HEAD_AT + bytes, 0, TDM_SIGNATURE_BYTES);
    front->head_bytes = (uint16_t)bytes;
    front->complete = true;
    return TDM_OK;
}

static int take(struct tdm_mcu *mcu, const uint8_t digest[TDM_SHA256_BYTES])
{
    struct tdm_manifest manifest;
    int error = check_vectors(mcu);

    if (error != TDM_OK)
        return error;
    if (strlen(mcu->config->hardware) > TDM_HARDWARE_MAX)
        return TDM_E_MANIFEST;
    describe(mcu, &manifest, digest);
    return make_head(mcu, &manifest);
}

static void digest_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    uint16_t bytes;
    const uint8_t *digest = tdm_get_binary(results, &bytes);
    bool known = tdm__is_yes(error, results) && bytes == TDM_SHA256_BYTES;

    error = known ? take(mcu, digest) : TDM_E_FORMAT;
    tdm__update_judge(mcu, error == TDM_OK ? tdm__update_leave_front(mcu) : error);
}

static const struct tdm_question question = {TDM_UID_OTA_GET_SHA256, DIGEST_TIMEOUT_MS, NULL, digest_done};

const struct tdm_mcu_plain tdm_mcu_takes_plain = {
    .offered = offered,
    .is_plain = is_plain,
    .question = &question,
};
