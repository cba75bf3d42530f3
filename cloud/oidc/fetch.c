#include "cloud/oidc/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>

#include "cloud/text.h"

struct answer {
    size_t bytes;
    bool too_large;
    char data[FETCH_BYTES_MAX];
};

bool fetch_is_safe(const char *url)
{
    static const char *const loopback[] = {"127.0.0.1", "localhost", "[::1]"};
    if (url[strcspn(url, " #@\\\"")] != '\0')
        return false;
    if (strncmp(url, "https://", 8) == 0)
        return url[8] != '\0' && url[8] != '/';
    for (size_t i = 0; i < sizeof loopback / sizeof loopback[0] && strncmp(url, "http://", 7) == 0; i++) {
        size_t length = strlen(loopback[i]);
        if (strncmp(url + 7, loopback[i], length) == 0 && strchr(":/", url[7 + length]) != NULL)
            return true; /* strchr finds the NUL, too */
    }
    return false;
}

bool fetch_encode(const char *text, char *to, size_t capacity)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t n = 0;
    for (; *text != '\0'; text++) {
        bool as_it_is = strchr(plain, *text) != NULL;
        if (n + (as_it_is ? 1 : 3) >= capacity)
            return false;
        if (as_it_is)
            to[n++] = *text;
        else
            n += (size_t)snprintf(to + n, capacity - n, "%%%02X", (unsigned char)*text);
    }
    to[n] = '\0';
    return true;
}

static size_t take(char *data, size_t size, size_t count, void *ctx)
{
    struct answer *answer = ctx;
    size_t bytes = size * count;
    if (bytes > sizeof answer->data - answer->bytes) {
        answer->too_large = true;
        return 0;
    }
    memcpy(answer->data + answer->bytes, data, bytes);
    answer->bytes += bytes;
    return bytes;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const struct fetch *fetch = ctx;
    return atomic_load(fetch->stop);
}

static void set_up(CURL *curl, struct fetch *fetch, struct answer *answer, char why[CURL_ERROR_SIZE])
{
    int64_t left = fetch->deadline_ms - text_steady_ms();
    curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, strncmp(fetch->url, "https:", 6) == 0 ? "https" : "http");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(left > 0 ? left : 1));
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tandem-cloud/" TANDEM_VERSION);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, fetch);
    if (fetch->ca != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, fetch->ca);
    if (fetch->form != NULL)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, fetch->form);
    if (fetch->user != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(curl, CURLOPT_USERNAME, fetch->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, fetch->password);
    }
    if (fetch->bearer != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, fetch->bearer);
    }
}

static json_t *read_answer(struct fetch *fetch, const struct answer *answer)
{
    json_t *json = json_loadb(answer->data, answer->bytes, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(json))
        return json;
    json_decref(json);
    snprintf(fetch->why, sizeof fetch->why, "%s answered %ld without a JSON object", fetch->url,
             fetch->status);
    return NULL;
}

json_t *fetch_json(struct fetch *fetch)
{
    char why[CURL_ERROR_SIZE] = "";
    json_t *json = NULL;
    CURL *curl = curl_easy_init();
    struct answer *answer = calloc(1, sizeof *answer);
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    if (curl == NULL || answer == NULL || headers == NULL)
        abort();
    set_up(curl, fetch, answer, why);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &fetch->status);
    if (code == CURLE_OK)
        json = read_answer(fetch, answer);
    else if (answer->too_large)
        snprintf(fetch->why, sizeof fetch->why, "%s answered more than %d KB", fetch->url,
                 FETCH_BYTES_MAX / 1024);
    else
        snprintf(fetch->why, sizeof fetch->why, "%s: %s", fetch->url,
                 why[0] != '\0' ? why : curl_easy_strerror(code));
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    OPENSSL_cleanse(answer, sizeof *answer); /* it may hold tokens */
    free(answer);
    return json;
}
