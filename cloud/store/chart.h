/* The store: what charts are drawn from, kept once an hour. Part of store.h. */
#ifndef TANDEM_CLOUD_STORE_CHART_H
#define TANDEM_CLOUD_STORE_CHART_H

#include "cloud/store/store.h"

/* How many devices of a template run what. */
struct version_point {
    int64_t time;
    char template[RECORD_TEXT];
    char type[RECORD_TEXT];
    char version[RECORD_TEXT];
    int64_t devices;
};

struct progress_point {
    int64_t time;
    struct progress progress;
};

/* by devices more (or fewer) run what this one does. */
TDM_MUST_USE int store_field_count(struct store *store, const struct device *device, int64_t by);
/* What runs now. template "": of all. */
TDM_MUST_USE int store_field(struct store *store, int64_t organization, const char *template, int64_t now,
                             struct version_point **points, size_t *count);
/* Keeps what runs now, and how every live shipment stands, as of time; drops what is older than oldest. */
TDM_MUST_USE int store_chart_keep(struct store *store, int64_t time, int64_t oldest);
/* Keeps how every live shipment stands that was created at since or later. */
TDM_MUST_USE int store_chart_keep_live(struct store *store, int64_t time, int64_t since);
/* Keeps how one shipment stands. */
TDM_MUST_USE int store_chart_keep_shipment(struct store *store, int64_t shipment, int64_t time);
/* From since on, in order of time. */
TDM_MUST_USE int store_chart_versions(struct store *store, int64_t organization, const char *template,
                                      int64_t since, struct version_point **points, size_t *count);
TDM_MUST_USE int store_chart_shipment(struct store *store, int64_t shipment, struct progress_point **points,
                                      size_t *count);

#endif
