/* Plain images: a .bin as Blynk's users upload, for products that allow firmware without a signature
 * (docs/PACKAGE.md, "Plain images"; docs/BOOT.md, R12). Nothing of it is linked where it is not named. */
#ifndef TANDEM_PLAIN_H
#define TANDEM_PLAIN_H

#include "tandem/mcu.h"

/* struct tdm_mcu_config's plain. Takes a file that is no package, where trust.allow_unsigned is true too and
 * check_image is there; the bootloader must allow unsigned images as well. The image must be linked for the
 * bank that it lands in. Type, version and build are those of the offer, which the cloud read from the file's
 * tag; the co-processor must know the file's SHA-256 before it sends it. The counter is 0: such an image is
 * refused once the device's floor is above that. */
extern const struct tdm_mcu_plain tdm_mcu_takes_plain;

/* struct tdm_mcu_config's offer: what was offered, until its first bytes say what it is. Private. */
struct tdm_mcu_offer {
    char type[TDM_TAG_VALUE_MAX + 1];
    char version[TDM_TAG_VALUE_MAX + 1];
    char build[TDM_TAG_VALUE_MAX + 1];
};

#endif
