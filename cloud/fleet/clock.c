#include "cloud/fleet/clock.h"

#include <inttypes.h>

#include "cloud/log.h"
#include "cloud/store/clock.h"

int clock_tick(struct fleet *fleet, int64_t steady_ms)
{
    int64_t lead = fleet->now - steady_ms;
    int64_t back = fleet->clock_lead - lead;
    if (fleet->clock_lead == 0 || back < CLOCK_STEP_MS) {
        fleet->clock_lead = lead;
        return STORE_OK;
    }
    log_line(LOG_LEVEL_WARNING, "clock-set-back", "seconds=%" PRId64 " hint=\"what waits is looked at now\"",
             back / 1000);
    int result = store_clock_set_back(fleet->store, fleet->now, fleet->limits.silence_ms);
    if (result == STORE_OK)
        fleet->clock_lead = lead;
    return result;
}
