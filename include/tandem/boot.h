/* Boot record and choice of bank (docs/BOOT.md has states, rules and invariants).
 *
 * The record is append-only: two units, whole states, the newest valid entry wins, and an entry always goes
 * to the unit that does not hold the newest one. The bootloader decides with tdm_boot_choose; the application
 * drives its own transitions through the tdm_boot_* calls below. */
#ifndef TANDEM_BOOT_H
#define TANDEM_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "tandem/flash.h"
#include "tandem/package.h"
#include "tandem/reason.h"

#define TDM_RECORD_ENTRY_BYTES  48
#define TDM_DIGEST_PREFIX_BYTES 12 /* of image digests, in the record */

enum tdm_boot_state {
    TDM_BOOT_IDLE = 1,      /* active runs */
    TDM_BOOT_ERASING = 2,   /* target is being erased: after a reset it is erased again */
    TDM_BOOT_RECEIVING = 3, /* target takes the image of target_digest */
    TDM_BOOT_PENDING = 4,   /* target is complete and verified: the next boot tries it */
    TDM_BOOT_TRIAL = 5,     /* target is running, or ran, without having confirmed */
    TDM_BOOT_FETCH = 6      /* one bank: the bootloader fetches the image through the NCP */
};

/* One entry: the whole state, laid out as in flash (docs/BOOT.md). */
struct tdm_record {
    uint32_t sequence;
    uint8_t format; /* filled in where an entry is written */
    uint8_t state;  /* enum tdm_boot_state */
    uint8_t active; /* the confirmed bank, TDM_NO_BANK if there is none */
    uint8_t target; /* the other bank while an update is under way, TDM_NO_BANK if none */
    uint32_t counter_floor;
    uint16_t starts;       /* transfers started since the last confirm (R10) */
    uint8_t attempts_left; /* trial boots that remain */
    uint8_t revoked_keys;
    uint8_t target_digest[TDM_DIGEST_PREFIX_BYTES];
    uint8_t rejected_digest[TDM_DIGEST_PREFIX_BYTES]; /* zeros if none */
    uint8_t last_reason;    /* why the last update ended badly, TDM_REASON_NONE after a confirm */
    uint8_t soft_rollbacks; /* trials in a row that ended without blame on the image (no link, power) */
    uint8_t trial_reason;   /* why the last attempt of this trial that ended without a power loss ended */
    uint8_t retries;        /* power losses in this trial that cost no attempt; in FETCH, tries */
};

/* Why the processor started. */
enum tdm_reset_cause {
    TDM_RESET_POWER = 0, /* power-on, brown-out, reset pin, or not known */
    TDM_RESET_SOFT = 1,  /* asked for by the program, nothing wrong */
    TDM_RESET_WATCHDOG = 2,
    TDM_RESET_FAULT = 3,  /* a fault handler reset */
    TDM_RESET_NO_LINK = 4 /* the application gave up waiting for the link during its trial */
};

/* A record log bound to flash. Fields are private except record. */
struct tdm_record_log {
    bool found;     /* there is a valid entry */
    uint8_t unit;   /* unit that holds record */
    bool erased[2]; /* unit was erased in this power cycle */
    const struct tdm_flash *flash;
    const struct tdm_layout *layout;
    uint32_t next[2];         /* offset of the next slot to use in each unit */
    struct tdm_record record; /* the newest valid entry */
    struct tdm_record spare;  /* the newest of the other unit: what remains if record's unit is lost; sequence
                                 0 if there is none */
};

/* Scans every slot of both units. TDM_OK, or TDM_E_NO_RECORD (record then is all zero with no banks). Never
 * fails because of a bad slot. */
TDM_MUST_USE int tdm_record_load(struct tdm_record_log *log, const struct tdm_flash *flash,
                                 const struct tdm_layout *layout);

/* Appends next as the new whole state (its sequence is filled in) and reads it back. On success log->record
 * is next. TDM_E_FLASH_ERASE, TDM_E_FLASH_PROGRAM: the state is unchanged. */
TDM_MUST_USE int tdm_record_append(struct tdm_record_log *log, const struct tdm_record *next);

/* The 48 bytes of an entry; for tools and tests. */
void tdm_record_encode(const struct tdm_record *record, uint8_t to[TDM_RECORD_ENTRY_BYTES]);
/* TDM_E_FORMAT where CRC, version or a field is not valid. */
TDM_MUST_USE int tdm_record_decode(struct tdm_record *record, const uint8_t from[TDM_RECORD_ENTRY_BYTES]);

/* What the bootloader gives to tdm_boot_choose. */
struct tdm_boot_config {
    const struct tdm_flash *flash;
    const struct tdm_layout *layout;
    struct tdm_trust trust; /* revoked_keys is taken from the record */
    uint8_t attempts;       /* trial boots per image, 1 or more */
    uint8_t soft_limit; /* trial boots that power loss may cost on top before the old image is brought back */
    /* Is this a startable image (vector table in its bank)? TDM_OK or TDM_E_VECTOR. address is where the
     * vector table lies, already relocated. */
    int (*check_image)(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                       uint32_t address);
    /* Arms the watchdog; called before every trial and before every verification. */
    void (*arm_watchdog)(void *ctx);
    /* Runs at least once per 4 KiB verified. */
    void (*feed_watchdog)(void *ctx);
    void *ctx;
};

enum tdm_boot_action {
    TDM_BOOT_RUN = 1,     /* jump to bank at entry */
    TDM_BOOT_RECOVER = 2, /* no bank can run: fetch a firmware through the NCP */
};

struct tdm_boot_choice {
    enum tdm_boot_action action;
    uint8_t bank;
    uint32_t vector_table; /* address */
    bool trial;
    uint8_t reason; /* why this is not the plain case, TDM_REASON_NONE otherwise */
};

/* Decides what runs, and records the decision first where a rule asks for it. buffer: TDM_PACKAGE_FRONT_MAX
 * bytes. Always reaches a choice; flash errors only take options away. */
void tdm_boot_choose(struct tdm_boot_choice *choice, const struct tdm_boot_config *config,
                     enum tdm_reset_cause cause, uint8_t buffer[TDM_PACKAGE_FRONT_MAX]);

/* --- Transitions of the application; running is the bank that it executes from, as the port says. Each
 * appends one entry, unless it says more. All: TDM_E_STATE where the state machine does not allow it, and
 * those of tdm_record_append. --- */

/* True if running is the confirmed bank: not on trial, and not in doubt because the record says otherwise. */
bool tdm_boot_is_confirmed(const struct tdm_record_log *log, uint8_t running);

/* erasing(the other bank), from a confirmed image only. Revokes what was received or pending. TDM_E_STATE
 * also for a rejected digest, and where there is no other bank. */
TDM_MUST_USE int tdm_boot_begin(struct tdm_record_log *log, uint8_t running,
                                const uint8_t image_digest[TDM_SHA256_BYTES]);
/* receiving(target): the bank was erased. */
TDM_MUST_USE int tdm_boot_receiving(struct tdm_record_log *log);
/* pending(target): complete and verified; from erasing too, where a complete bank of that digest was kept.
 * attempts: trial boots, 1 or more. TDM_E_STATE also where the bank carries a confirm mark: such a bank takes
 * a trial only after it was erased, for a mark must mean this trial. */
TDM_MUST_USE int tdm_boot_pending(struct tdm_record_log *log, uint8_t attempts);
/* idle(active) again: the transfer was given up, or what was pending is withdrawn. */
TDM_MUST_USE int tdm_boot_abandon(struct tdm_record_log *log, uint8_t reason);
/* idle(active = running): appends, then programs the bank's confirm mark; appends again if the mark can't be
 * programmed. Raises the floor to the image's counter, and revokes what it revokes. TDM_OK and no entry where
 * running is confirmed already. */
TDM_MUST_USE int tdm_boot_confirm(struct tdm_record_log *log, uint8_t running,
                                  const struct tdm_manifest *manifest);
/* idle(active), digest rejected for good: the trial's self-test failed. Appends to both units. The caller
 * resets afterwards. */
TDM_MUST_USE int tdm_boot_reject(struct tdm_record_log *log, uint8_t running, uint8_t reason);

/* --- One bank, and recovery (docs/BOOT.md, "One bank and recovery") --- */

/* fetch: the bootloader shall fetch an image through the co-processor. From a confirmed image, where there is
 * no other bank. */
TDM_MUST_USE int tdm_boot_fetch(struct tdm_record_log *log, uint8_t running);
/* idle(active) from fetch: nothing was erased, the image starts again. */
TDM_MUST_USE int tdm_boot_fetch_end(struct tdm_record_log *log, uint8_t reason);
/* erasing(bank), without an active bank: the bootloader is about to erase the last image, or there is none.
 * receiving and pending follow as in an update. Where nobody asked for it by fetch, and no trial's end is to
 * be told, the last reason becomes TDM_REASON_RECOVERY. TDM_E_STATE for a rejected digest. */
TDM_MUST_USE int tdm_boot_begin_in_place(struct tdm_record_log *log, uint8_t bank,
                                         const uint8_t image_digest[TDM_SHA256_BYTES]);

/* True if the image was rejected on this device (R6). */
bool tdm_boot_is_rejected(const struct tdm_record_log *log, const uint8_t image_digest[TDM_SHA256_BYTES]);

#endif
