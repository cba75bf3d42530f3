/* Timelines of devices, on every kind of database. */
#include "tests/cloud/store/fresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct device device = {.organization = RECORD_FIRST_ORGANIZATION, .template = "T1"};
    memset(device.token_hash, mark, sizeof device.token_hash);
    assert_int_equal(store_template_add(store, device.organization, device.template), STORE_OK);
    assert_int_equal(store_device_add(store, &device), STORE_OK);
    return device;
}

static void write_line(struct store *store, struct device *device, int64_t time, int64_t shipment, int text)
{
    struct event event = {.time = time, .kind = "log", .shipment = shipment};
    snprintf(event.text, sizeof event.text, "%d", text);
    assert_int_equal(store_event_add(store, device, &event), STORE_OK);
    assert_int_equal(store_device_pulse(store, device), STORE_OK);
}

/* Its lines say from first to last, one by one. */
static void assert_lines(struct store *store, const struct device *device, int first, int last)
{
    struct event *events;
    size_t count;
    assert_int_equal(store_events(store, device->id, &events, &count), STORE_OK);
    assert_int_equal(count, last - first + 1);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(atoi(events[i].text), first + (int)i);
    free(events);
}

static void the_newest_lines_of_a_device_are_read_in_their_order(void **state)
{
    struct store *store = *state;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device one = add_device(store, 1);
    struct device other = add_device(store, 2);
    struct device silent = add_device(store, 3);
    for (int i = 0; i < STORE_EVENTS_KEPT + 50; i++) {
        write_line(store, &one, i * STORE_LINES_PAUSE_MS, 0, i);
        if (i % 3 == 0)
            write_line(store, &other, i * STORE_LINES_PAUSE_MS, 0, i / 3);
    }
    assert_int_equal(store_commit(store), STORE_OK);
    assert_lines(store, &one, 50, STORE_EVENTS_KEPT + 49);
    assert_lines(store, &other, 0, (STORE_EVENTS_KEPT + 49) / 3);
    assert_lines(store, &silent, 0, -1);
}

static void a_device_that_writes_too_much_keeps_its_newest_line(void **state)
{
    struct store *store = *state;
    struct event *events;
    size_t count;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device device = add_device(store, 1);
    for (int i = 0; i < STORE_LINES_BURST + 100; i++)
        write_line(store, &device, 1000, 0, i);
    assert_int_equal(store_events(store, device.id, &events, &count), STORE_OK);
    assert_int_equal(count, STORE_LINES_BURST);
    assert_int_equal(atoi(events[count - 2].text), STORE_LINES_BURST - 2);
    assert_int_equal(atoi(events[count - 1].text), STORE_LINES_BURST + 99);
    free(events);
    /* Nothing takes the place of what is said of an update. */
    write_line(store, &device, 1000, 7, 1001);
    write_line(store, &device, 1000, 7, 1002);
    write_line(store, &device, 1000, 0, 1003);
    write_line(store, &device, 1000, 0, 1004);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(store_events(store, device.id, &events, &count), STORE_OK);
    assert_int_equal(atoi(events[count - 3].text), 1001);
    assert_int_equal(atoi(events[count - 2].text), 1002);
    assert_int_equal(atoi(events[count - 1].text), 1004);
    free(events);
}

static void a_clock_that_is_set_back_costs_a_device_no_lines_for_long(void **state)
{
    struct store *store = *state;
    int64_t wrong = 1000 * STORE_LINES_BURST * STORE_LINES_PAUSE_MS;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device device = add_device(store, 1);
    write_line(store, &device, wrong, 0, 0);
    write_line(store, &device, 1000, 0, 1);
    write_line(store, &device, 1000, 0, 2);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_lines(store, &device, 0, 2);
}

static void the_oldest_lines_go_whosever_they_are(void **state)
{
    struct store *store = *state;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device quiet = add_device(store, 1);
    struct device busy = add_device(store, 2);
    int room = STORE_LINES_SPARE + 2 * STORE_EVENTS_KEPT;
    for (int i = 0; i < 10; i++)
        write_line(store, &quiet, 1, 0, i);
    for (int i = 10; i < room - 100; i++)
        write_line(store, &busy, 1, 7, i);
    assert_lines(store, &quiet, 0, 9);
    for (int i = room - 100; i < room + 100; i++)
        write_line(store, &busy, 1, 7, i);
    assert_lines(store, &quiet, 0, -1);
    assert_lines(store, &busy, room + 100 - STORE_EVENTS_KEPT, room + 99);
    write_line(store, &quiet, 2, 0, 10);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_lines(store, &quiet, 10, 10);
}

static void a_deleted_device_takes_its_lines_and_nobody_elses(void **state)
{
    struct store *store = *state;
    assert_int_equal(store_begin(store), STORE_OK);
    struct device one = add_device(store, 1);
    struct device other = add_device(store, 2);
    for (int i = 0; i < 5; i++) {
        write_line(store, &other, 1, 0, i);
        write_line(store, &one, 1, 0, i);
    }
    assert_int_equal(store_device_delete(store, &one), STORE_OK);
    write_line(store, &other, 1, 0, 5);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_lines(store, &one, 0, -1);
    assert_lines(store, &other, 0, 5);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(the_newest_lines_of_a_device_are_read_in_their_order),
        CASE(a_device_that_writes_too_much_keeps_its_newest_line),
        CASE(a_clock_that_is_set_back_costs_a_device_no_lines_for_long),
        CASE(the_oldest_lines_go_whosever_they_are),
        CASE(a_deleted_device_takes_its_lines_and_nobody_elses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
