/* The store: organizations, and what belongs to which. */
#ifndef TANDEM_CLOUD_STORE_ORGANIZATION_H
#define TANDEM_CLOUD_STORE_ORGANIZATION_H

#include "cloud/store/store.h"

/* Organizations. add sets id; a name that is taken is STORE_CONFLICT. delete: STORE_CONFLICT while anything
 * but accounts belongs to it. In order of id. */
TDM_MUST_USE int store_organization_add(struct store *store, struct organization *organization);
TDM_MUST_USE int store_organization_get(struct store *store, int64_t id, struct organization *organization);
/* Writes name and zone; STORE_CONFLICT: another one has this name. */
TDM_MUST_USE int store_organization_update(struct store *store, const struct organization *organization);
TDM_MUST_USE int store_organization_delete(struct store *store, int64_t id);
TDM_MUST_USE int store_organizations(struct store *store, struct page page,
                                     struct organization **organizations, size_t *count);

/* Whose the record with this id is. letter is that of ids as the outside sees them (text_id). */
TDM_MUST_USE int store_owner(struct store *store, char letter, int64_t id, int64_t *organization);

#endif
