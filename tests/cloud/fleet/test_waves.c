/* Shipments in waves, from creation to the end: gates, soak, windows, rates, consent, expiry, late joiners.
 */
#include "tests/cloud/fleet/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/shipments/planning.h"
#include "cloud/fleet/shipments/sweep.h"
#include "tandem/reason.h"

#define MINUTE 60000
#define HOUR   (60 * MINUTE)

/* Fills devices with count devices that are connected and run 1.0.0. */
static void connect_devices(struct world *world, int64_t *devices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        devices[i] = world_device(world);
        world_check_in(world, devices[i], "1.0.0");
    }
}

static struct wave wave_of(struct world *world, int64_t shipment, size_t number)
{
    struct wave *waves;
    size_t count;
    assert_int_equal(store_waves(world->fleet.store, shipment, &waves, &count), STORE_OK);
    assert_in_range(number, 1, count);
    struct wave wave = waves[number - 1];
    free(waves);
    return wave;
}

static struct progress progress_of(struct world *world, int64_t shipment)
{
    struct progress progress;
    assert_int_equal(store_shipment_progress(world->fleet.store, shipment, &progress), STORE_OK);
    return progress;
}

/* The devices of a wave, in order; returns how many. */
static size_t members(struct world *world, int64_t shipment, int64_t wave, int64_t *devices)
{
    struct target *targets;
    size_t count, found = 0;
    assert_int_equal(store_targets_page(world->fleet.store, shipment, 0, 100, &targets, &count), STORE_OK);
    for (size_t i = 0; i < count; i++) {
        if (targets[i].wave == wave)
            devices[found++] = targets[i].device;
    }
    free(targets);
    return found;
}

static size_t offered(struct world *world, int64_t shipment)
{
    struct target *targets;
    size_t count, found = 0;
    assert_int_equal(store_targets_page(world->fleet.store, shipment, 0, 100, &targets, &count), STORE_OK);
    for (size_t i = 0; i < count; i++)
        found += targets[i].attempts > 0;
    free(targets);
    return found;
}

/* The device comes back with the new version, and keeps it. */
static void succeed(struct world *world, int64_t device)
{
    world_check_in(world, device, "1.1.0");
    world_pass(world, 6 * MINUTE);
}

static void fail_for_good(struct world *world, int64_t device)
{
    world_report(world, device, "{\"stage\":\"failed\",\"reason\":\"bad-signature\",\"leg\":\"uart\"}");
}

/* A wave of two, and the rest. */
static struct shipment_order two_waves(struct world *world, int64_t firmware)
{
    struct shipment_order order = world_order(world, firmware);
    order.waves[1] = order.waves[0];
    order.waves[0].kind = WAVE_COUNT;
    order.waves[0].amount = 2;
    order.waves[0].success_percent = 100;
    order.wave_count = 2;
    return order;
}

static void the_second_wave_waits_for_the_first(void **state)
{
    struct world *world = *state;
    int64_t devices[6], first[6], second[6];
    connect_devices(world, devices, 6);
    struct shipment_order order = two_waves(world, world_firmware(world, "1.1.0", 0x11));
    int64_t shipment = world_ship(world, &order);
    assert_int_equal(members(world, shipment, 1, first), 2);
    assert_int_equal(members(world, shipment, 2, second), 4);
    assert_int_equal(offered(world, shipment), 2);
    assert_status(world, shipment, first[0], "request-sent");
    assert_status(world, shipment, second[0], "waiting");
    succeed(world, first[0]);
    assert_int_equal(offered(world, shipment), 2);
    succeed(world, first[1]);
    world_pass(world, 0);
    assert_int_equal(world_shipment_get(world, shipment).wave, 2);
    assert_int_equal(offered(world, shipment), 6);
    for (size_t i = 0; i < 4; i++)
        succeed(world, second[i]);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
    assert_int_equal(progress_of(world, shipment).updated, 6);
}

static void a_failing_wave_stops_the_shipment_and_says_why(void **state)
{
    struct world *world = *state;
    int64_t devices[6], first[6];
    connect_devices(world, devices, 6);
    struct shipment_order order = two_waves(world, world_firmware(world, "1.1.0", 0x11));
    order.waves[0].success_percent = 50;
    order.waves[0].failure_percent = 50;
    order.waves[0].minimum = 1;
    int64_t shipment = world_ship(world, &order);
    members(world, shipment, 1, first);
    fail_for_good(world, first[0]);
    struct shipment stopped = world_shipment_get(world, shipment);
    assert_int_equal(stopped.state, SHIPMENT_PAUSED);
    assert_string_equal(stopped.why, "wave 1: 1 of 1 devices failed, the limit is 50 %");
    assert_int_equal(offered(world, shipment), 2);
    /* The operator goes on: what failed is forgiven, and the wave may still reach its share. */
    world_act(world, shipment, SHIPMENT_RESUME);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_LIVE);
    assert_string_equal(world_shipment_get(world, shipment).why, "");
    succeed(world, first[1]);
    assert_int_equal(world_shipment_get(world, shipment).wave, 2);
}

static void the_operator_may_open_the_next_wave(void **state)
{
    struct world *world = *state;
    int64_t devices[4];
    struct shipment shipment;
    connect_devices(world, devices, 4);
    struct shipment_order order = two_waves(world, world_firmware(world, "1.1.0", 0x11));
    int64_t id = world_ship(world, &order);
    world_act(world, id, SHIPMENT_ADVANCE);
    assert_int_equal(world_shipment_get(world, id).wave, 2);
    assert_int_equal(offered(world, id), 4);
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(shipment_act(&world->fleet, id, SHIPMENT_ADVANCE, &shipment), STORE_CONFLICT);
    store_rollback(world->fleet.store);
}

static void a_rollback_in_the_soak_time_counts(void **state)
{
    struct world *world = *state;
    int64_t devices[4], first[4];
    connect_devices(world, devices, 4);
    struct shipment_order order = two_waves(world, world_firmware(world, "1.1.0", 0x11));
    order.waves[0].soak_ms = HOUR;
    order.waves[0].failure_percent = 50;
    order.waves[0].minimum = 1;
    int64_t shipment = world_ship(world, &order);
    members(world, shipment, 1, first);
    succeed(world, first[0]);
    succeed(world, first[1]);
    assert_int_equal(world_shipment_get(world, shipment).wave, 1); /* it soaks */
    assert_int_equal(wave_of(world, shipment, 1).updated, 2);
    world_check_in(world, first[0], "1.0.0");
    assert_status(world, shipment, first[0], "rollback");
    assert_int_equal(wave_of(world, shipment, 1).updated, 1);
    assert_int_equal(wave_of(world, shipment, 1).failed, 1);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_PAUSED);
    assert_int_equal(offered(world, shipment), 2);
}

static void the_soak_time_passes(void **state)
{
    struct world *world = *state;
    int64_t devices[4], first[4];
    connect_devices(world, devices, 4);
    struct shipment_order order = two_waves(world, world_firmware(world, "1.1.0", 0x11));
    order.waves[0].soak_ms = HOUR;
    int64_t shipment = world_ship(world, &order);
    members(world, shipment, 1, first);
    succeed(world, first[0]);
    succeed(world, first[1]);
    world_pass(world, 50 * MINUTE);
    assert_int_equal(world_shipment_get(world, shipment).wave, 1);
    world_pass(world, 11 * MINUTE);
    assert_int_equal(world_shipment_get(world, shipment).wave, 2);
}

static void pausing_keeps_the_rest_of_a_wave_back(void **state)
{
    struct world *world = *state;
    int64_t devices[3];
    for (size_t i = 0; i < 3; i++)
        devices[i] = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, devices[0], "1.0.0");
    assert_offer(world);
    world_act(world, shipment, SHIPMENT_PAUSE);
    world_check_in(world, devices[1], "1.0.0");
    assert_no_offer(world);
    succeed(world, devices[0]); /* what was begun goes on */
    assert_status(world, shipment, devices[0], "success");
    world_act(world, shipment, SHIPMENT_RESUME);
    assert_offer(world);
    assert_status(world, shipment, devices[1], "request-sent");
    world_check_in(world, devices[2], "1.0.0");
    assert_offer(world);
}

static void after_its_expiry_a_shipment_is_finished_and_offers_nothing(void **state)
{
    struct world *world = *state;
    int64_t devices[2] = {world_device(world), world_device(world)};
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.shipment.expires = world->fleet.now + HOUR;
    int64_t shipment = world_ship(world, &order);
    world_check_in(world, devices[0], "1.0.0");
    assert_offer(world);
    world_pass(world, HOUR);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
    assert_string_equal(world_shipment_get(world, shipment).why, "it expired");
    world_check_in(world, devices[1], "1.0.0");
    assert_no_offer(world);
    int64_t late = world_device(world); /* does not reopen it */
    world_check_in(world, late, "1.0.0");
    assert_no_offer(world);
    world_check_in(world, devices[0], "1.1.0"); /* what was begun still counts */
    world_pass(world, 6 * MINUTE);
    assert_status(world, shipment, devices[0], "success");
}

static void a_device_waits_for_its_owner_and_then_not_for_its_time(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t agreed[DEVICE_CONSENTS_MAX];
    size_t count;
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.shipment.user_controlled = true;
    order.shipment.slot = SLOT_NIGHT; /* it is 22:13 UTC */
    world_check_in(world, device, "1.0.0");
    int64_t shipment = world_ship(world, &order);
    assert_status(world, shipment, device, "awaiting-user-action");
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(device_consent(&world->fleet, device, 0, true, agreed, &count), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    assert_int_equal(count, 1);
    assert_int_equal(agreed[0], shipment);
    assert_status(world, shipment, device, "request-sent");
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(device_consent(&world->fleet, device, 0, true, agreed, &count), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    assert_int_equal(count, 0);
    free(world->fleet.effects);
    world->fleet.effects = NULL;
}

static void the_preferred_time_is_that_of_the_devices_zone(void **state)
{
    struct world *world = *state;
    int64_t near = world_device(world), far = world_device(world);
    struct device device;
    /* 22:13 UTC is night in Kolkata (03:43), and evening in Berlin (23:13). */
    assert_int_equal(store_device_get(world->fleet.store, far, &device), STORE_OK);
    snprintf(device.zone, sizeof device.zone, "%s", "Asia/Kolkata");
    assert_int_equal(store_device_describe(world->fleet.store, &device), STORE_OK);
    snprintf(world->fleet.zone, sizeof world->fleet.zone, "%s", "Europe/Berlin");
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.shipment.slot = SLOT_NIGHT;
    int64_t shipment = world_ship(world, &order);
    world_check_in(world, far, "1.0.0");
    assert_offer(world);
    world_check_in(world, near, "1.0.0");
    assert_no_offer(world);
    assert_int_equal(world_target(world, shipment, near).due, 1700002800000); /* 00:00 in Berlin */
    world_pass(world, HOUR);
    assert_offer(world);
    assert_status(world, shipment, near, "request-sent");
}

static void put_zone(struct world *world, const char *zone)
{
    struct store *store = world->fleet.store;
    struct organization organization;
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_organization_get(store, RECORD_FIRST_ORGANIZATION, &organization), STORE_OK);
    snprintf(organization.zone, sizeof organization.zone, "%s", zone);
    assert_int_equal(store_organization_update(store, &organization), STORE_OK);
    assert_int_equal(sweep_zone_changed(&world->fleet, RECORD_FIRST_ORGANIZATION), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void without_a_zone_of_its_own_a_device_stands_where_its_organization_does(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    snprintf(world->fleet.zone, sizeof world->fleet.zone, "%s", "Europe/Berlin");
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.shipment.slot = SLOT_NIGHT;
    int64_t shipment = world_ship(world, &order);
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    /* The night of New York begins at 05:00 UTC; the device is connected, so it need not come back. */
    put_zone(world, "America/New_York");
    world_pass(world, 0);
    assert_no_offer(world);
    assert_int_equal(world_target(world, shipment, device).due, 1700024400000);
    put_zone(world, "Asia/Kolkata");
    world_pass(world, 0);
    assert_offer(world);
}

static void the_rate_spaces_the_offers(void **state)
{
    struct world *world = *state;
    int64_t devices[5];
    connect_devices(world, devices, 5);
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.shipment.per_minute = 2;
    int64_t shipment = world_ship(world, &order);
    assert_int_equal(offered(world, shipment), 1);
    world_pass(world, 29000);
    assert_int_equal(offered(world, shipment), 1);
    for (size_t n = 2; n <= 4; n++) {
        world_pass(world, n == 2 ? 1500 : 30000);
        assert_int_equal(offered(world, shipment), n);
    }
    /* The fifth sleeps at its turn: it gets another one, which by then is at once. */
    world_disconnect(world, devices[4]);
    world_pass(world, 5 * MINUTE);
    assert_int_equal(offered(world, shipment), 4);
    world_check_in(world, devices[4], "1.0.0");
    assert_offer(world);
}

static void bytes_per_second_space_the_offers_too(void **state)
{
    struct world *world = *state;
    int64_t devices[2];
    connect_devices(world, devices, 2);
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.shipment.bytes_per_second = 10000; /* 100,000 bytes: 10 s each */
    int64_t shipment = world_ship(world, &order);
    world_pass(world, 9000);
    assert_int_equal(offered(world, shipment), 1);
    world_pass(world, 1100);
    assert_int_equal(offered(world, shipment), 2);
}

static void devices_that_do_not_meet_the_condition_are_not_needed(void **state)
{
    struct world *world = *state;
    int64_t devices[3];
    connect_devices(world, devices, 3);
    world_check_in(world, devices[1], "1.1.0");
    world_check_in(world, devices[2], "1.10.0");
    struct shipment_order order = world_order(world, world_firmware(world, "1.9.0", 0x19));
    order.shipment.condition = CONDITION_LOWER_VERSION;
    int64_t shipment = world_ship(world, &order);
    assert_status(world, shipment, devices[0], "request-sent");
    assert_status(world, shipment, devices[1], "request-sent");
    assert_status(world, shipment, devices[2], "not-needed");
    assert_int_equal(progress_of(world, shipment).skipped, 1);
    world_check_in(world, devices[0], "1.9.0");
    world_check_in(world, devices[1], "1.9.0");
    world_pass(world, 6 * MINUTE);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_FINISHED);
}

static void a_device_that_comes_later_joins_the_last_wave(void **state)
{
    struct world *world = *state;
    int64_t devices[4], first[4];
    connect_devices(world, devices, 4);
    struct shipment_order order = two_waves(world, world_firmware(world, "1.1.0", 0x11));
    int64_t shipment = world_ship(world, &order);
    int64_t late = world_device(world);
    assert_int_equal(world_target(world, shipment, late).wave, 2);
    assert_int_equal(wave_of(world, shipment, 2).size, 3);
    world_check_in(world, late, "1.0.0");
    assert_no_offer(world);
    members(world, shipment, 1, first);
    succeed(world, first[0]);
    succeed(world, first[1]);
    world_pass(world, 0);
    assert_status(world, shipment, late, "request-sent");
}

static void attempts_of_another_shipment_with_the_same_image_count(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t firmware = world_firmware(world, "1.1.0", 0x11);
    world_check_in(world, device, "1.0.0");
    int64_t one = world_shipment(world, firmware);
    for (int i = 0; i < 3; i++) {
        world_report(world, device,
                     "{\"stage\":\"failed\",\"reason\":\"download-failed\",\"leg\":\"download\"}");
        world_pass(world, 2 * MINUTE);
    }
    assert_status(world, one, device, "download-limit-reached");
    assert_int_equal(wave_of(world, one, 1).stuck, 1);
    int64_t two = world_shipment(world, firmware);
    assert_no_offer(world);
    assert_status(world, two, device, "download-limit-reached");
    world_pass(world, (int64_t)25 * HOUR);
    assert_status(world, two, device, "request-sent");
}

static void take_it(struct world *world, int64_t device, const char *version, uint8_t mark)
{
    world_report(world, device, "{\"stage\":\"installed\",\"wire_bytes\":120000}");
    world_check_in(world, device, version);
    world_device_report(world, device, "confirmed", "confirmed", "none", mark, 0);
}

/* Two firmwares in turn, as in a test of updates: each shipment is the operator's own wish, and did what it
 * was for. */
static void attempts_of_another_shipment_that_succeeded_do_not_count(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t firmwares[2] = {world_firmware(world, "1.1.0", 0x11), world_firmware(world, "1.2.0", 0x12)};
    const char *versions[2] = {"1.1.0", "1.2.0"};
    const uint8_t marks[2] = {0x11, 0x12};
    world_check_in(world, device, "1.0.0");
    for (int i = 0; i < 10; i++) {
        int64_t shipment = world_shipment(world, firmwares[i % 2]);
        assert_status(world, shipment, device, "request-sent");
        take_it(world, device, versions[i % 2], marks[i % 2]);
        assert_status(world, shipment, device, "success");
        world_pass(world, 1 * MINUTE);
    }
}

static void a_selection_by_filter_is_fixed_when_it_is_made(void **state)
{
    struct world *world = *state;
    int64_t devices[3];
    connect_devices(world, devices, 3);
    world_check_in(world, devices[2], "2.0.0");
    struct shipment_order order = world_order(world, world_firmware(world, "2.1.0", 0x21));
    snprintf(order.shipment.filter, sizeof order.shipment.filter, "%s", "version<2.0.0");
    int64_t shipment = world_ship(world, &order);
    assert_int_equal(progress_of(world, shipment).target, 2);
    world_device(world); /* is no part of it */
    assert_int_equal(progress_of(world, shipment).target, 2);
}

static void a_large_fleet_is_planned_step_by_step(void **state)
{
    struct world *world = *state;
    enum { MANY = 3 * PLANNING_STEP + 10 };
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(store_template_add(world->fleet.store, RECORD_FIRST_ORGANIZATION, TEMPLATE), STORE_OK);
    for (int64_t i = 0; i < MANY; i++) {
        struct device device = {
            .organization = RECORD_FIRST_ORGANIZATION, .template = TEMPLATE, .counter = -1};
        memcpy(device.token_hash, &i, sizeof i);
        assert_int_equal(store_device_add(world->fleet.store, &device), STORE_OK);
    }
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    struct shipment_order order = two_waves(world, world_firmware(world, "1.1.0", 0x11));
    order.waves[0].amount = 100;
    int64_t shipment = world_ship(world, &order);
    assert_false(world_shipment_get(world, shipment).planned);
    world_check_in(world, 1, "1.0.0");
    assert_no_offer(world);
    /* The server dies: what it had in memory is gone, and another begins anew. */
    planning_drop(&world->fleet);
    world_pass(world, 0);
    /* Cancelled in the middle it stays so, and has its rows nevertheless. */
    world_act(world, shipment, SHIPMENT_CANCEL);
    for (int i = 0; i < 10 && !world_shipment_get(world, shipment).planned; i++)
        world_pass(world, 0);
    assert_true(world_shipment_get(world, shipment).planned);
    assert_int_equal(world_shipment_get(world, shipment).state, SHIPMENT_CANCELLED);
    assert_true(world_shipment_get(world, shipment).ended > 0);
    assert_int_equal(wave_of(world, shipment, 1).size, 100);
    assert_int_equal(wave_of(world, shipment, 2).size, MANY - 100);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_second_wave_waits_for_the_first),
        CASE(a_failing_wave_stops_the_shipment_and_says_why),
        CASE(the_operator_may_open_the_next_wave),
        CASE(a_rollback_in_the_soak_time_counts),
        CASE(the_soak_time_passes),
        CASE(pausing_keeps_the_rest_of_a_wave_back),
        CASE(after_its_expiry_a_shipment_is_finished_and_offers_nothing),
        CASE(a_device_waits_for_its_owner_and_then_not_for_its_time),
        CASE(the_preferred_time_is_that_of_the_devices_zone),
        CASE(without_a_zone_of_its_own_a_device_stands_where_its_organization_does),
        CASE(the_rate_spaces_the_offers),
        CASE(bytes_per_second_space_the_offers_too),
        CASE(devices_that_do_not_meet_the_condition_are_not_needed),
        CASE(a_device_that_comes_later_joins_the_last_wave),
        CASE(attempts_of_another_shipment_with_the_same_image_count),
        CASE(attempts_of_another_shipment_that_succeeded_do_not_count),
        CASE(a_selection_by_filter_is_fixed_when_it_is_made),
        CASE(a_large_fleet_is_planned_step_by_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
