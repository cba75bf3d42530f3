/* The store: the people and programs of organizations. */
#ifndef TANDEM_CLOUD_STORE_ACCOUNT_H
#define TANDEM_CLOUD_STORE_ACCOUNT_H

#include "cloud/store/store.h"

/* Accounts. add sets id; a login or subject that is taken is STORE_CONFLICT. update writes everything but id,
 * organization and creation. In order of id. */
TDM_MUST_USE int store_account_add(struct store *store, struct account *account);
TDM_MUST_USE int store_account_get(struct store *store, int64_t id, struct account *account);
TDM_MUST_USE int store_account_find(struct store *store, const char *login, struct account *account);
TDM_MUST_USE int store_account_find_subject(struct store *store, const char *subject,
                                            struct account *account);
TDM_MUST_USE int store_account_update(struct store *store, const struct account *account);
TDM_MUST_USE int store_account_delete(struct store *store, int64_t id);
/* organization 0: of all. */
TDM_MUST_USE int store_accounts(struct store *store, int64_t organization, struct page page,
                                struct account **accounts, size_t *count);
/* Admins of the organization who are not disabled. */
TDM_MUST_USE int store_account_admins(struct store *store, int64_t organization, int64_t admin_role,
                                      int64_t *count);

/* Sessions. add sets id. used notes when; trust, that the one-time password was changed. */
TDM_MUST_USE int store_session_add(struct store *store, struct session *session);
TDM_MUST_USE int store_session_find(struct store *store, const uint8_t hash[RECORD_DIGEST_BYTES],
                                    struct session *session);
TDM_MUST_USE int store_session_used(struct store *store, int64_t id, int64_t now);
TDM_MUST_USE int store_session_trust(struct store *store, int64_t id);
TDM_MUST_USE int store_session_account(struct store *store, int64_t id, int64_t *account);
TDM_MUST_USE int store_session_delete(struct store *store, int64_t id);
/* All of an account but the one kept (0: all). */
TDM_MUST_USE int store_sessions_end(struct store *store, int64_t account, int64_t kept);
/* Those not used since, or begun before. */
TDM_MUST_USE int store_sessions_expire(struct store *store, int64_t used, int64_t created);
TDM_MUST_USE int store_sessions(struct store *store, int64_t account, struct page page,
                                struct session **sessions, size_t *count);

/* API tokens. add sets id. */
TDM_MUST_USE int store_token_add(struct store *store, struct api_token *token);
TDM_MUST_USE int store_token_get(struct store *store, int64_t id, struct api_token *token);
TDM_MUST_USE int store_token_find(struct store *store, const uint8_t hash[RECORD_DIGEST_BYTES],
                                  struct api_token *token);
TDM_MUST_USE int store_token_used(struct store *store, int64_t id, int64_t now);
TDM_MUST_USE int store_token_delete(struct store *store, int64_t id);
/* Of an organization, or with account not 0 of that account alone. In order of id. */
TDM_MUST_USE int store_tokens(struct store *store, int64_t organization, int64_t account, struct page page,
                              struct api_token **tokens, size_t *count);

#endif
