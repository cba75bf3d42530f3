/* blynk.factoryTest*: calls that are answered once their result is known. */
#ifndef NCPD_FACTORY_H
#define NCPD_FACTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "ncpd/cloud/cloud_link.h"
#include "ncpd/config/config.h"
#include "ncpd/machine/hook.h"
#include "tandem/ncp.h"

struct event_base;
struct factory;

/* wake is called when an answer waits to be sent. Everything stays the caller's. Never NULL. */
struct factory *factory_new(struct event_base *base, const struct mcu_config *mcu, struct tdm_ncp *ncp,
                            struct cloud_link *cloud, struct hook *hook, void (*wake)(void *ctx), void *ctx);
void factory_free(struct factory *factory);

/* Each as a tdm_serve_fn: by the hook, or by a connection to the cloud. */
int factory_test_wifi(struct factory *factory, uint16_t msg_id, const char *ssid, const char *password,
                      struct tdm_writer *results);
int factory_test_ap(struct factory *factory, uint16_t msg_id, uint16_t channel, struct tdm_writer *results);
int factory_test_connect(struct factory *factory, uint16_t msg_id, struct tdm_writer *results);

#endif
