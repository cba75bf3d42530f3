/* Reading the members of a JSON body: each says what it takes, and refuses anything else by name. */
#include <stdio.h>
#include <string.h>

#include "cloud/api/api.h"
#include "cloud/text.h"

bool api_integer(struct api_call *call, const json_t *object, const char *key, int64_t least, int64_t most,
                 int64_t *value)
{
    const json_t *member = json_object_get(object, key);
    if (member == NULL || json_is_null(member))
        return true;
    if (json_is_integer(member) && json_integer_value(member) >= least &&
        json_integer_value(member) <= most) {
        *value = json_integer_value(member);
        return true;
    }
    (void)api_refuse(call, 400, "malformed request", "%s must be a whole number from %lld to %lld", key,
                     (long long)least, (long long)most);
    return false;
}

bool api_flag(struct api_call *call, const json_t *object, const char *key, bool *value)
{
    const json_t *member = json_object_get(object, key);
    if (member == NULL || json_is_null(member))
        return true;
    *value = json_is_true(member);
    if (!json_is_boolean(member))
        (void)api_refuse(call, 400, "malformed request", "%s must be true or false", key);
    return json_is_boolean(member);
}

bool api_choice(struct api_call *call, const json_t *object, const char *key, const char *const *slugs,
                size_t count, int *value)
{
    const json_t *member = json_object_get(object, key);
    char list[300] = "";
    if (member == NULL || json_is_null(member))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (json_is_string(member) && strcmp(json_string_value(member), slugs[i]) == 0) {
            *value = (int)i;
            return true;
        }
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", slugs[i]);
    }
    (void)api_refuse(call, 400, "malformed request", "%s must be one of %s", key, list);
    return false;
}

bool api_time(struct api_call *call, const json_t *object, const char *key, int64_t *value)
{
    const json_t *member = json_object_get(object, key);
    if (member == NULL || json_is_null(member) ||
        (json_is_string(member) && text_time_parse(json_string_value(member), value)))
        return true;
    (void)api_refuse(call, 400, "malformed request", "%s must be a time in UTC, as 2026-11-22T08:00:00Z",
                     key);
    return false;
}

bool api_zone(struct api_call *call, struct fleet *fleet, const json_t *object, const char *key,
              char to[RECORD_TEXT])
{
    if (json_object_get(object, key) == NULL)
        return true;
    if (!api_text(call, object, key, to, RECORD_TEXT, RECORD_TEXT - 1))
        return false;
    if (zone_find(&fleet->zones, to) != NULL)
        return true;
    (void)api_refuse(call, 422, "unknown time zone",
                     "%s: there is no time zone \"%s\"; write it as Europe/Berlin", key, to);
    return false;
}

bool api_members(struct api_call *call, const json_t *object, const char *what, const char *const *members)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object)) {
        (void)api_refuse(call, 400, "malformed request", "%s must be a JSON object", what);
        return false;
    }
    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (members[i] != NULL && strcmp(members[i], key) != 0)
            i++;
        if (members[i] == NULL) {
            (void)api_refuse(call, 400, "malformed request",
                             "there is no member \"%s\" in %s; docs/API.md lists what there is", key, what);
            return false;
        }
    }
    return true;
}
