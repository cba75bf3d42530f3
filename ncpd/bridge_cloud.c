/* The bridge's side to the cloud: who checks in, and what becomes of what it says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ncpd/base/log.h"
#include "ncpd/base/timer.h"
#include "ncpd/bridge_parts.h"

enum { RX_BUFFER_BYTES = 1024 /* what info/mcu says we take in one message */ };

static json_t *text_or_empty(const char *text)
{
    json_t *value = json_string(text);

    return value != NULL ? value : json_string("");
}

void bridge__check_in(struct bridge *bridge)
{
    const struct tdm_ncp_device *device = &bridge->ncp.device;
    json_t *info = json_object();
    char *json;

    json_object_set_new(info, "tmpl", text_or_empty(device->template_id));
    json_object_set_new(info, "ver", text_or_empty(device->firmware.version));
    json_object_set_new(info, "build", text_or_empty(device->firmware.build));
    json_object_set_new(info, "type", text_or_empty(device->firmware.type));
    json_object_set_new(info, "rxbuff", json_integer(RX_BUFFER_BYTES));
    if (bridge->mcu->cloud.is_tandem && device->firmware.library[0] != '\0')
        json_object_set_new(info, "blynk", text_or_empty(device->firmware.library));
    json = json_dumps(info, JSON_COMPACT);
    json_decref(info);
    tdm_ncp_cloud_state(&bridge->ncp, TDM_STATE_CONNECTING_CLOUD);
    cloud_link_start(bridge->cloud, json);
    free(json);
}

void bridge__cloud_changed(void *ctx, bool connected)
{
    struct bridge *bridge = ctx;

    tdm_ncp_cloud_state(&bridge->ncp, connected ? TDM_STATE_CONNECTED : TDM_STATE_CONNECTING_CLOUD);
    if (connected) { /* its answers may come or not */
        (void)cloud_link_publish(bridge->cloud, "get/utc/all/json", "", 0, 0);
        (void)cloud_link_publish(bridge->cloud, "get/loc/all", "", 0, 0);
    }
    timer_start(bridge->poll, 0);
}

static void take_redirect(struct bridge *bridge, const void *payload, size_t bytes)
{
    char where[320];

    snprintf(where, sizeof where, "%.*s", (int)(bytes < sizeof where ? bytes : sizeof where - 1),
             (const char *)payload);
    if (cloud_link_redirect(bridge->cloud, where))
        log_info(bridge->mcu->name, "cloud: redirects to %s", where);
    else
        log_warning(
            bridge->mcu->name,
            "cloud: redirects to %s, which is no HOST:PORT or mqtt[s]:// URL, or without the TLS that "
            "is configured; ignored",
            where);
}

static void take_value(struct bridge *bridge, const char *name, const void *value, size_t bytes)
{
    if (bytes > bridge->mcu->message_bytes || !datastreams_receive(&bridge->streams, name, value, bytes))
        log_warning(bridge->mcu->name,
                    "cloud: datastream %s, %zu bytes: no pin has that name, or it is longer than "
                    "MessageBytes; dropped",
                    name, bytes);
    timer_start(bridge->poll, 0);
}

static void take_zone(struct bridge *bridge, const void *json, size_t bytes)
{
    if (local_time_take_zone(&bridge->local, json, bytes)) {
        tdm_ncp_event(&bridge->ncp, TDM_EVENT_TIME_CHANGED);
        timer_start(bridge->poll, 0);
    }
}

void bridge__cloud_message(void *ctx, const char *topic, const void *payload, size_t bytes)
{
    struct bridge *bridge = ctx;

    if (strcmp(topic, "ota/json") == 0) {
        update_take_offer(bridge->update, payload, bytes);
    } else if (strcmp(topic, "redirect") == 0) {
        take_redirect(bridge, payload, bytes);
    } else if (strcmp(topic, "reboot") == 0) {
        log_info(bridge->mcu->name, "cloud: asks the device to restart");
        tdm_ncp_reboot_mcu(&bridge->ncp);
        timer_start(bridge->poll, 0);
    } else if (strncmp(topic, "ds/", 3) == 0) {
        take_value(bridge, topic + 3, payload, bytes);
    } else if (strcmp(topic, "utc/all/json") == 0) {
        take_zone(bridge, payload, bytes);
    } else if (strcmp(topic, "loc/all") == 0) {
        local_time_take_place(&bridge->local, payload, bytes);
    } else if (strcmp(topic, "diag") == 0) {
        log_warning(bridge->mcu->name, "cloud: says: %.*s", (int)(bytes < 400 ? bytes : 400),
                    (const char *)payload);
    } else {
        log_debug(bridge->mcu->name, "cloud: downlink/%s, %zu bytes", topic, bytes);
    }
}

void bridge__publish(void *ctx, const char *topic, const void *payload, size_t bytes)
{
    struct bridge *bridge = ctx;

    if (!cloud_link_publish(bridge->cloud, topic, payload, bytes, 0))
        log_debug(bridge->mcu->name, "cloud: not there for %s; dropped", topic);
}
