/* RPC: every call of both interfaces as data, and the endpoint that makes and serves them.
 *
 * The endpoint does no I/O: received bytes go in through tdm_endpoint_receive, bytes to send come out through
 * tdm_endpoint_pull, time comes with both. Calls are asynchronous: any number may be in flight, and the other
 * side's calls are served meanwhile, also from inside a handler's own pending call (docs/PROTOCOL.md,
 * sections 2 and 3). */
#ifndef TANDEM_RPC_H
#define TANDEM_RPC_H

#include "tandem/error.h"
#include "tandem/frame.h"
#include "tandem/message.h"

enum { TDM_OPCODE_INVOKE = 0x67BC, TDM_OPCODE_RESULT = 0xA512, TDM_OPCODE_ONEWAY = 0x1CF3 };

/* X(NAME, value, text) */
#define TDM_STATUSES(X)                                                                                      \
    X(OK, 0x00, "ok")                                                                                        \
    X(GENERIC, 0x10, "generic error")                                                                        \
    X(TIMEOUT, 0x11, "timeout")                                                                              \
    X(MEMORY, 0x12, "out of memory")                                                                         \
    X(UNKNOWN_UID, 0x13, "unknown call")                                                                     \
    X(ARGS_WRITE, 0x14, "arguments could not be written")                                                    \
    X(ARGS_READ, 0x15, "arguments could not be read")                                                        \
    X(RESULTS_WRITE, 0x16, "results could not be written")                                                   \
    X(RESULTS_READ, 0x17, "results could not be read")

enum tdm_status {
#define TDM_STATUS_ENUM(name, value, text) TDM_STATUS_##name = (value),
    TDM_STATUSES(TDM_STATUS_ENUM)
#undef TDM_STATUS_ENUM
};

/* Signatures: '?' Bool, 'B' UInt8, 'H' UInt16, 'h' Int16, 'I' UInt32, 'q' Int64, 's' String, 'b' Binary.
 * results lists the out arguments in order, then the return value. timeout 0 marks a ONEWAY.
 * X(uid, ID, "name", "arguments", "results", timeout_ms) */

/* Served by the NCP. */
#define TDM_NCP_CALLS(X)                                                                                     \
    X(0x0101, NCP_PING, "ncp.ping", "", "", 100)                                                             \
    X(0x0102, NCP_REBOOT, "ncp.reboot", "", "?", 1000)                                                       \
    X(0x0103, NCP_HAS_UID, "ncp.hasUID", "H", "?", 1000)                                                     \
    X(0x0201, HW_SET_UART_BAUD_RATE, "hw.setUartBaudRate", "I", "?", 1000)                                   \
    X(0x0211, HW_INIT_USER_BUTTON, "hw.initUserButton", "H?", "?", 1000)                                     \
    X(0x0221, HW_INIT_LED, "hw.initLED", "H?", "?", 1000)                                                    \
    X(0x0222, HW_INIT_RGB, "hw.initRGB", "HHH?", "?", 1000)                                                  \
    X(0x0223, HW_INIT_ARGB, "hw.initARGB", "HBB", "?", 1000)                                                 \
    X(0x0224, HW_SET_LED_BRIGHTNESS, "hw.setLedBrightness", "B", "?", 1000)                                  \
    X(0x0231, HW_GET_WIFI_MAC, "hw.getWiFiMAC", "", "s?", 1000)                                              \
    X(0x0232, HW_GET_ETHERNET_MAC, "hw.getEthernetMAC", "", "s?", 1000)                                      \
    X(0x0301, INITIALIZE, "blynk.initialize", "ss", "?", 5000)                                               \
    X(0x0302, SET_VENDOR_PREFIX, "blynk.setVendorPrefix", "s", "?", 1000)                                    \
    X(0x0303, SET_VENDOR_SERVER, "blynk.setVendorServer", "s", "?", 1000)                                    \
    X(0x0304, SET_FIRMWARE_INFO, "blynk.setFirmwareInfo", "ssss", "?", 1000)                                 \
    X(0x0305, GET_NCP_VERSION, "blynk.getNcpVersion", "", "s?", 1000)                                        \
    X(0x0306, GET_STATE, "blynk.getState", "", "B", 1000)                                                    \
    X(0x0307, GET_HOTSPOT_NAME, "blynk.getHotspotName", "", "s?", 1000)                                      \
    X(0x0311, VIRTUAL_WRITE, "blynk.virtualWrite", "Hb", "", 0)                                              \
    X(0x0312, SYNC_ALL, "blynk.syncAll", "", "", 0)                                                          \
    X(0x0313, SYNC_VIRTUAL, "blynk.syncVirtual", "b", "", 0)                                                 \
    X(0x0314, SET_PROPERTY, "blynk.setProperty", "Hsb", "", 0)                                               \
    X(0x0315, BEGIN_GROUP, "blynk.beginGroup", "q", "", 0)                                                   \
    X(0x0316, END_GROUP, "blynk.endGroup", "", "", 0)                                                        \
    X(0x0317, LOG_EVENT, "blynk.logEvent", "ss", "", 0)                                                      \
    X(0x0318, RESOLVE_EVENT, "blynk.resolveEvent", "s", "", 0)                                               \
    X(0x0319, RESOLVE_ALL_EVENTS, "blynk.resolveAllEvents", "s", "", 0)                                      \
    X(0x031A, SET_METADATA, "blynk.setMetadata", "ss", "", 0)                                                \
    X(0x0321, CONFIG_START, "blynk.configStart", "", "?", 1000)                                              \
    X(0x0322, CONFIG_STOP, "blynk.configStop", "", "?", 1000)                                                \
    X(0x0323, CONFIG_RESET, "blynk.configReset", "", "?", 1000)                                              \
    X(0x0324, IS_CONFIGURED, "blynk.isConfigured", "", "?", 1000)                                            \
    X(0x0325, SET_CONFIG_TIMEOUT, "blynk.setConfigTimeout", "H", "?", 1000)                                  \
    X(0x0326, SET_CONFIG_SKIP_LIMIT, "blynk.setConfigSkipLimit", "B", "?", 1000)                             \
    X(0x0331, FACTORY_RESET, "blynk.factoryReset", "", "?", 1000)                                            \
    X(0x0332, FACTORY_TEST_WIFI, "blynk.factoryTestWiFi", "ss", "hB", 30000)                                 \
    X(0x0333, FACTORY_TEST_WIFI_AP, "blynk.factoryTestWiFiAP", "H", "B", 5000)                               \
    X(0x033A, FACTORY_TEST_CONNECT, "blynk.factoryTestConnect", "", "B", 10000)                              \
    X(0x0341, OTA_START, "blynk.otaUpdateStart", "H", "?", 1000)                                             \
    X(0x0342, OTA_GET_CRC32, "blynk.otaUpdateGetCRC32", "", "I?", 1000)                                      \
    X(0x0343, OTA_GET_MD5, "blynk.otaUpdateGetMD5", "", "b?", 1000)                                          \
    X(0x0344, OTA_GET_SHA256, "blynk.otaUpdateGetSHA256", "", "b?", 1000)                                    \
    X(0x0345, OTA_PREFETCH, "blynk.otaUpdatePrefetch", "", "B", 30000)                                       \
    X(0x0346, OTA_SUSPEND, "blynk.otaUpdateSuspend", "H", "?", 1000)                                         \
    X(0x0351, SET_TIME, "blynk.setTime", "q", "?", 1000)                                                     \
    X(0x0352, GET_TIME, "blynk.getTime", "", "sqhsB?", 1000)                                                 \
    X(0x0353, GET_LOCATION_INFO, "blynk.getLocationInfo", "", "ssss?", 1000)                                 \
    X(0x5401, DEVICE_REPORT, "tandem.deviceReport", "BBBbbsI", "?", 1000)                                    \
    X(0x5402, OTA_RESUME, "tandem.otaUpdateResume", "I", "II?", 1000)                                        \
    X(0x5403, DEVICE_START, "tandem.deviceStart", "BI", "?", 1000)                                           \
    X(0x5404, OTA_WINDOW, "tandem.otaUpdateWindow", "B", "?", 1000)                                          \
    X(0x5405, DEVICE_DECODES, "tandem.deviceDecodes", "B", "?", 1000)

/* Served by the primary MCU. */
#define TDM_MCU_CALLS(X)                                                                                     \
    X(0x0181, MCU_PING, "mcu.ping", "", "", 100)                                                             \
    X(0x0182, MCU_REBOOT, "mcu.reboot", "", "?", 1000)                                                       \
    X(0x0183, MCU_HAS_UID, "mcu.hasUID", "H", "?", 1000)                                                     \
    X(0x0411, STATE_CHANGE, "client.blynkStateChange", "B", "", 0)                                           \
    X(0x0412, VPIN_CHANGE, "client.blynkVPinChange", "Hb", "", 0)                                            \
    X(0x0421, PROCESS_EVENT, "client.processEvent", "B", "", 0)                                              \
    X(0x0441, OTA_AVAILABLE, "client.otaUpdateAvailable", "sIsss", "?", 5000)                                \
    X(0x0442, OTA_WRITE, "client.otaUpdateWrite", "IbI", "?", 5000)                                          \
    X(0x0443, OTA_FINISH, "client.otaUpdateFinish", "", "?", 5000)                                           \
    X(0x0444, OTA_CANCEL, "client.otaUpdateCancel", "", "", 1000)

enum tdm_uid {
#define TDM_UID_ENUM(uid, id, name, args, results, timeout) TDM_UID_##id = (uid),
    TDM_NCP_CALLS(TDM_UID_ENUM) TDM_MCU_CALLS(TDM_UID_ENUM)
#undef TDM_UID_ENUM
};

/* tandem.deviceDecodes: bits of forms */
enum tdm_decodes { TDM_DECODES_COMPRESSED = 1, TDM_DECODES_DELTA = 2 };

/* blynk.getState, client.blynkStateChange */
enum tdm_state {
    TDM_STATE_UNKNOWN = 0,
    TDM_STATE_IDLE = 1,
    TDM_STATE_CONFIG = 2,
    TDM_STATE_CONNECTING_NET = 3,
    TDM_STATE_CONNECTING_CLOUD = 4,
    TDM_STATE_CONNECTED = 5,
    TDM_STATE_NOT_INITIALIZED = 10,
    TDM_STATE_OTA_UPGRADE = 11,
    TDM_STATE_ERROR = 12
};

/* client.processEvent */
enum tdm_event {
    TDM_EVENT_NCP_REBOOTING = 1,
    TDM_EVENT_CLICK = 10,
    TDM_EVENT_DOUBLE_CLICK = 11,
    TDM_EVENT_LONG_PRESS = 12,
    TDM_EVENT_LONG_RELEASE = 13,
    TDM_EVENT_RESET_START = 16,
    TDM_EVENT_RESET_CANCEL = 17,
    TDM_EVENT_RESET_DONE = 18,
    TDM_EVENT_PROVISIONED = 20,
    TDM_EVENT_TIME_SYNC = 21,
    TDM_EVENT_TIME_CHANGED = 22
};

/* blynk.otaUpdatePrefetch */
enum tdm_prefetch {
    TDM_PREFETCH_OK = 1,
    TDM_PREFETCH_GENERIC = 2,
    TDM_PREFETCH_CONNECT = 3,
    TDM_PREFETCH_REQUEST = 4,
    TDM_PREFETCH_TIMEOUT = 5,
    TDM_PREFETCH_NO_SPACE = 6,
    TDM_PREFETCH_WRITE = 7,
    TDM_PREFETCH_FINALIZE = 8
};

/* English text of a status, never NULL; "unknown status" outside the list. Static storage. */
const char *tdm_status_text(uint8_t status);

/* One row of the tables above. The full tables are linked in only where they are used (host tools, the NCP).
 */
struct tdm_call_info {
    uint16_t uid;
    const char *name;
    const char *arguments;
    const char *results;
    uint16_t timeout_ms; /* 0: ONEWAY */
    bool served_by_ncp;
};

/* The row of uid, NULL if there is none. */
const struct tdm_call_info *tdm_call_info(uint16_t uid);

/* All rows; *count gets their number. */
const struct tdm_call_info *tdm_call_table(size_t *count);

/* True if exactly the fields of signature can be read from fields, with nothing left. */
bool tdm_signature_matches(const char *signature, const uint8_t *fields, size_t bytes);

/* Serves one INVOKE or ONEWAY. args points into the receive buffer and is valid during the call only; the
 * handler checks tdm_reader_done(args) and returns TDM_STATUS_ARGS_READ where it is false. results takes out
 * arguments and return value; where they do not fit, the answer becomes TDM_STATUS_RESULTS_WRITE. A ONEWAY
 * has msg_id 0, no room for results, and no answer, whatever is returned.
 * Returns a tdm_status (TDM_STATUS_UNKNOWN_UID for what it does not know), or TDM_SERVE_LATER when the answer
 * will come through tdm_endpoint_answer_*; what it wrote to results is dropped then.
 * It may use the endpoint in every way but tdm_endpoint_receive, also while results are half written, except
 * that nothing is written to results between an open and its commit. */
#define TDM_SERVE_LATER (-1)
typedef int tdm_serve_fn(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                         struct tdm_writer *results, uint32_t now_ms);

/* The end of a call of ours: error is TDM_OK, TDM_E_TIMEOUT, TDM_E_STATUS (status holds the peer's) or
 * TDM_E_CANCELLED. results is readable with TDM_OK only, during the call only. It may use the endpoint in
 * every way but tdm_endpoint_receive; the struct tdm_call is free again. */
typedef void tdm_done_fn(void *ctx, int error, uint8_t status, struct tdm_reader *results, uint32_t now_ms);

/* A call in flight. The caller owns it, zeroes it before its first use, and keeps it in place until done was
 * called. Fields are private, but for in_flight. */
struct tdm_call {
    struct tdm_call *next;
    tdm_done_fn *done;
    void *ctx;
    uint32_t deadline_ms;
    uint16_t msg_id;
    bool in_flight;
    bool ending; /* about to be ended, together with others */
};

struct tdm_endpoint {
    struct tdm_frame_rx rx;
    struct tdm_frame_tx tx;
    struct tdm_frame_counters line;
    uint8_t *queue; /* messages to send: u16 length, payload, one after the other */
    size_t queue_capacity;
    size_t queue_length;
    struct tdm_writer *results; /* of the handler that runs, NULL when none does */
    struct tdm_call *calls;
    tdm_serve_fn *serve;
    void *ctx;
    uint16_t next_msg_id;
    uint16_t opened;   /* message id of the INVOKE that is open, 0 for a ONEWAY */
    bool sending;      /* tx works on the queue's first message */
    bool resync;       /* send 01 END before the next frame (docs/PROTOCOL.md, section 9) */
    bool receiving;    /* a handler or done function runs */
    uint32_t unserved; /* calls dropped because there was no room for an answer */
};

/* rx and tx stay the caller's. rx_bytes is the largest payload to take plus 1; tx_bytes holds the messages
 * that wait to be sent, 2 bytes of overhead each. */
void tdm_endpoint_init(struct tdm_endpoint *ep, uint8_t *rx, size_t rx_bytes, uint8_t *tx, size_t tx_bytes,
                       tdm_serve_fn *serve, void *ctx);

/* Takes bytes from the UART; handlers and done functions run inside, and must not call this (it does nothing
 * then). A call that arrives while the transmit queue has no room for an answer is dropped unserved, as if
 * the line had lost it. */
void tdm_endpoint_receive(struct tdm_endpoint *ep, const uint8_t *bytes, size_t count, uint32_t now_ms);

/* Ends calls whose time is over (done with TDM_E_TIMEOUT). Returns the milliseconds until the next one may
 * end, UINT32_MAX if none is in flight. */
uint32_t tdm_endpoint_poll(struct tdm_endpoint *ep, uint32_t now_ms);

/* Writes up to capacity bytes for the UART to out; returns how many, 0 when nothing waits. */
size_t tdm_endpoint_pull(struct tdm_endpoint *ep, uint8_t *out, size_t capacity);

/* Opens an INVOKE (or ONEWAY) of uid in the transmit queue; append the arguments to *args, then commit.
 * Nothing else may use the endpoint in between, and what is opened must be committed. args->length counts the
 * message's head too. Returns TDM_OK, or TDM_E_ROOM if the queue is full (nothing is opened). */
TDM_MUST_USE int tdm_endpoint_open(struct tdm_endpoint *ep, uint16_t uid, bool oneway,
                                   struct tdm_writer *args);

/* The same for a call that ended with TDM_E_TIMEOUT or a refusal: it goes out under the message id it had, so
 * that an answer which comes late, to any of its sends, answers it. */
TDM_MUST_USE int tdm_endpoint_open_again(struct tdm_endpoint *ep, uint16_t uid, const struct tdm_call *call,
                                         struct tdm_writer *args);

/* Sends what tdm_endpoint_open opened. For an INVOKE, call and done are given and done is called exactly
 * once, later; timeout_ms (less than 24 days) counts from now_ms. For a ONEWAY call and done are NULL.
 * TDM_OK; TDM_E_ROOM if the arguments did not fit, TDM_E_BUSY if call is in flight, TDM_E_ARGUMENT if call or
 * done do not suit what was opened, TDM_E_STATE if nothing was opened or the queue changed since (nothing is
 * sent, done not called). */
TDM_MUST_USE int tdm_endpoint_commit(struct tdm_endpoint *ep, struct tdm_writer *args, struct tdm_call *call,
                                     uint32_t timeout_ms, tdm_done_fn *done, void *ctx, uint32_t now_ms);

/* A call without arguments: open and commit in one. */
TDM_MUST_USE int tdm_endpoint_call(struct tdm_endpoint *ep, uint16_t uid, struct tdm_call *call,
                                   uint32_t timeout_ms, tdm_done_fn *done, void *ctx, uint32_t now_ms);

/* Answers a call whose handler returned TDM_SERVE_LATER: a status without results, or with one Bool.
 * TDM_OK or TDM_E_ROOM. */
TDM_MUST_USE int tdm_endpoint_answer_status(struct tdm_endpoint *ep, uint16_t msg_id, uint8_t status);
TDM_MUST_USE int tdm_endpoint_answer_bool(struct tdm_endpoint *ep, uint16_t msg_id, bool value);

/* Answers a LATER call with results: open, append to *results, then tdm_endpoint_answer_commit. TDM_E_ROOM if
 * the results did not fit: nothing is sent, and the call may still be answered with a status. */
TDM_MUST_USE int tdm_endpoint_answer_open(struct tdm_endpoint *ep, uint16_t msg_id,
                                          struct tdm_writer *results);
TDM_MUST_USE int tdm_endpoint_answer_commit(struct tdm_endpoint *ep, struct tdm_writer *results);

/* Ends one call, or all, with TDM_E_CANCELLED; a late RESULT is skipped. */
void tdm_endpoint_cancel(struct tdm_endpoint *ep, struct tdm_call *call, uint32_t now_ms);
void tdm_endpoint_cancel_all(struct tdm_endpoint *ep, uint32_t now_ms);

/* Drops what waits to be sent and any half-received frame, and ends all calls with TDM_E_CANCELLED: after a
 * reset of the peer, or with a new UART or rate. If it cuts a frame short, the next one is preceded by a
 * resync. In a handler it drops that handler's answer as well. */
void tdm_endpoint_reset(struct tdm_endpoint *ep, uint32_t now_ms);

/* Sends `01 END` before the next frame: brings a reader that missed an END back in step (section 9). */
void tdm_endpoint_resync(struct tdm_endpoint *ep);

/* True when nothing waits to be sent: every byte was pulled. */
bool tdm_endpoint_idle(const struct tdm_endpoint *ep);

#endif
