#include "ncpd/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ncpd/host.h"
#include "ncpd/log.h"

enum { HOOK_LIMIT_MS = 60000 };

/* Writes the results; args were found to fit. Returns a tdm_status, or TDM_SERVE_LATER. */
typedef int call_fn(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                    struct tdm_writer *results);

static int answer_bool(struct tdm_writer *results, bool value)
{
    tdm_put_bool(results, value);
    return TDM_STATUS_OK;
}

static int answer_text(struct tdm_writer *results, const char *text)
{
    tdm_put_string(results, text);
    return answer_bool(results, text != NULL);
}

/* --- Data --- */

static int virtual_write(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                         struct tdm_writer *results)
{
    uint16_t pin = tdm_get_u16(args);
    uint16_t bytes;
    const uint8_t *value = tdm_get_binary(args, &bytes);

    (void)msg_id;
    (void)results;
    datastreams_write(calls->streams, pin, value, bytes);
    return TDM_STATUS_OK;
}

static int set_property(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                        struct tdm_writer *results)
{
    uint16_t pin = tdm_get_u16(args);
    const char *property = tdm_get_string(args);
    uint16_t bytes;
    const uint8_t *value = tdm_get_binary(args, &bytes);

    (void)msg_id;
    (void)results;
    datastreams_set_property(calls->streams, pin, property, value, bytes);
    return TDM_STATUS_OK;
}

static int sync_all(struct calls *calls, uint16_t msg_id, struct tdm_reader *args, struct tdm_writer *results)
{
    (void)msg_id;
    (void)args;
    (void)results;
    datastreams_sync_all(calls->streams);
    return TDM_STATUS_OK;
}

static int sync_virtual(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                        struct tdm_writer *results)
{
    uint16_t bytes;
    const uint8_t *pins = tdm_get_binary(args, &bytes);

    (void)msg_id;
    (void)results;
    datastreams_sync(calls->streams, pins, bytes);
    return TDM_STATUS_OK;
}

static int begin_group(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                       struct tdm_writer *results)
{
    (void)msg_id;
    (void)results;
    datastreams_begin_group(calls->streams, tdm_get_i64(args));
    return TDM_STATUS_OK;
}

static int end_group(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                     struct tdm_writer *results)
{
    (void)msg_id;
    (void)args;
    (void)results;
    datastreams_end_group(calls->streams);
    return TDM_STATUS_OK;
}

/* Publishes text on FOLDER/LEAF. */
static void publish_text(struct calls *calls, const char *folder, const char *leaf, const char *text)
{
    char topic[DATASTREAM_NAME_MAX + 16];

    if (!datastreams_is_level(leaf) || strlen(text) > PIN_VALUE_MAX - sizeof topic) {
        log_warning(calls->mcu->name,
                    "the MCU sends %s with a name or text that the cloud cannot take; dropped", folder);
        return;
    }
    snprintf(topic, sizeof topic, "%s/%s", folder, leaf);
    (void)cloud_link_publish(calls->cloud, topic, text, strlen(text), 1);
}

static int log_event(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                     struct tdm_writer *results)
{
    const char *code = tdm_get_string(args);

    (void)msg_id;
    (void)results;
    publish_text(calls, "event", code, tdm_get_string(args));
    return TDM_STATUS_OK;
}

static int set_metadata(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                        struct tdm_writer *results)
{
    const char *field = tdm_get_string(args);

    (void)msg_id;
    (void)results;
    publish_text(calls, "meta", field, tdm_get_string(args));
    return TDM_STATUS_OK;
}

/* What is known here, and cannot be done. */
static int drop(struct calls *calls, uint16_t msg_id, struct tdm_reader *args, struct tdm_writer *results)
{
    (void)calls;
    (void)msg_id;
    (void)args;
    (void)results;
    return TDM_STATUS_OK;
}

static int refuse(struct calls *calls, uint16_t msg_id, struct tdm_reader *args, struct tdm_writer *results)
{
    (void)calls;
    (void)msg_id;
    (void)args;
    return answer_bool(results, false);
}

/* --- Time and place --- */

static int set_time(struct calls *calls, uint16_t msg_id, struct tdm_reader *args, struct tdm_writer *results)
{
    (void)msg_id;
    return answer_bool(results, local_time_set(calls->local, tdm_get_i64(args)));
}

static int get_time(struct calls *calls, uint16_t msg_id, struct tdm_reader *args, struct tdm_writer *results)
{
    struct time_shown shown;
    bool known = local_time_get(calls->local, &shown);

    (void)msg_id;
    (void)args;
    tdm_put_string(results, shown.iso8601);
    tdm_put_i64(results, shown.unix_ms);
    tdm_put_i16(results, shown.offset_minutes);
    tdm_put_string(results, shown.zone);
    tdm_put_u8(results, shown.dst);
    return answer_bool(results, known);
}

static int get_location(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                        struct tdm_writer *results)
{
    const struct local_time *local = calls->local;

    (void)msg_id;
    (void)args;
    tdm_put_string(results, local->latitude);
    tdm_put_string(results, local->longitude);
    tdm_put_string(results, local->zone_name);
    tdm_put_string(results, local->zone_rule);
    return answer_bool(results, local->has_place);
}

/* --- Who this is --- */

static int get_wifi_mac(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                        struct tdm_writer *results)
{
    (void)calls;
    (void)msg_id;
    (void)args;
    return answer_text(results, host_mac(false));
}

static int get_ethernet_mac(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                            struct tdm_writer *results)
{
    (void)calls;
    (void)msg_id;
    (void)args;
    return answer_text(results, host_mac(true));
}

static int set_vendor_prefix(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                             struct tdm_writer *results)
{
    const char *vendor = tdm_get_string(args);
    bool fits = strlen(vendor) <= VENDOR_MAX;

    (void)msg_id;
    if (fits) {
        memcpy(calls->vendor, vendor, strlen(vendor) + 1);
    }
    return answer_bool(results, fits);
}

/* True, and nothing changes, for the host that is configured; another one only where that is allowed. */
static int set_vendor_server(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                             struct tdm_writer *results)
{
    const char *host = tdm_get_string(args);
    const struct cloud_config *cloud = &calls->mcu->cloud;
    char where[CONFIG_TEXT + 8];

    (void)msg_id;
    if (strcmp(host, cloud->host) == 0) {
        return answer_bool(results, true);
    }
    if (!calls->mcu->vendor_server || host[0] == '\0' || strlen(host) >= CONFIG_TEXT ||
        strchr(host, ':') != NULL) {
        log_warning(calls->mcu->name, "the MCU asks for the cloud %s; the configuration does not allow it",
                    host);
        return answer_bool(results, false);
    }
    snprintf(where, sizeof where, "%s:%u", host, cloud->port);
    return answer_bool(results, cloud_link_redirect(calls->cloud, where));
}

/* VENDOR TEMPLATE-XXXX, the last digits of an address at its end; or as configured. */
static int get_hotspot_name(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                            struct tdm_writer *results)
{
    const char *mac = host_mac(false) != NULL ? host_mac(false) : host_mac(true);
    size_t length = mac != NULL ? strlen(mac) : 0;

    (void)msg_id;
    (void)args;
    if (calls->mcu->hotspot[0] != '\0') {
        return answer_text(results, calls->mcu->hotspot);
    }
    snprintf(calls->hotspot, sizeof calls->hotspot, "%s %s-%.2s%.2s",
             calls->vendor[0] != '\0' ? calls->vendor : "Tandem", calls->device->template_name,
             length >= 5 ? mac + length - 5 : "00", length >= 2 ? mac + length - 2 : "00");
    return answer_text(results, calls->hotspot);
}

/* --- Configuration --- */

/* There is a cloud and a token, or the program would not run. */
static int is_configured(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                         struct tdm_writer *results)
{
    (void)calls;
    (void)msg_id;
    (void)args;
    return answer_bool(results, true);
}

static int set_config_timeout(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                              struct tdm_writer *results)
{
    (void)msg_id;
    calls->config_timeout_s = tdm_get_u16(args);
    return answer_bool(results, true);
}

static int set_config_skip_limit(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                                 struct tdm_writer *results)
{
    (void)msg_id;
    calls->config_skip_limit = tdm_get_u8(args);
    return answer_bool(results, true);
}

/* The product's own program does it; here is only said whether that was started. */
static int start_hook(struct calls *calls, const char *action, struct tdm_writer *results)
{
    return answer_bool(results, hook_start(calls->hook, action, NULL, NULL, HOOK_LIMIT_MS, NULL, NULL));
}

static int config_start(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                        struct tdm_writer *results)
{
    (void)msg_id;
    (void)args;
    return start_hook(calls, "config-start", results);
}

static int config_stop(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                       struct tdm_writer *results)
{
    (void)msg_id;
    (void)args;
    return start_hook(calls, "config-stop", results);
}

static int config_reset(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                        struct tdm_writer *results)
{
    (void)msg_id;
    (void)args;
    return start_hook(calls, "config-reset", results);
}

static int factory_reset(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                         struct tdm_writer *results)
{
    (void)msg_id;
    (void)args;
    calls->factory_reset = true;
    return answer_bool(results, true);
}

/* --- Hardware --- */

/* The numbers of the call are pins of another module; which LED and button it is, the configuration says. */
static int init_button(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                       struct tdm_writer *results)
{
    (void)msg_id;
    (void)tdm_get_u16(args);
    return answer_bool(results, gpio_button_start(calls->button, tdm_get_bool(args)));
}

static int init_led(struct calls *calls, uint16_t msg_id, struct tdm_reader *args, struct tdm_writer *results)
{
    (void)msg_id;
    (void)args;
    return answer_bool(results, led_init(calls->led, false));
}

static int init_rgb(struct calls *calls, uint16_t msg_id, struct tdm_reader *args, struct tdm_writer *results)
{
    (void)msg_id;
    (void)args;
    return answer_bool(results, led_init(calls->led, true));
}

static int set_led_brightness(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                              struct tdm_writer *results)
{
    (void)msg_id;
    led_set_brightness(calls->led, tdm_get_u8(args));
    return answer_bool(results, calls->mcu->led[0] != '\0' || calls->mcu->rgb[0][0] != '\0');
}

/* --- Factory tests --- */

static int test_wifi(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                     struct tdm_writer *results)
{
    const char *ssid = tdm_get_string(args);

    return factory_test_wifi(calls->factory, msg_id, ssid, tdm_get_string(args), results);
}

static int test_wifi_ap(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                        struct tdm_writer *results)
{
    return factory_test_ap(calls->factory, msg_id, tdm_get_u16(args), results);
}

static int test_connect(struct calls *calls, uint16_t msg_id, struct tdm_reader *args,
                        struct tdm_writer *results)
{
    (void)args;
    return factory_test_connect(calls->factory, msg_id, results);
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
        if (rows[i].uid == uid) {
            return &rows[i];
        }
    }
    return NULL;
}

int calls_serve(struct calls *calls, uint16_t uid, uint16_t msg_id, struct tdm_reader *args,
                struct tdm_writer *results)
{
    const struct row *row = find(uid);

    return row != NULL ? row->serve(calls, msg_id, args, results) : TDM_STATUS_UNKNOWN_UID;
}

bool calls_serves(const struct calls *calls, uint16_t uid)
{
    const struct row *row = find(uid);

    return row != NULL && row->works(calls);
}
