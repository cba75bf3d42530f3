/* The firmware that a scenario ships: signed packages whose image says how it behaves when it runs.
 *
 * Signatures are of a scheme of the simulator's own (the digest, and the digest under the key), which takes
 * no time: a hundred thousand cases verify a million heads. Where a scenario asks for it they are real. */
#ifndef SIM_FIRMWARE_H
#define SIM_FIRMWARE_H

#include "sim/flash.h"
#include "tandem/package.h"

#define SIM_TYPE        "demo"
#define SIM_HARDWARE    "sim"
#define SIM_IMAGE_MAX   5000
#define SIM_PACKAGE_MAX (TDM_PACKAGE_FRONT_MAX + 512 + SIM_IMAGE_MAX)
#define SIM_SITES       8

/* What an image does when it runs on trial. */
enum sim_behaviour {
    SIM_HEALTHY,         /* passes its self-test and confirms */
    SIM_FAILS_SELF_TEST, /* rejects itself */
    SIM_HANGS,           /* the watchdog resets it */
    SIM_CRASHES,         /* a fault handler resets it */
    SIM_FINDS_NO_LINK,   /* its UART is dead */
    SIM_RESTARTS,        /* resets for no reason */
    SIM_LOSES_POWER,     /* twice; then it is healthy */
    SIM_DRAINS           /* every time: it asks more of the supply than there is */
};

/* What is wrong with a package. Such an image must never run. */
enum sim_damage {
    SIM_INTACT,
    SIM_BAD_SIGNATURE,
    SIM_OTHER_KEY,
    SIM_OTHER_TYPE,
    SIM_OTHER_HARDWARE,
    SIM_BAD_TABLE, /* relocation table is not the signed one */
    SIM_BAD_IMAGE  /* nor the image */
};

struct sim_recipe {
    const char *version;
    uint32_t counter;
    enum sim_behaviour behaviour;
    enum sim_damage damage;
};

struct sim_firmware {
    struct sim_recipe recipe;
    struct tdm_manifest manifest;
    uint8_t package[SIM_PACKAGE_MAX];
    uint32_t bytes;      /* of the package */
    uint32_t head_bytes; /* of the signed head, at TDM_ENVELOPE_BYTES */
    uint32_t table;      /* offset of the relocation table in the package */
    uint32_t image;      /* offset of the image in the package */
    uint32_t site[SIM_SITES];
    unsigned sites;
};

/* Linked for bank A of layout, as large as both banks take; real: signed by ECDSA P-256. False: the banks are
 * too small. */
bool sim_firmware_build(struct sim_firmware *firmware, const struct sim_recipe *recipe,
                        const struct sim_layout *layout, bool real);

/* The one key that devices hold, and the simulator's own scheme. */
void sim_firmware_keys(struct tdm_key_set *keys, bool real);
tdm_verify_fn sim_firmware_verify;

/* Byte at offset of the image as it stands in a bank that starts at address. */
uint8_t sim_firmware_placed(const struct sim_firmware *firmware, uint32_t address, uint32_t offset);

/* Puts the firmware into bank as a factory does, past all rules; marked: with its confirm mark. */
void sim_firmware_place(const struct sim_firmware *firmware, struct sim_flash *flash,
                        const struct sim_layout *layout, uint8_t bank, bool marked);

#endif
