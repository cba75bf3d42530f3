/* A device with its flash, a clock and a line to a co-processor: what the tests of core/mcu/ run on. */
#ifndef TESTS_CORE_MCU_FIXTURE_H
#define TESTS_CORE_MCU_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tandem/plain.h"
#include "tandem/resume.h"
#include "tandem/stream.h"
#include "tests/core/mcu/ncp_stub.h"
#include "tests/core/mcu/package_builder.h"
#include "tests/support/ram_flash.h"

#define FLASH_BASE  0x08000000u
#define ERASE_BYTES 1024u
#define BANK_BYTES  0x3000u
#define BANK_A      (FLASH_BASE + 0x1000)
#define BANK_B      (BANK_A + BANK_BYTES)

enum { NO_ANSWER = -1000, RESUMED = -1001 };

enum { CHUNK_BYTES = 512, CHUNK_MAX = 1024 }; /* what is asked for; what a test may have it ask for */

struct fixture {
    struct ram_flash ram;
    struct tdm_layout layout;
    struct tdm_key_set keys;
    struct tdm_mcu_config config;
    struct tdm_mcu mcu;
    struct ncp_stub ncp;
    struct package running; /* in bank A */
    struct package package; /* to be offered */
    struct package_options options;
    uint32_t now_ms;
    uint32_t baud; /* of the MCU's UART */

    /* What the operations answer. */
    int battery;
    bool moment;
    int prepare;
    bool only_newer;
    bool unhealthy;
    int check_image;

    /* What happened. */
    uint32_t events[32]; /* by kind */
    uint8_t ended_reason;
    uint8_t rejected_reason;
    uint32_t done, total;
    uint32_t resets;
    enum tdm_reset_cause reset_cause;
    uint32_t ncp_resets;
    uint32_t feeds;
    uint32_t views;             /* check_image was asked about what is not in flash yet, */
    uint8_t vectors[8];         /* which starts with this */
    uint32_t longest_erase_run; /* erases within one poll */

    uint32_t lost_until_ms; /* until then, all that the MCU sends is lost */

    uint8_t rx[CHUNK_MAX + TDM_MCU_CHUNK_OVERHEAD];
    uint8_t chunk[CHUNK_MAX];
    union tdm_mcu_work work;
    struct tdm_mcu_offer offer;
};

/* Bank A holds the running image, confirmed; program_bytes is that of the flash. The clock wraps 3 s later.
 */
void fixture_init(struct fixture *f, uint32_t program_bytes, bool program_once);

/* The running image is on trial in bank A instead. */
void fixture_set_trial(struct fixture *f);

/* Starts the client, after the test has changed what it likes. */
void fixture_start(struct fixture *f);

/* Builds f->package from f->options and tells the co-processor its digests. */
void fixture_build(struct fixture *f);

/* Lets ms pass. */
void fixture_run(struct fixture *f, uint32_t ms);

/* Starts the client and waits until the link is up and quiet. */
void fixture_bring_up(struct fixture *f);

/* Calls the MCU and waits up to limit_ms: the Bool of the answer, minus its status, NO_ANSWER, or RESUMED
 * where it called otaUpdateResume instead. */
int fixture_call(struct fixture *f, uint16_t uid, const uint8_t *args, size_t bytes, uint32_t limit_ms);

/* The calls of an update; chunks are cut from f->package, and f->ncp.chunk is their size. */
int fixture_offer(struct fixture *f, const char *type, const char *version);
int fixture_offer_package(struct fixture *f);
bool fixture_await_start(struct fixture *f);
int fixture_write(struct fixture *f, uint32_t offset, uint32_t bytes);
int fixture_write_raw(struct fixture *f, uint32_t offset, const uint8_t *data, uint32_t bytes, uint32_t crc);
/* Sends the chunk without waiting for its answer; returns the call's id. */
uint16_t fixture_send_chunk(struct fixture *f, uint32_t offset, uint32_t bytes);
/* Chunks from offset on, or from where the MCU resumes; stops at the first that is not answered with true,
 * and returns its offset. */
uint32_t fixture_transfer(struct fixture *f, uint32_t offset);
int fixture_finish(struct fixture *f);
int fixture_cancel(struct fixture *f);

/* Brings the link up and has an offer accepted and the transfer started; writes all up to offset (a multiple
 * of the chunk) too. */
void fixture_accept(struct fixture *f);
void fixture_transfer_to(struct fixture *f, uint32_t offset);

/* The update has ended for reason, and the running image is what it was. */
void fixture_assert_ended(struct fixture *f, uint8_t reason);

/* The last deviceReport: its event, 0 if there was none; *reason gets the reason. */
uint8_t fixture_last_report(const struct fixture *f, uint8_t *reason);

/* Power comes back, or the processor is reset: RAM is lost, flash stays. The co-processor starts anew, too.
 */
void fixture_power_up(struct fixture *f);

/* What bank B must hold: the image relocated to it, and nothing between that and the table. */
bool fixture_bank_b_holds_package(struct fixture *f);

#endif
