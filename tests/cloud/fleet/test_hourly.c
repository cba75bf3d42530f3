/* What happens once an hour: points of charts, and firmware that goes. */
#include "tests/cloud/fleet/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/fleet/firmware/retention.h"
#include "cloud/text.h"

#define MINUTE ((int64_t)60 * 1000)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static void versions_in_the_field_are_kept_once_an_hour(void **state)
{
    struct world *world = *state;
    struct version_point *points;
    size_t count;
    int64_t one = world_device(world), two = world_device(world);
    world_check_in(world, one, "1.0.0");
    world_check_in(world, two, "1.0.0");
    world_pass(world, HOUR);
    world_pass(world, 1000); /* the same hour */
    world_check_in(world, two, "1.1.0");
    world_pass(world, HOUR);
    assert_int_equal(
        store_chart_versions(world->fleet.store, RECORD_FIRST_ORGANIZATION, TEMPLATE, 0, &points, &count),
        STORE_OK);
    assert_int_equal(count, 3);
    assert_int_equal(points[0].devices, 2);
    assert_string_equal(points[0].version, "1.0.0");
    assert_int_equal(points[0].time % HOUR, 0);
    assert_int_equal(points[1].time - points[0].time, HOUR);
    assert_int_equal(points[1].devices, 1);
    assert_string_equal(points[2].version, "1.1.0");
    free(points);
    assert_int_equal(store_field(world->fleet.store, RECORD_FIRST_ORGANIZATION, "", 7, &points, &count),
                     STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(points[1].devices, 1);
    free(points);
}

static void a_live_shipments_progress_is_kept_once_an_hour_and_at_its_end(void **state)
{
    struct world *world = *state;
    struct progress_point *points;
    size_t count;
    world->fleet.limits.settle_ms = 0;
    int64_t one = world_device(world), two = world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_pass(world, 3 * HOUR); /* it is no longer new */
    world_check_in(world, one, "1.0.0");
    world_check_in(world, one, "1.1.0");
    world_pass(world, HOUR);
    world_pass(world, MINUTE);
    world_check_in(world, two, "1.0.0");
    world_check_in(world, two, "1.1.0");
    world_pass(world, 2 * HOUR); /* it is over: no more points */
    assert_int_equal(store_chart_shipment(world->fleet.store, shipment, &points, &count), STORE_OK);
    assert_int_equal(count, 3);
    assert_int_equal(points[0].progress.updated, 0);
    assert_int_equal(points[1].progress.updated, 1);
    assert_int_equal(points[1].progress.target, 2);
    assert_int_equal(points[1].time % HOUR, 0);
    assert_int_equal(points[2].progress.updated, 2);
    free(points);
}

static void a_new_shipments_progress_is_kept_once_a_minute(void **state)
{
    struct world *world = *state;
    struct progress_point *points;
    size_t count;
    world->fleet.limits.settle_ms = 0;
    world_pass(world, HOUR - world->fleet.now % HOUR); /* nothing of the hour's in between */
    int64_t one = world_device(world);
    (void)world_device(world);
    int64_t shipment = world_shipment(world, world_firmware(world, "1.1.0", 0x11));
    world_pass(world, MINUTE);
    world_check_in(world, one, "1.0.0");
    world_check_in(world, one, "1.1.0");
    world_pass(world, MINUTE);
    world_pass(world, 1000); /* the same minute */
    assert_int_equal(store_chart_shipment(world->fleet.store, shipment, &points, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(points[1].time - points[0].time, MINUTE);
    assert_int_equal(points[0].progress.updated, 0);
    assert_int_equal(points[1].progress.updated, 1);
    free(points);
}

static bool is_there(struct world *world, int64_t firmware)
{
    struct firmware read;
    return store_firmware_get(world->fleet.store, firmware, &read) == STORE_OK;
}

static void old_firmware_goes_unless_it_is_new_of_its_type_or_used(void **state)
{
    struct world *world = *state;
    struct retention retention = {.days = 10, .keep = 1};
    int64_t device = world_device(world);
    int64_t running = world_firmware(world, "1.0.0", 0x10);
    int64_t shipped = world_firmware(world, "1.1.0", 0x11);
    int64_t unused = world_firmware(world, "1.2.0", 0x12);
    int64_t newest = world_firmware(world, "1.3.0", 0x13);
    world_check_in(world, device, "1.0.0");
    world_shipment(world, shipped);
    world_pass(world, HOUR);
    assert_true(is_there(world, unused)); /* nothing was asked for */
    assert_int_equal(store_begin(world->fleet.store), STORE_OK);
    assert_int_equal(retention_set(&world->fleet, RECORD_FIRST_ORGANIZATION, &retention), STORE_OK);
    assert_int_equal(store_commit(world->fleet.store), STORE_OK);
    world_pass(world, HOUR);
    assert_false(is_there(world, unused)); /* uploaded in 1970 */
    assert_true(is_there(world, running) && is_there(world, shipped) && is_there(world, newest));
}

static void touch(const char *folder, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void remove_file(const char *folder, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(unlink(path), 0);
}

static bool in_folder(const char *folder, const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return access(path, F_OK) == 0;
}

static void files_of_deleted_firmware_leave_the_folder_within_an_hour(void **state)
{
    struct world *world = *state;
    char folder[] = "/tmp/tandem-hourly-XXXXXX";
    char kept[65], gone[65];
    struct firmware firmware;
    assert_non_null(mkdtemp(folder));
    world->fleet.folder = folder;
    assert_int_equal(store_firmware_get(world->fleet.store, world_firmware(world, "1.1.0", 0x11), &firmware),
                     STORE_OK);
    touch(folder, text_hex(firmware.sha256, sizeof firmware.sha256, kept));
    firmware.sha256[0] ^= 1; /* that of one which was deleted */
    touch(folder, text_hex(firmware.sha256, sizeof firmware.sha256, gone));
    touch(folder, ".upload-abcdef");
    world_pass(world, HOUR);
    world_pass(world, 1000);
    assert_true(in_folder(folder, kept));
    assert_false(in_folder(folder, gone));
    assert_true(in_folder(folder, ".upload-abcdef"));
    touch(folder, gone); /* such a file is left for the rest of the hour */
    world_pass(world, 1000);
    assert_true(in_folder(folder, gone));
    world_pass(world, HOUR);
    world_pass(world, 1000);
    assert_false(in_folder(folder, gone));
    world->fleet.folder = NULL;
    remove_file(folder, kept);
    remove_file(folder, ".upload-abcdef");
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(versions_in_the_field_are_kept_once_an_hour),
        CASE(a_live_shipments_progress_is_kept_once_an_hour_and_at_its_end),
        CASE(a_new_shipments_progress_is_kept_once_a_minute),
        CASE(files_of_deleted_firmware_leave_the_folder_within_an_hour),
        CASE(old_firmware_goes_unless_it_is_new_of_its_type_or_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
