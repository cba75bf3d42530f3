/* Signing keys. */
#include "cloud/store/key.h"

#include "cloud/store/database.h"
#include "cloud/store/shelf.h"

#define COLUMNS "id, organization, name, key_id, point, created"

static void read_key(struct query *query, void *record)
{
    struct signing_key *key = record;
    key->id = db__int(query);
    key->organization = db__int(query);
    db__text(query, key->name, sizeof key->name);
    key->key_id = db__int(query);
    (void)db__bytes(query, key->point, sizeof key->point);
    key->created = db__int(query);
}

int store_key_add(struct store *store, struct signing_key *key)
{
    struct query query =
        db__query(store, "INSERT INTO signing_key (organization, name, key_id, point, created) VALUES "
                         "(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_int(&query, key->organization);
    db__put_text(&query, key->name);
    db__put_int(&query, key->key_id);
    db__put_bytes(&query, key->point, sizeof key->point);
    db__put_int(&query, key->created);
    return db__run_add(&query, &key->id);
}

int store_key_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, "UPDATE firmware SET signer = 0 WHERE signer = ?");
    db__put_int(&query, id);
    shelf__clear(store);
    int result = db__run(&query);
    if (result != STORE_OK)
        return result;
    query = db__query(store, "DELETE FROM signing_key WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_key_get(struct store *store, int64_t id, struct signing_key *key)
{
    struct query query = db__query(store, "SELECT " COLUMNS " FROM signing_key WHERE id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_key, key, sizeof *key);
}

int store_keys(struct store *store, int64_t organization, int64_t key_id, struct signing_key **keys,
               size_t *count)
{
    struct query query = db__query(store, "SELECT " COLUMNS " FROM signing_key WHERE organization = ?2 AND "
                                          "(?1 < 0 OR key_id = ?1) ORDER BY name LIMIT 1000");
    db__put_int(&query, key_id);
    db__put_int(&query, organization);
    return db__list(&query, read_key, sizeof **keys, keys, count);
}
