/* The store: files that nothing needs any more, until they are removed from where they are kept. */
#ifndef TANDEM_CLOUD_STORE_REMOVAL_H
#define TANDEM_CLOUD_STORE_REMOVAL_H

#include "cloud/store/store.h"

struct removal {
    uint8_t sha256[RECORD_DIGEST_BYTES];
    int64_t due;
    int64_t tries;
    int64_t tried; /* when the last one began, 0: none did */
};

/* The files of a firmware and of its forms are to be removed then, if nothing else needs them. */
TDM_MUST_USE int store_removal_add(struct store *store, int64_t firmware, int64_t due);
TDM_MUST_USE int store_removal_get(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES],
                                   struct removal *removal);
/* The one that has been due longest: STORE_NOT_FOUND if none is. */
TDM_MUST_USE int store_removal_due(struct store *store, int64_t now, struct removal *removal);
/* Writes due, tries and tried. */
TDM_MUST_USE int store_removal_update(struct store *store, const struct removal *removal);
TDM_MUST_USE int store_removal_drop(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES]);
/* A firmware or a form has this file. */
TDM_MUST_USE int store_file_needed(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES],
                                   bool *needed);

#endif
