#include "ncpd/cloud/connector.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"

struct connector {
    connector_done_fn *done;
    void *ctx;
    int pipe[2]; /* one byte when the thread is through */
    struct event *event;
    struct mosquitto *client;
    char host[256];
    uint16_t port;
    int keep_alive_s;
    char error[128]; /* "" if it connected */
};

static void tell(struct connector *connector)
{
    while (write(connector->pipe[1], "", 1) < 0 && errno == EINTR) {
    }
}

static const char *error_text(int error)
{
    switch (error) {
    case MOSQ_ERR_SUCCESS:
        return "";
    case MOSQ_ERR_ERRNO:
        return strerror(errno);
    case MOSQ_ERR_EAI:
        return "its address cannot be looked up; check the name, and this machine's DNS";
    case MOSQ_ERR_TLS:
        return "no TLS with it; check its certificate, CaFile, and this machine's clock";
    default:
        return mosquitto_strerror(error);
    }
}

static void *connect_thread(void *ctx)
{
    struct connector *connector = ctx;
    int error =
        mosquitto_connect(connector->client, connector->host, connector->port, connector->keep_alive_s);

    snprintf(connector->error, sizeof connector->error, "%s", error_text(error));
    tell(connector);
    return NULL;
}

static void on_told(evutil_socket_t fd, short what, void *ctx)
{
    struct connector *connector = ctx;
    char byte;

    (void)what;
    if (read(fd, &byte, 1) == 1)
        connector->done(connector->ctx, connector->error[0] != '\0' ? connector->error : NULL);
}

struct connector *connector_new(struct event_base *base, connector_done_fn *done, void *ctx)
{
    struct connector *connector = memory_zeroed(sizeof *connector);

    connector->done = done;
    connector->ctx = ctx;
    if (pipe2(connector->pipe, O_CLOEXEC) != 0) {
        log_error(NULL, "no pipe: %s", strerror(errno));
        exit(EXIT_FAILURE);
    }
    connector->event = event_new(base, connector->pipe[0], EV_READ | EV_PERSIST, on_told, connector);
    event_add(connector->event, NULL);
    return connector;
}

void connector_free(struct connector *connector)
{
    event_free(connector->event);
    close(connector->pipe[0]);
    close(connector->pipe[1]);
    free(connector);
}

void connector_start(struct connector *connector, struct mosquitto *client, const char *host, uint16_t port,
                     int keep_alive_s)
{
    pthread_t thread;

    connector->client = client;
    if (host[0] == '[') { /* an address of IPv6; only URLs have the brackets */
        snprintf(connector->host, sizeof connector->host, "%.*s", (int)strcspn(host + 1, "]"), host + 1);
    } else {
        snprintf(connector->host, sizeof connector->host, "%s", host);
    }
    connector->port = port;
    connector->keep_alive_s = keep_alive_s;
    if (pthread_create(&thread, NULL, connect_thread, connector) == 0) {
        pthread_detach(thread);
        return;
    }
    snprintf(connector->error, sizeof connector->error, "no thread to connect on");
    tell(connector);
}
