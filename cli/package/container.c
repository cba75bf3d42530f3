/* See container.h. An image begins with the address of a stack, or with code: neither reads as these. */
#include "cli/package/container.h"

#include <ctype.h>
#include <string.h>

#include "cli/base/output.h"
#include "cli/elf/elf.h"

#define PACKAGE_MAGIC "TDMP"
#define RECORD_DIGITS 8 /* of the shortest records, what stands before their data */

static bool has_digits(const struct file_bytes *file, size_t from)
{
    if (file->size < from + RECORD_DIGITS)
        return false;
    for (size_t i = from; i < from + RECORD_DIGITS; i++) {
        if (!isxdigit(file->data[i]))
            return false;
    }
    return true;
}

static bool begins_with(const struct file_bytes *file, const char *magic)
{
    return file->size >= strlen(magic) && memcmp(file->data, magic, strlen(magic)) == 0;
}

const char *container_name(const struct file_bytes *file)
{
    if (elf_is_elf(file))
        return "ELF";
    if (begins_with(file, PACKAGE_MAGIC))
        return "package";
    if (begins_with(file, "UF2\n\x57\x51\x5D\x9E"))
        return "UF2";
    if (begins_with(file, ":") && has_digits(file, 1))
        return "Intel HEX";
    if (begins_with(file, "S") && has_digits(file, 1))
        return "S-record";
    return NULL;
}

int container_refuse(const struct file_bytes *file, const char *path)
{
    const char *container = elf_is_elf(file) ? NULL : container_name(file);

    if (begins_with(file, PACKAGE_MAGIC))
        return output_fail(CLI_FAILED,
                           "%s: a package already; pack the ELF file or the .bin, or send it smaller with "
                           "`tandem encode`",
                           path);
    if (container != NULL)
        return output_fail(
            CLI_FAILED,
            "%s: %s, which no processor runs; pack the ELF file that it was made of, or the .bin "
            "that `objcopy -O binary` makes of that",
            path, container);
    return CLI_OK;
}
