#include "cloud/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cloud/text.h"

#define PACE_BURST   100
#define PACE_EACH_MS 100

static enum log_level threshold = LOG_LEVEL_INFO;
static bool as_json;
static bool with_priority;
static const char *const level_names[] = {"error", "warning", "info", "debug"};

bool log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

void log_level_set(enum log_level level)
{
    threshold = level;
}

void log_priority_set(bool priority)
{
    with_priority = priority;
}

void log_json_set(bool json)
{
    as_json = json;
}

/* Where the members go; once something does not fit, nothing more does. */
struct members {
    char *to;
    size_t capacity;
    size_t bytes;
    bool full;
};

static void put(struct members *members, char c)
{
    members->full |= members->bytes + 1 >= members->capacity;
    if (!members->full)
        members->to[members->bytes++] = c;
}

/* A character of a JSON text. */
static void put_text(struct members *members, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        put(members, '\\');
        put(members, (char)c);
    } else if (c < 0x20 || c == 0x7F) {
        for (const char *p = "\\u00"; *p != '\0'; p++)
            put(members, *p);
        put(members, digits[c >> 4]);
        put(members, digits[c & 15]);
    } else {
        put(members, (char)c);
    }
}

static int hex_digit(char c)
{
    const char *found = c != '\0' ? strchr("0123456789abcdef", c) : NULL;
    return found == NULL ? -1 : (int)(found - "0123456789abcdef");
}

/* What log_quote escaped, or any character; moves on. */
static unsigned char next_character(const char **from)
{
    const char *p = *from;
    if (p[0] == '\\' && p[1] == 'x' && hex_digit(p[2]) >= 0 && hex_digit(p[3]) >= 0) {
        *from += 4;
        return (unsigned char)(hex_digit(p[2]) << 4 | hex_digit(p[3]));
    }
    bool escaped = p[0] == '\\' && p[1] != '\0';
    *from += escaped ? 2 : 1;
    return (unsigned char)p[escaped];
}

static const char *put_value(struct members *members, const char *from)
{
    bool quoted = *from == '"';
    size_t digits = strspn(from, "0123456789");
    bool number = digits > 0 && digits <= 15 && (from[digits] == ' ' || from[digits] == '\0') &&
                  (from[0] != '0' || digits == 1);
    from += quoted;
    if (!number)
        put(members, '"');
    while (*from != '\0' && *from != (quoted ? '"' : ' '))
        put_text(members, next_character(&from));
    if (!number)
        put(members, '"');
    return from + (quoted && *from == '"');
}

const char *log_members(const char *pairs, char *to, size_t capacity)
{
    struct members members = {.to = to, .capacity = capacity};
    size_t whole = 0;
    while (*(pairs += strspn(pairs, " ")) != '\0') {
        size_t name = strcspn(pairs, "= ");
        put(&members, ',');
        put(&members, '"');
        for (size_t i = 0; i < name; i++)
            put_text(&members, (unsigned char)pairs[i]);
        put(&members, '"');
        put(&members, ':');
        pairs += name + (pairs[name] == '=');
        pairs = put_value(&members, pairs);
        whole = members.full ? whole : members.bytes;
    }
    to[whole] = '\0';
    return to;
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    if (level > threshold)
        return;
    char when[TEXT_TIME_MAX];
    char details[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(details, sizeof details, format, arguments);
    va_end(arguments);
    static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};
    const char *priority = with_priority ? priorities[level] : "";
    /* One call, so that lines of two threads do not mix. */
    if (as_json) {
        char members[3 * sizeof details];
        fprintf(stderr, "%s{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"%s}\n", priority,
                text_time(text_now_ms(), when), level_names[level], event,
                log_members(details, members, sizeof members));
        return;
    }
    fprintf(stderr, "%s%s %s %s %s\n", priority, text_time(text_now_ms(), when), level_names[level], event,
            details);
}

bool log_pace_take(struct log_pace *pace, int64_t now_ms, uint64_t *left_out)
{
    int64_t spent = pace->spent_ms - (now_ms - pace->at_ms);
    if (spent < 0)
        spent = 0;
    bool told = spent + PACE_EACH_MS <= PACE_BURST * PACE_EACH_MS;
    *left_out = told ? pace->left_out : 0;
    *pace = (struct log_pace){told ? spent + PACE_EACH_MS : spent, now_ms, told ? 0 : pace->left_out + 1};
    return told;
}

const char *log_quote(const char *text, char to[LOG_TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    to[n++] = '"';
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0' && n + 6 < LOG_TEXT_MAX; p++) {
        if (*p < 0x20 || *p == 0x7F) {
            to[n++] = '\\';
            to[n++] = 'x';
            to[n++] = digits[*p >> 4];
            to[n++] = digits[*p & 15];
        } else {
            if (*p == '"' || *p == '\\')
                to[n++] = '\\';
            to[n++] = (char)*p;
        }
    }
    to[n++] = '"';
    to[n] = '\0';
    return to;
}
