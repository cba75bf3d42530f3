/* NATS through its C client. Two subjects: tandem.node.ID for one server, tandem.all for every server. The
 * client has threads of its own; what they receive waits in a bounded queue until the loop takes it. */
#include <errno.h>
#include <inttypes.h>
#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cloud/bus/driver.h"
#include "cloud/log.h"

#define SUBJECT_MAX  40
#define EVERYBODY    "tandem.all"
#define QUEUE_MAX    10000 /* messages that the loop has not taken; more are dropped */
#define CONNECT_MS   2000
#define RECONNECT_MS 250
#define WRITE_MS     1000
#define PING_MS      5000
#define PINGS_OUT    2
#define OUTBOX_BYTES (1024 * 1024) /* while the server is away */
#define CLOSE_MS     2000

struct message {
    struct message *next;
    size_t bytes;
    uint8_t data[];
};

struct nats_bus {
    struct bus bus;
    natsConnection *connection;
    natsSubscription *subscriptions[2];
    bus_message_fn *on_message;
    void *ctx;
    struct event *wake;
    int wake_fd;
    atomic_bool closing;
    pthread_mutex_t lock; /* of all below */
    struct message *first;
    struct message **end;
    size_t waiting;
    bool missed; /* some, nobody knows which */
};

/* --- On the client's threads --- */

static void wake(const struct nats_bus *nats)
{
    uint64_t one = 1;
    if (write(nats->wake_fd, &one, sizeof one) < 0) {
        /* The counter is full: the loop has been woken already. */
    }
}

static void on_receive(natsConnection *connection, natsSubscription *subscription, natsMsg *received,
                       void *ctx)
{
    (void)connection;
    (void)subscription;
    struct nats_bus *nats = ctx;
    size_t bytes = (size_t)natsMsg_GetDataLength(received);
    struct message *message = bytes <= BUS_MESSAGE_MAX ? malloc(sizeof *message + bytes) : NULL;
    pthread_mutex_lock(&nats->lock);
    if (message != NULL && nats->waiting < QUEUE_MAX) {
        message->next = NULL;
        message->bytes = bytes;
        memcpy(message->data, natsMsg_GetData(received), bytes);
        *nats->end = message;
        nats->end = &message->next;
        nats->waiting++;
        message = NULL;
    } else {
        nats->missed = true;
    }
    pthread_mutex_unlock(&nats->lock);
    free(message);
    natsMsg_Destroy(received);
    wake(nats);
}

static void on_lost(natsConnection *connection, void *ctx)
{
    (void)connection;
    struct nats_bus *nats = ctx;
    if (atomic_load(&nats->closing))
        return;
    log_line(LOG_LEVEL_ERROR, "bus-lost", "hint=\"is the NATS server restarting? it is connected to again\"");
}

static void on_connected(natsConnection *connection, void *ctx)
{
    (void)connection;
    struct nats_bus *nats = ctx;
    log_line(LOG_LEVEL_INFO, "bus-connected", "kind=nats");
    pthread_mutex_lock(&nats->lock);
    nats->missed = true;
    pthread_mutex_unlock(&nats->lock);
    wake(nats);
}

/* The client gives up when it is refused time and again, by a password or a certificate. */
static void on_closed(natsConnection *connection, void *ctx)
{
    (void)connection;
    struct nats_bus *nats = ctx;
    if (!atomic_load(&nats->closing))
        log_line(
            LOG_LEVEL_ERROR, "bus-closed",
            "hint=\"NATS and this server refuse each other (certificate, user, password): mend that, then "
            "restart this server; shipments go on without\"");
}

static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus status, void *ctx)
{
    (void)connection;
    (void)subscription;
    (void)ctx;
    log_line(LOG_LEVEL_WARNING, "bus-failed", "error=\"%s\"", natsStatus_GetText(status));
}

/* --- On the loop --- */

static void on_wake(evutil_socket_t fd, short what, void *ctx)
{
    (void)what;
    struct nats_bus *nats = ctx;
    uint64_t count;
    if (read((int)fd, &count, sizeof count) < 0)
        return;
    pthread_mutex_lock(&nats->lock);
    struct message *messages = nats->first;
    nats->first = NULL;
    nats->end = &nats->first;
    nats->waiting = 0;
    bool missed = nats->missed;
    nats->missed = false;
    pthread_mutex_unlock(&nats->lock);
    if (missed)
        nats->on_message(nats->ctx, NULL, 0);
    while (messages != NULL) {
        struct message *next = messages->next;
        nats->on_message(nats->ctx, messages->data, messages->bytes);
        free(messages);
        messages = next;
    }
}

static bool nats_send(struct bus *bus, int64_t node, const uint8_t *data, size_t bytes)
{
    struct nats_bus *nats = (struct nats_bus *)bus;
    char subject[SUBJECT_MAX] = EVERYBODY;
    if (node != BUS_EVERYBODY)
        snprintf(subject, sizeof subject, "tandem.node.%" PRId64, node);
    return natsConnection_Publish(nats->connection, subject, data, (int)bytes) == NATS_OK;
}

static bool nats_is_up(const struct bus *bus)
{
    const struct nats_bus *nats = (const struct nats_bus *)bus;
    return natsConnection_Status(nats->connection) == NATS_CONN_STATUS_CONNECTED;
}

static void nats_close(struct bus *bus)
{
    struct nats_bus *nats = (struct nats_bus *)bus;
    atomic_store(&nats->closing, true);
    for (int i = 0; i < 2; i++)
        natsSubscription_Destroy(nats->subscriptions[i]);
    natsConnection_Destroy(nats->connection);
    nats_CloseAndWait(CLOSE_MS); /* its threads have ended */
    while (nats->first != NULL) {
        struct message *next = nats->first->next;
        free(nats->first);
        nats->first = next;
    }
    if (nats->wake != NULL)
        event_free(nats->wake);
    if (nats->wake_fd >= 0)
        close(nats->wake_fd);
    pthread_mutex_destroy(&nats->lock);
    free(nats);
}

static const struct bus_driver nats_driver = {nats_send, nats_is_up, nats_close};

static natsStatus set_options(natsOptions *options, const char *url, void *ctx)
{
    natsStatus status = natsOptions_SetURL(options, url);
    if (status == NATS_OK)
        status = natsOptions_SetName(options, "tandem-cloud");
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(options, CONNECT_MS);
    if (status == NATS_OK)
        status = natsOptions_SetMaxReconnect(options, -1);
    if (status == NATS_OK)
        status = natsOptions_SetReconnectWait(options, RECONNECT_MS);
    if (status == NATS_OK)
        status = natsOptions_SetReconnectBufSize(options, OUTBOX_BYTES);
    if (status == NATS_OK)
        status = natsOptions_SetWriteDeadline(options, WRITE_MS);
    if (status == NATS_OK)
        status = natsOptions_SetPingInterval(options, PING_MS);
    if (status == NATS_OK)
        status = natsOptions_SetMaxPingsOut(options, PINGS_OUT);
    if (status == NATS_OK)
        status = natsOptions_SetNoEcho(options, true); /* what is for everybody is not for the sender */
    if (status == NATS_OK)
        status = natsOptions_SetDisconnectedCB(options, on_lost, ctx);
    if (status == NATS_OK)
        status = natsOptions_SetReconnectedCB(options, on_connected, ctx);
    if (status == NATS_OK)
        status = natsOptions_SetClosedCB(options, on_closed, ctx);
    if (status == NATS_OK)
        status = natsOptions_SetErrorHandler(options, on_error, ctx);
    return status;
}

static natsStatus subscribe(struct nats_bus *nats, int64_t node)
{
    char subject[SUBJECT_MAX];
    snprintf(subject, sizeof subject, "tandem.node.%" PRId64, node);
    natsStatus status =
        natsConnection_Subscribe(&nats->subscriptions[0], nats->connection, subject, on_receive, nats);
    return status == NATS_OK ? natsConnection_Subscribe(&nats->subscriptions[1], nats->connection, EVERYBODY,
                                                        on_receive, nats)
                             : status;
}

static void say_why_not(void)
{
    char quoted[LOG_TEXT_MAX];
    const char *reason = nats_GetLastError(NULL);
    log_line(LOG_LEVEL_WARNING, "bus-away", "kind=nats reason=%s",
             log_quote(reason != NULL ? reason : "", quoted));
}

/* Once as it is, which tells why it fails; then in the background until it does not. */
static natsStatus connect_or_go_on_trying(struct nats_bus *nats, natsOptions *options)
{
    natsStatus status = natsConnection_Connect(&nats->connection, options);
    if (status == NATS_OK) {
        log_line(LOG_LEVEL_INFO, "bus-connected", "kind=nats");
        return status;
    }
    say_why_not();
    status = natsOptions_SetRetryOnFailedConnect(options, true, on_connected, nats);
    if (status == NATS_OK)
        status = natsConnection_Connect(&nats->connection, options);
    return status == NATS_NOT_YET_CONNECTED ? NATS_OK : status; /* on_connected will tell */
}

static natsStatus connect_to(struct nats_bus *nats, const char *url, int64_t node)
{
    natsOptions *options = NULL;
    natsStatus status = natsOptions_Create(&options);
    if (status == NATS_OK)
        status = set_options(options, url, nats);
    if (status == NATS_OK)
        status = connect_or_go_on_trying(nats, options);
    if (status == NATS_OK)
        status = subscribe(nats, node);
    natsOptions_Destroy(options);
    return status == NATS_CONNECTION_CLOSED ? NATS_OK : status; /* on_closed tells */
}

struct bus *bus__open_nats(const char *url, int64_t node, struct event_base *base, bus_message_fn *on_message,
                           void *ctx, char *why, size_t capacity)
{
    struct nats_bus *nats = calloc(1, sizeof *nats);
    if (nats == NULL)
        abort();
    *nats = (struct nats_bus){.bus = {&nats_driver}, .on_message = on_message, .ctx = ctx};
    nats->end = &nats->first;
    pthread_mutex_init(&nats->lock, NULL);
    nats->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    nats->wake = event_new(base, nats->wake_fd, EV_READ | EV_PERSIST, on_wake, nats);
    if (nats->wake_fd < 0 || nats->wake == NULL || event_add(nats->wake, NULL) != 0) {
        snprintf(why, capacity, "cannot watch the bus: %s", strerror(errno));
        nats_close(&nats->bus);
        return NULL;
    }
    natsStatus status = connect_to(nats, url, node);
    if (status != NATS_OK) {
        snprintf(why, capacity, "cannot use the NATS server of --bus: %s", natsStatus_GetText(status));
        nats_close(&nats->bus);
        return NULL;
    }
    return &nats->bus;
}
