/* What the handlers of all routes share: reading a call, and refusing it. */
#include "cloud/api/api.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "cloud/text.h"

#define AWAY_MS 5000 /* after which a database that is away is asked for again */

json_t *api_problem(int status, const char *title, const char *detail)
{
    return json_pack("{s:i, s:s, s:s}", "status", status, "title", title, "detail", detail);
}

int api_refuse(struct api_call *call, int status, const char *title, const char *format, ...)
{
    char detail[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    text_mend(detail);
    json_decref(call->answer);
    call->status = status;
    call->answer = api_problem(status, title, detail);
    return STORE_CONFLICT;
}

void api_refuse_result(struct api_call *call, int result)
{
    switch (result) {
    case STORE_NOT_FOUND:
        (void)api_refuse(call, 404, "no such thing", "there is nothing with this id");
        break;
    case STORE_CONFLICT:
        (void)api_refuse(call, 409, "conflict", "the present state does not allow this");
        break;
    case STORE_FULL:
        (void)api_refuse(call, 507, "disk full",
                         "nothing was changed; free space where the server keeps its database and try again");
        break;
    case STORE_AGAIN:
    case STORE_AWAY:
    case STORE_LOCKED:
    case STORE_READ_ONLY:
        call->retry_after_ms = AWAY_MS;
        (void)api_refuse(call, 503, "database not available",
                         "%s; the server's log says more; try again later", store_result_text(result));
        break;
    default:
        (void)api_refuse(call, 500, "server error",
                         "nothing was changed; the server's log says what happened");
    }
}

void api_clear(struct api_call *call)
{
    if (call->steps != NULL)
        call->steps->free(call->steps);
    call->steps = NULL;
    if (call->file > 0)
        close(call->file);
    call->file = 0;
    json_decref(call->answer);
    call->answer = NULL;
    if (call->trip != NULL)
        OPENSSL_cleanse(call->trip, sizeof *call->trip);
    free(call->trip);
    call->trip = NULL;
}

struct place {
    struct api_steps steps; /* first: the call frees it */
    int64_t after;
};

static void free_place(struct api_steps *steps)
{
    free(steps);
}

int64_t *api_place(struct api_call *call)
{
    if (call->steps == NULL) {
        struct place *place = calloc(1, sizeof *place);
        if (place == NULL)
            abort();
        place->steps.free = free_place;
        call->steps = &place->steps;
    }
    return &((struct place *)call->steps)->after;
}

static json_t *parse_body(struct api_call *call)
{
    json_error_t error;
    json_t *body = NULL;
    if (call->body_bytes == 0) {
        (void)api_refuse(call, 400, "malformed request", "the body is empty; it must be a JSON object");
        return NULL;
    }
    body = json_loadb(call->body, call->body_bytes, JSON_REJECT_DUPLICATES, &error);
    if (body == NULL)
        (void)api_refuse(call, 400, "malformed JSON", "line %d, column %d: %s", error.line, error.column,
                         error.text);
    return body;
}

/* The first member that is none of those allowed; NULL if there is none. */
static const char *foreign_member(const json_t *body, const char *const *members)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)body, key, value)
    {
        size_t i = 0;
        while (members[i] != NULL && strcmp(members[i], key) != 0)
            i++;
        if (members[i] == NULL)
            return key;
    }
    return NULL;
}

json_t *api_body(struct api_call *call, const char *const *members)
{
    const char *foreign = NULL;
    json_t *body = parse_body(call);
    if (body == NULL)
        return NULL;
    if (!json_is_object(body))
        (void)api_refuse(call, 400, "malformed request", "the body must be a JSON object");
    else if ((foreign = foreign_member(body, members)) != NULL)
        (void)api_refuse(call, 400, "malformed request",
                         "there is no member \"%s\" here; docs/API.md lists what there is", foreign);
    if (!json_is_object(body) || foreign != NULL) {
        json_decref(body);
        return NULL;
    }
    return body;
}

bool api_text(struct api_call *call, const json_t *object, const char *key, char *to, size_t capacity,
              size_t letters)
{
    const json_t *value = json_object_get(object, key);
    to[0] = '\0';
    if (value == NULL || json_is_null(value))
        return true;
    if (json_is_string(value) && text_take(to, capacity, json_string_value(value)) &&
        text_characters(to) <= letters)
        return true;
    (void)api_refuse(call, 400, "malformed request",
                     "%s must be a text of at most %zu characters without control characters", key, letters);
    return false;
}

const char *api_parameter(const struct api_call *call, const char *name)
{
    for (size_t i = 0; i < call->parameter_count; i++) {
        if (strcmp(call->parameters[i].name, name) == 0)
            return call->parameters[i].value;
    }
    return NULL;
}

bool api_parameter_text(struct api_call *call, const char *name, char *to, size_t capacity)
{
    const char *value = api_parameter(call, name);
    to[0] = '\0';
    if (value == NULL || text_take(to, capacity, value))
        return true;
    (void)api_refuse(call, 400, "malformed request", "%s must be a text of at most %zu bytes", name,
                     capacity - 1);
    return false;
}

bool api_limit(struct api_call *call, size_t *limit)
{
    const char *text = api_parameter(call, "limit");
    int number = 0, used = 0;
    *limit = API_PAGE;
    if (text == NULL)
        return true;
    if (isdigit((unsigned char)text[0]) && sscanf(text, "%4d%n", &number, &used) == 1 && text[used] == '\0' &&
        number >= 1 && number <= API_PAGE_MAX) {
        *limit = (size_t)number;
        return true;
    }
    (void)api_refuse(call, 400, "malformed request", "limit must be a number from 1 to %d", API_PAGE_MAX);
    return false;
}

bool api_cursor(struct api_call *call, char letter, int64_t *id)
{
    const char *text = api_parameter(call, "cursor");
    *id = 0;
    if (text == NULL || (*id = text_id_parse(letter, text)) != 0)
        return true;
    (void)api_refuse(call, 400, "malformed request", "cursor must be what `next` of an answer said");
    return false;
}

json_t *render_cursor(char letter, int64_t id)
{
    char text[TEXT_ID_MAX];
    return id == 0 ? json_null() : json_string(text_id(letter, id, text));
}

bool api_page(struct api_call *call, char letter, struct page *page)
{
    size_t limit;
    *page = (struct page){0};
    if (!api_limit(call, &limit) || !api_cursor(call, letter, &page->after))
        return false;
    page->limit = (int64_t)limit;
    return true;
}

void api_answer_page(struct api_call *call, const char *name, json_t *list, struct page page, char letter,
                     int64_t last)
{
    bool more = (int64_t)json_array_size(list) == page.limit;
    call->answer = json_pack("{s:o, s:o}", name, list, "next", render_cursor(letter, more ? last : 0));
}
