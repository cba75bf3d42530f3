/* The device's token: a file with one line. */
#ifndef NCPD_TOKEN_H
#define NCPD_TOKEN_H

#include <stdbool.h>

enum { TOKEN_MAX = 255 };

/* Reads it. False after a message that says what is wrong: missing, empty, too long, or readable by others.
 */
bool token_read(char token[TOKEN_MAX + 1], const char *path);

#endif
