#include "tandem/digest.h"

bool tdm_equal(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    uint8_t difference = 0;

    while (bytes-- > 0)
        difference |= (uint8_t)(*x++ ^ *y++);
    return difference == 0;
}
