/* A transfer that goes on in the middle: where in the file the image's bytes lie (docs/EXTENSIONS.md,
 * "otaUpdateResume"; docs/PACKAGE.md). */
#include "core/ncp/feeder.h"

#include "tandem/package.h"

enum { FRAME_BYTES = 16384, LENGTH_BYTES = 2 }; /* of payloads in frames */

struct payload {
    uint32_t start; /* in the file */
    uint32_t bytes;
    bool framed; /* it can be entered at frames only */
};

static int read_file(struct tdm_ncp *ncp, uint32_t offset, void *to, size_t bytes)
{
    return ncp->config->ops->read(ncp->config->ctx, ncp->firmware.id, offset, to, bytes);
}

/* False if it is not known where the payload lies. */
static bool find_payload(struct tdm_ncp *ncp, struct payload *payload)
{
    uint32_t file_bytes = ncp->firmware.bytes;
    struct tdm_envelope envelope;
    uint8_t data[TDM_ENVELOPE_BYTES];
    int error;

    *payload = (struct payload){0, file_bytes, false};
    if (file_bytes < sizeof data)
        return true;
    if (read_file(ncp, 0, data, sizeof data) != TDM_OK)
        return false;
    error = tdm_envelope_parse(&envelope, data, sizeof data);
    if (error == TDM_E_FORMAT) { /* no package: the file is the image */
        return true;
    }
    if (error != TDM_OK || envelope.payload_bytes > file_bytes)
        return false;
    *payload = (struct payload){file_bytes - envelope.payload_bytes, envelope.payload_bytes,
                                envelope.encoding == TDM_ENCODING_LZMA_FRAMED};
    return true;
}

/* Finds the frame that holds image byte *position, which becomes the frame's first; *offset is where it
 * starts in the payload. False if there are not so many. */
static bool enter_frame(struct tdm_ncp *ncp, const struct payload *payload, uint32_t *position,
                        uint32_t *offset)
{
    uint32_t frames = *position / FRAME_BYTES;

    *offset = 0;
    *position = frames * FRAME_BYTES;
    while (frames-- > 0) {
        uint8_t length[LENGTH_BYTES];

        if (payload->bytes - *offset < sizeof length ||
            read_file(ncp, payload->start + *offset, length, sizeof length) != TDM_OK)
            return false;
        *offset += (uint32_t)sizeof length + length[0] + 256u * length[1];
        if (*offset > payload->bytes)
            return false;
    }
    return true;
}

bool tdm__feeder_resume(struct tdm_ncp *ncp, uint32_t *position, uint32_t *offset, uint32_t now_ms)
{
    struct payload payload;

    if (ncp->step != TDM__SENDING || !find_payload(ncp, &payload))
        return false;
    *offset = *position;
    if (payload.framed ? !enter_frame(ncp, &payload, position, offset) : *position > payload.bytes)
        return false;
    *offset += payload.start;
    if (*offset > ncp->resumed) {
        ncp->resumed = *offset;
        ncp->offers = 1;
    }
    tdm__feeder_send_from(ncp, *offset, now_ms);
    return true;
}
