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
#define RECORD_LOGIN        101 /* of an account */
#define RECORD_ADDRESS      48  /* of a client */
#define RECORD_AGENT        164 /* what it calls itself */
#define RECORD_DIGEST_BYTES 32
#define RECORD_SHORT_BYTES  12 /* the head of an image digest, as boot records keep it */
#define RECORD_TAGS         256
#define RECORD_FILTER       512
#define RECORD_WHY          200

/* The server's own organization, which the first start finds; its admins make the others. */
#define RECORD_FIRST_ORGANIZATION 1

/* What the primary MCU said of its running image (deviceReport). */
enum device_state { DEVICE_UNKNOWN = 0, DEVICE_CONFIRMED = 1, DEVICE_TRIAL = 2 };

/* What it decodes (docs/EXTENSIONS.md, deviceDecodes). */
enum device_decodes { DECODES_COMPRESSED = 1, DECODES_DELTA = 2 };

/* What it said on its present connection. */
enum device_said { SAID_CHECK_IN = 1, SAID_REPORT = 2 };

/* Its connection (store/node.h). */
enum device_presence { DEVICE_OFFLINE = 0, DEVICE_CONNECTED = 1, DEVICE_CHECKED_IN = 2 };

struct device {
    int64_t id;
    int64_t organization; /* whose it is */
    char template[RECORD_TEXT];
    char name[RECORD_NAME];
    uint8_t token_hash[RECORD_DIGEST_BYTES];
    int64_t created;
    bool revoked; /* nobody has its token any more */
    bool foreign; /* its last info/mcu named another template: no offers */
    char type[RECORD_TEXT];
    char version[RECORD_TEXT];
    char build[RECORD_TEXT];
    char library[RECORD_TEXT]; /* version of the library it is built with, "" unknown */
    char hardware[RECORD_HARDWARE];
    char tags[RECORD_TAGS];          /* "canary,berlin" */
    char zone[RECORD_TEXT];          /* its time-zone field, "" without */
    char location_zone[RECORD_TEXT]; /* the zone of its location, "" unknown */
    char version_key[RECORD_TEXT];   /* sorts as the versions do (fleet/rules/version.h) */
    bool digest_known;               /* of the firmware that checked in last */
    uint8_t digest[RECORD_DIGEST_BYTES];
    enum device_state state;
    int64_t counter;               /* security counter, -1 unknown */
    bool reports;                  /* it has sent a deviceReport before: it will tell of its confirmation */
    int64_t decodes;               /* bits of enum device_decodes: what its running firmware takes */
    enum device_presence presence; /* as it was read: never written */
    /* From here on: its pulse, what nearly all that happens to it changes. In a row of its own, a fifth as
     * long. */
    int64_t last_seen;
    int64_t checked_in; /* the last info/mcu */
    int64_t shipment;   /* whose offer it got last, 0 none */
    int64_t said;       /* bits of enum device_said, since it connected last */
    int64_t line;       /* the newest of its timeline, 0 none (store/timeline.h) */
    int64_t line_flow;  /* when all the lines that it wrote are paid for */
};

/* The form in which a firmware travels (docs/CLOUD.md, "Deltas"). X(NAME, slug); stored: append only. */
#define FORM_KINDS(X)                                                                                        \
    X(NONE, "none")                                                                                          \
    X(PLAIN, "plain")                                                                                        \
    X(COMPRESSED, "compressed")                                                                              \
    X(DELTA, "delta")

enum form_kind {
#define FORM_KIND_ENUM(name, slug) FORM_##name,
    FORM_KINDS(FORM_KIND_ENUM)
#undef FORM_KIND_ENUM
};

struct firmware {
    int64_t id;
    int64_t organization; /* whose it is */
    char name[RECORD_FILE_NAME];
    bool package;
    int64_t size;
    uint8_t sha256[RECORD_DIGEST_BYTES];
    uint8_t md5[16];
    char type[RECORD_TEXT];
    char version[RECORD_TEXT];
    char build[RECORD_TEXT];
    char library[RECORD_TEXT]; /* version of the library it is built with, "" unknown */
    int64_t uploaded;
    /* The firmware's identity: the manifest's image digest, or of a plain image the file's. */
    uint8_t digest[RECORD_DIGEST_BYTES];
    /* Of a package only: */
    char hardware[RECORD_HARDWARE];
    int64_t image_bytes;
    int64_t counter;
    int64_t key_id;
    int64_t encoding;
    uint8_t head_digest[RECORD_DIGEST_BYTES]; /* what was signed, and by whom they say */
    uint8_t signature[64];
    int64_t signer; /* the known key that did sign it, 0 none */
    enum form_kind form;
    int64_t plain_size; /* of the plain package around the same image; size, if that is what this is */
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

/* Which devices a shipment leaves out by what they run. X(NAME, slug, text); stored: append only. */
#define SHIPMENT_CONDITIONS(X)                                                                               \
    X(ANY, "any", "")                                                                                        \
    X(LOWER_VERSION, "lower-version", "only devices with a lower version")                                   \
    X(EARLIER_BUILD, "earlier-build", "only devices with an earlier build date")                             \
    X(OTHER_BUILD, "other-build", "only devices with another build date")                                    \
    X(LOWER_LIBRARY, "lower-library", "only devices with a lower library version")

enum shipment_condition {
#define SHIPMENT_CONDITION_ENUM(name, slug, text) CONDITION_##name,
    SHIPMENT_CONDITIONS(SHIPMENT_CONDITION_ENUM)
#undef SHIPMENT_CONDITION_ENUM
};

/* Preferred time, in the device's zone. X(NAME, slug, from hour, to hour); stored: append only. */
#define SHIPMENT_SLOTS(X)                                                                                    \
    X(ANY, "any", 0, 24)                                                                                     \
    X(NIGHT, "night", 0, 6)                                                                                  \
    X(MORNING, "morning", 6, 12)                                                                             \
    X(AFTERNOON, "afternoon", 12, 18)                                                                        \
    X(EVENING, "evening", 18, 24)

enum shipment_slot {
#define SHIPMENT_SLOT_ENUM(name, slug, from, to) SLOT_##name,
    SHIPMENT_SLOTS(SHIPMENT_SLOT_ENUM)
#undef SHIPMENT_SLOT_ENUM
};

struct shipment {
    int64_t id;
    int64_t organization; /* whose it is */
    char name[RECORD_NAME];
    char template[RECORD_TEXT];
    int64_t firmware;
    bool all_devices; /* of the template, those added later included */
    enum shipment_state state;
    int64_t created;
    int64_t ended;
    char filter[RECORD_FILTER]; /* only devices that matched when it was created; "" all */
    enum shipment_condition condition;
    enum shipment_slot slot;
    bool user_controlled; /* a device waits for its owner's consent */
    int64_t attempts;     /* per period */
    int64_t period_ms;
    int64_t per_minute; /* offers at most, 0 without a limit */
    int64_t bytes_per_second;
    int64_t expires; /* no offers from then on, 0 never */
    bool planned;    /* every device has its target */
    int64_t wave;    /* the open one, from 1 */
    int64_t planner; /* the server that plans it, and how often it wrote */
    int64_t steps;
    int64_t sweep;        /* its connected devices are gone through: the last one, from 0; -1: they are not */
    int64_t turn;         /* when the rate allows the next offer */
    int64_t due;          /* when to look at its gate again, 0 never */
    char why[RECORD_WHY]; /* it paused or ended by itself: why */
};

/* The devices that a shipment serves together. How many: a count, a share, or all (that match its filter). */
#define WAVES_MAX 16
enum wave_kind { WAVE_ALL = 0, WAVE_COUNT = 1, WAVE_PERCENT = 2 };

struct wave {
    int64_t shipment;
    int64_t number; /* from 1 */
    enum wave_kind kind;
    int64_t amount; /* devices, or hundredths of a percent */
    char filter[RECORD_FILTER];
    /* Its gate (fleet/rules/gate.h): */
    int64_t success_percent;
    int64_t failure_percent; /* 0: no limit */
    int64_t minimum;         /* sample for that */
    int64_t soak_ms;
    /* Its devices, counted as their targets change: */
    int64_t size;
    int64_t updated;
    int64_t there;   /* ran the firmware before */
    int64_t skipped; /* left out by the condition */
    int64_t failed;
    int64_t stuck;      /* failed for now: rolled back, or out of attempts */
    int64_t sent_bytes; /* files that updated devices were offered, and the plain ones in their place */
    int64_t plain_bytes;
    int64_t opened;
    int64_t reached; /* when enough were updated, 0 not yet */
    bool forgiven;   /* the operator went on after a stop: the sample and failures until then */
    int64_t forgiven_sample;
    int64_t forgiven_bad;
};

/* Where a device stands in a shipment. X(NAME, slug, text); the numbers are stored: append only. */
#define TARGET_STATUSES(X)                                                                                   \
    X(WAITING, "waiting", "nothing happened yet")                                                            \
    X(PROCESS_STARTED, "process-started", "the update was decided; its offer did not go out yet")            \
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
    X(ALREADY_THERE, "already-there", "the device ran this firmware before")                                 \
    X(NOT_NEEDED, "not-needed", "the shipment's condition leaves this device out")                           \
    X(DECLINED, "declined", "the device's owner does not want this update")

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

/* What became of forms that the server encoded for this device: none yet, one was offered last, or one failed
 * and no other is offered. */
enum target_encoded { ENCODED_NOT = 0, ENCODED_LAST = 1, ENCODED_NEVER = 2 };

/* One device in one shipment. fleet/rules/status.c draws how it moves. */
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
    int64_t wave;        /* from 1 */
    int64_t consent;     /* when its owner agreed, 0 not yet */
    int64_t turn;        /* when the rate lets it have its offer, 0 none taken */
    enum form_kind form; /* of the last offer, and its file's bytes */
    int64_t sent_bytes;
    int64_t plain_bytes; /* of the plain file in its place */
    enum target_encoded encoded;
};

struct progress {
    int64_t target;
    int64_t updated; /* those that ran it before included */
    int64_t failed;
    int64_t skipped;    /* left out by the condition */
    int64_t sent_bytes; /* as in struct wave */
    int64_t plain_bytes;
};

/* A list in pages: at most limit records, those behind the one with id after (0: from the start). */
struct page {
    int64_t after;
    int64_t limit;
};

struct organization {
    int64_t id;
    char name[RECORD_NAME];
    int64_t created;
    char zone[RECORD_TEXT]; /* of its devices that have none, "" without */
};

/* Somebody who signs in. */
#define RECORD_PASSWORD 160
#define RECORD_SUBJECT  256
struct account {
    int64_t id;
    int64_t organization;
    char login[RECORD_LOGIN];
    char name[RECORD_NAME];
    int64_t role;                   /* enum role */
    char password[RECORD_PASSWORD]; /* its hash; "" nobody signs in with one */
    bool once;                      /* it was made for this person, who must change it */
    bool disabled;
    char subject[RECORD_SUBJECT]; /* at the identity provider, "" none */
    int64_t created;
    int64_t last_login;
};

struct session {
    int64_t id;
    uint8_t hash[RECORD_DIGEST_BYTES];
    int64_t account;
    int64_t created;
    int64_t used;
    bool once; /* begun with a one-time password */
    char address[RECORD_ADDRESS];
    char agent[RECORD_AGENT];
};

struct api_token {
    int64_t id;
    uint8_t hash[RECORD_DIGEST_BYTES];
    int64_t account;
    char name[RECORD_NAME];
    int64_t role;  /* at most; its account's role bounds it, too */
    int64_t areas; /* bits of enum area, 0 all */
    int64_t created;
    int64_t expires; /* 0 never */
    int64_t used;
};

/* Something that happened to a device. kind is a fixed word, and so is code, which says what of that kind. */
#define RECORD_EVENT_TEXT 400
struct event {
    int64_t time;
    char kind[16];
    int64_t shipment; /* that it is about, 0 none */
    char code[24];    /* "" none */
    uint8_t reason;   /* include/tandem/reason.h */
    char text[RECORD_EVENT_TEXT];
};

/* A device that failed in a shipment, for good or for now. */
struct failure {
    int64_t id;
    int64_t time;
    int64_t shipment;
    int64_t device;
    enum target_status status;
    uint8_t reason;
    char shipment_name[RECORD_NAME];
    char device_name[RECORD_NAME];
    char version[RECORD_TEXT]; /* of the firmware that was shipped */
};

#endif
