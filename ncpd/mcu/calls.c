#include "ncpd/mcu/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ncpd/base/host.h"
#include "ncpd/base/log.h"

/* One call that is served. */
struct serving {
    struct calls *on; /* what it works on */
    uint16_t msg_id;
    struct tdm_reader *args;    /* found to fit */
    struct tdm_writer *results; /* to be written */
};

/* Returns a tdm_status, or TDM_SERVE_LATER. */
typedef int call_fn(const struct serving *call);

static int answer_bool(const struct serving *call, bool value)
{
    tdm_put_bool(call->results, value);
    return TDM_STATUS_OK;
}

static int answer_text(const struct serving *call, const char *text)
{
    tdm_put_string(call->results, text);
    return answer_bool(call, text != NULL);
}

/* --- Data --- */

static int virtual_write(const struct serving *call)
{
    uint16_t pin = tdm_get_u16(call->args);
    uint16_t bytes;
    const uint8_t *value = tdm_get_binary(call->args, &bytes);

    datastreams_write(call->on->streams, pin, value, bytes);
    return TDM_STATUS_OK;
}

static int set_property(const struct serving *call)
{
    uint16_t pin = tdm_get_u16(call->args);
    const char *property = tdm_get_string(call->args);
    uint16_t bytes;
    const uint8_t *value = tdm_get_binary(call->args, &bytes);

    datastreams_set_property(call->on->streams, pin, property, value, bytes);
    return TDM_STATUS_OK;
}

static int sync_all(const struct serving *call)
{
    datastreams_sync_all(call->on->streams);
    return TDM_STATUS_OK;
}

static int sync_virtual(const struct serving *call)
{
    uint16_t bytes;
    const uint8_t *pins = tdm_get_binary(call->args, &bytes);

    datastreams_sync(call->on->streams, pins, bytes);
    return TDM_STATUS_OK;
}

static int begin_group(const struct serving *call)
{
    datastreams_begin_group(call->on->streams, tdm_get_i64(call->args));
    return TDM_STATUS_OK;
}

static int end_group(const struct serving *call)
{
    datastreams_end_group(call->on->streams);
    return TDM_STATUS_OK;
}

/* Publishes text on FOLDER/LEAF. */
static void publish_text(struct calls *calls, const char *folder, const char *leaf, const char *text)
{
    char topic[DATASTREAM_NAME_MAX + 16];

    if (!topic_level_valid(leaf) || strlen(folder) + 1 + strlen(leaf) + strlen(text) > PIN_VALUE_MAX) {
        log_warning(calls->mcu->name,
                    "the MCU sends %s with a name or text that the cloud cannot take; dropped", folder);
        return;
    }
    snprintf(topic, sizeof topic, "%s/%s", folder, leaf);
    (void)cloud_link_publish(calls->cloud, topic, text, strlen(text), 1);
}

static int log_event(const struct serving *call)
{
    const char *code = tdm_get_string(call->args);

    publish_text(call->on, "event", code, tdm_get_string(call->args));
    return TDM_STATUS_OK;
}

static int set_metadata(const struct serving *call)
{
    const char *field = tdm_get_string(call->args);

    publish_text(call->on, "meta", field, tdm_get_string(call->args));
    return TDM_STATUS_OK;
}

/* What is known here, and cannot be done. */
static int drop(const struct serving *call)
{
    (void)call;
    return TDM_STATUS_OK;
}

static int refuse(const struct serving *call)
{
    return answer_bool(call, false);
}

/* --- Time and place --- */

static int set_time(const struct serving *call)
{
    return answer_bool(call, local_time_set(call->on->local, tdm_get_i64(call->args)));
}

static int get_time(const struct serving *call)
{
    struct time_shown shown;
    bool known = local_time_get(call->on->local, &shown);

    tdm_put_string(call->results, shown.iso8601);
    tdm_put_i64(call->results, shown.unix_ms);
    tdm_put_i16(call->results, shown.offset_minutes);
    tdm_put_string(call->results, shown.zone);
    tdm_put_u8(call->results, shown.dst);
    return answer_bool(call, known);
}

static int get_location(const struct serving *call)
{
    const struct local_time *local = call->on->local;

    tdm_put_string(call->results, local->latitude);
    tdm_put_string(call->results, local->longitude);
    tdm_put_string(call->results, local->zone_name);
    tdm_put_string(call->results, local->zone_rule);
    return answer_bool(call, local->has_place);
}

/* --- Who this is --- */

static int get_wifi_mac(const struct serving *call)
{
    return answer_text(call, host_mac(false));
}

static int get_ethernet_mac(const struct serving *call)
{
    return answer_text(call, host_mac(true));
}

static int set_vendor_prefix(const struct serving *call)
{
    const char *vendor = tdm_get_string(call->args);
    bool fits = strlen(vendor) <= VENDOR_MAX;

    if (fits)
        memcpy(call->on->vendor, vendor, strlen(vendor) + 1);
    return answer_bool(call, fits);
}

/* True, and nothing changes, for the host that is configured; another one only where that is allowed. */
static int set_vendor_server(const struct serving *call)
{
    const char *host = tdm_get_string(call->args);
    const struct cloud_config *cloud = &call->on->mcu->cloud;
    char where[CONFIG_TEXT + 8];

    if (strcmp(host, cloud->host) == 0)
        return answer_bool(call, true);
    if (!call->on->mcu->vendor_server || host[0] == '\0' || strlen(host) >= CONFIG_TEXT ||
        strchr(host, ':') != NULL) {
        log_warning(call->on->mcu->name, "the MCU asks for the cloud %s; the configuration does not allow it",
                    host);
        return answer_bool(call, false);
    }
    snprintf(where, sizeof where, "%s:%u", host, cloud->port);
    return answer_bool(call, cloud_link_redirect(call->on->cloud, where));
}

/* VENDOR TEMPLATE-XXXX, the last digits of an address at its end; or as configured. */
static int get_hotspot_name(const struct serving *call)
{
    const char *mac = host_mac(false) != NULL ? host_mac(false) : host_mac(true);
    size_t length = mac != NULL ? strlen(mac) : 0;

    if (call->on->mcu->hotspot[0] != '\0')
        return answer_text(call, call->on->mcu->hotspot);
    snprintf(call->on->hotspot, sizeof call->on->hotspot, "%s %s-%.2s%.2s",
             call->on->vendor[0] != '\0' ? call->on->vendor : "Tandem", call->on->device->template_name,
             length >= 5 ? mac + length - 5 : "00", length >= 2 ? mac + length - 2 : "00");
    return answer_text(call, call->on->hotspot);
}

/* --- Configuration --- */

/* There is a cloud and a token, or the program would not run. */
static int is_configured(const struct serving *call)
{
    return answer_bool(call, true);
}

static int set_config_timeout(const struct serving *call)
{
    call->on->config_timeout_s = tdm_get_u16(call->args);
    return answer_bool(call, true);
}

static int set_config_skip_limit(const struct serving *call)
{
    call->on->config_skip_limit = tdm_get_u8(call->args);
    return answer_bool(call, true);
}

/* The product's own program does it; here is only said whether that was started. */
static int start_hook(const struct serving *call, const char *action)
{
    return answer_bool(call, hook_tell(call->on->hook, action));
}

static int config_start(const struct serving *call)
{
    return start_hook(call, "config-start");
}

static int config_stop(const struct serving *call)
{
    return start_hook(call, "config-stop");
}

static int config_reset(const struct serving *call)
{
    return start_hook(call, "config-reset");
}

static int factory_reset(const struct serving *call)
{
    call->on->factory_reset = true;
    return answer_bool(call, true);
}

/* --- Hardware --- */

/* The numbers of the call are pins of another module; which LED and button it is, the configuration says. */
static int init_button(const struct serving *call)
{
    (void)tdm_get_u16(call->args);
    return answer_bool(call, gpio_button_start(call->on->button, tdm_get_bool(call->args)));
}

static int init_led(const struct serving *call)
{
    return answer_bool(call, led_init(call->on->led, false));
}

static int init_rgb(const struct serving *call)
{
    return answer_bool(call, led_init(call->on->led, true));
}

static int set_led_brightness(const struct serving *call)
{
    led_set_brightness(call->on->led, tdm_get_u8(call->args));
    return answer_bool(call, call->on->mcu->led[0] != '\0' || call->on->mcu->rgb[0][0] != '\0');
}

/* --- Factory tests --- */

static int test_wifi(const struct serving *call)
{
    const char *ssid = tdm_get_string(call->args);

    return factory_test_wifi(call->on->factory, call->msg_id, ssid, tdm_get_string(call->args),
                             call->results);
}

static int test_wifi_ap(const struct serving *call)
{
    return factory_test_ap(call->on->factory, call->msg_id, tdm_get_u16(call->args), call->results);
}

static int test_connect(const struct serving *call)
{
    return factory_test_connect(call->on->factory, call->msg_id, call->results);
}

/* --- The table --- */

static bool always(const struct calls *calls)
{
    (void)calls;
    return true;
}

static bool with_hook(const struct calls *calls)
{
    return calls->mcu->hook[0] != '\0';
}

static bool with_button(const struct calls *calls)
{
    return calls->mcu->button[0] != '\0';
}

static bool with_led(const struct calls *calls)
{
    return calls->mcu->led[0] != '\0';
}

static bool with_rgb(const struct calls *calls)
{
    return calls->mcu->rgb[0][0] != '\0';
}

static bool with_any_led(const struct calls *calls)
{
    return with_led(calls) || with_rgb(calls);
}

static bool never(const struct calls *calls)
{
    (void)calls;
    return false;
}

static const struct row {
    uint16_t uid;
    bool (*works)(const struct calls *calls); /* here, as it is configured */
    call_fn *serve;
} rows[] = {
    {TDM_UID_HW_INIT_USER_BUTTON, with_button, init_button},
    {TDM_UID_HW_INIT_LED, with_led, init_led},
    {TDM_UID_HW_INIT_RGB, with_rgb, init_rgb},
    {TDM_UID_HW_INIT_ARGB, never, refuse},
    {TDM_UID_HW_SET_LED_BRIGHTNESS, with_any_led, set_led_brightness},
    {TDM_UID_HW_GET_WIFI_MAC, always, get_wifi_mac},
    {TDM_UID_HW_GET_ETHERNET_MAC, always, get_ethernet_mac},
    {TDM_UID_SET_VENDOR_PREFIX, always, set_vendor_prefix},
    {TDM_UID_SET_VENDOR_SERVER, always, set_vendor_server},
    {TDM_UID_GET_HOTSPOT_NAME, always, get_hotspot_name},
    {TDM_UID_VIRTUAL_WRITE, always, virtual_write},
    {TDM_UID_SYNC_ALL, always, sync_all},
    {TDM_UID_SYNC_VIRTUAL, always, sync_virtual},
    {TDM_UID_SET_PROPERTY, always, set_property},
    {TDM_UID_BEGIN_GROUP, always, begin_group},
    {TDM_UID_END_GROUP, always, end_group},
    {TDM_UID_LOG_EVENT, always, log_event},
    {TDM_UID_RESOLVE_EVENT, never, drop},
    {TDM_UID_RESOLVE_ALL_EVENTS, never, drop},
    {TDM_UID_SET_METADATA, always, set_metadata},
    {TDM_UID_CONFIG_START, with_hook, config_start},
    {TDM_UID_CONFIG_STOP, with_hook, config_stop},
    {TDM_UID_CONFIG_RESET, with_hook, config_reset},
    {TDM_UID_IS_CONFIGURED, always, is_configured},
    {TDM_UID_SET_CONFIG_TIMEOUT, always, set_config_timeout},
    {TDM_UID_SET_CONFIG_SKIP_LIMIT, always, set_config_skip_limit},
    {TDM_UID_FACTORY_RESET, always, factory_reset},
    {TDM_UID_FACTORY_TEST_WIFI, with_hook, test_wifi},
    {TDM_UID_FACTORY_TEST_WIFI_AP, with_hook, test_wifi_ap},
    {TDM_UID_FACTORY_TEST_CONNECT, always, test_connect},
    {TDM_UID_SET_TIME, always, set_time},
    {TDM_UID_GET_TIME, always, get_time},
    {TDM_UID_GET_LOCATION_INFO, always, get_location},
};

static const struct row *find(uint16_t uid)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].uid == uid)
            return &rows[i];
    }
    return NULL;
}

int calls_serve(struct calls *calls, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                struct tdm_writer *results)
{
    const struct row *row = find(uid);
    const struct serving call = {calls, msg_id, args, results};

    return row != NULL ? row->serve(&call) : TDM_STATUS_UNKNOWN_UID;
}

bool calls_serves(const struct calls *calls, uint16_t uid)
{
    const struct row *row = find(uid);

    return row != NULL && row->works(calls);
}
