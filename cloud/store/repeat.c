#include "cloud/store/repeat.h"

#include <stdlib.h>

#include "cloud/store/database.h"

#define ANSWER_MAX ((size_t)4 * 1024 * 1024)

int store_repeat_add(struct store *store, const struct repeat *repeat, int64_t before)
{
    struct query query = db__query(store, "DELETE FROM repeat WHERE created < ?");
    db__put_int(&query, before);
    int result = db__run(&query);
    if (result != STORE_OK || repeat->bytes > ANSWER_MAX)
        return result;
    query = db__query(store, "INSERT INTO repeat (account, key, request, status, created, answer) VALUES "
                             "(?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
    db__put_int(&query, repeat->account);
    db__put_bytes(&query, repeat->key, sizeof repeat->key);
    db__put_bytes(&query, repeat->request, sizeof repeat->request);
    db__put_int(&query, repeat->status);
    db__put_int(&query, repeat->created);
    db__put_bytes(&query, repeat->answer, repeat->bytes);
    return db__run(&query);
}

int store_repeat_get(struct store *store, int64_t account, const uint8_t key[RECORD_DIGEST_BYTES],
                     int64_t since, struct repeat *repeat)
{
    struct query query = db__query(store, "SELECT request, status, answer FROM repeat WHERE account = ? AND "
                                          "key = ? AND created >= ?");
    db__put_int(&query, account);
    db__put_bytes(&query, key, RECORD_DIGEST_BYTES);
    db__put_int(&query, since);
    *repeat = (struct repeat){.account = account};
    bool found = db__row(&query) && db__bytes(&query, repeat->request, sizeof repeat->request);
    if (found) {
        repeat->status = db__int(&query);
        repeat->answer = malloc(ANSWER_MAX);
        if (repeat->answer == NULL)
            abort();
        repeat->bytes = db__blob(&query, repeat->answer, ANSWER_MAX);
    }
    int result = db__end(&query);
    return result == STORE_OK && !found ? STORE_NOT_FOUND : result;
}
