#include "cloud/fleet/devices/report.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cloud/fleet/rules/words.h"
#include "cloud/text.h"
#include "tandem/reason.h"

/* A text member into to: an absent one is "", anything else but a fitting text fails. */
static bool take_text(const json_t *object, const char *key, char *to, size_t capacity)
{
    const json_t *value = json_object_get(object, key);
    to[0] = '\0';
    if (value == NULL || json_is_null(value))
        return true;
    return json_is_string(value) && text_take(to, capacity, json_string_value(value));
}

/* A number that is not negative; -1 if there is none. */
static int64_t take_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value) : -1;
}

/* The device's buffer; 0 if it says none. JSON has one kind of number, and encoders that write all of them
 * with a point; others put it into quotes. */
static int64_t take_buffer(const json_t *json)
{
    const json_t *value = json_object_get(json, "rxbuff");
    const char *text = json_string_value(value);
    double bytes = text != NULL ? strtod(text, NULL) : json_number_value(value);
    return bytes >= 1 && bytes <= UINT32_MAX ? (int64_t)bytes : 0;
}

bool report_parse_check_in(const void *data, size_t bytes, struct check_in *check_in)
{
    *check_in = (struct check_in){0};
    json_t *json = json_loadb(data, bytes, JSON_REJECT_DUPLICATES, NULL);
    bool ok = json_is_object(json) &&
              take_text(json, "tmpl", check_in->template, sizeof check_in->template) &&
              take_text(json, json_object_get(json, "type") != NULL ? "type" : "fw-type", check_in->type,
                        sizeof check_in->type) &&
              take_text(json, "ver", check_in->version, sizeof check_in->version) &&
              take_text(json, "build", check_in->build, sizeof check_in->build) &&
              take_text(json, "blynk", check_in->library, sizeof check_in->library);
    if (ok)
        check_in->receive_bytes = take_buffer(json);
    json_decref(json);
    return ok;
}

/* The number of a reason's slug; one that this version does not know stands for NO_ANSWER, a plain failure.
 */
static uint8_t parse_reason(const char *slug)
{
    static const struct {
        uint8_t number;
        const char *slug;
    } reasons[] = {
#define REASON_ROW(name, number, slug, text) {number, slug},
        TDM_REASONS(REASON_ROW)
#undef REASON_ROW
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (strcmp(slug, reasons[i].slug) == 0)
            return reasons[i].number;
    }
    return slug[0] == '\0' ? TDM_REASON_NONE : TDM_REASON_NO_ANSWER;
}

static bool take_reason(const json_t *json, struct report *report)
{
    char slug[48];
    if (!take_text(json, "reason", slug, sizeof slug))
        return false;
    report->reason = parse_reason(slug);
    return true;
}

static bool take_event(const json_t *json, struct report *report)
{
    static const char *const names[] = {"started", "failed", "confirmed", "trial"};
    char name[16];
    if (!take_text(json, "event", name, sizeof name))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            report->event = (enum report_event)i;
            return true;
        }
    }
    return false;
}

/* A digest whole, or empty. */
static bool take_digest(const json_t *json, struct report *report)
{
    char hex[2 * RECORD_DIGEST_BYTES + 1];
    if (!take_text(json, "digest", hex, sizeof hex))
        return false;
    report->digest_known = hex[0] != '\0';
    return !report->digest_known || text_hex_parse(hex, report->digest, RECORD_DIGEST_BYTES);
}

/* A digest whole or its first 12 bytes; only those are kept. */
static bool take_about(const json_t *json, struct report *report)
{
    char hex[2 * RECORD_DIGEST_BYTES + 1];
    if (!take_text(json, "about", hex, sizeof hex))
        return false;
    report->about_known = hex[0] != '\0';
    if (strlen(hex) == 2 * RECORD_DIGEST_BYTES)
        hex[2 * RECORD_SHORT_BYTES] = '\0';
    return !report->about_known || text_hex_parse(hex, report->about, RECORD_SHORT_BYTES);
}

/* Names that this version does not know are skipped. */
static int64_t take_decodes(const json_t *json)
{
    static const char *const names[] = {"compressed", "delta"}; /* by bit of enum device_decodes */
    const json_t *list = json_object_get(json, "decodes");
    const json_t *entry;
    size_t i;
    int64_t decodes = 0;
    json_array_foreach(list, i, entry)
    {
        for (size_t bit = 0; json_is_string(entry) && bit < sizeof names / sizeof names[0]; bit++) {
            if (strcmp(json_string_value(entry), names[bit]) == 0)
                decodes |= (int64_t)1 << bit;
        }
    }
    return decodes;
}

static bool take_device(const json_t *json, struct report *report)
{
    char state[16];
    if (!take_event(json, report) || !take_text(json, "state", state, sizeof state) ||
        !take_digest(json, report) || !take_about(json, report) ||
        !take_text(json, "hardware", report->hardware, sizeof report->hardware))
        return false;
    if (strcmp(state, "confirmed") == 0)
        report->state = DEVICE_CONFIRMED;
    else if (strcmp(state, "trial") == 0)
        report->state = DEVICE_TRIAL;
    report->counter = take_number(json, "counter");
    report->decodes = take_decodes(json);
    return true;
}

static bool take_report(const json_t *json, struct report *report)
{
    *report = (struct report){.kind = REPORT_OTHER};
    if (!json_is_object(json) || !take_text(json, "stage", report->name, sizeof report->name) ||
        !take_reason(json, report))
        return false;
    report->bytes = take_number(json, "bytes");
    report->size = take_number(json, "size");
    report->wire_bytes = take_number(json, "wire_bytes");
    report->counter = -1;
    report->stage = status_stage_parse(report->name);
    if (report->stage != TARGET_STAGE_NONE)
        report->kind = REPORT_STAGE;
    else if (strcmp(report->name, "failed") == 0)
        report->kind = REPORT_FAILED;
    else if (strcmp(report->name, "device") == 0)
        report->kind = REPORT_DEVICE;
    return report->kind != REPORT_DEVICE || take_device(json, report);
}

bool report_parse(const void *data, size_t bytes, struct report *report)
{
    json_t *json = json_loadb(data, bytes, JSON_REJECT_DUPLICATES, NULL);
    bool ok = take_report(json, report);
    json_decref(json);
    return ok;
}
