/* A primary MCU made for tests of core/ncp.
 *
 * It is written against docs/PROTOCOL.md alone and shares no code with core/: frames, fields and checksums
 * are its own. It behaves as the field's driver does where that is a trap (section 9), and fails the test
 * when the co-processor breaks a rule: more bytes than were agreed, anything sent while an answer is awaited,
 * an empty frame, a short chunk in the middle. */
#ifndef TESTS_MCU_STUB_H
#define TESTS_MCU_STUB_H

#include <stdbool.h>
#include <stdint.h>

enum { STUB_FILE_MAX = 8192, STUB_LOG = 256, STUB_NEVER = 1000000 };

struct stub {
    /* How the MCU behaves; set by the test at any time. */
    bool mute; /* switched off: hears nothing, says nothing */
    bool refuse_offer;
    bool no_start; /* accepts, then never asks for chunks */
    bool rewrites; /* takes a repeated chunk as written; the field's driver does not */
    bool window;   /* a second chunk may come while the first is worked on; it waits */
    bool refuse_finish;
    int refuse_finishes; /* the next ones, and then no more */
    bool asks_digests;   /* nested calls while it handles otaUpdateFinish */
    int mute_writes;     /* neither take nor answer so many of the next chunks */
    int refuse_writes;   /* answer false to so many of the next chunks */
    int lose_answers;    /* the line loses so many of the next answers to chunks */
    int lose_finish_answers;
    uint32_t answer_ms; /* it takes so long to answer a call */
    uint16_t chunk;     /* what it asks for */

    /* What happened. */
    uint16_t uids[STUB_LOG]; /* calls that came, oldest first */
    int uid_count;
    uint8_t states[STUB_LOG];
    int state_count;
    uint8_t events[STUB_LOG];
    int event_count;
    uint8_t pin[512]; /* arguments of the last blynkVPinChange */
    int pin_bytes;
    int pin_count;
    uint8_t image[STUB_FILE_MAX]; /* what was written */
    uint32_t image_bytes;
    char offer_name[80], offer_type[80], offer_version[80], offer_build[80];
    uint32_t offer_size;
    int offer_bytes; /* of the call's payload */
    bool finished;
    uint8_t result[64]; /* of the last call of ours: status and results */
    int result_bytes;   /* -1: none came */
    uint32_t digest_crc32;
    uint8_t digest_sha256[32];
    uint8_t digest_md5[16];
    int resyncs; /* `01 END` outside of a frame */

    /* Its inside. */
    uint8_t frame[2048];
    int frame_bytes;
    bool in_frame, escaped;
    int noise; /* byte before this one, outside of a frame */
    uint16_t next_id, awaited_id;
    uint16_t lost_id;   /* of the call whose answer was lost last */
    uint8_t answer[64]; /* the answer that is being thought of */
    int answer_bytes;
    uint32_t answer_due;
    bool start_due;
    uint8_t waiting[1600]; /* the chunk that came while another one is worked on */
    int waiting_bytes;
    int most_in_flight;
    int nested; /* digest questions still to ask */
};

struct world;

/* The MCU calls; arguments are raw bytes. Runs until the answer came (result_bytes >= 0) or 200 ms are over.
 */
void stub_invoke(struct world *world, uint16_t uid, const void *args, int bytes);
/* The same for a ONEWAY, which has no answer. */
void stub_oneway(struct world *world, uint16_t uid, const void *args, int bytes);
/* setFirmwareInfo and initialize. */
void stub_initialize(struct world *world, const char *version);
/* The answer that was lost last arrives after all: true. */
void stub_late_answer(struct world *world);
/* deviceReport with this event and reason. */
void stub_report(struct world *world, uint8_t event, uint8_t reason);

/* Calls of a uid so far. */
int stub_count(const struct world *world, uint16_t uid);

/* For the world: a byte comes in (as with the field's driver, a BEG inside of a frame is data like any
 * other); one turn of its main loop. */
void stub_take_byte(struct world *world, uint8_t byte);
void stub_run(struct world *world);
uint32_t stub_crc32(const uint8_t *data, uint32_t bytes);

#endif
