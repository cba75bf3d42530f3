/* A package file in memory, taken apart and checked (docs/PACKAGE.md). */
#ifndef CLI_PACKAGE_H
#define CLI_PACKAGE_H

#include "cli/files.h"
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

/* Checks digests, relocation table and link address of a parsed package: TDM_OK or the error. */
TDM_MUST_USE int package_check_content(const struct package *package);

/* Checks the signature against one or two keys. TDM_OK, TDM_E_KEY, TDM_E_SIGNATURE. */
TDM_MUST_USE int package_check_signature(const struct package *package, const struct tdm_key_set *keys);

/* Reads and parses path. CLI_OK, or CLI_FAILED with the reason on standard error. package_close is safe
 * either way. */
int package_open(struct package *package, const char *path);
void package_close(struct package *package);

/* Says why path is not good, with what to do about it. Returns CLI_FAILED. */
int package_fail(const char *path, int error);

/* A tdm_table_read_fn for a relocation table in memory: ctx is its first byte. */
int package_read_table(void *ctx, uint32_t offset, void *to, size_t bytes);

#endif
