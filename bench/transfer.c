/* How full a transfer keeps the line: core/ncp feeds core/mcu over a simulated UART of 115200 baud, exact to
 * the byte, in virtual time.
 *
 *     NCP --byte every 1/11520 s--> driver's buffer --> MCU: receive, poll, pull --3 ms--> line --> NCP
 *
 * The MCU's main loop stands still while its flash is programmed (20 ms per KiB); its UART driver does not.
 * Each message of the MCU leaves 3 ms late. Erasing, hashing and checking the signature take no time here:
 * they are not the line's. Prints one row per way of answering; the exit status is 1 if one is below its
 * limit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tandem/mcu.h"
#include "tandem/ncp.h"
#include "tandem/stream.h"

enum {
    BAUD = 115200,
    BYTE = 1000, /* ticks; 11520 bytes a second */
    MS = 11520,
    TURNAROUND = 3 * MS,
    FLASH_PER_KIB = 20 * MS,
    CHUNK = 1024,
    IMAGE_BYTES = 256 * 1024,
    PAGE = 4096,
    BANK_BYTES = IMAGE_BYTES + 2 * PAGE,
    RECORD = 0,
    BANK_A = 2 * PAGE,
    BANK_B = BANK_A + BANK_BYTES,
    FLASH_BYTES = BANK_B + BANK_BYTES,
    KEY_ID = 7,
    DRIVER_BYTES = 8192,
    SECONDS_MAX = 120
};

/* Bytes on their way to the NCP, with the tick at which each may leave. */
struct departures {
    uint8_t byte[DRIVER_BYTES];
    uint64_t at[DRIVER_BYTES];
    size_t first, count;
};

struct bench {
    uint64_t now; /* ticks */
    uint8_t flash_bytes[FLASH_BYTES];
    uint64_t flash_ticks; /* that programming took since it was looked at */
    uint8_t package[IMAGE_BYTES + 1024];
    uint32_t package_bytes;

    struct tdm_flash flash;
    struct tdm_layout layout;
    struct tdm_key_set keys;
    struct tdm_mcu_config mcu_config;
    struct tdm_mcu mcu;
    uint8_t rx[CHUNK + TDM_MCU_CHUNK_OVERHEAD], chunk[CHUNK];
    union tdm_mcu_work work;
    uint8_t driver[DRIVER_BYTES]; /* received, not yet read by the MCU */
    size_t driver_count, driver_most;
    struct departures departures;
    uint64_t mcu_free; /* the main loop goes on then */
    bool pulls;        /* with sending what waits, before it reads again */

    struct tdm_ncp_config ncp_config;
    struct tdm_ncp ncp;
    uint64_t ncp_next_byte, mcu_next_byte; /* when each side of the line is free */
    uint64_t ncp_poll;

    bool sending, ended;
    uint64_t first_tick, last_tick; /* of the transfer */
    uint32_t request_bytes;         /* on the line meanwhile, towards the MCU */
};

static struct bench bench;

static uint32_t now_ms(const struct bench *b)
{
    return (uint32_t)(b->now / MS);
}

static void fail(const char *why)
{
    fprintf(stderr, "bench_transfer: %s\n", why);
    exit(2);
}

/* --- Flash --- */

static int read_flash(void *ctx, uint32_t address, void *to, size_t bytes)
{
    struct bench *b = ctx;

    memcpy(to, b->flash_bytes + address, bytes);
    return TDM_OK;
}

static int erase(void *ctx, uint32_t address)
{
    struct bench *b = ctx;

    memset(b->flash_bytes + address, 0xFF, PAGE);
    return TDM_OK;
}

static int program(void *ctx, uint32_t address, const void *from, size_t bytes)
{
    struct bench *b = ctx;

    memcpy(b->flash_bytes + address, from, bytes);
    b->flash_ticks += FLASH_PER_KIB * (uint64_t)bytes / 1024;
    return TDM_OK;
}

static int is_blank(void *ctx, uint32_t address, size_t bytes)
{
    struct bench *b = ctx;

    while (bytes > 0 && b->flash_bytes[address + bytes - 1] == 0xFF)
        bytes--;
    return bytes == 0;
}

static const struct tdm_flash_ops flash_ops = {read_flash, erase, program, is_blank};

/* --- The package: a fixed random image that runs anywhere --- */

static bool any_signature(const uint8_t digest[TDM_SHA256_BYTES],
                          const uint8_t signature[TDM_SIGNATURE_BYTES],
                          const uint8_t key[TDM_PUBLIC_KEY_BYTES])
{
    (void)digest;
    (void)signature;
    (void)key;
    return true;
}

static void sha256(const void *data, size_t bytes, uint8_t digest[TDM_SHA256_BYTES])
{
    struct tdm_hash hash;

    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, data, bytes);
    tdm_sha256_result(&hash, digest);
}

static void make_package(struct bench *b)
{
    static uint8_t image[IMAGE_BYTES];
    struct tdm_manifest manifest = {.type = "bench", .version = "2.0.0", .build = "2", .hardware = "bench"};
    struct tdm_envelope envelope = {.payload_bytes = IMAGE_BYTES};
    uint32_t random = 1;
    int head_bytes;

    for (size_t i = 0; i < sizeof image; i++) {
        random = random * 1664525u + 1013904223u;
        image[i] = (uint8_t)(random >> 24);
    }
    manifest.image_bytes = IMAGE_BYTES;
    manifest.link_address = TDM_LINK_ANYWHERE;
    sha256(image, sizeof image, manifest.image_digest);
    sha256("", 0, manifest.relocation_digest);
    head_bytes = tdm_head_build(&manifest, "", KEY_ID, b->package + TDM_ENVELOPE_BYTES, 896);
    if (head_bytes < 0)
        fail("the package could not be built");
    envelope.head_bytes = (uint16_t)head_bytes;
    tdm_envelope_build(&envelope, b->package);
    b->package_bytes = TDM_ENVELOPE_BYTES + (uint32_t)head_bytes + TDM_SIGNATURE_BYTES;
    memcpy(b->package + b->package_bytes, image, sizeof image);
    b->package_bytes += IMAGE_BYTES;
}

/* --- The MCU --- */

static void no_baud(void *ctx, uint32_t baud)
{
    (void)ctx;
    (void)baud;
}

static void no_reset(void *ctx, enum tdm_reset_cause cause)
{
    (void)ctx;
    (void)cause;
}

static void no_watchdog(void *ctx)
{
    (void)ctx;
}

static const struct tdm_mcu_ops mcu_ops = {
    .set_baud = no_baud,
    .reset = no_reset,
    .feed_watchdog = no_watchdog,
};

/* A device whose record says that bank A runs, confirmed. */
static void write_record(struct bench *b)
{
    struct tdm_record record = {.state = TDM_BOOT_IDLE, .active = 0, .target = TDM_NO_BANK};
    struct tdm_record_log log;

    memset(b->flash_bytes, 0xFF, sizeof b->flash_bytes);
    b->flash = (struct tdm_flash){&flash_ops, b, PAGE, 8, false};
    b->layout = (struct tdm_layout){.record = {{RECORD, PAGE}, {RECORD + PAGE, PAGE}},
                                    .bank = {{BANK_A, BANK_BYTES}, {BANK_B, BANK_BYTES}},
                                    .header_bytes = PAGE};
    if (tdm_record_load(&log, &b->flash, &b->layout) != TDM_E_NO_RECORD ||
        tdm_record_append(&log, &record) != TDM_OK)
        fail("the boot record could not be written");
}

static void start_mcu(struct bench *b, bool receives_while_writing)
{
    write_record(b);
    b->keys.count = 1;
    b->keys.key[0].id = KEY_ID;
    b->mcu_config = (struct tdm_mcu_config){
        .type = "bench",
        .version = "1.0.0",
        .build = "1",
        .library = "",
        .hardware = "bench",
        .template_id = "TMPLbench",
        .template_name = "bench",
        .ops = &mcu_ops,
        .ctx = b,
        .flash = &b->flash,
        .layout = &b->layout,
        .trust = {.keys = &b->keys, .verify = any_signature},
        .attempts = 1,
        .initial_baud = BAUD,
        .chunk_bytes = CHUNK,
        .stream = receives_while_writing ? &tdm_mcu_streams : NULL,
        .rx = b->rx,
        .rx_bytes = sizeof b->rx,
        .chunk = b->chunk,
        .work = &b->work,
    };
    if (tdm_mcu_check(&b->mcu_config) != TDM_OK)
        fail("the client can't work with its configuration");
    tdm_mcu_init(&b->mcu, &b->mcu_config, now_ms(b));
    b->flash_ticks = 0;
}

static void depart(struct bench *b, uint8_t byte)
{
    struct departures *d = &b->departures;
    size_t at = (d->first + d->count) % DRIVER_BYTES;

    if (d->count++ == DRIVER_BYTES)
        fail("the MCU sends more than anybody waits for");
    d->byte[at] = byte;
    d->at[at] = b->now + TURNAROUND;
}

/* Half a turn of the main loop: reading and working, or sending. Programming lies between the two. */
static void run_mcu(struct bench *b)
{
    uint8_t byte;

    if (b->now < b->mcu_free)
        return;
    if (b->pulls) {
        while (tdm_mcu_pull(&b->mcu, &byte, 1, now_ms(b)) > 0)
            depart(b, byte);
        b->pulls = false;
    }
    tdm_mcu_receive(&b->mcu, b->driver, b->driver_count, now_ms(b));
    b->driver_count = 0;
    (void)tdm_mcu_poll(&b->mcu, now_ms(b));
    b->pulls = true;
    b->mcu_free = b->now + b->flash_ticks;
    b->flash_ticks = 0;
}

/* --- The NCP --- */

static bool can_baud(void *ctx, uint32_t baud)
{
    (void)ctx;
    return baud == BAUD;
}

static void online(void *ctx, const struct tdm_ncp_device *device)
{
    (void)ctx;
    (void)device;
}

static void offline(void *ctx)
{
    (void)ctx;
}

static int read_file(void *ctx, uint32_t id, uint32_t offset, void *to, size_t bytes)
{
    struct bench *b = ctx;

    (void)id;
    memcpy(to, b->package + offset, bytes);
    if (!b->sending) {
        b->sending = true;
        b->first_tick = b->now;
    }
    return TDM_OK;
}

static void on_progress(void *ctx, const struct tdm_ncp_progress *progress)
{
    struct bench *b = ctx;

    if (progress->stage == TDM_NCP_FAILED)
        fail(tdm_reason_text(progress->reason));
    if (progress->stage == TDM_NCP_VERIFYING)
        b->last_tick = b->now;
    b->ended = b->ended || progress->stage == TDM_NCP_INSTALLED;
}

static bool on_report(void *ctx, const struct tdm_ncp_device_report *report)
{
    (void)ctx;
    (void)report;
    return true;
}

static const struct tdm_ncp_ops ncp_ops = {
    .can_baud = can_baud,
    .set_baud = no_baud,
    .online = online,
    .offline = offline,
    .read = read_file,
    .progress = on_progress,
    .device_report = on_report,
};

static void start_ncp(struct bench *b)
{
    struct tdm_ncp_firmware file = {.id = 1, .name = "bench.tdm", .bytes = b->package_bytes};

    sha256(b->package, b->package_bytes, file.sha256);
    file.crc32 = tdm_crc32(0, b->package, b->package_bytes);
    b->ncp_config =
        (struct tdm_ncp_config){TDM_NCP_CONFIG_DEFAULTS, .ops = &ncp_ops, .ctx = b, .version = "bench"};
    b->ncp_config.initial_baud = BAUD;
    tdm_ncp_init(&b->ncp, &b->ncp_config, now_ms(b));
    if (tdm_ncp_offer(&b->ncp, &file, now_ms(b)) != TDM_OK)
        fail("the offer was refused");
}

/* --- The line --- */

/* A byte of the NCP's, begun now, is in the driver's buffer when the next may begin. */
static void carry_to_mcu(struct bench *b)
{
    uint8_t byte;

    if (b->now < b->ncp_next_byte || tdm_ncp_pull(&b->ncp, &byte, 1, now_ms(b)) == 0)
        return;
    if (b->driver_count == DRIVER_BYTES)
        fail("the UART driver's buffer is full");
    b->driver[b->driver_count++] = byte;
    if (b->driver_count > b->driver_most)
        b->driver_most = b->driver_count;
    b->ncp_next_byte = b->now + BYTE;
    b->request_bytes += b->sending && b->last_tick == 0;
}

static void carry_to_ncp(struct bench *b)
{
    struct departures *d = &b->departures;

    if (d->count == 0 || b->now < d->at[d->first] || b->now < b->mcu_next_byte)
        return;
    b->mcu_next_byte = b->now + BYTE;
    tdm_ncp_receive(&b->ncp, &d->byte[d->first], 1, now_ms(b));
    d->first = (d->first + 1) % DRIVER_BYTES;
    d->count--;
    b->ncp_poll = b->now;
}

static void run_ncp(struct bench *b)
{
    uint32_t wait_ms;

    if (b->now < b->ncp_poll)
        return;
    wait_ms = tdm_ncp_poll(&b->ncp, now_ms(b));
    b->ncp_poll = b->now + (wait_ms < 1000 ? wait_ms : 1000) * (uint64_t)MS;
}

/* Share of the line's 11520 bytes a second that the requests of the transfer filled, in 1/100 %. That is the
 * rate of the file's bytes against (file bytes / request bytes) x 11520 B/s. */
static uint32_t fill(const struct bench *b)
{
    return (uint32_t)((uint64_t)b->request_bytes * BYTE * 10000 / (b->last_tick - b->first_tick));
}

static uint32_t transfer(bool receives_while_writing, bool window)
{
    struct bench *b = &bench;

    memset(b, 0, sizeof *b);
    make_package(b);
    start_mcu(b, receives_while_writing);
    start_ncp(b);
    while (!b->ended) {
        run_ncp(b);
        carry_to_mcu(b);
        carry_to_ncp(b);
        run_mcu(b);
        if (!window) /* a co-processor without the call */
            b->mcu.link.peer &= 0x7;
        b->now += BYTE / 4;
        if (b->now > SECONDS_MAX * 1000ull * MS)
            fail("the transfer does not end");
    }
    if (memcmp(b->flash_bytes + BANK_B, b->package + b->package_bytes - IMAGE_BYTES, IMAGE_BYTES) != 0)
        fail("the bank does not hold the image");
    return fill(b);
}

static int row(const char *what, bool receives_while_writing, bool window, uint32_t limit)
{
    uint32_t share = transfer(receives_while_writing, window);
    double seconds = (double)(bench.last_tick - bench.first_tick) / (1000.0 * MS);

    printf("| %s | %.2f s | %.0f B/s | %u.%02u %% | %zu |\n", what, seconds, bench.package_bytes / seconds,
           share / 100, share % 100, bench.driver_most);
    if (share >= limit)
        return 0;
    fprintf(stderr, "bench_transfer: %s: below %u %%\n", what, limit / 100);
    return 1;
}

int main(void)
{
    int below = 0;

    printf("| way of answering | time | file bytes | of the line | in the driver |\n| --- | --- | --- | --- "
           "| --- |\n");
    below += row("after the flash (one buffer)", false, false, 0);
    below += row("before the flash", true, false, 9500);
    below += row("after the flash, two in flight", true, true, 9900);
    return below != 0;
}
