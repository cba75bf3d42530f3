/* Virtual pins. A file of its own: who writes none pays nothing. */
#include "tandem/mcu.h"

#include <string.h>

static void put_pin(const void *ctx, struct tdm_writer *args)
{
    const struct tdm_mcu_pin *pin = ctx;

    tdm_put_u16(args, pin->vpin);
    tdm_put_binary(args, pin->value, (uint16_t)strlen(pin->value));
}

int tdm_mcu_virtual_write(struct tdm_mcu *mcu, struct tdm_mcu_pin *pin, uint16_t vpin, const char *value,
                          uint32_t now_ms)
{
    static const struct tdm_question virtual_write = {TDM_UID_VIRTUAL_WRITE, 0, put_pin, NULL};

    if (!mcu->link.up)
        return TDM_E_STATE;
    if (tdm_mcu_pin_waits(pin))
        return TDM_E_BUSY;
    pin->vpin = vpin;
    pin->value = value;
    tdm_station_ask(&mcu->station, &pin->request, &virtual_write, pin, now_ms);
    return TDM_OK;
}
