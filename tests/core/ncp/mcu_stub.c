#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* --- Checksums and frames, bit by bit --- */

static uint8_t crc8(const uint8_t *data, int bytes)
{
    uint8_t crc = 0;

    for (int i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x07 : crc << 1);
    }
    return crc;
}

uint32_t stub_crc32(const uint8_t *data, uint32_t bytes)
{
    uint32_t crc = 0xFFFFFFFF;

    for (uint32_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xEDB88320 : crc >> 1;
    }
    return ~crc;
}

static uint16_t get16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get32(const uint8_t *at)
{
    return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static void put16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void send_frame(struct world *world, const uint8_t *payload, int bytes)
{
    uint8_t wire[2048] = {0xAA};
    uint8_t crc = crc8(payload, bytes);
    int length = 1;

    for (int i = 0; i <= bytes; i++) {
        uint8_t byte = i < bytes ? payload[i] : crc;

        if (byte == 0x11 || byte == 0x13 || byte == 0xAA || byte == 0xBB || byte == 0xCC) {
            wire[length++] = 0xCC;
            byte ^= 0xFF;
        }
        wire[length++] = byte;
    }
    wire[length++] = 0xBB;
    for (int i = 0; i < length; i++) { /* one byte at a time */
        tdm_ncp_receive(&world->ncp, &wire[i], 1, world->now_ms);
    }
}

/* --- Calls of the MCU --- */

static void invoke(struct world *world, uint16_t uid, const void *args, int bytes)
{
    struct stub *mcu = &world->mcu;
    uint8_t message[512];

    put16(message, 0x67BC);
    put16(message + 2, uid);
    put16(message + 4, ++mcu->next_id);
    memcpy(message + 6, args, (size_t)bytes);
    mcu->awaited_id = mcu->next_id;
    mcu->result_bytes = -1;
    send_frame(world, message, 6 + bytes);
}

/* --- Calls that it serves --- */

/* The answer goes out after answer_ms; until then nothing may come in. */
static void answer(struct world *world, const uint8_t *message, int value, int *lose)
{
    struct stub *mcu = &world->mcu;

    if (lose != NULL && *lose > 0) {
        (*lose)--;
        mcu->lost_id = get16(message + 4);
        return;
    }
    put16(mcu->answer, 0xA512);
    put16(mcu->answer + 2, get16(message + 4));
    mcu->answer[4] = 0;
    mcu->answer_bytes = 5;
    if (value >= 0)
        mcu->answer[mcu->answer_bytes++] = (uint8_t)value;
    mcu->answer_due = world->now_ms + mcu->answer_ms;
}

static const uint8_t *take_text(char *to, const uint8_t *at)
{
    assert_true(strlen((const char *)at) <= 64);
    strcpy(to, (const char *)at);
    return at + strlen(to) + 1;
}

static void serve_offer(struct world *world, const uint8_t *message, int bytes)
{
    struct stub *mcu = &world->mcu;
    const uint8_t *at = take_text(mcu->offer_name, message + 6);

    mcu->offer_bytes = bytes;
    mcu->offer_size = get32(at);
    at = take_text(mcu->offer_type, at + 4);
    at = take_text(mcu->offer_version, at);
    (void)take_text(mcu->offer_build, at);
    mcu->image_bytes = 0;
    mcu->finished = false;
    mcu->start_due = !mcu->refuse_offer && !mcu->no_start;
    answer(world, message, !mcu->refuse_offer, NULL);
}

/* A chunk at the right place is written; again at the same place it is refused, as by the field's driver. */
static bool write_chunk(struct stub *mcu, const uint8_t *args)
{
    uint32_t offset = get32(args);
    uint16_t bytes = get16(args + 4);

    assert_int_equal(get32(args + 6 + bytes), stub_crc32(args + 6, bytes));
    assert_true(bytes == mcu->chunk || offset + bytes == mcu->offer_size);
    if (mcu->rewrites && offset < mcu->image_bytes && memcmp(mcu->image + offset, args + 6, bytes) == 0)
        return true;
    if (offset != mcu->image_bytes)
        return false;
    memcpy(mcu->image + offset, args + 6, bytes);
    mcu->image_bytes += bytes;
    return true;
}

static void serve_write(struct world *world, const uint8_t *message, int bytes)
{
    struct stub *mcu = &world->mcu;

    assert_true(bytes <= mcu->chunk + 16);
    if (mcu->mute_writes > 0) {
        mcu->mute_writes--;
        return;
    }
    if (mcu->refuse_writes > 0) {
        mcu->refuse_writes--;
        answer(world, message, false, NULL);
        return;
    }
    answer(world, message, write_chunk(mcu, message + 6), &mcu->lose_answers);
}

static void serve_finish(struct world *world, const uint8_t *message)
{
    struct stub *mcu = &world->mcu;

    mcu->finished = mcu->image_bytes == mcu->offer_size && !mcu->refuse_finish && mcu->refuse_finishes == 0;
    mcu->refuse_finishes -= mcu->refuse_finishes > 0;
    answer(world, message, mcu->finished, &mcu->lose_finish_answers);
    mcu->nested = mcu->asks_digests ? 3 : 0;
    mcu->answer_due += mcu->asks_digests ? 100 : 0;
}

static void serve_call(struct world *world, const uint8_t *message, int bytes)
{
    struct stub *mcu = &world->mcu;
    uint16_t uid = get16(message + 2);

    mcu->most_in_flight = mcu->most_in_flight > 1 ? 2 : 1;
    if (mcu->window && mcu->answer_bytes > 0 && uid == 0x0442) {
        assert_int_equal(mcu->waiting_bytes, 0); /* never three */
        memcpy(mcu->waiting, message, (size_t)bytes);
        mcu->waiting_bytes = bytes;
        mcu->most_in_flight = 2;
        return;
    }
    assert_int_equal(mcu->answer_bytes, 0); /* the one before is answered */
    mcu->uids[mcu->uid_count++ % STUB_LOG] = uid;
    switch (uid) {
    case 0x0181:
    case 0x0444:
        answer(world, message, -1, NULL);
        break;
    case 0x0182:
        answer(world, message, true, NULL);
        break;
    case 0x0441:
        serve_offer(world, message, bytes);
        break;
    case 0x0442:
        serve_write(world, message, bytes);
        break;
    case 0x0443:
        serve_finish(world, message);
        break;
    default:
        fail_msg("a call 0x%04x that no MCU serves", uid);
    }
}

/* --- What comes in --- */

static void take_digest(struct stub *mcu)
{
    const uint8_t *value = mcu->result + 1;

    switch (mcu->nested--) {
    case 3:
        assert_int_equal(get16(value), 16);
        memcpy(mcu->digest_md5, value + 2, 16);
        break;
    case 2:
        assert_int_equal(get16(value), 32);
        memcpy(mcu->digest_sha256, value + 2, 32);
        break;
    default:
        mcu->digest_crc32 = get32(value);
    }
}

static void take_result(struct stub *mcu, const uint8_t *message, int bytes)
{
    if (get16(message + 2) != mcu->awaited_id || mcu->result_bytes >= 0)
        return;
    mcu->result_bytes = bytes - 4;
    assert_true((size_t)mcu->result_bytes <= sizeof mcu->result);
    memcpy(mcu->result, message + 4, (size_t)mcu->result_bytes);
    if (mcu->nested > 0)
        take_digest(mcu);
}

static void take_oneway(struct stub *mcu, const uint8_t *message, int bytes)
{
    switch (get16(message + 2)) {
    case 0x0411:
        mcu->states[mcu->state_count++ % STUB_LOG] = message[4];
        break;
    case 0x0412:
        mcu->pin_bytes = bytes - 4;
        memcpy(mcu->pin, message + 4, (size_t)mcu->pin_bytes);
        mcu->pin_count++;
        break;
    case 0x0421:
        mcu->events[mcu->event_count++ % STUB_LOG] = message[4];
        break;
    default:
        fail_msg("an unknown ONEWAY");
    }
}

static void take_message(struct world *world, const uint8_t *message, int bytes)
{
    struct stub *mcu = &world->mcu;

    switch (get16(message)) {
    case 0x67BC:
        serve_call(world, message, bytes);
        break;
    case 0xA512:
        take_result(mcu, message, bytes);
        break;
    case 0x1CF3:
        assert_int_equal(mcu->answer_bytes, 0);
        take_oneway(mcu, message, bytes);
        break;
    default:
        fail_msg("an unknown opcode");
    }
}

static void end_frame(struct world *world)
{
    struct stub *mcu = &world->mcu;
    int bytes = mcu->frame_bytes - 1;

    mcu->in_frame = false;
    assert_true(bytes >= 1); /* an empty frame breaks the field's driver */
    assert_true(bytes <= 1536);
    assert_int_equal(crc8(mcu->frame, bytes), mcu->frame[bytes]);
    take_message(world, mcu->frame, bytes);
}

void stub_take_byte(struct world *world, uint8_t byte)
{
    struct stub *mcu = &world->mcu;

    if (!mcu->in_frame) {
        mcu->resyncs += byte == 0xBB && mcu->noise == 0x01;
        mcu->noise = byte;
        mcu->in_frame = byte == 0xAA;
        mcu->frame_bytes = 0;
        mcu->escaped = false;
    } else if (byte == 0xBB) {
        end_frame(world);
    } else if (byte == 0xCC) {
        mcu->escaped = true;
    } else {
        mcu->frame[mcu->frame_bytes++] = mcu->escaped ? byte ^ 0xFF : byte;
        mcu->escaped = false;
    }
}

/* --- Its main loop --- */

static bool time_is_over(const struct world *world, uint32_t due_ms)
{
    return (int32_t)(world->now_ms - due_ms) >= 0;
}

static void serve_waiting(struct world *world)
{
    int bytes = world->mcu.waiting_bytes;

    world->mcu.waiting_bytes = 0;
    serve_call(world, world->mcu.waiting, bytes);
}

void stub_run(struct world *world)
{
    static const uint16_t digests[] = {0, 0x0342, 0x0344, 0x0343};
    struct stub *mcu = &world->mcu;
    uint8_t chunk[2];

    if (mcu->mute)
        return;
    if (mcu->answer_bytes > 0 && time_is_over(world, mcu->answer_due)) {
        int bytes = mcu->answer_bytes;

        mcu->answer_bytes = 0;
        if (mcu->waiting_bytes > 0) {
            uint8_t first[64];

            memcpy(first, mcu->answer, (size_t)bytes);
            serve_waiting(world);
            send_frame(world, first, bytes);
        } else {
            send_frame(world, mcu->answer, bytes);
        }
    } else if (mcu->nested > 0 && mcu->result_bytes != -1) {
        invoke(world, digests[mcu->nested], "", 0);
    } else if (mcu->start_due && mcu->answer_bytes == 0) {
        mcu->start_due = false;
        put16(chunk, mcu->chunk);
        invoke(world, 0x0341, chunk, 2);
    }
}

/* --- What a test has it do --- */

void stub_invoke(struct world *world, uint16_t uid, const void *args, int bytes)
{
    invoke(world, uid, args, bytes);
    for (int i = 0; i < 200 && world->mcu.result_bytes < 0; i++)
        world_run(world, 1);
}

void stub_oneway(struct world *world, uint16_t uid, const void *args, int bytes)
{
    uint8_t message[512];

    put16(message, 0x1CF3);
    put16(message + 2, uid);
    memcpy(message + 4, args, (size_t)bytes);
    send_frame(world, message, 4 + bytes);
    world_run(world, 10);
}

void stub_initialize(struct world *world, const char *version)
{
    uint8_t info[128] = "demo";
    int bytes = 5;

    strcpy((char *)info + bytes, version);
    bytes += (int)strlen(version) + 1;
    memcpy(info + bytes, "Nov 16 2023\0001.3.2", 18);
    stub_invoke(world, 0x0304, info, bytes + 18);
    assert_memory_equal(world->mcu.result, "\0\1", 2);
    stub_invoke(world, 0x0301, "TMPL0vFkFmJM7\0QPower", 21);
    assert_memory_equal(world->mcu.result, "\0\1", 2);
}

void stub_late_answer(struct world *world)
{
    uint8_t message[6] = {0x12, 0xA5, 0, 0, 0, 1};

    put16(message + 2, world->mcu.lost_id);
    send_frame(world, message, sizeof message);
}

void stub_report(struct world *world, uint8_t event, uint8_t reason)
{
    uint8_t args[] = {event, 1, reason, 0, 0, 0, 0, 'h', 'w', 0, 7, 0, 0, 0};

    stub_invoke(world, 0x5401, args, sizeof args);
    assert_memory_equal(world->mcu.result, "\0\1", 2);
}

int stub_count(const struct world *world, uint16_t uid)
{
    int count = 0;

    for (int i = 0; i < world->mcu.uid_count; i++)
        count += world->mcu.uids[i] == uid;
    return count;
}
