/* A fleet with a store in memory, and shorthands for what happens to it. Every step is a transaction of its
 * own, as the desk makes them. */
#ifndef TANDEM_TESTS_WORLD_H
#define TANDEM_TESTS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cloud/fleet/base/fleet.h"
#include "cloud/fleet/devices/device.h"
#include "cloud/fleet/rules/words.h"
#include "cloud/fleet/shipments/planner.h"
#include "cloud/fleet/shipments/shipment.h"

#define TEMPLATE "TMPL0vFkFmJM7"

struct world {
    struct fleet fleet;
    struct effect *last; /* effects of the last step, newest first */
    uint64_t connections;
};

/* cmocka fixtures; *state is a struct world. */
int world_setup(void **state);
int world_teardown(void **state);

/* Settles at once, after ms otherwise. */
void world_pass(struct world *world, int64_t ms);

int64_t world_device(struct world *world);
/* A firmware of type "pump"; its digest is filled with mark. */
int64_t world_firmware(struct world *world, const char *version, uint8_t mark);
/* For all devices of TEMPLATE; to be changed before it is shipped. */
struct shipment_order world_order(const struct world *world, int64_t firmware);
int64_t world_ship(struct world *world, struct shipment_order *order);
int64_t world_shipment(struct world *world, int64_t firmware);
void world_act(struct world *world, int64_t shipment, enum shipment_action action);

/* Connects, and says what runs. */
uint64_t world_connect(struct world *world, int64_t device);
void world_check_in(struct world *world, int64_t device, const char *version);
void world_disconnect(struct world *world, int64_t device);
void world_delete(struct world *world, int64_t device);
void world_download(struct world *world, int64_t device, int64_t firmware);
/* An ota/report as JSON. */
void world_report(struct world *world, int64_t device, const char *json);
/* A deviceReport: digest (and about, if not 0) are filled with their marks. */
void world_device_report(struct world *world, int64_t device, const char *event, const char *device_state,
                         const char *reason, uint8_t digest, uint8_t about);

/* The offer among the last step's effects, or NULL. */
const struct effect *world_offer(const struct world *world);
struct target world_target(struct world *world, int64_t shipment, int64_t device);
struct shipment world_shipment_get(struct world *world, int64_t shipment);

#define assert_status(world, shipment, device, expected)                                                     \
    assert_string_equal(status_slug(world_target(world, shipment, device).status), expected)
#define assert_offer(world)    assert_non_null(world_offer(world))
#define assert_no_offer(world) assert_null(world_offer(world))

#endif
