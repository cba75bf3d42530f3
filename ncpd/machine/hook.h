/* The product's own program, for what only it can do: `HOOK ACTION [ARGUMENT...]` (docs/NCP.md, "The hook").
 */
#ifndef NCPD_HOOK_H
#define NCPD_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "ncpd/config/config.h"

struct event_base;
struct hook;

/* It ended: its exit status, -1 if it was killed, by us after its time or otherwise; and the first line that
 * it printed. */
typedef void hook_done_fn(void *ctx, int status, const char *line);

/* mcu stays the caller's. Never NULL. */
struct hook *hook_new(struct event_base *base, const struct mcu_config *mcu);
void hook_free(struct hook *hook);

/* Runs it: action and at most one argument (or NULL), with input (or NULL) as its standard input. done may be
 * NULL. False if there is none, one runs already, or it could not be started. */
bool hook_start(struct hook *hook, const char *action, const char *argument, const char *input,
                uint32_t limit_ms, hook_done_fn *done, void *ctx);

/* Runs it for an action without arguments that it has a minute for, and whose end nobody waits for. */
bool hook_tell(struct hook *hook, const char *action);

#endif
