/* A second reader of payloads, written from docs/PACKAGE.md; the streams are decoded by liblzma. */
#ifndef TESTS_DELTA_LIBLZMA_READER_H
#define TESTS_DELTA_LIBLZMA_READER_H

#include <stddef.h>
#include <stdint.h>

struct reader_counts {
    unsigned frames;
    unsigned with_segments;
};

/* Fails the test where the payload is not exactly what the document says. image gets image_bytes. */
struct reader_counts liblzma_read(uint8_t *image, uint32_t image_bytes, const uint8_t *payload, size_t bytes,
                                  const uint8_t *base, uint32_t base_bytes);

#endif
