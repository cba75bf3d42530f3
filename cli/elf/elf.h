/* Firmware images out of ELF files: the bytes that go into flash, and the words in them that hold addresses.
 */
#ifndef CLI_ELF_H
#define CLI_ELF_H

#include "cli/base/files.h"

struct elf_image {
    uint8_t *bytes; /* the loadable segments by physical address, gaps 0xFF */
    uint32_t size;
    uint32_t link_address; /* of byte 0 */
    uint32_t *sites;       /* offsets of absolute words that point into the image, ascending */
    uint32_t site_count;
};

/* True if the file starts as ELF files do. */
bool elf_is_elf(const struct file_bytes *file);

/* Reads the image of a 32-bit little-endian ARM program. path is for messages. with_sites: its relocations
 * too; the program must have been linked with --emit-relocs.
 * other (may be NULL) is the same program linked for another address: it tells constants from addresses where
 * the ELF file itself can't.
 * CLI_OK, or CLI_FAILED with the reasons on standard error. elf_image_free is safe either way. */
int elf_image_load(struct elf_image *image, const struct file_bytes *file, const char *path, bool with_sites,
                   const struct elf_image *other);
void elf_image_free(struct elf_image *image);

/* Relocates a copy of image to the address of other, and compares. CLI_OK if they are equal byte for byte,
 * or CLI_FAILED with the first differences on standard error. */
int elf_image_compare(const struct elf_image *image, const struct elf_image *other, const char *path);

#endif
