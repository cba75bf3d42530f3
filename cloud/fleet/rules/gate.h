/* The gate behind a wave: may the shipment go on to the next one, must it stop, or wait? A pure function of
 * the wave's counters.
 *
 *   stop     the share of failures among the devices that came to an end reached the limit, once the sample
 *            is large enough; or the wave is over and not enough of it was updated
 *   advance  the share of updated devices was reached, and is still there after the soak time
 *   wait     anything else */
#ifndef TANDEM_CLOUD_GATE_H
#define TANDEM_CLOUD_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/store/records.h"

enum gate_verdict { GATE_WAIT, GATE_ADVANCE, GATE_STOP };

/* Sets wave->reached (when the success share was reached), *due (when time alone will change the answer, 0
 * never) and why. */
enum gate_verdict gate_judge(struct wave *wave, int64_t now, int64_t *due, char *why, size_t capacity);

/* The operator goes on in spite of what happened: the failures so far no longer count. */
void gate_forgive(struct wave *wave);

/* All devices of the wave have come to an end. */
bool gate_is_over(const struct wave *wave);

#endif
