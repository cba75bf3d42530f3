/* The program: everything that a server is made of. main.c starts, runs and stops it; open.c opens what it
 * keeps. */
#ifndef TANDEM_CLOUD_CLOUD_H
#define TANDEM_CLOUD_CLOUD_H

#include <event2/event.h>

#include "cloud/deltas/maker.h"
#include "cloud/fleet/desk.h"
#include "cloud/net/courier.h"
#include "cloud/net/devices/gateway.h"
#include "cloud/net/front/front.h"
#include "cloud/net/janitor.h"
#include "cloud/net/relay.h"
#include "cloud/options.h"
#include "cloud/people/people.h"

#define CLOUD_PATH_MAX (OPTIONS_DATA_MAX + 128) /* of what lies in the data folder */
#define CLOUD_WHY_MAX  400                      /* of a reason in words */
#define CLOUD_SIGNALS  3

struct cloud {
    struct options options;
    char folder[CLOUD_PATH_MAX]; /* of firmware files */
    char forms[CLOUD_PATH_MAX];  /* of those that the server makes */
    struct maker *maker;
    struct fleet fleet;
    struct people people;
    struct workers *workers;
    uint8_t sign_in_key[SECRET_KEY_BYTES]; /* of the ways to the identity provider and back */
    struct courier *courier;
    struct janitor *janitor; /* NULL: files are kept in the own folder alone */
    struct tokens devices;
    struct event_base *base;
    struct event *signals[CLOUD_SIGNALS];
    struct desk *desk;
    struct tls *web; /* NULL without TLS */
    struct tls *door;
    struct event *daily; /* NULL without TLS */
    int64_t looked_ms;   /* when the certificate was looked at */
    struct gateway *gateway;
    struct relay relay;
    struct front front;
    struct files *files; /* NULL: firmware is kept in folder alone */
};

/* Says why the server cannot start, and exits with 1. */
void cloud_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The data folder, this process's alone. */
void cloud_open_folder(struct cloud *cloud);

/* The store, brought up to date, and what of it is held in memory. The first start on a database makes its
 * admin and its keys. */
void cloud_open_store(struct cloud *cloud);

#endif
