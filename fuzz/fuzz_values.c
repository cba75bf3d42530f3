/* A message of a device beside updates: its topic up to the first NUL, then its payload. What the store then
 * holds must be what the limits allow, and every answer a message that can be published. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/device.h"
#include "cloud/fleet/values.h"
#include "cloud/mqtt/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static struct fleet fleet;
static struct device device;

static void set_up(void)
{
    char why[100];
    char token[SECRET_TOKEN_MAX];
    struct presence presence = {.node = 1, .connection = 1};
    check(store_open(&fleet.store, ":memory:", why, sizeof why) == STORE_OK);
    fleet.now = 1700000000000;
    fleet.limits = status_limits_default;
    fleet.node = 1;
    check(store_begin(fleet.store) == STORE_OK);
    device.organization = RECORD_FIRST_ORGANIZATION;
    snprintf(device.template, sizeof device.template, "TMPL");
    snprintf(device.name, sizeof device.name, "pump");
    check(device_add(&fleet, &device, token) == STORE_OK);
    check(store_presence_set(fleet.store, device.id, &presence) == STORE_OK);
    check(store_commit(fleet.store) == STORE_OK);
}

static void drop_effects(void)
{
    while (fleet.effects != NULL) {
        struct effect *next = fleet.effects->next;
        if (fleet.effects->kind == EFFECT_PUBLISH) {
            struct mqtt_slice topic = mqtt_slice_of(fleet.effects->topic);
            check(fleet.effects->bytes <= FLEET_OFFER_MAX);
            check(mqtt_slice_starts_with(topic, "downlink/"));
        }
        free(fleet.effects);
        fleet.effects = next;
    }
}

static void check_values(void)
{
    struct value *values;
    size_t count;
    check(store_values(fleet.store, device.id, &values, &count) == STORE_OK);
    check(count <= VALUES_MAX);
    for (size_t i = 0; i < count; i++)
        check(values[i].name[0] != '\0' && values[i].bytes <= VALUE_MAX);
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
    check(payload != NULL);
    memcpy(payload, nul + 1, bytes);
    check(store_begin(fleet.store) == STORE_OK);
    check(values_message(&fleet, device.id, (const char *)data, payload, bytes) == STORE_OK);
    check_values();
    check(values_message(&fleet, device.id, "get/ds/all", "", 0) == STORE_OK);
    drop_effects();
    store_rollback(fleet.store);
    free(payload);
    return 0;
}
