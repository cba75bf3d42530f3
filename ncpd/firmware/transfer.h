/* One HTTP GET at a time, by libcurl on the event loop. */
#ifndef NCPD_TRANSFER_H
#define NCPD_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ncpd/config/config.h"
#include "tandem/digest.h"

struct event_base;
struct transfer;

/* What the answer's head said. */
struct transfer_head {
    long status;
    uint64_t bytes; /* of the whole file, also when a part of it comes */
    bool has_bytes;
    uint64_t start;       /* of that part */
    uint32_t retry_after; /* seconds; 0 if the server did not say */
    char etag[96];        /* a strong one, "" if there is none */
    bool has_sha256;
    bool has_md5;
    uint8_t sha256[TDM_SHA256_BYTES];
    uint8_t md5[TDM_MD5_BYTES];
    char type[128]; /* x-fw-type, x-fw-ver, x-fw-build; "" if they do not stand there */
    char version[128];
    char build[128];
};

enum transfer_end {
    TRANSFER_WHOLE,      /* the whole answer arrived */
    TRANSFER_STOPPED,    /* begin or data said so */
    TRANSFER_NO_SERVER,  /* not found, not reached, or not the one that it should be (TLS) */
    TRANSFER_NO_REQUEST, /* it leads nowhere: too many redirects, or to another protocol */
    TRANSFER_STALLED,    /* no byte for too long */
    TRANSFER_CUT         /* anything else */
};

struct transfer_handler {
    /* The body begins. False ends the transfer: done follows, with TRANSFER_STOPPED. */
    bool (*begin)(void *ctx, const struct transfer_head *head);
    /* A piece of the body. False ends the transfer likewise. */
    bool (*data)(void *ctx, const void *bytes, size_t count);
    /* The end, once. error says why where how is not TRANSFER_WHOLE. May start the next one. */
    void (*done)(void *ctx, const struct transfer_head *head, enum transfer_end how, const char *error);
    void *ctx;
};

/* mcu stays the caller's; its certificates are used. Never NULL. */
struct transfer *transfer_new(struct event_base *base, const struct mcu_config *mcu,
                              const struct transfer_handler *handler);
void transfer_free(struct transfer *transfer);

/* Gets url, from byte offset on. With an etag, the whole comes where the file is not that one any more. Ends
 * the one under way without a done. */
void transfer_start(struct transfer *transfer, const char *url, uint32_t offset, const char *etag);

/* Connects to host, with TLS if tls, and no more than that. */
void transfer_probe(struct transfer *transfer, const char *host, uint16_t port, bool tls);

/* Ends the one under way without a done. */
void transfer_stop(struct transfer *transfer);

#endif
