#include "cloud/api/api.h"

#include <stdlib.h>

int api_firmware_upload(struct api_call *call, struct fleet *fleet)
{
    bool known = false;
    call->firmware.organization = call->caller.organization;
    int result = firmware_add(fleet, &call->firmware, call->temporary, &known);
    if (result != STORE_OK)
        return result;
    call->temporary[0] = '\0';
    call->status = known ? 200 : 201;
    call->answer = render_firmware(&call->firmware);
    return STORE_OK;
}

int api_firmware_list(struct api_call *call, struct fleet *fleet)
{
    struct firmware *firmware;
    size_t count;
    int result = store_firmwares(fleet->store, call->caller.organization, &firmware, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_firmware(&firmware[i]));
    free(firmware);
    call->answer = json_pack("{s:o}", "firmware", list);
    return STORE_OK;
}

int api_firmware_show(struct api_call *call, struct fleet *fleet)
{
    struct firmware firmware;
    int result = store_firmware_get(fleet->store, call->id, &firmware);
    if (result == STORE_OK)
        call->answer = render_firmware(&firmware);
    return result;
}

int api_firmware_delete(struct api_call *call, struct fleet *fleet)
{
    int result = firmware_delete(fleet, call->id);
    if (result == STORE_CONFLICT)
        return api_refuse(call, 409, "firmware in use",
                          "a live or paused shipment needs this firmware; cancel the shipment first");
    return result;
}
