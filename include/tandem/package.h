/* Package, manifest and stored header (docs/PACKAGE.md has every byte). */
#ifndef TANDEM_PACKAGE_H
#define TANDEM_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tandem/digest.h"
#include "tandem/flash.h"
#include "tandem/tag.h"

#define TDM_ENVELOPE_BYTES    64
#define TDM_HEAD_FIXED_BYTES  16
#define TDM_PACKAGE_FRONT_MAX 1024 /* envelope, head and signature together never exceed this */
#define TDM_HARDWARE_MAX      32
#define TDM_LINK_ANYWHERE     0xFFFFFFFFu /* link address of an image that is position-independent */

enum tdm_encoding { TDM_ENCODING_PLAIN = 0, TDM_ENCODING_LZMA_FRAMED = 1 };

struct tdm_envelope {
    uint8_t encoding;
    uint16_t head_bytes;
    uint32_t relocation_bytes;             /* as sent */
    uint32_t payload_bytes;                /* as sent */
    uint8_t base_digest[TDM_SHA256_BYTES]; /* image digest of a delta's base, zeros without one */
};

/* The texts stand last: a Cortex-M0 reaches words up to offset 124 with one instruction. */
struct tdm_manifest {
    uint32_t image_bytes;
    uint8_t image_digest[TDM_SHA256_BYTES]; /* of the plain, un-relocated image: the firmware's identity */
    uint32_t relocation_bytes;
    uint32_t relocation_count;
    uint8_t relocation_digest[TDM_SHA256_BYTES];
    uint32_t counter; /* security counter */
    uint32_t link_address;
    uint32_t entry;       /* offset of the vector table in the image */
    uint8_t revoked_keys; /* mask of key slots that are revoked once this image is confirmed */
    char type[TDM_TAG_VALUE_MAX + 1];
    char version[TDM_TAG_VALUE_MAX + 1];
    char build[TDM_TAG_VALUE_MAX + 1];
    char hardware[TDM_HARDWARE_MAX + 1];
};

/* One trusted key; id is the first four bytes of SHA-256(X || Y), as a little-endian number. */
struct tdm_key {
    uint32_t id;
    uint8_t point[TDM_PUBLIC_KEY_BYTES];
};

#define TDM_KEY_SLOTS 2

struct tdm_key_set {
    struct tdm_key key[TDM_KEY_SLOTS];
    uint8_t count;
};

/* What a signature is checked against. */
struct tdm_trust {
    const struct tdm_key_set *keys;
    uint8_t revoked_keys; /* from the boot record */
    bool allow_unsigned;  /* build option of the product (R12) */
    tdm_verify_fn *verify;
};

/* Parses the first TDM_ENVELOPE_BYTES of a package.
 * TDM_E_FORMAT (not a package, or its CRC differs), TDM_E_VERSION, TDM_E_ENCODING, TDM_E_SIZE (front over 1
 * KiB, or the whole over 4 GiB), TDM_E_TRUNCATED. */
TDM_MUST_USE int tdm_envelope_parse(struct tdm_envelope *envelope, const uint8_t *data, size_t bytes);
/* Writes exactly TDM_ENVELOPE_BYTES. */
void tdm_envelope_build(const struct tdm_envelope *envelope, uint8_t to[TDM_ENVELOPE_BYTES]);

/* Parses a signed head of exactly head_bytes and checks that tag and manifest agree. Does not look at the
 * signature. TDM_E_FORMAT, TDM_E_VERSION, TDM_E_TRUNCATED, TDM_E_TAG, TDM_E_MANIFEST. */
TDM_MUST_USE int tdm_head_parse(struct tdm_manifest *manifest, uint32_t *key_id, const uint8_t *head,
                                size_t head_bytes);

/* Builds tag and manifest into a signed head; key_id 0 makes an unsigned one (algorithm 0). library may be
 * "". Returns its length, or TDM_E_ARGUMENT (a manifest that tdm_head_parse would refuse, a text that does
 * not fit the tag's alphabet, an unsigned head with a counter), TDM_E_ROOM. */
TDM_MUST_USE int tdm_head_build(const struct tdm_manifest *manifest, const char *library, uint32_t key_id,
                                uint8_t *to, size_t capacity);

/* Checks a head's signature, before anything in it is believed: TDM_OK, TDM_E_KEY (no such key, revoked, or
 * one that the image itself revokes), TDM_E_SIGNATURE, TDM_E_FORMAT, TDM_E_VERSION, TDM_E_TRUNCATED,
 * TDM_E_MANIFEST. An unsigned head (algorithm 0) is TDM_OK only where trust allows it and its counter is 0,
 * else TDM_E_SIGNATURE. */
TDM_MUST_USE int tdm_head_verify(const struct tdm_trust *trust, const uint8_t *head, size_t head_bytes,
                                 const uint8_t signature[TDM_SIGNATURE_BYTES]);

/* The same, and only then parses the manifest. Does not look at the tag, which no device acts on. TDM_E_KEY
 * also where the image revokes the key that signed it: it could not be started again once it is confirmed. */
TDM_MUST_USE int tdm_head_accept(struct tdm_manifest *manifest, const struct tdm_trust *trust,
                                 const uint8_t *head, size_t head_bytes,
                                 const uint8_t signature[TDM_SIGNATURE_BYTES]);

/* Reads the front of a package from a stream in pieces of any size, into the caller's buffer; nothing is
 * believed before the signature verified. */
struct tdm_front {
    uint8_t *buffer; /* the caller's, TDM_PACKAGE_FRONT_MAX bytes */
    uint16_t length;
    uint16_t need; /* length at which the next step can be taken */
    uint16_t head_bytes;
    uint8_t encoding; /* enum tdm_encoding */
    bool complete;
    uint32_t relocation_bytes; /* as sent */
    uint32_t payload_bytes;    /* as sent */
};
void tdm_front_init(struct tdm_front *front, uint8_t buffer[TDM_PACKAGE_FRONT_MAX]);
/* Takes up to bytes; *used gets how many were taken (all of them until the front is complete).
 * TDM_OK while incomplete and when front->complete became true; else the error that ends the package: those
 * of tdm_envelope_parse, tdm_head_verify and tdm_head_parse, again at each further call; TDM_E_MANIFEST also
 * where envelope and manifest disagree. A head without a signature is refused whatever trust allows: only a
 * device writes one, for itself. */
TDM_MUST_USE int tdm_front_feed(struct tdm_front *front, const struct tdm_trust *trust, const uint8_t *data,
                                size_t bytes, size_t *used);
/* What the buffer holds when complete: the image digest of a delta's base, zeros without one; the signed
 * head, and the signature behind it. */
const uint8_t *tdm_front_base(const struct tdm_front *front);
const uint8_t *tdm_front_head(const struct tdm_front *front);
const uint8_t *tdm_front_signature(const struct tdm_front *front);
/* Parses the manifest of a complete front; TDM_E_STATE for any other. The errors of tdm_head_parse but
 * TDM_E_TAG if the buffer was changed since. */
TDM_MUST_USE int tdm_front_manifest(const struct tdm_front *front, struct tdm_manifest *manifest);
/* Bytes of the whole package as sent. */
uint32_t tdm_front_package_bytes(const struct tdm_front *front);

/* --- The key page (docs/PACKAGE.md, section "Key page") --- */

#define TDM_KEY_PAGE_BYTES (16 + TDM_KEY_SLOTS * 68)

/* Reads the key page through flash. TDM_E_FORMAT, TDM_E_FLASH_READ. */
TDM_MUST_USE int tdm_keys_load(struct tdm_key_set *keys, const struct tdm_flash *flash, uint32_t address);
TDM_MUST_USE int tdm_keys_parse(struct tdm_key_set *keys, const uint8_t page[TDM_KEY_PAGE_BYTES]);
void tdm_keys_build(const struct tdm_key_set *keys, uint8_t page[TDM_KEY_PAGE_BYTES]);

/* --- A bank's header, as stored at its tail (docs/PACKAGE.md, section "In the bank") --- */

#define TDM_STORED_PREFIX_BYTES 8
#define TDM_MARK_BYTES          16 /* the confirm mark, at the end of the bank */
#define TDM_MARK_DIGEST_BYTES   12

/* Where a bank's pieces are. */
struct tdm_bank_map {
    uint32_t image;       /* address of payload byte 0: the bank's first byte */
    uint32_t relocations; /* address of the table */
    uint32_t header;      /* address of the stored header */
    uint32_t mark;        /* address of the confirm mark */
};
/* TDM_E_SIZE where image and relocations do not fit below the header area, that area cannot hold the longest
 * header and the mark, or there is no such bank; TDM_E_LINK_ADDRESS where the image cannot run in this bank.
 * What is mapped can be written: an update client asks before it erases. */
TDM_MUST_USE int tdm_bank_map(struct tdm_bank_map *map, const struct tdm_layout *layout, uint8_t bank,
                              const struct tdm_flash *flash, const struct tdm_manifest *manifest);

/* Reads and checks the stored header of bank: signature and manifest; the tag was checked before the header
 * was stored, the payload is not looked at. buffer is the caller's, TDM_PACKAGE_FRONT_MAX bytes.
 * TDM_E_NO_HEADER, TDM_E_FLASH_READ, and those of head_verify. */
TDM_MUST_USE int tdm_bank_header(struct tdm_manifest *manifest, const struct tdm_layout *layout, uint8_t bank,
                                 const struct tdm_flash *flash, const struct tdm_trust *trust,
                                 uint8_t buffer[TDM_PACKAGE_FRONT_MAX]);

/* Reads the stored header of bank without a look at its signature: to recognise an image, never to run or to
 * place anything by. buffer as above. TDM_E_NO_HEADER, TDM_E_FLASH_READ, TDM_E_FORMAT, TDM_E_VERSION,
 * TDM_E_TRUNCATED, TDM_E_MANIFEST. */
TDM_MUST_USE int tdm_bank_peek(struct tdm_manifest *manifest, const struct tdm_layout *layout, uint8_t bank,
                               const struct tdm_flash *flash, uint8_t buffer[TDM_PACKAGE_FRONT_MAX]);

/* Programs the stored header of bank from a head and its signature (the bank is erased there).
 * scratch: TDM_PACKAGE_FRONT_MAX bytes, may be the memory that head lies in if head >= scratch +
 * TDM_STORED_PREFIX_BYTES and the signature stands behind it, as in a front's buffer; the front is spent
 * then. TDM_E_FLASH_PROGRAM, TDM_E_SIZE. */
TDM_MUST_USE int tdm_bank_header_program(const struct tdm_layout *layout, uint8_t bank,
                                         const struct tdm_flash *flash, const uint8_t *head,
                                         size_t head_bytes, const uint8_t signature[TDM_SIGNATURE_BYTES],
                                         uint8_t *scratch);

/* Does bank hold the stored header of exactly this head and its signature, which stands behind it? */
bool tdm_bank_header_is(const struct tdm_layout *layout, uint8_t bank, const struct tdm_flash *flash,
                        const uint8_t *head, size_t head_bytes);

/* Verifies the relocation table of bank, its digest and every site. Errors as tdm_bank_verify. */
TDM_MUST_USE int tdm_bank_verify_table(const struct tdm_manifest *manifest, const struct tdm_layout *layout,
                                       uint8_t bank, const struct tdm_flash *flash);

/* Verifies relocation table and un-relocated image of bank against the manifest, in pieces; progress (may be
 * NULL) runs at least once per 4 KiB and feeds the watchdog. TDM_E_RELOCATIONS, TDM_E_DIGEST, TDM_E_SIZE,
 * TDM_E_LINK_ADDRESS, TDM_E_FLASH_READ. */
TDM_MUST_USE int tdm_bank_verify(const struct tdm_manifest *manifest, const struct tdm_layout *layout,
                                 uint8_t bank, const struct tdm_flash *flash, void (*progress)(void *ctx),
                                 void *ctx);

/* The confirm mark. Programs it (once; the caller never retries), or says whether it is intact for this
 * image, of whose digest it holds the start. */
TDM_MUST_USE int tdm_bank_mark_program(const uint8_t digest[TDM_MARK_DIGEST_BYTES],
                                       const struct tdm_layout *layout, uint8_t bank,
                                       const struct tdm_flash *flash);
bool tdm_bank_mark_present(const uint8_t digest[TDM_MARK_DIGEST_BYTES], const struct tdm_layout *layout,
                           uint8_t bank, const struct tdm_flash *flash);

#endif
