#include "cli/rest/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_SECONDS   10L
#define SILENT_SECONDS    10 /* before it is said that there is no answer yet */
#define ANSWER_BYTES_MAX  ((size_t)256 << 20)
#define BASE_PATH         "/api/v1"
#define HTTP_ACCEPTED     202
#define HTTP_NO_CONTENT   204
#define HTTP_UNAUTHORIZED 401
#define HTTP_NOT_FOUND    404

static size_t take_answer(char *data, size_t size, size_t count, void *ctx)
{
    struct file_bytes *answer = ctx;
    uint8_t *larger;

    count *= size;
    if (answer->size + count > ANSWER_BYTES_MAX || !(larger = realloc(answer->data, answer->size + count)))
        return 0;
    memcpy(larger + answer->size, data, count);
    answer->data = larger;
    answer->size += count;
    return count;
}

/* Whoever waits for long learns what for. */
static void tell_wait(struct exchange *exchange)
{
    if (!exchange->told && !exchange->rest->bars && time(NULL) - exchange->began >= SILENT_SECONDS) {
        exchange->told = true;
        fprintf(stderr, "tandem: %s: no answer yet; waiting, for %ld s at most\n", exchange->rest->config.url,
                exchange->limit_seconds);
    }
}

/* curl calls it about once a second. */
static int on_progress(void *ctx, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
    struct exchange *exchange = ctx;

    (void)down_total;
    if (exchange->bar != NULL && up_total > 0)
        progress_show(exchange->bar, (uint64_t)up, (uint64_t)up_total);
    else if (exchange->bar == NULL && down == 0)
        tell_wait(exchange);
    return 0;
}

static void add_header(struct exchange *exchange, const char *name, const char *value)
{
    size_t bytes = strlen(name) + strlen(value) + 3;
    char *line = memory_take(bytes);
    struct curl_slist *longer;

    snprintf(line, bytes, "%s: %s", name, value);
    longer = curl_slist_append(exchange->headers, line);
    if (longer)
        exchange->headers = longer;
    free(line);
}

/* Keeps the session's cookie. */
static size_t take_header(char *data, size_t size, size_t count, void *ctx)
{
    static const char name[] = "Set-Cookie: ";
    struct rest *rest = ctx;
    size_t bytes = size * count;

    if (rest->session && bytes > sizeof name && strncasecmp(data, name, sizeof name - 1) == 0) {
        const char *from = data + sizeof name - 1;
        const char *end = memchr(from, ';', bytes - (sizeof name - 1));
        size_t length = end ? (size_t)(end - from) : 0;

        if (length < sizeof rest->cookie) {
            memcpy(rest->cookie, from, length);
            rest->cookie[length] = '\0';
        }
    }
    return bytes;
}

/* Our token or, in a session, what another site could not send along with its cookie. */
static void add_sign_in(struct exchange *exchange)
{
    const struct config *config = &exchange->rest->config;
    char *bearer;

    if (exchange->rest->session) {
        add_header(exchange, "X-Tandem-Request", "1");
        if (exchange->rest->cookie[0])
            add_header(exchange, "Cookie", exchange->rest->cookie);
        return;
    }
    bearer = memory_take(strlen(config->token) + sizeof "Bearer ");
    snprintf(bearer, strlen(config->token) + sizeof "Bearer ", "Bearer %s", config->token);
    add_header(exchange, "Authorization", bearer);
    free(bearer);
}

void exchange_begin(struct exchange *exchange, const char *method, const char *path)
{
    const struct config *config = &exchange->rest->config;
    CURL *curl = exchange->rest->curl;
    size_t bytes = strlen(config->url) + sizeof BASE_PATH + strlen(path);

    exchange->url = memory_take(bytes);
    snprintf(exchange->url, bytes, "%s%s%s", config->url, BASE_PATH, path);
    add_sign_in(exchange);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, exchange->url);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange->rest);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tandem/" TANDEM_VERSION);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (config->ca)
        curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->curl_text);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, exchange);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange->answer);
}

void exchange_limit(struct exchange *exchange, long seconds)
{
    exchange->limit_seconds = seconds;
    curl_easy_setopt(exchange->rest->curl, CURLOPT_TIMEOUT, seconds);
}

void exchange_give_up_after(struct exchange *exchange, long seconds)
{
    exchange->limit_seconds = seconds;
    curl_easy_setopt(exchange->rest->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(exchange->rest->curl, CURLOPT_LOW_SPEED_TIME, seconds);
}

void exchange_set_body(struct exchange *exchange, const char *type, const void *data, size_t bytes)
{
    CURL *curl = exchange->rest->curl;

    add_header(exchange, "Content-Type", type);
    add_header(exchange, "Expect", ""); /* no wait for "100 Continue" */
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, data);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)bytes);
}

int exchange_explain(struct exchange *exchange, long status, const json_t *problem)
{
    const char *title = json_string_value(json_object_get(problem, "title"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *url = exchange->rest->config.url;

    if (status == HTTP_UNAUTHORIZED && !exchange->rest->session)
        snprintf(exchange->why, REST_WHY_BYTES,
                 "%s: the server does not accept this token; check --token, TANDEM_TOKEN or the "
                 "configuration file",
                 url);
    else if (title)
        snprintf(exchange->why, REST_WHY_BYTES, "%s%s%s", title, detail ? ": " : "", detail ? detail : "");
    else
        snprintf(exchange->why, REST_WHY_BYTES, "%s: answered with HTTP status %ld; is it a tandem-cloud?",
                 exchange->url, status);
    return status == HTTP_NOT_FOUND && title ? CLI_FAILED : CLI_SERVER;
}

static bool is_connected(const struct exchange *exchange)
{
    double seconds = 0;

    return curl_easy_getinfo(exchange->rest->curl, CURLINFO_PRETRANSFER_TIME, &seconds) == CURLE_OK &&
           seconds > 0;
}

/* Connected, but not through the handshake. */
static bool waits_for_tls(const struct exchange *exchange)
{
    double seconds = 0;

    return !is_connected(exchange) &&
           curl_easy_getinfo(exchange->rest->curl, CURLINFO_CONNECT_TIME, &seconds) == CURLE_OK &&
           seconds > 0;
}

static bool has_answered(const struct exchange *exchange)
{
    long bytes = 0;

    return curl_easy_getinfo(exchange->rest->curl, CURLINFO_HEADER_SIZE, &bytes) == CURLE_OK && bytes > 0;
}

static void explain_failure(struct exchange *exchange, CURLcode code)
{
    const char *text = exchange->curl_text[0] ? exchange->curl_text : curl_easy_strerror(code);
    const struct config *config = &exchange->rest->config;

    if (code == CURLE_SSL_CACERT_BADFILE)
        snprintf(exchange->why, REST_WHY_BYTES,
                 "%s: no certificates can be read from it; --ca, TANDEM_CA or ca in the configuration file "
                 "takes a PEM file",
                 config->ca ? config->ca : text);
    else if (code == CURLE_PEER_FAILED_VERIFICATION && config->ca)
        snprintf(exchange->why, REST_WHY_BYTES,
                 "%s: the server's certificate is not accepted: %s; it is checked against %s alone",
                 config->url, text, config->ca);
    else if (code == CURLE_PEER_FAILED_VERIFICATION)
        snprintf(exchange->why, REST_WHY_BYTES,
                 "%s: the server's certificate is not accepted: %s; if an authority of your own signed it, "
                 "say which by --ca FILE or TANDEM_CA",
                 config->url, text);
    else if (code == CURLE_SSL_CONNECT_ERROR || (code == CURLE_OPERATION_TIMEDOUT && waits_for_tls(exchange)))
        snprintf(exchange->why, REST_WHY_BYTES,
                 "%s: no TLS there: %s; is this the port of its --https, or should the URL be http?",
                 config->url, text);
    else if ((code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR) && !has_answered(exchange))
        snprintf(
            exchange->why, REST_WHY_BYTES,
            "%s: it ended the connection without an answer (%s); is this the port of its --http, or should "
            "the URL be https?",
            config->url, text);
    else if (code == CURLE_OPERATION_TIMEDOUT && is_connected(exchange))
        snprintf(exchange->why, REST_WHY_BYTES,
                 "%s: no answer within %ld s; is it a tandem-cloud, and does its log say why?", config->url,
                 exchange->limit_seconds);
    else
        snprintf(exchange->why, REST_WHY_BYTES,
                 "%s: the server can't be reached: %s; is tandem-cloud running?", config->url, text);
}

int exchange_fetch(struct exchange *exchange, long *status)
{
    CURL *curl = exchange->rest->curl;
    CURLcode code;

    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, exchange->headers);
    exchange->began = time(NULL);
    code = curl_easy_perform(curl);
    if (code != CURLE_OK) {
        explain_failure(exchange, code);
        return CLI_SERVER;
    }
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    return CLI_OK;
}

int exchange_perform(struct exchange *exchange, json_t **answer)
{
    long status = 0;
    json_t *parsed;
    int rc = exchange_fetch(exchange, &status);

    if (rc != CLI_OK)
        return rc;
    parsed = json_loadb((const char *)exchange->answer.data, exchange->answer.size, 0, NULL);
    if (status == HTTP_NO_CONTENT || (status == HTTP_ACCEPTED && exchange->answer.size == 0) ||
        (status >= 200 && status < 300 && parsed)) {
        *answer = parsed;
        return CLI_OK;
    }
    rc = exchange_explain(exchange, status, parsed);
    json_decref(parsed);
    return rc;
}

void exchange_end(struct exchange *exchange)
{
    curl_slist_free_all(exchange->headers);
    free(exchange->url);
    file_free(&exchange->answer);
}
