/* Messages in both directions and their acknowledgements.
 *
 *     from the device                                   to the device
 *     QoS 0   PUBLISH -> message                        QoS 0   publish -> PUBLISH
 *     QoS 1   PUBLISH -> message -> PUBACK              QoS 1   publish -> PUBLISH ... PUBACK -> acknowledged
 *     QoS 2   PUBLISH -> message -> PUBREC ... PUBREL -> PUBCOMP
 *
 * A message of QoS 1 or 2 holds an entry of `incoming` until its PUBACK or PUBCOMP is out. A second PUBLISH
 * with the packet id of an entry is a repetition and is not delivered again; but without DUP one of QoS 1 is
 * another message, of a client that does not count its messages. */
#include "cloud/mqtt/session_internal.h"

#define TOGETHER_MAX 1024 /* payload that goes out in one piece with what stands before it */

static void send_ack(struct mqtt_session *s, uint8_t type, uint16_t packet_id, uint8_t reason)
{
    uint8_t memory[8];
    struct mqtt_writer w;

    mqtt_writer_init(&w, memory, sizeof memory);
    mqtt_ack_write(&w, s->version, type, packet_id, reason);
    mqtt__session_send(s, &w);
}

/* ---- From the device ---- */

/* The entry of a packet id; with 0 a free one. NULL if there is none. */
static struct mqtt_incoming *find_incoming(struct mqtt_session *s, uint16_t packet_id)
{
    for (size_t i = 0; i < MQTT_IN_FLIGHT_IN; i++)
        if (s->incoming[i].packet_id == packet_id)
            return &s->incoming[i];
    return NULL;
}

static void acknowledge(struct mqtt_session *s, struct mqtt_incoming *entry)
{
    if (entry->qos == 2) {
        entry->received = true;
        send_ack(s, MQTT_PUBREC, entry->packet_id, MQTT_SUCCESS);
    } else {
        send_ack(s, MQTT_PUBACK, entry->packet_id, MQTT_SUCCESS);
        *entry = (struct mqtt_incoming){0};
    }
}

void mqtt_session_acknowledge(struct mqtt_session *s, uint16_t packet_id)
{
    struct mqtt_incoming *entry = find_incoming(s, packet_id);

    if (s->state == MQTT_CONNECTED && packet_id != 0 && entry != NULL && !entry->received)
        acknowledge(s, entry);
}

static bool deliver(struct mqtt_session *s, const struct mqtt_publish *publish)
{
    struct mqtt_message message = {.topic = publish->topic,
                                   .payload = publish->payload,
                                   .qos = publish->qos,
                                   .packet_id = publish->packet_id};

    return s->ops->message(s->ctx, &message);
}

/* The device did not see our PUBREC, or we owe it an acknowledgement that is still to come. */
static void take_repetition(struct mqtt_session *s, const struct mqtt_incoming *entry, uint8_t qos)
{
    if (entry->qos != qos)
        mqtt__session_fail(s, MQTT_ID_IN_USE);
    else if (entry->received)
        send_ack(s, MQTT_PUBREC, entry->packet_id, MQTT_SUCCESS);
}

/* An entry for another message, or NULL. Clients of 3.1.1 know no receive maximum, and some of MQTT 5 pass
 * over it: they send any number of messages of QoS 2 before their first PUBREL. Then one whose PUBREC is out
 * gives up its entry, and would be delivered again if it were repeated. */
static struct mqtt_incoming *new_entry(struct mqtt_session *s)
{
    struct mqtt_incoming *entry = find_incoming(s, 0);

    for (size_t i = 0; entry == NULL && i < MQTT_IN_FLIGHT_IN; i++) {
        if (s->incoming[i].received) {
            entry = &s->incoming[i];
            s->forgetful = true;
        }
    }
    return entry;
}

static void take_acknowledged(struct mqtt_session *s, const struct mqtt_publish *publish)
{
    struct mqtt_incoming *entry = find_incoming(s, publish->packet_id);
    bool another = publish->qos == 1 && !publish->duplicate;

    if (entry != NULL && !(another && entry->qos == 1)) {
        take_repetition(s, entry, publish->qos);
        return;
    }
    entry = new_entry(s);
    if (entry == NULL) {
        mqtt__session_fail(s, MQTT_RECEIVE_MAXIMUM_EXCEEDED);
        return;
    }
    *entry = (struct mqtt_incoming){.packet_id = publish->packet_id, .qos = publish->qos};
    if (deliver(s, publish))
        mqtt_session_acknowledge(s, publish->packet_id);
}

void mqtt__take_publish(struct mqtt_session *s, uint8_t flags, const uint8_t *body, size_t bytes)
{
    struct mqtt_publish publish;
    uint8_t reason = mqtt_publish_read(&publish, s->version, flags, body, bytes);

    if (reason == MQTT_SUCCESS && publish.payload.length > s->config->message_max)
        reason = MQTT_PACKET_TOO_LARGE;
    if (reason != MQTT_SUCCESS)
        mqtt__session_fail(s, reason);
    else if (publish.qos == 0)
        (void)deliver(s, &publish);
    else
        take_acknowledged(s, &publish);
}

static void release(struct mqtt_session *s, uint16_t packet_id)
{
    struct mqtt_incoming *entry = find_incoming(s, packet_id);

    if (entry == NULL || !entry->received) {
        send_ack(s, MQTT_PUBCOMP, packet_id, s->forgetful ? MQTT_SUCCESS : MQTT_ID_NOT_FOUND);
        return;
    }
    *entry = (struct mqtt_incoming){0};
    send_ack(s, MQTT_PUBCOMP, packet_id, MQTT_SUCCESS);
}

/* ---- To the device ---- */

/* The place of a packet id; with 0 a free one. NULL if there is none. */
static uint16_t *find_outgoing(struct mqtt_session *s, uint16_t packet_id)
{
    for (size_t i = 0; i < MQTT_IN_FLIGHT_OUT; i++)
        if (s->outgoing[i] == packet_id)
            return &s->outgoing[i];
    return NULL;
}

static unsigned outgoing_count(const struct mqtt_session *s)
{
    unsigned count = 0;

    for (size_t i = 0; i < MQTT_IN_FLIGHT_OUT; i++)
        count += s->outgoing[i] != 0;
    return count;
}

static uint16_t new_packet_id(struct mqtt_session *s)
{
    do {
        s->next_packet_id++;
    } while (s->next_packet_id == 0 || find_outgoing(s, s->next_packet_id) != NULL);
    return s->next_packet_id;
}

/* A refusal in MQTT 5 ends the delivery as well. */
static void take_puback(struct mqtt_session *s, uint16_t packet_id)
{
    uint16_t *place = packet_id != 0 ? find_outgoing(s, packet_id) : NULL;

    if (place == NULL)
        return;
    *place = 0;
    s->ops->acknowledged(s->ctx, packet_id);
}

void mqtt__take_ack(struct mqtt_session *s, uint8_t type, const uint8_t *body, size_t bytes)
{
    struct mqtt_ack ack;
    uint8_t reason = mqtt_ack_read(&ack, s->version, type, body, bytes);

    if (reason != MQTT_SUCCESS)
        mqtt__session_fail(s, reason);
    else if (type == MQTT_PUBREL)
        release(s, ack.packet_id);
    else if (type == MQTT_PUBACK)
        take_puback(s, ack.packet_id);
    else /* PUBREC and PUBCOMP answer QoS 2, which is never sent */
        mqtt__session_fail(s, MQTT_PROTOCOL_ERROR);
}

static bool is_delivered_unasked(struct mqtt_slice topic)
{
    return mqtt_slice_equals(topic, "downlink/ota/json") || mqtt_slice_equals(topic, "downlink/redirect") ||
           mqtt_slice_equals(topic, "downlink/diag");
}

/* The QoS to send at, or an error. */
static int qos_for(const struct mqtt_session *s, struct mqtt_slice topic, uint8_t wanted)
{
    int granted = mqtt_subscriptions_qos(&s->subscriptions, topic);

    if (granted < 0)
        return is_delivered_unasked(topic) ? 0 : TDM_E_NOT_FOUND;
    return wanted < granted ? wanted : granted;
}

static int check_publish(const struct mqtt_session *s, struct mqtt_slice topic, size_t payload_bytes, int qos)
{
    if (payload_bytes > MQTT_VARINT_MAX / 2 ||
        mqtt_publish_bytes(s->version, topic.length, payload_bytes, (uint8_t)qos) > s->client_packet_max)
        return TDM_E_ROOM;
    if (qos > 0 && (outgoing_count(s) >= s->client_receive_max || outgoing_count(s) == MQTT_IN_FLIGHT_OUT))
        return TDM_E_BUSY;
    return TDM_OK;
}

int mqtt_session_publish(struct mqtt_session *s, const char *topic, const void *payload, size_t payload_bytes,
                         uint8_t qos)
{
    struct mqtt_slice name = mqtt_slice_of(topic);
    uint8_t memory[MQTT_TOPIC_MAX + 16 + TOGETHER_MAX];
    uint16_t packet_id = 0;
    struct mqtt_writer w;
    int send_qos, error;

    if (s->state != MQTT_CONNECTED)
        return TDM_E_STATE;
    if (qos > 1 || name.length > MQTT_TOPIC_MAX || !mqtt_topic_valid(name) || !mqtt_utf8_valid(name) ||
        !mqtt_slice_starts_with(name, "downlink/"))
        return TDM_E_ARGUMENT;
    send_qos = qos_for(s, name, qos);
    if (send_qos < 0)
        return send_qos;
    error = check_publish(s, name, payload_bytes, send_qos);
    if (error != TDM_OK)
        return error;
    if (send_qos > 0) {
        packet_id = new_packet_id(s);
        *find_outgoing(s, 0) = packet_id;
    }
    mqtt_writer_init(&w, memory, sizeof memory);
    mqtt_publish_write(&w, s->version, name, payload_bytes, (uint8_t)send_qos, packet_id);
    if (payload_bytes <= TOGETHER_MAX)
        mqtt_write_bytes(&w, (struct mqtt_slice){payload, payload_bytes});
    mqtt__session_send(s, &w);
    if (payload_bytes > TOGETHER_MAX)
        s->ops->send(s->ctx, payload, payload_bytes);
    return packet_id;
}
