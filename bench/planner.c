/* How long the planner takes for a fleet, and how much memory: for each number of devices on the command line
 * a database of its own in the folder that comes first, then
 *
 *     dry run    every device judged by all rules, nothing written (preview.h)
 *     planning   the same, with each device's target and wave written and committed (planning.h)
 *
 * and for all of them connected, another time
 *
 *     offers     from "start shipment" to the last device having its offer decided, written and committed
 *
 * In place of the folder stands the URL of an empty PostgreSQL database, for one number of devices. `fill` or
 * `measure` before the number does that half alone, so that the server can do its housekeeping in between.
 *
 * One line each, for tools/bench: seconds of wall and of CPU for each, and what the process's resident set
 * grew by at most, in MiB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cloud/fleet/devices/device.h"
#include "cloud/fleet/due.h"
#include "cloud/fleet/shipments/planning.h"
#include "cloud/fleet/shipments/preview.h"
#include "cloud/log.h"

#define TEMPLATE "TMPLbench"

static void must(int result, const char *what)
{
    if (result == STORE_OK)
        return;
    fprintf(stderr, "planner-bench: %s: %s\n", what, store_result_text(result));
    exit(1);
}

/* Of the clock on the wall, and of the processor. */
struct moment {
    double wall, cpu;
};

static double read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct moment moment_now(void)
{
    return (struct moment){read_clock(CLOCK_MONOTONIC), read_clock(CLOCK_PROCESS_CPUTIME_ID)};
}

static struct moment since(struct moment start)
{
    struct moment now = moment_now();
    return (struct moment){now.wall - start.wall, now.cpu - start.cpu};
}

static struct store *open_store(const char *path)
{
    struct store *store;
    char why[400];
    if (store_open(&store, path, why, sizeof why) == STORE_OK)
        return store;
    fprintf(stderr, "planner-bench: %s\n", why);
    exit(1);
}

/* Three versions in the field, every so many devices connected. */
static void add_device(struct store *store, int64_t number, int64_t every)
{
    static const char *const versions[] = {"1.0.0", "1.1.0", "1.2.0"};
    struct device device = {.organization = RECORD_FIRST_ORGANIZATION,
                            .template = TEMPLATE,
                            .type = "pump",
                            .hardware = "board-1",
                            .counter = 1,
                            .checked_in = 1,
                            .digest_known = true,
                            .state = DEVICE_CONFIRMED,
                            .said = SAID_CHECK_IN};
    snprintf(device.name, sizeof device.name, "pump %lld", (long long)number);
    snprintf(device.version, sizeof device.version, "%s", versions[number % 3]);
    snprintf(device.build, sizeof device.build, "Nov 16 2023 20:35:55");
    memset(device.digest, (int)(number % 3 + 1), sizeof device.digest);
    memcpy(device.token_hash, &number, sizeof number);
    must(store_device_add(store, &device), "add a device");
    struct presence presence = {.connection = (uint64_t)number};
    if (number % every == 0)
        must(store_presence_set(store, device.id, &presence), "connect a device");
}

static int64_t fill(const char *path, int64_t devices, int64_t every)
{
    struct store *store = open_store(path);
    struct firmware firmware = {.organization = RECORD_FIRST_ORGANIZATION,
                                .name = "app-1.2.0.tdm",
                                .package = true,
                                .size = 100000,
                                .type = "pump",
                                .version = "1.2.0",
                                .hardware = "board-1"};
    memset(firmware.digest, 3, sizeof firmware.digest);
    must(store_begin(store), "begin");
    must(store_template_add(store, RECORD_FIRST_ORGANIZATION, TEMPLATE), "add the template");
    must(store_firmware_add(store, &firmware), "add the firmware");
    for (int64_t i = 1; i <= devices; i++)
        add_device(store, i, every);
    must(store_commit(store), "commit");
    store_close(store);
    return firmware.id;
}

static struct shipment_order order_of(const struct fleet *fleet, int64_t firmware)
{
    struct shipment_order order;
    shipment_order_init(&order, &fleet->limits);
    snprintf(order.shipment.template, sizeof order.shipment.template, "%s", TEMPLATE);
    order.shipment.organization = RECORD_FIRST_ORGANIZATION;
    order.shipment.firmware = firmware;
    order.waves[1] = order.waves[0];
    order.waves[0].kind = WAVE_PERCENT;
    order.waves[0].amount = 100; /* 1 % */
    order.wave_count = 2;
    return order;
}

static struct moment dry_run(struct fleet *fleet, const struct shipment_order *order, int64_t devices)
{
    struct firmware firmware;
    bool more = true;
    struct moment start = moment_now();
    must(store_firmware_get(fleet->store, order->shipment.firmware, &firmware), "read the firmware");
    struct preview_run *run = preview_start(order, &firmware);
    while (more) {
        must(store_begin(fleet->store), "begin");
        must(preview_step(fleet, run, &more), "preview");
        must(store_commit(fleet->store), "commit");
    }
    struct moment took = since(start);
    if (preview_result(run)->target != devices || preview_result(run)->sizes[0] != (devices + 99) / 100) {
        fprintf(stderr, "planner-bench: the dry run saw %lld devices\n",
                (long long)preview_result(run)->target);
        exit(1);
    }
    preview_free(run);
    return took;
}

static struct moment plan(struct fleet *fleet, struct shipment_order *order, int64_t devices)
{
    struct progress progress;
    bool more = true;
    struct moment start = moment_now();
    must(store_begin(fleet->store), "begin");
    must(shipment_create(fleet, order), "create");
    must(store_commit(fleet->store), "commit");
    while (more) {
        must(store_begin(fleet->store), "begin");
        must(planning_step(fleet, &more), "plan");
        must(store_commit(fleet->store), "commit");
    }
    struct moment took = since(start);
    must(store_shipment_progress(fleet->store, order->shipment.id, &progress), "read the progress");
    if (progress.target != devices || progress.updated != (devices + 1) / 3) {
        fprintf(stderr, "planner-bench: %lld of %lld devices are planned\n", (long long)progress.target,
                (long long)devices);
        exit(1);
    }
    return took;
}

static int64_t take_effects(struct fleet *fleet)
{
    int64_t offers = 0;
    while (fleet->effects != NULL) {
        struct effect *next = fleet->effects->next;
        offers += fleet->effects->kind == EFFECT_OFFER;
        free(fleet->effects);
        fleet->effects = next;
    }
    return offers;
}

/* Every device is connected, and a third of them runs the firmware already. */
static struct moment offer(struct fleet *fleet, struct shipment_order *order, int64_t devices)
{
    struct moment start = moment_now();
    order->waves[0] = order->waves[1];
    order->wave_count = 1;
    must(store_begin(fleet->store), "begin");
    must(shipment_create(fleet, order), "create");
    must(store_commit(fleet->store), "commit");
    int64_t offers = take_effects(fleet);
    while (offers < devices - (devices + 1) / 3) {
        must(store_begin(fleet->store), "begin");
        must(due_tick(fleet), "tick");
        must(store_commit(fleet->store), "commit");
        offers += take_effects(fleet);
    }
    return since(start);
}

static long resident_kib(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

static void measure(const char *path, int64_t devices, int64_t firmware)
{
    struct fleet fleet = {.store = open_store(path), .limits = status_limits_default, .now = 1700000000000};
    struct shipment_order order = order_of(&fleet, firmware);
    long before = resident_kib();
    struct moment dry = dry_run(&fleet, &order, devices);
    struct moment planning = plan(&fleet, &order, devices);
    printf("%lld %.2f %.2f %.2f %.2f %.1f\n", (long long)devices, dry.wall, dry.cpu, planning.wall,
           planning.cpu, (double)(resident_kib() - before) / 1024);
    fflush(stdout);
    fleet_clear(&fleet);
    store_close(fleet.store);
}

static void measure_offers(const char *path, int64_t devices, int64_t firmware)
{
    struct fleet fleet = {.store = open_store(path), .limits = status_limits_default, .now = 1700000000000};
    struct shipment_order order = order_of(&fleet, firmware);
    struct moment took = offer(&fleet, &order, devices);
    printf("%lld %.2f %.2f\n", (long long)devices, took.wall, took.cpu);
    fflush(stdout);
    fleet_clear(&fleet);
    store_close(fleet.store);
}

static void fill_some(const char *path, int64_t devices, int64_t firmware)
{
    if (fill(path, devices, 10) != firmware)
        exit(1);
}

static void fill_connected(const char *path, int64_t devices, int64_t firmware)
{
    if (fill(path, devices, 1) != firmware)
        exit(1);
}

typedef void part_fn(const char *path, int64_t devices, int64_t firmware);

/* In processes of their own, so that memory is not what filling the database took. */
static void in_child(part_fn *part, const char *path, int64_t devices)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        part(path, devices, 1);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        exit(1);
}

static const struct mode {
    const char *word, *prefix; /* in the command line, and of the file's name */
    part_fn *fill, *measure;
} modes[] = {
    {"offers", "offers-", fill_connected, measure_offers},
    {"fill", "", fill_some, NULL},
    {"measure", "", NULL, measure},
    {"", "", fill_some, measure}, /* without a word */
};

static const struct mode *mode_of(const char *word)
{
    size_t i = 0;
    while (strcmp(modes[i].word, word) != 0 && modes[i].word[0] != '\0')
        i++;
    return &modes[i];
}

int main(int argc, char **argv)
{
    const struct mode *mode = mode_of(argc > 2 ? argv[2] : "");
    log_level_set(LOG_LEVEL_WARNING);
    for (int i = mode->word[0] != '\0' ? 3 : 2; i < argc; i++) {
        char path[512];
        int64_t devices = strtoll(argv[i], NULL, 10);
        if (strncmp(argv[1], "postgresql://", 13) == 0)
            snprintf(path, sizeof path, "%s", argv[1]);
        else
            snprintf(path, sizeof path, "%s/%s%s.db", argv[1], mode->prefix, argv[i]);
        if (mode->fill != NULL)
            in_child(mode->fill, path, devices);
        if (mode->measure != NULL)
            in_child(mode->measure, path, devices);
    }
    return argc < 3;
}
