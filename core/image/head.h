/* What front and bank share about signed heads. */
#ifndef TANDEM_IMAGE_HEAD_H
#define TANDEM_IMAGE_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "tandem/package.h"

#define TDM__HEAD_MAX (TDM_PACKAGE_FRONT_MAX - TDM_ENVELOPE_BYTES - TDM_SIGNATURE_BYTES)

/* Does the tag of a head that was accepted say the same as its manifest? TDM_E_TAG. */
TDM_MUST_USE int tdm__head_tag_agrees(const struct tdm_manifest *manifest, const uint8_t *head);

/* The manifest of a head whose signature nobody looks at. The errors of tdm_head_parse but TDM_E_TAG. */
TDM_MUST_USE int tdm__head_peek(struct tdm_manifest *manifest, const uint8_t *head, size_t head_bytes);

#endif
