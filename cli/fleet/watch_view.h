/* What is seen of a shipment that is followed:
 *
 *   terminal    a block of bars, drawn over itself, on standard error
 *   otherwise   a line whenever a device's status, stage or quarter of a leg changes, on standard output
 *
 * An answer holds the first 100 devices. Where there are more, lines say how far the whole is, and of these
 * 100 only what happens to them. */
#ifndef CLI_WATCH_VIEW_H
#define CLI_WATCH_VIEW_H

#include <jansson.h>
#include <stdbool.h>

struct watch_view {
    const char *id; /* of the shipment */
    bool terminal;
    bool silent;            /* neither bars nor lines */
    unsigned drawn;         /* lines of the block on the terminal */
    json_t *said;           /* device id, or "" for the whole -> what its last line said */
    const json_t *shipment; /* as shown last */
    double seconds;
};

/* With json there are no lines, as standard output is for that. */
void watch_view_open(struct watch_view *view, const char *id, bool json);
void watch_view_close(struct watch_view *view);

/* Shows the shipment, seconds after it began to be followed. */
void watch_view_show(struct watch_view *view, const json_t *shipment, double seconds);

/* Takes the bars away, before something else is printed. */
void watch_view_clear(struct watch_view *view);

#endif
