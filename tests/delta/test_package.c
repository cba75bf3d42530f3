/* Packages encoded, and taken back to the plain image. */
#include "delta/package.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tandem/digest.h"
#include "tests/support/firmware_like.h"

#define BASE_BYTES 30000

struct file {
    uint8_t bytes[40000];
    size_t count;
    struct delta_package package;
};

static struct file old;
static struct file new;

/* A plain package of an image; its signature is of no kind, which nobody looks at here. */
static void make(struct file *file, const uint8_t *image, uint32_t image_bytes, const char *version)
{
    struct tdm_envelope envelope = {.payload_bytes = image_bytes};
    struct tdm_manifest manifest = {.type = "pump",
                                    .build = "Nov 22 2026 10:00:00",
                                    .hardware = "board",
                                    .image_bytes = image_bytes,
                                    .counter = 1};
    struct tdm_hash hash;
    int head;

    snprintf(manifest.version, sizeof manifest.version, "%s", version);
    tdm_sha256_init(&hash);
    tdm_sha256_result(&hash, manifest.relocation_digest);
    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, image, image_bytes);
    tdm_sha256_result(&hash, manifest.image_digest);
    head = tdm_head_build(&manifest, "", 0x12345678, file->bytes + TDM_ENVELOPE_BYTES, 896);
    assert_true(head > 0);
    envelope.head_bytes = (uint16_t)head;
    tdm_envelope_build(&envelope, file->bytes);
    memset(file->bytes + TDM_ENVELOPE_BYTES + head, 0x5A, TDM_SIGNATURE_BYTES);
    memcpy(file->bytes + TDM_ENVELOPE_BYTES + head + TDM_SIGNATURE_BYTES, image, image_bytes);
    file->count = TDM_ENVELOPE_BYTES + (size_t)head + TDM_SIGNATURE_BYTES + image_bytes;
    assert_int_equal(delta_package_open(&file->package, file->bytes, file->count), TDM_OK);
}

static int setup(void **state)
{
    static uint8_t base[BASE_BYTES];
    static uint8_t image[BASE_BYTES + 4096];
    uint32_t bytes;

    (void)state;
    firmware_like(base, BASE_BYTES, 11);
    bytes = firmware_newer(image, base, BASE_BYTES, 11);
    make(&old, base, BASE_BYTES, "1.0.0");
    make(&new, image, bytes, "1.1.0");
    return 0;
}

/* Encodes new, and opens what came of it. */
static uint8_t *encode(struct delta_package *encoded, size_t *bytes, const struct delta_package *base)
{
    uint8_t *data = NULL;

    assert_int_equal(delta_package_encode(&data, bytes, &new.package, base, NULL, NULL), TDM_OK);
    assert_int_equal(delta_package_open(encoded, data, *bytes), TDM_OK);
    return data;
}

static void head_signature_and_table_stay_and_the_image_comes_back(void **state)
{
    (void)state;
    for (int with_base = 0; with_base < 2; with_base++) {
        const struct delta_package *base = with_base ? &old.package : NULL;
        struct delta_package encoded;
        uint8_t *image = NULL;
        size_t bytes;
        uint8_t *data = encode(&encoded, &bytes, base);

        assert_true(bytes < new.count * 4 / 5);
        assert_int_equal(encoded.envelope.encoding, TDM_ENCODING_LZMA_FRAMED);
        assert_memory_equal(encoded.head, new.package.head,
                            new.package.envelope.head_bytes + TDM_SIGNATURE_BYTES);
        assert_int_equal(delta_package_image(&image, &encoded, base), TDM_OK);
        assert_memory_equal(image, new.package.payload, new.package.manifest.image_bytes);
        free(image);
        free(data);
    }
}

static void the_envelope_names_the_base(void **state)
{
    static const uint8_t none[TDM_SHA256_BYTES];
    struct delta_package encoded;
    size_t bytes;
    uint8_t *data = encode(&encoded, &bytes, &old.package);

    (void)state;
    assert_memory_equal(encoded.envelope.base_digest, old.package.manifest.image_digest, TDM_SHA256_BYTES);
    free(data);
    data = encode(&encoded, &bytes, NULL);
    assert_memory_equal(encoded.envelope.base_digest, none, TDM_SHA256_BYTES);
    free(data);
}

static void a_delta_without_its_base_gives_no_image(void **state)
{
    struct delta_package encoded;
    uint8_t *image = NULL;
    size_t bytes;
    uint8_t *data = encode(&encoded, &bytes, &old.package);

    (void)state;
    assert_int_equal(delta_package_image(&image, &encoded, NULL), TDM_E_NOT_FOUND);
    assert_int_equal(delta_package_image(&image, &encoded, &new.package), TDM_E_NOT_FOUND);
    assert_null(image);
    free(data);
}

static void what_is_encoded_or_damaged_is_not_encoded_again(void **state)
{
    struct delta_package encoded;
    size_t bytes;
    size_t ignored;
    uint8_t *data = encode(&encoded, &bytes, NULL);
    uint8_t *again = NULL;

    (void)state;
    assert_int_equal(delta_package_encode(&again, &ignored, &encoded, NULL, NULL, NULL), TDM_E_ENCODING);
    assert_int_equal(delta_package_encode(&again, &ignored, &new.package, &encoded, NULL, NULL),
                     TDM_E_ENCODING);
    old.bytes[old.count - 1] ^= 1;
    assert_int_equal(delta_package_encode(&again, &ignored, &new.package, &old.package, NULL, NULL),
                     TDM_E_DIGEST);
    assert_int_equal(delta_package_encode(&again, &ignored, &old.package, NULL, NULL, NULL), TDM_E_DIGEST);
    old.bytes[old.count - 1] ^= 1;
    free(data);
}

static void packages_cut_short_or_with_more_behind_are_refused(void **state)
{
    struct delta_package package;

    (void)state;
    for (size_t i = 0; i < new.count; i += 1 + i / 8)
        assert_int_equal(delta_package_open(&package, new.bytes, i), TDM_E_TRUNCATED);
    assert_int_equal(delta_package_open(&package, new.bytes, new.count + 1), TDM_E_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_signature_and_table_stay_and_the_image_comes_back),
        cmocka_unit_test(the_envelope_names_the_base),
        cmocka_unit_test(a_delta_without_its_base_gives_no_image),
        cmocka_unit_test(what_is_encoded_or_damaged_is_not_encoded_again),
        cmocka_unit_test(packages_cut_short_or_with_more_behind_are_refused),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
