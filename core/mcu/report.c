/* What the co-processor is told: device reports, which say what the cloud cannot see otherwise, why the
 * device started and what it decodes (docs/EXTENSIONS.md), and the maintenance hold.
 *
 *     waiting --the one before is done--> sending --answer, error status, third time-out--> done
 *        ^                                   '--time-out--.
 *        '------------------------------------------------'
 *
 * One call is in flight at a time. A failure goes first, and before the answer that refuses a chunk: the
 * co-processor then ends the update instead of sending the chunk again. */
#include "core/mcu/client.h"

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

/* What is in flight is not waited for any more. */
static void stop(struct tdm_mcu *mcu)
{
    tdm__drop(mcu, &mcu->report.call);
    mcu->report.sending = 0;
    mcu->report.tries = 0;
}

void tdm__report_failed(struct tdm_mcu *mcu, uint8_t reason, bool about_known)
{
    struct tdm_mcu_report *report = &mcu->report;

    report->reason = reason;
    report->about_known = about_known;
    report->waiting |= bit(report->sending); /* makes way and goes again later */
    tdm__report(mcu, TDM__FAILED);
    stop(mcu);
}

void tdm__report_drop_failed(struct tdm_mcu *mcu)
{
    mcu->report.waiting &= (uint8_t)~bit(TDM__FAILED);
    if (mcu->report.sending == TDM__FAILED)
        stop(mcu);
}

void tdm__report_drop_all(struct tdm_mcu *mcu)
{
    mcu->report.waiting &= bit(TDM__HELD); /* which may be the end of a hold that it still knows of */
    stop(mcu);
}

bool tdm__report_holds_answers(const struct tdm_mcu *mcu)
{
    const struct tdm_mcu_report *report = &mcu->report;

    return mcu->link.up && ((report->waiting & bit(TDM__FAILED)) != 0 ||
                            (report->sending == TDM__FAILED && report->call.state == TDM_REQUEST_WAITS));
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

static uint8_t reason_of(const struct tdm_mcu *mcu)
{
    switch (mcu->report.sending) {
    case TDM__FAILED:
        return mcu->report.reason;
    case TDM__STARTED:
        return start_reason(mcu);
    default:
        return TDM_REASON_NONE;
    }
}

static void put_about(const struct tdm_mcu *mcu, struct tdm_writer *args)
{
    uint8_t event = mcu->report.sending;

    if (event == TDM__FAILED && mcu->report.about_known)
        tdm_put_binary(args, mcu->front.manifest.image_digest, TDM_SHA256_BYTES);
    else if (event == TDM__STARTED && blames_image(&mcu->log.record))
        tdm_put_binary(args, mcu->log.record.rejected_digest, TDM_DIGEST_PREFIX_BYTES);
    else
        tdm_put_binary(args, NULL, 0);
}

static void put_report(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u8(args, mcu->report.sending);
    tdm_put_u8(args, tdm_mcu_on_trial(mcu) ? TRIAL_STATE : CONFIRMED_STATE);
    tdm_put_u8(args, reason_of(mcu));
    tdm_put_binary(args, mcu->running_digest, mcu->running_known ? sizeof mcu->running_digest : 0);
    put_about(mcu, args);
    tdm_put_string(args, mcu->config->hardware);
    tdm_put_u32(args, mcu->log.record.counter_floor);
}

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
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u8(args, forms(mcu));
}

static void put_hold(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u16(args, mcu->held_s);
}

static void put_start(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u8(args, (uint8_t)mcu->config->reset_cause);
    tdm_put_u32(args, mcu->config->boots);
}

static void report_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_report *report = &mcu->report;

    (void)results;
    if (error == TDM_E_TIMEOUT && ++report->tries < REPORT_TRIES)
        report->waiting |= bit(report->sending);
    else
        report->tries = 0;
    report->sending = 0;
}

static const struct tdm_question *question_of(uint8_t event)
{
    static const struct tdm_question report = {TDM_UID_DEVICE_REPORT, REPORT_TIMEOUT_MS, put_report,
                                               report_done};
    static const struct tdm_question start = {TDM_UID_DEVICE_START, REPORT_TIMEOUT_MS, put_start,
                                              report_done};
    static const struct tdm_question decodes = {TDM_UID_DEVICE_DECODES, REPORT_TIMEOUT_MS, put_forms,
                                                report_done};
    static const struct tdm_question hold = {TDM_UID_OTA_SUSPEND, REPORT_TIMEOUT_MS, put_hold, report_done};

    switch (event) {
    case TDM__BOOTED:
        return &start;
    case TDM__DECODES:
        return &decodes;
    case TDM__HELD:
        return &hold;
    default:
        return &report;
    }
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

void tdm__report_poll(struct tdm_mcu *mcu)
{
    struct tdm_mcu_report *report = &mcu->report;

    if (!mcu->link.up || !tdm__link_knows_peer(mcu) || tdm__is_asked(&report->call))
        return;
    drop_unknown(mcu);
    report->sending = most_urgent(report->waiting);
    if (report->sending == 0)
        return;
    report->waiting &= (uint8_t)~bit(report->sending);
    (void)tdm__ask(mcu, &report->call, question_of(report->sending));
}
