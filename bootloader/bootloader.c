#include "bootloader/bootloader.h"

#include <string.h>

#include "bootloader/fetch.h"
#include "bootloader/product.h"
#include "ports/board.h"

/* --- One line for people --- */

#define CHOICE_AT (sizeof "bootloader: " - 1)
#define BANK_AT   (sizeof "bootloader: bank " - 1)
#define TRIAL_AT  (sizeof "bootloader: bank A, " - 1)
#define REASON_AT (sizeof "bootloader: bank A, confirmed, reason " - 1)

/* The reason is a number of tandem/reason.h: the texts would take more room than the decision. */
static void say(const struct tdm_boot_choice *choice)
{
    static const char confirmed[] = "bootloader: bank A, confirmed, reason 00";
    char line[sizeof confirmed];
    uint8_t reason;

    memcpy(line, confirmed, sizeof line);
    line[BANK_AT] = (char)(line[BANK_AT] + choice->bank);
    if (choice->trial)
        memcpy(line + TRIAL_AT, "on trial,  ", sizeof "on trial,  " - 1);
    if (choice->action != TDM_BOOT_RUN)
        memcpy(line + CHOICE_AT, "no bank can start", sizeof "no bank can start" - 1);
    for (reason = choice->reason; reason >= 10; reason = (uint8_t)(reason - 10))
        line[REASON_AT]++;
    line[REASON_AT + 1] = (char)('0' + reason);
    board_log(line);
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

/* Headers and fronts, for the choice and then for fetching. */
static uint8_t buffer[TDM_PACKAGE_FRONT_MAX];

static void choose(struct tdm_boot_choice *choice, const struct tdm_key_set *keys)
{
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
    while (board_now_ms() - start < PRODUCT_PAUSE_MS)
        board_idle();
    board_reset(board_reset_cause());
}

void bootloader_run(void)
{
    struct tdm_key_set keys;
    struct tdm_boot_choice choice;

    board_init();
    if (tdm_keys_load(&keys, board_flash(), board_layout()->keys_address) != TDM_OK) {
        /* Without keys every image looks wrong: choosing now would roll a good update back. */
        board_log("bootloader: bad key page; see `tandem factory`");
        pause_and_reset();
    }
    choose(&choice, &keys);
    say(&choice);
    if (PRODUCT_FETCHES)
        bootloader_fetch(&choice, &keys, buffer);
    if (choice.action == TDM_BOOT_RUN)
        board_jump(choice.vector_table);
    pause_and_reset();
}
