#include "cloud/fleet/devices/device.h"

#include <string.h>

int device_end_token(struct fleet *fleet, const struct device *device)
{
    memcpy(fleet_effect(fleet, EFFECT_TOKEN_REMOVED, device->id)->token_hash, device->token_hash,
           sizeof device->token_hash);
    return store_token_end_add(fleet->store, device->id, device->token_hash, fleet->now);
}

/* Its token becomes this one, and what the old one opened is closed. */
static int change_token(struct fleet *fleet, struct device *device, const char *token)
{
    int result = device_end_token(fleet, device);
    secret_hash(token, device->token_hash);
    return result == STORE_OK ? store_device_token(fleet->store, device) : result;
}

int device_renew_token(struct fleet *fleet, int64_t id, struct device *device, char token[SECRET_TOKEN_MAX])
{
    int result = store_device_get(fleet->store, id, device);
    if (result != STORE_OK)
        return result;
    secret_token(token);
    device->revoked = false;
    result = change_token(fleet, device, token);
    if (result == STORE_OK)
        memcpy(fleet_effect(fleet, EFFECT_TOKEN_ADDED, id)->token_hash, device->token_hash,
               sizeof device->token_hash);
    return result == STORE_OK ? fleet_note(fleet, id, "log", "got a new token") : result;
}

int device_revoke_token(struct fleet *fleet, int64_t id)
{
    struct device device;
    char nobodys[SECRET_TOKEN_MAX];
    int result = store_device_get(fleet->store, id, &device);
    if (result != STORE_OK)
        return result;
    secret_token(nobodys);
    device.revoked = true;
    result = change_token(fleet, &device, nobodys);
    return result == STORE_OK ? fleet_note(fleet, id, "log", "its token was revoked") : result;
}
