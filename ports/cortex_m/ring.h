/* A ring of bytes between an interrupt and the program: one side puts, the other takes. head and tail run
 * freely; their difference is what the ring holds, and a byte is in place before head, and out before tail,
 * says so. RING_BYTES is defined before this is included: a power of two. */
#ifndef TANDEM_CORTEX_M_RING_H
#define TANDEM_CORTEX_M_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "ports/cortex_m/cpu.h"

struct ring {
    uint8_t bytes[RING_BYTES];
    volatile uint32_t head, tail;
};

static inline bool ring_full(const struct ring *ring)
{
    return ring->head - ring->tail == RING_BYTES;
}

static inline bool ring_empty(const struct ring *ring)
{
    return ring->head == ring->tail;
}

static inline void ring_put(struct ring *ring, uint8_t byte)
{
    ring->bytes[ring->head % RING_BYTES] = byte;
    compiler_barrier();
    ring->head++;
}

static inline uint8_t ring_take(struct ring *ring)
{
    uint8_t byte = ring->bytes[ring->tail % RING_BYTES];

    compiler_barrier();
    ring->tail++;
    return byte;
}

#endif
