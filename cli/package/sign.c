#include "cli/package/sign.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "cli/base/files.h"
#include "cli/base/options.h"
#include "cli/base/output.h"

#define COORDINATE_BYTES 32

static int fail_openssl(const char *what)
{
    return output_fail(CLI_FAILED, "%s: %s", what, ERR_reason_error_string(ERR_peek_last_error()));
}

char *key_id_text(char text[KEY_ID_TEXT_BYTES], uint32_t id)
{
    snprintf(text, KEY_ID_TEXT_BYTES, "%08" PRIx32, id);
    return text;
}

static bool get_coordinate(const EVP_PKEY *pkey, const char *name, uint8_t to[COORDINATE_BYTES])
{
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, name, &number) == 1 &&
              BN_bn2binpad(number, to, COORDINATE_BYTES) == COORDINATE_BYTES;

    BN_free(number);
    return ok;
}

/* The public half as devices hold it. */
static bool get_public_half(const EVP_PKEY *pkey, struct tdm_key *key)
{
    uint8_t digest[EVP_MAX_MD_SIZE];

    if (!get_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_X, key->point) ||
        !get_coordinate(pkey, OSSL_PKEY_PARAM_EC_PUB_Y, key->point + COORDINATE_BYTES) ||
        EVP_Digest(key->point, sizeof key->point, digest, NULL, EVP_sha256(), NULL) != 1)
        return false;
    key->id = digest[0] | (uint32_t)digest[1] << 8 | (uint32_t)digest[2] << 16 | (uint32_t)digest[3] << 24;
    return true;
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[32];

    return EVP_PKEY_get_base_id(pkey) == EVP_PKEY_EC &&
           EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

/* Checks the kind of a key that was read, and takes its public half. */
static int accept_key(const EVP_PKEY *pkey, struct tdm_key *key, const char *path)
{
    if (!is_p256(pkey))
        return output_fail(CLI_FAILED,
                           "%s: packages are signed with ECDSA P-256, and this is another kind of key; make "
                           "one with: tandem keygen FILE",
                           path);
    return get_public_half(pkey, key) ? CLI_OK : fail_openssl(path);
}

static bool has_text(const struct file_bytes *file, const char *text)
{
    return memmem(file->data, file->size, text, strlen(text)) != NULL;
}

static void warn_if_others_can_read(const char *path)
{
    struct stat status;

    if (stat(path, &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
        output_warn("%s: others can read this private key; run: chmod 600 %s", path, path);
}

/* A key that is kept encrypted. */
struct passphrase {
    bool wanted;
    bool nobody; /* to ask: there is no terminal */
};

/* Asks once, at the terminal; OpenSSL would go on to standard input, and ask again for each form of key. */
static int ask_passphrase(char *to, int bytes, int writing, void *ctx)
{
    struct passphrase *passphrase = ctx;
    bool asked = passphrase->wanted;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    passphrase->wanted = true;
    passphrase->nobody = terminal < 0;
    if (terminal >= 0)
        close(terminal);
    return passphrase->nobody || asked ? -1 : PEM_def_callback(to, bytes, writing, NULL);
}

static EVP_PKEY *parse_private(const struct file_bytes *file, struct passphrase *passphrase)
{
    BIO *bio = BIO_new_mem_buf(file->data, (int)file->size);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, ask_passphrase, passphrase);

    BIO_free(bio);
    return pkey;
}

static int fail_private(const struct file_bytes *file, const struct passphrase *passphrase, const char *path)
{
    if (passphrase->nobody)
        return output_fail(
            CLI_FAILED,
            "%s: is kept under a passphrase, and there is no terminal to ask for it; sign at one, or "
            "take the passphrase off a copy: openssl pkey -in %s -out FILE",
            path, path);
    if (passphrase->wanted)
        return output_fail(CLI_FAILED, "%s: that is not its passphrase", path);
    if (has_text(file, "-----BEGIN PUBLIC KEY-----"))
        return output_fail(CLI_FAILED, "%s: a public key, and signing needs the private one%s", path,
                           strstr(path, ".pub") ? " (the file without .pub?)" : "");
    return output_fail(CLI_FAILED, "%s: no private key in PEM in it; make one with: tandem keygen FILE",
                       path);
}

int signing_key_load(struct signing_key *key, const char *path)
{
    struct passphrase passphrase = {false, false};
    struct file_bytes file;
    int rc = file_read(&file, path);

    memset(key, 0, sizeof *key);
    if (rc == CLI_OK) {
        key->pkey = parse_private(&file, &passphrase);
        rc = key->pkey ? accept_key(key->pkey, &key->public_half, path)
                       : fail_private(&file, &passphrase, path);
    }
    if (key->pkey)
        warn_if_others_can_read(path);
    if (file.data)
        OPENSSL_cleanse(file.data, file.size);
    file_free(&file);
    return rc;
}

void signing_key_free(struct signing_key *key)
{
    EVP_PKEY_free(key->pkey);
    key->pkey = NULL;
}

/* Reads a public key; a private one is refused, for it has no business where this is called. */
static int load_public(struct tdm_key *key, const char *path)
{
    struct file_bytes file;
    EVP_PKEY *pkey = NULL;
    int rc = file_read(&file, path);

    if (rc == CLI_OK) {
        BIO *bio = BIO_new_mem_buf(file.data, (int)file.size);

        pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
        BIO_free(bio);
        if (pkey)
            rc = accept_key(pkey, key, path);
        else if (has_text(&file, "PRIVATE KEY-----"))
            rc = output_fail(CLI_FAILED, "%s: a private key; give the public one (%s.pub?)", path, path);
        else
            rc = output_fail(CLI_FAILED, "%s: no public key in PEM in it; tandem keygen FILE writes FILE.pub",
                             path);
    }
    EVP_PKEY_free(pkey);
    file_free(&file);
    return rc;
}

int public_keys_load(struct tdm_key_set *keys, const struct invocation *call)
{
    const char *path;

    keys->count = 0;
    for (size_t i = 0; (path = option_text_at(call, "key", i)) != NULL; i++) {
        if (i == TDM_KEY_SLOTS)
            return output_fail(CLI_USAGE, "--key %s: devices hold %d keys at most", path, TDM_KEY_SLOTS);
        if (load_public(&keys->key[i], path) != CLI_OK)
            return CLI_FAILED;
        if (i > 0 && keys->key[i].id == keys->key[0].id)
            return output_fail(CLI_USAGE, "--key %s: the same key twice", path);
        keys->count++;
    }
    return CLI_OK;
}

/* DER, as OpenSSL signs, to r and s. */
static bool der_to_raw(const uint8_t *der, size_t bytes, uint8_t signature[TDM_SIGNATURE_BYTES])
{
    ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &der, (long)bytes);
    bool ok = parsed && BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, COORDINATE_BYTES) > 0 &&
              BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + COORDINATE_BYTES, COORDINATE_BYTES) > 0;

    ECDSA_SIG_free(parsed);
    return ok;
}

int signing_key_sign(const struct signing_key *key, const void *data, size_t bytes,
                     uint8_t signature[TDM_SIGNATURE_BYTES])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t der[128];
    size_t der_bytes = sizeof der;
    bool ok = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
              EVP_DigestSign(md, der, &der_bytes, data, bytes) == 1 && der_to_raw(der, der_bytes, signature);

    EVP_MD_CTX_free(md);
    return ok ? CLI_OK : fail_openssl("signing failed");
}

/* What the PEM writer put into bio, written to a new file. */
static int create_from(BIO *bio, const char *path, mode_t mode)
{
    char *text;
    long bytes = BIO_get_mem_data(bio, &text);

    return file_create(path, text, (size_t)bytes, mode);
}

static int write_private(const EVP_PKEY *pkey, const char *path)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int rc = bio && PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL) == 1
                 ? create_from(bio, path, 0600)
                 : fail_openssl(path);

    BIO_free(bio);
    return rc;
}

static int write_public(const EVP_PKEY *pkey, const char *path)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int rc = bio && PEM_write_bio_PUBKEY(bio, pkey) == 1 ? create_from(bio, path, 0644) : fail_openssl(path);

    BIO_free(bio);
    return rc;
}

int signing_key_make(struct signing_key *key, const char *path, const char *public_path)
{
    int rc;

    memset(key, 0, sizeof *key);
    if (access(public_path, F_OK) == 0)
        return output_fail(CLI_FAILED, "%s: exists already, and is not overwritten; move it away first",
                           public_path);
    key->pkey = EVP_EC_gen("P-256");
    if (!key->pkey || !get_public_half(key->pkey, &key->public_half))
        return fail_openssl("no key could be made");
    rc = write_private(key->pkey, path);
    if (rc != CLI_OK)
        return rc;
    rc = write_public(key->pkey, public_path);
    if (rc != CLI_OK)
        unlink(path);
    return rc;
}
