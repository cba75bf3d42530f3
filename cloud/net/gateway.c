/* One connection:
 *
 *   accepted --CONNECT with a known token--> logged in --> (messages) --> ended --flushed or 5 s--> freed
 *
 * The session (cloud/mqtt/session.h) owns the protocol and its limits. Jobs refer to connections by number,
 * since a connection may be gone when its job is done. A device whose jobs pile up is read no further until
 * they are done; one that does not take what is sent to it is closed. */
#include "cloud/net/gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "cloud/fleet/device.h"
#include "cloud/log.h"
#include "cloud/mqtt/session.h"
#include "cloud/net/listen.h"
#include "cloud/net/pace.h"
#include "cloud/text.h"

#define JOBS_MAX      16          /* of one connection, before it is read no further */
#define OUTPUT_MAX    (64 * 1024) /* waiting for one device */
#define READ_AHEAD    (16 * 1024)
#define FLUSH_LIMIT_S 5
#define USER_NAME     "device"

struct gateway {
    struct event_base *base;
    struct evconnlistener *listener;
    struct tokens *tokens;
    struct desk *desk;
    uint16_t http_port;
    uint64_t numbers;
    struct bound bound;
    struct paces paces;
    struct idmap connections; /* number -> struct connection */
    struct idmap devices;     /* device id -> its logged-in connection */
};

struct connection {
    struct gateway *gateway;
    uint64_t number;
    struct bufferevent *bev;
    struct event *timer;
    struct mqtt_session session;
    int64_t device; /* 0 before the login */
    int jobs;       /* not done yet */
    bool ended;
    bool lost; /* the socket broke, without a goodbye */
};

/* --- Jobs --- */

enum job_kind { JOB_CONNECTED, JOB_DISCONNECTED, JOB_CHECK_IN, JOB_REPORT, JOB_LOG, JOB_OFFER_SENT };

struct job {
    struct desk_job job;
    enum job_kind kind;
    struct gateway *gateway;
    uint64_t connection;
    int64_t device;
    uint16_t packet_id; /* to acknowledge once it is on disk, or 0 */
    int64_t shipment;
    union {
        char text[256];
        struct check_in check_in;
        struct report report;
    };
};

static int run_job(struct desk_job *desk_job, struct fleet *fleet)
{
    struct job *job = (struct job *)desk_job;
    int result = STORE_OK;
    switch (job->kind) {
    case JOB_CONNECTED:
        result = device_connected(fleet, job->device, job->connection, job->text);
        break;
    case JOB_DISCONNECTED:
        result = device_disconnected(fleet, job->device, job->connection, job->text);
        break;
    case JOB_CHECK_IN:
        result = device_checked_in(fleet, job->device, job->connection, &job->check_in);
        break;
    case JOB_REPORT:
        result = device_reported(fleet, job->device, &job->report);
        break;
    case JOB_LOG:
        result = device_logged(fleet, job->device, job->text);
        break;
    case JOB_OFFER_SENT:
        result = device_offer_sent(fleet, job->device, job->shipment);
        break;
    }
    return result == STORE_NOT_FOUND ? STORE_OK : result; /* the device was deleted meanwhile */
}

static void serve(struct connection *c);

static void job_done(struct desk_job *desk_job, int result)
{
    struct job *job = (struct job *)desk_job;
    struct connection *c = idmap_get(&job->gateway->connections, job->connection);
    if (result != STORE_OK)
        log_line(LOG_LEVEL_ERROR, "device-event-lost", "device=d%lld kind=%d result=%d",
                 (long long)job->device, (int)job->kind, result);
    if (c != NULL) {
        c->jobs--;
        if (result != STORE_OK)
            mqtt_session_end(&c->session, MQTT_END_KICKED); /* it comes back and says it again */
        else if (job->packet_id != 0)
            mqtt_session_acknowledge(&c->session, job->packet_id);
        serve(c);
    }
    free(job);
}

static struct job *job_new(struct connection *c, enum job_kind kind)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    job->job.run = run_job;
    job->job.done = job_done;
    job->kind = kind;
    job->gateway = c->gateway;
    job->connection = c->number;
    job->device = c->device;
    return job;
}

static void post(struct connection *c, struct job *job)
{
    c->jobs++;
    desk_post(c->gateway->desk, &job->job);
}

/* --- The session's calls --- */

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void on_send(void *ctx, const uint8_t *bytes, size_t count)
{
    struct connection *c = ctx;
    bufferevent_write(c->bev, bytes, count);
}

/* Where this device reached us, with the port of our HTTP server. */
static void write_origin(const struct connection *c, char *to, size_t capacity)
{
    struct sockaddr_storage local;
    socklen_t bytes = sizeof local;
    char host[INET6_ADDRSTRLEN] = "127.0.0.1";
    bool six = false;
    if (getsockname(bufferevent_getfd(c->bev), (struct sockaddr *)&local, &bytes) == 0) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&local;
        six = local.ss_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
        if (six)
            inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        else if (local.ss_family == AF_INET6)
            inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], host, sizeof host);
        else
            inet_ntop(AF_INET, &((const struct sockaddr_in *)&local)->sin_addr, host, sizeof host);
    }
    snprintf(to, capacity, six ? "http://[%s]:%u" : "http://%s:%u", host, c->gateway->http_port);
}

static bool slice_is(struct mqtt_slice slice, const char *text)
{
    return slice.length == strlen(text) && memcmp(slice.data, text, slice.length) == 0;
}

static void on_login(void *ctx, const struct mqtt_login *login)
{
    struct connection *c = ctx;
    struct gateway *gateway = c->gateway;
    int64_t device = tokens_find(gateway->tokens, login->password.data, login->password.length);
    if (device == 0 || !slice_is(login->user_name, USER_NAME)) {
        log_line(LOG_LEVEL_WARNING, "login-refused", "connection=%llu", (unsigned long long)c->number);
        mqtt_session_refuse(&c->session, MQTT_REFUSE_CREDENTIALS);
        return;
    }
    if (!paces_admit(&gateway->paces, device, clock_ms())) {
        mqtt_session_refuse(&c->session, MQTT_REFUSE_UNAVAILABLE);
        return;
    }
    c->device = device;
    struct connection *older = idmap_set(&gateway->devices, (uint64_t)device, c);
    if (older != NULL) {
        mqtt_session_end(&older->session, MQTT_END_TAKEN_OVER);
        serve(older);
    }
    log_line(LOG_LEVEL_INFO, "device-online", "device=d%lld connection=%llu mqtt=%d", (long long)device,
             (unsigned long long)c->number, login->version == 5 ? 5 : 3);
    mqtt_session_accept(&c->session, clock_ms());
    struct job *job = job_new(c, JOB_CONNECTED);
    write_origin(c, job->text, sizeof job->text);
    post(c, job);
}

static void publish_time(struct connection *c)
{
    char json[256];
    char iso[TEXT_TIME_MAX];
    int64_t now = text_now_ms();
    int bytes =
        snprintf(json, sizeof json,
                 "{\"tz_name\":\"UTC\",\"tz_rule\":\"UTC0\",\"tz_offset\":0,\"dst_offset\":0,\"time\":%lld,"
                 "\"iso8601\":\"%s\"}",
                 (long long)now, text_time(now, iso));
    if (mqtt_session_publish(&c->session, "downlink/utc/all/json", json, (size_t)bytes, 0) < 0)
        log_line(LOG_LEVEL_DEBUG, "time-not-sent", "device=d%lld hint=\"it did not subscribe\"",
                 (long long)c->device);
}

/* The job that a message makes; NULL for one that the fleet need not know. */
static struct job *job_of_message(struct connection *c, const struct mqtt_message *message)
{
    struct job *job = NULL;
    bool ok = true;
    if (slice_is(message->topic, "info/mcu")) {
        job = job_new(c, JOB_CHECK_IN);
        ok = report_parse_check_in(message->payload.data, message->payload.length, &job->check_in);
    } else if (slice_is(message->topic, "ota/report")) {
        job = job_new(c, JOB_REPORT);
        ok = report_parse(message->payload.data, message->payload.length, &job->report);
    }
    if (!ok) {
        job->kind = JOB_LOG;
        snprintf(job->text, sizeof job->text, "%.*s: malformed, ignored", (int)message->topic.length,
                 (const char *)message->topic.data);
    }
    return job;
}

static bool on_message(void *ctx, const struct mqtt_message *message)
{
    struct connection *c = ctx;
    if (slice_is(message->topic, "get/utc/all/json"))
        publish_time(c);
    struct job *job = job_of_message(c, message);
    if (job == NULL)
        return true;
    job->packet_id = message->packet_id;
    post(c, job);
    return message->qos == 0;
}

static void on_acknowledged(void *ctx, uint16_t packet_id)
{
    (void)ctx;
    (void)packet_id;
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
    struct job *job = job_new(c, JOB_DISCONNECTED);
    snprintf(job->text, sizeof job->text, "%s", c->lost ? "the connection was lost" : mqtt_end_text(end));
    post(c, job);
}

static const struct mqtt_session_ops session_ops = {
    .send = on_send,
    .login = on_login,
    .message = on_message,
    .acknowledged = on_acknowledged,
    .ended = on_ended,
};

/* --- The socket --- */

static void destroy(struct connection *c)
{
    idmap_remove(&c->gateway->connections, c->number);
    bufferevent_free(c->bev);
    event_free(c->timer);
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
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) == 0) {
        destroy(c);
        return;
    }
    bufferevent_disable(c->bev, EV_READ);
    set_timer(c, FLUSH_LIMIT_S * 1000);
}

/* Takes what was received as far as it goes, keeps the limits, and frees the connection if it is over. */
static void serve(struct connection *c)
{
    struct evbuffer *input = bufferevent_get_input(c->bev);
    size_t bytes = evbuffer_get_length(input);
    if (bytes > 0 && c->jobs < JOBS_MAX && !c->ended) {
        const uint8_t *data = evbuffer_pullup(input, -1);
        evbuffer_drain(input, mqtt_session_receive(&c->session, data, bytes, clock_ms()));
    }
    if (!c->ended && evbuffer_get_length(bufferevent_get_output(c->bev)) > OUTPUT_MAX)
        mqtt_session_end(&c->session, MQTT_END_KICKED);
    uint32_t wait_ms = c->ended ? 0 : mqtt_session_poll(&c->session, clock_ms());
    if (c->ended) {
        wind_up(c);
        return;
    }
    set_timer(c, wait_ms);
    if (c->jobs < JOBS_MAX)
        bufferevent_enable(c->bev, EV_READ);
    else
        bufferevent_disable(c->bev, EV_READ);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    serve(ctx);
}

static void on_write(struct bufferevent *bev, void *ctx)
{
    (void)bev;
    struct connection *c = ctx;
    if (c->ended)
        wind_up(c);
}

/* The socket is closed or broken: no flush any more. */
static void on_event(struct bufferevent *bev, short what, void *ctx)
{
    (void)bev;
    (void)what;
    struct connection *c = ctx;
    c->lost = true;
    if (!c->ended)
        mqtt_session_end(&c->session, MQTT_END_DISCONNECTED);
    destroy(c);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct connection *c = ctx;
    if (c->ended) {
        destroy(c);
        return;
    }
    serve(c);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int peer_bytes, void *ctx)
{
    (void)listener;
    (void)peer;
    (void)peer_bytes;
    struct gateway *gateway = ctx;
    if (!bound_admits(&gateway->bound, gateway->connections.count)) {
        close(fd);
        return;
    }
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->gateway = gateway;
    c->number = ++gateway->numbers;
    c->bev = bufferevent_socket_new(gateway->base, fd, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    c->timer = evtimer_new(gateway->base, on_timer, c);
    if (c->bev == NULL || c->timer == NULL)
        abort();
    idmap_set(&gateway->connections, c->number, c);
    mqtt_session_init(&c->session, &mqtt_session_defaults, &session_ops, c, c->number, clock_ms());
    bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, READ_AHEAD);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    set_timer(c, mqtt_session_poll(&c->session, clock_ms()));
}

/* --- What the fleet wants --- */

static void send_offer(struct gateway *gateway, const struct effect *effect)
{
    struct connection *c = idmap_get(&gateway->connections, effect->connection);
    if (c == NULL || c->ended)
        return;
    if (mqtt_session_publish(&c->session, "downlink/ota/json", effect->text, strlen(effect->text), 0) < 0) {
        log_line(LOG_LEVEL_WARNING, "offer-not-sent", "device=d%lld", (long long)effect->device);
        return;
    }
    log_line(LOG_LEVEL_INFO, "offer-sent", "device=d%lld shipment=s%lld", (long long)effect->device,
             (long long)effect->shipment);
    struct job *job = job_new(c, JOB_OFFER_SENT);
    job->shipment = effect->shipment;
    post(c, job);
}

static void end_device(struct gateway *gateway, int64_t device)
{
    struct connection *c = idmap_get(&gateway->devices, (uint64_t)device);
    if (c == NULL)
        return;
    mqtt_session_end(&c->session, MQTT_END_KICKED);
    serve(c);
}

void gateway_effect(void *ctx, const struct effect *effect)
{
    struct gateway *gateway = ctx;
    switch (effect->kind) {
    case EFFECT_OFFER:
        send_offer(gateway, effect);
        break;
    case EFFECT_TOKEN_ADDED:
        tokens_add(gateway->tokens, effect->token_hash, effect->device);
        break;
    case EFFECT_TOKEN_REMOVED:
        tokens_remove(gateway->tokens, effect->token_hash);
        paces_forget(&gateway->paces, effect->device);
        end_device(gateway, effect->device);
        break;
    }
}

struct gateway *gateway_start(struct event_base *base, const char *address, struct bound bound,
                              struct tokens *tokens, uint16_t http_port, char *why, size_t capacity)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL)
        abort();
    *gateway = (struct gateway){.base = base, .bound = bound, .tokens = tokens, .http_port = http_port};
    gateway->listener = listen_start(base, address, on_accept, gateway, why, capacity);
    if (gateway->listener == NULL) {
        free(gateway);
        return NULL;
    }
    return gateway;
}

uint16_t gateway_port(const struct gateway *gateway)
{
    return listen_port(gateway->listener);
}

void gateway_attach(struct gateway *gateway, struct desk *desk)
{
    gateway->desk = desk;
}

bool gateway_close(struct gateway *gateway)
{
    size_t count = gateway->connections.count;
    struct connection **all = calloc(count + 1, sizeof *all);
    if (all == NULL)
        abort();
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        all[i] = idmap_next(&gateway->connections, &at);
    evconnlistener_disable(gateway->listener);
    for (size_t i = 0; i < count; i++) {
        if (!all[i]->ended)
            mqtt_session_end(&all[i]->session, MQTT_END_SHUTDOWN);
        serve(all[i]); /* frees it, if there is nothing to flush */
    }
    free(all);
    return gateway->connections.count > 0;
}

void gateway_free(struct gateway *gateway)
{
    for (;;) {
        size_t at = 0;
        struct connection *c = idmap_next(&gateway->connections, &at);
        if (c == NULL)
            break;
        destroy(c);
    }
    evconnlistener_free(gateway->listener);
    idmap_free(&gateway->connections);
    idmap_free(&gateway->devices);
    paces_free(&gateway->paces);
    free(gateway);
}
