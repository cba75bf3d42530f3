#include "ncpd/config/pin_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct pin_row *row_of_pin(const struct pin_map *map, uint16_t pin)
{
    for (size_t i = 0; i < map->count; i++) {
        if (map->rows[i].pin == pin)
            return &map->rows[i];
    }
    return NULL;
}

static const struct pin_row *row_of_name(const struct pin_map *map, const char *name)
{
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->rows[i].name, name) == 0)
            return &map->rows[i];
    }
    return NULL;
}

bool topic_level_valid(const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < ' ' || c == 0x7F || c == '/' || c == '+' || c == '#')
            return false;
    }
    return length > 0 && length <= DATASTREAM_NAME_MAX;
}

bool pin_map_add(struct pin_map *map, uint16_t pin, const char *name)
{
    struct pin_row *rows;

    if (!topic_level_valid(name) || row_of_pin(map, pin) != NULL || row_of_name(map, name) != NULL)
        return false;
    rows = realloc(map->rows, (map->count + 1) * sizeof *rows);
    if (rows == NULL)
        return false;
    map->rows = rows;
    rows[map->count].pin = pin;
    snprintf(rows[map->count].name, sizeof rows[0].name, "%s", name);
    map->count++;
    return true;
}

bool pin_map_copy(struct pin_map *to, const struct pin_map *from)
{
    *to = (struct pin_map){0};
    for (size_t i = 0; i < from->count; i++) {
        if (!pin_map_add(to, from->rows[i].pin, from->rows[i].name))
            return false;
    }
    return true;
}

void pin_map_free(struct pin_map *map)
{
    free(map->rows);
    *map = (struct pin_map){0};
}

void pin_map_name(const struct pin_map *map, uint16_t pin, char name[DATASTREAM_NAME_MAX + 1])
{
    const struct pin_row *row = row_of_pin(map, pin);

    if (row != NULL)
        memcpy(name, row->name, sizeof row->name);
    else
        snprintf(name, DATASTREAM_NAME_MAX + 1, "V%u", pin);
}

bool pin_map_pin(const struct pin_map *map, const char *name, uint16_t *pin)
{
    const struct pin_row *row = row_of_name(map, name);

    if (row != NULL) {
        *pin = row->pin;
        return true;
    }
    if (name[0] != 'V' || (name[1] == '0' && name[2] != '\0')) { /* V07 is another name than V7 */
        return false;
    }
    return pin_parse(name + 1, strlen(name + 1), pin) && row_of_pin(map, *pin) == NULL;
}

bool pin_parse(const char *text, size_t length, uint16_t *pin)
{
    unsigned value = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
        if (value > UINT16_MAX)
            return false;
    }
    *pin = (uint16_t)value;
    return length > 0;
}
