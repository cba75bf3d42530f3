/* Every command, in the order of the help. X(name): a file of cli/ defines `command_<name>`. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/base/command.h"

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
    X(device_set)                                                                                            \
    X(device_token)                                                                                          \
    X(device_revoke)                                                                                         \
    X(device_delete)                                                                                         \
    X(why)                                                                                                   \
    X(consent)                                                                                               \
    X(decline)                                                                                               \
    X(firmware_upload)                                                                                       \
    X(firmware_list)                                                                                         \
    X(firmware_deltas)                                                                                       \
    X(firmware_delete)                                                                                       \
    X(ship)                                                                                                  \
    X(shipment_list)                                                                                         \
    X(shipment_show)                                                                                         \
    X(shipment_watch)                                                                                        \
    X(shipment_pause)                                                                                        \
    X(shipment_resume)                                                                                       \
    X(shipment_cancel)                                                                                       \
    X(shipment_advance)                                                                                      \
    X(shipment_revert)                                                                                       \
    X(shipment_report)                                                                                       \
    X(shipment_delete)                                                                                       \
    X(filter_list)                                                                                           \
    X(filter_add)                                                                                            \
    X(filter_set)                                                                                            \
    X(filter_delete)                                                                                         \
    X(retention_show)                                                                                        \
    X(retention_set)                                                                                         \
    X(key_list)                                                                                              \
    X(key_add)                                                                                               \
    X(key_delete)                                                                                            \
    X(webhook_list)                                                                                          \
    X(webhook_add)                                                                                           \
    X(webhook_set)                                                                                           \
    X(webhook_test)                                                                                          \
    X(webhook_deliveries)                                                                                    \
    X(webhook_delete)                                                                                        \
    X(user_list)                                                                                             \
    X(user_add)                                                                                              \
    X(user_set)                                                                                              \
    X(user_password)                                                                                         \
    X(user_delete)                                                                                           \
    X(token_list)                                                                                            \
    X(token_add)                                                                                             \
    X(token_delete)                                                                                          \
    X(organization_list)                                                                                     \
    X(organization_show)                                                                                     \
    X(organization_set)                                                                                      \
    X(organization_add)                                                                                      \
    X(audit)                                                                                                 \
    X(ncp_status)

#define CLI_COMMAND_DECLARE(name) extern const struct command command_##name;
CLI_COMMANDS(CLI_COMMAND_DECLARE)
#undef CLI_COMMAND_DECLARE

#endif
