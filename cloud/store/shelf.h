/* What one transaction reads again and again: shipments, their firmware, and whether any device rolled back
 * from an image. Kept for as long as the transaction lasts, so that it can't be outdated by another server:
 * what was read once in it reads the same. Private to cloud/store. */
#ifndef TANDEM_CLOUD_SHELF_H
#define TANDEM_CLOUD_SHELF_H

#include "cloud/store/store.h"

#define SHELF_PLACES 8 /* of each kind; the oldest makes room */

struct shelf {
    struct shipment shipments[SHELF_PLACES];
    struct firmware firmware[SHELF_PLACES];
    struct shelf_image {
        uint8_t head[RECORD_SHORT_BYTES];
        bool known;
        bool rejected; /* by some device */
    } images[SHELF_PLACES];
    unsigned next_shipment, next_firmware, next_image;
};

/* Nothing that was kept holds any more: another transaction begins, or a step of this one was taken back. */
void shelf__clear(struct store *store);

/* False: it is not there. */
bool shelf__shipment(const struct store *store, int64_t id, struct shipment *shipment);
void shelf__keep_shipment(struct store *store, const struct shipment *shipment);
/* It is about to change; 0: all. */
void shelf__drop_shipment(struct store *store, int64_t id);

bool shelf__firmware(const struct store *store, int64_t id, struct firmware *firmware);
void shelf__keep_firmware(struct store *store, const struct firmware *firmware);

bool shelf__image(const struct store *store, const uint8_t head[RECORD_SHORT_BYTES], bool *rejected);
void shelf__keep_image(struct store *store, const uint8_t head[RECORD_SHORT_BYTES], bool rejected);
void shelf__drop_images(struct store *store);

#endif
