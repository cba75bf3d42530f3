/* S3, and what speaks like it, by libcurl: requests are signed with Signature Version 4, the bucket stands in
 * the path. Settings come from the environment, under the names that other tools of S3 use. */
#include "cloud/files/files.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <curl/curl.h>

#include "cloud/log.h"

#define CONNECT_LIMIT_S 10L
#define STALL_S         30L /* at less than a KB a second */
#define TRIES           3

struct bucket {
    char url[700];      /* of the prefix, a slash at its end */
    char signing[100];  /* for CURLOPT_AWS_SIGV4 */
    char key[400];      /* ID:SECRET */
    char session[2100]; /* a header, "" for none */
    const char *ca_file;
};

/* --- Settings --- */

static bool is_loopback(const char *url)
{
    const char *host = url + 7;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "localhost", 9) == 0 ||
           strncmp(host, "[::1]", 5) == 0;
}

/* 3 to 63 of what bucket names have; the prefix may have slashes too. */
static bool is_plain(const char *text)
{
    return text[0] != '\0' && text[0] != '/' &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/")] == '\0' &&
           strstr(text, "..") == NULL && strlen(text) < 300;
}

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

static bool take_settings(struct bucket *bucket, const char *path, char *why, size_t capacity)
{
    char usual[200];
    const char *region = setting("AWS_REGION", "us-east-1");
    const char *id = setting("AWS_ACCESS_KEY_ID", NULL);
    const char *secret = setting("AWS_SECRET_ACCESS_KEY", NULL);
    const char *session = setting("AWS_SESSION_TOKEN", NULL);
    snprintf(usual, sizeof usual, "https://s3.%s.amazonaws.com", region);
    const char *endpoint = setting("AWS_ENDPOINT_URL_S3", setting("AWS_ENDPOINT_URL", usual));
    if (id == NULL || secret == NULL) {
        snprintf(why, capacity,
                 "s3://%s needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment", path);
        return false;
    }
    if (strncmp(endpoint, "https://", 8) != 0 &&
        (strncmp(endpoint, "http://", 7) != 0 || !is_loopback(endpoint))) {
        snprintf(why, capacity, "AWS_ENDPOINT_URL must be https://HOST[:PORT], not %s", endpoint);
        return false;
    }
    bool slash = path[strlen(path) - 1] == '/';
    int bytes = snprintf(bucket->url, sizeof bucket->url, "%s/%s%s", endpoint, path, slash ? "" : "/");
    snprintf(bucket->signing, sizeof bucket->signing, "aws:amz:%s:s3", region);
    snprintf(bucket->key, sizeof bucket->key, "%s:%s", id, secret);
    if (session != NULL)
        snprintf(bucket->session, sizeof bucket->session, "x-amz-security-token: %s", session);
    bucket->ca_file = setting("AWS_CA_BUNDLE", NULL);
    if (bytes < (int)sizeof bucket->url)
        return true;
    snprintf(why, capacity, "AWS_ENDPOINT_URL is too long");
    return false;
}

static void *open_bucket(const char *address, char *why, size_t capacity)
{
    const char *path = address + strlen("s3://");
    if (!is_plain(path)) {
        snprintf(why, capacity, "%s is not s3://BUCKET[/PREFIX] in letters, digits, and . - _", address);
        return NULL;
    }
    struct bucket *bucket = calloc(1, sizeof *bucket);
    if (bucket == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        abort();
    if (take_settings(bucket, path, why, capacity))
        return bucket;
    free(bucket);
    return NULL;
}

/* --- Requests --- */

struct request {
    const struct bucket *bucket;
    const char *method;
    const char *name;
    const char *path; /* of the file to send, or to write; NULL: none */
    const atomic_bool *stop;
};

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const struct request *request = ctx;
    return atomic_load(request->stop);
}

static size_t drop(char *data, size_t size, size_t count, void *ctx)
{
    (void)data, (void)ctx;
    return size * count;
}

static struct curl_slist *headers_of(const struct request *request)
{
    char digest[100];
    static const char nothing[] =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"; /* SHA-256 of "" */
    bool sends = strcmp(request->method, "PUT") == 0;
    snprintf(digest, sizeof digest, "x-amz-content-sha256: %s", sends ? request->name : nothing);
    struct curl_slist *headers = curl_slist_append(NULL, digest);
    if (request->bucket->session[0] != '\0')
        headers = curl_slist_append(headers, request->bucket->session);
    if (headers == NULL)
        abort();
    return headers;
}

static void set_up(CURL *curl, const struct request *request, struct curl_slist *headers, FILE *file)
{
    char url[800];
    snprintf(url, sizeof url, "%s%s", request->bucket->url, request->name);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, request->bucket->signing);
    curl_easy_setopt(curl, CURLOPT_USERPWD, request->bucket->key);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_LIMIT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1024L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_S);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, request);
    if (request->bucket->ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, request->bucket->ca_file);
    if (strcmp(request->method, "PUT") == 0) {
        struct stat about;
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_READDATA, file);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE,
                         (curl_off_t)(fstat(fileno(file), &about) == 0 ? about.st_size : -1));
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    } else if (file != NULL) {
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, file);
    } else {
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    }
}

/* One try. *again: another one may do better. */
static enum files_result perform(const struct request *request, FILE *file, bool *again)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = headers_of(request);
    long status = 0;
    if (curl == NULL)
        abort();
    set_up(curl, request, headers, file);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    bool flushed = file == NULL || fflush(file) == 0;
    bool refused = code == CURLE_HTTP_RETURNED_ERROR && status != 429 && status < 500;
    *again = code != CURLE_OK && !refused && !atomic_load(request->stop);
    if (code != CURLE_OK && status != 404)
        log_line(LOG_LEVEL_ERROR, "s3-failed", "method=%s name=%s status=%ld error=\"%s\"", request->method,
                 request->name, status, curl_easy_strerror(code));
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (code == CURLE_OK)
        return flushed ? FILES_OK : FILES_FULL;
    return status == 404 ? FILES_ABSENT : FILES_FAILED;
}

static enum files_result run(const struct request *request)
{
    bool again = true;
    enum files_result result = FILES_FAILED;
    for (int i = 0; i < TRIES && again; i++) {
        FILE *file = NULL;
        if (request->path != NULL) {
            file = fopen(request->path, strcmp(request->method, "PUT") == 0 ? "rbe" : "wbe");
            if (file == NULL) {
                log_line(LOG_LEVEL_ERROR, "file-failed", "path=%s what=open error=\"%s\"", request->path,
                         strerror(errno));
                return FILES_FAILED;
            }
        }
        result = perform(request, file, &again);
        if (file != NULL && fclose(file) != 0 && result == FILES_OK)
            result = FILES_FULL;
    }
    return result;
}

static enum files_result put(void *place, const char *name, const char *path, const atomic_bool *stop)
{
    const struct request request = {place, "PUT", name, path, stop};
    return run(&request);
}

static enum files_result get(void *place, const char *name, const char *path, const atomic_bool *stop)
{
    const struct request request = {place, "GET", name, path, stop};
    return run(&request);
}

static enum files_result remove_file(void *place, const char *name, const atomic_bool *stop)
{
    const struct request request = {place, "DELETE", name, NULL, stop};
    enum files_result result = run(&request);
    return result == FILES_ABSENT ? FILES_OK : result;
}

const struct files_kind files_s3 = {
    .scheme = "s3://",
    .open = open_bucket,
    .close = free,
    .put = put,
    .get = get,
    .remove = remove_file,
};
