/* From silence to a co-processor that knows who this is (docs/PROTOCOL.md, section 4): the rate, initialize,
 * device reports where it takes them. */
#include "core/fetch/fetch.h"

#include <string.h>

enum {
    INITIAL_BAUD = 38400,
    SECOND_BAUD = 115200,
    RATES = 3,
    ROUND_PAUSE_MS = 250, /* grows by this much each round over all rates */
    ROUND_PAUSE_MAX_MS = 2000,
    REFUSED_PAUSE_MS = 5000
};

/* --- The rate --- */

static void put_baud(struct tdm_fetch *f)
{
    tdm__fetch_put(f, f->product->target_baud, 4);
}

/* Looks for the rate that it listens at, and asks it once for the one to work at. Whatever it answers, and
 * whether the line carries that rate, is seen by where it is found next. */
void tdm__fetch_connect(struct tdm_fetch *f)
{
    static const struct tdm__query ping = {TDM_UID_NCP_PING, 100, NULL};
    static const struct tdm__query raise = {TDM_UID_HW_SET_UART_BAUD_RATE, 1000, put_baud};
    const uint32_t rates[RATES] = {INITIAL_BAUD, SECOND_BAUD, f->product->target_baud};
    uint32_t pause_ms = 0;
    unsigned next = 0;
    bool asked = false;

    for (;;) {
        uint32_t baud = rates[next++];

        f->product->set_baud(f->ctx, baud);
        if (tdm__fetch_ask(f, &ping) >= 0) {
            if (asked || baud == rates[RATES - 1])
                return;
            asked = true;
            (void)tdm__fetch_ask(f, &raise);
            next = RATES - 1;
        }
        if (next == RATES) {
            next = 0;
            if (pause_ms < ROUND_PAUSE_MAX_MS)
                pause_ms += ROUND_PAUSE_MS;
            tdm__fetch_pause(f, pause_ms);
        }
    }
}

/* --- Who this is --- */

/* The image that is there, or a version below all others. */
static void put_info(struct tdm_fetch *f)
{
    const char *version = "0.0.0";
    const char *build = "bootloader";

    if (f->intact && tdm_bank_peek(&f->manifest, f->layout, 0, f->flash, f->front) == TDM_OK) {
        memcpy(f->running, f->manifest.image_digest, sizeof f->running);
        version = f->manifest.version;
        build = f->manifest.build;
    }
    tdm__fetch_put_text(f, f->product->type);
    tdm__fetch_put_text(f, version);
    tdm__fetch_put_text(f, build);
    tdm__fetch_put_text(f, f->product->library);
}

static void put_template(struct tdm_fetch *f)
{
    tdm__fetch_put_text(f, f->product->template_id);
    tdm__fetch_put_text(f, f->product->template_name);
}

/* --- Reports (docs/EXTENSIONS.md) --- */

enum { STARTED = 1, FAILED = 2, CONFIRMED_STATE = 1 };

static void put_uid(struct tdm_fetch *f)
{
    tdm__fetch_put(f, f->uid, 2);
}

bool tdm__fetch_knows(struct tdm_fetch *f, uint16_t uid)
{
    static const struct tdm__query has_uid = {TDM_UID_NCP_HAS_UID, 1000, put_uid};

    f->uid = uid;
    return tdm__fetch_ask(f, &has_uid) > 0;
}

static void put_start(struct tdm_fetch *f)
{
    tdm__fetch_put(f, f->reset_cause, 1);
    tdm__fetch_put(f, f->boots, 4);
}

static void put_binary(struct tdm_fetch *f, const uint8_t *data, uint32_t bytes)
{
    tdm__fetch_put(f, bytes, 2);
    tdm__fetch_put_bytes(f, data, bytes);
}

static void put_about(struct tdm_fetch *f)
{
    if (f->why >= TDM_REASON_SELF_TEST && f->why <= TDM_REASON_FAULT) /* blames the image rejected for it */
        put_binary(f, f->log.record.rejected_digest, TDM_DIGEST_PREFIX_BYTES);
    else
        put_binary(f, NULL, 0);
}

static void put_report(struct tdm_fetch *f)
{
    tdm__fetch_put(f, f->event, 1);
    tdm__fetch_put(f, CONFIRMED_STATE, 1);
    tdm__fetch_put(f, f->why, 1);
    put_binary(f, f->running, f->intact ? sizeof f->running : 0);
    put_about(f);
    tdm__fetch_put_text(f, f->product->hardware);
    tdm__fetch_put(f, f->log.record.counter_floor, 4);
}

static void report(struct tdm_fetch *f, uint8_t event, uint8_t why)
{
    static const struct tdm__query report = {TDM_UID_DEVICE_REPORT, 1000, put_report};

    f->event = event;
    f->why = why;
    if (f->reports)
        (void)tdm__fetch_ask(f, &report);
}

void tdm__fetch_report_failed(struct tdm_fetch *f, uint8_t reason)
{
    report(f, FAILED, reason);
}

/* Why nothing could start, or the last update was rolled back. The reason of a transfer that failed was
 * told when it ended. */
static void report_started(struct tdm_fetch *f)
{
    uint8_t why = f->reason != TDM_REASON_NONE ? f->reason : f->log.record.last_reason;

    report(f, STARTED, why >= TDM_REASON_SELF_TEST ? why : (uint8_t)TDM_REASON_NONE);
}

bool tdm__fetch_introduce(struct tdm_fetch *f)
{
    static const struct tdm__query info = {TDM_UID_SET_FIRMWARE_INFO, 1000, put_info};
    static const struct tdm__query initialize = {TDM_UID_INITIALIZE, 5000, put_template};
    static const struct tdm__query start = {TDM_UID_DEVICE_START, 1000, put_start};

    f->news = TDM_REASON_NONE;
    if (tdm__fetch_ask(f, &info) < 0)
        return false;
    if (tdm__fetch_ask(f, &initialize) <= 0) {
        tdm__fetch_pause(f, REFUSED_PAUSE_MS);
        return false;
    }
    f->reports = tdm__fetch_knows(f, TDM_UID_DEVICE_REPORT);
    if (f->reports && tdm__fetch_knows(f, TDM_UID_DEVICE_START))
        (void)tdm__fetch_ask(f, &start);
    if (f->reports && f->product->decoder != NULL)
        f->product->decoder->tell(f);
    report_started(f);
    f->product->log(f->ctx, "fetch: the co-processor answers");
    return true;
}
