/* One bank: the update client of an application that hands its updates over to the bootloader (docs/BOOT.md,
 * "One bank and recovery"). Nothing of it is linked where it is not named. */
#ifndef TANDEM_HAND_OVER_H
#define TANDEM_HAND_OVER_H

#include "tandem/mcu.h"

/* The role of struct tdm_mcu_config where layout has no other bank (bank[1].bytes is 0): it accepts an offer,
 * has the co-processor prefetch the file, records "fetch" and resets; the bootloader does the rest
 * (tandem/fetch.h). */
extern const struct tdm_mcu_role tdm_mcu_hands_over;

#endif
