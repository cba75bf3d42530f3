/* Following a shipment. The interface is asked again and again; what it says is shown in one of two ways:
 *
 *   terminal    a block of bars, drawn over itself, on standard error
 *   otherwise   a line whenever a device's status, stage or quarter of a leg changes, on standard output
 *
 * An answer holds the first 100 devices. Where there are more, lines say how far the whole is, and of these
 * 100 only what happens to them. */
#include "cli/fleet/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/base/output.h"
#include "cli/base/progress.h"
#include "cli/fleet/shipment.h"

#define POLL_MS         300
#define POLL_LARGE_MS   2000 /* where is_large */
#define BARS_MAX        10   /* devices shown on a terminal at a time */
#define LABEL_COLUMNS   14
#define LEG_CELLS       10
#define LINE_BYTES      256
#define LEG_DOWNLOAD    1
#define LEG_UART        2
#define LEG_AFTER       3
#define NOTHING_STARTED 0

struct watch {
    struct rest *rest;
    const char *id;
    bool terminal;
    bool silent;      /* neither bars nor lines */
    bool unreachable; /* said already */
    double started;   /* seconds of the monotonic clock */
    json_t *said;     /* device id, or "" for the whole -> what its last line said */
    unsigned drawn;   /* lines of the block on the terminal */
    json_t *shipment; /* as seen last */
};

/* A stage of the report topic (docs/EXTENSIONS.md): which leg it is of, and its words. */
static const struct stage {
    const char *slug;
    const char *text;
    int leg;
    bool whole_leg; /* its leg is complete */
} stages[] = {
    {"received", "offer received", LEG_DOWNLOAD, false},
    {"downloading", "downloading", LEG_DOWNLOAD, false},
    {"downloaded", "downloaded", LEG_DOWNLOAD, true},
    {"offered", "offered to the MCU", LEG_DOWNLOAD, true},
    {"accepted", "accepted by the MCU", LEG_DOWNLOAD, true},
    {"transferring", "transferring to the MCU", LEG_UART, false},
    {"verifying", "verifying", LEG_UART, true},
    {"installed", "installed, restarting", LEG_AFTER, true},
    {"device", "on trial", LEG_AFTER, true},
    {NULL, "", NOTHING_STARTED, false},
};

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));

    return text ? text : "";
}

static uint64_t number_of(const json_t *object, const char *member)
{
    json_int_t number = json_integer_value(json_object_get(object, member));

    return number > 0 ? (uint64_t)number : 0;
}

static const struct stage *stage_of(const json_t *device)
{
    const struct stage *stage = stages;

    while (stage->slug && strcmp(stage->slug, text_of(device, "stage")) != 0) {
        stage++;
    }
    return stage;
}

static const char *label_of(const json_t *device)
{
    const char *name = text_of(device, "name");

    return name[0] ? name : text_of(device, "id");
}

/* "rollback (self-test-failed)", or the status alone. */
static void outcome_text(const json_t *device, char *text, size_t bytes)
{
    const char *reason = text_of(device, "reason");
    bool has_reason = reason[0] && strcmp(reason, "none") != 0;

    snprintf(text, bytes, "%s%s%s%s", text_of(device, "status"), has_reason ? " (" : "",
             has_reason ? reason : "", has_reason ? ")" : "");
}

/* How far a leg is: out of *total. */
static uint64_t leg_done(const json_t *device, int leg, uint64_t *total)
{
    const struct stage *stage = stage_of(device);

    *total = 1;
    if (shipment_device_runs(device) || stage->leg > leg || (stage->leg == leg && stage->whole_leg)) {
        return 1;
    }
    if (stage->leg < leg) {
        return 0;
    }
    *total = number_of(device, "size");
    return number_of(device, "bytes");
}

/* --- lines --- */

static void line_text(const json_t *device, char *text, size_t bytes)
{
    const struct stage *stage = stage_of(device);
    uint64_t total = 0;
    uint64_t done = stage->leg ? leg_done(device, stage->leg, &total) : 0;
    unsigned quarters = done >= total ? 4 : (unsigned)(done * 4 / total);
    char outcome[128];

    outcome_text(device, outcome, sizeof outcome);
    if (shipment_device_ended(device)) {
        snprintf(text, bytes, "%s", outcome);
    } else if (!stage->slug) {
        snprintf(text, bytes, "%s: %s", outcome, text_of(device, "text"));
    } else if (!stage->whole_leg && total > 1) {
        snprintf(text, bytes, "%s, %u%% of %llu bytes", stage->text, quarters * 25,
                 (unsigned long long)total);
    } else {
        snprintf(text, bytes, "%s", stage->text);
    }
}

/* There are more devices than the answer holds. */
static bool is_large(const json_t *shipment)
{
    return json_is_string(json_object_get(shipment, "devices_next"));
}

static void say(struct watch *watch, const char *key, const char *label, const char *text)
{
    if (strcmp(text_of(watch->said, key), text) != 0) {
        printf("%6.1f s  ", now() - watch->started);
        output_put(stdout, label, -1);
        fputs(": ", stdout);
        output_put(stdout, text, -1);
        putchar('\n');
        json_object_set_new(watch->said, key, json_string_nocheck(text));
    }
}

static void say_whole(struct watch *watch)
{
    const json_t *progress = json_object_get(watch->shipment, "progress");
    char text[128];

    snprintf(text, sizeof text, "%llu of %llu devices updated, %llu failed",
             (unsigned long long)number_of(progress, "updated"),
             (unsigned long long)number_of(progress, "target"),
             (unsigned long long)number_of(progress, "failed"));
    say(watch, "", watch->id, text);
}

static void say_changes(struct watch *watch, const json_t *devices)
{
    bool large = is_large(watch->shipment);
    size_t i;
    const json_t *device;
    char text[256];

    json_array_foreach(devices, i, device)
    {
        if (!large || strcmp(text_of(device, "status"), "waiting") != 0) {
            line_text(device, text, sizeof text);
            say(watch, text_of(device, "id"), label_of(device), text);
        }
    }
    if (large) {
        say_whole(watch);
    }
    fflush(stdout);
}

/* --- bars --- */

static void clear_block(struct watch *watch)
{
    for (; watch->drawn > 0; watch->drawn--) {
        fputs("\033[A\r\033[K", stderr);
    }
}

static void draw_line(struct watch *watch, const char *line)
{
    progress_line(line);
    watch->drawn++;
}

static void draw_device(struct watch *watch, const json_t *device)
{
    const struct stage *stage = stage_of(device);
    char download[PROGRESS_TEXT_BYTES];
    char uart[PROGRESS_TEXT_BYTES];
    char label[4 * LABEL_COLUMNS + 1];
    char line[LINE_BYTES];
    uint64_t total;
    uint64_t done = leg_done(device, LEG_DOWNLOAD, &total);

    progress_text(download, LEG_CELLS, done, total);
    done = leg_done(device, LEG_UART, &total);
    progress_text(uart, LEG_CELLS, done, total);
    snprintf(line, sizeof line, "  %s  download %s  UART %s  %s",
             output_fit(label, label_of(device), LABEL_COLUMNS), download, uart, stage->text);
    draw_line(watch, line);
}

static void draw_summary(struct watch *watch)
{
    const json_t *progress = json_object_get(watch->shipment, "progress");
    uint64_t updated = number_of(progress, "updated");
    uint64_t failed = number_of(progress, "failed");
    uint64_t target = number_of(progress, "target");
    char bar[PROGRESS_TEXT_BYTES];
    char line[LINE_BYTES];

    snprintf(line, sizeof line, "%s %s  %llu of %llu devices updated, %llu failed, %s, %.0f s", watch->id,
             progress_text(bar, LEG_CELLS, updated + failed, target), (unsigned long long)updated,
             (unsigned long long)target, (unsigned long long)failed, text_of(watch->shipment, "state"),
             now() - watch->started);
    draw_line(watch, line);
}

static void draw_block(struct watch *watch, const json_t *devices)
{
    unsigned bars = 0;
    size_t i;
    const json_t *device;

    clear_block(watch);
    json_array_foreach(devices, i, device)
    {
        if (!shipment_device_ended(device) && stage_of(device)->slug && bars < BARS_MAX) {
            draw_device(watch, device);
            bars++;
        }
    }
    draw_summary(watch);
    fflush(stderr);
}

/* --- the loop --- */

/* Cancelled, finished, or nothing left to do for any device it has. */
static bool shipment_ended(const json_t *shipment)
{
    const char *state = text_of(shipment, "state");
    const json_t *devices = json_object_get(shipment, "devices");
    size_t i;
    const json_t *device;

    if (strcmp(state, "finished") == 0 || strcmp(state, "cancelled") == 0) {
        return true;
    }
    if (is_large(shipment)) {
        return false;
    }
    json_array_foreach(devices, i, device)
    {
        if (!shipment_device_ended(device)) {
            return false;
        }
    }
    return json_array_size(devices) > 0;
}

/* A gate has paused it: somebody must look. */
static bool stopped(const json_t *shipment)
{
    return strcmp(text_of(shipment, "state"), "paused") == 0 &&
           json_is_string(json_object_get(shipment, "why"));
}

static int verdict_of(const json_t *shipment)
{
    const json_t *progress = json_object_get(shipment, "progress");
    const json_t *devices = json_object_get(shipment, "devices");
    size_t i;
    const json_t *device;

    json_array_foreach(devices, i, device)
    {
        if (!shipment_device_runs(device)) {
            return CLI_SHIPMENT;
        }
    }
    if (is_large(shipment) && number_of(progress, "failed") + number_of(progress, "rest") > 0) {
        return CLI_SHIPMENT;
    }
    return strcmp(text_of(shipment, "state"), "cancelled") == 0 ? CLI_SHIPMENT : CLI_OK;
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
        clear_block(watch);
        output_warn("%s; still trying", why);
        watch->unreachable = true;
    }
    return CLI_OK;
}

static void show(struct watch *watch)
{
    const json_t *devices = json_object_get(watch->shipment, "devices");

    if (watch->silent || watch->unreachable) {
        return;
    }
    if (watch->terminal) {
        draw_block(watch, devices);
    } else {
        say_changes(watch, devices);
    }
}

static void pause_between(const struct watch *watch)
{
    long ms = is_large(watch->shipment) ? POLL_LARGE_MS : POLL_MS;
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&time, NULL);
}

static int follow(struct watch *watch, uint32_t seconds)
{
    watch->rest->bars = true;
    for (;;) {
        int rc = look(watch);

        if (rc != CLI_OK) {
            return rc;
        }
        show(watch);
        if (watch->shipment && !watch->unreachable && shipment_ended(watch->shipment)) {
            return verdict_of(watch->shipment);
        }
        if (watch->shipment && !watch->unreachable && stopped(watch->shipment)) {
            clear_block(watch);
            return output_fail(
                CLI_SHIPMENT,
                "shipment %s stopped: %s; go on with: tandem shipment resume %s, or end it with: "
                "tandem shipment cancel %s",
                watch->id, text_of(watch->shipment, "why"), watch->id, watch->id);
        }
        if (now() - watch->started >= seconds) {
            clear_block(watch);
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
    struct watch watch = {.rest = rest, .id = id, .started = now(), .said = json_object()};
    int rc;

    watch.terminal = isatty(STDERR_FILENO) == 1;
    watch.silent = json && !watch.terminal;
    if (watch.terminal) {
        fprintf(stderr,
                "Ctrl-C ends the watching, not the shipment; `tandem shipment watch` takes it up again.\n");
    }
    rc = follow(&watch, seconds);
    clear_block(&watch);
    json_decref(watch.said);
    *last = watch.shipment;
    return rc;
}
