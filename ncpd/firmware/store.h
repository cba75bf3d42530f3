/* Firmware files in the data folder.
 *
 *     download.part  what arrived so far of a download, kept over restarts
 *     download.json  which file that is: its size, SHA-256 and entity tag
 *     firmware.bin   the last complete file
 *     update.json    whose update is not over: which firmware.bin it is, its offer, when it began
 *
 * A file becomes complete by a rename, after it was checked and flushed to the disk. The folder may go away,
 * and come back: each use opens it anew where that is needed. */
#ifndef NCPD_STORE_H
#define NCPD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ncpd/cloud/offer.h"
#include "ncpd/config/config.h"
#include "tandem/digest.h"

struct store_digests {
    uint32_t bytes;
    uint32_t crc32;
    uint8_t md5[TDM_MD5_BYTES];
    uint8_t sha256[TDM_SHA256_BYTES];
};

enum { STORE_ETAG_MAX = 95 };

/* Which file a part belongs to. */
struct store_part {
    uint8_t sha256[TDM_SHA256_BYTES];
    uint32_t size;
    char etag[STORE_ETAG_MAX + 1]; /* "" if the server gave none */
};

/* An update that is not over. */
struct store_update {
    struct offer offer;
    uint8_t sha256[TDM_SHA256_BYTES];
    int64_t began_s; /* since 1970 */
};

/* The part that is being written, and its digests as far as it goes. */
struct store {
    const struct mcu_config *mcu;
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

/* The part kept from before: its length, 0 if there is none, and which file it belongs to. */
uint32_t store_part_kept(const struct store *store, struct store_part *part);

/* Starts a part of this file from nothing, or goes on with the one kept. False with errno set. */
bool store_part_begin(struct store *store, const struct store_part *part);
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

/* Remembers the update whose complete file is here, over restarts; NULL forgets it. False with errno set. */
bool store_remember(struct store *store, const struct store_update *update);
/* False if there is none. */
bool store_recall(const struct store *store, struct store_update *update);

/* Removes what is older than age_s and belongs to no update that is remembered. */
void store_prune(struct store *store, uint32_t age_s);

/* Removes everything that was kept. */
void store_clear(struct store *store);

#endif
