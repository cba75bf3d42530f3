#include "cloud/fleet/firmware/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static EVP_MD_CTX *digest_new(const EVP_MD *kind)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context != NULL && EVP_DigestInit_ex(context, kind, NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return context;
}

bool intake_init(struct intake *intake)
{
    *intake = (struct intake){.payload_start = -1};
    intake->sha256 = digest_new(EVP_sha256());
    intake->md5 = digest_new(EVP_md5());
    intake->payload = digest_new(EVP_sha256());
    tdm_tag_scanner_init(&intake->scanner);
    if (intake->sha256 != NULL && intake->md5 != NULL && intake->payload != NULL)
        return true;
    intake_clear(intake);
    return false;
}

void intake_clear(struct intake *intake)
{
    EVP_MD_CTX_free(intake->sha256);
    EVP_MD_CTX_free(intake->md5);
    EVP_MD_CTX_free(intake->payload);
    intake->sha256 = intake->md5 = intake->payload = NULL;
}

static bool is_package(const struct intake *intake)
{
    return intake->front_bytes >= 4 && memcmp(intake->front, "TDMP", 4) == 0;
}

/* Keeps the first bytes, and learns from them where the payload starts. */
static void feed_front(struct intake *intake, const uint8_t *data, size_t bytes)
{
    size_t room = sizeof intake->front - intake->front_bytes;
    size_t take = bytes < room ? bytes : room;
    memcpy(intake->front + intake->front_bytes, data, take);
    intake->front_bytes += take;
    if (intake->payload_start >= 0 || !is_package(intake) || intake->front_bytes < TDM_ENVELOPE_BYTES)
        return;
    struct tdm_envelope envelope;
    if (tdm_envelope_parse(&envelope, intake->front, TDM_ENVELOPE_BYTES) == TDM_OK)
        intake->payload_start = (int64_t)TDM_ENVELOPE_BYTES + envelope.head_bytes + TDM_SIGNATURE_BYTES +
                                envelope.relocation_bytes;
}

/* data stands at offset in the file. */
static void feed_payload(struct intake *intake, int64_t offset, const uint8_t *data, size_t bytes)
{
    if (intake->payload_start < 0 || offset + (int64_t)bytes <= intake->payload_start)
        return;
    size_t skip = intake->payload_start > offset ? (size_t)(intake->payload_start - offset) : 0;
    EVP_DigestUpdate(intake->payload, data + skip, bytes - skip);
}

static void feed_some(struct intake *intake, const uint8_t *data, size_t bytes)
{
    feed_front(intake, data, bytes);
    feed_payload(intake, intake->size, data, bytes);
    EVP_DigestUpdate(intake->sha256, data, bytes);
    EVP_DigestUpdate(intake->md5, data, bytes);
    if (!intake->tagged)
        intake->tagged = tdm_tag_scanner_feed(&intake->scanner, data, bytes, &intake->tag) == TDM_OK;
    intake->size += (int64_t)bytes;
}

void intake_feed(struct intake *intake, const void *data, size_t bytes)
{
    /* In pieces that end where the envelope does: what comes behind it may be payload. */
    const uint8_t *from = data;
    while (bytes > 0) {
        size_t piece = bytes;
        if (intake->size < TDM_ENVELOPE_BYTES && piece > TDM_ENVELOPE_BYTES - (size_t)intake->size)
            piece = TDM_ENVELOPE_BYTES - (size_t)intake->size;
        feed_some(intake, from, piece);
        from += piece;
        bytes -= piece;
    }
}

static void finish_digest(EVP_MD_CTX *context, uint8_t *digest)
{
    unsigned int length = 0;
    EVP_DigestFinal_ex(context, digest, &length);
}

static bool refuse_package(char *why, size_t capacity, int error)
{
    snprintf(why, capacity, "the package is damaged: %s; pack it again with `tandem pack`",
             tdm_error_text(error));
    return false;
}

static bool check_size(const struct intake *intake, const struct tdm_envelope *envelope, char *why,
                       size_t capacity)
{
    int64_t expected = intake->payload_start + envelope->payload_bytes;
    if (intake->size == expected)
        return true;
    snprintf(why, capacity,
             intake->size < expected ? "the package is truncated: %" PRId64 " of %" PRId64
                                       " bytes; upload it again"
                                     : "the package is %" PRId64 " bytes long and should be %" PRId64
                                       ": something follows it; upload the file as `tandem pack` wrote it",
             intake->size, expected);
    return false;
}

static bool check_payload(struct intake *intake, const struct tdm_envelope *envelope,
                          const struct tdm_manifest *manifest, char *why, size_t capacity)
{
    uint8_t digest[TDM_SHA256_BYTES];
    if (envelope->encoding != TDM_ENCODING_PLAIN)
        return true;
    if (envelope->payload_bytes != manifest->image_bytes ||
        envelope->relocation_bytes != manifest->relocation_bytes)
        return refuse_package(why, capacity, TDM_E_MANIFEST);
    finish_digest(intake->payload, digest);
    return memcmp(digest, manifest->image_digest, sizeof digest) == 0 ||
           refuse_package(why, capacity, TDM_E_DIGEST);
}

/* What was signed, and the signature, for whoever knows the key. */
static bool take_signature(const struct intake *intake, const struct tdm_envelope *envelope,
                           struct firmware *firmware)
{
    const uint8_t *head = intake->front + TDM_ENVELOPE_BYTES;
    unsigned int length = 0;
    if ((size_t)TDM_ENVELOPE_BYTES + envelope->head_bytes + TDM_SIGNATURE_BYTES > intake->front_bytes)
        return false;
    memcpy(firmware->signature, head + envelope->head_bytes, sizeof firmware->signature);
    return EVP_Digest(head, envelope->head_bytes, firmware->head_digest, &length, EVP_sha256(), NULL) == 1;
}

static void take_form(const struct tdm_envelope *envelope, struct firmware *firmware)
{
    static const uint8_t none[TDM_SHA256_BYTES];
    bool based = memcmp(envelope->base_digest, none, sizeof none) != 0;
    firmware->plain_size = firmware->size - envelope->payload_bytes + firmware->image_bytes;
    if (envelope->encoding != TDM_ENCODING_PLAIN)
        firmware->form = based ? FORM_DELTA : FORM_COMPRESSED;
}

static bool finish_package(struct intake *intake, struct firmware *firmware, char *why, size_t capacity)
{
    struct tdm_envelope envelope;
    struct tdm_manifest manifest;
    uint32_t key_id;
    int error = intake->front_bytes < TDM_ENVELOPE_BYTES
                    ? TDM_E_TRUNCATED
                    : tdm_envelope_parse(&envelope, intake->front, TDM_ENVELOPE_BYTES);
    if (error != TDM_OK)
        return refuse_package(why, capacity, error);
    if (!check_size(intake, &envelope, why, capacity))
        return false;
    if ((size_t)TDM_ENVELOPE_BYTES + envelope.head_bytes > intake->front_bytes)
        return refuse_package(why, capacity, TDM_E_SIZE);
    error = tdm_head_parse(&manifest, &key_id, intake->front + TDM_ENVELOPE_BYTES, envelope.head_bytes);
    if (error != TDM_OK)
        return refuse_package(why, capacity, error);
    if (!check_payload(intake, &envelope, &manifest, why, capacity))
        return false;
    firmware->package = true;
    memcpy(firmware->type, manifest.type, sizeof firmware->type);
    memcpy(firmware->version, manifest.version, sizeof firmware->version);
    if (intake->tagged)
        memcpy(firmware->library, intake->tag.library, sizeof firmware->library);
    memcpy(firmware->build, manifest.build, sizeof firmware->build);
    memcpy(firmware->hardware, manifest.hardware, sizeof firmware->hardware);
    memcpy(firmware->digest, manifest.image_digest, sizeof firmware->digest);
    firmware->image_bytes = manifest.image_bytes;
    firmware->counter = manifest.counter;
    firmware->key_id = key_id;
    firmware->encoding = envelope.encoding;
    take_form(&envelope, firmware);
    return take_signature(intake, &envelope, firmware) || refuse_package(why, capacity, TDM_E_SIZE);
}

static bool is_elf(const struct intake *intake)
{
    return intake->front_bytes >= 4 && memcmp(intake->front, "\177ELF", 4) == 0;
}

static bool finish_plain(struct intake *intake, struct firmware *firmware, char *why, size_t capacity)
{
    /* Its tag says nothing: no device can run a file with the linker's tables in front. */
    if (is_elf(intake)) {
        snprintf(
            why, capacity,
            "an ELF file, which devices cannot run; pack it with `tandem pack`, or make a .bin of it with "
            "objcopy -O binary");
        return false;
    }
    if (!intake->tagged) {
        snprintf(why, capacity,
                 "neither a package nor an image with a firmware tag; pack it with `tandem pack`, or put "
                 "TDM_FIRMWARE_TAG into its source (values of a tag have letters, digits, spaces and "
                 "_.,:-(), so a "
                 "version with a + hides it)");
        return false;
    }
    if (intake->tag.version[0] == '\0' || intake->tag.type[0] == '\0') {
        snprintf(why, capacity, "the firmware tag says no %s; a tag needs mcu and fw-type",
                 intake->tag.version[0] == '\0' ? "version (mcu)" : "type (fw-type)");
        return false;
    }
    memcpy(firmware->type, intake->tag.type, sizeof firmware->type);
    memcpy(firmware->version, intake->tag.version, sizeof firmware->version);
    memcpy(firmware->library, intake->tag.library, sizeof firmware->library);
    memcpy(firmware->build, intake->tag.build, sizeof firmware->build);
    memcpy(firmware->digest, firmware->sha256, sizeof firmware->digest);
    return true;
}

bool intake_finish(struct intake *intake, struct firmware *firmware, char *why, size_t capacity)
{
    *firmware = (struct firmware){.size = intake->size, .form = FORM_PLAIN, .plain_size = intake->size};
    finish_digest(intake->sha256, firmware->sha256);
    finish_digest(intake->md5, firmware->md5);
    if (intake->size == 0) {
        snprintf(why, capacity, "the body is empty; send the firmware file as the request body");
        return false;
    }
    return is_package(intake) ? finish_package(intake, firmware, why, capacity)
                              : finish_plain(intake, firmware, why, capacity);
}
