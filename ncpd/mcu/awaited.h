/* Says why an MCU at an open UART is not on line: nothing else would, for without it no connection is made.
 */
#ifndef NCPD_AWAITED_H
#define NCPD_AWAITED_H

#include "ncpd/config/config.h"
#include "tandem/ncp.h"

struct event_base;
struct awaited;

/* mcu and ncp stay the caller's. */
struct awaited *awaited_new(struct event_base *base, const struct mcu_config *mcu, const struct tdm_ncp *ncp);
void awaited_free(struct awaited *awaited);

/* The UART was opened, or the MCU went off line: one warning, if it does not initialize within 10 s. */
void awaited_start(struct awaited *awaited);
/* It initialized. */
void awaited_stop(struct awaited *awaited);

#endif
