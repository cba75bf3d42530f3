/* The update client as the bootloader runs it: in a loop of its own, until it resets. */
#include "bootloader/fetch.h"

#include <string.h>

#include "bootloader/product.h"
#include "ports/board.h"
#include "tandem/decode.h"
#include "tandem/fetch.h"
#include "tandem/plain.h"
#include "tandem/resume.h"
#include "tandem/stream.h"

enum {
    CHUNK_BYTES = 256,
    RX_BYTES = TDM_MCU_RX_BYTES_MIN, /* more than a chunk and what is around it */
    PIECE_BYTES = 16,
    PATIENCE_MS = 540000 /* less than the ten minutes that a co-processor waits for otaUpdateStart */
};

struct fetcher {
    struct tdm_mcu mcu;
    struct tdm_mcu_config config;
    char version[TDM_TAG_VALUE_MAX + 1]; /* of the image that is there */
    char build[TDM_TAG_VALUE_MAX + 1];
    struct tdm_hash checking;
    uint8_t rx[RX_BYTES];
    uint8_t chunk[CHUNK_BYTES];
    uint8_t out[PIECE_BYTES]; /* pulled from the client, on its way to the UART */
    size_t out_length;
    size_t out_sent;
};

static struct fetcher fetcher;

/* Not in the struct, so that it is not linked where nothing names it. */
static struct tdm_mcu_decoding decoding;
static struct tdm_mcu_offer offer;

/* --- Operations of the client --- */

static void set_baud(void *ctx, uint32_t baud)
{
    (void)ctx;
    board_uart_open(baud);
}

static bool drained(void *ctx)
{
    const struct fetcher *f = ctx;

    return f->out_sent == f->out_length && board_uart_drained();
}

static void reset(void *ctx, enum tdm_reset_cause cause)
{
    (void)ctx;
    board_reset(cause);
}

static void feed_watchdog(void *ctx)
{
    (void)ctx;
    board_watchdog_feed();
}

static void on_event(void *ctx, const struct tdm_mcu_event *event)
{
    (void)ctx;
    if (event->kind == TDM_MCU_LINK_UP)
        board_log("fetch: the co-processor answers");
    else if (event->kind == TDM_MCU_UPDATE_OFFERED)
        board_log("fetch: accepted");
    else if (event->kind == TDM_MCU_UPDATE_READY)
        board_log("fetch: verified, restarting into it");
    else if (event->kind == TDM_MCU_UPDATE_ENDED)
        board_log("fetch: ended without a firmware; the co-processor knows why");
}

static const struct tdm_mcu_ops operations = {
    .set_baud = set_baud,
    .drained = drained,
    .reset = reset,
    .feed_watchdog = feed_watchdog,
    .check_image = board_check_image,
    .event = on_event,
};

/* --- Configuration --- */

/* Who this is: the image that is there, or a version below all others. It was verified by the choice. */
static void identify(struct fetcher *f, uint8_t intact_bank)
{
    struct tdm_mcu_config *config = &f->config;
    struct tdm_manifest intact;

    config->type = PRODUCT_TYPE;
    config->version = "0.0.0";
    config->build = "bootloader";
    if (tdm_bank_peek(&intact, config->layout, intact_bank, config->flash, config->work->front) != TDM_OK)
        return;
    config->version = memcpy(f->version, intact.version, sizeof f->version);
    config->build = memcpy(f->build, intact.build, sizeof f->build);
}

/* What the board does not say at run time. */
static const struct tdm_mcu_config product = {
    .library = PRODUCT_LIBRARY,
    .hardware = PRODUCT_HARDWARE,
    .template_id = PRODUCT_TEMPLATE_ID,
    .template_name = PRODUCT_TEMPLATE_NAME,
    .ops = &operations,
    .ctx = &fetcher,
    .running_bank = TDM_NO_BANK,
    .role = &tdm_mcu_fetches,
    .role_decodes = PRODUCT_DECODES ? TDM_DECODES_COMPRESSED : 0,
    .decoder = PRODUCT_DECODES ? &tdm_mcu_decodes : NULL,
    .decoding = PRODUCT_DECODES ? &decoding : NULL,
    .resume = PRODUCT_RESUMES ? &tdm_mcu_resumes : NULL,
    .trust = {.verify = tdm_p256_verify, .allow_unsigned = PRODUCT_ALLOWS_UNSIGNED},
    .checking = &fetcher.checking,
    .plain = PRODUCT_ALLOWS_UNSIGNED ? &tdm_mcu_takes_plain : NULL,
    .offer = PRODUCT_ALLOWS_UNSIGNED ? &offer : NULL,
    .attempts = PRODUCT_ATTEMPTS,
    .target_baud = PRODUCT_BAUD,
    .chunk_bytes = CHUNK_BYTES,
    .patience_ms = PATIENCE_MS,
    .rx = fetcher.rx,
    .rx_bytes = sizeof fetcher.rx,
    .chunk = fetcher.chunk,
};

static void configure(struct fetcher *f, const struct tdm_boot_choice *choice, const struct tdm_key_set *keys,
                      uint8_t *buffer)
{
    uint8_t intact_bank = choice->action == TDM_BOOT_RUN ? choice->bank : TDM_NO_BANK;
    struct tdm_mcu_config *config = &f->config;

    *config = product;
    config->flash = board_flash();
    config->layout = board_layout();
    config->intact_bank = intact_bank;
    config->intact_reason = choice->reason;
    config->trust.keys = keys;
    config->reset_cause = board_reset_cause();
    config->boots = board_boots();
    config->stream = board_receives_while_writing() ? &tdm_mcu_streams : NULL;
    config->work = (union tdm_mcu_work *)(void *)buffer;
    identify(f, intact_bank);
}

/* --- The loop --- */

static void receive(struct fetcher *f)
{
    uint8_t bytes[PIECE_BYTES];
    size_t count;

    while ((count = board_uart_read(bytes, sizeof bytes)) > 0)
        tdm_mcu_receive(&f->mcu, bytes, count, board_now_ms());
}

/* Hands over what the UART takes without blocking; the rest waits. */
static void send(struct fetcher *f)
{
    do {
        if (f->out_sent == f->out_length) {
            f->out_sent = 0;
            f->out_length = tdm_mcu_pull(&f->mcu, f->out, sizeof f->out, board_now_ms());
        }
        f->out_sent += board_uart_write(f->out + f->out_sent, f->out_length - f->out_sent);
    } while (f->out_length > 0 && f->out_sent == f->out_length);
}

static void run_once(struct fetcher *f)
{
    uint32_t wait_ms;

    receive(f);
    wait_ms = tdm_mcu_poll(&f->mcu, board_now_ms());
    send(f);
    board_watchdog_feed();
    if (wait_ms > 0)
        board_idle();
}

static bool record_asks(void)
{
    struct tdm_record_log log;

    return tdm_record_load(&log, board_flash(), board_layout()) == TDM_OK &&
           log.record.state == TDM_BOOT_FETCH;
}

/* There is an image, which used up its attempts, and nothing speaks against it but that. */
static bool is_spent(const struct tdm_boot_choice *choice)
{
    return choice->action == TDM_BOOT_RECOVER &&
           (choice->reason == TDM_REASON_NO_LINK || choice->reason == TDM_REASON_RESTARTED ||
            choice->reason == TDM_REASON_POWER);
}

/* Until an update resets the processor; where there is a spent image, until nothing was offered for a while.
 */
static void run(struct fetcher *f, bool spent)
{
    uint32_t since = board_now_ms();

    while (!spent || board_now_ms() - since < PRODUCT_RETRY_MS) {
        run_once(f);
        if (tdm_mcu_is_updating(&f->mcu))
            since = board_now_ms();
    }
    board_log("fetch: nothing came; the image gets its attempts again");
    board_reset(TDM_RESET_SOFT);
}

void bootloader_fetch(const struct tdm_boot_choice *choice, const struct tdm_key_set *keys,
                      uint8_t buffer[TDM_PACKAGE_FRONT_MAX])
{
    struct fetcher *f = &fetcher;

    if (choice->action == TDM_BOOT_RUN && !record_asks())
        return;
    board_watchdog_start(PRODUCT_WATCHDOG_MS);
    configure(f, choice, keys, buffer);
    if (tdm_mcu_init(&f->mcu, &f->config, board_now_ms()) != TDM_OK) {
        board_log("fetch: the configuration of the update client is not valid");
        return;
    }
    board_log("fetch: waiting for a firmware through the co-processor");
    run(f, is_spent(choice));
}
