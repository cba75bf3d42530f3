#include "cloud/store/organization.h"

#include "cloud/store/database.h"

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
    int result = db__one_int(&query, &other);
    if (result != STORE_NOT_FOUND)
        return result == STORE_OK ? STORE_CONFLICT : result;
    query = db__query(store, "UPDATE organization SET name = ?, zone = ? WHERE id = ?");
    db__put_text(&query, organization->name);
    db__put_text(&query, organization->zone);
    db__put_int(&query, organization->id);
    return db__run_one(&query);
}

/* Whether an organization still has records of its own, people aside. */
static int has_possessions(struct store *store, int64_t id, bool *has)
{
    struct query query =
        db__query(store, "SELECT 1 WHERE EXISTS (SELECT 1 FROM device WHERE organization = ?1) "
                         "OR EXISTS (SELECT 1 FROM firmware WHERE organization = ?1) "
                         "OR EXISTS (SELECT 1 FROM shipment WHERE organization = ?1)");
    db__put_int(&query, id);
    *has = db__row(&query);
    return db__end(&query);
}

int store_organization_delete(struct store *store, int64_t id)
{
    static const char *const statements[] = {
        "DELETE FROM saved_filter WHERE organization = ?",
        "DELETE FROM template_owner WHERE organization = ?",
        "DELETE FROM account WHERE organization = ?",
    };
    bool has = false;
    int result = has_possessions(store, id, &has);
    if (result == STORE_OK && has)
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
            return db__one_int(&query, organization);
        }
    }
    return STORE_NOT_FOUND;
}
