/* The store: the servers that share it (nodes), and which device is connected to which.
 *
 * A node adds its row when it starts and never uses another's: its id is an epoch. It counts its row's beat
 * up about once a second; a node whose beat others see standing still is taken out, with all of its
 * presences, and its devices are off-line until they connect to another. So a presence holds only as long as
 * its node does. */
#ifndef TANDEM_CLOUD_STORE_NODE_H
#define TANDEM_CLOUD_STORE_NODE_H

#include "cloud/store/store.h"

#define RECORD_ORIGIN 128 /* "http://[host]:port" */

struct node {
    int64_t id;
    int64_t beat;
    int64_t started;
};

/* A connected device. Connections are numbered by their node and never reused. */
struct presence {
    int64_t node;
    uint64_t connection;        /* 0: it is not connected */
    char origin[RECORD_ORIGIN]; /* the node's address as the device reached it, for download links */
};

/* Sets *id. alone: nobody else has this database, so every other node is taken out. */
TDM_MUST_USE int store_node_add(struct store *store, int64_t now, bool alone, int64_t *id);
/* STORE_NOT_FOUND: the others have taken this node out. */
TDM_MUST_USE int store_node_beat(struct store *store, int64_t id);
TDM_MUST_USE int store_node_remove(struct store *store, int64_t id);
/* The same, but for its presences: they hold no more, and go in pieces, so that their devices can come back
 * meanwhile. *more: there are others. */
TDM_MUST_USE int store_node_take_out(struct store *store, int64_t id);
#define STORE_PRESENCES_REMOVED 2000
TDM_MUST_USE int store_presences_clear(struct store *store, bool *more);
TDM_MUST_USE int store_nodes(struct store *store, struct node **nodes, size_t *count);

/* What was there before is forgotten. STORE_CONFLICT: there is no such device. */
TDM_MUST_USE int store_presence_set(struct store *store, int64_t device, const struct presence *presence);
/* How many devices of an organization are connected to a node changes, as it or another node tells: every
 * presence that comes or goes by itself is told of here. Kept in memory until the transaction commits, since
 * thousands may come in one. */
TDM_MUST_USE int store_crowd_count(struct store *store, int64_t node, int64_t teller, int64_t organization,
                                   int64_t by);
TDM_MUST_USE int store_presence_get(struct store *store, int64_t device, struct presence *presence);
/* Only if it is this connection of this node: else STORE_NOT_FOUND. */
TDM_MUST_USE int store_presence_remove(struct store *store, int64_t device, int64_t node,
                                       uint64_t connection);

/* A device's token that logs in no more, and the one that it has now, if any. They are kept for a while, so
 * that every node learns of them, whatever it misses elsewhere. */
struct token_end {
    int64_t id;
    int64_t device;
    uint8_t hash[RECORD_DIGEST_BYTES];
    bool renewed;
    uint8_t new_hash[RECORD_DIGEST_BYTES];
};
TDM_MUST_USE int store_token_end_add(struct store *store, int64_t device,
                                     const uint8_t hash[RECORD_DIGEST_BYTES], int64_t now);
/* Those after this id, in order. */
TDM_MUST_USE int store_token_ends(struct store *store, int64_t after, size_t limit, struct token_end **ends,
                                  size_t *count);
/* 0 without any. */
TDM_MUST_USE int store_token_end_newest(struct store *store, int64_t *id);

#endif
