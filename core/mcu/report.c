/* What the co-processor is told: device reports, which say what the cloud cannot see otherwise, why the
 * device started and what it decodes (docs/EXTENSIONS.md), and the maintenance hold.
 *
 *     waiting --the link has nothing else to ask--> sending --answer, error status, third time-out--> done
 *        ^                                             |
 *        '--------- a failure, or bring-up anew -------'
 *
 * link_up.c asks. A failure goes first, and before the answer that refuses a chunk: the co-processor then
 * ends the update instead of sending the chunk again. */
#include "core/mcu/client.h"

#include <string.h>

enum { REPORT_TIMEOUT_MS = 1000, CONFIRMED_STATE = 1, TRIAL_STATE = 2 };

/* Events of tandem.deviceReport. */
enum { EVENT_STARTED = 1, EVENT_FAILED = 2, EVENT_CONFIRMED = 3, EVENT_TRIAL = 4 };

enum { DEVICE_REPORTS = TDM__FAILED | TDM__STARTED | TDM__TRIAL | TDM__CONFIRMED };

void tdm__report(struct tdm_mcu *mcu, uint8_t events)
{
    mcu->report.waiting |= events;
}

void tdm__report_failed(struct tdm_mcu *mcu, uint8_t reason)
{
    struct tdm_mcu_report *report = &mcu->report;
    struct tdm_manifest manifest;

    tdm__link_make_way(mcu);
    report->reason = reason;
    report->about_known = tdm__install_manifest(mcu, &manifest) == TDM_OK;
    if (report->about_known)
        memcpy(mcu->config->work->failed, manifest.image_digest, TDM_SHA256_BYTES);
    tdm__report(mcu, TDM__FAILED);
}

void tdm__report_drop_failed(struct tdm_mcu *mcu)
{
    struct tdm_mcu_report *report = &mcu->report;

    report->waiting &= (uint8_t)~TDM__FAILED;
    if (report->sending != TDM__FAILED)
        return;
    report->sending = 0;
    tdm__link_make_way(mcu);
}

void tdm__report_drop_all(struct tdm_mcu *mcu)
{
    mcu->report.waiting &= TDM__HELD; /* which may be the end of a hold that it still knows of */
    mcu->report.sending = 0;
}

bool tdm__report_holds_answers(const struct tdm_mcu *mcu)
{
    const struct tdm_mcu_report *report = &mcu->report;
    bool on_its_way = report->sending == TDM__FAILED && mcu->calls.link.state == TDM_REQUEST_WAITS;

    return mcu->link.up && (on_its_way || (report->waiting & TDM__FAILED) != 0);
}

/* --- tandem.deviceReport --- */

/* Why the last update was rolled back. The reason of a transfer that failed was told when it
 * ended. */
static uint8_t start_reason(const struct tdm_mcu *mcu)
{
    uint8_t reason = mcu->log.record.last_reason;

    return reason >= TDM_REASON_SELF_TEST ? reason : (uint8_t)TDM_REASON_NONE;
}

/* The reason blames the image that was rejected for it; of others the record keeps no digest. */
static bool blames_image(const struct tdm_record *record)
{
    return record->last_reason >= TDM_REASON_SELF_TEST && record->last_reason <= TDM_REASON_FAULT;
}

static void put_report(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;
    const struct tdm_mcu_report *report = &mcu->report;
    const struct tdm_record *record = &mcu->log.record;
    uint8_t event = report->sending == TDM__CONFIRMED ? EVENT_CONFIRMED : EVENT_TRIAL;
    uint8_t reason = TDM_REASON_NONE;
    const uint8_t *about = NULL;
    uint16_t about_bytes = 0;

    if (report->sending == TDM__FAILED) {
        event = EVENT_FAILED;
        reason = report->reason;
        about = mcu->config->work->failed;
        about_bytes = report->about_known ? TDM_SHA256_BYTES : 0;
    } else if (report->sending == TDM__STARTED) {
        event = EVENT_STARTED;
        reason = start_reason(mcu);
        about = record->rejected_digest;
        about_bytes = blames_image(record) ? TDM_DIGEST_PREFIX_BYTES : 0;
    }
    tdm_put_u8(args, event);
    tdm_put_u8(args, tdm_mcu_on_trial(mcu) ? TRIAL_STATE : CONFIRMED_STATE);
    tdm_put_u8(args, reason);
    tdm_put_binary(args, mcu->running_digest, mcu->running_known ? sizeof mcu->running_digest : 0);
    tdm_put_binary(args, about, about_bytes);
    tdm_put_string(args, mcu->config->hardware);
    tdm_put_u32(args, record->counter_floor);
}

/* --- The others --- */

/* What whoever installs the next update can decode. */
static uint8_t forms(const struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;

    if (config->role != NULL)
        return config->role_decodes;
    return config->decoder != NULL ? TDM_DECODES_COMPRESSED | TDM_DECODES_DELTA : 0;
}

static void put_forms(const void *ctx, struct tdm_writer *args)
{
    tdm_put_u8(args, forms(ctx));
}

static void put_start(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u8(args, (uint8_t)mcu->config->reset_cause);
    tdm_put_u32(args, mcu->config->boots);
}

/* --- The whole --- */

/* Which events each call tells; hold.c has one more. */
static const struct {
    uint8_t events;
    struct tdm_question question;
} rows[] = {
    {DEVICE_REPORTS, {TDM_UID_DEVICE_REPORT, REPORT_TIMEOUT_MS, put_report, tdm__link_answered}},
    {TDM__BOOTED, {TDM_UID_DEVICE_START, REPORT_TIMEOUT_MS, put_start, tdm__link_answered}},
    {TDM__DECODES, {TDM_UID_DEVICE_DECODES, REPORT_TIMEOUT_MS, put_forms, tdm__link_answered}},
};

/* What this co-processor has a call for, and what says something. */
static uint8_t known_events(const struct tdm_mcu *mcu)
{
    uint8_t known = TDM__HELD;

    if (tdm__peer_knows(mcu, TDM__REPORTS))
        known |= DEVICE_REPORTS;
    if (tdm__peer_knows(mcu, TDM__STARTS))
        known |= TDM__BOOTED;
    if (tdm__peer_knows(mcu, TDM__FORMS) && forms(mcu) != 0)
        known |= TDM__DECODES;
    return known;
}

bool tdm__report_choose(struct tdm_mcu *mcu)
{
    struct tdm_mcu_report *report = &mcu->report;

    report->waiting |= report->sending;
    report->waiting &= known_events(mcu);
    report->sending = report->waiting & (uint8_t)-report->waiting; /* the lowest bit: what goes first */
    report->waiting &= (uint8_t)~report->sending;
    return report->sending != 0;
}

const struct tdm_question *tdm__report_question(const struct tdm_mcu *mcu)
{
    size_t row = 0;

    if (mcu->report.sending == TDM__HELD)
        return &mcu->hold->question;
    while ((rows[row].events & mcu->report.sending) == 0)
        row++;
    return &rows[row].question;
}
