/* Everything of a package that comes from outside: its front, with a signature check that says yes to all,
 * heads, relocation tables, and what a bank holds. The first byte says which. */
#include "fuzz/fuzz.h"
#include "tandem/package.h"
#include "tandem/relocate.h"

#include <stdlib.h>
#include <string.h>

static bool accept_all(const uint8_t digest[TDM_SHA256_BYTES], const uint8_t signature[TDM_SIGNATURE_BYTES],
                       const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    (void)digest;
    (void)signature;
    (void)key;
    return true;
}

/* One key whose id is what the head names, so that the fuzzer need not guess it. */
static struct tdm_trust trust_in(struct tdm_key_set *keys, const uint8_t *head, size_t bytes)
{
    struct tdm_trust trust = {keys, 0, true, accept_all};

    memset(keys, 0, sizeof *keys);
    keys->count = 1;
    if (bytes >= 12)
        keys->key[0].id = head[8] | head[9] << 8 | head[10] << 16 | (uint32_t)head[11] << 24;
    return trust;
}

/* What a parsed manifest promises to those who use it. */
static void check_manifest(const struct tdm_manifest *m)
{
    if (m->image_bytes < 8 || m->entry > m->image_bytes - 8 || m->entry % 4 != 0)
        abort();
    if (m->type[TDM_TAG_VALUE_MAX] != 0 || m->version[0] == 0 || m->hardware[TDM_HARDWARE_MAX] != 0)
        abort();
}

/* --- Front --- */

static int feed(struct tdm_front *front, uint8_t *buffer, const uint8_t *data, size_t size, size_t piece)
{
    struct tdm_key_set keys;
    struct tdm_trust trust;
    size_t at = 0;
    int result = TDM_OK;

    trust = size >= 64 ? trust_in(&keys, data + 64, size - 64) : trust_in(&keys, data, 0);
    tdm_front_init(front, buffer);
    while (at < size && result == TDM_OK && !front->complete) {
        size_t count = size - at < piece ? size - at : piece;
        size_t used;

        result = tdm_front_feed(front, &trust, data + at, count, &used);
        if (used > count || (used < count && result == TDM_OK && !front->complete))
            abort();
        at += used;
    }
    return result;
}

static void fuzz_front(const uint8_t *data, size_t size)
{
    uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    struct tdm_front whole;
    struct tdm_front pieces;
    uint8_t content[4096];
    int result;

    /* The CRC is made right, or nothing would ever come behind it. */
    if (size > sizeof content)
        size = sizeof content;
    memcpy(content, data, size);
    if (size >= TDM_ENVELOPE_BYTES) {
        uint32_t crc = tdm_crc32(0, content, 60);
        unsigned i;

        for (i = 0; i < 4; i++)
            content[60 + i] = (uint8_t)(crc >> 8 * i);
    }
    result = feed(&whole, buffer, content, size, size + 1);
    if (feed(&pieces, buffer, content, size, 1 + size % 7) != result || pieces.complete != whole.complete)
        abort();
    if (whole.complete) {
        struct tdm_manifest manifest;

        if (tdm_front_manifest(&whole, &manifest) != TDM_OK)
            abort();
        check_manifest(&manifest);
    }
}

static void fuzz_head(const uint8_t *data, size_t size)
{
    struct tdm_manifest manifest;
    uint8_t built[TDM_PACKAGE_FRONT_MAX];
    uint32_t key_id;

    if (tdm_head_parse(&manifest, &key_id, data, size) != TDM_OK)
        return;
    check_manifest(&manifest);
    /* Whatever was read can be written, unless it is unsigned and counts. */
    if (tdm_head_build(&manifest, "", key_id, built, sizeof built) < 0 && key_id != 0)
        abort();
}

/* --- Relocations --- */

struct table {
    const uint8_t *data;
    size_t size;
};

static int read_table(void *ctx, uint32_t offset, void *to, size_t bytes)
{
    const struct table *table = ctx;

    if (offset > table->size || bytes > table->size - offset)
        abort();
    memcpy(to, table->data + offset, bytes);
    return TDM_OK;
}

static void walk(struct table *table, const struct tdm_manifest *m, uint32_t from)
{
    struct tdm_relocations r;
    int result = tdm_relocations_seek(&r, read_table, table, m, from);

    while (result == TDM_OK && r.next != UINT32_MAX) {
        if (r.next % 4 != 0 || r.next < from || r.next > m->image_bytes - 4)
            abort();
        result = tdm_relocations_next(&r);
    }
}

static void fuzz_relocations(const uint8_t *data, size_t size)
{
    struct tdm_manifest m;
    struct table table;
    uint8_t image[8192];

    if (size < 4)
        return;
    memset(&m, 0, sizeof m);
    memset(image, 0, sizeof image);
    m.image_bytes = 8 + (data[0] | (data[1] & 0x3F) << 8);
    m.relocation_count = data[2];
    table.data = data + 3;
    table.size = size - 3;
    m.relocation_bytes = (uint32_t)table.size;
    walk(&table, &m, (uint32_t)(data[0] * data[1]) % m.image_bytes);
    if (tdm_relocations_check(read_table, &table, &m) == TDM_OK && m.image_bytes <= sizeof image) {
        struct tdm_relocations r;

        if (tdm_relocations_seek(&r, read_table, &table, &m, 0) != TDM_OK ||
            tdm_relocations_apply(&r, 0x1000, 0, image, m.image_bytes) != TDM_OK ||
            r.seen != m.relocation_count)
            abort();
    }
}

/* --- A bank --- */

#define BANK_START 0x1000
#define BANK_BYTES 0x1000

static int read_bank(void *ctx, uint32_t address, void *to, size_t bytes)
{
    const uint8_t *memory = ctx;

    if (address < BANK_START || address - BANK_START > BANK_BYTES ||
        bytes > BANK_BYTES - (address - BANK_START))
        abort();
    memcpy(to, memory + (address - BANK_START), bytes);
    return TDM_OK;
}

static void fuzz_bank(const uint8_t *data, size_t size)
{
    static const struct tdm_flash_ops ops = {read_bank, NULL, NULL, NULL};
    uint8_t memory[BANK_BYTES];
    uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    struct tdm_flash flash = {&ops, memory, 1024, 4, false};
    struct tdm_layout layout = {{{0, 0}, {0, 0}}, {{BANK_START, BANK_BYTES}, {0, 0}}, 1024, 0};
    struct tdm_manifest manifest;
    struct tdm_key_set keys;
    struct tdm_trust trust;

    /* The header area comes first in data. */
    memset(memory, 0xFF, sizeof memory);
    memcpy(memory + BANK_BYTES - 1024, data, size < 1024 ? size : 1024);
    if (size > 1024)
        memcpy(memory, data + 1024, size - 1024 < BANK_BYTES - 1024 ? size - 1024 : BANK_BYTES - 1024);

    trust = trust_in(&keys, memory + BANK_BYTES - 1024 + TDM_STORED_PREFIX_BYTES, 12);
    if (tdm_bank_header(&manifest, &layout, 0, &flash, &trust, buffer) != TDM_OK)
        return;
    check_manifest(&manifest);
    (void)!tdm_bank_verify(&manifest, &layout, 0, &flash, NULL, NULL);
    (void)tdm_bank_mark_present(manifest.image_digest, &layout, 0, &flash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parts[])(const uint8_t *, size_t) = {fuzz_front, fuzz_head, fuzz_relocations,
                                                             fuzz_bank};

    if (size > 0)
        parts[data[0] % 4](data + 1, size - 1);
    return 0;
}
