#include "tests/core/mcu/package_builder.h"

#include <string.h>

#include "tandem/digest.h"

enum { BLOCK = 4096, ENVELOPE = 64, SIGNATURE = 64 };

uint32_t package_crc32(const uint8_t *data, uint32_t bytes)
{
    uint32_t crc = 0xFFFFFFFFu;

    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

static void put16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *to, uint32_t value)
{
    put16(to, value);
    put16(to + 2, value >> 16);
}

static void sha256(const uint8_t *data, uint32_t bytes, uint8_t digest[32])
{
    struct tdm_hash hash;

    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, data, bytes);
    tdm_sha256_result(&hash, digest);
}

bool package_verify(const uint8_t digest[32], const uint8_t signature[64], const uint8_t key[64])
{
    (void)key;
    for (int i = 0; i < 32; i++)
        if (signature[i] != digest[i] || (signature[32 + i] ^ digest[i]) != 0xFF)
            return false;
    return true;
}

void package_defaults(struct package_options *options, uint32_t link_address)
{
    *options = (struct package_options){
        .type = "product",
        .version = "1.1.0",
        .hardware = "board-7",
        .counter = 3,
        .image_bytes = 9001,
        .link_address = link_address,
        .relocations = true,
        .seed = 1,
    };
}

uint32_t package_signature(const struct package *package)
{
    return ENVELOPE + package->head_bytes;
}

uint32_t package_table(const struct package *package)
{
    return package_signature(package) + SIGNATURE;
}

uint32_t package_image(const struct package *package)
{
    return package_table(package) + package->table_bytes;
}

/* A vector table, then noise with stretches of 0xFF, then words that point into the image, near and far. */
static void make_image(struct package *package, const struct package_options *options, uint8_t *image)
{
    uint32_t random = options->seed * 2654435761u;

    for (uint32_t i = 0; i < options->image_bytes; i++) {
        random = random * 1664525u + 1013904223u;
        image[i] = i % 1024 >= 960 ? 0xFF : (uint8_t)(random >> 24);
        if (i >= options->blank_from && i < options->blank_to)
            image[i] = 0xFF;
    }
    package->sites = 0;
    for (uint32_t i = 0; options->relocations; i++) {
        uint32_t at = 4 + 20 * i * i;

        if (at + 4 > options->image_bytes)
            break;
        if (at + 4 > options->blank_from && at < options->blank_to)
            continue;
        package->site[package->sites++] = at;
        put32(image + at, options->link_address + at / 2);
    }
}

/* One block's codes: word numbers, the first as it is, each later one as its distance less one. */
static uint32_t encode_block(const struct package *package, uint32_t block, uint8_t *stream)
{
    uint32_t length = 0;
    uint32_t next = 0;

    for (uint32_t i = 0; i < package->sites; i++) {
        uint32_t word = package->site[i] % BLOCK / 4;
        uint32_t code = word - next;

        if (package->site[i] / BLOCK != block)
            continue;
        next = word + 1;
        if (code >= 128) {
            stream[length++] = (uint8_t)(0x80 | (code & 0x7F));
            code >>= 7;
        }
        stream[length++] = (uint8_t)code;
    }
    return length;
}

static uint32_t make_table(const struct package *package, uint8_t *table)
{
    uint32_t blocks = (package->image_bytes + BLOCK - 1) / BLOCK;
    uint32_t length = 0;

    if (package->sites == 0)
        return 0;
    for (uint32_t block = 0; block < blocks; block++) {
        put32(table + 4 * block, length);
        length += encode_block(package, block, table + 4 * blocks + length);
    }
    return 4 * blocks + length;
}

static uint32_t put_field(uint8_t *to, uint8_t type, const void *value, uint8_t bytes)
{
    to[0] = type;
    to[1] = bytes;
    memcpy(to + 2, value, bytes);
    return 2u + bytes;
}

static uint32_t put_text(uint8_t *to, uint8_t type, const char *text)
{
    return put_field(to, type, text, (uint8_t)strlen(text));
}

static uint32_t put_number(uint8_t *to, uint8_t type, uint32_t number)
{
    uint8_t value[4];

    put32(value, number);
    return put_field(to, type, value, sizeof value);
}

static uint32_t make_manifest(const struct package *package, const struct package_options *options,
                              const uint8_t *table, uint8_t *to)
{
    uint8_t image[36], relocations[40];
    uint32_t n = 0;

    put32(image, package->image_bytes);
    memcpy(image + 4, package->digest, 32);
    put32(relocations, package->table_bytes);
    put32(relocations + 4, package->sites);
    sha256(table, package->table_bytes, relocations + 8);
    n += put_text(to + n, 1, options->type);
    n += put_text(to + n, 2, options->version);
    n += put_text(to + n, 3, "build 1");
    n += put_text(to + n, 4, options->hardware);
    n += put_field(to + n, 5, image, sizeof image);
    n += put_field(to + n, 6, relocations, sizeof relocations);
    n += put_number(to + n, 7, options->counter);
    n += put_number(to + n, 8, options->link_address);
    n += put_number(to + n, 9, options->entry);
    return n;
}

static uint32_t put_pair(uint8_t *to, const char *key, const char *value)
{
    memcpy(to, key, strlen(key) + 1);
    memcpy(to + strlen(key) + 1, value, strlen(value) + 1);
    return (uint32_t)(strlen(key) + strlen(value) + 2);
}

static uint32_t make_tag(const struct package_options *options, uint8_t *to)
{
    uint32_t n = 8;

    memcpy(to, "blnkinf", n);
    n += put_pair(to + n, "mcu", options->version);
    n += put_pair(to + n, "fw-type", options->type);
    n += put_pair(to + n, "build", "build 1");
    to[n++] = '\0';
    return n;
}

static uint32_t make_head(const struct package *package, const struct package_options *options,
                          const uint8_t *table, uint8_t *head)
{
    uint32_t tag_bytes = make_tag(options, head + 16);
    uint32_t manifest_bytes = make_manifest(package, options, table, head + 16 + tag_bytes);

    memcpy(head, "TDMH\x01\x01\0", 8);
    put32(head + 8, PACKAGE_KEY_ID);
    put16(head + 12, tag_bytes);
    put16(head + 14, manifest_bytes);
    return 16 + tag_bytes + manifest_bytes;
}

static void make_envelope(const struct package *package, const struct package_options *options, uint8_t *to)
{
    memset(to, 0, ENVELOPE);
    memcpy(to, "TDMP\x01", 5);
    to[5] = options->encoding;
    put16(to + 6, package->head_bytes);
    put32(to + 8, package->table_bytes);
    put32(to + 12, package->image_bytes);
    memset(to + 28, options->base_fill, 32);
    put32(to + 60, package_crc32(to, 60));
}

static void sign(const uint8_t *head, uint32_t bytes, uint8_t *signature)
{
    sha256(head, bytes, signature);
    for (int i = 0; i < 32; i++)
        signature[32 + i] = signature[i] ^ 0xFF;
}

void package_build(struct package *package, const struct package_options *options)
{
    static uint8_t image[PACKAGE_MAX];
    uint8_t table[512];

    package->image_bytes = options->image_bytes;
    package->link_address = options->link_address;
    make_image(package, options, image);
    sha256(image, options->image_bytes, package->digest);
    package->table_bytes = make_table(package, table);
    package->head_bytes = make_head(package, options, table, package->bytes + ENVELOPE);
    sign(package->bytes + ENVELOPE, package->head_bytes, package->bytes + package_signature(package));
    make_envelope(package, options, package->bytes);
    memcpy(package->bytes + package_table(package), table, package->table_bytes);
    memcpy(package->bytes + package_image(package), image, package->image_bytes);
    package->length = package_image(package) + package->image_bytes;
}

uint32_t package_stored_header(const struct package *package, uint8_t to[1024])
{
    memcpy(to, "TDMB", 4);
    put16(to + 4, package->head_bytes);
    put16(to + 6, 0);
    memcpy(to + 8, package->bytes + ENVELOPE, package->head_bytes + SIGNATURE);
    return 8 + package->head_bytes + SIGNATURE;
}
