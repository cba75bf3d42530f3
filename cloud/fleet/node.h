/* The servers that share a store watch each other (store/node.h). Runs on the store's thread. */
#ifndef TANDEM_CLOUD_FLEET_NODE_H
#define TANDEM_CLOUD_FLEET_NODE_H

#include "cloud/fleet/base/fleet.h"

/* Joins, once per process. alone: nobody else has this store. */
TDM_MUST_USE int node_join(struct fleet *fleet, bool alone);
/* Leaves: its devices are off-line from now on. */
TDM_MUST_USE int node_leave(struct fleet *fleet);

/* Beats, and takes out a node whose beat stood still for NODE_SILENCE looks; call several times a second.
 * Learns of devices and tokens that others added and took out. Sets taken_out if the others have taken this
 * one out: what it knew of its devices is gone, so once that is committed the program ends, for a clean
 * start. */
#define NODE_BEAT_MS 1000
#define NODE_SILENCE 10
TDM_MUST_USE int node_tick(struct fleet *fleet);
/* The tick's transaction was committed. Without this word the next one begins where the last one began:
 * servers that beat at the same moment are in each other's way, and a beat or a look that was taken back must
 * not count. */
void node_ticked(struct fleet *fleet);

#endif
