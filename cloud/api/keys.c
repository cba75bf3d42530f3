/* Signing keys, and how long firmware is kept. */
#include "cloud/fleet/firmware/key.h"
#include "cloud/fleet/firmware/retention.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cloud/api/api.h"
#include "cloud/text.h"

#define PEM_MAX 4096

static json_t *render_key(const struct signing_key *key)
{
    char number[9];
    char id[TEXT_ID_MAX];
    snprintf(number, sizeof number, "%08" PRIx32, (uint32_t)key->key_id);
    return json_pack("{s:s, s:s, s:s, s:o}", "id", text_id('k', key->id, id), "name", key->name, "key_id",
                     number, "created", render_time(key->created));
}

int api_key_list(struct api_call *call, struct fleet *fleet)
{
    struct signing_key *keys;
    size_t count;
    int result = store_keys(fleet->store, call->caller.organization, -1, &keys, &count);
    if (result != STORE_OK)
        return result;
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_key(&keys[i]));
    free(keys);
    call->answer = json_pack("{s:o}", "keys", list);
    return STORE_OK;
}

static int read_key(struct api_call *call, struct signing_key *key)
{
    static const char *const members[] = {"name", "pem", NULL};
    char why[300];
    json_t *body = api_body(call, members);
    const char *pem = json_string_value(json_object_get(body, "pem"));
    int result = STORE_OK;
    if (body == NULL || !api_text(call, body, "name", key->name, sizeof key->name, RECORD_NAME_LETTERS))
        result = STORE_CONFLICT;
    else if (key->name[0] == '\0' || pem == NULL ||
             json_string_length(json_object_get(body, "pem")) > PEM_MAX)
        result = api_refuse(call, 400, "malformed request",
                            "name (what people call the key) and pem (the public key) must be texts");
    else if (!key_parse(pem, key, why, sizeof why))
        result = api_refuse(call, 422, "not a public key", "%s", why);
    json_decref(body);
    return result;
}

int api_key_create(struct api_call *call, struct fleet *fleet)
{
    struct signing_key key = {.organization = call->caller.organization};
    int result = read_key(call, &key);
    if (result != STORE_OK)
        return result;
    result = key_add(fleet, &key);
    if (result == STORE_CONFLICT)
        return api_refuse(call, 409, "known already", "there is a key with this name, or this key, already");
    if (result == STORE_OK)
        call->answer = render_key(&key);
    return result;
}

int api_key_delete(struct api_call *call, struct fleet *fleet)
{
    return store_key_delete(fleet->store, call->id);
}

/* --- Retention --- */

static json_t *render_retention(const struct retention *retention)
{
    return json_pack("{s:I, s:I}", "days", (json_int_t)retention->days, "keep", (json_int_t)retention->keep);
}

int api_retention_show(struct api_call *call, struct fleet *fleet)
{
    struct retention retention;
    int result = retention_get(fleet, call->caller.organization, &retention);
    call->answer = render_retention(&retention);
    return result;
}

int api_retention_set(struct api_call *call, struct fleet *fleet)
{
    static const char *const members[] = {"days", "keep", NULL};
    struct retention retention = {0};
    json_t *body = api_body(call, members);
    bool ok = body != NULL && api_integer(call, body, "days", 0, 36500, &retention.days) &&
              api_integer(call, body, "keep", 0, 10000, &retention.keep);
    json_decref(body);
    if (!ok)
        return STORE_CONFLICT;
    call->answer = render_retention(&retention);
    return retention_set(fleet, call->caller.organization, &retention);
}
