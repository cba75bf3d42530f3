/* Inside core/ncp: what its files call of each other. */
#ifndef TANDEM_CORE_NCP_INTERNAL_H
#define TANDEM_CORE_NCP_INTERNAL_H

#include "tandem/ncp.h"

/* Figures of docs/PROTOCOL.md, sections 4 and 5, where none other is named. */
enum {
    TDM__SILENCE_MS = 25000,
    TDM__PING_MS = 5000,
    TDM__PINGS = 5,
    TDM__REMIND_MS = 5000, /* between an MCU's first sign in state 10 and the reminder to initialise */
    TDM__WRITE_MS = 5000,
    TDM__RESENDS = 5,
    TDM__WINDOW_MAX = 2,
    TDM__SUSPEND_MAX_S = 18 * 3600,

    TDM__OFFER_BYTES = 255,     /* of payload: the smallest MCUs hold 256 with the CRC */
    TDM__OFFER_HEAD_BYTES = 14, /* opcode, uid, msg id, size and four NULs */
    TDM__OFFER_MS = 20000,  /* the table says 5 s; an MCU that erases a bank first takes longer (section 9) */
    TDM__FINISH_MS = 15000, /* likewise: digests are asked for and a signature is checked meanwhile */
    TDM__FINISH_RESENDS = 2,
    TDM__OFFER_PAUSE_MS = 500, /* after initialize, for the calls that the MCU makes then */
    TDM__REOFFER_PAUSE_MS = 3000,
    TDM__START_PAUSE_MS = 20,    /* between the answer to otaUpdateStart and the first chunk */
    TDM__REFUSED_PAUSE_MS = 200, /* before a refused chunk goes out again: a report of the reason may come */
    TDM__HEARING_MS = 2500,      /* how long a refusal waits for that report: it may be lost once */
    TDM__CANCEL_MS = 1000,
    TDM__REBOOT_MS = 1000,
    TDM__SOON_MS = 10 /* when a queue was full */
};

enum tdm__step {
    TDM__NONE = 0,
    TDM__WAITING,
    TDM__OFFERING,
    TDM__ACCEPTED,
    TDM__SENDING,
    TDM__FINISHING,
    TDM__RETURNING,
    TDM__HEARING,
    TDM__CANCELLING
};

/* Milliseconds from now to then, 0 if then is not in the future. */
uint32_t tdm__until(uint32_t then_ms, uint32_t now_ms);

/* True if a call of ours may start: an answer that is awaited is never followed by more. */
bool tdm__may_call(const struct tdm_ncp *ncp);

/* --- link_life.c --- */
void tdm__ncp_link_heard(struct tdm_ncp *ncp, uint32_t now_ms);
/* A new session: initial rate, state 10, off line. */
void tdm__ncp_link_restart(struct tdm_ncp *ncp, uint32_t now_ms);
/* Everything is on the wire. */
void tdm__ncp_link_drained(struct tdm_ncp *ncp, uint32_t now_ms);
uint32_t tdm__ncp_link_poll(struct tdm_ncp *ncp, uint32_t now_ms);

/* --- feeder.c --- */
/* True while the MCU is busy with the update, or should be. */
bool tdm__feeder_active(const struct tdm_ncp *ncp);
/* The MCU asks for the file in chunks of chunk bytes. False: not now, or no such size. */
bool tdm__feeder_start(struct tdm_ncp *ncp, uint16_t chunk, uint32_t now_ms);
/* Goes on where the MCU has image bytes up to *position; *position and *offset get what is promised
 * (docs/EXTENSIONS.md, "otaUpdateResume"). False: not now, or not there. */
bool tdm__feeder_resume(struct tdm_ncp *ncp, uint32_t *position, uint32_t *offset, uint32_t now_ms);
/* So many chunks may be in flight from now on. False: not now. */
bool tdm__feeder_window(struct tdm_ncp *ncp, uint8_t chunks);
bool tdm__feeder_suspend(struct tdm_ncp *ncp, uint16_t seconds, uint32_t now_ms);
/* A call that a starting MCU makes came; initialized when it was initialize. */
void tdm__feeder_mcu_restarted(struct tdm_ncp *ncp, bool initialized, uint32_t now_ms);
/* The MCU reported that the update failed. */
void tdm__feeder_mcu_failed(struct tdm_ncp *ncp, uint8_t reason, uint32_t now_ms);
/* The MCU is gone. */
void tdm__feeder_link_lost(struct tdm_ncp *ncp, uint32_t now_ms);
/* The UART was opened anew, and what was in flight is lost. */
void tdm__feeder_reopened(struct tdm_ncp *ncp, uint32_t now_ms);
uint32_t tdm__feeder_poll(struct tdm_ncp *ncp, uint32_t now_ms);

/* --- serve.c --- */
int tdm__ncp_serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                   struct tdm_writer *results, uint32_t now_ms);

#endif
