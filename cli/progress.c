#include "cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

static unsigned per_mille(uint64_t done, uint64_t total)
{
    if (total == 0 || done >= total) {
        return total == 0 ? 0 : 1000;
    }
    return (unsigned)(done * 1000 / total);
}

char *progress_text(char text[PROGRESS_TEXT_BYTES], uint64_t done, uint64_t total)
{
    unsigned share = per_mille(done, total);
    size_t full = share * PROGRESS_CELLS / 1000;

    text[0] = '[';
    memset(text + 1, '#', full);
    memset(text + 1 + full, '-', PROGRESS_CELLS - full);
    snprintf(text + 1 + PROGRESS_CELLS, PROGRESS_TEXT_BYTES - 1 - PROGRESS_CELLS, "] %3u%%", share / 10);
    return text;
}

void progress_start(struct progress *bar, const char *label)
{
    bar->label = label;
    bar->terminal = isatty(STDERR_FILENO) == 1;
    bar->shown = ~0u;
}

void progress_show(struct progress *bar, uint64_t done, uint64_t total)
{
    char text[PROGRESS_TEXT_BYTES];
    unsigned share = per_mille(done, total);

    if (!bar->terminal || share == bar->shown) {
        return;
    }
    bar->shown = share;
    fprintf(stderr, CLEAR_LINE "%s %s  %llu of %llu bytes", bar->label, progress_text(text, done, total),
            (unsigned long long)done, (unsigned long long)total);
    fflush(stderr);
}

void progress_end(struct progress *bar)
{
    if (bar->terminal && bar->shown != ~0u) {
        fputs(CLEAR_LINE, stderr);
        fflush(stderr);
    }
}
