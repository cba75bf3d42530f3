/* The co-processor under a script: what an MCU sends, good and bad, what the network does, and time passing.
 *
 * The input is a list of steps: one byte that says which, then what the step takes. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "tandem/ncp.h"

enum step { RAW, FRAME, INVOKE, ANSWER_TRUE, ANSWER, WAIT, OFFER, CLOUD_STATE, REOPENED, REBOOT, STEPS };

static struct script script;

static struct tdm_ncp ncp;
static uint32_t now_ms;
static struct tdm_frame_rx line;
static uint8_t line_buffer[TDM_FRAME_PAYLOAD_MAX + 1];
static uint16_t awaited_id; /* of the call that the co-processor made last */
static uint32_t offered;    /* files */
static uint32_t ended;

static uint8_t take(void)
{
    return script_next(&script);
}

/* --- Operations --- */

static bool can_baud(void *ctx, uint32_t baud)
{
    (void)ctx;
    return baud % 2 == 0;
}

static void set_baud(void *ctx, uint32_t baud)
{
    (void)ctx;
    (void)baud;
}

static void online(void *ctx, const struct tdm_ncp_device *device)
{
    (void)ctx;
    require(device->template_id[0] != '\0' && strlen(device->firmware.version) <= TDM_TAG_VALUE_MAX);
}

static void offline(void *ctx)
{
    (void)ctx;
}

static int read_file(void *ctx, uint32_t id, uint32_t offset, void *to, size_t bytes)
{
    (void)ctx;
    (void)id;
    require(bytes >= 1 && bytes <= TDM_NCP_CHUNK_MAX);
    memset(to, (int)offset, bytes);
    return TDM_OK;
}

static void progress(void *ctx, const struct tdm_ncp_progress *to)
{
    (void)ctx;
    require(to->bytes <= to->size);
    ended += to->stage == TDM_NCP_INSTALLED || to->stage == TDM_NCP_FAILED;
    require(ended <= offered);
}

static bool device_report(void *ctx, const struct tdm_ncp_device_report *report)
{
    (void)ctx;
    require(report->running_bytes <= TDM_SHA256_BYTES && report->about_bytes <= TDM_SHA256_BYTES);
    return true;
}

static const struct tdm_ncp_ops ops = {
    .can_baud = can_baud,
    .set_baud = set_baud,
    .online = online,
    .offline = offline,
    .read = read_file,
    .progress = progress,
    .device_report = device_report,
};

static const struct tdm_ncp_config config = {TDM_NCP_CONFIG_DEFAULTS, .ops = &ops, .version = "fuzz"};

/* --- Steps --- */

static void drain(void)
{
    uint8_t bytes[64];
    size_t count;

    require(tdm_ncp_poll(&ncp, now_ms) > 0);
    while ((count = tdm_ncp_pull(&ncp, bytes, sizeof bytes, now_ms)) > 0) {
        for (size_t i = 0; i < count; i++) {
            int length = tdm_frame_rx_push(&line, bytes[i]);

            require(length != TDM_FRAME_OVERSIZED && length != TDM_FRAME_BAD_CRC);
            if (length >= 6 && line_buffer[0] == 0xBC && line_buffer[1] == 0x67)
                awaited_id = (uint16_t)(line_buffer[4] | line_buffer[5] << 8);
        }
    }
}

static void send_frame(const uint8_t *payload, size_t length)
{
    struct tdm_frame_tx tx;
    uint8_t bytes[64];
    size_t count;

    tdm_frame_tx_init(&tx, payload, length);
    while ((count = tdm_frame_tx_pull(&tx, bytes, sizeof bytes)) > 0)
        tdm_ncp_receive(&ncp, bytes, count, now_ms);
}

/* head (0 to 6 bytes), then up to 255 bytes of the input. */
static void send_message(const uint8_t *head, size_t head_length)
{
    uint8_t payload[6 + 255];
    size_t length = take();

    memcpy(payload, head, head_length);
    for (size_t i = 0; i < length; i++)
        payload[head_length + i] = take();
    if (head_length + length > 0)
        send_frame(payload, head_length + length);
}

static void send_raw(void)
{
    for (size_t i = take(); i > 0; i--) {
        uint8_t byte = take();

        tdm_ncp_receive(&ncp, &byte, 1, now_ms);
    }
}

static void invoke(void)
{
    uint8_t low = take();
    uint8_t head[6] = {
        0xBC, 0x67, low, (uint8_t)(low == 1 && script.left % 2 ? 0x54 : low >> 4 == 4 ? 3 : take()), 7, 0};

    send_message(head, sizeof head);
}

static void offer(void)
{
    struct tdm_ncp_firmware firmware = {.id = 1, .name = "f"};

    firmware.sha256[0] = take();
    firmware.bytes = (uint32_t)take() * 16;
    offered += tdm_ncp_offer(&ncp, &firmware, now_ms) == TDM_OK;
}

static void run_step(void)
{
    uint8_t answer[6] = {0x12, 0xA5, (uint8_t)awaited_id, (uint8_t)(awaited_id >> 8), 0, 1};

    switch (take() % STEPS) {
    case RAW:
        send_raw();
        break;
    case FRAME:
        send_message(answer, 0);
        break;
    case INVOKE:
        invoke();
        break;
    case ANSWER_TRUE:
        send_frame(answer, sizeof answer);
        break;
    case ANSWER:
        send_message(answer, 4);
        break;
    case WAIT:
        now_ms += (uint32_t)take() * take();
        break;
    case OFFER:
        offer();
        break;
    case CLOUD_STATE:
        tdm_ncp_cloud_state(&ncp, (enum tdm_state)(take() % 6));
        break;
    case REOPENED:
        tdm_ncp_reopened(&ncp, now_ms);
        break;
    default:
        tdm_ncp_reboot_mcu(&ncp);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const uint8_t initialize[] = {0xBC, 0x67, 1, 3, 6, 0, 'T', 0, 'N', 0};

    script = (struct script){data, bytes};
    now_ms = offered = ended = awaited_id = 0;
    tdm_frame_rx_init(&line, line_buffer, sizeof line_buffer);
    tdm_ncp_init(&ncp, &config, now_ms);
    send_frame(initialize, sizeof initialize);
    while (script.left > 0) {
        run_step();
        drain();
    }
    return 0;
}
