/* What the cloud and the MCU may say to tandem-ncp besides offers: zones, places, datastreams, pins. The
 * first byte says which. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "ncpd/mcu/datastreams.h"
#include "ncpd/mcu/local_time.h"

static void publish(void *ctx, const char *topic, const void *payload, size_t bytes)
{
    (void)ctx;
    (void)payload;
    if (strlen(topic) + bytes > 1024 + 2 * DATASTREAM_NAME_MAX || strpbrk(topic, "+#") != NULL)
        abort();
}

static void take_zone(const uint8_t *data, size_t bytes)
{
    struct local_time local = {0};
    struct time_shown shown;

    (void)local_time_take_zone(&local, data, bytes);
    local_time_take_place(&local, data, bytes);
    if (local_time_get(&local, &shown) && shown.iso8601[10] != 'T')
        abort();
}

static void take_data(uint8_t kind, const char *text, const uint8_t *data, size_t bytes)
{
    static const struct pin_map map;
    struct datastreams streams;

    datastreams_init(&streams, &map, publish, NULL);
    switch (kind) {
    case 1:
        datastreams_sync(&streams, data, bytes < PIN_VALUE_MAX ? bytes : PIN_VALUE_MAX);
        break;
    case 2:
        (void)datastreams_receive(&streams, text, data, bytes);
        break;
    default:
        datastreams_begin_group(&streams, bytes > 0 && data[0] == 0 ? 1795685884000 : 0);
        for (size_t at = 0; at < bytes; at += 97)
            datastreams_write(&streams, (uint16_t)at, data + at, bytes - at < 300 ? bytes - at : 300);
        datastreams_set_property(&streams, 1, text, data, bytes < 1000 ? bytes : 1000);
        datastreams_end_group(&streams);
        break;
    }
    datastreams_reset(&streams);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    char text[80];
    size_t length = bytes < sizeof text ? bytes : sizeof text - 1;

    if (bytes == 0)
        return 0;
    memcpy(text, data, length);
    text[length] = '\0';
    if (data[0] % 4 == 0)
        take_zone(data + 1, bytes - 1);
    else
        take_data(data[0] % 4, text + 1, data + 1, bytes - 1);
    return 0;
}
