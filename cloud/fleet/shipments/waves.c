#include "cloud/fleet/shipments/waves.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/base/notice.h"
#include "cloud/fleet/rules/gate.h"
#include "cloud/fleet/rules/rules.h"

int shipment_save(struct fleet *fleet, const struct shipment *shipment, bool changed)
{
    int result = store_shipment_update(fleet->store, shipment);
    return result == STORE_OK ? notice_shipment(fleet, shipment, changed) : result;
}

static int finish(struct fleet *fleet, struct shipment *shipment, const char *why)
{
    shipment->state = SHIPMENT_FINISHED;
    shipment->ended = fleet->now;
    shipment->due = 0;
    snprintf(shipment->why, sizeof shipment->why, "%s", why);
    int result = store_chart_keep_shipment(fleet->store, shipment->id, fleet->now);
    return result == STORE_OK ? shipment_save(fleet, shipment, true) : result;
}

static int judge(struct fleet *fleet, struct wave *wave, enum gate_verdict *verdict, int64_t *due, char *why)
{
    int64_t reached = wave->reached;
    *verdict = gate_judge(wave, fleet->now, due, why, RECORD_WHY);
    return wave->reached == reached ? STORE_OK : store_wave_update(fleet->store, wave);
}

static bool all_over(const struct wave *waves, size_t count)
{
    int64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (!gate_is_over(&waves[i]))
            return false;
        size += waves[i].size;
    }
    return size > 0;
}

static int open_wave(struct fleet *fleet, struct shipment *shipment, struct wave *wave)
{
    shipment->wave = wave->number;
    shipment->sweep = 0;
    fleet->busy = true;
    wave->opened = fleet->now;
    return store_wave_update(fleet->store, wave);
}

/* Goes through the waves up to the open one, and opens the next as long as gates let it. *stop: one stops the
 * shipment; *due: when time will change something. */
static int pass_gates(struct fleet *fleet, struct shipment *shipment, struct wave *waves, size_t count,
                      bool *stop)
{
    for (size_t i = 0; i < count; i++) {
        enum gate_verdict verdict;
        int64_t due;
        int result = judge(fleet, &waves[i], &verdict, &due, shipment->why);
        if (result != STORE_OK)
            return result;
        if (due != 0 && (shipment->due == 0 || due < shipment->due))
            shipment->due = due;
        bool open = waves[i].number == shipment->wave;
        /* The last one has nothing behind it: when it is over, the shipment ends with what it reached. */
        *stop = verdict == GATE_STOP && !(i + 1 == count && gate_is_over(&waves[i]));
        if (*stop || (open && (verdict != GATE_ADVANCE || i + 1 == count)))
            break;
        if (open)
            result = open_wave(fleet, shipment, &waves[i + 1]);
        if (result != STORE_OK)
            return result;
    }
    if (!*stop)
        shipment->why[0] = '\0';
    return STORE_OK;
}

/* It stops by itself: connected devices that waited for it may have the offer of an older one. */
static void out_of_the_way(struct fleet *fleet, struct shipment *shipment)
{
    shipment->sweep = 0;
    fleet->busy = true;
}

static int settle(struct fleet *fleet, struct shipment *shipment, struct wave *waves, size_t count)
{
    bool stop = false;
    int64_t due;
    char why[RECORD_WHY];
    struct shipment before = *shipment;
    int result = STORE_OK;
    shipment->due = shipment->expires;
    if (shipment->state == SHIPMENT_LIVE)
        result = pass_gates(fleet, shipment, waves, count, &stop);
    if (result != STORE_OK)
        return result;
    if (stop) {
        shipment->state = SHIPMENT_PAUSED;
        out_of_the_way(fleet, shipment);
    }
    bool soaks = gate_judge(&waves[count - 1], fleet->now, &due, why, sizeof why) == GATE_WAIT;
    if (all_over(waves, count) && !soaks)
        return finish(fleet, shipment, "");
    return memcmp(&before, shipment, sizeof before) == 0
               ? STORE_OK
               : shipment_save(fleet, shipment, before.state != shipment->state);
}

int shipment_settle(struct fleet *fleet, int64_t id)
{
    struct shipment shipment;
    struct wave *waves;
    size_t count;
    int result = store_shipment_get(fleet->store, id, &shipment);
    if (result != STORE_OK || !shipment.planned || shipment.state == SHIPMENT_CANCELLED ||
        shipment.state == SHIPMENT_FINISHED)
        return result;
    if (rules_expired(&shipment, fleet->now)) {
        out_of_the_way(fleet, &shipment);
        return finish(fleet, &shipment, "it expired");
    }
    result = store_waves(fleet->store, id, &waves, &count);
    if (result == STORE_OK && count > 0)
        result = settle(fleet, &shipment, waves, count);
    free(waves);
    return result;
}

int shipment_opened(struct fleet *fleet, int64_t id)
{
    struct shipment shipment;
    int result = store_shipment_get(fleet->store, id, &shipment);
    if (result != STORE_OK)
        return result;
    shipment.sweep = 0;
    fleet->busy = true;
    result = store_shipment_update(fleet->store, &shipment);
    return result == STORE_OK ? shipment_settle(fleet, id) : result;
}

int shipment_forgive(struct fleet *fleet, struct shipment *shipment, bool force)
{
    struct wave *waves;
    size_t count;
    int result = store_waves(fleet->store, shipment->id, &waves, &count);
    for (size_t i = 0; i < count && result == STORE_OK && waves[i].number <= shipment->wave; i++) {
        if (shipment->why[0] == '\0' && !force)
            continue;
        gate_forgive(&waves[i]);
        result = store_wave_update(fleet->store, &waves[i]);
    }
    if (result == STORE_OK && force && shipment->wave < (int64_t)count)
        result = open_wave(fleet, shipment, &waves[shipment->wave]);
    else if (result == STORE_OK && force)
        result = STORE_CONFLICT; /* there is no next one */
    free(waves);
    shipment->why[0] = '\0';
    return result;
}
