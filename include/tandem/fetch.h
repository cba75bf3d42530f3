/* How a bootloader gets an image where there is no other bank to write to: one bank, and recovery
 * (docs/BOOT.md, "One bank and recovery").
 *
 * One job in straight lines: tdm_fetch_run blocks, with a limit on every wait, and serves the co-processor's
 * calls meanwhile. It sends byte by byte; a chunk stays in the receive buffer until it is used up.
 *
 * It is a program of its own beside the update client of applications (tandem/mcu.h), speaks the same
 * protocol, and takes a third of the flash. What it leaves out: more than one chunk in flight, going on with
 * a transfer that was cut off, digests of the file (the signed one of the image decides), and the firmware
 * tag (no device acts on it). */
#ifndef TANDEM_FETCH_H
#define TANDEM_FETCH_H

#include "tandem/boot.h"
#include "tandem/package.h"
#include "tandem/relocate.h"

/* The largest chunk that is asked for, and the largest message that is taken: an offer with texts of 64 bytes
 * and a file name, and a CRC. */
#define TDM_FETCH_CHUNK_BYTES 256
#define TDM_FETCH_FRAME_BYTES 400

/* What a product decides, and what its port does. */
struct tdm_fetch_product {
    /* The next byte from the UART, or -1: none came within wait_ms, or within the time that the port sleeps
     * at once, which is less than the watchdog's period. */
    int (*receive)(void *ctx, uint32_t wait_ms);

    /* Sends a byte; waits until there is room for it. */
    void (*send)(void *ctx, uint8_t byte);

    /* Changes the UART's rate once everything sent is on the wire. */
    void (*set_baud)(void *ctx, uint32_t baud);

    /* Milliseconds since some start; wraps. */
    uint32_t (*now_ms)(void *ctx);

    /* Called whenever receive returned, per erase unit and per 4 KiB hashed. The watchdog's period must
     * exceed one signature check. */
    void (*feed_watchdog)(void *ctx);

    /* Resets the processor, once everything sent is on the wire. Does not return. */
    void (*reset)(void *ctx);

    /* tdm_boot_config's check_image. */
    int (*check_image)(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                       uint32_t address);

    /* A line for people. */
    void (*log)(void *ctx, const char *line);

    const struct tdm_fetch_decoder *decoder; /* tandem/fetch_decode.h; NULL: encoded packages are refused */
    struct tdm_fetch_decoding *decoding;     /* its memory */
    const struct tdm_fetch_plain *plain;     /* tandem/fetch_plain.h; NULL: packages only */
    const char *type;
    const char *library;
    const char *hardware;
    const char *template_id;
    const char *template_name;
    uint32_t target_baud; /* rate to work at */
    uint32_t retry_ms;    /* how long a spent image rests before it gets attempts again */
    uint8_t attempts;     /* trial boots of what is fetched, 1 or more */
};

/* An otaUpdateWrite. */
struct tdm_fetch_chunk {
    uint32_t offset;
    uint32_t crc32;
    uint32_t bytes;
};

/* Small fields stand first, where a Cortex-M0 reaches them with one instruction. */
struct tdm_fetch {
    bool intact;        /* bank 0 could start, and the record says "fetch" */
    bool spent;         /* nothing speaks against its image but that its attempts are used up */
    uint8_t reason;     /* tdm_boot_choice's */
    bool busy;          /* with an offer */
    bool receiving;     /* chunks are taken */
    bool held;          /* one came while the answer to a call of ours was awaited */
    bool unanswered;    /* the last call that was taken, answer_id */
    bool reports;       /* the co-processor takes device reports */
    uint8_t news;       /* what ends an update from outside: a reason, or TDM_REASON_NONE */
    uint8_t failures;   /* in a row */
    uint8_t superseded; /* offers since the start whose place another one took */
    uint8_t event;      /* of a report, */
    uint8_t why;        /* and its reason */
    uint8_t crc;        /* of the frame that is sent */
    bool inside;        /* a frame is being received, */
    bool escaped;       /* and what comes next was escaped */
    uint16_t asked;     /* our newest message id, */
    uint16_t uid;       /* and what hasUID asks for */
    uint16_t call_id;   /* theirs */
    uint16_t answer_id;
    uint32_t length; /* of the frame in the buffer, */
    uint32_t at;     /* and how far it was read */

    /* The caller fills in these; all else is zero. */
    const struct tdm_fetch_product *product;
    void *ctx; /* for its functions */
    const struct tdm_flash *flash;
    const struct tdm_layout *layout;
    uint8_t *front;         /* TDM_PACKAGE_FRONT_MAX bytes: the package's front, until the bank is erased */
    struct tdm_trust trust; /* for packages; revoked_keys is taken from the record */
    uint32_t boots;         /* starts since the power came, and why this one: told to the cloud */
    uint8_t reset_cause;    /* enum tdm_reset_cause */

    const uint8_t *data; /* what is left of the newest chunk, */
    uint32_t left;       /* and how much */
    uint32_t offset;     /* of the next one */
    uint32_t file_bytes;
    uint32_t quit_ms;  /* when an image that is there starts again, unless something is offered */
    uint32_t begun_ms; /* when the bank was erased last, or all began (R10) */
    struct tdm_fetch_chunk chunk;
    struct tdm_fetch_chunk taken; /* the last one, so that it is known when it comes again (R11) */
    struct tdm_record_log log;
    struct tdm_bank_map map;
    struct tdm_relocations sites;
    struct tdm_envelope envelope;
    struct tdm_manifest manifest;
    uint8_t running[TDM_SHA256_BYTES]; /* digest of the intact image, */
    uint8_t checked[TDM_SHA256_BYTES]; /* and of the one that was streamed whole through the hash */
    uint8_t frame[TDM_FETCH_FRAME_BYTES];
};

/* Loads the record. True if there is something to fetch: nothing can start, or the record asks for it. choice
 * is what tdm_boot_choose decided in this start. */
bool tdm_fetch_is_wanted(struct tdm_fetch *fetch, const struct tdm_boot_choice *choice);

/* Fetches an image into bank 0. It ends in a reset: with the image pending; with the record back at the
 * intact image, if the package is refused, fails, or is not offered within two minutes, or another one over
 * and over; with a spent image, once it has rested. Where there is no image it never gives up. */
void tdm_fetch_run(struct tdm_fetch *fetch);

#endif
