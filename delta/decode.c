#include "delta/decode.h"

#include <stdlib.h>
#include <string.h>

#include "tandem/unlzma.h"

struct decoding {
    const uint8_t *base;
    uint32_t base_bytes;
    uint8_t *image;
    uint32_t done;
};

static int read_back(void *ctx, bool base, uint32_t offset, uint8_t *to, uint32_t bytes)
{
    const struct decoding *decoding = ctx;
    uint32_t limit = base ? decoding->base_bytes : decoding->done;

    if (offset > limit || bytes > limit - offset)
        return TDM_E_PAYLOAD;
    memcpy(to, (base ? decoding->base : decoding->image) + offset, bytes);
    return TDM_OK;
}

static int write_image(void *ctx, uint8_t *bytes, uint32_t count)
{
    struct decoding *decoding = ctx;

    memcpy(decoding->image + decoding->done, bytes, count);
    decoding->done += count;
    return TDM_OK;
}

int delta_decode(uint8_t **image, uint32_t image_bytes, const uint8_t *payload, uint32_t payload_bytes,
                 const uint8_t *base, uint32_t base_bytes)
{
    static const struct tdm_unlzma_ops ops = {.read = read_back, .write = write_image};
    struct decoding decoding = {.base = base, .base_bytes = base_bytes, .image = malloc(image_bytes)};
    struct tdm_unlzma decoder;
    int error = TDM_E_ROOM;

    if (decoding.image != NULL) {
        tdm_unlzma_init(&decoder, &ops, &decoding, base_bytes, image_bytes, 0);
        error = tdm_unlzma_feed(&decoder, payload, payload_bytes);
        if (error == TDM_OK && !tdm_unlzma_done(&decoder))
            error = TDM_E_TRUNCATED;
    }
    if (error != TDM_OK) {
        free(decoding.image);
        return error;
    }
    *image = decoding.image;
    return TDM_OK;
}
