/* `tandem-cloud backup`, `restore` and `check`: a data folder, kept safe while its server runs.
 *
 * A backup is a folder: tandem.db, and firmware/ with a file for every firmware in it. It is made beside its
 * name and renamed once it is whole, on disk and checked. */
#ifndef TANDEM_CLOUD_BACKUP_H
#define TANDEM_CLOUD_BACKUP_H

#include <stdbool.h>

/* Whether argv names one of these commands. */
bool backup_is_command(int argc, char **argv);
/* Runs it; returns the exit status of the program. */
int backup_run(int argc, char **argv);

#endif
