/* Comparing, and the digests and the signature check of the linked provider. */
#include "tandem/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/image/vectors.h"

static void equal_means_every_bit(void **state)
{
    uint8_t a[33];
    uint8_t b[33];
    unsigned bit;

    (void)state;
    memset(a, 0x5A, sizeof a);
    memcpy(b, a, sizeof b);
    assert_true(tdm_equal(a, b, sizeof a));
    assert_true(tdm_equal(a, "x", 0));
    for (bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(tdm_equal(a, b, sizeof a));
        assert_int_equal(tdm_equal(a, b, bit / 8), true);
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

/* "abc", from FIPS 180 and RFC 1321. */
static void digests_have_their_published_values(void **state)
{
    struct bytes sha = bytes_from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    struct bytes md5 = bytes_from_hex("900150983cd24fb0d6963f7d28e17f72");
    struct tdm_hash hash;
    uint8_t digest[TDM_SHA256_BYTES];

    (void)state;
    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, "a", 1);
    tdm_sha256_result(&hash, digest);
    tdm_sha256_update(&hash, "bc", 2);
    tdm_sha256_result(&hash, digest);
    assert_memory_equal(digest, sha.data, sizeof digest);
    tdm_md5_init(&hash);
    tdm_md5_update(&hash, "abc", 3);
    tdm_md5_result(&hash, digest);
    assert_memory_equal(digest, md5.data, TDM_MD5_BYTES);
    free_bytes(&sha);
    free_bytes(&md5);
}

static void a_signature_by_openssl_verifies_under_its_key_only(void **state)
{
    struct bytes package = read_vector("small.tdm");
    size_t head_bytes = (size_t)(package.data[6] | package.data[7] << 8);
    uint8_t *signature = package.data + 64 + head_bytes;
    struct tdm_key_set keys;
    struct tdm_hash hash;
    uint8_t digest[TDM_SHA256_BYTES];

    (void)state;
    read_keys(&keys);
    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, package.data + 64, head_bytes);
    tdm_sha256_result(&hash, digest);
    assert_true(tdm_p256_verify(digest, signature, keys.key[0].point));
    assert_false(tdm_p256_verify(digest, signature, keys.key[1].point));
    signature[63] ^= 1;
    assert_false(tdm_p256_verify(digest, signature, keys.key[0].point));
    memset(signature, 0, 64);
    assert_false(tdm_p256_verify(digest, signature, keys.key[0].point));
    free_bytes(&package);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_means_every_bit),
        cmocka_unit_test(digests_have_their_published_values),
        cmocka_unit_test(a_signature_by_openssl_verifies_under_its_key_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
