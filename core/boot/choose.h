/* What the files of the bootloader's choice share. */
#ifndef TANDEM_CORE_BOOT_CHOOSE_H
#define TANDEM_CORE_BOOT_CHOOSE_H

#include "core/boot/record.h"

/* One run of tdm_boot_choose. */
struct tdm__choose {
    const struct tdm_boot_config *config;
    uint8_t *buffer; /* TDM_PACKAGE_FRONT_MAX bytes */
    struct tdm_boot_choice *choice;
    struct tdm_record_log log;
    struct tdm_manifest manifest; /* of the bank that was judged last */
    uint8_t first;                /* bank that is tried first where none is active */
    uint8_t spent;                /* bank whose trial was rolled back in this start: it gets none now */
};

/* May this bank run? Signature, counter floor, rejected digest (the active bank was confirmed and is exempt),
 * relocation table, image, vector table; leaves its manifest. TDM_OK or what is wrong. */
TDM_MUST_USE int tdm__choose_judge(struct tdm__choose *c, uint8_t bank);

/* Without a record: takes counter floor and revoked keys from the banks that carry their confirm mark, and
 * names the bank to try first. Writes nothing. */
void tdm__choose_rebuild(struct tdm__choose *c);

#endif
