/* Servers that share a store, and one that falls silent. */
#include "tests/cloud/fleet/world.h"

#include <stdlib.h>

#include "cloud/fleet/node.h"

static void tick(struct world *world)
{
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(node_tick(&world->fleet), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    node_ticked(&world->fleet);
    world->fleet.now += NODE_BEAT_MS;
    while (world->last != NULL) {
        struct effect *next = world->last->next;
        free(world->last);
        world->last = next;
    }
    world->last = world->fleet.effects;
    world->fleet.effects = NULL;
}

/* This server, another one, and a device that is connected to the other. */
static int64_t join_both(struct world *world, int64_t device)
{
    int64_t other;
    struct store *store = world->fleet.store;
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(node_join(&world->fleet, true), STORE_OK);
    assert_int_equal(store_node_add(store, 1, false, &other), STORE_OK);
    struct presence presence = {.node = other, .connection = 5};
    assert_int_equal(store_presence_set(store, device, &presence), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    return other;
}

static void a_server_that_falls_silent_is_taken_out_with_its_devices(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t other = join_both(world, device);
    for (int look = 0; look <= NODE_SILENCE; look++) {
        tick(world);
        assert_int_equal(fleet_presence(&world->fleet, device).node, other);
    }
    tick(world);
    assert_int_equal(fleet_presence(&world->fleet, device).connection, 0);
    assert_int_equal(store_node_beat(world->fleet.store, other), STORE_NOT_FOUND);
}

static int64_t online(struct world *world)
{
    struct store_figures figures;
    assert_int_equal(store_count_of(world->fleet.store, RECORD_FIRST_ORGANIZATION, &figures), STORE_OK);
    return figures.online;
}

/* Taken over by this server and by the other, connected twice, gone, deleted: the count goes along. */
static void connected_devices_are_counted_wherever_they_go(void **state)
{
    struct world *world = *state;
    struct store *store = world->fleet.store;
    int64_t first = world_device(world), second = world_device(world);
    int64_t other = join_both(world, first), here = world->fleet.node;
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_crowd_count(store, other, other, RECORD_FIRST_ORGANIZATION, 1), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    world_connect(world, first); /* it leaves the other */
    assert_int_equal(online(world), 1);
    world_connect(world, second);
    assert_int_equal(online(world), 2);
    world_connect(world, second);
    assert_int_equal(online(world), 2);
    world_disconnect(world, second);
    assert_int_equal(online(world), 1);
    world->fleet.node = other; /* and goes back there */
    world_connect(world, first);
    assert_int_equal(online(world), 1);
    world->fleet.node = here;
    world_delete(world, first);
    assert_int_equal(online(world), 0);
}

/* Where servers are in each other's way, a tick runs again, more often than a server may be silent. */
static void a_tick_that_is_taken_back_is_neither_a_beat_nor_a_look(void **state)
{
    struct world *world = *state;
    struct store *store = world->fleet.store;
    int64_t device = world_device(world);
    int64_t other = join_both(world, device);
    struct node *nodes;
    size_t count;
    for (int look = 0; look < NODE_SILENCE; look++) {
        for (int again = 0; again < 3; again++) {
            assert_int_equal(store_begin(store), STORE_OK);
            assert_int_equal(node_tick(&world->fleet), STORE_OK);
            store_rollback(store);
        }
        tick(world);
    }
    assert_int_equal(fleet_presence(&world->fleet, device).node, other);
    assert_int_equal(store_nodes(store, &nodes, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(nodes[0].beat, NODE_SILENCE);
    free(nodes);
}

static void a_server_that_beats_stays(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t other = join_both(world, device);
    for (int look = 0; look < 5 * NODE_SILENCE; look++) {
        if (look % NODE_SILENCE == 0)
            assert_int_equal(store_node_beat(world->fleet.store, other), STORE_OK);
        tick(world);
    }
    assert_int_equal(fleet_presence(&world->fleet, device).node, other);
}

/* A pause of this server, or of the database, says nothing about the others. */
static void time_that_nobody_looked_at_makes_nobody_silent(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t other = join_both(world, device);
    tick(world);
    world->fleet.now += 3600 * 1000;
    tick(world);
    assert_int_equal(fleet_presence(&world->fleet, device).node, other);
}

static void a_device_that_connects_here_leaves_the_other_server(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t other = join_both(world, device);
    world_connect(world, device);
    assert_int_equal(fleet_presence(&world->fleet, device).node, world->fleet.node);
    const struct effect *effect = world->last;
    assert_non_null(effect);
    assert_int_equal(effect->kind, EFFECT_TAKEN_OVER);
    assert_int_equal(effect->node, other);
    assert_int_equal(effect->connection, 5);
}

/* What waited while it was stopped is done first, then it finds out; nobody else would ever find these
 * devices. */
static void a_server_that_was_taken_out_takes_its_devices_along(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    join_both(world, device);
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(store_node_remove(world->fleet.store, world->fleet.node), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    world_connect(world, device);
    assert_int_equal(fleet_presence(&world->fleet, device).node, world->fleet.node);
    assert_false(world->fleet.taken_out);
    tick(world);
    assert_true(world->fleet.taken_out);
    assert_int_equal(fleet_presence(&world->fleet, device).connection, 0);
}

static void devices_that_another_server_added_may_log_in_here(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    join_both(world, device);
    tick(world);
    const struct effect *effect = world->last;
    assert_non_null(effect);
    assert_int_equal(effect->kind, EFFECT_TOKEN_KNOWN);
    assert_int_equal(effect->device, device);
}

/* The offer is that server's to make: one that got lost on the way would be an attempt for nothing. */
static void a_device_of_another_server_is_due_there_and_offered_nothing_here(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t other = join_both(world, device);
    int64_t here = world->fleet.node;
    int64_t shipment = world_shipment(world, world_firmware(world, "2.0.0", 2));
    assert_null(world_offer(world));
    struct target target = world_target(world, shipment, device);
    assert_int_equal(target.status, TARGET_WAITING);
    assert_int_equal(target.attempts, 0);
    assert_true(target.due > 0 && target.due <= world->fleet.now);
    world_pass(world, 1000);
    assert_null(world_offer(world));
    world->fleet.node = other;
    world_check_in(world, device, "1.0.0");
    assert_non_null(world_offer(world));
    world->fleet.node = here;
}

/* Its device runs the newest shipment's firmware, and was just offered an older one's at another server. */
static void an_update_that_is_superseded_ends_wherever_its_device_is(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    int64_t other = join_both(world, device), here = world->fleet.node;
    world->fleet.node = other;
    world_check_in(world, device, "1.0.0");
    int64_t older = world_shipment(world, world_firmware(world, "2.0.0", 2));
    assert_status(world, older, device, "request-sent");
    world->fleet.node = here;
    int64_t newest = world_shipment(world, world_firmware(world, "1.0.0", 1));
    assert_null(world_offer(world));
    assert_status(world, newest, device, "already-there");
    assert_status(world, older, device, "upload-failure");
    assert_true(world_target(world, older, device).ended);
}

/* What an older shipment has due is no reason to repeat the offer of a newer one that is under way. */
static void a_due_time_is_of_its_own_target_alone(void **state)
{
    struct world *world = *state;
    int64_t device = world_device(world);
    world_check_in(world, device, "1.0.0");
    int64_t older = world_shipment(world, world_firmware(world, "2.0.0", 2));
    int64_t newer = world_shipment(world, world_firmware(world, "3.0.0", 3));
    struct target target = world_target(world, older, device);
    target.due = world->fleet.now;
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(store_target_update(world->fleet.store, &target), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    world_pass(world, 1000);
    assert_null(world_offer(world));
    assert_int_equal(world_target(world, newer, device).repeats, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_server_that_falls_silent_is_taken_out_with_its_devices),
        CASE(connected_devices_are_counted_wherever_they_go),
        CASE(a_tick_that_is_taken_back_is_neither_a_beat_nor_a_look),
        CASE(a_server_that_beats_stays),
        CASE(time_that_nobody_looked_at_makes_nobody_silent),
        CASE(a_device_that_connects_here_leaves_the_other_server),
        CASE(a_device_of_another_server_is_due_there_and_offered_nothing_here),
        CASE(an_update_that_is_superseded_ends_wherever_its_device_is),
        CASE(a_due_time_is_of_its_own_target_alone),
        CASE(a_server_that_was_taken_out_takes_its_devices_along),
        CASE(devices_that_another_server_added_may_log_in_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
