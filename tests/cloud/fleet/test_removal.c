/* Files of deleted firmware: when they go, and what keeps them. */
#include "tests/cloud/fleet/world.h"

#include <string.h>

#include "cloud/fleet/firmware/firmware.h"
#include "cloud/fleet/firmware/removal.h"

#define HOUR ((int64_t)60 * 60 * 1000)

static void in_transaction(struct world *world, int expected, int result)
{
    assert_int_equal(result, expected);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
}

static struct fleet *begin(struct world *world)
{
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    return &world->fleet;
}

static void delete (struct world *world, int64_t firmware)
{
    int64_t after = 0;
    bool more;
    in_transaction(world, STORE_OK, firmware_delete(begin(world), firmware, &after, &more));
    assert_false(more);
}

/* What there is to remove at this moment; its mark, or 0. */
static uint8_t due(struct world *world)
{
    struct removal removal = {0};
    int result = removal_take(begin(world), &removal);
    in_transaction(world, result, result);
    assert_true(result == STORE_OK || result == STORE_NOT_FOUND);
    return result == STORE_OK ? removal.sha256[31] : 0;
}

static int hold(struct world *world, uint8_t mark)
{
    uint8_t sha256[RECORD_DIGEST_BYTES];
    memset(sha256, mark, sizeof sha256);
    int result = removal_hold(begin(world), sha256);
    in_transaction(world, result, result);
    return result;
}

static void forget(struct world *world, uint8_t mark)
{
    struct removal removal = {0};
    memset(removal.sha256, mark, sizeof removal.sha256);
    in_transaction(world, STORE_OK, removal_done(begin(world), &removal));
}

static void a_file_goes_an_hour_after_its_firmware(void **state)
{
    struct world *world = *state;
    int64_t firmware = world_firmware(world, "1.1.0", 0x11);
    assert_int_equal(due(world), 0);
    delete (world, firmware);
    world->fleet.now += HOUR - 1;
    assert_int_equal(due(world), 0);
    world->fleet.now += 1;
    assert_int_equal(due(world), 0x11);
    forget(world, 0x11);
    world->fleet.now += 100 * HOUR;
    assert_int_equal(due(world), 0);
}

static void a_removal_that_fails_comes_again_later_and_later(void **state)
{
    struct world *world = *state;
    int64_t pause = 0;
    delete (world, world_firmware(world, "1.1.0", 0x11));
    world->fleet.now += HOUR;
    assert_int_equal(due(world), 0x11);
    for (int i = 0; i < 12; i++) {
        int64_t start = world->fleet.now;
        while (due(world) == 0)
            world->fleet.now += 60 * 1000;
        assert_true(world->fleet.now - start >= pause);
        assert_true(world->fleet.now - start <= 5 * HOUR);
        pause = world->fleet.now - start;
    }
    assert_true(pause > HOUR);
}

static void a_file_that_another_firmware_has_stays(void **state)
{
    struct world *world = *state;
    struct organization other = {.name = "other"};
    int64_t firmware = world_firmware(world, "1.1.0", 0x11);
    struct firmware same;
    struct fleet *fleet = begin(world);
    assert_int_equal(store_firmware_get(fleet->store, firmware, &same), STORE_OK);
    assert_int_equal(store_organization_add(fleet->store, &other), STORE_OK);
    same.organization = other.id;
    in_transaction(world, STORE_OK, store_firmware_add(fleet->store, &same));
    delete (world, firmware);
    world->fleet.now += 100 * HOUR;
    assert_int_equal(due(world), 0);
    delete (world, same.id);
    world->fleet.now += HOUR;
    assert_int_equal(due(world), 0x11);
}

static void a_file_that_is_uploaded_again_stays(void **state)
{
    struct world *world = *state;
    delete (world, world_firmware(world, "1.1.0", 0x11));
    delete (world, world_firmware(world, "1.2.0", 0x12));
    assert_int_equal(hold(world, 0x11), STORE_OK);
    world->fleet.now += HOUR;
    assert_int_equal(due(world), 0x12);
    assert_int_equal(due(world), 0);
}

/* Its place may be emptied at any moment: whoever sends it again comes back in a while. */
static void a_file_that_is_being_removed_is_not_taken(void **state)
{
    struct world *world = *state;
    delete (world, world_firmware(world, "1.1.0", 0x11));
    world->fleet.now += HOUR;
    assert_int_equal(due(world), 0x11);
    assert_int_equal(hold(world, 0x11), STORE_CONFLICT);
    assert_int_equal(hold(world, 0x12), STORE_OK);
    world->fleet.now += HOUR / 10; /* whoever removed it is done, or dead */
    assert_int_equal(hold(world, 0x11), STORE_OK);
    world->fleet.now += 100 * HOUR;
    assert_int_equal(due(world), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_file_goes_an_hour_after_its_firmware),
        CASE(a_removal_that_fails_comes_again_later_and_later),
        CASE(a_file_that_another_firmware_has_stays),
        CASE(a_file_that_is_uploaded_again_stays),
        CASE(a_file_that_is_being_removed_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
