/* What this server offered since its start: counted on the loop, once an offer is committed. */
#ifndef TANDEM_CLOUD_OFFERS_H
#define TANDEM_CLOUD_OFFERS_H

#include "cloud/fleet/base/fleet.h"

struct offer_figures {
    uint64_t count[FORM_DELTA + 1];
    uint64_t bytes;
    uint64_t saved; /* what plain packages would have been more */
};

static inline void offers_count(struct offer_figures *figures, const struct effect *effect)
{
    figures->count[effect->form]++;
    figures->bytes += (uint64_t)effect->sent_bytes;
    figures->saved += (uint64_t)(effect->plain_bytes - effect->sent_bytes);
}

#endif
