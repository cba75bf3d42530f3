/* A transfer that goes on in the middle: where in the file the image's bytes lie (docs/EXTENSIONS.md,
 * "otaUpdateResume"; docs/PACKAGE.md). */
#include "core/ncp/feeder.h"

#include "tandem/package.h"

/* Where the payload lies in the file, and how long it is. False for one that can't be entered in the middle.
 */
static bool find_payload(struct tdm_ncp *ncp, uint32_t *start, uint32_t *bytes)
{
    const struct tdm_ncp_ops *ops = ncp->config->ops;
    const struct tdm_ncp_firmware *file = &ncp->firmware;
    struct tdm_envelope envelope;
    uint8_t data[TDM_ENVELOPE_BYTES];
    int error;

    *start = 0;
    *bytes = file->bytes;
    if (file->bytes < sizeof data) {
        return true;
    }
    if (ops->read(ncp->config->ctx, file->id, 0, data, sizeof data) != TDM_OK) {
        return false;
    }
    error = tdm_envelope_parse(&envelope, data, sizeof data);
    if (error == TDM_E_FORMAT) { /* no package: the file is the image */
        return true;
    }
    if (error != TDM_OK || envelope.payload_bytes > file->bytes) {
        return false;
    }
    *start = file->bytes - envelope.payload_bytes;
    *bytes = envelope.payload_bytes;
    return true;
}

bool tdm__feeder_resume(struct tdm_ncp *ncp, uint32_t *position, uint32_t *offset, uint32_t now_ms)
{
    uint32_t start, bytes;

    if (ncp->step != TDM__SENDING || !find_payload(ncp, &start, &bytes) || *position > bytes) {
        return false;
    }
    *offset = start + *position;
    if (*offset > ncp->resumed) {
        ncp->resumed = *offset;
        ncp->offers = 1;
    }
    tdm__feeder_send_from(ncp, *offset, now_ms);
    return true;
}
