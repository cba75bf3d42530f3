#include "ncpd/base/memory.h"

#include <stdlib.h>

#include "ncpd/base/log.h"

void *memory_zeroed(size_t bytes)
{
    void *memory = calloc(1, bytes);

    if (memory == NULL) {
        log_error(NULL, "out of memory");
        exit(EXIT_FAILURE);
    }
    return memory;
}
