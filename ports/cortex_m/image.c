/* The layout, the bank that runs, and whether an image may start. */
#include <layout.h>

#include "ports/cortex_m/cortex_m.h"

static const struct tdm_layout layout = LAYOUT_INITIALIZER;

const struct tdm_layout *board_layout(void)
{
    return &layout;
}

uint8_t board_running_bank(void)
{
    uint32_t here;

    /* The program counter and not a symbol: it is right even if a relocation were not. */
    __asm__("mov %0, pc" : "=r"(here));
    return tdm_layout_bank_at(&layout, here);
}

/* The processor takes the first word for its stack pointer and jumps to the second; both wrong in the worst
 * way must be harmless.
 */
int board_check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                      uint32_t address)
{
    uint8_t start[8];
    uint32_t stack, entry;
    int result;

    (void)ctx;
    if (address % port_vector_alignment != 0)
        return TDM_E_VECTOR;
    result = flash->ops->read(flash->ctx, address, start, sizeof start);
    if (result != TDM_OK)
        return result;
    stack = port_load_word(start);
    entry = port_load_word(start + 4);
    if (stack % 8u != 0 || stack <= LAYOUT_RAM_ADDRESS || stack > LAYOUT_RAM_ADDRESS + LAYOUT_RAM_BYTES)
        return TDM_E_VECTOR;
    /* Thumb code, inside the image's own bank and below its header. */
    if ((entry & 1u) == 0 || entry < bank->address ||
        entry >= bank->address + bank->bytes - LAYOUT_HEADER_BYTES)
        return TDM_E_VECTOR;
    return TDM_OK;
}
