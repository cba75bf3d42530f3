/* The manifest's fields, inside a signed head (docs/PACKAGE.md, section "Manifest"). */
#ifndef TANDEM_IMAGE_MANIFEST_H
#define TANDEM_IMAGE_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "tandem/package.h"

/* TDM_OK or TDM_E_MANIFEST. */
TDM_MUST_USE int tdm__manifest_parse(struct tdm_manifest *manifest, const uint8_t *data, size_t bytes);

/* Returns the length, TDM_E_ARGUMENT (parse would refuse it) or TDM_E_ROOM. */
TDM_MUST_USE int tdm__manifest_build(const struct tdm_manifest *manifest, uint8_t *to, size_t capacity);

#endif
