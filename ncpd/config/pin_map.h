/* Which pin is which datastream. */
#ifndef NCPD_PIN_MAP_H
#define NCPD_PIN_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DATASTREAM_NAME_MAX = 128 };

struct pin_map {
    struct pin_row {
        uint16_t pin;
        char name[DATASTREAM_NAME_MAX + 1];
    } * rows;
    size_t count;
};

/* True if text may stand in a topic as one level: not empty, at most 64 bytes, without / + # and control
 * characters. */
bool topic_level_valid(const char *text);

/* False if the pin or the name has a row already, or the name is not valid. */
bool pin_map_add(struct pin_map *map, uint16_t pin, const char *name);
bool pin_map_copy(struct pin_map *to, const struct pin_map *from);
void pin_map_free(struct pin_map *map);

/* The datastream of a pin: its row's name, else V<pin>. */
void pin_map_name(const struct pin_map *map, uint16_t pin, char name[DATASTREAM_NAME_MAX + 1]);

/* The pin of a datastream: that of its row, else the number after V, unless that pin has another name. */
bool pin_map_pin(const struct pin_map *map, const char *name, uint16_t *pin);

/* True if all of text is a pin's number, 0 to 65535. */
bool pin_parse(const char *text, size_t length, uint16_t *pin);

#endif
