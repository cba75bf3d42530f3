/* What a fleet costs the store: 10,000 to 1,000,000 devices in a SQLite file, with the fleet's own code on
 * it, all on one thread. Prints a table; grows in the folder given.
 *
 *     bench_store_scale FOLDER [DEVICES...]
 *
 * A check-in is connect, info/mcu with the decision, and the offer sent, in transactions of 100, as the desk
 * makes them under load. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cloud/fleet/devices/device.h"
#include "cloud/fleet/due.h"
#include "cloud/fleet/shipments/shipment.h"
#include "cloud/log.h"
#include "cloud/text.h"

#define BATCH    1000
#define TOGETHER 100 /* check-ins in one transaction */
#define SAMPLE   5000
#define TEMPLATE "TMPL0vFkFmJM7"

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(int result, const char *what)
{
    if (result == STORE_OK)
        return;
    fprintf(stderr, "bench_store_scale: %s: %s\n", what, store_result_text(result));
    exit(1);
}

static long resident_kb(void)
{
    long pages = 0;
    long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &pages, &resident) != 2)
        exit(1);
    fclose(file);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void drop_effects(struct fleet *fleet)
{
    while (fleet->effects != NULL) {
        struct effect *next = fleet->effects->next;
        free(fleet->effects);
        fleet->effects = next;
    }
}

static void commit(struct fleet *fleet)
{
    must(store_commit(fleet->store), "commit");
    drop_effects(fleet);
}

static void add_devices(struct fleet *fleet, int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        struct device device = {.organization = 1, .created = fleet->now, .counter = -1, .checked_in = 1};
        if (i % BATCH == 0 || i == from)
            must(store_begin(fleet->store), "begin");
        snprintf(device.template, sizeof device.template, TEMPLATE);
        snprintf(device.name, sizeof device.name, "device %lld", (long long)i);
        snprintf(device.type, sizeof device.type, "pump");
        snprintf(device.version, sizeof device.version, "1.%lld.0", (long long)(i % 10));
        memcpy(device.token_hash, &i, sizeof i);
        must(store_device_add(fleet->store, &device), "add a device");
        if (i % BATCH == BATCH - 1 || i + 1 == to)
            commit(fleet);
    }
}

/* Devices spread over the whole table. */
static double check_ins(struct fleet *fleet, int64_t devices)
{
    struct check_in check_in = {.template = TEMPLATE, .type = "pump", .version = "1.0.0"};
    int64_t sample = devices < SAMPLE ? devices : SAMPLE;
    double start = seconds();
    for (int64_t i = 0; i < sample; i++) {
        int64_t id = 1 + i * (devices / sample);
        uint64_t connection = (uint64_t)i + 1;
        if (i % TOGETHER == 0)
            must(store_begin(fleet->store), "begin");
        must(store_step_begin(fleet->store), "step");
        must(device_connected(fleet, id, connection, "http://192.0.2.1:8080"), "connect");
        must(store_step_end(fleet->store, true), "step");
        must(store_step_begin(fleet->store), "step");
        must(device_checked_in(fleet, id, connection, &check_in), "check in");
        must(store_step_end(fleet->store, true), "step");
        if (i % TOGETHER == TOGETHER - 1 || i + 1 == sample)
            commit(fleet);
    }
    return (seconds() - start) / (double)sample * 1e6;
}

/* Every login token into memory, by pages; returns how many. */
static int64_t walk_tokens(struct fleet *fleet)
{
    int64_t last = 0;
    int64_t total = 0;
    for (size_t count = BATCH; count == BATCH;) {
        struct device_token *page;
        must(store_device_tokens(fleet->store, last, BATCH, &page, &count), "tokens");
        last = count > 0 ? page[count - 1].device : last;
        total += (int64_t)count;
        free(page);
    }
    return total;
}

static int64_t start_shipment(struct fleet *fleet, const char *version, uint8_t mark)
{
    struct firmware firmware = {.organization = 1, .package = true, .size = 100000, .type = "pump"};
    struct shipment_order order;
    snprintf(firmware.version, sizeof firmware.version, "%s", version);
    memset(firmware.digest, mark, sizeof firmware.digest);
    memset(firmware.sha256, mark, sizeof firmware.sha256);
    shipment_order_init(&order, &fleet->limits);
    must(store_begin(fleet->store), "begin");
    must(store_firmware_add(fleet->store, &firmware), "add a firmware");
    order.shipment.organization = 1;
    snprintf(order.shipment.template, sizeof order.shipment.template, TEMPLATE);
    order.shipment.firmware = firmware.id;
    must(shipment_create(fleet, &order), "create a shipment");
    commit(fleet);
    return order.shipment.id;
}

/* So that planning is planning alone. */
static void everybody_leaves(struct fleet *fleet)
{
    must(store_begin(fleet->store), "begin");
    must(store_node_add(fleet->store, fleet->now, true, &fleet->node), "join");
    commit(fleet);
}

/* Ticks until the shipment has a target for every device; returns the seconds. */
static double plan(struct fleet *fleet, uint8_t mark)
{
    char version[16];
    double start = seconds();
    snprintf(version, sizeof version, "%u.0.0", mark);
    start_shipment(fleet, version, mark);
    do {
        must(store_begin(fleet->store), "begin");
        must(due_tick(fleet), "tick");
        commit(fleet);
    } while (fleet->busy);
    return seconds() - start;
}

static double per_tick_us(struct fleet *fleet)
{
    double start = seconds();
    for (int i = 0; i < 100; i++) {
        must(store_begin(fleet->store), "begin");
        must(due_tick(fleet), "tick");
        commit(fleet);
    }
    return (seconds() - start) / 100 * 1e6;
}

static void open_fleet(struct fleet *fleet, const char *path)
{
    char why[400];
    *fleet = (struct fleet){.limits = status_limits_default, .now = text_now_ms()};
    if (store_open(&fleet->store, path, why, sizeof why) != STORE_OK) {
        fprintf(stderr, "bench_store_scale: %s\n", why);
        exit(1);
    }
    must(store_begin(fleet->store), "begin");
    must(store_node_add(fleet->store, fleet->now, true, &fleet->node), "join");
    must(store_template_add(fleet->store, 1, TEMPLATE), "add a template");
    commit(fleet);
}

/* Adds devices up to that many, measures, and prints a row. */
static void measure(struct fleet *fleet, const char *path, int64_t before, int64_t devices, uint8_t mark)
{
    struct stat file;
    double start = seconds();
    add_devices(fleet, before, devices);
    double add = (seconds() - start) / (double)(devices - before) * 1e6;
    start = seconds();
    if (walk_tokens(fleet) != devices)
        must(STORE_FAILED, "tokens");
    double tokens = seconds() - start;
    everybody_leaves(fleet);
    double planned = plan(fleet, mark);
    double check_in = check_ins(fleet, devices);
    double tick = per_tick_us(fleet);
    if (stat(path, &file) != 0)
        must(STORE_FAILED, "stat");
    printf("| %lld | %.1f | %.2f | %.2f | %.1f | %.1f | %lld | %ld |\n", (long long)devices, add, tokens,
           planned, check_in, tick, (long long)file.st_size / devices, resident_kb() / 1024);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const int64_t usual[] = {10000, 100000, 1000000};
    char path[1100];
    struct fleet fleet;
    int64_t devices = 0;
    int steps = argc > 2 ? argc - 2 : 3;
    if (argc < 2)
        return 2;
    log_level_set(LOG_LEVEL_WARNING);
    snprintf(path, sizeof path, "%s/scale.db", argv[1]);
    if (access(path, F_OK) == 0) {
        fprintf(stderr, "bench_store_scale: %s is there already; remove it\n", path);
        return 1;
    }
    open_fleet(&fleet, path);
    printf("| devices | add, us each | all tokens read, s | shipment for all planned, s | check-in with "
           "offer, us | "
           "idle tick, us | file, bytes/device | RSS, MB |\n|---|---|---|---|---|---|---|---|\n");
    for (int step = 0; step < steps; step++) {
        int64_t before = devices;
        devices = argc > 2 ? strtoll(argv[2 + step], NULL, 10) : usual[step];
        measure(&fleet, path, before, devices, (uint8_t)(step + 2));
    }
    fleet_clear(&fleet);
    store_close(fleet.store);
    unlink(path);
    return 0;
}
