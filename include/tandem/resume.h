/* Transfers that were cut off, by a reset, a silent line or a co-processor that restarts, go on where the
 * flash ends (docs/BOOT.md, R2; docs/EXTENSIONS.md, "otaUpdateResume"), and a bank that holds the whole
 * package already is not erased for it (R10). Nothing of it is linked where it is not named. */
#ifndef TANDEM_RESUME_H
#define TANDEM_RESUME_H

#include "tandem/mcu.h"

/* struct tdm_mcu_config's resume. Takes effect once the same package is offered again. A transfer goes on if
 * the co-processor knows the call; with any other it starts over. */
extern const struct tdm_mcu_resume tdm_mcu_resumes;

#endif
