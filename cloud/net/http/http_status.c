#include "cloud/net/http/http_status.h"

#include <stddef.h>

static const struct {
    int status;
    const char *phrase;
} statuses[] = {
#define STATUS_ROW(status, phrase) {status, phrase},
    HTTP_STATUSES(STATUS_ROW)
#undef STATUS_ROW
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status == status)
            return statuses[i].phrase;
    }
    return "Unknown";
}
