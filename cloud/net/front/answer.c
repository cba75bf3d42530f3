/* What a call answers: its work off the loop, its headers, its JSON, or a problem. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/log.h"
#include "cloud/net/front/visit.h"

#define PROBLEM "application/problem+json"

void visit__reply(struct http_exchange *exchange, int status, const char *type, json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
    json_decref(json);
    http_reply(exchange, status, text == NULL ? NULL : type, text, text == NULL ? 0 : strlen(text));
    free(text);
}

void visit__refuse(struct http_exchange *exchange, int status, const char *title, const char *detail)
{
    visit__reply(exchange, status, PROBLEM, api_problem(status, title, detail));
}

void visit__postpone(struct http_exchange *exchange, unsigned seconds, const char *detail)
{
    http_retry_after(exchange, seconds);
    visit__refuse(exchange, 503, "overloaded", detail);
}

/* The cookies go back to this site alone, and scripts never see them. */
static void add_cookies(struct visit *visit)
{
    char cookie[300];
    const struct api_call *call = &visit->call;
    const char *secure = visit__is_secure(visit->front, visit->exchange) ? "; Secure" : "";
    if (call->secret[0] != '\0' && call->known[0] != '\0') {
        snprintf(cookie, sizeof cookie,
                 VISIT_KNOWN "=%s; Path=/api/v1/session; HttpOnly; SameSite=Strict%s; Max-Age=%d",
                 call->known, secure, KNOWN_S);
        http_header(visit->exchange, "Set-Cookie", cookie);
    }
    snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s%s", visit__cookie(visit),
             call->secret, secure, call->secret[0] == '\0' ? "; Max-Age=0" : "");
    http_header(visit->exchange, "Set-Cookie", cookie);
}

static void add_headers(struct visit *visit)
{
    const struct api_call *call = &visit->call;
    char seconds[24];
    if (call->status == 401)
        http_header(visit->exchange, "WWW-Authenticate", "Bearer");
    if (call->cookie && call->status < 400)
        add_cookies(visit);
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

void visit__answer(struct visit *visit)
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
    visit__reply(visit->exchange, call->status, call->status >= 400 ? PROBLEM : VISIT_JSON, answer);
}

void visit__answer_failure(struct visit *visit, int result)
{
    if (visit->call.answer == NULL)
        api_refuse_result(&visit->call, result);
    visit__answer(visit);
}

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
    const struct front *front = visit->front;
    const struct api_work *work = &visit->call.work;
    struct workers *workers = work->outside ? front->askers : work->known ? front->known : front->workers;
    if (workers != NULL && workers_post(workers, &visit->work.work))
        return;
    visit->call.retry_after_ms = VISIT_BUSY_MS;
    (void)api_refuse(&visit->call, 503, "busy", "too many people sign in at the moment; try again shortly");
    visit__answer(visit);
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
        visit__answer(visit);
}

void visit__call(struct visit *visit)
{
    visit__post(visit, run_call, call_done);
}
