/* The command line of tandem-cloud. */
#ifndef TANDEM_CLOUD_OPTIONS_H
#define TANDEM_CLOUD_OPTIONS_H

#include <stdint.h>

#include "cloud/log.h"
#include "cloud/net/doors/tls.h"
#include "cloud/oidc/provider.h"
#include "cloud/people/proxy.h"

#define OPTIONS_DATA_MAX 1024 /* characters of --data */

struct options {
    const char *data;
    const char *database; /* URL of PostgreSQL, NULL: SQLite in data */
    const char *bus;      /* URL of NATS, NULL: there are no other servers */
    const char *http;     /* addresses to listen at, NULL: not */
    const char *https;
    const char *mqtt;
    const char *mqtts;
    bool webhooks_anywhere;
    bool allow_clear; /* http and mqtt beyond loopback */
    struct tls_files tls;
    struct proxies proxies;   /* that are believed whom they speak for, by X-Forwarded-For */
    struct proxies balancers; /* the same of --mqtt and --mqtts, by a PROXY header */
    const char *public_url;   /* NULL: devices download where they connected */
    const char *files;        /* where firmware is kept, NULL: in data */
    const char *console;      /* NULL: none is served */
    struct provider_settings oidc;
    int64_t settle_ms;
    const char *zone; /* NULL: UTC */
    bool deltas_off;
    int64_t deltas_wait_ms;
    int64_t deltas_memory_mib;
    int64_t deltas_seconds;
    int64_t deltas_space_mib;
    enum log_level log_level;
    bool log_json;
};

/* Fills options, or ends the program: 0 after --help and --version, 2 for anything wrong. */
void options_parse(struct options *options, int argc, char **argv);

#endif
