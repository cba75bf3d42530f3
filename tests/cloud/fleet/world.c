#include "tests/cloud/fleet/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/due.h"
#include "cloud/text.h"
#include "tests/cloud/store/fresh.h"

int world_setup(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    fresh_begin();
    world->fleet.store = fresh_open_alone();
    world->fleet.limits = status_limits_default;
    world->fleet.node = 1;
    world->fleet.now = 1700000000000;
    *state = world;
    return 0;
}

static void drop_effects(struct world *world)
{
    while (world->last != NULL) {
        struct effect *next = world->last->next;
        free(world->last);
        world->last = next;
    }
}

int world_teardown(void **state)
{
    struct world *world = *state;
    drop_effects(world);
    fleet_clear(&world->fleet);
    store_close(world->fleet.store);
    free(world);
    fresh_end();
    return 0;
}

static void begin(struct world *world)
{
    drop_effects(world);
    world->fleet.now += 1;
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
}

static void commit(struct world *world, int result)
{
    assert_int_equal(result, STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    world->last = world->fleet.effects;
    world->fleet.effects = NULL;
}

void world_pass(struct world *world, int64_t ms)
{
    world->fleet.now += ms;
    begin(world);
    commit(world, due_tick(&world->fleet));
}

int64_t world_device(struct world *world)
{
    struct device device = {.organization = RECORD_FIRST_ORGANIZATION, .template = TEMPLATE};
    char token[SECRET_TOKEN_MAX];
    secret_token(token);
    begin(world);
    commit(world, device_add(&world->fleet, &device, token));
    return device.id;
}

int64_t world_firmware(struct world *world, const char *version, uint8_t mark)
{
    struct firmware firmware = {.organization = RECORD_FIRST_ORGANIZATION,
                                .package = true,
                                .size = 100000,
                                .type = "pump",
                                .hardware = "board-1",
                                .form = FORM_PLAIN,
                                .plain_size = 100000};
    snprintf(firmware.version, sizeof firmware.version, "%s", version);
    memset(firmware.digest, mark, sizeof firmware.digest);
    memset(firmware.sha256, mark, sizeof firmware.sha256);
    begin(world);
    commit(world, store_firmware_add(world->fleet.store, &firmware));
    return firmware.id;
}

struct shipment_order world_order(const struct world *world, int64_t firmware)
{
    struct shipment_order order;
    shipment_order_init(&order, &world->fleet.limits);
    snprintf(order.shipment.template, sizeof order.shipment.template, "%s", TEMPLATE);
    order.shipment.firmware = firmware;
    order.shipment.organization = RECORD_FIRST_ORGANIZATION;
    return order;
}

int64_t world_ship(struct world *world, struct shipment_order *order)
{
    begin(world);
    commit(world, shipment_create(&world->fleet, order));
    return order->shipment.id;
}

int64_t world_shipment(struct world *world, int64_t firmware)
{
    struct shipment_order order = world_order(world, firmware);
    return world_ship(world, &order);
}

void world_act(struct world *world, int64_t id, enum shipment_action action)
{
    struct shipment shipment;
    begin(world);
    commit(world, shipment_act(&world->fleet, id, action, &shipment));
}

uint64_t world_connect(struct world *world, int64_t device)
{
    begin(world);
    commit(world, device_connected(&world->fleet, device, ++world->connections, "http://192.0.2.1:8080"));
    return world->connections;
}

void world_check_in(struct world *world, int64_t device, const char *version)
{
    struct check_in check_in = {.template = TEMPLATE, .type = "pump"};
    uint64_t connection = world_connect(world, device);
    snprintf(check_in.version, sizeof check_in.version, "%s", version);
    begin(world);
    commit(world, device_checked_in(&world->fleet, device, connection, &check_in));
}

void world_disconnect(struct world *world, int64_t device)
{
    begin(world);
    commit(world, device_disconnected(&world->fleet, device, world->connections, "gone"));
}

void world_delete(struct world *world, int64_t device)
{
    begin(world);
    commit(world, device_delete(&world->fleet, device));
}

void world_download(struct world *world, int64_t device, int64_t firmware)
{
    begin(world);
    commit(world, device_download(&world->fleet, device, firmware, DOWNLOAD_BEGINS));
    begin(world);
    commit(world, device_download(&world->fleet, device, firmware, DOWNLOAD_SENT));
}

void world_report(struct world *world, int64_t device, const char *json)
{
    struct report report;
    assert_true(report_parse(json, strlen(json), &report));
    begin(world);
    commit(world, device_reported(&world->fleet, device, &report));
}

void world_device_report(struct world *world, int64_t device, const char *event, const char *device_state,
                         const char *reason, uint8_t digest, uint8_t about)
{
    char json[512];
    uint8_t bytes[32];
    char running[65];
    char spoken_of[65] = "";
    memset(bytes, digest, sizeof bytes);
    text_hex(bytes, sizeof bytes, running);
    memset(bytes, about, sizeof bytes);
    if (about != 0)
        text_hex(bytes, 12, spoken_of);
    snprintf(json, sizeof json,
             "{\"stage\":\"device\",\"event\":\"%s\",\"state\":\"%s\",\"reason\":\"%s\",\"digest\":\"%s\","
             "\"about\":\"%s\",\"hardware\":\"board-1\",\"counter\":1}",
             event, device_state, reason, running, spoken_of);
    world_report(world, device, json);
}

const struct effect *world_offer(const struct world *world)
{
    const struct effect *effect = world->last;
    while (effect != NULL && effect->kind != EFFECT_OFFER)
        effect = effect->next;
    return effect;
}

struct target world_target(struct world *world, int64_t shipment, int64_t device)
{
    struct target target;
    assert_int_equal(store_target_get(world->fleet.store, shipment, device, &target), STORE_OK);
    return target;
}

struct shipment world_shipment_get(struct world *world, int64_t id)
{
    struct shipment shipment;
    assert_int_equal(store_shipment_get(world->fleet.store, id, &shipment), STORE_OK);
    return shipment;
}
