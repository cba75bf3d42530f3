/* Firmware, shipments and targets. */
#include <string.h>

#include "cloud/store/database.h"

static void read_firmware(struct query *query, struct firmware *firmware)
{
    *firmware = (struct firmware){.id = db__int(query)};
    db__text(query, firmware->name, sizeof firmware->name);
    firmware->package = db__int(query) != 0;
    firmware->size = db__int(query);
    (void)db__blob(query, firmware->sha256, sizeof firmware->sha256);
    (void)db__blob(query, firmware->md5, sizeof firmware->md5);
    db__text(query, firmware->type, sizeof firmware->type);
    db__text(query, firmware->version, sizeof firmware->version);
    db__text(query, firmware->build, sizeof firmware->build);
    firmware->uploaded = db__int(query);
    (void)db__blob(query, firmware->digest, sizeof firmware->digest);
    db__text(query, firmware->hardware, sizeof firmware->hardware);
    firmware->image_bytes = db__int(query);
    firmware->counter = db__int(query);
    firmware->key_id = db__int(query);
    firmware->encoding = db__int(query);
}

int store_firmware_add(struct store *store, struct firmware *firmware)
{
    struct query query = db__query(store, SQL_FIRMWARE_ADD);
    db__put_text(&query, firmware->name);
    db__put_int(&query, firmware->package);
    db__put_int(&query, firmware->size);
    db__put_blob(&query, firmware->sha256, sizeof firmware->sha256);
    db__put_blob(&query, firmware->md5, sizeof firmware->md5);
    db__put_text(&query, firmware->type);
    db__put_text(&query, firmware->version);
    db__put_text(&query, firmware->build);
    db__put_int(&query, firmware->uploaded);
    db__put_blob(&query, firmware->digest, sizeof firmware->digest);
    db__put_text(&query, firmware->hardware);
    db__put_int(&query, firmware->image_bytes);
    db__put_int(&query, firmware->counter);
    db__put_int(&query, firmware->key_id);
    db__put_int(&query, firmware->encoding);
    int result = db__run(&query);
    if (result == STORE_OK)
        firmware->id = sqlite3_last_insert_rowid(store->database);
    return result;
}

static int one_firmware(struct query *query, struct firmware *firmware)
{
    bool found = db__row(query);
    if (found)
        read_firmware(query, firmware);
    int result = db__end(query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

int store_firmware_get(struct store *store, int64_t id, struct firmware *firmware)
{
    struct query query = db__query(store, SQL_FIRMWARE_GET);
    db__put_int(&query, id);
    return one_firmware(&query, firmware);
}

int store_firmware_find(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES],
                        struct firmware *firmware)
{
    struct query query = db__query(store, SQL_FIRMWARE_FIND);
    db__put_blob(&query, sha256, RECORD_DIGEST_BYTES);
    return one_firmware(&query, firmware);
}

int store_firmware_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, SQL_FIRMWARE_DELETE);
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_firmwares(struct store *store, struct firmware **firmware, size_t *count)
{
    void *list = NULL;
    *count = 0;
    struct query query = db__query(store, SQL_FIRMWARES);
    while (db__row(&query)) {
        struct firmware *room = db__append(&query, &list, count, sizeof *room);
        if (room != NULL)
            read_firmware(&query, room);
    }
    int result = db__end_list(&query, &list, count);
    *firmware = list;
    return result;
}

static void read_shipment(struct query *query, struct shipment *shipment)
{
    *shipment = (struct shipment){.id = db__int(query)};
    db__text(query, shipment->name, sizeof shipment->name);
    db__text(query, shipment->template, sizeof shipment->template);
    shipment->firmware = db__int(query);
    shipment->all_devices = db__int(query) != 0;
    shipment->state = (enum shipment_state)db__int(query);
    shipment->created = db__int(query);
    shipment->ended = db__int(query);
}

int store_shipment_add(struct store *store, struct shipment *shipment)
{
    struct query query = db__query(store, SQL_SHIPMENT_ADD);
    db__put_text(&query, shipment->name);
    db__put_text(&query, shipment->template);
    db__put_int(&query, shipment->firmware);
    db__put_int(&query, shipment->all_devices);
    db__put_int(&query, shipment->state);
    db__put_int(&query, shipment->created);
    db__put_int(&query, shipment->ended);
    int result = db__run(&query);
    if (result == STORE_OK)
        shipment->id = sqlite3_last_insert_rowid(store->database);
    return result;
}

int store_shipment_update(struct store *store, const struct shipment *shipment)
{
    struct query query = db__query(store, SQL_SHIPMENT_UPDATE);
    db__put_int(&query, shipment->state);
    db__put_int(&query, shipment->ended);
    db__put_int(&query, shipment->id);
    return db__run_one(&query);
}

int store_shipment_get(struct store *store, int64_t id, struct shipment *shipment)
{
    struct query query = db__query(store, SQL_SHIPMENT_GET);
    db__put_int(&query, id);
    bool found = db__row(&query);
    if (found)
        read_shipment(&query, shipment);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

int store_shipments(struct store *store, struct shipment **shipments, size_t *count)
{
    void *list = NULL;
    *count = 0;
    struct query query = db__query(store, SQL_SHIPMENTS);
    while (db__row(&query)) {
        struct shipment *room = db__append(&query, &list, count, sizeof *room);
        if (room != NULL)
            read_shipment(&query, room);
    }
    int result = db__end_list(&query, &list, count);
    *shipments = list;
    return result;
}

int store_shipment_progress(struct store *store, int64_t shipment, struct progress *progress)
{
    struct query query = db__query(store, SQL_PROGRESS);
    db__put_int(&query, shipment);
    db__put_int(&query, TARGET_SUCCESS);
    db__put_int(&query, TARGET_ALREADY_THERE);
    if (db__row(&query)) {
        progress->target = db__int(&query);
        progress->updated = db__int(&query);
        progress->failed = db__int(&query);
    }
    return db__end(&query);
}

/* In the order of TARGET_FIELDS. */
static void put_target(struct query *query, const struct target *target)
{
    db__put_int(query, target->status);
    db__put_int(query, target->reason);
    db__put_int(query, target->ended);
    db__put_int(query, target->stage);
    db__put_int(query, target->bytes);
    db__put_int(query, target->size);
    db__put_int(query, target->wire_bytes);
    db__put_int(query, target->attempts);
    db__put_int(query, target->period_start);
    db__put_int(query, target->attempt_start);
    db__put_int(query, target->repeats);
    db__put_int(query, target->due);
    db__put_int(query, target->updated);
}

static void read_target(struct query *query, struct target *target)
{
    *target = (struct target){.shipment = db__int(query)};
    target->device = db__int(query);
    target->status = (enum target_status)db__int(query);
    target->reason = (uint8_t)db__int(query);
    target->ended = db__int(query) != 0;
    target->stage = (enum target_stage)db__int(query);
    target->bytes = db__int(query);
    target->size = db__int(query);
    target->wire_bytes = db__int(query);
    target->attempts = db__int(query);
    target->period_start = db__int(query);
    target->attempt_start = db__int(query);
    target->repeats = db__int(query);
    target->due = db__int(query);
    target->updated = db__int(query);
}

int store_target_add(struct store *store, const struct target *target)
{
    struct query query = db__query(store, SQL_TARGET_ADD);
    db__put_int(&query, target->shipment);
    db__put_int(&query, target->device);
    put_target(&query, target);
    return db__run(&query);
}

int store_target_update(struct store *store, const struct target *target)
{
    struct query query = db__query(store, SQL_TARGET_UPDATE);
    put_target(&query, target);
    db__put_int(&query, target->shipment);
    db__put_int(&query, target->device);
    return db__run_one(&query);
}

int store_target_get(struct store *store, int64_t shipment, int64_t device, struct target *target)
{
    struct query query = db__query(store, SQL_TARGET_GET);
    db__put_int(&query, shipment);
    db__put_int(&query, device);
    bool found = db__row(&query);
    if (found)
        read_target(&query, target);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

static int read_targets(struct query *query, struct target **targets, size_t *count)
{
    void *list = NULL;
    *count = 0;
    while (db__row(query)) {
        struct target *room = db__append(query, &list, count, sizeof *room);
        if (room != NULL)
            read_target(query, room);
    }
    int result = db__end_list(query, &list, count);
    *targets = list;
    return result;
}

int store_targets_of_shipment(struct store *store, int64_t shipment, struct target **targets, size_t *count)
{
    struct query query = db__query(store, SQL_TARGETS_OF_SHIPMENT);
    db__put_int(&query, shipment);
    return read_targets(&query, targets, count);
}

int store_targets_of_device(struct store *store, int64_t device, struct target **targets, size_t *count)
{
    struct query query = db__query(store, SQL_TARGETS_OF_DEVICE);
    db__put_int(&query, device);
    return read_targets(&query, targets, count);
}

int store_targets_due(struct store *store, int64_t now, size_t limit, struct target **targets, size_t *count)
{
    struct query query = db__query(store, SQL_TARGETS_DUE);
    db__put_int(&query, now);
    db__put_int(&query, (int64_t)limit);
    return read_targets(&query, targets, count);
}
