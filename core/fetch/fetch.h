/* What the files of core/fetch/ owe each other. Where a function returns int, it is TDM_OK, a negative error,
 * or, above 0, a reason. */
#ifndef CORE_FETCH_FETCH_H
#define CORE_FETCH_FETCH_H

#include "tandem/fetch.h"
#include "tandem/rpc.h"

/* --- line.c: frames, calls of ours, waiting --- */

/* What came in, and is for whoever waits. */
enum tdm__heard {
    TDM__HEARD_NOTHING,
    TDM__HEARD_NEWS, /* an offer, or a cancel of what is under way: it was answered, and noted */
    TDM__HEARD_RESULT,
    TDM__HEARD_WRITE, /* otaUpdateWrite: chunk and data, */
    TDM__HEARD_FINISH /* otaUpdateFinish: call_id waits for its answer */
};

/* A call of ours. */
struct tdm__query {
    uint16_t uid;
    uint16_t timeout_ms;
    void (*put)(struct tdm_fetch *fetch); /* its arguments; NULL: none */
};

/* Asks, three times if need be. Returns the first byte of the results, 0 if there is none or the call failed;
 * TDM_E_TIMEOUT. A chunk that is awaited counts as the answer 1. */
int tdm__fetch_ask(struct tdm_fetch *fetch, const struct tdm__query *query);

/* Fields of what is sent. */
void tdm__fetch_put(struct tdm_fetch *fetch, uint32_t number, unsigned bytes);
void tdm__fetch_put_bytes(struct tdm_fetch *fetch, const uint8_t *data, size_t bytes);
void tdm__fetch_put_text(struct tdm_fetch *fetch, const char *text);

/* Fields of what came in. One that runs past the end is 0, and at is never equal to length after it. */
uint32_t tdm__fetch_get(struct tdm_fetch *fetch, unsigned bytes);
/* The text starts where at was. */
void tdm__fetch_skip_text(struct tdm_fetch *fetch);

/* Answers a call: so many bytes of status and result. */
void tdm__fetch_put_result(struct tdm_fetch *fetch, uint16_t id, uint16_t result, unsigned bytes);
/* With a Bool. */
void tdm__fetch_answer(struct tdm_fetch *fetch, uint16_t id, bool value);

/* otaUpdateWrite or otaUpdateFinish. Nothing: there are news, or limit_ms passed since then. */
enum tdm__heard tdm__fetch_await(struct tdm_fetch *fetch, uint32_t since_ms, uint32_t limit_ms);
void tdm__fetch_pause(struct tdm_fetch *fetch, uint32_t pause_ms);

uint32_t tdm__fetch_now(const struct tdm_fetch *fetch);
void tdm__fetch_feed(void *fetch);

/* --- serve.c: calls of theirs --- */

/* Serves the frame that came in, or says that it is another's to take. */
enum tdm__heard tdm__fetch_serve(struct tdm_fetch *fetch);

/* --- hello.c: from silence to a co-processor that knows who this is --- */

void tdm__fetch_connect(struct tdm_fetch *fetch);
/* False if it does not answer any more, or refuses. */
bool tdm__fetch_introduce(struct tdm_fetch *fetch);
/* Does it serve this call? */
bool tdm__fetch_knows(struct tdm_fetch *fetch, uint16_t uid);
void tdm__fetch_report_failed(struct tdm_fetch *fetch, uint8_t reason);

/* --- stream.c: the file, as it comes --- */

/* otaUpdateStart: the file comes from its first byte on. */
int tdm__fetch_start(struct tdm_fetch *fetch);
/* The next bytes of it. */
int tdm__fetch_pull(struct tdm_fetch *fetch, uint8_t *to, uint32_t bytes);
/* The next chunk, or otaUpdateFinish behind the last one. It waits for its answer then. */
int tdm__fetch_next(struct tdm_fetch *fetch);

/* --- bank.c: bytes into the bank --- */

/* Records that it is erased, erases it, programs the header. Then the front is used up. */
int tdm__fetch_prepare_bank(struct tdm_fetch *fetch);
/* Relocation table and image. */
int tdm__fetch_write_bank(struct tdm_fetch *fetch);
/* Is what is in the bank what was signed, and can it start? Records that it is pending. */
int tdm__fetch_complete(struct tdm_fetch *fetch);

/* A block of the image, padded with 0xFF: relocates and programs it. */
int tdm__fetch_place(struct tdm_fetch *fetch, uint32_t offset, uint8_t block[TDM_PROGRAM_MAX],
                     uint32_t bytes);

/* --- decode.c --- */

struct tdm_fetch_decoder {
    /* Tells the co-processor what it decodes, if that wants to know. */
    void (*tell)(struct tdm_fetch *fetch);
    /* May the payload be decoded here? TDM_E_BASE. */
    int (*judge)(const struct tdm_fetch *fetch);
    /* The payload, from the file into the bank. */
    int (*write)(struct tdm_fetch *fetch);
};

/* --- plain.c --- */

struct tdm_fetch_plain {
    /* Reads type, version and build of an offer. */
    void (*read_texts)(struct tdm_fetch *fetch);
    /* Is what came first, in the front, the start of a plain image? */
    bool (*is_plain)(const struct tdm_fetch *fetch);
    /* Makes the head that a package would have brought. What comes then is the image, from its start. */
    int (*make_front)(struct tdm_fetch *fetch);
};

/* --- fetch.c --- */

/* The image that is there starts again. */
void tdm__fetch_give_back(struct tdm_fetch *fetch, uint8_t reason);

#endif
