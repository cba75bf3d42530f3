/* What devices say, from JSON into structures: info/mcu and ota/report. Anything malformed is refused whole.
 */
#ifndef TANDEM_CLOUD_REPORT_H
#define TANDEM_CLOUD_REPORT_H

#include "cloud/store/records.h"

/* info/mcu. Texts that are absent are empty. */
struct check_in {
    char template[RECORD_TEXT];
    char type[RECORD_TEXT];
    char version[RECORD_TEXT];
    char build[RECORD_TEXT];
    char library[RECORD_TEXT]; /* "blynk" */
    int64_t receive_bytes;     /* rxbuff, 0 unknown */
};

enum report_kind {
    REPORT_STAGE,  /* stage, bytes, size */
    REPORT_FAILED, /* reason */
    REPORT_DEVICE, /* the fields below */
    REPORT_OTHER,  /* a stage that this version does not know */
};

enum report_event { REPORT_STARTED, REPORT_REFUSED, REPORT_CONFIRMED, REPORT_TRIAL };

/* ota/report (docs/EXTENSIONS.md). Numbers are -1 where absent. */
struct report {
    enum report_kind kind;
    enum target_stage stage;
    char name[24]; /* of the stage, as sent */
    int64_t bytes;
    int64_t size;
    int64_t wire_bytes;
    uint8_t reason;
    /* REPORT_DEVICE: */
    enum report_event event;
    enum device_state state;
    bool digest_known;
    uint8_t digest[RECORD_DIGEST_BYTES];
    bool about_known;
    uint8_t about[RECORD_SHORT_BYTES]; /* head of the image that reason speaks of */
    char hardware[RECORD_HARDWARE];
    int64_t counter;
    int64_t decodes; /* bits of enum device_decodes; told with REPORT_STARTED */
};

/* False if the bytes are not such a message. */
bool report_parse_check_in(const void *data, size_t bytes, struct check_in *check_in);
bool report_parse(const void *data, size_t bytes, struct report *report);

#endif
