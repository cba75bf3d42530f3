/* What the ports of Cortex-M parts share: who runs, what may start (image.c), and flash that lies in memory
 * and keeps the rules of NOR (nor_flash.c). The layout is the board's: layout.h is searched where the build
 * says. */
#ifndef TANDEM_CORTEX_M_H
#define TANDEM_CORTEX_M_H

#include "ports/board.h"

/* startup.c of the port: what a vector table's address has to be a multiple of. With a VTOR that is the
 * table's size, rounded up to a power of two; 4 without. */
extern const uint32_t port_vector_alignment;

/* flash.c of the port, for nor_flash.c, which has checked address and length and looks at what became of it.
 * Erases the unit at address. False where the part gave up. */
bool port_flash_erase(uint32_t address);
/* Programs whole units that only clear bits. False where the part gave up. */
bool port_flash_program(uint32_t address, const uint8_t *from, size_t bytes);

/* A word as the processor loads it, from anywhere. */
static inline uint32_t port_load_word(const uint8_t from[4])
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

#endif
