/* A bootloader that fetches a firmware through the co-processor (docs/BOOT.md, "One bank and recovery"). */
#ifndef TANDEM_BOOTLOADER_FETCH_H
#define TANDEM_BOOTLOADER_FETCH_H

#include "tandem/boot.h"

/* Fetches, and ends in a reset, where nothing can start or the record asks for it; else returns at once.
 * choice is what tdm_boot_choose decided in this start; buffer is used as long as it runs. */
void bootloader_fetch(const struct tdm_boot_choice *choice, const struct tdm_key_set *keys,
                      uint8_t buffer[TDM_PACKAGE_FRONT_MAX]);

#endif
