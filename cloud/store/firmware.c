/* Firmware files. */
#include "cloud/store/firmware.h"

#include "cloud/store/database.h"
#include "cloud/store/shelf.h"

#define FIELDS                                                                                               \
    "organization, name, package, size, sha256, md5, type, version, build, uploaded, digest, hardware, "     \
    "image_bytes, "                                                                                          \
    "counter, key_id, encoding, library, head_digest, signature, signer, form, plain_size"

static void read_firmware(struct query *query, void *record)
{
    struct firmware *firmware = record;
    firmware->id = db__int(query);
    firmware->organization = db__int(query);
    db__text(query, firmware->name, sizeof firmware->name);
    firmware->package = db__int(query) != 0;
    firmware->size = db__int(query);
    (void)db__bytes(query, firmware->sha256, sizeof firmware->sha256);
    (void)db__bytes(query, firmware->md5, sizeof firmware->md5);
    db__text(query, firmware->type, sizeof firmware->type);
    db__text(query, firmware->version, sizeof firmware->version);
    db__text(query, firmware->build, sizeof firmware->build);
    firmware->uploaded = db__int(query);
    (void)db__bytes(query, firmware->digest, sizeof firmware->digest);
    db__text(query, firmware->hardware, sizeof firmware->hardware);
    firmware->image_bytes = db__int(query);
    firmware->counter = db__int(query);
    firmware->key_id = db__int(query);
    firmware->encoding = db__int(query);
    db__text(query, firmware->library, sizeof firmware->library);
    (void)db__bytes(query, firmware->head_digest, sizeof firmware->head_digest);
    (void)db__bytes(query, firmware->signature, sizeof firmware->signature);
    firmware->signer = db__int(query);
    firmware->form = (enum form_kind)db__int(query);
    firmware->plain_size = db__int(query);
}

int store_firmware_add(struct store *store, struct firmware *firmware)
{
    struct query query = db__query(store, "INSERT INTO firmware (" FIELDS ") VALUES "
                                          "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                                          "?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_int(&query, firmware->organization);
    db__put_text(&query, firmware->name);
    db__put_int(&query, firmware->package);
    db__put_int(&query, firmware->size);
    db__put_bytes(&query, firmware->sha256, sizeof firmware->sha256);
    db__put_bytes(&query, firmware->md5, sizeof firmware->md5);
    db__put_text(&query, firmware->type);
    db__put_text(&query, firmware->version);
    db__put_text(&query, firmware->build);
    db__put_int(&query, firmware->uploaded);
    db__put_bytes(&query, firmware->digest, sizeof firmware->digest);
    db__put_text(&query, firmware->hardware);
    db__put_int(&query, firmware->image_bytes);
    db__put_int(&query, firmware->counter);
    db__put_int(&query, firmware->key_id);
    db__put_int(&query, firmware->encoding);
    db__put_text(&query, firmware->library);
    db__put_bytes(&query, firmware->head_digest, sizeof firmware->head_digest);
    db__put_bytes(&query, firmware->signature, sizeof firmware->signature);
    db__put_int(&query, firmware->signer);
    db__put_int(&query, firmware->form);
    db__put_int(&query, firmware->plain_size);
    return db__run_add(&query, &firmware->id);
}

int store_firmware_get(struct store *store, int64_t id, struct firmware *firmware)
{
    if (shelf__firmware(store, id, firmware))
        return STORE_OK;
    struct query query = db__query(store, "SELECT id, " FIELDS " FROM firmware WHERE id = ?");
    db__put_int(&query, id);
    int result = db__one(&query, read_firmware, firmware, sizeof *firmware);
    if (result == STORE_OK)
        shelf__keep_firmware(store, firmware);
    return result;
}

int store_firmware_find(struct store *store, int64_t organization, const uint8_t sha256[RECORD_DIGEST_BYTES],
                        struct firmware *firmware)
{
    struct query query =
        organization == 0
            ? db__query(store, "SELECT id, " FIELDS " FROM firmware WHERE sha256 = ? LIMIT 1")
            : db__query(store, "SELECT id, " FIELDS " FROM firmware WHERE sha256 = ? AND organization = ?");
    db__put_bytes(&query, sha256, RECORD_DIGEST_BYTES);
    if (organization != 0)
        db__put_int(&query, organization);
    return db__one(&query, read_firmware, firmware, sizeof *firmware);
}

int store_firmware_of_image(struct store *store, int64_t organization,
                            const uint8_t digest[RECORD_DIGEST_BYTES], struct firmware *firmware)
{
    struct query query =
        db__query(store, "SELECT id, " FIELDS " FROM firmware WHERE organization = ? AND digest = ? "
                         "AND package <> 0 AND form = ? ORDER BY id LIMIT 1");
    db__put_int(&query, organization);
    db__put_bytes(&query, digest, RECORD_DIGEST_BYTES);
    db__put_int(&query, FORM_PLAIN);
    return db__one(&query, read_firmware, firmware, sizeof *firmware);
}

int store_firmware_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, "DELETE FROM firmware WHERE id = ?");
    db__put_int(&query, id);
    shelf__clear(store); /* its shipments go with it */
    return db__run_one(&query);
}

int store_firmware_page(struct store *store, int64_t organization, struct page page,
                        struct firmware **firmware, size_t *count)
{
    struct query query = db__query(store, "SELECT id, " FIELDS " FROM firmware WHERE organization = ? AND "
                                          "id < ? ORDER BY id DESC LIMIT ?");
    db__put_int(&query, organization);
    db__put_int(&query, page.after == 0 ? INT64_MAX : page.after);
    db__put_int(&query, page.limit);
    return db__list(&query, read_firmware, sizeof **firmware, firmware, count);
}

int store_firmwares(struct store *store, int64_t organization, struct firmware **firmware, size_t *count)
{
    struct query query =
        db__query(store, "SELECT id, " FIELDS " FROM firmware WHERE organization = ? ORDER BY id DESC");
    db__put_int(&query, organization);
    return db__list(&query, read_firmware, sizeof **firmware, firmware, count);
}

int store_firmware_signed(struct store *store, int64_t id, int64_t signer)
{
    struct query query = db__query(store, "UPDATE firmware SET signer = ? WHERE id = ?");
    db__put_int(&query, signer);
    db__put_int(&query, id);
    shelf__clear(store);
    return db__run_one(&query);
}

int store_firmware_in_use(struct store *store, const struct firmware *firmware, bool *used)
{
    struct query query =
        db__query(store, "SELECT 1 FROM shipment WHERE firmware = ?1 AND state IN (?2, ?3) UNION ALL "
                         "SELECT 1 FROM field WHERE organization = ?6 AND type = ?4 AND version = ?5 "
                         "AND devices > 0 LIMIT 1");
    db__put_int(&query, firmware->id);
    db__put_int(&query, SHIPMENT_LIVE);
    db__put_int(&query, SHIPMENT_PAUSED);
    db__put_text(&query, firmware->type);
    db__put_text(&query, firmware->version);
    db__put_int(&query, firmware->organization);
    *used = db__row(&query);
    return db__end(&query);
}
