/* The store: webhooks, and what is on its way to them. */
#ifndef TANDEM_CLOUD_STORE_WEBHOOK_H
#define TANDEM_CLOUD_STORE_WEBHOOK_H

#include "cloud/store/store.h"

#define WEBHOOK_URL    512
#define WEBHOOK_EVENTS 200
#define WEBHOOK_ERROR  160

struct webhook {
    int64_t id;
    int64_t organization;
    char url[WEBHOOK_URL];
    uint8_t secret[RECORD_DIGEST_BYTES]; /* signs what is sent */
    char events[WEBHOOK_EVENTS];         /* with spaces between and around; "" all */
    bool disabled;
    int64_t created;
};

enum delivery_state { DELIVERY_WAITING, DELIVERY_DONE, DELIVERY_GIVEN_UP };

struct delivery {
    int64_t id;
    int64_t webhook;
    char event[40];
    char payload[1600];
    int64_t created;
    int64_t attempts;
    int64_t due;    /* 0: it is over */
    int64_t status; /* of the last answer, 0 none */
    char error[WEBHOOK_ERROR];
    int64_t state; /* enum delivery_state */
};

TDM_MUST_USE int store_webhook_add(struct store *store, struct webhook *webhook);
TDM_MUST_USE int store_webhook_get(struct store *store, int64_t id, struct webhook *webhook);
TDM_MUST_USE int store_webhook_update(struct store *store, const struct webhook *webhook);
TDM_MUST_USE int store_webhook_delete(struct store *store, int64_t id);
TDM_MUST_USE int store_webhooks(struct store *store, int64_t organization, struct page page,
                                struct webhook **webhooks, size_t *count);

TDM_MUST_USE int store_delivery_add(struct store *store, struct delivery *delivery);
/* Writes what comes of an attempt: attempts, due, status, error, state. */
TDM_MUST_USE int store_delivery_update(struct store *store, const struct delivery *delivery);
#define DELIVERY_SKIP_WEBHOOKS      16
#define DELIVERY_SKIP_ORGANIZATIONS 4
/* Whom to pass over when one is looked for; 0 is nobody. */
struct delivery_skip {
    int64_t webhooks[DELIVERY_SKIP_WEBHOOKS];
    int64_t organizations[DELIVERY_SKIP_ORGANIZATIONS];
};
/* The earliest one whose time has come, of a webhook that is not disabled. STORE_NOT_FOUND: none. */
TDM_MUST_USE int store_delivery_due(struct store *store, int64_t now, const struct delivery_skip *skip,
                                    struct delivery *delivery);
/* Newest first, older than page.after (0: from the newest). */
TDM_MUST_USE int store_deliveries(struct store *store, int64_t webhook, struct page page,
                                  struct delivery **deliveries, size_t *count);
/* Forgets those that are over and were made before. */
TDM_MUST_USE int store_deliveries_trim(struct store *store, int64_t before);

#endif
