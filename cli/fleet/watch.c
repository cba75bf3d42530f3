/* The interface is asked again and again, until what it says is the end. */
#include "cli/fleet/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/base/member.h"
#include "cli/base/output.h"
#include "cli/fleet/shipment.h"
#include "cli/fleet/watch_view.h"

#define POLL_MS       300
#define POLL_LARGE_MS 2000 /* where shipment_is_large */

struct watch {
    struct rest *rest;
    const char *id;
    struct watch_view view;
    bool unreachable; /* said already */
    double started;   /* seconds of the monotonic clock */
    json_t *shipment; /* as seen last */
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Cancelled, finished, or nothing left to do for any device it has. */
static bool shipment_ended(const json_t *shipment)
{
    const char *state = member_text(shipment, "state");
    const json_t *devices = json_object_get(shipment, "devices");
    size_t i;
    const json_t *device;

    if (strcmp(state, "finished") == 0 || strcmp(state, "cancelled") == 0)
        return true;
    if (shipment_is_large(shipment))
        return false;
    json_array_foreach(devices, i, device)
    {
        if (!shipment_device_ended(device))
            return false;
    }
    return json_array_size(devices) > 0;
}

/* A gate has paused it: somebody must look. */
static bool stopped(const json_t *shipment)
{
    return strcmp(member_text(shipment, "state"), "paused") == 0 &&
           json_is_string(json_object_get(shipment, "why"));
}

static int verdict_of(const json_t *shipment)
{
    const json_t *devices = json_object_get(shipment, "devices");
    json_int_t behind = member_number(shipment, "progress.failed") + member_number(shipment, "progress.rest");
    size_t i;
    const json_t *device;

    json_array_foreach(devices, i, device)
    {
        if (!shipment_device_runs(device))
            return CLI_SHIPMENT;
    }
    if (shipment_is_large(shipment) && behind > 0)
        return CLI_SHIPMENT;
    return strcmp(member_text(shipment, "state"), "cancelled") == 0 ? CLI_SHIPMENT : CLI_OK;
}

/* Asks once. CLI_SERVER is not the end: servers restart. */
static int look(struct watch *watch)
{
    char *path = rest_path(watch->rest, "/shipments/", watch->id, "");
    char why[REST_WHY_BYTES];
    json_t *answer;
    int rc = rest_request_quietly(watch->rest, "GET", path, NULL, &answer, why);

    free(path);
    if (rc == CLI_OK) {
        json_decref(watch->shipment);
        watch->shipment = answer;
        watch->unreachable = false;
    } else if (rc != CLI_SERVER) {
        return output_fail(rc, "%s", why);
    } else if (!watch->unreachable) {
        watch_view_clear(&watch->view);
        output_warn("%s; still trying", why);
        watch->unreachable = true;
    }
    return CLI_OK;
}

static void pause_between(const struct watch *watch)
{
    long ms = shipment_is_large(watch->shipment) ? POLL_LARGE_MS : POLL_MS;
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static double seconds_of(const struct watch *watch)
{
    return now() - watch->started;
}

/* True if there is nothing more to follow; then with what exit status. */
static bool is_over(struct watch *watch, int *rc)
{
    if (shipment_ended(watch->shipment)) {
        *rc = verdict_of(watch->shipment);
        return true;
    }
    if (!stopped(watch->shipment))
        return false;
    watch_view_clear(&watch->view);
    *rc = output_fail(CLI_SHIPMENT,
                      "shipment %s stopped: %s; go on with: tandem shipment resume %s, or end it with: "
                      "tandem shipment cancel %s",
                      watch->id, member_text(watch->shipment, "why"), watch->id, watch->id);
    return true;
}

static int follow(struct watch *watch, uint32_t seconds)
{
    for (;;) {
        int rc = look(watch);

        if (rc != CLI_OK)
            return rc;
        if (watch->shipment && !watch->unreachable) {
            watch_view_show(&watch->view, watch->shipment, seconds_of(watch));
            if (is_over(watch, &rc))
                return rc;
        }
        if (seconds_of(watch) >= seconds) {
            watch_view_clear(&watch->view);
            return output_fail(
                CLI_TIMEOUT,
                "shipment %s has not ended after %u s; it goes on, see: tandem shipment watch %s", watch->id,
                seconds, watch->id);
        }
        pause_between(watch);
    }
}

int watch_shipment(struct rest *rest, const char *id, uint32_t seconds, bool json, json_t **last)
{
    struct watch watch = {.rest = rest, .id = id, .started = now()};
    int rc;

    rest->bars = true;
    watch_view_open(&watch.view, id, json);
    rc = follow(&watch, seconds);
    watch_view_close(&watch.view);
    *last = watch.shipment;
    return rc;
}
