/* One connection:
 *
 *   accepted --CONNECT with a known token--> logged in --> (messages) --> ended --flushed or 5 s--> freed
 *
 * The session (cloud/mqtt/session.h) owns the protocol and its limits, from the accepted socket on: a TLS
 * handshake that never ends is a login that never comes. Jobs refer to connections by number, since a
 * connection may be gone when its job is done. A device whose jobs pile up is read no further until they are
 * done; one that does not take what is sent to it is closed. */
#include "cloud/net/devices/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cloud/log.h"
#include "cloud/net/doors/tls.h"
#include "cloud/text.h"

#define JOBS_MAX      16           /* of one connection, before it is read no further */
#define OUTPUT_MAX    (256 * 1024) /* waiting for one device: more than all its values */
#define FLUSH_LIMIT_S 5
#define USER_NAME     "device"

#define PACKETS_BURST    500
#define PACKETS_PER_S    50
#define DIAG_INTERVAL_MS 10000
#define BACKLOG_MAX      50000 /* jobs at the desk, beyond which nobody more is let in */

/* --- The session's calls --- */

uint64_t connection__clock_ms(void)
{
    return (uint64_t)text_steady_ms();
}

/* Asked at each read and each beat: a loop that has much to do for a while is not one that stood still. */
bool connection__overslept(struct gateway *gateway)
{
    uint64_t now = connection__clock_ms();
    if (now - gateway->alive_ms > LATE_MS)
        gateway->late_ms = now + CATCH_UP_MS;
    gateway->alive_ms = now;
    return gateway->shared && now < gateway->late_ms;
}

static bool takes_nothing(const struct connection *c)
{
    return stream_unsent(&c->stream) > OUTPUT_MAX;
}

static void on_send(void *ctx, const uint8_t *bytes, size_t count)
{
    static const struct timeval at_once;
    struct connection *c = ctx;
    stream_send(&c->stream, bytes, count);
    /* A device that says nothing either is not served by itself. */
    if (takes_nothing(c) && !c->ended)
        evtimer_add(c->timer, &at_once);
}

/* Our address as this connection sees it, as a URL has it. */
static void write_host(const struct connection *c, char *to, size_t capacity)
{
    struct sockaddr_storage local;
    socklen_t bytes = sizeof local;
    char host[INET6_ADDRSTRLEN] = "127.0.0.1";
    bool six = false;
    if (getsockname(stream_fd(&c->stream), (struct sockaddr *)&local, &bytes) == 0) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&local;
        six = local.ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
        if (six)
            inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        else if (local.ss_family == AF_INET6)
            inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host, sizeof host);
        else
            inet_ntop(AF_INET, &((const struct sockaddr_in *)&local)->sin_addr, host, sizeof host);
    }
    snprintf(to, capacity, six ? "[%s]" : "%s", host);
}

/* Where this device can download: it reached us under this name or address, and who came through TLS stays
 * with TLS, and with the name that the certificate was checked against. */
static void write_origin(const struct connection *c, char *to, size_t capacity)
{
    const struct gateway_downloads *downloads = &c->gateway->downloads;
    const char *name = tls_server_name(c->stream.bev);
    bool secure = downloads->https != 0 && (tls_secures(c->stream.bev) || downloads->http == 0);
    char host[96];
    if (name[0] != '\0')
        snprintf(host, sizeof host, "%s", name);
    else
        write_host(c, host, sizeof host);
    snprintf(to, capacity, "%s://%s:%u", secure ? "https" : "http", host,
             secure ? downloads->https : downloads->http);
}

static void keep_will(struct connection *c, const struct mqtt_login *login)
{
    if (login->will_topic.length == 0 || login->will_topic.length >= FLEET_TOPIC_MAX)
        return;
    c->will = calloc(1, sizeof *c->will + login->will_payload.length);
    if (c->will == NULL)
        abort();
    memcpy(c->will->topic, login->will_topic.data, login->will_topic.length);
    c->will->bytes = login->will_payload.length;
    if (c->will->bytes > 0)
        memcpy(c->will->payload, login->will_payload.data, c->will->bytes);
}

static const char *client_of(const struct connection *c, char to[LISTEN_PEER_MAX])
{
    struct sockaddr_storage peer = {0};
    socklen_t bytes = sizeof peer;
    if (c->client != NULL)
        return c->client;
    (void)getpeername(stream_fd(&c->stream), (struct sockaddr *)&peer, &bytes);
    return listen_peer((const struct sockaddr *)&peer, to);
}

static void tell_refused(struct connection *c)
{
    char address[LISTEN_PEER_MAX];
    char more[40] = "";
    uint64_t left_out;
    if (!log_pace_take(&c->gateway->refused, (int64_t)connection__clock_ms(), &left_out))
        return;
    if (left_out > 0)
        snprintf(more, sizeof more, " left_out=%llu", (unsigned long long)left_out);
    log_line(LOG_LEVEL_WARNING, "login-refused", "connection=%llu address=%s%s",
             (unsigned long long)c->number, client_of(c, address), more);
}

static void on_login(void *ctx, const struct mqtt_login *login)
{
    struct connection *c = ctx;
    struct gateway *gateway = c->gateway;
    char address[LISTEN_PEER_MAX];
    int64_t device = tokens_find(gateway->tokens, login->password.data, login->password.length);
    if (device == 0 || !mqtt_slice_equals(login->user_name, USER_NAME)) {
        tell_refused(c);
        mqtt_session_refuse(&c->session, MQTT_REFUSE_CREDENTIALS);
        return;
    }
    if (desk_waiting(gateway->desk) > BACKLOG_MAX ||
        !paces_admit(&gateway->paces, device, connection__clock_ms())) {
        mqtt_session_refuse(&c->session, MQTT_REFUSE_UNAVAILABLE);
        return;
    }
    c->device = device;
    keep_will(c, login);
    struct connection *older = idmap_set(&gateway->devices, (uint64_t)device, c);
    if (older != NULL) {
        mqtt_session_end(&older->session, MQTT_END_TAKEN_OVER);
        connection__serve(older);
    }
    log_line(LOG_LEVEL_INFO, "device-online", "device=d%lld connection=%llu mqtt=%d address=%s",
             (long long)device, (unsigned long long)c->number, login->version == 5 ? 5 : 3,
             client_of(c, address));
    mqtt_session_accept(&c->session, connection__clock_ms());
    struct job *job = job__new(c, JOB_CONNECTED);
    write_origin(c, job->text, sizeof job->text);
    job__post(c, job);
}

/* Each packet costs its share of a second, and some are free. */
static void charge(struct connection *c, size_t packets)
{
    uint64_t now = connection__clock_ms();
    if (c->flow_ms < now)
        c->flow_ms = now;
    c->flow_ms += packets * 1000 / PACKETS_PER_S;
    if (c->flow_ms <= now + PACKETS_BURST * 1000 / PACKETS_PER_S || c->slowed)
        return;
    c->slowed = true;
    connection__complain(c, "too many packets: they are read no faster than 50 a second");
}

/* Pings and subscriptions are answered one by one, and cost everybody else as much as messages do. */
static void on_packet(void *ctx)
{
    struct connection *c = ctx;
    charge(c, 1);
    if (c->slowed)
        mqtt_session_hold(&c->session);
}

static bool on_message(void *ctx, const struct mqtt_message *message)
{
    struct connection *c = ctx;
    struct job *job = job__of_message(c, message);
    job->packet_id = message->packet_id;
    job__post(c, job);
    if (c->jobs >= JOBS_MAX)
        mqtt_session_hold(&c->session);
    return message->qos == 0;
}

static void on_acknowledged(void *ctx, uint16_t packet_id)
{
    struct connection *c = ctx;
    if (c->ping == 0 || packet_id != c->ping)
        return;
    struct job *job = job__new(c, JOB_LOG);
    c->ping = 0;
    snprintf(job->text, sizeof job->text, "answered a ping after %llu ms",
             (unsigned long long)(connection__clock_ms() - c->ping_ms));
    job__post(c, job);
}

void connection__complain(struct connection *c, const char *text)
{
    uint64_t now = connection__clock_ms();
    if (c->diag_ms != 0 && now - c->diag_ms < DIAG_INTERVAL_MS)
        return;
    c->diag_ms = now;
    if (mqtt_session_publish(&c->session, "downlink/diag", text, strlen(text), 0) < 0)
        log_line(LOG_LEVEL_DEBUG, "diag-not-sent", "device=d%lld", (long long)c->device);
}

/* Without a goodbye the device's will counts as its last message; not when it is us who stop. */
static void execute_will(struct connection *c, enum mqtt_end end)
{
    bool goodbye = end == MQTT_END_DISCONNECTED && !c->lost;
    if (c->will != NULL && !goodbye && end != MQTT_END_SHUTDOWN)
        job__post(c, job__of_will(c));
}

static void on_ended(void *ctx, enum mqtt_end end)
{
    struct connection *c = ctx;
    c->ended = true;
    if (c->device == 0)
        return;
    if (idmap_get(&c->gateway->devices, (uint64_t)c->device) == c)
        idmap_remove(&c->gateway->devices, (uint64_t)c->device);
    log_line(LOG_LEVEL_INFO, "device-offline", "device=d%lld connection=%llu reason=%s", (long long)c->device,
             (unsigned long long)c->number, c->lost ? "connection-lost" : mqtt_end_slug(end));
    execute_will(c, end);
    struct job *job = job__new(c, JOB_DISCONNECTED);
    snprintf(job->text, sizeof job->text, "%s", c->lost ? "the connection was lost" : mqtt_end_text(end));
    job__post(c, job);
}

static const struct mqtt_session_ops session_ops = {
    .send = on_send,
    .login = on_login,
    .packet = on_packet,
    .message = on_message,
    .acknowledged = on_acknowledged,
    .ended = on_ended,
};

/* --- The socket --- */

void connection__destroy(struct connection *c)
{
    idmap_remove(&c->gateway->connections, c->number);
    free(c->will);
    free(c->client);
    stream_free(&c->stream);
    evtimer_del(c->timer);
    free(c);
}

static void set_timer(struct connection *c, uint32_t ms)
{
    struct timeval after = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};
    if (ms == UINT32_MAX)
        evtimer_del(c->timer);
    else
        evtimer_add(c->timer, &after);
}

/* The session has ended: frees the connection now, or once what was sent is flushed. */
static void wind_up(struct connection *c)
{
    stream_goodbye(&c->stream);
    if (c->stream.closed || stream_unsent(&c->stream) == 0) {
        connection__destroy(c);
        return;
    }
    stream_read(&c->stream, false);
    set_timer(c, FLUSH_LIMIT_S * 1000);
}

/* Milliseconds until a device that sent too much is read again; 0: it is read. */
static uint32_t penalty_ms(struct connection *c)
{
    uint64_t now = connection__clock_ms();
    uint64_t paid = now + PACKETS_BURST * 1000 / PACKETS_PER_S;
    c->slowed = c->flow_ms > paid;
    return c->slowed ? (uint32_t)(c->flow_ms - paid) : 0;
}

static bool is_taken(struct connection *c)
{
    return c->jobs < JOBS_MAX && !c->ended && penalty_ms(c) == 0;
}

static size_t on_take(void *ctx, const uint8_t *bytes, size_t count)
{
    struct connection *c = ctx;
    if (!c->ended && connection__overslept(c->gateway))
        mqtt_session_end(&c->session, MQTT_END_KICKED); /* it comes back and says it again */
    return is_taken(c) ? mqtt_session_receive(&c->session, bytes, count, connection__clock_ms()) : 0;
}

/* A device that sends what it has, says goodbye and closes may be gone before it is read: a close ends the
 * connection only when all that came before it was taken. */
static void receive(struct connection *c)
{
    bool open = stream_receive(&c->stream);
    charge(c, stream_idle_frames(&c->stream));
    if (open || c->ended || c->jobs >= JOBS_MAX || c->slowed)
        return;
    c->lost = true;
    mqtt_session_end(&c->session, MQTT_END_DISCONNECTED);
}

void connection__serve(struct connection *c)
{
    if (is_taken(c))
        receive(c);
    if (!c->ended && takes_nothing(c))
        mqtt_session_end(&c->session, MQTT_END_KICKED);
    uint32_t wait_ms = c->ended ? 0 : mqtt_session_poll(&c->session, connection__clock_ms());
    if (c->ended) {
        wind_up(c);
        return;
    }
    uint32_t penalty = penalty_ms(c);
    set_timer(c, penalty > 0 && penalty < wait_ms ? penalty : wait_ms);
    stream_read(&c->stream, c->jobs < JOBS_MAX && penalty == 0 && !c->stream.closed);
}

static void on_moved(void *ctx)
{
    connection__serve(ctx);
}

static const struct stream_ops stream_ops = {.take = on_take, .moved = on_moved};

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct connection *c = ctx;
    if (c->ended) {
        connection__destroy(c);
        return;
    }
    connection__serve(c);
}

void connection__open(struct gateway *gateway, const struct stream_source *source, const char *client)
{
    size_t event = event_get_struct_event_size();
    struct connection *c = calloc(1, sizeof *c + 2 * event);
    if (c == NULL)
        abort();
    c->gateway = gateway;
    c->number = ++gateway->numbers;
    c->client = client != NULL ? strdup(client) : NULL;
    c->timer = (struct event *)(c + 1);
    evtimer_assign(c->timer, gateway->base, on_timer, c);
    idmap_set(&gateway->connections, c->number, c);
    mqtt_session_init(&c->session, &mqtt_session_defaults, &session_ops, c, c->number,
                      connection__clock_ms());
    stream_open(&c->stream, gateway->base, (struct event *)((char *)c->timer + event), source, &stream_ops,
                c);
    connection__serve(c);
}
