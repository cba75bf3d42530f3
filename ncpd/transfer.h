/* One HTTP GET at a time, by libcurl on the event loop. */
#ifndef NCPD_TRANSFER_H
#define NCPD_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tandem/digest.h"

#include "ncpd/config.h"

struct event_base;
struct transfer;

/* What the answer's head said. */
struct transfer_head {
    long status;
    uint64_t bytes; /* of the whole file, also when a part of it comes */
    bool has_bytes;
    bool has_sha256;
    bool has_md5;
    uint8_t sha256[TDM_SHA256_BYTES];
    uint8_t md5[TDM_MD5_BYTES];
    char type[128]; /* x-fw-type, x-fw-ver, x-fw-build; "" if they do not stand there */
    char version[128];
    char build[128];
};

struct transfer_handler {
    /* The body begins. False ends the transfer: done follows, with stopped set. */
    bool (*begin)(void *ctx, const struct transfer_head *head);
    /* A piece of the body. False ends the transfer likewise. */
    bool (*data)(void *ctx, const void *bytes, size_t count);
    /* The end, once. error is NULL when the whole answer arrived. May start the next one. */
    void (*done)(void *ctx, const struct transfer_head *head, const char *error, bool stopped);
    void *ctx;
};

/* mcu stays the caller's; its certificates are used. Never NULL. */
struct transfer *transfer_new(struct event_base *base, const struct mcu_config *mcu,
                              const struct transfer_handler *handler);
void transfer_free(struct transfer *transfer);

/* Gets url, from byte offset on. Ends the one under way without a done. */
void transfer_start(struct transfer *transfer, const char *url, uint32_t offset);

/* Ends the one under way without a done. */
void transfer_stop(struct transfer *transfer);

#endif
