/* Base64url without padding, as JSON Web Signatures have it (RFC 7515, section 2). */
#ifndef TANDEM_CLOUD_OIDC_BASE64URL_H
#define TANDEM_CLOUD_OIDC_BASE64URL_H

#include <stddef.h>

/* Decodes length characters into to. Returns how many bytes they are, -1 if they are malformed (padding,
 * other characters, bits left over) or do not fit. */
long base64url_decode(const char *text, size_t length, void *to, size_t capacity);

#define BASE64URL_MAX(bytes) (4 * (((bytes) + 2) / 3) + 1)
/* With a NUL; to has room for BASE64URL_MAX(bytes). Returns to. */
char *base64url_encode(const void *data, size_t bytes, char *to);

#endif
