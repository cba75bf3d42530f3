/* Included before each of BearSSL's files. Its buffers have room for a curve of 528 bits; P-256 is the only
 * one that is ever asked for (bearssl.c), and with room for that one a signature check takes 2 KB of stack
 * where it took 3.6 KB. */
#ifndef TANDEM_P256_SIZES_H
#define TANDEM_P256_SIZES_H

#include "inner.h"

#undef BR_MAX_EC_SIZE
#define BR_MAX_EC_SIZE 256

#endif
