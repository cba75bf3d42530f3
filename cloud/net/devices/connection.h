/* What the files of the gateway share: gateway.c (doors, registry, what the fleet wants), connection.c (one
 * device's stream and session), device_job.c (what it says, as jobs for the desk). */
#ifndef TANDEM_CLOUD_CONNECTION_H
#define TANDEM_CLOUD_CONNECTION_H

#include "cloud/fleet/desk.h"
#include "cloud/fleet/devices/report.h"
#include "cloud/log.h"
#include "cloud/mqtt/session.h"
#include "cloud/net/devices/gateway.h"
#include "cloud/net/devices/pace.h"
#include "cloud/net/devices/sayings.h"
#include "cloud/net/devices/stream.h"
#include "cloud/net/doors/proxied.h"

/* What a device said this long ago is not taken for news any more where several servers share the devices: it
 * may have said otherwise to another one since. It says it again. */
#define LATE_MS     4000
#define CATCH_UP_MS 500 /* that a process which was stopped reads what came meanwhile */

struct gateway {
    struct event_base *base;
    struct event *beat;
    struct log_pace refused; /* logins */
    uint64_t alive_ms;       /* when the loop was last known to run */
    uint64_t late_ms;        /* until when what is read may have come while it did not run */
    bool shared;             /* other servers have the same devices */
    struct door doors[GATEWAY_DOORS];
    struct tokens *tokens;
    struct desk *desk;
    struct gateway_downloads downloads;
    uint64_t numbers;
    struct bound bound;
    const struct proxies *balancers;
    struct proxied_list waiting; /* balancers' connections before their PROXY header */
    struct paces paces;
    struct sayings sayings;
    struct idmap connections; /* number -> struct connection */
    struct idmap devices;     /* device id -> its logged-in connection */
};

/* What becomes of a device's connection without a goodbye. */
struct will {
    char topic[FLEET_TOPIC_MAX];
    size_t bytes;
    uint8_t payload[];
};

struct connection {
    struct gateway *gateway;
    uint64_t number;
    struct stream stream;
    struct event *timer; /* it and the stream's lie behind the connection: fewer pieces of memory for each */
    struct mqtt_session session;
    struct will *will; /* NULL: none */
    char *client;      /* the address that a proxy told, NULL: whoever is at the other end */
    uint64_t flow_ms;  /* until when messages of this connection are paid for (device_job.c) */
    int64_t device;    /* 0 before the login */
    uint64_t ping_ms;  /* when the ping that is not yet answered went out */
    uint64_t diag_ms;  /* when the last complaint did */
    uint16_t ping;     /* its packet id, 0: none */
    int jobs;          /* not done yet */
    bool slowed;       /* too many packets: not read for a moment */
    bool ended;
    bool lost; /* the socket broke, without a goodbye */
};

uint64_t connection__clock_ms(void);

/* Whether what is read now may have come while this process did not run. */
bool connection__overslept(struct gateway *gateway);

/* A new connection. client: its address, where that is not the one at the other end of the socket. */
void connection__open(struct gateway *gateway, const struct stream_source *source, const char *client);

/* Takes what was received as far as it goes, keeps the limits, and frees the connection if it is over. */
void connection__serve(struct connection *c);
void connection__destroy(struct connection *c);

/* Tells the device's developer what is wrong, now and then. */
void connection__complain(struct connection *c, const char *text);

/* --- Jobs for the desk --- */

enum job_kind { JOB_CONNECTED, JOB_DISCONNECTED, JOB_CHECK_IN, JOB_REPORT, JOB_MESSAGE, JOB_LOG };

struct job {
    struct desk_job job;
    enum job_kind kind;
    struct gateway *gateway;
    uint64_t connection;
    int64_t device;
    uint64_t posted_ms;
    bool late;          /* it was not done (LATE_MS), or the device is connected elsewhere by now */
    uint16_t packet_id; /* to acknowledge once it is on disk, or 0 */
    union {
        char text[256];
        struct check_in check_in;
        struct report report;
        struct {
            char topic[FLEET_TOPIC_MAX];
            size_t bytes;
        } message;
    };
    uint8_t payload[]; /* of a message */
};

struct job *job__new(struct connection *c, enum job_kind kind);
/* The job that a message makes. */
struct job *job__of_message(struct connection *c, const struct mqtt_message *message);
/* And a will. */
struct job *job__of_will(struct connection *c);
void job__post(struct connection *c, struct job *job);

#endif
