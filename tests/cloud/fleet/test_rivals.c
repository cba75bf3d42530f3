/* Shipments that stand in each other's way, and what becomes of devices when one of them ends by itself. */
#include "tests/cloud/fleet/world.h"

#include "tandem/reason.h"

#define MINUTE 60000
#define HOUR   (60 * MINUTE)

#define FAILED_FOR_NOW  "{\"stage\":\"failed\",\"reason\":\"download-failed\",\"leg\":\"download\"}"
#define FAILED_FOR_GOOD "{\"stage\":\"failed\",\"reason\":\"bad-signature\",\"leg\":\"uart\"}"

static void agree(struct world *world, int64_t device)
{
    int64_t agreed[DEVICE_CONSENTS_MAX];
    size_t count;
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(device_consent(&world->fleet, device, 0, true, agreed, &count), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    assert_int_equal(count, 1);
}

static void what_waits_for_a_newer_shipment_gets_the_older_one_when_that_expires(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t older = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    struct shipment_order order = world_order(world, world_firmware(world, "1.2.0", 0x12));
    order.shipment.slot = SLOT_MORNING; /* it is 22:13 UTC */
    order.shipment.expires = world->fleet.now + HOUR;
    int64_t newer = world_ship(world, &order);
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    world_pass(world, HOUR);
    assert_int_equal(world_shipment_get(world, newer).state, SHIPMENT_FINISHED);
    assert_offer(world);
    assert_status(world, older, device, "request-sent");
}

static void one_that_has_just_expired_keeps_no_offer_of_an_older_one_from_being_repeated(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t older = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    struct shipment_order order = world_order(world, world_firmware(world, "1.2.0", 0x12));
    order.shipment.slot = SLOT_MORNING; /* it is 22:13 UTC */
    order.shipment.expires = world->fleet.now + 5 * MINUTE;
    (void)world_ship(world, &order);
    world_pass(world, 6 * MINUTE);
    assert_offer(world);
    assert_int_equal(world_target(world, older, device).repeats, 1);
}

static void what_waits_for_a_newer_shipment_gets_the_older_one_when_its_gate_stops_that(void **state)
{
    struct world *world = *state;
    int64_t fails = world_device(world), device = world_device(world);
    int64_t older = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    struct shipment_order order = world_order(world, world_firmware(world, "1.2.0", 0x12));
    order.shipment.user_controlled = true;
    order.waves[0].failure_percent = 50;
    order.waves[0].minimum = 1;
    int64_t newer = world_ship(world, &order);
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    world_check_in(world, fails, "1.0.0");
    agree(world, fails);
    world_report(world, fails, FAILED_FOR_GOOD);
    assert_int_equal(world_shipment_get(world, newer).state, SHIPMENT_PAUSED);
    world_pass(world, 0);
    assert_status(world, older, device, "request-sent");
}

static void an_update_that_outlives_its_shipment_has_an_end(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t firmware = world_firmware(world, "1.1.0", 0x11);
    struct shipment_order order = world_order(world, firmware);
    order.shipment.expires = world->fleet.now + HOUR;
    int64_t shipment = world_ship(world, &order);
    world_check_in(world, device, "1.0.0");
    world_download(world, device, firmware);
    world_pass(world, 2 * HOUR); /* the server was away: both times are over at once */
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
    assert_status(world, shipment, device, "upload-failure");
}

static void what_is_due_is_not_forgotten_where_something_else_happens_first(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    assert_offer(world);
    world->fleet.now += 6 * MINUTE; /* an offer without reaction is repeated after 5 */
    world_device_report(world, device, "confirmed", "confirmed", "none", 0x10, 0);
    assert_no_offer(world);
    world_pass(world, 0);
    assert_offer(world);
    assert_true(world_target(world, shipment, device).due > world->fleet.now);
}

static void a_device_that_checks_in_when_its_settle_time_ends_is_updated(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    world_check_in(world, device, "1.1.0");
    world->fleet.now += 6 * MINUTE; /* 5 are enough */
    world_check_in(world, device, "1.1.0");
    world_pass(world, 0);
    assert_status(world, shipment, device, "success");
}

static void an_update_that_a_newer_shipment_keeps_from_being_offered_again_has_an_end(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t older = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    assert_offer(world);
    struct shipment_order order = world_order(world, world_firmware(world, "1.2.0", 0x12));
    order.shipment.user_controlled = true;
    int64_t newer = world_ship(world, &order);
    assert_status(world, newer, device, "awaiting-user-action");
    world_pass(world, 10 * MINUTE);
    assert_status(world, older, device, "request-sent");
    world_pass(world, 21 * MINUTE);
    assert_status(world, older, device, "upload-failure");
    assert_int_equal(world_target(world, older, device).reason, TDM_REASON_NO_ANSWER);
}

static void a_connected_device_that_says_nothing_has_failed_before_it_is_offered_anew(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t firmware = world_firmware(world, "1.1.0", 0x11);
    int64_t shipment = world_shipment(world, firmware);
    world_check_in(world, device, "1.0.0");
    world_download(world, device, firmware);
    world_pass(world, 31 * MINUTE);
    assert_no_offer(world);
    assert_status(world, shipment, device, "upload-failure");
    assert_int_equal(world_target(world, shipment, device).reason, TDM_REASON_NO_ANSWER);
    world_pass(world, 2 * MINUTE);
    assert_offer(world);
    assert_int_equal(world_target(world, shipment, device).attempts, 2);
}

static void a_silent_update_has_failed_although_another_shipment_is_looked_at_first(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t older = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    int64_t firmware = world_firmware(world, "1.2.0", 0x12);
    world_check_in(world, device, "1.0.0");
    int64_t newer = world_shipment(world, firmware);
    world_check_in(world, device, "1.1.0"); /* which it keeps; the newer one is offered again */
    assert_offer(world);
    world_download(world, device, firmware);
    world_pass(world, 36 * MINUTE); /* the server was away: the times of both are over */
    assert_status(world, older, device, "success");
    assert_status(world, newer, device, "upload-failure");
    assert_int_equal(world_target(world, newer, device).attempts, 1);
}

/* A shipment in two waves, the first of one device, which is all that there is, and fails for good. */
static int64_t ship_and_fail(struct world *world, int64_t device)
{
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.waves[1] = order.waves[0];
    order.waves[0].kind = WAVE_COUNT;
    order.waves[0].amount = 1;
    order.wave_count = 2;
    int64_t shipment = world_ship(world, &order);
    world_check_in(world, device, "1.0.0");
    world_report(world, device, FAILED_FOR_GOOD);
    return shipment;
}

static void a_gate_stops_no_shipment_that_has_nothing_left_to_do(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = ship_and_fail(world, device);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
}

static void a_late_joiner_of_a_shipment_that_failed_finds_it_stopped_and_not_live_for_ever(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = ship_and_fail(world, device);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
    int64_t late = world_device(world);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_PAUSED);
    assert_string_not_equal(world_shipment_get(world, shipment).why, "");
    world_check_in(world, late, "1.0.0");
    world_act(world, shipment, SHIPMENT_RESUME);
    assert_offer(world);
}

/* The other one is over and has nothing due that would have the device looked at. */
static void attempts_of_another_shipment_count_no_longer_than_its_period(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t firmware = world_firmware(world, "1.1.0", 0x11);
    struct shipment_order order = world_order(world, firmware);
    order.shipment.attempts = 1;
    world_check_in(world, device, "1.0.0");
    int64_t one = world_ship(world, &order);
    world_report(world, device, FAILED_FOR_NOW);
    world_act(world, one, SHIPMENT_CANCEL);
    world_pass(world, 20 * HOUR);
    order = world_order(world, firmware);
    order.shipment.attempts = 1;
    int64_t two = world_ship(world, &order);
    assert_status(world, two, device, "download-limit-reached");
    world_pass(world, 3 * HOUR);
    assert_status(world, two, device, "download-limit-reached");
    world_pass(world, 2 * HOUR); /* 25 hours after the attempt */
    assert_status(world, two, device, "request-sent");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_waits_for_a_newer_shipment_gets_the_older_one_when_that_expires),
        CASE(one_that_has_just_expired_keeps_no_offer_of_an_older_one_from_being_repeated),
        CASE(what_waits_for_a_newer_shipment_gets_the_older_one_when_its_gate_stops_that),
        CASE(an_update_that_outlives_its_shipment_has_an_end),
        CASE(what_is_due_is_not_forgotten_where_something_else_happens_first),
        CASE(a_device_that_checks_in_when_its_settle_time_ends_is_updated),
        CASE(an_update_that_a_newer_shipment_keeps_from_being_offered_again_has_an_end),
        CASE(a_connected_device_that_says_nothing_has_failed_before_it_is_offered_anew),
        CASE(a_silent_update_has_failed_although_another_shipment_is_looked_at_first),
        CASE(a_gate_stops_no_shipment_that_has_nothing_left_to_do),
        CASE(a_late_joiner_of_a_shipment_that_failed_finds_it_stopped_and_not_live_for_ever),
        CASE(attempts_of_another_shipment_count_no_longer_than_its_period),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
