/* Little-endian numbers in byte arrays, at any alignment and on any host. */
#ifndef TANDEM_IMAGE_BYTES_H
#define TANDEM_IMAGE_BYTES_H

#include <stdint.h>

static inline uint16_t tdm__load_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] | from[1] << 8);
}

static inline uint32_t tdm__load_u32(const uint8_t *from)
{
    return tdm__load_u16(from) | (uint32_t)tdm__load_u16(from + 2) << 16;
}

static inline void tdm__store_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static inline void tdm__store_u32(uint8_t *to, uint32_t value)
{
    tdm__store_u16(to, (uint16_t)value);
    tdm__store_u16(to + 2, (uint16_t)(value >> 16));
}

#endif
