/* Faults of the line, and a co-processor that lies: what happens to one frame. Frames are taken apart and put
 * together here by a second reading of docs/PROTOCOL.md, section 1. */
#include <string.h>

#include "sim/world.h"

enum {
    BEG = 0xAA,
    END = 0xBB,
    ESC = 0xCC,
    LATE_MS = 400,
    TOO_LATE_MS = 7000, /* later than any answer is waited for */
    SILENCE_MS = 70000,
    PAYLOAD_MAX = SIM_PIECE_BYTES,
    WRITE_HEAD = 12 /* of otaUpdateWrite: opcode, uid, message id, offset, length */
};

/* --- Frames --- */

static uint8_t crc8(const uint8_t *bytes, size_t count)
{
    uint8_t crc = 0;
    unsigned bit;

    while (count-- > 0) {
        crc ^= *bytes++;
        for (bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x07 : crc << 1);
    }
    return crc;
}

/* The payload of the frame that bytes end with; 0 if they end with none. */
static size_t unwrap(const uint8_t *bytes, size_t count, uint8_t payload[PAYLOAD_MAX])
{
    size_t from = count, used = 0;

    if (count < 2 || bytes[count - 1] != END)
        return 0;
    while (from > 0 && bytes[from - 1] != BEG)
        from--;
    for (; from > 0 && from < count - 1; from++) {
        bool escaped = bytes[from] == ESC;

        from += escaped;
        payload[used++] = escaped ? bytes[from] ^ 0xFF : bytes[from];
    }
    return used > 0 ? used - 1 : 0; /* without the CRC */
}

static size_t put(uint8_t *to, uint8_t byte)
{
    if (byte == 0x11 || byte == 0x13 || byte == BEG || byte == END || byte == ESC) {
        to[0] = ESC;
        to[1] = byte ^ 0xFF;
        return 2;
    }
    to[0] = byte;
    return 1;
}

static size_t wrap(const uint8_t *payload, size_t count, uint8_t frame[2 * PAYLOAD_MAX + 4])
{
    size_t used = 0, i;

    frame[used++] = BEG;
    for (i = 0; i < count; i++)
        used += put(frame + used, payload[i]);
    used += put(frame + used, crc8(payload, count));
    frame[used++] = END;
    return used;
}

/* --- Lies --- */

static void send(struct sim_world *world, struct sim_line *line, const uint8_t *bytes, size_t count)
{
    if (count <= SIM_PIECE_BYTES)
        sim_line_send(line, bytes, count, world->now_ms);
}

static bool is_call(const uint8_t *payload, size_t count, uint8_t uid)
{
    return count > 4 && payload[0] == 0xBC && payload[1] == 0x67 && payload[2] == uid && payload[3] == 0x04;
}

static bool is_write(const uint8_t *payload, size_t count)
{
    return count > WRITE_HEAD + 4 && is_call(payload, count, 0x42);
}

/* A plain .bin is what its offer says, and nobody signed that: a lie there makes a firmware that no judge
 * knows. */
static bool is_beyond_judgement(const struct sim_world *world, const uint8_t *payload, size_t count)
{
    return world->scenario->takes_bin && is_call(payload, count, 0x41);
}

/* Another byte of data, and the chunk's CRC made to fit. */
static void change_data(uint8_t *payload, size_t count, uint32_t seed)
{
    size_t data_bytes = count - WRITE_HEAD - 4;
    uint32_t crc;
    unsigned i;

    payload[WRITE_HEAD + seed % data_bytes] ^= (uint8_t)(1 + (seed >> 3) % 255);
    crc = tdm_crc32(0, payload + WRITE_HEAD, data_bytes);
    for (i = 0; i < 4; i++)
        payload[count - 4 + i] = (uint8_t)(crc >> 8 * i);
}

static void lie(struct sim_world *world, struct sim_line *line, const uint8_t *bytes, size_t count,
                const struct sim_cut *cut)
{
    uint8_t payload[PAYLOAD_MAX], frame[2 * PAYLOAD_MAX + 4];
    size_t used = unwrap(bytes, count, payload);

    if (used == 0 || line != &world->to_mcu || is_beyond_judgement(world, payload, used)) {
        send(world, line, bytes, count);
        return;
    }
    if (cut->tear == SIM_FAULT_DATA && is_write(payload, used))
        change_data(payload, used, cut->seed);
    else
        payload[cut->seed % used] ^= (uint8_t)(1 + (cut->seed >> 3) % 255);
    send(world, line, frame, wrap(payload, used, frame));
}

static void cancel(struct sim_world *world)
{
    static const uint8_t call[] = {0xBC, 0x67, 0x44, 0x04, 0x01, 0x7F};
    uint8_t frame[2 * PAYLOAD_MAX + 4];

    send(world, &world->to_mcu, frame, wrap(call, sizeof call, frame));
}

void sim_fault_chunk(struct sim_world *world, uint32_t offset)
{
    enum { DATA_BYTES = 16 };
    uint8_t call[WRITE_HEAD + DATA_BYTES + 4] = {0xBC, 0x67, 0x42, 0x04, 0x02, 0x7F};
    uint8_t frame[2 * PAYLOAD_MAX + 4];
    unsigned i;

    for (i = 0; i < 4; i++)
        call[6 + i] = (uint8_t)(offset >> 8 * i);
    call[10] = DATA_BYTES;
    change_data(call, sizeof call, 0);
    send(world, &world->to_mcu, frame, wrap(call, sizeof call, frame));
}

/* Behind a chunk another one for the same place. */
static void repeat_other(struct sim_world *world, struct sim_line *line, const uint8_t *bytes, size_t count)
{
    uint8_t payload[PAYLOAD_MAX], frame[2 * PAYLOAD_MAX + 4];
    size_t used = unwrap(bytes, count, payload);

    if (line != &world->to_mcu || !is_write(payload, used))
        return;
    world->ships.tricked = true;
    payload[5] ^= 0x40; /* the message id */
    change_data(payload, used, 0);
    send(world, line, frame, wrap(payload, used, frame));
}

/* --- Noise --- */

static void disturb(struct sim_world *world, struct sim_line *line, const uint8_t *bytes, size_t count,
                    uint32_t seed)
{
    uint8_t disturbed[SIM_PIECE_BYTES + 1];
    size_t at = seed % count;
    size_t inserted = seed >> 4 & 1;

    memcpy(disturbed, bytes, at + 1);
    memcpy(disturbed + at + inserted, bytes + at, count - at);
    if (inserted)
        disturbed[at] = (uint8_t)(seed >> 5);
    else
        disturbed[at] ^= (uint8_t)(1u << (seed >> 5) % 8);
    send(world, line, disturbed, count + inserted);
}

/* --- What is due --- */

static void hit(struct sim_world *world, struct sim_line *line, const uint8_t *bytes, size_t count)
{
    const struct sim_cut cut = world->cut[world->cuts_done];

    sim_world_fault_done(world);
    sim_world_note(world, "fault at frame %u, sent by the %s", (unsigned)cut.operation,
                   line == &world->to_mcu ? "co-processor" : "device");
    world->judge.disturbed = true;
    switch ((unsigned)cut.tear) {
    case SIM_FAULT_LOST:
        return;
    case SIM_FAULT_REPEATED:
        send(world, line, bytes, count);
        break;
    case SIM_FAULT_LATE:
        sim_line_send(line, bytes, count, world->now_ms + (cut.seed & 1 ? TOO_LATE_MS : LATE_MS));
        return;
    case SIM_FAULT_NOISE:
        disturb(world, line, bytes, count, cut.seed);
        return;
    case SIM_FAULT_LIE:
    case SIM_FAULT_DATA:
        lie(world, line, bytes, count, &cut);
        return;
    case SIM_FAULT_CANCEL:
        send(world, line, bytes, count);
        cancel(world);
        return;
    case SIM_FAULT_SILENCE:
        world->silent = true;
        world->silent_until_ms = world->now_ms + SILENCE_MS;
        return;
    case SIM_FAULT_NCP:
        sim_ncp_start(world);
        return;
    case SIM_FAULT_MCU:
        sim_device_reset(world, TDM_RESET_POWER);
        return;
    default:
        break;
    }
    send(world, line, bytes, count);
}

/* A call of the co-processor's that is about the update; not an answer, nor a ping. */
static bool is_of_update(const uint8_t *bytes, size_t count)
{
    uint8_t payload[PAYLOAD_MAX];
    size_t used = unwrap(bytes, count, payload);

    return used >= 6 && payload[0] == 0xBC && payload[1] == 0x67 && payload[3] == 0x04;
}

static bool is_held_back(const struct sim_world *world, const struct sim_line *line, const uint8_t *bytes,
                         size_t count)
{
    return world->stalls && line == &world->to_mcu && is_of_update(bytes, count);
}

static bool is_due(const struct sim_world *world)
{
    return world->cuts_done < world->cuts && world->cut[world->cuts_done].tear >= SIM_TEAR_COUNT &&
           world->frames == world->cut[world->cuts_done].operation + 1;
}

static size_t frame_bytes(const uint8_t *bytes, size_t count)
{
    const uint8_t *end = memchr(bytes, END, count);

    return end != NULL ? (size_t)(end - bytes) + 1 : count;
}

void sim_fault_send(struct sim_world *world, struct sim_line *line, const uint8_t *bytes, size_t count)
{
    unsigned pieces = 1;

    while (count > 0) {
        size_t n = pieces++ < SIM_PIECES_AT_ONCE ? frame_bytes(bytes, count) : count;

        world->frames++;
        if (is_due(world))
            hit(world, line, bytes, n);
        else if (!is_held_back(world, line, bytes, n))
            sim_line_send(line, bytes, n, world->now_ms);
        if (world->scenario->trick == SIM_REPEATS_OTHER)
            repeat_other(world, line, bytes, n);
        bytes += n;
        count -= n;
    }
}
