/* Where branch instructions go (Arm Architecture Reference Manual, encodings of B, BL and BLX). */
#include "cli/elf/elf_reader.h"

/* The low bits of value as a signed number. */
static uint32_t sign_extend(uint32_t value, unsigned bits)
{
    uint32_t sign = 1u << (bits - 1);

    return (value ^ sign) - sign;
}

/* BL, BLX and B.W: S, imm10, imm11, with J1 and J2 as bits 23 and 22 of the distance, xor not S. */
static uint32_t far_distance(uint32_t first, uint32_t second)
{
    uint32_t s = first >> 10 & 1;
    uint32_t i1 = ~((second >> 13 & 1) ^ s) & 1;
    uint32_t i2 = ~((second >> 11 & 1) ^ s) & 1;

    return sign_extend(s << 24 | i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1, 25);
}

/* B<c>.W: S, imm6, imm11, with J2 and J1 as bits 19 and 18. */
static uint32_t conditional_distance(uint32_t first, uint32_t second)
{
    return sign_extend((first >> 10 & 1) << 20 | (second >> 11 & 1) << 19 | (second >> 13 & 1) << 18 |
                           (first & 0x3F) << 12 | (second & 0x7FF) << 1,
                       21);
}

bool elf_branch_thumb(const struct elf_image *image, uint32_t offset, uint32_t address, uint32_t *target)
{
    uint32_t first = elf_halfword(image, offset);
    uint32_t second = elf_halfword(image, offset + 2);
    bool is_conditional = (second & 0xD000) == 0x8000 && (first & 0x0380) != 0x0380;

    if ((first & 0xF800) != 0xF000 || (second & 0x8000) == 0)
        return false;
    switch (second & 0xD000) {
    case 0x9000: /* B.W */
    case 0xD000: /* BL */
        *target = address + 4 + far_distance(first, second);
        return true;
    case 0xC000: /* BLX, to Arm code at a multiple of 4 */
        *target = ((address + 4) & ~3u) + (far_distance(first, second) & ~3u);
        return true;
    default:
        *target = address + 4 + conditional_distance(first, second);
        return is_conditional;
    }
}

bool elf_branch_arm(const struct elf_image *image, uint32_t offset, uint32_t address, uint32_t *target)
{
    uint32_t word = elf_word(image, offset);

    if ((word & 0x0E000000) != 0x0A000000)
        return false;
    *target = address + 8 + sign_extend((word & 0xFFFFFF) << 2, 26);
    return true;
}
