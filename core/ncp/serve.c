/* The calls that core/ncp serves by itself (docs/PROTOCOL.md, section 3): those of the link and the update.
 * All others are the business of ops->serve, which is asked first. One row of `served` is one call; hasUID
 * reads the same table, so it cannot say anything else than what is served. */
#include "core/ncp/internal.h"

#include <string.h>

typedef void serve_call_fn(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                           uint32_t now_ms);

/* False, and to is "", if text is longer than fits. */
static bool copy_text(char *to, size_t room, const char *text)
{
    size_t length = strlen(text);

    if (length >= room) {
        to[0] = '\0';
        return false;
    }
    memcpy(to, text, length + 1);
    return true;
}

/* --- ncp.* and hw.* --- */

static void serve_ping(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                       uint32_t now_ms)
{
    (void)ncp;
    (void)args;
    (void)results;
    (void)now_ms;
}

static void serve_reboot(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                         uint32_t now_ms)
{
    (void)args;
    tdm__feeder_mcu_restarted(ncp, false, now_ms); /* it brings its link up, and is offered the update anew */
    ncp->restart = true;
    tdm_put_bool(results, true);
}

static void serve_set_baud(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                           uint32_t now_ms)
{
    uint32_t baud = tdm_get_u32(args);
    bool possible = ncp->config->ops->can_baud(ncp->config->ctx, baud);

    if (ncp->step >= TDM__SENDING) { /* before it, an MCU may prepare its bootloader so */
        tdm__feeder_mcu_restarted(ncp, false, now_ms);
    }
    if (possible && baud != ncp->baud)
        ncp->switch_to = baud;
    tdm_put_bool(results, possible);
}

/* --- blynk.*: who the device is --- */

static void serve_initialize(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                             uint32_t now_ms)
{
    struct tdm_ncp_device *device = &ncp->device;
    const char *id = tdm_get_string(args);
    const char *name = tdm_get_string(args);
    bool good = id[0] != '\0' && copy_text(device->template_id, sizeof device->template_id, id) &&
                copy_text(device->template_name, sizeof device->template_name, name);

    tdm_put_bool(results, good);
    if (!good)
        return;
    ncp->initialized = true;
    ncp->online = true;
    ncp->counters.sessions++;
    ncp->told = TDM_STATE_NOT_INITIALIZED;
    tdm__feeder_mcu_restarted(ncp, true, now_ms);
    ncp->config->ops->online(ncp->config->ctx, device);
}

/* Comes before initialize: an MCU that sends it starts anew. */
static void serve_firmware_info(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                                uint32_t now_ms)
{
    struct tdm_tag *firmware = &ncp->device.firmware;
    bool type = copy_text(firmware->type, sizeof firmware->type, tdm_get_string(args));
    bool version = copy_text(firmware->version, sizeof firmware->version, tdm_get_string(args));
    bool build = copy_text(firmware->build, sizeof firmware->build, tdm_get_string(args));
    bool library = copy_text(firmware->library, sizeof firmware->library, tdm_get_string(args));

    ncp->initialized = false;
    tdm__feeder_mcu_restarted(ncp, false, now_ms);
    tdm_put_bool(results, type && version && build && library);
}

static void serve_version(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                          uint32_t now_ms)
{
    (void)args;
    (void)now_ms;
    tdm_put_string(results, ncp->config->version);
    tdm_put_bool(results, true);
}

static void serve_state(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                        uint32_t now_ms)
{
    (void)args;
    (void)now_ms;
    tdm_put_u8(results, (uint8_t)tdm_ncp_state(ncp));
}

/* --- blynk.otaUpdate* --- */

static void serve_ota_start(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                            uint32_t now_ms)
{
    tdm_put_bool(results, tdm__feeder_start(ncp, tdm_get_u16(args), now_ms));
}

static void serve_ota_crc32(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                            uint32_t now_ms)
{
    bool held = tdm_ncp_updating(ncp);

    (void)args;
    (void)now_ms;
    tdm_put_u32(results, held ? ncp->firmware.crc32 : 0);
    tdm_put_bool(results, held);
}

static void put_digest(struct tdm_ncp *ncp, struct tdm_writer *results, const uint8_t *digest, uint16_t bytes)
{
    bool held = tdm_ncp_updating(ncp);

    tdm_put_binary(results, digest, held ? bytes : 0);
    tdm_put_bool(results, held);
}

static void serve_ota_md5(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                          uint32_t now_ms)
{
    (void)args;
    (void)now_ms;
    put_digest(ncp, results, ncp->firmware.md5, sizeof ncp->firmware.md5);
}

static void serve_ota_sha256(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                             uint32_t now_ms)
{
    (void)args;
    (void)now_ms;
    put_digest(ncp, results, ncp->firmware.sha256, sizeof ncp->firmware.sha256);
}

/* A file is offered only once it is here whole, so there is nothing left to fetch. ops->serve may know more:
 * a download that is under way, or why there is none. */
static void serve_ota_prefetch(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                               uint32_t now_ms)
{
    (void)args;
    (void)now_ms;
    tdm_put_u8(results, tdm_ncp_updating(ncp) ? TDM_PREFETCH_OK : TDM_PREFETCH_REQUEST);
}

static void serve_ota_suspend(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                              uint32_t now_ms)
{
    tdm_put_bool(results, tdm__feeder_suspend(ncp, tdm_get_u16(args), now_ms));
}

/* --- tandem.* --- */

static void serve_ota_resume(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                             uint32_t now_ms)
{
    uint32_t position = tdm_get_u32(args);
    uint32_t offset = 0;
    bool resumed = tdm__feeder_resume(ncp, &position, &offset, now_ms);

    tdm_put_u32(results, position);
    tdm_put_u32(results, offset);
    tdm_put_bool(results, resumed);
}

/* False for a length that no digest has. */
static bool get_digest(struct tdm_reader *args, uint8_t to[TDM_SHA256_BYTES], uint8_t *to_bytes, bool prefix)
{
    uint16_t bytes;
    const uint8_t *digest = tdm_get_binary(args, &bytes);

    *to_bytes = (uint8_t)bytes;
    if (bytes != 0 && bytes != TDM_SHA256_BYTES && !(prefix && bytes == TDM_NCP_PREFIX_BYTES))
        return false;
    if (bytes > 0)
        memcpy(to, digest, bytes);
    return true;
}

static bool get_report(struct tdm_reader *args, struct tdm_ncp_device_report *report)
{
    bool good;

    memset(report, 0, sizeof *report);
    report->event = tdm_get_u8(args);
    report->state = tdm_get_u8(args);
    report->reason = tdm_get_u8(args);
    good = get_digest(args, report->running, &report->running_bytes, false) &&
           get_digest(args, report->about, &report->about_bytes, true) &&
           copy_text(report->hardware, sizeof report->hardware, tdm_get_string(args));
    report->counter = tdm_get_u32(args);
    return good && report->event >= TDM_DEVICE_STARTED && report->event <= TDM_DEVICE_TRIAL;
}

static void serve_ota_window(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                             uint32_t now_ms)
{
    (void)now_ms;
    tdm_put_bool(results, tdm__feeder_window(ncp, tdm_get_u8(args)));
}

static void serve_device_start(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                               uint32_t now_ms)
{
    (void)now_ms;
    ncp->has_start = true;
    ncp->start_cause = tdm_get_u8(args);
    ncp->start_boots = tdm_get_u32(args);
    tdm_put_bool(results, true);
}

static void serve_device_decodes(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                                 uint32_t now_ms)
{
    (void)now_ms;
    ncp->decodes = tdm_get_u8(args);
    tdm_put_bool(results, true);
}

static void add_start(struct tdm_ncp *ncp, struct tdm_ncp_device_report *report)
{
    if (report->event != TDM_DEVICE_STARTED)
        return;
    report->has_start = ncp->has_start;
    report->cause = ncp->start_cause;
    report->boots = ncp->start_boots;
    report->decodes = ncp->decodes;
    ncp->has_start = false;
    ncp->decodes = 0;
}

static void serve_device_report(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                                uint32_t now_ms)
{
    struct tdm_ncp_device_report report;
    bool taken = get_report(args, &report);

    if (taken) {
        ncp->reports = true;
        add_start(ncp, &report);
        /* The update's end goes first: it carries the figures of the transfer. */
        if (report.event == TDM_DEVICE_FAILED)
            tdm__feeder_mcu_failed(ncp, report.reason, now_ms);
        taken = ncp->config->ops->device_report(ncp->config->ctx, &report);
    }
    tdm_put_bool(results, taken);
}

/* --- The table --- */

static void serve_has_uid(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                          uint32_t now_ms);

static const struct served_call {
    uint16_t uid;
    serve_call_fn *serve;
} served[] = {
    {TDM_UID_NCP_PING, serve_ping},
    {TDM_UID_NCP_REBOOT, serve_reboot},
    {TDM_UID_NCP_HAS_UID, serve_has_uid},
    {TDM_UID_HW_SET_UART_BAUD_RATE, serve_set_baud},
    {TDM_UID_INITIALIZE, serve_initialize},
    {TDM_UID_SET_FIRMWARE_INFO, serve_firmware_info},
    {TDM_UID_GET_NCP_VERSION, serve_version},
    {TDM_UID_GET_STATE, serve_state},
    {TDM_UID_OTA_START, serve_ota_start},
    {TDM_UID_OTA_GET_CRC32, serve_ota_crc32},
    {TDM_UID_OTA_GET_MD5, serve_ota_md5},
    {TDM_UID_OTA_GET_SHA256, serve_ota_sha256},
    {TDM_UID_OTA_PREFETCH, serve_ota_prefetch},
    {TDM_UID_OTA_SUSPEND, serve_ota_suspend},
    {TDM_UID_DEVICE_REPORT, serve_device_report},
    {TDM_UID_OTA_RESUME, serve_ota_resume},
    {TDM_UID_DEVICE_START, serve_device_start},
    {TDM_UID_OTA_WINDOW, serve_ota_window},
    {TDM_UID_DEVICE_DECODES, serve_device_decodes},
};

static serve_call_fn *find(uint16_t uid)
{
    size_t i;

    for (i = 0; i < sizeof served / sizeof served[0]; i++) {
        if (served[i].uid == uid)
            return served[i].serve;
    }
    return NULL;
}

static bool host_serves(const struct tdm_ncp *ncp, uint16_t uid)
{
    const struct tdm_ncp_ops *ops = ncp->config->ops;

    return ops->serve != NULL && ops->serves(ncp->config->ctx, uid);
}

static void serve_has_uid(struct tdm_ncp *ncp, struct tdm_reader *args, struct tdm_writer *results,
                          uint32_t now_ms)
{
    uint16_t uid = tdm_get_u16(args);

    (void)now_ms;
    tdm_put_bool(results, find(uid) != NULL || host_serves(ncp, uid));
}

static bool fits(const struct tdm_call_info *call, const struct tdm_reader *args)
{
    return tdm_signature_matches(call->arguments, args->buffer + args->position,
                                 args->length - args->position);
}

int tdm__ncp_serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                   struct tdm_writer *results, uint32_t now_ms)
{
    struct tdm_ncp *ncp = ctx;
    const struct tdm_ncp_ops *ops = ncp->config->ops;
    const struct tdm_call_info *call = tdm_call_info(uid);
    serve_call_fn *serve = find(uid);
    int status = TDM_STATUS_UNKNOWN_UID;

    if (call == NULL || !call->served_by_ncp)
        return TDM_STATUS_UNKNOWN_UID;
    if (!fits(call, args))
        return serve != NULL || host_serves(ncp, uid) ? TDM_STATUS_ARGS_READ : TDM_STATUS_UNKNOWN_UID;
    if (ops->serve != NULL)
        status = ops->serve(ncp->config->ctx, uid, msg_id, args, results);
    if (status == TDM_STATUS_UNKNOWN_UID && serve != NULL) {
        serve(ncp, args, results, now_ms);
        status = TDM_STATUS_OK;
    }
    return status;
}
