/* The unwind table of C++ and of -fexceptions (Exception Handling ABI for the Arm Architecture, "Index table
 * entries"). An entry has two words:
 *
 *     where a function starts, 31 bits, relative to the word's own place
 *     1: can't be unwound | bit 31: the instructions themselves | where they are, relative like the first
 *
 * The linker merges entries after it has relocated them, so what --emit-relocs says of this table fits it no
 * more. Nothing in it is absolute: it moves with the image if all that it points at does. */
#include "cli/elf/elf_reader.h"

#define ENTRY_BYTES   8
#define CANT_UNWIND   1u
#define INLINED       0x80000000u
#define DISTANCE_MASK 0x7FFFFFFFu
#define DISTANCE_SIGN 0x40000000u

static void check_distance(struct elf_reader *in, const struct elf_section *section, uint32_t at)
{
    uint32_t place = (uint32_t)section->header.sh_addr + at;
    uint32_t word = elf_word(in->image, section->image_offset + at) & DISTANCE_MASK;
    uint32_t target = place + ((word ^ DISTANCE_SIGN) - DISTANCE_SIGN);

    if (elf_in_image(in, target, true) != elf_in_image(in, place, false))
        elf_refuse(in,
                   "%s + 0x%x (0x%08x): says how to unwind 0x%08x, which does not move with the image, as "
                   "a function in RAM; compile it with -fno-exceptions -fno-unwind-tables",
                   section->name, at, place, target);
}

void elf_check_unwind_table(struct elf_reader *in, const struct elf_section *section)
{
    for (uint32_t at = 0; section->header.sh_size - at >= ENTRY_BYTES; at += ENTRY_BYTES) {
        uint32_t how = elf_word(in->image, section->image_offset + at + 4);

        check_distance(in, section, at);
        if (how != CANT_UNWIND && !(how & INLINED))
            check_distance(in, section, at + 4);
    }
}
