#include "ncpd/check.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ncpd/token.h"

static bool refuse(const struct mcu_config *mcu, const char *what, const char *path, const char *why)
{
    printf("%s: %s %s: %s\n", mcu->name, what, path, why);
    return false;
}

static bool check_file(const struct mcu_config *mcu, const char *what, const char *path, int access_mode)
{
    return path[0] == '\0' || access(path, access_mode) == 0 || refuse(mcu, what, path, strerror(errno));
}

/* A folder that is there, or can be made. */
static bool check_data(const struct mcu_config *mcu)
{
    char parent[CONFIG_TEXT];
    char *slash;
    struct stat file;

    if (stat(mcu->data, &file) == 0) {
        return (S_ISDIR(file.st_mode) && access(mcu->data, W_OK | X_OK) == 0) ||
               refuse(mcu, "Data", mcu->data, "not a folder that this user can write to");
    }
    memcpy(parent, mcu->data, sizeof parent);
    slash = strrchr(parent, '/');
    if (slash != NULL) {
        slash[slash == parent] = '\0';
    }
    return access(slash != NULL ? parent : ".", W_OK | X_OK) == 0 ||
           refuse(mcu, "Data", mcu->data, "is not there and cannot be created by this user");
}

/* Not there now is no fault: it is waited for. */
static void look_for_uart(const struct mcu_config *mcu)
{
    glob_t found;
    bool there = !mcu->uart_is_socket && glob(mcu->uart, 0, NULL, &found) == 0;

    printf("%s: uart %s, %s\n", mcu->name, mcu->uart,
           mcu->uart_is_socket ? "a socket"
           : there             ? found.gl_pathv[0]
                               : "not there now; it will be waited for");
    if (there) {
        globfree(&found);
    }
}

static bool check_mcu(const struct mcu_config *mcu)
{
    char token[TOKEN_MAX + 1];
    bool good = token_read(token, mcu);

    explicit_bzero(token, sizeof token);
    look_for_uart(mcu);
    good = check_data(mcu) && good;
    good = check_file(mcu, "CaFile", mcu->ca_file, R_OK) && good;
    good = check_file(mcu, "ClientCertificate", mcu->certificate, R_OK) && good;
    good = check_file(mcu, "ClientKey", mcu->key, R_OK) && good;
    good = check_file(mcu, "Hook", mcu->hook, X_OK) && good;
    printf("%s: cloud %s://%s:%u (%s), data %s, %zu datastream name(s)\n", mcu->name,
           mcu->cloud.tls ? "mqtts" : "mqtt", mcu->cloud.host, mcu->cloud.port,
           mcu->cloud.is_tandem ? "tandem" : "blynk", mcu->data, mcu->pins.count);
    return good;
}

int check_config(const struct config *config, const char *source)
{
    bool good = true;

    for (size_t i = 0; i < config->mcu_count; i++) {
        good = check_mcu(&config->mcus[i]) && good;
    }
    printf("%s: %s\n", source, good ? "good" : "not good, see above");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
