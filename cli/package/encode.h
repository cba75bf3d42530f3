/* Packages with an encoded payload (docs/PACKAGE.md, "Encoded payloads"). */
#ifndef CLI_ENCODE_H
#define CLI_ENCODE_H

#include "cli/base/command.h"
#include "cli/package/package.h"

/* Replaces a plain package by the same one, compressed, or as a difference to base (NULL: compressed). Reads
 * back what it made. CLI_OK, or CLI_FAILED with the reason on standard error. */
int package_encode(struct package *package, const struct package *base, const struct invocation *call);

/* "plain" or "lzma-framed". */
const char *encoding_name(uint8_t encoding);

#endif
