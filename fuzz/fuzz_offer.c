/* What the cloud may send as an offer. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz/fuzz.h"
#include "ncpd/cloud/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct offer offer;
    char name[TDM_TAG_VALUE_MAX + 1];

    if (!offer_parse(&offer, data, bytes))
        return 0;
    offer_file_name(&offer, name, sizeof name);
    if (strncasecmp(offer.url, "http", 4) != 0 || strchr(offer_url_shown(&offer), '?') != NULL ||
        name[0] == '\0')
        abort();
    return 0;
}
