/* The fleet: devices, firmware, shipments, and who gets what. It lives on the store's thread (desk.h); what
 * it wants done on sockets leaves as effects, which the event loop carries out once the transaction is
 * committed. */
#ifndef TANDEM_CLOUD_FLEET_H
#define TANDEM_CLOUD_FLEET_H

#include <stdatomic.h>

#include "cloud/fleet/rules/status.h"
#include "cloud/fleet/rules/zone.h"
#include "cloud/secret.h"
#include "cloud/store/store.h"

#define FLEET_OFFER_MAX 1024
#define FLEET_TOPIC_MAX 272 /* "downlink/prop/" and the longest VALUE_NAME_MAX */

enum effect_kind {
    EFFECT_OFFER,         /* publish text to the device on this connection, if it still stands */
    EFFECT_PUBLISH,       /* the same for bytes of text to topic, at qos */
    EFFECT_TAKEN_OVER,    /* close this connection: the device has another, on another server */
    EFFECT_TOKEN_ADDED,   /* this hash logs in as device */
    EFFECT_TOKEN_KNOWN,   /* the same, of a device that another server added */
    EFFECT_TOKEN_REMOVED, /* and no longer: its connection closes */
    EFFECT_TOKEN_ENDED,   /* the same, by another server, of which this one may have heard */
    EFFECT_NOTICE         /* tell who watches this organization: topic is its type, text is JSON */
};

struct effect {
    struct effect *next;
    enum effect_kind kind;
    int64_t device;
    int64_t shipment;
    int64_t organization;
    int64_t node; /* where that connection is */
    uint64_t connection;
    uint8_t token_hash[RECORD_DIGEST_BYTES];
    enum form_kind form; /* of an offer, as in struct target: for this server's figures alone */
    int64_t sent_bytes;
    int64_t plain_bytes;
    char topic[FLEET_TOPIC_MAX];
    uint8_t qos;
    size_t bytes;     /* of text, without the NUL behind it */
    const char *text; /* "" without; FLEET_OFFER_MAX bytes at most */
};

/* What this server saw of the others (node.h). */
#define WATCH_MAX 64
struct watch {
    int64_t next_beat;
    int64_t newest_device; /* whose token is known here */
    int64_t newest_end;    /* of a token that was taken out here */
    bool clearing;         /* devices of a server that was taken out are left */
    size_t count;
    struct watched {
        int64_t id;
        int64_t beat;
        int silence; /* looks at a beat that stood still */
    } nodes[WATCH_MAX];
};

/* Forms that the server makes (form.h). */
struct form_settings {
    bool off;
    int64_t wait_ms;     /* an offer, for one that is being made */
    int64_t space_bytes; /* of all together */
    const char *folder;
    _Atomic bool wanted; /* one may wait to be made */
};

struct fleet {
    struct store *store;
    int64_t node; /* which of the servers that share the store this is (store/node.h) */
    struct status_limits limits;
    struct secret_signer tickets; /* signs download links */
    const char *public_url;       /* where devices download, NULL: where they connected */
    const char *folder;           /* of firmware files */
    struct form_settings forms;
    struct watch watch;        /* of the other servers, */
    struct watch before;       /* and before the last tick, as long as that is not */
    bool settled;              /* kept (fleet/node.h) */
    bool taken_out;            /* by the other servers: nothing more may be done here */
    _Atomic bool watched;      /* somebody may be looking: notices are made */
    int64_t now;               /* of the job under way */
    struct zones zones;        /* looked up so far */
    struct effect *effects;    /* of the job under way, newest first */
    bool busy;                 /* the last tick left work behind */
    char zone[RECORD_TEXT];    /* of organizations that have none */
    int64_t clock_lead;        /* of the clock on the wall over a steady one, 0 unknown (fleet/clock.h) */
    int64_t hour;              /* that charts were kept for last, 0 unknown */
    int64_t minute;            /* the same, of new shipments */
    int64_t tidied;            /* the hour in which the own folder was tidied last, 0 unknown */
    bool expiring;             /* old firmware is being deleted */
    struct planning *planning; /* the shipment being split into waves (shipments/planning.h) */
};

/* The metadata that says where a device stands whose zone people did not give. */
#define FLEET_META_ZONE "Time Zone"
/* The zone in which the device's day passes: of its location, of its own field, of its organization, or the
 * fleet's. */
const struct zone *fleet_zone(struct fleet *fleet, const struct device *device);

/* The fleet's limits with those of the shipment in their place. */
struct status_limits fleet_limits(const struct fleet *fleet, const struct shipment *shipment);

/* A metadata of the device as text, "" without or if it does not fit. ctx is the fleet: the shape that
 * filters want (rules/filter.h). */
void fleet_metadata(void *ctx, int64_t device, const char *name, char *to, size_t capacity);

/* Frees what the fleet keeps in memory. */
void fleet_clear(struct fleet *fleet);

/* The device's connection, to whichever node; .connection is 0 when it has none. */
struct presence fleet_presence(const struct fleet *fleet, int64_t device);

/* A new effect for the event loop. */
struct effect *fleet_effect(struct fleet *fleet, enum effect_kind kind, int64_t device);
/* One with a text, which is copied. */
struct effect *fleet_effect_text(struct fleet *fleet, enum effect_kind kind, int64_t device, const void *text,
                                 size_t bytes);

/* Has a message published to the device, where it is connected: STORE_NOT_FOUND where it is not. Its length
 * is at most FLEET_OFFER_MAX. */
TDM_MUST_USE int fleet_publish(struct fleet *fleet, int64_t device, const char *topic, uint8_t qos,
                               const void *payload, size_t bytes);

/* A line in the timeline of a device that was read in this transaction: of step the kind, and what it is
 * about. Its time and text are set here. The caller writes the device behind it, as dossier_close does. */
TDM_MUST_USE int fleet_step(struct fleet *fleet, struct device *device, const struct event *step,
                            const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for what is about nothing but the device, which is read and written here: not for one that the
 * caller writes later. */
TDM_MUST_USE int fleet_note(struct fleet *fleet, int64_t device, const char *kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
