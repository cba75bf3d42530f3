/* A disk that can be cut off: a layer under SQLite that notes every write and sync of a database and its log,
 * and shows what a power cut at any of them may have left. What was synced is there; of what was written
 * since, any sectors may be. */
#ifndef TANDEM_TESTS_CLOUD_STORE_DISK_H
#define TANDEM_TESTS_CLOUD_STORE_DISK_H

#include <stdbool.h>
#include <stddef.h>

enum disk_mode {
    DISK_ALL,  /* everything that was written is there, synced or not: what a kill leaves */
    DISK_NONE, /* nothing but what was synced */
    DISK_SOME, /* each sector of it or not, at random */
};

/* Becomes the system's layer for every database that is opened afterwards, and begins to note. */
void disk_begin(void);

/* Forgets what it noted. */
void disk_end(void);

/* How many writes, truncations and syncs there were. */
size_t disk_steps(void);

/* Makes the file and its log as they may be after so many of them. */
void disk_cut(size_t steps, enum disk_mode mode, const char *path);

/* The write to a log after so many others fails, once: the disk is full. Whether it did. */
void disk_fail_after(int writes);
bool disk_failed(void);

#endif
