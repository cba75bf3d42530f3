#include "cloud/store/audit.h"

#include "cloud/store/database.h"

#define FIELDS "organization, time, account, token, login, address, action, subject, detail, done"

static void read_audit(struct query *query, void *record)
{
    struct audit *audit = record;
    audit->id = db__int(query);
    audit->organization = db__int(query);
    audit->time = db__int(query);
    audit->account = db__int(query);
    audit->token = db__int(query);
    db__text(query, audit->login, sizeof audit->login);
    db__text(query, audit->address, sizeof audit->address);
    db__text(query, audit->action, sizeof audit->action);
    db__text(query, audit->subject, sizeof audit->subject);
    db__text(query, audit->detail, sizeof audit->detail);
    audit->done = db__int(query) != 0;
}

int store_audit_add(struct store *store, struct audit *audit)
{
    struct query query =
        db__query(store, "INSERT INTO audit (" FIELDS ") VALUES "
                         "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id");
    db__put_int(&query, audit->organization);
    db__put_int(&query, audit->time);
    db__put_int(&query, audit->account);
    db__put_int(&query, audit->token);
    db__put_text(&query, audit->login);
    db__put_text(&query, audit->address);
    db__put_text(&query, audit->action);
    db__put_text(&query, audit->subject);
    db__put_text(&query, audit->detail);
    db__put_int(&query, audit->done);
    return db__run_add(&query, &audit->id);
}

int store_audits(struct store *store, int64_t organization, int64_t account, struct page page,
                 struct audit **audits, size_t *count)
{
    struct query query =
        account == 0
            ? db__query(store, "SELECT id, " FIELDS " FROM audit WHERE organization = ? AND id < ? "
                               "ORDER BY id DESC LIMIT ?")
            : db__query(store, "SELECT id, " FIELDS " FROM audit WHERE organization = ? AND account = ? "
                               "AND id < ? ORDER BY id DESC LIMIT ?");
    db__put_int(&query, organization);
    if (account != 0)
        db__put_int(&query, account);
    db__put_int(&query, page.after == 0 ? INT64_MAX : page.after);
    db__put_int(&query, page.limit);
    return db__list(&query, read_audit, sizeof **audits, audits, count);
}
