#include "cloud/store/clock.h"

#include "cloud/store/database.h"
#include "cloud/store/shelf.h"

/* One time each: now, or the end of the longest time limit. None of this is wrong by any clock: what is
 * looked at too early is put off again by whatever holds it back. Statuses 1 to 4 are under way. */
static const struct {
    bool limit;
    const char *sql;
} statements[] = {
    {false, "UPDATE target SET due = ?1, turn = 0 WHERE due > ?1 AND NOT status BETWEEN 1 AND 4"},
    {true, "UPDATE target SET due = ?1 WHERE due > ?1"},
    {false, "UPDATE target SET attempt_start = ?1 WHERE due > 0 AND attempt_start > ?1"},
    {false, "UPDATE target SET period_start = ?1 WHERE due > 0 AND period_start > ?1"},
    {false, "UPDATE shipment SET turn = 0 WHERE turn > ?1"},
    {false, "UPDATE shipment SET due = ?1 WHERE due > ?1"},
    {false, "UPDATE wave SET reached = ?1 WHERE reached > ?1"},
    {false, "UPDATE form SET wanted = ?1 WHERE wanted > ?1"},
    {true, "UPDATE form SET due = ?1 WHERE due > ?1"},
    {false, "UPDATE delivery SET due = ?1 WHERE due > ?1"},
    {false, "UPDATE removal SET tried = ?1 WHERE tried > ?1"},
};

int store_clock_set_back(struct store *store, int64_t now, int64_t limit_ms)
{
    int result = STORE_OK;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0] && result == STORE_OK; i++) {
        struct query query = db__query(store, statements[i].sql);
        db__put_int(&query, now + (statements[i].limit ? limit_ms : 0));
        result = db__run(&query);
    }
    shelf__drop_shipment(store, 0);
    return result;
}
