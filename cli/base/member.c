#include "cli/base/member.h"

#include <string.h>

const json_t *member_find(const json_t *object, const char *path)
{
    const char *dot;

    while (object && (dot = strchr(path, '.')) != NULL) {
        object = json_object_getn(object, path, (size_t)(dot - path));
        path = dot + 1;
    }
    return json_object_get(object, path);
}

const char *member_text(const json_t *object, const char *path)
{
    const char *text = json_string_value(member_find(object, path));

    return text ? text : "";
}

json_int_t member_number(const json_t *object, const char *path)
{
    return json_integer_value(member_find(object, path));
}
