/* A clock that is set: forward by a wrong time server, and back when that was put right. Whatever happened in
 * between, nothing waits for the time that was wrong to come. */
#include "tests/cloud/fleet/world.h"

#include <stdio.h>
#include <string.h>

#include "cloud/fleet/clock.h"
#include "cloud/fleet/rules/status.h"

#define MINUTE ((int64_t)60 * 1000)
#define HOUR   (60 * MINUTE)
#define YEAR   (365 * 24 * HOUR)

struct clocks {
    int64_t steady;
};
static struct clocks clocks;

/* Time passes, by both clocks. */
static void pass(struct world *world, int64_t ms)
{
    clocks.steady += ms;
    world->fleet.now += ms;
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(clock_tick(&world->fleet, clocks.steady), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    world_pass(world, 0);
}

/* The clock on the wall alone. */
static void set(struct world *world, int64_t ms)
{
    world->fleet.now += ms;
    pass(world, 1000);
}

static int setup(void **state)
{
    clocks.steady = 1000000;
    return world_setup(state);
}

static void an_update_under_way_ends_in_its_time(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    pass(world, 0);
    set(world, YEAR);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    assert_offer(world);
    set(world, -YEAR);
    assert_status(world, shipment, device, "request-sent");
    assert_true(world_target(world, shipment, device).due - world->fleet.now <= 30 * MINUTE);
    for (int i = 0; i < 10; i++)
        pass(world, 30 * MINUTE); /* silent: each attempt ends, until none is left */
    assert_status(world, shipment, device, "download-limit-reached");
    pass(world, 24 * HOUR);
    assert_offer(world);
}

static void attempts_that_were_used_up_come_back_after_the_period(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    pass(world, 0);
    set(world, YEAR);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    for (int i = 0; i < 20 && world_target(world, shipment, device).status != TARGET_DOWNLOAD_LIMIT_REACHED;
         i++)
        pass(world, 30 * MINUTE);
    assert_status(world, shipment, device, "download-limit-reached");
    set(world, -YEAR);
    assert_status(world, shipment, device, "download-limit-reached");
    assert_true(world_target(world, shipment, device).due - world->fleet.now <= 24 * HOUR);
    pass(world, 24 * HOUR);
    assert_offer(world);
}

static void turns_of_a_rate_are_taken_anew(void **state)
{
    struct world *world = *state;
    int64_t devices[3];
    pass(world, 0);
    set(world, YEAR);
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.shipment.per_minute = 1;
    for (int i = 0; i < 3; i++) {
        devices[i] = world_device(world);
        world_check_in(world, devices[i], "1.0.0");
    }
    int64_t shipment = world_ship(world, &order);
    set(world, -YEAR);
    for (int i = 0; i < 4; i++)
        pass(world, MINUTE);
    for (int i = 0; i < 3; i++)
        assert_status(world, shipment, devices[i], "request-sent");
}

static void the_preferred_time_is_that_of_the_right_clock(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    pass(world, 0);
    set(world, YEAR);
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.shipment.slot = SLOT_NIGHT; /* it is 22:13 */
    int64_t shipment = world_ship(world, &order);
    world_check_in(world, device, "1.0.0");
    assert_no_offer(world);
    set(world, -YEAR);
    assert_int_equal(world_target(world, shipment, device).due, 1700006400000); /* 00:00 */
    pass(world, 2 * HOUR);
    assert_offer(world);
}

static void a_soak_time_that_began_in_the_wrong_year_ends(void **state)
{
    struct world *world = *state;
    int64_t devices[2] = {world_device(world), world_device(world)};
    pass(world, 0);
    set(world, YEAR);
    world->fleet.limits.settle_ms = 0;
    struct shipment_order order = world_order(world, world_firmware(world, "1.1.0", 0x11));
    order.wave_count = 2;
    order.waves[1] = order.waves[0];
    order.waves[0].kind = WAVE_COUNT;
    order.waves[0].amount = 1;
    order.waves[0].soak_ms = HOUR;
    for (int i = 0; i < 2; i++)
        world_check_in(world, devices[i], "1.0.0");
    int64_t shipment = world_ship(world, &order);
    int first = world_target(world, shipment, devices[0]).status == TARGET_REQUEST_SENT ? 0 : 1;
    world_check_in(world, devices[first], "1.1.0");
    assert_status(world, shipment, devices[first], "success");
    set(world, -YEAR);
    assert_int_equal(world_shipment_get(world, shipment).wave, 1);
    pass(world, HOUR + MINUTE);
    assert_int_equal(world_shipment_get(world, shipment).wave, 2);
}

static void a_clock_that_goes_as_it_should_changes_nothing(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_check_in(world, device, "1.0.0");
    int64_t due = world_target(world, shipment, device).due;
    pass(world, MINUTE);
    set(world, -CLOCK_STEP_MS / 2);
    set(world, CLOCK_STEP_MS);
    assert_int_equal(world_target(world, shipment, device).due, due);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_update_under_way_ends_in_its_time),
        CASE(attempts_that_were_used_up_come_back_after_the_period),
        CASE(turns_of_a_rate_are_taken_anew),
        CASE(the_preferred_time_is_that_of_the_right_clock),
        CASE(a_soak_time_that_began_in_the_wrong_year_ends),
        CASE(a_clock_that_goes_as_it_should_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
