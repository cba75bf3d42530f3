/* Finding a tag in a file as blynk_tag.py does: of any length. The library's limits (tandem/tag.h) are those
 * of devices. */
#ifndef CLI_TAG_SCAN_H
#define CLI_TAG_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/base/files.h"

/* A tag inside of a file that was read: marker first, both closing NULs included. */
struct tag_slice {
    const char *start;
    size_t length;
};

/* The first tag with at least one pair; false if there is none. Linear in the size of the file. */
bool tag_scan(const struct file_bytes *file, struct tag_slice *tag);

#endif
