/* The PROXY header, by which a balancer says for whom it connects (HAProxy's proxy-protocol.txt, versions 1
 * and 2): the first bytes of a connection, before TLS and MQTT. */
#ifndef TANDEM_CLOUD_PROXY_HEADER_H
#define TANDEM_CLOUD_PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>

#define PROXY_HEADER_MAX     1024 /* longer ones, with many extensions, are refused */
#define PROXY_HEADER_CLIENT  46   /* an address as text, with its NUL */
#define PROXY_HEADER_MORE    0
#define PROXY_HEADER_REFUSED (-1)

/* Reads the header that the bytes begin with: its length, and client gets the address in it, "" where it
 * names none (the balancer's own check). PROXY_HEADER_MORE: it is not whole yet. PROXY_HEADER_REFUSED: they
 * begin with something else. */
int proxy_header_read(const uint8_t *bytes, size_t count, char client[PROXY_HEADER_CLIENT]);

#endif
