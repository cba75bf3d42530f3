#include "tests/core/mcu/fixture.h"

#include <string.h>

/* --- Operations of the client --- */

static void set_baud(void *ctx, uint32_t baud)
{
    struct fixture *f = ctx;

    f->baud = baud;
}

static void reset(void *ctx, enum tdm_reset_cause cause)
{
    struct fixture *f = ctx;

    f->resets++;
    f->reset_cause = cause;
}

static void feed_watchdog(void *ctx)
{
    struct fixture *f = ctx;

    f->feeds++;
}

static bool healthy(void *ctx)
{
    return !((struct fixture *)ctx)->unhealthy;
}

static int check_image(void *ctx, const struct tdm_flash *flash, const struct tdm_region *bank,
                       uint32_t address)
{
    struct fixture *f = ctx;

    if (flash != &f->ram.flash) { /* not there yet: a view of it */
        f->views++;
        assert_int_equal(flash->ops->read(flash->ctx, address, f->vectors, sizeof f->vectors), TDM_OK);
    }
    assert_int_equal(bank->address, BANK_B);
    assert_int_equal(address, BANK_B);
    return f->check_image;
}

static bool good_moment(void *ctx)
{
    return ((struct fixture *)ctx)->moment;
}

static int battery_percent(void *ctx)
{
    return ((struct fixture *)ctx)->battery;
}

static int prepare(void *ctx)
{
    return ((struct fixture *)ctx)->prepare;
}

static bool version_allowed(void *ctx, const char *version)
{
    const struct fixture *f = ctx;

    return !f->only_newer || tdm_version_compare(version, f->config.version) > 0;
}

static void reset_ncp(void *ctx)
{
    ((struct fixture *)ctx)->ncp_resets++;
}

static void on_event(void *ctx, const struct tdm_mcu_event *event)
{
    struct fixture *f = ctx;

    f->events[event->kind]++;
    if (event->kind == TDM_MCU_UPDATE_ENDED)
        f->ended_reason = event->value;
    if (event->kind == TDM_MCU_REJECTED)
        f->rejected_reason = event->value;
    if (event->kind == TDM_MCU_UPDATE_PROGRESS) {
        f->done = event->done;
        f->total = event->total;
    }
}

static const struct tdm_mcu_ops ops = {
    .set_baud = set_baud,
    .reset = reset,
    .feed_watchdog = feed_watchdog,
    .healthy = healthy,
    .check_image = check_image,
    .good_moment = good_moment,
    .battery_percent = battery_percent,
    .prepare = prepare,
    .version_allowed = version_allowed,
    .reset_ncp = reset_ncp,
    .event = on_event,
};

/* --- The device --- */

static void lay_out(struct fixture *f)
{
    f->layout = (struct tdm_layout){
        .record = {{FLASH_BASE, ERASE_BYTES}, {FLASH_BASE + ERASE_BYTES, ERASE_BYTES}},
        .bank = {{BANK_A, BANK_BYTES}, {BANK_B, BANK_BYTES}},
        .header_bytes = ERASE_BYTES,
    };
}

static void configure(struct fixture *f)
{
    f->keys.count = 1;
    f->keys.key[0].id = PACKAGE_KEY_ID;
    f->config = (struct tdm_mcu_config){
        .type = "product",
        .version = "1.0.0",
        .build = "build 0",
        .library = "0.1.0",
        .hardware = "board-7",
        .template_id = "TMPL12345",
        .template_name = "Product",
        .ops = &ops,
        .ctx = f,
        .flash = &f->ram.flash,
        .layout = &f->layout,
        .running_bank = 0,
        .resume = &tdm_mcu_resumes,
        .trust = {.keys = &f->keys, .verify = package_verify},
        .attempts = 3,
        .target_baud = 460800,
        .chunk_bytes = CHUNK_BYTES,
        .battery_min_percent = 30,
        .rx = f->rx,
        .rx_bytes = CHUNK_BYTES + TDM_MCU_CHUNK_OVERHEAD,
        .chunk = f->chunk,
        .work = &f->work,
    };
}

static void install_running(struct fixture *f)
{
    struct package_options options;
    uint8_t header[1024];
    uint32_t unit = f->ram.flash.program_bytes;
    uint32_t table;

    package_defaults(&options, BANK_A);
    options.version = "1.0.0";
    options.seed = 77;
    package_build(&f->running, &options);
    table = BANK_A + BANK_BYTES - ERASE_BYTES - (f->running.table_bytes + unit - 1) / unit * unit;
    ram_flash_set(&f->ram, BANK_A, f->running.bytes + package_image(&f->running), f->running.image_bytes);
    ram_flash_set(&f->ram, table, f->running.bytes + package_table(&f->running), f->running.table_bytes);
    ram_flash_set(&f->ram, BANK_A + BANK_BYTES - ERASE_BYTES, header,
                  package_stored_header(&f->running, header));
}

static void write_record(struct fixture *f, const struct tdm_record *record)
{
    struct tdm_record_log log;

    (void)!tdm_record_load(&log, &f->ram.flash, &f->layout);
    assert_int_equal(tdm_record_append(&log, record), TDM_OK);
}

void fixture_init(struct fixture *f, uint32_t program_bytes, bool program_once)
{
    struct tdm_record record = {
        .state = TDM_BOOT_IDLE, .active = 0, .target = TDM_NO_BANK, .counter_floor = 2};

    memset(f, 0, sizeof *f);
    ram_flash_init(&f->ram, FLASH_BASE, ERASE_BYTES, program_bytes, program_once);
    lay_out(f);
    configure(f);
    install_running(f);
    write_record(f, &record);
    ncp_stub_init(&f->ncp);
    f->ncp.digests = 1;
    f->now_ms = f->lost_until_ms = UINT32_MAX - 3000;
    f->battery = -1;
    f->moment = true;
    package_defaults(&f->options, BANK_A);
    fixture_build(f);
    f->ram.erases = 0;
}

void fixture_set_trial(struct fixture *f)
{
    struct tdm_record record = {
        .state = TDM_BOOT_TRIAL, .active = 1, .target = 0, .attempts_left = 2, .counter_floor = 2};

    memcpy(record.target_digest, f->running.digest, sizeof record.target_digest);
    write_record(f, &record);
}

void fixture_build(struct fixture *f)
{
    struct tdm_hash hash;

    package_build(&f->package, &f->options);
    tdm_sha256_init(&hash);
    tdm_sha256_update(&hash, f->package.bytes, f->package.length);
    tdm_sha256_result(&hash, f->ncp.sha256);
    f->ncp.crc32 = package_crc32(f->package.bytes, f->package.length);
    f->ncp.image_at = package_image(&f->package);
}

void fixture_start(struct fixture *f)
{
    assert_int_equal(tdm_mcu_check(&f->config), TDM_OK);
    tdm_mcu_init(&f->mcu, &f->config, f->now_ms);
}

/* --- Time and the line --- */

static void carry_to_ncp(struct fixture *f)
{
    uint8_t bytes[50];
    size_t count;

    while ((count = tdm_mcu_pull(&f->mcu, bytes, sizeof bytes, f->now_ms)) > 0)
        if (f->now_ms - f->lost_until_ms <= INT32_MAX)
            ncp_stub_receive(&f->ncp, bytes, count, f->baud, f->now_ms);
}

static void carry_to_mcu(struct fixture *f)
{
    if (f->ncp.baud == f->baud)
        tdm_mcu_receive(&f->mcu, f->ncp.out, f->ncp.out_length, f->now_ms);
    f->ncp.out_length = 0;
    if (f->ncp.new_baud != 0)
        f->ncp.baud = f->ncp.new_baud;
    f->ncp.new_baud = 0;
}

static void step(struct fixture *f)
{
    uint32_t erases = f->ram.erases;

    (void)tdm_mcu_poll(&f->mcu, f->now_ms);
    if (f->ram.erases - erases > f->longest_erase_run)
        f->longest_erase_run = f->ram.erases - erases;
    carry_to_ncp(f);
    carry_to_mcu(f);
    f->now_ms++;
}

void fixture_run(struct fixture *f, uint32_t ms)
{
    uint32_t end_ms = f->now_ms + ms;

    while (f->now_ms != end_ms)
        step(f);
}

void fixture_bring_up(struct fixture *f)
{
    fixture_start(f);
    fixture_run(f, 100);
    assert_true(tdm_mcu_is_up(&f->mcu));
}

/* --- Calls --- */

int fixture_call(struct fixture *f, uint16_t uid, const uint8_t *args, size_t bytes, uint32_t limit_ms)
{
    uint16_t id = ncp_stub_invoke(&f->ncp, uid, args, bytes);
    uint32_t resumes = f->ncp.resumes;

    for (uint32_t i = 0; i < limit_ms; i++) {
        step(f);
        if (f->ncp.resumes != resumes)
            return RESUMED;
        if (f->ncp.last_answer_id != id || f->ncp.answers == 0)
            continue;
        f->ncp.last_answer_id = 0;
        return f->ncp.last_status != 0 ? -f->ncp.last_status : f->ncp.last_value;
    }
    return NO_ANSWER;
}

static size_t put_u32(uint8_t *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
    return 4;
}

static size_t put_text(uint8_t *to, const char *text)
{
    memcpy(to, text, strlen(text) + 1);
    return strlen(text) + 1;
}

int fixture_offer(struct fixture *f, const char *type, const char *version)
{
    uint8_t args[300];
    size_t n = put_text(args, "firmware.tdm");

    n += put_u32(args + n, f->package.length);
    n += put_text(args + n, type);
    n += put_text(args + n, version);
    n += put_text(args + n, "build 1");
    f->ncp.chunk = 0;
    return fixture_call(f, 0x0441, args, n, 5000);
}

int fixture_offer_package(struct fixture *f)
{
    return fixture_offer(f, f->options.type, f->options.version);
}

bool fixture_await_start(struct fixture *f)
{
    for (uint32_t i = 0; i < 20000 && f->ncp.chunk == 0; i++)
        step(f);
    return f->ncp.chunk != 0;
}

static size_t put_chunk(uint8_t *args, uint32_t offset, const uint8_t *data, uint32_t bytes, uint32_t crc)
{
    size_t n = put_u32(args, offset);

    args[n++] = (uint8_t)bytes;
    args[n++] = (uint8_t)(bytes >> 8);
    memcpy(args + n, data, bytes);
    n += bytes;
    return n + put_u32(args + n, crc);
}

int fixture_write_raw(struct fixture *f, uint32_t offset, const uint8_t *data, uint32_t bytes, uint32_t crc)
{
    uint8_t args[2048];

    return fixture_call(f, 0x0442, args, put_chunk(args, offset, data, bytes, crc), 5000);
}

uint16_t fixture_send_chunk(struct fixture *f, uint32_t offset, uint32_t bytes)
{
    const uint8_t *data = f->package.bytes + offset;
    uint8_t args[2048];

    return ncp_stub_invoke(&f->ncp, 0x0442, args,
                           put_chunk(args, offset, data, bytes, package_crc32(data, bytes)));
}

int fixture_write(struct fixture *f, uint32_t offset, uint32_t bytes)
{
    const uint8_t *data = f->package.bytes + offset;

    return fixture_write_raw(f, offset, data, bytes, package_crc32(data, bytes));
}

uint32_t fixture_transfer(struct fixture *f, uint32_t offset)
{
    while (offset < f->package.length) {
        uint32_t left = f->package.length - offset;
        uint32_t bytes = left < f->ncp.chunk ? left : f->ncp.chunk;

        int answer = fixture_write(f, offset, bytes);

        if (answer != 1 && answer != RESUMED)
            return offset;
        offset = answer == 1 ? offset + bytes : f->ncp.resume_at;
    }
    return offset;
}

int fixture_finish(struct fixture *f)
{
    return fixture_call(f, 0x0443, NULL, 0, 5000);
}

int fixture_cancel(struct fixture *f)
{
    return fixture_call(f, 0x0444, NULL, 0, 1000);
}

/* --- Steps and judgement that tests share --- */

void fixture_accept(struct fixture *f)
{
    fixture_bring_up(f);
    assert_int_equal(fixture_offer_package(f), 1);
    assert_true(fixture_await_start(f));
}

void fixture_transfer_to(struct fixture *f, uint32_t offset)
{
    fixture_accept(f);
    for (uint32_t at = 0; at < offset; at += f->ncp.chunk)
        assert_int_equal(fixture_write(f, at, f->ncp.chunk), 1);
}

/* What arrived is good; the line is what ended the update. */
static bool may_go_on(uint8_t reason)
{
    return reason == TDM_REASON_SILENCE || reason == TDM_REASON_NCP_RESTART ||
           reason == TDM_REASON_CANCELLED || reason == TDM_REASON_SUPERSEDED;
}

void fixture_assert_ended(struct fixture *f, uint8_t reason)
{
    assert_false(tdm_mcu_is_updating(&f->mcu));
    assert_int_equal(f->ended_reason, reason);
    if (f->mcu.log.record.state != TDM_BOOT_RECEIVING || !may_go_on(reason))
        assert_int_equal(f->mcu.log.record.state, TDM_BOOT_IDLE);
    assert_int_equal(f->mcu.log.record.active, 0);
    assert_int_equal(f->resets, 0);
}

uint8_t fixture_last_report(const struct fixture *f, uint8_t *reason)
{
    const struct ncp_stub_call *call = ncp_stub_last(&f->ncp, 0x5401);

    *reason = call != NULL ? call->args[2] : 0;
    return call != NULL ? call->args[0] : 0;
}

void fixture_power_up(struct fixture *f)
{
    bool knows_resume = f->ncp.knows_resume;

    ncp_stub_init(&f->ncp);
    f->ncp.digests = 1;
    f->ncp.knows_resume = knows_resume;
    fixture_build(f);
    f->resets = 0;
    f->now_ms += 1000;
    memset(&f->mcu, 0xA5, sizeof f->mcu);
    memset(&f->work, 0xA5, sizeof f->work);
    memset(f->chunk, 0xA5, sizeof f->chunk);
}

bool fixture_bank_b_holds_package(struct fixture *f)
{
    static uint8_t image[BANK_BYTES];
    const struct package *p = &f->package;
    uint32_t unit = f->ram.flash.program_bytes;
    uint32_t table = BANK_BYTES - ERASE_BYTES - (p->table_bytes + unit - 1) / unit * unit;

    memset(image, 0xFF, sizeof image);
    memcpy(image, p->bytes + package_image(p), p->image_bytes);
    for (uint32_t i = 0; i < p->sites; i++) {
        uint8_t *word = image + p->site[i];
        uint32_t value = word[0] | (uint32_t)word[1] << 8 | (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;

        put_u32(word, value + BANK_B - p->link_address);
    }
    return memcmp(image, ram_flash_at(&f->ram, BANK_B), table) == 0;
}
