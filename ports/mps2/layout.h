/* Where things are on this board: layout.json, as C sees it. The linker scripts have the same numbers in
 * MEMORY. */
#ifndef TANDEM_MPS2_LAYOUT_H
#define TANDEM_MPS2_LAYOUT_H

#define FLASH_ADDRESS       0x21000000u
#define FLASH_BYTES         0x00100000u
#define FLASH_ERASE_BYTES   4096u
#define FLASH_PROGRAM_BYTES 8u

#define BOOTLOADER_ADDRESS 0x21000000u
#define BOOTLOADER_BYTES   0x00008000u /* the key page is its last erase unit */
#define KEYS_ADDRESS       0x21007000u

#define RECORD_0_ADDRESS 0x21008000u
#define RECORD_1_ADDRESS 0x21009000u
#define RECORD_BYTES     4096u

#define BANK_A_ADDRESS 0x21010000u
#define BANK_B_ADDRESS 0x21050000u
#define BANK_BYTES     0x00040000u
#define HEADER_BYTES   4096u

#define RAM_ADDRESS 0x20000000u
#define RAM_BYTES   0x00010000u

#endif
