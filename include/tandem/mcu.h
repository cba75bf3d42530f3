/* The primary MCU's update client: the life of its link to the co-processor, the update dialogue, self-tests
 * and confirmation (docs/PROTOCOL.md, sections 3 to 5; docs/BOOT.md).
 *
 * It does no I/O: bytes from the UART go in through tdm_mcu_receive, bytes for the UART come out through
 * tdm_mcu_pull, time comes with every call, and all other effects go through one table of operations. One
 * loop of the application drives it:
 *
 *     tdm_mcu_receive(&mcu, bytes, count, now);       what the UART received
 *     wait = tdm_mcu_poll(&mcu, now);                 does the work; says when it wants to be called again
 *     count = tdm_mcu_pull(&mcu, bytes, room);        what the UART is to send
 *
 * All functions of one client are called from one context, never from an interrupt.
 *
 * Limits, each with an end: an accepted update waits patience_ms for its moment; otaUpdateStart is asked five
 * times; a chunk may take 30 s (six sends of 5 s), so erasing a bank and checking a signature together must
 * take less; a minute without a good chunk ends the update; verifying a bank after otaUpdateFinish must take
 * less than 3 s.
 *
 * A transfer that is cut off starts over, or goes on where the flash ends (tandem/resume.h). */
#ifndef TANDEM_MCU_H
#define TANDEM_MCU_H

#include "tandem/boot.h"
#include "tandem/digest.h"
#include "tandem/package.h"
#include "tandem/relocate.h"
#include "tandem/station.h"

/* --- What the application gives --- */

struct tdm_mcu;

/* Bytes that tdm_mcu_config.chunk_bytes adds to the payload of the largest frame, its CRC included. */
#define TDM_MCU_CHUNK_OVERHEAD 17

/* Room for the largest offer: texts of 64 bytes and a file name. */
#define TDM_MCU_RX_BYTES_MIN 400

enum tdm_mcu_event_kind {
    TDM_MCU_LINK_UP = 1,     /* initialize was answered with true */
    TDM_MCU_LINK_DOWN,       /* the co-processor is gone or restarts; bring-up begins anew */
    TDM_MCU_NCP_STATE,       /* value: enum tdm_state */
    TDM_MCU_NCP_EVENT,       /* value: enum tdm_event */
    TDM_MCU_VPIN,            /* vpin, data, bytes: a virtual pin was written */
    TDM_MCU_UPDATE_OFFERED,  /* an offer was accepted; done 0 of total */
    TDM_MCU_UPDATE_PROGRESS, /* done of total bytes of the file are in flash */
    TDM_MCU_UPDATE_READY,    /* all is verified; the processor is about to reset into it */
    TDM_MCU_UPDATE_ENDED,    /* refused, failed or cancelled; value: enum tdm_reason */
    TDM_MCU_SELF_TEST,       /* text: name of a self-test; value: 1 passed, 0 failed, or out of time */
    TDM_MCU_CONFIRMED,       /* the running image is confirmed */
    TDM_MCU_REJECTED         /* the running image is rejected; value: enum tdm_reason; a reset follows */
};

struct tdm_mcu_event {
    enum tdm_mcu_event_kind kind;
    uint8_t value;
    uint16_t vpin;
    const uint8_t *data; /* valid during the call only */
    uint16_t bytes;
    const char *text;
    uint32_t done; /* of the newest update, with every event */
    uint32_t total;
};

/* Effects. Slots marked optional may be NULL. None may call back into the client. */
struct tdm_mcu_ops {
    /* Sets the UART's rate, which may be the one it has, once everything given to it is on the wire; may
     * block that long. */
    void (*set_baud)(void *ctx, uint32_t baud);

    /* True once everything pulled is on the wire. Optional: 100 ms are waited instead. */
    bool (*drained)(void *ctx);

    /* Resets the processor so that the bootloader sees cause. Where it returns (tests, simulators) the
     * client does nothing any more. */
    void (*reset)(void *ctx, enum tdm_reset_cause cause);

    /* Called once per tdm_mcu_poll, and within it per erase unit and per 4 KiB hashed; never while the
     * product is not healthy. The application need not feed the watchdog anywhere else, and should not. Its
     * period must exceed one signature check. */
    void (*feed_watchdog)(void *ctx);

    /* Does the product's own work go on: did each of its tasks and loops turn within its own period? Asked
     * once per tdm_mcu_poll. While it is false nothing feeds the watchdog, not an update either, so a main
     * loop that spins without doing its work ends in a reset, and during a trial in a rollback. Optional: it
     * does. */
    bool (*healthy)(void *ctx);

    /* tdm_boot_config's check_image: is this a startable image? Optional. */
    int (*check_image)(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                       uint32_t address);

    /* Asked before otaUpdateStart, again and again while it is false, for patience_ms at most: does now suit
     * the product? Optional: always. */
    bool (*good_moment)(void *ctx);

    /* Percent, or -1 if not known (then it is no obstacle). Optional: not known. */
    int (*battery_percent)(void *ctx);

    /* Last step before otaUpdateStart: stop motors, free memory, ... TDM_OK: ready; TDM_E_BUSY: ask again;
     * anything else ends the update. After TDM_OK an end of the update is told by TDM_MCU_UPDATE_ENDED.
     * Optional: ready. */
    int (*prepare)(void *ctx);

    /* May this version be installed over the running one? "Only newer" is
     * tdm_version_compare(version, running) > 0. Optional: any version may. */
    bool (*version_allowed)(void *ctx, const char *version);

    /* Pulses the co-processor's reset line; called when it answers at no rate. Optional. */
    void (*reset_ncp)(void *ctx);

    /* Tells the application what happened. Optional. */
    void (*event)(void *ctx, const struct tdm_mcu_event *event);
};

/* A self-test of the new firmware, run during its trial, one after the other in the order given. run is
 * called from tdm_mcu_poll again and again until it decides: 1 passed, 0 still running, negative: failed. */
struct tdm_self_test {
    const char *name;
    int (*run)(void *ctx);
    uint32_t deadline_ms; /* from its first call */
};

/* All of them, as tdm_mcu_config wants them: static const struct tdm_self_tests all = TDM_SELF_TESTS(list);
 * where list is an array. What runs them is linked with that. */
struct tdm_self_tests {
    void (*begin)(struct tdm_mcu *mcu);
    uint32_t (*poll)(struct tdm_mcu *mcu);
    const struct tdm_self_test *list;
    uint16_t count;
};

#define TDM_SELF_TESTS(list)                                                                                 \
    {                                                                                                        \
        tdm_self_tests_begin, tdm_self_tests_poll, (list), sizeof(list) / sizeof(list)[0]                    \
    }
void tdm_self_tests_begin(struct tdm_mcu *mcu);
uint32_t tdm_self_tests_poll(struct tdm_mcu *mcu);

/* Order of versions as semver.org has it: negative, 0 or positive. Missing numbers count as 0, a pre-release
 * stands before its release, "+build" does not count, numbers have any length; what is no version is ordered
 * as text. */
int tdm_version_compare(const char *a, const char *b);

/* Memory for what is never needed at the same time, all of it private: 1 KiB. */
union tdm_mcu_work {
    /* A package's front, until its header is in the bank; and where a stored header is read. */
    uint8_t front[TDM_PACKAGE_FRONT_MAX];
    struct {                            /* then */
        struct tdm_hash sha256;         /* of the file as received */
        struct tdm_relocations sites;   /* to come */
        uint8_t carry[TDM_PROGRAM_MAX]; /* start of a program unit that a chunk split */
    } writing;
    uint8_t failed[TDM_SHA256_BYTES]; /* at last: digest of the image that failed, for its report */
};

/* Everything stays the caller's and in place for the client's life. What is small, or asked for often, stands
 * first, here and below: a Cortex-M0 reaches bytes up to 31 and words up to 124 with one instruction. */
struct tdm_mcu_config {
    uint8_t running_bank;        /* the bank this code executes from, as the port says (R1) */
    uint8_t attempts;            /* trial boots per image, 1 or more */
    uint8_t battery_min_percent; /* below it an accepted update waits */
    bool confirm_needs_cloud;    /* trial: the link is up only in TDM_STATE_CONNECTED */
    uint8_t role_decodes;        /* with a role: what the bootloader decodes, bits of enum tdm_decodes */
    uint16_t chunk_bytes;        /* largest chunk to ask for: 64 or more */

    const struct tdm_mcu_ops *ops;
    void *ctx; /* for ops and self_tests */
    const struct tdm_flash *flash;
    const struct tdm_layout *layout;

    union tdm_mcu_work *work;
    uint8_t *chunk; /* chunk_bytes: a chunk waits here while its flash is erased and programmed */
    uint8_t *rx;    /* chunk_bytes + TDM_MCU_CHUNK_OVERHEAD or more; TDM_MCU_RX_BYTES_MIN at least */
    size_t rx_bytes;

    /* Who this is: what setFirmwareInfo and initialize say. The firmware tag must say the same. */
    const char *type;
    const char *version;
    const char *build;
    const char *library;
    const char *hardware;
    const char *template_id;
    const char *template_name;

    const struct tdm_mcu_role *role; /* NULL: updates go to the other bank; tandem/hand_over.h: one bank */
    const struct tdm_mcu_decoder *decoder; /* for encoded packages: tandem/decode.h; NULL: they are refused */
    struct tdm_mcu_decoding *decoding;     /* its memory */
    const struct tdm_mcu_resume *resume;   /* for transfers that were cut off: tandem/resume.h; NULL: they
                                              start over */
    const struct tdm_mcu_stream *stream;   /* NULL: each chunk waits for the flash; else: tandem/stream.h */
    const struct tdm_mcu_plain *plain;     /* NULL: packages only; others: tandem/plain.h */
    struct tdm_mcu_offer *offer;           /* its memory */
    struct tdm_trust trust;                /* revoked_keys is taken from the record */

    const struct tdm_self_tests *self_tests; /* NULL: reaching the co-processor is the only one */
    uint32_t initial_baud;                   /* rate that the co-processor starts at; 0: 38400 */
    uint32_t target_baud;                    /* rate to work at; 0: stay at the initial rate */
    uint32_t link_deadline_ms;               /* trial: how long the link may take to come up; 0: 2 min */
    uint32_t patience_ms;                    /* how long an accepted update waits for its moment; 0: 5 min */
    enum tdm_reset_cause reset_cause;        /* why the processor started, */
    uint32_t boots; /* and how often since it had power, this one too; 0: not known. Told to the cloud */
};

/* --- The client. Fields are private; a struct per file of core/mcu/. --- */

/* link_up.c */
struct tdm_mcu_link {
    bool up;           /* initialize was answered with true */
    uint8_t state;     /* enum link_state */
    uint8_t tries;     /* failures in a row in this state */
    uint8_t peer;      /* mask of enum tdm__extension: what the co-processor knows */
    uint8_t count;     /* of rounds over all rates, of refusals, of the extensions asked for */
    uint8_t ncp_state; /* enum tdm_state */
    bool raised;       /* raising the rate was tried: work at the rate that answers */
    uint8_t rate;      /* index into the rates to try */
    uint32_t wake_ms;  /* nothing is sent before */
    uint32_t sent_ms;  /* when bytes last went out */
};

/* report.c */
struct tdm_mcu_report {
    uint8_t waiting;  /* mask of enum tdm__report_event: to send */
    uint8_t sending;  /* the one in flight, 0 for none */
    uint8_t reason;   /* of the failed update */
    bool about_known; /* work.failed is its image's digest */
};

/* install.c */
struct tdm_mcu_install {
    uint8_t bank;
    uint8_t carried; /* bytes in work.writing.carry */
    bool stored;     /* the header is in the bank, and no more in work.front */
    bool decodes;    /* the decoder was started */
    bool keep;       /* the bank holds this very image already: nothing is erased or programmed (R10) */
    bool resumes;    /* the bank holds the image's start: the transfer goes on behind it (R2) */
    uint32_t taken;  /* bytes of table and payload taken from the stream */
    uint32_t placed; /* bytes of the part under way given to flash */
    uint32_t table_bytes;
    uint32_t image_bytes;
    uint32_t delta; /* bank address - link address */
    struct tdm_bank_map map;
    uint32_t erased;    /* bytes erased, the header area first */
    uint32_t erase_end; /* of so many */
    uint32_t fresh;     /* resuming: from here on a page is erased before it is programmed; 0: none is */
};

/* update.c */
struct tdm_mcu_update {
    uint8_t state;  /* enum update_state */
    uint8_t answer; /* enum answer */
    uint8_t tries;
    uint8_t window;     /* chunks in flight, as agreed last */
    uint16_t answer_id; /* call of the co-processor's that waits for its answer */
    bool anew;          /* resuming failed: the whole file */
    uint32_t wake_ms;   /* nothing is to be done before */
};

/* A chunk that was taken, so that it is known when it comes again (R11). */
struct tdm_mcu_taken {
    uint32_t offset;
    uint32_t crc32;
    uint32_t bytes; /* 0: none */
};

/* update_chunk.c: the file that comes, or came last */
struct tdm_mcu_file {
    uint16_t chunk_bytes; /* in the chunk buffer, 0: none */
    uint16_t chunk_used;
    uint32_t bytes;
    uint32_t offset;               /* bytes that are done */
    uint32_t crc32;                /* of what was received */
    uint32_t since_ms;             /* of the offer; later of the last good chunk */
    uint32_t settled_ms;           /* when the last transfer ended, or the client started (R10) */
    struct tdm_mcu_taken taken[2]; /* the last chunk, and the one before */
};

/* health.c */
struct tdm_mcu_health {
    uint8_t state; /* enum health_state */
    uint8_t tries;
    bool told;     /* that the trial waits for the cloud */
    uint16_t test; /* that runs */
    uint32_t deadline_ms;
};

struct tdm_mcu {
    const struct tdm_mcu_config *config;
    uint32_t now_ms;    /* as the application said last */
    bool running_known; /* the running bank's header verified */
    bool healthy;       /* the product said so in this poll */
    bool leaving;       /* a reset follows once what waits to be sent is out */
    bool dead;          /* reset was called */
    struct tdm_mcu_update update;
    struct tdm_mcu_link link;
    uint16_t held_s;  /* what is left of a hold by the application */
    uint16_t serving; /* message id of the call that is served */
    uint8_t leave_cause;
    uint32_t held_ms; /* when that is a second less */
    uint32_t leave_ms;
    struct tdm_mcu_file file;
    uint32_t heard_ms; /* when the co-processor last called or answered */
    struct tdm_mcu_report report;
    struct {
        struct tdm_request link, update;
    } calls;
    struct tdm_front front;
    struct tdm_mcu_install install;
    struct tdm_station station;
    const struct tdm_mcu_hold_ops *hold; /* NULL: there was none */
    struct tdm_mcu_health health;
    struct tdm_record_log log;
    uint8_t running_digest[TDM_SHA256_BYTES];
};

/* Is the configuration one that the client can work with? TDM_OK, or TDM_E_ARGUMENT: a slot, text, buffer or
 * limit is missing or too small. Nothing else looks: a product asks in its tests, or before tdm_mcu_init. */
TDM_MUST_USE int tdm_mcu_check(const struct tdm_mcu_config *config);

/* Loads the boot record, reads the running image's header and starts the link. Takes one signature check. A
 * missing record or header is no error: the client then runs without taking updates. */
void tdm_mcu_init(struct tdm_mcu *mcu, const struct tdm_mcu_config *config, uint32_t now_ms);

/* Takes bytes from the UART, in pieces of any size. Programs a chunk where the next one is already here. */
void tdm_mcu_receive(struct tdm_mcu *mcu, const uint8_t *bytes, size_t count, uint32_t now_ms);

/* Does one step of what is due: at most one flash erase, one chunk of programming, one self-test call or one
 * verification of a bank. Returns the milliseconds until it is to be called again if no byte arrives, 0 when
 * there is more to do at once. */
uint32_t tdm_mcu_poll(struct tdm_mcu *mcu, uint32_t now_ms);

/* Writes up to capacity bytes for the UART to out and returns how many; 0 when nothing waits. */
TDM_MUST_USE size_t tdm_mcu_pull(struct tdm_mcu *mcu, uint8_t *out, size_t capacity, uint32_t now_ms);

/* The station, for calls of the application's own (with struct tdm_request of its own). */
struct tdm_station *tdm_mcu_station(struct tdm_mcu *mcu);

/* A virtual pin's value on its way. The caller owns it, and zeroes it before its first use. Private. */
struct tdm_mcu_pin {
    struct tdm_request request;
    uint16_t vpin;
    const char *value;
};

/* True until the value is out: it and its text must stay in place and unchanged so long. */
static inline bool tdm_mcu_pin_waits(const struct tdm_mcu_pin *pin)
{
    return pin->request.state != TDM_REQUEST_IDLE;
}

/* Sends the value. TDM_OK, TDM_E_STATE while the link is down, TDM_E_BUSY while the last one of pin waits. */
TDM_MUST_USE int tdm_mcu_virtual_write(struct tdm_mcu *mcu, struct tdm_mcu_pin *pin, uint16_t vpin,
                                       const char *value, uint32_t now_ms);

/* Maintenance hold: for so many seconds, 18 hours at most, no update starts, and one under way pauses; 0 ends
 * it. An accepted update that waits does not run out of patience meanwhile. The co-processor is told, also
 * after it restarted (otaUpdateSuspend); a reset of this processor forgets the hold.
 * TDM_OK, TDM_E_ARGUMENT (more than TDM_MCU_HOLD_MAX_S). */
#define TDM_MCU_HOLD_MAX_S (18u * 3600u)
TDM_MUST_USE int tdm_mcu_hold(struct tdm_mcu *mcu, uint32_t seconds, uint32_t now_ms);

/* True between initialize and the loss of the co-processor. */
bool tdm_mcu_is_up(const struct tdm_mcu *mcu);

/* True while the running image is on trial. */
bool tdm_mcu_on_trial(const struct tdm_mcu *mcu);

/* True from an accepted offer to its end. */
bool tdm_mcu_is_updating(const struct tdm_mcu *mcu);

#endif
