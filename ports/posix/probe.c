/* The probe on this port: a device whose program is the probe. It has no images. */
#include "ports/probe/probe.h"
#include "ports/posix/device.h"

uint8_t board_running_bank(void)
{
    return TDM_NO_BANK;
}

int board_check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                      uint32_t address)
{
    (void)ctx;
    (void)flash;
    (void)bank;
    (void)address;
    return TDM_E_VECTOR;
}

void board_jump(uint32_t vector_table)
{
    (void)vector_table;
    board_reset(TDM_RESET_FAULT);
}

int main(int argc, char **argv)
{
    return device_main(argc, argv, probe_run);
}
