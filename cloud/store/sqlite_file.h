/* A SQLite database as a file, for those who keep it safe: copied while a server uses it, and checked. No
 * upgrade, no writing. */
#ifndef TANDEM_CLOUD_STORE_SQLITE_FILE_H
#define TANDEM_CLOUD_STORE_SQLITE_FILE_H

#include "cloud/store/store.h"

/* Copies the database to a new file, as it is at one moment; writers are not held up. */
TDM_MUST_USE int sqlite_file_copy(const char *from, const char *to, char *why, size_t capacity);

/* Reads the whole database: pages, indices, references. STORE_DAMAGED, and why says the first thing that is
 * wrong. */
TDM_MUST_USE int sqlite_file_check(const char *path, char *why, size_t capacity);

/* The digests of the firmware files that the database refers to: an array that the caller frees. */
TDM_MUST_USE int sqlite_file_firmware(const char *path, uint8_t (**digests)[RECORD_DIGEST_BYTES],
                                      size_t *count, char *why, size_t capacity);

#endif
