/* What the files of the front share: one visit per request. */
#ifndef TANDEM_CLOUD_VISIT_H
#define TANDEM_CLOUD_VISIT_H

#include "cloud/api/api.h"
#include "cloud/fleet/firmware/intake.h"
#include "cloud/fleet/firmware/ticket.h"
#include "cloud/net/front/front.h"
#include "cloud/net/front/metrics.h"

#define VISIT_JSON    "application/json"
#define VISIT_KNOWN   "tandem_known"
#define VISIT_BUSY_MS 2000 /* after which a client comes back */

struct visit_work {
    struct work work; /* first: the workers hand it back */
    struct visit *visit;
};

struct visit {
    struct desk_job job; /* first: the desk hands it back */
    struct front *front;
    struct http_exchange *exchange;
    const struct route *route;
    struct api_call call;
    struct visit_work work;
    struct metrics_store figures;
    /* A gathered body: */
    char *body;
    size_t body_bytes;
    /* An upload: */
    struct intake intake;
    bool taking;
    int file;
    int64_t upload_left;          /* bytes */
    struct porter_job errand;     /* for an upload, or a download */
    char path[FIRMWARE_PATH_MAX]; /* of the file to send */
    /* A download: */
    struct ticket ticket;
    int64_t shipment; /* the device's, with its rate */
    int64_t bytes_per_second;
    bool counted; /* among the device's */
    bool sending;
    bool to_the_end; /* the answer includes the file's last byte */
    bool form;       /* the server made it: its file is call.firmware's in size and digests */
};

struct visit *visit__new(struct front *front, struct http_exchange *exchange);
void visit__free(struct visit *visit);
/* Hands a job of this visit to the desk. */
void visit__post(struct visit *visit, int (*run)(struct desk_job *, struct fleet *),
                 void (*done)(struct desk_job *, int));
/* Has firmware carried; done gets the errand of this visit (visit__of_errand). */
void visit__send(struct visit *visit, enum porter_task task, const char *path,
                 void (*done)(struct porter_job *, enum files_result));
struct visit *visit__of_errand(struct porter_job *errand);

/* request.c: what a request shows before any of its body is read. */
/* Looks at the headers and the query of a call. One with a body is held until it is admitted: nothing is read
 * from somebody who may not send it. One without is admitted as it is answered. */
void visit__begin_call(struct visit *visit);
/* Asks the desk whether this client may make this call. */
void visit__admit(struct visit *visit, void (*done)(struct desk_job *, int));
/* Whether the browser speaks TLS, with us or with a proxy. */
bool visit__is_secure(const struct front *front, const struct http_exchange *exchange);
/* The name of the session's cookie. */
const char *visit__cookie(const struct visit *visit);
/* Who asks: a proxy of ours says whom it speaks for. */
void visit__client(const struct front *front, const struct http_exchange *exchange, char to[RECORD_ADDRESS]);

/* answer.c: what a call answers. */
/* Asks the API, and answers with what it says. */
void visit__call(struct visit *visit);
/* Answers with what the API has said. */
void visit__answer(struct visit *visit);
/* Answers for a job at the desk that failed: as the API has said, or else as the store did. */
void visit__answer_failure(struct visit *visit, int result);
/* Answers with JSON, which is taken; NULL: nothing. */
void visit__reply(struct http_exchange *exchange, int status, const char *type, json_t *json);
/* Answers with a problem (docs/API.md). */
void visit__refuse(struct http_exchange *exchange, int status, const char *title, const char *detail);
/* Answers 503, and when to come back. */
void visit__postpone(struct http_exchange *exchange, unsigned seconds, const char *detail);

/* upload.c: a firmware file on its way into the data folder. */
/* False: it was refused. */
bool visit__begin_upload(struct visit *visit);
void visit__take_upload(struct visit *visit, const void *data, size_t bytes);
void visit__finish_upload(struct visit *visit);
/* Drops what an upload holds, if there is one. */
void visit__end_upload(struct visit *visit);

/* sign_in.c: a browser on its way to the identity provider, or back. */
void visit__begin_trip(struct visit *visit);
/* Headers of the answer. */
void visit__add_trip(struct visit *visit);
/* Answers with a page, if that is what the client reads. */
bool visit__show_page(struct visit *visit, const json_t *problem);

/* download.c: a firmware file on its way to a device. */
void visit__begin_download(struct visit *visit);
void visit__finish_download(struct visit *visit);
/* The answer is over; sent: to its last byte. */
void visit__end_download(struct visit *visit, bool sent);

#endif
