/* The decoder, on payloads that liblzma made (tests/delta/make_vectors.c). */
#include "tandem/unlzma.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/core/image/vectors.h"
#include "tests/support/firmware_like.h"
#include "tests/support/lzma_vectors.h"

#define IMAGE_MAX (LZMA_BASE_BYTES + 4096)

struct device {
    struct tdm_unlzma decoder;
    uint8_t base[LZMA_BASE_BYTES];
    uint32_t base_bytes;
    uint8_t image[IMAGE_MAX];
    uint32_t written;
    int read_result;
    int write_result;
    uint32_t written_before_failing;
};

static struct device device;
static uint8_t wanted[IMAGE_MAX];
static uint32_t wanted_bytes;

static int read_back(void *ctx, bool base, uint32_t offset, uint8_t *to, uint32_t bytes)
{
    struct device *d = ctx;
    uint32_t limit = base ? d->base_bytes : d->written;

    assert_in_range(bytes, 1, TDM_UNLZMA_PIECE);
    if (d->read_result != TDM_OK)
        return d->read_result;
    if (offset > limit || bytes > limit - offset)
        return TDM_E_PAYLOAD;
    memcpy(to, (base ? d->base : d->image) + offset, bytes);
    return TDM_OK;
}

static int write_image(void *ctx, uint8_t *bytes, uint32_t count)
{
    struct device *d = ctx;

    assert_in_range(count, 1, TDM_UNLZMA_PIECE);
    assert_true(count <= wanted_bytes - d->written);
    if (d->write_result != TDM_OK && d->written + count > d->written_before_failing)
        return d->write_result;
    memcpy(d->image + d->written, bytes, count);
    d->written += count;
    memset(bytes, 0xEE, count); /* which it may */
    return TDM_OK;
}

static const struct tdm_unlzma_ops ops = {read_back, write_image};

/* Starts at the frame at `from`; what lies before is there already. */
static void start(uint32_t base_bytes, uint32_t from)
{
    firmware_like(device.base, LZMA_BASE_BYTES, LZMA_SEED);
    wanted_bytes = firmware_newer(wanted, device.base, LZMA_BASE_BYTES, LZMA_SEED);
    device.base_bytes = base_bytes;
    memset(device.image, 0, sizeof device.image);
    memcpy(device.image, wanted, from);
    device.written = from;
    device.read_result = TDM_OK;
    device.write_result = TDM_OK;
    device.written_before_failing = 0;
    memset(&device.decoder, 0xA5, sizeof device.decoder);
    tdm_unlzma_init(&device.decoder, &ops, &device, base_bytes, wanted_bytes, from);
}

/* Feeds pieces, each from memory of its own length. */
static int feed(const uint8_t *data, size_t bytes, size_t piece)
{
    int result = TDM_OK;

    for (size_t at = 0; at < bytes && result == TDM_OK; at += piece) {
        struct bytes copy = bytes_copy(data + at, bytes - at < piece ? bytes - at : piece);

        result = tdm_unlzma_feed(&device.decoder, copy.data, (uint32_t)copy.count);
        free_bytes(&copy);
    }
    return result;
}

static void gives_the_image(const char *name, uint32_t base_bytes)
{
    static const size_t pieces[] = {1, 2, 19, 20, 21, 31, 32, 33, 512, 1u << 20};
    struct bytes payload = read_vector(name);

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        start(base_bytes, 0);
        assert_int_equal(feed(payload.data, payload.count, pieces[i]), TDM_OK);
        assert_true(tdm_unlzma_done(&device.decoder));
        assert_int_equal(device.written, wanted_bytes);
        assert_memory_equal(device.image, wanted, wanted_bytes);
    }
    free_bytes(&payload);
}

static void payloads_in_pieces_of_any_size_give_the_image(void **state)
{
    (void)state;
    gives_the_image("lzma/compressed.payload", 0);
    gives_the_image("lzma/delta.payload", LZMA_BASE_BYTES);
}

/* Where each frame starts in a payload. */
static size_t frame_at(const struct bytes *payload, unsigned frame)
{
    size_t at = 0;

    while (frame-- > 0)
        at += 2u + payload->data[at] + 256u * payload->data[at + 1];
    return at;
}

static void decoding_starts_again_at_any_frame(void **state)
{
    static const char *const names[] = {"lzma/compressed.payload", "lzma/delta.payload"};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct bytes payload = read_vector(names[i]);

        for (unsigned frame = 0; frame < 3; frame++) {
            size_t at = frame_at(&payload, frame);

            start(i == 0 ? 0 : LZMA_BASE_BYTES, frame * TDM_UNLZMA_FRAME_BYTES);
            assert_int_equal(feed(payload.data + at, payload.count - at, 100), TDM_OK);
            assert_true(tdm_unlzma_done(&device.decoder));
            assert_memory_equal(device.image, wanted, wanted_bytes);
        }
        free_bytes(&payload);
    }
}

static void a_payload_cut_short_is_not_done(void **state)
{
    struct bytes payload = read_vector("lzma/delta.payload");

    (void)state;
    for (size_t bytes = 0; bytes < payload.count; bytes += 1 + bytes / 50) {
        start(LZMA_BASE_BYTES, 0);
        assert_int_equal(feed(payload.data, bytes, 1000), TDM_OK);
        assert_false(tdm_unlzma_done(&device.decoder));
    }
    free_bytes(&payload);
}

/* The image ends before the payload's last symbol does: nothing is written behind it. */
static void a_match_beyond_the_end_is_refused(void **state)
{
    struct bytes payload = read_vector("lzma/compressed.payload");
    size_t at = frame_at(&payload, 2);
    uint32_t from = 2 * TDM_UNLZMA_FRAME_BYTES;

    (void)state;
    for (uint32_t less = 1; less <= 64; less++) {
        start(0, from);
        wanted_bytes -= less;
        tdm_unlzma_init(&device.decoder, &ops, &device, 0, wanted_bytes, from);
        assert_int_equal(feed(payload.data + at, payload.count - at, payload.count), TDM_E_PAYLOAD);
        assert_memory_equal(device.image, wanted, device.written);
    }
    free_bytes(&payload);
}

static void bytes_behind_the_image_are_refused_for_good(void **state)
{
    struct bytes payload = read_vector("lzma/compressed.payload");
    uint8_t more = 0;

    (void)state;
    start(0, 0);
    assert_int_equal(feed(payload.data, payload.count, 64), TDM_OK);
    assert_int_equal(tdm_unlzma_feed(&device.decoder, &more, 1), TDM_E_PAYLOAD);
    assert_int_equal(tdm_unlzma_feed(&device.decoder, &more, 0), TDM_E_PAYLOAD);
    free_bytes(&payload);
}

/* Any byte changed: an error, another image of the same length, or an end too early; never anything outside.
 * The operations would fail. */
static void damage_leads_nowhere(void **state)
{
    struct bytes payload = read_vector("lzma/delta.payload");
    unsigned wrong = 0;
    unsigned tried = 0;

    (void)state;
    for (size_t i = 0; i < payload.count; i += 3) {
        payload.data[i] ^= 0x41;
        start(LZMA_BASE_BYTES, 0);
        wrong += feed(payload.data, payload.count, 4096) != TDM_OK ||
                 memcmp(device.image, wanted, wanted_bytes) != 0;
        tried++;
        payload.data[i] ^= 0x41;
    }
    assert_true(wrong >
                tried * 9 / 10); /* the length of a last segment may be any that reaches the frame's end */
    free_bytes(&payload);
}

static void another_base_gives_another_image(void **state)
{
    struct bytes payload = read_vector("lzma/delta.payload");

    (void)state;
    start(LZMA_BASE_BYTES, 0);
    device.base[100] ^= 1;
    assert_int_equal(feed(payload.data, payload.count, 512), TDM_OK);
    assert_memory_not_equal(device.image, wanted, wanted_bytes);
    start(0, 0);
    assert_int_equal(feed(payload.data, payload.count, 512), TDM_E_PAYLOAD);
    free_bytes(&payload);
}

static void errors_of_flash_end_it_and_nothing_is_written_behind(void **state)
{
    struct bytes payload = read_vector("lzma/delta.payload");

    (void)state;
    start(LZMA_BASE_BYTES, 0);
    device.read_result = TDM_E_FLASH_READ;
    assert_int_equal(feed(payload.data, payload.count, 512), TDM_E_FLASH_READ);
    assert_int_equal(device.written, 0);
    start(LZMA_BASE_BYTES, 0);
    device.write_result = TDM_E_FLASH_PROGRAM;
    assert_int_equal(feed(payload.data, payload.count, 512), TDM_E_FLASH_PROGRAM);
    assert_int_equal(device.written, 0);
    free_bytes(&payload);
}

static void an_image_whose_last_bytes_failed_is_not_done(void **state)
{
    struct bytes payload = read_vector("lzma/delta.payload");

    (void)state;
    start(LZMA_BASE_BYTES, 0);
    device.write_result = TDM_E_FLASH_PROGRAM;
    device.written_before_failing = wanted_bytes - 1;
    assert_int_equal(feed(payload.data, payload.count, 512), TDM_E_FLASH_PROGRAM);
    assert_true(device.written < wanted_bytes);
    assert_false(tdm_unlzma_done(&device.decoder));
    free_bytes(&payload);
}

/* The heads of frames, as hex, that must be refused with what stands there so far. */
static void heads_that_can_not_be_are_refused(void **state)
{
    static const uint8_t short_frame[] = {5, 0, 0};
    static const uint8_t many_segments[] = {100, 0, 25};
    static const uint8_t first_byte[] = {20, 0, 0, 1, 0, 0, 0, 0};
    static const struct bytes heads[] = {{(uint8_t *)short_frame, sizeof short_frame},
                                         {(uint8_t *)many_segments, sizeof many_segments},
                                         {(uint8_t *)first_byte, sizeof first_byte}};

    (void)state;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        uint8_t rest[40] = {0};

        start(LZMA_BASE_BYTES, 0);
        assert_int_equal(feed(heads[i].data, heads[i].count, 1), i < 2 ? TDM_E_PAYLOAD : TDM_OK);
        assert_int_equal(feed(rest, sizeof rest, 40), TDM_E_PAYLOAD);
        assert_int_equal(device.written, 0);
    }
}

static void the_state_takes_no_more_than_4_KiB(void **state)
{
    (void)state;
    assert_true(sizeof(struct tdm_unlzma) <= 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_in_pieces_of_any_size_give_the_image),
        cmocka_unit_test(decoding_starts_again_at_any_frame),
        cmocka_unit_test(a_payload_cut_short_is_not_done),
        cmocka_unit_test(a_match_beyond_the_end_is_refused),
        cmocka_unit_test(bytes_behind_the_image_are_refused_for_good),
        cmocka_unit_test(damage_leads_nowhere),
        cmocka_unit_test(another_base_gives_another_image),
        cmocka_unit_test(errors_of_flash_end_it_and_nothing_is_written_behind),
        cmocka_unit_test(an_image_whose_last_bytes_failed_is_not_done),
        cmocka_unit_test(heads_that_can_not_be_are_refused),
        cmocka_unit_test(the_state_takes_no_more_than_4_KiB),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
