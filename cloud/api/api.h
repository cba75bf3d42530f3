/* REST under /api/v1 (docs/API.md): a call is answered on the desk's thread, from plain values to JSON.
 * Nothing here knows sockets. */
#ifndef TANDEM_CLOUD_API_H
#define TANDEM_CLOUD_API_H

#include <jansson.h>

#include "cloud/fleet/base/fleet.h"
#include "cloud/fleet/desk.h"
#include "cloud/fleet/firmware/firmware.h"
#include "cloud/oidc/provider.h"
#include "cloud/people/password.h"
#include "cloud/people/people.h"

#define API_BODY_MAX          ((int64_t)1024 * 1024) /* of a JSON body, */
#define API_STRANGER_BODY_MAX 8192 /* and of one that is read before anybody knows who sends it */
#define API_UPLOAD_MAX        ((int64_t)64 * 1024 * 1024) /* of a firmware file */

#define API_PARAMETERS_MAX 12
#define API_ETAG_MAX       32
#define API_REPEAT_MAX     129

/* Of the query; only those that the route takes get here. */
struct api_parameter {
    char name[24];
    char value[RECORD_FILE_NAME];
};

/* What a handler keeps between its turns when it answers DESK_MORE (fleet/desk.h). */
struct api_steps {
    void (*free)(struct api_steps *steps);
};

struct api_call;
/* Answers a call: sets status and answer. Anything but STORE_OK takes back what it wrote. DESK_MORE:
 * it is called again, and goes on with call->steps. */
typedef int api_fn(struct api_call *call, struct fleet *fleet);

/* What is too slow for the desk, asked for by a handler: afterwards `then` goes on with the call. */
struct api_work {
    void (*run)(struct api_call *call); /* on a worker; NULL: none is asked for */
    api_fn *then;
    char password[PASSWORD_MAX];
    char hash[PASSWORD_HASH_MAX];
    bool good;
    bool outside; /* it asks another server, and so may take seconds */
    bool known;   /* it is for somebody who has signed in before */
};

/* What the caller shows. */
struct api_credential {
    char secret[SECRET_TOKEN_ANY_MAX]; /* "" nothing */
    bool session;                      /* a session's, by cookie; else a token */
};

struct api_call {
    struct api_steps *steps;
    /* The question: */
    const struct route *route;
    struct people *people;
    struct api_credential credential;
    struct caller caller; /* who that is, once admitted */
    char address[RECORD_ADDRESS];
    char agent[RECORD_AGENT];
    int64_t id;                      /* from the path, 0 if it is none */
    char if_match[API_ETAG_MAX];     /* "" without */
    char repeat_key[API_REPEAT_MAX]; /* the Idempotency-Key, "" without */
    struct api_parameter parameters[API_PARAMETERS_MAX];
    size_t parameter_count;
    const char *body; /* JSON, not terminated */
    size_t body_bytes;
    struct firmware firmware;          /* an upload's, judged */
    char temporary[FIRMWARE_PATH_MAX]; /* and its file; "" once it is taken over */
    struct api_work work;
    int64_t account;           /* of a sign-in that is being checked */
    struct provider *provider; /* of sign-ins, NULL: none */
    struct trip *trip;         /* of ROUTE_OIDC */
    /* The answer: */
    int status;
    json_t *answer;          /* NULL: no body, or */
    int file;                /* an open file as the body instead; 0: none */
    int64_t file_bytes;      /* of that size */
    const char *file_type;   /* and type */
    int64_t retry_after_ms;  /* 0: none is said */
    char etag[API_ETAG_MAX]; /* "" without */
    bool repeated;           /* this is the answer of the first time */
    bool cookie;             /* the session's cookie is set to secret, or cleared where that is "" */
    char secret[SECRET_TOKEN_MAX];
    char known[KNOWN_MAX]; /* the browser's cookie of earlier sign-ins, "" none; set with the session's */
};

enum route_kind {
    ROUTE_JSON,     /* a JSON body or none */
    ROUTE_OIDC,     /* a browser on its way to the identity provider, or back */
    ROUTE_UPLOAD,   /* a file as the body */
    ROUTE_DOWNLOAD, /* for devices: the link's own token, answered by the front */
    ROUTE_HEALTH,   /* no token, answered by the front */
    ROUTE_OPENAPI,  /* no token: docs/openapi.json */
    ROUTE_METRICS,  /* counted on the desk, written by the front */
    ROUTE_EVENTS,   /* a stream of events, once admitted */
};

struct route {
    const char *method;    /* of HTTP */
    const char *pattern;   /* ":d" stands for an id with the letter d */
    const char *operation; /* its name, for the audit log, metrics and docs/openapi.json */
    enum route_kind kind;
    int success;            /* the status of an answer that sets none */
    enum role least;        /* who may */
    enum area area;         /* what a token must hold */
    const char *parameters; /* of the query, with spaces between; "*": any, which somebody else reads */
    api_fn *answer;
};

/* The route for a request, or NULL. *id gets the path's id. */
const struct route *route_find(const char *method, const char *path, int64_t *id);
#define ROUTE_METHODS_MAX 32
/* The routes in order, NULL behind the last. */
const struct route *route_at(size_t index);
/* Whether it takes this parameter in the query. */
bool route_takes(const struct route *route, const char *parameter);
/* The methods that a path has, as the header Allow lists them; "" if there is no such path. Returns to. */
const char *route_methods(const char *path, char to[ROUTE_METHODS_MAX]);

/* Whether the caller may: fills call->caller. Anything but STORE_OK comes with its refusal. Writes when the
 * session or token was used. */
int api_admit(struct api_call *call, struct fleet *fleet);
/* Answers the call (or asks for work, call->work); the result and the answer are always there afterwards. */
int api_answer(struct api_call *call, struct fleet *fleet);

/* Frees what a call holds. */
void api_clear(struct api_call *call);

/* A problem (docs/API.md) as the answer. Returns STORE_CONFLICT, so that what the call wrote is taken back.
 */
int api_refuse(struct api_call *call, int status, const char *title, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same for a store's result. */
void api_refuse_result(struct api_call *call, int result);
/* The JSON of a problem. */
json_t *api_problem(int status, const char *title, const char *detail);

/* The body as a JSON object that has no members but these (up to a NULL), or NULL with the refusal set. A
 * member that is misspelled would otherwise do the opposite of what was meant. */
json_t *api_body(struct api_call *call, const char *const *members);
/* A text member of at most letters characters; absent is "". False with the refusal set. */
bool api_text(struct api_call *call, const json_t *object, const char *key, char *to, size_t capacity,
              size_t letters);

/* Members of other kinds; an absent one leaves the value as it is. False with the refusal set. */
bool api_integer(struct api_call *call, const json_t *object, const char *key, int64_t least, int64_t most,
                 int64_t *value);
bool api_flag(struct api_call *call, const json_t *object, const char *key, bool *value);
bool api_choice(struct api_call *call, const json_t *object, const char *key, const char *const *slugs,
                size_t count, int *value);
bool api_time(struct api_call *call, const json_t *object, const char *key, int64_t *value);
/* A time zone that this machine knows; empty or null is none. */
bool api_zone(struct api_call *call, struct fleet *fleet, const json_t *object, const char *key,
              char to[RECORD_TEXT]);
/* An object inside the body, called what, has no members but these. */
bool api_members(struct api_call *call, const json_t *object, const char *what, const char *const *members);

/* ?limit= and ?cursor= of a list whose cursors are ids. */
#define API_PAGE     100
#define API_PAGE_MAX 1000
bool api_limit(struct api_call *call, size_t *limit);
bool api_cursor(struct api_call *call, char letter, int64_t *id);
/* null for 0. */
json_t *render_cursor(char letter, int64_t id);

/* A parameter of the query as it came, NULL if it is absent. */
const char *api_parameter(const struct api_call *call, const char *name);
/* The same as a text that fits; absent is "". False with the refusal set. */
bool api_parameter_text(struct api_call *call, const char *name, char *to, size_t capacity);

/* docs/openapi.json. */
extern const unsigned char openapi_json[];
extern const size_t openapi_json_bytes;

/* etag.c: refuses with 412 what was asked of an older state; the tag of what is answered. */
int etag_check(struct api_call *call, struct fleet *fleet);
void etag_set(struct api_call *call);

/* repeat.c: the answer of the first time, if this is a repetition (call->repeated); keeps the answer for one.
 */
int repeat_find(struct api_call *call, struct fleet *fleet);
int repeat_keep(struct api_call *call, struct fleet *fleet);

/* An entry in the audit log: login did what the call asks, or was refused. */
int api_note(const struct api_call *call, struct fleet *fleet, const char *login, bool done);

/* Of a list in pages: ?limit= and ?cursor=, an id with this letter. False with the refusal set. */
bool api_page(struct api_call *call, char letter, struct page *page);
/* The page as the answer: list under name, and the cursor of the next one. last: the list's last id. */
void api_answer_page(struct api_call *call, const char *name, json_t *list, struct page page, char letter,
                     int64_t last);

/* Where a handler that works in pieces goes on, 0 at first: kept in call->steps. */
int64_t *api_place(struct api_call *call);

/* The handlers. */
api_fn api_session_begin, api_session_show, api_session_end, api_session_password, api_session_list,
    api_session_delete;
api_fn api_sign_in_show, api_oidc_begin, api_oidc_end;
api_fn api_user_create, api_user_list, api_user_show, api_user_change, api_user_delete, api_user_password;
api_fn api_audit_list;
api_fn api_webhook_create, api_webhook_list, api_webhook_show, api_webhook_change, api_webhook_delete,
    api_webhook_test, api_webhook_deliveries;
api_fn api_token_create, api_token_list, api_token_delete;
api_fn api_organization_own, api_organization_change, api_organization_create, api_organization_list,
    api_organization_show, api_organization_delete;

api_fn api_device_create, api_device_list, api_device_show, api_device_change, api_device_delete,
    api_device_why, api_device_consent, api_device_decline, api_device_token_renew, api_device_token_revoke;
api_fn api_values_show, api_values_set, api_device_ping, api_device_reboot, api_device_redirect;
api_fn api_firmware_upload, api_firmware_list, api_firmware_show, api_firmware_delete, api_firmware_deltas;
api_fn api_shipment_create, api_shipment_list, api_shipment_show, api_shipment_pause, api_shipment_resume,
    api_shipment_cancel, api_shipment_advance, api_shipment_delete, api_shipment_devices;
api_fn api_shipment_preview, api_shipment_report, api_shipment_revert, api_shipment_chart;
api_fn api_key_list, api_key_create, api_key_delete, api_retention_show, api_retention_set,
    api_chart_versions;
api_fn api_template_list;
api_fn api_overview, api_failure_list;
api_fn api_filter_list, api_filter_show, api_filter_create, api_filter_change, api_filter_delete;

/* Records as JSON. */
json_t *render_id(char letter, int64_t id);
json_t *render_account(const struct account *account);
json_t *render_organization(const struct organization *organization);
json_t *render_time(int64_t ms); /* null for never */
json_t *render_device(const struct device *device);
/* With its token, which is shown this once. */
json_t *render_new_device(const struct device *device, const char *token);
/* signer: the name of the known key that signed it, "" if there is none. */
json_t *render_firmware(const struct firmware *firmware, const char *signer);
/* The same; the store knows the signer. */
int api_render_firmware(struct fleet *fleet, const struct firmware *firmware, json_t **json);
/* firmware: its JSON, which goes along. */
json_t *render_shipment(const struct shipment *shipment, json_t *firmware, const struct progress *progress,
                        const struct wave *waves, size_t count);
/* state: of its shipment. why: for a target that has not ended, what it waits for. */
json_t *render_target(const struct target *target, enum shipment_state state, const struct device *device,
                      const char *why);

#endif
