/* Time is counted in looks at the beats, not read off clocks: those of several machines differ, and a
 * database that was away for a minute makes nobody dead. */
#include "cloud/fleet/node.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/log.h"

#define TOKENS_AT_ONCE 1000
/* A row may become visible after one that was added later, on another server. */
#define TOKENS_OVERLAP 100

int node_join(struct fleet *fleet, bool alone)
{
    fleet->watch = (struct watch){0};
    fleet->settled = true;
    int result = store_token_end_newest(fleet->store, &fleet->watch.newest_end);
    return result == STORE_OK ? store_node_add(fleet->store, fleet->now, alone, &fleet->node) : result;
}

int node_leave(struct fleet *fleet)
{
    return store_node_remove(fleet->store, fleet->node);
}

/* What was seen of the node before; a new entry for one that was not. NULL if there are too many to watch. */
static struct watched *find(struct watch *watch, const struct node *node)
{
    for (size_t i = 0; i < watch->count; i++) {
        if (watch->nodes[i].id == node->id)
            return &watch->nodes[i];
    }
    if (watch->count == WATCH_MAX)
        return NULL;
    struct watched *watched = &watch->nodes[watch->count++];
    *watched = (struct watched){.id = node->id, .beat = node->beat, .silence = -1};
    return watched;
}

static void forget(struct watch *watch, struct watched *watched)
{
    *watched = watch->nodes[--watch->count];
}

static int take_out(struct fleet *fleet, struct watched *watched)
{
    int result = store_node_take_out(fleet->store, watched->id);
    log_line(LOG_LEVEL_WARNING, "node-removed", "node=%lld reason=\"it no longer beats\"",
             (long long)watched->id);
    forget(&fleet->watch, watched);
    return result == STORE_NOT_FOUND ? STORE_OK : result; /* another was faster */
}

static int look_at(struct fleet *fleet, const struct node *node)
{
    struct watched *watched = find(&fleet->watch, node);
    if (watched == NULL || node->id == fleet->node) /* or too many to watch */
        return STORE_OK;
    watched->silence = watched->beat == node->beat ? watched->silence + 1 : 0;
    watched->beat = node->beat;
    return watched->silence > NODE_SILENCE ? take_out(fleet, watched) : STORE_OK;
}

static int look_around(struct fleet *fleet)
{
    struct node *nodes;
    size_t count;
    int result = store_nodes(fleet->store, &nodes, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = look_at(fleet, &nodes[i]);
    free(nodes);
    return result;
}

/* The bus tells of new devices at once, and is not bound to. */
static int learn_tokens(struct fleet *fleet)
{
    struct device_token *tokens;
    size_t count;
    int64_t from = fleet->watch.newest_device - TOKENS_OVERLAP;
    int result = store_device_tokens(fleet->store, from > 0 ? from : 0, TOKENS_AT_ONCE, &tokens, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        struct effect *effect = fleet_effect(fleet, EFFECT_TOKEN_KNOWN, tokens[i].device);
        memcpy(effect->token_hash, tokens[i].hash, sizeof effect->token_hash);
        fleet->watch.newest_device = tokens[i].device;
    }
    free(tokens);
    return result;
}

static void take_token_end(struct fleet *fleet, const struct token_end *end)
{
    struct effect *effect = fleet_effect(fleet, EFFECT_TOKEN_ENDED, end->device);
    memcpy(effect->token_hash, end->hash, sizeof effect->token_hash);
    if (!end->renewed)
        return;
    effect = fleet_effect(fleet, EFFECT_TOKEN_KNOWN, end->device);
    memcpy(effect->token_hash, end->new_hash, sizeof effect->token_hash);
}

/* The bus tells of these, too; but a token that was revoked must not depend on that. */
static int learn_token_ends(struct fleet *fleet)
{
    struct token_end *ends;
    size_t count;
    int64_t from = fleet->watch.newest_end - TOKENS_OVERLAP;
    int result = store_token_ends(fleet->store, from > 0 ? from : 0, TOKENS_AT_ONCE, &ends, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        take_token_end(fleet, &ends[i]);
        fleet->watch.newest_end = ends[i].id;
    }
    free(ends);
    return result;
}

/* Devices that came since stand in the database as connected here, and nobody else would look for them. */
static int leave_taken_out(struct fleet *fleet)
{
    log_line(LOG_LEVEL_ERROR, "node-taken-out", "node=%lld hint=\"it did not beat; start it again\"",
             (long long)fleet->node);
    fleet->taken_out = true;
    int result = node_leave(fleet);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

static int beat(struct fleet *fleet)
{
    fleet->watch.next_beat = fleet->now + NODE_BEAT_MS;
    int result = store_node_beat(fleet->store, fleet->node);
    if (result == STORE_NOT_FOUND)
        return leave_taken_out(fleet);
    if (result == STORE_OK)
        result = look_around(fleet);
    if (result == STORE_OK && fleet->watch.count > 1)
        result = learn_tokens(fleet);
    return result == STORE_OK && fleet->watch.count > 1 ? learn_token_ends(fleet) : result;
}

int node_tick(struct fleet *fleet)
{
    if (fleet->settled)
        fleet->before = fleet->watch;
    else
        fleet->watch = fleet->before;
    fleet->settled = false;
    bool due = fleet->now < fleet->watch.next_beat - NODE_BEAT_MS || fleet->now >= fleet->watch.next_beat;
    int result = due ? beat(fleet) : STORE_OK;
    if (result == STORE_OK && !fleet->taken_out && (due || fleet->watch.clearing))
        result = store_presences_clear(fleet->store, &fleet->watch.clearing);
    return result;
}

void node_ticked(struct fleet *fleet)
{
    fleet->settled = true;
}
