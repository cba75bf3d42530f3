/* Sign-in by an identity provider, as browsers see it: redirects, a cookie for the way there and back, and a
 * page where a program gets a problem. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/net/front/visit.h"
#include "cloud/net/http/http_query.h"
#include "cloud/net/http/http_value.h"
#include "cloud/text.h"

#define TRIP_COOKIE "tandem_oidc"

/* A parameter that does not fit, or is not text, counts as absent. The provider may send others, which are
 * ignored (Core, section 3.1.2.5). */
static void take(const struct http_exchange *exchange, const char *name, char *to, size_t capacity)
{
    char text[HTTP_QUERY_MAX];
    if (!http_query_get(exchange->head.query, name, text, sizeof text) || !text_take(to, capacity, text))
        to[0] = '\0';
}

void visit__begin_trip(struct visit *visit)
{
    const struct http_exchange *exchange = visit->exchange;
    struct trip *trip = calloc(1, sizeof *trip);
    if (trip == NULL)
        abort();
    if (!http_cookie_get(http_head_value(&exchange->head, "cookie"), TRIP_COOKIE, trip->cookie,
                         sizeof trip->cookie))
        trip->cookie[0] = '\0';
    take(exchange, "state", trip->state, sizeof trip->state);
    take(exchange, "code", trip->code, sizeof trip->code);
    take(exchange, "error", trip->error, sizeof trip->error);
    take(exchange, "iss", trip->issuer, sizeof trip->issuer);
    trip->page = strstr(http_head_value(&exchange->head, "accept"), "text/html") != NULL;
    visit->call.trip = trip;
}

/* It comes along when the provider's page sends the browser back, so it is Lax; what it stands for is used up
 * then. A try that was not made is worth another. */
void visit__add_trip(struct visit *visit)
{
    char cookie[200];
    const struct api_call *call = &visit->call;
    bool there = call->status == 302;
    if (call->provider == NULL || call->status == 429)
        return;
    snprintf(cookie, sizeof cookie,
             TRIP_COOKIE "=%s; Path=/api/v1/session/oidc; HttpOnly; SameSite=Lax%s; Max-Age=%d",
             there ? call->trip->cookie : "",
             visit__is_secure(visit->front, visit->exchange) ? "; Secure" : "", there ? PROVIDER_TRIP_S : 0);
    http_header(visit->exchange, "Set-Cookie", cookie);
    if (call->status < 400)
        http_header(visit->exchange, "Location", call->trip->location);
}

static size_t add_escaped(char *to, size_t n, size_t capacity, const char *text)
{
    for (; *text != '\0' && n + 8 < capacity; text++) {
        if (strchr("<>&\"'", *text) != NULL)
            n += (size_t)snprintf(to + n, capacity - n, "&#%d;", *text);
        else
            to[n++] = *text;
    }
    to[n] = '\0';
    return n;
}

bool visit__show_page(struct visit *visit, const json_t *problem)
{
    char page[6000];
    const char *title = json_string_value(json_object_get(problem, "title"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    if (visit->call.trip == NULL || !visit->call.trip->page || title == NULL || detail == NULL)
        return false;
    size_t n = (size_t)snprintf(page, sizeof page,
                                "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
                                "<meta name=\"viewport\" content=\"width=device-width\">"
                                "<title>Sign in - Tandem</title><h1>%s</h1><p>",
                                title);
    n = add_escaped(page, n, sizeof page - 100, detail);
    n += (size_t)snprintf(page + n, sizeof page - n,
                          "</p><p><a href=\"/\">To the sign-in page</a></p></html>");
    http_reply(visit->exchange, visit->call.status, "text/html; charset=utf-8", page, n);
    return true;
}
