/* What a configuration must have. A file of its own: a product asks in its tests, or once when it starts; the
 * client, which could do nothing but stop, does not ask again. */
#include "core/mcu/client.h"

#include <string.h>

enum { CHUNK_MIN = 64 };

/* Pointers that may not be missing. */
static bool has_all(const struct tdm_mcu_config *c)
{
#define AT(member) (uint8_t) offsetof(struct tdm_mcu_config, member)
    static const uint8_t needed[] = {AT(ops),           AT(flash),      AT(layout),      AT(work),
                                     AT(chunk),         AT(rx),         AT(type),        AT(version),
                                     AT(build),         AT(library),    AT(hardware),    AT(template_id),
                                     AT(template_name), AT(trust.keys), AT(trust.verify)};
#undef AT
    const void *pointer = c;

    for (size_t i = 0; i < sizeof needed && pointer != NULL; i++)
        memcpy(&pointer, (const uint8_t *)c + needed[i], sizeof pointer);
    return pointer != NULL;
}

static bool is_sound(const struct tdm_mcu_config *c)
{
    return c->ops->set_baud != NULL && c->ops->reset != NULL && c->ops->feed_watchdog != NULL &&
           (c->decoder == NULL || c->decoding != NULL) && (c->plain == NULL || c->offer != NULL) &&
           (c->self_tests == NULL || c->self_tests->list != NULL) && c->chunk_bytes >= CHUNK_MIN &&
           c->chunk_bytes <= TDM_FRAME_PAYLOAD_MAX + 1 - TDM_MCU_CHUNK_OVERHEAD &&
           c->rx_bytes >= TDM_MCU_RX_BYTES_MIN &&
           c->rx_bytes >= c->chunk_bytes + (size_t)TDM_MCU_CHUNK_OVERHEAD && c->running_bank < TDM_BANKS &&
           c->attempts > 0;
}

int tdm_mcu_check(const struct tdm_mcu_config *config)
{
    return has_all(config) && is_sound(config) ? TDM_OK : TDM_E_ARGUMENT;
}
