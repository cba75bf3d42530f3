/* The last values of a device: datastreams, metadata, properties of widgets. Part of store.h. */
#ifndef TANDEM_CLOUD_STORE_VALUE_H
#define TANDEM_CLOUD_STORE_VALUE_H

#include "cloud/store/store.h"

/* The numbers are stored: append only. */
enum value_kind { VALUE_DATASTREAM, VALUE_METADATA, VALUE_PROPERTY };

#define VALUE_NAME_MAX 258 /* of a property: two names and a slash */
#define VALUE_MAX      1024

struct value {
    enum value_kind kind;
    char name[VALUE_NAME_MAX];
    int64_t time;
    size_t bytes;
    uint8_t data[VALUE_MAX]; /* any bytes */
};

TDM_MUST_USE int store_value_set(struct store *store, int64_t device, const struct value *value);
TDM_MUST_USE int store_value_get(struct store *store, int64_t device, enum value_kind kind, const char *name,
                                 struct value *value);
/* Fine if there is none. */
TDM_MUST_USE int store_value_remove(struct store *store, int64_t device, enum value_kind kind,
                                    const char *name);
/* All of a device, in order of kind and name. */
TDM_MUST_USE int store_values(struct store *store, int64_t device, struct value **values, size_t *count);
TDM_MUST_USE int store_value_count(struct store *store, int64_t device, int64_t *count);

#endif
