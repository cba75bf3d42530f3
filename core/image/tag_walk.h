/* The scanner's rules, for those inside this module who need no struct tdm_tag. */
#ifndef TANDEM_IMAGE_TAG_WALK_H
#define TANDEM_IMAGE_TAG_WALK_H

#include <stddef.h>

#include "tandem/tag.h"

/* Length of the tag that starts at data, both closing NULs included; errors as in tdm_tag_parse. Says nothing
 * about its pairs. */
TDM_MUST_USE int tdm__tag_length(const void *data, size_t bytes);

/* tdm_tag_build from four strings; build and library may be "". */
TDM_MUST_USE int tdm__tag_put(const char *version, const char *type, const char *build, const char *library,
                              void *to, size_t capacity);

#endif
