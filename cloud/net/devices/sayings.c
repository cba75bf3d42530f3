#include "cloud/net/devices/sayings.h"

#include <string.h>

static const struct saying *find(const struct sayings *sayings, const void *data, size_t bytes)
{
    for (size_t i = 0; i < SAYINGS_PLACES; i++) {
        const struct saying *saying = &sayings->places[i];
        if (saying->bytes == bytes && memcmp(saying->said, data, bytes) == 0)
            return saying;
    }
    return NULL;
}

bool sayings_check_in(struct sayings *sayings, const void *data, size_t bytes, struct check_in *check_in)
{
    bool keeps = bytes > 0 && bytes <= SAYINGS_BYTES;
    const struct saying *known = keeps ? find(sayings, data, bytes) : NULL;
    if (known != NULL) {
        *check_in = known->check_in;
        return true;
    }
    if (!report_parse_check_in(data, bytes, check_in))
        return false;
    if (keeps) {
        struct saying *place = &sayings->places[sayings->next++ % SAYINGS_PLACES];
        *place = (struct saying){.bytes = bytes, .check_in = *check_in};
        memcpy(place->said, data, bytes);
    }
    return true;
}
