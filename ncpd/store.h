/* Firmware files in the data folder.
 *
 *     download.part  what arrived so far of a download, kept over restarts
 *     download.json  which file that is: its size and SHA-256
 *     firmware.bin   the last complete file
 *
 * A file becomes complete by a rename, after it was checked and flushed to the disk. */
#ifndef NCPD_STORE_H
#define NCPD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ncpd/config.h"
#include "tandem/digest.h"

struct store_digests {
    uint32_t bytes;
    uint32_t crc32;
    uint8_t md5[TDM_MD5_BYTES];
    uint8_t sha256[TDM_SHA256_BYTES];
};

/* The part that is being written, and its digests as far as it goes. */
struct store {
    int folder; /* open directory; holds the lock on it */
    int part;   /* file being written, -1 if none */
    uint32_t bytes;
    uint32_t crc32;
    struct tdm_hash md5;
    struct tdm_hash sha256;
};

/* Opens (creates) the folder and locks it. False after a message that says what is wrong. */
bool store_open(struct store *store, const struct mcu_config *mcu);
void store_close(struct store *store);

/* The part kept from before: its length, and in sha256 and size which file it belongs to. 0 if there is none.
 */
uint32_t store_part_kept(const struct store *store, uint8_t sha256[TDM_SHA256_BYTES], uint32_t *size);

/* Starts a part of this file from nothing, or goes on with the one kept. False with errno set. */
bool store_part_begin(struct store *store, const uint8_t sha256[TDM_SHA256_BYTES], uint32_t size);
bool store_part_resume(struct store *store);

/* Appends. False with errno set. */
bool store_part_write(struct store *store, const void *data, size_t bytes);

/* Closes the part, to be gone on with later, or for good. */
void store_part_keep(struct store *store);
void store_part_drop(struct store *store);

/* Digests of the part as far as it goes. */
void store_part_digests(const struct store *store, struct store_digests *digests);

/* Makes the part the complete file. Returns it open for reading, -1 with errno set. */
int store_part_complete(struct store *store);

/* Opens the complete file if it is the one with this digest and size, read again from the disk; -1 if not. */
int store_find(struct store *store, const uint8_t sha256[TDM_SHA256_BYTES], uint32_t size,
               struct store_digests *digests);

#endif
