/* Packages for the tests, written byte for byte after docs/PACKAGE.md and not with core/image's builders. */
#ifndef TESTS_CORE_MCU_PACKAGE_BUILDER_H
#define TESTS_CORE_MCU_PACKAGE_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#define PACKAGE_KEY_ID 0x11223344u
#define PACKAGE_MAX    16384

/* What to build; package_defaults fills it with a package that is accepted. */
struct package_options {
    const char *type;
    const char *version;
    const char *hardware;
    uint32_t counter;
    uint32_t image_bytes;
    uint32_t link_address;
    uint32_t entry; /* of the vector table, into the image */
    bool relocations;
    uint8_t encoding;
    uint8_t base_fill;             /* each byte of the base digest */
    uint8_t seed;                  /* of the image's content */
    uint32_t blank_from, blank_to; /* image bytes that are 0xFF */
};

struct package {
    uint8_t bytes[PACKAGE_MAX];
    uint32_t length;
    uint32_t head_bytes;
    uint32_t table_bytes;
    uint32_t image_bytes;
    uint32_t link_address;
    uint32_t site[64];
    uint32_t sites;
    uint8_t digest[32]; /* of the image */
};

void package_defaults(struct package_options *options, uint32_t link_address);
void package_build(struct package *package, const struct package_options *options);

/* Where the parts start. */
uint32_t package_signature(const struct package *package);
uint32_t package_table(const struct package *package);
uint32_t package_image(const struct package *package);

/* The stored header of a bank that holds this package: prefix, head, signature. Returns its length. */
uint32_t package_stored_header(const struct package *package, uint8_t to[1024]);

/* The signature hook of these packages: the signature is the digest, then the digest inverted. */
bool package_verify(const uint8_t digest[32], const uint8_t signature[64], const uint8_t key[64]);

/* A CRC-32 of the test's own. */
uint32_t package_crc32(const uint8_t *data, uint32_t bytes);

#endif
