/* Organizations, accounts, sessions and tokens. */
#include "cloud/store/account.h"

#include "cloud/store/database.h"

static void read_number(struct query *query, void *record)
{
    *(int64_t *)record = db__int(query);
}

/* --- Organizations --- */

static void read_organization(struct query *query, void *record)
{
    struct organization *organization = record;
    organization->id = db__int(query);
    db__text(query, organization->name, sizeof organization->name);
    organization->created = db__int(query);
    db__text(query, organization->zone, sizeof organization->zone);
}

int store_organization_add(struct store *store, struct organization *organization)
{
    struct query query = db__query(store, "INSERT INTO organization (name, created, zone) VALUES (?, ?, ?) "
                                          "ON CONFLICT DO NOTHING RETURNING id");
    db__put_text(&query, organization->name);
    db__put_int(&query, organization->created);
    db__put_text(&query, organization->zone);
    return db__run_add(&query, &organization->id);
}

int store_organization_get(struct store *store, int64_t id, struct organization *organization)
{
    struct query query = db__query(store, "SELECT id, name, created, zone FROM organization WHERE id = ?");
    db__put_int(&query, id);
    return db__one(&query, read_organization, organization, sizeof *organization);
}

int store_organization_update(struct store *store, const struct organization *organization)
{
    int64_t other = 0;
    struct query query = db__query(store, "SELECT id FROM organization WHERE name = ? AND id <> ?");
    db__put_text(&query, organization->name);
    db__put_int(&query, organization->id);
    int result = db__one(&query, read_number, &other, sizeof other);
    if (result != STORE_NOT_FOUND)
        return result == STORE_OK ? STORE_CONFLICT : result;
    query = db__query(store, "UPDATE organization SET name = ?, zone = ? WHERE id = ?");
    db__put_text(&query, organization->name);
    db__put_text(&query, organization->zone);
    db__put_int(&query, organization->id);
    return db__run_one(&query);
}

/* How many records of its own an organization still has, people aside. */
static int count_possessions(struct store *store, int64_t id, int64_t *count)
{
    struct query query = db__query(store, "SELECT (SELECT count(*) FROM device WHERE organization = ?1) + "
                                          "(SELECT count(*) FROM firmware WHERE organization = ?1) + "
                                          "(SELECT count(*) FROM shipment WHERE organization = ?1)");
    db__put_int(&query, id);
    return db__one(&query, read_number, count, sizeof *count);
}

int store_organization_delete(struct store *store, int64_t id)
{
    static const char *const statements[] = {
        "DELETE FROM saved_filter WHERE organization = ?",
        "DELETE FROM template_owner WHERE organization = ?",
        "DELETE FROM account WHERE organization = ?",
    };
    int64_t count = 0;
    int result = count_possessions(store, id, &count);
    if (result == STORE_OK && count > 0)
        return STORE_CONFLICT;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0] && result == STORE_OK; i++) {
        struct query query = db__query(store, statements[i]);
        db__put_int(&query, id);
        result = db__run(&query);
    }
    if (result != STORE_OK)
        return result;
    struct query query = db__query(store, "DELETE FROM organization WHERE id = ?");
    db__put_int(&query, id);
    return db__run_one(&query);
}

int store_organizations(struct store *store, struct page page, struct organization **organizations,
                        size_t *count)
{
    struct query query =
        db__query(store, "SELECT id, name, created, zone FROM organization WHERE id > ? ORDER BY id LIMIT ?");
    db__put_int(&query, page.after);
    db__put_int(&query, page.limit);
    return db__list(&query, read_organization, sizeof **organizations, organizations, count);
}

int store_owner(struct store *store, char letter, int64_t id, int64_t *organization)
{
    /* X(letter, SQL) */
#define OWNERS(X)                                                                                            \
    X('d', "SELECT organization FROM device WHERE id = ?")                                                   \
    X('f', "SELECT organization FROM firmware WHERE id = ?")                                                 \
    X('s', "SELECT organization FROM shipment WHERE id = ?")                                                 \
    X('q', "SELECT organization FROM saved_filter WHERE id = ?")                                             \
    X('w', "SELECT organization FROM webhook WHERE id = ?")                                                  \
    X('k', "SELECT organization FROM signing_key WHERE id = ?")                                              \
    X('u', "SELECT organization FROM account WHERE id = ?")                                                  \
    X('t', "SELECT a.organization FROM api_token t JOIN account a ON a.id = t.account WHERE t.id = ?")       \
    X('n', "SELECT a.organization FROM session s JOIN account a ON a.id = s.account WHERE s.id = ?")         \
    X('o', "SELECT id FROM organization WHERE id = ?")
    static const struct {
        char letter;
        const char *sql;
    } owners[] = {
#define OWNER(letter, sql) {letter, sql},
        OWNERS(OWNER)
#undef OWNER
    };
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        if (owners[i].letter == letter) {
            struct query query = db__query(store, owners[i].sql);
            db__put_int(&query, id);
            return db__one(&query, read_number, organization, sizeof *organization);
        }
    }
    return STORE_NOT_FOUND;
}

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
    return db__one(&query, read_number, count, sizeof *count);
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
    return db__one(&query, read_number, account, sizeof *account);
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
