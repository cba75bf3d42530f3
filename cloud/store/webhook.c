#include "cloud/store/webhook.h"

#include "cloud/store/database.h"

#define FIELDS          "organization, url, secret, events, disabled, created"
#define DELIVERY_FIELDS "webhook, event, payload, created, attempts, due, status, error, state"

static void read_webhook(struct query *query, void *record)
{
    struct webhook *webhook = record;
    webhook->id = db__int(query);
    webhook->organization = db__int(query);
    db__text(query, webhook->url, sizeof webhook->url);
    (void)db__bytes(query, webhook->secret, sizeof webhook->secret);
    db__text(query, webhook->events, sizeof webhook->events);
    webhook->disabled = db__int(query) != 0;
    webhook->created = db__int(query);
}

int store_webhook_add(struct store *store, struct webhook *webhook)
{
    struct query query = db__query(store, "INSERT INTO webhook (" FIELDS ") VALUES (?, ?, ?, ?, ?, ?) "
                                          "ON CONFLICT DO NOTHING RETURNING id");
    db__put_int(&query, webhook->organization);
    db__put_text(&query, webhook->url);
    db__put_bytes(&query, webhook->secret, sizeof webhook->secret);
    db__put_text(&query, webhook->events);
    db__put_int(&query, webhook->disabled);
    db__put_int(&query, webhook->created);
    return db__run_add(&query, &webhook->id);
}

int store_webhook_get(struct store *store, int64_t id, struct webhook *webhook)
{
    struct query query = db__query(store, "SELECT id, " FIELDS " FROM webhook WHERE id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_webhook, webhook, sizeof *webhook);
}

int store_webhook_update(struct store *store, const struct webhook *webhook)
{
    struct query query =
        db__query(store, "UPDATE webhook SET url = ?, events = ?, disabled = ? WHERE id = ?");
    db__put_text(&query, webhook->url);
    db__put_text(&query, webhook->events);
    db__put_int(&query, webhook->disabled);
    db__put_int(&query, webhook->id);
    return db__run_one(&query);
}

int store_webhook_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, "DELETE FROM webhook WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_webhooks(struct store *store, int64_t organization, struct page page, struct webhook **webhooks,
                   size_t *count)
{
    struct query query = db__query(
        store, "SELECT id, " FIELDS " FROM webhook WHERE organization = ? AND id > ? ORDER BY id LIMIT ?");
    db__put_int(&query, organization);
    db__put_int(&query, page.after);
    db__put_int(&query, page.limit);
    return db__list(&query, read_webhook, sizeof **webhooks, webhooks, count);
}

static void read_delivery(struct query *query, void *record)
{
    struct delivery *delivery = record;
    delivery->id = db__int(query);
    delivery->webhook = db__int(query);
    db__text(query, delivery->event, sizeof delivery->event);
    db__text(query, delivery->payload, sizeof delivery->payload);
    delivery->created = db__int(query);
    delivery->attempts = db__int(query);
    delivery->due = db__int(query);
    delivery->status = db__int(query);
    db__text(query, delivery->error, sizeof delivery->error);
    delivery->state = db__int(query);
}

int store_delivery_add(struct store *store, struct delivery *delivery)
{
    struct query query = db__query(store, "INSERT INTO delivery (" DELIVERY_FIELDS ") VALUES "
                                          "(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_int(&query, delivery->webhook);
    db__put_text(&query, delivery->event);
    db__put_text(&query, delivery->payload);
    db__put_int(&query, delivery->created);
    db__put_int(&query, delivery->attempts);
    db__put_int(&query, delivery->due);
    db__put_int(&query, delivery->status);
    db__put_text(&query, delivery->error);
    db__put_int(&query, delivery->state);
    return db__run_add(&query, &delivery->id);
}

int store_delivery_update(struct store *store, const struct delivery *delivery)
{
    struct query query = db__query(
        store, "UPDATE delivery SET attempts = ?, due = ?, status = ?, error = ?, state = ? WHERE id = ?");
    db__put_int(&query, delivery->attempts);
    db__put_int(&query, delivery->due);
    db__put_int(&query, delivery->status);
    db__put_text(&query, delivery->error);
    db__put_int(&query, delivery->state);
    db__put_int(&query, delivery->id);
    return db__run_one(&query);
}

/* Each webhook's first is found in an index, however many wait behind it. */
int store_delivery_due(struct store *store, int64_t now, const struct delivery_skip *skip,
                       struct delivery *delivery)
{
    struct query query = db__query(
        store,
        "SELECT id, " DELIVERY_FIELDS " FROM delivery WHERE id IN (SELECT (SELECT d.id FROM delivery d "
        "WHERE d.webhook = w.id AND d.due > 0 AND d.due <= ? ORDER BY d.due LIMIT 1) FROM webhook w "
        "WHERE w.disabled = 0 AND w.id NOT IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "AND w.organization NOT IN (?, ?, ?, ?)) ORDER BY due, id LIMIT 1");
    db__put_int(&query, now);
    for (size_t i = 0; i < DELIVERY_SKIP_WEBHOOKS; i++)
        db__put_int(&query, skip->webhooks[i]);
    for (size_t i = 0; i < DELIVERY_SKIP_ORGANIZATIONS; i++)
        db__put_int(&query, skip->organizations[i]);
    return db__one(&query, read_delivery, delivery, sizeof *delivery);
}

int store_deliveries(struct store *store, int64_t webhook, struct page page, struct delivery **deliveries,
                     size_t *count)
{
    struct query query =
        db__query(store, "SELECT id, " DELIVERY_FIELDS " FROM delivery WHERE webhook = ? AND "
                         "id < ? ORDER BY id DESC LIMIT ?");
    db__put_int(&query, webhook);
    db__put_int(&query, page.after == 0 ? INT64_MAX : page.after);
    db__put_int(&query, page.limit);
    return db__list(&query, read_delivery, sizeof **deliveries, deliveries, count);
}

int store_deliveries_trim(struct store *store, int64_t before)
{
    struct query query = db__query(store, "DELETE FROM delivery WHERE due = 0 AND created < ?");
    db__put_int(&query, before);
    return db__run(&query);
}
