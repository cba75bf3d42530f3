/* A hostile cloud: head and signature are genuine, everything else is its own (docs/PACKAGE.md). */
#include <stdlib.h>
#include <string.h>

#include "delta/encode.h"
#include "tests/delta/installing.h"
#include "tests/support/firmware_like.h"

/* Stands in for a signature: only the head that the product's owner made is signed. */
static bool only_the_genuine_head(const uint8_t *digest, const uint8_t *signature, const uint8_t *key)
{
    uint8_t genuine[TDM_SHA256_BYTES];

    (void)signature;
    (void)key;
    sha256(new.package.head, new.package.envelope.head_bytes, genuine);
    return memcmp(digest, genuine, sizeof genuine) == 0;
}

/* The genuine front and table of new, with a payload that makes image out of base; it claims old as its base.
 */
static uint8_t *forge(size_t *bytes, const uint8_t *image, const uint8_t *base)
{
    struct tdm_envelope envelope = new.package.envelope;
    size_t kept = (size_t)(new.package.payload - new.package.head);
    uint8_t *payload = NULL;
    size_t payload_bytes = 0;
    uint8_t *data;

    assert_int_equal(delta_encode(&payload, &payload_bytes, image, new.package.manifest.image_bytes, base,
                                  BASE_BYTES, NULL, NULL),
                     TDM_OK);
    envelope.encoding = TDM_ENCODING_LZMA_FRAMED;
    envelope.payload_bytes = (uint32_t)payload_bytes;
    memcpy(envelope.base_digest, old.package.manifest.image_digest, sizeof envelope.base_digest);
    *bytes = TDM_ENVELOPE_BYTES + kept + payload_bytes;
    data = malloc(*bytes);
    assert_non_null(data);
    tdm_envelope_build(&envelope, data);
    memcpy(data + TDM_ENVELOPE_BYTES, new.package.head, kept);
    memcpy(data + TDM_ENVELOPE_BYTES + kept, payload, payload_bytes);
    free(payload);
    return data;
}

/* It ends without another image to run: an error on the way, or the digest; the running bank is untouched. */
static void gains_nothing(const uint8_t *package, size_t bytes, bool decodes)
{
    static uint8_t before[BANK_BYTES];
    int front;
    int error;

    power_on(&device, 8, 0);
    device.config.trust.verify = only_the_genuine_head;
    memcpy(before, ram_flash_at(&device.ram, BANK_A), BANK_BYTES);
    front = prepare(&device, package, bytes);
    assert_true(front > 0);
    error = write_chunks(&device, package, (size_t)front, bytes, 256);
    if (decodes)
        assert_int_equal(error, TDM_OK);
    if (error == TDM_OK)
        error = tdm__install_verify(&device.mcu);
    assert_true(error == TDM_E_DIGEST || (!decodes && error == TDM_E_PAYLOAD));
    assert_int_equal(device.mcu.log.record.state, TDM_BOOT_RECEIVING);
    assert_memory_equal(ram_flash_at(&device.ram, BANK_A), before, BANK_BYTES);
    assert_int_equal(device.ram.violations, 0);
}

static void a_delta_that_yields_another_image_is_refused_by_its_digest(void **state)
{
    uint32_t image_bytes = new.package.manifest.image_bytes;
    uint8_t *image = malloc(image_bytes);
    uint8_t *package;
    size_t bytes;

    (void)state;
    assert_non_null(image);
    memcpy(image, new.package.payload, image_bytes);
    package = forge(&bytes, image, old.package.payload);
    power_on(&device, 8, 0);
    device.config.trust.verify = only_the_genuine_head;
    assert_int_equal(write_chunks(&device, package, (size_t)prepare(&device, package, bytes), bytes, 256),
                     TDM_OK);
    is_installed(&device); /* so the forgery is a good one but for what follows */
    free(package);
    for (uint32_t at = 8; at < image_bytes; at += image_bytes / 5) {
        image[at] ^= 1; /* one bit of code */
        package = forge(&bytes, image, old.package.payload);
        gains_nothing(package, bytes, true);
        free(package);
        image[at] ^= 1;
    }
    free(image);
}

static void a_forged_base_digest_ends_at_the_digest(void **state)
{
    uint8_t *other = malloc(BASE_BYTES);
    uint8_t *package;
    size_t bytes;

    (void)state;
    assert_non_null(other);
    firmware_like(other, BASE_BYTES, 99);
    package = forge(&bytes, new.package.payload, other);
    gains_nothing(package, bytes, false);
    free(package);
    memcpy(other, old.package.payload, BASE_BYTES);
    for (uint32_t at = 0; at < BASE_BYTES; at += 64) /* what the new image takes from it differs for sure */
        other[at] ^= 0x10;
    package = forge(&bytes, new.package.payload, other);
    gains_nothing(package, bytes, false);
    free(package);
    free(other);
}

static void a_head_that_was_not_signed_is_refused_whatever_its_payload(void **state)
{
    size_t bytes;
    uint8_t *package = encode(&bytes, true);
    uint32_t erases;

    (void)state;
    power_on(&device, 8, 0);
    device.config.trust.verify = only_the_genuine_head;
    erases = device.ram.erases;
    for (size_t i = 0; i < new.package.envelope.head_bytes; i++) {
        struct tdm_front *front = &device.mcu.front;
        struct tdm_trust trust = tdm__trust(&device.mcu);
        size_t used = 0;

        package[TDM_ENVELOPE_BYTES + i] ^= 1;
        tdm_front_init(front, device.work.front);
        assert_true(tdm_front_feed(front, &trust, package, bytes, &used) < 0);
        assert_false(front->complete);
        package[TDM_ENVELOPE_BYTES + i] ^= 1;
    }
    assert_int_equal(device.ram.erases, erases);
    free(package);
}

static void a_forged_table_is_refused_under_a_delta_too(void **state)
{
    size_t bytes;
    uint8_t *package = encode(&bytes, true);
    size_t table = (size_t)(new.package.table - new.bytes);

    (void)state;
    for (uint32_t i = 0; i < new.package.envelope.relocation_bytes; i += 7) {
        int front;

        power_on(&device, 8, 0);
        package[table + i] ^= 1;
        front = prepare(&device, package, bytes);
        assert_true(front > 0);
        assert_int_equal(write_chunks(&device, package, (size_t)front, bytes, 256), TDM_E_RELOCATIONS);
        package[table + i] ^= 1;
    }
    free(package);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delta_that_yields_another_image_is_refused_by_its_digest),
        cmocka_unit_test(a_forged_base_digest_ends_at_the_digest),
        cmocka_unit_test(a_head_that_was_not_signed_is_refused_whatever_its_payload),
        cmocka_unit_test(a_forged_table_is_refused_under_a_delta_too),
    };

    return cmocka_run_group_tests(tests, make_all, NULL);
}
