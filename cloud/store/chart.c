/* What charts are drawn from. */
#include "cloud/store/chart.h"

#include "cloud/store/database.h"

int store_field_count(struct store *store, const struct device *device, int64_t by)
{
    struct query query =
        db__query(store, "INSERT INTO field (organization, template, type, version, devices) VALUES "
                         "(?, ?, ?, ?, ?) ON CONFLICT (organization, template, type, version) DO UPDATE SET "
                         "devices = field.devices + excluded.devices");
    db__put_int(&query, device->organization);
    db__put_text(&query, device->template);
    db__put_text(&query, device->type);
    db__put_text(&query, device->version);
    db__put_int(&query, by);
    return db__run(&query);
}

static void read_version(struct query *query, void *record)
{
    struct version_point *point = record;
    point->time = db__int(query);
    db__text(query, point->template, sizeof point->template);
    db__text(query, point->type, sizeof point->type);
    db__text(query, point->version, sizeof point->version);
    point->devices = db__int(query);
}

int store_field(struct store *store, int64_t organization, const char *template, int64_t now,
                struct version_point **points, size_t *count)
{
    struct query query = db__query(store, "SELECT CAST(?1 AS BIGINT), template, type, version, devices "
                                          "FROM field WHERE organization = ?3 AND devices > 0 AND "
                                          "(?2 = '' OR template = ?2) "
                                          "ORDER BY template, type, version LIMIT 10000");
    db__put_int(&query, now);
    db__put_text(&query, template);
    db__put_int(&query, organization);
    return db__list(&query, read_version, sizeof **points, points, count);
}

static int drop(struct store *store, const char *sql, int64_t oldest)
{
    struct query query = db__query(store, sql);
    db__put_int(&query, oldest);
    return db__run(&query);
}

static int keep_versions(struct store *store, int64_t time)
{
    struct query query = db__query(
        store, "INSERT INTO version_hour (organization, time, template, type, version, devices) "
               "SELECT organization, CAST(? AS BIGINT), template, type, version, devices FROM field "
               "WHERE devices > 0 ON CONFLICT DO NOTHING");
    db__put_int(&query, time);
    return db__run(&query);
}

int store_chart_keep_live(struct store *store, int64_t time, int64_t since)
{
    struct query query =
        db__query(store, "INSERT INTO progress_hour (shipment, time, target, updated, failed, skipped) "
                         "SELECT w.shipment, CAST(? AS BIGINT), CAST(sum(w.size) AS BIGINT), "
                         "CAST(sum(w.updated + w.there) AS BIGINT), CAST(sum(w.failed) AS BIGINT), "
                         "CAST(sum(w.skipped) AS BIGINT) FROM wave w JOIN shipment s ON s.id = w.shipment "
                         "WHERE s.state = ? AND s.created >= ? GROUP BY w.shipment ON CONFLICT DO NOTHING");
    db__put_int(&query, time);
    db__put_int(&query, SHIPMENT_LIVE);
    db__put_int(&query, since);
    return db__run(&query);
}

int store_chart_keep(struct store *store, int64_t time, int64_t oldest)
{
    int result = keep_versions(store, time);
    if (result == STORE_OK)
        result = store_chart_keep_live(store, time, 0);
    if (result == STORE_OK)
        result = drop(store, "DELETE FROM version_hour WHERE time < ?", oldest);
    if (result == STORE_OK)
        result = drop(store, "DELETE FROM progress_hour WHERE time < ?", oldest);
    return result == STORE_OK ? drop(store, "DELETE FROM field WHERE devices = 0 AND 0 < ?", 1) : result;
}

int store_chart_keep_shipment(struct store *store, int64_t shipment, int64_t time)
{
    struct progress progress;
    int result = store_shipment_progress(store, shipment, &progress);
    if (result != STORE_OK)
        return result;
    struct query query = db__query(
        store, "INSERT INTO progress_hour (shipment, time, target, updated, failed, skipped) VALUES "
               "(?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    db__put_int(&query, shipment);
    db__put_int(&query, time);
    db__put_int(&query, progress.target);
    db__put_int(&query, progress.updated);
    db__put_int(&query, progress.failed);
    db__put_int(&query, progress.skipped);
    return db__run(&query);
}

int store_chart_versions(struct store *store, int64_t organization, const char *template, int64_t since,
                         struct version_point **points, size_t *count)
{
    struct query query =
        db__query(store, "SELECT time, template, type, version, devices FROM version_hour "
                         "WHERE organization = ?3 AND time >= ?1 AND (?2 = '' OR template = ?2) "
                         "ORDER BY time, template, type, version LIMIT 100000");
    db__put_int(&query, since);
    db__put_text(&query, template);
    db__put_int(&query, organization);
    return db__list(&query, read_version, sizeof **points, points, count);
}

static void read_progress(struct query *query, void *record)
{
    struct progress_point *point = record;
    point->time = db__int(query);
    point->progress.target = db__int(query);
    point->progress.updated = db__int(query);
    point->progress.failed = db__int(query);
    point->progress.skipped = db__int(query);
}

int store_chart_shipment(struct store *store, int64_t shipment, struct progress_point **points, size_t *count)
{
    struct query query = db__query(store, "SELECT time, target, updated, failed, skipped FROM progress_hour "
                                          "WHERE shipment = ? ORDER BY time LIMIT 10000");
    db__put_int(&query, shipment);
    return db__list(&query, read_progress, sizeof **points, points, count);
}
