/* The demo application: the update client in an ordinary super-loop.
 *
 *     work -> UART -> tdm_mcu_receive -> tdm_mcu_poll (feeds the watchdog) -> tdm_mcu_pull -> UART -> sleep
 *
 * What is particular to a product stands in three places: the operations table, the self-tests, and the
 * configuration. */
#include "examples/demo/application.h"

#include <string.h>

#include "bootloader/product.h"
#include "examples/demo/product_table.h"
#include "ports/board.h"
#include "tandem/decode.h"
#include "tandem/hand_over.h"
#include "tandem/plain.h"
#include "tandem/resume.h"
#include "tandem/stream.h"

enum {
    CHUNK_BYTES = 1024,
    TARGET_BAUD = 115200,
    WATCHDOG_MS = 5000, /* longer than a signature check */
    ATTEMPTS = 2,
    LINK_DEADLINE_MS = 30000,
    SELF_TEST_MS = 2000,
    WORK_LIMIT_MS = 1000, /* the product's own work turns at least this often */
    UPTIME_MS = 5000,     /* between two writes of the uptime to virtual pin 0 */
    LINE_BYTES = 128
};

struct line { /* for people */
    char text[LINE_BYTES];
    size_t length;
};

struct application {
    const struct application_identity *identity;
    struct tdm_mcu mcu;
    struct tdm_mcu_config config;
    struct tdm_mcu_decoding decoding;
    struct tdm_mcu_offer offer;
    struct tdm_key_set keys;
    uint8_t rx[CHUNK_BYTES + TDM_MCU_CHUNK_OVERHEAD];
    uint8_t chunk[CHUNK_BYTES];
    union tdm_mcu_work work;
    uint8_t out[64]; /* pulled from the client, on its way to the UART */
    size_t out_length;
    size_t out_sent;
    uint32_t started_ms;
    uint32_t uptime_ms; /* when it was written last, */
    struct line uptime; /* what, */
    struct tdm_mcu_pin uptime_pin;
    uint32_t worked_ms; /* when the product's own work turned last */
};

static struct application application;

/* --- Lines for people --- */

static void add(struct line *line, const char *text)
{
    while (*text != '\0' && line->length + 1 < sizeof line->text)
        line->text[line->length++] = *text++;
    line->text[line->length] = '\0';
}

static void add_number(struct line *line, uint32_t number)
{
    char digits[11];
    size_t at = sizeof digits;

    digits[--at] = '\0';
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    add(line, digits + at);
}

static void say(const char *a, const char *b, const char *c)
{
    struct line line = {.length = 0};

    add(&line, a);
    add(&line, b);
    add(&line, c);
    board_log(line.text);
}

static void say_reason(const char *what, uint8_t reason)
{
    struct line line = {.length = 0};

    add(&line, what);
    add(&line, tdm_reason_slug(reason));
    add(&line, ": ");
    add(&line, tdm_reason_text(reason));
    board_log(line.text);
}

static void say_bytes(const char *what, uint32_t bytes)
{
    struct line line = {.length = 0};

    add(&line, what);
    add_number(&line, bytes);
    add(&line, " bytes");
    board_log(line.text);
}

/* --- Operations of the client --- */

static void set_baud(void *ctx, uint32_t baud)
{
    (void)ctx;
    board_uart_open(baud);
}

static bool drained(void *ctx)
{
    const struct application *app = ctx;

    return app->out_sent == app->out_length && board_uart_drained();
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

static bool healthy(void *ctx)
{
    const struct application *app = ctx;

    return board_now_ms() - app->worked_ms < WORK_LIMIT_MS;
}

static void on_event(void *ctx, const struct tdm_mcu_event *event)
{
    (void)ctx;
    switch (event->kind) {
    case TDM_MCU_LINK_UP:
        board_log("link: up");
        break;
    case TDM_MCU_LINK_DOWN:
        board_log("link: down");
        break;
    case TDM_MCU_UPDATE_OFFERED:
        say_bytes("update: accepted, ", event->total);
        break;
    case TDM_MCU_UPDATE_READY:
        board_log("update: verified, restarting into it");
        break;
    case TDM_MCU_UPDATE_ENDED:
        say_reason("update: ended, ", event->value);
        break;
    case TDM_MCU_SELF_TEST:
        say("self-test ", event->text, event->value != 0 ? ": passed" : ": FAILED");
        break;
    case TDM_MCU_CONFIRMED:
        board_log("trial: confirmed");
        break;
    case TDM_MCU_REJECTED:
        say_reason("trial: rejected, ", event->value);
        break;
    case TDM_MCU_NCP_STATE:
    case TDM_MCU_NCP_EVENT:
    case TDM_MCU_VPIN:
    case TDM_MCU_UPDATE_PROGRESS:
        break;
    }
}

static const struct tdm_mcu_ops operations = {
    .set_baud = set_baud,
    .drained = drained,
    .reset = reset,
    .feed_watchdog = feed_watchdog,
    .healthy = healthy,
    .check_image = board_check_image,
    .event = on_event,
};

/* --- Self-tests: what must work before this firmware may stay --- */

/* The clock runs. */
static int test_clock(void *ctx)
{
    const struct application *app = ctx;

    return board_now_ms() - app->started_ms >= 20 ? 1 : 0;
}

/* The table that the product works with is what was built. */
static int test_table(void *ctx)
{
    (void)ctx;
    return product_table_is_intact() ? 1 : -1;
}

/* Keys are there: without them this would be the last update. */
static int test_keys(void *ctx)
{
    const struct application *app = ctx;

    return app->keys.count > 0 ? 1 : -1;
}

/* What the builds for demonstrations do wrong. */
static int test_behaviour(void *ctx)
{
    const struct application *app = ctx;

    switch (app->identity->behaviour) {
    case APPLICATION_SELF_TEST_FAILS:
        return -1;
    case APPLICATION_HANGS:
        board_log("this build hangs here, and feeds no watchdog");
        for (;;)
            board_idle();
    case APPLICATION_CRASHES:
        board_log("this build crashes here");
        __builtin_trap();
    case APPLICATION_HEALTHY:
    case APPLICATION_NO_LINK:
        break;
    }
    return 1;
}

static const struct tdm_self_test list[] = {
    {"clock", test_clock, SELF_TEST_MS},
    {"table", test_table, SELF_TEST_MS},
    {"keys", test_keys, SELF_TEST_MS},
    {"sensor", test_behaviour, SELF_TEST_MS},
};

static const struct tdm_self_tests self_tests = TDM_SELF_TESTS(list);

/* --- Configuration --- */

static void configure(struct application *app, const struct application_identity *identity)
{
    app->identity = identity;
    app->config = (struct tdm_mcu_config){
        .type = identity->type,
        .version = identity->version,
        .build = identity->build,
        .library = identity->library,
        .hardware = identity->hardware,
        .template_id = identity->template_id,
        .template_name = identity->template_name,
        .ops = &operations,
        .ctx = app,
        .flash = board_flash(),
        .layout = board_layout(),
        .running_bank = board_running_bank(),
        .role = board_layout()->bank[1].bytes == 0 ? &tdm_mcu_hands_over : NULL,
        .role_decodes = PRODUCT_DECODES ? TDM_DECODES_COMPRESSED : 0,
        .decoder = &tdm_mcu_decodes,
        .decoding = &app->decoding,
        .resume = &tdm_mcu_resumes,
        .trust = {.keys = &app->keys, .verify = tdm_p256_verify, .allow_unsigned = identity->plain != NULL},
        .plain = identity->plain,
        .offer = &app->offer,
        .attempts = ATTEMPTS,
        .reset_cause = board_reset_cause(),
        .boots = board_boots(),
        .target_baud = TARGET_BAUD,
        .chunk_bytes = CHUNK_BYTES,
        .stream = board_receives_while_writing() ? &tdm_mcu_streams : NULL,
        .self_tests = &self_tests,
        .link_deadline_ms = LINK_DEADLINE_MS,
        .rx = app->rx,
        .rx_bytes = sizeof app->rx,
        .chunk = app->chunk,
        .work = &app->work,
    };
}

static void load_keys(struct application *app)
{
    if (tdm_keys_load(&app->keys, app->config.flash, app->config.layout->keys_address) != TDM_OK) {
        app->keys.count = 0;
        board_log("keys: the key page is not valid, updates will be refused; write it with `tandem factory`");
    }
}

/* --- The loop --- */

/* A firmware that never talks, while it is on trial. */
static bool is_mute(const struct application *app)
{
    return app->identity->behaviour == APPLICATION_NO_LINK && tdm_mcu_on_trial(&app->mcu);
}

static void receive(struct application *app)
{
    uint8_t bytes[64];
    size_t count = board_uart_read(bytes, sizeof bytes);

    while (count > 0) {
        if (!is_mute(app))
            tdm_mcu_receive(&app->mcu, bytes, count, board_now_ms());
        count = board_uart_read(bytes, sizeof bytes);
    }
}

/* Hands over what the UART takes without blocking; the rest waits. */
static void send(struct application *app)
{
    for (;;) {
        if (app->out_sent == app->out_length) {
            app->out_sent = 0;
            app->out_length = tdm_mcu_pull(&app->mcu, app->out, sizeof app->out, board_now_ms());
            if (is_mute(app))
                app->out_length = 0;
        }
        if (app->out_length == 0)
            return;
        app->out_sent += board_uart_write(app->out + app->out_sent, app->out_length - app->out_sent);
        if (app->out_sent < app->out_length)
            return;
    }
}

static void write_uptime(struct application *app)
{
    uint32_t now_ms = board_now_ms();

    if (now_ms - app->uptime_ms < UPTIME_MS || tdm_mcu_pin_waits(&app->uptime_pin))
        return;
    app->uptime_ms = now_ms;
    app->uptime = (struct line){.length = 0};
    add_number(&app->uptime, (now_ms - app->started_ms) / 1000);
    (void)!tdm_mcu_virtual_write(&app->mcu, &app->uptime_pin, 0, app->uptime.text,
                                 now_ms); /* no link: later */
}

/* Here the product's own work would turn; the watchdog is fed for it, by tdm_mcu_poll. */
static void work(struct application *app)
{
    app->worked_ms = board_now_ms();
}

static void run_once(struct application *app)
{
    uint32_t wait_ms;

    work(app);
    receive(app);
    wait_ms = tdm_mcu_poll(&app->mcu, board_now_ms());
    if (!tdm_mcu_is_updating(&app->mcu))
        write_uptime(app);
    send(app);
    if (wait_ms > 0)
        board_idle();
}

static void stop(const char *why)
{
    board_log(why);
    board_reset(TDM_RESET_SOFT);
}

void application_run(const struct application_identity *identity)
{
    struct application *app = &application;

    board_watchdog_start(WATCHDOG_MS);
    memset(app, 0, sizeof *app);
    app->started_ms = board_now_ms();
    app->uptime_ms = app->started_ms;
    app->worked_ms = app->started_ms;
    say("application ", identity->type, "");
    say("version ", identity->version, "");
    configure(app, identity);
    load_keys(app);
    if (tdm_mcu_check(&app->config) != TDM_OK)
        stop("the configuration of the update client is not valid");
    tdm_mcu_init(&app->mcu, &app->config, board_now_ms());
    board_log(tdm_mcu_on_trial(&app->mcu) ? "state: on trial" : "state: confirmed");
    for (;;)
        run_once(app);
}
