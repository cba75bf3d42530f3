#include "core/image/bytes.h"

uint16_t tdm__load_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] | from[1] << 8);
}

uint32_t tdm__load_u32(const uint8_t *from)
{
    return tdm__load_u16(from) | (uint32_t)tdm__load_u16(from + 2) << 16;
}

void tdm__store_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

void tdm__store_u32(uint8_t *to, uint32_t value)
{
    tdm__store_u16(to, (uint16_t)value);
    tdm__store_u16(to + 2, (uint16_t)(value >> 16));
}
