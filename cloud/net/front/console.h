/* The web console: a folder of static files, read at the start and served from memory under `/`. A path is
 * looked up among the files that were there, so that no path can lead anywhere else. */
#ifndef TANDEM_CLOUD_CONSOLE_H
#define TANDEM_CLOUD_CONSOLE_H

#include "cloud/net/http/http.h"

struct console;

/* Reads the folder. On failure NULL, and why says what happened. */
struct console *console_load(const char *folder, char *why, size_t capacity);
void console_free(struct console *console);

/* Answers a GET or HEAD for a file of the console; index.html for `/`, and for any path without a dot that a
 * browser navigates to (Accept names text/html), so that the page's own addresses can be bookmarked. False if
 * there is no such file; console may be NULL. */
bool console_answer(const struct console *console, struct http_exchange *exchange);

/* What a browser shall not do with an answer of this server: headers for all but downloads of devices. */
void console_guard(struct http_exchange *exchange);

#endif
