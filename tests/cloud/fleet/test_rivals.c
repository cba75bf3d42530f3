/* Shipments that stand in each other's way, and what becomes of devices when one of them ends by itself. */
#include "tests/cloud/fleet/world.h"

#define MINUTE 60000

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

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(what_is_due_is_not_forgotten_where_something_else_happens_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
