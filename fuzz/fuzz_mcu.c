/* The update client with a co-processor under a script: offers, chunks of a good package that the input
 * damages, one at a time or two, resumes, resets, calls with any arguments, raw bytes, lost answers, and
 * time.
 *
 * Required: nothing out of bounds (the sanitizers), flash is used by its rules, the running bank and its
 * record never change, and what is left pending verifies. */
#include "fuzz/fuzz.h"
#include "tandem/plain.h"
#include "tandem/resume.h"
#include "tandem/stream.h"

#include <string.h>

#include "tests/core/mcu/ncp_stub.h"
#include "tests/core/mcu/package_builder.h"
#include "tests/support/ram_flash.h"

enum {
    BASE = 0x08000000,
    ERASE = 1024,
    BANK = 0x3000,
    BANK_A = BASE + 0x1000,
    BANK_B = BANK_A + BANK,
    CHUNK = 512,
    STEPS_MAX = 400
};

struct world {
    struct script script;
    struct ram_flash ram;
    struct tdm_layout layout;
    struct tdm_key_set keys;
    struct tdm_mcu_config config;
    struct tdm_mcu mcu;
    struct ncp_stub ncp;
    struct package package;
    uint32_t offset; /* of the next good chunk */
    uint32_t now_ms;
    uint32_t baud;
    bool reset;
    uint8_t peer; /* what the co-processor knows, and the UART's driver can */
    uint8_t rx[CHUNK + TDM_MCU_CHUNK_OVERHEAD];
    uint8_t chunk[CHUNK];
    union tdm_mcu_work work;
    struct tdm_mcu_offer offer;
};

static struct world world;

/* --- The device --- */

static void set_baud(void *ctx, uint32_t baud)
{
    ((struct world *)ctx)->baud = baud;
}

static void reset(void *ctx, enum tdm_reset_cause cause)
{
    (void)cause;
    ((struct world *)ctx)->reset = true;
}

static void feed_watchdog(void *ctx)
{
    (void)ctx;
}

static const struct tdm_mcu_ops ops = {.set_baud = set_baud, .reset = reset, .feed_watchdog = feed_watchdog};

static void leave_factory(struct world *w)
{
    struct tdm_record record = {.state = TDM_BOOT_IDLE, .active = 0, .target = TDM_NO_BANK};
    struct tdm_record_log log;
    struct package_options options;

    ram_flash_init(&w->ram, BASE, ERASE, 8, false);
    w->layout = (struct tdm_layout){
        .record = {{BASE, ERASE}, {BASE + ERASE, ERASE}},
        .bank = {{BANK_A, BANK}, {BANK_B, BANK}},
        .header_bytes = ERASE,
    };
    require(tdm_record_load(&log, &w->ram.flash, &w->layout) == TDM_E_NO_RECORD);
    require(tdm_record_append(&log, &record) == TDM_OK);
    package_defaults(&options, BANK_A);
    options.image_bytes = 1500;
    package_build(&w->package, &options);
}

static void configure(struct world *w)
{
    w->keys.count = 1;
    w->keys.key[0].id = PACKAGE_KEY_ID;
    w->config = (struct tdm_mcu_config){
        .type = "product",
        .version = "1.0.0",
        .build = "",
        .library = "",
        .hardware = "board-7",
        .template_id = "T",
        .template_name = "N",
        .ops = &ops,
        .ctx = w,
        .flash = &w->ram.flash,
        .layout = &w->layout,
        .resume = &tdm_mcu_resumes,
        .stream = (w->peer & 4) != 0 ? &tdm_mcu_streams : NULL,
        .plain = &tdm_mcu_takes_plain,
        .offer = &w->offer,
        .trust = {.keys = &w->keys, .verify = package_verify, .allow_unsigned = (w->peer & 8) != 0},
        .attempts = 1,
        .chunk_bytes = CHUNK,
        .rx = w->rx,
        .rx_bytes = sizeof w->rx,
        .chunk = w->chunk,
        .work = &w->work,
    };
}

static void switch_on(struct world *w)
{
    ncp_stub_init(&w->ncp);
    w->ncp.digests = -1;
    w->ncp.knows_resume = (w->peer & 1) != 0;
    w->ncp.knows_window = (w->peer & 2) != 0;
    w->ncp.image_at = package_image(&w->package);
    memset(&w->mcu, 0xA5, sizeof w->mcu);
    require(tdm_mcu_check(&w->config) == TDM_OK);
    tdm_mcu_init(&w->mcu, &w->config, w->now_ms);
}

static void carry(struct world *w)
{
    uint8_t bytes[64];
    size_t count;

    (void)tdm_mcu_poll(&w->mcu, w->now_ms);
    while ((count = tdm_mcu_pull(&w->mcu, bytes, sizeof bytes, w->now_ms)) > 0)
        ncp_stub_receive(&w->ncp, bytes, count, w->baud, w->now_ms);
    tdm_mcu_receive(&w->mcu, w->ncp.out, w->ncp.out_length, w->now_ms);
    w->ncp.out_length = 0;
}

static void run(struct world *w, uint32_t steps, uint32_t ms)
{
    while (steps-- > 0) {
        carry(w);
        w->now_ms += ms;
    }
}

/* --- The script --- */

static size_t put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
    return 4;
}

static void offer(struct world *w)
{
    uint8_t args[16] = {0};

    w->offset = 0;
    (void)put_u32(args + 1, w->package.length);
    (void)ncp_stub_invoke(&w->ncp, TDM_UID_OTA_AVAILABLE, args, 8);
    run(w, 6, 2);
}

/* The next chunk, or one that the input moves or damages; its CRC is right in any case. */
static void write_chunk(struct world *w, bool damage, uint32_t steps)
{
    uint32_t resumes = w->ncp.resumes;
    uint8_t args[CHUNK + 16];
    uint32_t left = w->package.length - w->offset;
    uint32_t bytes = script_next(&w->script) % 3 * 100 + 100;
    uint32_t offset = w->offset;

    bytes = bytes < left ? bytes : left;
    (void)put_u32(args, offset);
    args[4] = (uint8_t)bytes;
    args[5] = (uint8_t)(bytes >> 8);
    memcpy(args + 6, w->package.bytes + offset, bytes);
    if (damage && bytes > 0)
        args[6 + script_next(&w->script) % bytes] ^= script_next(&w->script);
    if (damage && script_next(&w->script) == 0)
        args[0] ^= script_next(&w->script);
    (void)put_u32(args + 6 + bytes, package_crc32(args + 6, bytes));
    (void)ncp_stub_invoke(&w->ncp, TDM_UID_OTA_WRITE, args, 10 + bytes);
    run(w, steps, 1);
    if (w->ncp.resumes != resumes)
        w->offset = w->ncp.resume_at;
    else if (w->ncp.last_value == 1 || steps == 0)
        w->offset += bytes;
}

static void call_anything(struct world *w)
{
    static const uint16_t uids[] = {0x0181, 0x0182, 0x0183, 0x0411, 0x0412, 0x0421,
                                    0x0441, 0x0442, 0x0443, 0x0444, 0x5481};
    uint16_t uid = uids[script_next(&w->script) % (sizeof uids / sizeof uids[0])];
    uint8_t args[64];
    size_t bytes = script_next(&w->script) % sizeof args;

    for (size_t i = 0; i < bytes; i++)
        args[i] = script_next(&w->script);
    if (script_next(&w->script) & 1)
        (void)ncp_stub_invoke(&w->ncp, uid, args, bytes);
    else
        ncp_stub_oneway(&w->ncp, uid, args, bytes);
    run(w, 2, 1);
}

static void send_raw(struct world *w)
{
    uint8_t bytes[32];
    size_t count = script_next(&w->script) % sizeof bytes;

    for (size_t i = 0; i < count; i++)
        bytes[i] = script_next(&w->script);
    tdm_mcu_receive(&w->mcu, bytes, count, w->now_ms);
}

static void act(struct world *w)
{
    switch (script_next(&w->script) % 12) {
    case 0:
        offer(w);
        break;
    case 1:
    case 2:
        write_chunk(w, false, 16);
        break;
    case 3:
        write_chunk(w, true, 16);
        break;
    case 4:
        (void)ncp_stub_invoke(&w->ncp, TDM_UID_OTA_FINISH, NULL, 0);
        run(w, 8, 600);
        break;
    case 5:
        call_anything(w);
        break;
    case 6:
        send_raw(w);
        break;
    case 7:
        run(w, 1u + script_next(&w->script) % 8, script_next(&w->script) * 16u);
        break;
    case 8:
        write_chunk(w, false, 0); /* and the next, before anything was done */
        write_chunk(w, script_next(&w->script) & 1, 16);
        break;
    case 9:
        switch_on(w);
        run(w, 20, 2);
        break;
    case 10:
        w->ncp.silent = script_next(&w->script) & 1;
        break;
    default:
        for (int i = 0; i < 16; i++)
            write_chunk(w, false, 16);
        break;
    }
}

/* --- What must hold --- */

static void judge(struct world *w)
{
    struct tdm_region bank_a = w->layout.bank[0];
    struct tdm_trust trust = w->config.trust;
    struct tdm_manifest manifest;
    uint8_t buffer[TDM_PACKAGE_FRONT_MAX];

    require(w->ram.violations == 0);
    require(w->ram.flash.ops->is_blank(w->ram.flash.ctx, bank_a.address, bank_a.bytes) == 1);
    require(w->mcu.log.record.active == 0);
    if (w->mcu.log.record.state != TDM_BOOT_PENDING)
        return;
    require(tdm_bank_header(&manifest, &w->layout, 1, &w->ram.flash, &trust, buffer) == TDM_OK);
    require(tdm_bank_verify(&manifest, &w->layout, 1, &w->ram.flash, NULL, NULL) == TDM_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = &world;

    memset(w, 0, sizeof *w);
    w->script = (struct script){data, size};
    w->peer = script_next(&w->script);
    leave_factory(w);
    configure(w);
    switch_on(w);
    run(w, 20, 2);
    for (int i = 0; i < STEPS_MAX && w->script.left > 0 && !w->reset; i++)
        act(w);
    judge(w);
    return 0;
}
