#include "ncpd/cloud/offer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Cuts at room, and never inside of a character. */
static void copy_text(char *to, size_t room, const char *text)
{
    size_t length = strlen(text);

    if (length >= room) {
        length = room - 1;
        while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
            length--;
    }
    memcpy(to, text, length);
    to[length] = '\0';
}

static void get_text(const json_t *object, const char *key, char *to, size_t room)
{
    const char *text = json_string_value(json_object_get(object, key));

    copy_text(to, room, text != NULL ? text : "");
}

/* The number that a value is, or says as a text; -1 for none. */
static double number_of(const json_t *value)
{
    const char *text = json_string_value(value);
    char *end;
    double number;

    if (text == NULL)
        return json_is_number(value) ? json_number_value(value) : -1;
    number = strtod(text, &end);
    return end != text && *end == '\0' ? number : -1;
}

static bool get_size(const json_t *object, uint32_t *size)
{
    const json_t *value = json_object_get(object, "size");
    double number = number_of(value);

    *size = 0;
    if (value == NULL || json_is_null(value))
        return true;
    if (!(number >= 0 && number <= UINT32_MAX)) { /* or a NaN */
        return false;
    }
    *size = (uint32_t)number;
    return *size == number;
}

static bool get_url(const json_t *object, char *to, size_t room)
{
    const char *url = json_string_value(json_object_get(object, "url"));

    if (url == NULL || strlen(url) >= room ||
        (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0))
        return false;
    copy_text(to, room, url);
    return true;
}

bool offer_parse(struct offer *offer, const void *json, size_t bytes)
{
    json_t *object = json_loadb(json, bytes, JSON_REJECT_DUPLICATES, NULL);
    bool good;

    memset(offer, 0, sizeof *offer);
    good = json_is_object(object) && get_url(object, offer->url, sizeof offer->url) &&
           get_size(object, &offer->size);
    if (good) {
        get_text(object, "type", offer->type, sizeof offer->type);
        get_text(object, "ver", offer->version, sizeof offer->version);
        get_text(object, "build", offer->build, sizeof offer->build);
    }
    json_decref(object);
    return good;
}

const char *offer_url_shown(const struct offer *offer)
{
    static char shown[sizeof offer->url];

    snprintf(shown, sizeof shown, "%.*s", (int)strcspn(offer->url, "?#"), offer->url);
    return shown;
}

void offer_file_name(const struct offer *offer, char *to, size_t room)
{
    const char *path = offer_url_shown(offer);
    const char *slash = strrchr(path, '/');
    bool after_host = slash != NULL && slash > path + 8; /* not one of "https://" */

    copy_text(to, room, after_host && slash[1] != '\0' ? slash + 1 : "firmware.bin");
}
