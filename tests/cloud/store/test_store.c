/* The store's promises, on every kind of database. */
#include "cloud/store/form.h"
#include "tests/cloud/store/fresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int setup(void **state)
{
    fresh_begin();
    *state = fresh_open();
    return 0;
}

static int teardown(void **state)
{
    store_close(*state);
    fresh_end();
    return 0;
}

static struct device add_device(struct store *store, uint8_t mark)
{
    struct device device = {.organization = RECORD_FIRST_ORGANIZATION,
                            .template = "T1",
                            .name = "pump",
                            .created = 5,
                            .counter = -1};
    memset(device.token_hash, mark, sizeof device.token_hash);
    assert_int_equal(store_template_add(store, device.organization, device.template), STORE_OK);
    assert_int_equal(store_device_add(store, &device), STORE_OK);
    return device;
}

static void a_device_comes_back_as_it_was_written(void **state)
{
    struct store *store = *state;
    struct device read;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device device = add_device(store, 1);
    device.last_seen = 6;
    device.checked_in = 7;
    device.foreign = true;
    snprintf(device.version, sizeof device.version, "1.2.3");
    snprintf(device.hardware, sizeof device.hardware, "board");
    device.digest_known = true;
    memset(device.digest, 9, sizeof device.digest);
    device.state = DEVICE_TRIAL;
    device.counter = 4;
    device.reports = true;
    device.shipment = 3;
    assert_int_equal(store_device_update(store, &device), STORE_OK);
    assert_int_equal(store_device_pulse(store, &device), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(store_device_get(store, device.id, &read), STORE_OK);
    assert_string_equal(read.template, "T1");
    assert_string_equal(read.version, "1.2.3");
    assert_string_equal(read.hardware, "board");
    assert_int_equal(read.last_seen, 6);
    assert_int_equal(read.checked_in, 7);
    assert_true(read.foreign && read.reports && read.digest_known);
    assert_memory_equal(read.digest, device.digest, sizeof read.digest);
    assert_memory_equal(read.token_hash, device.token_hash, sizeof read.token_hash);
    assert_int_equal(read.state, DEVICE_TRIAL);
    assert_int_equal(read.counter, 4);
    assert_int_equal(read.shipment, 3);
}

static void two_devices_never_share_a_token(void **state)
{
    struct store *store = *state;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device device = add_device(store, 1);
    assert_int_equal(store_device_add(store, &device), STORE_CONFLICT);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct store *store = *state;
    struct device device;
    struct firmware firmware;
    struct shipment shipment;
    struct target target;
    uint8_t reason;
    uint8_t head[RECORD_SHORT_BYTES] = {0};
    assert_int_equal(store_device_get(store, 1, &device), STORE_NOT_FOUND);
    assert_int_equal(store_firmware_get(store, 1, &firmware), STORE_NOT_FOUND);
    assert_int_equal(store_shipment_get(store, 1, &shipment), STORE_NOT_FOUND);
    assert_int_equal(store_target_get(store, 1, 1, &target), STORE_NOT_FOUND);
    assert_int_equal(store_rejection_get(store, 1, head, &reason), STORE_NOT_FOUND);
    assert_int_equal(store_template_exists(store, RECORD_FIRST_ORGANIZATION, "T9"), STORE_NOT_FOUND);
    device = (struct device){.id = 1};
    assert_int_equal(store_device_delete(store, &device), STORE_NOT_FOUND);
}

static void a_step_that_is_taken_back_leaves_the_others(void **state)
{
    struct store *store = *state;
    struct device_token *devices;
    size_t count;
    assert_int_equal(store_begin(store), STORE_OK);
    for (uint8_t mark = 1; mark <= 3; mark++) {
        assert_int_equal(store_step_begin(store), STORE_OK);
        add_device(store, mark);
        assert_int_equal(store_step_end(store, mark != 2), STORE_OK);
    }
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(store_device_tokens(store, 0, 10, &devices, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(devices[0].hash[0], 1);
    assert_int_equal(devices[1].hash[0], 3);
    free(devices);
}

static int64_t add_shipment(struct store *store, const char *name)
{
    struct firmware firmware = {
        .organization = RECORD_FIRST_ORGANIZATION, .name = "f", .type = "t", .version = "1"};
    struct shipment shipment = {.organization = RECORD_FIRST_ORGANIZATION, .template = "T1", .created = 1};
    struct firmware there;
    if (store_firmware_find(store, firmware.organization, firmware.sha256, &there) != STORE_OK) {
        assert_int_equal(store_firmware_add(store, &firmware), STORE_OK);
        there = firmware;
    }
    shipment.firmware = there.id;
    snprintf(shipment.name, sizeof shipment.name, "%s", name);
    assert_int_equal(store_shipment_add(store, &shipment), STORE_OK);
    return shipment.id;
}

static void a_deleted_device_takes_its_targets_and_events_along(void **state)
{
    struct store *store = *state;
    struct target target = {.due = 10};
    struct event event = {.kind = "log"};
    struct event *events;
    struct target *targets;
    size_t count;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device device = add_device(store, 1);
    target.device = device.id;
    target.shipment = add_shipment(store, "one");
    assert_int_equal(store_target_add(store, &target), STORE_OK);
    assert_int_equal(store_event_add(store, &device, &event), STORE_OK);
    assert_int_equal(store_device_pulse(store, &device), STORE_OK);
    assert_int_equal(store_device_delete(store, &device), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(store_targets_due(store, 1, 100, 10, &targets, &count), STORE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(store_events(store, device.id, &events, &count), STORE_OK);
    assert_int_equal(count, 0);
}

static void targets_come_due_in_order_and_never_without_a_time(void **state)
{
    struct store *store = *state;
    struct target *targets;
    size_t count;
    static const int64_t due[] = {30, 0, 10, 50, 20};
    assert_int_equal(store_begin(store), STORE_OK);
    for (size_t i = 0; i < 5; i++) {
        char name[8];
        snprintf(name, sizeof name, "%zu", i);
        struct device device = add_device(store, (uint8_t)(i + 1));
        struct target target = {.shipment = add_shipment(store, name), .device = device.id, .due = due[i]};
        assert_int_equal(store_target_add(store, &target), STORE_OK);
    }
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(store_targets_due(store, 1, 30, 10, &targets, &count), STORE_OK);
    assert_int_equal(count, 3);
    assert_int_equal(targets[0].due, 10);
    assert_int_equal(targets[2].due, 30);
    free(targets);
    assert_int_equal(store_targets_due(store, 1, 30, 2, &targets, &count), STORE_OK);
    assert_int_equal(count, 2);
    /* A device that is connected to another server is that server's. */
    struct presence presence = {.node = 2, .connection = 1};
    assert_int_equal(store_presence_set(store, targets[0].device, &presence), STORE_OK);
    free(targets);
    assert_int_equal(store_targets_due(store, 1, 30, 10, &targets, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(targets[0].due, 20);
    free(targets);
    assert_int_equal(store_targets_due(store, 2, 30, 10, &targets, &count), STORE_OK);
    assert_int_equal(count, 3);
    free(targets);
}

static void pause_shipment(struct store *store, int64_t id, const char *why)
{
    struct shipment shipment;
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_OK);
    shipment.state = SHIPMENT_PAUSED;
    snprintf(shipment.why, sizeof shipment.why, "%s", why);
    assert_int_equal(store_shipment_update(store, &shipment), STORE_OK);
}

/* Within a transaction it is read once; what changes it must be seen all the same. */
static void a_shipment_reads_as_it_was_written_last(void **state)
{
    struct store *store = *state;
    struct shipment shipment;
    assert_int_equal(store_begin(store), STORE_OK);
    add_device(store, 1);
    int64_t id = add_shipment(store, "one");
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_OK);
    assert_int_equal(shipment.state, SHIPMENT_LIVE);
    pause_shipment(store, id, "kept");
    assert_int_equal(store_step_begin(store), STORE_OK);
    pause_shipment(store, id, "taken back");
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_OK);
    assert_string_equal(shipment.why, "taken back");
    assert_int_equal(store_step_end(store, false), STORE_OK);
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_OK);
    assert_string_equal(shipment.why, "kept");
    assert_int_equal(store_firmware_delete(store, shipment.firmware), STORE_OK);
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_NOT_FOUND); /* it went with it */
    store_rollback(store);
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_NOT_FOUND);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void add_targets(struct store *store, int64_t shipment, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct device device = {.organization = RECORD_FIRST_ORGANIZATION, .template = "T1", .counter = -1};
        memcpy(device.token_hash, &i, sizeof i);
        assert_int_equal(store_device_add(store, &device), STORE_OK);
        struct target target = {.shipment = shipment, .device = device.id};
        assert_int_equal(store_target_add(store, &target), STORE_OK);
    }
}

static void a_large_shipment_is_deleted_in_pieces(void **state)
{
    struct store *store = *state;
    struct shipment shipment;
    struct target *targets;
    size_t count;
    int64_t after = 0, found;
    bool more;
    assert_int_equal(store_begin(store), STORE_OK);
    add_device(store, 255);
    int64_t id = add_shipment(store, "large"), other = add_shipment(store, "other");
    add_targets(store, id, STORE_TARGETS_REMOVED + 3);
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_OK);
    assert_int_equal(store_shipment_delete(store, id, &after, &more), STORE_OK);
    assert_true(more);
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_OK);
    assert_int_equal(shipment.state, SHIPMENT_CANCELLED);
    assert_int_equal(store_targets_page(store, id, 0, 10, &targets, &count), STORE_OK);
    assert_int_equal(count, 3);
    assert_true(targets[0].device > after);
    free(targets);
    assert_int_equal(store_shipment_delete(store, id, &after, &more), STORE_OK);
    assert_false(more);
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_NOT_FOUND);
    assert_int_equal(store_shipment_of_firmware(store, shipment.firmware, &found), STORE_OK);
    assert_int_equal(found, other);
    after = 0;
    assert_int_equal(store_shipment_delete(store, other, &after, &more), STORE_OK);
    assert_false(more);
    assert_int_equal(store_shipment_of_firmware(store, shipment.firmware, &found), STORE_NOT_FOUND);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void connected_devices_of_a_shipment_are_looked_for_in_pieces(void **state)
{
    struct store *store = *state;
    struct presence presence = {.node = 1, .connection = 1};
    int64_t *devices, last, next = 0;
    size_t count;
    assert_int_equal(store_begin(store), STORE_OK);
    add_device(store, 255);
    int64_t id = add_shipment(store, "large");
    add_targets(store, id, STORE_ONLINE_LOOK + 2);
    assert_int_equal(store_device_last(store, &last), STORE_OK);
    assert_int_equal(store_presence_set(store, last - 1, &presence), STORE_OK);
    assert_int_equal(store_presence_set(store, last, &presence), STORE_OK);
    assert_int_equal(store_shipment_online(store, id, 0, 1, &devices, &count, &next), STORE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(next, last - 2);
    for (int64_t device = last - 1; device <= last; device++) {
        assert_int_equal(store_shipment_online(store, id, next, 1, &devices, &count, &next), STORE_OK);
        assert_int_equal(count, 1);
        assert_int_equal(devices[0], device);
        assert_int_equal(next, device);
        free(devices);
    }
    assert_int_equal(store_shipment_online(store, id, next, 1, &devices, &count, &next), STORE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(next, -1);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void a_shipment_that_is_gone_through_anew_reads_so(void **state)
{
    struct store *store = *state;
    struct shipment shipment;
    assert_int_equal(store_begin(store), STORE_OK);
    add_device(store, 1);
    int64_t id = add_shipment(store, "one");
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_OK);
    shipment.planned = true;
    shipment.sweep = -1;
    assert_int_equal(store_shipment_update(store, &shipment), STORE_OK);
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_OK);
    assert_int_equal(shipment.sweep, -1);
    assert_int_equal(store_form_arrived(store, shipment.firmware), STORE_OK);
    assert_int_equal(store_shipment_get(store, id, &shipment), STORE_OK);
    assert_int_equal(shipment.sweep, 0);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void an_image_is_rejected_from_the_first_device_on(void **state)
{
    struct store *store = *state;
    const uint8_t head[RECORD_SHORT_BYTES] = {1, 2, 3};
    uint8_t reason = 0;
    bool exist = true;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device device = add_device(store, 1);
    struct device other = add_device(store, 2);
    assert_int_equal(store_rejection_get(store, device.id, head, &reason), STORE_NOT_FOUND);
    assert_int_equal(store_rejections_exist(store, head, &exist), STORE_OK);
    assert_false(exist);
    assert_int_equal(store_rejection_add(store, device.id, head, 33, 1), STORE_OK);
    assert_int_equal(store_rejection_get(store, device.id, head, &reason), STORE_OK);
    assert_int_equal(reason, 33);
    assert_int_equal(store_rejection_get(store, other.id, head, &reason), STORE_NOT_FOUND);
    assert_int_equal(store_rejections_exist(store, head, &exist), STORE_OK);
    assert_true(exist);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void progress_is_the_sum_of_the_waves(void **state)
{
    struct store *store = *state;
    struct progress progress;
    struct wave *waves;
    size_t count;
    assert_int_equal(store_begin(store), STORE_OK);
    (void)add_device(store, 1);
    int64_t shipment = add_shipment(store, "one");
    for (int64_t number = 1; number <= 2; number++) {
        struct wave wave = {.shipment = shipment, .number = number, .filter = "tag=a", .soak_ms = 7};
        struct wave more = {.shipment = shipment,
                            .number = number,
                            .size = 10,
                            .updated = 3,
                            .there = 1,
                            .skipped = 2,
                            .failed = 1,
                            .stuck = 1,
                            .sent_bytes = 500,
                            .plain_bytes = 9000};
        struct wave less = {.shipment = shipment, .number = number, .updated = -1, .failed = 1};
        assert_int_equal(store_wave_add(store, &wave), STORE_OK);
        assert_int_equal(store_wave_count(store, &more), STORE_OK);
        assert_int_equal(store_wave_count(store, &less), STORE_OK);
    }
    assert_int_equal(store_shipment_progress(store, shipment, &progress), STORE_OK);
    assert_int_equal(progress.target, 20);
    assert_int_equal(progress.updated, 6);
    assert_int_equal(progress.failed, 4);
    assert_int_equal(progress.skipped, 4);
    assert_int_equal(progress.sent_bytes, 1000);
    assert_int_equal(progress.plain_bytes, 18000);
    assert_int_equal(store_waves(store, shipment, &waves, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(waves[1].number, 2);
    assert_string_equal(waves[1].filter, "tag=a");
    assert_int_equal(waves[1].stuck, 1);
    free(waves);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void failures_are_kept_by_organization_and_the_oldest_go(void **state)
{
    struct store *store = *state;
    struct failure *failures;
    size_t count;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device device = add_device(store, 1);
    struct firmware firmware = {.organization = RECORD_FIRST_ORGANIZATION, .version = "1.1.0"};
    assert_int_equal(store_firmware_add(store, &firmware), STORE_OK);
    struct shipment shipment = {
        .organization = RECORD_FIRST_ORGANIZATION, .name = "s", .template = "T1", .firmware = firmware.id};
    assert_int_equal(store_shipment_add(store, &shipment), STORE_OK);
    struct target target = {
        .shipment = shipment.id, .device = device.id, .status = TARGET_ROLLBACK, .reason = 34};
    for (int i = 1; i <= 2 * STORE_FAILURES_KEPT; i++)
        assert_int_equal(store_failure_add(store, &target, i), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    struct page page = {.limit = 3 * STORE_FAILURES_KEPT};
    assert_int_equal(store_failures(store, RECORD_FIRST_ORGANIZATION, page, &failures, &count), STORE_OK);
    assert_in_range(count, STORE_FAILURES_KEPT, STORE_FAILURES_KEPT + 64);
    assert_int_equal(failures[0].time, 2 * STORE_FAILURES_KEPT);
    assert_int_equal(failures[0].reason, 34);
    assert_string_equal(failures[0].device_name, "pump");
    assert_string_equal(failures[0].version, "1.1.0");
    free(failures);
    assert_int_equal(store_failures(store, RECORD_FIRST_ORGANIZATION + 1, page, &failures, &count), STORE_OK);
    assert_int_equal(count, 0);
    free(failures);
}

static void devices_come_in_pages_of_any_order(void **state)
{
    struct store *store = *state;
    static const char *const names[] = {"delta", "alpha", "echo", "alpha", "charlie", "bravo"};
    static const char *const ascending[] = {"alpha", "alpha", "bravo", "charlie", "delta", "echo"};
    assert_int_equal(store_begin(store), STORE_OK);
    for (uint8_t i = 0; i < 6; i++) {
        struct device device = add_device(store, (uint8_t)(i + 1));
        snprintf(device.name, sizeof device.name, "%s", names[i]);
        device.last_seen = 100 - i;
        assert_int_equal(store_device_update(store, &device), STORE_OK);
        assert_int_equal(store_device_pulse(store, &device), STORE_OK);
        assert_int_equal(store_device_describe(store, &device), STORE_OK);
    }
    for (int down = 0; down <= 1; down++) {
        struct device after;
        struct device_page page = {
            .organization = 1, .order = DEVICE_ORDER_NAME, .descending = down, .limit = 4};
        size_t seen = 0;
        for (size_t count = 4; count == 4; page.after = &after) {
            struct device *devices;
            assert_int_equal(store_devices_page(store, &page, &devices, &count), STORE_OK);
            for (size_t i = 0; i < count; i++, seen++)
                assert_string_equal(devices[i].name, ascending[down ? 5 - seen : seen]);
            if (count > 0)
                after = devices[count - 1];
            free(devices);
        }
        assert_int_equal(seen, 6);
    }
    assert_int_equal(store_commit(store), STORE_OK);
}

static void devices_are_picked_out_by_template_name_or_version(void **state)
{
    struct store *store = *state;
    struct device device = {0};
    assert_int_equal(store_begin(store), STORE_OK);
    for (uint8_t i = 0; i < 6; i++) {
        device = add_device(store, (uint8_t)(i + 1));
        snprintf(device.name, sizeof device.name, "%s", i % 2 == 0 ? "even" : "odd");
        snprintf(device.version_key, sizeof device.version_key, "%d", i / 3);
        assert_int_equal(store_device_describe(store, &device), STORE_OK);
    }
    static const struct {
        enum device_pick pick;
        const char *picked;
        size_t count;
    } cases[] = {{DEVICE_PICK_TEMPLATE, "T1", 6},
                 {DEVICE_PICK_TEMPLATE, "T2", 0},
                 {DEVICE_PICK_NAME, "odd", 3},
                 {DEVICE_PICK_VERSION, "1", 3},
                 {DEVICE_PICK_VERSION, "2", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct device *devices;
        size_t count;
        struct device_page page = {.organization = 1,
                                   .pick = cases[i].pick,
                                   .picked = cases[i].picked,
                                   .descending = true,
                                   .limit = 10};
        assert_int_equal(store_devices_page(store, &page, &devices, &count), STORE_OK);
        assert_int_equal(count, cases[i].count);
        for (size_t k = 1; k < count; k++)
            assert_true(devices[k].id < devices[k - 1].id);
        free(devices);
    }
    assert_int_equal(store_commit(store), STORE_OK);
}

static void when_devices_were_seen_is_told_of_some_of_them(void **state)
{
    struct store *store = *state;
    int64_t ids[6], last;
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_device_last(store, &last), STORE_OK);
    assert_int_equal(last, 0);
    for (uint8_t i = 0; i < 6; i++) {
        struct device device = add_device(store, (uint8_t)(i + 1));
        device.last_seen = 100 - i / 2;
        ids[i] = device.id;
        assert_int_equal(store_device_pulse(store, &device), STORE_OK);
    }
    assert_int_equal(store_device_last(store, &last), STORE_OK);
    assert_int_equal(last, ids[5]);
    /* Of those behind the first up to the fifth: seen at 100, 99, 99, 98. */
    struct device_seen_range range = {.organization = 1,
                                      .template = "T1",
                                      .after = ids[0],
                                      .through = ids[4],
                                      .above = {98, ids[4]},
                                      .below = {100, ids[1]}};
    struct device_seen *list;
    size_t count;
    assert_int_equal(store_devices_seen(store, &range, &list, &count), STORE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(list[0].time + list[1].time, 99 + 99);
    assert_int_equal(list[0].id + list[1].id, ids[2] + ids[3]);
    free(list);
    range.template = "T2";
    assert_int_equal(store_devices_seen(store, &range, &list, &count), STORE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void devices_come_in_pages_of_their_ids(void **state)
{
    struct store *store = *state;
    int64_t ids[6];
    assert_int_equal(store_begin(store), STORE_OK);
    for (uint8_t i = 0; i < 6; i++)
        ids[i] = add_device(store, (uint8_t)(i + 1)).id;
    for (int down = 0; down <= 1; down++) {
        struct device after;
        struct device_page page = {.organization = 1, .descending = down, .limit = 4};
        for (size_t turn = 0, number = 0; number < 6; turn++, page.after = &after) {
            struct device *devices;
            size_t count;
            assert_int_equal(store_devices_page(store, &page, &devices, &count), STORE_OK);
            assert_int_equal(count, turn == 0 ? 4 : 2);
            for (size_t i = 0; i < count; i++, number++)
                assert_int_equal(devices[i].id, ids[down ? 5 - number : number]);
            after = devices[count - 1];
            free(devices);
        }
    }
    assert_int_equal(store_commit(store), STORE_OK);
}

/* With something in every field that a walk reads, and in those that it does not. */
static void describe_all(struct store *store, struct device *device, int64_t mark)
{
    snprintf(device->name, sizeof device->name, "name %d", (int)mark);
    device->foreign = mark % 2 == 0;
    snprintf(device->type, sizeof device->type, "type %d", (int)mark);
    snprintf(device->version, sizeof device->version, "1.%d", (int)mark);
    snprintf(device->build, sizeof device->build, "build %d", (int)mark);
    snprintf(device->hardware, sizeof device->hardware, "board %d", (int)mark);
    snprintf(device->library, sizeof device->library, "2.%d", (int)mark);
    snprintf(device->tags, sizeof device->tags, "tag%d", (int)mark);
    snprintf(device->zone, sizeof device->zone, "zone %d", (int)mark);
    snprintf(device->location_zone, sizeof device->location_zone, "place %d", (int)mark);
    snprintf(device->version_key, sizeof device->version_key, "key %d", (int)mark);
    device->digest_known = mark % 3 == 0;
    memset(device->digest, device->digest_known ? (int)mark : 0, sizeof device->digest);
    device->state = DEVICE_TRIAL;
    device->reports = mark % 2 == 1;
    device->counter = device->decodes = device->shipment = device->line = device->line_flow = mark;
    device->last_seen = 100 + mark;
    device->checked_in = 200 + mark;
    device->said = SAID_CHECK_IN;
    assert_int_equal(store_device_update(store, device), STORE_OK);
    assert_int_equal(store_device_pulse(store, device), STORE_OK);
    assert_int_equal(store_device_describe(store, device), STORE_OK);
}

struct walked {
    struct store *store;
    const struct device *expected; /* as they were written */
    size_t count, refuse_at;
};

static int take_walked(void *ctx, const struct device *device)
{
    struct walked *walked = ctx;
    struct device other, expected = walked->expected[walked->count];
    if (walked->count == walked->refuse_at)
        return STORE_FULL;
    expected.created = expected.counter = expected.decodes = expected.last_seen = expected.shipment = 0;
    expected.line = expected.line_flow = 0;
    memset(expected.token_hash, 0, sizeof expected.token_hash);
    memset(expected.version_key, 0, sizeof expected.version_key);
    expected.presence = walked->count % 2 == 0 ? DEVICE_CHECKED_IN : DEVICE_OFFLINE;
    assert_memory_equal(device, &expected, sizeof expected);
    assert_int_equal(store_device_get(walked->store, device->id, &other), STORE_OK);
    walked->count++;
    return STORE_OK;
}

static void a_walk_passes_each_device_of_a_template_once(void **state)
{
    struct store *store = *state;
    struct device devices[5];
    assert_int_equal(store_begin(store), STORE_OK);
    for (uint8_t i = 0; i < 5; i++) {
        struct presence presence = {.node = 1, .connection = 7u + i};
        struct device other = {
            .organization = RECORD_FIRST_ORGANIZATION, .template = "T2", .token_hash = {100 + i}};
        devices[i] = add_device(store, (uint8_t)(i + 1));
        describe_all(store, &devices[i], i);
        if (i % 2 == 0)
            assert_int_equal(store_presence_set(store, devices[i].id, &presence), STORE_OK);
        assert_int_equal(store_template_add(store, other.organization, other.template), STORE_OK);
        assert_int_equal(store_device_add(store, &other), STORE_OK);
    }
    struct walked walked = {.store = store, .expected = devices, .refuse_at = SIZE_MAX};
    struct device_walk walk = {.organization = RECORD_FIRST_ORGANIZATION, .template = "T1"};
    for (size_t before = 0; !walk.end; before += 2) {
        assert_int_equal(walked.count, before);
        assert_int_equal(store_devices_walk(store, &walk, 2, take_walked, &walked), STORE_OK);
    }
    assert_int_equal(walked.count, 5);
    assert_int_equal(walk.after, devices[4].id);
    walked.count = 0;
    walked.refuse_at = 1;
    walk.after = 0;
    assert_int_equal(store_devices_walk(store, &walk, 5, take_walked, &walked), STORE_FULL);
    assert_int_equal(walked.count, 1);
    walk = (struct device_walk){.organization = RECORD_FIRST_ORGANIZATION + 1, .template = "T1"};
    assert_int_equal(store_devices_walk(store, &walk, 5, take_walked, &walked), STORE_OK);
    assert_true(walk.end);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void a_presence_is_removed_by_its_own_connection_alone(void **state)
{
    struct store *store = *state;
    struct presence read;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device device = add_device(store, 1);
    struct presence old = {.node = 1, .connection = 7, .origin = "http://192.0.2.1:80"};
    struct presence new = {.node = 2, .connection = 7};
    assert_int_equal(store_presence_set(store, device.id, &old), STORE_OK);
    assert_int_equal(store_presence_get(store, device.id, &read), STORE_OK);
    assert_string_equal(read.origin, "http://192.0.2.1:80");
    assert_int_equal(store_presence_set(store, device.id, &new), STORE_OK);
    assert_int_equal(store_presence_remove(store, device.id, 1, 7), STORE_NOT_FOUND);
    assert_int_equal(store_presence_get(store, device.id, &read), STORE_OK);
    assert_int_equal(read.node, 2);
    assert_int_equal(read.connection, 7);
    assert_int_equal(store_presence_remove(store, device.id, 2, 7), STORE_OK);
    assert_int_equal(store_presence_get(store, device.id, &read), STORE_NOT_FOUND);
    assert_int_equal(store_commit(store), STORE_OK);
}

static void a_device_is_checked_in_while_it_is_connected_and_said_so(void **state)
{
    struct store *store = *state;
    struct presence presence = {.node = 1, .connection = 7};
    struct device read;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device device = add_device(store, 1);
    assert_int_equal(store_presence_set(store, device.id, &presence), STORE_OK);
    assert_int_equal(store_device_get(store, device.id, &read), STORE_OK);
    assert_int_equal(read.presence, DEVICE_CONNECTED);
    device.said = SAID_CHECK_IN;
    assert_int_equal(store_device_pulse(store, &device), STORE_OK);
    assert_int_equal(store_device_get(store, device.id, &read), STORE_OK);
    assert_int_equal(read.presence, DEVICE_CHECKED_IN);
    assert_int_equal(store_device_and_presence(store, device.id, &read, &presence), STORE_OK);
    assert_int_equal(read.presence, DEVICE_CHECKED_IN);
    assert_int_equal(store_presence_remove(store, device.id, 1, 7), STORE_OK);
    assert_int_equal(store_device_get(store, device.id, &read), STORE_OK);
    assert_int_equal(read.presence, DEVICE_OFFLINE);
    assert_int_equal(store_commit(store), STORE_OK);
}

static int64_t online(struct store *store, int64_t organization)
{
    struct store_figures figures;
    assert_int_equal(store_count_of(store, organization, &figures), STORE_OK);
    return figures.online;
}

static void connected_devices_are_counted_with_the_transaction(void **state)
{
    struct store *store = *state;
    int64_t node;
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_node_add(store, 5, false, &node), STORE_OK);
    assert_int_equal(store_crowd_count(store, node, node, 1, 2), STORE_OK);
    assert_int_equal(store_step_begin(store), STORE_OK);
    assert_int_equal(store_crowd_count(store, node, node, 1, 5), STORE_OK);
    assert_int_equal(store_step_end(store, false), STORE_OK);
    assert_int_equal(store_step_begin(store), STORE_OK);
    for (int64_t i = 1; i <= 20; i++) /* more than are kept in memory */
        assert_int_equal(store_crowd_count(store, node, node, i, i), STORE_OK);
    assert_int_equal(store_step_end(store, true), STORE_OK);
    assert_int_equal(store_step_begin(store), STORE_OK);
    for (int64_t i = 1; i <= 20; i++)
        assert_int_equal(store_crowd_count(store, node, node, i, 100), STORE_OK);
    assert_int_equal(store_step_end(store, false), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(online(store, 1), 3);
    assert_int_equal(online(store, 20), 20);
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_crowd_count(store, node, node, 1, 7), STORE_OK);
    store_rollback(store);
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_crowd_count(store, node, node, 1, -1), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(online(store, 1), 2);
    struct store_counts counts;
    assert_int_equal(store_count(store, &counts), STORE_OK);
    assert_int_equal(counts.online, 2 + 20 * 21 / 2 - 1);
}

/* One of two moves from the first node to the second, and only the second tells: the first may be slow to. */
static void a_node_tells_of_devices_that_leave_another_for_it(void **state)
{
    struct store *store = *state;
    int64_t first, second;
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_node_add(store, 5, false, &first), STORE_OK);
    assert_int_equal(store_node_add(store, 5, false, &second), STORE_OK);
    assert_int_equal(store_crowd_count(store, first, first, 1, 2), STORE_OK);
    assert_int_equal(store_crowd_count(store, second, second, 1, 1), STORE_OK);
    assert_int_equal(store_crowd_count(store, first, second, 1, -1), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(online(store, 1), 2);
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_node_take_out(store, first), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(online(store, 1), 1);
}

static void presences_of_a_node_that_was_taken_out_go_in_pieces(void **state)
{
    struct store *store = *state;
    int64_t gone, here;
    int pieces = 0;
    bool more;
    struct presence presence = {.connection = 1};
    struct device device = {.organization = RECORD_FIRST_ORGANIZATION, .template = "T1", .counter = -1};
    assert_int_equal(store_begin(store), STORE_OK);
    struct device other = add_device(store, 255);
    assert_int_equal(store_node_add(store, 5, false, &gone), STORE_OK);
    assert_int_equal(store_node_add(store, 5, false, &here), STORE_OK);
    presence.node = here;
    assert_int_equal(store_presence_set(store, other.id, &presence), STORE_OK);
    presence.node = gone;
    for (int i = 0; i < STORE_PRESENCES_REMOVED + 1; i++) {
        memcpy(device.token_hash, &i, sizeof i);
        assert_int_equal(store_device_add(store, &device), STORE_OK);
        assert_int_equal(store_presence_set(store, device.id, &presence), STORE_OK);
    }
    assert_int_equal(store_crowd_count(store, gone, gone, 1, STORE_PRESENCES_REMOVED + 1), STORE_OK);
    assert_int_equal(store_crowd_count(store, here, here, 1, 1), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(store_presences_clear(store, &more), STORE_OK);
    assert_false(more); /* nobody is gone */
    assert_int_equal(online(store, 1), STORE_PRESENCES_REMOVED + 2);
    assert_int_equal(store_node_take_out(store, gone), STORE_OK);
    assert_int_equal(store_node_beat(store, gone), STORE_NOT_FOUND);
    assert_int_equal(online(store, 1), 1);
    for (more = true; more; pieces++)
        assert_int_equal(store_presences_clear(store, &more), STORE_OK);
    assert_int_equal(pieces, 2);
    assert_int_equal(store_presence_get(store, device.id, &presence), STORE_NOT_FOUND);
    assert_int_equal(store_presence_get(store, other.id, &presence), STORE_OK);
}

static void a_node_that_is_taken_out_takes_its_presences_along(void **state)
{
    struct store *store = *state;
    struct presence read;
    struct node *nodes;
    size_t count;
    int64_t first;
    int64_t second;
    int64_t third;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device here = add_device(store, 1);
    struct device there = add_device(store, 2);
    assert_int_equal(store_node_add(store, 5, false, &first), STORE_OK);
    assert_int_equal(store_node_add(store, 6, false, &second), STORE_OK);
    struct presence presence = {.node = first, .connection = 1};
    assert_int_equal(store_presence_set(store, here.id, &presence), STORE_OK);
    presence.node = second;
    assert_int_equal(store_presence_set(store, there.id, &presence), STORE_OK);
    assert_int_equal(store_node_beat(store, second), STORE_OK);
    assert_int_equal(store_node_remove(store, first), STORE_OK);
    assert_int_equal(store_node_beat(store, first), STORE_NOT_FOUND);
    assert_int_equal(store_presence_get(store, here.id, &read), STORE_NOT_FOUND);
    assert_int_equal(store_presence_get(store, there.id, &read), STORE_OK);
    assert_int_equal(store_nodes(store, &nodes, &count), STORE_OK);
    assert_int_equal(count, 1);
    assert_true(nodes[0].id == second && nodes[0].beat == 1 && nodes[0].started == 6);
    free(nodes);
    /* One that has the database to itself takes all others out; no id comes twice. */
    assert_int_equal(store_node_add(store, 7, true, &third), STORE_OK);
    assert_true(third > second);
    assert_int_equal(store_presence_get(store, there.id, &read), STORE_NOT_FOUND);
    assert_int_equal(store_commit(store), STORE_OK);
}

/* A process that ends without any goodbye right after a commit, and in the middle of a transaction. */
static void a_committed_write_survives_a_process_that_just_ends(void **state)
{
    struct device_token *devices;
    size_t count;
    int status;
    store_close(*state);
    pid_t child = fork();
    if (child == 0) {
        struct store *store = fresh_open();
        if (store_begin(store) != STORE_OK)
            _exit(1);
        add_device(store, 1);
        if (store_commit(store) != STORE_OK || store_begin(store) != STORE_OK)
            _exit(1);
        add_device(store, 2);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    *state = fresh_open();
    assert_int_equal(store_device_tokens(*state, 0, 10, &devices, &count), STORE_OK);
    assert_int_equal(count, 1);
    free(devices);
}

static void what_is_no_database_is_refused_with_its_name(void **state)
{
    (void)state;
    struct store *store;
    char why[200];
    assert_int_equal(store_open(&store, "/proc/version", why, sizeof why), STORE_FAILED);
    assert_null(store);
    assert_non_null(strstr(why, "/proc/version"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_device_comes_back_as_it_was_written),
        CASE(two_devices_never_share_a_token),
        CASE(what_is_not_there_is_not_found),
        CASE(a_step_that_is_taken_back_leaves_the_others),
        CASE(a_deleted_device_takes_its_targets_and_events_along),
        CASE(targets_come_due_in_order_and_never_without_a_time),
        CASE(a_shipment_reads_as_it_was_written_last),
        CASE(connected_devices_of_a_shipment_are_looked_for_in_pieces),
        CASE(a_large_shipment_is_deleted_in_pieces),
        CASE(a_shipment_that_is_gone_through_anew_reads_so),
        CASE(an_image_is_rejected_from_the_first_device_on),
        CASE(progress_is_the_sum_of_the_waves),
        CASE(failures_are_kept_by_organization_and_the_oldest_go),
        CASE(devices_come_in_pages_of_any_order),
        CASE(devices_are_picked_out_by_template_name_or_version),
        CASE(when_devices_were_seen_is_told_of_some_of_them),
        CASE(devices_come_in_pages_of_their_ids),
        CASE(a_walk_passes_each_device_of_a_template_once),
        CASE(a_presence_is_removed_by_its_own_connection_alone),
        CASE(a_device_is_checked_in_while_it_is_connected_and_said_so),
        CASE(connected_devices_are_counted_with_the_transaction),
        CASE(a_node_tells_of_devices_that_leave_another_for_it),
        CASE(presences_of_a_node_that_was_taken_out_go_in_pieces),
        CASE(a_node_that_is_taken_out_takes_its_presences_along),
        CASE(a_committed_write_survives_a_process_that_just_ends),
        cmocka_unit_test(what_is_no_database_is_refused_with_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
