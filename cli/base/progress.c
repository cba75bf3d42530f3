#include "cli/base/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/base/output.h"

#define COLUMNS_USUAL 80
#define CLEAR_LINE    "\r\033[K"

static unsigned per_mille(uint64_t done, uint64_t total)
{
    if (total == 0 || done >= total)
        return total == 0 ? 0 : 1000;
    return (unsigned)(done * 1000 / total);
}

char *progress_text(char text[PROGRESS_TEXT_BYTES], unsigned cells, uint64_t done, uint64_t total)
{
    unsigned share = per_mille(done, total);
    unsigned full = share * cells / 1000;

    text[0] = '[';
    memset(text + 1, '#', full);
    memset(text + 1 + full, '-', cells - full);
    snprintf(text + 1 + cells, PROGRESS_TEXT_BYTES - 1 - cells, "] %3u%%", share / 10);
    return text;
}

void progress_line(const char *line)
{
    struct winsize size = {.ws_col = 0};
    bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;

    output_put(stderr, line, known ? size.ws_col - 1 : COLUMNS_USUAL - 1);
    fputc('\n', stderr);
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

    if (!bar->terminal || share == bar->shown)
        return;
    bar->shown = share;
    fprintf(stderr, CLEAR_LINE "%s %s  %llu of %llu bytes", bar->label,
            progress_text(text, PROGRESS_CELLS_MAX, done, total), (unsigned long long)done,
            (unsigned long long)total);
    fflush(stderr);
}

void progress_end(struct progress *bar)
{
    if (bar->terminal && bar->shown != ~0u) {
        fputs(CLEAR_LINE, stderr);
        fflush(stderr);
    }
}
