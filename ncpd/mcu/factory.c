#include "ncpd/mcu/factory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ncpd/base/log.h"
#include "ncpd/base/memory.h"
#include "ncpd/firmware/transfer.h"

/* Results of docs/PROTOCOL.md, section 3; the hook's exit status is one of them, 0 for OK. */
enum { FACTORY_OK = 1, FACTORY_SYSTEM = 3, FACTORY_INTERNET = 6 };

/* A little less than the MCU waits. */
enum { WIFI_LIMIT_MS = 29000, AP_LIMIT_MS = 4500 };

struct factory {
    const struct mcu_config *mcu;
    struct tdm_ncp *ncp;
    struct cloud_link *cloud;
    struct hook *hook;
    struct transfer *probe;
    void (*wake)(void *ctx);
    void *ctx;
    uint16_t hook_id; /* call that waits for the hook, */
    bool has_rssi;    /* and whether it wants a signal strength too */
    uint16_t probe_id;
};

static void answer(struct factory *factory, uint16_t msg_id, bool has_rssi, int16_t rssi, uint8_t result)
{
    struct tdm_writer results;
    int error = tdm_ncp_answer_open(factory->ncp, msg_id, &results);

    if (error == TDM_OK) {
        if (has_rssi)
            tdm_put_i16(&results, rssi);
        tdm_put_u8(&results, result);
        error = tdm_ncp_answer_commit(factory->ncp, &results);
    }
    if (error != TDM_OK)
        log_warning(factory->mcu->name, "uart: no room for the result of a factory test");
    factory->wake(factory->ctx);
}

static int refuse(struct tdm_writer *results, bool has_rssi)
{
    if (has_rssi)
        tdm_put_i16(results, 0);
    tdm_put_u8(results, FACTORY_SYSTEM);
    return TDM_STATUS_OK;
}

/* --- By the hook --- */

static void on_hook_done(void *ctx, int status, const char *line)
{
    struct factory *factory = ctx;
    long rssi = strtol(line, NULL, 10);
    uint8_t result = status == 0                                         ? FACTORY_OK
                     : status > FACTORY_OK && status <= FACTORY_INTERNET ? (uint8_t)status
                                                                         : FACTORY_SYSTEM;

    answer(factory, factory->hook_id, factory->has_rssi,
           rssi >= INT16_MIN && rssi <= INT16_MAX ? (int16_t)rssi : 0, result);
}

static int ask_hook(struct factory *factory, uint16_t msg_id, const char *action, const char *argument,
                    const char *input, uint32_t limit_ms, bool has_rssi, struct tdm_writer *results)
{
    if (!hook_start(factory->hook, action, argument, input, limit_ms, on_hook_done, factory))
        return refuse(results, has_rssi);
    factory->hook_id = msg_id;
    factory->has_rssi = has_rssi;
    return TDM_SERVE_LATER;
}

int factory_test_wifi(struct factory *factory, uint16_t msg_id, const char *ssid, const char *password,
                      struct tdm_writer *results)
{
    return ask_hook(factory, msg_id, "test-wifi", ssid, password, WIFI_LIMIT_MS, true, results);
}

int factory_test_ap(struct factory *factory, uint16_t msg_id, uint16_t channel, struct tdm_writer *results)
{
    char number[8];

    snprintf(number, sizeof number, "%u", channel);
    return ask_hook(factory, msg_id, "test-wifi-ap", number, NULL, AP_LIMIT_MS, false, results);
}

/* --- By a connection --- */

static bool on_begin(void *ctx, const struct transfer_head *head)
{
    (void)ctx;
    (void)head;
    return false;
}

static bool on_data(void *ctx, const void *bytes, size_t count)
{
    (void)ctx;
    (void)bytes;
    (void)count;
    return false;
}

static void on_probe_done(void *ctx, const struct transfer_head *head, enum transfer_end how,
                          const char *error)
{
    struct factory *factory = ctx;

    (void)head;
    if (how != TRANSFER_WHOLE)
        log_warning(factory->mcu->name, "factory test: the cloud was not reached: %s", error);
    answer(factory, factory->probe_id, false, 0, how == TRANSFER_WHOLE ? FACTORY_OK : FACTORY_INTERNET);
}

int factory_test_connect(struct factory *factory, uint16_t msg_id, struct tdm_writer *results)
{
    struct cloud_link_status cloud;

    cloud_link_status(factory->cloud, &cloud);
    if (cloud.connected) {
        tdm_put_u8(results, FACTORY_OK);
        return TDM_STATUS_OK;
    }
    factory->probe_id = msg_id;
    transfer_probe(factory->probe, cloud.host, cloud.port, cloud.tls);
    return TDM_SERVE_LATER;
}

/* --- Outside --- */

struct factory *factory_new(struct event_base *base, const struct mcu_config *mcu, struct tdm_ncp *ncp,
                            struct cloud_link *cloud, struct hook *hook, void (*wake)(void *ctx), void *ctx)
{
    struct factory *factory = memory_zeroed(sizeof *factory);
    struct transfer_handler probe = {on_begin, on_data, on_probe_done, factory};

    *factory =
        (struct factory){.mcu = mcu, .ncp = ncp, .cloud = cloud, .hook = hook, .wake = wake, .ctx = ctx};
    factory->probe = transfer_new(base, mcu, &probe);
    return factory;
}

void factory_free(struct factory *factory)
{
    transfer_free(factory->probe);
    free(factory);
}
