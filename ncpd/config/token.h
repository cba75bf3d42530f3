/* The device's token: a file with one line. */
#ifndef NCPD_TOKEN_H
#define NCPD_TOKEN_H

#include <stdbool.h>

#include "ncpd/config/config.h"

enum { TOKEN_MAX = 255 };

/* Reads the MCU's token. False after a message that says what is wrong: missing, empty, too long, or readable
 * by others. A credential of the service manager is guarded by its folder, whatever its mode says. */
bool token_read(char token[TOKEN_MAX + 1], const struct mcu_config *mcu);

#endif
