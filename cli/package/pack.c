/* tandem pack: makes a package of a firmware and signs it. */
#include <string.h>

#include "cli/base/commands.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/base/show.h"
#include "cli/package/content.h"
#include "cli/package/encode.h"
#include "cli/package/package.h"
#include "cli/package/sign.h"

static int build_head(const struct content *content, const struct signing_key *key,
                      uint8_t head[TDM_PACKAGE_FRONT_MAX])
{
    int bytes = tdm_head_build(&content->manifest, content->tag.library, key->public_half.id, head,
                               TDM_PACKAGE_FRONT_MAX - TDM_ENVELOPE_BYTES - TDM_SIGNATURE_BYTES);

    if (bytes < 0)
        output_fail(
            CLI_FAILED,
            "%s: type, version, build or hardware can't stand in a package; tag scanners take letters, "
            "digits, space and . , : - ( ) _",
            content->path);
    return bytes;
}

/* Envelope, head, signature, table, image. */
static int assemble(struct package *package, const struct content *content, const struct signing_key *key)
{
    const struct tdm_manifest *manifest = &content->manifest;
    struct tdm_envelope envelope = {.encoding = TDM_ENCODING_PLAIN,
                                    .relocation_bytes = manifest->relocation_bytes,
                                    .payload_bytes = manifest->image_bytes};
    uint8_t head[TDM_PACKAGE_FRONT_MAX];
    uint8_t signature[TDM_SIGNATURE_BYTES];
    int head_bytes = build_head(content, key, head);
    size_t front;
    uint8_t *to;

    if (head_bytes < 0 || signing_key_sign(key, head, (size_t)head_bytes, signature) != CLI_OK)
        return CLI_FAILED;
    envelope.head_bytes = (uint16_t)head_bytes;
    front = TDM_ENVELOPE_BYTES + (size_t)head_bytes + TDM_SIGNATURE_BYTES;
    package->file.size = front + manifest->relocation_bytes + manifest->image_bytes;
    package->file.data = to = memory_take(package->file.size);
    tdm_envelope_build(&envelope, to);
    memcpy(to + TDM_ENVELOPE_BYTES, head, (size_t)head_bytes);
    memcpy(to + TDM_ENVELOPE_BYTES + head_bytes, signature, sizeof signature);
    memcpy(to + front, content->table, manifest->relocation_bytes);
    memcpy(to + front + manifest->relocation_bytes, content->image.bytes, manifest->image_bytes);
    return CLI_OK;
}

/* Reads the finished package as a device would, before anybody gets it. */
static int check(struct package *package, const struct signing_key *key)
{
    struct tdm_key_set keys = {.count = TDM_KEY_SLOTS};
    int rc = package_parse(package);

    /* A package that revokes slot 0 must have been signed by the key of slot 1. */
    keys.key[package->manifest.revoked_keys & 1] = key->public_half;
    rc = rc == TDM_OK ? package_check_signature(package, &keys) : rc;
    rc = rc == TDM_OK ? package_check_content(package, NULL) : rc;
    return rc == TDM_OK ? CLI_OK : package_fail("the package just made", rc);
}

static int report(const struct invocation *call, const struct package *package)
{
    const struct tdm_manifest *manifest = &package->manifest;
    char image_digest[2 * TDM_SHA256_BYTES + 1];
    char id[KEY_ID_TEXT_BYTES];

    return show_fields(call,
                       json_pack("{s:s, s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:s}", "file",
                                 option_text(call, "output"), "package_bytes", (json_int_t)package->file.size,
                                 "encoding", encoding_name(package->envelope.encoding), "type",
                                 manifest->type, "version", manifest->version, "build", manifest->build,
                                 "hardware", manifest->hardware, "counter", (json_int_t)manifest->counter,
                                 "image_bytes", (json_int_t)manifest->image_bytes, "relocations",
                                 (json_int_t)manifest->relocation_count, "image_digest",
                                 output_hex(image_digest, manifest->image_digest, TDM_SHA256_BYTES), "key_id",
                                 key_id_text(id, package->key_id)));
}

/* As the options ask: nothing, compressed, or as a difference. */
static int encode(struct package *package, const struct invocation *call)
{
    struct package base;
    int rc = package_open_base(&base, call);

    if (rc == CLI_OK && (base.head || option_given(call, "compress")))
        rc = package_encode(package, base.head ? &base : NULL, call);
    package_close(&base);
    return rc;
}

static int pack(struct content *content, struct package *package, const struct invocation *call)
{
    struct signing_key key;
    int rc = signing_key_load(&key, option_text(call, "key"));

    rc = rc == CLI_OK ? content_load(content, call) : rc;
    rc = rc == CLI_OK ? assemble(package, content, &key) : rc;
    rc = rc == CLI_OK ? check(package, &key) : rc;
    signing_key_free(&key);
    return rc == CLI_OK ? encode(package, call) : rc;
}

static int run(const struct invocation *call)
{
    struct content content = {.path = NULL};
    struct package package = {.head = NULL};
    int rc = pack(&content, &package, call);

    if (rc == CLI_OK)
        rc = file_write_output(option_text(call, "output"), package.file.data, package.file.size);
    if (rc == CLI_OK)
        rc = report(call, &package);
    package_close(&package);
    content_free(&content);
    return rc;
}

static const struct option options[] = {
    {"output", 'o', "FILE.tdm", "the package", OPTION_REQUIRED},
    {"key", 'k', "PRIV.pem", "private key to sign with, from tandem keygen", OPTION_REQUIRED},
    {"hardware", 0, "ID", "the boards it fits", OPTION_REQUIRED},
    {"type", 0, "TYPE", "firmware type; default: the image's tag", 0},
    {"version", 0, "VERSION", "firmware version; default: the image's tag", 0},
    {"build", 0, "TEXT", "build date and time; default: the image's tag", 0},
    {"counter", 0, "N", "security counter (0); raise it to lock out all images below", 0},
    {"entry", 0, "N", "offset of the vector table (0)", 0},
    {"revoke-slot", 0, "N", "key slot that devices drop once they confirmed it", 0},
    {"fixed", 0, NULL, "ELF: no relocations, the image runs at its link address only", 0},
    {"check-with", 0, "OTHER.elf", "the same program linked elsewhere: relocating must give it", 0},
    {"compress", 0, NULL, "send the image compressed", 0},
    {"base", 0, "OLD.tdm", "send the difference to this package's image, which devices must run", 0},
    {"link-address", 0, "A", ".bin: the address it is linked for", 0},
    {"position-independent", 0, NULL, "the image runs at any address as it is", 0},
    {0},
};

const struct command command_pack = {
    .name = "pack",
    .arguments = "INPUT",
    .summary = "make a signed package of a firmware (ELF or .bin)",
    .details =
        "From an ELF file that is linked for bank A with -Wl,--emit-relocs comes a package that runs in\n"
        "either bank. Type, version and build come from the firmware tag in the image (TDM_FIRMWARE_TAG\n"
        "in tandem/tag.h); giving others than the tag's is an error. Packing the same input again gives\n"
        "the same package, the signature apart.\n",
    .options = options,
    .uses = USES_JSON,
    .run = run,
};
