#include "ncpd/base/log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ncpd/base/journal.h"

enum format { FORMAT_AUTO, FORMAT_TEXT, FORMAT_JOURNAL, FORMAT_JSON };

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const int priorities[] = {3, 4, 6, 7}; /* of syslog */
static const char *const format_names[] = {"auto", "text", "journal", "json"};
static enum log_level limit = LOG_INFO;
static enum format format_set = FORMAT_AUTO;
static log_watch_fn *watch_lines;

static int index_of(const char *const names[4], const char *name)
{
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) == 0)
            return i;
    }
    return -1;
}

bool log_set_level(const char *name)
{
    int i = index_of(level_names, name);

    limit = i >= 0 ? (enum log_level)i : limit;
    return i >= 0;
}

bool log_set_format(const char *name)
{
    int i = index_of(format_names, name);

    format_set = i >= 0 ? (enum format)i : format_set;
    return i >= 0;
}

void log_watch(log_watch_fn *watch)
{
    watch_lines = watch;
}

/* JOURNAL_STREAM names the socket that the journal gave us: device and inode. */
static bool goes_to_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char mine[64];
    struct stat file;

    if (stream == NULL || fstat(STDERR_FILENO, &file) != 0)
        return false;
    snprintf(mine, sizeof mine, "%llu:%llu", (unsigned long long)file.st_dev,
             (unsigned long long)file.st_ino);
    return strcmp(stream, mine) == 0;
}

/* A service manager gives us a socket; a file or a terminal is somebody who wants to see the lines. */
static bool is_watched_by_service_manager(void)
{
    struct stat file;

    return fstat(STDERR_FILENO, &file) == 0 && S_ISSOCK(file.st_mode);
}

/* What comes from a peer stays on its line. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7F)
            *text = '?';
    }
}

static void make_stamp(char stamp[40])
{
    struct timespec now;
    struct tm utc;
    size_t length;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    length = strftime(stamp, 40, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(stamp + length, 40 - length, ".%03ldZ", now.tv_nsec / 1000000);
}

static void print_json(enum log_level level, const char *mcu, const char *text)
{
    char stamp[40];
    json_t *line;
    char *json;

    make_stamp(stamp);
    line = json_pack("{s:s, s:s, s:s*, s:s%}", "time", stamp, "level", level_names[level], "mcu", mcu,
                     "message", text, strlen(text));
    json = line != NULL ? json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    fprintf(stderr, "%s\n", json != NULL ? json : "{\"message\":\"a line that is not UTF-8\"}");
    free(json);
    json_decref(line);
}

static void print(enum log_level level, const char *mcu, const char *text)
{
    const char *shown = mcu != NULL ? mcu : "";
    const char *colon = mcu != NULL ? ": " : "";
    char stamp[40];

    if (format_set == FORMAT_AUTO)
        format_set = goes_to_journal() ? FORMAT_JOURNAL : FORMAT_TEXT;
    switch (format_set) {
    case FORMAT_JOURNAL:
        if (!is_watched_by_service_manager() || !journal_send(priorities[level], mcu, text))
            fprintf(stderr, "<%d>%s%s%s\n", priorities[level], shown, colon, text);
        break;
    case FORMAT_JSON:
        print_json(level, mcu, text);
        break;
    default:
        make_stamp(stamp);
        fprintf(stderr, "%s %s %s%s%s\n", stamp, level_names[level], shown, colon, text);
        break;
    }
}

void log_line(enum log_level level, const char *mcu, const char *format, ...)
{
    char text[1024];
    va_list args;

    if (level > limit)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    make_printable(text);
    print(level, mcu, text);
    if (level <= LOG_WARNING && watch_lines != NULL)
        watch_lines(mcu, text);
}
