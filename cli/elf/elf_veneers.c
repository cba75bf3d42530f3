/* Veneers: what the linker puts in where a branch can't reach, such as a call from code in RAM to flash. They
 * hold the address as a word, for which --emit-relocs writes no relocation; without the word the veneer would
 * go on branching into the old bank. The linker names a veneer __NAME_veneer and marks its data with the
 * mapping symbol $d (ELF for the Arm Architecture, "Mapping symbols"). */
#include <string.h>

#include "cli/elf/elf_reader.h"

static bool is_veneer_name(const char *name)
{
    static const char suffix[] = "_veneer";
    size_t length = strlen(name);

    return length > 2 + sizeof suffix && memcmp(name, "__", 2) == 0 &&
           strcmp(name + length - (sizeof suffix - 1), suffix) == 0;
}

/* A symbol table being walked. */
struct symbols {
    Elf_Data *data;
    size_t count;
    size_t strings;
};

static const char *get_symbol(struct elf_reader *in, const struct symbols *symbols, size_t i,
                              GElf_Sym *symbol)
{
    const char *name = NULL;

    if (gelf_getsym(symbols->data, (int)i, symbol))
        name = elf_strptr(in->elf, symbols->strings, symbol->st_name);
    return name ? name : "";
}

/* Address of the data that starts in [start, end) of a section, or end if none does. */
static uint32_t find_data(struct elf_reader *in, const struct symbols *symbols, size_t section,
                          uint32_t start, uint32_t end)
{
    GElf_Sym symbol;
    uint32_t first = end;

    for (size_t i = 0; i < symbols->count; i++) {
        const char *name = get_symbol(in, symbols, i, &symbol);

        if (strcmp(name, "$d") == 0 && symbol.st_shndx == section && symbol.st_value >= start &&
            symbol.st_value < first)
            first = (uint32_t)symbol.st_value;
    }
    return first;
}

/* A veneer without data must be one branch that stays on its side. */
static void take_branch(struct elf_reader *in, const char *name, uint32_t offset, uint32_t address)
{
    uint32_t target;

    if (!elf_branch_thumb(in->image, offset, address, &target) ||
        elf_in_image(in, target, false) != elf_in_image(in, address, false))
        elf_refuse(in,
                   "veneer %s (0x%08x) holds an address that can't be relocated; call the function "
                   "through a pointer, or declare it with __attribute__((long_call))",
                   name, address);
}

static void take_veneer(struct elf_reader *in, const struct symbols *symbols, const GElf_Sym *veneer,
                        const char *name)
{
    struct elf_section section;
    uint32_t start = (uint32_t)veneer->st_value & ~1u;
    uint32_t end = start + (uint32_t)veneer->st_size;
    uint32_t data;

    if (!elf_section_in_image(in, veneer->st_shndx, &section))
        return;
    if (start < section.header.sh_addr || veneer->st_size < 4 || end < start ||
        end > section.header.sh_addr + section.header.sh_size) {
        elf_refuse(in, "veneer %s (0x%08x) has no usable size", name, start);
        return;
    }
    data = find_data(in, symbols, veneer->st_shndx, start, end);
    if (data == end)
        take_branch(in, name, section.image_offset + (start - (uint32_t)section.header.sh_addr), start);
    for (; data + 4 <= end; data += 4) {
        uint32_t offset = section.image_offset + (data - (uint32_t)section.header.sh_addr);

        if (!elf_in_image(in, elf_word(in->image, offset) & ~1u, false))
            continue;
        if (offset % 4 != 0)
            elf_refuse(in, "veneer %s (0x%08x) holds an address that is not at a multiple of 4", name, start);
        else
            elf_add_site(in, offset);
    }
}

void elf_read_veneers(struct elf_reader *in, Elf_Scn *scn, const GElf_Shdr *header)
{
    struct symbols symbols = {.data = elf_getdata(scn, NULL), .strings = header->sh_link};
    GElf_Sym symbol;

    symbols.count = header->sh_entsize && symbols.data ? header->sh_size / header->sh_entsize : 0;
    for (size_t i = 0; i < symbols.count; i++) {
        const char *name = get_symbol(in, &symbols, i, &symbol);

        if (is_veneer_name(name))
            take_veneer(in, &symbols, &symbol, name);
    }
}
