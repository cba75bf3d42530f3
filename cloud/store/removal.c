/* Files to remove. */
#include "cloud/store/removal.h"

#include "cloud/store/database.h"

int store_removal_add(struct store *store, int64_t firmware, int64_t due)
{
    struct query query =
        db__query(store, "INSERT INTO removal (sha256, due, tries, tried) "
                         "SELECT sha256, CAST(?2 AS BIGINT), 0, 0 FROM firmware WHERE id = ?1 UNION "
                         "SELECT sha256, CAST(?2 AS BIGINT), 0, 0 FROM form "
                         "WHERE firmware = ?1 AND sha256 IS NOT NULL "
                         "ON CONFLICT (sha256) DO UPDATE SET due = excluded.due, tries = 0");
    db__put_int(&query, firmware);
    db__put_int(&query, due);
    return db__run(&query);
}

static void read_removal(struct query *query, void *record)
{
    struct removal *removal = record;
    (void)db__bytes(query, removal->sha256, sizeof removal->sha256);
    removal->due = db__int(query);
    removal->tries = db__int(query);
    removal->tried = db__int(query);
}

int store_removal_get(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES], struct removal *removal)
{
    struct query query = db__query(store, "SELECT sha256, due, tries, tried FROM removal WHERE sha256 = ?");
    db__put_bytes(&query, sha256, RECORD_DIGEST_BYTES);
    return db__one(&query, read_removal, removal, sizeof *removal);
}

int store_removal_due(struct store *store, int64_t now, struct removal *removal)
{
    struct query query =
        db__query(store, "SELECT sha256, due, tries, tried FROM removal WHERE due <= ? ORDER BY due LIMIT 1");
    db__put_int(&query, now);
    return db__one(&query, read_removal, removal, sizeof *removal);
}

int store_removal_update(struct store *store, const struct removal *removal)
{
    struct query query =
        db__query(store, "UPDATE removal SET (due, tries, tried) = (?, ?, ?) WHERE sha256 = ?");
    db__put_int(&query, removal->due);
    db__put_int(&query, removal->tries);
    db__put_int(&query, removal->tried);
    db__put_bytes(&query, removal->sha256, RECORD_DIGEST_BYTES);
    return db__run_one(&query);
}

int store_removal_drop(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES])
{
    struct query query = db__query(store, "DELETE FROM removal WHERE sha256 = ?");
    db__put_bytes(&query, sha256, RECORD_DIGEST_BYTES);
    return db__run(&query);
}

int store_file_needed(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES], bool *needed)
{
    struct query query = db__query(store, "SELECT 1 FROM firmware WHERE sha256 = ?1 UNION ALL "
                                          "SELECT 1 FROM form WHERE sha256 = ?1 LIMIT 1");
    db__put_bytes(&query, sha256, RECORD_DIGEST_BYTES);
    *needed = db__row(&query);
    return db__end(&query);
}
