/* Progress on a terminal: one bar that is drawn over itself on standard error. Without a terminal nothing is
 * printed. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *label;
    bool terminal;
    unsigned shown; /* per mille, so that a bar is drawn only where it moves */
};

void progress_start(struct progress *bar, const char *label);
void progress_show(struct progress *bar, uint64_t done, uint64_t total);
/* Removes the bar. */
void progress_end(struct progress *bar);

/* "[#####-----]  50%" of done in total, with cells characters (at most PROGRESS_CELLS_MAX) between the
 * brackets; text has PROGRESS_TEXT_BYTES bytes. Returns text. */
#define PROGRESS_CELLS_MAX  20
#define PROGRESS_TEXT_BYTES (PROGRESS_CELLS_MAX + 16)
char *progress_text(char text[PROGRESS_TEXT_BYTES], unsigned cells, uint64_t done, uint64_t total);

/* Prints a line on standard error, cut to the terminal's width, so that it stays one line. */
void progress_line(const char *line);

#endif
