/* bootloader/fetch.c on a board that only notes: when it fetches, and what core/fetch gets of board and
 * product. Fetching itself is core/fetch's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bootloader/fetch.h"
#include "bootloader/product.h"
#include "ports/board.h"
#include "tandem/fetch.h"

static struct {
    bool wanted;
    int arriving;       /* the byte that the UART holds, or -1 */
    unsigned refusals;  /* of bytes by the UART, */
    unsigned undrained; /* and looks at it before all is out */

    /* What happened. */
    jmp_buf end;
    const struct tdm_boot_choice *choice;
    struct tdm_fetch *asked, *run; /* by core/fetch's functions */
    const char *said;
    uint32_t baud, watchdog_ms;
    unsigned idles, feeds, resets;
    uint8_t sent[4];
    size_t sent_count;
} board;

static const struct tdm_flash flash = {.erase_bytes = 1024, .program_bytes = 8};
static const struct tdm_layout layout = {.keys_address = 0x7000};
static const struct tdm_key_set keys = {.count = 1};
static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];

/* --- The board --- */

const struct tdm_flash *board_flash(void)
{
    return &flash;
}

const struct tdm_layout *board_layout(void)
{
    return &layout;
}

uint32_t board_now_ms(void)
{
    return 0xFEDCBA98;
}

void board_idle(void)
{
    board.idles++;
}

void board_uart_open(uint32_t baud)
{
    board.baud = baud;
}

size_t board_uart_read(uint8_t *to, size_t capacity)
{
    assert_int_equal(capacity, 1);
    if (board.arriving < 0)
        return 0;
    *to = (uint8_t)board.arriving;
    return 1;
}

size_t board_uart_write(const uint8_t *from, size_t count)
{
    assert_int_equal(count, 1);
    if (board.refusals > 0) {
        board.refusals--;
        return 0;
    }
    assert_true(board.sent_count < sizeof board.sent);
    board.sent[board.sent_count++] = *from;
    return 1;
}

bool board_uart_drained(void)
{
    if (board.undrained > 0) {
        board.undrained--;
        return false;
    }
    return true;
}

void board_watchdog_start(uint32_t period_ms)
{
    board.watchdog_ms = period_ms;
}

void board_watchdog_feed(void)
{
    board.feeds++;
}

enum tdm_reset_cause board_reset_cause(void)
{
    return TDM_RESET_FAULT;
}

uint32_t board_boots(void)
{
    return 0x01020304;
}

void board_reset(enum tdm_reset_cause cause)
{
    assert_int_equal(cause, TDM_RESET_SOFT);
    assert_int_equal(board.undrained, 0);
    board.resets++;
    longjmp(board.end, 1);
}

int board_check_image(void *ctx, const struct tdm_flash *of, const struct tdm_region *bank, uint32_t address)
{
    (void)ctx;
    (void)of;
    (void)bank;
    (void)address;
    return TDM_OK;
}

void board_log(const char *line)
{
    board.said = line;
}

/* --- What is below --- */

bool tdm_p256_verify(const uint8_t digest[32], const uint8_t signature[64], const uint8_t key[64])
{
    (void)digest;
    (void)signature;
    (void)key;
    return false;
}

bool tdm_fetch_is_wanted(struct tdm_fetch *fetch, const struct tdm_boot_choice *choice)
{
    assert_ptr_equal(fetch->flash, &flash); /* it reads the record */
    assert_ptr_equal(fetch->layout, &layout);
    board.asked = fetch;
    board.choice = choice;
    return board.wanted;
}

void tdm_fetch_run(struct tdm_fetch *fetch)
{
    board.run = fetch;
}

/* --- Starts --- */

static const struct tdm_fetch_product *start(bool wanted)
{
    static const struct tdm_boot_choice choice = {.action = TDM_BOOT_RECOVER};

    memset(&board, 0, sizeof board);
    board.wanted = wanted;
    board.arriving = -1;
    bootloader_fetch(&choice, &keys, buffer);
    assert_ptr_equal(board.choice, &choice);
    return board.asked->product;
}

static void where_nothing_is_to_be_fetched_it_returns_and_has_touched_nothing(void **state)
{
    (void)state;
    start(false);
    assert_null(board.run);
    assert_null(board.said);
    assert_int_equal(board.watchdog_ms, 0);
}

static void it_fetches_under_the_watchdog_and_says_so(void **state)
{
    (void)state;
    start(true);
    assert_ptr_equal(board.run, board.asked);
    assert_int_equal(board.watchdog_ms, PRODUCT_WATCHDOG_MS);
    assert_string_equal(board.said, "fetch: waiting for a firmware");
}

static void core_fetch_gets_the_board_and_why_it_started(void **state)
{
    (void)state;
    start(true);
    assert_ptr_equal(board.run->front, buffer);
    assert_ptr_equal(board.run->trust.keys, &keys);
    assert_ptr_equal(board.run->trust.verify, tdm_p256_verify);
    assert_int_equal(board.run->boots, 0x01020304);
    assert_int_equal(board.run->reset_cause, TDM_RESET_FAULT);
}

static void core_fetch_gets_what_the_product_decided(void **state)
{
    const struct tdm_fetch_product *product = start(true);

    (void)state;
    assert_null(product->decoder);
    assert_null(product->decoding);
    assert_null(product->plain);
    assert_ptr_equal(product->check_image, board_check_image);
    assert_string_equal(product->type, PRODUCT_TYPE);
    assert_string_equal(product->library, PRODUCT_LIBRARY);
    assert_string_equal(product->hardware, PRODUCT_HARDWARE);
    assert_string_equal(product->template_id, PRODUCT_TEMPLATE_ID);
    assert_string_equal(product->template_name, PRODUCT_TEMPLATE_NAME);
    assert_int_equal(product->target_baud, PRODUCT_BAUD);
    assert_int_equal(product->retry_ms, PRODUCT_RETRY_MS);
    assert_int_equal(product->attempts, PRODUCT_ATTEMPTS);
}

static void clock_rate_watchdog_and_log_are_the_boards(void **state)
{
    const struct tdm_fetch_product *product = start(true);

    (void)state;
    assert_int_equal(product->now_ms(NULL), 0xFEDCBA98);
    product->set_baud(NULL, 115200);
    assert_int_equal(board.baud, 115200);
    product->feed_watchdog(NULL);
    assert_int_equal(board.feeds, 1);
    product->log(NULL, "a line");
    assert_string_equal(board.said, "a line");
}

/* So that the caller looks at the clock and feeds the watchdog between two bytes that do not come. */
static void a_byte_is_taken_at_once_and_none_costs_one_sleep_of_the_board(void **state)
{
    const struct tdm_fetch_product *product = start(true);

    (void)state;
    board.arriving = 0xAA;
    assert_int_equal(product->receive(NULL, 1000), 0xAA);
    assert_int_equal(board.idles, 0);
    board.arriving = -1;
    assert_int_equal(product->receive(NULL, 1000), -1);
    assert_int_equal(board.idles, 1);
}

static void a_byte_is_sent_once_there_is_room(void **state)
{
    const struct tdm_fetch_product *product = start(true);

    (void)state;
    board.refusals = 3;
    product->send(NULL, 0xBB);
    product->send(NULL, 0xCC);
    assert_int_equal(board.sent_count, 2);
    assert_int_equal(board.sent[0], 0xBB);
    assert_int_equal(board.sent[1], 0xCC);
}

/* The last answer reaches the co-processor. */
static void it_resets_once_all_that_was_sent_is_out(void **state)
{
    const struct tdm_fetch_product *product = start(true);

    (void)state;
    board.undrained = 3;
    if (setjmp(board.end) == 0)
        product->reset(NULL);
    assert_int_equal(board.resets, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_nothing_is_to_be_fetched_it_returns_and_has_touched_nothing),
        cmocka_unit_test(it_fetches_under_the_watchdog_and_says_so),
        cmocka_unit_test(core_fetch_gets_the_board_and_why_it_started),
        cmocka_unit_test(core_fetch_gets_what_the_product_decided),
        cmocka_unit_test(clock_rate_watchdog_and_log_are_the_boards),
        cmocka_unit_test(a_byte_is_taken_at_once_and_none_costs_one_sleep_of_the_board),
        cmocka_unit_test(a_byte_is_sent_once_there_is_room),
        cmocka_unit_test(it_resets_once_all_that_was_sent_is_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
