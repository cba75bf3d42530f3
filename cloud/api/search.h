/* A search through an organization's devices: filtered, in an order, from a place on. It looks at some of
 * them in each turn, so that nobody's search keeps devices waiting, and at so many in all: a cursor goes on
 * from where it stopped.
 *
 * No index knows when devices were seen last, since every check-in would write it. In that order the devices
 * that come next are gathered first, by a pass over all (struct recency). */
#ifndef TANDEM_CLOUD_SEARCH_H
#define TANDEM_CLOUD_SEARCH_H

#include <jansson.h>

#include "cloud/fleet/base/fleet.h"
#include "cloud/fleet/rules/filter.h"

#define SEARCH_LOOK_AT 20000 /* devices in a search */

/* Those that come next in order of when they were seen. */
struct recency {
    size_t keep; /* as many are wanted */
    struct device_seen_range range;
    int64_t last; /* id of all devices, 0 before the first turn */
    bool ready;   /* all were looked at: the list is in order */
    struct device_seen *list;
    size_t count;
    size_t next; /* in the list, to look at */
};

struct search {
    /* The question: */
    struct filter filter;
    char template[RECORD_TEXT]; /* "" all */
    struct device_page page;    /* organization, order, descending; search_begin sets the rest */
    bool placed;                /* it begins behind a device: */
    struct device after;        /* this one, of which the order's fields and the id count */
    size_t limit;               /* of those that match */
    bool counts;                /* what is behind the limit is counted, too: it may have to look far */
    json_t *list;               /* gets them; NULL: they are counted alone */
    /* How it stands: */
    char picked[RECORD_NAME];
    struct recency recency;
    size_t looked_at;
    size_t found;
    bool over; /* after is the last device that was looked at; */
    bool end;  /* no other stands behind it */
};

void search_begin(struct search *search);
/* For as long as it is not over. A turn that failed, or whose transaction did, may come again. */
TDM_MUST_USE int search_turn(struct fleet *fleet, struct search *search);
void search_clear(struct search *search);

#endif
