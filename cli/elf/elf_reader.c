#include "cli/elf/elf_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/output.h"

uint16_t elf_halfword(const struct elf_image *image, uint32_t offset)
{
    return (uint16_t)(image->bytes[offset] | image->bytes[offset + 1] << 8);
}

uint32_t elf_word(const struct elf_image *image, uint32_t offset)
{
    return elf_halfword(image, offset) | (uint32_t)elf_halfword(image, offset + 2) << 16;
}

bool elf_in_image(const struct elf_reader *in, uint64_t address, bool end_too)
{
    uint64_t end = (uint64_t)in->image->link_address + in->image->size;

    return address >= in->image->link_address && (address < end || (end_too && address == end));
}

void elf_refuse(struct elf_reader *in, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (in->refused++ < ELF_REFUSALS_SHOWN)
        output_fail(CLI_FAILED, "%s: %s", in->path, text);
}

void elf_add_site(struct elf_reader *in, uint32_t offset)
{
    struct elf_image *image = in->image;

    if (image->site_count == in->site_room) {
        uint32_t room = 2 * in->site_room + 1024;
        uint32_t *larger = memory_take(room * sizeof *larger);

        if (image->site_count > 0)
            memcpy(larger, image->sites, image->site_count * sizeof *larger);
        free(image->sites);
        image->sites = larger;
        in->site_room = room;
    }
    image->sites[image->site_count++] = offset;
}

const char *elf_section_name(struct elf_reader *in, size_t index)
{
    size_t names;
    GElf_Shdr header;
    Elf_Scn *scn = elf_getscn(in->elf, index);
    const char *name = NULL;

    if (scn && gelf_getshdr(scn, &header) && elf_getshdrstrndx(in->elf, &names) == 0)
        name = elf_strptr(in->elf, names, header.sh_name);
    return name ? name : "?";
}

bool elf_section_in_image(struct elf_reader *in, size_t index, struct elf_section *section)
{
    const GElf_Shdr *header = &section->header;

    section->scn = elf_getscn(in->elf, index);
    if (!section->scn || !gelf_getshdr(section->scn, &section->header) || !(header->sh_flags & SHF_ALLOC) ||
        header->sh_type == SHT_NOBITS)
        return false;
    section->name = elf_section_name(in, index);
    for (size_t i = 0; i < in->segment_count; i++) {
        const struct elf_segment *segment = &in->segment[i];
        uint64_t inside = header->sh_offset - segment->file_offset;

        if (header->sh_offset >= segment->file_offset && inside < segment->bytes &&
            header->sh_size <= segment->bytes - inside) {
            section->image_offset = segment->load_address + (uint32_t)inside - in->image->link_address;
            return true;
        }
    }
    return false;
}
