/* Where a redirect of the cloud leads (docs/PROTOCOL.md, section 7). */
#ifndef NCPD_REDIRECT_H
#define NCPD_REDIRECT_H

#include <stdbool.h>

#include "ncpd/config/config.h"

/* where: mqtt[s]://HOST[:PORT], or HOST:PORT as the connection that to describes, which becomes the new one.
 * False if it is neither, or would give up the TLS of what is configured; to is undefined then. */
bool redirect_take(struct cloud_config *to, const struct cloud_config *configured, const char *where);

#endif
