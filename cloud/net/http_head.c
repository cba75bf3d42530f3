#include "cloud/net/http_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A piece of the request; not terminated. */
struct slice {
    const char *at;
    size_t bytes;
};

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

static bool equals(struct slice text, const char *word)
{
    return text.bytes == strlen(word) && strncasecmp(text.at, word, text.bytes) == 0;
}

static bool copy(struct slice text, char *to, size_t capacity)
{
    if (text.bytes >= capacity)
        return false;
    memcpy(to, text.at, text.bytes);
    to[text.bytes] = '\0';
    return true;
}

/* Cuts text at the first separator; false if there is none. */
static bool cut(struct slice *text, char separator, struct slice *before)
{
    const char *found = memchr(text->at, separator, text->bytes);
    if (found == NULL)
        return false;
    *before = (struct slice){text->at, (size_t)(found - text->at)};
    text->bytes -= before->bytes + 1;
    text->at = found + 1;
    return true;
}

/* The piece up to the separator, or all that is left; false once that was given. */
static bool next_piece(struct slice *text, char separator, struct slice *piece)
{
    if (text->at == NULL)
        return false;
    if (!cut(text, separator, piece)) {
        *piece = *text;
        text->at = NULL;
    }
    return true;
}

static struct slice trim(struct slice text)
{
    while (text.bytes > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
        text.at++;
        text.bytes--;
    }
    while (text.bytes > 0 && (text.at[text.bytes - 1] == ' ' || text.at[text.bytes - 1] == '\t'))
        text.bytes--;
    return text;
}

static int parse_method(struct http_head *head, struct slice text)
{
    static const char *const names[] = {
#define HTTP_METHOD_NAME(name) #name,
        HTTP_METHODS(HTTP_METHOD_NAME)
#undef HTTP_METHOD_NAME
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text.bytes == strlen(names[i]) && memcmp(text.at, names[i], text.bytes) == 0) {
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
        if (target.bytes <= bytes || !equals((struct slice){target.at, bytes}, schemes[i]))
            continue;
        struct slice rest = {target.at + bytes, target.bytes - bytes};
        struct slice authority;
        if (cut(&rest, '/', &authority) && authority.bytes > 0)
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
    bool has_query = cut(&target, '?', &path);
    if (!copy(has_query ? path : target, head->path, sizeof head->path))
        return -414;
    if (has_query && !copy(target, head->query, sizeof head->query))
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
    if (!cut(&line, ' ', &method) || !cut(&line, ' ', &target))
        return -400;
    int refusal = parse_method(head, method);
    if (refusal == 0)
        refusal = parse_target(head, target);
    return refusal == 0 ? parse_version(head, line) : refusal;
}

/* Digits only; -1 for anything else. */
static int64_t parse_number(struct slice text)
{
    int64_t number = 0;
    if (text.bytes == 0 || text.bytes > 18)
        return -1;
    for (size_t i = 0; i < text.bytes; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return -1;
        number = number * 10 + (text.at[i] - '0');
    }
    return number;
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
    while (next_piece(&value, ',', &option)) {
        if (equals(trim(option), "close"))
            head->keep_alive = false;
        else if (equals(trim(option), "upgrade"))
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
    if (equals(name, "content-length")) {
        head->content_length = parse_number(value);
        return once(&seen->length) && head->content_length >= 0;
    }
    if (equals(name, "transfer-encoding")) {
        head->chunked = true;
        return once(&seen->coding) && equals(value, "chunked");
    }
    if (equals(name, "host"))
        return once(&seen->host);
    if (equals(name, "authorization"))
        return once(&seen->authorization);
    if (equals(name, "connection"))
        take_connection(head, value);
    else if (equals(name, "expect"))
        head->expect_continue = equals(value, "100-continue");
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
    if (!cut(&line, ':', &name) || !is_token(name))
        return false;
    for (size_t i = 0; i < line.bytes; i++) {
        if (((unsigned char)line.at[i] < 0x20 && line.at[i] != '\t') || line.at[i] == 0x7F)
            return false;
    }
    struct slice value = trim(line);
    keep_header(head, name, value);
    return take_header(head, seen, name, value);
}

/* Cuts a line that ends in CR LF. */
static bool cut_line(struct slice *text, struct slice *line)
{
    if (!cut(text, '\n', line) || line->bytes == 0 || line->at[line->bytes - 1] != '\r')
        return false;
    line->bytes--;
    return true;
}

int http_head_parse(struct http_head *head, const char *data, size_t bytes)
{
    /* An empty line in front belongs to the request before, says RFC 9112, 2.2. */
    size_t skipped = bytes >= 2 && memcmp(data, "\r\n", 2) == 0 ? 2 : 0;
    const char *end = memmem(data + skipped, bytes - skipped, "\r\n\r\n", 4);
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

bool http_cookie_get(const struct http_head *head, const char *name, char *to, size_t capacity)
{
    const char *cookies = http_head_value(head, "cookie");
    struct slice rest = {cookies, strlen(cookies)};
    struct slice pair;
    struct slice key;
    while (next_piece(&rest, ';', &pair)) {
        pair = trim(pair);
        if (cut(&pair, '=', &key) && key.bytes == strlen(name) && memcmp(key.at, name, key.bytes) == 0)
            return copy(pair, to, capacity);
    }
    return false;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool decode(struct slice text, char *to, size_t capacity)
{
    size_t n = 0;
    for (size_t i = 0; i < text.bytes; i++) {
        char c = text.at[i];
        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = i + 2 < text.bytes ? hex_value(text.at[i + 1]) : -1;
            int low = i + 2 < text.bytes ? hex_value(text.at[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0' || n + 1 >= capacity)
            return false;
        to[n++] = c;
    }
    to[n] = '\0';
    return true;
}

/* The value of key, still encoded. */
static bool find_value(const char *query, const char *key, struct slice *value)
{
    struct slice rest = {query, strlen(query)};
    struct slice name;
    while (next_piece(&rest, '&', value)) {
        if (cut(value, '=', &name) && name.bytes == strlen(key) && memcmp(name.at, key, name.bytes) == 0)
            return true;
    }
    return false;
}

int http_query_next(const char *query, size_t *at, char *name, size_t name_capacity, char *value,
                    size_t value_capacity)
{
    struct slice rest = {query + *at, strlen(query + *at)};
    struct slice pair;
    struct slice key;
    name[0] = '\0';
    value[0] = '\0';
    if (rest.bytes == 0)
        return 0;
    (void)next_piece(&rest, '&', &pair);
    *at = rest.at != NULL ? (size_t)(rest.at - query) : strlen(query);
    if (!cut(&pair, '=', &key) || key.bytes == 0 || !decode(key, name, name_capacity))
        return -1;
    return decode(pair, value, value_capacity) ? 1 : -1;
}

bool http_query_get(const char *query, const char *key, char *to, size_t capacity)
{
    struct slice value;
    return find_value(query, key, &value) && decode(value, to, capacity);
}

const char *http_bearer(const char *authorization)
{
    if (strncasecmp(authorization, "Bearer ", 7) != 0)
        return NULL;
    const char *token = authorization + 7;
    while (*token == ' ')
        token++;
    return token;
}

/* "bytes=10-", "bytes=-5": from the end. Both ends are numbers or absent (-1). */
static bool split_range(const char *value, int64_t *first, int64_t *last)
{
    struct slice rest = {value, strlen(value)};
    struct slice before;
    if (!cut(&rest, '=', &before) || !equals(before, "bytes") || !cut(&rest, '-', &before))
        return false;
    *first = parse_number(before);
    *last = parse_number(rest);
    bool malformed = (before.bytes > 0 && *first < 0) || (rest.bytes > 0 && *last < 0);
    return !malformed && (*first >= 0 || *last >= 0) && (*first < 0 || *last < 0 || *first <= *last);
}

enum http_range http_range_parse(const char *value, int64_t size, int64_t *start, int64_t *length)
{
    int64_t first;
    int64_t last;
    if (!split_range(value, &first, &last))
        return HTTP_RANGE_NONE;
    if (first < 0) {
        if (last == 0 || size == 0)
            return HTTP_RANGE_UNSATISFIABLE;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else if (first >= size) {
        return HTTP_RANGE_UNSATISFIABLE;
    } else if (last < 0 || last >= size) {
        last = size - 1;
    }
    *start = first;
    *length = last - first + 1;
    return HTTP_RANGE_PART;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {204, "No Content"},
        {202, "Accepted"},
        {206, "Partial Content"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
        {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].text;
    }
    return "Unknown";
}
