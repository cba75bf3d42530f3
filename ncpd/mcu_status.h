/* How one MCU stands, as JSON: a row of docs/NCP.md, "Status". */
#ifndef NCPD_MCU_STATUS_H
#define NCPD_MCU_STATUS_H

#include <jansson.h>

#include "ncpd/cloud/cloud_link.h"
#include "ncpd/config/config.h"
#include "ncpd/firmware/update.h"
#include "ncpd/mcu/serial.h"
#include "tandem/ncp.h"

/* The caller's to free; NULL out of memory. */
json_t *mcu_status(const struct mcu_config *mcu, const struct tdm_ncp *ncp, const struct serial *serial,
                   const struct cloud_link *cloud, const struct update *update);

#endif
