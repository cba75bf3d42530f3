/* Whole updates as the fleet sees them: devices with our extension, and any others. */
#include "tests/cloud/fleet/world.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tandem/reason.h"

#define MINUTE 60000

static void a_device_that_checks_in_gets_the_offer_with_all_three_texts(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    assert_no_offer(world);
    world_check_in(world, device, "1.0.0");
    assert_offer(world);
    const char *text = world_offer(world)->text;
    assert_non_null(strstr(text, "\"url\":\"http://192.0.2.1:8080/firmware/f1?token="));
    assert_non_null(strstr(text, "\"size\":100000"));
    assert_non_null(strstr(text, "\"type\":\"pump\""));
    assert_non_null(strstr(text, "\"ver\":\"1.1.0\""));
    assert_non_null(strstr(text, "\"build\":\"\""));
}

static void an_offer_is_json_whatever_the_firmware_is_called(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    const char *version = "1.1 \"\xc3\xa4\" \\ {}";
    world_shipment(world, world_firmware(world, version, 0x11));
    world_check_in(world, device, "1.0.0");
    assert_offer(world);
    json_t *json = json_loads(world_offer(world)->text, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json, "ver")), version);
    assert_int_equal(json_object_size(json), 5);
    json_decref(json);
}

/* One line each: that it came, what it runs when that is new, what it is offered. */
static void the_timeline_has_one_line_for_each_thing_that_happens(void **state)
{
    struct world *world = *state;
    static const char *const kinds[] = {"log", "online", "check-in", "online", "offered"};
    struct event *events;
    size_t count;
    int64_t device = world_device(world);
    world_check_in(world, device, "1.0.0");
    world_check_in(world, device, "1.0.0");
    world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    assert_int_equal(store_events(world->fleet.store, device, &events, &count), STORE_OK);
    assert_int_equal(count, 5); /* it is connected: the offer went out at once */
    for (size_t i = 0; i < count; i++)
        assert_string_equal(events[i].kind, kinds[i]);
    free(events);
}

static void a_connected_device_gets_the_offer_when_the_shipment_is_created(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    assert_offer(world);
    assert_status(world, shipment, device, "request-sent");
}

static void success_is_the_confirm_report_where_a_device_sends_one(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_check_in(world, device, "1.0.0");
    world_device_report(world, device, "started", "confirmed", "none", 0x10, 0);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    assert_offer(world);
    world_report(world, device, "{\"stage\":\"downloading\",\"bytes\":10,\"size\":100000}");
    assert_status(world, shipment, device, "firmware-requested");
    world_report(world, device, "{\"stage\":\"transferring\",\"bytes\":4096,\"size\":100000}");
    assert_status(world, shipment, device, "firmware-downloaded");
    assert_int_equal(world_target(world, shipment, device).bytes, 4096);
    world_report(world, device, "{\"stage\":\"installed\",\"wire_bytes\":120000}");
    world_check_in(world, device, "1.1.0");
    world_device_report(world, device, "started", "trial", "none", 0x11, 0);
    assert_status(world, shipment, device, "firmware-downloaded");
    world_device_report(world, device, "confirmed", "confirmed", "none", 0x11, 0);
    assert_status(world, shipment, device, "success");
    assert_int_equal(world_target(world, shipment, device).wire_bytes, 120000);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
}

static void without_reports_success_needs_the_settle_time(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t firmware = world_firmware(world, "1.1.0", 0x11);
    int64_t shipment = world_shipment(world, firmware);
    world_check_in(world, device, "1.0.0");
    world_download(world, device, firmware);
    assert_status(world, shipment, device, "firmware-downloaded");
    world_check_in(world, device, "1.1.0");
    assert_no_offer(world);
    world_pass(world, 4 * MINUTE);
    assert_status(world, shipment, device, "firmware-downloaded");
    world_pass(world, 2 * MINUTE);
    assert_status(world, shipment, device, "success");
}

static void without_settle_time_the_new_version_is_success_at_once(void **state)
{
    struct world *world = *state;
    world->fleet.limits.settle_ms = 0;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    world_check_in(world, device, "1.1.0");
    assert_status(world, shipment, device, "success");
}

static void old_new_old_without_reports_is_a_rollback_and_not_offered_again(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t firmware = world_firmware(world, "1.1.0", 0x11);
    int64_t shipment = world_shipment(world, firmware);
    world_check_in(world, device, "1.0.0");
    world_check_in(world, device, "1.1.0");
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    assert_status(world, shipment, device, "rollback");
    int64_t again = world_shipment(world, firmware);
    assert_no_offer(world);
    assert_status(world, again, device, "upload-failure");
    assert_int_equal(world_target(world, again, device).reason, TDM_REASON_REJECTED_BEFORE);
}

static void a_rollback_report_ends_the_target_and_the_image_is_not_offered_again(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t firmware = world_firmware(world, "1.2.0", 0x12);
    world_check_in(world, device, "1.1.0");
    world_device_report(world, device, "started", "confirmed", "none", 0x11, 0);
    int64_t shipment = world_shipment(world, firmware);
    world_report(world, device, "{\"stage\":\"installed\",\"wire_bytes\":1}");
    world_check_in(world, device, "1.1.0");
    assert_no_offer(world);
    world_device_report(world, device, "started", "confirmed", "self-test-failed", 0x11, 0x12);
    assert_no_offer(world);
    assert_status(world, shipment, device, "rollback");
    assert_int_equal(world_target(world, shipment, device).reason, TDM_REASON_SELF_TEST);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
    world_check_in(world, device, "1.1.0");
    assert_no_offer(world);
    world_shipment(world, firmware);
    assert_no_offer(world);
}

static void a_rollback_that_power_is_to_blame_for_is_tried_again(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_check_in(world, device, "1.1.0");
    int64_t shipment = world_shipment(world, world_firmware(world, "1.2.0", 0x12));
    world_report(world, device, "{\"stage\":\"installed\"}");
    world_check_in(world, device, "1.1.0");
    world_device_report(world, device, "started", "confirmed", "power-lost", 0x11, 0x12);
    assert_status(world, shipment, device, "rollback");
    assert_false(world_target(world, shipment, device).ended);
    world_pass(world, 2 * MINUTE);
    assert_offer(world);
    /* The device repeats that reason at its next start; it means the old attempt. */
    world_report(world, device, "{\"stage\":\"transferring\"}");
    world_device_report(world, device, "started", "confirmed", "power-lost", 0x11, 0x12);
    assert_status(world, shipment, device, "firmware-downloaded");
}

static void a_refused_signature_ends_the_target_with_that_reason(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_check_in(world, device, "1.1.0");
    int64_t shipment = world_shipment(world, world_firmware(world, "1.2.0", 0x12));
    world_report(world, device, "{\"stage\":\"accepted\"}");
    world_report(world, device,
                 "{\"stage\":\"failed\",\"reason\":\"bad-signature\",\"leg\":\"uart\",\"wire_bytes\":77}");
    assert_status(world, shipment, device, "upload-failure");
    assert_true(world_target(world, shipment, device).ended);
    assert_int_equal(world_target(world, shipment, device).reason, TDM_REASON_SIGNATURE);
    assert_int_equal(world_target(world, shipment, device).wire_bytes, 77);
    world_check_in(world, device, "1.1.0");
    assert_no_offer(world);
}

static void after_three_failed_attempts_the_period_must_pass(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_check_in(world, device, "1.0.0");
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    for (int i = 0; i < 3; i++) {
        assert_offer(world);
        world_report(world, device, "{\"stage\":\"failed\",\"reason\":\"write-refused\"}");
        assert_no_offer(world);
        assert_status(world, shipment, device, "upload-failure");
        world_pass(world, 2 * MINUTE);
    }
    assert_no_offer(world);
    assert_status(world, shipment, device, "download-limit-reached");
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    world_pass(world, 24 * 60 * MINUTE);
    assert_offer(world);
}

static void a_reconnect_in_mid_update_repeats_the_offer_within_the_same_attempt(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    for (int i = 0; i < 4; i++) {
        world_check_in(world, device, "1.0.0");
        assert_offer(world);
        assert_int_equal(world_target(world, shipment, device).attempts, 1);
    }
}

static void a_reconnect_in_mid_transfer_waits_for_a_report_first(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    world_report(world, device, "{\"stage\":\"transferring\",\"bytes\":1,\"size\":100000}");
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    world_report(world, device, "{\"stage\":\"transferring\",\"bytes\":2,\"size\":100000}");
    world_pass(world, MINUTE);
    assert_no_offer(world);
    world_check_in(world, device, "1.0.0");
    world_pass(world, 6000);
    assert_offer(world);
    assert_int_equal(world_target(world, shipment, device).attempts, 1);
}

static void an_offer_to_a_device_that_falls_silent_fails_in_the_end(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    world_disconnect(world, device);
    world_pass(world, 6 * MINUTE);
    assert_status(world, shipment, device, "request-sent");
    world_pass(world, 60 * MINUTE);
    assert_status(world, shipment, device, "upload-failure");
    assert_int_equal(world_target(world, shipment, device).reason, TDM_REASON_NO_ANSWER);
    world_pass(world, 60 * MINUTE);
    world_check_in(world, device, "1.0.0");
    assert_offer(world);
    assert_int_equal(world_target(world, shipment, device).attempts, 2);
}

static void a_device_that_asks_to_wait_is_asked_again_without_losing_an_attempt(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    world_report(world, device, "{\"stage\":\"failed\",\"reason\":\"low-battery\"}");
    assert_status(world, shipment, device, "waiting");
    assert_int_equal(world_target(world, shipment, device).attempts, 0);
    world_pass(world, 16 * MINUTE);
    assert_offer(world);
}

static void a_device_that_runs_the_firmware_is_already_there(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_check_in(world, device, "1.1.0");
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    assert_no_offer(world);
    assert_status(world, shipment, device, "already-there");
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
}

static void the_digest_tells_two_builds_of_one_version_apart(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_check_in(world, device, "1.1.0");
    world_device_report(world, device, "started", "confirmed", "none", 0x10, 0);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    assert_offer(world);
    assert_status(world, shipment, device, "request-sent");
}

static void the_newest_of_two_live_shipments_wins_and_the_older_does_not_come_after_it(void **state)
{
    struct world *world = *state;
    world->fleet.limits.settle_ms = 0;
    int64_t device = world_device(world);
    int64_t older = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    int64_t newer = world_shipment(world, world_firmware(world, "1.2.0", 0x12));
    world_check_in(world, device, "1.0.0");
    assert_non_null(strstr(world_offer(world)->text, "1.2.0"));
    world_check_in(world, device, "1.2.0");
    assert_status(world, newer, device, "success");
    assert_status(world, older, device, "upload-failure");
    assert_int_equal(world_target(world, older, device).reason, TDM_REASON_SUPERSEDED);
}

static void a_newer_shipment_takes_over_in_mid_update(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t older = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    world_report(world, device, "{\"stage\":\"downloading\"}");
    int64_t newer = world_shipment(world, world_firmware(world, "1.2.0", 0x12));
    assert_non_null(strstr(world_offer(world)->text, "1.2.0"));
    assert_status(world, older, device, "waiting");
    world_report(world, device, "{\"stage\":\"failed\",\"reason\":\"superseded\"}");
    assert_status(world, newer, device, "request-sent");
}

static void a_paused_shipment_makes_no_offer_until_it_is_resumed(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_act(world, shipment, SHIPMENT_PAUSE);
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    world_act(world, shipment, SHIPMENT_RESUME);
    assert_offer(world);
}

static void a_paused_update_that_came_to_nothing_is_offered_after_resume(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    world_act(world, shipment, SHIPMENT_PAUSE);
    for (int i = 0; i < 4; i++)
        world_pass(world, 31 * MINUTE);
    assert_int_equal(world_target(world, shipment, device).due, 0);
    world_act(world, shipment, SHIPMENT_RESUME);
    assert_offer(world);
}

static void a_cancelled_shipment_lets_the_older_one_go_on(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    int64_t newer = world_shipment(world, world_firmware(world, "1.2.0", 0x12));
    world_check_in(world, device, "1.0.0");
    world_act(world, newer, SHIPMENT_CANCEL);
    assert_offer(world);
    assert_non_null(strstr(world_offer(world)->text, "1.1.0"));
}

static void a_device_added_later_reopens_the_newest_finished_shipment_for_all(void **state)
{
    struct world *world = *state;
    world->fleet.limits.settle_ms = 0;
    int64_t first = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, first, "1.0.0");
    world_check_in(world, first, "1.1.0");
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
    int64_t late = world_device(world);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_LIVE);
    world_check_in(world, late, "1.0.0");
    assert_offer(world);
}

static void a_check_in_with_another_template_gets_no_offer(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    struct check_in check_in = {.template = "TMPLother", .type = "pump", .version = "1.0.0"};
    uint64_t connection = world_connect(world, device);
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(device_checked_in(&world->fleet, device, connection, &check_in), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    assert_null(world->fleet.effects);
    struct event *events;
    size_t count;
    assert_int_equal(store_events(world->fleet.store, device, &events, &count), STORE_OK);
    assert_non_null(strstr(events[count - 1].text, "TMPLother"));
    free(events);
}

static void a_check_in_of_an_older_connection_counts_no_more(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    struct check_in check_in = {.template = TEMPLATE, .version = "1.0.0"};
    uint64_t old = world_connect(world, device);
    world_connect(world, device);
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(device_checked_in(&world->fleet, device, old, &check_in), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    assert_null(world->fleet.effects);
    world_check_in(world, device, "1.0.0");
    assert_offer(world);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_device_that_checks_in_gets_the_offer_with_all_three_texts),
        CASE(an_offer_is_json_whatever_the_firmware_is_called),
        CASE(the_timeline_has_one_line_for_each_thing_that_happens),
        CASE(a_connected_device_gets_the_offer_when_the_shipment_is_created),
        CASE(success_is_the_confirm_report_where_a_device_sends_one),
        CASE(without_reports_success_needs_the_settle_time),
        CASE(without_settle_time_the_new_version_is_success_at_once),
        CASE(old_new_old_without_reports_is_a_rollback_and_not_offered_again),
        CASE(a_rollback_report_ends_the_target_and_the_image_is_not_offered_again),
        CASE(a_rollback_that_power_is_to_blame_for_is_tried_again),
        CASE(a_refused_signature_ends_the_target_with_that_reason),
        CASE(after_three_failed_attempts_the_period_must_pass),
        CASE(a_reconnect_in_mid_update_repeats_the_offer_within_the_same_attempt),
        CASE(a_reconnect_in_mid_transfer_waits_for_a_report_first),
        CASE(an_offer_to_a_device_that_falls_silent_fails_in_the_end),
        CASE(a_device_that_asks_to_wait_is_asked_again_without_losing_an_attempt),
        CASE(a_device_that_runs_the_firmware_is_already_there),
        CASE(the_digest_tells_two_builds_of_one_version_apart),
        CASE(the_newest_of_two_live_shipments_wins_and_the_older_does_not_come_after_it),
        CASE(a_newer_shipment_takes_over_in_mid_update),
        CASE(a_paused_shipment_makes_no_offer_until_it_is_resumed),
        CASE(a_paused_update_that_came_to_nothing_is_offered_after_resume),
        CASE(a_cancelled_shipment_lets_the_older_one_go_on),
        CASE(a_device_added_later_reopens_the_newest_finished_shipment_for_all),
        CASE(a_check_in_with_another_template_gets_no_offer),
        CASE(a_check_in_of_an_older_connection_counts_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
