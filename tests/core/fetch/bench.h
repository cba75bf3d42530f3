/* A bootloader that fetches, on the bench. It blocks, so the co-processor acts by itself: it offers the
 * package once it was initialised, sends chunk after chunk, and finishes; a test says where it does
 * otherwise. */
#ifndef TESTS_CORE_FETCH_BENCH_H
#define TESTS_CORE_FETCH_BENCH_H

#include "tandem/fetch.h"
#include "tests/core/mcu/fixture.h"

enum { LONG_MS = 60000, RETRY_MS = 300000 };

/* What the co-processor waits for. */
enum waits { FOR_NOTHING, FOR_OFFER, FOR_CHUNK, FOR_FINISH };

struct bench {
    struct tdm_fetch fetch;
    struct tdm_fetch_product product; /* what the bootloader is built as, and for */
    uint8_t front[TDM_PACKAGE_FRONT_MAX];
    jmp_buf end;
    uint32_t end_ms;
    bool was_reset;
    size_t arrived; /* bytes of the co-processor's output that were read */

    struct ncp_stub ncp; /* the co-processor as it starts */

    unsigned offers;   /* to be made */
    bool keeps_offer;  /* that the application took, and waits for otaUpdateStart */
    const char *build; /* of the offer */
    enum waits waits;
    uint16_t call_id;
    uint16_t chunk;
    uint32_t at; /* offset of the chunk under way */
    unsigned starts;
    unsigned refusals; /* of chunks and of otaUpdateFinish */
    unsigned resets;
    unsigned receives;                   /* calls of the port's receive */
    void (*on_start)(struct fixture *f); /* otaUpdateStart was called; starts says how often */
    void (*on_chunk)(struct fixture *f); /* a chunk is about to be sent */
    void (*on_refusal)(struct fixture *f);
    void (*on_idle)(struct fixture *f); /* the co-processor has nothing to do yet, or no more */
};

extern struct fixture fixture;
extern struct bench bench;

/* The bootloader's choices: an image that could start; none, and so recovery. */
extern const struct tdm_boot_choice bench_intact;
extern const struct tdm_boot_choice bench_nothing;

/* One bank with an image; the flash is of these units. A package waits to be offered once. */
void bench_start_in(struct fixture *f, uint32_t program_bytes, bool program_once);
/* The application has handed over. */
void bench_start_with_image(struct fixture *f);
void bench_start_without_image(struct fixture *f);

/* The application hands over; one that was put on trial, because the record calls no bank active any more,
 * confirms before. */
void bench_hand_over(struct fixture *f);

/* Starts the bootloader: true if it ends in a reset within so many milliseconds. RAM is lost before. */
bool bench_runs_for(struct fixture *f, uint32_t ms, const struct tdm_boot_choice *choice);
/* How often the bootloader checks in while it runs so long with no image. */
size_t bench_check_ins(struct fixture *f, uint32_t ms);

/* The co-processor makes its offer. */
void bench_offer(struct fixture *f);
/* The co-processor sends the chunk at bench.at, and goes on by itself. */
void bench_send_chunk(struct fixture *f);

struct tdm_record bench_record(struct fixture *f);
bool bench_holds_package(const struct fixture *f);
/* The bank but for its last bytes is as it was when the test began. */
void bench_assert_untouched_but(struct fixture *f, uint32_t bytes);
void bench_assert_untouched(struct fixture *f);
/* The package is in the bank, and the record has it tried next. */
void bench_assert_pending(struct fixture *f);

size_t bench_put_u32(uint8_t *to, uint32_t value);
int bench_any_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                    uint32_t address);

#endif
