/* What reaches the server over HTTP: the first byte chooses the parser, the rest is its input. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/api.h"
#include "cloud/fleet/devices/report.h"
#include "cloud/fleet/firmware/intake.h"
#include "cloud/fleet/firmware/ticket.h"
#include "cloud/net/http/http_head.h"
#include "cloud/net/http/http_query.h"
#include "cloud/net/http/http_value.h"
#include "cloud/people/proxy.h"
#include "fuzz/fuzz.h"

/* The input as a text. The caller frees it. */
static char *terminated(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/* Whatever a header says, what comes of it is an address: the proxy's own, or one that it wrote. */
static void fuzz_forwarded(const struct http_head *head)
{
    struct proxies proxies = {0};
    const char *bad;
    char forwarded[HTTP_HEAD_MAX];
    char client[RECORD_ADDRESS];
    uint8_t address[16];
    require(proxies_add(&proxies, "10.0.0.0/8,2001:db8::/32", &bad));
    if (!http_head_values(head, "x-forwarded-for", forwarded, sizeof forwarded))
        return;
    proxies_client(&proxies, "10.0.0.5", forwarded, client);
    require(inet_pton(AF_INET, client, address) == 1 || inet_pton(AF_INET6, client, address) == 1);
    (void)proxies_add(&proxies, forwarded, &bad);
}

static void fuzz_head(const uint8_t *data, size_t size)
{
    struct http_head head;
    char value[64];
    int length = http_head_parse(&head, (const char *)data, size);
    require(length <= (int)size);
    if (length <= 0)
        return;
    require(head.path[0] == '/' && head.content_length >= 0);
    int64_t id;
    char methods[ROUTE_METHODS_MAX];
    (void)route_find("GET", head.path, &id);
    (void)route_methods(head.path, methods);
    char name[24];
    for (size_t at = 0; http_query_next(head.query, &at, name, sizeof name, value, sizeof value) > 0;) {
    }
    (void)http_query_get(head.query, "token", value, sizeof value);
    (void)http_bearer(http_head_value(&head, "authorization"));
    (void)http_cookie_get(http_head_value(&head, "cookie"), "session", value, sizeof value);
    fuzz_forwarded(&head);
}

static void fuzz_range(const uint8_t *data, size_t size)
{
    char *text = terminated(data, size);
    int64_t start;
    int64_t length;
    for (int64_t file = 0; file <= 1000; file += 250) {
        if (http_range_parse(text, file, &start, &length) == HTTP_RANGE_PART)
            require(start >= 0 && length > 0 && start + length <= file);
    }
    free(text);
}

static void fuzz_ticket(const uint8_t *data, size_t size)
{
    static const uint8_t key[SECRET_KEY_BYTES];
    struct ticket ticket;
    char *text = terminated(data, size);
    (void)ticket_read(&ticket, key, text);
    free(text);
}

/* In one piece and in pieces of the size that the second byte says: the verdict is the same. */
static void fuzz_upload(const uint8_t *data, size_t size)
{
    struct firmware whole;
    struct firmware pieces;
    struct intake intake;
    char why[300];
    size_t step = size == 0 ? 1 : data[0] % 80 + 1;
    require(intake_init(&intake));
    intake_feed(&intake, data, size);
    bool taken = intake_finish(&intake, &whole, why, sizeof why);
    intake_clear(&intake);
    require(intake_init(&intake));
    for (size_t at = 0; at < size; at += step)
        intake_feed(&intake, data + at, size - at < step ? size - at : step);
    require(intake_finish(&intake, &pieces, why, sizeof why) == taken);
    require(!taken ||
            (strcmp(whole.version, pieces.version) == 0 && memcmp(whole.digest, pieces.digest, 32) == 0));
    intake_clear(&intake);
}

static void fuzz_reports(const uint8_t *data, size_t size)
{
    struct report report;
    struct check_in check_in;
    (void)report_parse(data, size, &report);
    (void)report_parse_check_in(data, size, &check_in);
}

/* A body for one of the calls that take one. */
static void fuzz_call(const char *path, const uint8_t *data, size_t size)
{
    static struct fleet fleet;
    char why[100];
    int64_t id;
    if (fleet.store == NULL) {
        require(store_open(&fleet.store, ":memory:", why, sizeof why) == STORE_OK);
        fleet.limits = status_limits_default;
        fleet.now = 1700000000000;
    }
    struct api_call call = {.route = route_find("POST", path, &id),
                            .caller = {.organization = RECORD_FIRST_ORGANIZATION,
                                       .account = 1,
                                       .role = ROLE_ADMIN,
                                       .areas = UINT32_MAX},
                            .body = (const char *)data,
                            .body_bytes = size};
    require(store_begin(fleet.store) == STORE_OK);
    int result = api_answer(&call, &fleet);
    require(call.answer != NULL && (result == STORE_OK) == (call.status < 400));
    api_clear(&call);
    store_rollback(fleet.store);
    while (fleet.effects != NULL) {
        struct effect *next = fleet.effects->next;
        free(fleet.effects);
        fleet.effects = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    switch (data[0] % 7) {
    case 0:
        fuzz_head(data + 1, size - 1);
        break;
    case 1:
        fuzz_range(data + 1, size - 1);
        break;
    case 2:
        fuzz_ticket(data + 1, size - 1);
        break;
    case 3:
        fuzz_upload(data + 1, size - 1);
        break;
    case 4:
        fuzz_reports(data + 1, size - 1);
        break;
    case 5:
        fuzz_call("/api/v1/devices", data + 1, size - 1);
        break;
    default:
        fuzz_call("/api/v1/shipments", data + 1, size - 1);
    }
    return 0;
}
