/* bootloader/bootloader.c on a board that only notes: what it says, when it starts an image, and what it does
 * where none can start. The decision itself is core/boot's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bootloader/bootloader.h"
#include "bootloader/fetch.h"
#include "bootloader/product.h"
#include "ports/board.h"

static struct {
    struct tdm_boot_choice choice; /* that core/boot makes */
    int keys_result;

    /* What happened. */
    jmp_buf end;
    uint32_t now_ms;
    char said[80];
    unsigned inits, feeds, choices, fetches, resets;
    uint32_t watchdog_ms;
    uint32_t jumped_to;
    struct tdm_boot_config config; /* that core/boot got */
} board;

static const struct tdm_flash flash = {.erase_bytes = 1024, .program_bytes = 8};
static const struct tdm_layout layout = {.keys_address = 0x7000};

/* --- The board --- */

void board_init(void)
{
    board.inits++;
}

const struct tdm_flash *board_flash(void)
{
    assert_int_equal(board.inits, 1);
    return &flash;
}

const struct tdm_layout *board_layout(void)
{
    return &layout;
}

uint32_t board_now_ms(void)
{
    return board.now_ms;
}

void board_idle(void)
{
    board.now_ms++;
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

void board_reset(enum tdm_reset_cause cause)
{
    assert_int_equal(cause, TDM_RESET_FAULT); /* what it began with: the next start judges by it */
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

void board_jump(uint32_t vector_table)
{
    board.jumped_to = vector_table;
    longjmp(board.end, 1);
}

void board_log(const char *line)
{
    assert_true(strlen(line) < sizeof board.said);
    strcpy(board.said, line);
}

/* --- What is below --- */

bool tdm_p256_verify(const uint8_t digest[32], const uint8_t signature[64], const uint8_t key[64])
{
    (void)digest;
    (void)signature;
    (void)key;
    return false;
}

int tdm_keys_load(struct tdm_key_set *keys, const struct tdm_flash *from, uint32_t address)
{
    assert_ptr_equal(from, &flash);
    assert_int_equal(address, 0x7000);
    keys->count = 1;
    return board.keys_result;
}

void tdm_boot_choose(struct tdm_boot_choice *choice, const struct tdm_boot_config *config,
                     enum tdm_reset_cause cause, uint8_t buffer[TDM_PACKAGE_FRONT_MAX])
{
    assert_int_equal(cause, TDM_RESET_FAULT);
    memset(buffer, 0, TDM_PACKAGE_FRONT_MAX);
    board.config = *config;
    board.choices++;
    *choice = board.choice;
}

void bootloader_fetch(const struct tdm_boot_choice *choice, const struct tdm_key_set *keys,
                      uint8_t buffer[TDM_PACKAGE_FRONT_MAX])
{
    assert_memory_equal(choice, &board.choice, sizeof *choice);
    assert_int_equal(keys->count, 1);
    assert_non_null(buffer);
    assert_int_equal(board.jumped_to, 0);
    board.fetches++;
}

/* --- Starts --- */

static void start(struct tdm_boot_choice choice)
{
    memset(&board, 0, sizeof board);
    board.choice = choice;
    board.now_ms = UINT32_MAX - 1000; /* the clock wraps while it pauses */
    if (setjmp(board.end) == 0)
        bootloader_run();
}

static void assert_paused_and_reset(void)
{
    assert_int_equal(board.resets, 1);
    assert_int_equal(board.jumped_to, 0);
    assert_int_equal(board.now_ms - (UINT32_MAX - 1000), PRODUCT_PAUSE_MS);
    assert_true(board.watchdog_ms > PRODUCT_PAUSE_MS);
}

static void it_says_what_was_decided_in_one_line(void **state)
{
    (void)state;
    start((struct tdm_boot_choice){.action = TDM_BOOT_RUN, .bank = 0});
    assert_string_equal(board.said, "bootloader: bank A, confirmed, reason 00");
    start((struct tdm_boot_choice){.action = TDM_BOOT_RUN, .bank = 1, .trial = true, .reason = 37});
    assert_string_equal(board.said, "bootloader: bank B, on trial,  reason 37");
    start((struct tdm_boot_choice){.action = TDM_BOOT_RUN, .bank = 1, .reason = 39});
    assert_string_equal(board.said, "bootloader: bank B, confirmed, reason 39");
    start((struct tdm_boot_choice){.action = TDM_BOOT_RECOVER, .bank = TDM_NO_BANK, .reason = 40});
    assert_string_equal(board.said, "bootloader: no bank can start, reason 40");
}

static void an_image_is_started_at_its_vector_table(void **state)
{
    (void)state;
    start((struct tdm_boot_choice){.action = TDM_BOOT_RUN, .vector_table = 0x8100});
    assert_int_equal(board.jumped_to, 0x8100);
    assert_int_equal(board.resets, 0);
}

static void it_is_asked_whether_to_fetch_before(void **state)
{
    (void)state;
    start((struct tdm_boot_choice){.action = TDM_BOOT_RUN, .vector_table = 0x8100});
    assert_int_equal(board.fetches, 1);
}

static void where_nothing_can_start_it_pauses_under_the_watchdog_and_resets(void **state)
{
    (void)state;
    start((struct tdm_boot_choice){.action = TDM_BOOT_RECOVER, .bank = TDM_NO_BANK, .vector_table = 0x8100});
    assert_int_equal(board.fetches, 1);
    assert_paused_and_reset();
}

/* Every image would look wrong, and a good update be rolled back. */
static void without_keys_nothing_is_chosen(void **state)
{
    (void)state;
    memset(&board, 0, sizeof board);
    board.choice.action = TDM_BOOT_RUN;
    board.keys_result = TDM_E_FORMAT;
    board.now_ms = UINT32_MAX - 1000;
    if (setjmp(board.end) == 0)
        bootloader_run();
    assert_int_equal(board.choices, 0);
    assert_int_equal(board.fetches, 0);
    assert_non_null(strstr(board.said, "key page"));
    assert_paused_and_reset();
}

static void core_boot_gets_the_board_and_what_the_product_decided(void **state)
{
    const struct tdm_boot_config *config = &board.config;

    (void)state;
    start((struct tdm_boot_choice){.action = TDM_BOOT_RUN});
    assert_ptr_equal(config->flash, &flash);
    assert_ptr_equal(config->layout, &layout);
    assert_ptr_equal(config->trust.verify, tdm_p256_verify);
    assert_ptr_equal(config->check_image, board_check_image);
    assert_int_equal(config->trust.allow_unsigned, PRODUCT_ALLOWS_UNSIGNED);
    assert_int_equal(config->attempts, PRODUCT_ATTEMPTS);
    assert_int_equal(config->soft_limit, PRODUCT_SOFT_LIMIT);
    board.watchdog_ms = 0;
    config->arm_watchdog(config->ctx);
    assert_int_equal(board.watchdog_ms, PRODUCT_WATCHDOG_MS);
    config->feed_watchdog(config->ctx);
    assert_int_equal(board.feeds, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_was_decided_in_one_line),
        cmocka_unit_test(an_image_is_started_at_its_vector_table),
        cmocka_unit_test(it_is_asked_whether_to_fetch_before),
        cmocka_unit_test(where_nothing_can_start_it_pauses_under_the_watchdog_and_resets),
        cmocka_unit_test(without_keys_nothing_is_chosen),
        cmocka_unit_test(core_boot_gets_the_board_and_what_the_product_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
