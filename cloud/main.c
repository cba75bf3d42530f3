/* tandem-cloud: data folder, store, desk, gateway, front, in that order; and back. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "cloud/backup.h"
#include "cloud/cloud.h"
#include "cloud/fleet/node.h"
#include "cloud/log.h"
#include "cloud/supervisor.h"
#include "cloud/text.h"

#define FLUSH_MS 500

#define DAY_S                    (24 * 3600)
#define CERTIFICATE_WARNING_DAYS 21
#define LOOK_S                   1 /* how often it is asked whether a day has passed */

#define WORKERS          2 /* that hash passwords: 32 MiB each */
#define WORK_WAITING_MAX 64
#define ASKERS           4 /* that wait for the identity provider */
#define ASKS_WAITING_MAX 16

/* --- Certificates --- */

/* Devices that check it stay away from then on. */
static void look_at_certificate(struct cloud *cloud)
{
    cloud->looked_ms = text_now_ms();
    int64_t left_s = tls_expires(cloud->web) - cloud->looked_ms / 1000;
    if (left_s < CERTIFICATE_WARNING_DAYS * DAY_S)
        log_line(LOG_LEVEL_WARNING, left_s < 0 ? "certificate-expired" : "certificate-expires",
                 "path=%s days=%lld hint=\"renew it, then send SIGHUP\"", cloud->options.tls.certificate,
                 (long long)(left_s / DAY_S));
}

static void load_tls(struct cloud *cloud)
{
    char why[CLOUD_WHY_MAX];
    const struct options *options = &cloud->options;
    if (options->tls.certificate == NULL)
        return;
    /* People's browsers are asked for a certificate too, since devices come through HTTPS as well. */
    cloud->web = tls_load(&options->tls, TLS_CLIENTS_MAY, why, sizeof why);
    if (cloud->web != NULL)
        cloud->door = tls_load(&options->tls, TLS_CLIENTS_MUST, why, sizeof why);
    if (cloud->door == NULL)
        cloud_fail("%s", why);
    look_at_certificate(cloud);
}

static void reload_tls(struct cloud *cloud)
{
    char why[CLOUD_WHY_MAX];
    if (cloud->web == NULL)
        return;
    if (!tls_reload(cloud->web, why, sizeof why) || !tls_reload(cloud->door, why, sizeof why)) {
        log_line(LOG_LEVEL_ERROR, "certificate-failed", "error=\"%s\" hint=\"the one before stays in use\"",
                 why);
        return;
    }
    log_line(LOG_LEVEL_INFO, "certificate-loaded", "path=%s", cloud->options.tls.certificate);
    look_at_certificate(cloud);
}

/* A server may run for longer than its certificate is good. By the time of day, as the certificate. */
static void on_look(evutil_socket_t none, short what, void *ctx)
{
    struct cloud *cloud = ctx;
    (void)none;
    (void)what;
    if (text_now_ms() - cloud->looked_ms >= DAY_S * INT64_C(1000))
        look_at_certificate(cloud);
}

static void watch_certificate(struct cloud *cloud)
{
    const struct timeval every = {.tv_sec = LOOK_S};
    if (cloud->web == NULL)
        return;
    cloud->daily = event_new(cloud->base, -1, EV_PERSIST, on_look, cloud);
    if (cloud->daily == NULL || event_add(cloud->daily, &every) != 0)
        cloud_fail("cannot start a timer");
}

/* --- The loop --- */

static void on_signal(evutil_socket_t number, short what, void *ctx)
{
    (void)what;
    struct cloud *cloud = ctx;
    if (number == SIGHUP) {
        reload_tls(cloud);
        return;
    }
    log_line(LOG_LEVEL_INFO, "stopping", "signal=%d", (int)number);
    struct timeval flush = {.tv_usec = gateway_close(cloud->gateway) ? FLUSH_MS * 1000 : 0};
    event_base_loopexit(cloud->base, &flush);
}

/* As many files as the system allows; returns how many that is. */
static size_t raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        cloud_fail("cannot learn the limit of open files: %s", strerror(errno));
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return (size_t)(setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before);
}

static void start_front(struct cloud *cloud)
{
    char why[CLOUD_WHY_MAX];
    const struct options *options = &cloud->options;
    struct front *front = &cloud->front;
    const struct door doors[HTTP_DOORS] = {
        [HTTP_CLEAR] = {.address = options->http, .anywhere = options->allow_clear},
        [HTTP_TLS] = {.address = options->https, .tls = cloud->web},
    };
    front->people = &cloud->people;
    front->proxies = &options->proxies;
    front->https = options->public_url != NULL && strncmp(options->public_url, "https:", 6) == 0;
    front->events = events_start(cloud->base, &cloud->fleet.watched);
    /* Those who look may do so by another server. */
    atomic_store(&cloud->fleet.watched, options->bus != NULL);
    front->folder = cloud->folder;
    front->forms_folder = cloud->forms;
    front->offers = &cloud->relay.offers;
    front->certificates = options->tls.client_ca != NULL;
    front->tls = cloud->web;
    if (options->console != NULL) {
        front->console = console_load(options->console, why, sizeof why);
        if (front->console == NULL)
            cloud_fail("%s", why);
    }
    if (!front_start(front, cloud->base, doors, why, sizeof why))
        cloud_fail("%s", why);
}

static void start_gateway(struct cloud *cloud, struct bound bound)
{
    char why[CLOUD_WHY_MAX];
    const struct options *options = &cloud->options;
    const struct door doors[GATEWAY_DOORS] = {
        [GATEWAY_CLEAR] = {.address = options->mqtt, .anywhere = options->allow_clear},
        [GATEWAY_TLS] = {.address = options->mqtts, .tls = cloud->door},
    };
    const struct gateway_downloads downloads = {
        .http = http_port(cloud->front.server, HTTP_CLEAR),
        .https = http_port(cloud->front.server, HTTP_TLS),
    };
    cloud->gateway = gateway_start(cloud->base, doors, bound, &options->balancers, &cloud->devices, downloads,
                                   why, sizeof why);
    if (cloud->gateway == NULL)
        cloud_fail("%s", why);
}

static void start_bus(struct cloud *cloud)
{
    char why[CLOUD_WHY_MAX];
    struct relay *relay = &cloud->relay;
    relay->gateway = cloud->gateway;
    relay->events = cloud->front.events;
    relay->node = cloud->fleet.node;
    relay->bus =
        bus_open(cloud->options.bus, relay->node, cloud->base, relay_message, relay, why, sizeof why);
    if (relay->bus == NULL)
        cloud_fail("%s", why);
}

static void start_porter(struct cloud *cloud)
{
    char why[CLOUD_WHY_MAX];
    if (cloud->options.files == NULL)
        return;
    cloud->files = files_open(cloud->options.files, why, sizeof why);
    if (cloud->files == NULL)
        cloud_fail("%s", why);
    cloud->front.porter = porter_start(cloud->base, cloud->files);
}

static void start_maker(struct cloud *cloud)
{
    const struct maker_settings settings = {.firmware_folder = cloud->folder,
                                            .folder = cloud->forms,
                                            .memory_mib = cloud->options.deltas_memory_mib,
                                            .seconds = cloud->options.deltas_seconds};
    if (cloud->options.deltas_off)
        return;
    cloud->maker = maker_start(cloud->base, cloud->desk, &cloud->fleet, cloud->front.porter, &settings);
    cloud->front.maker = cloud->maker;
}

static void start_provider(struct cloud *cloud)
{
    char why[CLOUD_WHY_MAX];
    struct front *front = &cloud->front;
    if (cloud->options.oidc.issuer == NULL)
        return;
    front->provider = provider_open(&cloud->options.oidc, cloud->sign_in_key, why, sizeof why);
    if (front->provider == NULL)
        cloud_fail("%s", why);
    front->askers = workers_start(cloud->base, ASKERS, ASKS_WAITING_MAX);
}

static void stop_provider(struct cloud *cloud)
{
    provider_stop(cloud->front.provider);
    if (cloud->front.askers != NULL)
        workers_stop(cloud->front.askers);
    cloud->front.askers = NULL;
}

static void start_listening(struct cloud *cloud)
{
    struct front *front = &cloud->front;
    struct bound devices;
    bound_share(raise_file_limit(), &front->bound, &devices);
    start_porter(cloud);
    start_provider(cloud);
    start_front(cloud);
    start_gateway(cloud, devices);
    start_bus(cloud);
    cloud->desk = desk_start(cloud->base, &cloud->fleet, relay_effect, &cloud->relay);
    gateway_attach(cloud->gateway, cloud->desk, cloud->options.database != NULL);
    front->desk = cloud->desk;
    front->bus = cloud->relay.bus;
    events_attach(front->events, cloud->desk);
    start_maker(cloud);
    cloud->courier = courier_start(cloud->base, cloud->desk, cloud->options.webhooks_anywhere);
    if (front->porter != NULL)
        cloud->janitor = janitor_start(cloud->base, cloud->desk, front->porter);
    cloud->workers = workers_start(cloud->base, WORKERS, WORK_WAITING_MAX);
    front->workers = cloud->workers;
    front->known = workers_start(cloud->base, 1, WORK_WAITING_MAX);
    front->gateway = cloud->gateway;
    log_line(
        LOG_LEVEL_INFO, "started", "version=%s http_port=%u mqtt_port=%u https_port=%u mqtts_port=%u data=%s",
        TANDEM_VERSION, http_port(front->server, HTTP_CLEAR), gateway_port(cloud->gateway, GATEWAY_CLEAR),
        http_port(front->server, HTTP_TLS), gateway_port(cloud->gateway, GATEWAY_TLS), cloud->options.data);
    supervisor_tell("READY=1");
}

/* Before anybody is told that the server is there: who knows that may stop it. */
static void watch_signals(struct cloud *cloud)
{
    static const int numbers[CLOUD_SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < CLOUD_SIGNALS; i++) {
        cloud->signals[i] = evsignal_new(cloud->base, numbers[i], on_signal, cloud);
        if (cloud->signals[i] == NULL || evsignal_add(cloud->signals[i], NULL) != 0)
            cloud_fail("cannot watch for signals");
    }
}

/* The other servers would find out by themselves; so they know now. */
static void leave(struct cloud *cloud)
{
    struct store *store = cloud->fleet.store;
    int result = store_begin(store);
    if (result == STORE_OK)
        result = node_leave(&cloud->fleet);
    if (result == STORE_OK)
        result = store_commit(store);
    else
        store_rollback(store);
    if (result != STORE_OK)
        log_line(LOG_LEVEL_WARNING, "leave-failed", "reason=\"%s\"", store_result_text(result));
}

static void stop(struct cloud *cloud)
{
    courier_stop(cloud->courier);
    janitor_stop(cloud->janitor);
    workers_stop(cloud->workers);
    cloud->front.workers = NULL;
    workers_stop(cloud->front.known);
    cloud->front.known = NULL;
    stop_provider(cloud);
    maker_stop(cloud->maker);
    porter_stop(cloud->front.porter);
    desk_stop(cloud->desk);
    leave(cloud);
    bus_close(cloud->relay.bus);
    http_stop(cloud->front.server);
    rates_free(&cloud->front.rates);
    idmap_free(&cloud->front.downloads);
    files_close(cloud->files);
    events_free(cloud->front.events);
    free(cloud->courier);
    janitor_free(cloud->janitor);
    maker_free(cloud->maker);
    console_free(cloud->front.console);
    provider_free(cloud->front.provider);
    tls_free(cloud->web);
    tls_free(cloud->door);
    gateway_free(cloud->gateway);
    for (size_t i = 0; i < CLOUD_SIGNALS; i++)
        event_free(cloud->signals[i]);
    if (cloud->daily != NULL)
        event_free(cloud->daily);
    event_base_free(cloud->base);
    fleet_clear(&cloud->fleet);
    store_close(cloud->fleet.store);
    tokens_free(&cloud->devices);
    log_line(LOG_LEVEL_INFO, "stopped", "data=%s", cloud->options.data);
}

int main(int argc, char **argv)
{
    struct cloud cloud = {0};
    if (backup_is_command(argc, argv)) {
        umask(077);
        return backup_run(argc, argv);
    }
    if (worker_is_command(argc, argv)) {
        umask(077);
        return worker_run(argc, argv);
    }
    options_parse(&cloud.options, argc, argv);
    log_level_set(cloud.options.log_level);
    log_json_set(cloud.options.log_json);
    log_priority_set(supervisor_keeps_log());
    signal(SIGPIPE, SIG_IGN);
    /* libnats, once it has spoken TLS, frees at its end what OpenSSL's own clean-up at exit frees again. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    umask(077);
    load_tls(&cloud);
    cloud_open_folder(&cloud);
    people_init(&cloud.people);
    cloud_open_store(&cloud);
    cloud.base = event_base_new();
    if (cloud.base == NULL)
        cloud_fail("cannot start the event loop");
    watch_signals(&cloud);
    watch_certificate(&cloud);
    start_listening(&cloud);
    event_base_dispatch(cloud.base);
    stop(&cloud);
    return 0;
}
