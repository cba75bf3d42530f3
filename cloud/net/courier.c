#include "cloud/net/courier.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "cloud/log.h"
#include "cloud/people/address.h"
#include "cloud/text.h"
#include "cloud/workers.h"

#define EVERY_MS     500
#define AT_ONCE      4
#define LEASE_MS     60000 /* how long a delivery is this server's, once taken */
#define TIMEOUT_S    10L
#define ATTEMPTS_MAX 8
#define PAUSE_MS     10000 /* before the second attempt; four times as long before each further one */
#define PAUSE_MAX_MS ((int64_t)6 * 3600 * 1000)
#define KEPT_MS      ((int64_t)7 * 24 * 3600 * 1000)

struct courier {
    struct event *timer;
    struct desk *desk;
    struct workers *workers;
    bool anywhere;
    bool asking; /* a round is on the desk */
};

/* One delivery on its way: job, work, and job again. */
struct parcel {
    union {
        struct desk_job job;
        struct work work;
    } step; /* first: it is handed back as such */
    struct courier *courier;
    struct delivery delivery;
    struct webhook webhook;
    bool anywhere;
    bool refused; /* the address is not allowed */
};

/* --- On a worker: the request --- */

/* Who resolves to where, is decided here and not by an earlier look-up. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)purpose;
    struct parcel *parcel = ctx;
    if (!parcel->anywhere && !address_is_public(&address->addr)) {
        parcel->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t ignore(char *data, size_t size, size_t count, void *ctx)
{
    (void)data;
    (void)ctx;
    return size * count;
}

/* "t=SECONDS,v1=HEX": HMAC-SHA256 of "SECONDS.BODY", so that an old one cannot be sent again later. */
static void sign(const struct parcel *parcel, char to[160])
{
    uint8_t mac[SECRET_HASH_BYTES];
    char hex[2 * SECRET_HASH_BYTES + 1];
    char text[sizeof parcel->delivery.payload + 32];
    long long seconds = (long long)(text_now_ms() / 1000);
    snprintf(text, sizeof text, "%lld.%s", seconds, parcel->delivery.payload);
    secret_mac(parcel->webhook.secret, text, mac);
    snprintf(to, 160, "Tandem-Signature: t=%lld,v1=%s", seconds, text_hex(mac, sizeof mac, hex));
}

static struct curl_slist *headers_of(const struct parcel *parcel)
{
    char line[160];
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    sign(parcel, line);
    list = curl_slist_append(list, line);
    snprintf(line, sizeof line, "Tandem-Event: %s", parcel->delivery.event);
    list = curl_slist_append(list, line);
    snprintf(line, sizeof line, "Tandem-Delivery: y%" PRId64, parcel->delivery.id);
    return curl_slist_append(list, line);
}

static void carry(struct work *work)
{
    struct parcel *parcel = (struct parcel *)work;
    struct delivery *delivery = &parcel->delivery;
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;
    CURL *curl = curl_easy_init();
    if (curl == NULL)
        abort();
    struct curl_slist *headers = headers_of(parcel);
    curl_easy_setopt(curl, CURLOPT_URL, parcel->webhook.url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, delivery->payload);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tandem-cloud/" TANDEM_VERSION);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, parcel);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    delivery->status = status;
    delivery->error[0] = '\0';
    if (parcel->refused)
        snprintf(delivery->error, sizeof delivery->error, "the address is not of the open internet");
    else if (code != CURLE_OK)
        snprintf(delivery->error, sizeof delivery->error, "%.150s",
                 why[0] != '\0' ? why : curl_easy_strerror(code));
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

/* --- What came of it --- */

static int64_t pause_after(int64_t attempts)
{
    int64_t pause = PAUSE_MS;
    for (int64_t i = 1; i < attempts && pause < PAUSE_MAX_MS; i++)
        pause *= 4;
    return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

static int run_outcome(struct desk_job *job, struct fleet *fleet)
{
    struct delivery *delivery = &((struct parcel *)job)->delivery;
    bool arrived = delivery->status >= 200 && delivery->status < 300 && delivery->error[0] == '\0';
    if (arrived)
        delivery->state = DELIVERY_DONE;
    else if (delivery->attempts >= ATTEMPTS_MAX)
        delivery->state = DELIVERY_GIVEN_UP;
    delivery->due = delivery->state == DELIVERY_WAITING ? fleet->now + pause_after(delivery->attempts) : 0;
    int result = store_delivery_update(fleet->store, delivery);
    return result == STORE_NOT_FOUND ? STORE_OK : result; /* the webhook was deleted meanwhile */
}

static void outcome_kept(struct desk_job *job, int result)
{
    if (result != STORE_OK)
        log_line(LOG_LEVEL_WARNING, "webhook-outcome-lost", "reason=\"%s\"", store_result_text(result));
    free(job);
}

static void carried(struct work *work)
{
    struct parcel *parcel = (struct parcel *)work;
    parcel->step.job = (struct desk_job){.run = run_outcome, .done = outcome_kept};
    desk_post(parcel->courier->desk, &parcel->step.job);
}

/* --- Which are due --- */

struct round {
    struct desk_job job; /* first: the desk hands it back */
    struct courier *courier;
    struct parcel *parcels[AT_ONCE];
    size_t count;
};

static int take_one(struct fleet *fleet, struct round *round, struct delivery *delivery)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (parcel == NULL)
        abort();
    round->parcels[round->count++] = parcel;
    int result = store_webhook_get(fleet->store, delivery->webhook, &parcel->webhook);
    delivery->attempts++;
    delivery->status = 0; /* what came of the attempt before says nothing of this one */
    delivery->error[0] = '\0';
    delivery->due = fleet->now + LEASE_MS;
    parcel->delivery = *delivery;
    parcel->courier = round->courier;
    parcel->anywhere = round->courier->anywhere;
    return result == STORE_OK ? store_delivery_update(fleet->store, delivery) : result;
}

static int run_round(struct desk_job *job, struct fleet *fleet)
{
    struct round *round = (struct round *)job;
    struct delivery *due;
    size_t count;
    while (round->count > 0)
        free(round->parcels[--round->count]); /* of a run that was taken back */
    int result = store_deliveries_due(fleet->store, fleet->now, AT_ONCE, &due, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = take_one(fleet, round, &due[i]);
    free(due);
    return result == STORE_OK && count > 0 ? store_deliveries_trim(fleet->store, fleet->now - KEPT_MS)
                                           : result;
}

static void round_taken(struct desk_job *job, int result)
{
    struct round *round = (struct round *)job;
    struct courier *courier = round->courier;
    courier->asking = false;
    for (size_t i = 0; i < round->count; i++) {
        struct parcel *parcel = round->parcels[i];
        parcel->step.work = (struct work){.run = carry, .done = carried};
        /* One that is not carried now is due again when its lease is over. */
        if (result != STORE_OK || courier->workers == NULL ||
            !workers_post(courier->workers, &parcel->step.work))
            free(parcel);
    }
    free(round);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct courier *courier = ctx;
    if (courier->asking)
        return;
    struct round *round = calloc(1, sizeof *round);
    if (round == NULL)
        abort();
    *round = (struct round){.job = {.run = run_round, .done = round_taken}, .courier = courier};
    courier->asking = true;
    desk_post(courier->desk, &round->job);
}

struct courier *courier_start(struct event_base *base, struct desk *desk, bool anywhere)
{
    struct timeval every = {.tv_usec = EVERY_MS * 1000};
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier == NULL)
        abort();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    *courier = (struct courier){.desk = desk, .anywhere = anywhere};
    courier->workers = workers_start(base, AT_ONCE, 4 * AT_ONCE);
    courier->timer = event_new(base, -1, EV_PERSIST, on_timer, courier);
    if (courier->timer == NULL || event_add(courier->timer, &every) != 0)
        abort();
    return courier;
}

void courier_stop(struct courier *courier)
{
    event_free(courier->timer);
    workers_stop(courier->workers);
    courier->workers = NULL;
}
