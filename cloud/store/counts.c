#include "cloud/store/counts.h"

#include "cloud/store/database.h"
#include "cloud/store/form.h"

static void read_sizes(struct query *query, void *record)
{
    struct store_counts *counts = record;
    counts->devices = db__int(query);
    counts->online = db__int(query);
    counts->firmware = db__int(query);
    for (int state = SHIPMENT_LIVE; state <= SHIPMENT_CANCELLED; state++)
        counts->shipments[state] = db__int(query);
}

static int count_targets(struct store *store, struct store_counts *counts)
{
    struct query query =
        db__query(store, "SELECT CAST(coalesce(sum(w.size), 0) AS BIGINT), "
                         "CAST(coalesce(sum(w.updated + w.there), 0) AS BIGINT), "
                         "CAST(coalesce(sum(w.failed), 0) AS BIGINT) FROM wave w JOIN shipment s "
                         "ON s.id = w.shipment WHERE s.state IN (?, ?)");
    db__put_int(&query, SHIPMENT_LIVE);
    db__put_int(&query, SHIPMENT_PAUSED);
    if (db__row(&query)) {
        counts->targets = db__int(&query);
        counts->updated = db__int(&query);
        counts->failed = db__int(&query);
    }
    return db__end(&query);
}

int store_count(struct store *store, struct store_counts *counts)
{
    struct query query = db__query(
        store,
        "SELECT (SELECT CAST(coalesce(sum(devices), 0) AS BIGINT) FROM template_owner), "
        "(SELECT CAST(coalesce(sum(devices), 0) AS BIGINT) FROM crowd WHERE node IN (SELECT id FROM node)), "
        "(SELECT count(*) FROM firmware), (SELECT count(*) FROM shipment WHERE state = ?), "
        "(SELECT count(*) FROM shipment WHERE state = ?), (SELECT count(*) FROM shipment WHERE state = ?), "
        "(SELECT count(*) FROM shipment WHERE state = ?)");
    for (int state = SHIPMENT_LIVE; state <= SHIPMENT_CANCELLED; state++)
        db__put_int(&query, state);
    int result = db__one(&query, read_sizes, counts, sizeof *counts);
    if (result == STORE_OK)
        result = store_form_sums(store, &counts->forms, &counts->forms_bytes);
    return result == STORE_OK ? count_targets(store, counts) : result;
}

static void read_figures(struct query *query, void *record)
{
    struct store_figures *figures = record;
    figures->devices = db__int(query);
    figures->online = db__int(query);
    figures->firmware = db__int(query);
    for (int state = SHIPMENT_LIVE; state <= SHIPMENT_CANCELLED; state++)
        figures->shipments[state] = db__int(query);
}

int store_count_of(struct store *store, int64_t organization, struct store_figures *figures)
{
    struct query query =
        db__query(store, "SELECT (SELECT CAST(coalesce(sum(devices), 0) AS BIGINT) FROM template_owner "
                         "WHERE organization = ?1), "
                         "(SELECT CAST(coalesce(sum(devices), 0) AS BIGINT) FROM crowd "
                         "WHERE organization = ?1 AND node IN (SELECT id FROM node)), "
                         "(SELECT count(*) FROM firmware WHERE organization = ?1), "
                         "(SELECT count(*) FROM shipment WHERE organization = ?1 AND state = ?2), "
                         "(SELECT count(*) FROM shipment WHERE organization = ?1 AND state = ?3), "
                         "(SELECT count(*) FROM shipment WHERE organization = ?1 AND state = ?4), "
                         "(SELECT count(*) FROM shipment WHERE organization = ?1 AND state = ?5)");
    db__put_int(&query, organization);
    for (int state = SHIPMENT_LIVE; state <= SHIPMENT_CANCELLED; state++)
        db__put_int(&query, state);
    return db__one(&query, read_figures, figures, sizeof *figures);
}
