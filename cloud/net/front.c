/* One visit per request:
 *
 *   route -> token -> (body: gathered, or streamed into a file) -> job on the desk -> answer
 *
 * The token is judged before any body is read. */
#include "cloud/net/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/log.h"
#include "cloud/net/console.h"
#include "cloud/net/visit.h"
#include "cloud/net/websocket.h"
#include "cloud/text.h"

#define JSON_TYPE    "application/json"
#define PROBLEM_TYPE "application/problem+json"
#define BACKLOG_MAX  5000 /* jobs at the desk, beyond which no more are taken */

/* --- Answers --- */

static void reply_json(struct http_exchange *exchange, int status, json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    http_reply(exchange, status,
               text == NULL    ? NULL
               : status >= 400 ? PROBLEM_TYPE
                               : JSON_TYPE,
               text, text == NULL ? 0 : strlen(text));
    free(text);
}

void visit__refuse(struct http_exchange *exchange, int status, const char *title, const char *detail)
{
    reply_json(exchange, status, api_problem(status, title, detail));
}

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
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    http_reply(exchange, ok ? 200 : 503, JSON_TYPE, text, text == NULL ? 0 : strlen(text));
    free(text);
}

/* --- Calls of the API --- */

static int run_call(struct desk_job *job, struct fleet *fleet)
{
    struct visit *visit = (struct visit *)job;
    json_decref(visit->call.answer); /* of a run that was taken back */
    visit->call.answer = NULL;
    visit->call.status = 0;
    visit->call.body = visit->body;
    visit->call.body_bytes = visit->body_bytes;
    return api_answer(visit->route, &visit->call, fleet);
}

static void call_done(struct desk_job *job, int result)
{
    struct visit *visit = (struct visit *)job;
    struct api_call *call = &visit->call;
    /* The commit failed after the call had succeeded: what it wrote is not there. */
    if (result != STORE_OK && call->status < 400)
        api_refuse_result(call, result);
    json_t *answer = call->answer;
    call->answer = NULL;
    log_line(LOG_LEVEL_DEBUG, "http", "path=%s status=%d", visit->exchange->head.path, call->status);
    reply_json(visit->exchange, call->status, answer);
}

void visit__post(struct visit *visit, int (*run)(struct desk_job *, struct fleet *),
                 void (*done)(struct desk_job *, int))
{
    visit->job.run = run;
    visit->job.done = done;
    desk_post(visit->front->desk, &visit->job);
}

void visit__send(struct visit *visit, enum porter_task task, const char *path,
                 void (*done)(struct porter_job *, enum files_result))
{
    visit->errand = (struct porter_job){.task = task, .path = path, .done = done};
    text_hex(visit->call.firmware.sha256, RECORD_DIGEST_BYTES, visit->errand.name);
    porter_post(visit->front->porter, &visit->errand);
}

struct visit *visit__of_errand(struct porter_job *errand)
{
    return (struct visit *)((char *)errand - offsetof(struct visit, errand));
}

void visit__postpone(struct http_exchange *exchange, unsigned seconds, const char *detail)
{
    http_retry_after(exchange, seconds);
    visit__refuse(exchange, 503, "overloaded", detail);
}

void visit__call(struct visit *visit)
{
    visit__post(visit, run_call, call_done);
}

/* --- Requests --- */

static bool authorized(const struct front *front, const struct http_head *head)
{
    const char *token = http_bearer(http_head_value(head, "authorization"));
    return token != NULL && tokens_find(front->tokens, token, strlen(token)) != 0;
}

/* Reads the query into the call. A parameter that the route does not take is refused, so that a misspelled
 * filter is not taken for none. */
static bool take_parameters(struct visit *visit)
{
    const char *query = visit->exchange->head.query;
    struct api_call *call = &visit->call;
    struct api_parameter next;
    size_t at = 0;
    int found;
    while ((found = http_query_next(query, &at, next.name, sizeof next.name, next.value, sizeof next.value)) >
               0 &&
           call->parameter_count < API_PARAMETERS_MAX && route_takes(visit->route, next.name) &&
           api_parameter(call, next.name) == NULL)
        call->parameters[call->parameter_count++] = next;
    if (found == 0)
        return true;
    char detail[200];
    char name[sizeof next.name] = "";
    (void)text_take(name, sizeof name, next.name);
    snprintf(detail, sizeof detail,
             "the parameter \"%s\" is malformed, too long, given twice or not taken here; docs/API.md lists "
             "what there is",
             name);
    visit__refuse(visit->exchange, 400, "malformed request", detail);
    return false;
}

static void begin_json(struct visit *visit)
{
    const struct http_head *head = &visit->exchange->head;
    if (head->content_length > API_BODY_MAX) {
        visit__refuse(visit->exchange, 413, "too large", "a JSON body may have 1 MiB at most");
        return;
    }
    if (head->content_length == 0)
        return;
    visit->body = malloc((size_t)head->content_length);
    if (visit->body == NULL)
        visit__refuse(visit->exchange, 503, "out of memory", "try again later");
    else
        http_take_body(visit->exchange);
}

static struct visit *visit_new(struct front *front, struct http_exchange *exchange)
{
    struct visit *visit = calloc(1, sizeof *visit);
    if (visit == NULL)
        abort();
    visit->front = front;
    visit->exchange = exchange;
    visit->file = -1;
    exchange->user = visit;
    return visit;
}

static const char *method_name(enum http_method method)
{
    static const char *const names[] = {
#define HTTP_METHOD_NAME(name) #name,
        HTTP_METHODS(HTTP_METHOD_NAME)
#undef HTTP_METHOD_NAME
    };
    return names[method];
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
        gateway_take_websocket(front->gateway, http_upgrade(exchange, "websocket"));
    } else {
        http_header(exchange, "Sec-WebSocket-Version", "13");
        http_header(exchange, "Upgrade", "websocket");
        visit__refuse(exchange, refusal, "no WebSocket",
                      "this path takes WebSockets of version 13 with the subprotocol mqtt");
    }
}

static void on_request(void *ctx, struct http_exchange *exchange)
{
    struct front *front = ctx;
    int64_t id = 0;
    if (exchange->secure)
        http_header(exchange, "Strict-Transport-Security", "max-age=31536000");
    if (strcmp(exchange->head.path, "/mqtt") == 0) {
        begin_websocket(front, exchange);
        return;
    }
    const struct route *route = route_find(method_name(exchange->head.method), exchange->head.path, &id);
    if (route == NULL || route->kind != ROUTE_DOWNLOAD)
        console_guard(exchange);
    if (route == NULL && console_answer(front->console, exchange))
        return;
    if (route == NULL) {
        refuse_unknown(exchange);
        return;
    }
    bool open = route->kind == ROUTE_HEALTH || route->kind == ROUTE_DOWNLOAD;
    if (!open && !authorized(front, &exchange->head)) {
        http_header(exchange, "WWW-Authenticate", "Bearer");
        visit__refuse(exchange, 401, "no access",
                      "send `Authorization: Bearer TOKEN` with a token of this server");
        return;
    }
    if (route->kind != ROUTE_HEALTH && desk_waiting(front->desk) > BACKLOG_MAX) {
        visit__postpone(exchange, 5, "too many requests wait already");
        return;
    }
    struct visit *visit = visit_new(front, exchange);
    visit->route = route;
    visit->call.id = id;
    if (!open && !take_parameters(visit))
        return;
    if (route->kind == ROUTE_UPLOAD)
        visit__begin_upload(visit);
    else if (route->kind == ROUTE_DOWNLOAD)
        visit__begin_download(visit);
    else if (route->kind == ROUTE_JSON)
        begin_json(visit);
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
        visit__call(visit);
        break;
    }
}

static void on_closed(void *ctx, struct http_exchange *exchange, bool sent)
{
    (void)ctx;
    struct visit *visit = exchange->user;
    if (visit == NULL)
        return;
    visit__end_download(visit, sent);
    visit__end_upload(visit);
    json_decref(visit->call.answer);
    free(visit->body);
    free(visit);
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
