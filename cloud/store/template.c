#include "cloud/store/template.h"

#include "cloud/store/database.h"

int store_template_add(struct store *store, int64_t organization, const char *template)
{
    struct query query = db__query(store, "INSERT INTO template (name) VALUES (?) ON CONFLICT DO NOTHING");
    db__put_text(&query, template);
    int result = db__run(&query);
    if (result != STORE_OK)
        return result;
    query = db__query(
        store, "INSERT INTO template_owner (organization, template) VALUES (?, ?) ON CONFLICT DO NOTHING");
    db__put_int(&query, organization);
    db__put_text(&query, template);
    return db__run(&query);
}

int store_template_exists(struct store *store, int64_t organization, const char *template)
{
    struct query query =
        db__query(store, "SELECT 1 FROM template_owner WHERE organization = ? AND template = ?");
    db__put_int(&query, organization);
    db__put_text(&query, template);
    bool found = db__row(&query);
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}

static void read_template(struct query *query, void *record)
{
    struct template_size *size = record;
    db__text(query, size->template, sizeof size->template);
    size->devices = db__int(query);
}

int store_templates(struct store *store, int64_t organization, struct template_size **templates,
                    size_t *count)
{
    struct query query = db__query(
        store,
        "SELECT template, devices FROM template_owner WHERE organization = ? ORDER BY template LIMIT 1000");
    db__put_int(&query, organization);
    return db__list(&query, read_template, sizeof **templates, templates, count);
}
