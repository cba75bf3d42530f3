#include "ncpd/mcu_status.h"

#include "tandem/reason.h"

/* Text of a peer: "" where it is no UTF-8. */
static json_t *text(const char *from)
{
    json_t *value = json_string(from);

    return value != NULL ? value : json_string("");
}

static json_t *counters_status(const struct tdm_ncp *ncp)
{
    struct tdm_ncp_counters c;

    tdm_ncp_counters(ncp, &c);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "frames_in",
                     (json_int_t)c.frames_in, "frames_out", (json_int_t)c.frames_out, "bytes_in",
                     (json_int_t)c.bytes_in, "bytes_out", (json_int_t)c.bytes_out, "crc_errors",
                     (json_int_t)c.bad_crc, "oversized", (json_int_t)c.oversized, "cut_short",
                     (json_int_t)c.cut_short, "noise_bytes", (json_int_t)c.noise, "resends",
                     (json_int_t)c.resends, "unserved", (json_int_t)c.unserved, "sessions",
                     (json_int_t)c.sessions, "links_lost", (json_int_t)c.lost);
}

static json_t *cloud_status(const struct cloud_link *link)
{
    struct cloud_link_status cloud;

    cloud_link_status(link, &cloud);
    return json_pack("{s:s, s:i, s:b, s:b, s:I, s:I}", "host", cloud.host, "port", cloud.port, "tls",
                     cloud.tls, "connected", cloud.connected, "connections", (json_int_t)cloud.connections,
                     "dropped", (json_int_t)cloud.dropped);
}

static json_t *device_status(const struct tdm_ncp *ncp)
{
    const struct tdm_ncp_device *device = &ncp->device;

    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "template", text(device->template_id), "type",
                     text(device->firmware.type), "version", text(device->firmware.version), "build",
                     text(device->firmware.build), "library", text(device->firmware.library));
}

static json_t *update_json(const struct update *of)
{
    const struct update_status *update = update_status(of);

    return json_pack("{s:b, s:s, s:s, s:o, s:o, s:o, s:I, s:I, s:I}", "active", update->active, "stage",
                     update->stage, "reason", tdm_reason_slug(update->reason), "type",
                     text(update->offer.type), "version", text(update->offer.version), "build",
                     text(update->offer.build), "bytes", (json_int_t)update->bytes, "size",
                     (json_int_t)update->size, "changed_at", (json_int_t)update->changed_s);
}

json_t *mcu_status(const struct mcu_config *mcu, const struct tdm_ncp *ncp, const struct serial *serial,
                   const struct cloud_link *cloud, const struct update *update)
{
    const char *device = serial_device(serial);

    return json_pack("{s:s, s:{s:s, s:b, s:s, s:s, s:I}, s:s, s:i, s:o, s:o, s:o, s:o}", "name", mcu->name,
                     "uart", "path", mcu->uart, "open", device != NULL, "device",
                     device != NULL ? device : "", "error", serial_error(serial), "baud",
                     (json_int_t)tdm_ncp_baud(ncp), "link", tdm_ncp_link_slug(ncp), "state",
                     (int)tdm_ncp_state(ncp), "cloud", cloud_status(cloud), "device", device_status(ncp),
                     "update", update_json(update), "counters", counters_status(ncp));
}
