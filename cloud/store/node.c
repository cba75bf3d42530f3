/* Nodes, presences, and the tokens that ended. */
#include "cloud/store/node.h"

#include "cloud/durations.h"
#include "cloud/store/database.h"

#define TOKEN_ENDS_KEPT_MS DAY_MS

static int run(struct store *store, const char *sql)
{
    struct query query = db__query(store, sql);
    return db__run(&query);
}

int store_node_add(struct store *store, int64_t now, bool alone, int64_t *id)
{
    int result = STORE_OK;
    if (alone)
        result = run(store, "DELETE FROM node");
    if (alone && result == STORE_OK)
        result = run(store, "DELETE FROM presence");
    if (alone && result == STORE_OK)
        result = run(store, "DELETE FROM crowd");
    if (result != STORE_OK)
        return result;
    struct query query = db__query(store, "INSERT INTO node (beat, started) VALUES (0, ?) RETURNING id");
    db__put_int(&query, now);
    return db__run_add(&query, id);
}

int store_node_beat(struct store *store, int64_t id)
{
    struct query query = db__query(store, "UPDATE node SET beat = beat + 1 WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

static int run_of(struct store *store, const char *sql, int64_t node)
{
    struct query query = db__query(store, sql);
    db__put_int(&query, node);
    return db__run(&query);
}

static int remove_node(struct store *store, int64_t id)
{
    struct query query = db__query(store, "DELETE FROM node WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_node_remove(struct store *store, int64_t id)
{
    int result = run_of(store, "DELETE FROM presence WHERE node = ?", id);
    if (result == STORE_OK)
        result = run_of(store, "DELETE FROM crowd WHERE node = ?", id);
    return result == STORE_OK ? remove_node(store, id) : result;
}

int store_node_take_out(struct store *store, int64_t id)
{
    int result = run_of(store,
                        "INSERT INTO crowd (node, teller, organization, devices) VALUES (?, 0, 0, 0) "
                        "ON CONFLICT DO NOTHING",
                        id);
    return result == STORE_OK ? remove_node(store, id) : result;
}

/* What is left of its crowd goes last: it says that there is a node whose presences are to be removed. */
int store_presences_clear(struct store *store, bool *more)
{
    int64_t node = 0;
    struct query query = db__query(
        store, "SELECT node FROM crowd WHERE node NOT IN (SELECT id FROM node) ORDER BY node LIMIT 1");
    int result = db__one_int(&query, &node);
    *more = false;
    if (result != STORE_OK)
        return result == STORE_NOT_FOUND ? STORE_OK : result;
    query = db__query(store, "DELETE FROM presence WHERE device IN (SELECT device FROM presence "
                             "WHERE node = ? LIMIT ?)");
    db__put_int(&query, node);
    db__put_int(&query, STORE_PRESENCES_REMOVED);
    result = db__run(&query);
    if (result != STORE_OK)
        return result;
    query = db__query(store, "SELECT 1 FROM presence WHERE node = ? LIMIT 1");
    db__put_int(&query, node);
    *more = db__row(&query);
    result = db__end(&query);
    return result == STORE_OK && !*more ? run_of(store, "DELETE FROM crowd WHERE node = ?", node) : result;
}

static void read_node(struct query *query, void *record)
{
    struct node *node = record;
    node->id = db__int(query);
    node->beat = db__int(query);
    node->started = db__int(query);
}

int store_nodes(struct store *store, struct node **nodes, size_t *count)
{
    struct query query = db__query(store, "SELECT id, beat, started FROM node ORDER BY id");
    return db__list(&query, read_node, sizeof **nodes, nodes, count);
}

int store_presence_set(struct store *store, int64_t device, const struct presence *presence)
{
    struct query query = db__query(
        store, "INSERT INTO presence (device, node, connection, origin) VALUES (?, ?, ?, ?) "
               "ON CONFLICT (device) DO UPDATE SET node = excluded.node, connection = excluded.connection, "
               "origin = excluded.origin");
    db__put_int(&query, device);
    db__put_int(&query, presence->node);
    db__put_int(&query, (int64_t)presence->connection);
    db__put_text(&query, presence->origin);
    return db__run(&query);
}

void db__read_presence(struct query *query, void *record)
{
    struct presence *presence = record;
    presence->node = db__int(query);
    presence->connection = (uint64_t)db__int(query);
    db__text(query, presence->origin, sizeof presence->origin);
}

int store_presence_get(struct store *store, int64_t device, struct presence *presence)
{
    struct query query = db__query(store, "SELECT node, connection, origin FROM presence WHERE device = ?");
    db__put_int(&query, device);
    return db__one(&query, db__read_presence, presence, sizeof *presence);
}

int store_presence_remove(struct store *store, int64_t device, int64_t node, uint64_t connection)
{
    struct query query =
        db__query(store, "DELETE FROM presence WHERE device = ? AND node = ? AND connection = ?");
    db__put_int(&query, device);
    db__put_int(&query, node);
    db__put_int(&query, (int64_t)connection);
    return db__run_one(&query);
}

int store_token_end_add(struct store *store, int64_t device, const uint8_t hash[RECORD_DIGEST_BYTES],
                        int64_t now)
{
    struct query query = db__query(store, "DELETE FROM token_end WHERE time < ?");
    db__put_int(&query, now - TOKEN_ENDS_KEPT_MS);
    int result = db__run(&query);
    if (result != STORE_OK)
        return result;
    query = db__query(store, "INSERT INTO token_end (device, hash, time) VALUES (?, ?, ?)");
    db__put_int(&query, device);
    db__put_bytes(&query, hash, RECORD_DIGEST_BYTES);
    db__put_int(&query, now);
    return db__run(&query);
}

static void read_token_end(struct query *query, void *record)
{
    struct token_end *end = record;
    end->id = db__int(query);
    end->device = db__int(query);
    (void)db__bytes(query, end->hash, sizeof end->hash);
    end->renewed = db__bytes(query, end->new_hash, sizeof end->new_hash);
}

int store_token_ends(struct store *store, int64_t after, size_t limit, struct token_end **ends, size_t *count)
{
    struct query query =
        db__query(store, "SELECT e.id, e.device, e.hash, d.token_hash FROM token_end e LEFT JOIN device d "
                         "ON d.id = e.device AND d.revoked = 0 WHERE e.id > ? ORDER BY e.id LIMIT ?");
    db__put_int(&query, after);
    db__put_int(&query, (int64_t)limit);
    return db__list(&query, read_token_end, sizeof **ends, ends, count);
}

int store_token_end_newest(struct store *store, int64_t *id)
{
    struct query query = db__query(store, "SELECT coalesce(max(id), 0) FROM token_end");
    *id = db__row(&query) ? db__int(&query) : 0;
    return db__end(&query);
}
