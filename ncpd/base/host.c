#include "ncpd/base/host.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

uint64_t host_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
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
    if (file != NULL)
        fclose(file);
    return good;
}

const char *host_mac(bool ethernet)
{
    static char mac[18];
    DIR *folder = opendir("/sys/class/net");
    const struct dirent *entry;
    bool found = false;

    while (folder != NULL && !found && (entry = readdir(folder)) != NULL)
        found = is_wanted(entry->d_name, ethernet) && read_mac(entry->d_name, mac);
    if (folder != NULL)
        closedir(folder);
    return found ? mac : NULL;
}
