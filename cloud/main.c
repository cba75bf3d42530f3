/* tandem-cloud: data folder, store, desk, gateway, front, in that order; and back. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "cloud/backup.h"
#include "cloud/deltas/maker.h"
#include "cloud/fleet/desk.h"
#include "cloud/fleet/firmware.h"
#include "cloud/fleet/node.h"
#include "cloud/log.h"
#include "cloud/net/courier.h"
#include "cloud/net/front.h"
#include "cloud/net/gateway.h"
#include "cloud/net/janitor.h"
#include "cloud/net/relay.h"
#include "cloud/options.h"
#include "cloud/people/people.h"
#include "cloud/text.h"

#define PATH_BYTES     (OPTIONS_DATA_MAX + 128) /* of what lies in the data folder */
#define WHY_BYTES      400                      /* of a reason in words */
#define FLUSH_MS       500
#define SIGNALS        3
#define TOKENS_AT_ONCE 10000
#define TRIES_MAX      20 /* to open the store while other servers do the same */

#define WORKERS          2 /* that hash passwords: 32 MiB each */
#define WORK_WAITING_MAX 64
#define ASKERS           4 /* that wait for the identity provider */
#define ASKS_WAITING_MAX 16

struct cloud {
    struct options options;
    char folder[PATH_BYTES]; /* of firmware files */
    char forms[PATH_BYTES];  /* of those that the server makes */
    struct maker *maker;
    struct fleet fleet;
    struct people people;
    struct workers *workers;
    uint8_t sign_in_key[SECRET_KEY_BYTES]; /* of the ways to the identity provider and back */
    struct courier *courier;
    struct janitor *janitor; /* NULL: files are kept in the own folder alone */
    struct tokens devices;
    struct event_base *base;
    struct event *signals[SIGNALS];
    struct desk *desk;
    struct tls *web; /* NULL without TLS */
    struct tls *door;
    struct gateway *gateway;
    struct relay relay;
    struct front front;
    struct files *files; /* NULL: firmware is kept in folder alone */
};

static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("tandem-cloud: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

/* --- Certificates --- */

static void load_tls(struct cloud *cloud)
{
    char why[WHY_BYTES];
    const struct options *options = &cloud->options;
    if (options->tls.certificate == NULL)
        return;
    /* People's browsers are asked for a certificate too, since devices come through HTTPS as well. */
    cloud->web = tls_load(&options->tls, TLS_CLIENTS_MAY, why, sizeof why);
    if (cloud->web != NULL)
        cloud->door = tls_load(&options->tls, TLS_CLIENTS_MUST, why, sizeof why);
    if (cloud->door == NULL)
        fail("%s", why);
}

static void reload_tls(struct cloud *cloud)
{
    char why[WHY_BYTES];
    if (cloud->web == NULL)
        return;
    if (tls_reload(cloud->web, why, sizeof why) && tls_reload(cloud->door, why, sizeof why))
        log_line(LOG_LEVEL_INFO, "certificate-loaded", "path=%s", cloud->options.tls.certificate);
    else
        log_line(LOG_LEVEL_ERROR, "certificate-failed", "error=\"%s\" hint=\"the one before stays in use\"",
                 why);
}

/* --- The data folder --- */

static void path_in(const struct cloud *cloud, const char *name, char *to, size_t capacity)
{
    snprintf(to, capacity, "%s/%s", cloud->options.data, name);
}

/* Held as long as the process lives, so that two servers never share a folder. */
static void lock_folder(const struct cloud *cloud)
{
    char path[PATH_BYTES];
    path_in(cloud, "lock", path, sizeof path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        fail("cannot write in %s: %s; choose another --data or change its owner", cloud->options.data,
             strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        fail("another tandem-cloud uses %s; stop it first", cloud->options.data);
}

static void open_folder(struct cloud *cloud)
{
    if (mkdir(cloud->options.data, 0700) != 0 && errno != EEXIST)
        fail("cannot create the data folder %s: %s; create the folder above it, or choose another --data",
             cloud->options.data, strerror(errno));
    lock_folder(cloud);
    path_in(cloud, "firmware", cloud->folder, sizeof cloud->folder);
    path_in(cloud, "deltas", cloud->forms, sizeof cloud->forms);
    if (!maker_open_folder(cloud->forms))
        fail("cannot write in %s: %s; change its owner", cloud->forms, strerror(errno));
}

/* --- The store, and what it holds in memory --- */

/* The file first: a token that is known but not written down anywhere would be lost. So would the one that is
 * there, of another database: --database may have been forgotten. */
static void write_token_file(const struct cloud *cloud, const char *token)
{
    char path[PATH_BYTES];
    char old[PATH_BYTES];
    path_in(cloud, "admin.token", path, sizeof path);
    path_in(cloud, "admin.token.old", old, sizeof old);
    if (rename(path, old) == 0)
        log_line(
            LOG_LEVEL_WARNING, "new-database",
            "hint=\"this database is empty, and %s was of another one: it is kept as %s. If you did not mean "
            "a new database, look at --database and --data\"",
            path, old);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%s\n", token) < 0 || fsync(fd) != 0 || close(fd) != 0)
        fail("cannot write %s: %s", path, strerror(errno));
}

/* Says once what the first admin gets in with. */
static int make_first_admin(struct cloud *cloud)
{
    char token[SECRET_TOKEN_MAX];
    char password[SECRET_TOKEN_MAX];
    int result = people_first(cloud->fleet.store, text_now_ms(), token, password);
    if (result != STORE_OK || token[0] == '\0')
        return result;
    write_token_file(cloud, token);
    result = store_commit(cloud->fleet.store); /* of servers that start together, one gets here */
    if (result != STORE_OK) {
        char path[PATH_BYTES];
        path_in(cloud, "admin.token", path, sizeof path);
        unlink(path);
        return result;
    }
    printf("admin token: %s (kept in %s/admin.token)\n"
           "admin password: %s (for the first sign-in as admin, which sets a new one)\n",
           token, cloud->options.data, password);
    fflush(stdout);
    return store_begin(cloud->fleet.store);
}

static int load_page(struct cloud *cloud, size_t *count)
{
    struct store *store = cloud->fleet.store;
    struct watch *watch = &cloud->fleet.watch;
    struct device_token *page;
    int result = store_begin(store);
    if (result != STORE_OK)
        return result;
    result = store_device_tokens(store, watch->newest_device, TOKENS_AT_ONCE, &page, count);
    for (size_t i = 0; i < *count; i++) {
        tokens_add(&cloud->devices, page[i].hash, page[i].device);
        watch->newest_device = page[i].device;
    }
    free(page);
    store_rollback(store); /* it only read */
    return result;
}

/* By pages: a transaction over a million rows would be in the way of every server that writes one of them.
 * What is added meanwhile is learned like everything that comes later (fleet/node.h). */
static int load_devices(struct cloud *cloud)
{
    size_t count = TOKENS_AT_ONCE;
    int result = STORE_OK;
    while (result == STORE_OK && count == TOKENS_AT_ONCE)
        result = load_page(cloud, &count);
    return result;
}

/* One for all servers on this database; made by the first. */
static int load_key(struct cloud *cloud, const char *name, uint8_t key[SECRET_KEY_BYTES])
{
    int result = store_setting_get(cloud->fleet.store, name, key, SECRET_KEY_BYTES);
    if (result != STORE_NOT_FOUND)
        return result;
    secret_random(key, SECRET_KEY_BYTES);
    return store_setting_set(cloud->fleet.store, name, key, SECRET_KEY_BYTES);
}

static int load_keys(struct cloud *cloud)
{
    uint8_t *key = cloud->fleet.tickets.key;
    int result = load_key(cloud, "ticket-key", key);
    if (result == STORE_OK)
        result = load_key(cloud, "sign-in-key", cloud->sign_in_key);
    memcpy(cloud->front.ticket_key, key, SECRET_KEY_BYTES);
    return result;
}

static void set_zone(struct fleet *fleet, const char *name)
{
    if (zone_find(&fleet->zones, name) == NULL)
        fail("--timezone: there is no time zone %s; write it as Europe/Berlin, and see that tzdata is "
             "installed",
             name);
    snprintf(fleet->zone, sizeof fleet->zone, "%s", name);
}

/* In one transaction, so that of several servers that start on an empty database one makes what all use. */
static int load_all(struct cloud *cloud)
{
    struct fleet *fleet = &cloud->fleet;
    bool alone = cloud->options.database == NULL;
    int result = store_begin(fleet->store);
    if (result == STORE_OK)
        result = node_join(fleet, alone);
    if (result == STORE_OK)
        result = make_first_admin(cloud);
    if (result == STORE_OK)
        result = load_keys(cloud);
    if (result == STORE_OK)
        result = firmware_sweep(fleet);
    if (result == STORE_OK)
        return store_commit(fleet->store);
    store_rollback(fleet->store);
    return result;
}

static void open_store(struct cloud *cloud)
{
    char path[PATH_BYTES];
    char why[PATH_BYTES + WHY_BYTES];
    struct fleet *fleet = &cloud->fleet;
    const char *where = cloud->options.database;
    path_in(cloud, "tandem.db", path, sizeof path);
    if (store_open(&fleet->store, where != NULL ? where : path, why, sizeof why) != STORE_OK)
        fail("cannot open the database: %s", why);
    fleet->limits = status_limits_default;
    fleet->limits.settle_ms = cloud->options.settle_ms;
    if (cloud->options.zone != NULL)
        set_zone(fleet, cloud->options.zone);
    fleet->public_url = cloud->options.public_url;
    fleet->folder = cloud->folder;
    fleet->forms.off = cloud->options.deltas_off;
    fleet->forms.wait_ms = cloud->options.deltas_wait_ms;
    fleet->forms.space_bytes = cloud->options.deltas_space_mib << 20;
    fleet->forms.folder = cloud->forms;
    fleet->now = text_now_ms();
    int result = STORE_AGAIN;
    for (int tries = 0; tries < TRIES_MAX && result == STORE_AGAIN; tries++)
        result = load_all(cloud);
    if (result == STORE_OK)
        result = load_devices(cloud);
    if (result != STORE_OK)
        fail("cannot use the database: %s; the log above says more", store_result_text(result));
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
        fail("cannot learn the limit of open files: %s", strerror(errno));
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return (size_t)(setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before);
}

static void start_front(struct cloud *cloud)
{
    char why[WHY_BYTES];
    const struct options *options = &cloud->options;
    struct front *front = &cloud->front;
    const struct door doors[HTTP_DOORS] = {
        [HTTP_CLEAR] = {.address = options->http, .anywhere = options->allow_clear},
        [HTTP_TLS] = {.address = options->https, .tls = cloud->web},
    };
    front->people = &cloud->people;
    front->proxies = &options->proxies;
    front->events = events_start(cloud->base, &cloud->fleet.watched);
    /* Those who look may do so by another server. */
    atomic_store(&cloud->fleet.watched, options->bus != NULL);
    front->folder = cloud->folder;
    front->forms_folder = cloud->forms;
    front->offers = &cloud->relay.offers;
    front->certificates = options->tls.client_ca != NULL;
    if (options->console != NULL) {
        front->console = console_load(options->console, why, sizeof why);
        if (front->console == NULL)
            fail("%s", why);
    }
    if (!front_start(front, cloud->base, doors, why, sizeof why))
        fail("%s", why);
}

static void start_gateway(struct cloud *cloud, struct bound bound)
{
    char why[WHY_BYTES];
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
        fail("%s", why);
}

static void start_bus(struct cloud *cloud)
{
    char why[WHY_BYTES];
    struct relay *relay = &cloud->relay;
    relay->gateway = cloud->gateway;
    relay->events = cloud->front.events;
    relay->node = cloud->fleet.node;
    relay->bus =
        bus_open(cloud->options.bus, relay->node, cloud->base, relay_message, relay, why, sizeof why);
    if (relay->bus == NULL)
        fail("%s", why);
}

static void start_porter(struct cloud *cloud)
{
    char why[WHY_BYTES];
    if (cloud->options.files == NULL)
        return;
    cloud->files = files_open(cloud->options.files, why, sizeof why);
    if (cloud->files == NULL)
        fail("%s", why);
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
    char why[WHY_BYTES];
    struct front *front = &cloud->front;
    if (cloud->options.oidc.issuer == NULL)
        return;
    front->provider = provider_open(&cloud->options.oidc, cloud->sign_in_key, why, sizeof why);
    if (front->provider == NULL)
        fail("%s", why);
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
    gateway_attach(cloud->gateway, cloud->desk);
    front->desk = cloud->desk;
    front->bus = cloud->relay.bus;
    events_attach(front->events, cloud->desk);
    start_maker(cloud);
    cloud->courier = courier_start(cloud->base, cloud->desk, cloud->options.webhooks_anywhere);
    if (front->porter != NULL)
        cloud->janitor = janitor_start(cloud->base, cloud->desk, front->porter);
    cloud->workers = workers_start(cloud->base, WORKERS, WORK_WAITING_MAX);
    front->workers = cloud->workers;
    front->gateway = cloud->gateway;
    log_line(
        LOG_LEVEL_INFO, "started", "version=%s http_port=%u mqtt_port=%u https_port=%u mqtts_port=%u data=%s",
        TANDEM_VERSION, http_port(front->server, HTTP_CLEAR), gateway_port(cloud->gateway, GATEWAY_CLEAR),
        http_port(front->server, HTTP_TLS), gateway_port(cloud->gateway, GATEWAY_TLS), cloud->options.data);
}

/* Before anybody is told that the server is there: who knows that may stop it. */
static void watch_signals(struct cloud *cloud)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < SIGNALS; i++) {
        cloud->signals[i] = evsignal_new(cloud->base, numbers[i], on_signal, cloud);
        if (cloud->signals[i] == NULL || evsignal_add(cloud->signals[i], NULL) != 0)
            fail("cannot watch for signals");
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
    stop_provider(cloud);
    maker_stop(cloud->maker);
    porter_stop(cloud->front.porter);
    desk_stop(cloud->desk);
    leave(cloud);
    bus_close(cloud->relay.bus);
    http_stop(cloud->front.server);
    rates_free(&cloud->front.rates);
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
    for (size_t i = 0; i < SIGNALS; i++)
        event_free(cloud->signals[i]);
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
    signal(SIGPIPE, SIG_IGN);
    /* libnats, once it has spoken TLS, frees at its end what OpenSSL's own clean-up at exit frees again. */
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    umask(077);
    load_tls(&cloud);
    open_folder(&cloud);
    people_init(&cloud.people);
    open_store(&cloud);
    cloud.base = event_base_new();
    if (cloud.base == NULL)
        fail("cannot start the event loop");
    watch_signals(&cloud);
    start_listening(&cloud);
    event_base_dispatch(cloud.base);
    stop(&cloud);
    return 0;
}
