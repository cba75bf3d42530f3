#include "cloud/store/shelf.h"

#include <string.h>

#include "cloud/store/driver.h"

void shelf__clear(struct store *store)
{
    shelf__drop_shipment(store, 0);
    for (size_t i = 0; i < SHELF_PLACES; i++)
        store->shelf.firmware[i].id = 0;
    shelf__drop_images(store);
}

bool shelf__shipment(const struct store *store, int64_t id, struct shipment *shipment)
{
    for (size_t i = 0; i < SHELF_PLACES; i++) {
        if (id != 0 && store->shelf.shipments[i].id == id) {
            *shipment = store->shelf.shipments[i];
            return true;
        }
    }
    return false;
}

void shelf__keep_shipment(struct store *store, const struct shipment *shipment)
{
    store->shelf.shipments[store->shelf.next_shipment++ % SHELF_PLACES] = *shipment;
}

void shelf__drop_shipment(struct store *store, int64_t id)
{
    for (size_t i = 0; i < SHELF_PLACES; i++) {
        if (id == 0 || store->shelf.shipments[i].id == id)
            store->shelf.shipments[i].id = 0;
    }
}

bool shelf__firmware(const struct store *store, int64_t id, struct firmware *firmware)
{
    for (size_t i = 0; i < SHELF_PLACES; i++) {
        if (id != 0 && store->shelf.firmware[i].id == id) {
            *firmware = store->shelf.firmware[i];
            return true;
        }
    }
    return false;
}

void shelf__keep_firmware(struct store *store, const struct firmware *firmware)
{
    store->shelf.firmware[store->shelf.next_firmware++ % SHELF_PLACES] = *firmware;
}

bool shelf__image(const struct store *store, const uint8_t head[RECORD_SHORT_BYTES], bool *rejected)
{
    for (size_t i = 0; i < SHELF_PLACES; i++) {
        const struct shelf_image *image = &store->shelf.images[i];
        if (image->known && memcmp(image->head, head, sizeof image->head) == 0) {
            *rejected = image->rejected;
            return true;
        }
    }
    return false;
}

void shelf__keep_image(struct store *store, const uint8_t head[RECORD_SHORT_BYTES], bool rejected)
{
    struct shelf_image *image = &store->shelf.images[store->shelf.next_image++ % SHELF_PLACES];
    memcpy(image->head, head, sizeof image->head);
    image->known = true;
    image->rejected = rejected;
}

void shelf__drop_images(struct store *store)
{
    for (size_t i = 0; i < SHELF_PLACES; i++)
        store->shelf.images[i].known = false;
}
