/* Which relocations of an ARM program make a word of the image a site, which are harmless when the image
 * moves as a whole, and which can't be relocated and are refused by name (ELF for the Arm Architecture,
 * "Relocation").
 *
 * What a relocation points at is judged by its symbol and not by the word: a pointer may lie outside of its
 * object (&table[-1]), and a number may look like an address. */
#include <string.h>

#include "cli/elf/elf_reader.h"

/* Below this address a small absolute number could be a size or an address: the ELF file does not say. */
#define AMBIGUOUS_BELOW 0x00100000u

enum rule {
    HARMLESS,     /* depends on no address */
    WORD,         /* an absolute word */
    HALF_ADDRESS, /* an absolute address, not in a word */
    RELATIVE,     /* to its own place, without the help of a veneer */
    THUMB_BRANCH, /* the same, maybe through a veneer: the instruction says where it goes */
    ARM_BRANCH,
    PLATFORM /* R_ARM_TARGET2: absolute or relative, the word says which */
};

static const struct {
    uint32_t type;
    enum rule rule;
    const char *name;
} rules[] = {
    {R_ARM_NONE, HARMLESS, "R_ARM_NONE"},
    {R_ARM_V4BX, HARMLESS, "R_ARM_V4BX"},
    {R_ARM_GNU_VTENTRY, HARMLESS, "R_ARM_GNU_VTENTRY"},
    {R_ARM_GNU_VTINHERIT, HARMLESS, "R_ARM_GNU_VTINHERIT"},
    {R_ARM_TLS_LE32, HARMLESS, "R_ARM_TLS_LE32"},
    {R_ARM_TLS_LE12, HARMLESS, "R_ARM_TLS_LE12"},
    {R_ARM_TLS_LDO32, HARMLESS, "R_ARM_TLS_LDO32"},
    {R_ARM_ABS32, WORD, "R_ARM_ABS32"},
    {R_ARM_ABS32_NOI, WORD, "R_ARM_ABS32_NOI"},
    {R_ARM_TARGET1, WORD, "R_ARM_TARGET1"},
    {R_ARM_TARGET2, PLATFORM, "R_ARM_TARGET2"},
    {R_ARM_MOVW_ABS_NC, HALF_ADDRESS, "R_ARM_MOVW_ABS_NC"},
    {R_ARM_MOVT_ABS, HALF_ADDRESS, "R_ARM_MOVT_ABS"},
    {R_ARM_THM_MOVW_ABS_NC, HALF_ADDRESS, "R_ARM_THM_MOVW_ABS_NC"},
    {R_ARM_THM_MOVT_ABS, HALF_ADDRESS, "R_ARM_THM_MOVT_ABS"},
    {R_ARM_ABS16, HALF_ADDRESS, "R_ARM_ABS16"},
    {R_ARM_ABS12, HALF_ADDRESS, "R_ARM_ABS12"},
    {R_ARM_ABS8, HALF_ADDRESS, "R_ARM_ABS8"},
    {R_ARM_THM_ABS5, HALF_ADDRESS, "R_ARM_THM_ABS5"},
    {132, HALF_ADDRESS, "R_ARM_THM_ALU_ABS_G0_NC"},
    {133, HALF_ADDRESS, "R_ARM_THM_ALU_ABS_G1_NC"},
    {134, HALF_ADDRESS, "R_ARM_THM_ALU_ABS_G2_NC"},
    {135, HALF_ADDRESS, "R_ARM_THM_ALU_ABS_G3"},
    {R_ARM_REL32, RELATIVE, "R_ARM_REL32"},
    {R_ARM_REL32_NOI, RELATIVE, "R_ARM_REL32_NOI"},
    {R_ARM_PREL31, RELATIVE, "R_ARM_PREL31"},
    {R_ARM_MOVW_PREL_NC, RELATIVE, "R_ARM_MOVW_PREL_NC"},
    {R_ARM_MOVT_PREL, RELATIVE, "R_ARM_MOVT_PREL"},
    {R_ARM_THM_MOVW_PREL_NC, RELATIVE, "R_ARM_THM_MOVW_PREL_NC"},
    {R_ARM_THM_MOVT_PREL, RELATIVE, "R_ARM_THM_MOVT_PREL"},
    {R_ARM_THM_PC8, RELATIVE, "R_ARM_THM_PC8"},
    {R_ARM_THM_PC12, RELATIVE, "R_ARM_THM_PC12"},
    {R_ARM_THM_PC11, RELATIVE, "R_ARM_THM_JUMP11"},
    {R_ARM_THM_PC9, RELATIVE, "R_ARM_THM_JUMP8"},
    {R_ARM_THM_JUMP6, RELATIVE, "R_ARM_THM_JUMP6"},
    {R_ARM_THM_ALU_PREL_11_0, RELATIVE, "R_ARM_THM_ALU_PREL_11_0"},
    {R_ARM_THM_PC22, THUMB_BRANCH, "R_ARM_THM_CALL"},
    {R_ARM_THM_JUMP24, THUMB_BRANCH, "R_ARM_THM_JUMP24"},
    {R_ARM_THM_JUMP19, THUMB_BRANCH, "R_ARM_THM_JUMP19"},
    {R_ARM_PC24, ARM_BRANCH, "R_ARM_PC24"},
    {R_ARM_CALL, ARM_BRANCH, "R_ARM_CALL"},
    {R_ARM_JUMP24, ARM_BRANCH, "R_ARM_JUMP24"},
    {R_ARM_PLT32, ARM_BRANCH, "R_ARM_PLT32"},
};

/* What a symbol means for an image that moves. */
enum meaning {
    OUTSIDE,   /* RAM, a register, a number: stays */
    INSIDE,    /* moves with the image */
    NOT_KNOWN, /* a number that could be either */
};

/* One relocation. */
struct entry {
    const struct elf_section *section;
    uint32_t type;
    uint32_t address; /* of its place, at run time */
    uint32_t offset;  /* of its place, in the image */
    GElf_Sym symbol;
    const char *symbol_name;
    const char *type_name;
};

static void refuse(struct elf_reader *in, const struct entry *entry, const char *why)
{
    elf_refuse(in, "%s + 0x%llx (0x%08x): %s to %s: %s", entry->section->name,
               (unsigned long long)(entry->address - entry->section->header.sh_addr), entry->address,
               entry->type_name, entry->symbol_name, why);
}

static enum meaning meaning_of(struct elf_reader *in, const GElf_Sym *symbol)
{
    GElf_Shdr header;

    if (symbol->st_shndx == SHN_UNDEF)
        return OUTSIDE;
    if (symbol->st_shndx == SHN_ABS) {
        if (!elf_in_image(in, symbol->st_value, true))
            return OUTSIDE;
        return in->image->link_address < AMBIGUOUS_BELOW ? NOT_KNOWN : INSIDE;
    }
    if (symbol->st_shndx >= SHN_LORESERVE || !gelf_getshdr(elf_getscn(in->elf, symbol->st_shndx), &header))
        return OUTSIDE;
    return (header.sh_flags & SHF_ALLOC) && elf_in_image(in, header.sh_addr, header.sh_size == 0) ? INSIDE
                                                                                                  : OUTSIDE;
}

/* A word that may be an address: the other link says which. */
static void judge_by_other(struct elf_reader *in, const struct entry *entry)
{
    const struct elf_image *other = in->other;
    uint32_t here = elf_word(in->image, entry->offset);
    uint32_t there;

    if (!other || entry->offset + 4 > other->size) {
        refuse(
            in, entry,
            "an absolute symbol that could be an address or a number; define it inside of a section in the "
            "linker script, or give the same program linked for another address with --check-with");
        return;
    }
    there = elf_word(other, entry->offset);
    if (there == here + (other->link_address - in->image->link_address))
        elf_add_site(in, entry->offset);
    else if (there != here)
        refuse(in, entry,
               "the program of --check-with has a word there that fits neither an address nor a "
               "number; is it the same program?");
}

static void take_word(struct elf_reader *in, const struct entry *entry)
{
    enum meaning meaning = meaning_of(in, &entry->symbol);

    if (meaning == OUTSIDE)
        return;
    if (entry->offset % 4 != 0)
        refuse(in, entry, "not at a multiple of 4; is it a pointer in a packed structure? unpack it");
    else if (meaning == NOT_KNOWN)
        judge_by_other(in, entry);
    else
        elf_add_site(in, entry->offset);
}

static void take_half_address(struct elf_reader *in, const struct entry *entry)
{
    if (meaning_of(in, &entry->symbol) != OUTSIDE)
        refuse(in, entry,
               "an address that is not in one word; compile everything, libraries too, with "
               "-mword-relocations and without -mslow-flash-data and -mpure-code");
}

static void take_relative(struct elf_reader *in, const struct entry *entry, bool target_inside)
{
    if (elf_in_image(in, entry->address, false) != target_inside)
        refuse(in, entry,
               "relative between the image and what does not move with it, as a direct call between flash "
               "and RAM; declare the function with __attribute__((long_call))");
}

static void take_branch(struct elf_reader *in, const struct entry *entry, bool is_thumb)
{
    uint32_t target;
    bool is_branch = is_thumb ? elf_branch_thumb(in->image, entry->offset, entry->address, &target)
                              : elf_branch_arm(in->image, entry->offset, entry->address, &target);

    if (is_branch)
        take_relative(in, entry, elf_in_image(in, target, false));
}

static void take_platform(struct elf_reader *in, const struct entry *entry)
{
    uint32_t word = elf_word(in->image, entry->offset);
    uint32_t symbol = (uint32_t)entry->symbol.st_value;

    if (word == symbol)
        take_word(in, entry);
    else if (word == symbol - entry->address)
        take_relative(in, entry, meaning_of(in, &entry->symbol) == INSIDE);
    else
        refuse(in, entry, "neither the symbol's address nor its distance; link with --target2=rel");
}

static void take(struct elf_reader *in, const struct entry *entry, enum rule rule)
{
    switch (rule) {
    case HARMLESS:
        break;
    case WORD:
        take_word(in, entry);
        break;
    case HALF_ADDRESS:
        take_half_address(in, entry);
        break;
    case RELATIVE:
        take_relative(in, entry, meaning_of(in, &entry->symbol) == INSIDE);
        break;
    case THUMB_BRANCH:
        take_branch(in, entry, true);
        break;
    case ARM_BRANCH:
        take_branch(in, entry, false);
        break;
    case PLATFORM:
        take_platform(in, entry);
        break;
    }
}

static void take_by_type(struct elf_reader *in, struct entry *entry)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (rules[i].type == entry->type) {
            entry->type_name = rules[i].name;
            take(in, entry, rules[i].rule);
            return;
        }
    }
    elf_refuse(in, "%s: relocation type %u to %s is not supported (position-independent code?)",
               entry->section->name, entry->type, entry->symbol_name);
}

/* The symbol's name; a section's symbol has that of its section. */
static const char *name_of(struct elf_reader *in, const GElf_Sym *symbol, size_t strings)
{
    const char *name = elf_strptr(in->elf, strings, symbol->st_name);

    if (GELF_ST_TYPE(symbol->st_info) == STT_SECTION)
        return elf_section_name(in, symbol->st_shndx);
    return name && name[0] ? name : "?";
}

/* Offset, type and symbol of the i-th entry; REL and RELA differ in what is not needed here. */
static bool get_entry(Elf_Data *data, const GElf_Shdr *header, size_t i, GElf_Rela *rela)
{
    GElf_Rel rel;

    if (header->sh_type == SHT_RELA)
        return gelf_getrela(data, (int)i, rela) != NULL;
    if (!gelf_getrel(data, (int)i, &rel))
        return false;
    rela->r_offset = rel.r_offset;
    rela->r_info = rel.r_info;
    return true;
}

/* Fills entry from the i-th relocation; false, and refused, if the file does not hold it. */
static bool read_entry(struct elf_reader *in, Elf_Data *data, const GElf_Shdr *header, Elf_Data *symbols,
                       size_t i, struct entry *entry)
{
    const GElf_Shdr *place = &entry->section->header;
    GElf_Rela rela;

    if (!get_entry(data, header, i, &rela) ||
        !gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &entry->symbol) ||
        rela.r_offset < place->sh_addr || rela.r_offset - place->sh_addr > place->sh_size) {
        elf_refuse(in, "%s: its relocation %zu is damaged; build the file again", entry->section->name, i);
        return false;
    }
    entry->type = (uint32_t)GELF_R_TYPE(rela.r_info);
    entry->address = (uint32_t)rela.r_offset;
    entry->offset = entry->section->image_offset + (uint32_t)(rela.r_offset - place->sh_addr);
    return true;
}

/* A relocation whose four bytes are not all in the section is that of a two-byte instruction at its end,
 * which holds no address. */
static bool has_room(const struct entry *entry)
{
    const GElf_Shdr *place = &entry->section->header;

    return place->sh_size >= 4 && entry->address - place->sh_addr <= place->sh_size - 4;
}

void elf_read_relocations(struct elf_reader *in, Elf_Scn *scn, const GElf_Shdr *header)
{
    struct elf_section section;
    GElf_Shdr symbols_header;
    Elf_Scn *symbols_scn = elf_getscn(in->elf, header->sh_link);
    Elf_Data *symbols = elf_getdata(symbols_scn, NULL);
    Elf_Data *data = elf_getdata(scn, NULL);
    size_t count = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;

    if (!elf_section_in_image(in, header->sh_info, &section) || !symbols || !data ||
        !gelf_getshdr(symbols_scn, &symbols_header)) {
        elf_refuse(in, "its relocations or symbols can't be read; is the file complete?");
        return;
    }
    for (size_t i = 0; i < count; i++) {
        struct entry entry = {.section = &section};

        if (read_entry(in, data, header, symbols, i, &entry) && has_room(&entry)) {
            entry.symbol_name = name_of(in, &entry.symbol, symbols_header.sh_link);
            take_by_type(in, &entry);
        }
    }
}
