/* What the files that read ELF share. */
#ifndef CLI_ELF_READER_H
#define CLI_ELF_READER_H

#include <gelf.h>

#include "cli/elf/elf.h"

#define ELF_SEGMENTS_MAX   32
#define ELF_REFUSALS_SHOWN 8 /* of a kind; more are counted */

/* Bytes of the file that are loaded: where from, where they lie in flash, and where they are when they run.
 */
struct elf_segment {
    uint64_t file_offset;
    uint32_t load_address;
    uint32_t run_address;
    uint32_t bytes;
};

struct elf_reader {
    const char *path;
    const struct file_bytes *file;
    Elf *elf;
    struct elf_segment segment[ELF_SEGMENTS_MAX];
    size_t segment_count;
    struct elf_image *image;
    const struct elf_image *other; /* NULL: none */
    uint32_t site_room;
    unsigned refused; /* what can't be relocated, so far */
};

/* A section that lies in the image. */
struct elf_section {
    Elf_Scn *scn;
    GElf_Shdr header;
    const char *name;
    uint32_t image_offset;
};

/* Describes section index if it is loaded into the image; false if it is not. */
bool elf_section_in_image(struct elf_reader *in, size_t index, struct elf_section *section);
const char *elf_section_name(struct elf_reader *in, size_t index);

/* True if address lies in the image while it runs at its link address; its end counts when end_too. */
bool elf_in_image(const struct elf_reader *in, uint64_t address, bool end_too);

uint32_t elf_word(const struct elf_image *image, uint32_t offset);
uint16_t elf_halfword(const struct elf_image *image, uint32_t offset);

/* Notes a site; sites may come in any order and twice. */
void elf_add_site(struct elf_reader *in, uint32_t offset);

/* Counts a refusal and prints it, the first few of them. */
void elf_refuse(struct elf_reader *in, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where the branch instruction at offset of the image goes, when it runs at address. False if there is none
 * (the linker made it a NOP). Thumb: BL, BLX, B.W, B<c>.W. Arm: B, BL, BLX. */
bool elf_branch_thumb(const struct elf_image *image, uint32_t offset, uint32_t address, uint32_t *target);
bool elf_branch_arm(const struct elf_image *image, uint32_t offset, uint32_t address, uint32_t *target);

/* Collects the sites of one relocation section (elf_relocations.c), and of the linker's veneers, which carry
 * no relocations (elf_veneers.c). */
void elf_read_relocations(struct elf_reader *in, Elf_Scn *scn, const GElf_Shdr *header);
void elf_read_veneers(struct elf_reader *in, Elf_Scn *symbols, const GElf_Shdr *header);

/* Checks a table of SHT_ARM_EXIDX, whose relocations can't be used (elf_unwind.c). */
void elf_check_unwind_table(struct elf_reader *in, const struct elf_section *section);

#endif
