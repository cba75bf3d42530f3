/* Encoded payloads: any bytes, in pieces of any size, with and without a base, from any frame.
 *
 * Input: image bytes (u24), base bytes (u16), size of the pieces, frame to start at; then the payload.
 * Checked: nothing is read outside of base and image, nothing is written outside of the image, pieces of
 * another size give the same, and it ends. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "tandem/unlzma.h"

enum { HEAD_BYTES = 7, IMAGE_MAX = 100000, BASE_MAX = 65535 };

struct device {
    struct tdm_unlzma decoder;
    uint32_t base_bytes;
    uint32_t image_bytes;
    uint32_t written;
    uint8_t image[IMAGE_MAX];
};

static uint8_t base_byte(uint32_t offset)
{
    return (uint8_t)(offset * 2654435761u >> 22);
}

static int read_back(void *ctx, bool base, uint32_t offset, uint8_t *to, uint32_t bytes)
{
    const struct device *d = ctx;
    uint32_t limit = base ? d->base_bytes : d->written;

    if (bytes == 0 || bytes > TDM_UNLZMA_PIECE)
        abort();
    if (offset > limit || bytes > limit - offset)
        return TDM_E_PAYLOAD;
    for (uint32_t i = 0; i < bytes; i++)
        to[i] = base ? base_byte(offset + i) : d->image[offset + i];
    return TDM_OK;
}

static int write_image(void *ctx, uint8_t *bytes, uint32_t count)
{
    struct device *d = ctx;

    if (count == 0 || count > TDM_UNLZMA_PIECE || count > d->image_bytes - d->written)
        abort();
    memcpy(d->image + d->written, bytes, count);
    d->written += count;
    return TDM_OK;
}

static int decode(struct device *d, const uint8_t *head, const uint8_t *payload, size_t bytes, size_t piece)
{
    static const struct tdm_unlzma_ops ops = {.read = read_back, .write = write_image};
    uint32_t from;
    int result = TDM_OK;

    d->image_bytes = 1 + (head[0] | (uint32_t)head[1] << 8 | (uint32_t)head[2] << 16) % IMAGE_MAX;
    d->base_bytes = head[3] | (uint32_t)head[4] << 8;
    from = head[6] % ((d->image_bytes - 1) / TDM_UNLZMA_FRAME_BYTES + 1) * TDM_UNLZMA_FRAME_BYTES;
    memset(d->image, 0x5A, from);
    d->written = from;
    tdm_unlzma_init(&d->decoder, &ops, d, d->base_bytes, d->image_bytes, from);
    while (bytes > 0 && result == TDM_OK) {
        size_t n = bytes < piece ? bytes : piece;

        result = tdm_unlzma_feed(&d->decoder, payload, (uint32_t)n);
        payload += n;
        bytes -= n;
    }
    if (tdm_unlzma_done(&d->decoder) && d->written != d->image_bytes)
        abort();
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct device one, other;
    int result;

    if (bytes < HEAD_BYTES)
        return 0;
    result = decode(&one, data, data + HEAD_BYTES, bytes - HEAD_BYTES, 1 + data[5]);
    if (decode(&other, data, data + HEAD_BYTES, bytes - HEAD_BYTES, SIZE_MAX) != result ||
        one.written != other.written || memcmp(one.image, other.image, one.written) != 0)
        abort();
    return 0;
}
