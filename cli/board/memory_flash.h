/* A board's flash in memory, behind the operations that core/ knows: NOR rules included. */
#ifndef CLI_MEMORY_FLASH_H
#define CLI_MEMORY_FLASH_H

#include "cli/board/layout.h"
#include "tandem/flash.h"

struct memory_flash {
    struct tdm_flash flash; /* what core/ gets; its ctx is this */
    const struct board_layout *layout;
    uint8_t *bytes; /* all of the layout's flash, from malloc */
};

/* An erased flash. */
void memory_flash_open(struct memory_flash *memory, const struct board_layout *layout);
void memory_flash_close(struct memory_flash *memory);

/* Programs bytes at address, filled up to whole program units with what an erased unit reads. TDM_OK or
 * TDM_E_FLASH_PROGRAM. */
TDM_MUST_USE int memory_flash_put(struct memory_flash *memory, uint32_t address, const void *from,
                                  size_t bytes);

#endif
