/* ECDSA P-256 keys in PEM files, and signatures as packages carry them (docs/PACKAGE.md). */
#ifndef CLI_SIGN_H
#define CLI_SIGN_H

#include "cli/base/command.h"
#include "tandem/package.h"

/* A private key, held by OpenSSL. */
struct signing_key {
    void *pkey;
    struct tdm_key public_half;
};

/* Reads a private key. CLI_OK, or CLI_FAILED with the reason on standard error: not a key, a public one,
 * another kind of key. signing_key_free is safe either way. */
int signing_key_load(struct signing_key *key, const char *path);
void signing_key_free(struct signing_key *key);

/* Reads the public keys of all --key options, one or two, into a set as devices hold it. CLI_OK, or CLI_USAGE
 * or CLI_FAILED. */
int public_keys_load(struct tdm_key_set *keys, const struct invocation *call);

/* Signs the SHA-256 of data. CLI_OK or CLI_FAILED. */
int signing_key_sign(const struct signing_key *key, const void *data, size_t bytes,
                     uint8_t signature[TDM_SIGNATURE_BYTES]);

/* Makes a new key: the private half at path (mode 0600), the public one at public_path. Neither file may
 * exist. */
int signing_key_make(struct signing_key *key, const char *path, const char *public_path);

/* Key ids are printed as 8 hexadecimal digits of the number. */
#define KEY_ID_TEXT_BYTES 9
char *key_id_text(char text[KEY_ID_TEXT_BYTES], uint32_t id);

#endif
