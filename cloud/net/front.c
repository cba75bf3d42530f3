/* One visit per request:
 *
 *   route -> (admission on the desk -> body: gathered, or streamed into a file) -> job on the desk -> answer
 *                                                                                  ^            |
 *                                                                                  '-- worker <-'
 * Whoever may not call is refused before any body is read. */
#include "cloud/net/front.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/crypto.h>

#include "cloud/log.h"
#include "cloud/net/console.h"
#include "cloud/net/events.h"
#include "cloud/net/http_query.h"
#include "cloud/net/http_value.h"
#include "cloud/net/visit.h"
#include "cloud/net/websocket.h"
#include "cloud/text.h"

#define JSON_TYPE    "application/json"
#define PROBLEM_TYPE "application/problem+json"
#define BACKLOG_MAX  20000 /* jobs at the desk, beyond which no more are taken */

#define SESSION_COOKIE "tandem_session"
#define BUSY_MS        2000
#define REPEAT_KEY_MIN 16

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
    return api_answer(&visit->call, fleet);
}

/* The session's cookie goes back to this site alone, and scripts never see it. */
static void add_cookie(struct visit *visit)
{
    char cookie[200];
    const struct api_call *call = &visit->call;
    snprintf(cookie, sizeof cookie, SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict%s%s", call->secret,
             visit->exchange->secure ? "; Secure" : "", call->secret[0] == '\0' ? "; Max-Age=0" : "");
    http_header(visit->exchange, "Set-Cookie", cookie);
}

static void add_headers(struct visit *visit)
{
    const struct api_call *call = &visit->call;
    char seconds[24];
    if (call->status == 401)
        http_header(visit->exchange, "WWW-Authenticate", "Bearer");
    if (call->cookie && call->status < 400)
        add_cookie(visit);
    snprintf(seconds, sizeof seconds, "%lld", (long long)(call->retry_after_ms + 999) / 1000);
    if (call->retry_after_ms > 0)
        http_header(visit->exchange, "Retry-After", seconds);
    if (call->trip != NULL)
        visit__add_trip(visit);
    if (call->etag[0] != '\0' && call->status < 400)
        http_header(visit->exchange, "ETag", call->etag);
    if (call->repeated)
        http_header(visit->exchange, "Idempotency-Replayed", "true");
}

static void answer_call(struct visit *visit)
{
    struct api_call *call = &visit->call;
    json_t *answer = call->answer;
    call->answer = NULL;
    log_line(LOG_LEVEL_DEBUG, "http", "operation=%s status=%d", visit->route->operation, call->status);
    metrics_request(&visit->front->metrics, visit->route, call->status);
    add_headers(visit);
    if (call->status < 400 && call->file > 0) {
        http_reply_file(visit->exchange, call->status, call->file_type, call->file, 0, call->file_bytes);
        call->file = 0; /* the answer's now */
        return;
    }
    if (call->status >= 400 && visit__show_page(visit, answer)) {
        json_decref(answer);
        return;
    }
    reply_json(visit->exchange, call->status, answer);
}

static void run_work(struct work *work)
{
    struct api_call *call = &((struct visit_work *)work)->visit->call;
    call->work.run(call);
}

static void work_done(struct work *work)
{
    visit__call(((struct visit_work *)work)->visit);
}

static void start_work(struct visit *visit)
{
    visit->work = (struct visit_work){.work = {.run = run_work, .done = work_done}, .visit = visit};
    visit->call.status = 0;
    struct workers *workers = visit->call.work.outside ? visit->front->askers : visit->front->workers;
    if (workers != NULL && workers_post(workers, &visit->work.work))
        return;
    visit->call.retry_after_ms = BUSY_MS;
    (void)api_refuse(&visit->call, 503, "busy", "too many people sign in at the moment; try again shortly");
    answer_call(visit);
}

static void call_done(struct desk_job *job, int result)
{
    struct visit *visit = (struct visit *)job;
    struct api_call *call = &visit->call;
    /* The commit failed after the call had succeeded: what it wrote is not there. */
    if (result != STORE_OK && call->status < 400)
        api_refuse_result(call, result);
    if (result == STORE_OK && call->work.run != NULL)
        start_work(visit);
    else
        answer_call(visit);
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

/* What the client shows: a token in its header or, from a browser, the session's cookie. */
static void take_credential(struct visit *visit)
{
    const struct http_head *head = &visit->exchange->head;
    struct api_credential *credential = &visit->call.credential;
    const char *authorization = http_head_value(head, "authorization");
    const char *token = http_bearer(authorization);
    if (token != NULL && strlen(token) < sizeof credential->secret)
        snprintf(credential->secret, sizeof credential->secret, "%s", token);
    else if (authorization[0] == '\0')
        credential->session = http_cookie_get(http_head_value(head, "cookie"), SESSION_COOKIE,
                                              credential->secret, sizeof credential->secret);
}

/* Another site can make a browser send requests, but not with a header of our own. */
static bool is_forged(const struct visit *visit)
{
    const struct http_head *head = &visit->exchange->head;
    bool reads = head->method == HTTP_GET || head->method == HTTP_HEAD;
    return visit->call.credential.session && !reads && http_head_value(head, "x-tandem-request")[0] == '\0';
}

/* Who asks: a proxy of ours says whom it speaks for. Headers that do not fit say nothing. */
static void find_client(const struct front *front, const struct http_exchange *exchange,
                        char to[RECORD_ADDRESS])
{
    char forwarded[HTTP_HEAD_MAX];
    if (!http_head_values(&exchange->head, "x-forwarded-for", forwarded, sizeof forwarded))
        forwarded[0] = '\0';
    proxies_client(front->proxies, exchange->peer, forwarded, to);
}

/* Where from, and what the client's headers ask of every call. False: it was refused. */
static bool take_headers(struct visit *visit)
{
    struct api_call *call = &visit->call;
    const struct http_head *head = &visit->exchange->head;
    const char *match = http_head_value(head, "if-match");
    const char *key = http_head_value(head, "idempotency-key");
    char agent[RECORD_AGENT];
    find_client(visit->front, visit->exchange, call->address);
    snprintf(agent, sizeof agent, "%s", http_head_value(head, "user-agent"));
    text_mend(agent);
    if (!text_take(call->agent, sizeof call->agent, agent))
        call->agent[0] = '\0';
    /* One that is too long is none of ours, and so matches nothing. */
    snprintf(call->if_match, sizeof call->if_match, "%s", match);
    if (key[0] == '\0' || (strlen(key) >= REPEAT_KEY_MIN && text_take(call->repeat_key, API_REPEAT_MAX, key)))
        return true;
    visit__refuse(visit->exchange, 400, "malformed request",
                  "Idempotency-Key must have 16 to 128 characters that nobody guesses, such as a UUID");
    return false;
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
           api_parameter(call, next.name) == NULL && text_is_clean(next.value))
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

/* "application/json", whatever parameters follow. */
static bool is_json(const char *type)
{
    size_t bytes = strlen(JSON_TYPE);
    return strncasecmp(type, JSON_TYPE, bytes) == 0 &&
           (type[bytes] == '\0' || strchr("; ", type[bytes]) != NULL);
}

static bool judge_json(struct visit *visit)
{
    const struct http_head *head = &visit->exchange->head;
    if (head->content_length > API_BODY_MAX)
        visit__refuse(visit->exchange, 413, "too large", "a JSON body may have 1 MiB at most");
    else if (head->content_length > 0 && !is_json(http_head_value(head, "content-type")))
        visit__refuse(visit->exchange, 415, "wrong content type",
                      "send JSON, with the header `Content-Type: application/json`");
    else
        return true;
    return false;
}

/* Nothing of a body is read for somebody who may not send it. */
static int run_admit(struct desk_job *job, struct fleet *fleet)
{
    return api_admit(&((struct visit *)job)->call, fleet);
}

static void admitted(struct desk_job *job, int result)
{
    struct visit *visit = (struct visit *)job;
    if (result != STORE_OK) {
        if (visit->call.answer == NULL)
            api_refuse_result(&visit->call, result);
        answer_call(visit);
        return;
    }
    if (visit->route->kind == ROUTE_UPLOAD) {
        if (visit__begin_upload(visit))
            (void)http_resume(visit->exchange);
        return;
    }
    visit->body = malloc((size_t)visit->exchange->head.content_length + 1);
    if (visit->body == NULL)
        abort();
    (void)http_resume(visit->exchange);
}

/* A call without a body is admitted as it is answered. */
static void begin_call(struct visit *visit)
{
    const struct http_head *head = &visit->exchange->head;
    take_credential(visit);
    if (!take_headers(visit))
        return;
    if (visit->call.credential.secret[0] == '\0' && visit->route->least != ROLE_ANYBODY) {
        http_header(visit->exchange, "WWW-Authenticate", "Bearer");
        visit__refuse(visit->exchange, 401, "no access",
                      "send `Authorization: Bearer TOKEN` with a token of this server, or sign in");
    } else if (is_forged(visit)) {
        visit__refuse(
            visit->exchange, 403, "not from this site",
            "with a session's cookie, whatever changes something needs the header `X-Tandem-Request: 1`");
    } else if (strcmp(visit->route->parameters, "*") != 0 && !take_parameters(visit)) {
        return;
    } else if (visit->route->kind == ROUTE_UPLOAD || (judge_json(visit) && head->content_length > 0)) {
        http_hold(visit->exchange);
        visit__post(visit, run_admit, admitted);
    }
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
        find_client(front, exchange, client);
        gateway_take_websocket(front->gateway, http_upgrade(exchange, "websocket"), client);
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
    const struct route *route = route_find(http_method_name(exchange->head.method), exchange->head.path, &id);
    if (route == NULL || route->kind != ROUTE_DOWNLOAD || exchange->head.query[0] == '\0')
        console_guard(exchange);
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
    struct visit *visit = visit_new(front, exchange);
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
        begin_call(visit);
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
        if (visit->call.answer == NULL)
            api_refuse_result(&visit->call, result);
        answer_call(visit);
        return;
    }
    metrics_request(&front->metrics, visit->route, 200);
    visit->figures.waiting = (int64_t)desk_waiting(front->desk);
    visit->figures.streams = events_clients(front->events);
    visit->figures.maker = front->maker != NULL ? maker_figures(front->maker) : NULL;
    visit->figures.offers = front->offers;
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
        if (visit->call.answer == NULL)
            api_refuse_result(&visit->call, result);
        answer_call(visit);
    } else if (!events_open(visit->front->events, visit->exchange, &visit->call, last)) {
        visit->call.retry_after_ms = BUSY_MS;
        (void)api_refuse(&visit->call, 503, "too many streams",
                         "too many clients watch at the moment; try again later");
        answer_call(visit);
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
        http_reply(exchange, 200, JSON_TYPE, openapi_json, openapi_json_bytes);
        break;
    case ROUTE_METRICS:
        visit__post(visit, run_count, counted);
        break;
    case ROUTE_EVENTS:
        visit__post(visit, run_admit, watch_admitted);
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
    api_clear(&visit->call);
    OPENSSL_cleanse(visit->call.work.password, sizeof visit->call.work.password);
    if (visit->body != NULL)
        OPENSSL_cleanse(visit->body, visit->body_bytes); /* it may hold a password */
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
