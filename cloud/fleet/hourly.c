#include "cloud/fleet/hourly.h"

#include "cloud/durations.h"
#include "cloud/fleet/firmware/firmware.h"
#include "cloud/fleet/firmware/retention.h"

#define CLOSE_MS  (2 * HOUR_MS) /* a shipment is watched closely at first */
#define KEPT_MS   (400 * DAY_MS)
#define CHART_KEY "chart-hour"

static int keep_minute(struct fleet *fleet)
{
    int64_t minute = fleet->now - fleet->now % MINUTE_MS;
    if (fleet->minute == minute)
        return STORE_OK;
    fleet->minute = minute; /* of several servers the first one keeps it */
    return store_chart_keep_live(fleet->store, minute, minute - CLOSE_MS);
}

static int keep_hour(struct fleet *fleet)
{
    int64_t hour = fleet->now - fleet->now % HOUR_MS;
    int64_t last = 0;
    if (fleet->hour == hour)
        return STORE_OK;
    /* The store knows better: this server may just have started, and another may have been here. */
    int result = store_setting_get(fleet->store, CHART_KEY, &last, sizeof last);
    if (result == STORE_OK && last >= hour) {
        fleet->hour = hour;
        return STORE_OK;
    }
    if (result != STORE_OK && result != STORE_NOT_FOUND)
        return result;
    result = store_setting_set(fleet->store, CHART_KEY, &hour, sizeof hour);
    if (result == STORE_OK)
        result = store_chart_keep(fleet->store, hour, fleet->now - KEPT_MS);
    fleet->expiring = true;
    return result;
}

static int expire(struct fleet *fleet)
{
    int result = retention_expire(fleet, &fleet->expiring);
    fleet->busy = fleet->busy || fleet->expiring;
    return result;
}

/* Each server its own folder. In a transaction after the one that deleted: a commit may fail. */
static int tidy(struct fleet *fleet)
{
    int64_t hour = fleet->now - fleet->now % HOUR_MS;
    if (fleet->tidied == hour)
        return STORE_OK;
    fleet->tidied = hour;
    return firmware_tidy(fleet);
}

int hourly_tick(struct fleet *fleet)
{
    int result = keep_hour(fleet);
    if (result == STORE_OK)
        result = fleet->expiring ? expire(fleet) : tidy(fleet);
    return result == STORE_OK ? keep_minute(fleet) : result;
}
