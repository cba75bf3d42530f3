#include "cloud/fleet/firmware/retention.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/durations.h"
#include "cloud/fleet/firmware/removal.h"
#include "cloud/log.h"

static const char *retention_key(int64_t organization, char to[40])
{
    snprintf(to, 40, "retention-%lld", (long long)organization);
    return to;
}

int retention_get(struct fleet *fleet, int64_t organization, struct retention *retention)
{
    char key[40];
    *retention = (struct retention){0};
    int result =
        store_setting_get(fleet->store, retention_key(organization, key), retention, sizeof *retention);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

int retention_set(struct fleet *fleet, int64_t organization, const struct retention *retention)
{
    char key[40];
    return store_setting_set(fleet->store, retention_key(organization, key), retention, sizeof *retention);
}

/* How many newer ones of its type there are: the list is newest first. */
static int64_t newer_of_type(const struct firmware *list, size_t at)
{
    int64_t newer = 0;
    for (size_t i = 0; i < at; i++)
        newer += strcmp(list[i].type, list[at].type) == 0;
    return newer;
}

static int delete_firmware(struct fleet *fleet, const struct firmware *firmware, bool *more)
{
    int64_t after = 0;
    int result = removal_delete_firmware(fleet, firmware->id, &after, more);
    if (result == STORE_OK && !*more)
        log_line(LOG_LEVEL_INFO, "firmware-expired", "id=%lld version=%s", (long long)firmware->id,
                 firmware->version);
    return result;
}

static int expire(struct fleet *fleet, int64_t organization, bool *more)
{
    struct retention retention;
    struct firmware *list = NULL;
    size_t count = 0;
    int result = retention_get(fleet, organization, &retention);
    if (result != STORE_OK || retention.days == 0)
        return result;
    result = store_firmwares(fleet->store, organization, &list, &count);
    for (size_t i = 0; i < count && result == STORE_OK && !*more; i++) {
        bool used = false;
        if (fleet->now - list[i].uploaded < retention.days * DAY_MS ||
            newer_of_type(list, i) < retention.keep)
            continue;
        result = store_firmware_in_use(fleet->store, &list[i], &used);
        if (result == STORE_OK && !used)
            result = delete_firmware(fleet, &list[i], more);
    }
    free(list);
    return result;
}

int retention_expire(struct fleet *fleet, bool *more)
{
    struct organization *organizations = NULL;
    size_t count = 0;
    struct page all = {.limit = 10000};
    *more = false;
    int result = store_organizations(fleet->store, all, &organizations, &count);
    for (size_t i = 0; i < count && result == STORE_OK && !*more; i++)
        result = expire(fleet, organizations[i].id, more);
    free(organizations);
    return result;
}
