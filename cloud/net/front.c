/* One visit per request:
 *
 *   route -> token -> (body: gathered, or streamed into a file) -> job on the desk -> answer
 *
 * The token is judged before any body is read. */
#include "cloud/net/front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/api/api.h"
#include "cloud/fleet/device.h"
#include "cloud/fleet/intake.h"
#include "cloud/fleet/ticket.h"
#include "cloud/log.h"
#include "cloud/text.h"

#define JSON_TYPE    "application/json"
#define PROBLEM_TYPE "application/problem+json"

struct visit {
    struct desk_job job; /* first: the desk hands it back */
    struct front *front;
    struct http_exchange *exchange;
    const struct route *route;
    struct api_call call;
    /* A gathered body: */
    char *body;
    size_t body_bytes;
    /* An upload: */
    struct intake intake;
    bool taking;
    int file;
    /* A download: */
    struct ticket ticket;
    bool to_the_end; /* the answer includes the file's last byte */
};

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

static void refuse(struct http_exchange *exchange, int status, const char *title, const char *detail)
{
    reply_json(exchange, status, api_problem(status, title, detail));
}

static void answer_health(struct http_exchange *exchange)
{
    reply_json(exchange, 200, json_pack("{s:s, s:s}", "status", "ok", "version", TANDEM_VERSION));
}

/* --- Calls of the API --- */

static int run_call(struct desk_job *job, struct fleet *fleet)
{
    struct visit *visit = (struct visit *)job;
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

static void post(struct visit *visit, int (*run)(struct desk_job *, struct fleet *),
                 void (*done)(struct desk_job *, int))
{
    visit->job.run = run;
    visit->job.done = done;
    desk_post(visit->front->desk, &visit->job);
}

/* --- Uploads --- */

static void end_upload(struct visit *visit)
{
    if (visit->file >= 0)
        close(visit->file);
    visit->file = -1;
    if (visit->call.temporary[0] != '\0')
        unlink(visit->call.temporary);
    visit->call.temporary[0] = '\0';
    if (visit->taking)
        intake_clear(&visit->intake);
    visit->taking = false;
}

static void upload_failed(struct visit *visit)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    log_line(LOG_LEVEL_ERROR, "upload-failed", "path=%s error=\"%s\"", visit->call.temporary,
             strerror(errno));
    end_upload(visit);
    if (full)
        refuse(visit->exchange, 507, "disk full",
               "the firmware was not kept; free space in the server's data folder and upload it again");
    else
        refuse(visit->exchange, 500, "server error",
               "the firmware could not be written; the server's log says why");
}

/* The file's name, for people: nothing is ever opened by it. */
static bool take_name(struct visit *visit)
{
    const char *query = visit->exchange->head.query;
    struct firmware *firmware = &visit->call.firmware;
    char name[RECORD_FILE_NAME] = "firmware.bin";
    if (http_query_has(query, "name") && !http_query_get(query, "name", name, sizeof name))
        return false;
    return name[0] != '\0' && strpbrk(name, "/\\") == NULL &&
           text_take(firmware->name, sizeof firmware->name, name);
}

static void begin_upload(struct visit *visit)
{
    struct api_call *call = &visit->call;
    if (!take_name(visit)) {
        refuse(visit->exchange, 400, "malformed request",
               "name must be a plain file name of at most 255 bytes, without a path");
        return;
    }
    if (strncmp(http_head_value(&visit->exchange->head, "content-type"), "multipart/", 10) == 0) {
        refuse(visit->exchange, 415, "wrong content type", "send the file itself as the body, not a form");
        return;
    }
    if (visit->exchange->head.content_length > API_UPLOAD_MAX) {
        refuse(visit->exchange, 413, "too large", "a firmware file may have 64 MiB at most");
        return;
    }
    snprintf(call->temporary, sizeof call->temporary, "%s/.upload-XXXXXX", visit->front->folder);
    visit->file = mkostemp(call->temporary, O_CLOEXEC);
    visit->taking = intake_init(&visit->intake);
    if (visit->file < 0 || !visit->taking)
        upload_failed(visit);
    else
        http_take_body(visit->exchange);
}

static void take_upload(struct visit *visit, const void *data, size_t bytes)
{
    const char *from = data;
    intake_feed(&visit->intake, data, bytes);
    while (bytes > 0) {
        ssize_t written = write(visit->file, from, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            upload_failed(visit);
            return;
        }
        from += written;
        bytes -= (size_t)written;
    }
}

static void finish_upload(struct visit *visit)
{
    char why[300];
    char name[RECORD_FILE_NAME];
    struct api_call *call = &visit->call;
    memcpy(name, call->firmware.name, sizeof name);
    if (!intake_finish(&visit->intake, &call->firmware, why, sizeof why)) {
        end_upload(visit);
        refuse(visit->exchange, 422, "not a firmware", why);
        return;
    }
    memcpy(call->firmware.name, name, sizeof name);
    post(visit, run_call, call_done);
}

/* --- Downloads --- */

static int run_download(struct desk_job *job, struct fleet *fleet)
{
    struct visit *visit = (struct visit *)job;
    struct device device;
    int result = store_device_get(fleet->store, visit->ticket.device, &device);
    if (result == STORE_OK)
        result = store_firmware_get(fleet->store, visit->ticket.firmware, &visit->call.firmware);
    if (result == STORE_OK && visit->exchange->head.method == HTTP_GET)
        result = device_download(fleet, device.id, visit->ticket.firmware, false);
    return result;
}

static void add_digests(struct http_exchange *exchange, const struct firmware *firmware)
{
    char text[2 * RECORD_DIGEST_BYTES + 3];
    http_header(exchange, "x-sha256", text_base64(firmware->sha256, sizeof firmware->sha256, text));
    http_header(exchange, "x-md5", text_hex(firmware->md5, sizeof firmware->md5, text));
    http_header(exchange, "x-fw-type", firmware->type);
    http_header(exchange, "x-fw-ver", firmware->version);
    http_header(exchange, "x-fw-build", firmware->build);
    http_header(exchange, "Accept-Ranges", "bytes");
}

static void send_file(struct visit *visit, int file)
{
    struct http_exchange *exchange = visit->exchange;
    const struct firmware *firmware = &visit->call.firmware;
    int64_t start = 0;
    int64_t length = firmware->size;
    char etag[2 * RECORD_DIGEST_BYTES + 3] = "\"";
    char content[96];
    text_hex(firmware->sha256, RECORD_DIGEST_BYTES, etag + 1);
    memcpy(etag + 1 + 2 * RECORD_DIGEST_BYTES, "\"", 2);
    http_header(exchange, "ETag", etag);
    const char *condition = http_head_value(&exchange->head, "if-range");
    const char *wanted = http_head_value(&exchange->head, "range");
    bool same = condition[0] == '\0' || strcmp(condition, etag) == 0;
    enum http_range range =
        same ? http_range_parse(wanted, firmware->size, &start, &length) : HTTP_RANGE_NONE;
    if (range == HTTP_RANGE_UNSATISFIABLE) {
        close(file);
        snprintf(content, sizeof content, "bytes */%lld", (long long)firmware->size);
        http_header(exchange, "Content-Range", content);
        refuse(exchange, 416, "range not satisfiable", "the range starts behind the end of the file");
        return;
    }
    add_digests(exchange, firmware);
    if (range == HTTP_RANGE_PART) {
        snprintf(content, sizeof content, "bytes %lld-%lld/%lld", (long long)start,
                 (long long)(start + length - 1), (long long)firmware->size);
        http_header(exchange, "Content-Range", content);
    }
    visit->to_the_end = exchange->head.method == HTTP_GET && start + length == firmware->size;
    http_reply_file(exchange, range == HTTP_RANGE_PART ? 206 : 200, "application/octet-stream", file, start,
                    length);
}

static void download_ready(struct desk_job *job, int result)
{
    struct visit *visit = (struct visit *)job;
    char path[FIRMWARE_PATH_MAX];
    if (result != STORE_OK) {
        refuse(visit->exchange, result == STORE_NOT_FOUND ? 404 : 503, "not available",
               "the firmware or the device is not there any more");
        return;
    }
    firmware_path(visit->front->folder, visit->call.firmware.sha256, path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        log_line(LOG_LEVEL_ERROR, "file-failed", "path=%s what=open error=\"%s\"", path, strerror(errno));
        refuse(visit->exchange, 500, "server error",
               "the firmware's file cannot be read; the server's log says why");
        return;
    }
    send_file(visit, file);
}

static void begin_download(struct visit *visit)
{
    char token[TICKET_MAX] = "";
    (void)http_query_get(visit->exchange->head.query, "token", token, sizeof token);
    if (!ticket_read(&visit->ticket, visit->front->ticket_key, token) ||
        visit->ticket.firmware != visit->call.id || visit->ticket.expires < text_now_ms())
        refuse(visit->exchange, 403, "no access",
               "the link is not valid, or no longer; a new offer brings a new one");
}

/* The whole file has left: the second half of what device_download tells. */
struct sent {
    struct desk_job job;
    struct ticket ticket;
};

static int run_sent(struct desk_job *job, struct fleet *fleet)
{
    const struct ticket *ticket = &((struct sent *)job)->ticket;
    return device_download(fleet, ticket->device, ticket->firmware, true);
}

static void sent_done(struct desk_job *job, int result)
{
    if (result != STORE_OK)
        log_line(LOG_LEVEL_ERROR, "device-event-lost", "kind=downloaded result=%d", result);
    free(job);
}

static void post_sent(const struct visit *visit)
{
    struct sent *sent = calloc(1, sizeof *sent);
    if (sent == NULL)
        abort();
    sent->ticket = visit->ticket;
    sent->job.run = run_sent;
    sent->job.done = sent_done;
    desk_post(visit->front->desk, &sent->job);
}

/* --- Requests --- */

static bool authorized(const struct front *front, const struct http_head *head)
{
    const char *token = http_bearer(http_head_value(head, "authorization"));
    return token != NULL && tokens_find(front->tokens, token, strlen(token)) != 0;
}

static void begin_json(struct visit *visit)
{
    const struct http_head *head = &visit->exchange->head;
    struct api_call *call = &visit->call;
    if (http_query_has(head->query, "template") &&
        !http_query_get(head->query, "template", call->template, sizeof call->template)) {
        refuse(visit->exchange, 400, "malformed request", "template must be a text of at most 64 bytes");
        return;
    }
    if (head->content_length > API_BODY_MAX) {
        refuse(visit->exchange, 413, "too large", "a JSON body may have 1 MiB at most");
        return;
    }
    if (head->content_length == 0)
        return;
    visit->body = malloc((size_t)head->content_length);
    if (visit->body == NULL)
        refuse(visit->exchange, 503, "out of memory", "try again later");
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
        refuse(exchange, 404, "no such path", "docs/API.md lists what there is");
        return;
    }
    http_header(exchange, "Allow", methods);
    refuse(exchange, 405, "wrong method", "docs/API.md lists what there is");
}

static void on_request(void *ctx, struct http_exchange *exchange)
{
    struct front *front = ctx;
    int64_t id = 0;
    const struct route *route = route_find(method_name(exchange->head.method), exchange->head.path, &id);
    if (route == NULL) {
        refuse_unknown(exchange);
        return;
    }
    bool open = route->kind == ROUTE_HEALTH || route->kind == ROUTE_DOWNLOAD;
    if (!open && !authorized(front, &exchange->head)) {
        http_header(exchange, "WWW-Authenticate", "Bearer");
        refuse(exchange, 401, "no access", "send `Authorization: Bearer TOKEN` with a token of this server");
        return;
    }
    struct visit *visit = visit_new(front, exchange);
    visit->route = route;
    visit->call.id = id;
    if (route->kind == ROUTE_UPLOAD)
        begin_upload(visit);
    else if (route->kind == ROUTE_DOWNLOAD)
        begin_download(visit);
    else if (route->kind == ROUTE_JSON)
        begin_json(visit);
}

static void on_body(void *ctx, struct http_exchange *exchange, const void *data, size_t bytes)
{
    (void)ctx;
    struct visit *visit = exchange->user;
    if (visit->route->kind == ROUTE_UPLOAD) {
        take_upload(visit, data, bytes);
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
        answer_health(exchange);
        break;
    case ROUTE_UPLOAD:
        finish_upload(visit);
        break;
    case ROUTE_DOWNLOAD:
        post(visit, run_download, download_ready);
        break;
    case ROUTE_JSON:
        post(visit, run_call, call_done);
        break;
    }
}

static void on_closed(void *ctx, struct http_exchange *exchange, bool sent)
{
    (void)ctx;
    struct visit *visit = exchange->user;
    if (visit == NULL)
        return;
    if (sent && visit->to_the_end)
        post_sent(visit);
    end_upload(visit);
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

bool front_start(struct front *front, struct event_base *base, const char *address, char *why,
                 size_t capacity)
{
    front->server = http_start(base, address, front->bound, &handler, front, why, capacity);
    return front->server != NULL;
}
