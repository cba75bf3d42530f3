/* What a balancer says before a connection: any bytes are read, waited for or refused; what was read does not
 * depend on how much more has arrived. */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/net/doors/proxy_header.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char client[PROXY_HEADER_CLIENT];
    char again[PROXY_HEADER_CLIENT];
    uint8_t address[16];
    if (size == 0)
        return 0;
    int length = proxy_header_read(data, size, client);
    if (length > (int)size || length > PROXY_HEADER_MAX || strlen(client) >= sizeof client)
        abort();
    if (client[0] != '\0' && inet_pton(AF_INET, client, address) != 1 &&
        inet_pton(AF_INET6, client, address) != 1)
        abort();
    if (length <= 0 && client[0] != '\0')
        abort();
    if (length <= 0)
        return 0;
    if (proxy_header_read(data, (size_t)length, again) != length || strcmp(client, again) != 0)
        abort();
    if (length > 1 && proxy_header_read(data, (size_t)length - 1, again) > 0)
        abort();
    return 0;
}
