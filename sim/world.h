/* The world of one case: a device that runs the real core/ (bootloader's choice, update client) on simulated
 * flash, a co-processor that runs the real core/ncp, the line between them, the operator behind the
 * co-processor, and the clock. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <setjmp.h>

#include "sim/judge.h"
#include "sim/line.h"
#include "tandem/decode.h"
#include "tandem/fetch_decode.h"
#include "tandem/mcu.h"
#include "tandem/ncp.h"
#include "tandem/plain.h"

#define SIM_CUTS_MAX    2
#define SIM_CHUNK_BYTES 256
#define SIM_UART_BYTES  2048 /* of its driver */

/* Who ships: offers one firmware after the other, each until it runs or has failed often enough. */
struct sim_operator {
    uint8_t item;      /* the firmware under way */
    unsigned failures; /* of it */
    bool installed;    /* the co-processor said so, and the device has not shown up since */
    bool tricked;      /* the scenario's trick was played */
    uint32_t quiet_ms; /* nothing has happened since */
    uint32_t back_ms;  /* the network is down until then */
    bool cut_off;      /* from it */
    bool all_sent;     /* the last chunk was taken */
    bool offered;      /* the firmware under way was, once */
    unsigned refusals; /* of a prefetch */
    unsigned rests;    /* restarts with nothing left to ship */
};

/* What a case came to. */
struct sim_outcome {
    bool guilty;
    char verdict[160];
    unsigned cuts;            /* that happened */
    unsigned boots;           /* all */
    unsigned boots_after_cut; /* most boots between a cut and the end of the trial or repair it led to */
    uint32_t operations;      /* of the flash, since the last cut */
    uint32_t frames;          /* on the line, both ways, since the last cut */
    uint32_t virtual_ms;
};

/* What an operation of the flash works on. */
enum sim_place { SIM_RECORD_0, SIM_RECORD_1, SIM_BANK_A, SIM_BANK_B, SIM_PLACES };

#define SIM_OPERATIONS_MAX 4096 /* whose places are kept */

/* A line for people: what happened at_ms after the beginning. */
typedef void sim_note_fn(void *ctx, uint32_t at_ms, const char *line);

struct sim_world {
    sim_note_fn *note; /* optional; set it after sim_world_open */
    void *note_ctx;
    const struct sim_scenario *scenario;
    const struct sim_layout *layout;
    struct sim_firmware firmware[SIM_FIRMWARES];
    struct tdm_key_set keys;
    tdm_verify_fn *verify;
    struct sim_flash factory; /* how each case begins */
    struct sim_flash flash;
    struct sim_line to_ncp;
    struct sim_line to_mcu;
    struct sim_judge judge;
    struct sim_operator ships;
    uint32_t now_ms;
    uint32_t born_ms;
    bool silent; /* the line is dead ... */
    uint32_t silent_until_ms;

    /* The case. */
    struct sim_cut cut[SIM_CUTS_MAX];
    unsigned cuts;
    unsigned cuts_done;
    uint32_t frames; /* since the last cut */
    unsigned boots;
    unsigned boots_since_cut;
    unsigned boots_after_cut;
    bool loss_done;
    unsigned whole_starts; /* since the last cut */
    bool over;

    uint8_t place[SIM_OPERATIONS_MAX]; /* enum sim_place of the operations that were not cut */
    uint32_t places;

    /* The device. */
    enum tdm_reset_cause cause; /* of the next start */
    bool reset;
    uint8_t bank;    /* that runs; TDM_NO_BANK: the bootloader fetches */
    uint8_t intact;  /* while it does: the bank that could start, or TDM_NO_BANK */
    uint8_t running; /* firmware in bank, SIM_NONE while the bootloader fetches */
    bool trial;
    uint32_t self_test_ends_ms;
    bool fed;  /* bytes came in since it was polled */
    bool deaf; /* flash was written since it took bytes from its UART */
    struct tdm_mcu mcu;
    struct tdm_mcu_config config;
    struct tdm_mcu_decoding decoding;
    uint8_t boot_buffer[TDM_PACKAGE_FRONT_MAX];
    uint8_t rx[512];
    uint8_t chunk[SIM_CHUNK_BYTES];
    union tdm_mcu_work work;
    struct tdm_mcu_offer offer;

    /* Its bootloader, where that fetches. */
    struct tdm_fetch fetch;
    struct tdm_fetch_product fetch_product;
    struct tdm_fetch_decoding fetch_decoding;
    jmp_buf *fetch_end;
    uint8_t uart[SIM_UART_BYTES]; /* received, not read yet */
    unsigned uart_first;
    unsigned uart_count;
    uint8_t sent[SIM_PIECE_BYTES]; /* of the frame under way */
    unsigned sent_count;

    /* The co-processor. */
    struct tdm_ncp ncp;
    struct tdm_ncp_config ncp_config;
    bool online;
    bool stalls;     /* none of its calls about the update arrives */
    bool streams_on; /* it sends chunks behind the end, and nothing else */
    uint32_t next_chunk_ms;
};

/* Builds the scenario's firmware and the flash as the factory leaves it. False: out of memory, or the layout
 * is too small. */
bool sim_world_open(struct sim_world *world, const struct sim_scenario *scenario,
                    const struct sim_layout *layout);
/* The same with images that are not made up: the factory's, and that of the one that is shipped (the scenario
 * has no more). They stay the caller's until this returns. */
bool sim_world_open_images(struct sim_world *world, const struct sim_scenario *scenario,
                           const struct sim_layout *layout, const struct sim_image images[2]);
void sim_world_close(struct sim_world *world);

/* Lives one case, from the factory to the end. The world is as new afterwards. */
void sim_world_run(struct sim_world *world, const struct sim_cut *cuts, unsigned count,
                   struct sim_outcome *outcome);

/* --- What the world's files owe each other --- */

void sim_world_note(const struct sim_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* True if the case has gone on for longer than any device needs; the judge knows. */
bool sim_world_is_late(struct sim_world *world);

/* The next cut is armed, a fault of the line just happened. */
void sim_world_fault_done(struct sim_world *world);

/* loss.c: loses what the scenario says, once it is time for it. After a power cut a loss waits for a whole
 * start: what the cut left unsettled, the bootloader settles first (docs/BOOT.md). */
void sim_lose_if_due(struct sim_world *world);

/* fault.c: bytes onto the line, frame by frame, with the fault that is due. */
void sim_fault_send(struct sim_world *world, struct sim_line *line, const uint8_t *bytes, size_t count);

/* A good chunk of the co-processor's that nobody asked for. */
void sim_fault_chunk(struct sim_world *world, uint32_t offset);

/* device.c: one start: the bootloader chooses, then it fetches or the application runs, until the next reset.
 */
void sim_device_start(struct sim_world *world);
void sim_device_reset(struct sim_world *world, enum tdm_reset_cause cause);

/* fetcher.c: the bootloader as it fetches. Prepares it; true if it is wanted. */
bool sim_fetcher_start(struct sim_world *world, const struct tdm_boot_choice *choice);
/* Until the next reset. */
void sim_fetcher_run(struct sim_world *world);
void sim_fetcher_receive(struct sim_world *world, const uint8_t *bytes, size_t count);

/* device.c: how far the transfer is in the file; is one under way? */
uint32_t sim_device_offset(const struct sim_world *world);
bool sim_device_is_updating(const struct sim_world *world);

/* client.c: the update client, in the application. */
void sim_client_start(struct sim_world *world);
void sim_client_receive(struct sim_world *world, const uint8_t *bytes, size_t count);
/* One turn of its main loop, and of the co-processor's and the line's; returns the wait until the next. */
uint32_t sim_client_turn(struct sim_world *world);
/* The hooks of the port that bootloader and client share. */
int sim_client_check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                           uint32_t address);
void sim_client_no_watchdog(void *ctx);
enum sim_behaviour sim_client_behaviour(const struct sim_world *world);

/* operator.c: the device showed up, with what was shipped last (runs_it) or without; what is due is shipped.
 */
void sim_operator_sees(struct sim_world *world, bool runs_it, bool started);
void sim_operator_poll(struct sim_world *world);

/* trick.c: what goes wrong with co-processor, line and operator, as the scenario has it. */
bool sim_trick_aborts(enum sim_trick trick);
/* The day of aborts is not over. */
bool sim_trick_lasts(const struct sim_world *world);
/* It is time for the operator to offer the next firmware although the one before is under way. */
bool sim_trick_offers_newer(const struct sim_world *world);
/* The co-processor can't read its file here; what it reads instead of it. */
bool sim_trick_fails_read(struct sim_world *world, uint32_t id, uint32_t offset, uint32_t bytes);
void sim_trick_falsify(struct sim_world *world, uint32_t id, uint32_t offset, uint8_t *data, size_t bytes);
/* The transfer went on; time did. */
void sim_trick_progress(struct sim_world *world, const struct tdm_ncp_progress *progress);
void sim_trick_poll(struct sim_world *world);
/* Chunk after chunk, in place of what the co-processor would send; returns the wait until the next. */
uint32_t sim_trick_stream(struct sim_world *world);

/* coprocessor.c: the co-processor. */
void sim_ncp_start(struct sim_world *world);
/* Runs it, and the operator; returns the milliseconds until there is more to do. */
uint32_t sim_ncp_poll(struct sim_world *world);

#endif
