/* The fetcher on one board. */
#include "bootloader/fetch.h"

#include "bootloader/product.h"
#include "ports/board.h"
#include "tandem/fetch_decode.h"
#include "tandem/fetch_plain.h"

static struct tdm_fetch fetch;

/* Not in a struct, so that it is not linked where nothing names it. */
static struct tdm_fetch_decoding decoding;

static uint32_t now_ms(void *ctx)
{
    (void)ctx;
    return board_now_ms();
}

static void set_baud(void *ctx, uint32_t baud)
{
    (void)ctx;
    board_uart_open(baud);
}

static int receive(void *ctx, uint32_t wait_ms)
{
    uint8_t byte;

    (void)ctx;
    (void)wait_ms; /* the board sleeps for a millisecond at once */
    if (board_uart_read(&byte, 1) == 1)
        return byte;
    board_idle();
    return -1;
}

static void send(void *ctx, uint8_t byte)
{
    (void)ctx;
    while (board_uart_write(&byte, 1) == 0) {
    }
}

static void feed_watchdog(void *ctx)
{
    (void)ctx;
    board_watchdog_feed();
}

static void reset(void *ctx)
{
    (void)ctx;
    while (!board_uart_drained()) {
    }
    board_reset(TDM_RESET_SOFT);
}

static void log_line(void *ctx, const char *line)
{
    (void)ctx;
    board_log(line);
}

static const struct tdm_fetch_product product = {
    .now_ms = now_ms,
    .set_baud = set_baud,
    .receive = receive,
    .send = send,
    .feed_watchdog = feed_watchdog,
    .reset = reset,
    .check_image = board_check_image,
    .log = log_line,
    .decoder = PRODUCT_DECODES ? &tdm_fetch_decodes : NULL,
    .decoding = PRODUCT_DECODES ? &decoding : NULL,
    .plain = PRODUCT_ALLOWS_UNSIGNED ? &tdm_fetch_takes_plain : NULL,
    .type = PRODUCT_TYPE,
    .library = PRODUCT_LIBRARY,
    .hardware = PRODUCT_HARDWARE,
    .template_id = PRODUCT_TEMPLATE_ID,
    .template_name = PRODUCT_TEMPLATE_NAME,
    .target_baud = PRODUCT_BAUD,
    .retry_ms = PRODUCT_RETRY_MS,
    .attempts = PRODUCT_ATTEMPTS,
};

void bootloader_fetch(const struct tdm_boot_choice *choice, const struct tdm_key_set *keys,
                      uint8_t buffer[TDM_PACKAGE_FRONT_MAX])
{
    struct tdm_fetch *f = &fetch;

    f->product = &product;
    f->flash = board_flash();
    f->layout = board_layout();
    f->front = buffer;
    f->trust.keys = keys;
    f->trust.verify = tdm_p256_verify;
    f->boots = board_boots();
    f->reset_cause = board_reset_cause();
    if (!tdm_fetch_is_wanted(f, choice))
        return;
    board_watchdog_start(PRODUCT_WATCHDOG_MS);
    board_log("fetch: waiting for a firmware");
    tdm_fetch_run(f);
}
