/* CRC-8 with polynomial x^8 + x^2 + x + 1, not reflected: four bits at a time, with a table of 16 bytes. */
#include "tandem/frame.h"

uint8_t tdm_crc8(uint8_t crc, const void *data, size_t bytes)
{
    static const uint8_t table[16] = {0x00, 0x07, 0x0E, 0x09, 0x1C, 0x1B, 0x12, 0x15,
                                      0x38, 0x3F, 0x36, 0x31, 0x24, 0x23, 0x2A, 0x2D};
    const uint8_t *byte = data;

    while (bytes-- > 0) {
        crc ^= *byte++;
        crc = (uint8_t)(crc << 4) ^ table[crc >> 4];
        crc = (uint8_t)(crc << 4) ^ table[crc >> 4];
    }
    return crc;
}
