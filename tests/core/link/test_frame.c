/* Frames, both directions. The golden frames are those of docs/PROTOCOL.md, section 2. */
#include "tandem/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct golden {
    const char *payload;
    size_t payload_bytes;
    const char *wire;
    size_t wire_bytes;
};

#define GOLDEN(payload, wire)                                                                                \
    {                                                                                                        \
        payload, sizeof(payload) - 1, wire, sizeof(wire) - 1                                                 \
    }

static const struct golden golden[] = {
    GOLDEN("\xbc\x67\x01\x01\x02\x00", "\xaa\xbc\x67\x01\x01\x02\x00\x70\xbb"),
    GOLDEN("\x12\xa5\x02\x00\x00", "\xaa\x12\xa5\x02\x00\x00\x91\xbb"),
    GOLDEN("\xbc\x67\x01\x03\x06\x00TMPL0vFkFmJM7\0QPower\0",
           "\xaa\xbc\x67\x01\x03\x06\x00\x54\x4d\x50\x4c\x30\x76\x46\x6b\x46\x6d\x4a\x4d\x37\x00"
           "\x51\x50\x6f\x77\x65\x72\x00\x68\xbb"),
    GOLDEN("\x12\xa5\x06\x00\x00\x01", "\xaa\x12\xa5\x06\x00\x00\x01\xa1\xbb"),
};

enum { GOLDEN_COUNT = sizeof golden / sizeof golden[0] };

struct received {
    struct tdm_frame_rx rx;
    struct tdm_frame_counters counters;
    uint8_t buffer[64];
};

static void listen(struct received *r)
{
    memset(&r->counters, 0, sizeof r->counters);
    tdm_frame_rx_init(&r->rx, r->buffer, sizeof r->buffer);
}

/* Feeds bytes; returns the length of the last good frame in them, 0 if there was none. */
static size_t feed(struct received *r, const char *bytes, size_t count)
{
    size_t last = 0;

    for (size_t i = 0; i < count; i++) {
        int pushed = tdm_frame_rx_push(&r->rx, (uint8_t)bytes[i]);

        tdm_frame_count(&r->counters, pushed);
        last = pushed > 0 ? (size_t)pushed : last;
    }
    return last;
}

#define FEED(r, literal) feed(r, literal, sizeof(literal) - 1)

static void crc_has_the_check_value_of_its_catalogue_entry(void **state)
{
    (void)state;
    assert_int_equal(tdm_crc8(0, "123456789", 9), 0xF4); /* CRC-8/SMBUS */
}

static void crc_continues_over_pieces(void **state)
{
    (void)state;
    for (size_t cut = 0; cut <= 9; cut++)
        assert_int_equal(tdm_crc8(tdm_crc8(0, "123456789", cut), &"123456789"[cut], 9 - cut), 0xF4);
}

static void golden_frames_are_sent_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct tdm_frame_tx tx;
        uint8_t wire[64];

        tdm_frame_tx_init(&tx, (const uint8_t *)golden[i].payload, golden[i].payload_bytes);
        assert_int_equal(tdm_frame_tx_pull(&tx, wire, sizeof wire), golden[i].wire_bytes);
        assert_memory_equal(wire, golden[i].wire, golden[i].wire_bytes);
        assert_true(tdm_frame_tx_sent(&tx));
    }
}

static void golden_frames_are_received(void **state)
{
    (void)state;
    for (size_t i = 0; i < GOLDEN_COUNT; i++) {
        struct received r;

        listen(&r);
        assert_int_equal(feed(&r, golden[i].wire, golden[i].wire_bytes), golden[i].payload_bytes);
        assert_memory_equal(r.buffer, golden[i].payload, golden[i].payload_bytes);
        assert_int_equal(r.counters.frames, 1);
    }
}

static void frame_can_be_pulled_in_pieces_of_any_size(void **state)
{
    static const uint8_t payload[] = {0x11, 0x00, 0x13, 0xAA, 0xBB, 0xCC, 0x7F};
    uint8_t whole[32], pieces[32];
    struct tdm_frame_tx tx;
    size_t wire_bytes;

    (void)state;
    tdm_frame_tx_init(&tx, payload, sizeof payload);
    wire_bytes = tdm_frame_tx_pull(&tx, whole, sizeof whole);
    for (size_t piece = 1; piece <= wire_bytes; piece++) {
        size_t count = 0, got;

        tdm_frame_tx_init(&tx, payload, sizeof payload);
        while ((got = tdm_frame_tx_pull(&tx, pieces + count, piece)) > 0)
            count += got;
        assert_int_equal(count, wire_bytes);
        assert_memory_equal(pieces, whole, wire_bytes);
    }
}

static void resync_is_noise_and_an_end(void **state)
{
    struct tdm_frame_tx tx = {0};
    uint8_t wire[4];

    (void)state;
    assert_true(tdm_frame_tx_sent(&tx));
    tdm_frame_tx_resync(&tx);
    assert_int_equal(tdm_frame_tx_pull(&tx, wire, 1), 1);
    assert_int_equal(tdm_frame_tx_pull(&tx, wire + 1, sizeof wire - 1), 1);
    assert_memory_equal(wire, "\x01\xbb", 2);
    assert_true(tdm_frame_tx_sent(&tx));
}

static void every_reserved_byte_is_escaped_in_payload_and_crc(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 65536; value++) {
        uint8_t payload[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
        struct tdm_frame_tx tx;
        struct received r;
        uint8_t wire[16];
        size_t count;
        int length = 0;

        tdm_frame_tx_init(&tx, payload, sizeof payload);
        count = tdm_frame_tx_pull(&tx, wire, sizeof wire);
        assert_int_equal(count, tdm_frame_wire_bytes(payload, sizeof payload));
        for (size_t i = 1; i + 1 < count; i++)
            assert_null(memchr("\x11\x13\xaa\xbb", wire[i], 4));
        listen(&r);
        for (size_t i = 0; i < count; i++)
            length = tdm_frame_rx_push(&r.rx, wire[i]);
        assert_int_equal(length, 2);
        assert_memory_equal(r.buffer, payload, 2);
    }
}

static void noise_between_frames_is_skipped(void **state)
{
    struct received r;

    (void)state;
    listen(&r);
    assert_int_equal(FEED(&r, "boot v1\r\n\xbb\xcc\x11\xaa\x12\xa5\x02\x00\x00\x91\xbb"), 5);
    assert_int_equal(r.counters.noise, 12);
    assert_int_equal(r.counters.frames, 1);
}

static void beg_inside_a_frame_starts_anew(void **state)
{
    struct received r;

    (void)state;
    listen(&r);
    assert_int_equal(FEED(&r, "\xaa\xbc\x67\x01\xaa\x12\xa5\x02\x00\x00\x91\xbb"), 5);
    assert_int_equal(r.counters.cut_short, 1);
}

static void empty_frames_are_ignored(void **state)
{
    struct received r;

    (void)state;
    listen(&r);
    assert_int_equal(FEED(&r, "\xaa\xbb\xaa\x00\xbb"), 0);
    assert_int_equal(r.counters.bad_crc + r.counters.frames, 0);
    assert_int_equal(FEED(&r, "\xaa\x12\xa5\x02\x00\x00\x91\xbb"), 5);
}

static void wrong_crc_is_dropped_and_counted(void **state)
{
    struct received r;

    (void)state;
    listen(&r);
    assert_int_equal(FEED(&r, "\xaa\x12\xa5\x02\x00\x01\x91\xbb"), 0);
    assert_int_equal(r.counters.bad_crc, 1);
    assert_int_equal(FEED(&r, "\xaa\x12\xa5\x02\x00\x00\x91\xbb"), 5);
}

static void any_byte_behind_an_escape_is_inverted(void **state)
{
    struct received r;

    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        uint8_t payload = (uint8_t)value ^ 0xFF;
        uint8_t wire[] = {0xAA, 0xCC, (uint8_t)value, 0xCC, tdm_crc8(0, &payload, 1) ^ 0xFF, 0xBB};

        listen(&r);
        assert_int_equal(feed(&r, (const char *)wire, sizeof wire), 1);
        assert_int_equal(r.buffer[0], payload);
    }
}

/* virtualWrite(19, "1") of a driver that was never told to escape them. */
static void flow_control_bytes_that_the_sender_did_not_escape_are_data(void **state)
{
    struct received r;

    (void)state;
    listen(&r);
    assert_int_equal(FEED(&r, "\xaa\xf3\x1c\x11\x03\x13\x00\x01\x00\x31\xd1\xbb"), 9);
    assert_memory_equal(r.buffer, "\xf3\x1c\x11\x03\x13\x00\x01\x00\x31", 9);
}

static void oversized_frame_is_dropped_without_overrun(void **state)
{
    struct tdm_frame_rx rx;
    uint8_t memory[10];

    (void)state;
    memset(memory, 0x5A, sizeof memory);
    tdm_frame_rx_init(&rx, memory, 6); /* five bytes of payload and the CRC */
    for (const char *b = "\xaa\x01\x02\x03\x04\x05\x06\x07\x08\xbb"; *b != 0; b++)
        assert_int_equal(tdm_frame_rx_push(&rx, (uint8_t)*b), *b == 7 ? TDM_FRAME_OVERSIZED : 0);
    for (size_t i = 6; i < sizeof memory; i++)
        assert_int_equal(memory[i], 0x5A);
}

static void largest_frame_that_fits_is_taken_after_an_oversized_one(void **state)
{
    static const char wire[] = "\xaa\x01\x02\x03\x04\x05\x06\x07\xaa\x12\xa5\x02\x00\x00\x91\xbb";
    struct tdm_frame_rx rx;
    uint8_t buffer[6];
    struct tdm_frame_counters counters = {0};
    int pushed = 0;

    (void)state;
    tdm_frame_rx_init(&rx, buffer, sizeof buffer);
    for (size_t i = 0; i < sizeof wire - 1; i++) {
        pushed = tdm_frame_rx_push(&rx, (uint8_t)wire[i]);
        tdm_frame_count(&counters, pushed);
    }
    assert_int_equal(pushed, 5);
    assert_int_equal(counters.oversized, 1);
    assert_int_equal(counters.cut_short, 0);
}

static void resync_brings_a_receiver_back_in_step(void **state)
{
    struct received r;

    (void)state;
    listen(&r);
    assert_int_equal(FEED(&r, "\xaa\xbc\x67\x01\x01\xbb\xaa\x12\xa5\x02\x00\x00\x91\xbb"), 5);
    assert_int_equal(r.counters.bad_crc, 1);
    assert_int_equal(FEED(&r, "\x01\xbb\xaa\x12\xa5\x02\x00\x00\x91\xbb"), 5);
    assert_int_equal(r.counters.bad_crc, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc_has_the_check_value_of_its_catalogue_entry),
        cmocka_unit_test(crc_continues_over_pieces),
        cmocka_unit_test(golden_frames_are_sent_byte_for_byte),
        cmocka_unit_test(golden_frames_are_received),
        cmocka_unit_test(frame_can_be_pulled_in_pieces_of_any_size),
        cmocka_unit_test(resync_is_noise_and_an_end),
        cmocka_unit_test(every_reserved_byte_is_escaped_in_payload_and_crc),
        cmocka_unit_test(noise_between_frames_is_skipped),
        cmocka_unit_test(beg_inside_a_frame_starts_anew),
        cmocka_unit_test(empty_frames_are_ignored),
        cmocka_unit_test(wrong_crc_is_dropped_and_counted),
        cmocka_unit_test(any_byte_behind_an_escape_is_inverted),
        cmocka_unit_test(flow_control_bytes_that_the_sender_did_not_escape_are_data),
        cmocka_unit_test(oversized_frame_is_dropped_without_overrun),
        cmocka_unit_test(largest_frame_that_fits_is_taken_after_an_oversized_one),
        cmocka_unit_test(resync_brings_a_receiver_back_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
