/* No log: the part's only UART belongs to the co-processor. */
#include "ports/board.h"

void board_log(const char *line)
{
    (void)line;
}
