/* Each rule, by the candidate that it stops; and the order among them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "cloud/fleet/rules/rules.h"
#include "tandem/reason.h"

/* Everything that a candidate points at. */
struct scene {
    struct device device;
    struct shipment shipment;
    struct shipment newer;
    struct firmware firmware;
    struct target target;
    struct candidate candidate;
};

/* A candidate that no rule stops. */
static struct scene *good(struct scene *s)
{
    *s = (struct scene){
        .device =
            {.id = 1, .template = "T1", .checked_in = 1, .type = "pump", .version = "1.0.0", .counter = -1},
        .shipment =
            {.id = 1, .name = "one", .template = "T1", .state = SHIPMENT_LIVE, .planned = true, .wave = 1},
        .newer = {.id = 2, .name = "two"},
        .firmware = {.id = 1, .package = true, .type = "pump", .version = "1.1.0", .hardware = "board-1"},
        .target = {.shipment = 1, .device = 1, .wave = 1},
        .candidate = {.online = true, .checked_in = true, .now = 1000000000},
    };
    s->candidate.device = &s->device;
    s->candidate.shipment = &s->shipment;
    s->candidate.firmware = &s->firmware;
    s->candidate.target = &s->target;
    s->candidate.limits = &status_limits_default;
    return s;
}

static struct verdict judge(const struct scene *s)
{
    return rules_judge(&s->candidate);
}

#define assert_waits(s, slug)                                                                                \
    do {                                                                                                     \
        struct verdict verdict_ = judge(s);                                                                  \
        assert_int_equal(verdict_.kind, VERDICT_WAIT);                                                       \
        assert_string_equal(verdict_.rule, slug);                                                            \
        assert_true(verdict_.text[0] != '\0');                                                               \
    } while (0)

#define assert_ends(s, expected_status, expected_reason)                                                     \
    do {                                                                                                     \
        struct verdict verdict_ = judge(s);                                                                  \
        assert_int_equal(verdict_.kind, VERDICT_END);                                                        \
        assert_int_equal(verdict_.status, expected_status);                                                  \
        assert_int_equal(verdict_.reason, expected_reason);                                                  \
        assert_true(verdict_.text[0] != '\0');                                                               \
    } while (0)

static void nothing_in_the_way_is_an_offer(void **state)
{
    (void)state;
    struct scene s;
    assert_int_equal(judge(good(&s)).kind, VERDICT_OFFER);
}

static void shipments_that_are_not_live_wait(void **state)
{
    (void)state;
    struct scene s;
    for (int i = SHIPMENT_PAUSED; i <= SHIPMENT_CANCELLED; i++) {
        good(&s)->shipment.state = (enum shipment_state)i;
        assert_waits(&s, "shipment-not-live");
    }
}

static void devices_that_are_unknown_foreign_or_offline_wait(void **state)
{
    (void)state;
    struct scene s;
    good(&s)->device.checked_in = 0;
    assert_waits(&s, "never-seen");
    good(&s)->device.foreign = true;
    assert_waits(&s, "other-template");
    good(&s)->candidate.online = false;
    assert_waits(&s, "offline");
    good(&s)->candidate.checked_in = false;
    assert_waits(&s, "offline");
    good(&s)->device.state = DEVICE_TRIAL;
    assert_waits(&s, "on-trial");
}

static void the_digest_decides_what_is_already_there_then_version_build_and_type(void **state)
{
    (void)state;
    struct scene s;
    snprintf(good(&s)->device.version, RECORD_TEXT, "1.1.0");
    assert_ends(&s, TARGET_ALREADY_THERE, TDM_REASON_NONE);
    snprintf(s.device.build, RECORD_TEXT, "other");
    assert_int_equal(judge(&s).kind, VERDICT_OFFER);
    s.device.build[0] = '\0';
    s.device.digest_known = true;
    memset(s.device.digest, 7, sizeof s.device.digest);
    assert_int_equal(judge(&s).kind, VERDICT_OFFER);
    memset(s.firmware.digest, 7, sizeof s.firmware.digest);
    snprintf(s.device.version, RECORD_TEXT, "0.9");
    assert_ends(&s, TARGET_ALREADY_THERE, TDM_REASON_NONE);
}

static void a_device_that_got_there_by_this_shipment_waits_for_its_confirmation(void **state)
{
    (void)state;
    struct scene s;
    snprintf(good(&s)->device.version, RECORD_TEXT, "1.1.0");
    s.target.attempts = 1;
    assert_waits(&s, "already-there");
}

static void newer_shipments_come_first_and_what_they_installed_stays(void **state)
{
    (void)state;
    struct scene s;
    good(&s)->candidate.newer = &s.newer;
    assert_waits(&s, "newer-shipment");
    assert_non_null(strstr(judge(&s).text, "two"));
    good(&s)->candidate.newer_installed = true;
    assert_ends(&s, TARGET_UPLOAD_FAILURE, TDM_REASON_SUPERSEDED);
}

static void what_can_never_work_ends(void **state)
{
    (void)state;
    struct scene s;
    good(&s)->candidate.rejected = true;
    s.candidate.rejected_reason = TDM_REASON_WATCHDOG;
    assert_ends(&s, TARGET_UPLOAD_FAILURE, TDM_REASON_REJECTED_BEFORE);
    snprintf(good(&s)->device.type, RECORD_TEXT, "valve");
    assert_ends(&s, TARGET_TYPE_MISMATCH, TDM_REASON_TYPE);
    snprintf(good(&s)->device.hardware, RECORD_HARDWARE, "board-2");
    assert_ends(&s, TARGET_UPLOAD_FAILURE, TDM_REASON_HARDWARE);
}

static void a_type_or_hardware_that_nobody_told_stops_nothing(void **state)
{
    (void)state;
    struct scene s;
    good(&s)->device.type[0] = '\0';
    assert_int_equal(judge(&s).kind, VERDICT_OFFER);
    snprintf(good(&s)->device.hardware, RECORD_HARDWARE, "board-2");
    s.firmware.package = false;
    assert_int_equal(judge(&s).kind, VERDICT_OFFER);
}

static void an_update_under_way_is_not_disturbed_but_by_a_check_in(void **state)
{
    (void)state;
    struct scene s;
    good(&s);
    status_offered(&s.target, &status_limits_default, s.candidate.now);
    assert_waits(&s, "busy");
    s.candidate.reconnected = true;
    assert_int_equal(judge(&s).kind, VERDICT_OFFER);
}

static void used_up_attempts_wait_for_the_next_period(void **state)
{
    (void)state;
    struct scene s;
    good(&s)->target.attempts = 3;
    s.target.period_start = s.candidate.now - 1000;
    s.target.status = TARGET_UPLOAD_FAILURE;
    assert_int_equal(judge(&s).kind, VERDICT_LIMIT);
    s.target.period_start = s.candidate.now - status_limits_default.period_ms;
    assert_int_equal(judge(&s).kind, VERDICT_OFFER);
}

static void a_condition_that_has_nothing_to_compare_says_who_tells_none(void **state)
{
    (void)state;
    struct scene s;
    good(&s)->shipment.condition = CONDITION_LOWER_LIBRARY;
    snprintf(s.firmware.library, RECORD_TEXT, "1.3.2");
    assert_ends(&s, TARGET_NOT_NEEDED, TDM_REASON_NONE);
    assert_string_equal(judge(&s).text, "the device does not tell its library version");
    snprintf(s.device.library, RECORD_TEXT, "1.3.1");
    assert_int_equal(judge(&s).kind, VERDICT_OFFER);
    snprintf(s.device.library, RECORD_TEXT, "1.3.2");
    assert_string_equal(judge(&s).text, "the device's library version 1.3.2 is not lower than 1.3.2");
    s.firmware.library[0] = '\0';
    assert_string_equal(judge(&s).text, "the firmware's tag tells no library version");
}

static void a_target_that_ended_stays_ended(void **state)
{
    (void)state;
    struct scene s;
    good(&s)->target.ended = true;
    s.target.status = TARGET_ROLLBACK;
    s.target.reason = TDM_REASON_WATCHDOG;
    assert_ends(&s, TARGET_ROLLBACK, TDM_REASON_WATCHDOG);
    struct target before = s.target;
    status_requested(&s.target, &status_limits_default, 5);
    status_downloaded(&s.target, &status_limits_default, 5);
    status_stage(&s.target, TARGET_STAGE_TRANSFERRING, 1, 2, 3, &status_limits_default, 5);
    status_failed(&s.target, TDM_REASON_SIGNATURE, &status_limits_default, 5);
    status_rolled_back(&s.target, TDM_REASON_FAULT, &status_limits_default, 5);
    status_reached(&s.target, true, &status_limits_default, 5);
    assert_memory_equal(&before, &s.target, sizeof before);
}

static void every_reason_has_a_class_and_those_that_never_change_are_final(void **state)
{
    (void)state;
    static const uint8_t final[] = {
        TDM_REASON_TYPE, TDM_REASON_HARDWARE, TDM_REASON_VERSION,  TDM_REASON_SIGNATURE,
        TDM_REASON_KEY,  TDM_REASON_COUNTER,  TDM_REASON_UNSIGNED, TDM_REASON_REJECTED_BEFORE};
    static const uint8_t again[] = {TDM_REASON_FLASH, TDM_REASON_SILENCE, TDM_REASON_DOWNLOAD,
                                    TDM_REASON_WRITE_REFUSED, TDM_REASON_STORAGE};
    for (size_t i = 0; i < sizeof final; i++)
        assert_int_equal(status_reason_class(final[i]), REASON_FINAL);
    for (size_t i = 0; i < sizeof again; i++)
        assert_int_equal(status_reason_class(again[i]), REASON_RETRY);
    assert_true(status_is_rollback(TDM_REASON_SELF_TEST) && status_is_rollback(TDM_REASON_RECOVERY));
    assert_false(status_is_rollback(TDM_REASON_NO_START) || status_is_rollback(TDM_REASON_SIGNATURE));
    assert_true(status_rejects_image(TDM_REASON_WATCHDOG));
    assert_false(status_rejects_image(TDM_REASON_POWER));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_in_the_way_is_an_offer),
        cmocka_unit_test(shipments_that_are_not_live_wait),
        cmocka_unit_test(devices_that_are_unknown_foreign_or_offline_wait),
        cmocka_unit_test(the_digest_decides_what_is_already_there_then_version_build_and_type),
        cmocka_unit_test(a_device_that_got_there_by_this_shipment_waits_for_its_confirmation),
        cmocka_unit_test(newer_shipments_come_first_and_what_they_installed_stays),
        cmocka_unit_test(what_can_never_work_ends),
        cmocka_unit_test(a_type_or_hardware_that_nobody_told_stops_nothing),
        cmocka_unit_test(an_update_under_way_is_not_disturbed_but_by_a_check_in),
        cmocka_unit_test(used_up_attempts_wait_for_the_next_period),
        cmocka_unit_test(a_condition_that_has_nothing_to_compare_says_who_tells_none),
        cmocka_unit_test(a_target_that_ended_stays_ended),
        cmocka_unit_test(every_reason_has_a_class_and_those_that_never_change_are_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
