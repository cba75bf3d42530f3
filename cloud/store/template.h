/* The store: templates of devices. */
#ifndef TANDEM_CLOUD_STORE_TEMPLATE_H
#define TANDEM_CLOUD_STORE_TEMPLATE_H

#include "cloud/store/store.h"

/* Templates: an organization has one once a device was added with it. */
TDM_MUST_USE int store_template_add(struct store *store, int64_t organization, const char *template);
TDM_MUST_USE int store_template_exists(struct store *store, int64_t organization, const char *template);
/* A template, and how many devices it has. */
struct template_size {
    char template[RECORD_TEXT];
    int64_t devices;
};
/* Those of an organization, in order of name, 1000 at most. */
TDM_MUST_USE int store_templates(struct store *store, int64_t organization, struct template_size **templates,
                                 size_t *count);

#endif
