/* Records as JSON. */
#include "cloud/api/api.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cloud/durations.h"
#include "cloud/fleet/rules/rules.h"
#include "cloud/fleet/rules/slot.h"
#include "cloud/fleet/rules/words.h"
#include "cloud/text.h"
#include "tandem/reason.h"

json_t *render_id(char letter, int64_t id)
{
    char text[TEXT_ID_MAX];
    return json_string(text_id(letter, id, text));
}

static json_t *render_hex(const uint8_t *data, size_t bytes)
{
    char hex[2 * RECORD_DIGEST_BYTES + 1];
    return json_string(text_hex(data, bytes, hex));
}

/* null for a negative number: unknown. */
static json_t *render_number(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

static json_t *render_text(const char *text)
{
    return text[0] == '\0' ? json_null() : json_string(text);
}

json_t *render_time(int64_t ms)
{
    char text[TEXT_TIME_MAX];
    return ms == 0 ? json_null() : json_string(text_time(ms, text));
}

json_t *render_account(const struct account *account)
{
    return json_pack("{s:o, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o}", "id", render_id('u', account->id),
                     "login", account->login, "name", account->name, "role",
                     role_slug((enum role)account->role), "disabled", account->disabled,
                     "must_change_password", account->once, "single_sign_on", account->subject[0] != '\0',
                     "created", render_time(account->created), "last_login",
                     render_time(account->last_login));
}

json_t *render_organization(const struct organization *organization)
{
    return json_pack("{s:o, s:s, s:o, s:o}", "id", render_id('o', organization->id), "name",
                     organization->name, "timezone", render_text(organization->zone), "created",
                     render_time(organization->created));
}

static json_t *render_running(const struct device *device)
{
    static const char *const states[] = {"", "confirmed", "trial"};
    if (device->checked_in == 0)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "type", device->type, "version",
                     device->version, "build", device->build, "library", render_text(device->library),
                     "digest",
                     device->digest_known ? render_hex(device->digest, RECORD_DIGEST_BYTES) : json_null(),
                     "hardware", render_text(device->hardware), "state", render_text(states[device->state]),
                     "counter", render_number(device->counter));
}

static json_t *render_tags(const char *tags)
{
    json_t *list = json_array();
    while (*tags != '\0') {
        size_t bytes = strcspn(tags, ",");
        json_array_append_new(list, json_stringn(tags, bytes));
        tags += bytes + (tags[bytes] == ',');
    }
    return list;
}

json_t *render_device(const struct device *device)
{
    return json_pack("{s:o, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
                     render_id('d', device->id), "template", device->template, "name", device->name, "online",
                     device->presence != DEVICE_OFFLINE, "revoked", device->revoked, "created",
                     render_time(device->created), "last_seen", render_time(device->last_seen), "tags",
                     render_tags(device->tags), "timezone", render_text(device->zone), "location_timezone",
                     render_text(device->location_zone), "firmware", render_running(device));
}

static json_t *render_package(const struct firmware *firmware, const char *signer)
{
    static const char *const encodings[] = {"plain", "lzma-framed"};
    char key_id[9];
    if (!firmware->package)
        return json_null();
    snprintf(key_id, sizeof key_id, "%08" PRIx32, (uint32_t)firmware->key_id);
    return json_pack(
        "{s:s, s:o, s:I, s:I, s:s, s:s, s:o}", "hardware", firmware->hardware, "image_digest",
        render_hex(firmware->digest, RECORD_DIGEST_BYTES), "image_bytes", (json_int_t)firmware->image_bytes,
        "counter", (json_int_t)firmware->counter, "key_id", key_id, "encoding",
        firmware->encoding >= 0 && firmware->encoding <= 1 ? encodings[firmware->encoding] : "unknown",
        "signed_by", render_text(signer));
}

json_t *render_firmware(const struct firmware *firmware, const char *signer)
{
    return json_pack("{s:o, s:s, s:s, s:I, s:o, s:o, s:s, s:s, s:s, s:o, s:o}", "id",
                     render_id('f', firmware->id), "name", firmware->name, "kind",
                     firmware->package ? "package" : "plain", "size", (json_int_t)firmware->size, "sha256",
                     render_hex(firmware->sha256, sizeof firmware->sha256), "md5",
                     render_hex(firmware->md5, sizeof firmware->md5), "type", firmware->type, "version",
                     firmware->version, "build", firmware->build, "uploaded", render_time(firmware->uploaded),
                     "package", render_package(firmware, signer));
}

static json_t *render_gate(const struct wave *wave)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "success_percent", (json_int_t)wave->success_percent,
                     "failure_percent", (json_int_t)wave->failure_percent, "minimum",
                     (json_int_t)wave->minimum, "soak_minutes", (json_int_t)(wave->soak_ms / MINUTE_MS));
}

static json_t *render_wave(const struct wave *wave)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "number",
                     (json_int_t)wave->number, "filter", render_text(wave->filter), "devices",
                     wave->kind == WAVE_COUNT ? json_integer(wave->amount) : json_null(), "percent",
                     wave->kind == WAVE_PERCENT ? json_real((double)wave->amount / 100) : json_null(), "gate",
                     render_gate(wave), "size", (json_int_t)wave->size, "updated", (json_int_t)wave->updated,
                     "there", (json_int_t)wave->there, "skipped", (json_int_t)wave->skipped, "failed",
                     (json_int_t)wave->failed, "stuck", (json_int_t)wave->stuck, "opened",
                     render_time(wave->opened), "reached", render_time(wave->reached));
}

static json_t *render_progress(const struct progress *progress)
{
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "target", (json_int_t)progress->target, "updated",
        (json_int_t)progress->updated, "failed", (json_int_t)progress->failed, "skipped",
        (json_int_t)progress->skipped, "rest",
        (json_int_t)(progress->target - progress->updated - progress->failed - progress->skipped),
        "bytes_sent", (json_int_t)progress->sent_bytes, "bytes_full", (json_int_t)progress->plain_bytes);
}

/* What the operator asked for beside firmware and devices. */
static json_t *render_terms(const struct shipment *shipment)
{
    return json_pack("{s:s, s:s, s:b, s:b, s:o, s:I, s:I, s:I, s:I}", "condition",
                     shipment_condition_slug(shipment->condition), "time", slot_slug(shipment->slot),
                     "user_controlled", shipment->user_controlled, "all_devices", shipment->all_devices,
                     "filter", render_text(shipment->filter), "attempts", (json_int_t)shipment->attempts,
                     "attempts_hours", (json_int_t)(shipment->period_ms / HOUR_MS), "per_minute",
                     (json_int_t)shipment->per_minute, "bytes_per_second",
                     (json_int_t)shipment->bytes_per_second);
}

json_t *render_shipment(const struct shipment *shipment, json_t *firmware, const struct progress *progress,
                        const struct wave *waves, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_wave(&waves[i]));
    json_t *json = json_pack(
        "{s:o, s:s, s:s, s:o, s:s, s:o, s:b, s:o, s:o, s:o, s:I, s:o, s:o}", "id",
        render_id('s', shipment->id), "name", shipment->name, "template", shipment->template, "firmware",
        firmware, "state", shipment_state_slug(shipment->state), "why", render_text(shipment->why), "planned",
        shipment->planned, "created", render_time(shipment->created), "ended", render_time(shipment->ended),
        "expires", render_time(shipment->expires), "wave", (json_int_t)shipment->wave, "waves", list,
        "progress", render_progress(progress));
    json_t *terms = render_terms(shipment);
    json_object_update(json, terms);
    json_decref(terms);
    return json;
}

static json_t *render_form(enum form_kind form)
{
    return form == FORM_NONE ? json_null() : json_string(status_form_slug(form));
}

/* When an update that failed is offered again. */
static const char *describe_retry(const struct target *target, enum shipment_state state, bool online)
{
    if (state == SHIPMENT_PAUSED)
        return "offered again when the shipment goes on";
    if (state != SHIPMENT_LIVE)
        return "not offered again, for the shipment is over";
    if (target->status == TARGET_DOWNLOAD_LIMIT_REACHED)
        return "offered again when the period is over";
    return online ? "offered again shortly" : "offered again at its next check-in";
}

static const char *describe(const struct target *target, enum shipment_state state, bool online,
                            const char *why, char *room, size_t capacity)
{
    bool with_reason = target->reason != TDM_REASON_NONE && target->reason != TDM_REASON_SUPERSEDED;
    const char *status = status_text(target->status);
    if (target->status == TARGET_WAITING && !with_reason)
        return why;
    if (!with_reason)
        return status;
    if (target->ended)
        snprintf(room, capacity, "%s: %s", status, tdm_reason_text(target->reason));
    else
        snprintf(room, capacity, "%s: %s; %s", status, tdm_reason_text(target->reason),
                 describe_retry(target, state, online));
    return room;
}

json_t *render_target(const struct target *target, enum shipment_state state, const struct device *device,
                      const char *why)
{
    char room[400];
    bool online = device->presence != DEVICE_OFFLINE;
    return json_pack(
        "{s:o, s:s, s:b, s:s, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:I, s:o, s:I, s:I, s:I, s:o, s:b}", "id",
        render_id('d', device->id), "name", device->name, "online", online, "version", device->version,
        "wave", (json_int_t)target->wave, "status", status_slug(target->status), "reason",
        tdm_reason_slug(target->reason), "text", describe(target, state, online, why, room, sizeof room),
        "stage",
        target->stage == TARGET_STAGE_NONE ? json_null() : json_string(status_stage_slug(target->stage)),
        "bytes", render_number(target->bytes), "size", render_number(target->size), "wire_bytes",
        (json_int_t)target->wire_bytes, "encoding", render_form(target->form), "bytes_sent",
        (json_int_t)target->sent_bytes, "bytes_full", (json_int_t)target->plain_bytes, "attempts",
        (json_int_t)target->attempts, "updated", render_time(target->updated), "ended", target->ended);
}
