/* Durations in milliseconds, as times are kept. */
#ifndef TANDEM_CLOUD_DURATIONS_H
#define TANDEM_CLOUD_DURATIONS_H

#include <stdint.h>

#define MINUTE_MS ((int64_t)60 * 1000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

#endif
