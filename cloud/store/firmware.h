/* The store: firmware. */
#ifndef TANDEM_CLOUD_STORE_FIRMWARE_H
#define TANDEM_CLOUD_STORE_FIRMWARE_H

#include "cloud/store/store.h"

/* add sets id; find is by the digest of the file, in one organization or, with 0, in any. The list is newest
 * first. */
TDM_MUST_USE int store_firmware_add(struct store *store, struct firmware *firmware);
TDM_MUST_USE int store_firmware_get(struct store *store, int64_t id, struct firmware *firmware);
TDM_MUST_USE int store_firmware_find(struct store *store, int64_t organization,
                                     const uint8_t sha256[RECORD_DIGEST_BYTES], struct firmware *firmware);
/* The plain package of this image: the first, where its like was uploaded more than once. */
TDM_MUST_USE int store_firmware_of_image(struct store *store, int64_t organization,
                                         const uint8_t digest[RECORD_DIGEST_BYTES],
                                         struct firmware *firmware);
TDM_MUST_USE int store_firmware_delete(struct store *store, int64_t id);
/* Newest first, older than page.after (0: from the newest). */
TDM_MUST_USE int store_firmware_page(struct store *store, int64_t organization, struct page page,
                                     struct firmware **firmware, size_t *count);
TDM_MUST_USE int store_firmwares(struct store *store, int64_t organization, struct firmware **firmware,
                                 size_t *count);

/* Says which known key signed it. */
TDM_MUST_USE int store_firmware_signed(struct store *store, int64_t id, int64_t signer);
/* A live or paused shipment needs it, or a device runs its type and version. */
TDM_MUST_USE int store_firmware_in_use(struct store *store, const struct firmware *firmware, bool *used);

#endif
