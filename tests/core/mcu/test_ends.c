/* How updates end before their time: a cancel at any moment, what is discarded, and what a hostile
 * co-processor can wear out in a day. */
#include "tests/core/mcu/fixture.h"

#include <string.h>

enum { CHUNK = 512, HOUR_MS = 3600000 };

static struct fixture fixture;

static int setup(void **state)
{
    fixture_init(&fixture, 8, false);
    *state = &fixture;
    return 0;
}

/* --- A cancel at any moment --- */

/* A co-processor that does the next thing as soon as it can. */
struct script {
    uint32_t offset;
    uint32_t answers; /* when the call that is awaited went out */
    bool waits;
    bool finishing;
};

static void play(struct fixture *f, struct script *script)
{
    uint32_t left = f->package.length - script->offset;

    if (script->waits && f->ncp.answers == script->answers)
        return;
    script->waits = f->ncp.chunk != 0 && !script->finishing;
    if (!script->waits)
        return;
    script->answers = f->ncp.answers;
    if (left > 0) {
        uint32_t bytes = left < CHUNK ? left : CHUNK;

        (void)fixture_send_chunk(f, script->offset, bytes);
        script->offset += bytes;
    } else {
        script->finishing = true;
        (void)ncp_stub_invoke(&f->ncp, 0x0443, NULL, 0);
    }
}

/* Cancels an update ms after its offer was accepted. False if it was over by then: a reset follows. */
static bool cancel_after(struct fixture *f, uint32_t ms)
{
    struct script script = {.offset = 0};

    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    for (uint32_t i = 0; i < ms; i++) {
        play(f, &script);
        fixture_run(f, 1);
    }
    (void)ncp_stub_invoke(&f->ncp, 0x0444, NULL, 0);
    fixture_run(f, 150);
    return f->resets == 0;
}

static void assert_cancelled_and_well(struct fixture *f)
{
    fixture_assert_ended(f, TDM_REASON_CANCELLED);
    assert_int_equal(f->events[TDM_MCU_UPDATE_ENDED], 1);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(fixture_bank_b_holds_package(f));
    assert_int_equal(f->ram.violations, 0);
}

static void cancel_at_every(bool resumes, bool window)
{
    struct fixture *f = &fixture;
    uint32_t ms = 0;

    for (;; ms++) {
        fixture_init(f, 8, false);
        f->ncp.knows_resume = resumes;
        f->ncp.knows_window = window;
        f->config.stream = window ? &tdm_mcu_streams : NULL;
        if (!cancel_after(f, ms))
            break;
        assert_cancelled_and_well(f);
    }
    assert_int_equal(f->mcu.log.record.state, TDM_BOOT_PENDING);
    assert_in_range(ms, 50, 1000);
}

static void a_cancel_at_any_moment_ends_the_update_and_the_next_arrives_whole(void **state)
{
    (void)state;
    cancel_at_every(false, false);
}

static void so_it_does_where_transfers_go_on_and_two_chunks_are_in_flight(void **state)
{
    (void)state;
    cancel_at_every(true, true);
}

/* --- A wrong digest at finish --- */

static void a_wrong_digest_is_reported_with_its_image_and_the_next_transfer_is_whole(void **state)
{
    struct fixture *f = *state;
    const struct ncp_stub_call *report;
    uint32_t at = package_image(&f->package) + 5000;

    f->ncp.knows_resume = true;
    fixture_accept(f);
    f->package.bytes[at] ^= 0x40;
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(fixture_finish(f), 0);
    fixture_assert_ended(f, TDM_REASON_DIGEST);
    report = ncp_stub_last(&f->ncp, 0x5401);
    assert_int_equal(report->args[0], 2);
    assert_int_equal(report->args[2], TDM_REASON_DIGEST);
    assert_int_equal(report->args[37], 32);
    assert_memory_equal(report->args + 39, f->package.digest, 32);
    f->package.bytes[at] ^= 0x40; /* downloaded anew */
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
    assert_int_equal(fixture_transfer(f, 0), f->package.length);
    assert_int_equal(f->ncp.resumes, 0);
    assert_int_equal(fixture_finish(f), 1);
    assert_true(fixture_bank_b_holds_package(f));
}

/* --- A day of a header that is replayed --- */

/* Time passes in steps that the link's timers do not notice. */
static void run_coarsely(struct fixture *f, uint32_t ms)
{
    for (uint32_t i = 0; i < ms; i += 200) {
        f->now_ms += 199;
        fixture_run(f, 1);
    }
}

/* Offers a good package and sends it, as often as the device lets it; in place of otaUpdateFinish comes
 * abort. */
static void replay_for_a_day(struct fixture *f, void (*abort)(struct fixture *f))
{
    uint32_t begin_ms = f->now_ms;

    fixture_bring_up(f);
    while (f->now_ms - begin_ms < 24 * HOUR_MS) {
        if (fixture_offer_package(f) != 1)
            fixture_run(f, 1000);
        while (f->ncp.chunk == 0 && tdm_mcu_is_updating(&f->mcu))
            run_coarsely(f, 1000);
        if (f->ncp.chunk != 0 && fixture_transfer(f, 0) > 0)
            abort(f);
    }
}

static void cancel(struct fixture *f)
{
    (void)fixture_cancel(f);
}

static void reset(struct fixture *f)
{
    fixture_power_up(f);
    fixture_bring_up(f);
}

/* 6 at once, then after 30 s, 1 min, 2 min, ... 4 h 16 min, and from there on one each 4 h 16 min. */
static void assert_little_wear(const struct fixture *f)
{
    assert_in_range(f->mcu.log.record.starts, 10, 21);
    assert_in_range(f->ram.erases, 10, 21 * (BANK_BYTES / ERASE_BYTES) + 21);
    assert_int_equal(f->ram.violations, 0);
}

static void a_header_replayed_for_a_day_with_cancelled_transfers_wears_out_little(void **state)
{
    struct fixture *f = *state;

    f->options.image_bytes = 1500;
    fixture_build(f);
    replay_for_a_day(f, cancel);
    assert_little_wear(f);
}

static void so_does_one_with_resets_of_the_device_in_between(void **state)
{
    struct fixture *f = *state;

    f->options.image_bytes = 1500;
    fixture_build(f);
    replay_for_a_day(f, reset);
    assert_little_wear(f);
}

static void so_does_one_whose_transfers_go_on(void **state)
{
    struct fixture *f = *state;

    f->ncp.knows_resume = true;
    f->options.image_bytes = 1500;
    fixture_build(f);
    replay_for_a_day(f, reset);
    assert_little_wear(f);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cancel_at_any_moment_ends_the_update_and_the_next_arrives_whole),
        TEST(so_it_does_where_transfers_go_on_and_two_chunks_are_in_flight),
        TEST(a_wrong_digest_is_reported_with_its_image_and_the_next_transfer_is_whole),
        TEST(a_header_replayed_for_a_day_with_cancelled_transfers_wears_out_little),
        TEST(so_does_one_with_resets_of_the_device_in_between),
        TEST(so_does_one_whose_transfers_go_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
