/* A package file in memory, taken apart and checked (docs/PACKAGE.md). */
#ifndef CLI_PACKAGE_H
#define CLI_PACKAGE_H

#include "cli/base/command.h"
#include "cli/base/files.h"
#include "tandem/package.h"

struct package {
    struct file_bytes file; /* the rest points into it */
    struct tdm_envelope envelope;
    struct tdm_manifest manifest;
    uint32_t key_id;
    const uint8_t *head;
    const uint8_t *signature;
    const uint8_t *relocations;
    const uint8_t *payload;
};

/* Takes package->file apart: envelope, head, sizes. TDM_OK or the error. Digests and signature: below. */
TDM_MUST_USE int package_parse(struct package *package);

/* Checks the digests and the relocation table of a parsed package: TDM_OK or the error. base: the plain
 * package that a delta was made for, or NULL; TDM_E_NOT_FOUND where it is missing or another. */
TDM_MUST_USE int package_check_content(const struct package *package, const struct package *base);

/* Checks the signature against one or two keys. TDM_OK, TDM_E_KEY, TDM_E_SIGNATURE. */
TDM_MUST_USE int package_check_signature(const struct package *package, const struct tdm_key_set *keys);

/* Reads and parses path. CLI_OK, or CLI_FAILED with the reason on standard error. package_close is safe
 * either way. */
int package_open(struct package *package, const char *path);
/* The same for the option --base; without it, all of package is NULL and 0. */
int package_open_base(struct package *package, const struct invocation *call);
void package_close(struct package *package);

/* What is wrong with a package; a delta can't be judged without its base. */
const char *package_error_text(int error);

/* Says why path is not good, with what to do about it. Returns CLI_FAILED. */
int package_fail(const char *path, int error);

/* A tdm_table_read_fn for a relocation table in memory: ctx is its first byte. */
int package_read_table(void *ctx, uint32_t offset, void *to, size_t bytes);

#endif
