#include "bootloader/bootloader.h"

#include <string.h>

#include "bootloader/product.h"
#include "ports/board.h"

/* --- One line for people --- */

struct line {
    char text[80];
    size_t length;
};

static void add(struct line *line, const char *text)
{
    while (*text != '\0' && line->length < sizeof line->text - 1) {
        line->text[line->length++] = *text++;
    }
    line->text[line->length] = '\0';
}

static void add_number(struct line *line, uint8_t number)
{
    char digits[] = {(char)('0' + number / 100), (char)('0' + number / 10 % 10), (char)('0' + number % 10),
                     '\0'};

    add(line, digits + (number < 10 ? 2 : number < 100 ? 1 : 0));
}

/* Reasons are the numbers of tandem/reason.h; their texts would take more room than the decision. */
static void say(const struct tdm_boot_choice *choice)
{
    struct line line = {.length = 0};

    add(&line, choice->action == TDM_BOOT_RUN ? "bootloader: starting bank " : "bootloader: no bank can run");
    if (choice->action == TDM_BOOT_RUN) {
        add(&line, choice->bank == 0 ? "A" : "B");
        add(&line, choice->trial ? ", on trial" : "");
    }
    if (choice->reason != TDM_REASON_NONE) {
        add(&line, ", reason ");
        add_number(&line, choice->reason);
    }
    board_log(line.text);
}

/* --- The board, as the choice wants it --- */

static void arm_watchdog(void *ctx)
{
    (void)ctx;
    board_watchdog_start(PRODUCT_WATCHDOG_MS);
}

static void feed_watchdog(void *ctx)
{
    (void)ctx;
    board_watchdog_feed();
}

static void choose(struct tdm_boot_choice *choice, const struct tdm_key_set *keys)
{
    static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    const struct tdm_boot_config config = {
        .flash = board_flash(),
        .layout = board_layout(),
        .trust = {.keys = keys, .verify = tdm_p256_verify, .allow_unsigned = PRODUCT_ALLOWS_UNSIGNED},
        .attempts = PRODUCT_ATTEMPTS,
        .soft_limit = PRODUCT_SOFT_LIMIT,
        .check_image = board_check_image,
        .arm_watchdog = arm_watchdog,
        .feed_watchdog = feed_watchdog,
    };

    tdm_boot_choose(choice, &config, board_reset_cause(), buffer);
}

/* Whatever is wrong may be gone after a reset: a flash that was not ready, a line that disturbed it. */
static void pause_and_reset(void) __attribute__((noreturn));
static void pause_and_reset(void)
{
    uint32_t start = board_now_ms();

    board_watchdog_start(PRODUCT_WATCHDOG_MS);
    while (board_now_ms() - start < PRODUCT_PAUSE_MS) {
        board_idle();
    }
    board_reset(board_reset_cause());
}

void bootloader_run(void)
{
    struct tdm_key_set keys;
    struct tdm_boot_choice choice;

    board_init();
    if (tdm_keys_load(&keys, board_flash(), board_layout()->keys_address) != TDM_OK) {
        /* Without keys every image looks wrong: choosing now would roll a good update back. */
        board_log("bootloader: the key page is not valid; write it with `tandem factory`");
        pause_and_reset();
    }
    choose(&choice, &keys);
    say(&choice);
    if (choice.action == TDM_BOOT_RUN) {
        board_jump(choice.vector_table);
    }
    board_log("bootloader: trying again in a few seconds; write a factory image if this goes on");
    pause_and_reset();
}
