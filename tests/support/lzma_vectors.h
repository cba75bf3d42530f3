/* What tests/vectors/image/lzma was made of: firmware_like(LZMA_BASE_BYTES, LZMA_SEED) and its
 * firmware_newer. */
#ifndef TESTS_SUPPORT_LZMA_VECTORS_H
#define TESTS_SUPPORT_LZMA_VECTORS_H

#define LZMA_BASE_BYTES 36001 /* three frames, and no round number */
#define LZMA_SEED       7

#endif
