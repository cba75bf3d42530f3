#include "cli/elf/elf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/command.h"
#include "cli/base/output.h"
#include "cli/elf/elf_reader.h"

#define IMAGE_BYTES_MAX (64u << 20) /* segments further apart have a load address that was not meant */
#define GAP             0xFF

bool elf_is_elf(const struct file_bytes *file)
{
    return file->size >= SELFMAG && memcmp(file->data, ELFMAG, SELFMAG) == 0;
}

void elf_image_free(struct elf_image *image)
{
    free(image->bytes);
    free(image->sites);
    memset(image, 0, sizeof *image);
}

/* --- The file and its segments --- */

static int check_header(struct elf_reader *in)
{
    GElf_Ehdr header;

    if (elf_kind(in->elf) != ELF_K_ELF || !gelf_getehdr(in->elf, &header))
        return output_fail(CLI_FAILED, "%s: not a readable ELF file (%s); is it complete?", in->path,
                           elf_errmsg(-1));
    if (header.e_machine != EM_ARM || header.e_ident[EI_CLASS] != ELFCLASS32 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB)
        return output_fail(
            CLI_FAILED,
            "%s: not a 32-bit little-endian ARM program; pack what arm-none-eabi-gcc or the like has linked",
            in->path);
    if (header.e_type != ET_EXEC)
        return output_fail(CLI_FAILED,
                           "%s: not a linked program (an object file, or position-independent); link it for "
                           "bank A, without -pie, with -Wl,--emit-relocs",
                           in->path);
    return CLI_OK;
}

/* Where the segment's first section starts in the file: the linker may put the ELF header in front of it. */
static uint64_t first_section(struct elf_reader *in, const GElf_Phdr *segment)
{
    uint64_t first = segment->p_offset + segment->p_filesz;
    Elf_Scn *scn = NULL;
    GElf_Shdr header;

    while ((scn = elf_nextscn(in->elf, scn)) != NULL) {
        if (gelf_getshdr(scn, &header) && (header.sh_flags & SHF_ALLOC) && header.sh_type != SHT_NOBITS &&
            header.sh_size > 0 && header.sh_offset >= segment->p_offset && header.sh_offset < first)
            first = header.sh_offset;
    }
    return first;
}

static int read_segment(struct elf_reader *in, const GElf_Phdr *header)
{
    uint64_t skipped = first_section(in, header) - header->p_offset;
    struct elf_segment *segment = &in->segment[in->segment_count];

    if (header->p_offset > in->file->size || header->p_filesz > in->file->size - header->p_offset)
        return output_fail(CLI_FAILED, "%s: cut short: it ends inside of a segment; build or copy it again",
                           in->path);
    if (skipped == header->p_filesz)
        return CLI_OK;
    if (in->segment_count == ELF_SEGMENTS_MAX)
        return output_fail(CLI_FAILED,
                           "%s: more than %d segments; put sections together in the linker script", in->path,
                           ELF_SEGMENTS_MAX);
    segment->file_offset = header->p_offset + skipped;
    segment->load_address = (uint32_t)(header->p_paddr + skipped);
    segment->run_address = (uint32_t)(header->p_vaddr + skipped);
    segment->bytes = (uint32_t)(header->p_filesz - skipped);
    in->segment_count++;
    return CLI_OK;
}

static int read_segments(struct elf_reader *in)
{
    size_t count = 0;
    GElf_Phdr header;
    int rc = CLI_OK;

    if (elf_getphdrnum(in->elf, &count) != 0)
        return output_fail(CLI_FAILED, "%s: its program headers can't be read; is it complete?", in->path);
    for (size_t i = 0; rc == CLI_OK && i < count; i++) {
        if (!gelf_getphdr(in->elf, (int)i, &header))
            return output_fail(
                CLI_FAILED, "%s: cut short: program headers are missing; build or copy it again", in->path);
        if (header.p_type == PT_LOAD && header.p_filesz > 0)
            rc = read_segment(in, &header);
    }
    if (rc == CLI_OK && in->segment_count == 0)
        return output_fail(CLI_FAILED,
                           "%s: nothing in it is loaded into flash; does the linker script keep .text, and "
                           "was it not stripped?",
                           in->path);
    return rc;
}

/* Makes the image of the segments. */
static int place_segments(struct elf_reader *in)
{
    uint64_t start = UINT32_MAX;
    uint64_t end = 0;
    struct elf_image *image = in->image;

    for (size_t i = 0; i < in->segment_count; i++) {
        const struct elf_segment *segment = &in->segment[i];
        uint64_t segment_end = (uint64_t)segment->load_address + segment->bytes;

        start = segment->load_address < start ? segment->load_address : start;
        end = segment_end > end ? segment_end : end;
    }
    if (end - start > IMAGE_BYTES_MAX)
        return output_fail(CLI_FAILED,
                           "%s: loads from 0x%08llx to 0x%08llx, too far apart; does every section that is "
                           "copied to RAM have its load address in flash (AT> in the linker script)?",
                           in->path, (unsigned long long)start, (unsigned long long)end);
    if (start % 4 != 0)
        return output_fail(CLI_FAILED,
                           "%s: starts at 0x%08llx, which is not a multiple of 4; begin the flash region of "
                           "the linker script at one",
                           in->path, (unsigned long long)start);
    image->link_address = (uint32_t)start;
    image->size = (uint32_t)(end - start);
    image->bytes = memory_take(image->size);
    memset(image->bytes, GAP, image->size);
    for (size_t i = 0; i < in->segment_count; i++) {
        const struct elf_segment *segment = &in->segment[i];
        memcpy(image->bytes + (segment->load_address - image->link_address),
               in->file->data + segment->file_offset, segment->bytes);
    }
    return CLI_OK;
}

/* Segments that overlap in flash are a mistake of the linker script. */
static int check_overlap(const struct elf_reader *in)
{
    for (size_t i = 0; i < in->segment_count; i++) {
        for (size_t k = i + 1; k < in->segment_count; k++) {
            const struct elf_segment *a = &in->segment[i];
            const struct elf_segment *b = &in->segment[k];

            if (a->load_address < (uint64_t)b->load_address + b->bytes &&
                b->load_address < (uint64_t)a->load_address + a->bytes)
                return output_fail(CLI_FAILED,
                                   "%s: two segments overlap in flash at 0x%08x; give their sections other "
                                   "load addresses (AT> in the linker script)",
                                   in->path,
                                   a->load_address > b->load_address ? a->load_address : b->load_address);
        }
    }
    return CLI_OK;
}

/* --- Sites --- */

static int compare_sites(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static void sort_sites(struct elf_image *image)
{
    uint32_t kept = 0;

    if (image->site_count == 0)
        return;
    qsort(image->sites, image->site_count, sizeof image->sites[0], compare_sites);
    for (uint32_t i = 1; i < image->site_count; i++) {
        if (image->sites[i] != image->sites[kept])
            image->sites[++kept] = image->sites[i];
    }
    image->site_count = kept + 1;
}

static int read_sites(struct elf_reader *in)
{
    Elf_Scn *scn = NULL;
    GElf_Shdr header;
    struct elf_section section;
    unsigned tables = 0;

    while ((scn = elf_nextscn(in->elf, scn)) != NULL) {
        if (!gelf_getshdr(scn, &header))
            return output_fail(
                CLI_FAILED, "%s: cut short: section headers are missing; build or copy it again", in->path);
        if ((header.sh_type == SHT_REL || header.sh_type == SHT_RELA) &&
            elf_section_in_image(in, header.sh_info, &section)) {
            if (section.header.sh_type == SHT_ARM_EXIDX)
                elf_check_unwind_table(in, &section);
            else
                elf_read_relocations(in, scn, &header);
            tables++;
        } else if (header.sh_type == SHT_SYMTAB) {
            elf_read_veneers(in, scn, &header);
        }
    }
    if (tables == 0)
        return output_fail(CLI_FAILED,
                           "%s: carries no relocations; link with -Wl,--emit-relocs and do not strip it, or, "
                           "if the image is to run at its link address only, give --fixed",
                           in->path);
    if (in->refused > ELF_REFUSALS_SHOWN)
        output_fail(CLI_FAILED, "%s: and %u more of that kind", in->path, in->refused - ELF_REFUSALS_SHOWN);
    sort_sites(in->image);
    return in->refused ? CLI_FAILED : CLI_OK;
}

int elf_image_load(struct elf_image *image, const struct file_bytes *file, const char *path, bool with_sites,
                   const struct elf_image *other)
{
    struct elf_reader in = {.path = path, .file = file, .image = image, .other = other};
    int rc;

    memset(image, 0, sizeof *image);
    elf_version(EV_CURRENT);
    in.elf = elf_memory((char *)file->data, file->size);
    rc = check_header(&in);
    rc = rc == CLI_OK ? read_segments(&in) : rc;
    rc = rc == CLI_OK ? check_overlap(&in) : rc;
    rc = rc == CLI_OK ? place_segments(&in) : rc;
    rc = rc == CLI_OK && with_sites ? read_sites(&in) : rc;
    elf_end(in.elf);
    return rc;
}

int elf_image_compare(const struct elf_image *image, const struct elf_image *other, const char *path)
{
    uint32_t delta = other->link_address - image->link_address;
    uint32_t site = 0;
    unsigned differences = 0;

    if (image->size != other->size || delta == 0)
        return output_fail(CLI_FAILED,
                           "%s: has %u bytes at 0x%08x, and the program to check has %u at 0x%08x; link the "
                           "same objects once more, for another address",
                           path, other->size, other->link_address, image->size, image->link_address);
    for (uint32_t at = 0; at < image->size; at++) {
        bool is_site = site < image->site_count && image->sites[site] == at;

        if (is_site ? elf_word(image, at) + delta != elf_word(other, at)
                    : image->bytes[at] != other->bytes[at]) {
            if (differences++ < ELF_REFUSALS_SHOWN)
                output_fail(CLI_FAILED, "%s: differs from the relocated image at 0x%08x", path,
                            other->link_address + at);
        }
        at += is_site ? 3 : 0;
        site += is_site;
    }
    if (differences > 0)
        return output_fail(CLI_FAILED,
                           "%s: %u differences; is it the same program, and does it compute with addresses "
                           "in a way that --emit-relocs does not show?",
                           path, differences);
    return CLI_OK;
}
