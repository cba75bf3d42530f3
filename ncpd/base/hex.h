/* Digests as text. */
#ifndef NCPD_HEX_H
#define NCPD_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2 * bytes digits and a NUL. */
void hex_encode(char *to, const uint8_t *from, size_t bytes);

/* True if text is exactly bytes bytes in hex. */
bool hex_decode(uint8_t *to, size_t bytes, const char *text);

/* True if text is exactly bytes bytes in base64, padding included. */
bool base64_decode(uint8_t *to, size_t bytes, const char *text);

#endif
