#include "cloud/fleet/rules/slot.h"

#include "cloud/durations.h"

/* Zones change their offsets by, and at, multiples of it. */
#define QUARTER      (HOUR_MS / 4)
#define QUARTERS_MAX (24 * 4)

static const struct {
    const char *slug;
    const char *hours;
    int64_t from, to;
} slots[] = {
#define SLOT_ROW(name, slug, from, to) {slug, #from "-" #to, from, to},
    SHIPMENT_SLOTS(SLOT_ROW)
#undef SLOT_ROW
};

static int64_t local(const struct zone *zone, int64_t now)
{
    return now + (int64_t)zone_offset(zone, now) * 1000;
}

static bool is_open(enum shipment_slot slot, int64_t wall)
{
    int64_t passed = wall % DAY_MS;
    return passed >= slots[slot].from * HOUR_MS && passed < slots[slot].to * HOUR_MS;
}

bool slot_open(enum shipment_slot slot, const struct zone *zone, int64_t now, int64_t *opens)
{
    int64_t wall = local(zone, now);
    *opens = now;
    if (is_open(slot, wall))
        return true;
    int64_t start = wall - wall % DAY_MS + slots[slot].from * HOUR_MS;
    if (start <= wall)
        start += DAY_MS;
    /* The offset may change in between: that of the moment itself counts. */
    *opens = start - (wall - now);
    *opens += start - local(zone, *opens);
    if (*opens <= now)
        *opens = now - now % QUARTER + QUARTER;
    /* Where the clock jumps over the start, the slot begins behind the jump. */
    for (int i = 0; i < QUARTERS_MAX && !is_open(slot, local(zone, *opens)); i++)
        *opens += QUARTER;
    return false;
}

const char *slot_slug(enum shipment_slot slot)
{
    return slots[slot].slug;
}

const char *slot_hours(enum shipment_slot slot)
{
    return slots[slot].hours;
}
