/* Command line of tandem-ncp. */
#ifndef NCPD_OPTIONS_H
#define NCPD_OPTIONS_H

#include "ncpd/config/config.h"

/* Reads the command line, and the configuration file that it names. Returns -1 to go on, or the exit status
 * (0 after --help, --version and a good --check; EXIT_USAGE after a message that says what is wrong). */
int options_parse(struct config *config, int argc, char **argv);

#endif
