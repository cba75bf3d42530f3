/* The store: signing keys, their public halves. Part of store.h. */
#ifndef TANDEM_CLOUD_STORE_KEY_H
#define TANDEM_CLOUD_STORE_KEY_H

#include "cloud/store/store.h"

#define RECORD_POINT_BYTES 64 /* X and Y of a P-256 key */

struct signing_key {
    int64_t id;
    int64_t organization; /* whose it is */
    char name[RECORD_NAME];
    int64_t key_id; /* as packages name it (docs/PACKAGE.md) */
    uint8_t point[RECORD_POINT_BYTES];
    int64_t created;
};

/* STORE_CONFLICT: the name or the key is there already. */
TDM_MUST_USE int store_key_add(struct store *store, struct signing_key *key);
TDM_MUST_USE int store_key_delete(struct store *store, int64_t id);
TDM_MUST_USE int store_key_get(struct store *store, int64_t id, struct signing_key *key);
/* An organization's with this number; -1: all, in order of name. Two keys may share one. */
TDM_MUST_USE int store_keys(struct store *store, int64_t organization, int64_t key_id,
                            struct signing_key **keys, size_t *count);

#endif
