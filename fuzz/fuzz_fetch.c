/* A bootloader that fetches, with a co-processor under a script: it does what an update takes by itself, and
 * the input says where it offers, damages, moves or repeats a chunk, calls anything, sends raw bytes, falls
 * silent, starts anew, or lets time pass.
 *
 * Required: nothing out of bounds (the sanitizers), flash is used by its rules, an image that is there stays
 * as it is until the record says that it is erased, and what is left pending verifies. */
#include <setjmp.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "tandem/fetch_decode.h"
#include "tandem/fetch_plain.h"
#include "tandem/rpc.h"
#include "tests/core/mcu/ncp_stub.h"
#include "tests/core/mcu/package_builder.h"
#include "tests/support/ram_flash.h"

enum {
    BASE = 0x08000000,
    ERASE = 1024,
    BANK = 0x3000,
    BANK_A = BASE + 0x1000,
    TURNS_MAX = 20000 /* in which nothing is on the line */
};

/* Bits of the input's first byte. */
enum { HAS_IMAGE = 1, DECODES = 2, TAKES_PLAIN = 4, KNOWS_REPORTS = 8, IS_SPENT = 16 };

struct world {
    struct script script;
    uint8_t kind;
    struct ram_flash ram;
    struct tdm_layout layout;
    struct tdm_key_set keys;
    struct tdm_fetch_product product;
    struct tdm_fetch_decoding decoding;
    struct tdm_fetch fetch;
    uint8_t front[TDM_PACKAGE_FRONT_MAX];
    uint8_t before[BANK];
    struct package package;
    struct ncp_stub ncp;
    size_t arrived; /* bytes of the co-processor's output that were read */
    uint32_t turns;
    uint32_t now_ms;
    uint32_t baud;
    uint32_t offset; /* of the next good chunk, */
    uint32_t sent;   /* and the bytes of the last one, until it is answered */
    uint16_t chunk;
    jmp_buf end;
};

static struct world world;

/* --- The co-processor --- */

static size_t put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
    return 4;
}

static void offer(struct world *w, uint8_t damage)
{
    static const char texts[] = "f\0product\0"
                                "2.0.0\0b";
    uint8_t args[4 + sizeof texts];

    memcpy(args, texts, 2);
    (void)put_u32(args + 2, w->package.length);
    memcpy(args + 6, texts + 2, sizeof texts - 2);
    args[damage % sizeof args] ^= damage;
    (void)ncp_stub_invoke(&w->ncp, TDM_UID_OTA_AVAILABLE, args, sizeof args);
}

/* The next chunk, or one that the input damages; its CRC is right in any case. */
static void write_chunk(struct world *w, bool damage)
{
    uint8_t args[TDM_FETCH_FRAME_BYTES + 16];
    uint32_t bytes = w->package.length - w->offset;

    if (bytes > w->chunk)
        bytes = w->chunk;
    if (bytes > TDM_FETCH_FRAME_BYTES)
        bytes = TDM_FETCH_FRAME_BYTES;
    (void)put_u32(args, w->offset);
    args[4] = (uint8_t)bytes;
    args[5] = (uint8_t)(bytes >> 8);
    memcpy(args + 6, w->package.bytes + w->offset, bytes);
    if (damage)
        args[script_next(&w->script) % (6 + bytes)] ^= script_next(&w->script);
    (void)put_u32(args + 6 + bytes, package_crc32(args + 6, bytes));
    (void)ncp_stub_invoke(&w->ncp, TDM_UID_OTA_WRITE, args, 10 + bytes);
    w->sent = bytes;
}

static void go_on(struct world *w, bool damage)
{
    if (w->ncp.chunk != 0) {
        w->chunk = w->ncp.chunk;
        w->ncp.chunk = 0;
        w->offset = w->sent = 0;
    } else if (w->sent > 0 && w->ncp.last_value == 1) {
        w->offset += w->sent;
        w->sent = 0;
    }
    if (w->chunk == 0)
        return;
    if (w->offset < w->package.length)
        write_chunk(w, damage);
    else
        (void)ncp_stub_invoke(&w->ncp, TDM_UID_OTA_FINISH, NULL, 0);
}

static void call_anything(struct world *w)
{
    static const uint16_t uids[] = {TDM_UID_MCU_PING,    TDM_UID_MCU_REBOOT,    TDM_UID_MCU_HAS_UID,
                                    TDM_UID_VPIN_CHANGE, TDM_UID_OTA_AVAILABLE, TDM_UID_OTA_WRITE,
                                    TDM_UID_OTA_FINISH,  TDM_UID_OTA_CANCEL,    0x5481};
    uint16_t uid = uids[script_next(&w->script) % (sizeof uids / sizeof uids[0])];
    uint8_t args[64];
    size_t bytes = script_next(&w->script) % sizeof args;

    for (size_t i = 0; i < bytes; i++)
        args[i] = script_next(&w->script);
    if (script_next(&w->script) & 1)
        (void)ncp_stub_invoke(&w->ncp, uid, args, bytes);
    else
        ncp_stub_oneway(&w->ncp, uid, args, bytes);
}

static void send_raw(struct world *w)
{
    size_t count = script_next(&w->script) % 64;

    while (count-- > 0)
        w->ncp.out[w->ncp.out_length++] = script_next(&w->script);
}

static void restart(struct world *w)
{
    ncp_stub_init(&w->ncp);
    w->ncp.knows_report = (w->kind & KNOWS_REPORTS) != 0;
    w->chunk = 0;
    w->sent = 0;
}

static void act(struct world *w, uint32_t wait_ms)
{
    switch (script_next(&w->script) % 16) {
    case 0:
        offer(w, 0);
        break;
    case 1:
        offer(w, script_next(&w->script));
        break;
    case 2:
        go_on(w, true);
        break;
    case 3:
        call_anything(w);
        break;
    case 4:
        send_raw(w);
        break;
    case 5:
        restart(w);
        break;
    case 6:
        w->ncp.silent = script_next(&w->script) & 1;
        break;
    case 7:
        w->ncp.state = script_next(&w->script) % 12;
        break;
    case 8:
        w->ncp.prefetch = script_next(&w->script) % 9;
        break;
    case 9:
        w->now_ms += wait_ms;
        break;
    case 10:
        (void)ncp_stub_invoke(&w->ncp, TDM_UID_OTA_CANCEL, NULL, 0);
        break;
    default:
        go_on(w, false);
        break;
    }
}

/* --- The port --- */

static int receive(void *ctx, uint32_t wait_ms)
{
    struct world *w = ctx;

    if (w->arrived < w->ncp.out_length)
        return w->ncp.out[w->arrived++];
    w->arrived = 0;
    w->ncp.out_length = 0;
    if (w->ncp.new_baud != 0)
        w->ncp.baud = w->ncp.new_baud;
    w->ncp.new_baud = 0;
    if (w->script.left == 0 || w->turns++ == TURNS_MAX)
        longjmp(w->end, 1);
    act(w, wait_ms);
    if (w->ncp.baud != w->baud)
        w->ncp.out_length = 0;
    w->now_ms += 1 + wait_ms / 16;
    return -1;
}

static void send(void *ctx, uint8_t byte)
{
    struct world *w = ctx;

    ncp_stub_receive(&w->ncp, &byte, 1, w->baud, w->now_ms);
}

static void set_baud(void *ctx, uint32_t baud)
{
    ((struct world *)ctx)->baud = baud;
}

static uint32_t now_ms(void *ctx)
{
    return ((const struct world *)ctx)->now_ms;
}

static void feed_watchdog(void *ctx)
{
    (void)ctx;
}

static void reset(void *ctx)
{
    longjmp(((struct world *)ctx)->end, 1);
}

static int any_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                     uint32_t address)
{
    (void)ctx;
    (void)flash;
    (void)bank;
    (void)address;
    return TDM_OK;
}

static void ignore(void *ctx, const char *line)
{
    (void)ctx;
    (void)line;
}

/* --- The device --- */

static void install_image(struct world *w)
{
    struct package *image = &w->package; /* until there is another */
    uint32_t header_at = BANK_A + BANK - ERASE;
    struct package_options options;
    uint8_t header[1024];

    package_defaults(&options, BANK_A);
    options.seed = 77;
    options.relocations = false;
    package_build(image, &options);
    ram_flash_set(&w->ram, BANK_A, image->bytes + package_image(image), image->image_bytes);
    ram_flash_set(&w->ram, header_at, header, package_stored_header(image, header));
    memcpy(w->before, ram_flash_at(&w->ram, BANK_A), BANK);
}

static void write_record(struct world *w, bool has_image)
{
    struct tdm_record record = {.state = has_image ? TDM_BOOT_FETCH : TDM_BOOT_IDLE,
                                .active = has_image ? 0 : TDM_NO_BANK,
                                .target = TDM_NO_BANK};
    struct tdm_record_log log;

    require(tdm_record_load(&log, &w->ram.flash, &w->layout) == TDM_E_NO_RECORD);
    require(tdm_record_append(&log, &record) == TDM_OK);
}

static void leave_factory(struct world *w)
{
    struct package_options options;

    ram_flash_init(&w->ram, BASE, ERASE, 8, false);
    w->layout = (struct tdm_layout){
        .record = {{BASE, ERASE}, {BASE + ERASE, ERASE}},
        .bank = {{BANK_A, BANK}},
        .header_bytes = ERASE,
    };
    if (w->kind & HAS_IMAGE)
        install_image(w);
    write_record(w, (w->kind & HAS_IMAGE) != 0);
    package_defaults(&options, BANK_A);
    options.image_bytes = 1500;
    options.encoding = w->kind & DECODES ? script_next(&w->script) % 3 : 0;
    package_build(&w->package, &options);
}

static void configure(struct world *w)
{
    w->keys.count = 1;
    w->keys.key[0].id = PACKAGE_KEY_ID;
    w->product = (struct tdm_fetch_product){
        .receive = receive,
        .send = send,
        .set_baud = set_baud,
        .now_ms = now_ms,
        .feed_watchdog = feed_watchdog,
        .reset = reset,
        .check_image = any_image,
        .log = ignore,
        .decoder = w->kind & DECODES ? &tdm_fetch_decodes : NULL,
        .decoding = &w->decoding,
        .plain = w->kind & TAKES_PLAIN ? &tdm_fetch_takes_plain : NULL,
        .type = "product",
        .library = "0.1.0",
        .hardware = "board-7",
        .template_id = "T",
        .template_name = "N",
        .target_baud = 460800,
        .retry_ms = 300000,
        .attempts = 1,
    };
}

static void run(struct world *w)
{
    struct tdm_boot_choice choice = {.action = TDM_BOOT_RECOVER, .bank = TDM_NO_BANK};

    if (w->kind & HAS_IMAGE)
        choice = (struct tdm_boot_choice){.action = TDM_BOOT_RUN, .bank = 0};
    else if (w->kind & IS_SPENT)
        choice.reason = TDM_REASON_NO_LINK;
    w->fetch.product = &w->product;
    w->fetch.ctx = w;
    w->fetch.flash = &w->ram.flash;
    w->fetch.layout = &w->layout;
    w->fetch.front = w->front;
    w->fetch.trust = (struct tdm_trust){
        .keys = &w->keys, .verify = package_verify, .allow_unsigned = (w->kind & TAKES_PLAIN) != 0};
    restart(w);
    require(tdm_fetch_is_wanted(&w->fetch, &choice));
    if (setjmp(w->end) == 0)
        tdm_fetch_run(&w->fetch);
}

static void judge(struct world *w)
{
    struct tdm_manifest manifest;
    struct tdm_record_log log;

    require(w->ram.violations == 0);
    require(tdm_record_load(&log, &w->ram.flash, &w->layout) == TDM_OK);
    if ((w->kind & HAS_IMAGE) && (log.record.state == TDM_BOOT_FETCH || log.record.state == TDM_BOOT_IDLE))
        require(memcmp(ram_flash_at(&w->ram, BANK_A), w->before, BANK) == 0);
    if (log.record.state != TDM_BOOT_PENDING)
        return;
    require(tdm_bank_header(&manifest, &w->layout, 0, &w->ram.flash, &w->fetch.trust, w->front) == TDM_OK);
    require(tdm_bank_verify(&manifest, &w->layout, 0, &w->ram.flash, NULL, NULL) == TDM_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = &world;

    memset(w, 0, sizeof *w);
    w->script = (struct script){data, size};
    w->kind = script_next(&w->script);
    leave_factory(w);
    configure(w);
    run(w);
    judge(w);
    return 0;
}
