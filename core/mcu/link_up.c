/* Bring-up and life of the link (docs/PROTOCOL.md, section 4).
 *
 *     PING --------------> INFO ----> INITIALIZE ----> PROBE ----> WATCH --.
 *     ^  ^ \ raised before  ^ ^           |            (up)        ^ ^ |   |
 *     |  |  \               | |  refused  |                        | | '---'
 *     |  '-- RAISE          | '-----------'                        | | every 10 s of own silence
 *     |                     '----- the co-processor is in          | '---> TELL: what report.c has to say
 *     |                            state 10                        '------------'
 *     '---- LOST: three time-outs in a row, or the co-processor restarts
 *
 * PING goes on to the next rate where nobody answers, with a pause after each round.
 *
 * WATCH asks as well when nothing was heard for 30 s, however much is written.
 *
 * RAISE is tried once in the life of a link: whether it was heard, the next PING shows, at all rates.
 *
 * Each state asks one question (the table at the end), when none is in flight and wake_ms is past; the answer
 * leads to the next state. */
#include "core/mcu/client.h"

enum link_state {
    LINK_LOST,
    LINK_PING,
    LINK_RAISE,
    LINK_INFO,
    LINK_INITIALIZE,
    LINK_PROBE,
    LINK_WATCH,
    LINK_TELL,
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
    SILENCE_MS = 10000, /* sign of life; the co-processor expects one every 15 s */
    DOUBT_MS = 30000    /* of its silence: what is written may not be heard any more */
};

static void enter(struct tdm_mcu *mcu, enum link_state state, uint32_t pause_ms)
{
    mcu->link.state = (uint8_t)state;
    mcu->link.tries = 0;
    mcu->link.count = 0;
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

static void set_rate(struct tdm_mcu *mcu, uint8_t rate)
{
    mcu->link.rate = rate;
    mcu->config->ops->set_baud(mcu->config->ctx, baud_of(mcu, rate));
}

/* After a round over all of them comes a pause, longer each time, and at last a reset of the co-processor. */
static void next_rate(struct tdm_mcu *mcu)
{
    const struct tdm_mcu_ops *ops = mcu->config->ops;
    struct tdm_mcu_link *link = &mcu->link;

    set_rate(mcu, link->rate < RATE_TARGET ? link->rate + 1 : RATE_INITIAL);
    if (link->rate != RATE_INITIAL)
        return;
    link->wake_ms += (uint32_t)ROUND_PAUSE_MS * ++link->count;
    if (link->count < ROUNDS)
        return;
    link->count = 0;
    if (ops->reset_ncp != NULL)
        ops->reset_ncp(mcu->config->ctx);
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

    link->ncp_state = TDM_STATE_UNKNOWN;
    go_down(mcu);
    tdm__report_drop_all(mcu);
    tdm_station_reset(&mcu->station);
    link->raised = mcu->config->target_baud == 0; /* where there is no other rate */
    set_rate(mcu, RATE_INITIAL);
    enter(mcu, LINK_PING, tdm__time_left(mcu, link->wake_ms));
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

/* The uids of docs/EXTENSIONS.md follow each other as enum tdm__extension does. */
static void put_extension(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu *mcu = ctx;

    tdm_put_u16(args, (uint16_t)(TDM_UID_DEVICE_REPORT + mcu->link.count));
}

/* ---- What an answer leads to: the next state, at once or when wake_ms says so ----
 *
 * answer is the first byte of the results, a Bool or a state; 0 if the call failed; negative if nothing came
 * for as many tries as the table grants. */

static enum link_state ping_answered(struct tdm_mcu *mcu, int answer)
{
    struct tdm_mcu_link *link = &mcu->link;

    if (answer < 0) {
        next_rate(mcu);
        return LINK_PING;
    }
    return link->raised || link->rate == RATE_TARGET ? LINK_INFO : LINK_RAISE;
}

static enum link_state raise_answered(struct tdm_mcu *mcu, int answer)
{
    mcu->link.raised = true;
    if (answer > 0)
        set_rate(mcu, RATE_TARGET);
    mcu->link.wake_ms += RATE_SETTLE_MS;
    return LINK_PING;
}

static enum link_state info_answered(struct tdm_mcu *mcu, int answer)
{
    (void)mcu;
    return answer < 0 ? LINK_LOST : LINK_INITIALIZE;
}

static enum link_state initialize_answered(struct tdm_mcu *mcu, int answer)
{
    struct tdm_mcu_link *link = &mcu->link;

    if (answer < 0 || (answer == 0 && ++link->count == REFUSALS))
        return LINK_LOST;
    if (answer == 0) {
        link->wake_ms += REFUSED_PAUSE_MS;
        return LINK_INITIALIZE;
    }
    link->up = true;
    link->peer = 0;
    tdm__report_drop_failed(mcu); /* of before: it would end an update that is offered now */
    tdm__report(mcu, TDM__BOOTED | TDM__DECODES | TDM__STARTED | (mcu->held_s > 0 ? TDM__HELD : 0));
    tdm__emit_value(mcu, TDM_MCU_LINK_UP, 0);
    return LINK_PROBE;
}

/* Which extensions does it know? A module of another make says no, an error, or nothing; one that does not
 * know the first is not asked for the others. */
static enum link_state probe_answered(struct tdm_mcu *mcu, int answer)
{
    struct tdm_mcu_link *link = &mcu->link;

    link->peer |= (uint8_t)((answer > 0) << link->count);
    link->count++;
    return link->peer == 0 || link->count == TDM__EXTENSIONS ? LINK_WATCH : LINK_PROBE;
}

static enum link_state watch_answered(struct tdm_mcu *mcu, int answer)
{
    if (answer < 0)
        return LINK_LOST;
    mcu->link.wake_ms += SILENCE_MS;
    if (answer > 0)
        tdm__link_state(mcu, (uint8_t)answer);
    return (enum link_state)mcu->link.state;
}

static enum link_state tell_answered(struct tdm_mcu *mcu, int answer)
{
    (void)answer;
    mcu->report.sending = 0; /* told, or given up */
    return LINK_WATCH;
}

/* ---- The whole ---- */

/* What each state asks, how often in a row without an answer, and what follows. */
static const struct {
    struct tdm_question question;
    uint8_t tries;
    enum link_state (*answered)(struct tdm_mcu *mcu, int answer);
} rows[LINK_STATES] = {
    [LINK_PING] = {{TDM_UID_NCP_PING, PING_TIMEOUT_MS, NULL, tdm__link_answered}, 2, ping_answered},
    [LINK_RAISE] = {{TDM_UID_HW_SET_UART_BAUD_RATE, CALL_TIMEOUT_MS, put_baud, tdm__link_answered},
                    1,
                    raise_answered},
    [LINK_INFO] = {{TDM_UID_SET_FIRMWARE_INFO, CALL_TIMEOUT_MS, put_info, tdm__link_answered},
                   3,
                   info_answered},
    [LINK_INITIALIZE] = {{TDM_UID_INITIALIZE, INITIALIZE_TIMEOUT_MS, put_template, tdm__link_answered},
                         3,
                         initialize_answered},
    [LINK_PROBE] = {{TDM_UID_NCP_HAS_UID, CALL_TIMEOUT_MS, put_extension, tdm__link_answered},
                    2,
                    probe_answered},
    [LINK_WATCH] = {{TDM_UID_GET_STATE, CALL_TIMEOUT_MS, NULL, tdm__link_answered}, 3, watch_answered},
    [LINK_TELL] = {{0, 0, NULL, NULL}, 3, tell_answered} /* report.c knows what */
};

static int answer_of(int error, struct tdm_reader *results)
{
    uint8_t value = tdm_get_u8(results);

    if (error == TDM_E_TIMEOUT)
        return error;
    return error == TDM_OK && tdm_reader_done(results) ? value : 0;
}

void tdm__link_answered(void *ctx, int error, struct tdm_reader *results)
{
    struct tdm_mcu *mcu = ctx;
    struct tdm_mcu_link *link = &mcu->link;
    int answer = answer_of(error, results);
    enum link_state next;

    if (answer >= 0)
        mcu->heard_ms = mcu->now_ms;
    else if (++link->tries < rows[link->state].tries)
        return;
    link->tries = 0;
    link->wake_ms = mcu->now_ms;
    next = rows[link->state].answered(mcu, answer);
    if (next != link->state)
        link->count = 0;
    link->state = (uint8_t)next;
}

/* What there is to tell comes before a sign of life, which is due when nothing else was sent; the question,
 * when nothing was heard. */
static void watch(struct tdm_mcu *mcu)
{
    struct tdm_mcu_link *link = &mcu->link;
    bool due = tdm__is_past(mcu, link->wake_ms);

    if (link->tries > 0 || (due && link->ncp_state == TDM_STATE_UNKNOWN))
        return;
    if (tdm__report_choose(mcu))
        enter(mcu, LINK_TELL, 0);
    else if (due && !tdm__is_past(mcu, mcu->heard_ms + DOUBT_MS))
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
    if (link->state == LINK_WATCH)
        watch(mcu);
    wait_ms = tdm__time_left(mcu, link->wake_ms);
    if (wait_ms > 0)
        return wait_ms;
    tdm_station_resync(&mcu->station); /* harmless where it is in step */
    return tdm__ask(mcu, &mcu->calls.link,
                    link->state == LINK_TELL ? tdm__report_question(mcu) : &rows[link->state].question);
}

void tdm__link_make_way(struct tdm_mcu *mcu)
{
    if (mcu->link.state < LINK_WATCH)
        return;
    tdm__drop(mcu, &mcu->calls.link);
    enter(mcu, LINK_WATCH, 0);
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
