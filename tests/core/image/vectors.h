/* Reading tests/vectors/image, which tests/python/image_vectors.py made. */
#ifndef TANDEM_TESTS_VECTORS_H
#define TANDEM_TESTS_VECTORS_H

#include <stddef.h>
#include <stdint.h>

#include "tandem/package.h"

struct bytes {
    uint8_t *data; /* of its own block, so that a sanitizer sees a read past its end */
    size_t count;
};

/* A whole file; the test fails if it cannot be read. Free with free_bytes. */
struct bytes read_vector(const char *name);
struct bytes bytes_from_hex(const char *hex); /* "-" is no bytes */
struct bytes bytes_copy(const void *data, size_t count);
void free_bytes(struct bytes *bytes);

/* Calls each with every line of a text file, without its line feed; the line may be written to. */
void for_each_line(const char *name, void (*each)(char *line));

/* The error code with a name like "E_TAG". */
int error_code(const char *name);

/* Keys of keys.page; slot 0 is key-a, slot 1 key-b. */
void read_keys(struct tdm_key_set *keys);

/* A trust in those keys that verifies by ECDSA P-256. */
struct tdm_trust real_trust(const struct tdm_key_set *keys);

/* Feeds a whole package to a front in one piece. Returns what tdm_front_feed returned. */
int feed_all(struct tdm_front *front, uint8_t buffer[TDM_PACKAGE_FRONT_MAX], const struct tdm_trust *trust,
             const struct bytes *package);

#endif
