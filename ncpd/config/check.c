#include "ncpd/config/check.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ncpd/config/token.h"

static bool refuse(const struct mcu_config *mcu, const char *what, const char *path, const char *why)
{
    printf("%s: %s %s: %s\n", mcu->name, what, path, why);
    return false;
}

/* --- Files --- */

/* A folder that is there, or can be made. */
static bool check_data(const struct mcu_config *mcu)
{
    char parent[CONFIG_TEXT];
    char *slash;
    struct stat file;

    if (mcu->data[0] == '\0') {
        printf("%s: Data: in the state folder of the service (StateDirectory=), not looked at here; without "
               "a service name one\n",
               mcu->name);
        return true;
    }
    if (stat(mcu->data, &file) == 0)
        return (S_ISDIR(file.st_mode) && access(mcu->data, W_OK | X_OK) == 0) ||
               refuse(mcu, "Data", mcu->data, "not a folder that this user can write to");
    memcpy(parent, mcu->data, sizeof parent);
    slash = strrchr(parent, '/');
    if (slash != NULL)
        slash[slash == parent] = '\0';
    return access(slash != NULL ? parent : ".", W_OK | X_OK) == 0 ||
           refuse(
               mcu, "Data", mcu->data,
               "is not there, and this user cannot create it; create it for the user that runs tandem-ncp");
}

static bool check_token(const struct mcu_config *mcu)
{
    char token[TOKEN_MAX + 1];
    bool good;

    if (mcu->token_credential[0] != '\0' && getenv("CREDENTIALS_DIRECTORY") == NULL) {
        printf("%s: TokenCredential %s: the service's (LoadCredential=), not looked at here\n", mcu->name,
               mcu->token_credential);
        return true;
    }
    good = token_read(token, mcu);
    explicit_bzero(token, sizeof token);
    return good;
}

/* A file in PEM that holds something of this kind: the certificate and its key are easily mistaken. */
static bool check_pem(const struct mcu_config *mcu, const char *what, const char *path, const char *kind)
{
    char line[256];
    bool found = false;
    FILE *file;

    if (path[0] == '\0')
        return true;
    file = fopen(path, "re");
    if (file == NULL)
        return refuse(mcu, what, path, strerror(errno));
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = strncmp(line, "-----BEGIN ", 11) == 0 && strstr(line, kind) != NULL;
    fclose(file);
    explicit_bzero(line, sizeof line);
    if (!found) {
        snprintf(line, sizeof line, "holds no %s in PEM; name the file that does", kind);
        return refuse(mcu, what, path, line);
    }
    return true;
}

static bool check_hook(const struct mcu_config *mcu)
{
    struct stat file;

    if (mcu->hook[0] == '\0')
        return true;
    if (stat(mcu->hook, &file) != 0 || access(mcu->hook, X_OK) != 0)
        return refuse(mcu, "Hook", mcu->hook, strerror(errno));
    return S_ISREG(file.st_mode) || refuse(mcu, "Hook", mcu->hook, "is no program");
}

/* --- Devices: not there now is no fault --- */

/* NULL if the device may be a UART that this user can open. It is not opened: that moves its control lines.
 */
static const char *why_no_uart(const char *path)
{
    struct stat file;

    if (stat(path, &file) != 0)
        return strerror(errno);
    if (!S_ISCHR(file.st_mode))
        return "is no serial line; name one as Uart";
    return access(path, R_OK | W_OK) == 0
               ? NULL
               : "this user may not open it; give it to it (a rule of udev, or the group dialout)";
}

static bool check_uart(const struct mcu_config *mcu)
{
    const char *why = NULL;
    glob_t found;

    if (mcu->uart_is_socket || glob(mcu->uart, 0, NULL, &found) != 0) {
        printf("%s: Uart %s: %s\n", mcu->name, mcu->uart,
               mcu->uart_is_socket ? "a socket" : "not there now; it will be waited for");
        return true;
    }
    for (size_t i = 0; i < found.gl_pathc; i++) {
        why = why_no_uart(found.gl_pathv[i]);
        if (why == NULL) {
            printf("%s: Uart %s: %s\n", mcu->name, mcu->uart, found.gl_pathv[i]);
            break;
        }
    }
    globfree(&found);
    return why == NULL || refuse(mcu, "Uart", mcu->uart, why);
}

static void look_for(const struct mcu_config *mcu, const char *what, const char *path)
{
    if (path[0] != '\0' && access(path, F_OK) != 0)
        printf("%s: %s %s: not there now; the MCU is told so until it is\n", mcu->name, what, path);
}

static void look_for_hardware(const struct mcu_config *mcu)
{
    char chip[CONFIG_TEXT];

    look_for(mcu, "Led", mcu->led);
    for (int i = 0; i < 3; i++)
        look_for(mcu, "Rgb", mcu->rgb[i]);
    snprintf(chip, sizeof chip, "%.*s", (int)strcspn(mcu->button, ":"), mcu->button);
    look_for(mcu, "Button", chip);
}

/* --- The whole --- */

static bool check_mcu(const struct mcu_config *mcu)
{
    bool good = check_token(mcu);

    good = check_uart(mcu) && good;
    good = check_data(mcu) && good;
    good = check_pem(mcu, "CaFile", mcu->ca_file, "CERTIFICATE") && good;
    good = check_pem(mcu, "ClientCertificate", mcu->certificate, "CERTIFICATE") && good;
    good = check_pem(mcu, "ClientKey", mcu->key, "PRIVATE KEY") && good;
    good = check_hook(mcu) && good;
    look_for_hardware(mcu);
    printf("%s: Cloud %s://%s:%u (%s), %zu datastream name(s)\n", mcu->name,
           mcu->cloud.tls ? "mqtts" : "mqtt", mcu->cloud.host, mcu->cloud.port,
           mcu->cloud.is_tandem ? "tandem" : "blynk", mcu->pins.count);
    return good;
}

int check_config(const struct config *config, const char *source)
{
    bool good = true;

    for (size_t i = 0; i < config->mcu_count; i++)
        good = check_mcu(&config->mcus[i]) && good;
    printf("%s: %s\n", source, good ? "good" : "not good, see above");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
