/* The firmware that a scenario ships: signed packages whose image says how it behaves when it runs.
 *
 * Signatures are of a scheme of the simulator's own (the digest, and the digest under the key), which takes
 * no time: a hundred thousand cases verify a million heads. Where a scenario asks for it they are real. */
#ifndef SIM_FIRMWARE_H
#define SIM_FIRMWARE_H

#include "sim/flash.h"
#include "tandem/package.h"

#define SIM_TYPE      "demo"
#define SIM_HARDWARE  "sim"
#define SIM_IMAGE_MAX 5000
#define SIM_LARGE_MAX 20000 /* more than a frame of an encoded payload */
#define SIM_SITES     8

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

/* The file that is shipped. */
enum sim_file {
    SIM_PACKAGE,
    SIM_COMPRESSED, /* the package with its payload encoded (docs/PACKAGE.md), alone ... */
    SIM_DELTA,      /* ... or as a difference to the firmware before it */
    SIM_BIN /* the image without a package, unsigned, linked for the bank that takes the first update */
};

/* What is wrong with it. */
enum sim_damage {
    SIM_INTACT,
    SIM_SPOILT_FRAME, /* a byte of the encoded payload */
    SIM_OTHER_BASE,   /* a delta to an image that does not run */
    /* An image of what follows must never run. */
    SIM_OTHER_BANK, /* linked for the bank that runs */
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

/* An image that is not made up. */
struct sim_image {
    const uint8_t *data;
    uint32_t bytes;
};

/* Of all firmware of a scenario. */
struct sim_terms {
    const struct sim_layout *layout;
    bool real_signatures; /* ECDSA P-256 */
    bool alike;           /* versions of one program; else each image is noise of its own */
    bool large;           /* more than a frame, where the banks take it */
};

struct sim_firmware {
    struct sim_recipe recipe;
    struct tdm_manifest manifest;
    uint8_t *package;    /* from malloc; plain; of a SIM_BIN as the device makes it */
    uint32_t bytes;      /* of the package */
    uint32_t head_bytes; /* of the signed head, at TDM_ENVELOPE_BYTES */
    uint32_t table;      /* offset of the relocation table in the package */
    uint32_t image;      /* offset of the image in the package */
    uint32_t site[SIM_SITES];
    unsigned sites;

    /* What is shipped. */
    const uint8_t *file;
    uint32_t file_bytes;
    uint8_t *encoded; /* from malloc, NULL where file is part of package */
};

/* Linked for bank A, as large as both banks take. before: what is shipped before it, NULL for the factory's.
 * image: what it holds, but for SIM_SITES words; NULL: what is made up. False: the banks are too small, or
 * out of memory. Close it in any case. */
bool sim_firmware_build(struct sim_firmware *firmware, const struct sim_recipe *recipe, enum sim_file file,
                        const struct sim_terms *terms, const struct sim_image *image,
                        const struct sim_firmware *before);
void sim_firmware_close(struct sim_firmware *firmware);

/* False: an image that must never run. */
bool sim_firmware_may_run(const struct sim_firmware *firmware);

/* shipped.c: makes the file of a firmware whose package is there; as sim_firmware_build. */
bool sim_firmware_ship(struct sim_firmware *firmware, enum sim_file file, const struct sim_firmware *before);

/* The one key that devices hold, and the simulator's own scheme. */
void sim_firmware_keys(struct tdm_key_set *keys, bool real);
tdm_verify_fn sim_firmware_verify;

/* Is it the image as it stands there? bytes: as many as the image has. */
bool sim_firmware_is(const struct sim_firmware *firmware, uint32_t address, const uint8_t *bytes);

/* Puts the firmware into bank as a factory does, past all rules; marked: with its confirm mark. */
void sim_firmware_place(const struct sim_firmware *firmware, struct sim_flash *flash,
                        const struct sim_layout *layout, uint8_t bank, bool marked);

#endif
