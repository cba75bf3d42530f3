/* A device at the other end of a session, for tests: what it says is written as bytes.h has it. */
#ifndef TANDEM_TESTS_CLOUD_MQTT_DEVICE_H
#define TANDEM_TESTS_CLOUD_MQTT_DEVICE_H

#include "cloud/mqtt/session.h"

#define LOGIN_3_1_1   "10 1b 0004'MQTT' 04 c2 002d 0000 0006'device' 0005'token'"
#define LOGIN_5       "10 1c 0004'MQTT' 05 c2 002d 00 0000 0006'device' 0005'token'"
#define WELCOME_3     "20 02 00 00"
/* Session expiry 0, receive maximum 32, packet size 4096; no retain, subscription ids, shared subscriptions.
 */
#define WELCOME_TERMS "11 00000000 21 0020 27 00001000 25 00 29 00 2a 00"
/* With the client id assigned. */
#define WELCOME_5     "20 30 00 00 2d" WELCOME_TERMS "12 0017 'device-0000000000000007'"

enum { NOT_ENDED = -1 };

/* A connection and what the session did with it. The gateway knows user `device` with token `token`. */
struct device {
    struct mqtt_session session;
    uint8_t sent[8192]; /* since the last device_gets */
    size_t sent_bytes;
    char log[1024]; /* "topic=payload;" per message */
    unsigned logins, packets, acknowledged;
    unsigned hold_at; /* this packet is the last that is taken at once; 0: none */
    uint16_t acknowledged_id;
    int end; /* enum mqtt_end, or NOT_ENDED */
    bool decide_later, acknowledge_later;
    char token[64];
};

extern const struct mqtt_session_ops device_ops;

void device_connect(struct device *d);

/* Connects and logs in with what MQTT 3.1.1 or 5 ask for at least. */
void device_log_in(struct device *d, uint8_t version);

/* Bytes from the device; returns how many the session took. */
size_t device_says(struct device *d, const char *text);
size_t device_says_at(struct device *d, const char *text, uint64_t now_ms);

/* Exactly these bytes were sent since the last look. */
void device_gets(struct device *d, const char *text);

/* The session ended so, and exactly these bytes were sent since the last look. */
void device_ends(struct device *d, enum mqtt_end end, const char *text);

#endif
