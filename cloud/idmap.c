/* Open addressing with linear probing, at most three quarters full; removal moves later entries of the run
 * back. */
#include "cloud/idmap.h"

#include <stdlib.h>

static size_t home(const struct idmap *map, uint64_t key)
{
    return (size_t)((key * 0x9E3779B97F4A7C15u) >> 32) & (map->capacity - 1);
}

/* The slot that holds key, or the free one where it belongs. */
static struct idmap_slot *find(const struct idmap *map, uint64_t key)
{
    size_t i = home(map, key);
    while (map->slots[i].value != NULL && map->slots[i].key != key)
        i = (i + 1) & (map->capacity - 1);
    return &map->slots[i];
}

static void grow(struct idmap *map)
{
    struct idmap old = *map;
    map->capacity = old.capacity == 0 ? 64 : old.capacity * 2;
    map->slots = calloc(map->capacity, sizeof *map->slots);
    if (map->slots == NULL)
        abort();
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].value != NULL)
            *find(map, old.slots[i].key) = old.slots[i];
    }
    free(old.slots);
}

void *idmap_get(const struct idmap *map, uint64_t key)
{
    return map->capacity == 0 ? NULL : find(map, key)->value;
}

void *idmap_set(struct idmap *map, uint64_t key, void *value)
{
    if (map->count + 1 > map->capacity / 4 * 3)
        grow(map);
    struct idmap_slot *slot = find(map, key);
    void *before = slot->value;
    map->count += before == NULL;
    *slot = (struct idmap_slot){key, value};
    return before;
}

void *idmap_remove(struct idmap *map, uint64_t key)
{
    if (map->capacity == 0)
        return NULL;
    struct idmap_slot *slot = find(map, key);
    void *before = slot->value;
    if (before == NULL)
        return NULL;
    size_t mask = map->capacity - 1;
    size_t hole = (size_t)(slot - map->slots);
    for (size_t i = (hole + 1) & mask; map->slots[i].value != NULL; i = (i + 1) & mask) {
        /* An entry may fill the hole if its home is not between the hole and itself. */
        if (((i - home(map, map->slots[i].key)) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole].value = NULL;
    map->count--;
    return before;
}

void *idmap_next(const struct idmap *map, size_t *at)
{
    while (*at < map->capacity) {
        void *value = map->slots[(*at)++].value;
        if (value != NULL)
            return value;
    }
    return NULL;
}

void idmap_free(struct idmap *map)
{
    free(map->slots);
    *map = (struct idmap){0};
}
