/* What a request shows before any of its body is read: who asks, whether they may, what they ask for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/net/front/visit.h"
#include "cloud/net/http/http_query.h"
#include "cloud/net/http/http_value.h"
#include "cloud/text.h"

#define REPEAT_KEY_MIN 16

bool visit__is_secure(const struct front *front, const struct http_exchange *exchange)
{
    return exchange->secure || front->https;
}

/* Through TLS browsers take a cookie of this kind from this host alone: not from a neighbour in its domain,
 * and not from whoever answers for it in the clear (RFC 6265bis, 4.1.3.2). */
const char *visit__cookie(const struct visit *visit)
{
    return visit__is_secure(visit->front, visit->exchange) ? "__Host-tandem_session" : "tandem_session";
}

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
        credential->session = http_cookie_get(http_head_value(head, "cookie"), visit__cookie(visit),
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
void visit__client(const struct front *front, const struct http_exchange *exchange, char to[RECORD_ADDRESS])
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
    visit__client(visit->front, visit->exchange, call->address);
    if (!http_cookie_get(http_head_value(head, "cookie"), VISIT_KNOWN, call->known, sizeof call->known))
        call->known[0] = '\0';
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
    size_t bytes = strlen(VISIT_JSON);
    return strncasecmp(type, VISIT_JSON, bytes) == 0 &&
           (type[bytes] == '\0' || strchr("; ", type[bytes]) != NULL);
}

static bool judge_json(struct visit *visit)
{
    const struct http_head *head = &visit->exchange->head;
    if (head->content_length > API_BODY_MAX)
        visit__refuse(visit->exchange, 413, "too large", "a JSON body may have 1 MiB at most");
    else if (visit->route->least == ROLE_ANYBODY && head->content_length > API_STRANGER_BODY_MAX)
        visit__refuse(visit->exchange, 413, "too large", "the body may have 8 KiB at most");
    else if (head->content_length > 0 && !is_json(http_head_value(head, "content-type")))
        visit__refuse(visit->exchange, 415, "wrong content type",
                      "send JSON, with the header `Content-Type: application/json`");
    else
        return true;
    return false;
}

static int run_admit(struct desk_job *job, struct fleet *fleet)
{
    return api_admit(&((struct visit *)job)->call, fleet);
}

void visit__admit(struct visit *visit, void (*done)(struct desk_job *, int))
{
    visit__post(visit, run_admit, done);
}

static void admitted(struct desk_job *job, int result)
{
    struct visit *visit = (struct visit *)job;
    if (result != STORE_OK) {
        visit__answer_failure(visit, result);
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

void visit__begin_call(struct visit *visit)
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
        visit__admit(visit, admitted);
    }
}
