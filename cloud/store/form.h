/* The store: forms of firmware that the server made (docs/CLOUD.md, "Deltas"). */
#ifndef TANDEM_CLOUD_STORE_FORM_H
#define TANDEM_CLOUD_STORE_FORM_H

#include "cloud/store/store.h"

/* X(NAME, slug); stored: append only. */
#define FORM_STATES(X)                                                                                       \
    X(WANTED, "wanted")                                                                                      \
    X(MAKING, "making")                                                                                      \
    X(READY, "ready")                                                                                        \
    X(NO_GAIN, "no-gain")                                                                                    \
    X(FAILED, "failed")

enum form_state {
#define FORM_STATE_ENUM(name, slug) FORM_STATE_##name,
    FORM_STATES(FORM_STATE_ENUM)
#undef FORM_STATE_ENUM
};

struct form {
    int64_t id;
    int64_t firmware;
    uint8_t base[RECORD_DIGEST_BYTES]; /* image digest; zeros: none, it is compressed */
    enum form_state state;
    int64_t wanted; /* when a device asked for it */
    int64_t node;   /* that makes it, */
    int64_t due;    /* until then; failed: not wanted again before */
    int64_t tries;
    int64_t size; /* of the file, once it was made */
    uint8_t sha256[RECORD_DIGEST_BYTES];
    uint8_t md5[16];
    int64_t took_ms;
    int64_t used;         /* when it was offered last, or made */
    char why[RECORD_WHY]; /* there is none */
};

/* add sets id; of two that are the same, one is added: STORE_CONFLICT for the other. */
TDM_MUST_USE int store_form_add(struct store *store, struct form *form);
TDM_MUST_USE int store_form_get(struct store *store, int64_t id, struct form *form);
TDM_MUST_USE int store_form_find(struct store *store, int64_t firmware,
                                 const uint8_t base[RECORD_DIGEST_BYTES], struct form *form);
TDM_MUST_USE int store_form_update(struct store *store, const struct form *form);
TDM_MUST_USE int store_form_delete(struct store *store, int64_t id);
/* Of one firmware, oldest first. */
TDM_MUST_USE int store_forms(struct store *store, int64_t firmware, struct form **forms, size_t *count);

/* The one that waits longest for a server to make it: it is wanted, or who took it is gone or late. */
TDM_MUST_USE int store_form_due(struct store *store, int64_t now, struct form *form);
/* The ready one, other than this, that was offered longest ago. */
TDM_MUST_USE int store_form_oldest(struct store *store, int64_t but, struct form *form);
/* Any form is this file. */
TDM_MUST_USE int store_form_known(struct store *store, const uint8_t sha256[RECORD_DIGEST_BYTES],
                                  bool *known);
/* How many are ready, and their bytes. */
TDM_MUST_USE int store_form_sums(struct store *store, int64_t *count, int64_t *bytes);

/* Has the connected devices of live shipments of this firmware gone through. */
TDM_MUST_USE int store_form_arrived(struct store *store, int64_t firmware);

#endif
