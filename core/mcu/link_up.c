/* Bring-up and life of the link (docs/PROTOCOL.md, section 4).
 *
 *     PING ----> RAISE ----> PING_RAISED ----> INFO ----> INITIALIZE ----> PROBE ----> WATCH --.
 *      ^ |         \ at the target rate already ^ ^            |             (up)        ^ |   |
 *      | '- next rate, pause after a round        | refused    |                         | '---'
 *      |                                          '------------'                         |  every 10 s of
 *      |                                          ^---- the co-processor is in state 10 -'  own silence
 *      '---- LOST: three time-outs in a row, or the co-processor restarts
 *
 * In each state at most one call is in flight: its send function runs when none is and wake_ms is past, its
 * done function chooses the next state. */
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

static void enter(struct tdm_mcu *mcu, enum link_state state, uint32_t wake_ms)
{
    mcu->link.state = (uint8_t)state;
    mcu->link.tries = 0;
    mcu->link.wake_ms = wake_ms;
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

static void fall_back(struct tdm_mcu *mcu, uint32_t wake_ms)
{
    mcu->link.rate = 0;
    set_baud(mcu, initial_baud(mcu));
    enter(mcu, LINK_PING, wake_ms);
}

/* One more failure of this state's call: lost after limit of them in a row, again at once before. */
static void count_failure(struct tdm_mcu *mcu, uint8_t limit, uint32_t now_ms)
{
    if (++mcu->link.tries >= limit)
        enter(mcu, LINK_LOST, now_ms);
}

/* ---- LOST ---- */

static int send_lost(struct tdm_mcu *mcu, uint32_t now_ms)
{
    bool was_up = mcu->link.up;

    mcu->link.up = false;
    mcu->link.peer = 0;
    mcu->link.ncp_state = TDM_STATE_UNKNOWN;
    tdm__update_link_lost(mcu, now_ms);
    tdm_endpoint_reset(&mcu->endpoint, now_ms);
    tdm__report_drop_all(mcu);
    fall_back(mcu, mcu->link.wake_ms);
    if (was_up)
        tdm__emit_value(mcu, TDM_MCU_LINK_DOWN, 0);
    return TDM_OK;
}

/* ---- PING: the rate that the co-processor listens at ---- */

static int ask(struct tdm_mcu *mcu, const struct tdm__question *question, uint32_t argument, uint32_t now_ms)
{
    return tdm__ask(mcu, question, argument, &mcu->link.call, now_ms);
}

static void round_without_answer(struct tdm_mcu *mcu, uint32_t now_ms)
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
    fall_back(mcu, now_ms + pause_ms);
}

static void next_rate(struct tdm_mcu *mcu, uint32_t now_ms)
{
    struct tdm_mcu_link *link = &mcu->link;

    do {
        link->rate++;
    } while (link->rate < RATES &&
             (rate_at(mcu, link->rate) == link->baud || rate_at(mcu, link->rate) == initial_baud(mcu)));
    if (link->rate >= RATES) {
        round_without_answer(mcu, now_ms);
        return;
    }
    set_baud(mcu, rate_at(mcu, link->rate));
    enter(mcu, LINK_PING, now_ms);
}

static void ping_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_mcu *mcu = ctx;

    (void)status;
    (void)results;
    if (error == TDM_E_CANCELLED)
        return;
    if (error == TDM_E_TIMEOUT) {
        if (++mcu->link.tries >= PINGS_PER_RATE)
            next_rate(mcu, now_ms);
        return;
    }
    mcu->link.rounds = 0;
    enter(mcu, mcu->link.stay || mcu->link.baud == target_baud(mcu) ? LINK_INFO : LINK_RAISE, now_ms);
}

static int send_first_ping(struct tdm_mcu *mcu, uint32_t now_ms)
{
    static const struct tdm__question ping = {TDM_UID_NCP_PING, PING_TIMEOUT_MS, 0, ping_done};

    tdm_endpoint_resync(&mcu->endpoint);
    return ask(mcu, &ping, 0, now_ms);
}

/* ---- RAISE, PING_RAISED ---- */

static void raise_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_mcu *mcu = ctx;
    bool raised = tdm__is_yes(error, results);

    (void)status;
    if (error == TDM_E_CANCELLED)
        return;
    if (raised) {
        set_baud(mcu, target_baud(mcu));
        enter(mcu, LINK_PING_RAISED, now_ms + RATE_SETTLE_MS);
    } else if (error == TDM_E_TIMEOUT) {
        /* The answer may be what was lost: then it listens at the target rate, which PING tries too. */
        mcu->link.stay = true;
        fall_back(mcu, now_ms);
    } else {
        enter(mcu, LINK_INFO, now_ms);
    }
}

static int send_raise(struct tdm_mcu *mcu, uint32_t now_ms)
{
    static const struct tdm__question raise = {TDM_UID_HW_SET_UART_BAUD_RATE, CALL_TIMEOUT_MS, 4, raise_done};

    return ask(mcu, &raise, target_baud(mcu), now_ms);
}

static void raised_ping_done(void *ctx, int error, uint8_t status, struct tdm_reader *results,
                             uint32_t now_ms)
{
    struct tdm_mcu *mcu = ctx;

    (void)status;
    (void)results;
    if (error == TDM_E_CANCELLED)
        return;
    if (error != TDM_E_TIMEOUT) {
        enter(mcu, LINK_INFO, now_ms);
    } else if (++mcu->link.tries >= PINGS_RAISED) {
        /* The line does not carry the rate; the co-processor falls back after 25 s of silence. */
        mcu->link.stay = true;
        fall_back(mcu, now_ms);
    }
}

static int send_raised_ping(struct tdm_mcu *mcu, uint32_t now_ms)
{
    static const struct tdm__question ping = {TDM_UID_NCP_PING, PING_TIMEOUT_MS, 0, raised_ping_done};

    tdm_endpoint_resync(&mcu->endpoint);
    return ask(mcu, &ping, 0, now_ms);
}

/* ---- INFO ---- */

static void info_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_mcu *mcu = ctx;

    (void)status;
    (void)results;
    if (error == TDM_E_TIMEOUT)
        count_failure(mcu, TRIES, now_ms);
    else if (error != TDM_E_CANCELLED)
        enter(mcu, LINK_INITIALIZE, now_ms);
}

static int send_info(struct tdm_mcu *mcu, uint32_t now_ms)
{
    const struct tdm_mcu_config *config = mcu->config;
    struct tdm_writer args;
    int error = tdm_endpoint_open(&mcu->endpoint, TDM_UID_SET_FIRMWARE_INFO, false, &args);

    if (error != TDM_OK)
        return error;
    tdm_put_string(&args, config->type);
    tdm_put_string(&args, config->version);
    tdm_put_string(&args, config->build);
    tdm_put_string(&args, config->library);
    return tdm_endpoint_commit(&mcu->endpoint, &args, &mcu->link.call, CALL_TIMEOUT_MS, info_done, mcu,
                               now_ms);
}

/* ---- INITIALIZE ---- */

static void initialize_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_mcu *mcu = ctx;
    bool accepted = tdm__is_yes(error, results);

    (void)status;
    if (error == TDM_E_CANCELLED)
        return;
    if (accepted) {
        mcu->link.up = true;
        mcu->link.peer = 0;
        mcu->link.probe = 0;
        enter(mcu, LINK_PROBE, now_ms);
        tdm__report_drop_failed(mcu, now_ms); /* of before: it would end an update that is offered now */
        tdm__report(mcu, TDM__BOOTED);
        tdm__report(mcu, TDM__DECODES);
        tdm__report(mcu, TDM__STARTED);
        if (mcu->held_s > 0)
            tdm__report(mcu, TDM__HELD);
        tdm__emit_value(mcu, TDM_MCU_LINK_UP, 0);
    } else if (error == TDM_E_TIMEOUT) {
        count_failure(mcu, TRIES, now_ms);
    } else {
        mcu->link.wake_ms = now_ms + REFUSED_PAUSE_MS;
        count_failure(mcu, REFUSALS, now_ms);
    }
}

static int send_initialize(struct tdm_mcu *mcu, uint32_t now_ms)
{
    struct tdm_writer args;
    int error = tdm_endpoint_open(&mcu->endpoint, TDM_UID_INITIALIZE, false, &args);

    if (error != TDM_OK)
        return error;
    tdm_put_string(&args, mcu->config->template_id);
    tdm_put_string(&args, mcu->config->template_name);
    return tdm_endpoint_commit(&mcu->endpoint, &args, &mcu->link.call, INITIALIZE_TIMEOUT_MS, initialize_done,
                               mcu, now_ms);
}

/* ---- PROBE: which extensions does it know? A module of another make says no, an error, or nothing; one
 * that does not know the first is not asked for the others. ---- */

static void probe_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_link *link = &mcu->link;
    bool known = tdm__is_yes(error, results);

    (void)status;
    if (error == TDM_E_CANCELLED || (error == TDM_E_TIMEOUT && ++link->tries < PROBES))
        return;
    if (known)
        link->peer |= (uint8_t)(1u << link->probe);
    link->probe++;
    enter(mcu, link->peer == 0 || link->probe == TDM__EXTENSIONS ? LINK_WATCH : LINK_PROBE, now_ms);
}

static int send_probe(struct tdm_mcu *mcu, uint32_t now_ms)
{
    static const struct tdm__question knows = {TDM_UID_NCP_HAS_UID, CALL_TIMEOUT_MS, 2, probe_done};
    static const uint16_t uids[TDM__EXTENSIONS] = {TDM_UID_DEVICE_REPORT, TDM_UID_OTA_RESUME,
                                                   TDM_UID_DEVICE_START, TDM_UID_OTA_WINDOW,
                                                   TDM_UID_DEVICE_DECODES};

    return ask(mcu, &knows, uids[mcu->link.probe], now_ms);
}

/* ---- WATCH: a sign of life whenever nothing else was sent, and the state of the other side ---- */

static void watch_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_mcu *mcu = ctx;
    uint8_t ncp_state = tdm_get_u8(results);

    (void)status;
    if (error == TDM_E_CANCELLED)
        return;
    if (error == TDM_E_TIMEOUT) {
        count_failure(mcu, TRIES, now_ms);
        return;
    }
    enter(mcu, LINK_WATCH, now_ms + SILENCE_MS);
    if (error == TDM_OK && tdm_reader_done(results))
        tdm__link_state(mcu, ncp_state, now_ms);
}

static int send_watch(struct tdm_mcu *mcu, uint32_t now_ms)
{
    static const struct tdm__question state = {TDM_UID_GET_STATE, CALL_TIMEOUT_MS, 0, watch_done};
    uint32_t due_ms = mcu->link.sent_ms + SILENCE_MS;

    if (mcu->link.ncp_state != TDM_STATE_UNKNOWN && mcu->link.tries == 0 && !tdm__is_past(due_ms, now_ms)) {
        mcu->link.wake_ms = due_ms;
        return TDM_OK;
    }
    return ask(mcu, &state, 0, now_ms);
}

/* ---- The whole ---- */

void tdm__link_start(struct tdm_mcu *mcu, uint32_t now_ms)
{
    mcu->link.sent_ms = now_ms;
    fall_back(mcu, now_ms);
}

uint32_t tdm__link_poll(struct tdm_mcu *mcu, uint32_t now_ms)
{
    static int (*const send[LINK_STATES])(struct tdm_mcu *, uint32_t) = {
        send_lost, send_first_ping, send_raise, send_raised_ping,
        send_info, send_initialize, send_probe, send_watch,
    };
    struct tdm_mcu_link *link = &mcu->link;

    if (link->call.in_flight)
        return TDM__NEVER;
    if (link->state != LINK_LOST && !tdm__is_past(link->wake_ms, now_ms))
        return tdm__until(link->wake_ms, now_ms);
    if (send[link->state](mcu, now_ms) != TDM_OK)
        return 1; /* the transmit queue is full for the moment */
    return link->call.in_flight ? TDM__NEVER : tdm__until(link->wake_ms, now_ms);
}

void tdm__link_lost(struct tdm_mcu *mcu, uint32_t now_ms)
{
    tdm_endpoint_cancel(&mcu->endpoint, &mcu->link.call, now_ms);
    enter(mcu, LINK_LOST, now_ms + NCP_START_MS);
}

void tdm__link_state(struct tdm_mcu *mcu, uint8_t ncp_state, uint32_t now_ms)
{
    struct tdm_mcu_link *link = &mcu->link;

    if (!link->up)
        return;
    if (ncp_state == TDM_STATE_NOT_INITIALIZED) {
        tdm_endpoint_cancel(&mcu->endpoint, &link->call, now_ms);
        link->up = false;
        tdm__update_link_lost(mcu, now_ms);
        enter(mcu, LINK_INFO, now_ms + NCP_START_MS);
        tdm__emit_value(mcu, TDM_MCU_LINK_DOWN, 0);
        return;
    }
    if (ncp_state == link->ncp_state)
        return;
    link->ncp_state = ncp_state;
    tdm__emit_value(mcu, TDM_MCU_NCP_STATE, ncp_state);
}

bool tdm__link_knows_peer(const struct tdm_mcu *mcu)
{
    return mcu->link.state != LINK_PROBE;
}
