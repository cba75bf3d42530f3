/* The life of the link to the primary MCU (docs/PROTOCOL.md, section 4).
 *
 *        init
 *          v
 *      [ down ] --initialize--> [ up ] --25 s of silence--> [ pinging ] --5 unanswered pings--.
 *       ^  ^                      ^                             |                             |
 *       |  |                      '-------- any good frame -----'                             |
 *       |  '----------------- otaUpdateFinish true, ncp.reboot (once answered) ---------------|
 *       '-------------------------------------------------------------------------------------'
 *
 * - down is state 10, off line, at the initial rate unless the MCU asked for another one; a raised rate in
 *   down is left after the same silence, or an MCU that restarted would never be heard again.
 * - The rate changes, and the session restarts, only when nothing waits to be sent: answers go out before.
 * - An MCU that speaks in down without initialising is told of state 10 after a while.
 * - The MCU is told of states, events and pins only while no answer of it is awaited (section 9). */
#include "core/ncp/internal.h"

#include <string.h>

void tdm__ncp_link_heard(struct tdm_ncp *ncp, uint32_t now_ms)
{
    if (ncp->endpoint.line.frames == ncp->frames)
        return;
    ncp->frames = ncp->endpoint.line.frames;
    ncp->heard_ms = now_ms;
    ncp->pings = 0;
    if (!ncp->initialized && !ncp->reminds) {
        ncp->reminds = true;
        ncp->remind_ms = now_ms + TDM__REMIND_MS;
    }
}

static void set_baud(struct tdm_ncp *ncp, uint32_t baud)
{
    ncp->baud = baud;
    ncp->switch_to = 0;
    ncp->config->ops->set_baud(ncp->config->ctx, baud);
}

void tdm__ncp_link_restart(struct tdm_ncp *ncp, uint32_t now_ms)
{
    bool was_online = ncp->online;

    tdm_endpoint_reset(&ncp->endpoint, now_ms);
    memset(&ncp->device, 0, sizeof ncp->device);
    ncp->initialized = false;
    ncp->online = false;
    ncp->restart = false;
    ncp->reboot_mcu = false;
    ncp->reports = false;
    ncp->suspended = false;
    ncp->reminds = false;
    ncp->event_count = 0;
    ncp->told = TDM_STATE_NOT_INITIALIZED;
    ncp->heard_ms = now_ms;
    if (ncp->baud != ncp->config->initial_baud || ncp->switch_to != 0)
        set_baud(ncp, ncp->config->initial_baud);
    if (was_online)
        ncp->config->ops->offline(ncp->config->ctx);
}

void tdm__ncp_link_drained(struct tdm_ncp *ncp, uint32_t now_ms)
{
    if (ncp->restart) {
        tdm__ncp_link_restart(ncp, now_ms);
        if (ncp->config->ops->reboot != NULL)
            ncp->config->ops->reboot(ncp->config->ctx);
    } else if (ncp->switch_to != 0) {
        set_baud(ncp, ncp->switch_to);
    }
}

static void ping_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    struct tdm_ncp *ncp = ctx;

    (void)status;
    (void)results;
    (void)now_ms;
    if (error == TDM_E_TIMEOUT)
        ncp->pings++;
}

/* The MCU is listened for while it is up, and at any rate but the initial one. An MCU that accepted an offer
 * may take its time: it erases, reboots, waits for a good moment. */
static bool is_watched(const struct tdm_ncp *ncp)
{
    return (ncp->online || ncp->baud != ncp->config->initial_baud) && ncp->step != TDM__ACCEPTED;
}

static uint32_t watch(struct tdm_ncp *ncp, uint32_t now_ms)
{
    uint32_t wait_ms = tdm__until(ncp->heard_ms + TDM__SILENCE_MS, now_ms);

    if (!is_watched(ncp)) {
        ncp->heard_ms = now_ms;
        return UINT32_MAX;
    }
    if (wait_ms > 0)
        return wait_ms;
    if (!tdm__may_call(ncp))
        return UINT32_MAX;
    if (ncp->pings >= TDM__PINGS) {
        ncp->counters.lost++;
        tdm__feeder_link_lost(ncp, now_ms);
        tdm__ncp_link_restart(ncp, now_ms);
        return 0;
    }
    tdm_endpoint_resync(&ncp->endpoint);
    if (tdm_endpoint_call(&ncp->endpoint, TDM_UID_MCU_PING, &ncp->life_call, TDM__PING_MS, ping_done, ncp,
                          now_ms) != TDM_OK)
        return TDM__SOON_MS;
    return TDM__PING_MS;
}

/* A ONEWAY with one byte, client.blynkStateChange or client.processEvent. */
static bool send_u8(struct tdm_ncp *ncp, uint16_t uid, uint8_t value, uint32_t now_ms)
{
    struct tdm_writer args;

    if (!tdm__may_call(ncp) || tdm_endpoint_open(&ncp->endpoint, uid, true, &args) != TDM_OK)
        return false;
    tdm_put_u8(&args, value);
    return tdm_endpoint_commit(&ncp->endpoint, &args, NULL, 0, NULL, NULL, now_ms) == TDM_OK;
}

static void tell_state(struct tdm_ncp *ncp, uint32_t now_ms)
{
    uint8_t state = (uint8_t)tdm_ncp_state(ncp);

    if (ncp->initialized && state != ncp->told && send_u8(ncp, TDM_UID_STATE_CHANGE, state, now_ms))
        ncp->told = state;
}

/* An MCU that speaks but does not initialise took no notice of our restart: one that only pings cannot. */
static uint32_t remind(struct tdm_ncp *ncp, uint32_t now_ms)
{
    uint32_t wait_ms = tdm__until(ncp->remind_ms, now_ms);

    if (ncp->initialized || tdm__feeder_active(ncp))
        ncp->reminds = false;
    if (!ncp->reminds)
        return UINT32_MAX;
    if (wait_ms > 0)
        return wait_ms;
    if (!send_u8(ncp, TDM_UID_STATE_CHANGE, TDM_STATE_NOT_INITIALIZED, now_ms))
        return TDM__SOON_MS;
    ncp->reminds = false;
    return UINT32_MAX;
}

/* --- What the network side tells the MCU --- */

void tdm_ncp_event(struct tdm_ncp *ncp, enum tdm_event event)
{
    if (!ncp->initialized)
        return;
    if (ncp->event_count == TDM_NCP_EVENTS) {
        ncp->event_count--;
        memmove(ncp->events, ncp->events + 1, ncp->event_count);
    }
    ncp->events[ncp->event_count++] = (uint8_t)event;
}

size_t tdm_ncp_event_count(const struct tdm_ncp *ncp)
{
    return ncp->event_count;
}

static void tell_events(struct tdm_ncp *ncp, uint32_t now_ms)
{
    while (ncp->event_count > 0 && send_u8(ncp, TDM_UID_PROCESS_EVENT, ncp->events[0], now_ms)) {
        ncp->event_count--;
        memmove(ncp->events, ncp->events + 1, ncp->event_count);
    }
}

bool tdm_ncp_pin_changed(struct tdm_ncp *ncp, uint16_t pin, const void *value, uint16_t bytes,
                         uint32_t now_ms)
{
    struct tdm_writer args;

    if (!ncp->initialized)
        return true;
    if (tdm__feeder_active(ncp) || !tdm__may_call(ncp) ||
        tdm_endpoint_open(&ncp->endpoint, TDM_UID_VPIN_CHANGE, true, &args) != TDM_OK)
        return false;
    tdm_put_u16(&args, pin);
    tdm_put_binary(&args, value, bytes);
    return tdm_endpoint_commit(&ncp->endpoint, &args, NULL, 0, NULL, NULL, now_ms) == TDM_OK;
}

void tdm_ncp_reboot_mcu(struct tdm_ncp *ncp)
{
    ncp->reboot_mcu = true;
}

/* It comes back by itself, and initialises. */
static void reboot_done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    (void)ctx;
    (void)error;
    (void)status;
    (void)results;
    (void)now_ms;
}

static void reboot_mcu(struct tdm_ncp *ncp, uint32_t now_ms)
{
    if (ncp->reboot_mcu && ncp->initialized && !tdm__feeder_active(ncp) && tdm__may_call(ncp) &&
        tdm_endpoint_call(&ncp->endpoint, TDM_UID_MCU_REBOOT, &ncp->life_call, TDM__REBOOT_MS, reboot_done,
                          ncp, now_ms) == TDM_OK)
        ncp->reboot_mcu = false;
}

uint32_t tdm__ncp_link_poll(struct tdm_ncp *ncp, uint32_t now_ms)
{
    uint32_t wait_ms = watch(ncp, now_ms);
    uint32_t remind_ms = remind(ncp, now_ms);

    tell_state(ncp, now_ms);
    tell_events(ncp, now_ms);
    reboot_mcu(ncp, now_ms);
    return wait_ms < remind_ms ? wait_ms : remind_ms;
}

uint32_t tdm_ncp_baud(const struct tdm_ncp *ncp)
{
    return ncp->baud;
}

const char *tdm_ncp_link_slug(const struct tdm_ncp *ncp)
{
    if (!ncp->initialized)
        return "down";
    return ncp->pings > 0 ? "silent" : "up";
}
