/* Which form of a firmware a device is offered, and what happens while it is made, or can't be. */
#include "cloud/fleet/firmware/form.h"

#include <stdio.h>
#include <string.h>

#include "cloud/fleet/node.h"
#include "cloud/fleet/rules/words.h"
#include "tandem/reason.h"
#include "tests/cloud/fleet/world.h"

#define WAIT_MS 30000
#define MINUTE  60000
#define OLD     0x11 /* marks of digests */
#define NEW     0x22
#define FULL    100000
#define SMALL   2000

struct made {
    struct form form;
    struct firmware firmware;
    struct firmware base;
};

static int setup(void **state)
{
    int result = world_setup(state);
    struct world *world = *state;
    world->fleet.forms.wait_ms = WAIT_MS;
    world->fleet.forms.space_bytes = 1 << 20;
    world->fleet.forms.folder = "/nonexistent";
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(node_join(&world->fleet, true), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    return result;
}

/* Connects, tells its image (0: unknown) and what it decodes, and checks in. */
static void start(struct world *world, int64_t device, uint8_t image, const char *decodes)
{
    char json[400];
    char digest[65] = "";
    for (int i = 0; i < 32 && image != 0; i++)
        snprintf(digest + 2 * i, 3, "%02x", image);
    world_connect(world, device);
    snprintf(json, sizeof json,
             "{\"stage\":\"device\",\"event\":\"started\",\"state\":\"confirmed\",\"reason\":\"none\","
             "\"digest\":\"%s\",\"about\":\"\",\"hardware\":\"board-1\",\"counter\":1,\"decodes\":%s}",
             digest, decodes);
    world_report(world, device, json);
    struct check_in check_in = {.template = TEMPLATE, .type = "pump", .version = "1.0.0"};
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(device_checked_in(&world->fleet, device, world->connections, &check_in), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    world_pass(world, 0);
}

static const char *const both = "[\"compressed\",\"delta\"]";

static int64_t started(struct world *world, uint8_t image, const char *decodes)
{
    int64_t device = world_device(world);
    start(world, device, image, decodes);
    return device;
}

/* What the maker does: takes what is wanted. False if nothing is. */
static bool take(struct world *world, struct made *made)
{
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    int result = form_take(&world->fleet, MINUTE, &made->form, &made->firmware, &made->base);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    assert_true(result == STORE_OK || result == STORE_NOT_FOUND);
    return result == STORE_OK;
}

static void arrive(struct world *world, struct made *made, enum form_state state, int64_t size)
{
    made->form.state = state;
    made->form.size = size;
    memset(made->form.sha256, (int)made->form.id, sizeof made->form.sha256);
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(form_arrived(&world->fleet, &made->form), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    world_pass(world, 0);
}

static void make(struct world *world, enum form_kind kind, enum form_state state, int64_t size)
{
    struct made made;
    assert_true(take(world, &made));
    assert_int_equal(form_kind_of(&made.form), kind);
    arrive(world, &made, state, size);
}

static int64_t two_firmwares(struct world *world)
{
    world_firmware(world, "1.0.0", OLD);
    return world_firmware(world, "1.1.0", NEW);
}

#define assert_form(world, shipment, device, kind, bytes)                                                    \
    do {                                                                                                     \
        struct target target_ = world_target(world, shipment, device);                                       \
        assert_int_equal(target_.form, kind);                                                                \
        assert_int_equal(target_.sent_bytes, bytes);                                                         \
        assert_int_equal(target_.plain_bytes, (kind) == FORM_NONE ? 0 : FULL);                               \
    } while (0)

static void an_offer_waits_for_the_delta_and_brings_it(void **state)
{
    struct world *world = *state;
    struct made made;
    struct made another;
    int64_t firmware = two_firmwares(world);
    int64_t device = started(world, OLD, both);
    int64_t shipment = world_shipment(world, firmware);
    world_pass(world, 1000);
    assert_no_offer(world);
    assert_form(world, shipment, device, FORM_NONE, 0);
    assert_true(take(world, &made));
    assert_int_equal(made.firmware.id, firmware);
    assert_string_equal(made.base.version, "1.0.0");
    assert_false(take(world, &another)); /* it is asked for once */
    arrive(world, &made, FORM_STATE_READY, SMALL);
    assert_offer(world);
    assert_non_null(strstr(world_offer(world)->text, "\"size\":2000"));
    assert_form(world, shipment, device, FORM_DELTA, SMALL);
}

static void why_says_that_it_is_being_made(void **state)
{
    struct world *world = *state;
    struct verdict verdict;
    int64_t firmware = two_firmwares(world);
    int64_t device = started(world, OLD, both);
    int64_t shipment = world_shipment(world, firmware);
    world_pass(world, 1000);
    struct target target = world_target(world, shipment, device);
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(planner_explain(&world->fleet, &target, &verdict), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    assert_int_equal(verdict.kind, VERDICT_WAIT);
    assert_string_equal(verdict.rule, "delta");
    assert_true(verdict.later);
}

static void it_waits_no_longer_than_it_may(void **state)
{
    struct world *world = *state;
    struct made made;
    int64_t firmware = two_firmwares(world);
    int64_t device = started(world, OLD, both);
    int64_t shipment = world_shipment(world, firmware);
    assert_true(take(world, &made)); /* and never comes back */
    world_pass(world, WAIT_MS - 1000);
    assert_no_offer(world);
    world_pass(world, 1100);
    assert_offer(world);
    assert_form(world, shipment, device, FORM_PLAIN, FULL);
    arrive(world, &made, FORM_STATE_READY, SMALL);
    assert_no_offer(world);
    int64_t late = started(world, OLD, both);
    assert_form(world, shipment, late, FORM_DELTA, SMALL);
}

static void without_a_base_it_is_compressed(void **state)
{
    struct world *world = *state;
    int64_t firmware = two_firmwares(world);
    int64_t unknown = started(world, 0, both);
    int64_t foreign = started(world, 0x77, both); /* of that image no package was uploaded */
    int64_t plainly = started(world, OLD, "[\"compressed\"]");
    int64_t shipment = world_shipment(world, firmware);
    world_pass(world, 1000);
    make(world, FORM_COMPRESSED, FORM_STATE_READY, 60000);
    assert_form(world, shipment, unknown, FORM_COMPRESSED, 60000);
    assert_form(world, shipment, foreign, FORM_COMPRESSED, 60000);
    assert_form(world, shipment, plainly, FORM_COMPRESSED, 60000);
}

static void a_delta_that_does_not_pay_gives_way_to_compression(void **state)
{
    struct world *world = *state;
    int64_t firmware = two_firmwares(world);
    int64_t device = started(world, OLD, both);
    int64_t shipment = world_shipment(world, firmware);
    world_pass(world, 1000);
    make(world, FORM_DELTA, FORM_STATE_NO_GAIN, 95000);
    assert_no_offer(world);
    make(world, FORM_COMPRESSED, FORM_STATE_READY, 60000);
    assert_form(world, shipment, device, FORM_COMPRESSED, 60000);
}

static void without_any_gain_it_is_plain_at_once(void **state)
{
    struct world *world = *state;
    int64_t firmware = two_firmwares(world);
    int64_t device = started(world, OLD, both);
    int64_t shipment = world_shipment(world, firmware);
    world_pass(world, 1000);
    make(world, FORM_DELTA, FORM_STATE_NO_GAIN, 95000);
    make(world, FORM_COMPRESSED, FORM_STATE_FAILED, 0);
    assert_form(world, shipment, device, FORM_PLAIN, FULL);
}

static void devices_that_do_not_say_that_they_decode_get_it_plain(void **state)
{
    struct world *world = *state;
    struct made made;
    int64_t firmware = two_firmwares(world);
    int64_t silent = started(world, OLD, "[]");
    int64_t later = started(world, OLD, "[\"something-new\"]");
    int64_t shipment = world_shipment(world, firmware);
    world_pass(world, 1000);
    assert_form(world, shipment, silent, FORM_PLAIN, FULL);
    assert_form(world, shipment, later, FORM_PLAIN, FULL);
    assert_false(take(world, &made));
}

static void what_another_firmware_decoded_counts_no_more(void **state)
{
    struct world *world = *state;
    int64_t firmware = two_firmwares(world);
    int64_t device = started(world, OLD, both);
    world_disconnect(world, device);
    world_check_in(world, device, "0.9.0"); /* an older one, which tells nothing */
    int64_t shipment = world_shipment(world, firmware);
    assert_form(world, shipment, device, FORM_PLAIN, FULL);
}

static void switched_off_every_device_gets_what_was_uploaded(void **state)
{
    struct world *world = *state;
    struct made made;
    int64_t firmware = two_firmwares(world);
    world->fleet.forms.off = true;
    int64_t device = started(world, OLD, both);
    int64_t shipment = world_shipment(world, firmware);
    assert_form(world, shipment, device, FORM_PLAIN, FULL);
    assert_false(take(world, &made));
}

/* The device's refusal comes twice: of the co-processor's update, and in its own report. */
static void refuse(struct world *world, int64_t device, const char *reason)
{
    char json[200];
    snprintf(json, sizeof json,
             "{\"stage\":\"failed\",\"reason\":\"%s\",\"leg\":\"uart\",\"wire_bytes\":900}", reason);
    world_report(world, device, json);
    world_device_report(world, device, "failed", "confirmed", reason, OLD, NEW);
}

static int64_t offered_a_delta(struct world *world, int64_t *device)
{
    int64_t firmware = two_firmwares(world);
    *device = started(world, OLD, both);
    int64_t shipment = world_shipment(world, firmware);
    world_pass(world, 1000);
    make(world, FORM_DELTA, FORM_STATE_READY, SMALL);
    assert_form(world, shipment, *device, FORM_DELTA, SMALL);
    return shipment;
}

static void a_device_that_refuses_it_gets_the_plain_package_next(void **state)
{
    static const char *const reasons[] = {"wrong-base", "unknown-encoding", "bad-package", "bad-digest",
                                          "write-refused"};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        int64_t device;
        int64_t shipment = offered_a_delta(world, &device);
        refuse(world, device, reasons[i]);
        struct target target = world_target(world, shipment, device);
        assert_false(target.ended);
        assert_string_equal(status_slug(target.status), "upload-failure");
        assert_string_equal(tdm_reason_slug(target.reason), reasons[i]);
        world_pass(world, 4000);
        assert_no_offer(world);
        world_pass(world, 2000);
        assert_offer(world);
        assert_form(world, shipment, device, FORM_PLAIN, FULL);
        refuse(world, device, "write-refused"); /* and so does every one after that */
        world_pass(world, 2 * MINUTE);
        assert_form(world, shipment, device, FORM_PLAIN, FULL);
        world_teardown(state);
        setup(state);
        world = *state;
    }
}

static void what_no_form_is_to_blame_for_ends_as_ever(void **state)
{
    struct world *world = *state;
    int64_t device;
    int64_t shipment = offered_a_delta(world, &device);
    refuse(world, device, "bad-signature");
    struct target target = world_target(world, shipment, device);
    assert_true(target.ended);
    assert_int_equal(target.reason, TDM_REASON_SIGNATURE);
}

static void wrong_base_of_a_plain_package_ends_it(void **state)
{
    struct world *world = *state;
    int64_t device;
    int64_t shipment = offered_a_delta(world, &device);
    refuse(world, device, "wrong-base");
    world_pass(world, 6000);
    assert_form(world, shipment, device, FORM_PLAIN, FULL);
    refuse(world, device, "wrong-base"); /* which makes no sense */
    assert_true(world_target(world, shipment, device).ended);
}

static void a_device_that_asks_to_wait_gets_the_same_form_again(void **state)
{
    struct world *world = *state;
    int64_t device;
    int64_t shipment = offered_a_delta(world, &device);
    refuse(world, device, "low-battery");
    world_pass(world, 16 * MINUTE);
    assert_offer(world);
    assert_form(world, shipment, device, FORM_DELTA, SMALL);
}

static void an_update_that_goes_on_waits_for_nothing(void **state)
{
    struct world *world = *state;
    int64_t device;
    int64_t shipment = offered_a_delta(world, &device);
    struct form form;
    uint8_t base[RECORD_DIGEST_BYTES];
    memset(base, OLD, sizeof base);
    world_report(world, device, "{\"stage\":\"downloading\",\"size\":2000,\"bytes\":10}");
    int64_t firmware = world_shipment_get(world, shipment).firmware;
    assert_int_equal(store_form_find(world->fleet.store, firmware, base, &form), STORE_OK);
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(store_form_delete(world->fleet.store, form.id), STORE_OK); /* evicted meanwhile */
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    world_disconnect(world, device);
    start(world, device, OLD, both);
    world_pass(world, 6000);
    assert_form(world, shipment, device, FORM_PLAIN, FULL);
    assert_int_equal(world_target(world, shipment, device).attempts, 1);
}

static void making_is_tried_three_times_further_and_further_apart(void **state)
{
    static const int64_t pauses[] = {1 * MINUTE, 4 * MINUTE};
    struct world *world = *state;
    struct made made;
    int64_t firmware = two_firmwares(world);
    started(world, OLD, both);
    world_shipment(world, firmware);
    world_pass(world, 1000);
    for (size_t i = 0; i < 2; i++) {
        make(world, FORM_DELTA, FORM_STATE_FAILED, 0);
        while (take(world, &made)) /* compression, which the device gets meanwhile */
            arrive(world, &made, FORM_STATE_NO_GAIN, 0);
        world_pass(world, pauses[i] - 2000);
        started(world, OLD, both);
        assert_false(take(world, &made));
        world_pass(world, 4000);
        started(world, OLD, both); /* a device asks for it anew */
    }
    make(world, FORM_DELTA, FORM_STATE_FAILED, 0);
    world_pass(world, 60 * MINUTE);
    started(world, OLD, both);
    assert_false(take(world, &made));
}

static void what_a_server_that_ended_was_making_is_taken_again_but_not_for_ever(void **state)
{
    struct world *world = *state;
    struct made made;
    struct form form;
    int64_t firmware = two_firmwares(world);
    started(world, OLD, both);
    world_shipment(world, firmware);
    world_pass(world, 1000);
    for (int i = 1; i <= 3; i++) {
        assert_true(take(world, &made));
        assert_int_equal(made.form.tries, i);
        world_pass(world, 1000);
        world_pass(world, MINUTE); /* its lease is over */
    }
    assert_false(take(world, &made));
    assert_int_equal(store_form_get(world->fleet.store, made.form.id, &form), STORE_OK);
    assert_int_equal(form.state, FORM_STATE_FAILED);
}

static void a_form_whose_base_was_deleted_is_given_up(void **state)
{
    struct world *world = *state;
    struct made made;
    int64_t base = world_firmware(world, "1.0.0", OLD);
    int64_t firmware = world_firmware(world, "1.1.0", NEW);
    started(world, OLD, both);
    world_shipment(world, firmware);
    world_pass(world, 1000);
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(store_firmware_delete(world->fleet.store, base), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    assert_false(take(world, &made));
}

static void the_rate_counts_the_bytes_that_are_sent(void **state)
{
    struct world *world = *state;
    int64_t firmware = two_firmwares(world);
    int64_t first = started(world, OLD, both);
    int64_t second = started(world, OLD, both);
    struct shipment_order order = world_order(world, firmware);
    order.shipment.bytes_per_second = SMALL; /* a delta a second, or a plain package in 50 */
    int64_t shipment = world_ship(world, &order);
    world_pass(world, 100);
    make(world, FORM_DELTA, FORM_STATE_READY, SMALL);
    assert_int_equal(world_target(world, shipment, first).form, FORM_DELTA);
    assert_int_equal(world_target(world, shipment, second).form, FORM_NONE);
    world_pass(world, 1000);
    assert_int_equal(world_target(world, shipment, second).form, FORM_DELTA);
}

static void those_offered_longest_ago_make_room(void **state)
{
    struct world *world = *state;
    uint8_t gone[10][RECORD_DIGEST_BYTES];
    size_t count;
    int64_t ids[3];
    world_firmware(world, "1.0.0", OLD);
    for (int i = 0; i < 3; i++) {
        char version[16];
        snprintf(version, sizeof version, "1.%d.0", i + 1);
        int64_t firmware = world_firmware(world, version, (uint8_t)(NEW + i));
        struct form form = {.firmware = firmware, .state = FORM_STATE_READY, .size = 1000, .used = 100 - i};
        memset(form.sha256, i + 1, sizeof form.sha256);
        assert_int_equal(store_begin(world->fleet.store), STORE_OK);
        assert_int_equal(store_form_add(world->fleet.store, &form), STORE_OK);
        assert_int_equal(store_commit(world->fleet.store), STORE_OK);
        ids[i] = form.id;
    }
    world->fleet.forms.space_bytes = 1000;
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(form_evict(&world->fleet, ids[2], gone, 10, &count), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(gone[0][0], 2); /* used 99 */
    assert_int_equal(gone[1][0], 1);
    struct form left;
    assert_int_equal(store_form_get(world->fleet.store, ids[2], &left), STORE_OK);
    assert_int_equal(store_form_get(world->fleet.store, ids[0], &left), STORE_NOT_FOUND);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(an_offer_waits_for_the_delta_and_brings_it),
        CASE(why_says_that_it_is_being_made),
        CASE(it_waits_no_longer_than_it_may),
        CASE(without_a_base_it_is_compressed),
        CASE(a_delta_that_does_not_pay_gives_way_to_compression),
        CASE(without_any_gain_it_is_plain_at_once),
        CASE(devices_that_do_not_say_that_they_decode_get_it_plain),
        CASE(what_another_firmware_decoded_counts_no_more),
        CASE(switched_off_every_device_gets_what_was_uploaded),
        CASE(a_device_that_refuses_it_gets_the_plain_package_next),
        CASE(what_no_form_is_to_blame_for_ends_as_ever),
        CASE(wrong_base_of_a_plain_package_ends_it),
        CASE(a_device_that_asks_to_wait_gets_the_same_form_again),
        CASE(an_update_that_goes_on_waits_for_nothing),
        CASE(making_is_tried_three_times_further_and_further_apart),
        CASE(what_a_server_that_ended_was_making_is_taken_again_but_not_for_ever),
        CASE(a_form_whose_base_was_deleted_is_given_up),
        CASE(the_rate_counts_the_bytes_that_are_sent),
        CASE(those_offered_longest_ago_make_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
