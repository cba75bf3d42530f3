#include "cloud/fleet/slot.h"

#define HOUR ((int64_t)3600 * 1000)
#define DAY  (24 * HOUR)

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

bool slot_open(enum shipment_slot slot, const struct zone *zone, int64_t now, int64_t *opens)
{
    int64_t wall = local(zone, now);
    int64_t midnight = wall - wall % DAY;
    *opens = now;
    if (wall - midnight >= slots[slot].from * HOUR && wall - midnight < slots[slot].to * HOUR)
        return true;
    int64_t start = midnight + slots[slot].from * HOUR;
    if (start <= wall)
        start += DAY;
    /* The offset may change in between: that of the moment itself counts. */
    *opens = start - (wall - now);
    *opens += start - local(zone, *opens);
    if (*opens <= now)
        *opens = now + HOUR;
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
