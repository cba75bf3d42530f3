#include "cloud/net/courier.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "cloud/durations.h"
#include "cloud/log.h"
#include "cloud/people/address.h"
#include "cloud/text.h"
#include "cloud/workers.h"

#define EVERY_MS     500
#define AT_ONCE      DELIVERY_SKIP_WEBHOOKS
#define AT_ONCE_EACH 4           /* of an organization */
#define ANSWER_MAX   (64 * 1024) /* what is read of an answer; only its status counts */
#define LEASE_MS     MINUTE_MS   /* how long a delivery is this server's, once taken */
#define TIMEOUT_S    10L
#define ATTEMPTS_MAX 8
#define PAUSE_MS     10000 /* before the second attempt; four times as long before each further one */
#define PAUSE_MAX_MS (6 * HOUR_MS)
#define KEPT_MS      (7 * DAY_MS)

/* Whose deliveries are on their way; 0 is a free place. */
struct under_way {
    int64_t webhooks[AT_ONCE];
    int64_t organizations[AT_ONCE];
};

struct courier {
    struct event *timer;
    struct desk *desk;
    struct workers *workers;
    struct under_way under_way;
    atomic_bool stop;
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
    size_t place; /* of under_way */
    size_t answered_bytes;
    bool anywhere;
    bool refused;    /* the address is not allowed */
    bool broken_off; /* the courier stops: this was no attempt */
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
    struct parcel *parcel = ctx;
    parcel->answered_bytes += size * count;
    return parcel->answered_bytes <= ANSWER_MAX ? size * count : 0;
}

static int on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    const struct parcel *parcel = ctx;
    return atomic_load(&parcel->courier->stop);
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

static void set_up(CURL *curl, struct parcel *parcel, struct curl_slist *headers, char why[CURL_ERROR_SIZE])
{
    curl_easy_setopt(curl, CURLOPT_URL, parcel->webhook.url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, parcel->delivery.payload);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "tandem-cloud/" TANDEM_VERSION);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, parcel);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, parcel);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, parcel);
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
    set_up(curl, parcel, headers, why);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    delivery->status = status;
    delivery->error[0] = '\0';
    parcel->broken_off = code == CURLE_ABORTED_BY_CALLBACK;
    if (code == CURLE_WRITE_ERROR && parcel->answered_bytes > ANSWER_MAX)
        code = CURLE_OK;
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

static int put_back(struct fleet *fleet, struct delivery *delivery)
{
    delivery->attempts--;
    delivery->due = fleet->now;
    delivery->error[0] = '\0';
    int result = store_delivery_update(fleet->store, delivery);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

static int run_outcome(struct desk_job *job, struct fleet *fleet)
{
    const struct parcel *parcel = (struct parcel *)job;
    struct delivery outcome = parcel->delivery;
    struct delivery *delivery = &outcome;
    bool arrived = delivery->status >= 200 && delivery->status < 300 && delivery->error[0] == '\0';
    if (parcel->broken_off)
        return put_back(fleet, delivery);
    if (arrived)
        delivery->state = DELIVERY_DONE;
    else if (delivery->attempts >= ATTEMPTS_MAX)
        delivery->state = DELIVERY_GIVEN_UP;
    delivery->due = delivery->state == DELIVERY_WAITING ? fleet->now + pause_after(delivery->attempts) : 0;
    int result = store_delivery_update(fleet->store, delivery);
    return result == STORE_NOT_FOUND ? STORE_OK : result; /* the webhook was deleted meanwhile */
}

static void look(struct courier *courier);

static void outcome_kept(struct desk_job *job, int result)
{
    const struct parcel *parcel = (struct parcel *)job;
    struct courier *courier = parcel->courier;
    courier->under_way.webhooks[parcel->place] = 0;
    courier->under_way.organizations[parcel->place] = 0;
    if (result != STORE_OK)
        log_line(LOG_LEVEL_WARNING, "webhook-outcome-lost", "reason=\"%s\"", store_result_text(result));
    free(job);
    look(courier); /* there is room */
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
    struct under_way before;    /* the round */
    struct under_way under_way; /* and with what it takes */
    struct parcel *parcels[AT_ONCE];
    size_t count;
};

/* Webhooks with one on its way, and organizations with enough of them. */
static struct delivery_skip skip_of(const struct under_way *under_way)
{
    struct delivery_skip skip = {0};
    size_t full = 0;
    memcpy(skip.webhooks, under_way->webhooks, sizeof skip.webhooks);
    for (size_t i = 0; i < AT_ONCE; i++) {
        size_t same = 0;
        for (size_t k = 0; k <= i; k++)
            same += under_way->organizations[k] == under_way->organizations[i];
        if (under_way->organizations[i] != 0 && same == AT_ONCE_EACH)
            skip.organizations[full++] = under_way->organizations[i];
    }
    return skip;
}

/* STORE_NOT_FOUND: nothing else is due. */
static int take_one(struct fleet *fleet, struct round *round, size_t place)
{
    const struct delivery_skip skip = skip_of(&round->under_way);
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (parcel == NULL)
        abort();
    round->parcels[round->count++] = parcel;
    struct delivery *delivery = &parcel->delivery;
    int result = store_delivery_due(fleet->store, fleet->now, &skip, delivery);
    if (result == STORE_OK)
        result = store_webhook_get(fleet->store, delivery->webhook, &parcel->webhook);
    if (result != STORE_OK) {
        free(round->parcels[--round->count]);
        return result;
    }
    delivery->attempts++;
    delivery->status = 0; /* what came of the attempt before says nothing of this one */
    delivery->error[0] = '\0';
    delivery->due = fleet->now + LEASE_MS;
    parcel->courier = round->courier;
    parcel->anywhere = round->courier->anywhere;
    parcel->place = place;
    round->under_way.webhooks[place] = parcel->webhook.id;
    round->under_way.organizations[place] = parcel->webhook.organization;
    return store_delivery_update(fleet->store, delivery);
}

static int run_round(struct desk_job *job, struct fleet *fleet)
{
    struct round *round = (struct round *)job;
    int result = STORE_OK;
    while (round->count > 0)
        free(round->parcels[--round->count]); /* of a run that was taken back */
    round->under_way = round->before;
    for (size_t place = 0; place < AT_ONCE && result == STORE_OK; place++) {
        if (round->under_way.webhooks[place] == 0)
            result = take_one(fleet, round, place);
    }
    if (result == STORE_NOT_FOUND)
        result = STORE_OK;
    return result == STORE_OK && round->count > 0 ? store_deliveries_trim(fleet->store, fleet->now - KEPT_MS)
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
            !workers_post(courier->workers, &parcel->step.work)) {
            free(parcel);
            continue;
        }
        courier->under_way.webhooks[parcel->place] = parcel->webhook.id;
        courier->under_way.organizations[parcel->place] = parcel->webhook.organization;
    }
    free(round);
}

static void look(struct courier *courier)
{
    if (courier->asking || atomic_load(&courier->stop))
        return;
    struct round *round = calloc(1, sizeof *round);
    if (round == NULL)
        abort();
    *round = (struct round){
        .job = {.run = run_round, .done = round_taken}, .courier = courier, .before = courier->under_way};
    courier->asking = true;
    desk_post(courier->desk, &round->job);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    look(ctx);
}

struct courier *courier_start(struct event_base *base, struct desk *desk, bool anywhere)
{
    struct timeval every = {.tv_usec = EVERY_MS * 1000};
    struct courier *courier = calloc(1, sizeof *courier);
    if (courier == NULL)
        abort();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    *courier = (struct courier){.desk = desk, .anywhere = anywhere};
    courier->workers = workers_start(base, AT_ONCE, AT_ONCE);
    courier->timer = event_new(base, -1, EV_PERSIST, on_timer, courier);
    if (courier->timer == NULL || event_add(courier->timer, &every) != 0)
        abort();
    return courier;
}

void courier_stop(struct courier *courier)
{
    event_free(courier->timer);
    atomic_store(&courier->stop, true);
    workers_stop(courier->workers);
    courier->workers = NULL;
}
