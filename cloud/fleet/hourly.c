#include "cloud/fleet/hourly.h"

#include "cloud/fleet/retention.h"

#define HOUR_MS   ((int64_t)3600 * 1000)
#define KEPT_MS   (400 * 24 * HOUR_MS)
#define CHART_KEY "chart-hour"

int hourly_tick(struct fleet *fleet)
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
    if (result == STORE_OK)
        result = retention_expire(fleet);
    return result;
}
