#include "cloud/net/front/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cloud/fleet/rules/words.h"

void metrics_request(struct metrics *metrics, const struct route *route, int status)
{
    size_t at = 0;
    while (route_at(at) != NULL && route_at(at) != route)
        at++;
    if (at < METRICS_ROUTES_MAX && status >= 100 && status < 600)
        metrics->requests[at][status / 100 - 1]++;
}

static void begin(FILE *to, const char *name, const char *type, const char *help)
{
    fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(FILE *to, const char *name, const char *help, int64_t value)
{
    begin(to, name, "gauge", help);
    fprintf(to, "%s %" PRId64 "\n", name, value);
}

static void write_requests(FILE *to, const struct metrics *metrics)
{
    begin(to, "tandem_http_requests_total", "counter",
          "Requests answered, by operation of docs/openapi.json.");
    for (size_t i = 0; i < METRICS_ROUTES_MAX && route_at(i) != NULL; i++) {
        for (int hundred = 0; hundred < 5; hundred++) {
            if (metrics->requests[i][hundred] > 0)
                fprintf(to, "tandem_http_requests_total{operation=\"%s\",status=\"%dxx\"} %" PRIu64 "\n",
                        route_at(i)->operation, hundred + 1, metrics->requests[i][hundred]);
        }
    }
}

static void write_store(FILE *to, const struct store_counts *counts)
{
    gauge(to, "tandem_devices", "Devices of all organizations.", counts->devices);
    gauge(to, "tandem_devices_online", "Devices that are connected, to any server.", counts->online);
    gauge(to, "tandem_firmware", "Firmware files.", counts->firmware);
    begin(to, "tandem_shipments", "gauge", "Shipments, by state.");
    for (int state = SHIPMENT_LIVE; state <= SHIPMENT_CANCELLED; state++)
        fprintf(to, "tandem_shipments{state=\"%s\"} %" PRId64 "\n",
                shipment_state_slug((enum shipment_state)state), counts->shipments[state]);
    begin(to, "tandem_targets", "gauge", "Devices of live and paused shipments, by outcome.");
    fprintf(to,
            "tandem_targets{outcome=\"updated\"} %" PRId64 "\ntandem_targets{outcome=\"failed\"} %" PRId64
            "\ntandem_targets{outcome=\"rest\"} %" PRId64 "\n",
            counts->updated, counts->failed, counts->targets - counts->updated - counts->failed);
}

static void write_made(FILE *to, const struct maker_figures *maker)
{
    begin(to, "tandem_deltas_made_total", "counter",
          "Deltas and compressed packages that this server made or failed to make, by result.");
    for (int result = 0; result < WORKER_RESULTS_COUNT; result++)
        fprintf(to, "tandem_deltas_made_total{result=\"%s\"} %" PRIu64 "\n",
                worker_slug((enum worker_result)result), maker->made[result]);
    begin(to, "tandem_deltas_seconds_total", "counter", "Time that making them took.");
    fprintf(to, "tandem_deltas_seconds_total %.3f\n", (double)maker->took_ms / 1000);
}

static void write_offers(FILE *to, const struct offer_figures *offers)
{
    begin(to, "tandem_offers_total", "counter", "Offers of this server, by encoding.");
    for (int form = FORM_PLAIN; form <= FORM_DELTA; form++)
        fprintf(to, "tandem_offers_total{encoding=\"%s\"} %" PRIu64 "\n",
                status_form_slug((enum form_kind)form), offers->count[form]);
    begin(to, "tandem_offer_bytes_total", "counter", "Size of the files that this server offered.");
    fprintf(to, "tandem_offer_bytes_total %" PRIu64 "\n", offers->bytes);
    begin(to, "tandem_offer_bytes_saved_total", "counter",
          "What the plain packages would have been more than those.");
    fprintf(to, "tandem_offer_bytes_saved_total %" PRIu64 "\n", offers->saved);
}

static int64_t open_files(void)
{
    int64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (folder == NULL)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

static int64_t resident_bytes(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%*d %ld", &pages) != 1)
        pages = 0;
    fclose(file);
    return (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static void write_process(FILE *to)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    begin(to, "process_cpu_seconds_total", "counter", "CPU time of this server.");
    fprintf(to, "process_cpu_seconds_total %.3f\n",
            (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    gauge(to, "process_resident_memory_bytes", "Memory of this server.", resident_bytes());
    gauge(to, "process_open_fds", "Open files of this server.", open_files());
}

char *metrics_write(const struct metrics *metrics, const struct metrics_store *store, size_t *bytes)
{
    char *text = NULL;
    FILE *to = open_memstream(&text, bytes);
    if (to == NULL)
        abort();
    begin(to, "tandem_build_info", "gauge", "The version, as a label.");
    fprintf(to, "tandem_build_info{version=\"%s\"} 1\n", TANDEM_VERSION);
    write_store(to, &store->counts);
    write_requests(to, metrics);
    gauge(to, "tandem_deltas", "Deltas and compressed packages that are kept, on all servers.",
          store->counts.forms);
    gauge(to, "tandem_deltas_bytes", "Their size.", store->counts.forms_bytes);
    if (store->maker != NULL)
        write_made(to, store->maker);
    write_offers(to, store->offers);
    gauge(to, "tandem_desk_waiting", "Jobs that wait for the database.", store->waiting);
    gauge(to, "tandem_event_streams", "Clients that watch live events.", (int64_t)store->streams);
    if (store->certificate_ends != 0)
        gauge(to, "tandem_certificate_expires_seconds", "When the certificate ends, since 1970.",
              store->certificate_ends);
    write_process(to);
    if (fclose(to) != 0)
        abort();
    return text;
}
