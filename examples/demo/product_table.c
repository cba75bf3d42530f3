#include "examples/demo/product_table.h"

#include <stddef.h>
#include <stdint.h>

/* Entry n: a hash of it, so that the table compresses no better than the sounds and pictures in many
 * products. (A multiple of n does not do: its highest bytes come again at fixed distances.) */
#define ENTRY(n)  XOR_13(XOR_15((uint32_t)(n)*2654435761u) * 2246822507u)
#define XOR_15(h) ((h) ^ (h) >> 15)
#define XOR_13(h) ((h) ^ (h) >> 13)

#define X4(n)    ENTRY(n), ENTRY((n) + 1), ENTRY((n) + 2), ENTRY((n) + 3)
#define X16(n)   X4(n), X4((n) + 4), X4((n) + 8), X4((n) + 12)
#define X64(n)   X16(n), X16((n) + 16), X16((n) + 32), X16((n) + 48)
#define X256(n)  X64(n), X64((n) + 64), X64((n) + 128), X64((n) + 192)
#define X1024(n) X256(n), X256((n) + 256), X256((n) + 512), X256((n) + 768)
#define X4096(n) X1024(n), X1024((n) + 1024), X1024((n) + 2048), X1024((n) + 3072)

/* 16 KB a block; a board with small banks takes fewer (TANDEM_DEMO_TABLE_KB). */
static const uint32_t table[] = {
    X4096(0),
#if DEMO_TABLE_KB >= 48
    X4096(4096),  X4096(8192),
#endif
#if DEMO_TABLE_KB >= 80
    X4096(12288), X4096(16384),
#endif
};

bool product_table_is_intact(void)
{
    const volatile uint32_t *entry = table; /* read it: the compiler knows what it wrote */

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (entry[i] != ENTRY(i))
            return false;
    return true;
}
