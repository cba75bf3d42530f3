/* What a package is made of: an image out of an ELF file or a .bin, who it is, and what moves with it. */
#ifndef CLI_CONTENT_H
#define CLI_CONTENT_H

#include "cli/base/command.h"
#include "cli/base/files.h"
#include "cli/elf/elf.h"
#include "tandem/package.h"

struct content {
    const char *path;
    struct file_bytes file;
    struct elf_image image; /* of a .bin, too: without sites */
    bool is_elf;
    struct tdm_manifest manifest;
    struct tdm_tag tag;
    uint8_t *table; /* of relocations, as many bytes as the manifest says */
};

/* Reads the file that is the command's argument, and takes the rest from its firmware tag and the options.
 * CLI_OK, or another code with the reason on standard error; content_free is safe either way. */
int content_load(struct content *content, const struct invocation *call);
void content_free(struct content *content);

#endif
