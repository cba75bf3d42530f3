/* Made by `tandem layout layout.json --c-header`: change the layout file, not this one. */
/* clang-format off */
#ifndef LAYOUT_H
#define LAYOUT_H

#define LAYOUT_NAME                 "mps2"
#define LAYOUT_FLASH_ADDRESS        0x21000000u
#define LAYOUT_FLASH_BYTES          0x00100000u
#define LAYOUT_ERASE_BYTES          0x00001000u
#define LAYOUT_PROGRAM_BYTES        0x00000008u
#define LAYOUT_PROGRAM_ONCE         0
#define LAYOUT_BOOTLOADER_ADDRESS   0x21000000u
#define LAYOUT_BOOTLOADER_BYTES     0x0000C000u
#define LAYOUT_KEYS_ADDRESS         0x2100C000u
#define LAYOUT_RECORD_0_ADDRESS     0x2100D000u
#define LAYOUT_RECORD_0_BYTES       0x00001000u
#define LAYOUT_RECORD_1_ADDRESS     0x2100E000u
#define LAYOUT_RECORD_1_BYTES       0x00001000u
#define LAYOUT_BANK_A_ADDRESS       0x21010000u
#define LAYOUT_BANK_A_BYTES         0x00040000u
#define LAYOUT_BANK_B_ADDRESS       0x21050000u
#define LAYOUT_BANK_B_BYTES         0x00040000u
#define LAYOUT_HEADER_BYTES         0x00001000u
#define LAYOUT_RAM_ADDRESS          0x20000000u
#define LAYOUT_RAM_BYTES            0x00010000u

/* Initializer of a struct tdm_layout (tandem/flash.h). */
#define LAYOUT_INITIALIZER \
    { \
        .record = {{LAYOUT_RECORD_0_ADDRESS, LAYOUT_RECORD_0_BYTES}, \
                   {LAYOUT_RECORD_1_ADDRESS, LAYOUT_RECORD_1_BYTES}}, \
        .bank = {{LAYOUT_BANK_A_ADDRESS, LAYOUT_BANK_A_BYTES}, \
                 {LAYOUT_BANK_B_ADDRESS, LAYOUT_BANK_B_BYTES}}, \
        .header_bytes = LAYOUT_HEADER_BYTES, \
        .keys_address = LAYOUT_KEYS_ADDRESS, \
    }

#endif
