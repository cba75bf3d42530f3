/* The file of a firmware, as it travels: its package, that with the payload encoded by delta/, or the image
 * alone. */
#include <string.h>

#include "delta/package.h"
#include "sim/firmware.h"

static bool open_package(struct delta_package *package, const struct sim_firmware *firmware)
{
    return delta_package_open(package, firmware->package, firmware->bytes) == TDM_OK;
}

static bool encode(struct sim_firmware *firmware, const struct sim_firmware *base)
{
    struct delta_package package, base_package;
    size_t bytes;

    if (!open_package(&package, firmware) || (base != NULL && !open_package(&base_package, base)) ||
        delta_package_encode(&firmware->encoded, &bytes, &package, base != NULL ? &base_package : NULL, NULL,
                             NULL) != TDM_OK)
        return false;
    firmware->file = firmware->encoded;
    firmware->file_bytes = (uint32_t)bytes;
    if (firmware->recipe.damage == SIM_SPOILT_FRAME)
        firmware->encoded[bytes - (bytes - firmware->image) / 4] ^= 0x10;
    return true;
}

bool sim_firmware_ship(struct sim_firmware *firmware, enum sim_file file, const struct sim_firmware *before)
{
    switch (file) {
    case SIM_COMPRESSED:
        return encode(firmware, NULL);
    case SIM_DELTA:
        return encode(firmware, firmware->recipe.damage == SIM_OTHER_BASE ? firmware : before);
    case SIM_BIN:
        firmware->file = firmware->package + firmware->image;
        firmware->file_bytes = firmware->manifest.image_bytes;
        return true;
    default:
        firmware->file = firmware->package;
        firmware->file_bytes = firmware->bytes;
        return true;
    }
}
