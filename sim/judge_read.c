/* Record and banks, read from raw flash by a second reading of docs/BOOT.md and docs/PACKAGE.md. */
#include "sim/judge_read.h"

#include <string.h>

enum { CRC_AT = 44 };

/* --- Reading the record (docs/BOOT.md, "The record") --- */

static uint32_t u32(const uint8_t *from)
{
    return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

static uint32_t crc32(const uint8_t *data, unsigned bytes)
{
    static const uint32_t of_4_bits[16] = {
        0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4, 0x4DB26158, 0x5005713C,
        0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C};
    uint32_t crc = 0xFFFFFFFFu;

    while (bytes-- > 0) { /* a record is read at each operation */
        crc ^= *data++;
        crc = crc >> 4 ^ of_4_bits[crc & 15];
        crc = crc >> 4 ^ of_4_bits[crc & 15];
    }
    return ~crc;
}

static bool read_entry(const struct sim_judge *judge, uint32_t address, struct entry *entry)
{
    const uint8_t *raw = sim_flash_peek(judge->flash, address, ENTRY_BYTES);

    if (raw == NULL || u32(raw) == 0xFFFFFFFFu || crc32(raw, CRC_AT) != u32(raw + CRC_AT))
        return false;
    entry->sequence = u32(raw);
    entry->state = raw[5];
    entry->active = raw[6];
    entry->target = raw[7];
    entry->floor = u32(raw + 8);
    memcpy(entry->target_digest, raw + 16, DIGEST_BYTES);
    memcpy(entry->rejected_digest, raw + 28, DIGEST_BYTES);
    return entry->state >= STATE_IDLE && entry->state <= STATE_FETCH;
}

uint32_t sim_judge_units(const struct sim_judge *judge, uint32_t bytes)
{
    uint32_t unit = judge->layout->program_bytes;

    return (bytes + unit - 1) / unit * unit;
}

struct entry sim_judge_entry(const struct sim_judge *judge)
{
    uint32_t step = sim_judge_units(judge, ENTRY_BYTES);
    struct entry newest = {.sequence = 0};
    unsigned unit;

    for (unit = 0; unit < 2; unit++) {
        const struct tdm_region *region = &judge->layout->places.record[unit];
        uint32_t at;

        for (at = 0; at + step <= region->bytes; at += step) {
            struct entry entry;

            if (read_entry(judge, region->address + at, &entry) && entry.sequence > newest.sequence)
                newest = entry;
        }
    }
    return newest;
}

/* --- Reading a bank (docs/PACKAGE.md, "In the bank") --- */

static bool flash_holds(const struct sim_judge *judge, uint32_t address, const uint8_t *bytes, uint32_t count)
{
    const uint8_t *there = sim_flash_peek(judge->flash, address, count);

    return there != NULL && memcmp(there, bytes, count) == 0;
}

static bool holds_image(const struct sim_judge *judge, uint32_t address, const struct sim_firmware *firmware)
{
    uint32_t bytes = firmware->bytes - firmware->image;
    const uint8_t *there = sim_flash_peek(judge->flash, address, bytes);

    return there != NULL && sim_firmware_is(firmware, address, there);
}

bool sim_judge_holds(const struct sim_judge *judge, uint8_t bank, const struct sim_firmware *firmware)
{
    const struct tdm_region *region = &judge->layout->places.bank[bank];
    uint32_t header = region->address + region->bytes - judge->layout->places.header_bytes;
    uint32_t table_bytes = firmware->image - firmware->table;
    uint32_t head_bytes = firmware->head_bytes;
    const uint8_t prefix[8] = {'T', 'D', 'M', 'B', (uint8_t)head_bytes, (uint8_t)(head_bytes >> 8)};

    return flash_holds(judge, header, prefix, sizeof prefix) &&
           flash_holds(judge, header + sizeof prefix, firmware->package + 64, head_bytes + 64) &&
           flash_holds(judge, header - sim_judge_units(judge, table_bytes),
                       firmware->package + firmware->table, table_bytes) &&
           holds_image(judge, region->address, firmware);
}

uint8_t sim_judge_identify(const struct sim_judge *judge, uint8_t bank)
{
    unsigned i;

    for (i = 0; i < judge->firmwares; i++) {
        if (sim_judge_holds(judge, bank, &judge->firmware[i]))
            return (uint8_t)i;
    }
    return SIM_NONE;
}

/* The mark at the bank's end, in whole program units. */
bool sim_judge_is_marked(const struct sim_judge *judge, uint8_t bank, const struct sim_firmware *firmware)
{
    const struct tdm_region *region = &judge->layout->places.bank[bank];
    uint32_t mark = region->address + region->bytes - sim_judge_units(judge, MARK_BYTES);

    return flash_holds(judge, mark, (const uint8_t *)"TDMC", 4) &&
           flash_holds(judge, mark + 4, firmware->manifest.image_digest, DIGEST_BYTES);
}

bool sim_judge_digest_is(const struct sim_judge *judge, uint8_t firmware, const uint8_t digest[DIGEST_BYTES])
{
    return firmware != SIM_NONE &&
           memcmp(judge->firmware[firmware].manifest.image_digest, digest, DIGEST_BYTES) == 0;
}
