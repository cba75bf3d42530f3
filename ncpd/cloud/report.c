#include "ncpd/cloud/report.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ncpd/base/hex.h"
#include "ncpd/base/log.h"

enum { PROGRESS_EVERY_MS = 1000 };

/* --- The queue --- */

static void drop(struct report_queue *queue, int row)
{
    queue->count--;
    memmove(&queue->rows[row], &queue->rows[row + 1], (size_t)(queue->count - row) * sizeof queue->rows[0]);
}

static void drop_waiting_progress(struct report_queue *queue)
{
    for (int i = 0; i < queue->count; i++) {
        if (queue->rows[i].progress && queue->rows[i].msg_id == 0) {
            drop(queue, i);
            return;
        }
    }
}

/* Takes object over. */
static void add(struct report_queue *queue, json_t *object, bool progress)
{
    struct report *report;
    size_t length;

    drop_waiting_progress(queue);
    if (queue->count == REPORTS)
        drop(queue, 0);
    report = &queue->rows[queue->count];
    memset(report, 0, sizeof *report);
    report->progress = progress;
    length = json_dumpb(object, report->json, sizeof report->json - 1, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(object);
    if (length == 0 || length >= sizeof report->json) {
        log_warning(NULL, "a report is too long and is not sent");
        return;
    }
    queue->count++;
}

struct report *report_next(struct report_queue *queue)
{
    for (int i = 0; i < queue->count; i++) {
        if (queue->rows[i].msg_id == 0)
            return &queue->rows[i];
    }
    return NULL;
}

void report_acknowledged(struct report_queue *queue, int msg_id)
{
    for (int i = 0; i < queue->count; i++) {
        if (queue->rows[i].msg_id == msg_id) {
            drop(queue, i);
            return;
        }
    }
}

void report_disconnected(struct report_queue *queue)
{
    for (int i = 0; i < queue->count; i++)
        queue->rows[i].msg_id = 0;
}

/* --- What they say --- */

static json_t *stage(const char *name)
{
    json_t *object = json_object();

    json_object_set_new(object, "stage", json_string(name));
    return object;
}

static void set_number(json_t *object, const char *key, uint32_t value)
{
    json_object_set_new(object, key, json_integer(value));
}

/* Text of a peer: "?" where it is no UTF-8. */
static void set_text(json_t *object, const char *key, const char *text)
{
    json_t *value = json_string(text);

    json_object_set_new(object, key, value != NULL ? value : json_string("?"));
}

static void set_digest(json_t *object, const char *key, const uint8_t *digest, size_t bytes)
{
    char hex[2 * TDM_SHA256_BYTES + 1];

    hex_encode(hex, digest, bytes);
    set_text(object, key, hex);
}

static void set_failure(json_t *object, uint8_t reason, const char *leg)
{
    set_text(object, "reason", tdm_reason_slug(reason));
    set_text(object, "leg", leg);
}

void report_received(struct report_queue *queue, const struct offer *offer)
{
    json_t *object = stage("received");

    set_number(object, "size", offer->size);
    set_text(object, "type", offer->type);
    set_text(object, "ver", offer->version);
    set_text(object, "build", offer->build);
    add(queue, object, false);
}

/* True if a progress may be made now, which it is then. */
static bool is_time(struct report_queue *queue, uint64_t now_ms)
{
    if (queue->progress_ms != 0 && now_ms - queue->progress_ms < PROGRESS_EVERY_MS)
        return false;
    queue->progress_ms = now_ms;
    return true;
}

static void add_bytes(struct report_queue *queue, const char *name, uint32_t bytes, uint32_t size,
                      uint64_t now_ms)
{
    json_t *object;

    if (!is_time(queue, now_ms))
        return;
    object = stage(name);
    set_number(object, "size", size);
    set_number(object, "bytes", bytes);
    add(queue, object, true);
}

void report_downloading(struct report_queue *queue, uint32_t bytes, uint32_t size, uint64_t now_ms)
{
    add_bytes(queue, "downloading", bytes, size, now_ms);
}

void report_downloaded(struct report_queue *queue, uint32_t size)
{
    json_t *object = stage("downloaded");

    set_number(object, "size", size);
    add(queue, object, false);
}

void report_download_failed(struct report_queue *queue, uint8_t reason)
{
    json_t *object = stage("failed");

    set_failure(object, reason, "download");
    set_number(object, "wire_bytes", 0);
    add(queue, object, false);
}

void report_progress(struct report_queue *queue, const struct tdm_ncp_progress *progress, uint64_t now_ms)
{
    const char *name = tdm_ncp_stage_slug(progress->stage);
    json_t *object;

    if (progress->stage == TDM_NCP_TRANSFERRING) {
        add_bytes(queue, name, progress->bytes, progress->size, now_ms);
        return;
    }
    object = stage(name);
    if (progress->stage == TDM_NCP_FAILED)
        set_failure(object, progress->reason, "uart");
    if (progress->stage >= TDM_NCP_VERIFYING)
        set_number(object, "wire_bytes", progress->wire_bytes);
    add(queue, object, false);
}

static void set_start(json_t *object, const struct tdm_ncp_device_report *device)
{
    static const char *const causes[] = {"power", "soft", "watchdog", "fault", "no-link"};

    set_text(object, "cause", device->cause < 5 ? causes[device->cause] : "?");
    if (device->boots != 0)
        set_number(object, "boots", device->boots);
}

static void set_decodes(json_t *object, uint8_t forms)
{
    json_t *list = json_array();

    if ((forms & TDM_DECODES_COMPRESSED) != 0)
        json_array_append_new(list, json_string("compressed"));
    if ((forms & TDM_DECODES_DELTA) != 0)
        json_array_append_new(list, json_string("delta"));
    json_object_set_new(object, "decodes", list);
}

const char *report_event_slug(uint8_t event)
{
    static const char *const events[] = {"?", "started", "failed", "confirmed", "trial"};

    return events[event < 5 ? event : 0];
}

const char *report_state_slug(uint8_t state)
{
    return state == 2 ? "trial" : "confirmed";
}

void report_device(struct report_queue *queue, const struct tdm_ncp_device_report *device)
{
    json_t *object = stage("device");

    set_text(object, "event", report_event_slug(device->event));
    set_text(object, "state", report_state_slug(device->state));
    set_text(object, "reason", tdm_reason_slug(device->reason));
    set_digest(object, "digest", device->running, device->running_bytes);
    set_digest(object, "about", device->about, device->about_bytes);
    set_text(object, "hardware", device->hardware);
    set_number(object, "counter", device->counter);
    if (device->has_start)
        set_start(object, device);
    if (device->decodes != 0)
        set_decodes(object, device->decodes);
    add(queue, object, false);
}
