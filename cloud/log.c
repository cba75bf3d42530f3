#include "cloud/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cloud/text.h"

static enum log_level threshold = LOG_LEVEL_INFO;
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
    /* One call, so that lines of two threads do not mix. */
    fprintf(stderr, "%s %s %s %s\n", text_time(text_now_ms(), when), level_names[level], event, details);
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
