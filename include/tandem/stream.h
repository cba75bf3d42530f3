/* The line does not wait for the flash: two chunks are in flight, or, with a co-processor that can't, a chunk
 * is answered before it is programmed (docs/EXTENSIONS.md, "otaUpdateWindow"). Nothing of it is linked where
 * it is not named. */
#ifndef TANDEM_STREAM_H
#define TANDEM_STREAM_H

#include "tandem/mcu.h"

/* struct tdm_mcu_config's stream. Only where the UART's driver holds what arrives while flash is programmed
 * for one chunk: a frame of a chunk at least, twice chunk_bytes at worst. */
extern const struct tdm_mcu_stream tdm_mcu_streams;

#endif
