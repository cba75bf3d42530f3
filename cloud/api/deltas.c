/* The forms of a firmware that the server made, or could not. */
#include "cloud/api/api.h"

#include <stdlib.h>

#include "cloud/fleet/firmware/form.h"
#include "cloud/fleet/rules/words.h"
#include "cloud/text.h"

static json_t *hex_or_null(const uint8_t *data, bool there)
{
    char hex[2 * RECORD_DIGEST_BYTES + 1];
    return there ? json_string(text_hex(data, RECORD_DIGEST_BYTES, hex)) : json_null();
}

static int render_form(struct fleet *fleet, const struct firmware *firmware, const struct form *form,
                       json_t *list)
{
    struct firmware base = {0};
    bool based = form_kind_of(form) == FORM_DELTA;
    bool ready = form->state == FORM_STATE_READY;
    bool over = ready || form->state == FORM_STATE_NO_GAIN;
    int result =
        based ? store_firmware_of_image(fleet->store, firmware->organization, form->base, &base) : STORE_OK;
    if (result != STORE_OK && result != STORE_NOT_FOUND)
        return result;
    json_array_append_new(
        list, json_pack("{s:s, s:o, s:o, s:s, s:o, s:I, s:o, s:I, s:I, s:o, s:o}", "encoding",
                        status_form_slug(form_kind_of(form)), "base", hex_or_null(form->base, based),
                        "base_version", base.id != 0 ? json_string(base.version) : json_null(), "state",
                        form_state_slug(form->state), "size", over ? json_integer(form->size) : json_null(),
                        "full_size", (json_int_t)firmware->size, "sha256", hex_or_null(form->sha256, ready),
                        "tries", (json_int_t)form->tries, "took_ms", (json_int_t)form->took_ms, "used",
                        ready ? render_time(form->used) : json_null(), "why",
                        form->why[0] != '\0' ? json_string(form->why) : json_null()));
    return STORE_OK;
}

int api_firmware_deltas(struct api_call *call, struct fleet *fleet)
{
    struct firmware firmware;
    struct form *forms;
    size_t count;
    int result = store_firmware_get(fleet->store, call->id, &firmware);
    if (result == STORE_OK)
        result = store_forms(fleet->store, firmware.id, &forms, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count && result == STORE_OK; i++)
        result = render_form(fleet, &firmware, &forms[i], list);
    free(forms);
    call->answer = json_pack("{s:o}", "deltas", list);
    return result;
}
