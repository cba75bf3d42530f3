/* What whoever supervises this program (systemd) wants to be told, and how its journal takes lines. */
#ifndef TANDEM_CLOUD_SUPERVISOR_H
#define TANDEM_CLOUD_SUPERVISOR_H

#include <stdbool.h>

/* sd_notify(3): a state such as "READY=1". Nothing happens where nobody asked for it. */
void supervisor_tell(const char *state);
/* Whether standard error is systemd's journal, which reads a line's priority from "<N>" before it. */
bool supervisor_keeps_log(void);

#endif
