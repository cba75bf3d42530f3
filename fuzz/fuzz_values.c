/* A message of a device beside updates: its topic up to the first NUL, then its payload. What the store then
 * holds must be what the limits allow, and every answer a message that can be published. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/devices/device.h"
#include "cloud/fleet/devices/values.h"
#include "cloud/mqtt/wire.h"
#include "fuzz/fuzz.h"

static struct fleet fleet;
static struct device device;

static void set_up(void)
{
    char why[100];
    char token[SECRET_TOKEN_MAX];
    struct presence presence = {.node = 1, .connection = 1};
    require(store_open(&fleet.store, ":memory:", why, sizeof why) == STORE_OK);
    fleet.now = 1700000000000;
    fleet.limits = status_limits_default;
    fleet.node = 1;
    require(store_begin(fleet.store) == STORE_OK);
    device.organization = RECORD_FIRST_ORGANIZATION;
    snprintf(device.template, sizeof device.template, "TMPL");
    snprintf(device.name, sizeof device.name, "pump");
    secret_token(token);
    require(device_add(&fleet, &device, token) == STORE_OK);
    require(store_presence_set(fleet.store, device.id, &presence) == STORE_OK);
    require(store_commit(fleet.store) == STORE_OK);
}

static void drop_effects(void)
{
    while (fleet.effects != NULL) {
        struct effect *next = fleet.effects->next;
        if (fleet.effects->kind == EFFECT_PUBLISH) {
            struct mqtt_slice topic = mqtt_slice_of(fleet.effects->topic);
            require(fleet.effects->bytes <= FLEET_OFFER_MAX);
            require(mqtt_slice_starts_with(topic, "downlink/"));
        }
        free(fleet.effects);
        fleet.effects = next;
    }
}

static void check_values(void)
{
    struct value *values;
    size_t count;
    require(store_values(fleet.store, device.id, &values, &count) == STORE_OK);
    require(count <= VALUES_MAX);
    for (size_t i = 0; i < count; i++)
        require(values[i].name[0] != '\0' && values[i].bytes <= VALUE_MAX);
    free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = size == 0 ? NULL : memchr(data, '\0', size);
    if (nul == NULL || (size_t)(nul - data) >= FLEET_TOPIC_MAX || size > 2048)
        return 0;
    if (fleet.store == NULL)
        set_up();
    size_t bytes = size - (size_t)(nul - data) - 1;
    char *payload = malloc(bytes + (bytes == 0));
    require(payload != NULL);
    memcpy(payload, nul + 1, bytes);
    require(store_begin(fleet.store) == STORE_OK);
    require(values_message(&fleet, device.id, (const char *)data, payload, bytes) == STORE_OK);
    check_values();
    require(values_message(&fleet, device.id, "get/ds/all", "", 0) == STORE_OK);
    drop_effects();
    store_rollback(fleet.store);
    free(payload);
    return 0;
}
