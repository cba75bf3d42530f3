/* Figures for Prometheus, in its text format (version 0.0.4). Requests are counted on the loop; what is in
 * the store is counted when somebody asks. */
#ifndef TANDEM_CLOUD_METRICS_H
#define TANDEM_CLOUD_METRICS_H

#include "cloud/api/api.h"
#include "cloud/deltas/maker.h"
#include "cloud/net/front/offers.h"

#define METRICS_ROUTES_MAX 160

/* All zero at the start. */
struct metrics {
    uint64_t requests[METRICS_ROUTES_MAX][5]; /* by route and hundreds of the status, from 1xx on */
};

/* What is asked of the store. */
struct metrics_store {
    struct store_counts counts;
    int64_t waiting;                   /* jobs at the desk */
    size_t streams;                    /* of events */
    const struct maker_figures *maker; /* NULL: it makes none */
    const struct offer_figures *offers;
    int64_t certificate_ends; /* in seconds since 1970, 0: there is none */
};

void metrics_request(struct metrics *metrics, const struct route *route, int status);
/* The page; the caller frees it. */
char *metrics_write(const struct metrics *metrics, const struct metrics_store *store, size_t *bytes);

#endif
