/* Log of tandem-ncp: one line per event on standard error. Tokens and the queries of URLs never go there.
 *
 * text     2026-11-26T06:00:00.123Z info main: uart /dev/ttyS1: open
 * journal  an entry with PRIORITY and TANDEM_MCU; without a journal, on standard error:
 *          <6>main: uart /dev/ttyS1: open            the priority as a service manager takes it
 * json     {"time":"2026-...","level":"info","mcu":"main","message":"uart /dev/ttyS1: open"} */
#ifndef NCPD_LOG_H
#define NCPD_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

/* error, warning, info or debug; false for another name. */
bool log_set_level(const char *name);

/* auto, text, journal or json; auto is journal where standard error goes to the journal, else text. */
bool log_set_format(const char *name);

/* Is called with every line of LOG_ERROR and LOG_WARNING, for the status. */
typedef void log_watch_fn(const char *mcu, const char *text);
void log_watch(log_watch_fn *watch);

/* mcu: the name of the MCU that it is about, NULL for none. */
void log_line(enum log_level level, const char *mcu, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...)   log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_DEBUG, __VA_ARGS__)

#endif
