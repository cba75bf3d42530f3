/* The envelope and the streaming reader of a package's front. */
#include "tandem/package.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/image/vectors.h"

/* --- Envelope --- */

static void check_line(char *line)
{
    char *rest = NULL;
    struct bytes data = bytes_from_hex(strtok_r(line, " ", &rest));
    char *error = strtok_r(NULL, " ", &rest);
    struct tdm_envelope envelope;
    uint8_t built[TDM_ENVELOPE_BYTES];
    int result = tdm_envelope_parse(&envelope, data.data, data.count);

    if (result != error_code(error))
        fail_msg("%s: expected %s, got %s", rest, error, tdm_error_name(result));
    if (result == TDM_OK) {
        tdm_envelope_build(&envelope, built);
        assert_memory_equal(built, data.data, sizeof built);
    }
    free_bytes(&data);
}

static void every_rule_of_the_envelope_gives_its_error(void **state)
{
    (void)state;
    for_each_line("envelopes.txt", check_line);
}

static void an_envelope_cut_short_or_with_any_bit_changed_is_refused(void **state)
{
    struct bytes package = read_vector("small.tdm");
    struct tdm_envelope envelope;
    size_t i;

    (void)state;
    for (i = 0; i < TDM_ENVELOPE_BYTES; i++)
        assert_int_equal(tdm_envelope_parse(&envelope, package.data, i), TDM_E_TRUNCATED);
    for (i = 0; i < 8 * TDM_ENVELOPE_BYTES; i++) {
        package.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(tdm_envelope_parse(&envelope, package.data, package.count), TDM_E_FORMAT);
        package.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    free_bytes(&package);
}

/* --- Front --- */

/* A hook that knows the one signature there is: what the curve would say, without its time. */
static const uint8_t *known_digest;
static const uint8_t *known_signature;
static const uint8_t *known_key;
static unsigned verify_calls;

static bool verify_known(const uint8_t digest[TDM_SHA256_BYTES], const uint8_t signature[TDM_SIGNATURE_BYTES],
                         const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    verify_calls++;
    return memcmp(digest, known_digest, TDM_SHA256_BYTES) == 0 &&
           memcmp(signature, known_signature, TDM_SIGNATURE_BYTES) == 0 &&
           memcmp(key, known_key, TDM_PUBLIC_KEY_BYTES) == 0;
}

struct fixture {
    struct bytes package;
    size_t front_bytes;
    struct tdm_key_set keys;
    struct tdm_trust trust;
    uint8_t digest[TDM_SHA256_BYTES];
    uint8_t signature[TDM_SIGNATURE_BYTES];
    uint8_t key[TDM_PUBLIC_KEY_BYTES];
    struct tdm_front front;
    uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
};

static struct fixture fixture;

static int set_up(void **state)
{
    struct fixture *f = &fixture;
    struct tdm_hash hash;

    f->package = read_vector("small.tdm");
    f->front_bytes = 128u + (unsigned)(f->package.data[6] | f->package.data[7] << 8);
    read_keys(&f->keys);
    f->trust = real_trust(&f->keys);
    f->trust.verify = verify_known;
    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, f->package.data + 64, f->front_bytes - 128);
    tdm_sha256_result(&hash, f->digest);
    memcpy(f->signature, f->package.data + f->front_bytes - 64, 64);
    memcpy(f->key, f->keys.key[0].point, sizeof f->key);
    known_digest = f->digest;
    known_signature = f->signature;
    known_key = f->key;
    verify_calls = 0;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    free_bytes(&f->package);
    return 0;
}

static void is_complete_and_right(const struct fixture *f)
{
    struct tdm_manifest manifest;

    assert_true(f->front.complete);
    assert_int_equal(tdm_front_manifest(&f->front, &manifest), TDM_OK);
    assert_string_equal(manifest.version, "1.1.0");
    assert_string_equal(manifest.build, "Nov 16 2023 20:35:55");
    assert_int_equal(manifest.image_bytes, 600);
    assert_int_equal(tdm_front_package_bytes(&f->front), f->package.count);
    assert_memory_equal(tdm_front_head(&f->front), f->package.data + 64, f->front_bytes - 128);
    assert_memory_equal(tdm_front_signature(&f->front), f->signature, 64);
}

static void every_split_of_a_front_gives_the_same(void **state)
{
    struct fixture *f = *state;
    size_t split;

    for (split = 0; split <= f->package.count; split++) {
        size_t first;
        size_t second;

        tdm_front_init(&f->front, f->buffer);
        memset(f->buffer, 0xA5, sizeof f->buffer);
        assert_int_equal(tdm_front_feed(&f->front, &f->trust, f->package.data, split, &first), TDM_OK);
        assert_int_equal(first, split < f->front_bytes ? split : f->front_bytes);
        assert_int_equal(f->front.complete, split >= f->front_bytes);
        assert_int_equal(
            tdm_front_feed(&f->front, &f->trust, f->package.data + first, f->package.count - first, &second),
            TDM_OK);
        assert_int_equal(first + second, f->front_bytes);
        is_complete_and_right(f);
    }
}

static void one_byte_at_a_time_gives_the_same(void **state)
{
    struct fixture *f = *state;
    size_t used;
    size_t i;

    tdm_front_init(&f->front, f->buffer);
    for (i = 0; i < f->front_bytes; i++) {
        struct bytes one = bytes_copy(f->package.data + i, 1);

        assert_false(f->front.complete);
        assert_int_equal(tdm_front_feed(&f->front, &f->trust, one.data, 1, &used), TDM_OK);
        assert_int_equal(used, 1);
        free_bytes(&one);
    }
    is_complete_and_right(f);
    assert_int_equal(verify_calls, 1);
    assert_int_equal(tdm_front_feed(&f->front, &f->trust, f->package.data, 1, &used), TDM_OK);
    assert_int_equal(used, 0);
}

static void there_is_no_manifest_before_the_signature_verified(void **state)
{
    struct fixture *f = *state;
    struct tdm_manifest manifest;

    f->package.data[f->front_bytes - 1] ^= 1;
    assert_int_equal(feed_all(&f->front, f->buffer, &f->trust, &f->package), TDM_E_SIGNATURE);
    assert_int_equal(tdm_front_manifest(&f->front, &manifest), TDM_E_STATE);
}

static void an_error_stays(void **state)
{
    struct fixture *f = *state;
    size_t used;

    f->package.data[f->front_bytes - 1] ^= 1;
    assert_int_equal(feed_all(&f->front, f->buffer, &f->trust, &f->package), TDM_E_SIGNATURE);
    assert_int_equal(tdm_front_feed(&f->front, &f->trust, f->package.data, 100, &used), TDM_E_SIGNATURE);
    assert_int_equal(used, 0);
    assert_false(f->front.complete);
}

static void any_changed_bit_of_the_front_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t i;

    for (i = 0; i < 8 * f->front_bytes; i++) {
        f->package.data[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_not_equal(feed_all(&f->front, f->buffer, &f->trust, &f->package), TDM_OK);
        assert_false(f->front.complete);
        f->package.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

static void too_long_a_front_is_refused_at_its_envelope(void **state)
{
    struct fixture *f = *state;
    struct tdm_envelope envelope;

    assert_int_equal(tdm_envelope_parse(&envelope, f->package.data, 64), TDM_OK);
    envelope.head_bytes = 897;
    tdm_envelope_build(&envelope, f->package.data);
    f->package.count = 64;
    assert_int_equal(feed_all(&f->front, f->buffer, &f->trust, &f->package), TDM_E_SIZE);
}

static void an_envelope_that_disagrees_with_the_manifest_is_refused(void **state)
{
    struct fixture *f = *state;
    struct tdm_envelope envelope;
    struct tdm_envelope other;

    assert_int_equal(tdm_envelope_parse(&envelope, f->package.data, 64), TDM_OK);
    other = envelope;
    other.payload_bytes++;
    tdm_envelope_build(&other, f->package.data);
    assert_int_equal(feed_all(&f->front, f->buffer, &f->trust, &f->package), TDM_E_MANIFEST);
    other = envelope;
    other.relocation_bytes--;
    tdm_envelope_build(&other, f->package.data);
    assert_int_equal(feed_all(&f->front, f->buffer, &f->trust, &f->package), TDM_E_MANIFEST);
    assert_false(f->front.complete);
}

static void an_unsigned_package_is_refused_even_where_plain_images_are_taken(void **state)
{
    struct fixture *f = *state;
    struct bytes head = read_vector("unsigned.head");
    struct tdm_envelope envelope = {0};
    uint8_t package[TDM_PACKAGE_FRONT_MAX] = {0};
    struct bytes all = {package, sizeof package};

    envelope.head_bytes = (uint16_t)head.count;
    envelope.payload_bytes = 333;
    tdm_envelope_build(&envelope, package);
    memcpy(package + 64, head.data, head.count);
    f->trust.allow_unsigned = true;
    assert_int_equal(feed_all(&f->front, f->buffer, &f->trust, &all), TDM_E_SIGNATURE);
    free_bytes(&head);
}

static int front_of(struct fixture *f, const char *name)
{
    struct bytes package = read_vector(name);
    int result;

    f->trust.verify = tdm_p256_verify;
    result = feed_all(&f->front, f->buffer, &f->trust, &package);
    free_bytes(&package);
    return result;
}

static void packages_signed_by_openssl_verify(void **state)
{
    struct fixture *f = *state;
    struct tdm_manifest manifest;

    assert_int_equal(front_of(f, "small.tdm"), TDM_OK);
    assert_int_equal(front_of(f, "big.tdm"), TDM_OK);
    assert_int_equal(front_of(f, "gap.tdm"), TDM_OK);
    assert_int_equal(front_of(f, "anywhere.tdm"), TDM_OK);
    assert_int_equal(front_of(f, "fixed.tdm"), TDM_OK);
    assert_int_equal(front_of(f, "longest.tdm"), TDM_OK);
    assert_int_equal(front_of(f, "revoking.tdm"), TDM_OK);
    assert_int_equal(tdm_front_manifest(&f->front, &manifest), TDM_OK);
    assert_int_equal(manifest.revoked_keys, 1);
}

static void an_image_may_not_revoke_the_key_that_signed_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(front_of(f, "self-revoking.tdm"), TDM_E_KEY);
    assert_false(f->front.complete);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_of_the_envelope_gives_its_error),
        cmocka_unit_test(an_envelope_cut_short_or_with_any_bit_changed_is_refused),
        cmocka_unit_test_setup_teardown(every_split_of_a_front_gives_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_byte_at_a_time_gives_the_same, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_is_no_manifest_before_the_signature_verified, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_error_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_changed_bit_of_the_front_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_long_a_front_is_refused_at_its_envelope, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_envelope_that_disagrees_with_the_manifest_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_unsigned_package_is_refused_even_where_plain_images_are_taken,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(packages_signed_by_openssl_verify, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_image_may_not_revoke_the_key_that_signed_it, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
