/* Images without a package for a bootloader that fetches (docs/PACKAGE.md, "Plain image"; R12), named by the
 * plain of struct tdm_fetch_product. A package is never taken for one. */
#ifndef TANDEM_FETCH_PLAIN_H
#define TANDEM_FETCH_PLAIN_H

#include "tandem/fetch.h"

extern const struct tdm_fetch_plain tdm_fetch_takes_plain;

#endif
