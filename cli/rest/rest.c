#include "cli/rest/rest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "cli/base/output.h"
#include "cli/base/progress.h"
#include "cli/rest/exchange.h"

#define REQUEST_SECONDS 60L
#define STALL_SECONDS   30L /* an upload that moves nothing for so long is given up */

static int open_curl(struct rest *rest, int rc)
{
    rest->curl = NULL;
    rest->bars = false;
    if (rc != CLI_OK)
        return rc;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    rest->curl = curl_easy_init();
    return rest->curl ? CLI_OK : output_fail(CLI_FAILED, "out of memory");
}

int rest_open(struct rest *rest, const struct invocation *call)
{
    rest->session = false;
    return open_curl(rest, config_load(&rest->config, call));
}

int rest_open_session(struct rest *rest, const struct invocation *call)
{
    rest->session = true;
    rest->cookie[0] = '\0';
    return open_curl(rest, config_load_url(&rest->config, call));
}

void rest_close(struct rest *rest)
{
    curl_easy_cleanup(rest->curl);
    rest->curl = NULL;
    config_free(&rest->config);
}

char *rest_path(const struct rest *rest, const char *prefix, const char *name, const char *suffix)
{
    char *escaped = curl_easy_escape(rest->curl, name, 0);
    size_t bytes = strlen(prefix) + (escaped ? strlen(escaped) : 0) + strlen(suffix) + 1;
    char *path = memory_take(bytes);

    snprintf(path, bytes, "%s%s%s", prefix, escaped ? escaped : "", suffix);
    curl_free(escaped);
    return path;
}

int rest_request_quietly(struct rest *rest, const char *method, const char *path, const json_t *body,
                         json_t **answer, char why[REST_WHY_BYTES])
{
    struct exchange exchange = {.rest = rest, .why = why};
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    int rc;

    *answer = NULL;
    exchange_begin(&exchange, method, path);
    exchange_limit(&exchange, REQUEST_SECONDS);
    if (text)
        exchange_set_body(&exchange, "application/json", text, strlen(text));
    else if (strcmp(method, "POST") == 0)
        exchange_set_body(&exchange, "application/json", "", 0);
    rc = exchange_perform(&exchange, answer);
    exchange_end(&exchange);
    free(text);
    return rc;
}

int rest_download(struct rest *rest, const char *path, struct file_bytes *file)
{
    char why[REST_WHY_BYTES];
    struct exchange exchange = {.rest = rest, .why = why};
    long status = 0;
    json_t *problem;
    int rc;

    exchange_begin(&exchange, "GET", path);
    exchange_give_up_after(&exchange, REQUEST_SECONDS);
    rc = exchange_fetch(&exchange, &status);
    if (rc == CLI_OK && status == 200) {
        *file = exchange.answer;
        exchange.answer = (struct file_bytes){0};
    } else if (rc == CLI_OK) {
        problem = json_loadb((const char *)exchange.answer.data, exchange.answer.size, 0, NULL);
        rc = exchange_explain(&exchange, status, problem);
        json_decref(problem);
    }
    exchange_end(&exchange);
    return rc == CLI_OK ? rc : output_fail(rc, "%s", why);
}

int rest_request(struct rest *rest, const char *method, const char *path, const json_t *body, json_t **answer)
{
    char why[REST_WHY_BYTES];
    int rc = rest_request_quietly(rest, method, path, body, answer, why);

    return rc == CLI_OK ? rc : output_fail(rc, "%s", why);
}

int rest_list(struct rest *rest, const char *path, const char *member, json_t **answer)
{
    const char *cursor;
    json_t *page;
    int rc = rest_request(rest, "GET", path, NULL, answer);

    while (rc == CLI_OK && (cursor = json_string_value(json_object_get(*answer, "next"))) != NULL) {
        char *prefix = rest_path(rest, strchr(path, '?') ? "&cursor=" : "?cursor=", cursor, "");
        size_t bytes = strlen(path) + strlen(prefix) + 1;
        char *next = memory_take(bytes);

        snprintf(next, bytes, "%s%s", path, prefix);
        rc = rest_request(rest, "GET", next, NULL, &page);
        free(next);
        free(prefix);
        if (rc == CLI_OK) {
            json_array_extend(json_object_get(*answer, member), json_object_get(page, member));
            json_object_set(*answer, "next", json_object_get(page, "next"));
            json_decref(page);
        } else {
            json_decref(*answer);
            *answer = NULL;
        }
    }
    json_object_del(*answer, "next");
    return rc;
}

int rest_upload(struct rest *rest, const char *path, const char *name, const struct file_bytes *file,
                json_t **answer)
{
    char why[REST_WHY_BYTES];
    struct progress bar;
    struct exchange exchange = {.rest = rest, .bar = &bar, .why = why};
    int rc;

    *answer = NULL;
    progress_start(&bar, "upload");
    exchange_begin(&exchange, "POST", path);
    exchange_set_body(&exchange, "application/octet-stream", file->data, file->size);
    exchange_give_up_after(&exchange, STALL_SECONDS);
    rc = exchange_perform(&exchange, answer);
    progress_end(&bar);
    exchange_end(&exchange);
    return rc == CLI_OK ? rc : output_fail(rc, "%s: %s", name, why);
}
