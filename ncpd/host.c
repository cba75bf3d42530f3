#include "ncpd/host.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* 2024-01-01: a machine without a clock of its own starts long before. */
#define CLOCK_IS_SET_FROM 1704067200

uint64_t host_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool host_time(struct tdm_ncp_time *time)
{
    struct timespec now;
    struct tm local;
    size_t length;

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    if (now.tv_sec < CLOCK_IS_SET_FROM) {
        return false;
    }
    time->unix_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    time->offset_minutes = (int16_t)(local.tm_gmtoff / 60);
    time->dst = local.tm_isdst > 0;
    length = strftime(time->iso8601, sizeof time->iso8601, "%Y-%m-%dT%H:%M:%S", &local);
    snprintf(time->iso8601 + length, sizeof time->iso8601 - length, "%+03d:%02d", time->offset_minutes / 60,
             abs(time->offset_minutes) % 60);
    snprintf(time->zone, sizeof time->zone, "%s", local.tm_zone);
    return true;
}

/* Physical interfaces have a device; wireless ones a folder of that name. */
static bool is_wanted(const char *name, bool ethernet)
{
    char path[320];
    bool wireless;

    snprintf(path, sizeof path, "/sys/class/net/%s/wireless", name);
    wireless = access(path, F_OK) == 0;
    snprintf(path, sizeof path, "/sys/class/net/%s/device", name);
    return access(path, F_OK) == 0 && wireless == !ethernet;
}

static bool read_mac(const char *name, char mac[18])
{
    char path[320];
    FILE *file;
    bool good;

    snprintf(path, sizeof path, "/sys/class/net/%s/address", name);
    file = fopen(path, "re");
    good = file != NULL && fscanf(file, "%17s", mac) == 1;
    if (file != NULL) {
        fclose(file);
    }
    return good;
}

const char *host_mac(bool ethernet)
{
    static char mac[18];
    DIR *folder = opendir("/sys/class/net");
    const struct dirent *entry;
    bool found = false;

    while (folder != NULL && !found && (entry = readdir(folder)) != NULL) {
        found = is_wanted(entry->d_name, ethernet) && read_mac(entry->d_name, mac);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return found ? mac : NULL;
}
