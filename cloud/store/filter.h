/* The store: filters over devices that were saved by name. */
#ifndef TANDEM_CLOUD_STORE_FILTER_H
#define TANDEM_CLOUD_STORE_FILTER_H

#include "cloud/store/store.h"

struct saved_filter {
    int64_t id;
    int64_t organization;
    char name[RECORD_NAME];
    char text[RECORD_FILTER];
};

/* STORE_CONFLICT: the name is taken. */
TDM_MUST_USE int store_filter_add(struct store *store, struct saved_filter *filter);
TDM_MUST_USE int store_filter_update(struct store *store, const struct saved_filter *filter);
TDM_MUST_USE int store_filter_delete(struct store *store, int64_t id);
TDM_MUST_USE int store_filter_get(struct store *store, int64_t id, struct saved_filter *filter);
TDM_MUST_USE int store_filter_find(struct store *store, int64_t organization, const char *name,
                                   struct saved_filter *filter);
#define STORE_FILTERS_MAX 1000 /* of an organization, in a list */
/* In order of name. */
TDM_MUST_USE int store_filters(struct store *store, int64_t organization, struct saved_filter **filters,
                               size_t *count);

#endif
