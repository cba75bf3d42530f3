/* Bring-up and life of the link (docs/PROTOCOL.md, section 4).
 *
 *     PING ----> RAISE ----> INFO ----> INITIALIZE ----> PROBE ----> WATCH --.
 *      ^ |\        |          ^ ^           |            (up)         ^ |   |
 *      | | '-------|----------' | refused   |                         | '---'
 *      | | raised  |            '-----------'                         | every 10 s of own silence
 *      | | before  v            ^-------- the co-processor is in state 10
 *      | '- next rate, pause after a round
 *      '---- LOST: three time-outs in a row, or the co-processor restarts
 *
 * RAISE is tried once in the life of a link: whether it was heard, the next PING shows, at all rates.
 *
 * Each state asks one question (the table at the end), when none is in flight and wake_ms is past; what takes
 * the answer chooses the next state. */
#include "core/mcu/client.h"

enum link_state {
    LINK_LOST,
    LINK_PING,
    LINK_RAISE,
    LINK_INFO,
    LINK_INITIALIZE,
    LINK_PROBE,
    LINK_WATCH,
    LINK_STATES
};

enum { RATE_INITIAL, RATE_SECOND, RATE_TARGET };

enum {
    INITIAL_BAUD = 38400,
    SECOND_BAUD = 115200,
    PING_TIMEOUT_MS = 100,
    CALL_TIMEOUT_MS = 1000,
    INITIALIZE_TIMEOUT_MS = 5000,
    ROUND_PAUSE_MS = 250, /* grows by this much each round */
    ROUNDS = 5,           /* then it starts over, and the co-processor is reset */
    NCP_START_MS = 500,
    RATE_SETTLE_MS = 20,
    REFUSED_PAUSE_MS = 5000,
    REFUSALS = 6,
    SILENCE_MS = 10000 /* sign of life; the co-processor expects one every 15 s */
};

static void enter(struct tdm_mcu *mcu, enum link_state state, uint32_t pause_ms)
{
    mcu->link.state = (uint8_t)state;
    mcu->link.tries = 0;
    mcu->link.wake_ms = mcu->now_ms + pause_ms;
}

/* ---- Rates ---- */

static uint32_t baud_of(const struct tdm_mcu *mcu, uint8_t rate)
{
    uint32_t baud = rate == RATE_TARGET ? mcu->config->target_baud : 0;

    if (rate == RATE_SECOND)
        return SECOND_BAUD;
    if (baud == 0)
        baud = mcu->config->initial_baud;
    return baud != 0 ? baud : INITIAL_BAUD;
}

static void ping_at(struct tdm_mcu *mcu, uint8_t rate, uint32_t pause_ms)
{
    uint32_t baud = baud_of(mcu, rate);

    mcu->link.rate = rate;
    if (mcu->link.baud != baud)
        mcu->config->ops->set_baud(mcu->config->ctx, baud);
    mcu->link.baud = baud;
    enter(mcu, LINK_PING, pause_ms);
}

/* A link begins; where there is no other rate there is nothing to raise. */
static void begin(struct tdm_mcu *mcu, uint32_t pause_ms)
{
    mcu->link.raised = mcu->config->target_baud == 0;
    ping_at(mcu, RATE_INITIAL, pause_ms);
}

static void round_without_answer(struct tdm_mcu *mcu)
{
    const struct tdm_mcu_ops *ops = mcu->config->ops;
    uint32_t pause_ms = ROUND_PAUSE_MS * ++mcu->link.rounds;

    if (mcu->link.rounds == ROUNDS) {
        mcu->link.rounds = 0;
        if (ops->reset_ncp != NULL) {
            ops->reset_ncp(mcu->config->ctx);
            pause_ms = NCP_START_MS;
        }
    }
    ping_at(mcu, RATE_INITIAL, pause_ms);
}

/* ---- LOST ---- */

static void go_down(struct tdm_mcu *mcu)
{
    bool was_up = mcu->link.up;

    mcu->link.up = false;
    tdm__update_link_lost(mcu);
    if (was_up)
        tdm__emit_value(mcu, TDM_MCU_LINK_DOWN, 0);
}

static void lose(struct tdm_mcu *mcu)
{
    struct tdm_mcu_link *link = &mcu->link;

    link->peer = 0;
    link->ncp_state = TDM_STATE_UNKNOWN;
    go_down(mcu);
    tdm__report_drop_all(mcu);
    tdm_station_reset(&mcu->station);
    begin(mcu, tdm__time_left(mcu, link->wake_ms));
}

/* ---- Arguments ---- */

static void put_baud(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u32(args, mcu->config->target_baud);
}

static void put_info(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_string(args, mcu->config->type);
    tdm_put_string(args, mcu->config->version);
    tdm_put_string(args, mcu->config->build);
    tdm_put_string(args, mcu->config->library);
}

static void put_template(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_string(args, mcu->config->template_id);
    tdm_put_string(args, mcu->config->template_name);
}

static void put_extension(const void *ctx, struct tdm_writer *args)
{
    static const uint16_t uids[TDM__EXTENSIONS] = {TDM_UID_DEVICE_REPORT, TDM_UID_OTA_RESUME,
                                                   TDM_UID_DEVICE_START, TDM_UID_OTA_WINDOW,
                                                   TDM_UID_DEVICE_DECODES};
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u16(args, uids[mcu->link.probe]);
}

/* ---- What an answer leads to; of a Bool, yes or no ---- */

static void raise_answered(struct tdm_mcu *mcu, bool yes, bool silent)
{
    mcu->link.raised = true;
    if (yes)
        ping_at(mcu, RATE_TARGET, RATE_SETTLE_MS);
    else if (silent)
        ping_at(mcu, RATE_INITIAL, 0); /* it may have been heard */
    else
        enter(mcu, LINK_INFO, 0);
}

static void go_up(struct tdm_mcu *mcu)
{
    mcu->link.up = true;
    mcu->link.peer = 0;
    mcu->link.probe = 0;
    enter(mcu, LINK_PROBE, 0);
    tdm__report_drop_failed(mcu); /* of before: it would end an update that is offered now */
    tdm__report(mcu, TDM__BOOTED | TDM__DECODES | TDM__STARTED | (mcu->held_s > 0 ? TDM__HELD : 0));
    tdm__emit_value(mcu, TDM_MCU_LINK_UP, 0);
}

static void initialize_answered(struct tdm_mcu *mcu, bool yes, bool silent)
{
    if (yes)
        go_up(mcu);
    else if (silent || ++mcu->link.tries >= REFUSALS)
        enter(mcu, LINK_LOST, 0);
    else
        mcu->link.wake_ms = mcu->now_ms + REFUSED_PAUSE_MS;
}

/* Which extensions does it know? A module of another make says no, an error, or nothing; one that does not
 * know the first is not asked for the others. */
static void probe_answered(struct tdm_mcu *mcu, bool yes)
{
    struct tdm_mcu_link *link = &mcu->link;

    link->peer |= (uint8_t)(yes << link->probe);
    link->probe++;
    enter(mcu, link->peer == 0 || link->probe == TDM__EXTENSIONS ? LINK_WATCH : LINK_PROBE, 0);
}

static void watch_answered(struct tdm_mcu *mcu, uint8_t ncp_state, bool told)
{
    enter(mcu, LINK_WATCH, SILENCE_MS);
    if (told)
        tdm__link_state(mcu, ncp_state);
}

/* ---- The whole ---- */

static void answered(void *ctx, int error, struct tdm_reader *results);

/* What each state asks, and how often in a row without an answer. */
static const struct {
    struct tdm_question question;
    uint8_t tries;
} rows[LINK_STATES] = {
    [LINK_PING] = {{TDM_UID_NCP_PING, PING_TIMEOUT_MS, NULL, answered}, 2},
    [LINK_RAISE] = {{TDM_UID_HW_SET_UART_BAUD_RATE, CALL_TIMEOUT_MS, put_baud, answered}, 1},
    [LINK_INFO] = {{TDM_UID_SET_FIRMWARE_INFO, CALL_TIMEOUT_MS, put_info, answered}, 3},
    [LINK_INITIALIZE] = {{TDM_UID_INITIALIZE, INITIALIZE_TIMEOUT_MS, put_template, answered}, 3},
    [LINK_PROBE] = {{TDM_UID_NCP_HAS_UID, CALL_TIMEOUT_MS, put_extension, answered}, 2},
    [LINK_WATCH] = {{TDM_UID_GET_STATE, CALL_TIMEOUT_MS, NULL, answered}, 3},
};

static void answered(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_link *link = &mcu->link;
    bool silent = error == TDM_E_TIMEOUT;
    uint8_t value = tdm_get_u8(results); /* a Bool, or a state */
    bool told = error == TDM_OK && tdm_reader_done(results);
    bool yes = told && value != 0;

    if (silent && ++link->tries < rows[link->state].tries)
        return;
    switch ((enum link_state)link->state) {
    case LINK_PING:
        if (!silent) {
            link->rounds = 0;
            enter(mcu, link->raised || link->rate == RATE_TARGET ? LINK_INFO : LINK_RAISE, 0);
        } else if (link->rate < RATE_TARGET) {
            ping_at(mcu, link->rate + 1, 0);
        } else {
            round_without_answer(mcu);
        }
        break;
    case LINK_RAISE:
        raise_answered(mcu, yes, silent);
        break;
    case LINK_INFO:
        enter(mcu, silent ? LINK_LOST : LINK_INITIALIZE, 0);
        break;
    case LINK_INITIALIZE:
        initialize_answered(mcu, yes, silent);
        break;
    case LINK_PROBE:
        probe_answered(mcu, yes);
        break;
    default:
        if (silent)
            enter(mcu, LINK_LOST, 0);
        else
            watch_answered(mcu, value, told);
        break;
    }
}

void tdm__link_start(struct tdm_mcu *mcu)
{
    mcu->link.sent_ms = mcu->now_ms;
    begin(mcu, 0);
}

/* A sign of life is due when nothing else was sent. */
static void put_watch_off(struct tdm_mcu *mcu)
{
    struct tdm_mcu_link *link = &mcu->link;

    if (link->state == LINK_WATCH && link->ncp_state != TDM_STATE_UNKNOWN && link->tries == 0 &&
        tdm__is_past(mcu, link->wake_ms))
        link->wake_ms = link->sent_ms + SILENCE_MS;
}

uint32_t tdm__link_poll(struct tdm_mcu *mcu)
{
    struct tdm_mcu_link *link = &mcu->link;
    uint32_t wait_ms;

    if (tdm__is_asked(&mcu->calls.link))
        return TDM__NEVER;
    if (link->state == LINK_LOST)
        lose(mcu);
    put_watch_off(mcu);
    wait_ms = tdm__time_left(mcu, link->wake_ms);
    if (wait_ms > 0)
        return wait_ms;
    if (link->state == LINK_PING)
        tdm_station_resync(&mcu->station);
    return tdm__ask(mcu, &mcu->calls.link, &rows[link->state].question);
}

void tdm__link_lost(struct tdm_mcu *mcu)
{
    tdm__drop(mcu, &mcu->calls.link);
    enter(mcu, LINK_LOST, NCP_START_MS);
}

void tdm__link_state(struct tdm_mcu *mcu, uint8_t ncp_state)
{
    struct tdm_mcu_link *link = &mcu->link;

    if (!link->up)
        return;
    if (ncp_state == TDM_STATE_NOT_INITIALIZED) {
        tdm__drop(mcu, &mcu->calls.link);
        enter(mcu, LINK_INFO, NCP_START_MS);
        go_down(mcu);
    } else if (ncp_state != link->ncp_state) {
        link->ncp_state = ncp_state;
        tdm__emit_value(mcu, TDM_MCU_NCP_STATE, ncp_state);
    }
}

bool tdm__link_knows_peer(const struct tdm_mcu *mcu)
{
    return mcu->link.state != LINK_PROBE;
}
