/* The boot record: a log of whole states in two units (docs/BOOT.md, "The record").
 *
 *     unit 0   [ n-3 ][ n-1 ][ blank ...            n-1 is the spare: what remains if unit 1 is lost
 *     unit 1   [ n-2 ][  n  ][ blank ...            n is the record; n+1 goes to unit 0
 *
 * Invariants:
 * - Nothing is erased or programmed in the unit that holds the newest entry.
 * - A unit is programmed only where it holds a valid entry, or was erased in this power cycle: a unit without
 *   one may be half erased, which can read blank and be weak. Program-once flash never gets the benefit of
 *   the first half of that rule.
 * - What was appended was read back; a slot that does not read back is left behind. */
#include "core/boot/record.h"

#include <string.h>

#include "core/image/bytes.h"

#define FORMAT_VERSION 1
#define CRC_OFFSET     44
#define SLOT_MAX       (TDM_RECORD_ENTRY_BYTES + TDM_PROGRAM_MAX - TDM_RECORD_ENTRY_BYTES % TDM_PROGRAM_MAX)

/* --- One entry --- */

typedef char record_is_laid_out_as_the_entry[sizeof(struct tdm_record) == CRC_OFFSET ? 1 : -1];

void tdm_record_encode(const struct tdm_record *record, uint8_t to[TDM_RECORD_ENTRY_BYTES])
{
    memcpy(to, record, CRC_OFFSET);
    tdm__store_u32(to, record->sequence);
    to[4] = FORMAT_VERSION;
    tdm__store_u32(to + 8, record->counter_floor);
    tdm__store_u16(to + 12, record->starts);
    tdm__store_u32(to + CRC_OFFSET, tdm_crc32(0, to, CRC_OFFSET));
}

static bool fields_are_valid(const struct tdm_record *record)
{
    bool under_way = record->state >= TDM_BOOT_ERASING && record->state <= TDM_BOOT_TRIAL;

    if (record->format != FORMAT_VERSION || record->sequence == 0)
        return false;
    if (record->state < TDM_BOOT_IDLE || record->state > TDM_BOOT_FETCH)
        return false;
    if (record->active >= TDM_BANKS && record->active != TDM_NO_BANK)
        return false;
    if (record->target >= TDM_BANKS)
        return record->target == TDM_NO_BANK && !under_way;
    return record->target != record->active || !under_way;
}

int tdm_record_decode(struct tdm_record *record, const uint8_t from[TDM_RECORD_ENTRY_BYTES])
{
    memcpy(record, from, CRC_OFFSET);
    record->sequence = tdm__load_u32(from);
    record->counter_floor = tdm__load_u32(from + 8);
    record->starts = tdm__load_u16(from + 12);
    if (tdm__load_u32(from + CRC_OFFSET) != tdm_crc32(0, from, CRC_OFFSET) || !fields_are_valid(record))
        return TDM_E_FORMAT;
    return TDM_OK;
}

/* --- Slots --- */

static uint32_t slot_bytes(const struct tdm_flash *flash)
{
    return (TDM_RECORD_ENTRY_BYTES + flash->program_bytes - 1) & ~(flash->program_bytes - 1);
}

static bool is_in_unit(const struct tdm_record_log *log, uint32_t offset)
{
    return offset + slot_bytes(log->flash) <= log->layout->record[0].bytes;
}

/* --- Loading --- */

/* Finds the unit's newest entry (sequence 0 if it has none) and its first slot after the last used one. */
static void scan_unit(struct tdm_record_log *log, uint8_t unit, struct tdm_record *newest)
{
    const struct tdm_flash *flash = log->flash;
    uint32_t step = slot_bytes(flash);
    uint32_t offset;

    for (offset = 0; is_in_unit(log, offset); offset += step) {
        uint32_t address = log->layout->record[unit].address + offset;
        uint8_t raw[TDM_RECORD_ENTRY_BYTES];
        struct tdm_record entry;

        if (flash->ops->is_blank(flash->ctx, address, step) == 1)
            continue;
        log->next[unit] = offset + step;
        if (flash->ops->read(flash->ctx, address, raw, sizeof raw) == TDM_OK &&
            tdm_record_decode(&entry, raw) == TDM_OK && entry.sequence >= newest->sequence)
            *newest = entry;
    }
}

int tdm_record_load(struct tdm_record_log *log, const struct tdm_flash *flash,
                    const struct tdm_layout *layout)
{
    memset(log, 0, sizeof *log);
    log->flash = flash;
    log->layout = layout;
    scan_unit(log, 0, &log->record);
    scan_unit(log, 1, &log->spare);
    if (log->spare.sequence > log->record.sequence) {
        struct tdm_record newest = log->spare;

        log->spare = log->record;
        log->record = newest;
        log->unit = 1;
    }
    log->found = log->record.sequence != 0;
    if (!log->found) {
        log->record.active = TDM_NO_BANK;
        log->record.target = TDM_NO_BANK;
        return TDM_E_NO_RECORD;
    }
    return TDM_OK;
}

/* --- Appending --- */

static int erase_unit(struct tdm_record_log *log, uint8_t unit)
{
    const struct tdm_flash *flash = log->flash;
    const struct tdm_region *region = &log->layout->record[unit];
    uint32_t offset;

    memset(&log->spare, 0, sizeof log->spare);
    log->erased[unit] = false;
    for (offset = 0; offset < region->bytes; offset += flash->erase_bytes) {
        int result = flash->ops->erase(flash->ctx, region->address + offset);

        if (result != TDM_OK)
            return result;
    }
    log->erased[unit] = true;
    log->next[unit] = 0;
    return TDM_OK;
}

/* Programs a slot; true if it took the entry. */
static bool program_slot(const struct tdm_record_log *log, uint32_t address, const uint8_t *entry)
{
    const struct tdm_flash *flash = log->flash;
    uint8_t image[SLOT_MAX];

    memset(image, 0xFF, sizeof image);
    memcpy(image, entry, TDM_RECORD_ENTRY_BYTES);
    return flash->ops->program(flash->ctx, address, image, slot_bytes(flash)) == TDM_OK &&
           flash->ops->read(flash->ctx, address, image, TDM_RECORD_ENTRY_BYTES) == TDM_OK &&
           memcmp(image, entry, TDM_RECORD_ENTRY_BYTES) == 0;
}

/* Programs the next slot that takes the entry. */
static int program_next(struct tdm_record_log *log, uint8_t unit, const uint8_t *entry)
{
    while (is_in_unit(log, log->next[unit])) {
        uint32_t address = log->layout->record[unit].address + log->next[unit];

        log->next[unit] += slot_bytes(log->flash);
        if (program_slot(log, address, entry))
            return TDM_OK;
    }
    return TDM_E_FLASH_PROGRAM;
}

static int append_to(struct tdm_record_log *log, uint8_t unit, const uint8_t *entry)
{
    bool holds_entry = log->spare.sequence != 0;
    int result;

    if (log->erased[unit] || (holds_entry && !log->flash->program_once)) {
        if (program_next(log, unit, entry) == TDM_OK)
            return TDM_OK;
    }
    result = erase_unit(log, unit);
    return result == TDM_OK ? program_next(log, unit, entry) : result;
}

int tdm_record_append(struct tdm_record_log *log, const struct tdm_record *next)
{
    struct tdm_record appended = *next;
    uint8_t entry[TDM_RECORD_ENTRY_BYTES];
    uint8_t unit = log->found ? 1 - log->unit : 0;
    int result;

    appended.sequence = log->record.sequence + 1;
    tdm_record_encode(&appended, entry);
    result = append_to(log, unit, entry);
    if (result != TDM_OK && !log->found) {
        unit = 1;
        result = append_to(log, unit, entry);
    }
    if (result != TDM_OK)
        return result;
    log->spare = log->record;
    log->record = appended;
    log->unit = unit;
    log->found = true;
    return TDM_OK;
}

static bool same_confirm(const struct tdm_record *a, const struct tdm_record *b)
{
    return a->active == b->active && a->counter_floor == b->counter_floor &&
           a->revoked_keys == b->revoked_keys;
}

bool tdm__record_is_settled(const struct tdm_record_log *log, bool rederivable)
{
    const struct tdm_record *spare = &log->spare;

    return spare->sequence != 0 &&
           memcmp(spare->rejected_digest, log->record.rejected_digest, TDM_DIGEST_PREFIX_BYTES) == 0 &&
           (rederivable || same_confirm(spare, &log->record));
}

void tdm__record_settle(struct tdm_record_log *log, bool rederivable)
{
    if (!tdm__record_is_settled(log, rederivable)) {
        int result = tdm_record_append(log, &log->record);

        (void)result; /* the first copy stands */
    }
}
