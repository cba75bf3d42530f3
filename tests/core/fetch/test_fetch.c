/* A bootloader that fetches: with an image to lose, and with nothing left to start. It blocks, so the
 * co-processor acts by itself: it offers the package once it was initialised, sends chunk after chunk, and
 * finishes. */
#include <string.h>

#include "tandem/fetch.h"
#include "tests/core/mcu/fixture.h"

enum { LONG_MS = 60000, RETRY_MS = 300000 };

/* What the co-processor waits for. */
enum waits { FOR_NOTHING, FOR_OFFER, FOR_CHUNK, FOR_FINISH };

static struct fixture fixture;
static uint8_t before[BANK_BYTES];

static struct {
    struct tdm_fetch fetch;
    uint8_t front[TDM_PACKAGE_FRONT_MAX];
    jmp_buf end;
    uint32_t end_ms;
    bool was_reset;
    size_t arrived; /* bytes of the co-processor's output that were read */

    unsigned offers;  /* to be made */
    bool keeps_offer; /* that the application took, and waits for otaUpdateStart */
    enum waits waits;
    uint16_t call_id;
    uint16_t chunk;
    uint32_t at; /* offset of the chunk under way */
    unsigned starts;
    unsigned refusals; /* of chunks and of otaUpdateFinish */
    unsigned resets;
    void (*on_start)(struct fixture *f); /* otaUpdateStart was called; starts says how often */
    void (*on_chunk)(struct fixture *f); /* a chunk is about to be sent */
    void (*on_refusal)(struct fixture *f);
} run;

/* --- The co-processor --- */

static size_t put_u32(uint8_t *to, uint32_t value)
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
    run.call_id = ncp_stub_invoke(&f->ncp, uid, args, bytes);
    run.waits = waits;
}

static void offer(struct fixture *f)
{
    uint8_t args[300];
    size_t n = put_text(args, "firmware.tdm");

    n += put_u32(args + n, f->package.length);
    n += put_text(args + n, f->options.type);
    n += put_text(args + n, f->options.version);
    n += put_text(args + n, "build 1");
    run.offers--;
    call(f, 0x0441, args, n, FOR_OFFER);
}

static uint32_t chunk_bytes(const struct fixture *f)
{
    uint32_t left = f->package.length - run.at;

    return left < run.chunk ? left : run.chunk;
}

static void send_chunk(struct fixture *f)
{
    uint8_t args[600];
    uint32_t bytes = chunk_bytes(f);
    size_t n = put_u32(args, run.at);

    if (run.on_chunk != NULL)
        run.on_chunk(f);
    args[n++] = (uint8_t)bytes;
    args[n++] = (uint8_t)(bytes >> 8);
    memcpy(args + n, f->package.bytes + run.at, bytes);
    n += bytes;
    n += put_u32(args + n, package_crc32(f->package.bytes + run.at, bytes));
    call(f, 0x0442, args, n, FOR_CHUNK);
}

static void answered(struct fixture *f)
{
    bool yes = f->ncp.last_status == 0 && f->ncp.last_value == 1;
    enum waits waits = run.waits;

    run.waits = FOR_NOTHING;
    if (waits == FOR_OFFER)
        return;
    if (!yes) {
        run.refusals++;
        if (run.on_refusal != NULL)
            run.on_refusal(f);
    } else if (waits == FOR_CHUNK) {
        run.at += chunk_bytes(f);
        if (run.at < f->package.length)
            send_chunk(f);
        else
            call(f, 0x0443, NULL, 0, FOR_FINISH);
    }
}

static void act(struct fixture *f)
{
    if (f->ncp.chunk != 0) {
        run.chunk = f->ncp.chunk;
        f->ncp.chunk = 0;
        run.at = 0;
        run.starts++;
        if (run.on_start != NULL)
            run.on_start(f);
        send_chunk(f);
    } else if (run.waits != FOR_NOTHING && f->ncp.answers > 0 && f->ncp.last_answer_id == run.call_id) {
        answered(f);
    } else if (run.waits == FOR_NOTHING && run.offers > 0 && f->ncp.state == 5) {
        offer(f);
    }
}

/* --- The port --- */

static int receive(void *ctx, uint32_t wait_ms)
{
    struct fixture *f = ctx;

    (void)wait_ms;
    if (run.arrived < f->ncp.out_length)
        return f->ncp.out[run.arrived++];
    run.arrived = 0;
    f->ncp.out_length = 0;
    if (f->ncp.new_baud != 0)
        f->ncp.baud = f->ncp.new_baud;
    f->ncp.new_baud = 0;
    act(f);
    if (f->ncp.baud != f->baud)
        f->ncp.out_length = 0;
    if (f->now_ms++ == run.end_ms)
        longjmp(run.end, 1);
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
    run.was_reset = true;
    longjmp(run.end, 1);
}

static int any_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                     uint32_t address)
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
    .check_image = any_image,
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

static struct tdm_record record_of(struct fixture *f)
{
    struct tdm_record_log log;

    (void)!tdm_record_load(&log, &f->ram.flash, &f->layout);
    return log.record;
}

/* The application hands over; one that was put on trial, because the record calls no bank active any more,
 * confirms before. */
static void hand_over(struct fixture *f)
{
    struct tdm_record_log log;
    struct tdm_manifest manifest;

    assert_int_equal(tdm_record_load(&log, &f->ram.flash, &f->layout), TDM_OK);
    assert_int_equal(tdm_bank_peek(&manifest, &f->layout, 0, &f->ram.flash, run.front), TDM_OK);
    assert_int_equal(tdm_boot_confirm(&log, 0, &manifest), TDM_OK);
    assert_int_equal(tdm_boot_fetch(&log, 0), TDM_OK);
}

static void start_in(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    fixture_init(f, program_bytes, program_once);
    f->layout.bank[1].bytes = 0;
    f->options.image_bytes = 2501;
    fixture_build(f);
    memcpy(before, ram_flash_at(&f->ram, BANK_A), BANK_BYTES);
    memset(&run, 0, sizeof run);
    run.offers = 1;
}

static void start_with_image(struct fixture *f)
{
    start_in(f, 8, false);
    hand_over(f);
}

static void start_without_image(struct fixture *f)
{
    start_in(f, 8, false);
    ram_flash_blank(&f->ram, &f->layout.bank[0]);
}

/* Starts the bootloader: true if it ends in a reset within so many milliseconds. RAM is lost before. */
static bool runs_for(struct fixture *f, uint32_t ms, const struct tdm_boot_choice *choice)
{
    struct tdm_fetch *fetch = &run.fetch;

    memset(run.front, 0xA5, sizeof run.front);
    memset(fetch, 0, sizeof *fetch);
    ncp_stub_init(&f->ncp);
    if (run.offers == 0 && !run.keeps_offer)
        f->ncp.prefetch = TDM_PREFETCH_GENERIC;
    fetch->product = &product;
    fetch->ctx = f;
    fetch->flash = &f->ram.flash;
    fetch->layout = &f->layout;
    fetch->front = run.front;
    fetch->trust = f->config.trust;
    run.waits = FOR_NOTHING;
    run.arrived = 0;
    run.was_reset = false;
    run.end_ms = f->now_ms + ms;
    assert_true(tdm_fetch_is_wanted(fetch, choice));
    if (setjmp(run.end) == 0)
        tdm_fetch_run(fetch);
    run.resets += run.was_reset;
    return run.was_reset;
}

static const struct tdm_boot_choice intact = {.action = TDM_BOOT_RUN, .bank = 0};
static const struct tdm_boot_choice nothing = {
    .action = TDM_BOOT_RECOVER, .bank = TDM_NO_BANK, .reason = TDM_REASON_ACTIVE_INVALID};

static void assert_untouched(struct fixture *f)
{
    assert_memory_equal(ram_flash_at(&f->ram, BANK_A), before, BANK_BYTES);
}

static bool bank_holds_package(const struct fixture *f)
{
    const struct package *p = &f->package;

    return memcmp(p->bytes + package_image(p), ram_flash_at(&f->ram, BANK_A), p->image_bytes) == 0;
}

static void assert_pending(struct fixture *f)
{
    assert_true(bank_holds_package(f));
    assert_int_equal(record_of(f).state, TDM_BOOT_PENDING);
    assert_int_equal(record_of(f).active, TDM_NO_BANK);
    assert_int_equal(record_of(f).target, 0);
    assert_int_equal(record_of(f).attempts_left, 3);
    assert_int_equal(record_of(f).counter_floor, 2);
    assert_int_equal(f->ram.violations, 0);
}

/* --- With an image to lose --- */

static void is_untouched_when_it_starts(struct fixture *f)
{
    if (run.starts <= 2) {
        assert_untouched(f);
        assert_int_equal(record_of(f).state, TDM_BOOT_FETCH);
    }
}

static void the_file_is_streamed_once_before_anything_is_erased(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    run.on_start = is_untouched_when_it_starts;
    assert_true(runs_for(f, LONG_MS, &intact));
    assert_int_equal(run.starts, 2);
    assert_int_equal(ncp_stub_count(&f->ncp, 0x0345), 1);
    assert_int_equal(run.chunk, TDM_FETCH_CHUNK_BYTES);
    assert_int_equal(f->ncp.last_value, 1); /* otaUpdateFinish */
    assert_pending(f);
}

/* The package is refused with this reason, and the image in the bank is as it was. */
static void assert_given_back(struct fixture *f, uint8_t expected)
{
    uint8_t reason;

    assert_true(runs_for(f, 3 * LONG_MS, &intact));
    assert_untouched(f);
    assert_int_equal(record_of(f).state, TDM_BOOT_IDLE);
    assert_int_equal(record_of(f).active, 0);
    assert_int_equal(record_of(f).last_reason, expected);
    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, expected);
    assert_int_equal(run.starts, 1);
}

static void a_wrong_signature_is_reported_and_the_image_starts_again(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    f->package.bytes[package_signature(&f->package)] ^= 1;
    assert_given_back(f, TDM_REASON_SIGNATURE);
}

static void damage_in_the_last_byte_is_found_before_anything_is_erased(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    f->package.bytes[f->package.length - 1] ^= 0x10;
    assert_given_back(f, TDM_REASON_DIGEST);
}

static void a_damaged_relocation_table_is_found_before_anything_is_erased(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    f->package.bytes[package_table(&f->package)] ^= 1;
    assert_given_back(f, TDM_REASON_RELOCATIONS);
}

static void firmware_for_other_hardware_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    f->options.hardware = "board-8";
    fixture_build(f);
    assert_given_back(f, TDM_REASON_HARDWARE);
}

static void firmware_of_another_type_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    f->options.type = "toaster";
    fixture_build(f);
    assert_given_back(f, TDM_REASON_TYPE);
}

static void firmware_below_the_counter_floor_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    f->options.counter = 1;
    fixture_build(f);
    assert_given_back(f, TDM_REASON_COUNTER);
}

static void the_image_that_is_there_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    f->options.version = "1.0.0";
    f->options.seed = 77;
    f->options.image_bytes = f->running.image_bytes;
    fixture_build(f);
    assert_memory_equal(f->package.digest, f->running.digest, sizeof f->package.digest);
    assert_given_back(f, TDM_REASON_ALREADY_RUNNING);
}

static void a_file_longer_than_its_package_is_refused_by_its_header(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    f->package.length++;
    assert_given_back(f, TDM_REASON_PACKAGE);
}

static void swap_before_the_second_pass(struct fixture *f)
{
    if (run.starts == 2) {
        f->options.seed++;
        fixture_build(f);
    }
    if (run.starts <= 3)
        assert_untouched(f);
}

static void another_file_in_the_second_pass_is_checked_as_the_first_one_was(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    run.on_start = swap_before_the_second_pass;
    assert_true(runs_for(f, LONG_MS, &intact));
    assert_int_equal(run.starts, 3);
    assert_pending(f);
}

static void refuse_twice(struct fixture *f)
{
    if (run.starts == 1)
        f->ncp.start_refusals = 2;
}

static void swap_before_each_pass(struct fixture *f)
{
    f->options.seed++;
    fixture_build(f);
}

static void a_file_that_is_another_in_each_pass_is_refused_in_the_end(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    run.on_start = swap_before_each_pass;
    assert_true(runs_for(f, LONG_MS, &intact));
    assert_untouched(f);
    assert_int_equal(record_of(f).state, TDM_BOOT_IDLE);
    assert_int_equal(record_of(f).last_reason, TDM_REASON_PACKAGE);
    assert_int_equal(run.starts, 4);
}

static void a_second_pass_that_is_refused_needs_no_third(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    run.on_start = refuse_twice;
    assert_true(runs_for(f, LONG_MS, &intact));
    assert_int_equal(run.starts, 2);
    assert_pending(f);
}

static void a_co_processor_that_keeps_the_offer_need_not_make_it_again(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    run.offers = 0;
    run.keeps_offer = true;
    assert_true(runs_for(f, LONG_MS, &intact));
    assert_int_equal(run.starts, 2); /* streamed whole, then written */
    assert_pending(f);
}

static void an_offer_that_never_comes_ends_in_the_image_that_is_there(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    run.offers = 0;
    assert_false(runs_for(f, 119000, &intact));
    assert_true(runs_for(f, 121000, &intact));
    assert_int_equal(record_of(f).state, TDM_BOOT_IDLE);
    assert_untouched(f);
}

static void cancel_the_second_chunk(struct fixture *f)
{
    if (run.at > 0)
        (void)ncp_stub_invoke(&f->ncp, 0x0444, NULL, 0);
}

static void a_cancel_ends_in_the_image_that_is_there(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_with_image(f);
    run.on_chunk = cancel_the_second_chunk;
    assert_true(runs_for(f, LONG_MS, &intact));
    assert_int_equal(record_of(f).last_reason, TDM_REASON_CANCELLED);
    assert_untouched(f);
}

/* --- With nothing to lose --- */

static void without_an_image_it_writes_in_the_first_pass(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_without_image(f);
    assert_true(runs_for(f, LONG_MS, &nothing));
    assert_int_equal(run.starts, 1);
    assert_pending(f);
}

static void with_two_banks_and_no_image_it_recovers_the_first(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    f->layout.bank[1].bytes = BANK_BYTES;
    ram_flash_garble(&f->ram, &f->layout.bank[0], 1);
    ram_flash_garble(&f->ram, &f->layout.bank[1], 2);
    assert_true(runs_for(f, LONG_MS, &nothing));
    assert_pending(f);
}

static void without_a_record_it_makes_one(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_without_image(f);
    ram_flash_blank(&f->ram, &f->layout.record[0]);
    ram_flash_blank(&f->ram, &f->layout.record[1]);
    assert_true(runs_for(f, LONG_MS, &nothing));
    assert_true(bank_holds_package(f));
    assert_int_equal(record_of(f).state, TDM_BOOT_PENDING);
}

static void ship_a_sound_one(struct fixture *f)
{
    uint8_t reason;

    assert_int_equal(fixture_last_report(f, &reason), 2);
    assert_int_equal(reason, TDM_REASON_DIGEST);
    assert_int_equal(record_of(f).active, TDM_NO_BANK);
    fixture_build(f);
    run.offers = 1;
    run.on_refusal = NULL;
}

static void after_a_failure_it_stays_and_takes_the_next_offer(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_without_image(f);
    f->package.bytes[f->package.length - 1] ^= 1;
    run.on_refusal = ship_a_sound_one;
    assert_true(runs_for(f, LONG_MS, &nothing));
    assert_int_equal(run.refusals, 1);
    assert_int_equal(run.starts, 2);
    assert_pending(f);
}

static size_t check_ins(struct fixture *f, uint32_t ms)
{
    assert_false(runs_for(f, ms, &nothing));
    return ncp_stub_count(&f->ncp, 0x0301);
}

static void it_checks_in_again_after_pauses_that_grow(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_without_image(f);
    run.offers = 0;
    assert_int_equal(check_ins(f, 29000), 1);
    assert_int_equal(check_ins(f, 33000), 2);
    assert_int_equal(check_ins(f, 90000), 2);
    assert_int_equal(check_ins(f, 98000), 3);
}

static void a_transfer_that_is_started_over_and_over_is_delayed(void **state)
{
    struct fixture *f = &fixture;
    struct tdm_record_log log;

    (void)state;
    start_without_image(f);
    (void)!tdm_record_load(&log, &f->ram.flash, &f->layout);
    log.record.starts = 7;
    assert_int_equal(tdm_record_append(&log, &log.record), TDM_OK);
    assert_false(runs_for(f, 59000, &nothing));
    assert_int_equal(run.starts, 0);
    run.offers = 1;
    assert_true(runs_for(f, 2 * LONG_MS, &nothing));
    assert_int_equal(run.starts, 1);
}

static void an_image_that_only_used_up_its_attempts_gets_them_again(void **state)
{
    static const struct tdm_boot_choice spent = {
        .action = TDM_BOOT_RECOVER, .bank = TDM_NO_BANK, .reason = TDM_REASON_NO_LINK};
    struct fixture *f = &fixture;

    (void)state;
    start_in(f, 8, false);
    run.offers = 0;
    assert_false(runs_for(f, RETRY_MS - 1000, &spent));
    assert_true(runs_for(f, RETRY_MS + 1000, &spent));
    assert_untouched(f);
}

/* --- The line --- */

static void ask_around(struct fixture *f)
{
    static const uint8_t known[] = {0x41, 0x04}, unknown[] = {0x45, 0x04}, state[] = {5};

    (void)ncp_stub_invoke(&f->ncp, 0x0181, NULL, 0);
    (void)ncp_stub_invoke(&f->ncp, 0x0183, known, 2);
    (void)ncp_stub_invoke(&f->ncp, 0x0183, unknown, 2);
    (void)ncp_stub_invoke(&f->ncp, 0x0777, NULL, 0);
    (void)ncp_stub_invoke(&f->ncp, 0x0183, known, 1); /* too short, too long */
    (void)ncp_stub_invoke(&f->ncp, 0x0444, known, 1);
    ncp_stub_oneway(&f->ncp, 0x0411, state, sizeof state);
    ncp_stub_oneway(&f->ncp, 0x0777, NULL, 0);
}

/* A status without results is told by 0xEE. */
static void hear_answers(struct fixture *f)
{
    static const uint8_t expected[] = {0xEE, 1, 0, 0xEE, 0xEE, 0xEE, 1 /* of the first chunk */};

    if (run.at == 0)
        ask_around(f);
    else if (run.at == run.chunk)
        assert_memory_equal(f->ncp.answer_values + 1, expected, sizeof expected); /* behind the offer's */
}

static void it_answers_what_it_knows_and_what_it_does_not(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_without_image(f);
    run.on_chunk = hear_answers;
    assert_true(runs_for(f, LONG_MS, &nothing));
    assert_pending(f);
}

static void repeat_the_one_before(struct fixture *f)
{
    uint8_t args[600];
    uint32_t at = run.at - run.chunk;
    size_t n;

    if (run.at < 2 * (uint32_t)run.chunk)
        return;
    n = put_u32(args, at);
    args[n++] = (uint8_t)run.chunk;
    args[n++] = (uint8_t)(run.chunk >> 8);
    memcpy(args + n, f->package.bytes + at, run.chunk);
    n += run.chunk;
    (void)put_u32(args + n, package_crc32(f->package.bytes + at, run.chunk));
    (void)ncp_stub_invoke(&f->ncp, 0x0442, args, n + 4);
}

static void a_chunk_that_comes_again_is_taken_as_written(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_without_image(f);
    run.on_chunk = repeat_the_one_before;
    assert_true(runs_for(f, LONG_MS, &nothing));
    assert_int_equal(run.refusals, 0);
    assert_pending(f);
}

/* The stub's answer is taken back; the chunk that follows says that it was heard. */
static void lose_the_answer(struct fixture *f)
{
    f->ncp.out_length = 0;
}

static void the_first_chunk_says_that_the_start_was_heard(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_without_image(f);
    run.on_start = lose_the_answer;
    assert_true(runs_for(f, LONG_MS, &nothing));
    assert_int_equal(run.starts, 1);
    assert_pending(f);
}

static void a_rate_that_the_line_does_not_carry_is_given_up(void **state)
{
    struct fixture *f = &fixture;

    (void)state;
    start_without_image(f);
    run.offers = 0;
    assert_false(runs_for(f, 100, &nothing));
    assert_int_equal(f->baud, 460800);
    f->ncp.raise_to_max = 0;
    assert_int_equal(check_ins(f, 3000), 1);
}

/* --- Power cuts --- */

static void nothing_to_do(void *ctx)
{
    (void)ctx;
}

static struct tdm_boot_choice choose(struct fixture *f)
{
    const struct tdm_boot_config config = {
        .flash = &f->ram.flash,
        .layout = &f->layout,
        .trust = f->config.trust,
        .attempts = 3,
        .soft_limit = 2,
        .check_image = any_image,
        .arm_watchdog = nothing_to_do,
        .feed_watchdog = nothing_to_do,
    };
    struct tdm_boot_choice choice;

    tdm_boot_choose(&choice, &config, TDM_RESET_POWER, run.front);
    return choice;
}

/* Start after start, until the new image is on trial. */
static void live(struct fixture *f)
{
    for (unsigned starts = 0; starts < 6; starts++) {
        struct tdm_boot_choice choice = choose(f);

        if (choice.action == TDM_BOOT_RUN && choice.trial && bank_holds_package(f))
            return;
        if (choice.action == TDM_BOOT_RUN && record_of(f).state != TDM_BOOT_FETCH) {
            assert_memory_equal(ram_flash_at(&f->ram, BANK_A), before, BANK_BYTES - ERASE_BYTES);
            hand_over(f);
            continue;
        }
        run.offers = 1;
        assert_true(runs_for(f, 2 * LONG_MS, &choice));
    }
    fail_msg("no image after six starts");
}

/* Cuts the power at operation n. False once the new image is on trial before operation n. */
static bool survive_cut(struct fixture *f, uint32_t n, enum ram_flash_cut cut)
{
    volatile bool was_cut = false;

    ram_flash_cut(&f->ram, n, cut, n * 7 + cut);
    if (setjmp(f->ram.power) == 0)
        live(f);
    else
        was_cut = true;
    f->ram.armed = false;
    if (!was_cut)
        return false;
    live(f);
    assert_int_equal(record_of(f).state, TDM_BOOT_TRIAL);
    assert_int_equal(f->ram.violations, 0);
    return true;
}

static void survive_all_cuts(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    for (int cut = RAM_FLASH_BEFORE; cut < RAM_FLASH_CUTS; cut++) {
        uint32_t n = 0;

        do {
            start_in(f, program_bytes, program_once);
            hand_over(f);
        } while (survive_cut(f, n++, (enum ram_flash_cut)cut));
        assert_true(n > 20);
    }
}

static void a_power_cut_at_any_operation_ends_in_the_new_image(void **state)
{
    (void)state;
    survive_all_cuts(&fixture, 8, false);
}

static void so_does_flash_that_programs_a_unit_once(void **state)
{
    (void)state;
    survive_all_cuts(&fixture, 16, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_streamed_once_before_anything_is_erased),
        cmocka_unit_test(a_wrong_signature_is_reported_and_the_image_starts_again),
        cmocka_unit_test(damage_in_the_last_byte_is_found_before_anything_is_erased),
        cmocka_unit_test(a_damaged_relocation_table_is_found_before_anything_is_erased),
        cmocka_unit_test(firmware_for_other_hardware_is_refused_by_its_header),
        cmocka_unit_test(firmware_of_another_type_is_refused_by_its_header),
        cmocka_unit_test(firmware_below_the_counter_floor_is_refused_by_its_header),
        cmocka_unit_test(the_image_that_is_there_is_refused_by_its_header),
        cmocka_unit_test(a_file_longer_than_its_package_is_refused_by_its_header),
        cmocka_unit_test(another_file_in_the_second_pass_is_checked_as_the_first_one_was),
        cmocka_unit_test(a_file_that_is_another_in_each_pass_is_refused_in_the_end),
        cmocka_unit_test(a_second_pass_that_is_refused_needs_no_third),
        cmocka_unit_test(a_co_processor_that_keeps_the_offer_need_not_make_it_again),
        cmocka_unit_test(an_offer_that_never_comes_ends_in_the_image_that_is_there),
        cmocka_unit_test(a_cancel_ends_in_the_image_that_is_there),
        cmocka_unit_test(without_an_image_it_writes_in_the_first_pass),
        cmocka_unit_test(with_two_banks_and_no_image_it_recovers_the_first),
        cmocka_unit_test(without_a_record_it_makes_one),
        cmocka_unit_test(after_a_failure_it_stays_and_takes_the_next_offer),
        cmocka_unit_test(it_checks_in_again_after_pauses_that_grow),
        cmocka_unit_test(a_transfer_that_is_started_over_and_over_is_delayed),
        cmocka_unit_test(an_image_that_only_used_up_its_attempts_gets_them_again),
        cmocka_unit_test(it_answers_what_it_knows_and_what_it_does_not),
        cmocka_unit_test(a_chunk_that_comes_again_is_taken_as_written),
        cmocka_unit_test(the_first_chunk_says_that_the_start_was_heard),
        cmocka_unit_test(a_rate_that_the_line_does_not_carry_is_given_up),
        cmocka_unit_test(a_power_cut_at_any_operation_ends_in_the_new_image),
        cmocka_unit_test(so_does_flash_that_programs_a_unit_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
