/* Memory that is there, or the end of the program: it holds a few kilobytes for as long as it runs. */
#ifndef NCPD_MEMORY_H
#define NCPD_MEMORY_H

#include <stddef.h>

void *memory_zeroed(size_t bytes);

#endif
