/* The fleet: devices, firmware, shipments, and who gets what. It lives on the store's thread (desk.h); what
 * it wants done on sockets leaves as effects, which the event loop carries out once the transaction is
 * committed. */
#ifndef TANDEM_CLOUD_FLEET_H
#define TANDEM_CLOUD_FLEET_H

#include "cloud/fleet/status.h"
#include "cloud/idmap.h"
#include "cloud/secret.h"
#include "cloud/store/store.h"

#define FLEET_ORIGIN_MAX 128 /* "http://[host]:port" */
#define FLEET_OFFER_MAX  1024

enum effect_kind {
    EFFECT_OFFER,        /* publish text to the device on this connection, if it still stands */
    EFFECT_TOKEN_ADDED,  /* this hash logs in as device */
    EFFECT_TOKEN_REMOVED /* and no longer: its connection closes */
};

struct effect {
    struct effect *next;
    enum effect_kind kind;
    int64_t device;
    int64_t shipment;
    uint64_t connection;
    uint8_t token_hash[RECORD_DIGEST_BYTES];
    char text[FLEET_OFFER_MAX];
};

/* A connected device. Connections are numbered by the gateway and never reused. */
struct presence {
    uint64_t connection;
    bool checked_in;
    bool reported;                 /* a deviceReport came in this connection */
    char origin[FLEET_ORIGIN_MAX]; /* our address as the device reached it, for download links */
};

struct fleet {
    struct store *store;
    struct status_limits limits;
    uint8_t ticket_key[SECRET_KEY_BYTES]; /* signs download links */
    const char *public_url;               /* where devices download, NULL: where they connected */
    const char *folder;                   /* of firmware files */
    int64_t now;                          /* of the job under way */
    struct idmap online;                  /* device id -> struct presence */
    struct effect *effects;               /* of the job under way, newest first */
};

/* Where device stands on this server, NULL when it is not connected. */
struct presence *fleet_presence(const struct fleet *fleet, int64_t device);

/* A new effect for the event loop. */
struct effect *fleet_effect(struct fleet *fleet, enum effect_kind kind, int64_t device);

/* A line in the device's timeline. */
TDM_MUST_USE int fleet_note(struct fleet *fleet, int64_t device, const char *kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void fleet_clear(struct fleet *fleet);

#endif
