/* What tandem-ncp is told to do: by a file, the environment, or the command line (docs/NCP.md,
 * "Configuration").
 *
 * Each setting of an MCU is one row of a table (settings.c), from which the file's keys, the variables, the
 * options, the help and the error texts come. */
#ifndef NCPD_CONFIG_H
#define NCPD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ncpd/config/pin_map.h"

enum { CONFIG_NAME_MAX = 32, CONFIG_TEXT = 256, CONFIG_MCUS = 32, EXIT_USAGE = 2 };

struct cloud_config {
    char host[CONFIG_TEXT];
    uint16_t port;
    bool tls;
    bool is_tandem; /* takes our reports */
};

/* One primary MCU and everything around it. Texts that are "" were not given. */
struct mcu_config {
    char name[CONFIG_NAME_MAX + 1];
    char uart[CONFIG_TEXT]; /* a device, a pattern of such, or the path of a UNIX socket */
    bool uart_is_socket;
    uint32_t uart_baud; /* initial rate */
    struct cloud_config cloud;
    char ca_file[CONFIG_TEXT]; /* trusted alone; "": the system's */
    char certificate[CONFIG_TEXT];
    char key[CONFIG_TEXT];
    char token_file[CONFIG_TEXT];
    char token_credential[CONFIG_TEXT]; /* a file of the service manager's credentials folder */
    char data[CONFIG_TEXT];
    uint32_t update_limit_s; /* from an offer to the end of its update */
    uint32_t start_limit_s;  /* from an accepted offer to otaUpdateStart */
    uint32_t stall_s;        /* a download without a byte for so long is cut */
    uint32_t attempts;       /* of a download, in a row without a new byte */
    uint32_t keep_s;         /* how long a file that nobody needs is kept */
    uint32_t message_bytes;  /* longest message to the MCU, outside of updates */
    char hotspot[CONFIG_TEXT];
    char hook[CONFIG_TEXT];
    char led[CONFIG_TEXT]; /* folder of /sys/class/leds */
    char rgb[3][CONFIG_TEXT];
    char button[CONFIG_TEXT]; /* /dev/gpiochipN:LINE */
    bool reboot_host;
    bool vendor_server;
    struct pin_map pins;
};

struct config {
    struct mcu_config *mcus;
    size_t mcu_count;
    char status_socket[CONFIG_TEXT];
    char log_level[16];
    char log_format[16];
};

/* --- settings.c --- */

struct setting {
    const char *key;      /* in the file */
    const char *option;   /* on the command line, NULL if it has none */
    const char *variable; /* of the environment, NULL if it has none */
    const char *value;    /* what help calls it */
    const char *text;
    /* False if value is not what the setting takes. */
    bool (*set)(struct mcu_config *mcu, const char *value);
};

/* Ended by a row without a key. */
extern const struct setting settings[];

void mcu_config_init(struct mcu_config *mcu);

/* mqtt[s]://HOST[:PORT]. False if url is not of that form. */
bool cloud_config_parse(struct cloud_config *cloud, const char *url);

/* --- config.c --- */

/* Reads the file. False after a message on standard error that names file and line. */
bool config_read(struct config *config, const char *path);

/* Variables of the environment go before what the file says. */
bool config_apply_environment(struct config *config);

/* Fills in what follows from the rest, and says what is missing or clashes. False after a message. To check
 * it, the state folder need not be known. */
bool config_complete(struct config *config, const char *source, bool to_check);

/* The MCU of that name, made if need be; NULL where there is no room. */
struct mcu_config *config_mcu(struct config *config, const struct mcu_config *pattern, const char *name);

void config_free(struct config *config);

/* The file that holds the MCU's token: TokenFile, or the service manager's credential. */
void config_token_path(const struct mcu_config *mcu, char path[2 * CONFIG_TEXT]);

#endif
