/* Signed heads: heads.txt holds one head per rule of docs/PACKAGE.md and the error it must give. */
#include "tandem/package.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/image/vectors.h"

static const char *const signed_packages[] = {"example",  "small", "big",    "gap",
                                              "anywhere", "fixed", "longest"};
#define SIGNED_PACKAGES (sizeof signed_packages / sizeof signed_packages[0])

/* The head inside of a package file, by the envelope's own length field. */
static struct bytes read_head(const char *name)
{
    char file[64];
    struct bytes package;
    struct bytes head;

    snprintf(file, sizeof file, "%s.tdm", name);
    package = read_vector(file);
    head = bytes_copy(package.data + 64, (size_t)(package.data[6] | package.data[7] << 8));
    free_bytes(&package);
    return head;
}

static void check_line(char *line)
{
    char *rest = NULL;
    struct bytes head = bytes_from_hex(strtok_r(line, " ", &rest));
    char *error = strtok_r(NULL, " ", &rest);
    struct tdm_manifest manifest;
    uint32_t key_id;
    int result = tdm_head_parse(&manifest, &key_id, head.data, head.count);

    if (result != error_code(error))
        fail_msg("%s: expected %s, got %s", rest, error, tdm_error_name(result));
    free_bytes(&head);
}

static bool accept_all(const uint8_t digest[TDM_SHA256_BYTES], const uint8_t signature[TDM_SIGNATURE_BYTES],
                       const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    (void)digest;
    (void)signature;
    (void)key;
    return true;
}

static void every_rule_gives_its_error(void **state)
{
    (void)state;
    for_each_line("heads.txt", check_line);
}

/* Whether tag and manifest agree is asked of packages, not of what is in a bank. */
static void check_signed_line(char *line)
{
    char *rest = NULL;
    struct bytes head = bytes_from_hex(strtok_r(line, " ", &rest));
    int error = error_code(strtok_r(NULL, " ", &rest));
    const uint8_t signature[TDM_SIGNATURE_BYTES] = {0};
    const struct tdm_key_set keys = {.count = 1, .key = {{.id = 7}}};
    const struct tdm_trust trust = {.keys = &keys, .verify = accept_all};
    int result = tdm_head_verify(&trust, head.data, head.count, signature);

    if (error != TDM_E_TAG && result != error)
        fail_msg("%s: expected %s, got %s", rest, tdm_error_name(error), tdm_error_name(result));
    free_bytes(&head);
}

static void a_signature_makes_no_rule_void(void **state)
{
    (void)state;
    for_each_line("heads.txt", check_signed_line);
}

static void a_head_gives_all_its_fields(void **state)
{
    struct bytes head = read_head("big");
    struct tdm_manifest m;
    struct tdm_key_set keys;
    uint32_t key_id;

    (void)state;
    read_keys(&keys);
    assert_int_equal(tdm_head_parse(&m, &key_id, head.data, head.count), TDM_OK);
    assert_int_equal(key_id, keys.key[1].id);
    assert_string_equal(m.type, "demo");
    assert_string_equal(m.version, "2.0.0");
    assert_string_equal(m.build, "b7");
    assert_string_equal(m.hardware, "test-board");
    assert_int_equal(m.image_bytes, 9218);
    assert_int_equal(m.relocation_count, 39);
    assert_int_equal(m.counter, 0x01020304);
    assert_int_equal(m.link_address, 0x10000);
    assert_int_equal(m.entry, 0x100);
    assert_int_equal(m.revoked_keys, 0);
    free_bytes(&head);
}

static void a_head_cut_short_is_refused_at_every_byte(void **state)
{
    struct bytes head = read_head("longest");
    struct tdm_manifest m;
    uint32_t key_id;
    size_t count;

    (void)state;
    for (count = 0; count < head.count; count++) {
        struct bytes cut = bytes_copy(head.data, count);

        assert_int_equal(tdm_head_parse(&m, &key_id, cut.data, cut.count), TDM_E_TRUNCATED);
        free_bytes(&cut);
    }
    free_bytes(&head);
}

/* The last field is the entry, 9; below 0x80 no other type may stand there, whatever its length and value. */
static void a_type_that_is_not_known_is_refused_in_the_place_of_one_that_is(void **state)
{
    struct bytes head = read_head("small");
    uint8_t *type = head.data + head.count - 6;
    struct tdm_manifest m;
    uint32_t key_id;

    (void)state;
    assert_int_equal(*type, 9);
    for (*type = 10; *type < 0x80; (*type)++)
        assert_int_equal(tdm_head_parse(&m, &key_id, head.data, head.count), TDM_E_MANIFEST);
    free_bytes(&head);
}

static const char *library_of(const char *name)
{
    static const char longest[] = "llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllll";

    if (strcmp(name, "small") == 0 || strcmp(name, "example") == 0)
        return "1.3.2";
    return strcmp(name, "longest") == 0 ? longest : "";
}

static void building_gives_the_bytes_of_the_second_implementation(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < SIGNED_PACKAGES; i++) {
        struct bytes head = read_head(signed_packages[i]);
        uint8_t built[TDM_PACKAGE_FRONT_MAX];
        struct tdm_manifest m;
        uint32_t key_id;
        size_t capacity;

        assert_int_equal(tdm_head_parse(&m, &key_id, head.data, head.count), TDM_OK);
        assert_int_equal(tdm_head_build(&m, library_of(signed_packages[i]), key_id, built, sizeof built),
                         (int)head.count);
        assert_memory_equal(built, head.data, head.count);
        for (capacity = 0; capacity < head.count; capacity++) {
            struct bytes room = bytes_copy(built, capacity);

            assert_int_equal(
                tdm_head_build(&m, library_of(signed_packages[i]), key_id, room.data, room.count),
                TDM_E_ROOM);
            free_bytes(&room);
        }
        free_bytes(&head);
    }
}

static void building_refuses_what_parsing_would(void **state)
{
    struct bytes head = read_head("small");
    uint8_t built[TDM_PACKAGE_FRONT_MAX];
    struct tdm_manifest good;
    struct tdm_manifest m;
    uint32_t key_id;

    (void)state;
    assert_int_equal(tdm_head_parse(&good, &key_id, head.data, head.count), TDM_OK);

#define REFUSED(change)                                                                                      \
    m = good;                                                                                                \
    change;                                                                                                  \
    assert_int_equal(tdm_head_build(&m, "", key_id, built, sizeof built), TDM_E_ARGUMENT)
    REFUSED(m.version[0] = '\0');
    REFUSED(m.type[0] = '\0');
    REFUSED(m.hardware[0] = '\0');
    REFUSED(m.build[2] = '\n');  /* the tag could carry it, the manifest cannot */
    REFUSED(m.version[1] = '+'); /* the manifest could carry it, the tag cannot */
    REFUSED(memset(m.hardware, 'h', sizeof m.hardware));
    REFUSED(memset(m.build, 'b', sizeof m.build));
    REFUSED(m.image_bytes = 7);
    REFUSED(m.entry = 596);
    REFUSED(m.entry = 2);
    REFUSED(m.relocation_bytes += 5);
    REFUSED(m.image_bytes = 8193); /* three blocks have a longer index */
    REFUSED(m.link_address = TDM_LINK_ANYWHERE);
    REFUSED(m.revoked_keys = 3);
    REFUSED(m.revoked_keys = 4);
    REFUSED(key_id = 0); /* without a signature no counter counts */
#undef REFUSED
    free_bytes(&head);
}

static void an_unsigned_head_is_trusted_only_where_allowed_and_only_with_counter_0(void **state)
{
    struct bytes head = read_vector("unsigned.head");
    struct bytes counted = bytes_copy(head.data, head.count);
    struct tdm_key_set keys;
    struct tdm_trust trust;
    uint8_t zeros[TDM_SIGNATURE_BYTES] = {0};
    size_t i;

    (void)state;
    read_keys(&keys);
    trust = real_trust(&keys);
    assert_int_equal(tdm_head_verify(&trust, head.data, head.count, zeros), TDM_E_SIGNATURE);
    trust.allow_unsigned = true;
    assert_int_equal(tdm_head_verify(&trust, head.data, head.count, zeros), TDM_OK);

    /* The counter's field is type 7, 4 bytes. */
    for (i = 0; memcmp(counted.data + i, "\7\4\0\0\0", 6) != 0; i++)
        assert_true(i + 6 < counted.count);
    counted.data[i + 4] = 1;
    assert_int_equal(tdm_head_verify(&trust, counted.data, counted.count, zeros), TDM_E_SIGNATURE);
    free_bytes(&head);
    free_bytes(&counted);
}

/* No key signed it, so it may revoke any. */
static void an_unsigned_head_may_revoke_any_one_key(void **state)
{
    struct bytes head = read_vector("unsigned.head");
    uint8_t built[TDM_PACKAGE_FRONT_MAX];
    struct tdm_manifest m;
    struct tdm_key_set keys;
    struct tdm_trust trust;
    uint32_t key_id;

    (void)state;
    read_keys(&keys);
    trust = real_trust(&keys);
    trust.allow_unsigned = true;
    assert_int_equal(tdm_head_parse(&m, &key_id, head.data, head.count), TDM_OK);
    for (m.revoked_keys = 1; m.revoked_keys <= 2; m.revoked_keys++) {
        int bytes = tdm_head_build(&m, "", 0, built, sizeof built);

        assert_true(bytes > 0);
        assert_int_equal(tdm_head_verify(&trust, built, (size_t)bytes, built), TDM_OK);
    }
    free_bytes(&head);
}

static void building_with_key_id_0_gives_the_unsigned_head(void **state)
{
    struct bytes head = read_vector("unsigned.head");
    uint8_t built[TDM_PACKAGE_FRONT_MAX];
    struct tdm_manifest m;
    uint32_t key_id = 1;

    (void)state;
    assert_int_equal(tdm_head_parse(&m, &key_id, head.data, head.count), TDM_OK);
    assert_int_equal(key_id, 0);
    assert_int_equal(tdm_head_build(&m, "", 0, built, sizeof built), (int)head.count);
    assert_memory_equal(built, head.data, head.count);
    free_bytes(&head);
}

static void only_the_named_and_unrevoked_key_counts(void **state)
{
    struct bytes head = read_head("small");
    struct tdm_key_set keys;
    struct tdm_trust trust;
    uint8_t signature[TDM_SIGNATURE_BYTES] = {0};

    (void)state;
    read_keys(&keys);
    trust = real_trust(&keys);
    assert_int_equal(tdm_head_verify(&trust, head.data, head.count, signature), TDM_E_SIGNATURE);
    trust.verify = accept_all;
    assert_int_equal(tdm_head_verify(&trust, head.data, head.count, signature), TDM_OK);
    trust.revoked_keys = 2; /* the other one */
    assert_int_equal(tdm_head_verify(&trust, head.data, head.count, signature), TDM_OK);
    trust.revoked_keys = 1;
    assert_int_equal(tdm_head_verify(&trust, head.data, head.count, signature), TDM_E_KEY);
    trust.revoked_keys = 0;
    keys.key[0].id ^= 1;
    assert_int_equal(tdm_head_verify(&trust, head.data, head.count, signature), TDM_E_KEY);
    keys.count = 0;
    assert_int_equal(tdm_head_verify(&trust, head.data, head.count, signature), TDM_E_KEY);
    free_bytes(&head);
}

/* Two keys may share an id: it is only 32 bits. */
static void of_two_keys_with_one_id_either_may_have_signed(void **state)
{
    struct bytes package = read_vector("small.tdm");
    size_t head_bytes = (size_t)(package.data[6] | package.data[7] << 8);
    struct tdm_key_set keys;
    struct tdm_trust trust;
    struct tdm_key first;

    (void)state;
    read_keys(&keys);
    first = keys.key[0];
    keys.key[0] = keys.key[1];
    keys.key[0].id = first.id;
    keys.key[1] = first;
    trust = real_trust(&keys);
    assert_int_equal(tdm_head_verify(&trust, package.data + 64, head_bytes, package.data + 64 + head_bytes),
                     TDM_OK);
    free_bytes(&package);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_gives_its_error),
        cmocka_unit_test(a_signature_makes_no_rule_void),
        cmocka_unit_test(a_head_gives_all_its_fields),
        cmocka_unit_test(a_head_cut_short_is_refused_at_every_byte),
        cmocka_unit_test(a_type_that_is_not_known_is_refused_in_the_place_of_one_that_is),
        cmocka_unit_test(building_gives_the_bytes_of_the_second_implementation),
        cmocka_unit_test(building_refuses_what_parsing_would),
        cmocka_unit_test(an_unsigned_head_is_trusted_only_where_allowed_and_only_with_counter_0),
        cmocka_unit_test(an_unsigned_head_may_revoke_any_one_key),
        cmocka_unit_test(building_with_key_id_0_gives_the_unsigned_head),
        cmocka_unit_test(only_the_named_and_unrevoked_key_counts),
        cmocka_unit_test(of_two_keys_with_one_id_either_may_have_signed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
