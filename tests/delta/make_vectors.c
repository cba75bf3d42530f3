/* make_lzma_vectors DIR: payloads of firmware-like images, for tests/core/image/test_unlzma.c. */
#include <stdio.h>
#include <stdlib.h>

#include "delta/encode.h"
#include "tests/support/firmware_like.h"
#include "tests/support/lzma_vectors.h"

static void write_payload(const char *folder, const char *name, const uint8_t *image, uint32_t image_bytes,
                          const uint8_t *base, uint32_t base_bytes)
{
    uint8_t *payload = NULL;
    size_t bytes = 0;
    char path[512];
    FILE *file;

    if (delta_encode(&payload, &bytes, image, image_bytes, base, base_bytes, NULL, NULL) != TDM_OK)
        exit(1);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "wb");
    if (file == NULL || fwrite(payload, 1, bytes, file) != bytes || fclose(file) != 0)
        exit(1);
    printf("%s: %zu bytes for an image of %u\n", name, bytes, image_bytes);
    free(payload);
}

int main(int argc, char **argv)
{
    static uint8_t base[LZMA_BASE_BYTES];
    static uint8_t image[LZMA_BASE_BYTES + 4096];
    uint32_t bytes;

    if (argc != 2)
        return 2;
    firmware_like(base, sizeof base, LZMA_SEED);
    bytes = firmware_newer(image, base, sizeof base, LZMA_SEED);
    write_payload(argv[1], "compressed.payload", image, bytes, NULL, 0);
    write_payload(argv[1], "delta.payload", image, bytes, base, sizeof base);
    return 0;
}
