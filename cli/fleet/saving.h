/* What an encoded form of a firmware saved (docs/CLOUD.md, "Deltas"). */
#ifndef CLI_SAVING_H
#define CLI_SAVING_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define SAVING_TEXT_BYTES 96

/* "2.1 KB instead of 125 KB, saved 98 %"; with nothing saved the size alone, "" for nothing sent. Returns
 * text. */
const char *saving_text(int64_t sent, int64_t full, char text[SAVING_TEXT_BYTES]);

/* Gives each row, a device of a shipment, the member "sent": "delta, 2.1 KB instead of 125 KB, saved 98 %",
 * null where nothing was offered. */
void saving_add(json_t *rows);

#endif
