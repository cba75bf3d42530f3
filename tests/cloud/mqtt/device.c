/* See device.h. */
#include "tests/cloud/mqtt/device.h"
#include "tests/cloud/mqtt/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void on_send(void *ctx, const uint8_t *bytes, size_t count)
{
    struct device *d = ctx;

    assert_int_equal(d->end, NOT_ENDED);
    assert_true(count <= sizeof d->sent - d->sent_bytes);
    assert_true(count > 0);
    memcpy(d->sent + d->sent_bytes, bytes, count);
    d->sent_bytes += count;
}

static void on_login(void *ctx, const struct mqtt_login *login)
{
    struct device *d = ctx;

    d->logins++;
    assert_true(login->password.length < sizeof d->token);
    if (login->password.length > 0)
        memcpy(d->token, login->password.data, login->password.length);
    if (d->decide_later)
        return;
    if (mqtt_slice_equals(login->user_name, "device") && mqtt_slice_equals(login->password, "token"))
        mqtt_session_accept(&d->session, 0);
    else
        mqtt_session_refuse(&d->session, MQTT_REFUSE_CREDENTIALS);
}

static void on_packet(void *ctx)
{
    struct device *d = ctx;

    if (++d->packets == d->hold_at)
        mqtt_session_hold(&d->session);
}

static bool on_message(void *ctx, const struct mqtt_message *message)
{
    struct device *d = ctx;

    size_t used = strlen(d->log);

    snprintf(d->log + used, sizeof d->log - used, "%.*s=%.*s;", (int)message->topic.length,
             (const char *)message->topic.data, (int)message->payload.length,
             (const char *)message->payload.data);
    return !d->acknowledge_later;
}

static void on_acknowledged(void *ctx, uint16_t packet_id)
{
    struct device *d = ctx;

    d->acknowledged++;
    d->acknowledged_id = packet_id;
}

static void on_ended(void *ctx, enum mqtt_end end)
{
    struct device *d = ctx;

    assert_int_equal(d->end, NOT_ENDED);
    d->end = (int)end;
}

const struct mqtt_session_ops device_ops = {on_send,    on_login,        on_packet,
                                            on_message, on_acknowledged, on_ended};

void device_connect(struct device *d)
{
    memset(d, 0, sizeof *d);
    d->end = NOT_ENDED;
    mqtt_session_init(&d->session, &mqtt_session_defaults, &device_ops, d, 7, 0);
}

size_t device_says_at(struct device *d, const char *text, uint64_t now_ms)
{
    uint8_t bytes[6000];
    size_t count = bytes_of(text, bytes, sizeof bytes);
    uint8_t *exact = malloc(count); /* so that a read past the end is seen */
    size_t taken;

    memcpy(exact, bytes, count);
    taken = mqtt_session_receive(&d->session, exact, count, now_ms);
    free(exact);
    return taken;
}

size_t device_says(struct device *d, const char *text)
{
    return device_says_at(d, text, 0);
}

void device_gets(struct device *d, const char *text)
{
    uint8_t bytes[6000];
    size_t count = bytes_of(text, bytes, sizeof bytes);

    assert_int_equal(d->sent_bytes, count);
    assert_memory_equal(d->sent, bytes, count);
    d->sent_bytes = 0;
}

void device_log_in(struct device *d, uint8_t version)
{
    device_connect(d);
    device_says(d, version == MQTT_5 ? LOGIN_5 : LOGIN_3_1_1);
    device_gets(d, version == MQTT_5 ? WELCOME_5 : WELCOME_3);
}

void device_ends(struct device *d, enum mqtt_end end, const char *sent)
{
    assert_int_equal(d->end, (int)end);
    device_gets(d, sent);
}
