#include "cloud/net/devices/pace.h"

#include <stdlib.h>

#include "cloud/log.h"

#define BURST       30
#define INTERVAL_MS 1000

/* A bucket that time fills and logins empty. */
struct pace {
    uint64_t left_ms;
    uint64_t at_ms;
    bool told;
};

static struct pace *pace_of(struct paces *paces, int64_t device, uint64_t now_ms)
{
    struct pace *pace = idmap_get(&paces->map, (uint64_t)device);
    if (pace != NULL)
        return pace;
    pace = calloc(1, sizeof *pace);
    if (pace == NULL)
        abort();
    *pace = (struct pace){.left_ms = BURST * INTERVAL_MS, .at_ms = now_ms};
    idmap_set(&paces->map, (uint64_t)device, pace);
    return pace;
}

bool paces_admit(struct paces *paces, int64_t device, uint64_t now_ms)
{
    struct pace *pace = pace_of(paces, device, now_ms);
    uint64_t filled = pace->left_ms + (now_ms - pace->at_ms);
    pace->left_ms = filled < BURST * INTERVAL_MS ? filled : BURST * INTERVAL_MS;
    pace->at_ms = now_ms;
    bool admitted = pace->left_ms >= INTERVAL_MS;
    if (admitted)
        pace->left_ms -= INTERVAL_MS;
    else if (!pace->told)
        log_line(LOG_LEVEL_WARNING, "login-too-often",
                 "device=d%lld hint=\"do two devices share its token?\"", (long long)device);
    pace->told = !admitted;
    return admitted;
}

void paces_forget(struct paces *paces, int64_t device)
{
    free(idmap_remove(&paces->map, (uint64_t)device));
}

void paces_free(struct paces *paces)
{
    size_t at = 0;
    for (void *pace; (pace = idmap_next(&paces->map, &at)) != NULL;)
        free(pace);
    idmap_free(&paces->map);
}
