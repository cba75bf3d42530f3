/* Help texts, made from the command rows. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/base/command.h"

void help_overview(void);
void help_command(const struct command *command);
/* The commands of a group ("tag"). */
void help_group(const char *group);

#endif
