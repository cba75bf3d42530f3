/* tandem inspect and tandem verify: what a package says, and whether it is to be believed. */
#include <stdio.h>
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/package/encode.h"
#include "cli/package/package.h"
#include "cli/package/sign.h"

#define DIGEST_TEXT_BYTES (2 * TDM_SHA256_BYTES + 1)

static void set_text(json_t *object, const char *member, const char *text)
{
    json_object_set_new(object, member, json_string(text));
}

static void set_number(json_t *object, const char *member, uint32_t number)
{
    json_object_set_new(object, member, json_integer(number));
}

static void set_hex(json_t *object, const char *member, const uint8_t *bytes, size_t count)
{
    char text[2 * TDM_SIGNATURE_BYTES + 1];

    set_text(object, member, output_hex(text, bytes, count));
}

static void set_address(json_t *object, const char *member, uint32_t address)
{
    char text[16];

    snprintf(text, sizeof text, "0x%08x", address);
    set_text(object, member, text);
}

/* Members of the head, in the order of the manifest's types. */
static void describe_manifest(json_t *object, const struct tdm_manifest *manifest)
{
    set_text(object, "type", manifest->type);
    set_text(object, "version", manifest->version);
    set_text(object, "build", manifest->build);
    set_text(object, "hardware", manifest->hardware);
    set_number(object, "image_bytes", manifest->image_bytes);
    set_hex(object, "image_digest", manifest->image_digest, TDM_SHA256_BYTES);
    set_number(object, "relocation_bytes", manifest->relocation_bytes);
    set_number(object, "relocations", manifest->relocation_count);
    set_hex(object, "relocation_digest", manifest->relocation_digest, TDM_SHA256_BYTES);
    set_number(object, "counter", manifest->counter);
    if (manifest->link_address == TDM_LINK_ANYWHERE)
        set_text(object, "link_address", "anywhere");
    else
        set_address(object, "link_address", manifest->link_address);
    set_address(object, "entry", manifest->entry);
    set_number(object, "revoked_keys", manifest->revoked_keys);
}

static json_t *describe(const struct package *package, const struct package *base)
{
    static const uint8_t no_base[TDM_SHA256_BYTES];
    json_t *object = json_object();
    char id[KEY_ID_TEXT_BYTES];
    int content = package_check_content(package, base);

    set_number(object, "package_bytes", (uint32_t)package->file.size);
    set_text(object, "encoding", encoding_name(package->envelope.encoding));
    set_number(object, "head_bytes", package->envelope.head_bytes);
    set_number(object, "payload_bytes", package->envelope.payload_bytes);
    if (memcmp(package->envelope.base_digest, no_base, sizeof no_base) != 0)
        set_hex(object, "base_digest", package->envelope.base_digest, TDM_SHA256_BYTES);
    describe_manifest(object, &package->manifest);
    set_text(object, "key_id", key_id_text(id, package->key_id));
    set_hex(object, "signature", package->signature, TDM_SIGNATURE_BYTES);
    set_text(object, "content", content == TDM_OK ? "ok" : package_error_text(content));
    return object;
}

static int run_inspect(const struct invocation *call)
{
    struct package package;
    struct package base;
    int rc = package_open_base(&base, call);
    int opened = package_open(&package, call->argument[0]);

    rc = rc == CLI_OK ? opened : rc;
    if (rc == CLI_OK)
        rc = show_fields(call, describe(&package, base.head ? &base : NULL));
    package_close(&package);
    package_close(&base);
    return rc;
}

/* All checks, in the order of the device. */
static int check(struct package *package, const struct package *base, const struct tdm_key_set *keys)
{
    int rc = package_parse(package);

    rc = rc == TDM_OK ? package_check_signature(package, keys) : rc;
    return rc == TDM_OK ? package_check_content(package, base) : rc;
}

static int report_bad(const struct invocation *call, int error)
{
    if (option_given(call, "json"))
        show_json(json_pack("{s:b, s:s, s:s}", "valid", 0, "error", tdm_error_name(error), "text",
                            package_error_text(error)));
    return package_fail(call->argument[0], error);
}

static int report_good(const struct invocation *call, const struct package *package)
{
    const struct tdm_manifest *manifest = &package->manifest;
    char digest[DIGEST_TEXT_BYTES];
    char id[KEY_ID_TEXT_BYTES];

    return show_fields(call,
                       json_pack("{s:b, s:s, s:s, s:s, s:s, s:s}", "valid", 1, "type", manifest->type,
                                 "version", manifest->version, "hardware", manifest->hardware, "image_digest",
                                 output_hex(digest, manifest->image_digest, TDM_SHA256_BYTES), "key_id",
                                 key_id_text(id, package->key_id)));
}

static int run_verify(const struct invocation *call)
{
    struct tdm_key_set keys = {.count = 0};
    struct package package = {.head = NULL};
    struct package base;
    int rc = package_open_base(&base, call);
    int error;

    rc = rc == CLI_OK ? public_keys_load(&keys, call) : rc;
    rc = rc == CLI_OK ? file_read(&package.file, call->argument[0]) : rc;
    if (rc == CLI_OK) {
        error = check(&package, base.head ? &base : NULL, &keys);
        rc = error == TDM_OK ? report_good(call, &package) : report_bad(call, error);
    }
    package_close(&package);
    package_close(&base);
    return rc;
}

static const struct option inspect_options[] = {
    {"base", 0, "OLD.tdm", "of a delta: the package it was made for", 0},
    {0},
};

const struct command command_inspect = {
    .name = "inspect",
    .arguments = "FILE.tdm",
    .summary = "print every field of a package",
    .details = "Checks sizes and digests, but not who signed it: for that there is `tandem verify`.\n",
    .options = inspect_options,
    .uses = USES_JSON,
    .run = run_inspect,
};

static const struct option verify_options[] = {
    {"key", 'k', "PUB.pem", "public key, as devices hold it; one or two", OPTION_REQUIRED | OPTION_REPEATED},
    {"base", 0, "OLD.tdm", "of a delta: the package it was made for", 0},
    {0},
};

const struct command command_verify = {
    .name = "verify",
    .arguments = "FILE.tdm",
    .summary = "check a package's signature, digests and relocations, as a device does",
    .options = verify_options,
    .uses = USES_JSON,
    .run = run_verify,
};
