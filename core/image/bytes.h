/* Little-endian numbers in byte arrays, at any alignment and on any host. Calls, because inlined they weigh
 * more. */
#ifndef TANDEM_IMAGE_BYTES_H
#define TANDEM_IMAGE_BYTES_H

#include <stdint.h>

/* Four characters as the number that they are in a byte array. */
#define TDM__WORD(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

uint16_t tdm__load_u16(const uint8_t *from);
uint32_t tdm__load_u32(const uint8_t *from);
void tdm__store_u16(uint8_t *to, uint16_t value);
void tdm__store_u32(uint8_t *to, uint32_t value);

#endif
