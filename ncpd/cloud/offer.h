/* downlink/ota/json: a firmware that the cloud offers. */
#ifndef NCPD_OFFER_H
#define NCPD_OFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tandem/tag.h"

struct offer {
    char url[1024];
    uint32_t size;                    /* 0 if the cloud did not say */
    char type[TDM_TAG_VALUE_MAX + 1]; /* "" if unknown, cut if longer */
    char version[TDM_TAG_VALUE_MAX + 1];
    char build[TDM_TAG_VALUE_MAX + 1];
};

/* False if json holds no offer: no http(s) URL, or a size that no file has. Missing texts are "". */
bool offer_parse(struct offer *offer, const void *json, size_t bytes);

/* The URL without its query, for the log: the query holds a token. Static storage. */
const char *offer_url_shown(const struct offer *offer);

/* The file's name out of the URL, "firmware.bin" if there is none; to takes room bytes. */
void offer_file_name(const struct offer *offer, char *to, size_t room);

#endif
