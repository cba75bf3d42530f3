/* Every command, in the order of the help. X(name): a file of cli/ defines `command_<name>`. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

#define CLI_COMMANDS(X)                                                                                      \
    X(tag_create)                                                                                            \
    X(tag_extract)                                                                                           \
    X(tag_show)                                                                                              \
    X(keygen)                                                                                                \
    X(pack)                                                                                                  \
    X(encode)                                                                                                \
    X(inspect)                                                                                               \
    X(verify)                                                                                                \
    X(factory)                                                                                               \
    X(layout)                                                                                                \
    X(torture)                                                                                               \
    X(login)                                                                                                 \
    X(device_add)                                                                                            \
    X(device_list)                                                                                           \
    X(device_show)                                                                                           \
    X(why)                                                                                                   \
    X(consent)                                                                                               \
    X(firmware_upload)                                                                                       \
    X(firmware_list)                                                                                         \
    X(ship)                                                                                                  \
    X(shipment_list)                                                                                         \
    X(shipment_show)                                                                                         \
    X(shipment_pause)                                                                                        \
    X(shipment_resume)                                                                                       \
    X(user_list)                                                                                             \
    X(user_add)                                                                                              \
    X(user_set)                                                                                              \
    X(user_password)                                                                                         \
    X(user_delete)                                                                                           \
    X(token_list)                                                                                            \
    X(token_add)                                                                                             \
    X(token_delete)                                                                                          \
    X(organization_list)                                                                                     \
    X(organization_add)                                                                                      \
    X(audit)                                                                                                 \
    X(shipment_cancel)                                                                                       \
    X(shipment_advance)                                                                                      \
    X(shipment_revert)                                                                                       \
    X(shipment_report)                                                                                       \
    X(ncp_status)

#define CLI_COMMAND_DECLARE(name) extern const struct command command_##name;
CLI_COMMANDS(CLI_COMMAND_DECLARE)
#undef CLI_COMMAND_DECLARE

#endif
