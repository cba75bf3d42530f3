/* A device of its own for tests of the boot logic: RAM flash, two banks, images that behave as they are told,
 * an application that installs what the test ships, and a judge that looks at every start. */
#ifndef TANDEM_TESTS_BOOT_WORLD_H
#define TANDEM_TESTS_BOOT_WORLD_H

#include "tandem/boot.h"
#include "tests/support/ram_flash.h"

#define WORLD_BASE        0x10000u
#define WORLD_IMAGE_BYTES 700u
#define WORLD_ATTEMPTS    3

/* What an image does when it runs on trial. */
enum behaviour {
    HEALTHY,         /* confirms */
    FAILS_SELF_TEST, /* rejects itself */
    HANGS,           /* the watchdog resets it */
    CRASHES,         /* a fault handler resets it */
    FINDS_NO_LINK,   /* gives up waiting */
    RESTARTS,        /* resets for no reason */
    LOSES_POWER      /* twice, then it is healthy */
};

struct image {
    const char *version;
    uint32_t counter;
    enum behaviour behaviour;
    uint8_t revoked_keys;
    /* Built by image_build: */
    struct tdm_manifest manifest;
    uint8_t payload[WORLD_IMAGE_BYTES];
    uint8_t head[512];
    size_t head_bytes;
    uint8_t signature[TDM_SIGNATURE_BYTES];
};

struct world {
    struct ram_flash ram;
    struct tdm_layout layout;
    struct tdm_key_set keys;
    struct tdm_boot_config config;
    uint8_t buffer[TDM_PACKAGE_FRONT_MAX];
    struct tdm_boot_choice choice; /* of the last start */
    bool watchdog_armed;           /* in this start */
    unsigned feeds;
    unsigned feeds_when_checked; /* of the image that was looked at last */
    int vector_result;           /* of check_image */
};

/* Signs by the test's fake scheme (signature = SHA-256 of the head, twice). */
void image_build(struct image *image);

/* Blank flash of the given kind; erase_bytes is 512 or 1024. */
void world_init(struct world *world, uint32_t erase_bytes, uint32_t program_bytes, bool program_once);

/* The world's flash belongs to the world: copying needs this. */
void world_copy(struct world *to, const struct world *from);

/* Puts an image into a bank past all rules, with or without its confirm mark. */
void world_place(struct world *world, uint8_t bank, const struct image *image, bool marked);
/* Is this bank, byte for byte, this image? */
bool world_holds(const struct world *world, uint8_t bank, const struct image *image);
bool world_is_marked(const struct world *world, uint8_t bank, const struct image *image);
/* Flips a bit of the image, or of its stored header. */
void world_rot_image(struct world *world, uint8_t bank);
void world_rot_header(struct world *world, uint8_t bank);

/* Appends an entry; sequence is filled in. */
void world_record(struct world *world, const struct tdm_record *record);
struct tdm_record_log world_log(struct world *world);

/* One run of the bootloader. */
const struct tdm_boot_choice *world_start(struct world *world, enum tdm_reset_cause cause);

/* The application in bank running puts image into the other bank and leaves it pending. */
void world_install(struct world *world, uint8_t running, const struct image *image);

#endif
