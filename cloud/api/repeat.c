/* Requests that are sent again because their answer got lost. With an Idempotency-Key a POST is done once: a
 * repetition within a day gets the first answer again. An answer may hold a secret that is shown once, so it
 * is kept sealed by the key, of which only a hash is kept. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "cloud/api/api.h"
#include "cloud/durations.h"

#define KEPT_MS DAY_MS

static void hash_parts(const char *use, const void *data, size_t bytes, uint8_t to[SECRET_HASH_BYTES])
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(md, use, strlen(use) + 1) != 1 || EVP_DigestUpdate(md, data, bytes) != 1 ||
        EVP_DigestFinal_ex(md, to, NULL) != 1)
        abort();
    EVP_MD_CTX_free(md);
}

static void hash_parameters(const struct api_call *call, uint8_t to[SECRET_HASH_BYTES])
{
    uint8_t both[2][SECRET_HASH_BYTES]; /* those before, this one */
    memset(to, 0, SECRET_HASH_BYTES);
    for (size_t i = 0; i < call->parameter_count; i++) {
        const struct api_parameter *parameter = &call->parameters[i];
        memcpy(both[0], to, sizeof both[0]);
        hash_parts(parameter->name, parameter->value, strlen(parameter->value), both[1]);
        hash_parts("parameters", both, sizeof both, to);
    }
}

/* What is asked, and with what rights: the same key for something else is a mistake, and an answer that was
 * made for an admin's token is not for a viewer's. */
static void hash_request(const struct api_call *call, uint8_t to[SECRET_HASH_BYTES])
{
    struct {
        char operation[40];
        int64_t id;
        int64_t role;
        int64_t areas;
        uint8_t parameters[SECRET_HASH_BYTES];
        uint8_t body[SECRET_HASH_BYTES];
        uint8_t file[RECORD_DIGEST_BYTES];
    } request;
    memset(&request, 0, sizeof request);
    strncpy(request.operation, call->route->operation, sizeof request.operation - 1);
    request.id = call->id;
    request.role = call->caller.role;
    request.areas = call->caller.areas;
    hash_parameters(call, request.parameters);
    hash_parts("body", call->body, call->body_bytes, request.body);
    memcpy(request.file, call->firmware.sha256, sizeof request.file);
    hash_parts("request", &request, sizeof request, to);
}

static bool applies(const struct api_call *call)
{
    return call->repeat_key[0] != '\0' && call->caller.account != 0 &&
           strcmp(call->route->method, "POST") == 0;
}

static void open_repeat(const struct api_call *call, struct repeat *repeat)
{
    *repeat = (struct repeat){.account = call->caller.account};
    hash_parts("name", call->repeat_key, strlen(call->repeat_key), repeat->key);
    hash_request(call, repeat->request);
}

static json_t *unseal(const struct api_call *call, const struct repeat *repeat)
{
    uint8_t key[SECRET_HASH_BYTES];
    char *text = malloc(repeat->bytes + 1);
    if (text == NULL)
        abort();
    hash_parts("seal", call->repeat_key, strlen(call->repeat_key), key);
    size_t bytes = secret_unseal(key, repeat->answer, repeat->bytes, text);
    json_t *answer = bytes > 0 ? json_loadb(text, bytes, 0, NULL) : NULL;
    free(text);
    return answer;
}

int repeat_find(struct api_call *call, struct fleet *fleet)
{
    struct repeat asked;
    struct repeat there;
    if (!applies(call))
        return STORE_OK;
    open_repeat(call, &asked);
    int result = store_repeat_get(fleet->store, asked.account, asked.key, fleet->now - KEPT_MS, &there);
    if (result != STORE_OK)
        return result == STORE_NOT_FOUND ? STORE_OK : result;
    if (!secret_equal(asked.request, there.request, sizeof asked.request)) {
        free(there.answer);
        return api_refuse(call, 422, "key used already",
                          "this Idempotency-Key came with another request; use a new one for each");
    }
    call->answer = unseal(call, &there);
    call->status = (int)there.status;
    call->repeated = true;
    free(there.answer);
    return STORE_OK;
}

int repeat_keep(struct api_call *call, struct fleet *fleet)
{
    struct repeat repeat;
    uint8_t key[SECRET_HASH_BYTES];
    if (!applies(call) || call->repeated)
        return STORE_OK;
    open_repeat(call, &repeat);
    char *text = call->answer != NULL ? json_dumps(call->answer, JSON_COMPACT) : NULL;
    size_t bytes = text != NULL ? strlen(text) : 0;
    repeat.answer = malloc(bytes + SECRET_SEAL_BYTES);
    if (repeat.answer == NULL)
        abort();
    hash_parts("seal", call->repeat_key, strlen(call->repeat_key), key);
    repeat.bytes = secret_seal(key, text, bytes, repeat.answer);
    repeat.status = call->status != 0 ? call->status : call->route->success;
    repeat.created = fleet->now;
    int result = store_repeat_add(fleet->store, &repeat, fleet->now - KEPT_MS);
    free(repeat.answer);
    free(text);
    return result;
}
