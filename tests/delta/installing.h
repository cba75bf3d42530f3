/* Two packages, and a device that runs the old one and takes the new one into its other bank, by the
 * functions of the update client that do it. */
#ifndef TESTS_DELTA_INSTALLING_H
#define TESTS_DELTA_INSTALLING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/mcu/client.h"
#include "delta/package.h"
#include "tandem/decode.h"
#include "tests/support/ram_flash.h"

#define FLASH       0x08000000u
#define PAGE        1024u
#define BANK_BYTES  0xF000u
#define BANK_A      (FLASH + 2 * PAGE)
#define BANK_B      (BANK_A + BANK_BYTES)
#define BASE_BYTES  50000u
#define SITES_MAX   600
#define PACKAGE_MAX 60000

struct file {
    uint8_t bytes[PACKAGE_MAX];
    size_t count;
    uint32_t sites[SITES_MAX];
    uint32_t site_count;
    struct delta_package package;
};

struct device {
    struct ram_flash ram;
    struct tdm_layout layout;
    struct tdm_key_set keys;
    struct tdm_mcu_config config;
    struct tdm_mcu_decoding decoding;
    struct tdm_mcu mcu;
    union tdm_mcu_work work;
    uint8_t running;
};

extern struct file old;
extern struct file new;
extern struct device device;

/* Makes both packages: relocated words every 200 bytes, linked for bank A. */
int make_all(void **state);

/* The new one as the cloud sends it, a delta or compressed; the caller frees it. */
uint8_t *encode(size_t *bytes, bool delta);

/* The old one runs in this bank, confirmed. */
void power_on(struct device *d, uint32_t program_bytes, uint8_t running);
/* As after a reset: RAM is lost, the record is read. */
void start(struct device *d);

/* Takes the front, plans and erases. Returns the front's bytes, or the error of the plan. */
int prepare(struct device *d, const uint8_t *package, size_t bytes);
/* Writes [from, to) of a package in chunks, each from memory of its own, which may be changed. */
int write_chunks(struct device *d, const uint8_t *package, size_t from, size_t to, size_t chunk);
/* The other bank verifies, and holds the new image. */
void is_installed(struct device *d);

void sha256(const uint8_t *data, size_t bytes, uint8_t to[TDM_SHA256_BYTES]);

#endif
