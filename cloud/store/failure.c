#include "cloud/store/failure.h"

#include "cloud/store/database.h"

#define TRIM_EVERY 64 /* failures */

int store_failure_add(struct store *store, const struct target *target, int64_t now)
{
    int64_t id = 0;
    struct query query =
        db__query(store, "INSERT INTO failure (organization, time, shipment, device, status, reason) "
                         "SELECT organization, CAST(? AS BIGINT), id, CAST(? AS BIGINT), "
                         "CAST(? AS BIGINT), CAST(? AS BIGINT) FROM shipment WHERE id = ? RETURNING id");
    db__put_int(&query, now);
    db__put_int(&query, target->device);
    db__put_int(&query, target->status);
    db__put_int(&query, target->reason);
    db__put_int(&query, target->shipment);
    int result = db__run_add(&query, &id);
    if (result != STORE_OK || id % TRIM_EVERY != 0)
        return result;
    query =
        db__query(store, "DELETE FROM failure WHERE id <= (SELECT f.id FROM failure f JOIN shipment s "
                         "ON s.organization = f.organization WHERE s.id = ?1 ORDER BY f.id DESC LIMIT 1 "
                         "OFFSET ?2) AND organization = (SELECT organization FROM shipment WHERE id = ?1)");
    db__put_int(&query, target->shipment);
    db__put_int(&query, STORE_FAILURES_KEPT);
    return db__run(&query);
}

static void read_failure(struct query *query, void *record)
{
    struct failure *failure = record;
    failure->id = db__int(query);
    failure->time = db__int(query);
    failure->shipment = db__int(query);
    failure->device = db__int(query);
    failure->status = (enum target_status)db__int(query);
    failure->reason = (uint8_t)db__int(query);
    db__text(query, failure->shipment_name, sizeof failure->shipment_name);
    db__text(query, failure->device_name, sizeof failure->device_name);
    db__text(query, failure->version, sizeof failure->version);
}

int store_failures(struct store *store, int64_t organization, struct page page, struct failure **failures,
                   size_t *count)
{
    struct query query = db__query(
        store, "SELECT x.id, x.time, x.shipment, x.device, x.status, x.reason, s.name, d.name, f.version "
               "FROM failure x JOIN shipment s ON s.id = x.shipment JOIN device d ON d.id = x.device "
               "JOIN firmware f ON f.id = s.firmware WHERE x.organization = ? AND x.id < ? "
               "ORDER BY x.id DESC LIMIT ?");
    db__put_int(&query, organization);
    db__put_int(&query, page.after == 0 ? INT64_MAX : page.after);
    db__put_int(&query, page.limit);
    return db__list(&query, read_failure, sizeof **failures, failures, count);
}
