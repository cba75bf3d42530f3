#include "cloud/net/front/visit.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "cloud/text.h"

struct visit *visit__new(struct front *front, struct http_exchange *exchange)
{
    struct visit *visit = calloc(1, sizeof *visit);
    if (visit == NULL)
        abort();
    visit->front = front;
    visit->exchange = exchange;
    visit->file = -1;
    exchange->user = visit;
    return visit;
}

void visit__free(struct visit *visit)
{
    api_clear(&visit->call);
    OPENSSL_cleanse(visit->call.work.password, sizeof visit->call.work.password);
    if (visit->body != NULL)
        OPENSSL_cleanse(visit->body, visit->body_bytes); /* it may hold a password */
    free(visit->body);
    free(visit);
}

void visit__post(struct visit *visit, int (*run)(struct desk_job *, struct fleet *),
                 void (*done)(struct desk_job *, int))
{
    visit->job.run = run;
    visit->job.done = done;
    visit->job.yields = visit->route->kind != ROUTE_DOWNLOAD;
    desk_post(visit->front->desk, &visit->job);
}

void visit__send(struct visit *visit, enum porter_task task, const char *path,
                 void (*done)(struct porter_job *, enum files_result))
{
    visit->errand = (struct porter_job){.task = task, .path = path, .done = done};
    text_hex(visit->call.firmware.sha256, RECORD_DIGEST_BYTES, visit->errand.name);
    porter_post(visit->front->porter, &visit->errand);
}

struct visit *visit__of_errand(struct porter_job *errand)
{
    return (struct visit *)((char *)errand - offsetof(struct visit, errand));
}
