/* Any bytes into a receiver of any size; what comes out is sent and received again, and must be the same. */
#include "fuzz/fuzz.h"
#include "tandem/frame.h"

#include <stdlib.h>
#include <string.h>

static void send_and_receive(const uint8_t *payload, size_t length, size_t step)
{
    uint8_t *wire = malloc(2 * length + 4), *buffer = malloc(length + 1);
    size_t count = 0, got;
    int received = 0;
    struct tdm_frame_tx tx;
    struct tdm_frame_rx rx;

    tdm_frame_tx_init(&tx, payload, length);
    while ((got = tdm_frame_tx_pull(&tx, wire + count, step)) > 0)
        count += got;
    require(tdm_frame_tx_sent(&tx) && count == tdm_frame_wire_bytes(payload, length));
    tdm_frame_rx_init(&rx, buffer, length + 1);
    for (size_t i = 0; i < count; i++) {
        require(received == 0);
        received = tdm_frame_rx_push(&rx, wire[i]);
    }
    require(received == (int)length && memcmp(buffer, payload, length) == 0);
    free(wire);
    free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tdm_frame_rx rx;
    size_t capacity;
    uint8_t *buffer;

    if (size < 2)
        return 0;
    capacity = data[0];
    buffer = malloc(capacity + 1); /* never of 0 bytes */
    tdm_frame_rx_init(&rx, buffer, capacity);
    for (size_t i = 1; i < size; i++) {
        int length = tdm_frame_rx_push(&rx, data[i]);

        require(length < (int)capacity || length <= 0);
        if (length > 0)
            send_and_receive(buffer, (size_t)length, 1);
    }
    send_and_receive(data + 1, size - 1, 1 + data[0] % 8u);
    free(buffer);
    return 0;
}
