/* A board's layout file (docs/LAYOUT.md): where bootloader, keys, boot record and banks lie. */
#ifndef CLI_LAYOUT_H
#define CLI_LAYOUT_H

#include "cli/base/command.h"
#include "tandem/flash.h"

#define LAYOUT_NAME_MAX 64

struct board_layout {
    char name[LAYOUT_NAME_MAX + 1];
    struct tdm_region flash;
    uint32_t erase_bytes;
    uint32_t program_bytes;
    bool program_once;
    struct tdm_region bootloader; /* without the key page; bytes 0: the device has none */
    struct tdm_region ram;        /* bytes 0: not said */
    struct tdm_layout places;
};

/* Reads and checks a layout file. CLI_OK, or CLI_FAILED with the reason on standard error. */
int layout_load(struct board_layout *layout, const char *path);

/* Checks that regions are whole, inside the flash and apart, as docs/LAYOUT.md asks, and cuts the key page
 * off the bootloader's region where it is its tail. path is for the message. */
int layout_check(struct board_layout *layout, const char *path);

#endif
