/* A map from a 64-bit number to a pointer: devices by id, tokens by the head of their hash. */
#ifndef TANDEM_CLOUD_IDMAP_H
#define TANDEM_CLOUD_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
    uint64_t key;
    void *value; /* NULL: free */
};

/* All zero is an empty map. */
struct idmap {
    struct idmap_slot *slots;
    size_t capacity; /* 0 or a power of two */
    size_t count;
};

void *idmap_get(const struct idmap *map, uint64_t key);
/* Sets key to value (not NULL); returns what was there before, or NULL. Ends the program without memory. */
void *idmap_set(struct idmap *map, uint64_t key, void *value);
/* Removes key; returns what was there, or NULL. */
void *idmap_remove(struct idmap *map, uint64_t key);
/* The next entry from position *at on (start with 0), NULL at the end. Nothing may be changed meanwhile. */
void *idmap_next(const struct idmap *map, size_t *at);
void idmap_free(struct idmap *map);

#endif
