#include "ncpd/cloud/device_client.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ncpd/base/log.h"
#include "ncpd/config/token.h"

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* The certificates of CaFile, and no others; without it those of the system. */
static int use_tls(struct mosquitto *client, const struct mcu_config *mcu)
{
    const char *ca_file = or_null(mcu->ca_file);

    return mosquitto_tls_set(client, ca_file, ca_file != NULL ? NULL : "/etc/ssl/certs",
                             or_null(mcu->certificate), or_null(mcu->key), NULL);
}

static void tell_tls_fault(const struct mcu_config *mcu)
{
    const struct {
        const char *key, *path;
    } files[] = {{"CaFile", mcu->ca_file}, {"ClientCertificate", mcu->certificate}, {"ClientKey", mcu->key}};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i].path[0] != '\0' && access(files[i].path, R_OK) != 0) {
            log_error(mcu->name, "cloud: %s %s: %s; name a file in PEM that this user can read", files[i].key,
                      files[i].path, strerror(errno));
            return;
        }
    }
    log_error(mcu->name,
              "cloud: no MQTT client with these settings; check CaFile, ClientCertificate and ClientKey");
}

struct mosquitto *device_client_new(const struct mcu_config *mcu, bool tls, void *ctx)
{
    char token[TOKEN_MAX + 1];
    struct mosquitto *client;
    bool good;

    if (!token_read(token, mcu)) {
        return NULL;
    }
    client = mosquitto_new(NULL, true, ctx);
    good = client != NULL && mosquitto_username_pw_set(client, "device", token) == MOSQ_ERR_SUCCESS;
    explicit_bzero(token, sizeof token);
    if (good && (!tls || use_tls(client, mcu) == MOSQ_ERR_SUCCESS)) {
        return client;
    }
    tell_tls_fault(mcu);
    mosquitto_destroy(client);
    return NULL;
}
