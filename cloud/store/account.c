/* Accounts, sessions and tokens. */
#include "cloud/store/account.h"

#include "cloud/store/database.h"

/* --- Accounts --- */

#define ACCOUNT_FIELDS "login, name, role, password, once, disabled, subject, last_login"
#define ACCOUNT        "id, organization, created, " ACCOUNT_FIELDS

static void read_account(struct query *query, void *record)
{
    struct account *account = record;
    account->id = db__int(query);
    account->organization = db__int(query);
    account->created = db__int(query);
    db__text(query, account->login, sizeof account->login);
    db__text(query, account->name, sizeof account->name);
    account->role = db__int(query);
    db__text(query, account->password, sizeof account->password);
    account->once = db__int(query) != 0;
    account->disabled = db__int(query) != 0;
    db__text(query, account->subject, sizeof account->subject);
    account->last_login = db__int(query);
}

/* In the order of ACCOUNT_FIELDS. */
static void put_account(struct query *query, const struct account *account)
{
    db__put_text(query, account->login);
    db__put_text(query, account->name);
    db__put_int(query, account->role);
    db__put_text(query, account->password);
    db__put_int(query, account->once);
    db__put_int(query, account->disabled);
    db__put_text(query, account->subject[0] != '\0' ? account->subject : NULL);
    db__put_int(query, account->last_login);
}

int store_account_add(struct store *store, struct account *account)
{
    struct query query =
        db__query(store, "INSERT INTO account (organization, created, " ACCOUNT_FIELDS ") VALUES "
                         "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_int(&query, account->organization);
    db__put_int(&query, account->created);
    put_account(&query, account);
    return db__run_add(&query, &account->id);
}

int store_account_get(struct store *store, int64_t id, struct account *account)
{
    struct query query = db__query(store, "SELECT " ACCOUNT " FROM account WHERE id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_account, account, sizeof *account);
}

int store_account_find(struct store *store, const char *login, struct account *account)
{
    struct query query = db__query(store, "SELECT " ACCOUNT " FROM account WHERE login = ?");
    db__put_text(&query, login);
    return db__one(&query, read_account, account, sizeof *account);
}

int store_account_find_subject(struct store *store, const char *subject, struct account *account)
{
    struct query query = db__query(store, "SELECT " ACCOUNT " FROM account WHERE subject = ?");
    db__put_text(&query, subject);
    return db__one(&query, read_account, account, sizeof *account);
}

int store_account_update(struct store *store, const struct account *account)
{
    struct query query =
        db__query(store, "UPDATE account SET (" ACCOUNT_FIELDS ") = (?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?");
    put_account(&query, account);
    db__put_int(&query, account->id);
    return db__run_one(&query);
}

int store_account_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, "DELETE FROM account WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_accounts(struct store *store, int64_t organization, struct page page, struct account **accounts,
                   size_t *count)
{
    struct query query =
        organization == 0
            ? db__query(store, "SELECT " ACCOUNT " FROM account WHERE id > ? ORDER BY id LIMIT ?")
            : db__query(store, "SELECT " ACCOUNT " FROM account WHERE organization = ? AND id > ? "
                               "ORDER BY id LIMIT ?");
    if (organization != 0)
        db__put_int(&query, organization);
    db__put_int(&query, page.after);
    db__put_int(&query, page.limit);
    return db__list(&query, read_account, sizeof **accounts, accounts, count);
}

int store_account_admins(struct store *store, int64_t organization, int64_t admin_role, int64_t *count)
{
    struct query query =
        db__query(store, "SELECT count(*) FROM account WHERE organization = ? AND role = ? AND disabled = 0");
    db__put_int(&query, organization);
    db__put_int(&query, admin_role);
    return db__one_int(&query, count);
}

/* --- Sessions --- */

#define SESSION "id, hash, account, created, used, once, address, agent"

static void read_session(struct query *query, void *record)
{
    struct session *session = record;
    session->id = db__int(query);
    (void)db__bytes(query, session->hash, sizeof session->hash);
    session->account = db__int(query);
    session->created = db__int(query);
    session->used = db__int(query);
    session->once = db__int(query) != 0;
    db__text(query, session->address, sizeof session->address);
    db__text(query, session->agent, sizeof session->agent);
}

int store_session_add(struct store *store, struct session *session)
{
    struct query query =
        db__query(store, "INSERT INTO session (hash, account, created, used, once, address, agent) VALUES "
                         "(?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_bytes(&query, session->hash, sizeof session->hash);
    db__put_int(&query, session->account);
    db__put_int(&query, session->created);
    db__put_int(&query, session->used);
    db__put_int(&query, session->once);
    db__put_text(&query, session->address);
    db__put_text(&query, session->agent);
    return db__run_add(&query, &session->id);
}

int store_session_find(struct store *store, const uint8_t hash[RECORD_DIGEST_BYTES], struct session *session)
{
    struct query query = db__query(store, "SELECT " SESSION " FROM session WHERE hash = ?");
    db__put_bytes(&query, hash, RECORD_DIGEST_BYTES);
    return db__one(&query, read_session, session, sizeof *session);
}

int store_session_used(struct store *store, int64_t id, int64_t now)
{
    struct query query = db__query(store, "UPDATE session SET used = ? WHERE id = ?");
    db__put_int(&query, now);
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_session_trust(struct store *store, int64_t id)
{
    struct query query = db__query(store, "UPDATE session SET once = 0 WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_session_account(struct store *store, int64_t id, int64_t *account)
{
    struct query query = db__query(store, "SELECT account FROM session WHERE id = ?");
    db__put_int(&query, id);
    return db__one_int(&query, account);
}

int store_session_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, "DELETE FROM session WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_sessions_end(struct store *store, int64_t account, int64_t kept)
{
    struct query query = db__query(store, "DELETE FROM session WHERE account = ? AND id <> ?");
    db__put_int(&query, account);
    db__put_int(&query, kept);
    return db__run(&query);
}

int store_sessions_expire(struct store *store, int64_t used, int64_t created)
{
    struct query query = db__query(store, "DELETE FROM session WHERE used < ? OR created < ?");
    db__put_int(&query, used);
    db__put_int(&query, created);
    return db__run(&query);
}

int store_sessions(struct store *store, int64_t account, struct page page, struct session **sessions,
                   size_t *count)
{
    struct query query =
        db__query(store, "SELECT " SESSION " FROM session WHERE account = ? AND id > ? ORDER BY id LIMIT ?");
    db__put_int(&query, account);
    db__put_int(&query, page.after);
    db__put_int(&query, page.limit);
    return db__list(&query, read_session, sizeof **sessions, sessions, count);
}

/* --- Tokens --- */

#define TOKEN "t.id, t.hash, t.account, t.name, t.role, t.areas, t.created, t.expires, t.used"

static void read_token(struct query *query, void *record)
{
    struct api_token *token = record;
    token->id = db__int(query);
    (void)db__bytes(query, token->hash, sizeof token->hash);
    token->account = db__int(query);
    db__text(query, token->name, sizeof token->name);
    token->role = db__int(query);
    token->areas = db__int(query);
    token->created = db__int(query);
    token->expires = db__int(query);
    token->used = db__int(query);
}

int store_token_add(struct store *store, struct api_token *token)
{
    struct query query =
        db__query(store, "INSERT INTO api_token (hash, account, name, role, areas, created, expires, used) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_bytes(&query, token->hash, sizeof token->hash);
    db__put_int(&query, token->account);
    db__put_text(&query, token->name);
    db__put_int(&query, token->role);
    db__put_int(&query, token->areas);
    db__put_int(&query, token->created);
    db__put_int(&query, token->expires);
    db__put_int(&query, token->used);
    return db__run_add(&query, &token->id);
}

int store_token_get(struct store *store, int64_t id, struct api_token *token)
{
    struct query query = db__query(store, "SELECT " TOKEN " FROM api_token t WHERE t.id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_token, token, sizeof *token);
}

int store_token_find(struct store *store, const uint8_t hash[RECORD_DIGEST_BYTES], struct api_token *token)
{
    struct query query = db__query(store, "SELECT " TOKEN " FROM api_token t WHERE t.hash = ?");
    db__put_bytes(&query, hash, RECORD_DIGEST_BYTES);
    return db__one(&query, read_token, token, sizeof *token);
}

int store_token_used(struct store *store, int64_t id, int64_t now)
{
    struct query query = db__query(store, "UPDATE api_token SET used = ? WHERE id = ?");
    db__put_int(&query, now);
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_token_delete(struct store *store, int64_t id)
{
    struct query query = db__query(store, "DELETE FROM api_token WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_tokens(struct store *store, int64_t organization, int64_t account, struct page page,
                 struct api_token **tokens, size_t *count)
{
    struct query query =
        account == 0
            ? db__query(store, "SELECT " TOKEN " FROM api_token t JOIN account a ON a.id = t.account "
                               "WHERE a.organization = ? AND t.id > ? ORDER BY t.id LIMIT ?")
            : db__query(store, "SELECT " TOKEN " FROM api_token t JOIN account a ON a.id = t.account "
                               "WHERE a.organization = ? AND a.id = ? AND t.id > ? ORDER BY t.id LIMIT ?");
    db__put_int(&query, organization);
    if (account != 0)
        db__put_int(&query, account);
    db__put_int(&query, page.after);
    db__put_int(&query, page.limit);
    return db__list(&query, read_token, sizeof **tokens, tokens, count);
}
