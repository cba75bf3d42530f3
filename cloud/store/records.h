/* What the store keeps: devices, firmware, shipments and their targets. Plain structures without pointers.
 *
 * Times are milliseconds since 1970, 0 meaning never. Texts are NUL-terminated UTF-8. */
#ifndef TANDEM_CLOUD_RECORDS_H
#define TANDEM_CLOUD_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_TEXT         65  /* template, type, version, build */
#define RECORD_NAME         164 /* names of devices and shipments: 40 characters of up to 4 bytes */
#define RECORD_NAME_LETTERS 40
#define RECORD_FILE_NAME    256
#define RECORD_HARDWARE     33
#define RECORD_DIGEST_BYTES 32
#define RECORD_SHORT_BYTES  12 /* the head of an image digest, as boot records keep it */

/* What the primary MCU said of its running image (deviceReport). */
enum device_state { DEVICE_UNKNOWN = 0, DEVICE_CONFIRMED = 1, DEVICE_TRIAL = 2 };

struct device {
    int64_t id;
    char template[RECORD_TEXT];
    char name[RECORD_NAME];
    uint8_t token_hash[RECORD_DIGEST_BYTES];
    int64_t created;
    int64_t last_seen;
    int64_t checked_in; /* the last info/mcu */
    bool foreign;       /* that one named another template: no offers */
    char type[RECORD_TEXT];
    char version[RECORD_TEXT];
    char build[RECORD_TEXT];
    char hardware[RECORD_HARDWARE];
    bool digest_known; /* of the firmware that checked in last */
    uint8_t digest[RECORD_DIGEST_BYTES];
    enum device_state state;
    int64_t counter;  /* security counter, -1 unknown */
    bool reports;     /* it has sent a deviceReport before: it will tell of its confirmation */
    int64_t shipment; /* whose offer it got last, 0 none */
};

struct firmware {
    int64_t id;
    char name[RECORD_FILE_NAME];
    bool package;
    int64_t size;
    uint8_t sha256[RECORD_DIGEST_BYTES];
    uint8_t md5[16];
    char type[RECORD_TEXT];
    char version[RECORD_TEXT];
    char build[RECORD_TEXT];
    int64_t uploaded;
    /* The firmware's identity: the manifest's image digest, or of a plain image the file's. */
    uint8_t digest[RECORD_DIGEST_BYTES];
    /* Of a package only: */
    char hardware[RECORD_HARDWARE];
    int64_t image_bytes;
    int64_t counter;
    int64_t key_id;
    int64_t encoding;
};

/* X(NAME, slug) */
#define SHIPMENT_STATES(X)                                                                                   \
    X(LIVE, "live")                                                                                          \
    X(PAUSED, "paused")                                                                                      \
    X(FINISHED, "finished")                                                                                  \
    X(CANCELLED, "cancelled")

enum shipment_state {
#define SHIPMENT_STATE_ENUM(name, slug) SHIPMENT_##name,
    SHIPMENT_STATES(SHIPMENT_STATE_ENUM)
#undef SHIPMENT_STATE_ENUM
};

struct shipment {
    int64_t id;
    char name[RECORD_NAME];
    char template[RECORD_TEXT];
    int64_t firmware;
    bool all_devices; /* of the template, those added later included */
    enum shipment_state state;
    int64_t created;
    int64_t ended;
};

/* Where a device stands in a shipment. X(NAME, slug, text); the numbers are stored: append only. */
#define TARGET_STATUSES(X)                                                                                   \
    X(WAITING, "waiting", "nothing happened yet")                                                            \
    X(PROCESS_STARTED, "process-started", "the update was decided; the offer is on its way")                 \
    X(REQUEST_SENT, "request-sent", "the offer was sent to the device")                                      \
    X(FIRMWARE_REQUESTED, "firmware-requested", "the device is downloading the firmware")                    \
    X(FIRMWARE_DOWNLOADED, "firmware-downloaded", "the co-processor has the firmware")                       \
    X(SUCCESS, "success", "the device runs the new firmware")                                                \
    X(UPLOAD_FAILURE, "upload-failure", "the update failed")                                                 \
    X(DOWNLOAD_LIMIT_REACHED, "download-limit-reached", "all attempts of this period are used up")           \
    X(ROLLBACK, "rollback", "the device went back to its old firmware")                                      \
    X(TYPE_MISMATCH, "type-mismatch", "the firmware is for another firmware type")                           \
    X(VERSION_MISMATCH, "version-mismatch", "the device's version rule refuses this version")                \
    X(AWAITING_USER_ACTION, "awaiting-user-action", "the device waits for its owner's consent")              \
    X(ALREADY_THERE, "already-there", "the device ran this firmware before")

enum target_status {
#define TARGET_STATUS_ENUM(name, slug, text) TARGET_##name,
    TARGET_STATUSES(TARGET_STATUS_ENUM)
#undef TARGET_STATUS_ENUM
};

/* What goes on inside a status, mostly as the co-processor reports it. X(NAME, slug); stored: append only.
 * `restarting` and `settling` are ours: the new firmware was handed over, or runs and is being watched. */
#define TARGET_STAGES(X)                                                                                     \
    X(NONE, "none")                                                                                          \
    X(RECEIVED, "received")                                                                                  \
    X(DOWNLOADING, "downloading")                                                                            \
    X(DOWNLOADED, "downloaded")                                                                              \
    X(OFFERED, "offered")                                                                                    \
    X(ACCEPTED, "accepted")                                                                                  \
    X(TRANSFERRING, "transferring")                                                                          \
    X(VERIFYING, "verifying")                                                                                \
    X(INSTALLED, "installed")                                                                                \
    X(TRIAL, "trial")                                                                                        \
    X(SETTLING, "settling")

enum target_stage {
#define TARGET_STAGE_ENUM(name, slug) TARGET_STAGE_##name,
    TARGET_STAGES(TARGET_STAGE_ENUM)
#undef TARGET_STAGE_ENUM
};

/* One device in one shipment. fleet/status.c draws how it moves. */
struct target {
    int64_t shipment;
    int64_t device;
    enum target_status status;
    uint8_t reason; /* include/tandem/reason.h */
    bool ended;
    enum target_stage stage;
    int64_t bytes; /* done of size in this stage; -1 unknown */
    int64_t size;
    int64_t wire_bytes;
    int64_t attempts;      /* in this period */
    int64_t period_start;  /* the first attempt of this period */
    int64_t attempt_start; /* the last attempt */
    int64_t repeats;       /* offers made again within it after the connection broke */
    int64_t due;           /* when to look again, 0 never */
    int64_t updated;
};

struct progress {
    int64_t target;
    int64_t updated;
    int64_t failed;
};

/* Something that happened to a device. kind is a fixed word. */
#define RECORD_EVENT_TEXT 400
struct event {
    int64_t time;
    char kind[16];
    char text[RECORD_EVENT_TEXT];
};

#endif
