/* A new shipment as an operator asks for it: from JSON to shipment.h's order. */
#ifndef TANDEM_CLOUD_ORDER_H
#define TANDEM_CLOUD_ORDER_H

#include "cloud/api/api.h"
#include "cloud/fleet/shipments/shipment.h"

struct order_request {
    struct shipment_order order;
    struct firmware firmware;
    int64_t *devices; /* allocated: order.devices */
};

/* Reads the body. STORE_OK, or anything else with the refusal set. order_clear is safe either way. */
int order_read(struct api_call *call, struct fleet *fleet, struct order_request *request);
void order_clear(struct order_request *request);

/* A filter by its saved name or as an expression; the expression goes to to. */
int order_filter(struct api_call *call, struct fleet *fleet, const char *text, char to[RECORD_FILTER]);

#endif
