/* The log: one line per event on standard error, `time level event key=value ...`, values quoted where they
 * need it. Tokens and passwords are never logged, not even in part. */
#ifndef TANDEM_CLOUD_LOG_H
#define TANDEM_CLOUD_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* "error", "warning", "info" or "debug"; false for anything else. */
bool log_level_parse(const char *name, enum log_level *level);
void log_level_set(enum log_level level);
/* Each line begins with its priority, as systemd's journal reads it: "<3>" for an error. */
void log_priority_set(bool priority);
/* Lines are JSON objects from now on: "time", "level", "event", and a member for each pair. */
void log_json_set(bool json);
/* Pairs as JSON members, each with a comma in front; what does not fit is left out. Returns to. */
const char *log_members(const char *pairs, char *to, size_t capacity);

/* One line. event is a fixed word; format gives "key=value" pairs, with %s values through LOG_TEXT where they
 * come from outside. Safe to call from any thread. */
void log_line(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What anybody can make happen is told 100 times at once and ten times a second in the long run: more would
 * drown everything else. All zero: it was not told yet. */
struct log_pace {
    int64_t spent_ms;
    int64_t at_ms;
    uint64_t left_out; /* since it was told last */
};
/* Whether it is told now, at a time that only grows; *left_out: how often it was not, just before. */
bool log_pace_take(struct log_pace *pace, int64_t now_ms, uint64_t *left_out);

#define LOG_TEXT_MAX 160
/* Quotes text from outside for a log line: control characters and quotes are escaped, a long text is cut. */
const char *log_quote(const char *text, char to[LOG_TEXT_MAX]);

#endif
