/* Firmware files on the server. */
#ifndef CLI_FIRMWARE_H
#define CLI_FIRMWARE_H

#include "cli/rest/rest.h"

/* Uploads the file at path. CLI_OK and the server's description of it in *firmware (the caller's). */
int firmware_upload(struct rest *rest, const char *path, json_t **firmware);

#endif
