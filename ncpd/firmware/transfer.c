/* libcurl tells which sockets and which timeout it waits for; libevent waits and calls back. */
#include "ncpd/firmware/transfer.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "ncpd/base/hex.h"
#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"

enum { CONNECT_LIMIT_S = 15, PROBE_LIMIT_S = 9, REDIRECTS = 3 };

struct transfer {
    struct event_base *base;
    struct transfer_handler handler;
    const struct mcu_config *mcu;
    CURLM *multi;
    CURL *easy; /* NULL while none is under way */
    struct event *timer;
    struct curl_slist *headers;
    struct transfer_head head;
    bool begun;
    bool stopped;
    char error[CURL_ERROR_SIZE];
};

/* --- The answer's head --- */

static void take_text(char *to, size_t room, const char *value)
{
    snprintf(to, room, "%s", value);
}

/* "bytes 100-199/200" tells start and whole. */
static void take_content_range(struct transfer_head *head, const char *value)
{
    const char *slash = strchr(value, '/');

    head->start = strncasecmp(value, "bytes ", 6) == 0 ? strtoull(value + 6, NULL, 10) : UINT64_MAX;
    if (slash != NULL && slash[1] >= '0' && slash[1] <= '9') {
        head->bytes = strtoull(slash + 1, NULL, 10);
        head->has_bytes = true;
    }
}

/* Seconds, or a date. */
static void take_retry_after(struct transfer_head *head, const char *value)
{
    time_t then = curl_getdate(value, NULL);
    time_t now = time(NULL);
    unsigned long seconds = strtoul(value, NULL, 10);

    if (then > now)
        seconds = (unsigned long)(then - now);
    head->retry_after = seconds < UINT32_MAX / 1000 ? (uint32_t)seconds : UINT32_MAX / 1000;
}

/* A weak one does not promise the same bytes. */
static void take_etag(struct transfer_head *head, const char *value)
{
    if (value[0] == '"' && strlen(value) < sizeof head->etag)
        take_text(head->etag, sizeof head->etag, value);
}

static void take_header(struct transfer_head *head, const char *name, const char *value)
{
    if (strcasecmp(name, "content-length") == 0 && head->status != 206) {
        head->bytes = strtoull(value, NULL, 10);
        head->has_bytes = true;
    } else if (strcasecmp(name, "content-range") == 0) {
        take_content_range(head, value);
    } else if (strcasecmp(name, "retry-after") == 0) {
        take_retry_after(head, value);
    } else if (strcasecmp(name, "etag") == 0) {
        take_etag(head, value);
    } else if (strcasecmp(name, "x-sha256") == 0) {
        head->has_sha256 = base64_decode(head->sha256, sizeof head->sha256, value);
    } else if (strcasecmp(name, "x-md5") == 0) {
        head->has_md5 = hex_decode(head->md5, sizeof head->md5, value);
    } else if (strcasecmp(name, "x-fw-type") == 0) {
        take_text(head->type, sizeof head->type, value);
    } else if (strcasecmp(name, "x-fw-ver") == 0) {
        take_text(head->version, sizeof head->version, value);
    } else if (strcasecmp(name, "x-fw-build") == 0) {
        take_text(head->build, sizeof head->build, value);
    }
}

static size_t on_header(char *line, size_t unit, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;
    char text[1024];
    char *value;
    int length = (int)(count < sizeof text - 1 ? count : sizeof text - 1);

    (void)unit; /* always 1 */
    snprintf(text, sizeof text, "%.*s", length, line);
    text[strcspn(text, "\r\n")] = '\0';
    if (strncmp(text, "HTTP/", 5) == 0) { /* of the next answer, after a redirect */
        memset(&transfer->head, 0, sizeof transfer->head);
        value = strchr(text, ' ');
        transfer->head.status = value != NULL ? strtol(value, NULL, 10) : 0;
        return count;
    }
    value = strchr(text, ':');
    if (value != NULL) {
        *value++ = '\0';
        take_header(&transfer->head, text, value + strspn(value, " \t"));
    }
    return count;
}

/* --- The body --- */

static bool begin(struct transfer *transfer)
{
    if (!transfer->begun) {
        transfer->begun = true;
        transfer->stopped = !transfer->handler.begin(transfer->handler.ctx, &transfer->head);
    }
    return !transfer->stopped;
}

static size_t on_body(char *bytes, size_t unit, size_t count, void *ctx)
{
    struct transfer *transfer = ctx;

    (void)unit;
    if (!begin(transfer))
        return 0;
    transfer->stopped = !transfer->handler.data(transfer->handler.ctx, bytes, count);
    return transfer->stopped ? 0 : count;
}

/* --- The loop --- */

static enum transfer_end end_of(const struct transfer *transfer, CURLcode result)
{
    if (transfer->stopped)
        return TRANSFER_STOPPED;
    switch (result) {
    case CURLE_OK:
        return TRANSFER_WHOLE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
        return TRANSFER_NO_SERVER;
    case CURLE_TOO_MANY_REDIRECTS:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return TRANSFER_NO_REQUEST;
    case CURLE_OPERATION_TIMEDOUT:
        return TRANSFER_STALLED;
    default:
        return TRANSFER_CUT;
    }
}

static void finish(struct transfer *transfer, CURLcode result)
{
    char error[sizeof transfer->error];
    struct transfer_head head = transfer->head;
    enum transfer_end how = end_of(transfer, result);

    snprintf(error, sizeof error, "%s",
             transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result));
    transfer_stop(transfer);
    transfer->handler.done(transfer->handler.ctx, &head, how, error);
}

static void look_for_end(struct transfer *transfer)
{
    CURLMsg *message;
    int left;

    while (transfer->easy != NULL && (message = curl_multi_info_read(transfer->multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE && message->easy_handle == transfer->easy) {
            finish(transfer, message->data.result);
            return;
        }
    }
}

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
    struct transfer *transfer = ctx;
    int flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    int running;

    curl_multi_socket_action(transfer->multi, fd, flags, &running);
    look_for_end(transfer);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct transfer *transfer = ctx;
    int running;

    (void)fd;
    (void)what;
    curl_multi_socket_action(transfer->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    look_for_end(transfer);
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct transfer *transfer = ctx;
    struct event *event = socket_ctx;
    short flags = EV_PERSIST;

    (void)easy;
    if (event != NULL) {
        event_free(event);
        curl_multi_assign(transfer->multi, fd, NULL);
    }
    if (what == CURL_POLL_REMOVE)
        return 0;
    flags |= what & CURL_POLL_IN ? EV_READ : 0;
    flags |= what & CURL_POLL_OUT ? EV_WRITE : 0;
    event = event_new(transfer->base, fd, flags, on_socket, transfer);
    event_add(event, NULL);
    curl_multi_assign(transfer->multi, fd, event);
    return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct transfer *transfer = ctx;
    struct timeval delay = {timeout_ms / 1000, timeout_ms % 1000 * 1000};

    (void)multi;
    if (timeout_ms < 0)
        evtimer_del(transfer->timer);
    else
        evtimer_add(transfer->timer, &delay);
    return 0;
}

/* --- Outside --- */

struct transfer *transfer_new(struct event_base *base, const struct mcu_config *mcu,
                              const struct transfer_handler *handler)
{
    struct transfer *transfer = memory_zeroed(sizeof *transfer);

    curl_global_init(CURL_GLOBAL_DEFAULT);
    transfer->base = base;
    transfer->handler = *handler;
    transfer->mcu = mcu;
    transfer->timer = evtimer_new(base, on_timer, transfer);
    transfer->multi = curl_multi_init();
    curl_multi_setopt(transfer->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(transfer->multi, CURLMOPT_SOCKETDATA, transfer);
    curl_multi_setopt(transfer->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(transfer->multi, CURLMOPT_TIMERDATA, transfer);
    return transfer;
}

void transfer_free(struct transfer *transfer)
{
    transfer_stop(transfer);
    curl_multi_cleanup(transfer->multi);
    event_free(transfer->timer);
    free(transfer);
    curl_global_cleanup();
}

/* As the connection to the cloud. */
static void set_tls(CURL *easy, const struct mcu_config *mcu)
{
    if (mcu->ca_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, mcu->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
    if (mcu->certificate[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, mcu->certificate);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, mcu->key);
    }
}

static CURL *new_request(struct transfer *transfer, const char *url)
{
    CURL *easy = curl_easy_init();

    transfer_stop(transfer);
    memset(&transfer->head, 0, sizeof transfer->head);
    transfer->begun = transfer->stopped = false;
    transfer->error[0] = '\0';
    transfer->easy = easy;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tandem-ncp/" TANDEM_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_LIMIT_S);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    set_tls(easy, transfer->mcu);
    return easy;
}

/* A server that redirects may not take TLS away on the way. */
static void follow_redirects(CURL *easy, const char *url)
{
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS);
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
                     strncmp(url, "https:", 6) == 0 ? "https" : "http,https");
}

static void ask_from(struct transfer *transfer, CURL *easy, uint32_t offset, const char *etag)
{
    char range[16];
    char condition[128];

    if (offset == 0)
        return;
    snprintf(range, sizeof range, "%u-",
             offset); /* not CURLOPT_RESUME_FROM, which takes a 200 for an error */
    curl_easy_setopt(easy, CURLOPT_RANGE, range);
    if (etag[0] != '\0') {
        snprintf(condition, sizeof condition, "If-Range: %s", etag);
        transfer->headers = curl_slist_append(NULL, condition);
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    }
}

void transfer_start(struct transfer *transfer, const char *url, uint32_t offset, const char *etag)
{
    CURL *easy = new_request(transfer, url);

    follow_redirects(easy, url);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)transfer->mcu->stall_s);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    ask_from(transfer, easy, offset, etag);
    curl_multi_add_handle(transfer->multi, easy);
}

void transfer_probe(struct transfer *transfer, const char *host, uint16_t port, bool tls)
{
    char url[CONFIG_TEXT + 32];
    CURL *easy;

    snprintf(url, sizeof url, "%s://%s:%u", tls ? "https" : "http", host, port);
    easy = new_request(transfer, url);
    curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT, (long)PROBE_LIMIT_S);
    curl_multi_add_handle(transfer->multi, easy);
}

void transfer_stop(struct transfer *transfer)
{
    if (transfer->easy == NULL)
        return;
    curl_multi_remove_handle(transfer->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    transfer->easy = NULL;
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
}
