/* Two people who change the same record at once: whoever read it gets an ETag, and may ask with If-Match that
 * a change be made to what was read, or not at all. The tag is of what people can change; what devices do to
 * a record meanwhile does not count. */
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "cloud/api/api.h"
#include "cloud/text.h"

/* The tag of a record as its GET answers it. */
static void tag_of(const json_t *record, char to[API_ETAG_MAX])
{
    static const char *const alive[] = {"online", "last_seen",    "timeline", "firmware",   "devices",
                                        "waves",  "devices_next", "progress", "last_login", "used"};
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char hex[2 * 12 + 1];
    json_t *still = json_copy((json_t *)record);
    for (size_t i = 0; i < sizeof alive / sizeof alive[0]; i++)
        json_object_del(still, alive[i]);
    char *text = json_dumps(still, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(still);
    if (text == NULL)
        abort();
    SHA256((const unsigned char *)text, strlen(text), digest);
    free(text);
    snprintf(to, API_ETAG_MAX, "\"%s\"", text_hex(digest, 12, hex));
}

static const struct route *reader_of(const struct route *route)
{
    for (size_t i = 0; route_at(i) != NULL; i++) {
        const struct route *other = route_at(i);
        if (strcmp(other->method, "GET") == 0 && other->kind == ROUTE_JSON &&
            strcmp(other->pattern, route->pattern) == 0)
            return other;
    }
    return NULL;
}

/* Whether the record at this path can be changed by more than one. */
static bool is_shared(const struct route *route)
{
    for (size_t i = 0; route_at(i) != NULL; i++) {
        const struct route *other = route_at(i);
        bool changes = strcmp(other->method, "PATCH") == 0 || strcmp(other->method, "PUT") == 0;
        if (changes && strcmp(other->pattern, route->pattern) == 0)
            return true;
    }
    return false;
}

int etag_check(struct api_call *call, struct fleet *fleet)
{
    const struct route *reader = reader_of(call->route);
    char tag[API_ETAG_MAX];
    if (call->if_match[0] == '\0' || strcmp(call->if_match, "*") == 0)
        return STORE_OK;
    if (reader == NULL || reader == call->route || !is_shared(call->route))
        return api_refuse(call, 400, "malformed request", "If-Match has no meaning here");
    struct api_call look = {.route = reader, .people = call->people, .caller = call->caller, .id = call->id};
    int result = reader->answer(&look, fleet);
    if (result == STORE_OK)
        tag_of(look.answer, tag);
    json_decref(look.answer);
    if (result == STORE_OK && strcmp(tag, call->if_match) != 0)
        return api_refuse(call, 412, "changed meanwhile",
                          "somebody else has changed it since you read it; read it again");
    return result;
}

void etag_set(struct api_call *call)
{
    bool single = strcmp(call->route->method, "POST") != 0 && json_is_object(call->answer) &&
                  (strchr(call->route->pattern, ':') != NULL || is_shared(call->route));
    if (single && is_shared(call->route))
        tag_of(call->answer, call->etag);
}
