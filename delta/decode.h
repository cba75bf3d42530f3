/* The way back, on the host: what a device would make of an encoded payload. */
#ifndef DELTA_DECODE_H
#define DELTA_DECODE_H

#include <stdint.h>

#include "tandem/error.h"

/* Decodes payload with the device's own decoder. *image is from malloc, image_bytes long. base is the plain,
 * un-relocated base image; base_bytes is 0 without one. TDM_OK, TDM_E_PAYLOAD, TDM_E_TRUNCATED, TDM_E_ROOM.
 */
TDM_MUST_USE int delta_decode(uint8_t **image, uint32_t image_bytes, const uint8_t *payload,
                              uint32_t payload_bytes, const uint8_t *base, uint32_t base_bytes);

#endif
