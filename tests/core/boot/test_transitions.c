/* The application's transitions: what each writes, and where it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/boot/record.h"
#include "tests/core/boot/world.h"

static struct world world;
static struct image old = {.version = "1.0.0", .counter = 1};
static struct image new = {.version = "1.1.0", .counter = 4, .revoked_keys = 2};

static int set_up(void **state)
{
    (void)state;
    image_build(&old);
    image_build(&new);
    world_init(&world, 1024, 4, false);
    world_place(&world, 0, &old, true);
    return 0;
}

static int no_rule_was_broken(void **state)
{
    (void)state;
    return world.ram.violations == 0 ? 0 : -1;
}

/* A record in this state: bank 0 active, bank 1 the target of the new image where there is one. */
static struct tdm_record_log in_state(enum tdm_boot_state at)
{
    struct tdm_record record;

    memset(&record, 0, sizeof record);
    record.state = (uint8_t)at;
    record.active = 0;
    record.target = at == TDM_BOOT_IDLE ? TDM_NO_BANK : 1;
    record.counter_floor = 1;
    record.starts = 3;
    record.soft_rollbacks = 2;
    record.last_reason = TDM_REASON_NO_LINK;
    if (at != TDM_BOOT_IDLE)
        memcpy(record.target_digest, new.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    if (at == TDM_BOOT_TRIAL) {
        record.attempts_left = 2;
        record.trial_reason = TDM_REASON_POWER;
        record.retries = 1;
    }
    world_record(&world, &record);
    world_record(&world, &record);
    return world_log(&world);
}

static bool is_zero(const uint8_t *bytes)
{
    static const uint8_t zeros[TDM_DIGEST_PREFIX_BYTES];

    return memcmp(bytes, zeros, sizeof zeros) == 0;
}

static void begin_records_erasing_and_counts_the_start(void **state)
{
    static const enum tdm_boot_state from[] = {TDM_BOOT_IDLE, TDM_BOOT_ERASING, TDM_BOOT_RECEIVING,
                                               TDM_BOOT_PENDING};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof from / sizeof from[0]; i++) {
        struct tdm_record_log log = in_state(from[i]);
        const struct tdm_record *r = &log.record;

        assert_int_equal(tdm_boot_begin(&log, 0, old.manifest.image_digest), TDM_OK);
        log = world_log(&world);
        assert_int_equal(r->state, TDM_BOOT_ERASING);
        assert_int_equal(r->active, 0);
        assert_int_equal(r->target, 1);
        assert_int_equal(r->starts, 4);
        assert_int_equal(r->attempts_left, 0);
        assert_int_equal(r->counter_floor, 1);
        assert_int_equal(r->soft_rollbacks, 2);
        assert_int_equal(r->last_reason, TDM_REASON_NO_LINK);
        assert_memory_equal(r->target_digest, old.manifest.image_digest, TDM_DIGEST_PREFIX_BYTES);
    }
}

static void begin_is_refused_to_all_but_the_confirmed_image(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);

    (void)state;
    assert_int_equal(tdm_boot_begin(&log, 1, old.manifest.image_digest), TDM_E_STATE);
    assert_int_equal(tdm_boot_begin(&log, 0, old.manifest.image_digest), TDM_E_STATE);
    log = in_state(TDM_BOOT_FETCH);
    assert_int_equal(tdm_boot_begin(&log, 0, old.manifest.image_digest), TDM_E_STATE);
    log = in_state(TDM_BOOT_IDLE);
    assert_int_equal(tdm_boot_begin(&log, 1, new.manifest.image_digest), TDM_E_STATE);
    assert_int_equal(tdm_boot_begin(&log, TDM_NO_BANK, new.manifest.image_digest), TDM_E_STATE);
    world.layout.bank[1].bytes = 0;
    assert_int_equal(tdm_boot_begin(&log, 0, new.manifest.image_digest), TDM_E_STATE);
}

static void without_a_record_nothing_is_allowed(void **state)
{
    struct tdm_record_log log = world_log(&world);

    (void)state;
    assert_false(tdm_boot_is_confirmed(&log, 0));
    assert_false(tdm_boot_is_confirmed(&log, TDM_NO_BANK));
    assert_int_equal(tdm_boot_receiving(&log), TDM_E_STATE);
    assert_int_equal(tdm_boot_pending(&log, 3), TDM_E_STATE);
    assert_int_equal(tdm_boot_abandon(&log, TDM_REASON_SILENCE), TDM_E_STATE);
    assert_int_equal(tdm_boot_reject(&log, 0, TDM_REASON_SELF_TEST), TDM_E_STATE);
    assert_int_equal(tdm_boot_confirm(&log, 0, &old.manifest), TDM_E_STATE);
    assert_int_equal(tdm_boot_fetch_end(&log, TDM_REASON_SILENCE), TDM_E_STATE);
    assert_int_equal(tdm_boot_begin(&log, 0, new.manifest.image_digest), TDM_E_STATE);
    assert_int_equal(tdm_boot_begin(&log, TDM_NO_BANK, new.manifest.image_digest), TDM_E_STATE);
}

static void the_number_of_starts_does_not_wrap(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_IDLE);
    struct tdm_record next = log.record;

    (void)state;
    next.starts = UINT16_MAX;
    assert_int_equal(tdm_record_append(&log, &next), TDM_OK);
    assert_int_equal(tdm_boot_begin(&log, 0, new.manifest.image_digest), TDM_OK);
    assert_int_equal(log.record.starts, UINT16_MAX);
}

static void receiving_follows_erasing_only(void **state)
{
    int from;

    (void)state;
    for (from = TDM_BOOT_IDLE; from <= TDM_BOOT_TRIAL; from++) {
        struct tdm_record_log log = in_state((enum tdm_boot_state)from);
        int expected = from == TDM_BOOT_ERASING ? TDM_OK : TDM_E_STATE;

        assert_int_equal(tdm_boot_receiving(&log), expected);
        assert_int_equal(log.record.state, expected == TDM_OK ? TDM_BOOT_RECEIVING : from);
    }
}

static void pending_follows_receiving_and_erasing(void **state)
{
    int from;

    (void)state;
    for (from = TDM_BOOT_IDLE; from <= TDM_BOOT_TRIAL; from++) {
        struct tdm_record_log log = in_state((enum tdm_boot_state)from);
        bool allowed = from == TDM_BOOT_ERASING || from == TDM_BOOT_RECEIVING;

        assert_int_equal(tdm_boot_pending(&log, 0), TDM_E_ARGUMENT);
        assert_int_equal(tdm_boot_pending(&log, 5), allowed ? TDM_OK : TDM_E_STATE);
        log = world_log(&world);
        assert_int_equal(log.record.state, allowed ? TDM_BOOT_PENDING : from);
        if (allowed)
            assert_int_equal(log.record.attempts_left, 5);
    }
}

static void a_bank_that_carries_its_mark_takes_no_trial(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_RECEIVING);

    (void)state;
    world_place(&world, 1, &new, true);
    assert_int_equal(tdm_boot_pending(&log, 1), TDM_E_STATE);
    world_place(&world, 1, &new, false);
    assert_int_equal(tdm_boot_pending(&log, 1), TDM_OK);
}

static void abandon_leads_back_to_idle_with_the_reason(void **state)
{
    int from;

    (void)state;
    for (from = TDM_BOOT_IDLE; from <= TDM_BOOT_TRIAL; from++) {
        struct tdm_record_log log = in_state((enum tdm_boot_state)from);
        bool allowed = from >= TDM_BOOT_ERASING && from <= TDM_BOOT_PENDING;

        assert_int_equal(tdm_boot_abandon(&log, TDM_REASON_SILENCE), allowed ? TDM_OK : TDM_E_STATE);
        log = world_log(&world);
        if (allowed) {
            assert_int_equal(log.record.state, TDM_BOOT_IDLE);
            assert_int_equal(log.record.target, TDM_NO_BANK);
            assert_int_equal(log.record.last_reason, TDM_REASON_SILENCE);
            assert_int_equal(log.record.starts, 3);
            assert_true(is_zero(log.record.target_digest));
        }
    }
}

static void confirm_makes_the_target_active_and_marks_it(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);

    (void)state;
    world_place(&world, 1, &new, false);
    assert_int_equal(tdm_boot_confirm(&log, 1, &new.manifest), TDM_OK);
    log = world_log(&world);
    assert_int_equal(log.record.state, TDM_BOOT_IDLE);
    assert_int_equal(log.record.active, 1);
    assert_int_equal(log.record.target, TDM_NO_BANK);
    assert_int_equal(log.record.counter_floor, 4);
    assert_int_equal(log.record.revoked_keys, 2);
    assert_int_equal(log.record.starts, 0);
    assert_int_equal(log.record.soft_rollbacks, 0);
    assert_int_equal(log.record.last_reason, TDM_REASON_NONE);
    assert_int_equal(log.record.trial_reason, TDM_REASON_NONE);
    assert_int_equal(log.record.retries, 0);
    assert_true(world_is_marked(&world, 1, &new));
    assert_true(tdm_boot_is_confirmed(&log, 1));
    assert_false(tdm_boot_is_confirmed(&log, 0));
}

static void confirm_never_lowers_the_floor(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);
    struct tdm_record next = log.record;

    (void)state;
    next.counter_floor = 9;
    assert_int_equal(tdm_record_append(&log, &next), TDM_OK);
    world_place(&world, 1, &new, false);
    assert_int_equal(tdm_boot_confirm(&log, 1, &new.manifest), TDM_OK);
    assert_int_equal(log.record.counter_floor, 9);
}

static void confirm_is_refused_to_what_is_not_on_trial(void **state)
{
    int from;

    (void)state;
    for (from = TDM_BOOT_IDLE; from <= TDM_BOOT_TRIAL; from++) {
        struct tdm_record_log log = in_state((enum tdm_boot_state)from);

        if (from != TDM_BOOT_TRIAL) {
            assert_int_equal(tdm_boot_confirm(&log, 1, &new.manifest), TDM_E_STATE);
        } else {
            assert_int_equal(tdm_boot_confirm(&log, 0, &new.manifest), TDM_E_STATE);
            assert_int_equal(tdm_boot_confirm(&log, 1, &old.manifest), TDM_E_STATE);
        }
        assert_int_equal(tdm_boot_confirm(&log, TDM_NO_BANK, &new.manifest), TDM_E_STATE);
    }
}

static void a_second_confirm_changes_nothing(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);
    uint32_t sequence;

    (void)state;
    world_place(&world, 1, &new, false);
    assert_int_equal(tdm_boot_confirm(&log, 1, &new.manifest), TDM_OK);
    sequence = log.record.sequence;
    assert_int_equal(tdm_boot_confirm(&log, 1, &new.manifest), TDM_OK);
    assert_int_equal(world_log(&world).record.sequence, sequence);
}

static void a_confirm_that_cannot_be_recorded_marks_nothing(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);

    (void)state;
    world_place(&world, 1, &new, false);
    world.ram.broken_unit = true;
    world.ram.broken_from = world.layout.record[0].address;
    world.ram.broken_to = world.layout.record[1].address + world.layout.record[1].bytes;
    assert_int_equal(tdm_boot_confirm(&log, 1, &new.manifest), TDM_E_FLASH_ERASE);
    assert_false(world_is_marked(&world, 1, &new));
}

static void a_confirm_whose_mark_fails_is_recorded_in_both_units(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);

    (void)state;
    world.ram.broken_unit = true;
    world.ram.broken_from = world.layout.bank[1].address;
    world.ram.broken_to = world.ram.broken_from + world.layout.bank[1].bytes;
    assert_int_equal(tdm_boot_confirm(&log, 1, &new.manifest), TDM_OK);
    log = world_log(&world);
    assert_int_equal(log.record.active, 1);
    assert_int_equal(log.spare.active, 1);
}

/* Its mark may have been hit by a power cut before the bank was found. */
static void a_mark_of_old_is_not_programmed_again_on_flash_that_programs_once(void **state)
{
    static const uint8_t found[] = {TDM_REASON_RECORD_LOST, TDM_REASON_ACTIVE_INVALID};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool once = i % 2;
        struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);
        struct tdm_record next = log.record;

        world.ram.flash.program_once = once;
        next.last_reason = found[i / 2];
        assert_int_equal(tdm_record_append(&log, &next), TDM_OK);
        ram_flash_blank(&world.ram, &world.layout.bank[1]);
        world_place(&world, 1, &new, false);
        assert_int_equal(tdm_boot_confirm(&log, 1, &new.manifest), TDM_OK);
        assert_int_equal(world_is_marked(&world, 1, &new), !once);
        log = world_log(&world);
        assert_int_equal(log.record.active, 1);
        assert_int_equal(log.spare.active, once ? 1 : 0);
    }
}

static void reject_is_recorded_in_both_units(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);

    (void)state;
    assert_int_equal(tdm_boot_reject(&log, 1, TDM_REASON_SELF_TEST), TDM_OK);
    log = world_log(&world);
    assert_int_equal(log.record.state, TDM_BOOT_IDLE);
    assert_int_equal(log.record.active, 0);
    assert_int_equal(log.record.target, TDM_NO_BANK);
    assert_int_equal(log.record.last_reason, TDM_REASON_SELF_TEST);
    assert_int_equal(log.record.soft_rollbacks, 0);
    assert_int_equal(log.record.counter_floor, 1);
    assert_true(tdm_boot_is_rejected(&log, new.manifest.image_digest));
    assert_false(tdm_boot_is_rejected(&log, old.manifest.image_digest));
    assert_memory_equal(log.spare.rejected_digest, log.record.rejected_digest, TDM_DIGEST_PREFIX_BYTES);
}

static void a_reject_that_cannot_be_recorded_changes_nothing(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);

    (void)state;
    world.ram.broken_unit = true;
    world.ram.broken_from = world.layout.record[0].address;
    world.ram.broken_to = world.layout.record[1].address + world.layout.record[1].bytes;
    assert_int_equal(tdm_boot_reject(&log, 1, TDM_REASON_SELF_TEST), TDM_E_FLASH_ERASE);
    assert_int_equal(log.record.state, TDM_BOOT_TRIAL);
    assert_false(tdm_boot_is_rejected(&log, new.manifest.image_digest));
    assert_int_equal(world_log(&world).record.sequence, log.record.sequence);
}

static void reject_is_refused_to_what_is_not_on_trial(void **state)
{
    int from;

    (void)state;
    for (from = TDM_BOOT_IDLE; from <= TDM_BOOT_TRIAL; from++) {
        struct tdm_record_log log = in_state((enum tdm_boot_state)from);

        assert_int_equal(tdm_boot_reject(&log, from == TDM_BOOT_TRIAL ? 0 : 1, TDM_REASON_SELF_TEST),
                         TDM_E_STATE);
    }
}

static void a_rejected_digest_is_not_begun_again(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_TRIAL);

    (void)state;
    assert_int_equal(tdm_boot_reject(&log, 1, TDM_REASON_SELF_TEST), TDM_OK);
    assert_int_equal(tdm_boot_begin(&log, 0, new.manifest.image_digest), TDM_E_STATE);
    assert_int_equal(tdm_boot_begin(&log, 0, old.manifest.image_digest), TDM_OK);
    assert_true(tdm_boot_is_rejected(&log, new.manifest.image_digest));
}

static void an_image_whose_digest_begins_with_zeros_is_not_rejected_by_default(void **state)
{
    static const uint8_t zeros[TDM_SHA256_BYTES];
    struct tdm_record_log log = in_state(TDM_BOOT_IDLE);

    (void)state;
    assert_false(tdm_boot_is_rejected(&log, zeros));
}

static void one_update_writes_256_bytes_beside_the_image(void **state)
{
    struct tdm_record_log log = in_state(TDM_BOOT_IDLE);
    struct tdm_record next;
    uint32_t before = world.ram.programmed_bytes;

    (void)state;
    assert_int_equal(tdm_boot_begin(&log, 0, new.manifest.image_digest), TDM_OK);
    assert_int_equal(tdm_boot_receiving(&log), TDM_OK);
    assert_int_equal(tdm_boot_pending(&log, 1), TDM_OK);
    next = log.record;
    next.state = TDM_BOOT_TRIAL;
    assert_int_equal(tdm_record_append(&log, &next), TDM_OK);
    assert_int_equal(tdm_boot_confirm(&log, 1, &new.manifest), TDM_OK);
    assert_int_equal(world.ram.programmed_bytes - before, 256);
}

/* As docs/BOOT.md draws it: one line per state, the next state's first letter under each event, "." for none.
 * The events are begin, receive, complete, abandon, attempt, roll-back, confirm, reject, stand-in, rescue,
 * and those of one bank: fetch, fetch-end, begin-in-place. */
static void the_table_allows_what_the_drawing_shows(void **state)
{
    static const char letters[] = ".IERPTF";
    static const char *const drawn[] = {
        "........IT..E", /* no record */
        "E.......ITF.E", /* idle */
        "ERPI....IT..E", /* erasing */
        "E.PI....IT..E", /* receiving */
        "E..IT...IT..E", /* pending */
        "....TIIIIT..E", /* trial */
        "..........FIE", /* fetch */
    };
    size_t from, event;

    (void)state;
    for (from = 0; from < sizeof drawn / sizeof drawn[0]; from++) {
        assert_int_equal(strlen(drawn[from]), TDM__BEGIN_IN_PLACE);
        for (event = TDM__BEGIN; event <= TDM__BEGIN_IN_PLACE; event++) {
            uint8_t next = tdm__record_next_state((uint8_t)from, (enum tdm__boot_event)event);

            assert_int_equal(letters[next], drawn[from][event - 1]);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, no_rule_was_broken)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(begin_records_erasing_and_counts_the_start),
        TEST(begin_is_refused_to_all_but_the_confirmed_image),
        TEST(without_a_record_nothing_is_allowed),
        TEST(the_number_of_starts_does_not_wrap),
        TEST(receiving_follows_erasing_only),
        TEST(pending_follows_receiving_and_erasing),
        TEST(a_bank_that_carries_its_mark_takes_no_trial),
        TEST(abandon_leads_back_to_idle_with_the_reason),
        TEST(confirm_makes_the_target_active_and_marks_it),
        TEST(confirm_never_lowers_the_floor),
        TEST(confirm_is_refused_to_what_is_not_on_trial),
        TEST(a_second_confirm_changes_nothing),
        TEST(a_confirm_that_cannot_be_recorded_marks_nothing),
        TEST(a_confirm_whose_mark_fails_is_recorded_in_both_units),
        TEST(a_mark_of_old_is_not_programmed_again_on_flash_that_programs_once),
        TEST(reject_is_recorded_in_both_units),
        TEST(a_reject_that_cannot_be_recorded_changes_nothing),
        TEST(reject_is_refused_to_what_is_not_on_trial),
        TEST(a_rejected_digest_is_not_begun_again),
        TEST(an_image_whose_digest_begins_with_zeros_is_not_rejected_by_default),
        TEST(the_table_allows_what_the_drawing_shows),
        TEST(one_update_writes_256_bytes_beside_the_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
