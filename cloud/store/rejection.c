#include "cloud/store/rejection.h"

#include "cloud/store/database.h"
#include "cloud/store/shelf.h"

int store_rejection_add(struct store *store, int64_t device, const uint8_t head[RECORD_SHORT_BYTES],
                        uint8_t reason, int64_t now)
{
    struct query query = db__query(
        store, "INSERT INTO rejection (device, head, reason, time) VALUES (?, ?, ?, ?) "
               "ON CONFLICT (device, head) DO UPDATE SET reason = excluded.reason, time = excluded.time");
    db__put_int(&query, device);
    db__put_bytes(&query, head, RECORD_SHORT_BYTES);
    db__put_int(&query, reason);
    db__put_int(&query, now);
    shelf__drop_images(store);
    return db__run(&query);
}

int store_rejections_exist(struct store *store, const uint8_t head[RECORD_SHORT_BYTES], bool *exist)
{
    if (shelf__image(store, head, exist))
        return STORE_OK;
    struct query query = db__query(store, "SELECT 1 FROM rejection WHERE head = ? LIMIT 1");
    db__put_bytes(&query, head, RECORD_SHORT_BYTES);
    *exist = db__row(&query);
    int result = db__end(&query);
    if (result == STORE_OK)
        shelf__keep_image(store, head, *exist);
    return result;
}

int store_rejection_get(struct store *store, int64_t device, const uint8_t head[RECORD_SHORT_BYTES],
                        uint8_t *reason)
{
    bool exist = false;
    int known = store_rejections_exist(store, head, &exist);
    if (known != STORE_OK || !exist)
        return known == STORE_OK ? STORE_NOT_FOUND : known;
    struct query query = db__query(store, "SELECT reason FROM rejection WHERE device = ? AND head = ?");
    db__put_int(&query, device);
    db__put_bytes(&query, head, RECORD_SHORT_BYTES);
    bool found = db__row(&query);
    if (found)
        *reason = (uint8_t)db__int(&query);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}
