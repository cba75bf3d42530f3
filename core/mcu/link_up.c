/* Bring-up and life of the link (docs/PROTOCOL.md, section 4).
 *
 *     PING ----> RAISE ----> PING_RAISED ----> INFO ----> INITIALIZE ----> PROBE ----> WATCH --.
 *      ^ |         \ at the target rate already ^ ^            |             (up)        ^ |   |
 *      | '- next rate, pause after a round        | refused    |                         | '---'
 *      |                                          '------------'                         |  every 10 s of
 *      |                                          ^---- the co-processor is in state 10 -'  own silence
 *      '---- LOST: three time-outs in a row, or the co-processor restarts
 *
 * Each state asks one question (the table at the end), when none is in flight and wake_ms is past; what takes
 * the answer chooses the next state. */
#include "core/mcu/client.h"

enum link_state {
    LINK_LOST,
    LINK_PING,
    LINK_RAISE,
    LINK_PING_RAISED,
    LINK_INFO,
    LINK_INITIALIZE,
    LINK_PROBE,
    LINK_WATCH,
    LINK_STATES
};

enum {
    INITIAL_BAUD = 38400,
    SECOND_BAUD = 115200,
    RATES = 3,
    PING_TIMEOUT_MS = 100,
    CALL_TIMEOUT_MS = 1000,
    INITIALIZE_TIMEOUT_MS = 5000,
    PINGS_PER_RATE = 2,
    PINGS_RAISED = 3,
    TRIES = 3,
    PROBES = 2,
    ROUND_PAUSE_MS = 250, /* grows by this much each round, to ROUND_PAUSES times it */
    ROUND_PAUSES = 8,
    ROUNDS_PER_RESET = 5, /* of the co-processor */
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

static uint32_t initial_baud(const struct tdm_mcu *mcu)
{
    return mcu->config->initial_baud != 0 ? mcu->config->initial_baud : INITIAL_BAUD;
}

static uint32_t target_baud(const struct tdm_mcu *mcu)
{
    return mcu->config->target_baud != 0 ? mcu->config->target_baud : initial_baud(mcu);
}

static uint32_t rate_at(const struct tdm_mcu *mcu, uint8_t index)
{
    if (index == 0)
        return initial_baud(mcu);
    return index == 1 ? SECOND_BAUD : target_baud(mcu);
}

static void set_baud(struct tdm_mcu *mcu, uint32_t baud)
{
    if (mcu->link.baud == baud)
        return;
    mcu->config->ops->set_baud(mcu->config->ctx, baud);
    mcu->link.baud = baud;
}

static void fall_back(struct tdm_mcu *mcu, uint32_t pause_ms)
{
    mcu->link.rate = 0;
    set_baud(mcu, initial_baud(mcu));
    enter(mcu, LINK_PING, pause_ms);
}

/* One more failure of this state's call: lost after limit of them in a row, again at once before. */
static void count_failure(struct tdm_mcu *mcu, uint8_t limit)
{
    if (++mcu->link.tries >= limit)
        enter(mcu, LINK_LOST, 0);
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
    mcu->link.peer = 0;
    mcu->link.ncp_state = TDM_STATE_UNKNOWN;
    go_down(mcu);
    tdm__report_drop_all(mcu);
    tdm_station_reset(&mcu->station);
    fall_back(mcu, tdm__time_left(mcu, mcu->link.wake_ms));
}

/* ---- PING: the rate that the co-processor listens at ---- */

static void round_without_answer(struct tdm_mcu *mcu)
{
    struct tdm_mcu_link *link = &mcu->link;
    uint32_t pause_ms = ROUND_PAUSE_MS * ++link->rounds;

    link->stay = false;
    if (link->rounds == ROUNDS_PER_RESET && mcu->config->ops->reset_ncp != NULL) {
        mcu->config->ops->reset_ncp(mcu->config->ctx);
        pause_ms = NCP_START_MS;
        link->rounds = 0;
    } else if (link->rounds == ROUND_PAUSES) {
        link->rounds = 0;
    }
    fall_back(mcu, pause_ms);
}

static void next_rate(struct tdm_mcu *mcu)
{
    struct tdm_mcu_link *link = &mcu->link;
    uint32_t baud;

    do {
        if (++link->rate >= RATES) {
            round_without_answer(mcu);
            return;
        }
        baud = rate_at(mcu, link->rate);
    } while (baud == link->baud || baud == initial_baud(mcu));
    set_baud(mcu, baud);
    enter(mcu, LINK_PING, 0);
}

static void ping_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_link *link = &mcu->link;

    (void)results;
    if (error != TDM_E_TIMEOUT) {
        link->rounds = 0;
        enter(mcu, link->stay || link->baud == target_baud(mcu) ? LINK_INFO : LINK_RAISE, 0);
    } else if (++link->tries >= PINGS_PER_RATE) {
        next_rate(mcu);
    }
}

/* ---- RAISE, PING_RAISED ---- */

static void put_baud(const void *ctx, struct tdm_writer *args)
{
    tdm_put_u32(args, target_baud(ctx));
}

static void raise_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    if (tdm__is_yes(error, results)) {
        set_baud(mcu, target_baud(mcu));
        enter(mcu, LINK_PING_RAISED, RATE_SETTLE_MS);
    } else if (error == TDM_E_TIMEOUT) {
        /* The answer may be what was lost: then it listens at the target rate, which PING tries too. */
        mcu->link.stay = true;
        fall_back(mcu, 0);
    } else {
        enter(mcu, LINK_INFO, 0);
    }
}

static void raised_ping_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    (void)results;
    if (error != TDM_E_TIMEOUT) {
        enter(mcu, LINK_INFO, 0);
    } else if (++mcu->link.tries >= PINGS_RAISED) {
        /* The line does not carry the rate; the co-processor falls back after 25 s of silence. */
        mcu->link.stay = true;
        fall_back(mcu, 0);
    }
}

/* ---- INFO ---- */

static void put_info(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_string(args, mcu->config->type);
    tdm_put_string(args, mcu->config->version);
    tdm_put_string(args, mcu->config->build);
    tdm_put_string(args, mcu->config->library);
}

static void info_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    (void)results;
    if (error == TDM_E_TIMEOUT)
        count_failure(mcu, TRIES);
    else
        enter(mcu, LINK_INITIALIZE, 0);
}

/* ---- INITIALIZE ---- */

static void put_template(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_string(args, mcu->config->template_id);
    tdm_put_string(args, mcu->config->template_name);
}

static void go_up(struct tdm_mcu *mcu)
{
    mcu->link.up = true;
    mcu->link.peer = 0;
    mcu->link.probe = 0;
    enter(mcu, LINK_PROBE, 0);
    tdm__report_drop_failed(mcu); /* of before: it would end an update that is offered now */
    tdm__report(mcu, TDM__BOOTED);
    tdm__report(mcu, TDM__DECODES);
    tdm__report(mcu, TDM__STARTED);
    if (mcu->held_s > 0)
        tdm__report(mcu, TDM__HELD);
    tdm__emit_value(mcu, TDM_MCU_LINK_UP, 0);
}

static void initialize_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    if (tdm__is_yes(error, results)) {
        go_up(mcu);
    } else if (error == TDM_E_TIMEOUT) {
        count_failure(mcu, TRIES);
    } else {
        mcu->link.wake_ms = mcu->now_ms + REFUSED_PAUSE_MS;
        count_failure(mcu, REFUSALS);
    }
}

/* ---- PROBE: which extensions does it know? A module of another make says no, an error, or nothing; one
 * that does not know the first is not asked for the others. ---- */

static void put_extension(const void *ctx, struct tdm_writer *args)
{
    static const uint16_t uids[TDM__EXTENSIONS] = {TDM_UID_DEVICE_REPORT, TDM_UID_OTA_RESUME,
                                                   TDM_UID_DEVICE_START, TDM_UID_OTA_WINDOW,
                                                   TDM_UID_DEVICE_DECODES};
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u16(args, uids[mcu->link.probe]);
}

static void probe_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_link *link = &mcu->link;

    if (error == TDM_E_TIMEOUT && ++link->tries < PROBES)
        return;
    if (tdm__is_yes(error, results))
        link->peer |= (uint8_t)(1u << link->probe);
    link->probe++;
    enter(mcu, link->peer == 0 || link->probe == TDM__EXTENSIONS ? LINK_WATCH : LINK_PROBE, 0);
}

/* ---- WATCH: a sign of life whenever nothing else was sent, and the state of the other side ---- */

static void watch_done(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    uint8_t ncp_state = tdm_get_u8(results);

    if (error == TDM_E_TIMEOUT) {
        count_failure(mcu, TRIES);
        return;
    }
    enter(mcu, LINK_WATCH, SILENCE_MS);
    if (error == TDM_OK && tdm_reader_done(results))
        tdm__link_state(mcu, ncp_state);
}

/* Something else may have been sent since. */
static void put_watch_off(struct tdm_mcu *mcu)
{
    struct tdm_mcu_link *link = &mcu->link;

    if (link->state == LINK_WATCH && link->ncp_state != TDM_STATE_UNKNOWN && link->tries == 0 &&
        tdm__is_past(mcu, link->wake_ms))
        link->wake_ms = link->sent_ms + SILENCE_MS;
}

/* ---- The whole ---- */

static const struct tdm_question questions[LINK_STATES] = {
    [LINK_PING] = {TDM_UID_NCP_PING, PING_TIMEOUT_MS, NULL, ping_done},
    [LINK_RAISE] = {TDM_UID_HW_SET_UART_BAUD_RATE, CALL_TIMEOUT_MS, put_baud, raise_done},
    [LINK_PING_RAISED] = {TDM_UID_NCP_PING, PING_TIMEOUT_MS, NULL, raised_ping_done},
    [LINK_INFO] = {TDM_UID_SET_FIRMWARE_INFO, CALL_TIMEOUT_MS, put_info, info_done},
    [LINK_INITIALIZE] = {TDM_UID_INITIALIZE, INITIALIZE_TIMEOUT_MS, put_template, initialize_done},
    [LINK_PROBE] = {TDM_UID_NCP_HAS_UID, CALL_TIMEOUT_MS, put_extension, probe_done},
    [LINK_WATCH] = {TDM_UID_GET_STATE, CALL_TIMEOUT_MS, NULL, watch_done},
};

void tdm__link_start(struct tdm_mcu *mcu)
{
    mcu->link.sent_ms = mcu->now_ms;
    fall_back(mcu, 0);
}

uint32_t tdm__link_poll(struct tdm_mcu *mcu)
{
    struct tdm_mcu_link *link = &mcu->link;
    uint32_t wait_ms;

    if (tdm__is_asked(&link->call))
        return TDM__NEVER;
    if (link->state == LINK_LOST)
        lose(mcu);
    put_watch_off(mcu);
    wait_ms = tdm__time_left(mcu, link->wake_ms);
    if (wait_ms > 0)
        return wait_ms;
    if (questions[link->state].uid == TDM_UID_NCP_PING)
        tdm_station_resync(&mcu->station);
    return tdm__ask(mcu, &link->call, &questions[link->state]);
}

void tdm__link_lost(struct tdm_mcu *mcu)
{
    tdm__drop(mcu, &mcu->link.call);
    enter(mcu, LINK_LOST, NCP_START_MS);
}

void tdm__link_state(struct tdm_mcu *mcu, uint8_t ncp_state)
{
    struct tdm_mcu_link *link = &mcu->link;

    if (!link->up)
        return;
    if (ncp_state == TDM_STATE_NOT_INITIALIZED) {
        tdm__drop(mcu, &link->call);
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
