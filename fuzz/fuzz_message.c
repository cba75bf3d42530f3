/* An endpoint under a script: the input says which messages arrive, what handlers and done functions do with
 * the endpoint meanwhile, and when bytes are pulled and time passes.
 *
 * Required: nothing out of bounds (the sanitizers), every call that was committed ends exactly once, and what
 * goes out is whole frames with messages of ours. */
#include "fuzz/fuzz.h"
#include "tandem/rpc.h"

#include <stdlib.h>
#include <string.h>

enum { CALLS = 4, DEPTH_MAX = 3 };

struct world {
    struct script script;
    struct tdm_endpoint ep;
    struct tdm_frame_rx out; /* reads what the endpoint sends */
    uint8_t out_buffer[256];
    struct tdm_call calls[CALLS];
    bool open[CALLS]; /* committed, not yet done */
    uint16_t later;   /* a message id to answer */
    uint32_t now_ms;
    unsigned depth; /* of handlers and done functions */
};

static void act(struct world *w);

/* A done function's ctx: which call of which world. */
struct slot {
    struct world *world;
    unsigned index;
};
static struct slot slots[CALLS];

static void done(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms)
{
    const struct slot *slot = ctx;
    struct world *w = slot->world;

    (void)status, (void)now_ms;
    require(w->open[slot->index]);
    w->open[slot->index] = false;
    require(error == TDM_OK || results->length == 0);
    (void)tdm_get_string(results);
    act(w);
}

static void call(struct world *w)
{
    unsigned index = script_next(&w->script) % CALLS;
    struct tdm_writer args;
    uint8_t bytes = script_next(&w->script);

    if (tdm_endpoint_open(&w->ep, script_next(&w->script), false, &args) != TDM_OK)
        return;
    for (unsigned i = 0; i < bytes; i++)
        tdm_put_u8(&args, (uint8_t)i);
    if (tdm_endpoint_commit(&w->ep, &args, &w->calls[index], script_next(&w->script), done, &slots[index],
                            w->now_ms) == TDM_OK)
        w->open[index] = true;
}

static void send_oneway(struct world *w)
{
    struct tdm_writer args;

    if (tdm_endpoint_open(&w->ep, script_next(&w->script), true, &args) != TDM_OK)
        return;
    tdm_put_binary(&args, "abc", 3);
    (void)!tdm_endpoint_commit(&w->ep, &args, NULL, 0, NULL, NULL, w->now_ms);
}

static void answer(struct world *w)
{
    struct tdm_writer results;

    switch (script_next(&w->script) % 3) {
    case 0:
        (void)!tdm_endpoint_answer_status(&w->ep, w->later, script_next(&w->script));
        break;
    case 1:
        (void)!tdm_endpoint_answer_bool(&w->ep, w->later, true);
        break;
    default:
        if (tdm_endpoint_answer_open(&w->ep, w->later, &results) != TDM_OK)
            return;
        tdm_put_string(&results, "later");
        (void)!tdm_endpoint_answer_commit(&w->ep, &results);
    }
}

/* Only frames of ours go out; a resync's two bytes are noise, or end a frame that a reset cut short. */
static void pull(struct world *w)
{
    uint8_t bytes[64];
    size_t count = tdm_endpoint_pull(&w->ep, bytes, 1 + script_next(&w->script) % sizeof bytes);

    for (size_t i = 0; i < count; i++) {
        int length = tdm_frame_rx_push(&w->out, bytes[i]);
        struct tdm_reader message;
        uint16_t opcode;

        if (length <= 0)
            continue;
        tdm_reader_init(&message, w->out_buffer, (size_t)length);
        opcode = tdm_get_u16(&message);
        require(opcode == TDM_OPCODE_INVOKE || opcode == TDM_OPCODE_ONEWAY || opcode == TDM_OPCODE_RESULT);
    }
}

/* One thing that anybody may do at any time. */
static void act_once(struct world *w, uint8_t what)
{
    struct tdm_writer forgotten;

    switch (what) {
    case 0:
        call(w);
        break;
    case 1:
        send_oneway(w);
        break;
    case 2:
        answer(w);
        break;
    case 3:
        pull(w);
        break;
    case 4:
        tdm_endpoint_cancel(&w->ep, &w->calls[script_next(&w->script) % CALLS], w->now_ms);
        break;
    case 5:
        tdm_endpoint_cancel_all(&w->ep, w->now_ms);
        break;
    case 6:
        w->now_ms += script_next(&w->script);
        (void)tdm_endpoint_poll(&w->ep, w->now_ms);
        break;
    case 7:
        tdm_endpoint_resync(&w->ep);
        break;
    case 8:
        tdm_endpoint_reset(&w->ep, w->now_ms);
        break;
    default:
        (void)!tdm_endpoint_open(&w->ep, 1, false, &forgotten);
        break;
    }
}

/* What a handler or done function does: up to three things. */
static void act(struct world *w)
{
    uint8_t things = script_next(&w->script) % 4;

    if (w->depth == DEPTH_MAX)
        return;
    w->depth++;
    while (things-- > 0)
        act_once(w, script_next(&w->script) % 10);
    w->depth--;
}

static int serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                 struct tdm_writer *results, uint32_t now_ms)
{
    struct world *w = ctx;
    uint16_t bytes;

    (void)uid, (void)now_ms;
    (void)tdm_get_string(args);
    (void)tdm_get_binary(args, &bytes);
    tdm_put_u32(results, 1);
    act(w);
    tdm_put_string(results, "between");
    act(w);
    for (unsigned i = script_next(&w->script); i > 0; i--)
        tdm_put_u8(results, (uint8_t)i);
    if (script_next(&w->script) % 4 == 0) {
        w->later = msg_id;
        return TDM_SERVE_LATER;
    }
    return script_next(&w->script) % 3 == 0 ? script_next(&w->script) : TDM_STATUS_OK;
}

/* A message of the script, framed; or bare bytes. */
static void receive(struct world *w)
{
    static const uint16_t opcodes[] = {TDM_OPCODE_INVOKE, TDM_OPCODE_RESULT, TDM_OPCODE_ONEWAY};
    uint8_t payload[64], wire[2 * sizeof payload + 8], kind = script_next(&w->script) % 4;
    size_t length = script_next(&w->script) % (sizeof payload - 2), count;
    struct tdm_frame_tx tx;
    struct tdm_writer head;

    tdm_writer_init(&head, payload, sizeof payload);
    tdm_put_u16(&head, kind < 3 ? opcodes[kind] : script_next(&w->script));
    for (size_t i = 0; i < length; i++)
        tdm_put_u8(&head, script_next(&w->script));
    tdm_frame_tx_init(&tx, payload, head.length);
    count = tdm_frame_tx_pull(&tx, wire, sizeof wire);
    tdm_endpoint_receive(&w->ep, wire, count, w->now_ms);
    tdm_endpoint_receive(&w->ep, payload, head.length, w->now_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world w = {.script = {data, size}};
    size_t rx_bytes = 1 + script_next(&w.script), tx_bytes = 1 + script_next(&w.script);
    uint8_t *rx = malloc(rx_bytes), *tx = malloc(tx_bytes); /* exact, for the sanitizer */

    for (unsigned i = 0; i < CALLS; i++)
        slots[i] = (struct slot){&w, i};
    tdm_frame_rx_init(&w.out, w.out_buffer, sizeof w.out_buffer);
    tdm_endpoint_init(&w.ep, rx, rx_bytes, tx, tx_bytes, serve, &w);
    while (w.script.left > 0) {
        uint8_t what = script_next(&w.script) % 20;

        if (what < 10)
            receive(&w);
        else
            act_once(&w, what - 10);
        require(w.ep.queue_length <= tx_bytes && w.ep.results == NULL);
    }
    tdm_endpoint_cancel_all(&w.ep, w.now_ms);
    for (unsigned i = 0; i < CALLS; i++)
        require(w.open[i] == w.calls[i].in_flight);
    free(rx);
    free(tx);
    return 0;
}
