/* One tag: its rules, its pairs, its making. See tandem/tag.h; finding one in a file is in tag_find.c. */
#include "tandem/tag.h"

#include <string.h>

#include "core/image/tag_walk.h"

/* The marker is "blnkinf" and a NUL. This text goes on with another character: a program that contains the
 * scanner must not contain a marker, or every scanner would stumble over it. */
static const char marker[] = "blnkinf*";
#define MARKER_TEXT 7
#define MARKER      8

static bool in_tag_alphabet(uint8_t c)
{
    if ((uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10)
        return true;
    if (c == ' ' || (uint8_t)(c - '\t') < 5) /* \t \n \v \f \r */
        return true;
    return c == '_' || c == '.' || c == ',' || c == ':' || c == '-' || c == '(' || c == ')';
}

int tdm__tag_length(const void *data, size_t bytes)
{
    const uint8_t *at = data;
    size_t limit = bytes < TDM_TAG_MAX ? bytes : TDM_TAG_MAX;
    size_t i;

    for (i = 0; i < limit && i < MARKER; i++) {
        if (at[i] != (i < MARKER_TEXT ? (uint8_t)marker[i] : 0))
            return TDM_E_TAG;
    }
    for (; i < limit; i++) {
        if (at[i] == 0 && i > MARKER && at[i - 1] == 0)
            return (int)(i + 1);
        if (at[i] != 0 && !in_tag_alphabet(at[i]))
            return TDM_E_TAG;
    }
    return limit < TDM_TAG_MAX ? TDM_E_TRUNCATED : TDM_E_ROOM;
}

bool tdm_tag_next_pair(const void *tag, size_t bytes, size_t *cursor, const char **key, const char **value)
{
    const char *text = tag;
    size_t last = bytes - 1; /* the second closing NUL, which belongs to no string */
    size_t key_at = *cursor == 0 ? MARKER : *cursor;
    size_t value_at;

    value_at = key_at + strlen(text + key_at) + 1;
    if (value_at >= last)
        return false;
    *key = text + key_at;
    *value = text + value_at;
    *cursor = value_at + strlen(*value) + 1;
    return true;
}

static char *member(struct tdm_tag *tag, const char *key)
{
    if (strcmp(key, "mcu") == 0)
        return tag->version;
    if (strcmp(key, "fw-type") == 0)
        return tag->type;
    if (strcmp(key, "build") == 0)
        return tag->build;
    if (strcmp(key, "blynk") == 0)
        return tag->library;
    return NULL;
}

int tdm_tag_parse(struct tdm_tag *tag, const void *data, size_t bytes)
{
    int length = tdm__tag_length(data, bytes);
    size_t cursor = 0;
    const char *key;
    const char *value;

    memset(tag, 0, sizeof *tag);
    if (length < 0)
        return length;
    while (tdm_tag_next_pair(data, (size_t)length, &cursor, &key, &value)) {
        char *to = member(tag, key);

        if (to == NULL)
            continue;
        if (strlen(value) > TDM_TAG_VALUE_MAX)
            return TDM_E_ROOM;
        memset(to, 0, TDM_TAG_VALUE_MAX + 1);
        memcpy(to, value, strlen(value));
    }
    return cursor == 0 ? TDM_E_TAG : length;
}

/* --- Making one --- */

struct maker {
    char *to;
    size_t capacity;
    size_t length;
};

static int put(struct maker *m, const char *text, size_t bytes)
{
    if (bytes > m->capacity - m->length)
        return TDM_E_ROOM;
    memcpy(m->to + m->length, text, bytes);
    m->length += bytes;
    return TDM_OK;
}

static int put_pair(struct maker *m, const char *key, const char *value)
{
    size_t bytes;
    int result;

    for (bytes = 0; value[bytes] != '\0'; bytes++) {
        if (bytes == TDM_TAG_VALUE_MAX || !in_tag_alphabet((uint8_t)value[bytes]))
            return TDM_E_ARGUMENT;
    }
    if (bytes == 0)
        return TDM_OK;
    result = put(m, key, strlen(key) + 1);
    if (result == TDM_OK)
        result = put(m, value, bytes + 1);
    return result;
}

int tdm__tag_put(const char *version, const char *type, const char *build, const char *library, void *to,
                 size_t capacity)
{
    struct maker m = {to, capacity, 0};
    int result;

    if (version[0] == '\0' || type[0] == '\0')
        return TDM_E_ARGUMENT;
    result = put(&m, marker, MARKER_TEXT);
    if (result == TDM_OK)
        result = put(&m, "", 1);
    if (result == TDM_OK)
        result = put_pair(&m, "mcu", version);
    if (result == TDM_OK)
        result = put_pair(&m, "fw-type", type);
    if (result == TDM_OK)
        result = put_pair(&m, "build", build);
    if (result == TDM_OK)
        result = put_pair(&m, "blynk", library);
    if (result == TDM_OK)
        result = put(&m, "", 1);
    return result == TDM_OK ? (int)m.length : result;
}

int tdm_tag_build(const struct tdm_tag *tag, void *to, size_t capacity)
{
    return tdm__tag_put(tag->version, tag->type, tag->build, tag->library, to, capacity);
}
