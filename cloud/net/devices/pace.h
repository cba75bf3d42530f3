/* How often a device may log in. Two devices with one token would put each other out without end; what is
 * refused costs no database and leaves the one that is in alone. */
#ifndef TANDEM_CLOUD_PACE_H
#define TANDEM_CLOUD_PACE_H

#include <stdbool.h>

#include "cloud/idmap.h"

/* All zero is empty. */
struct paces {
    struct idmap map;
};

/* Whether this device may log in now: 30 times at once, and once a second in the long run. The first refusal
 * of a row is said in the log. */
bool paces_admit(struct paces *paces, int64_t device, uint64_t now_ms);
void paces_forget(struct paces *paces, int64_t device);
void paces_free(struct paces *paces);

#endif
