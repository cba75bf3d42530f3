/* A co-processor for the tests: its frames and messages are written after docs/PROTOCOL.md and share no code
 * with core/. It hears only what is sent at its own rate, answers what it knows, and keeps a log. */
#ifndef TESTS_CORE_MCU_NCP_STUB_H
#define TESTS_CORE_MCU_NCP_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ncp_stub_call {
    uint16_t uid;
    uint8_t args[300];
    size_t bytes;
    uint32_t at_ms;
};

struct ncp_stub {
    /* How it behaves; the test changes it as it likes. */
    uint32_t baud;
    uint32_t raise_to_max; /* setUartBaudRate above is refused */
    bool deaf_when_raised; /* its line does not carry the raised rate */
    bool ignores_raise;    /* setUartBaudRate gets no answer */
    bool silent;           /* answers nothing at all */
    bool knows_report;     /* hasUID(0x5401) */
    bool knows_resume;     /* hasUID(0x5402), if knows_report */
    bool knows_start;      /* hasUID(0x5403), if knows_report */
    bool knows_window;     /* hasUID(0x5404), if knows_report */
    bool knows_decodes;    /* hasUID(0x5405), if knows_report */
    uint32_t image_at;     /* where the image lies in the file */
    bool refuses_resume;
    int resume_losses;  /* the line loses so many answers to otaUpdateResume, */
    int start_losses;   /* and to otaUpdateStart */
    int has_uid_status; /* status of the answer to hasUID; -1: no answer */
    bool initialize_answer;
    uint8_t state;
    uint8_t state_after_initialize;
    uint8_t prefetch;   /* answer to otaUpdatePrefetch */
    int start_refusals; /* so many otaUpdateStart are answered with false */
    int report_losses;  /* so many deviceReports get no answer */
    int digests;        /* 1: offered, 0: answered false, -1: not answered */
    uint8_t sha256[32];
    uint32_t crc32;
    const uint8_t
        *sha256_results; /* what is sent for the SHA-256 instead, whatever it is; NULL: nothing is */
    size_t sha256_result_bytes;

    /* What it saw. */
    struct ncp_stub_call log[512];
    size_t logged;
    uint16_t chunk;     /* asked for by otaUpdateStart, 0 before */
    uint32_t resumes;   /* calls of otaUpdateResume that were granted */
    uint32_t resume_at; /* offset that the last of them was promised, 0 before */
    uint16_t last_answer_id;
    uint8_t last_status;
    uint8_t last_value; /* first result byte */
    size_t last_results;
    uint32_t answers;
    uint16_t answered[16]; /* message ids, in order */
    uint8_t answer_values[16];
    uint8_t answer_statuses[16];

    /* Bytes on their way to the MCU. */
    uint8_t out[8192];
    size_t out_length;

    uint8_t frame[2048];
    size_t frame_length;
    bool in_frame, escaped;
    uint16_t next_id;
    uint32_t new_baud; /* after the answer is out */
};

void ncp_stub_init(struct ncp_stub *stub);

/* Bytes of the MCU, sent at baud. */
void ncp_stub_receive(struct ncp_stub *stub, const uint8_t *bytes, size_t count, uint32_t baud,
                      uint32_t now_ms);

/* Sends an INVOKE and returns its message id; a ONEWAY. */
uint16_t ncp_stub_invoke(struct ncp_stub *stub, uint16_t uid, const uint8_t *args, size_t bytes);
void ncp_stub_oneway(struct ncp_stub *stub, uint16_t uid, const uint8_t *args, size_t bytes);

/* Calls with this uid so far; the last of them, NULL if there is none. */
size_t ncp_stub_count(const struct ncp_stub *stub, uint16_t uid);
const struct ncp_stub_call *ncp_stub_last(const struct ncp_stub *stub, uint16_t uid);

#endif
