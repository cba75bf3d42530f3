#include "bench.h"

#include <string.h>

struct fixture fixture;
static uint8_t before[BANK_BYTES];

struct bench bench;

/* --- The co-processor --- */

size_t bench_put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
    return 4;
}

static size_t put_text(uint8_t *to, const char *text)
{
    memcpy(to, text, strlen(text) + 1);
    return strlen(text) + 1;
}

static void call(struct fixture *f, uint16_t uid, const uint8_t *args, size_t bytes, enum waits waits)
{
    bench.call_id = ncp_stub_invoke(&f->ncp, uid, args, bytes);
    bench.waits = waits;
}

void bench_offer(struct fixture *f)
{
    uint8_t args[300];
    size_t n = put_text(args, "firmware.tdm");

    n += bench_put_u32(args + n, f->package.length);
    n += put_text(args + n, f->options.type);
    n += put_text(args + n, f->options.version);
    n += put_text(args + n, bench.build);
    bench.offers--;
    call(f, 0x0441, args, n, FOR_OFFER);
}

static uint32_t chunk_bytes(const struct fixture *f)
{
    uint32_t left = f->package.length - bench.at;

    return left < bench.chunk ? left : bench.chunk;
}

void bench_send_chunk(struct fixture *f)
{
    uint8_t args[600];
    uint32_t bytes = chunk_bytes(f);
    size_t n = bench_put_u32(args, bench.at);

    if (bench.on_chunk != NULL)
        bench.on_chunk(f);
    args[n++] = (uint8_t)bytes;
    args[n++] = (uint8_t)(bytes >> 8);
    memcpy(args + n, f->package.bytes + bench.at, bytes);
    n += bytes;
    n += bench_put_u32(args + n, package_crc32(f->package.bytes + bench.at, bytes));
    call(f, 0x0442, args, n, FOR_CHUNK);
}

static void answered(struct fixture *f)
{
    bool yes = f->ncp.last_status == 0 && f->ncp.last_value == 1;
    enum waits waits = bench.waits;

    bench.waits = FOR_NOTHING;
    if (waits == FOR_OFFER)
        return;
    if (!yes) {
        bench.refusals++;
        if (bench.on_refusal != NULL)
            bench.on_refusal(f);
    } else if (waits == FOR_CHUNK) {
        bench.at += chunk_bytes(f);
        if (bench.at < f->package.length)
            bench_send_chunk(f);
        else
            call(f, 0x0443, NULL, 0, FOR_FINISH);
    }
}

static void act(struct fixture *f)
{
    if (f->ncp.chunk != 0) {
        bench.chunk = f->ncp.chunk;
        f->ncp.chunk = 0;
        bench.at = 0;
        bench.starts++;
        if (bench.on_start != NULL)
            bench.on_start(f);
        bench_send_chunk(f);
    } else if (bench.waits != FOR_NOTHING && f->ncp.answers > 0 && f->ncp.last_answer_id == bench.call_id) {
        answered(f);
    } else if (bench.waits == FOR_NOTHING && bench.offers > 0 && f->ncp.state == 5) {
        bench_offer(f);
    } else if (bench.on_idle != NULL) {
        bench.on_idle(f);
    }
}

/* --- The port --- */

enum { IDLE_STEP_MS = 50 }; /* of the clock, where it waits for longer */

static bool is_past(const struct fixture *f, uint32_t when_ms)
{
    return f->now_ms != when_ms && f->now_ms - when_ms <= INT32_MAX;
}

static int receive(void *ctx, uint32_t wait_ms)
{
    struct fixture *f = ctx;

    bench.receives++;
    if (bench.arrived < f->ncp.out_length)
        return f->ncp.out[bench.arrived++];
    bench.arrived = 0;
    f->ncp.out_length = 0;
    if (f->ncp.new_baud != 0)
        f->ncp.baud = f->ncp.new_baud;
    f->ncp.new_baud = 0;
    act(f);
    if (f->ncp.baud != f->baud)
        f->ncp.out_length = 0;
    f->now_ms += wait_ms < IDLE_STEP_MS ? 1 : IDLE_STEP_MS;
    if (is_past(f, bench.end_ms))
        longjmp(bench.end, 1);
    return -1;
}

static void send(void *ctx, uint8_t byte)
{
    struct fixture *f = ctx;

    ncp_stub_receive(&f->ncp, &byte, 1, f->baud, f->now_ms);
}

static void set_baud(void *ctx, uint32_t baud)
{
    ((struct fixture *)ctx)->baud = baud;
}

static uint32_t now_ms(void *ctx)
{
    return ((const struct fixture *)ctx)->now_ms;
}

static void feed_watchdog(void *ctx)
{
    ((struct fixture *)ctx)->feeds++;
}

static void reset(void *ctx)
{
    (void)ctx;
    bench.was_reset = true;
    longjmp(bench.end, 1);
}

int bench_any_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank, uint32_t address)
{
    (void)ctx;
    (void)flash;
    (void)bank;
    (void)address;
    return TDM_OK;
}

static void ignore(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

static const struct tdm_fetch_product product = {
    .receive = receive,
    .send = send,
    .set_baud = set_baud,
    .now_ms = now_ms,
    .feed_watchdog = feed_watchdog,
    .reset = reset,
    .check_image = bench_any_image,
    .log = ignore,
    .type = "product",
    .library = "0.1.0",
    .hardware = "board-7",
    .template_id = "TMPL12345",
    .template_name = "Product",
    .target_baud = 460800,
    .retry_ms = RETRY_MS,
    .attempts = 3,
};

/* --- The device --- */

struct tdm_record bench_record(struct fixture *f)
{
    struct tdm_record_log log;

    (void)!tdm_record_load(&log, &f->ram.flash, &f->layout);
    return log.record;
}

void bench_hand_over(struct fixture *f)
{
    struct tdm_record_log log;
    struct tdm_manifest manifest;

    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    assert_int_equal(tdm_bank_peek(&manifest, &f->layout, 0, &f->ram.flash, bench.front), TDM_OK);
    assert_int_equal(tdm_boot_confirm(&log, 0, &manifest), TDM_OK);
    assert_int_equal(tdm_boot_fetch(&log, 0), TDM_OK);
}

void bench_start_in(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    fixture_init(f, program_bytes, program_once);
    f->layout.bank[1].bytes = 0;
    f->options.image_bytes = 2501;
    fixture_build(f);
    memcpy(before, ram_flash_at(&f->ram, BANK_A), BANK_BYTES);
    memset(&bench, 0, sizeof bench);
    ncp_stub_init(&bench.ncp);
    bench.product = product;
    bench.build = "build 1";
    bench.offers = 1;
}

void bench_start_with_image(struct fixture *f)
{
    bench_start_in(f, 8, false);
    bench_hand_over(f);
}

void bench_start_without_image(struct fixture *f)
{
    bench_start_in(f, 8, false);
    ram_flash_blank(&f->ram, &f->layout.bank[0]);
}

bool bench_runs_for(struct fixture *f, uint32_t ms, const struct tdm_boot_choice *choice)
{
    struct tdm_fetch *fetch = &bench.fetch;

    memset(bench.front, 0xA5, sizeof bench.front);
    memset(fetch, 0, sizeof *fetch);
    f->ncp = bench.ncp;
    if (bench.offers == 0 && !bench.keeps_offer)
        f->ncp.prefetch = TDM_PREFETCH_GENERIC;
    fetch->product = &bench.product;
    fetch->ctx = f;
    fetch->flash = &f->ram.flash;
    fetch->layout = &f->layout;
    fetch->front = bench.front;
    fetch->trust = f->config.trust;
    bench.waits = FOR_NOTHING;
    bench.arrived = 0;
    bench.was_reset = false;
    bench.end_ms = f->now_ms + ms;
    assert_true(tdm_fetch_is_wanted(fetch, choice));
    if (setjmp(bench.end) == 0)
        tdm_fetch_run(fetch);
    bench.resets += bench.was_reset;
    return bench.was_reset;
}

const struct tdm_boot_choice bench_intact = {.action = TDM_BOOT_RUN, .bank = 0};
const struct tdm_boot_choice bench_nothing = {
    .action = TDM_BOOT_RECOVER, .bank = TDM_NO_BANK, .reason = TDM_REASON_ACTIVE_INVALID};

void bench_assert_untouched_but(struct fixture *f, uint32_t bytes)
{
    assert_memory_equal(ram_flash_at(&f->ram, BANK_A), before, BANK_BYTES - bytes);
}

void bench_assert_untouched(struct fixture *f)
{
    bench_assert_untouched_but(f, 0);
}

bool bench_holds_package(const struct fixture *f)
{
    const struct package *p = &f->package;

    return memcmp(p->bytes + package_image(p), ram_flash_at(&f->ram, BANK_A), p->image_bytes) == 0;
}

void bench_assert_pending(struct fixture *f)
{
    assert_true(bench_holds_package(f));
    assert_int_equal(bench_record(f).state, TDM_BOOT_PENDING);
    assert_int_equal(bench_record(f).active, TDM_NO_BANK);
    assert_int_equal(bench_record(f).target, 0);
    assert_int_equal(bench_record(f).attempts_left, 3);
    assert_int_equal(bench_record(f).counter_floor, 2);
    assert_int_equal(f->ram.violations, 0);
    assert_int_equal(f->ncp.last_answer_id, bench.call_id); /* otaUpdateFinish got its answer, a true */
    assert_int_equal(f->ncp.last_status, 0);
    assert_int_equal(f->ncp.last_results, 1);
    assert_int_equal(f->ncp.last_value, 1);
}

size_t bench_check_ins(struct fixture *f, uint32_t ms)
{
    assert_false(bench_runs_for(f, ms, &bench_nothing));
    return ncp_stub_count(&f->ncp, 0x0301);
}
