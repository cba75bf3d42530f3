#include "ncpd/bridge_parts.h"

#include <stdlib.h>
#include <string.h>

#include "ncpd/base/host.h"
#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/base/timer.h"
#include "ncpd/config/token.h"
#include "ncpd/mcu/awaited.h"
#include "ncpd/mcu_status.h"

enum { CHECK_IN_DELAY_MS = 1000, PIN_RETRY_MS = 20 };

static uint32_t now_ms(void)
{
    return (uint32_t)host_clock_ms();
}

/* False if there are pins left to tell the MCU of. */
static bool tell_pins(struct bridge *bridge)
{
    const struct pin_change *change;

    while ((change = datastreams_next(&bridge->streams)) != NULL) {
        if (!tdm_ncp_pin_changed(&bridge->ncp, change->pin, change->value, change->bytes, now_ms()))
            return false;
        datastreams_told(&bridge->streams);
    }
    return true;
}

/* blynk.factoryReset: nothing of this device's life is left here. The token is the machine's. */
static void reset_to_factory(struct bridge *bridge)
{
    log_warning(bridge->mcu->name, "the MCU asks for the state as from the factory");
    bridge->calls.factory_reset = false;
    bridge->calls.vendor[0] = '\0';
    bridge->local = (struct local_time){0};
    update_forget(bridge->update);
    (void)hook_tell(bridge->hook, "factory-reset");
}

/* After everything that may have given core/ncp something to do. */
static void run_ncp(struct bridge *bridge)
{
    uint32_t wait_ms;

    if (bridge->calls.factory_reset)
        reset_to_factory(bridge);
    wait_ms = tdm_ncp_poll(&bridge->ncp, now_ms());
    led_show(bridge->led, tdm_ncp_state(&bridge->ncp));
    if (!tell_pins(bridge) && wait_ms > PIN_RETRY_MS)
        wait_ms = PIN_RETRY_MS;
    if (wait_ms == UINT32_MAX)
        evtimer_del(bridge->poll);
    else
        timer_start(bridge->poll, wait_ms);
    serial_kick(bridge->serial);
}

static void on_poll(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    run_ncp(ctx);
}

/* The MCU is initialised, and had its moment to report: the cloud learns of that report first. */
static void on_check_in(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    bridge__check_in(ctx);
    run_ncp(ctx);
}

/* --- The UART --- */

static void on_uart_receive(void *ctx, const uint8_t *bytes, size_t count)
{
    struct bridge *bridge = ctx;

    tdm_ncp_receive(&bridge->ncp, bytes, count, now_ms());
    run_ncp(bridge);
}

static size_t on_uart_pull(void *ctx, uint8_t *to, size_t capacity)
{
    struct bridge *bridge = ctx;

    return tdm_ncp_pull(&bridge->ncp, to, capacity, now_ms());
}

static void on_uart_opened(void *ctx)
{
    struct bridge *bridge = ctx;

    tdm_ncp_reopened(&bridge->ncp, now_ms());
    if (tdm_ncp_state(&bridge->ncp) == TDM_STATE_NOT_INITIALIZED)
        awaited_start(bridge->awaited);
    run_ncp(bridge);
}

/* --- What core/ncp asks for --- */

static bool op_can_baud(void *ctx, uint32_t baud)
{
    struct bridge *bridge = ctx;

    return serial_takes_baud(bridge->serial, baud);
}

static void op_set_baud(void *ctx, uint32_t baud)
{
    struct bridge *bridge = ctx;

    if (bridge->serial != NULL) { /* it starts at the initial rate by itself */
        serial_set_baud(bridge->serial, baud);
    }
}

static void op_online(void *ctx, const struct tdm_ncp_device *device)
{
    struct bridge *bridge = ctx;

    awaited_stop(bridge->awaited);
    datastreams_reset(&bridge->streams);
    log_info(bridge->mcu->name, "the MCU initialized as template %s, firmware %s %s (%s)",
             device->template_id, device->firmware.type, device->firmware.version, device->firmware.build);
    timer_start(bridge->check_in, CHECK_IN_DELAY_MS);
}

static void op_offline(void *ctx)
{
    struct bridge *bridge = ctx;

    log_info(bridge->mcu->name, "the MCU is not initialized any more; off line until it is");
    awaited_start(bridge->awaited);
    evtimer_del(bridge->check_in);
    datastreams_reset(&bridge->streams);
    cloud_link_stop(bridge->cloud);
}

static int op_read(void *ctx, uint32_t id, uint32_t offset, void *to, size_t bytes)
{
    struct bridge *bridge = ctx;

    return update_read(bridge->update, id, offset, to, bytes);
}

static void op_progress(void *ctx, const struct tdm_ncp_progress *progress)
{
    struct bridge *bridge = ctx;

    update_progress(bridge->update, progress);
    cloud_link_kick(bridge->cloud);
}

static bool op_device_report(void *ctx, const struct tdm_ncp_device_report *report)
{
    struct bridge *bridge = ctx;

    log_info(bridge->mcu->name, "the MCU reports: event %s, state %s, reason %s",
             report_event_slug(report->event), report_state_slug(report->state),
             tdm_reason_slug(report->reason));
    report_device(&bridge->reports, report);
    if (report->event == TDM_DEVICE_STARTED && evtimer_pending(bridge->check_in, NULL))
        timer_start(bridge->check_in, 0); /* this is what it waited for; the report goes with it */
    else
        cloud_link_kick(bridge->cloud);
    return true;
}

static int op_serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                    struct tdm_writer *results)
{
    struct bridge *bridge = ctx;

    bridge->reboots_host = bridge->reboots_host || (uid == TDM_UID_NCP_REBOOT && bridge->mcu->reboot_host);
    if (uid == TDM_UID_OTA_PREFETCH)
        return update_prefetch(bridge->update, msg_id, results);
    return calls_serve(&bridge->calls, uid, msg_id, args, results);
}

/* After ncp.reboot, and after an update; only the first may mean the machine. */
static void op_reboot(void *ctx)
{
    struct bridge *bridge = ctx;

    if (bridge->reboots_host) {
        bridge->reboots_host = false;
        if (!hook_tell(bridge->hook, "reboot"))
            log_error(bridge->mcu->name, "RebootHost=yes, and no Hook that could do it");
    }
}

static bool op_serves(void *ctx, uint16_t uid)
{
    const struct bridge *bridge = ctx;

    return calls_serves(&bridge->calls, uid);
}

static const struct tdm_ncp_ops ops = {
    .can_baud = op_can_baud,
    .set_baud = op_set_baud,
    .online = op_online,
    .offline = op_offline,
    .read = op_read,
    .progress = op_progress,
    .device_report = op_device_report,
    .reboot = op_reboot,
    .serve = op_serve,
    .serves = op_serves,
};

/* --- The rest of the machine --- */

static void on_wake(void *ctx)
{
    struct bridge *bridge = ctx;

    timer_start(bridge->poll, 0);
}

static void on_button(void *ctx, uint8_t event)
{
    struct bridge *bridge = ctx;

    if (event == TDM_EVENT_RESET_DONE)
        (void)hook_tell(bridge->hook, "config-reset");
    tdm_ncp_event(&bridge->ncp, (enum tdm_event)event);
    timer_start(bridge->poll, 0);
}

/* --- Updates --- */

static void on_update_wake(void *ctx)
{
    struct bridge *bridge = ctx;

    cloud_link_kick(bridge->cloud);
    timer_start(bridge->poll, 0);
}

/* --- Outside --- */

/* An MCU without these cannot be served. */
static bool open_resources(struct bridge *bridge)
{
    char token[TOKEN_MAX + 1];
    bool good = token_read(token, bridge->mcu);

    explicit_bzero(token, sizeof token);
    return good && store_open(&bridge->store, bridge->mcu);
}

static void make_config(struct bridge *bridge)
{
    bridge->config = (struct tdm_ncp_config){TDM_NCP_CONFIG_DEFAULTS, .ops = &ops, .ctx = bridge,
                                             .version = "tandem-ncp " TANDEM_VERSION};
    bridge->config.initial_baud = bridge->mcu->uart_baud;
    bridge->config.start_limit_ms = bridge->mcu->start_limit_s * 1000;
}

static void make_calls(struct bridge *bridge, struct event_base *base)
{
    const struct mcu_config *mcu = bridge->mcu;

    bridge->hook = hook_new(base, mcu);
    bridge->led = led_new(base, mcu);
    bridge->button = gpio_button_new(base, mcu, on_button, bridge);
    bridge->factory = factory_new(base, mcu, &bridge->ncp, bridge->cloud, bridge->hook, on_wake, bridge);
    bridge->calls = (struct calls){.mcu = mcu,
                                   .device = &bridge->ncp.device,
                                   .streams = &bridge->streams,
                                   .local = &bridge->local,
                                   .cloud = bridge->cloud,
                                   .hook = bridge->hook,
                                   .factory = bridge->factory,
                                   .led = bridge->led,
                                   .button = bridge->button};
}

struct bridge *bridge_new(struct event_base *base, const struct mcu_config *mcu)
{
    struct bridge *bridge = memory_zeroed(sizeof *bridge);
    struct serial_handler uart = {on_uart_receive, on_uart_pull, on_uart_opened, bridge};
    struct cloud_link_handler cloud = {bridge__cloud_changed, bridge__cloud_message, bridge};
    struct update_handler update = {on_update_wake, bridge};

    bridge->mcu = mcu;
    if (!open_resources(bridge)) {
        free(bridge);
        return NULL;
    }
    log_info(mcu->name, "tandem-ncp " TANDEM_VERSION ": uart %s, cloud %s:%u", mcu->uart, mcu->cloud.host,
             mcu->cloud.port);
    make_config(bridge);
    bridge->poll = evtimer_new(base, on_poll, bridge);
    bridge->check_in = evtimer_new(base, on_check_in, bridge);
    bridge->cloud = cloud_link_new(base, mcu, mcu->cloud.is_tandem ? &bridge->reports : NULL, &cloud);
    datastreams_init(&bridge->streams, &mcu->pins, bridge__publish, bridge);
    tdm_ncp_init(&bridge->ncp, &bridge->config, now_ms());
    make_calls(bridge, base);
    bridge->awaited = awaited_new(base, mcu, &bridge->ncp);
    bridge->update = update_new(base, mcu, &bridge->store, &bridge->ncp, &bridge->reports, &update);
    bridge->serial = serial_new(base, mcu, &uart);
    return bridge;
}

bool bridge_say_goodbye(struct bridge *bridge)
{
    if (!bridge->leaving) {
        bridge->leaving = true;
        tdm_ncp_event(&bridge->ncp, TDM_EVENT_NCP_REBOOTING);
    }
    run_ncp(bridge);
    return serial_device(bridge->serial) == NULL ||
           (tdm_ncp_event_count(&bridge->ncp) == 0 && tdm_ncp_idle(&bridge->ncp) &&
            serial_idle(bridge->serial));
}

json_t *bridge_status(const struct bridge *bridge)
{
    return mcu_status(bridge->mcu, &bridge->ncp, bridge->serial, bridge->cloud, bridge->update);
}

void bridge_free(struct bridge *bridge)
{
    serial_free(bridge->serial);
    awaited_free(bridge->awaited);
    update_free(bridge->update);
    factory_free(bridge->factory);
    gpio_button_free(bridge->button);
    led_free(bridge->led);
    hook_free(bridge->hook);
    cloud_link_free(bridge->cloud);
    event_free(bridge->poll);
    event_free(bridge->check_in);
    datastreams_reset(&bridge->streams);
    store_close(&bridge->store);
    free(bridge);
}
