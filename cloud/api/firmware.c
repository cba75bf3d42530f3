/* Firmware files: uploaded, listed, deleted. */
#include "cloud/api/api.h"

#include <stdlib.h>

int api_render_firmware(struct fleet *fleet, const struct firmware *firmware, json_t **json)
{
    struct signing_key key = {0};
    int result = firmware->signer == 0 ? STORE_OK : store_key_get(fleet->store, firmware->signer, &key);
    if (result == STORE_OK)
        *json = render_firmware(firmware, key.name);
    return result;
}

int api_firmware_upload(struct api_call *call, struct fleet *fleet)
{
    bool known = false;
    call->firmware.organization = call->caller.organization;
    int result = firmware_add(fleet, &call->firmware, call->temporary, &known);
    if (result == STORE_CONFLICT)
        return api_refuse(call, 422, "wrong signature",
                          "the package names key %08llx, which is known here, and that key did not sign it; "
                          "pack it again, or see whether it was tampered with",
                          (unsigned long long)call->firmware.key_id);
    if (result != STORE_OK)
        return result;
    call->temporary[0] = '\0';
    call->status = known ? 200 : 201;
    return api_render_firmware(fleet, &call->firmware, &call->answer);
}

int api_firmware_list(struct api_call *call, struct fleet *fleet)
{
    struct firmware *firmware;
    struct page page;
    size_t count;
    if (!api_page(call, 'f', &page))
        return STORE_CONFLICT;
    int result = store_firmware_page(fleet->store, call->caller.organization, page, &firmware, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        json_t *one = NULL;
        result = api_render_firmware(fleet, &firmware[i], &one);
        if (one != NULL)
            json_array_append_new(list, one);
    }
    api_answer_page(call, "firmware", list, page, 'f', count > 0 ? firmware[count - 1].id : 0);
    free(firmware);
    return result;
}

int api_firmware_show(struct api_call *call, struct fleet *fleet)
{
    struct firmware firmware;
    int result = store_firmware_get(fleet->store, call->id, &firmware);
    return result == STORE_OK ? api_render_firmware(fleet, &firmware, &call->answer) : result;
}

int api_firmware_delete(struct api_call *call, struct fleet *fleet)
{
    bool more = false;
    int result = firmware_delete(fleet, call->id, api_place(call), &more);
    if (result == STORE_CONFLICT)
        return api_refuse(call, 409, "firmware in use",
                          "a live or paused shipment needs this firmware; cancel the shipment first");
    return result == STORE_OK && more ? DESK_MORE : result;
}
