#include "cloud/oidc/provider.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <openssl/x509_vfy.h>

#include "cloud/log.h"
#include "cloud/oidc/base64url.h"
#include "cloud/text.h"

#define MAC_TEXT      (2 * SECRET_HASH_BYTES + 1)
#define REDIRECT_PATH "/api/v1/session/oidc/callback"

/* What the provider says about itself (OpenID Connect Discovery 1.0, section 3). */
struct endpoints {
    char authorization[PROVIDER_URL_MAX];
    char token[PROVIDER_URL_MAX];
    char keys[PROVIDER_URL_MAX];
    char userinfo[PROVIDER_URL_MAX]; /* "" none */
};

struct provider {
    struct provider_settings settings;
    char secret[PROVIDER_SECRET_MAX];
    char redirect[PROVIDER_URL_MAX];
    uint8_t key[SECRET_KEY_BYTES];
    atomic_bool stop;
    pthread_mutex_t lock; /* of what follows; never held while the provider is asked */
    struct endpoints endpoints;
    int64_t known_until; /* of fetch_now_ms, 0: nothing is known */
    struct keys *keys;   /* NULL: not fetched yet */
};

/* --- Settings --- */

static bool read_secret(struct provider *provider, const char *path, char *why, size_t capacity)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(why, capacity, "--oidc-secret-file: cannot read %s: %s", path, strerror(errno));
        return false;
    }
    size_t bytes = fread(provider->secret, 1, sizeof provider->secret - 1, file);
    bool whole = feof(file) != 0 && ferror(file) == 0;
    fclose(file);
    provider->secret[bytes] = '\0';
    provider->secret[strcspn(provider->secret, "\r\n")] = '\0';
    if (whole && provider->secret[0] != '\0')
        return true;
    snprintf(why, capacity,
             "--oidc-secret-file: %s must hold the client's secret in its first line, of at most %d bytes",
             path, PROVIDER_SECRET_MAX - 2);
    return false;
}

/* Said at the start: otherwise every sign-in would fail for a reason that looks like the provider's. */
static bool holds_authorities(const char *file, char *why, size_t capacity)
{
    X509_STORE *store = X509_STORE_new();
    if (store == NULL)
        abort();
    bool good = file == NULL || X509_STORE_load_file(store, file) == 1;
    if (!good)
        snprintf(why, capacity, "--oidc-ca: no certificates can be read from %s; it takes a PEM file", file);
    X509_STORE_free(store);
    return good;
}

struct provider *provider_open(const struct provider_settings *settings, const uint8_t key[SECRET_KEY_BYTES],
                               char *why, size_t capacity)
{
    struct provider *provider = calloc(1, sizeof *provider);
    if (provider == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
        abort();
    provider->settings = *settings;
    memcpy(provider->key, key, sizeof provider->key);
    pthread_mutex_init(&provider->lock, NULL);
    snprintf(provider->redirect, sizeof provider->redirect, "%s" REDIRECT_PATH, settings->public_url);
    if (read_secret(provider, settings->secret_file, why, capacity) &&
        holds_authorities(settings->ca, why, capacity))
        return provider;
    provider_free(provider);
    return NULL;
}

void provider_stop(struct provider *provider)
{
    if (provider != NULL)
        atomic_store(&provider->stop, true);
}

void provider_free(struct provider *provider)
{
    if (provider == NULL)
        return;
    keys_free(provider->keys);
    pthread_mutex_destroy(&provider->lock);
    OPENSSL_cleanse(provider, sizeof *provider);
    free(provider);
}

const struct provider_settings *provider_settings(const struct provider *provider)
{
    return &provider->settings;
}

/* --- Refusals --- */

static bool __attribute__((format(printf, 3, 4)))
refuse(struct trip *trip, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(trip->why, sizeof trip->why, format, arguments);
    va_end(arguments);
    trip->status = status;
    return false;
}

/* What exactly failed is for whoever runs the server, not for everybody who comes by. */
static bool unavailable(struct trip *trip, const char *what)
{
    char quoted[LOG_TEXT_MAX];
    log_line(LOG_LEVEL_ERROR, "oidc-failed", "error=%s", log_quote(what, quoted));
    return refuse(
        trip, 503,
        "the identity provider did not answer as it should, and the server's log says how; try again "
        "later, or sign in with a password");
}

/* --- What is known of the provider --- */

static json_t *ask(const struct provider *provider, struct trip *trip, const char *url, const char *bearer)
{
    struct fetch fetch = {.url = url,
                          .ca = provider->settings.ca,
                          .bearer = bearer,
                          .deadline_ms = trip->deadline_ms,
                          .stop = &provider->stop};
    json_t *json = fetch_json(&fetch);
    if (json != NULL && fetch.status == 200)
        return json;
    if (json != NULL)
        snprintf(fetch.why, sizeof fetch.why, "%s answered %ld", url, fetch.status);
    json_decref(json);
    (void)unavailable(trip, fetch.why);
    return NULL;
}

static bool take_url(const json_t *document, const char *member, char to[PROVIDER_URL_MAX])
{
    const char *url = json_string_value(json_object_get(document, member));
    return url != NULL && text_take(to, PROVIDER_URL_MAX, url) && fetch_is_safe(to);
}

/* It must speak for the very issuer that was asked (Discovery, section 4.3). */
static bool take_endpoints(const json_t *document, const char *issuer, struct endpoints *endpoints)
{
    const char *named = json_string_value(json_object_get(document, "issuer"));
    return named != NULL && strcmp(named, issuer) == 0 &&
           take_url(document, "authorization_endpoint", endpoints->authorization) &&
           take_url(document, "token_endpoint", endpoints->token) &&
           take_url(document, "jwks_uri", endpoints->keys) &&
           (json_object_get(document, "userinfo_endpoint") == NULL ||
            take_url(document, "userinfo_endpoint", endpoints->userinfo));
}

static bool discover(struct provider *provider, struct trip *trip, struct endpoints *endpoints)
{
    char url[PROVIDER_URL_MAX + 40];
    pthread_mutex_lock(&provider->lock);
    *endpoints = provider->endpoints;
    bool known = provider->known_until > fetch_now_ms();
    pthread_mutex_unlock(&provider->lock);
    if (known)
        return true;
    /* Discovery, section 4.1: a slash at the end is left out here, though it is part of the name. */
    const char *issuer = provider->settings.issuer;
    int length = (int)strlen(issuer) - (issuer[strlen(issuer) - 1] == '/');
    snprintf(url, sizeof url, "%.*s/.well-known/openid-configuration", length, issuer);
    json_t *document = ask(provider, trip, url, NULL);
    if (document == NULL)
        return false;
    *endpoints = (struct endpoints){0};
    bool good = take_endpoints(document, provider->settings.issuer, endpoints);
    json_decref(document);
    if (!good)
        return unavailable(trip,
                           "its openid-configuration is not of --oidc-issuer, or an address in it is missing "
                           "or not https");
    pthread_mutex_lock(&provider->lock);
    provider->endpoints = *endpoints;
    provider->known_until = fetch_now_ms() + PROVIDER_KNOWN_MS;
    keys_free(provider->keys);
    provider->keys = NULL;
    pthread_mutex_unlock(&provider->lock);
    return true;
}

static bool fetch_keys(struct provider *provider, struct trip *trip, const char *url)
{
    json_t *document = ask(provider, trip, url, NULL);
    if (document == NULL)
        return false;
    struct keys *keys = keys_parse(document);
    json_decref(document);
    if (keys == NULL)
        return unavailable(trip, "its key set has no RSA, P-256 or Ed25519 key for signatures");
    pthread_mutex_lock(&provider->lock);
    keys_free(provider->keys);
    provider->keys = keys;
    pthread_mutex_unlock(&provider->lock);
    return true;
}

/* --- There --- */

/* What a cookie stands for: hex, so it fits as a state, as a nonce, and as a verifier (RFC 7636, 4.1). */
static const char *derive(const struct provider *provider, const char *purpose, const char *cookie,
                          char to[MAC_TEXT])
{
    uint8_t mac[SECRET_HASH_BYTES];
    char text[120];
    snprintf(text, sizeof text, "%s %s", purpose, cookie);
    secret_mac(provider->key, text, mac);
    return text_hex(mac, sizeof mac, to);
}

static const char *challenge_of(const char *verifier, char to[BASE64URL_MAX(SHA256_DIGEST_LENGTH)])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)verifier, strlen(verifier), digest);
    return base64url_encode(digest, sizeof digest, to);
}

static bool write_location(const struct provider *provider, const char *endpoint, struct trip *trip)
{
    char client[3 * PROVIDER_URL_MAX];
    char redirect[3 * PROVIDER_URL_MAX];
    char state[MAC_TEXT];
    char nonce[MAC_TEXT];
    char verifier[MAC_TEXT];
    char challenge[BASE64URL_MAX(SHA256_DIGEST_LENGTH)];
    bool fits = fetch_encode(provider->settings.client_id, client, sizeof client) &&
                fetch_encode(provider->redirect, redirect, sizeof redirect);
    int bytes = snprintf(
        trip->location, sizeof trip->location,
        "%s%sresponse_type=code&scope=openid%%20email%%20profile&client_id=%s&redirect_uri=%s"
        "&state=%s&nonce=%s&code_challenge_method=S256&code_challenge=%s",
        endpoint, strchr(endpoint, '?') != NULL ? "&" : "?", client, redirect,
        derive(provider, "state", trip->cookie, state), derive(provider, "nonce", trip->cookie, nonce),
        challenge_of(derive(provider, "verifier", trip->cookie, verifier), challenge));
    return fits && bytes < (int)sizeof trip->location;
}

void provider_begin(struct provider *provider, struct trip *trip)
{
    struct endpoints endpoints;
    char secret[SECRET_TOKEN_MAX];
    if (!discover(provider, trip, &endpoints))
        return;
    secret_token(secret);
    snprintf(trip->cookie, sizeof trip->cookie, "%lld.%s",
             (long long)(text_now_ms() / 1000 + PROVIDER_TRIP_S), secret);
    if (!write_location(provider, endpoints.authorization, trip)) {
        trip->location[0] = '\0';
        (void)unavailable(trip, "the address of its sign-in page is too long");
    }
}

/* --- And back --- */

bool provider_returned(const struct provider *provider, struct trip *trip)
{
    char state[MAC_TEXT];
    if (trip->cookie[0] == '\0')
        return refuse(
            trip, 400,
            "this browser has no sign-in under way here: it was finished, took too long, or cookies are "
            "off; begin again from the sign-in page");
    derive(provider, "state", trip->cookie, state);
    if (strlen(trip->state) != strlen(state) || !secret_equal(trip->state, state, strlen(state)))
        return refuse(trip, 400, "this answer belongs to another sign-in; begin again from the sign-in page");
    /* The state fits, so the cookie is one of ours, as it was made. */
    if (strtoll(trip->cookie, NULL, 10) < text_now_ms() / 1000)
        return refuse(trip, 400, "that took longer than %d minutes; begin again from the sign-in page",
                      PROVIDER_TRIP_S / 60);
    if (trip->issuer[0] != '\0' && strcmp(trip->issuer, provider->settings.issuer) != 0)
        return refuse(trip, 400, "another identity provider answered; begin again from the sign-in page");
    if (trip->code[0] != '\0')
        return true;
    return refuse(trip, 403,
                  "the identity provider did not sign you in (%s); begin again, or ask whoever runs it",
                  trip->error[0] != '\0' ? trip->error : "without a reason");
}

/* The token endpoint answered, and gave no token. */
static void refuse_code(struct trip *trip, const char *endpoint, long status, const json_t *answer)
{
    char text[LOG_TEXT_MAX];
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (status < 400 || status > 499) {
        snprintf(text, sizeof text, "%.100s answered %ld", endpoint, status);
        (void)unavailable(trip, text);
        return;
    }
    log_line(LOG_LEVEL_WARNING, "oidc-refused", "status=%ld error=%s", status,
             log_quote(error != NULL ? error : "", text));
    (void)refuse(trip, 403,
                 "the identity provider does not take this code: it was used before or is too old, or the "
                 "client's secret is wrong, and the server's log says which; begin again");
}

/* RFC 6749, section 4.1.3, as client_secret_basic. NULL: it was refused. */
static json_t *exchange(const struct provider *provider, struct trip *trip, const char *endpoint)
{
    char form[sizeof trip->code * 3 + 3 * PROVIDER_URL_MAX + 256];
    char code[sizeof trip->code * 3];
    char redirect[3 * PROVIDER_URL_MAX];
    char user[3 * PROVIDER_URL_MAX];
    char password[3 * PROVIDER_SECRET_MAX];
    char verifier[MAC_TEXT];
    bool fits = fetch_encode(trip->code, code, sizeof code) &&
                fetch_encode(provider->redirect, redirect, sizeof redirect) &&
                fetch_encode(provider->settings.client_id, user, sizeof user) &&
                fetch_encode(provider->secret, password, sizeof password);
    snprintf(form, sizeof form, "grant_type=authorization_code&code=%s&redirect_uri=%s&code_verifier=%s",
             code, redirect, derive(provider, "verifier", trip->cookie, verifier));
    struct fetch fetch = {.url = endpoint,
                          .ca = provider->settings.ca,
                          .form = form,
                          .user = user,
                          .password = password,
                          .deadline_ms = trip->deadline_ms,
                          .stop = &provider->stop};
    json_t *answer = fits ? fetch_json(&fetch) : NULL;
    OPENSSL_cleanse(password, sizeof password);
    if (answer != NULL && fetch.status == 200)
        return answer;
    if (answer == NULL)
        (void)unavailable(trip, fits ? fetch.why : "--oidc-client-id or its secret is too long");
    else
        refuse_code(trip, endpoint, fetch.status, answer);
    json_decref(answer);
    return NULL;
}

static enum id_token_result verify(struct provider *provider, struct trip *trip, const char *token)
{
    char nonce[MAC_TEXT];
    const struct id_token_expected expected = {.issuer = provider->settings.issuer,
                                               .client = provider->settings.client_id,
                                               .nonce = derive(provider, "nonce", trip->cookie, nonce),
                                               .now = text_now_ms() / 1000};
    pthread_mutex_lock(&provider->lock);
    enum id_token_result result = provider->keys != NULL
                                      ? id_token_verify(token, provider->keys, &expected, &trip->person)
                                      : ID_TOKEN_KEY;
    pthread_mutex_unlock(&provider->lock);
    return result;
}

/* Keys change: one that is not known, or is another one by now under the same name, is asked for, once. */
static bool take_token(struct provider *provider, struct trip *trip, const char *token, const char *keys_url)
{
    enum id_token_result result = verify(provider, trip, token);
    if (result == ID_TOKEN_KEY || result == ID_TOKEN_SIGNATURE) {
        if (!fetch_keys(provider, trip, keys_url))
            return false;
        result = verify(provider, trip, token);
    }
    if (result == ID_TOKEN_OK)
        return true;
    log_line(LOG_LEVEL_WARNING, "oidc-token-refused", "reason=\"%s\"", id_token_text(result));
    return refuse(trip, 403,
                  "the identity provider's ID token is not taken: %s; ask whoever runs this server",
                  id_token_text(result));
}

/* A provider may keep the address for the userinfo endpoint (Core, section 5.4), which an access token opens.
 */
static bool ask_address(const struct provider *provider, struct trip *trip, const char *url,
                        const json_t *answer)
{
    static const char b64token[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    const char *access = json_string_value(json_object_get(answer, "access_token"));
    if (trip->person.email[0] != '\0' || url[0] == '\0' || access == NULL ||
        access[strspn(access, b64token)] != '\0')
        return true;
    json_t *claims = ask(provider, trip, url, access);
    if (claims == NULL)
        return false;
    bool good = person_add(&trip->person, claims);
    json_decref(claims);
    return good || unavailable(trip, "its userinfo endpoint speaks of somebody else than its ID token");
}

/* One text for issuer and subject together, whatever characters are in them. */
static void name_subject(const struct provider *provider, struct trip *trip)
{
    char both[PROVIDER_URL_MAX + ID_TOKEN_SUBJECT_MAX + 1];
    uint8_t hash[SECRET_HASH_BYTES];
    char hex[2 * SECRET_HASH_BYTES + 1];
    snprintf(both, sizeof both, "%s\n%s", provider->settings.issuer, trip->person.subject);
    secret_hash(both, hash);
    snprintf(trip->subject, sizeof trip->subject, "oidc:%s", text_hex(hash, sizeof hash, hex));
}

void provider_redeem(struct provider *provider, struct trip *trip)
{
    struct endpoints endpoints;
    if (!discover(provider, trip, &endpoints))
        return;
    json_t *answer = exchange(provider, trip, endpoints.token);
    const char *token = json_string_value(json_object_get(answer, "id_token"));
    if (answer != NULL && token == NULL)
        (void)unavailable(trip,
                          "its token endpoint gave no id_token; it must be a provider of OpenID Connect");
    else if (answer != NULL && take_token(provider, trip, token, endpoints.keys) &&
             ask_address(provider, trip, endpoints.userinfo, answer))
        name_subject(provider, trip);
    json_decref(answer);
}
