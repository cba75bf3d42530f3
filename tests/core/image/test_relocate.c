/* Relocation tables: relocations.txt holds tables, good ones and damaged ones, and the sites that
 * tests/python/tandem_package.py decodes from them. */
#include "tandem/relocate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/image/vectors.h"

#define SITES_MAX 8192

static int read_memory(void *ctx, uint32_t offset, void *to, size_t bytes)
{
    const struct bytes *table = ctx;

    assert_true(offset <= table->count && bytes <= table->count - offset);
    memcpy(to, table->data + offset, bytes);
    return TDM_OK;
}

struct table {
    struct bytes bytes;
    struct tdm_manifest manifest;
    uint32_t sites[SITES_MAX];
    bool good;
};

/* image bytes, count, hex of the table, "bad" or the sites */
static void parse_line(struct table *t, char *line)
{
    char *rest = NULL;
    char *sites;
    char *site;
    uint32_t i = 0;

    memset(&t->manifest, 0, sizeof t->manifest);
    t->manifest.image_bytes = (uint32_t)strtoul(strtok_r(line, " ", &rest), NULL, 10);
    t->manifest.relocation_count = (uint32_t)strtoul(strtok_r(NULL, " ", &rest), NULL, 10);
    t->bytes = bytes_from_hex(strtok_r(NULL, " ", &rest));
    t->manifest.relocation_bytes = (uint32_t)t->bytes.count;
    sites = strtok_r(NULL, " ", &rest);
    t->good = strcmp(sites, "bad") != 0;
    if (!t->good)
        return;
    for (site = strtok_r(sites, ",", &rest); site != NULL; site = strtok_r(NULL, ",", &rest)) {
        assert_true(i < SITES_MAX);
        t->sites[i++] = (uint32_t)strtoul(site, NULL, 10);
    }
    assert_int_equal(i, t->manifest.relocation_count);
}

static int seek(struct tdm_relocations *r, struct table *t, uint32_t from)
{
    return tdm_relocations_seek(r, read_memory, &t->bytes, &t->manifest, from);
}

static void walk_gives_the_sites(struct table *t)
{
    struct tdm_relocations r;
    uint32_t i;

    assert_int_equal(seek(&r, t, 0), TDM_OK);
    for (i = 0; i < t->manifest.relocation_count; i++) {
        assert_int_equal(r.next, t->sites[i]);
        assert_int_equal(tdm_relocations_next(&r), TDM_OK);
    }
    assert_int_equal(r.next, UINT32_MAX);
    assert_int_equal(tdm_relocations_next(&r), TDM_OK);
    assert_int_equal(r.next, UINT32_MAX);
}

static void seek_finds_the_first_site_from_anywhere(struct table *t)
{
    struct tdm_relocations r;
    uint32_t step = t->manifest.image_bytes > 5000 ? 127 : 1;
    uint32_t from;
    uint32_t i = 0;

    for (from = 0; from <= t->manifest.image_bytes + 8; from += step) {
        while (i < t->manifest.relocation_count && t->sites[i] < from)
            i++;
        assert_int_equal(seek(&r, t, from), TDM_OK);
        assert_int_equal(r.next, i < t->manifest.relocation_count ? t->sites[i] : UINT32_MAX);
    }
}

static void encoding_gives_the_table(struct table *t)
{
    struct bytes to = bytes_copy(t->bytes.data, t->bytes.count);
    size_t capacity;

    memset(to.data, 0xEE, to.count);
    assert_int_equal(tdm_relocations_encode(t->sites, t->manifest.relocation_count, t->manifest.image_bytes,
                                            to.data, to.count),
                     (long)t->bytes.count);
    assert_memory_equal(to.data, t->bytes.data, to.count);
    for (capacity = 0; capacity < to.count; capacity += 1 + capacity / 64)
        assert_int_equal(tdm_relocations_encode(t->sites, t->manifest.relocation_count,
                                                t->manifest.image_bytes, to.data, capacity),
                         TDM_E_ROOM);
    free_bytes(&to);
}

static void check_line(char *line)
{
    static struct table t;

    parse_line(&t, line);
    assert_int_equal(tdm_relocations_check(read_memory, &t.bytes, &t.manifest),
                     t.good ? TDM_OK : TDM_E_RELOCATIONS);
    if (t.good) {
        walk_gives_the_sites(&t);
        seek_finds_the_first_site_from_anywhere(&t);
        encoding_gives_the_table(&t);
    }
    free_bytes(&t.bytes);
}

static void tables_decode_and_encode_as_in_the_second_implementation(void **state)
{
    (void)state;
    for_each_line("relocations.txt", check_line);
}

/* A damaged table may end a walk that starts in its middle, but never leads outside: read_memory would fail.
 */
static void seek_anywhere(char *line)
{
    static struct table t;
    uint32_t from;

    parse_line(&t, line);
    for (from = 0; from < t.manifest.image_bytes && !t.good; from += 1021) {
        struct tdm_relocations r;
        int result = seek(&r, &t, from);

        while (result == TDM_OK && r.next != UINT32_MAX) {
            assert_true(r.next % 4 == 0 && r.next <= t.manifest.image_bytes - 4);
            result = tdm_relocations_next(&r);
        }
        assert_true(result == TDM_OK || result == TDM_E_RELOCATIONS);
    }
    free_bytes(&t.bytes);
}

static void a_damaged_table_leads_nowhere_from_any_start(void **state)
{
    (void)state;
    for_each_line("relocations.txt", seek_anywhere);
}

static int read_fails(void *ctx, uint32_t offset, void *to, size_t bytes)
{
    (void)ctx;
    (void)offset;
    (void)to;
    (void)bytes;
    return TDM_E_FLASH_READ;
}

static void a_read_error_ends_the_walk(void **state)
{
    struct tdm_manifest m;
    struct tdm_relocations r;

    (void)state;
    memset(&m, 0, sizeof m);
    m.image_bytes = 100;
    m.relocation_bytes = 5;
    m.relocation_count = 1;
    assert_int_equal(tdm_relocations_check(read_fails, NULL, &m), TDM_E_FLASH_READ);
    assert_int_equal(tdm_relocations_seek(&r, read_fails, NULL, &m, 50), TDM_E_FLASH_READ);
    m.relocation_bytes = 3; /* no manifest says so; the table has no room for its index */
    assert_int_equal(tdm_relocations_seek(&r, read_fails, NULL, &m, 50), TDM_E_RELOCATIONS);
}

static void no_sites_need_no_table(void **state)
{
    struct tdm_manifest m;
    uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct tdm_relocations r;

    (void)state;
    memset(&m, 0, sizeof m);
    m.image_bytes = 8;
    assert_int_equal(tdm_relocations_check(read_fails, NULL, &m), TDM_OK);
    assert_int_equal(tdm_relocations_seek(&r, read_fails, NULL, &m, 0), TDM_OK);
    assert_int_equal(tdm_relocations_apply(&r, 0x1000, 0, data, 8), TDM_OK);
    assert_memory_equal(data, "\1\2\3\4\5\6\7\x8", 8);
    assert_int_equal(tdm_relocations_encode(NULL, 0, 8, NULL, 0), 0);
}

static void sites_that_no_table_can_say_are_not_encoded(void **state)
{
    static const uint32_t unaligned[] = {4, 10};
    static const uint32_t twice[] = {4, 4};
    static const uint32_t descending[] = {8, 4};
    static const uint32_t outside[] = {4, 96};
    uint8_t to[64];

    (void)state;
    assert_int_equal(tdm_relocations_encode(unaligned, 2, 99, to, sizeof to), TDM_E_ARGUMENT);
    assert_int_equal(tdm_relocations_encode(twice, 2, 99, to, sizeof to), TDM_E_ARGUMENT);
    assert_int_equal(tdm_relocations_encode(descending, 2, 99, to, sizeof to), TDM_E_ARGUMENT);
    assert_int_equal(tdm_relocations_encode(outside, 2, 99, to, sizeof to), TDM_E_ARGUMENT);
    assert_int_equal(tdm_relocations_encode(outside, 2, 100, to, sizeof to), 6);
    assert_int_equal(tdm_relocations_encode(outside, 1, 3, to, sizeof to), TDM_E_ARGUMENT);
}

/* --- Applying: big.tdm holds the plain image, big.bank1 what a bank at 0x14000 must hold --- */

struct moved {
    struct bytes package;
    struct bytes bank;
    struct bytes table;
    struct tdm_manifest manifest;
    uint8_t *plain;
};

static void set_up_moved(struct moved *m)
{
    static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    struct tdm_front front;
    struct tdm_key_set keys;
    struct tdm_trust trust;
    size_t front_bytes;

    read_keys(&keys);
    trust = real_trust(&keys);
    m->package = read_vector("big.tdm");
    m->bank = read_vector("big.bank1");
    assert_int_equal(feed_all(&front, buffer, &trust, &m->package), TDM_OK);
    assert_int_equal(tdm_front_manifest(&front, &m->manifest), TDM_OK);
    front_bytes = 128u + front.head_bytes;
    m->table = bytes_copy(m->package.data + front_bytes, m->manifest.relocation_bytes);
    m->plain = m->package.data + front_bytes + m->table.count;
}

static void tear_down_moved(struct moved *m)
{
    free_bytes(&m->package);
    free_bytes(&m->bank);
    free_bytes(&m->table);
}

static void apply_in_pieces(struct moved *m, uint32_t delta, struct bytes *image, uint32_t piece)
{
    struct tdm_relocations r;
    uint32_t at;

    assert_int_equal(tdm_relocations_seek(&r, read_memory, &m->table, &m->manifest, 0), TDM_OK);
    for (at = 0; at < image->count; at += piece) {
        uint32_t count = image->count - at < piece ? (uint32_t)image->count - at : piece;
        struct bytes copy = bytes_copy(image->data + at, count);

        assert_int_equal(tdm_relocations_apply(&r, delta, at, copy.data, count), TDM_OK);
        memcpy(image->data + at, copy.data, count);
        free_bytes(&copy);
    }
}

static void applying_moves_the_image_and_the_negative_takes_it_back(void **state)
{
    static const uint32_t pieces[] = {4, 8, 12, 60, 128, 1024, 4096, 4100, 9220};
    struct moved m;
    size_t i;

    (void)state;
    set_up_moved(&m);
    for (i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct bytes image = bytes_copy(m.plain, m.manifest.image_bytes);

        apply_in_pieces(&m, 0x4000, &image, pieces[i]);
        assert_memory_equal(image.data, m.bank.data, image.count);
        apply_in_pieces(&m, (uint32_t)-0x4000, &image, pieces[i]);
        assert_memory_equal(image.data, m.plain, image.count);
        free_bytes(&image);
    }
    tear_down_moved(&m);
}

static void a_piece_that_splits_a_site_is_refused(void **state)
{
    struct moved m;
    struct tdm_relocations r;

    (void)state;
    set_up_moved(&m);
    assert_int_equal(tdm_relocations_seek(&r, read_memory, &m.table, &m.manifest, 0), TDM_OK);
    assert_int_equal(tdm_relocations_apply(&r, 1, 0, m.plain, 6), TDM_E_ARGUMENT);
    tear_down_moved(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_decode_and_encode_as_in_the_second_implementation),
        cmocka_unit_test(a_damaged_table_leads_nowhere_from_any_start),
        cmocka_unit_test(a_read_error_ends_the_walk),
        cmocka_unit_test(no_sites_need_no_table),
        cmocka_unit_test(sites_that_no_table_can_say_are_not_encoded),
        cmocka_unit_test(applying_moves_the_image_and_the_negative_takes_it_back),
        cmocka_unit_test(a_piece_that_splits_a_site_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
