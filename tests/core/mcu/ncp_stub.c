#include "tests/core/mcu/ncp_stub.h"

#include <string.h>

enum { BEG = 0xAA, END = 0xBB, ESC = 0xCC };

void ncp_stub_init(struct ncp_stub *stub)
{
    *stub = (struct ncp_stub){
        .baud = 38400,
        .raise_to_max = 2000000,
        .knows_report = true,
        .initialize_answer = true,
        .state = 10,
        .state_after_initialize = 5,
        .prefetch = 1,
        .next_id = 1000,
    };
}

/* --- Frames --- */

static uint8_t crc8(const uint8_t *data, size_t bytes)
{
    uint8_t crc = 0;

    for (size_t i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (uint8_t)(crc & 0x80 ? crc << 1 ^ 0x07 : crc << 1);
    }
    return crc;
}

static void put_escaped(struct ncp_stub *stub, uint8_t byte)
{
    if (byte == 0x11 || byte == 0x13 || byte == BEG || byte == END || byte == ESC) {
        stub->out[stub->out_length++] = ESC;
        byte ^= 0xFF;
    }
    stub->out[stub->out_length++] = byte;
}

static void send_frame(struct ncp_stub *stub, const uint8_t *payload, size_t bytes)
{
    stub->out[stub->out_length++] = BEG;
    for (size_t i = 0; i < bytes; i++)
        put_escaped(stub, payload[i]);
    put_escaped(stub, crc8(payload, bytes));
    stub->out[stub->out_length++] = END;
}

/* --- Messages --- */

static uint16_t get16(const uint8_t *from)
{
    return (uint16_t)(from[0] | from[1] << 8);
}

static void put16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static void send_message(struct ncp_stub *stub, uint16_t opcode, const uint16_t *words, size_t count,
                         const uint8_t *args, size_t bytes)
{
    uint8_t message[2048];
    size_t length = 2;

    put16(message, opcode);
    for (size_t i = 0; i < count; i++, length += 2)
        put16(message + length, words[i]);
    if (bytes > 0)
        memcpy(message + length, args, bytes);
    send_frame(stub, message, length + bytes);
}

uint16_t ncp_stub_invoke(struct ncp_stub *stub, uint16_t uid, const uint8_t *args, size_t bytes)
{
    uint16_t words[] = {uid, stub->next_id++};

    send_message(stub, 0x67BC, words, 2, args, bytes);
    return words[1];
}

void ncp_stub_oneway(struct ncp_stub *stub, uint16_t uid, const uint8_t *args, size_t bytes)
{
    send_message(stub, 0x1CF3, &uid, 1, args, bytes);
}

static void answer(struct ncp_stub *stub, uint16_t id, uint8_t status, const uint8_t *results, size_t bytes)
{
    uint8_t fields[64];

    fields[0] = status;
    if (bytes > 0)
        memcpy(fields + 1, results, bytes);
    send_message(stub, 0xA512, &id, 1, fields, 1 + bytes);
}

static void answer_bool(struct ncp_stub *stub, uint16_t id, bool value)
{
    uint8_t result = value;

    answer(stub, id, 0, &result, 1);
}

/* --- What it serves --- */

static void set_baud(struct ncp_stub *stub, uint16_t id, const uint8_t *args)
{
    uint32_t baud = get16(args) | (uint32_t)get16(args + 2) << 16;

    if (stub->ignores_raise)
        return;
    answer_bool(stub, id, baud <= stub->raise_to_max);
    if (baud <= stub->raise_to_max)
        stub->new_baud = stub->deaf_when_raised ? 1 : baud;
}

static void answer_sha256(struct ncp_stub *stub, uint16_t id)
{
    uint8_t result[35] = {32, 0};

    memcpy(result + 2, stub->sha256, 32);
    result[34] = 1;
    answer(stub, id, 0, result, sizeof result);
}

static void answer_crc32(struct ncp_stub *stub, uint16_t id)
{
    uint8_t result[5];

    put16(result, (uint16_t)stub->crc32);
    put16(result + 2, (uint16_t)(stub->crc32 >> 16));
    result[4] = 1;
    answer(stub, id, 0, result, sizeof result);
}

static void answer_no_digest(struct ncp_stub *stub, uint16_t id, size_t bytes)
{
    static const uint8_t zeros[8];

    if (stub->digests == 0)
        answer(stub, id, 0, zeros, bytes);
}

static void answer_digest(struct ncp_stub *stub, uint16_t uid, uint16_t id)
{
    if (stub->sha256_results != NULL && uid == 0x0344)
        answer(stub, id, 0, stub->sha256_results, stub->sha256_result_bytes);
    else if (stub->digests == 1 && uid == 0x0344)
        answer_sha256(stub, id);
    else if (stub->digests == 1 && uid == 0x0342)
        answer_crc32(stub, id);
    else
        answer_no_digest(stub, id, uid == 0x0342 ? 5 : 3);
}

static bool knows(const struct ncp_stub *stub, uint16_t uid)
{
    switch (uid) {
    case 0x5401:
        return stub->knows_report;
    case 0x5402:
        return stub->knows_report && stub->knows_resume;
    case 0x5403:
        return stub->knows_report && stub->knows_start;
    case 0x5404:
        return stub->knows_report && stub->knows_window;
    case 0x5405:
        return stub->knows_report && stub->knows_decodes;
    default:
        return false;
    }
}

static void has_uid(struct ncp_stub *stub, uint16_t id, const uint8_t *args)
{
    if (stub->has_uid_status > 0)
        answer(stub, id, (uint8_t)stub->has_uid_status, NULL, 0);
    else if (stub->has_uid_status == 0)
        answer_bool(stub, id, knows(stub, get16(args)));
}

static void resume(struct ncp_stub *stub, uint16_t id, const uint8_t *args)
{
    uint32_t position = get16(args) | (uint32_t)get16(args + 2) << 16;
    uint32_t offset = stub->image_at + position;
    uint8_t result[9] = {0};

    memcpy(result, args, 4);
    put16(result + 4, (uint16_t)offset);
    put16(result + 6, (uint16_t)(offset >> 16));
    result[8] = !stub->refuses_resume;
    if (!stub->refuses_resume) {
        stub->resumes++;
        stub->resume_at = offset;
    }
    if (stub->resume_losses > 0)
        stub->resume_losses--;
    else
        answer(stub, id, 0, result, sizeof result);
}

static void start(struct ncp_stub *stub, uint16_t id, const uint8_t *args)
{
    if (stub->start_refusals > 0) {
        stub->start_refusals--;
        answer_bool(stub, id, false);
        return;
    }
    stub->chunk = get16(args);
    stub->resume_at = 0;
    if (stub->start_losses > 0)
        stub->start_losses--;
    else
        answer_bool(stub, id, true);
}

static void serve(struct ncp_stub *stub, uint16_t uid, uint16_t id, const uint8_t *args)
{
    switch (uid) {
    case 0x0101:
        answer(stub, id, 0, NULL, 0);
        break;
    case 0x0103:
        has_uid(stub, id, args);
        break;
    case 0x0201:
        set_baud(stub, id, args);
        break;
    case 0x0304:
        answer_bool(stub, id, true);
        break;
    case 0x0301:
        if (stub->initialize_answer)
            stub->state = stub->state_after_initialize;
        answer_bool(stub, id, stub->initialize_answer);
        break;
    case 0x0306:
        answer(stub, id, 0, &stub->state, 1);
        break;
    case 0x0341:
        start(stub, id, args);
        break;
    case 0x0342:
    case 0x0344:
        answer_digest(stub, uid, id);
        break;
    case 0x0345:
        answer(stub, id, 0, &stub->prefetch, 1);
        break;
    case 0x0346:
    case 0x5403:
    case 0x5404:
    case 0x5405:
        answer_bool(stub, id, true);
        break;
    case 0x5402:
        resume(stub, id, args);
        break;
    case 0x5401:
        if (stub->report_losses > 0)
            stub->report_losses--;
        else
            answer_bool(stub, id, true);
        break;
    default:
        answer(stub, id, 0x13, NULL, 0);
        break;
    }
}

static void keep(struct ncp_stub *stub, uint16_t uid, const uint8_t *args, size_t bytes, uint32_t now_ms)
{
    struct ncp_stub_call *call = &stub->log[stub->logged % 512];

    call->uid = uid;
    call->bytes = bytes < sizeof call->args ? bytes : sizeof call->args;
    memcpy(call->args, args, call->bytes);
    call->at_ms = now_ms;
    stub->logged++;
}

static void take_message(struct ncp_stub *stub, const uint8_t *message, size_t bytes, uint32_t now_ms)
{
    uint16_t opcode = get16(message);

    if (opcode == 0x67BC) {
        keep(stub, get16(message + 2), message + 6, bytes - 6, now_ms);
        if (!stub->silent)
            serve(stub, get16(message + 2), get16(message + 4), message + 6);
    } else if (opcode == 0x1CF3) {
        keep(stub, get16(message + 2), message + 4, bytes - 4, now_ms);
    } else if (opcode == 0xA512) {
        stub->last_answer_id = get16(message + 2);
        stub->answered[stub->answers % 16] = stub->last_answer_id;
        stub->answer_values[stub->answers % 16] = bytes > 5 ? message[5] : 0xEE;
        stub->last_status = stub->answer_statuses[stub->answers % 16] = message[4];
        stub->last_results = bytes - 5;
        stub->last_value = bytes > 5 ? message[5] : 0xEE;
        stub->answers++;
    }
}

static void end_frame(struct ncp_stub *stub, uint32_t now_ms)
{
    size_t length = stub->frame_length;

    stub->in_frame = false;
    if (length >= 5 && crc8(stub->frame, length - 1) == stub->frame[length - 1])
        take_message(stub, stub->frame, length - 1, now_ms);
}

static void take_byte(struct ncp_stub *stub, uint8_t byte, uint32_t now_ms)
{
    if (byte == BEG) {
        stub->in_frame = true;
        stub->escaped = false;
        stub->frame_length = 0;
    } else if (!stub->in_frame) {
        return;
    } else if (byte == END) {
        end_frame(stub, now_ms);
    } else if (byte == ESC) {
        stub->escaped = true;
    } else {
        stub->frame[stub->frame_length++ % sizeof stub->frame] = stub->escaped ? byte ^ 0xFF : byte;
        stub->escaped = false;
    }
}

void ncp_stub_receive(struct ncp_stub *stub, const uint8_t *bytes, size_t count, uint32_t baud,
                      uint32_t now_ms)
{
    if (baud != stub->baud)
        return;
    for (size_t i = 0; i < count; i++)
        take_byte(stub, bytes[i], now_ms);
}

/* --- The log --- */

size_t ncp_stub_count(const struct ncp_stub *stub, uint16_t uid)
{
    size_t count = 0;

    for (size_t i = 0; i < stub->logged && i < 512; i++)
        count += stub->log[i].uid == uid;
    return count;
}

const struct ncp_stub_call *ncp_stub_last(const struct ncp_stub *stub, uint16_t uid)
{
    for (size_t i = stub->logged < 512 ? stub->logged : 512; i > 0; i--)
        if (stub->log[i - 1].uid == uid)
            return &stub->log[i - 1];
    return NULL;
}
