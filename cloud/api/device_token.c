/* A device's token: renewed, revoked. */
#include "cloud/api/api.h"

#include "cloud/fleet/devices/device.h"

json_t *render_new_device(const struct device *device, const char *token)
{
    return json_pack("{s:o, s:s, s:s, s:s}", "id", render_id('d', device->id), "template", device->template,
                     "name", device->name, "token", token);
}

int api_device_token_renew(struct api_call *call, struct fleet *fleet)
{
    struct device device;
    char token[SECRET_TOKEN_MAX];
    int result = device_renew_token(fleet, call->id, &device, token);
    if (result == STORE_OK)
        call->answer = render_new_device(&device, token);
    return result;
}

int api_device_token_revoke(struct api_call *call, struct fleet *fleet)
{
    return device_revoke_token(fleet, call->id);
}
