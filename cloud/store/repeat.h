/* The store: answers to requests that may come again. */
#ifndef TANDEM_CLOUD_STORE_REPEAT_H
#define TANDEM_CLOUD_STORE_REPEAT_H

#include "cloud/store/store.h"

struct repeat {
    int64_t account;
    uint8_t key[RECORD_DIGEST_BYTES];     /* hash of the client's key */
    uint8_t request[RECORD_DIGEST_BYTES]; /* hash of what it came with */
    int64_t status;
    int64_t created;
    uint8_t *answer; /* sealed; allocated by get */
    size_t bytes;
};

/* Adds, and forgets what is older than before. */
TDM_MUST_USE int store_repeat_add(struct store *store, const struct repeat *repeat, int64_t before);
/* One that is not older than since. The caller frees answer. */
TDM_MUST_USE int store_repeat_get(struct store *store, int64_t account,
                                  const uint8_t key[RECORD_DIGEST_BYTES], int64_t since,
                                  struct repeat *repeat);

#endif
