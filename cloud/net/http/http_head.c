#include "cloud/net/http/http_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/net/http/slice.h"

static const char *const methods[] = {
#define HTTP_METHOD_NAME(name) #name,
    HTTP_METHODS(HTTP_METHOD_NAME)
#undef HTTP_METHOD_NAME
};

const char *http_method_name(enum http_method method)
{
    return methods[method];
}

static bool is_token_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.bytes; i++) {
        if (!is_token_character(text.at[i]))
            return false;
    }
    return text.bytes > 0;
}

static int parse_method(struct http_head *head, struct slice text)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (slice_is(text, methods[i])) {
            head->method = (enum http_method)i;
            return 0;
        }
    }
    return is_token(text) ? -501 : -400;
}

/* The absolute form, that of a request to a proxy, without its scheme and authority (RFC 9112, 3.2.2): modems
 * send it. What is neither form is left as it is. */
static struct slice origin_form(struct slice target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t bytes = strlen(schemes[i]);
        if (target.bytes <= bytes || !slice_is_in_any_case((struct slice){target.at, bytes}, schemes[i]))
            continue;
        struct slice rest = {target.at + bytes, target.bytes - bytes};
        struct slice authority;
        if (slice_cut(&rest, '/', &authority) && authority.bytes > 0)
            return (struct slice){rest.at - 1, rest.bytes + 1};
    }
    return target;
}

static int parse_target(struct http_head *head, struct slice target)
{
    for (size_t i = 0; i < target.bytes; i++) {
        if ((unsigned char)target.at[i] <= 0x20 || (unsigned char)target.at[i] >= 0x7F)
            return -400;
    }
    target = origin_form(target);
    if (target.bytes == 0 || target.at[0] != '/')
        return -400;
    struct slice path;
    bool has_query = slice_cut(&target, '?', &path);
    if (!slice_copy(has_query ? path : target, head->path, sizeof head->path))
        return -414;
    if (has_query && !slice_copy(target, head->query, sizeof head->query))
        return -414;
    return 0;
}

static int parse_version(struct http_head *head, struct slice version)
{
    if (version.bytes != 8 || memcmp(version.at, "HTTP/", 5) != 0)
        return -400;
    if (memcmp(version.at + 5, "1.1", 3) == 0)
        head->version_1_1 = head->keep_alive = true;
    else if (memcmp(version.at + 5, "1.0", 3) != 0)
        return -505;
    return 0;
}

static int parse_request_line(struct http_head *head, struct slice line)
{
    struct slice method;
    struct slice target;
    if (!slice_cut(&line, ' ', &method) || !slice_cut(&line, ' ', &target))
        return -400;
    int refusal = parse_method(head, method);
    if (refusal == 0)
        refusal = parse_target(head, target);
    return refusal == 0 ? parse_version(head, line) : refusal;
}

/* What must stand at most once, or the two ends could disagree about where the body ends. */
struct seen {
    bool length;
    bool coding;
    bool host;
    bool authorization;
};

static void take_connection(struct http_head *head, struct slice value)
{
    struct slice option;
    while (slice_next(&value, ',', &option)) {
        if (slice_is_in_any_case(slice_trim(option), "close"))
            head->keep_alive = false;
        else if (slice_is_in_any_case(slice_trim(option), "upgrade"))
            head->upgrade = head->version_1_1;
    }
}

static bool once(bool *seen)
{
    bool first = !*seen;
    *seen = true;
    return first;
}

/* Acts on what the connection itself lives by. */
static bool take_header(struct http_head *head, struct seen *seen, struct slice name, struct slice value)
{
    if (slice_is_in_any_case(name, "content-length")) {
        head->content_length = slice_number(value);
        return once(&seen->length) && head->content_length >= 0;
    }
    if (slice_is_in_any_case(name, "transfer-encoding")) {
        head->chunked = true;
        return once(&seen->coding) && slice_is_in_any_case(value, "chunked");
    }
    if (slice_is_in_any_case(name, "host"))
        return once(&seen->host);
    if (slice_is_in_any_case(name, "authorization"))
        return once(&seen->authorization);
    if (slice_is_in_any_case(name, "connection"))
        take_connection(head, value);
    else if (slice_is_in_any_case(name, "expect"))
        head->expect_continue = slice_is_in_any_case(value, "100-continue");
    return true;
}

/* Always fits: a line loses more (colon, CR, LF) than the two NULs take. */
static void keep_header(struct http_head *head, struct slice name, struct slice value)
{
    char *to = head->fields + head->fields_bytes;
    memcpy(to, name.at, name.bytes);
    to[name.bytes] = '\0';
    to += name.bytes + 1;
    memcpy(to, value.at, value.bytes);
    to[value.bytes] = '\0';
    head->fields_bytes += name.bytes + value.bytes + 2;
}

static bool parse_header(struct http_head *head, struct seen *seen, struct slice line)
{
    struct slice name;
    if (!slice_cut(&line, ':', &name) || !is_token(name))
        return false;
    for (size_t i = 0; i < line.bytes; i++) {
        if (((unsigned char)line.at[i] < 0x20 && line.at[i] != '\t') || line.at[i] == 0x7F)
            return false;
    }
    struct slice value = slice_trim(line);
    keep_header(head, name, value);
    return take_header(head, seen, name, value);
}

/* Cuts a line that ends in CR LF. */
static bool cut_line(struct slice *text, struct slice *line)
{
    if (!slice_cut(text, '\n', line) || line->bytes == 0 || line->at[line->bytes - 1] != '\r')
        return false;
    line->bytes--;
    return true;
}

int http_head_parse(struct http_head *head, const char *data, size_t bytes)
{
    /* An empty line in front belongs to the request before, says RFC 9112, 2.2. */
    size_t skipped = bytes >= 2 && memcmp(data, "\r\n", 2) == 0 ? 2 : 0;
    const char *end = memmem(data + skipped, bytes - skipped, "\r\n\r\n", 4);
    /* A client whose lines end in LF alone is told so at once: it would wait until its time is over. */
    if (end == NULL && memmem(data + skipped, bytes - skipped, "\n\n", 2) != NULL)
        return -400;
    if (end == NULL)
        return bytes >= HTTP_HEAD_MAX ? -431 : 0;
    size_t length = (size_t)(end - data) + 4;
    if (length > HTTP_HEAD_MAX)
        return -431;
    *head = (struct http_head){0};
    struct slice rest = {data + skipped, length - skipped - 2};
    struct slice line;
    struct seen seen = {0};
    if (!cut_line(&rest, &line))
        return -400;
    int refusal = parse_request_line(head, line);
    if (refusal != 0)
        return refusal;
    while (rest.bytes > 0) {
        if (!cut_line(&rest, &line) || !parse_header(head, &seen, line))
            return -400;
    }
    if ((seen.length && seen.coding) || (head->version_1_1 && !seen.host))
        return -400;
    return (int)length;
}

const char *http_head_value(const struct http_head *head, const char *name)
{
    for (size_t at = 0; at < head->fields_bytes;) {
        const char *field = head->fields + at;
        const char *value = field + strlen(field) + 1;
        if (strcasecmp(field, name) == 0)
            return value;
        at += (size_t)(value - field) + strlen(value) + 1;
    }
    return "";
}

bool http_head_values(const struct http_head *head, const char *name, char *to, size_t capacity)
{
    size_t bytes = 0;
    to[0] = '\0';
    for (size_t at = 0; at < head->fields_bytes;) {
        const char *field = head->fields + at;
        const char *value = field + strlen(field) + 1;
        size_t length = strlen(value);
        at += (size_t)(value - field) + length + 1;
        if (strcasecmp(field, name) != 0)
            continue;
        if (bytes + length + 3 > capacity)
            return false;
        bytes += (size_t)snprintf(to + bytes, capacity - bytes, "%s%s", bytes > 0 ? ", " : "", value);
    }
    return true;
}
