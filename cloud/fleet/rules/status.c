/* The life of one device in one shipment:
 *
 *   waiting --offered--> request-sent ----------GET----------> firmware-requested
 *      ^                      | it does not go out                      |
 *      |                      v                          whole file sent | or "downloaded" reported
 *      |              process-started, until due                        v
 *      |   failed, attempts left:                                     firmware-downloaded
 *      |   upload-failure or rollback, until due                        |             |
 *      '----------------------------------------------------------------+             | runs it, confirmed or
 *      |                                                                |             | kept for the settle
 *      | time                                                           |             v
 *      '--- no attempts left: download-limit-reached,                   |          success (end)
 *           until the period is over                                    |
 *                                                                       v
 *            a reason that will not go away: upload-failure, type-mismatch, version-mismatch, rollback (end)
 *
 * Stages run inside firmware-requested (first leg) and firmware-downloaded (second leg: from "offered to the
 * MCU" to "trial" or "settling").
 *
 * With a user-controlled shipment awaiting-user-action stands between waiting and request-sent.
 *
 * Invariants: an ended target never moves again, but for one: success becomes rollback while the shipment is
 * open (its waves soak). Every state under way has a due time. An attempt is an offer; offers repeated
 * because the connection broke in mid-update belong to the same attempt, within limits. */
#include "cloud/fleet/rules/status.h"

#include <string.h>

#include "tandem/reason.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

const struct status_limits status_limits_default = {
    .settle_ms = 5 * MINUTE,
    .attempts = 3,
    .period_ms = 24 * HOUR,
    .answer_ms = 5 * MINUTE,
    .silence_ms = 30 * MINUTE,
    .hold_ms = 5 * SECOND,
    .retry_ms = 1 * MINUTE,
    .postponed_ms = 15 * MINUTE,
    .confirm_ms = 1 * MINUTE,
    .repeats = 5,
};

enum reason_class status_reason_class(uint8_t reason)
{
    switch (reason) {
    case TDM_REASON_TYPE:
    case TDM_REASON_HARDWARE:
    case TDM_REASON_VERSION:
    case TDM_REASON_SIZE:
    case TDM_REASON_REJECTED_BEFORE:
    case TDM_REASON_PACKAGE:
    case TDM_REASON_KEY:
    case TDM_REASON_SIGNATURE:
    case TDM_REASON_COUNTER:
    case TDM_REASON_BASE:
    case TDM_REASON_ENCODING:
    case TDM_REASON_RELOCATIONS:
    case TDM_REASON_UNSIGNED:
    case TDM_REASON_LINK_ADDRESS:
    case TDM_REASON_ALREADY_RUNNING:
        return REASON_FINAL;
    case TDM_REASON_BATTERY:
    case TDM_REASON_NOT_NOW:
    case TDM_REASON_NOT_CONFIRMED:
        return REASON_POSTPONED;
    case TDM_REASON_NCP_RESTART:
        return REASON_INTERRUPTED;
    case TDM_REASON_SUPERSEDED:
        return REASON_IGNORED;
    default:
        return REASON_RETRY;
    }
}

bool status_is_rollback(uint8_t reason)
{
    return reason >= TDM_REASON_SELF_TEST && reason < TDM_REASON_NO_START;
}

bool status_rejects_image(uint8_t reason)
{
    return reason == TDM_REASON_SELF_TEST || reason == TDM_REASON_SELF_TEST_TIME ||
           reason == TDM_REASON_WATCHDOG || reason == TDM_REASON_FAULT;
}

bool status_is_failure(enum target_status status)
{
    return status == TARGET_UPLOAD_FAILURE || status == TARGET_ROLLBACK ||
           status == TARGET_DOWNLOAD_LIMIT_REACHED || status == TARGET_TYPE_MISMATCH ||
           status == TARGET_VERSION_MISMATCH;
}

bool status_under_way(const struct target *target)
{
    return !target->ended && target->status >= TARGET_PROCESS_STARTED &&
           target->status <= TARGET_FIRMWARE_DOWNLOADED;
}

bool status_is_repeat(const struct target *target, const struct status_limits *limits, int64_t now)
{
    /* A device that tells no stages has had the whole file and is not there: that attempt is over. */
    bool had_it = target->status == TARGET_FIRMWARE_DOWNLOADED && target->stage == TARGET_STAGE_NONE;
    return status_under_way(target) && !had_it && target->repeats < limits->repeats &&
           now - target->attempt_start < limits->silence_ms;
}

static bool period_is_over(const struct target *target, const struct status_limits *limits, int64_t now)
{
    return now - target->period_start >= limits->period_ms;
}

int64_t status_attempts_left(const struct target *target, const struct status_limits *limits, int64_t now)
{
    if (target->attempts == 0 || period_is_over(target, limits, now))
        return limits->attempts;
    return target->attempts < limits->attempts ? limits->attempts - target->attempts : 0;
}

static void move(struct target *target, enum target_status status, uint8_t reason, int64_t due, int64_t now)
{
    target->status = status;
    target->reason = reason;
    target->due = due;
    target->updated = now;
}

static void clear_stage(struct target *target)
{
    target->stage = TARGET_STAGE_NONE;
    target->bytes = -1;
    target->size = -1;
}

void status_offered(struct target *target, const struct status_limits *limits, int64_t now)
{
    if (status_is_repeat(target, limits, now)) {
        target->repeats++;
    } else {
        if (target->attempts == 0 || period_is_over(target, limits, now)) {
            target->attempts = 0;
            target->period_start = now;
        }
        target->attempts++;
        target->attempt_start = now;
        target->repeats = 0;
        target->wire_bytes = 0;
    }
    clear_stage(target);
    move(target, TARGET_REQUEST_SENT, TDM_REASON_NONE, now + limits->answer_ms, now);
}

void status_unsent(struct target *target, int64_t now)
{
    if (target->status == TARGET_REQUEST_SENT && target->stage == TARGET_STAGE_NONE && !target->ended)
        move(target, TARGET_PROCESS_STARTED, TDM_REASON_NONE, target->due, now);
}

void status_held(struct target *target, const struct status_limits *limits, int64_t now)
{
    target->due = now + limits->hold_ms;
}

void status_requested(struct target *target, const struct status_limits *limits, int64_t now)
{
    if (target->ended || target->attempts == 0 || target->status == TARGET_FIRMWARE_DOWNLOADED)
        return;
    move(target, TARGET_FIRMWARE_REQUESTED, TDM_REASON_NONE, now + limits->silence_ms, now);
}

void status_downloaded(struct target *target, const struct status_limits *limits, int64_t now)
{
    if (target->ended || target->attempts == 0)
        return;
    move(target, TARGET_FIRMWARE_DOWNLOADED, TDM_REASON_NONE, now + limits->silence_ms, now);
}

static enum target_status status_of_stage(enum target_stage stage)
{
    if (stage == TARGET_STAGE_RECEIVED)
        return TARGET_REQUEST_SENT;
    return stage == TARGET_STAGE_DOWNLOADING ? TARGET_FIRMWARE_REQUESTED : TARGET_FIRMWARE_DOWNLOADED;
}

void status_stage(struct target *target, enum target_stage stage, int64_t bytes, int64_t size,
                  int64_t wire_bytes, const struct status_limits *limits, int64_t now)
{
    bool has_it = target->status == TARGET_FIRMWARE_DOWNLOADED && target->stage <= TARGET_STAGE_DOWNLOADED;
    if (target->ended || target->attempts == 0 || (has_it && stage <= TARGET_STAGE_DOWNLOADING))
        return; /* a report of the first leg that the last byte overtook */
    target->stage = stage;
    target->bytes = bytes;
    target->size = size;
    if (wire_bytes >= 0)
        target->wire_bytes = wire_bytes;
    move(target, status_of_stage(stage), TDM_REASON_NONE, now + limits->silence_ms, now);
}

void status_reached(struct target *target, bool reports, const struct status_limits *limits, int64_t now)
{
    if (target->ended)
        return;
    int64_t wait = limits->settle_ms;
    if (reports && wait < limits->confirm_ms)
        wait = limits->confirm_ms;
    clear_stage(target);
    target->stage = reports ? TARGET_STAGE_TRIAL : TARGET_STAGE_SETTLING;
    move(target, TARGET_FIRMWARE_DOWNLOADED, TDM_REASON_NONE, now + wait, now);
}

static enum target_status status_of_refusal(uint8_t reason)
{
    switch (reason) {
    case TDM_REASON_TYPE:
        return TARGET_TYPE_MISMATCH;
    case TDM_REASON_VERSION:
        return TARGET_VERSION_MISMATCH;
    default:
        return TARGET_UPLOAD_FAILURE;
    }
}

/* A form that this server encoded may be to blame: then the next one is plain, whatever the reason (R10). */
static bool blames_form(const struct target *target, enum reason_class class, uint8_t reason)
{
    bool encoded = target->encoded != ENCODED_NOT && target->form != FORM_PLAIN;
    bool is_about_form = reason == TDM_REASON_PACKAGE || reason == TDM_REASON_BASE ||
                         reason == TDM_REASON_ENCODING || reason == TDM_REASON_RELOCATIONS;
    return encoded && (class == REASON_RETRY || (class == REASON_FINAL && is_about_form));
}

void status_failed(struct target *target, uint8_t reason, const struct status_limits *limits, int64_t now)
{
    enum reason_class class = status_reason_class(reason);
    if (target->ended || target->attempts == 0 || class == REASON_IGNORED)
        return;
    bool form = blames_form(target, class, reason);
    if (class == REASON_FINAL && !form) {
        status_ended(target, status_of_refusal(reason), reason, now);
        return;
    }
    if (!status_under_way(target))
        return; /* said already, by the other side of the UART */
    if (class == REASON_INTERRUPTED) {
        status_held(target, limits, now);
        return;
    }
    clear_stage(target);
    if (class == REASON_POSTPONED) {
        target->attempts--;
        move(target, TARGET_WAITING, reason, now + limits->postponed_ms, now);
    } else {
        /* The plain one need not wait but for what the other side of the UART still has to say. */
        int64_t wait = form && target->encoded == ENCODED_LAST ? limits->hold_ms : limits->retry_ms;
        target->encoded = form ? ENCODED_NEVER : target->encoded;
        move(target, TARGET_UPLOAD_FAILURE, reason, now + wait, now);
    }
}

void status_rolled_back(struct target *target, uint8_t reason, const struct status_limits *limits,
                        int64_t now)
{
    if (target->ended || target->attempts == 0)
        return;
    /* Power or the link may be to blame: the same image gets another chance. Without a reason the image is.
     */
    bool again = reason != TDM_REASON_NONE && !status_rejects_image(reason);
    if (!again || status_attempts_left(target, limits, now) == 0) {
        status_ended(target, TARGET_ROLLBACK, reason, now);
        return;
    }
    clear_stage(target);
    move(target, TARGET_ROLLBACK, reason, now + limits->retry_ms, now);
}

void status_limit_reached(struct target *target, const struct status_limits *limits, int64_t others_end,
                          int64_t now)
{
    clear_stage(target);
    /* Where other shipments used the attempts up, this one has no period yet, or it is over. */
    bool own = target->attempts > 0 && !period_is_over(target, limits, now);
    int64_t end = (own ? target->period_start : now) + limits->period_ms;
    if (others_end != 0 && others_end < end)
        end = others_end;
    move(target, TARGET_DOWNLOAD_LIMIT_REACHED, target->reason, end, now);
}

void status_displaced(struct target *target, int64_t now)
{
    clear_stage(target);
    move(target, TARGET_WAITING, TDM_REASON_SUPERSEDED, 0, now);
}

void status_ended(struct target *target, enum target_status status, uint8_t reason, int64_t now)
{
    clear_stage(target);
    move(target, status, reason, 0, now);
    target->ended = true;
}

void status_awaiting(struct target *target, int64_t now)
{
    if (target->status == TARGET_WAITING)
        move(target, TARGET_AWAITING_USER_ACTION, TDM_REASON_NONE, 0, now);
}

void status_consented(struct target *target, int64_t now)
{
    target->consent = now;
    if (target->status == TARGET_AWAITING_USER_ACTION)
        move(target, TARGET_WAITING, TDM_REASON_NONE, 0, now);
}

static void count_success(const struct target *target, int64_t by, struct wave *more)
{
    more->updated += by;
    more->sent_bytes += by * target->sent_bytes;
    more->plain_bytes += by * target->plain_bytes;
}

void status_count(const struct target *target, int64_t by, struct wave *more)
{
    bool out = target->status == TARGET_DOWNLOAD_LIMIT_REACHED || target->status == TARGET_ROLLBACK;
    if (!target->ended)
        more->stuck += out ? by : 0;
    else if (target->status == TARGET_SUCCESS)
        count_success(target, by, more);
    else if (target->status == TARGET_ALREADY_THERE)
        more->there += by;
    else if (target->status == TARGET_NOT_NEEDED || target->status == TARGET_DECLINED)
        more->skipped += by;
    else
        more->failed += by;
}
