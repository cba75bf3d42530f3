/* May this device be offered this firmware now, and if not, why not: one rule, one function. Nothing here
 * reads a clock, a store or a socket. */
#ifndef TANDEM_CLOUD_RULES_H
#define TANDEM_CLOUD_RULES_H

#include "cloud/durations.h"
#include "cloud/fleet/rules/status.h"
#include "cloud/fleet/rules/zone.h"
#include "cloud/store/records.h"

/* All that a decision looks at. */
struct candidate {
    const struct device *device;
    const struct shipment *shipment;
    const struct firmware *firmware;
    const struct target *target;
    const struct status_limits *limits;
    int64_t now;
    bool online;
    bool checked_in;              /* in this connection */
    bool reconnected;             /* asked because the device just checked in, or a due time came */
    const struct shipment *newer; /* a newer live shipment that still wants this device, or NULL */
    bool newer_installed;         /* a newer shipment has put its firmware on this device */
    bool rejected;                /* the device rolled back from this image */
    uint8_t rejected_reason;
    int64_t other_attempts;     /* of this period, to bring it this image in other shipments, in vain */
    int64_t other_attempts_end; /* when the first of them counts no more */
    const struct zone *zone;    /* where it stands; NULL: UTC */
};

enum verdict_kind {
    VERDICT_OFFER,
    VERDICT_WAIT,    /* for something that will change */
    VERDICT_CONSENT, /* for its owner */
    VERDICT_TURN,    /* for a turn, which is to be taken: the rate is limited */
    VERDICT_LIMIT,   /* for the next period: the attempts are used up */
    VERDICT_END,     /* nothing will change: status and reason say how it ended */
};

struct verdict {
    enum verdict_kind kind;
    const char *rule; /* slug of the rule that decided; NULL for an offer */
    bool later;       /* it will pass by itself, or by what the device does */
    int64_t due;      /* when to ask again, 0 if time alone changes nothing */
    enum target_status status;
    uint8_t reason;
    char text[240];
};

/* The rules in order; the first that objects decides. */
struct verdict rules_judge(const struct candidate *candidate);

/* Milliseconds between two offers of so many bytes that the shipment's rate allows, 0 without a limit. */
int64_t rules_interval(const struct shipment *shipment, int64_t bytes);
/* How long a turn is its device's own. */
#define RULES_TURN_MS MINUTE_MS

/* The shipment's time is over, whether it was finished by now or not. */
bool rules_expired(const struct shipment *shipment, int64_t now);

/* The device runs this firmware: by digest where the device reports one, else by version and build. */
bool rules_already_there(const struct device *device, const struct firmware *firmware);

#endif
