/* What the files of core/mcu/ owe each other. Each works on the whole client and owns the struct of
 * include/tandem/mcu.h that bears its name. */
#ifndef CORE_MCU_CLIENT_H
#define CORE_MCU_CLIENT_H

#include "tandem/mcu.h"

#define TDM__NEVER UINT32_MAX /* no need to be polled before something else happens */

/* What a step of an update returns: 0, or why the update ends, a tdm_reason or an error (negative). Where it
 * says so, also this. */
enum { TDM__MORE = 0x100 };

/* --- mcu.c --- */

/* The clock wraps: a time counts as past up to half of its range. */
static inline bool tdm__is_past(const struct tdm_mcu *mcu, uint32_t when_ms)
{
    return mcu->now_ms - when_ms <= INT32_MAX;
}

/* Milliseconds until when, 0 if it is past. */
uint32_t tdm__time_left(const struct tdm_mcu *mcu, uint32_t when_ms);

static inline uint32_t tdm__sooner(uint32_t a_ms, uint32_t b_ms)
{
    return a_ms < b_ms ? a_ms : b_ms;
}

/* Tells the application; adds how far the update is. */
void tdm__emit(const struct tdm_mcu *mcu, struct tdm_mcu_event *event);
void tdm__emit_value(const struct tdm_mcu *mcu, enum tdm_mcu_event_kind kind, uint8_t value);

/* A call that was answered, and with true; a Bool is its only result. */
bool tdm__is_yes(int error, struct tdm_reader *results);

/* Makes a call, whose time runs from now on; its question's functions get the client. Returns 0: what waits
 * to be sent goes out before anything else is done. */
uint32_t tdm__ask(struct tdm_mcu *mcu, struct tdm_request *call, const struct tdm_question *question);
/* Its answer is not wanted any more. */
void tdm__drop(struct tdm_mcu *mcu, struct tdm_request *call);

static inline bool tdm__is_asked(const struct tdm_request *call)
{
    return call->state != TDM_REQUEST_IDLE;
}

/* Feeds the watchdog, unless the product is not healthy. mcu is a struct tdm_mcu. */
void tdm__feed(void *mcu);

/* Resets the processor once what waits to be sent is out, 100 ms from now at the latest. */
void tdm__leave(struct tdm_mcu *mcu, enum tdm_reset_cause cause);

/* What signatures are checked against now. */
struct tdm_trust tdm__trust(const struct tdm_mcu *mcu);

/* Reads the running image's header, with the work area; false if it does not verify. */
bool tdm__read_running(struct tdm_mcu *mcu, struct tdm_manifest *manifest);

/* --- link_up.c --- */

uint32_t tdm__link_poll(struct tdm_mcu *mcu);
/* The co-processor restarts: bring-up from the beginning. */
void tdm__link_lost(struct tdm_mcu *mcu);
/* The co-processor told its state. */
void tdm__link_state(struct tdm_mcu *mcu, uint8_t ncp_state);
/* What is asked in the life of a link that is up is not waited for any more: something else is to be told. */
void tdm__link_make_way(struct tdm_mcu *mcu);
/* The end of each call of the link's: as tdm_question's done. */
void tdm__link_answered(void *mcu, int error, struct tdm_reader *results);

/* Calls of docs/EXTENSIONS.md, in the order of their uids, in which they are asked for. */
enum tdm__extension { TDM__REPORTS, TDM__RESUMES, TDM__STARTS, TDM__WINDOW, TDM__FORMS, TDM__EXTENSIONS };

static inline bool tdm__peer_knows(const struct tdm_mcu *mcu, enum tdm__extension extension)
{
    return (mcu->link.peer >> extension & 1) != 0;
}

/* --- hand_over.c: what is different where there is no other bank; update.c asks --- */

struct tdm_mcu_role {
    /* Has the co-processor fetch the whole file; a reset follows. */
    const struct tdm_question *question;
};

/* --- plain.c: files that are no packages; update.c asks --- */

struct tdm_mcu_plain {
    /* An offer was accepted; the texts are valid during the call. */
    void (*offered)(struct tdm_mcu *mcu, const char *type, const char *version, const char *build);
    /* Is the first chunk, which is in its buffer, the start of a plain image? */
    bool (*is_plain)(const struct tdm_mcu *mcu);
    /* Has a head made for it, so that it is installed like a package. */
    const struct tdm_question *question;
};

/* The bank that an update goes to. */
uint8_t tdm__target_bank(const struct tdm_mcu *mcu);

/* --- report.c: what the co-processor is told --- */

/* In the order in which they go out. */
enum tdm__report_event {
    TDM__FAILED = 1 << 0,  /* tandem.deviceReport, as are STARTED, TRIAL and CONFIRMED */
    TDM__BOOTED = 1 << 1,  /* tandem.deviceStart */
    TDM__DECODES = 1 << 2, /* tandem.deviceDecodes */
    TDM__STARTED = 1 << 3,
    TDM__TRIAL = 1 << 4,
    TDM__CONFIRMED = 1 << 5,
    TDM__HELD = 1 << 6 /* otaUpdateSuspend */
};

/* events: a mask */
void tdm__report(struct tdm_mcu *mcu, uint8_t events);
/* The update failed, or an offer was refused. It is dropped before the work area changes. */
void tdm__report_failed(struct tdm_mcu *mcu, uint8_t reason);
/* The failure is not worth telling any more. */
void tdm__report_drop_failed(struct tdm_mcu *mcu);
void tdm__report_drop_all(struct tdm_mcu *mcu);
/* Is there something to tell, and the co-processor has a call for it? That is sent next. */
bool tdm__report_choose(struct tdm_mcu *mcu);
const struct tdm_question *tdm__report_question(const struct tdm_mcu *mcu);
/* True while a failure is not out. */
bool tdm__report_holds_answers(const struct tdm_mcu *mcu);

/* --- policy.c: each returns a reason to refuse, TDM_REASON_NONE if there is none --- */

/* From the offer alone, that of mcu->file; type and version may be "". */
uint8_t tdm__policy_offer(const struct tdm_mcu *mcu, const char *type, const char *version);
/* Why an accepted update has to wait. */
uint8_t tdm__policy_wait(const struct tdm_mcu *mcu);
/* From the package's verified front. */
uint8_t tdm__policy_package(const struct tdm_mcu *mcu, const struct tdm_manifest *manifest);

/* --- install.c: bytes into a bank; the package is that of mcu->front --- */

/* The package's manifest: from its front or, once it is there, from the bank; then the work area is used.
 * TDM_E_STATE where none has verified, and the errors of tdm_bank_peek. */
TDM_MUST_USE int tdm__install_manifest(struct tdm_mcu *mcu, struct tdm_manifest *manifest);
/* Works out where everything goes. Writes nothing. TDM_E_SIZE, TDM_E_LINK_ADDRESS. */
TDM_MUST_USE int tdm__install_plan(struct tdm_mcu *mcu, const struct tdm_manifest *manifest);
/* Records "erasing". Those of tdm_boot_begin. */
TDM_MUST_USE int tdm__install_begin(struct tdm_mcu *mcu, const struct tdm_manifest *manifest);
/* Erases one unit. TDM__MORE: there are more; TDM_E_FLASH_ERASE. */
TDM_MUST_USE int tdm__install_erase(struct tdm_mcu *mcu);
/* Records "receiving" and programs the header, unless it is there. From then on work.writing holds. */
TDM_MUST_USE int tdm__install_header(struct tdm_mcu *mcu);
/* Adds bytes of the file, those behind the front, to its digests. */
void tdm__install_hash(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes);
/* Takes the next bytes of table and image. TDM_E_RELOCATIONS, TDM_E_DIGEST, TDM_E_FLASH_PROGRAM,
 * TDM_E_FLASH_READ. */
TDM_MUST_USE int tdm__install_write(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes);
/* Verifies the bank as the bootloader will. Those of tdm_bank_verify and check_image. */
TDM_MUST_USE int tdm__install_verify(struct tdm_mcu *mcu);
/* Does the bank hold the header of this package? Is the whole table there, and the signed one?
 * TDM_E_RELOCATIONS, TDM_E_FLASH_READ. */
bool tdm__install_holds_header(const struct tdm_mcu *mcu);
TDM_MUST_USE int tdm__install_check_table(struct tdm_mcu *mcu, const struct tdm_manifest *manifest);
/* Takes the next bytes of the plain image. */
TDM_MUST_USE int tdm__install_place(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes);

/* --- decode.c: an encoded payload --- */

struct tdm_mcu_decoder {
    /* Can the package of mcu->front be decoded here? Writes nothing. TDM_E_BASE, and those of
     * tdm_bank_peek. */
    int (*plan)(struct tdm_mcu *mcu, const struct tdm_manifest *manifest);
    /* Takes payload bytes and installs what comes out, from install.placed on. TDM_E_PAYLOAD, those of
     * tdm__install_place. */
    int (*feed)(struct tdm_mcu *mcu, const uint8_t *data, uint32_t bytes);
};

static inline bool tdm__is_encoded(const struct tdm_mcu *mcu)
{
    return mcu->front.encoding != TDM_ENCODING_PLAIN;
}

/* --- resume.c: a transfer that was cut off goes on (docs/BOOT.md, R2); install.c and update.c ask --- */

struct tdm_mcu_resume {
    /* Can it? What is to be erased, and where to go on, is filled in then; or that all is there. Writes
     * nothing. */
    bool (*plan)(struct tdm_mcu *mcu, const struct tdm_manifest *manifest);
    /* That is erased: the digests of the file up to there, and on to RESUMING. TDM_E_RELOCATIONS,
     * TDM_E_FLASH_READ. */
    int (*enter)(struct tdm_mcu *mcu);
    /* Asks the co-processor to go on there. */
    const struct tdm_question *question;
    /* It goes on at this offset of the file; false where it can't. */
    bool (*go_on_at)(struct tdm_mcu *mcu, uint32_t offset);
    /* Flash from address to end is about to be programmed: erases a page that may be weak. */
    int (*reach)(struct tdm_mcu *mcu, uint32_t address, uint32_t end);
};

/* --- stream.c: the line does not wait for the flash; update.c asks --- */

struct tdm_mcu_stream {
    /* A step: asks how many chunks may be in flight. */
    int (*agree)(struct tdm_mcu *mcu);
    /* May the chunk in the buffer be answered although it is not in flash? */
    bool (*answers_early)(const struct tdm_mcu *mcu);
    /* More arrives: the chunk in the buffer, if any, goes to flash now. */
    void (*make_room)(struct tdm_mcu *mcu);
};

/* --- update.c: the dialogue --- */

uint32_t tdm__update_poll(struct tdm_mcu *mcu);
/* The co-processor is gone or started again. */
void tdm__update_link_lost(struct tdm_mcu *mcu);
/* The four calls of the co-processor: as tdm_station_serve_fn, the message id is mcu->serving. */
int tdm__serve_available(struct tdm_mcu *mcu, struct tdm_reader *args);
int tdm__serve_write(struct tdm_mcu *mcu, struct tdm_reader *args);
int tdm__serve_finish(struct tdm_mcu *mcu, struct tdm_reader *args);
int tdm__serve_cancel(struct tdm_mcu *mcu, struct tdm_reader *args);

/* --- hold.c: the maintenance hold, once there was one --- */

struct tdm_mcu_hold_ops {
    /* Once per poll. */
    void (*count)(struct tdm_mcu *mcu);
    /* Tells what is left. */
    struct tdm_question question;
};

/* --- health.c: the trial --- */

void tdm__health_start(struct tdm_mcu *mcu);
/* The self-tests passed; now it must reach the co-processor. */
void tdm__health_await_link(struct tdm_mcu *mcu);
/* A reset decides how it goes on. Returns 0, for poll. */
uint32_t tdm__health_end_trial(struct tdm_mcu *mcu, enum tdm_reset_cause cause);
uint32_t tdm__health_poll(struct tdm_mcu *mcu);

#endif
