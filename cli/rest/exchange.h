/* One request to the server and its answer, by libcurl. Private to rest.c.
 *
 *     exchange_begin, exchange_set_body if it has one, a limit, exchange_perform or _fetch, exchange_end */
#ifndef CLI_EXCHANGE_H
#define CLI_EXCHANGE_H

#include <curl/curl.h>
#include <time.h>

#include "cli/base/progress.h"
#include "cli/rest/rest.h"

/* One exchange: what comes back, and what the bar shows of what goes out. */
struct exchange {
    struct rest *rest;
    struct curl_slist *headers;
    char *url;
    struct file_bytes answer;
    struct progress *bar; /* of an upload */
    time_t began;
    long limit_seconds; /* for the answer, or without progress */
    bool told;          /* that it is waited for */
    char *why;          /* REST_WHY_BYTES */
    char curl_text[CURL_ERROR_SIZE];
};

/* rest and why are set. */
void exchange_begin(struct exchange *exchange, const char *method, const char *path);
void exchange_set_body(struct exchange *exchange, const char *type, const void *data, size_t bytes);
/* So long for all of it; or so long without a byte. */
void exchange_limit(struct exchange *exchange, long seconds);
void exchange_give_up_after(struct exchange *exchange, long seconds);

/* The answer with its status, whatever it is. CLI_SERVER, and why, where there is none. */
int exchange_fetch(struct exchange *exchange, long *status);
/* The JSON of a good answer, NULL where it has none; else why. */
int exchange_perform(struct exchange *exchange, json_t **answer);
/* Why the server refused: title and detail of its answer, or the bare status. Returns the exit status. */
int exchange_explain(struct exchange *exchange, long status, const json_t *problem);

void exchange_end(struct exchange *exchange);

#endif
