/* The record log: entries byte by byte, what a scan finds, where an append goes, and what a power cut in an
 * append leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/boot/record.h"
#include "tests/core/boot/record_vectors.h"
#include "tests/support/ram_flash.h"

#define BASE 0x8000u
#define UNIT 512u /* 10 slots of 48 bytes */

static struct ram_flash ram;
static const struct tdm_layout layout = {
    .record = {{BASE, UNIT}, {BASE + UNIT, UNIT}},
    .bank = {{BASE + 0x1000, 0x2000}, {BASE + 0x3000, 0x2000}},
    .header_bytes = 1024,
};

static struct tdm_record idle(uint32_t floor)
{
    struct tdm_record record;

    memset(&record, 0, sizeof record);
    record.state = TDM_BOOT_IDLE;
    record.active = 0;
    record.target = TDM_NO_BANK;
    record.counter_floor = floor;
    return record;
}

static struct tdm_record_log load(int expected)
{
    struct tdm_record_log log;

    assert_int_equal(tdm_record_load(&log, &ram.flash, &layout), expected);
    return log;
}

static void append(struct tdm_record_log *log, uint32_t floor)
{
    struct tdm_record next = idle(floor);

    assert_int_equal(tdm_record_append(log, &next), TDM_OK);
}

static void put_entry(uint32_t address, const uint8_t entry[TDM_RECORD_ENTRY_BYTES])
{
    ram_flash_set(&ram, address, entry, TDM_RECORD_ENTRY_BYTES);
}

static int set_up_nor(void **state)
{
    (void)state;
    ram_flash_init(&ram, BASE, UNIT, 4, false);
    return 0;
}

static int set_up_program_once(void **state)
{
    (void)state;
    ram_flash_init(&ram, BASE, UNIT, 32, true);
    return 0;
}

static int no_rule_was_broken(void **state)
{
    (void)state;
    return ram.violations == 0 ? 0 : -1;
}

/* --- Entries --- */

static void an_entry_has_the_documented_bytes(void **state)
{
    struct tdm_record record = idle(3);
    uint8_t bytes[TDM_RECORD_ENTRY_BYTES];

    (void)state;
    record.sequence = 1;
    tdm_record_encode(&record, bytes);
    assert_memory_equal(bytes, entry_factory, sizeof bytes);
}

static void every_field_is_read_from_its_place(void **state)
{
    struct tdm_record r;
    uint8_t bytes[TDM_RECORD_ENTRY_BYTES];

    (void)state;
    assert_int_equal(tdm_record_decode(&r, entry_trial), TDM_OK);
    assert_int_equal(r.sequence, 0x04030201);
    assert_int_equal(r.state, TDM_BOOT_TRIAL);
    assert_int_equal(r.active, 1);
    assert_int_equal(r.target, 0);
    assert_true(r.counter_floor == 0xA1A2A3A4u);
    assert_int_equal(r.starts, 0x0201);
    assert_int_equal(r.attempts_left, 2);
    assert_int_equal(r.revoked_keys, 1);
    assert_int_equal(r.target_digest[0], 0x10);
    assert_int_equal(r.target_digest[11], 0x1B);
    assert_int_equal(r.rejected_digest[0], 0x20);
    assert_int_equal(r.rejected_digest[11], 0x2B);
    assert_int_equal(r.last_reason, TDM_REASON_WATCHDOG);
    assert_int_equal(r.soft_rollbacks, 7);
    assert_int_equal(r.trial_reason, TDM_REASON_NO_LINK);
    assert_int_equal(r.retries, 1);
    tdm_record_encode(&r, bytes);
    assert_memory_equal(bytes, entry_trial, sizeof bytes);
}

static void a_trial_without_an_active_bank_and_a_fetch_of_the_only_bank_are_valid(void **state)
{
    struct tdm_record record;

    (void)state;
    assert_int_equal(tdm_record_decode(&record, entry_nothing_confirmed), TDM_OK);
    assert_int_equal(tdm_record_decode(&record, entry_fetch), TDM_OK);
}

static void fields_outside_their_range_make_an_entry_invalid(void **state)
{
    static const uint8_t *const bad[] = {
        entry_bad_version,     entry_bad_sequence,       entry_bad_state_0,   entry_bad_state_7,
        entry_bad_active,      entry_bad_target,         entry_bad_no_target, entry_bad_same_bank,
        entry_bad_idle_target, entry_bad_erasing_target,
    };
    struct tdm_record record;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(tdm_record_decode(&record, bad[i]), TDM_E_FORMAT);
}

static void a_flip_of_any_bit_makes_an_entry_invalid(void **state)
{
    struct tdm_record record;
    uint8_t bytes[TDM_RECORD_ENTRY_BYTES];
    unsigned bit;

    (void)state;
    for (bit = 0; bit < 8 * sizeof bytes; bit++) {
        memcpy(bytes, entry_trial, sizeof bytes);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(tdm_record_decode(&record, bytes), TDM_E_FORMAT);
    }
}

/* --- Scanning --- */

static void blank_units_hold_no_record(void **state)
{
    struct tdm_record_log log = load(TDM_E_NO_RECORD);

    (void)state;
    assert_false(log.found);
    assert_int_equal(log.record.active, TDM_NO_BANK);
    assert_int_equal(log.record.target, TDM_NO_BANK);
    assert_int_equal(log.record.counter_floor, 0);
}

static void the_newest_entry_wins_wherever_it_lies(void **state)
{
    struct tdm_record_log log;

    (void)state;
    put_entry(BASE + UNIT, entry_factory);
    put_entry(BASE + 4 * 48, entry_trial);
    put_entry(BASE + 5 * 48, entry_nothing_confirmed);
    log = load(TDM_OK);
    assert_int_equal(log.record.sequence, 0x04030201);
    assert_int_equal(log.unit, 0);
    assert_int_equal(log.spare.sequence, 1);
}

static void bad_slots_do_not_end_the_scan(void **state)
{
    static const uint8_t garbage[48] = {0x12, 0x34};
    struct tdm_region second = {BASE + 48, 48};
    struct tdm_record_log log;

    (void)state;
    put_entry(BASE, garbage);
    ram_flash_make_unreadable(&ram, &second);
    put_entry(BASE + 9 * 48, entry_trial);
    log = load(TDM_OK);
    assert_int_equal(log.record.sequence, 0x04030201);
}

/* --- Appending --- */

static void entries_alternate_between_the_units(void **state)
{
    struct tdm_record_log log = load(TDM_E_NO_RECORD);
    uint32_t n;

    (void)state;
    for (n = 1; n <= 100; n++) {
        append(&log, n);
        assert_int_equal(log.unit, (n - 1) % 2);
        log = load(TDM_OK);
        assert_int_equal(log.record.counter_floor, n);
        assert_int_equal(log.record.sequence, n);
        assert_int_equal(log.spare.sequence, n - 1);
        assert_int_equal(log.unit, (n - 1) % 2);
    }
}

static void a_unit_is_erased_once_in_as_many_entries_as_it_has_slots(void **state)
{
    struct tdm_record_log log = load(TDM_E_NO_RECORD);
    uint32_t n;

    (void)state;
    for (n = 1; n <= 200; n++)
        append(&log, n);
    assert_int_equal(ram.erases, 200 / 10);
    ram_flash_init(&ram, BASE, UNIT, 32, false); /* 8 slots of 64 bytes, and nothing left over */
    log = load(TDM_E_NO_RECORD);
    for (n = 1; n <= 160; n++)
        append(&log, n);
    assert_int_equal(ram.erases, 160 / 8);
}

static void program_once_flash_is_erased_before_the_first_append_of_a_power_cycle(void **state)
{
    struct tdm_record_log log = load(TDM_E_NO_RECORD);

    (void)state;
    append(&log, 1);
    append(&log, 2);
    append(&log, 3);
    append(&log, 4);
    assert_int_equal(ram.erases, 2);
    log = load(TDM_OK);
    append(&log, 5);
    assert_int_equal(ram.erases, 3);
    append(&log, 6);
    assert_int_equal(ram.erases, 4);
    append(&log, 7);
    assert_int_equal(ram.erases, 4);
    assert_int_equal(load(TDM_OK).record.counter_floor, 7);
}

static void a_blank_unit_is_not_believed_to_be_erased(void **state)
{
    struct tdm_record_log log;

    (void)state;
    put_entry(BASE, entry_factory);
    log = load(TDM_OK);
    append(&log, 2);
    assert_int_equal(ram.erases, 1);
    append(&log, 3);
    assert_int_equal(ram.erases, 1);
}

static void a_slot_that_does_not_take_the_entry_is_left_behind(void **state)
{
    int silently;

    (void)state;
    for (silently = 0; silently < 2; silently++) {
        struct tdm_record_log log;

        set_up_nor(NULL);
        log = load(TDM_E_NO_RECORD);
        append(&log, 1);
        append(&log, 2);
        ram.broken_unit = true;
        ram.silently = silently != 0;
        ram.broken_from = BASE + 48;
        ram.broken_to = BASE + 2 * 48;
        append(&log, 3);
        ram.broken_unit = false;
        log = load(TDM_OK);
        assert_int_equal(log.record.counter_floor, 3);
        assert_int_equal(log.next[0], 3 * 48);
    }
}

static void a_dead_unit_leaves_the_state_unchanged(void **state)
{
    struct tdm_record_log log = load(TDM_E_NO_RECORD);
    struct tdm_record next = idle(3);

    (void)state;
    append(&log, 1);
    append(&log, 2);
    ram.broken_unit = true;
    ram.broken_from = BASE;
    ram.broken_to = BASE + UNIT;
    assert_int_equal(tdm_record_append(&log, &next), TDM_E_FLASH_ERASE);
    ram.silently = true;
    assert_int_equal(tdm_record_append(&log, &next), TDM_E_FLASH_PROGRAM);
    assert_int_equal(log.record.counter_floor, 2);
    assert_int_equal(load(TDM_OK).record.counter_floor, 2);
}

static void without_a_record_a_dead_first_unit_is_passed_over(void **state)
{
    struct tdm_record_log log = load(TDM_E_NO_RECORD);

    (void)state;
    ram.broken_unit = true;
    ram.broken_from = BASE;
    ram.broken_to = BASE + UNIT;
    append(&log, 1);
    log = load(TDM_OK);
    assert_int_equal(log.unit, 1);
    assert_int_equal(log.record.counter_floor, 1);
}

/* A blank unit that holds no entry may be half erased: the erase that fails leaves it so. */
static void a_unit_whose_erase_failed_is_erased_before_it_is_programmed(void **state)
{
    struct tdm_record_log log;
    struct tdm_record next = idle(2);

    (void)state;
    put_entry(BASE, entry_factory);
    log = load(TDM_OK);
    ram.broken_unit = true;
    ram.broken_from = BASE + UNIT;
    ram.broken_to = BASE + 2 * UNIT;
    assert_int_equal(tdm_record_append(&log, &next), TDM_E_FLASH_ERASE);
    ram.broken_unit = false;
    append(&log, 2);
    assert_int_equal(ram.erases, 1);
    assert_int_equal(load(TDM_OK).record.counter_floor, 2);
}

static void a_unit_whose_erase_failed_is_no_spare(void **state)
{
    struct tdm_record_log log = load(TDM_E_NO_RECORD);
    struct tdm_record next = idle(21);
    uint32_t n;

    (void)state;
    for (n = 1; n <= 20; n++)
        append(&log, 1);
    assert_true(tdm__record_is_settled(&log, false));
    ram.broken_unit = true;
    ram.broken_from = BASE;
    ram.broken_to = BASE + UNIT;
    assert_int_equal(tdm_record_append(&log, &next), TDM_E_FLASH_ERASE);
    assert_false(tdm__record_is_settled(&log, true));
}

/* --- What was decided for good (docs/BOOT.md, "States") --- */

static void change_active(struct tdm_record *record)
{
    record->active = 1;
}

static void change_floor(struct tdm_record *record)
{
    record->counter_floor++;
}

static void change_revoked_keys(struct tdm_record *record)
{
    record->revoked_keys = 1;
}

static void change_rejected_digest(struct tdm_record *record)
{
    record->rejected_digest[TDM_DIGEST_PREFIX_BYTES - 1] = 1;
}

static void change_what_is_not_for_good(struct tdm_record *record)
{
    record->starts++;
    record->last_reason = TDM_REASON_SILENCE;
}

/* Only a confirm can be found again by its mark. */
static void a_decision_is_settled_once_both_units_have_it(void **state)
{
    static const struct {
        void (*change)(struct tdm_record *record);
        bool settled, settled_by_mark;
    } cases[] = {
        {change_active, false, true},
        {change_floor, false, true},
        {change_revoked_keys, false, true},
        {change_rejected_digest, false, false},
        {change_what_is_not_for_good, true, true},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tdm_record next = idle(1);
        struct tdm_record_log log;

        set_up_nor(NULL);
        log = load(TDM_E_NO_RECORD);
        append(&log, 1);
        assert_false(tdm__record_is_settled(&log, true));
        cases[i].change(&next);
        assert_int_equal(tdm_record_append(&log, &next), TDM_OK);
        assert_int_equal(tdm__record_is_settled(&log, false), cases[i].settled);
        assert_int_equal(tdm__record_is_settled(&log, true), cases[i].settled_by_mark);
        tdm__record_settle(&log, false);
        assert_int_equal(log.record.sequence, cases[i].settled ? 2 : 3);
        assert_true(tdm__record_is_settled(&log, false));
    }
}

/* --- Power cuts --- */

/* Appends 1 to 25; the cut hits one operation of it. Returns how many appends had returned. */
static uint32_t append_until_cut(uint32_t operation, enum ram_flash_cut cut, uint32_t seed)
{
    static uint32_t done; /* survives the longjmp */
    struct tdm_record_log log;

    done = 0;
    if (setjmp(ram.power) != 0)
        return done;
    ram_flash_cut(&ram, operation, cut, seed);
    assert_int_equal(tdm_record_load(&log, &ram.flash, &layout), TDM_E_NO_RECORD);
    while (done < 25) {
        append(&log, done + 1);
        done++;
    }
    ram.armed = false;
    return done;
}

static void a_cut_anywhere_costs_at_most_the_entry_being_written(void **state)
{
    uint32_t operation, cut, seed, done;
    bool once = ram.flash.program_once;
    uint32_t program_bytes = ram.flash.program_bytes;

    (void)state;
    for (cut = RAM_FLASH_BEFORE; cut < RAM_FLASH_CUTS; cut++) {
        for (seed = 0; seed < 4; seed++) {
            for (operation = 0, done = 0; done < 25; operation++) {
                struct tdm_record_log log;
                int result;

                ram_flash_init(&ram, BASE, UNIT, program_bytes, once);
                done = append_until_cut(operation, (enum ram_flash_cut)cut, seed);
                result = tdm_record_load(&log, &ram.flash, &layout);
                assert_int_equal(result, log.found ? TDM_OK : TDM_E_NO_RECORD);
                assert_in_range(log.record.counter_floor, done, done + 1);
                append(&log, 77);
                append(&log, 78);
                append(&log, 79);
                assert_int_equal(load(TDM_OK).record.counter_floor, 79);
                assert_int_equal(ram.violations, 0);
            }
        }
    }
}

static void losing_either_unit_takes_back_one_entry_at_most(void **state)
{
    uint32_t count, unit, kind;
    bool once = ram.flash.program_once;
    uint32_t program_bytes = ram.flash.program_bytes;

    (void)state;
    for (count = 2; count <= 25; count++) {
        for (unit = 0; unit < 2; unit++) {
            for (kind = 0; kind < 3; kind++) {
                struct tdm_record_log log;
                uint32_t n;

                ram_flash_init(&ram, BASE, UNIT, program_bytes, once);
                log = load(TDM_E_NO_RECORD);
                for (n = 1; n <= count; n++)
                    append(&log, n);
                if (kind == 0)
                    ram_flash_blank(&ram, &layout.record[unit]);
                else if (kind == 1)
                    ram_flash_garble(&ram, &layout.record[unit], count);
                else
                    ram_flash_make_unreadable(&ram, &layout.record[unit]);
                log = load(TDM_OK);
                assert_in_range(log.record.counter_floor, count - 1, count);
                append(&log, 99);
                assert_int_equal(load(TDM_OK).record.counter_floor, 99);
            }
        }
    }
}

#define ON_NOR(test)  cmocka_unit_test_setup_teardown(test, set_up_nor, no_rule_was_broken)
#define ON_ONCE(test) cmocka_unit_test_setup_teardown(test, set_up_program_once, no_rule_was_broken)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        ON_NOR(an_entry_has_the_documented_bytes),
        ON_NOR(every_field_is_read_from_its_place),
        ON_NOR(a_trial_without_an_active_bank_and_a_fetch_of_the_only_bank_are_valid),
        ON_NOR(fields_outside_their_range_make_an_entry_invalid),
        ON_NOR(a_flip_of_any_bit_makes_an_entry_invalid),
        ON_NOR(blank_units_hold_no_record),
        ON_NOR(the_newest_entry_wins_wherever_it_lies),
        ON_NOR(bad_slots_do_not_end_the_scan),
        ON_NOR(entries_alternate_between_the_units),
        ON_ONCE(entries_alternate_between_the_units),
        ON_NOR(a_unit_is_erased_once_in_as_many_entries_as_it_has_slots),
        ON_ONCE(program_once_flash_is_erased_before_the_first_append_of_a_power_cycle),
        ON_NOR(a_blank_unit_is_not_believed_to_be_erased),
        ON_NOR(a_slot_that_does_not_take_the_entry_is_left_behind),
        ON_NOR(a_dead_unit_leaves_the_state_unchanged),
        ON_NOR(a_unit_whose_erase_failed_is_erased_before_it_is_programmed),
        ON_NOR(a_unit_whose_erase_failed_is_no_spare),
        ON_NOR(a_decision_is_settled_once_both_units_have_it),
        ON_NOR(without_a_record_a_dead_first_unit_is_passed_over),
        ON_NOR(a_cut_anywhere_costs_at_most_the_entry_being_written),
        ON_ONCE(a_cut_anywhere_costs_at_most_the_entry_being_written),
        ON_NOR(losing_either_unit_takes_back_one_entry_at_most),
        ON_ONCE(losing_either_unit_takes_back_one_entry_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
