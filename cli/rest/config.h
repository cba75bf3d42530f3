/* Which server, and with which token: from options, the environment, or a configuration file. */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "cli/base/command.h"

struct config {
    char *url; /* without a slash at its end */
    char *token;
    char *
        ca; /* a file: the authorities that the server's certificate is checked against; NULL: the system's */
};

/* Each value from the first place that has it: --url, --token and --ca, TANDEM_URL, TANDEM_TOKEN and
 * TANDEM_CA, the file of --config or ~/.config/tandem/config. CLI_OK, or CLI_USAGE or CLI_FAILED with the
 * reason on standard error. config_free is safe either way. */
int config_load(struct config *config, const struct invocation *call);
/* The same without a token, for whoever has none yet. */
int config_load_url(struct config *config, const struct invocation *call);
/* The file that config_load reads, created or not: of --config, or in the user's home. False if there is no
 * home. */
bool config_place(const struct invocation *call, char *path, size_t capacity);
void config_free(struct config *config);

#endif
