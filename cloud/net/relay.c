#include "cloud/net/relay.h"

#include <endian.h>
#include <string.h>

#include "cloud/log.h"

static const char magic[4] = {'T', 'D', 'E', '2'};

_Static_assert(4 + 2 + 5 * 8 + RECORD_DIGEST_BYTES + 2 + FLEET_TOPIC_MAX + 2 + FLEET_OFFER_MAX <=
                   BUS_MESSAGE_MAX,
               "every effect fits into a message");

/* --- Bytes --- */

struct writer {
    uint8_t *to;
    size_t bytes;
};

static void put(struct writer *writer, const void *data, size_t bytes)
{
    memcpy(writer->to + writer->bytes, data, bytes);
    writer->bytes += bytes;
}

static void put_u64(struct writer *writer, uint64_t value)
{
    uint64_t little = htole64(value);
    put(writer, &little, sizeof little);
}

static void put_counted(struct writer *writer, const void *data, size_t bytes)
{
    uint16_t little = htole16((uint16_t)bytes);
    put(writer, &little, sizeof little);
    put(writer, data, bytes);
}

/* The first thing that is missing or wrong sticks. */
struct reader {
    const uint8_t *from;
    size_t left;
    bool failed;
};

static void take(struct reader *reader, void *to, size_t bytes)
{
    if (reader->failed || bytes > reader->left) {
        reader->failed = true;
        memset(to, 0, bytes);
        return;
    }
    memcpy(to, reader->from, bytes);
    reader->from += bytes;
    reader->left -= bytes;
}

static uint64_t take_u64(struct reader *reader)
{
    uint64_t little;
    take(reader, &little, sizeof little);
    return le64toh(little);
}

/* And a NUL behind it. */
static size_t take_counted(struct reader *reader, char *to, size_t capacity)
{
    uint16_t little;
    take(reader, &little, sizeof little);
    size_t bytes = le16toh(little);
    reader->failed |= bytes >= capacity;
    if (reader->failed)
        bytes = 0;
    take(reader, to, bytes);
    to[bytes] = '\0';
    return bytes;
}

size_t relay_write(const struct effect *effect, uint8_t to[BUS_MESSAGE_MAX])
{
    struct writer writer = {to, 0};
    uint8_t kind = (uint8_t)effect->kind;
    put(&writer, magic, sizeof magic);
    put(&writer, &kind, 1);
    put(&writer, &effect->qos, 1);
    put_u64(&writer, (uint64_t)effect->device);
    put_u64(&writer, (uint64_t)effect->shipment);
    put_u64(&writer, (uint64_t)effect->organization);
    put_u64(&writer, (uint64_t)effect->node);
    put_u64(&writer, effect->connection);
    put(&writer, effect->token_hash, sizeof effect->token_hash);
    put_counted(&writer, effect->topic, strnlen(effect->topic, sizeof effect->topic));
    put_counted(&writer, effect->text, effect->bytes);
    return writer.bytes;
}

bool relay_read(struct effect *effect, char text[FLEET_OFFER_MAX + 1], const uint8_t *data, size_t bytes)
{
    struct reader reader = {data, bytes, false};
    char start[sizeof magic];
    uint8_t kind;
    memset(effect, 0, sizeof *effect);
    take(&reader, start, sizeof start);
    take(&reader, &kind, 1);
    take(&reader, &effect->qos, 1);
    effect->kind = (enum effect_kind)kind;
    effect->device = (int64_t)take_u64(&reader);
    effect->shipment = (int64_t)take_u64(&reader);
    effect->organization = (int64_t)take_u64(&reader);
    effect->node = (int64_t)take_u64(&reader);
    effect->connection = take_u64(&reader);
    take(&reader, effect->token_hash, sizeof effect->token_hash);
    (void)take_counted(&reader, effect->topic, sizeof effect->topic);
    effect->text = text;
    effect->bytes = take_counted(&reader, text, FLEET_OFFER_MAX + 1);
    return !reader.failed && reader.left == 0 && memcmp(start, magic, sizeof magic) == 0 &&
           kind <= EFFECT_NOTICE && effect->qos <= 1;
}

/* --- The way --- */

static bool is_for_everybody(enum effect_kind kind)
{
    return kind == EFFECT_TOKEN_ADDED || kind == EFFECT_TOKEN_REMOVED || kind == EFFECT_NOTICE;
}

static bool is_for_one(enum effect_kind kind)
{
    return kind == EFFECT_OFFER || kind == EFFECT_PUBLISH || kind == EFFECT_TAKEN_OVER;
}

static void pass_on(struct relay *relay, int64_t node, const struct effect *effect)
{
    uint8_t message[BUS_MESSAGE_MAX];
    size_t bytes = relay_write(effect, message);
    if (!bus_send(relay->bus, node, message, bytes))
        log_line(LOG_LEVEL_WARNING, "relay-failed", "device=d%lld node=%lld hint=\"it is done once due\"",
                 (long long)effect->device, (long long)node);
}

static void carry_out(struct relay *relay, const struct effect *effect)
{
    if (effect->kind == EFFECT_NOTICE)
        events_notice(relay->events, effect);
    else
        gateway_effect(relay->gateway, effect);
}

void relay_effect(void *ctx, const struct effect *effect)
{
    struct relay *relay = ctx;
    if (effect->kind == EFFECT_OFFER)
        offers_count(&relay->offers, effect);
    if (is_for_one(effect->kind) && effect->node != relay->node) {
        pass_on(relay, effect->node, effect);
        return;
    }
    carry_out(relay, effect);
    if (is_for_everybody(effect->kind))
        pass_on(relay, BUS_EVERYBODY, effect);
}

void relay_message(void *ctx, const uint8_t *data, size_t bytes)
{
    struct relay *relay = ctx;
    if (data == NULL) {
        events_missed(relay->events);
        return;
    }
    struct effect effect;
    char text[FLEET_OFFER_MAX + 1];
    bool mine = relay_read(&effect, text, data, bytes) &&
                (is_for_everybody(effect.kind) || (is_for_one(effect.kind) && effect.node == relay->node));
    if (mine)
        carry_out(relay, &effect);
    else
        log_line(LOG_LEVEL_WARNING, "relay-ignored", "bytes=%zu", bytes);
}
