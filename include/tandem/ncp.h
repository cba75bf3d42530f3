/* The network co-processor's side: the life of the link to the primary MCU, the calls that the co-processor
 * serves, and the update (docs/PROTOCOL.md, sections 3 to 5 and 9; docs/EXTENSIONS.md).
 *
 * No I/O and no heap: UART bytes and milliseconds go in, UART bytes come out, everything else goes through
 * struct tdm_ncp_ops. The same code runs in tandem-ncp, in the simulator and on an RTOS.
 *
 *     tdm_ncp_init(&ncp, &config, now_ms());
 *     for (;;) {
 *         tdm_ncp_receive(&ncp, bytes, count, now_ms());       what the UART received
 *         wait_ms = tdm_ncp_poll(&ncp, now_ms());              after each receive, and when wait_ms are over
 *         while ((count = tdm_ncp_pull(&ncp, buffer, sizeof buffer)) > 0)
 *             send(buffer, count);                             until it returns 0
 *     } */
#ifndef TANDEM_NCP_H
#define TANDEM_NCP_H

#include "tandem/digest.h"
#include "tandem/reason.h"
#include "tandem/rpc.h"
#include "tandem/tag.h"

#define TDM_NCP_NAME_MAX     64 /* longest file name, template id and template name */
#define TDM_NCP_HARDWARE_MAX 32
#define TDM_NCP_PREFIX_BYTES 12 /* of an image digest, where it stands for the whole */
#define TDM_NCP_EVENTS       8  /* that wait to be told; the oldest gives way */

/* otaUpdateWrite is the chunk and 16 bytes: opcode, uid, msg id, offset, length, CRC-32. */
#define TDM_NCP_CHUNK_MIN 16
#define TDM_NCP_CHUNK_MAX (TDM_FRAME_PAYLOAD_MAX - 16)

/* Who the primary MCU said it is. */
struct tdm_ncp_device {
    char template_id[TDM_NCP_NAME_MAX + 1];
    char template_name[TDM_NCP_NAME_MAX + 1];
    struct tdm_tag firmware; /* of setFirmwareInfo; empty texts where it gave none */
};

/* A firmware file that the co-processor holds complete and verified. */
struct tdm_ncp_firmware {
    uint32_t id;                     /* the caller's own number for the file */
    char name[TDM_NCP_NAME_MAX + 1]; /* file name, as the MCU sees it */
    uint32_t bytes;
    char type[TDM_TAG_VALUE_MAX + 1]; /* of the offer; "" if unknown */
    char version[TDM_TAG_VALUE_MAX + 1];
    char build[TDM_TAG_VALUE_MAX + 1];
    uint32_t crc32; /* digests of the whole file */
    uint8_t md5[TDM_MD5_BYTES];
    uint8_t sha256[TDM_SHA256_BYTES];
};

/* Where an update stands: X(NAME, "slug of docs/EXTENSIONS.md") */
#define TDM_NCP_STAGES(X)                                                                                    \
    X(OFFERED, "offered")                                                                                    \
    X(ACCEPTED, "accepted")                                                                                  \
    X(TRANSFERRING, "transferring")                                                                          \
    X(VERIFYING, "verifying")                                                                                \
    X(INSTALLED, "installed")                                                                                \
    X(FAILED, "failed")

enum tdm_ncp_stage {
#define TDM_NCP_STAGE_ENUM(name, slug) TDM_NCP_##name,
    TDM_NCP_STAGES(TDM_NCP_STAGE_ENUM)
#undef TDM_NCP_STAGE_ENUM
};

struct tdm_ncp_progress {
    enum tdm_ncp_stage stage;
    uint32_t id;         /* of the file */
    uint32_t bytes;      /* taken by the MCU so far */
    uint32_t size;       /* of the file */
    uint32_t wire_bytes; /* on the UART since the first offer, both directions */
    uint8_t reason;      /* enum tdm_reason, with FAILED */
};

/* tandem.deviceReport, docs/EXTENSIONS.md. */
enum tdm_device_event {
    TDM_DEVICE_STARTED = 1,
    TDM_DEVICE_FAILED = 2,
    TDM_DEVICE_CONFIRMED = 3,
    TDM_DEVICE_TRIAL = 4
};

struct tdm_ncp_device_report {
    uint8_t event;  /* enum tdm_device_event */
    uint8_t state;  /* 1 confirmed, 2 on trial */
    uint8_t reason; /* enum tdm_reason */
    uint8_t running[TDM_SHA256_BYTES];
    uint8_t running_bytes; /* 0 if unknown */
    uint8_t about[TDM_SHA256_BYTES];
    uint8_t about_bytes; /* 0, TDM_NCP_PREFIX_BYTES or 32 */
    char hardware[TDM_NCP_HARDWARE_MAX + 1];
    uint32_t counter;
    bool has_start;  /* with TDM_DEVICE_STARTED, where the MCU told why it started (tandem.deviceStart): */
    uint8_t cause;   /* 0 power, 1 soft, 2 watchdog, 3 fault, 4 no link */
    uint32_t boots;  /* since it had power; 0: not known */
    uint8_t decodes; /* with TDM_DEVICE_STARTED: bits of enum tdm_decodes, 0 where the MCU told none */
};

/* Since tdm_ncp_init; they wrap. */
struct tdm_ncp_counters {
    uint32_t frames_in;  /* good ones */
    uint32_t frames_out; /* resyncs included */
    uint32_t bytes_in;
    uint32_t bytes_out;
    uint32_t bad_crc;
    uint32_t oversized;
    uint32_t cut_short;
    uint32_t noise;    /* bytes outside of frames */
    uint32_t resends;  /* of chunks and of otaUpdateFinish */
    uint32_t unserved; /* calls that came while there was no room for an answer */
    uint32_t sessions; /* initialize calls that were good */
    uint32_t lost;     /* times that a silent MCU was given up */
};

/* Effects. Called from inside tdm_ncp_receive, _poll, _pull and _offer; none may call back into the ncp.
 * Slots marked optional may be NULL. */
struct tdm_ncp_ops {
    /* Can the UART run at this rate? Returns at once. */
    bool (*can_baud)(void *ctx, uint32_t baud);
    /* Switches the UART to baud, after all bytes that were pulled so far are on the wire and before any that
     * is pulled later. */
    void (*set_baud)(void *ctx, uint32_t baud);
    /* The MCU initialised: go on line as this device. May come again without an offline in between. device
     * stays valid until offline. */
    void (*online)(void *ctx, const struct tdm_ncp_device *device);
    /* The MCU is gone or restarts: go off line. */
    void (*offline)(void *ctx);
    /* Reads bytes at offset of file id; may block for milliseconds. TDM_OK, or an error that ends the update
     * with TDM_REASON_STORAGE. */
    int (*read)(void *ctx, uint32_t id, uint32_t offset, void *to, size_t bytes);
    /* The update went on. INSTALLED and FAILED end it: the file is not read any more. */
    void (*progress)(void *ctx, const struct tdm_ncp_progress *progress);
    /* The MCU reported. True if the report was taken. */
    bool (*device_report)(void *ctx, const struct tdm_ncp_device_report *report);
    /* ncp.reboot was answered; the link starts anew by itself. Optional. */
    void (*reboot)(void *ctx);
    /* Serves the calls that take more than this link: data, time, addresses, hardware, factory tests; it is
     * asked before core/ncp looks at its own. args hold exactly what the call's signature says. Returns as a
     * tdm_serve_fn does: TDM_STATUS_UNKNOWN_UID for what it leaves to core/ncp or does not know,
     * TDM_SERVE_LATER for what tdm_ncp_answer_* answers before the call's timeout. Optional. */
    int (*serve)(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                 struct tdm_writer *results);
    /* True if serve does something for uid, as hasUID says. Optional, if serve is not there. */
    bool (*serves)(void *ctx, uint16_t uid);
};

struct tdm_ncp_config {
    const struct tdm_ncp_ops *ops;
    void *ctx;
    const char *version;     /* what getNcpVersion says */
    uint32_t initial_baud;   /* 38400 unless the module is built otherwise */
    uint32_t start_limit_ms; /* how long an accepted offer waits for otaUpdateStart */
    uint8_t offers;          /* how often one firmware is offered before the update fails, 1 or more */
};

#define TDM_NCP_CONFIG_DEFAULTS .initial_baud = 38400, .start_limit_ms = 600000, .offers = 3

/* Fields are private. */
struct tdm_ncp {
    const struct tdm_ncp_config *config;
    struct tdm_endpoint endpoint;
    struct tdm_call calls[2];  /* of the update: one, and with a window another one behind it; */
    struct tdm_call life_call; /* of the link's life: never beside those */

    /* link_life */
    struct tdm_ncp_device device;
    bool has_start; /* what deviceStart told, for the report that follows */
    uint8_t start_cause;
    uint32_t start_boots;
    uint8_t decodes; /* what deviceDecodes told, for the same */
    bool initialized;
    bool online;                    /* ops->online was called, ops->offline was not yet */
    bool reboot_mcu;                /* ask it to */
    bool restart;                   /* reboot once everything is on the wire */
    uint8_t cloud;                  /* enum tdm_state: what the network side said last */
    uint8_t told;                   /* the state that the MCU was told last */
    uint8_t pings;                  /* unanswered ones in a row */
    uint32_t baud;                  /* the rate now */
    uint32_t switch_to;             /* the rate to switch to once everything is on the wire, 0 none */
    bool reminds;                   /* the MCU spoke and may have to be told that it is not initialised, */
    uint32_t remind_ms;             /* then */
    uint32_t heard_ms;              /* when the last good frame came */
    uint32_t frames;                /* good frames at that time */
    uint8_t events[TDM_NCP_EVENTS]; /* to tell, oldest first */
    uint8_t event_count;
    struct tdm_ncp_counters counters; /* those that the endpoint does not keep */

    /* feeder */
    struct tdm_ncp_firmware firmware;
    struct tdm_ncp_firmware next; /* waits for the end of the one under way */
    bool has_next;
    bool reports; /* the MCU sends device reports: wait for its reason */
    bool suspended;
    bool again;      /* after the cancel: offer anew */
    bool unanswered; /* a send of this chunk was */
    bool assumed;    /* the chunk before is assumed to be written */
    uint8_t step;
    uint8_t offers;    /* made so far */
    uint8_t resends;   /* of the chunk or the finish under way */
    uint8_t reason;    /* why it ends, or ended last time */
    uint8_t withdrawn; /* why it is to end once no answer is awaited, 0 if it is not */
    uint8_t turn;      /* of calls: the one that is answered first */
    uint8_t window;    /* chunks in flight, at most: 1 or 2 */
    uint16_t chunk_bytes;
    uint16_t sent;      /* bytes of the chunk at offset, once it is in flight */
    uint16_t ahead;     /* likewise of the one behind it, 0: not in flight */
    uint32_t offset;    /* taken by the MCU */
    uint32_t resumed;   /* the highest offset that it resumed at */
    uint32_t due_ms;    /* when the step's timer ends */
    uint32_t resume_ms; /* when the suspension ends */
    uint32_t wire_bytes;

    uint8_t chunk[TDM_NCP_CHUNK_MAX];
    uint8_t rx[TDM_FRAME_PAYLOAD_MAX + 1];
    uint8_t tx[2 * TDM_FRAME_PAYLOAD_MAX + 512]; /* two chunks, and answers */
};

/* config stays the caller's and in place. Starts at the initial rate (set_baud is called), in state 10. */
void tdm_ncp_init(struct tdm_ncp *ncp, const struct tdm_ncp_config *config, uint32_t now_ms);

/* Takes bytes from the UART. */
void tdm_ncp_receive(struct tdm_ncp *ncp, const uint8_t *bytes, size_t count, uint32_t now_ms);

/* Runs timers and starts what is due. Returns the milliseconds until it must be called again. */
uint32_t tdm_ncp_poll(struct tdm_ncp *ncp, uint32_t now_ms);

/* Writes up to capacity (1 or more) bytes for the UART to out; returns how many. A rate switch happens when
 * it returns 0, so call it until it does. */
size_t tdm_ncp_pull(struct tdm_ncp *ncp, uint8_t *out, size_t capacity, uint32_t now_ms);

/* The UART was lost and opened again: half-sent and half-received frames are dropped. */
void tdm_ncp_reopened(struct tdm_ncp *ncp, uint32_t now_ms);

/* The network side's state: TDM_STATE_CONNECTING_NET, _CONNECTING_CLOUD, _CONNECTED or _ERROR. */
void tdm_ncp_cloud_state(struct tdm_ncp *ncp, enum tdm_state state);

/* Offers firmware to the MCU as soon as it is initialised. One that is under way is ended (superseded), or,
 * when its otaUpdateFinish was sent already, waited for. The same file again (same digest) changes nothing.
 * TDM_OK, or TDM_E_ARGUMENT where the file is empty. */
TDM_MUST_USE int tdm_ncp_offer(struct tdm_ncp *ncp, const struct tdm_ncp_firmware *firmware, uint32_t now_ms);

/* Ends the update under way, and the one that waits, with reason: the cloud took it back, or its time is
 * over. An otaUpdateFinish that is out is waited for. */
void tdm_ncp_withdraw(struct tdm_ncp *ncp, enum tdm_reason reason, uint32_t now_ms);

/* Tells an initialised MCU of an event (client.processEvent), as soon as no answer of it is awaited. */
void tdm_ncp_event(struct tdm_ncp *ncp, enum tdm_event event);

/* Tells an initialised MCU a pin's new value (client.blynkVPinChange). False if that is not possible now,
 * because an update is under way, an answer is awaited or the queue is full: try again after the next poll.
 * True also for an MCU that is not initialised, which is told nothing. */
TDM_MUST_USE bool tdm_ncp_pin_changed(struct tdm_ncp *ncp, uint16_t pin, const void *value, uint16_t bytes,
                                      uint32_t now_ms);

/* Answers a call that ops->serve left for later, as tdm_endpoint_answer_open and _commit do. */
TDM_MUST_USE int tdm_ncp_answer_open(struct tdm_ncp *ncp, uint16_t msg_id, struct tdm_writer *results);
TDM_MUST_USE int tdm_ncp_answer_commit(struct tdm_ncp *ncp, struct tdm_writer *results);

/* Events that were not told yet. */
size_t tdm_ncp_event_count(const struct tdm_ncp *ncp);

/* True when every byte was pulled. */
bool tdm_ncp_idle(const struct tdm_ncp *ncp);

/* The rate now, and the link in a word: "down", "up" or "silent" (the MCU is pinged). Static storage. */
uint32_t tdm_ncp_baud(const struct tdm_ncp *ncp);
const char *tdm_ncp_link_slug(const struct tdm_ncp *ncp);

void tdm_ncp_counters(const struct tdm_ncp *ncp, struct tdm_ncp_counters *counters);

/* Asks the MCU to reboot (mcu.reboot), between two updates. */
void tdm_ncp_reboot_mcu(struct tdm_ncp *ncp);

/* True while a firmware is offered, waits to be, or is transferred. */
bool tdm_ncp_updating(const struct tdm_ncp *ncp);

/* What getState answers. */
enum tdm_state tdm_ncp_state(const struct tdm_ncp *ncp);

/* The word of docs/EXTENSIONS.md for a stage, never NULL. Static storage. */
const char *tdm_ncp_stage_slug(enum tdm_ncp_stage stage);

#endif
