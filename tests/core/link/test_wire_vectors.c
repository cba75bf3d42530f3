/* Frames and fields against the second implementation, tests/python/tandem_wire.py. */
#include "tandem/frame.h"
#include "tandem/message.h"
#include "tests/core/link/wire_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIRE_MAX = 2 * (TDM_FRAME_PAYLOAD_MAX + 2) };

static void frames_are_sent_as_the_second_implementation_sends_them(void **state)
{
    uint8_t payload[TDM_FRAME_PAYLOAD_MAX], wire[WIRE_MAX], out[WIRE_MAX];
    FILE *file = vectors_open("frames.txt");
    unsigned count = 0;

    (void)state;
    for (; vectors_next(file); count++) {
        size_t payload_bytes = vectors_bytes(payload, sizeof payload);
        size_t wire_bytes = vectors_bytes(wire, sizeof wire);
        struct tdm_frame_tx tx;

        tdm_frame_tx_init(&tx, payload, payload_bytes);
        assert_int_equal(tdm_frame_tx_pull(&tx, out, sizeof out), wire_bytes);
        assert_memory_equal(out, wire, wire_bytes);
        assert_int_equal(tdm_frame_wire_bytes(payload, payload_bytes), wire_bytes);
    }
    assert_true(count > 200);
    fclose(file);
}

static void frames_are_received_as_they_were_sent(void **state)
{
    uint8_t payload[TDM_FRAME_PAYLOAD_MAX], wire[WIRE_MAX], buffer[TDM_FRAME_PAYLOAD_MAX + 1];
    FILE *file = vectors_open("frames.txt");
    struct tdm_frame_rx rx;

    (void)state;
    tdm_frame_rx_init(&rx, buffer, sizeof buffer);
    while (vectors_next(file)) {
        size_t payload_bytes = vectors_bytes(payload, sizeof payload);
        size_t wire_bytes = vectors_bytes(wire, sizeof wire);

        for (size_t i = 0; i + 1 < wire_bytes; i++)
            assert_int_equal(tdm_frame_rx_push(&rx, wire[i]), 0);
        assert_int_equal(tdm_frame_rx_push(&rx, wire[wire_bytes - 1]), payload_bytes);
        assert_memory_equal(buffer, payload, payload_bytes);
    }
    fclose(file);
}

/* Hex of all payloads that came, separated by commas. */
static void append_payload(char *shown, size_t room, const uint8_t *payload, size_t bytes)
{
    size_t used = strlen(shown);

    if (used > 0)
        used += (size_t)snprintf(shown + used, room - used, ",");
    for (size_t i = 0; i < bytes; i++)
        used += (size_t)snprintf(shown + used, room - used, "%02x", payload[i]);
}

static void streams_with_every_kind_of_damage_give_the_same_frames_and_counters(void **state)
{
    FILE *file = vectors_open("streams.txt");
    uint8_t stream[1024];
    unsigned count = 0;

    (void)state;
    for (; vectors_next(file); count++) {
        size_t capacity = (size_t)vectors_number();
        uint8_t *buffer = malloc(capacity); /* exact, for the sanitizer */
        char shown[2048] = "";
        struct tdm_frame_counters counted = {0};
        struct tdm_frame_rx rx;
        size_t stream_bytes;
        long counters[5];

        for (size_t i = 0; i < 5; i++)
            counters[i] = vectors_number();
        stream_bytes = vectors_bytes(stream, sizeof stream);
        tdm_frame_rx_init(&rx, buffer, capacity);
        for (size_t i = 0; i < stream_bytes; i++) {
            int pushed = tdm_frame_rx_push(&rx, stream[i]);

            tdm_frame_count(&counted, pushed);
            if (pushed > 0)
                append_payload(shown, sizeof shown, buffer, (size_t)pushed);
        }
        assert_string_equal(shown, vectors_field());
        assert_int_equal(counted.frames, counters[0]);
        assert_int_equal(counted.bad_crc, counters[1]);
        assert_int_equal(counted.oversized, counters[2]);
        assert_int_equal(counted.cut_short, counters[3]);
        assert_int_equal(counted.noise, counters[4]);
        free(buffer);
    }
    assert_true(count >= 300);
    fclose(file);
}

static void put_field(struct tdm_writer *w, const char *field)
{
    long long value = strtoll(field + 1, NULL, 10);
    uint8_t bytes[64];
    size_t count;

    switch (field[0]) {
    case '?':
        tdm_put_bool(w, value != 0);
        break;
    case 'B':
        tdm_put_u8(w, (uint8_t)value);
        break;
    case 'H':
        tdm_put_u16(w, (uint16_t)value);
        break;
    case 'h':
        tdm_put_i16(w, (int16_t)value);
        break;
    case 'I':
        tdm_put_u32(w, (uint32_t)value);
        break;
    case 'q':
        tdm_put_i64(w, value);
        break;
    default:
        count = vectors_bytes_of(field + 1, bytes, sizeof bytes - 1);
        bytes[count] = 0;
        if (field[0] == 's')
            tdm_put_string(w, (const char *)bytes);
        else
            tdm_put_binary(w, bytes, (uint16_t)count);
    }
}

/* The value of the next field, in the vectors' form. */
static void show_field(struct tdm_reader *r, char type, char *shown, size_t room)
{
    const uint8_t *bytes;
    uint16_t count;

    snprintf(shown, room, "%c", type);
    switch (type) {
    case '?':
        snprintf(shown, room, "?%d", tdm_get_bool(r));
        break;
    case 'B':
        snprintf(shown, room, "B%u", (unsigned)tdm_get_u8(r));
        break;
    case 'H':
        snprintf(shown, room, "H%u", (unsigned)tdm_get_u16(r));
        break;
    case 'h':
        snprintf(shown, room, "h%d", tdm_get_i16(r));
        break;
    case 'I':
        snprintf(shown, room, "I%lu", (unsigned long)tdm_get_u32(r));
        break;
    case 'q':
        snprintf(shown, room, "q%lld", (long long)tdm_get_i64(r));
        break;
    case 's':
        bytes = (const uint8_t *)tdm_get_string(r);
        for (size_t i = 0; bytes[i] != 0; i++)
            snprintf(shown + 1 + 2 * i, room - 1 - 2 * i, "%02x", bytes[i]);
        break;
    default:
        bytes = tdm_get_binary(r, &count);
        for (size_t i = 0; i < count; i++)
            snprintf(shown + 1 + 2 * i, room - 1 - 2 * i, "%02x", bytes[i]);
    }
}

static void fields_are_written_and_read_as_the_second_implementation_does(void **state)
{
    FILE *file = vectors_open("fields.txt");
    unsigned count = 0;

    (void)state;
    for (; vectors_next(file); count++) {
        uint8_t expected[256], written[256];
        size_t bytes = vectors_bytes(expected, sizeof expected);
        struct tdm_writer w;
        struct tdm_reader r;
        const char *field;
        char shown[64];

        tdm_writer_init(&w, written, sizeof written);
        tdm_reader_init(&r, expected, bytes);
        while ((field = vectors_field()) != NULL) {
            put_field(&w, field);
            show_field(&r, field[0], shown, sizeof shown);
            assert_string_equal(shown, field);
        }
        assert_true(tdm_reader_done(&r));
        assert_int_equal(w.length, bytes);
        assert_memory_equal(written, expected, bytes);
    }
    assert_true(count >= 200);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_sent_as_the_second_implementation_sends_them),
        cmocka_unit_test(frames_are_received_as_they_were_sent),
        cmocka_unit_test(streams_with_every_kind_of_damage_give_the_same_frames_and_counters),
        cmocka_unit_test(fields_are_written_and_read_as_the_second_implementation_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
