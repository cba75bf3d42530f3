#include "cloud/oidc/id_token.h"

#include <ctype.h>
#include <string.h>

#include "cloud/oidc/base64url.h"
#include "cloud/text.h"

#define SIGNATURE_MAX 1024 /* an RSA key of 8192 bits makes as many bytes */

const char *id_token_text(enum id_token_result result)
{
    static const char *const texts[] = {
#define ID_TOKEN_TEXT(name, text) text,
        ID_TOKEN_RESULTS(ID_TOKEN_TEXT)
#undef ID_TOKEN_TEXT
    };
    return texts[result];
}

/* --- The signed envelope --- */

struct parts {
    const char *header, *payload, *signature;
    size_t header_length, payload_length, signature_length;
};

static bool split(const char *token, struct parts *parts)
{
    const char *first = strchr(token, '.');
    const char *second = first != NULL ? strchr(first + 1, '.') : NULL;
    if (second == NULL || strchr(second + 1, '.') != NULL)
        return false;
    *parts = (struct parts){.header = token,
                            .header_length = (size_t)(first - token),
                            .payload = first + 1,
                            .payload_length = (size_t)(second - first - 1),
                            .signature = second + 1,
                            .signature_length = strlen(second + 1)};
    return true;
}

static json_t *decode_object(const char *text, size_t length)
{
    char json[ID_TOKEN_MAX];
    long bytes = base64url_decode(text, length, json, sizeof json);
    json_t *value = bytes > 0 ? json_loadb(json, (size_t)bytes, JSON_REJECT_DUPLICATES, NULL) : NULL;
    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

static const char *text_of(const json_t *object, const char *member)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text != NULL ? text : "";
}

static enum id_token_result check_signature(const char *token, const struct parts *parts,
                                            const json_t *header, const struct keys *keys)
{
    uint8_t signature[SIGNATURE_MAX];
    long bytes = base64url_decode(parts->signature, parts->signature_length, signature, sizeof signature);
    enum key_algorithm algorithm = key_algorithm_parse(text_of(header, "alg"));
    const json_t *kid = json_object_get(header, "kid");
    /* Extensions that must be understood are not (RFC 7515, section 4.1.11). */
    if (bytes < 0 || json_object_get(header, "crit") != NULL || (kid != NULL && !json_is_string(kid)))
        return ID_TOKEN_MALFORMED;
    if (algorithm == KEY_ALGORITHM_COUNT)
        return ID_TOKEN_ALGORITHM;
    const struct key *key = keys_find(keys, json_string_value(kid), algorithm);
    if (key == NULL)
        return ID_TOKEN_KEY;
    if (!key_is_for(key, algorithm))
        return ID_TOKEN_ALGORITHM;
    size_t signed_bytes = parts->header_length + 1 + parts->payload_length;
    return key_verify(key, algorithm, token, signed_bytes, signature, (size_t)bytes) ? ID_TOKEN_OK
                                                                                     : ID_TOKEN_SIGNATURE;
}

/* --- What it claims --- */

/* Issued for us; of several whom it is for, we are the one who asked. */
static bool is_for(const json_t *claims, const char *client)
{
    const json_t *audience = json_object_get(claims, "aud");
    const json_t *party = json_object_get(claims, "azp");
    size_t count = json_array_size(audience);
    bool named = json_is_string(audience) && strcmp(json_string_value(audience), client) == 0;
    for (size_t i = 0; i < count && !named; i++) {
        const char *one = json_string_value(json_array_get(audience, i));
        named = one != NULL && strcmp(one, client) == 0;
    }
    if (party == NULL)
        return named && count <= 1;
    return named && json_is_string(party) && strcmp(json_string_value(party), client) == 0;
}

static enum id_token_result check_time(const json_t *claims, int64_t now)
{
    const json_t *expires = json_object_get(claims, "exp");
    const json_t *issued = json_object_get(claims, "iat");
    const json_t *begins = json_object_get(claims, "nbf");
    double at = (double)now;
    if (!json_is_number(expires) || !json_is_number(issued) || (begins != NULL && !json_is_number(begins)))
        return ID_TOKEN_MALFORMED;
    if (json_number_value(expires) + ID_TOKEN_LEEWAY <= at)
        return ID_TOKEN_EXPIRED;
    bool early = json_number_value(issued) - ID_TOKEN_LEEWAY > at ||
                 (begins != NULL && json_number_value(begins) - ID_TOKEN_LEEWAY > at);
    return early ? ID_TOKEN_EARLY : ID_TOKEN_OK;
}

static enum id_token_result check_claims(const json_t *claims, const struct id_token_expected *expected)
{
    if (strcmp(text_of(claims, "iss"), expected->issuer) != 0)
        return ID_TOKEN_ISSUER;
    if (!is_for(claims, expected->client))
        return ID_TOKEN_AUDIENCE;
    if (strcmp(text_of(claims, "nonce"), expected->nonce) != 0)
        return ID_TOKEN_NONCE;
    return check_time(claims, expected->now);
}

static void take_email(const json_t *claims, struct person *person)
{
    const char *email = text_of(claims, "email");
    size_t length = strlen(email);
    if (length >= sizeof person->email)
        return;
    for (size_t i = 0; i <= length; i++)
        person->email[i] = (char)tolower((unsigned char)email[i]);
    if (strspn(person->email, "abcdefghijklmnopqrstuvwxyz0123456789._-+@") != length ||
        strchr(person->email, '@') == NULL)
        person->email[0] = '\0';
    person->email_verified =
        person->email[0] != '\0' && json_is_true(json_object_get(claims, "email_verified"));
}

static void take_name(const json_t *claims, struct person *person)
{
    if (!text_take(person->name, sizeof person->name, text_of(claims, "name")) ||
        text_characters(person->name) > RECORD_NAME_LETTERS)
        person->name[0] = '\0';
}

static enum id_token_result take_person(const json_t *claims, struct person *person)
{
    *person = (struct person){0};
    if (!text_take(person->subject, sizeof person->subject, text_of(claims, "sub")) ||
        person->subject[0] == '\0')
        return ID_TOKEN_SUBJECT;
    take_email(claims, person);
    take_name(claims, person);
    return ID_TOKEN_OK;
}

bool person_add(struct person *person, const json_t *claims)
{
    if (strcmp(text_of(claims, "sub"), person->subject) != 0)
        return false;
    take_email(claims, person);
    if (person->name[0] == '\0')
        take_name(claims, person);
    return true;
}

enum id_token_result id_token_verify(const char *token, const struct keys *keys,
                                     const struct id_token_expected *expected, struct person *person)
{
    struct parts parts;
    if (strlen(token) > ID_TOKEN_MAX || !split(token, &parts))
        return ID_TOKEN_MALFORMED;
    json_t *header = decode_object(parts.header, parts.header_length);
    json_t *claims = decode_object(parts.payload, parts.payload_length);
    enum id_token_result result =
        header != NULL && claims != NULL ? check_signature(token, &parts, header, keys) : ID_TOKEN_MALFORMED;
    if (result == ID_TOKEN_OK)
        result = check_claims(claims, expected);
    if (result == ID_TOKEN_OK)
        result = take_person(claims, person);
    json_decref(header);
    json_decref(claims);
    return result;
}
