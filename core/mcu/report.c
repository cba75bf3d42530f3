/* What the co-processor is told: device reports, which say what the cloud cannot see otherwise, why the
 * device started and what it decodes (docs/EXTENSIONS.md), and the maintenance hold.
 *
 *     waiting --room in the transmit queue--> sending --answer, error status, third time-out--> done
 *        ^                                       '--time-out--.
 *        '----------------------------------------------------'
 *
 * One call is in flight at a time. A failure goes first, and before the answer that refuses a chunk: the
 * co-processor then ends the update instead of sending the chunk again. */
#include "core/mcu/client.h"

#include <string.h>

enum { REPORT_TIMEOUT_MS = 1000, REPORT_TRIES = 3, CONFIRMED_STATE = 1, TRIAL_STATE = 2 };

static uint8_t bit(uint8_t event)
{
    return (uint8_t)(1u << event);
}

static uint8_t most_urgent(uint8_t waiting)
{
    static const uint8_t order[] = {TDM__FAILED, TDM__BOOTED,    TDM__DECODES, TDM__STARTED,
                                    TDM__TRIAL,  TDM__CONFIRMED, TDM__HELD};

    for (size_t i = 0; i < sizeof order; i++)
        if ((waiting & bit(order[i])) != 0)
            return order[i];
    return 0;
}

void tdm__report(struct tdm_mcu *mcu, enum tdm__report_event event)
{
    mcu->report.waiting |= bit((uint8_t)event);
}

void tdm__report_failed(struct tdm_mcu *mcu, uint8_t reason, const uint8_t *about, uint32_t now_ms)
{
    struct tdm_mcu_report *report = &mcu->report;

    report->reason = reason;
    report->about_known = about != NULL;
    if (about != NULL)
        memcpy(report->about, about, sizeof report->about);
    report->tries = 0;
    tdm__report(mcu, TDM__FAILED);
    /* What is in flight makes way and goes again later. */
    if (report->sending != 0 && report->sending != TDM__FAILED)
        report->waiting |= bit(report->sending);
    tdm_endpoint_cancel(&mcu->endpoint, &report->call, now_ms);
}

void tdm__report_drop_failed(struct tdm_mcu *mcu, uint32_t now_ms)
{
    mcu->report.waiting &= (uint8_t)~bit(TDM__FAILED);
    if (mcu->report.sending == TDM__FAILED)
        tdm_endpoint_cancel(&mcu->endpoint, &mcu->report.call, now_ms);
}

void tdm__report_drop_all(struct tdm_mcu *mcu)
{
    mcu->report.waiting &= bit(TDM__HELD); /* which may be the end of a hold that it still knows of */
}

bool tdm__report_holds_answers(const struct tdm_mcu *mcu)
{
    return mcu->link.up && (mcu->report.waiting & bit(TDM__FAILED));
}

/* Why nothing could start, or the last update was rolled back. A transfer that failed is none of these: its
 * reason was told when it ended. */
static uint8_t start_reason(const struct tdm_mcu *mcu)
{
    uint8_t reason = mcu->config->intact_reason;

    if (reason == TDM_REASON_NONE)
        reason = mcu->log.record.last_reason;
    return reason >= TDM_REASON_SELF_TEST ? reason : (uint8_t)TDM_REASON_NONE;
}

/* The reason blames the image that was rejected for it; of others the record keeps no digest. */
static bool blames_image(const struct tdm_record *record)
{
    return record->last_reason >= TDM_REASON_SELF_TEST && record->last_reason <= TDM_REASON_FAULT;
}

static void put_reason(struct tdm_writer *args, const struct tdm_mcu *mcu, uint8_t event)
{
    const struct tdm_mcu_report *report = &mcu->report;

    if (event == TDM__FAILED)
        tdm_put_u8(args, report->reason);
    else
        tdm_put_u8(args, event == TDM__STARTED ? start_reason(mcu) : (uint8_t)TDM_REASON_NONE);
}

static void put_about(struct tdm_writer *args, const struct tdm_mcu *mcu, uint8_t event)
{
    if (event == TDM__FAILED && mcu->report.about_known)
        tdm_put_binary(args, mcu->report.about, sizeof mcu->report.about);
    else if (event == TDM__STARTED && blames_image(&mcu->log.record))
        tdm_put_binary(args, mcu->log.record.rejected_digest, TDM_DIGEST_PREFIX_BYTES);
    else
        tdm_put_binary(args, NULL, 0);
}

static void report_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_report *report = &mcu->report;

    (void)status;
    (void)results;
    (void)now_ms;
    if (error == TDM_E_TIMEOUT && ++report->tries < REPORT_TRIES)
        report->waiting |= bit(report->sending);
    else
        report->tries = 0;
    report->sending = 0;
}

static uint16_t uid_of(uint8_t event)
{
    if (event == TDM__HELD)
        return TDM_UID_OTA_SUSPEND;
    if (event == TDM__DECODES)
        return TDM_UID_DEVICE_DECODES;
    return event == TDM__BOOTED ? TDM_UID_DEVICE_START : TDM_UID_DEVICE_REPORT;
}

/* What whoever installs the next update can decode. */
static uint8_t forms(const struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;

    if (config->role != NULL)
        return config->role_decodes;
    return config->decoder != NULL ? TDM_DECODES_COMPRESSED | TDM_DECODES_DELTA : 0;
}

static void put_report(struct tdm_writer *args, const struct tdm_mcu *mcu, uint8_t event)
{
    tdm_put_u8(args, event);
    tdm_put_u8(args, tdm_mcu_on_trial(mcu) ? TRIAL_STATE : CONFIRMED_STATE);
    put_reason(args, mcu, event);
    tdm_put_binary(args, mcu->running_digest, mcu->running_known ? sizeof mcu->running_digest : 0);
    put_about(args, mcu, event);
    tdm_put_string(args, mcu->config->hardware);
    tdm_put_u32(args, mcu->log.record.counter_floor);
}

static void put_arguments(struct tdm_writer *args, const struct tdm_mcu *mcu, uint8_t event)
{
    if (event == TDM__HELD) {
        tdm_put_u16(args, mcu->held_s);
    } else if (event == TDM__DECODES) {
        tdm_put_u8(args, forms(mcu));
    } else if (event == TDM__BOOTED) {
        tdm_put_u8(args, (uint8_t)mcu->config->reset_cause);
        tdm_put_u32(args, mcu->config->boots);
    } else {
        put_report(args, mcu, event);
    }
}

static int send_report(struct tdm_mcu *mcu, uint8_t event, uint32_t now_ms)
{
    struct tdm_writer args;
    int error = tdm_endpoint_open(&mcu->endpoint, uid_of(event), false, &args);

    if (error != TDM_OK)
        return error;
    put_arguments(&args, mcu, event);
    return tdm_endpoint_commit(&mcu->endpoint, &args, &mcu->report.call, REPORT_TIMEOUT_MS, report_done, mcu,
                               now_ms);
}

/* What this co-processor has no call for is not told, nor what says nothing. */
static void drop_unknown(struct tdm_mcu *mcu)
{
    if (!tdm__peer_knows(mcu, TDM__REPORTS))
        mcu->report.waiting &= bit(TDM__HELD);
    if (!tdm__peer_knows(mcu, TDM__STARTS))
        mcu->report.waiting &= (uint8_t)~bit(TDM__BOOTED);
    if (!tdm__peer_knows(mcu, TDM__FORMS) || forms(mcu) == 0)
        mcu->report.waiting &= (uint8_t)~bit(TDM__DECODES);
}

void tdm__report_poll(struct tdm_mcu *mcu, uint32_t now_ms)
{
    struct tdm_mcu_report *report = &mcu->report;
    uint8_t event;

    if (!mcu->link.up || !tdm__link_knows_peer(mcu) || report->call.in_flight)
        return;
    drop_unknown(mcu);
    event = most_urgent(report->waiting);
    if (event == 0 || send_report(mcu, event, now_ms) != TDM_OK)
        return;
    report->waiting &= (uint8_t)~bit(event);
    report->sending = event;
}
