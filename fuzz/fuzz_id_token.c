/* What an identity provider sends: key sets, ID tokens, and the base64url in both. The first byte chooses,
 * the rest is the text. */
#include <stdlib.h>
#include <string.h>

#include "cloud/oidc/base64url.h"
#include "cloud/oidc/id_token.h"
#include "fuzz/fuzz.h"

/* The keys of RFC 7515, appendices A.2 and A.3. */
static const char known[] =
    "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"r\",\"e\":\"AQAB\",\"n\":"
    "\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-"
    "SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-"
    "KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
    "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"},"
    "{\"kty\":\"EC\",\"kid\":\"e\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}";

static struct keys *parse(const char *text, size_t bytes)
{
    json_t *set = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
    struct keys *keys = set != NULL ? keys_parse(set) : NULL;
    json_decref(set);
    return keys;
}

/* No key of a stranger verifies a signature of zeros. */
static void fuzz_keys(const char *text, size_t bytes)
{
    static const uint8_t zeros[64];
    struct keys *keys = parse(text, bytes);
    const struct key *key = keys != NULL ? keys_find(keys, NULL, KEY_ES256) : NULL;
    require(key == NULL || !key_verify(key, KEY_ES256, "x", 1, zeros, sizeof zeros));
    keys_free(keys);
}

/* Nobody who lacks the keys makes a token that is good. */
static void fuzz_token(const char *text)
{
    const struct id_token_expected expected = {
        .issuer = "joe", .client = "c", .nonce = "n", .now = 1300819000};
    struct person person;
    struct keys *keys = parse(known, strlen(known));
    require(keys != NULL && id_token_verify(text, keys, &expected, &person) != ID_TOKEN_OK);
    keys_free(keys);
}

/* A value has one text. */
static void fuzz_base64url(const char *text)
{
    uint8_t decoded[8192];
    char encoded[BASE64URL_MAX(sizeof decoded)];
    long bytes = base64url_decode(text, strlen(text), decoded, sizeof decoded);
    if (bytes >= 0)
        require(strcmp(base64url_encode(decoded, (size_t)bytes, encoded), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 8192)
        return 0;
    char *text = malloc(size);
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 3) {
    case 0:
        fuzz_keys(text, size - 1);
        break;
    case 1:
        fuzz_token(text);
        break;
    default:
        fuzz_base64url(text);
    }
    free(text);
    return 0;
}
