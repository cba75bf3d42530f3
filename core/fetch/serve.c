/* What the co-processor calls. Whatever asks for more than an answer is noted, and attended to by whoever
 * waits. */
#include "core/fetch/fetch.h"

enum { DATA_AT = 12 }; /* of a chunk: behind opcode, uid, message id, offset and length */

enum {
    MCU_PING, /* answered with a status alone, */
    OTA_CANCEL,
    MCU_REBOOT, /* with true, */
    OTA_AVAILABLE,
    MCU_HAS_UID,
    OTA_WRITE, /* or by whoever takes the file, with false if nobody does */
    OTA_FINISH,
    STATE_CHANGE, /* Only known: what a bootloader has to know of the network, bring-up and chunks tell. */
    VPIN_CHANGE,
    PROCESS_EVENT,
    CALLS
};

static const uint16_t uids[CALLS] = {
    [MCU_PING] = TDM_UID_MCU_PING,       [OTA_CANCEL] = TDM_UID_OTA_CANCEL,
    [MCU_REBOOT] = TDM_UID_MCU_REBOOT,   [OTA_AVAILABLE] = TDM_UID_OTA_AVAILABLE,
    [MCU_HAS_UID] = TDM_UID_MCU_HAS_UID, [OTA_WRITE] = TDM_UID_OTA_WRITE,
    [OTA_FINISH] = TDM_UID_OTA_FINISH,   [STATE_CHANGE] = TDM_UID_STATE_CHANGE,
    [VPIN_CHANGE] = TDM_UID_VPIN_CHANGE, [PROCESS_EVENT] = TDM_UID_PROCESS_EVENT,
};

static unsigned find(uint32_t uid)
{
    unsigned call = 0;

    while (call < CALLS && uids[call] != uid)
        call++;
    return call;
}

/* What it says of a package decides nothing: its front does, once the signature verified. */
static void read_offer(struct tdm_fetch *f)
{
    const struct tdm_fetch_plain *plain = f->product->plain;

    tdm__fetch_skip_text(f); /* file name */
    f->file_bytes = tdm__fetch_get(f, 4);
    if (plain != NULL) {
        plain->read_texts(f);
        return;
    }
    tdm__fetch_skip_text(f); /* type */
    tdm__fetch_skip_text(f); /* version */
    tdm__fetch_skip_text(f); /* build */
}

static void read_chunk(struct tdm_fetch *f)
{
    f->chunk.offset = tdm__fetch_get(f, 4);
    f->chunk.bytes = tdm__fetch_get(f, 2);
    f->data = f->frame + DATA_AT;
    f->at += f->chunk.bytes;
    f->chunk.crc32 = tdm__fetch_get(f, 4);
}

/* Returns the argument, where it is a uid. */
static uint32_t read_arguments(struct tdm_fetch *f, unsigned call)
{
    if (call == OTA_AVAILABLE)
        read_offer(f);
    else if (call == OTA_WRITE)
        read_chunk(f);
    else if (call == MCU_HAS_UID)
        return tdm__fetch_get(f, 2);
    return 0;
}

static enum tdm__heard act(struct tdm_fetch *f, unsigned call, uint32_t uid)
{
    enum tdm__heard heard = TDM__HEARD_NOTHING;
    bool yes = call < OTA_WRITE;

    if (call == OTA_AVAILABLE || (call == OTA_CANCEL && f->busy)) {
        f->news = call == OTA_AVAILABLE ? TDM_REASON_SUPERSEDED : TDM_REASON_CANCELLED;
        heard = TDM__HEARD_NEWS;
    } else if (call >= OTA_WRITE && f->receiving) {
        return call == OTA_WRITE ? TDM__HEARD_WRITE : TDM__HEARD_FINISH;
    } else if (call == MCU_HAS_UID) {
        yes = find(uid) < CALLS;
    }
    if (call <= OTA_CANCEL)
        tdm__fetch_put_result(f, f->call_id, TDM_STATUS_OK, 1);
    else
        tdm__fetch_answer(f, f->call_id, yes);
    if (call == MCU_REBOOT)
        f->product->reset(f->ctx);
    return heard;
}

static enum tdm__heard serve_result(struct tdm_fetch *f, uint32_t id)
{
    if (tdm__fetch_get(f, 1) != TDM_STATUS_OK)
        f->at = f->length;
    return id == f->asked ? TDM__HEARD_RESULT : TDM__HEARD_NOTHING;
}

static enum tdm__heard serve_invoke(struct tdm_fetch *f, uint32_t uid)
{
    unsigned call = find(uid);
    uint8_t status = TDM_STATUS_UNKNOWN_UID;

    f->call_id = (uint16_t)tdm__fetch_get(f, 2);
    if (call < STATE_CHANGE) {
        uid = read_arguments(f, call);
        status = TDM_STATUS_ARGS_READ;
        if (f->at == f->length)
            return act(f, call, uid);
    }
    tdm__fetch_put_result(f, f->call_id, status, 1);
    return TDM__HEARD_NOTHING;
}

enum tdm__heard tdm__fetch_serve(struct tdm_fetch *f)
{
    uint32_t opcode = tdm__fetch_get(f, 2);
    uint32_t second = tdm__fetch_get(f, 2);

    if (opcode == TDM_OPCODE_RESULT)
        return serve_result(f, second);
    if (opcode == TDM_OPCODE_INVOKE)
        return serve_invoke(f, second);
    return TDM__HEARD_NOTHING; /* states and events of the network, and virtual pins, are oneways */
}
