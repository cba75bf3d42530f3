/* Command line of tandem-ncp. */
#ifndef NCPD_OPTIONS_H
#define NCPD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum { EXIT_USAGE = 2 };

struct options {
    char uart[256]; /* device, or path of a UNIX socket */
    bool uart_is_socket;
    uint32_t uart_baud; /* initial rate */
    char cloud_host[256];
    uint16_t cloud_port;
    bool cloud_tls;
    bool cloud_is_tandem; /* takes our reports */
    const char *token_file;
    const char *data_dir;
    const char *ca_file; /* NULL: the system's */
};

/* Reads the command line. Returns -1 to go on, or the exit status (0 after --help and --version, EXIT_USAGE
 * after a message that says what is wrong). */
int options_parse(struct options *options, int argc, char **argv);

/* Splits mqtt[s]://HOST[:PORT] into the cloud_ fields. False if it is none. */
bool options_parse_cloud(struct options *options, const char *url);

#endif
