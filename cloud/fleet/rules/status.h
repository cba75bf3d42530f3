/* How a device moves through a shipment: pure changes of a struct target. */
#ifndef TANDEM_CLOUD_STATUS_H
#define TANDEM_CLOUD_STATUS_H

#include "cloud/store/records.h"

/* Limits in milliseconds, and counts. */
struct status_limits {
    int64_t settle_ms;    /* how long a device without our extension must keep the new version */
    int64_t attempts;     /* per period */
    int64_t period_ms;    /* after which attempts are counted anew */
    int64_t answer_ms;    /* an offer nobody reacts to */
    int64_t silence_ms;   /* an update under way without a sign */
    int64_t hold_ms;      /* after a reconnect in mid-update: time for a report to say that it goes on */
    int64_t retry_ms;     /* from a failure to the next offer, while the device stays connected */
    int64_t postponed_ms; /* the same where the device asked to wait */
    int64_t confirm_ms;   /* a device with our extension runs the new version and does not report */
    int64_t repeats;      /* offers repeated within one attempt */
};

/* The limits that docs/API.md documents. */
extern const struct status_limits status_limits_default;

/* What a reason does to an attempt. */
enum reason_class {
    REASON_RETRY,       /* failed; offered again while attempts are left */
    REASON_POSTPONED,   /* the device asked to wait; not an attempt */
    REASON_INTERRUPTED, /* something restarted; the same attempt goes on */
    REASON_FINAL,       /* this device will never take this firmware */
    REASON_IGNORED,     /* about an older offer */
};
enum reason_class status_reason_class(uint8_t reason);

/* Why a device went back to its old image: the numbers 32 to 63. */
bool status_is_rollback(uint8_t reason);
/* Those that the image is to blame for: it is never offered to this device again. */
bool status_rejects_image(uint8_t reason);

/* The update did not work out, for good or for now. */
bool status_is_failure(enum target_status status);

/* An offer is out and has not come to an end. */
bool status_under_way(const struct target *target);
/* An offer made now repeats the last one: the connection broke in mid-update. */
bool status_is_repeat(const struct target *target, const struct status_limits *limits, int64_t now);
/* Attempts left in this period. */
int64_t status_attempts_left(const struct target *target, const struct status_limits *limits, int64_t now);

void status_offered(struct target *target, const struct status_limits *limits, int64_t now);
/* That offer did not go out. */
void status_unsent(struct target *target, int64_t now);
/* The device came back in mid-update; a report may tell that it goes on. */
void status_held(struct target *target, const struct status_limits *limits, int64_t now);
/* The file is being fetched, or was fetched whole. */
void status_requested(struct target *target, const struct status_limits *limits, int64_t now);
void status_downloaded(struct target *target, const struct status_limits *limits, int64_t now);
/* The co-processor reported a stage of the update. Sizes are -1 where it gave none. */
void status_stage(struct target *target, enum target_stage stage, int64_t bytes, int64_t size,
                  int64_t wire_bytes, const struct status_limits *limits, int64_t now);
/* The device runs the firmware, and is to prove itself: by a report, or by keeping it until due. */
void status_reached(struct target *target, bool reports, const struct status_limits *limits, int64_t now);
void status_failed(struct target *target, uint8_t reason, const struct status_limits *limits, int64_t now);
void status_rolled_back(struct target *target, uint8_t reason, const struct status_limits *limits,
                        int64_t now);
/* All attempts are used up: waits for the next period, or until those of other shipments count no more (0:
 * there are none). */
void status_limit_reached(struct target *target, const struct status_limits *limits, int64_t others_end,
                          int64_t now);
/* A newer shipment took over before this one's update came to an end. */
void status_displaced(struct target *target, int64_t now);
void status_ended(struct target *target, enum target_status status, uint8_t reason, int64_t now);

/* Its owner is to agree; and has agreed. */
void status_awaiting(struct target *target, int64_t now);
void status_consented(struct target *target, int64_t now);
/* How a target counts in its wave: *more gets 1 where it does, and nothing elsewhere. */
void status_count(const struct target *target, int64_t by, struct wave *more);

#endif
