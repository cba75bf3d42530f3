#include "cloud/net/doors/bound.h"

#include "cloud/log.h"

#define OWN_FILES 64
#define HTTP_MAX  2048

void bound_share(size_t files, struct bound *http, struct bound *mqtt)
{
    size_t left = files > OWN_FILES ? files - OWN_FILES : 0;
    size_t quarter = left / 4;
    *http = (struct bound){.name = "http", .max = quarter / 2 < HTTP_MAX ? quarter / 2 : HTTP_MAX};
    *mqtt = (struct bound){.name = "mqtt", .max = left - 2 * http->max};
}

bool bound_admits(struct bound *bound, size_t count)
{
    bool fits = count < bound->max;
    if (!fits && !bound->full)
        log_line(LOG_LEVEL_WARNING, "connections-full",
                 "door=%s max=%zu hint=\"more are refused; raise the limit of open files\"", bound->name,
                 bound->max);
    bound->full = !fits;
    return fits;
}
