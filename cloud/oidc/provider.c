#include "cloud/oidc/provider_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/x509_vfy.h>

#include "cloud/log.h"
#include "cloud/text.h"

#define REDIRECT_PATH "/api/v1/session/oidc/callback"

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

bool provider__refuse(struct trip *trip, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(trip->why, sizeof trip->why, format, arguments);
    va_end(arguments);
    trip->status = status;
    return false;
}

bool provider__unavailable(struct trip *trip, const char *what)
{
    char quoted[LOG_TEXT_MAX];
    log_line(LOG_LEVEL_ERROR, "oidc-failed", "error=%s", log_quote(what, quoted));
    return provider__refuse(
        trip, 503,
        "the identity provider did not answer as it should, and the server's log says how; try again "
        "later, or sign in with a password");
}

/* --- What is known of the provider --- */

json_t *provider__ask(const struct provider *provider, struct trip *trip, const char *url, const char *bearer)
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
    (void)provider__unavailable(trip, fetch.why);
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

bool provider__discover(struct provider *provider, struct trip *trip, struct endpoints *endpoints)
{
    char url[PROVIDER_URL_MAX + 40];
    pthread_mutex_lock(&provider->lock);
    *endpoints = provider->endpoints;
    bool known = provider->known_until > text_steady_ms();
    pthread_mutex_unlock(&provider->lock);
    if (known)
        return true;
    /* Discovery, section 4.1: a slash at the end is left out here, though it is part of the name. */
    const char *issuer = provider->settings.issuer;
    int length = (int)strlen(issuer) - (issuer[strlen(issuer) - 1] == '/');
    snprintf(url, sizeof url, "%.*s/.well-known/openid-configuration", length, issuer);
    json_t *document = provider__ask(provider, trip, url, NULL);
    if (document == NULL)
        return false;
    *endpoints = (struct endpoints){0};
    bool good = take_endpoints(document, provider->settings.issuer, endpoints);
    json_decref(document);
    if (!good)
        return provider__unavailable(
            trip, "its openid-configuration is not of --oidc-issuer, or an address in it is missing "
                  "or not https");
    pthread_mutex_lock(&provider->lock);
    provider->endpoints = *endpoints;
    provider->known_until = text_steady_ms() + PROVIDER_KNOWN_MS;
    keys_free(provider->keys);
    provider->keys = NULL;
    pthread_mutex_unlock(&provider->lock);
    return true;
}

bool provider__fetch_keys(struct provider *provider, struct trip *trip, const char *url)
{
    json_t *document = provider__ask(provider, trip, url, NULL);
    if (document == NULL)
        return false;
    struct keys *keys = keys_parse(document);
    json_decref(document);
    if (keys == NULL)
        return provider__unavailable(trip, "its key set has no RSA, P-256 or Ed25519 key for signatures");
    pthread_mutex_lock(&provider->lock);
    keys_free(provider->keys);
    provider->keys = keys;
    pthread_mutex_unlock(&provider->lock);
    return true;
}
