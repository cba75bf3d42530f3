/* Files that hold an image without being one: packages, and what programmers of flash take. */
#ifndef CLI_CONTAINER_H
#define CLI_CONTAINER_H

#include "cli/base/files.h"

/* The name of such a format, "ELF" and "package" among them; NULL if it is not known as one. */
const char *container_name(const struct file_bytes *file);

/* For images to pack, which may be ELF files: CLI_OK if the file is not known as one of these, else
 * CLI_FAILED, with what to pack instead on standard error. */
int container_refuse(const struct file_bytes *file, const char *path);

#endif
