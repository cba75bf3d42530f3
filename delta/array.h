/* Arrays that grow by doubling. */
#ifndef DELTA_ARRAY_H
#define DELTA_ARRAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/* Makes room for one more element behind count; false without memory, and the array is as it was. */
static inline bool array_room(void **array, size_t *room, size_t count, size_t element)
{
    size_t wanted = *room > 0 ? 2 * *room : 16;
    void *grown;

    if (count < *room)
        return true;
    grown = wanted > SIZE_MAX / element ? NULL : realloc(*array, wanted * element);
    if (grown == NULL)
        return false;
    *array = grown;
    *room = wanted;
    return true;
}

#endif
