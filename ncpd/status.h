/* Where `tandem ncp status` asks: a UNIX socket. Whoever connects is sent one JSON object (docs/NCP.md,
 * "Status") and the end of the stream; what they send is not read. Its mode lets owner and group connect. */
#ifndef NCPD_STATUS_H
#define NCPD_STATUS_H

#include <jansson.h>
#include <stdbool.h>

struct event_base;
struct status;

/* The list of MCUs, made anew for each who asks. */
typedef json_t *status_mcus_fn(void *ctx);

/* Listens at path. NULL after a message. */
struct status *status_new(struct event_base *base, const char *path, status_mcus_fn *mcus, void *ctx);
void status_free(struct status *status);

/* Warnings and errors, for the status: the latest ones are kept. A log_watch_fn. */
void status_note(const char *mcu, const char *text);

#endif
