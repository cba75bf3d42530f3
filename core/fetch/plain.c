/* A plain image (docs/PACKAGE.md): the device makes the head that a package would bring, without a signature.
 * From then on it is fetched like any other.
 *
 *     its first bytes: no package, a vector table for the bank
 *       v
 *     otaUpdateGetSHA256 --> head: who it is and how long by the offer, its digest by the co-processor
 *       v
 *     otaUpdateStart once more: the image from its first byte on
 *
 * What the offer and the co-processor say is believed as little as the image itself: a wrong digest makes the
 * fetch fail, and type and version are what the cloud would decide by anyway. */
#include "tandem/fetch_plain.h"

#include <string.h>

#include "core/fetch/fetch.h"

/* --- The offer --- */

/* Too long for a tag: as if there were none. */
static void read_text(struct tdm_fetch *f, char to[TDM_TAG_VALUE_MAX + 1])
{
    uint32_t start = f->at;

    tdm__fetch_skip_text(f);
    memset(to, 0, TDM_TAG_VALUE_MAX + 1);
    if (f->at <= f->length && f->at - start <= TDM_TAG_VALUE_MAX + 1)
        memcpy(to, f->frame + start, f->at - start);
}

/* They stand where they are needed, in a manifest that says nothing else until then. */
static void read_texts(struct tdm_fetch *f)
{
    read_text(f, f->manifest.type);
    read_text(f, f->manifest.version);
    read_text(f, f->manifest.build);
}

/* --- The first bytes --- */

/* A package that is damaged is a package: neither of its magics may be there. */
static bool is_plain(const struct tdm_fetch *f)
{
    return memcmp(f->front, "TDMP", 4) != 0 && (f->left < 4 || memcmp(f->data, "TDMH", 4) != 0);
}

/* The front, as flash at the start of the bank. */
static int read_front(void *ctx, uint32_t address, void *to, size_t bytes)
{
    const struct tdm_fetch *f = ctx;
    uint32_t offset = address - f->layout->bank[0].address;

    if (offset > TDM_ENVELOPE_BYTES || bytes > TDM_ENVELOPE_BYTES - offset)
        return TDM_E_FLASH_READ;
    memcpy(to, f->front + offset, bytes);
    return TDM_OK;
}

static int check_vectors(struct tdm_fetch *f)
{
    static const struct tdm_flash_ops ops = {.read = read_front};
    const struct tdm_region *bank = &f->layout->bank[0];
    struct tdm_flash flash = *f->flash;

    flash.ops = &ops;
    flash.ctx = f;
    return f->product->check_image(f->ctx, &flash, bank, bank->address);
}

/* --- The head --- */

static int ask_digest(struct tdm_fetch *f)
{
    static const struct tdm__query get_sha256 = {TDM_UID_OTA_GET_SHA256, 1000, NULL};
    bool long_enough = tdm__fetch_ask(f, &get_sha256) == TDM_SHA256_BYTES && tdm__fetch_get(f, 1) == 0;
    uint32_t digest_at = f->at;

    f->at += TDM_SHA256_BYTES;
    if (!long_enough || tdm__fetch_get(f, 1) == 0)
        return TDM_E_FORMAT;
    memcpy(f->manifest.image_digest, f->frame + digest_at, TDM_SHA256_BYTES);
    return TDM_OK;
}

static void describe(struct tdm_fetch *f)
{
    struct tdm_manifest *manifest = &f->manifest;

    memset(manifest->hardware, 0, sizeof manifest->hardware);
    memcpy(manifest->hardware, f->product->hardware, strlen(f->product->hardware));
    manifest->image_bytes = f->file_bytes;
    manifest->relocation_bytes = 0;
    manifest->relocation_count = 0;
    tdm_sha256("", 0, manifest->relocation_digest);
    manifest->counter = 0;
    manifest->link_address = f->layout->bank[0].address;
    manifest->entry = 0;
    manifest->revoked_keys = 0;
}

/* Where a package's front would have it. */
static int make_head(struct tdm_fetch *f)
{
    uint8_t *head = f->front + TDM_ENVELOPE_BYTES;
    int bytes = tdm_head_build(&f->manifest, "", 0, head,
                               TDM_PACKAGE_FRONT_MAX - TDM_ENVELOPE_BYTES - TDM_SIGNATURE_BYTES);

    if (bytes < 0)
        return bytes;
    memset(head + bytes, 0, TDM_SIGNATURE_BYTES);
    f->envelope = (struct tdm_envelope){.head_bytes = (uint16_t)bytes, .payload_bytes = f->file_bytes};
    return TDM_OK;
}

static int make_front(struct tdm_fetch *f)
{
    int error = check_vectors(f);

    if (error == TDM_OK)
        error = ask_digest(f);
    if (error == TDM_OK) {
        describe(f);
        error = make_head(f);
    }
    return error == TDM_OK ? tdm__fetch_start(f) : error;
}

const struct tdm_fetch_plain tdm_fetch_takes_plain = {
    .read_texts = read_texts,
    .is_plain = is_plain,
    .make_front = make_front,
};
