/* One bank, and recovery: the update client where there is no other bank to write to (docs/BOOT.md, "One bank
 * and recovery").
 *
 * Both are roles of struct tdm_mcu_config; nothing of them is linked where neither is named. */
#ifndef TANDEM_FETCH_H
#define TANDEM_FETCH_H

#include "tandem/mcu.h"

/* The application of a one-bank device (layout: bank[1].bytes is 0): it accepts an offer, has the
 * co-processor prefetch the file, records "fetch" and resets; its bootloader does the rest. */
extern const struct tdm_mcu_role tdm_mcu_hands_over;

/* The bootloader (running_bank is TDM_NO_BANK): it takes an offer into bank 0, whose image then starts on
 * trial. intact_bank is bank 0 where the record says "fetch" and the image there could start: then the whole
 * package is streamed through the hashes first, nothing is erased unless all of it is what was signed, and a
 * fetch that fails, or is not offered within two minutes, ends in a reset to that image. With TDM_NO_BANK
 * there is nothing to lose and nothing to go back to: it erases once the front has verified, and after a
 * failure initialises the co-processor anew, with growing pauses, until an image is in place.
 * It needs config.checking. type, version and build are those of the intact image; "0.0.0" as a version where
 * there is none. */
extern const struct tdm_mcu_role tdm_mcu_fetches;

#endif
