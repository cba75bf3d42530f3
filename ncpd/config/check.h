/* tandem-ncp --check */
#ifndef NCPD_CHECK_H
#define NCPD_CHECK_H

#include "ncpd/config/config.h"

/* Tries what the settings name, without a UART opened, a connection made or a file written. Prints one line
 * per finding; EXIT_SUCCESS if it would start, else EXIT_FAILURE. What the service manager gives it (state
 * folder, credential) is not looked at where it gave none. */
int check_config(const struct config *config, const char *source);

#endif
