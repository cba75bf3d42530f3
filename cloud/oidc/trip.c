/* One sign-in, of which nothing is kept here between its two requests. */
#include "cloud/oidc/provider_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "cloud/log.h"
#include "cloud/oidc/base64url.h"
#include "cloud/text.h"

#define MAC_TEXT (2 * SECRET_HASH_BYTES + 1)

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
    if (!provider__discover(provider, trip, &endpoints))
        return;
    secret_token(secret);
    snprintf(trip->cookie, sizeof trip->cookie, "%lld.%s",
             (long long)(text_now_ms() / 1000 + PROVIDER_TRIP_S), secret);
    if (!write_location(provider, endpoints.authorization, trip)) {
        trip->location[0] = '\0';
        (void)provider__unavailable(trip, "the address of its sign-in page is too long");
    }
}

/* --- And back --- */

bool provider_returned(const struct provider *provider, struct trip *trip)
{
    char state[MAC_TEXT];
    if (trip->cookie[0] == '\0')
        return provider__refuse(
            trip, 400,
            "this browser has no sign-in under way here: it was finished, took too long, or cookies are "
            "off; begin again from the sign-in page");
    derive(provider, "state", trip->cookie, state);
    if (strlen(trip->state) != strlen(state) || !secret_equal(trip->state, state, strlen(state)))
        return provider__refuse(trip, 400,
                                "this answer belongs to another sign-in; begin again from the sign-in page");
    /* The state fits, so the cookie is one of ours, as it was made. */
    if (strtoll(trip->cookie, NULL, 10) < text_now_ms() / 1000)
        return provider__refuse(trip, 400,
                                "that took longer than %d minutes; begin again from the sign-in page",
                                PROVIDER_TRIP_S / 60);
    if (trip->issuer[0] != '\0' && strcmp(trip->issuer, provider->settings.issuer) != 0)
        return provider__refuse(trip, 400,
                                "another identity provider answered; begin again from the sign-in page");
    if (trip->code[0] != '\0')
        return true;
    return provider__refuse(
        trip, 403, "the identity provider did not sign you in (%s); begin again, or ask whoever runs it",
        trip->error[0] != '\0' ? trip->error : "without a reason");
}

/* The token endpoint answered, and gave no token. */
static void refuse_code(struct trip *trip, const char *endpoint, long status, const json_t *answer)
{
    char text[LOG_TEXT_MAX];
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (status < 400 || status > 499) {
        snprintf(text, sizeof text, "%.100s answered %ld", endpoint, status);
        (void)provider__unavailable(trip, text);
        return;
    }
    log_line(LOG_LEVEL_WARNING, "oidc-refused", "status=%ld error=%s", status,
             log_quote(error != NULL ? error : "", text));
    (void)provider__refuse(
        trip, 403,
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
        (void)provider__unavailable(trip, fits ? fetch.why : "--oidc-client-id or its secret is too long");
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
        if (!provider__fetch_keys(provider, trip, keys_url))
            return false;
        result = verify(provider, trip, token);
    }
    if (result == ID_TOKEN_OK)
        return true;
    log_line(LOG_LEVEL_WARNING, "oidc-token-refused", "reason=\"%s\"", id_token_text(result));
    return provider__refuse(trip, 403,
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
    json_t *claims = provider__ask(provider, trip, url, access);
    if (claims == NULL)
        return false;
    bool good = person_add(&trip->person, claims);
    json_decref(claims);
    return good ||
           provider__unavailable(trip, "its userinfo endpoint speaks of somebody else than its ID token");
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
    if (!provider__discover(provider, trip, &endpoints))
        return;
    json_t *answer = exchange(provider, trip, endpoints.token);
    const char *token = json_string_value(json_object_get(answer, "id_token"));
    if (answer != NULL && token == NULL)
        (void)provider__unavailable(
            trip, "its token endpoint gave no id_token; it must be a provider of OpenID Connect");
    else if (answer != NULL && take_token(provider, trip, token, endpoints.keys) &&
             ask_address(provider, trip, endpoints.userinfo, answer))
        name_subject(provider, trip);
    json_decref(answer);
}
