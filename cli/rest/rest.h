/* Requests to tandem-cloud's REST interface (docs/API.md). */
#ifndef CLI_REST_H
#define CLI_REST_H

#include <jansson.h>

#include "cli/base/files.h"
#include "cli/rest/config.h"

/* A server that can't be connected to is given up after 10 s. One that is connected to has 60 s to answer;
 * after 10 of them a line on standard error says that it is waited for. */
struct rest {
    struct config config;
    void *curl;
    bool session;     /* the session's cookie speaks for us, not the token */
    char cookie[160]; /* "name=value", "" before the sign-in */
    bool bars;        /* are drawn on standard error: no other line goes there */
};

/* Finds the server and token of call. CLI_OK, or another code with the reason on standard error. rest_close
 * is safe either way. */
int rest_open(struct rest *rest, const struct invocation *call);
/* The same for a session: signing in is the caller's, with POST /session. */
int rest_open_session(struct rest *rest, const struct invocation *call);
void rest_close(struct rest *rest);

/* A path below /api/v1: prefix, name with what URLs do not take escaped, suffix. From malloc. */
char *rest_path(const struct rest *rest, const char *prefix, const char *name, const char *suffix);

/* One request; body may be NULL. CLI_OK and *answer (the caller's; NULL where there is none), or, with the
 * reason on standard error: CLI_SERVER (not reached, token refused, request refused), CLI_FAILED (no such
 * thing). */
int rest_request(struct rest *rest, const char *method, const char *path, const json_t *body,
                 json_t **answer);

/* A list of all pages: the rows in member of the answer. */
int rest_list(struct rest *rest, const char *path, const char *member, json_t **answer);

/* The same with the reason in why instead of on standard error. */
#define REST_WHY_BYTES 512
int rest_request_quietly(struct rest *rest, const char *method, const char *path, const json_t *body,
                         json_t **answer, char why[REST_WHY_BYTES]);

/* Gets an answer that is not JSON; file is the caller's. */
int rest_download(struct rest *rest, const char *path, struct file_bytes *file);

/* Posts a file as the body, with a progress bar on a terminal; errors speak of it by name. */
int rest_upload(struct rest *rest, const char *path, const char *name, const struct file_bytes *file,
                json_t **answer);

#endif
