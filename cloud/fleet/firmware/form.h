/* In which form a device gets its firmware: plain, compressed, or as a delta to what it runs (docs/CLOUD.md,
 * "Deltas"). What is not there yet is asked for here, and made elsewhere (cloud/deltas). Runs on the store's
 * thread; results are enum store_result. */
#ifndef TANDEM_CLOUD_FORM_H
#define TANDEM_CLOUD_FORM_H

#include "cloud/fleet/base/fleet.h"
#include "cloud/store/form.h"

struct form_choice {
    enum form_kind kind;
    int64_t form; /* its file; 0: the firmware's own */
    int64_t bytes;
    int64_t until; /* a better one is being made, and worth waiting for until then; 0: this is it */
};

enum form_ask {
    FORM_LOOK, /* changes nothing */
    FORM_ASK,  /* wants what is not there */
    FORM_NOW,  /* takes the best that is there */
};

/* For this target of the device. */
TDM_MUST_USE int form_choose(struct fleet *fleet, const struct device *device,
                             const struct firmware *firmware, const struct target *target, enum form_ask ask,
                             struct form_choice *choice);

/* What a form is to be worth: its file has so many percent of the plain one at most. */
#define FORM_PERCENT_MAX 95

/* Takes one that waits to be made, with the firmware and the base (base->id 0: none). STORE_NOT_FOUND: there
 * is none. It is this server's for lease_ms. */
TDM_MUST_USE int form_take(struct fleet *fleet, int64_t lease_ms, struct form *form,
                           struct firmware *firmware, struct firmware *base);

/* How that went: form has its new state, and what belongs to it. The devices that wait get what there is now.
 */
TDM_MUST_USE int form_arrived(struct fleet *fleet, struct form *form);

/* Removes those that were offered longest ago while all together have more bytes than they may, all but one.
 * gone gets the digests of files that no form has any more, most at most. */
TDM_MUST_USE int form_evict(struct fleet *fleet, int64_t but, uint8_t (*gone)[RECORD_DIGEST_BYTES],
                            size_t most, size_t *count);
/* The same for what is in the folder, older than age_ms, and no form is. */
TDM_MUST_USE int form_strays(const struct fleet *fleet, int64_t age_ms, uint8_t (*gone)[RECORD_DIGEST_BYTES],
                             size_t most, size_t *count);

enum form_kind form_kind_of(const struct form *form);
const char *form_state_slug(enum form_state state);

#endif
