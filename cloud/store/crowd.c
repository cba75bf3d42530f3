#include "cloud/store/crowd.h"

#include "cloud/store/database.h"
#include "cloud/store/driver.h"

static int write_place(struct store *store, const struct crowd_place *place)
{
    if (place->by == 0)
        return STORE_OK;
    struct query query = db__query(
        store,
        "INSERT INTO crowd (node, teller, organization, devices) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (node, teller, organization) DO UPDATE SET devices = crowd.devices + excluded.devices");
    db__put_int(&query, place->node);
    db__put_int(&query, place->teller);
    db__put_int(&query, place->organization);
    db__put_int(&query, place->by);
    return db__run(&query);
}

int crowd__write(struct store *store)
{
    int result = STORE_OK;
    for (size_t i = 0; i < store->crowd.count && result == STORE_OK; i++)
        result = write_place(store, &store->crowd.places[i]);
    store->crowd.count = 0;
    return result;
}

static bool is_place(const struct crowd_place *place, int64_t node, int64_t teller, int64_t organization)
{
    return place->node == node && place->teller == teller && place->organization == organization;
}

int store_crowd_count(struct store *store, int64_t node, int64_t teller, int64_t organization, int64_t by)
{
    struct crowd *crowd = &store->crowd;
    for (size_t i = 0; i < crowd->count; i++) {
        if (is_place(&crowd->places[i], node, teller, organization)) {
            crowd->places[i].by += by;
            return STORE_OK;
        }
    }
    int result = crowd->count == CROWD_PLACES ? crowd__write(store) : STORE_OK;
    crowd->places[crowd->count++] = (struct crowd_place){node, teller, organization, by};
    return result;
}
