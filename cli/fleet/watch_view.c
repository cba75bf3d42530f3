#include "cli/fleet/watch_view.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/base/member.h"
#include "cli/base/output.h"
#include "cli/base/progress.h"
#include "cli/fleet/shipment.h"

#define BARS_MAX      10 /* devices shown on a terminal at a time */
#define LABEL_COLUMNS 14
#define LEG_CELLS     10
#define LINE_BYTES    256

/* What an update goes through: to the co-processor, from there to the MCU, and what comes then. */
enum leg { NOTHING_STARTED, LEG_DOWNLOAD, LEG_UART, LEG_AFTER };

/* A stage of the report topic (docs/EXTENSIONS.md): which leg it is of, and its words. */
static const struct stage {
    const char *slug;
    const char *text;
    enum leg leg;
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

static const struct stage *stage_of(const json_t *device)
{
    const struct stage *stage = stages;

    while (stage->slug && strcmp(stage->slug, member_text(device, "stage")) != 0)
        stage++;
    return stage;
}

/* A number of things, of which no server sends less than none. */
static uint64_t count_of(const json_t *object, const char *path)
{
    json_int_t number = member_number(object, path);

    return number > 0 ? (uint64_t)number : 0;
}

static const char *label_of(const json_t *device)
{
    const char *name = member_text(device, "name");

    return name[0] ? name : member_text(device, "id");
}

/* "rollback (self-test-failed)", or the status alone. */
static void outcome_text(const json_t *device, char *text, size_t bytes)
{
    const char *reason = member_text(device, "reason");
    bool has_reason = reason[0] && strcmp(reason, "none") != 0;

    snprintf(text, bytes, "%s%s%s%s", member_text(device, "status"), has_reason ? " (" : "",
             has_reason ? reason : "", has_reason ? ")" : "");
}

/* How far a leg is: out of *total. */
static uint64_t leg_done(const json_t *device, enum leg leg, uint64_t *total)
{
    const struct stage *stage = stage_of(device);

    *total = 1;
    if (shipment_device_runs(device) || stage->leg > leg || (stage->leg == leg && stage->whole_leg))
        return 1;
    if (stage->leg < leg)
        return 0;
    *total = count_of(device, "size");
    return count_of(device, "bytes");
}

/* --- Lines --- */

static void line_text(const json_t *device, char *text, size_t bytes)
{
    const struct stage *stage = stage_of(device);
    uint64_t total = 0;
    uint64_t done = stage->leg ? leg_done(device, stage->leg, &total) : 0;
    unsigned quarters = done >= total ? 4 : (unsigned)(done * 4 / total);
    char outcome[128];

    outcome_text(device, outcome, sizeof outcome);
    if (shipment_device_ended(device))
        snprintf(text, bytes, "%s", outcome);
    else if (!stage->slug)
        snprintf(text, bytes, "%s: %s", outcome, member_text(device, "text"));
    else if (!stage->whole_leg && total > 1)
        snprintf(text, bytes, "%s, %u%% of %llu bytes", stage->text, quarters * 25,
                 (unsigned long long)total);
    else
        snprintf(text, bytes, "%s", stage->text);
}

static void say(struct watch_view *view, const char *key, const char *label, const char *text)
{
    const char *said = json_string_value(json_object_get(view->said, key));

    if (said == NULL || strcmp(said, text) != 0) {
        printf("%6.1f s  ", view->seconds);
        output_put(stdout, label, -1);
        fputs(": ", stdout);
        output_put(stdout, text, -1);
        putchar('\n');
        json_object_set_new(view->said, key, json_string_nocheck(text));
    }
}

static void say_whole(struct watch_view *view)
{
    char text[128];

    snprintf(text, sizeof text, "%llu of %llu devices updated, %llu failed",
             (unsigned long long)count_of(view->shipment, "progress.updated"),
             (unsigned long long)count_of(view->shipment, "progress.target"),
             (unsigned long long)count_of(view->shipment, "progress.failed"));
    say(view, "", view->id, text);
}

static void say_changes(struct watch_view *view, const json_t *devices)
{
    bool large = shipment_is_large(view->shipment);
    size_t i;
    const json_t *device;
    char text[256];

    json_array_foreach(devices, i, device)
    {
        if (!large || strcmp(member_text(device, "status"), "waiting") != 0) {
            line_text(device, text, sizeof text);
            say(view, member_text(device, "id"), label_of(device), text);
        }
    }
    if (large)
        say_whole(view);
    fflush(stdout);
}

/* --- Bars --- */

void watch_view_clear(struct watch_view *view)
{
    for (; view->drawn > 0; view->drawn--)
        fputs("\033[A\r\033[K", stderr);
}

static void draw_line(struct watch_view *view, const char *line)
{
    progress_line(line);
    view->drawn++;
}

static void draw_device(struct watch_view *view, const json_t *device)
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
    draw_line(view, line);
}

static void draw_summary(struct watch_view *view)
{
    uint64_t updated = count_of(view->shipment, "progress.updated");
    uint64_t failed = count_of(view->shipment, "progress.failed");
    uint64_t target = count_of(view->shipment, "progress.target");
    char bar[PROGRESS_TEXT_BYTES];
    char line[LINE_BYTES];

    snprintf(line, sizeof line, "%s %s  %llu of %llu devices updated, %llu failed, %s, %.0f s", view->id,
             progress_text(bar, LEG_CELLS, updated + failed, target), (unsigned long long)updated,
             (unsigned long long)target, (unsigned long long)failed, member_text(view->shipment, "state"),
             view->seconds);
    draw_line(view, line);
}

static void draw_block(struct watch_view *view, const json_t *devices)
{
    unsigned bars = 0;
    size_t i;
    const json_t *device;

    watch_view_clear(view);
    json_array_foreach(devices, i, device)
    {
        if (!shipment_device_ended(device) && stage_of(device)->slug && bars < BARS_MAX) {
            draw_device(view, device);
            bars++;
        }
    }
    draw_summary(view);
    fflush(stderr);
}

/* --- Outside --- */

void watch_view_open(struct watch_view *view, const char *id, bool json)
{
    bool terminal = isatty(STDERR_FILENO) == 1;

    *view = (struct watch_view){
        .id = id, .terminal = terminal, .silent = json && !terminal, .said = json_object()};
    if (terminal)
        fprintf(stderr,
                "Ctrl-C ends the watching, not the shipment; `tandem shipment watch` takes it up again.\n");
}

void watch_view_close(struct watch_view *view)
{
    watch_view_clear(view);
    json_decref(view->said);
}

void watch_view_show(struct watch_view *view, const json_t *shipment, double seconds)
{
    const json_t *devices = json_object_get(shipment, "devices");

    view->shipment = shipment;
    view->seconds = seconds;
    if (view->terminal)
        draw_block(view, devices);
    else if (!view->silent)
        say_changes(view, devices);
}
