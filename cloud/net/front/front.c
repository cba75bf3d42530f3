/* One visit per request:
 *
 *   route -> (admission on the desk -> body: gathered, or streamed into a file) -> job on the desk -> answer
 *                                                                                  ^            |
 *                                                                                  '-- worker <-'
 * Whoever may not call is refused before any body is read. */
#include "cloud/net/front/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/net/devices/websocket.h"
#include "cloud/net/front/console.h"
#include "cloud/net/front/events.h"
#include "cloud/net/front/visit.h"

#define BACKLOG_MAX 20000 /* jobs at the desk, beyond which no more are taken */

/* 503 while the database does not work: a balancer then sends people elsewhere. A bus that is away costs time
 * only.
 */
static void answer_health(const struct front *front, struct http_exchange *exchange)
{
    int state = desk_state(front->desk);
    bool ok = state == STORE_OK;
    json_t *json = json_pack("{s:s, s:s, s:s, s:s}", "status", ok ? "ok" : "failing", "version",
                             TANDEM_VERSION, "database", ok ? "ok" : store_result_text(state), "bus",
                             bus_is_up(front->bus) ? "ok" : "away");
    if (!ok)
        http_retry_after(exchange, VISIT_BUSY_MS / 1000);
    visit__reply(exchange, ok ? 200 : 503, VISIT_JSON, json);
}

static void refuse_unknown(struct http_exchange *exchange)
{
    char methods[ROUTE_METHODS_MAX];
    if (route_methods(exchange->head.path, methods)[0] == '\0') {
        visit__refuse(exchange, 404, "no such path", "docs/API.md lists what there is");
        return;
    }
    http_header(exchange, "Allow", methods);
    visit__refuse(exchange, 405, "wrong method", "docs/API.md lists what there is");
}

/* MQTT in a WebSocket: what follows is the gateway's. */
static void begin_websocket(struct front *front, struct http_exchange *exchange)
{
    char accept[WEBSOCKET_ACCEPT_MAX];
    char client[RECORD_ADDRESS];
    int refusal = websocket_handshake(&exchange->head, accept);
    if (refusal == 0 && front->certificates && exchange->secure && !exchange->certified) {
        visit__refuse(exchange, 403, "no access",
                      "this server's devices show a certificate when they connect");
    } else if (refusal == 0 && !gateway_admits(front->gateway)) {
        http_header(exchange, "Retry-After", "60");
        visit__refuse(exchange, 503, "too many connections", "try again later");
    } else if (refusal == 0) {
        http_header(exchange, "Sec-WebSocket-Accept", accept);
        http_header(exchange, "Sec-WebSocket-Protocol", "mqtt");
        visit__client(front, exchange, client);
        gateway_take_websocket(front->gateway, http_upgrade(exchange, "websocket"), client);
    } else {
        http_header(exchange, "Sec-WebSocket-Version", "13");
        http_header(exchange, "Upgrade", "websocket");
        visit__refuse(exchange, refusal, "no WebSocket",
                      "this path takes WebSockets of version 13 with the subprotocol mqtt");
    }
}

/* What is answered is for whoever asks, and for no cache on the way. */
static bool is_for_one(enum route_kind kind)
{
    return kind == ROUTE_JSON || kind == ROUTE_UPLOAD || kind == ROUTE_OIDC || kind == ROUTE_METRICS;
}

static void on_request(void *ctx, struct http_exchange *exchange)
{
    struct front *front = ctx;
    int64_t id = 0;
    if (visit__is_secure(front, exchange))
        http_header(exchange, "Strict-Transport-Security", "max-age=31536000");
    if (strcmp(exchange->head.path, "/mqtt") == 0) {
        begin_websocket(front, exchange);
        return;
    }
    const struct route *route = route_find(http_method_name(exchange->head.method), exchange->head.path, &id);
    if (route == NULL || route->kind != ROUTE_DOWNLOAD || exchange->head.query[0] == '\0')
        console_guard(exchange);
    if (route != NULL && is_for_one(route->kind))
        http_header(exchange, "Cache-Control", "no-store");
    /* A firmware's page in the console has the path of its download, whose link always has a token. */
    bool page = route == NULL || (route->kind == ROUTE_DOWNLOAD && exchange->head.query[0] == '\0');
    if (page && console_answer(front->console, exchange))
        return;
    if (route == NULL) {
        refuse_unknown(exchange);
        return;
    }
    if (route->kind != ROUTE_HEALTH && desk_waiting(front->desk) > BACKLOG_MAX) {
        visit__postpone(exchange, 5, "too many requests wait already");
        return;
    }
    struct visit *visit = visit__new(front, exchange);
    visit->route = route;
    visit->call.route = route;
    visit->call.people = front->people;
    visit->call.id = id;
    visit->call.provider = front->provider;
    if (route->kind == ROUTE_OIDC)
        visit__begin_trip(visit);
    if (route->kind == ROUTE_DOWNLOAD)
        visit__begin_download(visit);
    else if (route->kind != ROUTE_HEALTH)
        visit__begin_call(visit);
}

static void on_body(void *ctx, struct http_exchange *exchange, const void *data, size_t bytes)
{
    (void)ctx;
    struct visit *visit = exchange->user;
    if (visit->route->kind == ROUTE_UPLOAD) {
        visit__take_upload(visit, data, bytes);
        return;
    }
    memcpy(visit->body + visit->body_bytes, data, bytes);
    visit->body_bytes += bytes;
}

/* --- Figures --- */

static int run_count(struct desk_job *job, struct fleet *fleet)
{
    struct visit *visit = (struct visit *)job;
    int result = api_admit(&visit->call, fleet);
    return result == STORE_OK ? store_count(fleet->store, &visit->figures.counts) : result;
}

static void counted(struct desk_job *job, int result)
{
    struct visit *visit = (struct visit *)job;
    struct front *front = visit->front;
    size_t bytes = 0;
    if (result != STORE_OK) {
        visit__answer_failure(visit, result);
        return;
    }
    metrics_request(&front->metrics, visit->route, 200);
    visit->figures.waiting = (int64_t)desk_waiting(front->desk);
    visit->figures.streams = events_clients(front->events);
    visit->figures.maker = front->maker != NULL ? maker_figures(front->maker) : NULL;
    visit->figures.offers = front->offers;
    visit->figures.certificate_ends = front->tls != NULL ? tls_expires(front->tls) : 0;
    char *text = metrics_write(&front->metrics, &visit->figures, &bytes);
    http_reply(visit->exchange, 200, "text/plain; version=0.0.4; charset=utf-8", text, bytes);
    free(text);
}

/* --- Events --- */

static void watch_admitted(struct desk_job *job, int result)
{
    struct visit *visit = (struct visit *)job;
    const char *last = http_head_value(&visit->exchange->head, "last-event-id");
    if (result != STORE_OK) {
        visit__answer_failure(visit, result);
    } else if (!events_open(visit->front->events, visit->exchange, &visit->call, last)) {
        visit->call.retry_after_ms = VISIT_BUSY_MS;
        (void)api_refuse(&visit->call, 503, "too many streams",
                         "too many clients watch at the moment; try again later");
        visit__answer(visit);
    }
}

static void on_complete(void *ctx, struct http_exchange *exchange)
{
    (void)ctx;
    struct visit *visit = exchange->user;
    switch (visit->route->kind) {
    case ROUTE_HEALTH:
        answer_health(visit->front, exchange);
        break;
    case ROUTE_UPLOAD:
        visit__finish_upload(visit);
        break;
    case ROUTE_DOWNLOAD:
        visit__finish_download(visit);
        break;
    case ROUTE_JSON:
    case ROUTE_OIDC:
        visit__call(visit);
        break;
    case ROUTE_OPENAPI:
        http_reply(exchange, 200, VISIT_JSON, openapi_json, openapi_json_bytes);
        break;
    case ROUTE_METRICS:
        visit__post(visit, run_count, counted);
        break;
    case ROUTE_EVENTS:
        visit__admit(visit, watch_admitted);
        break;
    }
}

static void on_closed(void *ctx, struct http_exchange *exchange, bool sent)
{
    (void)ctx;
    struct visit *visit = exchange->user;
    if (visit == NULL)
        return;
    if (visit->route->kind == ROUTE_EVENTS)
        events_closed(visit->front->events, exchange);
    visit__end_download(visit, sent);
    visit__end_upload(visit);
    visit__free(visit);
}

static const struct http_handler handler = {
    .on_request = on_request,
    .on_body = on_body,
    .on_complete = on_complete,
    .on_closed = on_closed,
};

bool front_start(struct front *front, struct event_base *base, const struct door doors[HTTP_DOORS], char *why,
                 size_t capacity)
{
    front->base = base;
    front->server = http_start(base, doors, front->bound, &handler, front, why, capacity);
    return front->server != NULL;
}
