/* What another server says over the bus: any bytes are read or refused, and what was read is written the
 * same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/net/relay.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct effect effect;
    struct effect again;
    char text[FLEET_OFFER_MAX + 1];
    char text_again[FLEET_OFFER_MAX + 1];
    uint8_t bytes[BUS_MESSAGE_MAX];
    if (!relay_read(&effect, text, data, size))
        return 0;
    size_t count = relay_write(&effect, bytes);
    if (!relay_read(&again, text_again, bytes, count) || effect.kind != again.kind ||
        effect.device != again.device || effect.connection != again.connection ||
        strcmp(effect.topic, again.topic) != 0 || strcmp(effect.text, again.text) != 0)
        abort();
    return 0;
}
