/* The co-processor as a whole: bytes and time to the endpoint, then to the link's life, then to the feeder.
 */
#include "core/ncp/internal.h"

#include <string.h>

uint32_t tdm__until(uint32_t then_ms, uint32_t now_ms)
{
    uint32_t left_ms = then_ms - now_ms;

    return left_ms > INT32_MAX ? 0 : left_ms;
}

static uint32_t earliest(uint32_t a_ms, uint32_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

bool tdm__may_call(const struct tdm_ncp *ncp)
{
    return !ncp->calls[0].in_flight && !ncp->calls[1].in_flight && !ncp->life_call.in_flight &&
           !ncp->restart && ncp->switch_to == 0;
}

void tdm_ncp_init(struct tdm_ncp *ncp, const struct tdm_ncp_config *config, uint32_t now_ms)
{
    memset(ncp, 0, sizeof *ncp);
    ncp->config = config;
    ncp->cloud = TDM_STATE_CONNECTING_NET;
    ncp->told = TDM_STATE_NOT_INITIALIZED;
    ncp->heard_ms = now_ms;
    ncp->baud = config->initial_baud;
    tdm_endpoint_init(&ncp->endpoint, ncp->rx, sizeof ncp->rx, ncp->tx, sizeof ncp->tx, tdm__ncp_serve, ncp);
    config->ops->set_baud(config->ctx, config->initial_baud);
}

static void count_wire(struct tdm_ncp *ncp, size_t bytes)
{
    if (ncp->step > TDM__WAITING || ncp->offers > 0)
        ncp->wire_bytes += (uint32_t)bytes;
}

void tdm_ncp_receive(struct tdm_ncp *ncp, const uint8_t *bytes, size_t count, uint32_t now_ms)
{
    count_wire(ncp, count);
    ncp->counters.bytes_in += (uint32_t)count;
    tdm_endpoint_receive(&ncp->endpoint, bytes, count, now_ms);
    tdm__ncp_link_heard(ncp, now_ms);
}

uint32_t tdm_ncp_poll(struct tdm_ncp *ncp, uint32_t now_ms)
{
    uint32_t wait_ms;

    do { /* a step that is over at once leads to the next one */
        wait_ms = tdm_endpoint_poll(&ncp->endpoint, now_ms);
        wait_ms = earliest(wait_ms, tdm__ncp_link_poll(ncp, now_ms));
        wait_ms = earliest(wait_ms, tdm__feeder_poll(ncp, now_ms));
    } while (wait_ms == 0);
    return ncp->restart || ncp->switch_to != 0 ? earliest(wait_ms, TDM__SOON_MS) : wait_ms;
}

/* Each frame has one END, and nothing else has (escapes see to that). */
static void count_sent(struct tdm_ncp *ncp, const uint8_t *bytes, size_t count)
{
    size_t i;

    ncp->counters.bytes_out += (uint32_t)count;
    for (i = 0; i < count; i++)
        ncp->counters.frames_out += bytes[i] == TDM_FRAME_END;
}

size_t tdm_ncp_pull(struct tdm_ncp *ncp, uint8_t *out, size_t capacity, uint32_t now_ms)
{
    size_t count = tdm_endpoint_pull(&ncp->endpoint, out, capacity);

    count_wire(ncp, count);
    count_sent(ncp, out, count);
    if (count == 0)
        tdm__ncp_link_drained(ncp, now_ms);
    return count;
}

void tdm_ncp_reopened(struct tdm_ncp *ncp, uint32_t now_ms)
{
    tdm_endpoint_reset(&ncp->endpoint, now_ms);
    tdm__feeder_reopened(ncp, now_ms);
}

void tdm_ncp_cloud_state(struct tdm_ncp *ncp, enum tdm_state state)
{
    ncp->cloud = (uint8_t)state;
}

enum tdm_state tdm_ncp_state(const struct tdm_ncp *ncp)
{
    if (!ncp->initialized)
        return TDM_STATE_NOT_INITIALIZED;
    return tdm__feeder_active(ncp) ? TDM_STATE_OTA_UPGRADE : (enum tdm_state)ncp->cloud;
}

bool tdm_ncp_idle(const struct tdm_ncp *ncp)
{
    return tdm_endpoint_idle(&ncp->endpoint);
}

void tdm_ncp_counters(const struct tdm_ncp *ncp, struct tdm_ncp_counters *counters)
{
    const struct tdm_frame_counters *line = &ncp->endpoint.line;

    *counters = ncp->counters;
    counters->frames_in = line->frames;
    counters->bad_crc = line->bad_crc;
    counters->oversized = line->oversized;
    counters->cut_short = line->cut_short;
    counters->noise = line->noise;
    counters->unserved = ncp->endpoint.unserved;
}

int tdm_ncp_answer_open(struct tdm_ncp *ncp, uint16_t msg_id, struct tdm_writer *results)
{
    return tdm_endpoint_answer_open(&ncp->endpoint, msg_id, results);
}

int tdm_ncp_answer_commit(struct tdm_ncp *ncp, struct tdm_writer *results)
{
    return tdm_endpoint_answer_commit(&ncp->endpoint, results);
}

const char *tdm_ncp_stage_slug(enum tdm_ncp_stage stage)
{
    static const char *const slugs[] = {
#define TDM_NCP_STAGE_SLUG(name, slug) [TDM_NCP_##name] = (slug),
        TDM_NCP_STAGES(TDM_NCP_STAGE_SLUG)
#undef TDM_NCP_STAGE_SLUG
    };

    return (size_t)stage < sizeof slugs / sizeof slugs[0] ? slugs[stage] : "unknown";
}
