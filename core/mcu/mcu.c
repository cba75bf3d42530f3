/* The whole client: configuration, the calls that the co-processor makes, and one poll over all parts.
 *
 *     UART bytes -> station -> serve -> link_up | update | the application's events
 *     time       -> poll: station, link_up, health, update (and report), leaving */
#include "core/mcu/client.h"

#include <string.h>

enum { DRAIN_MS = 100 }; /* what waits to be sent before a reset gets at most this long */

/* --- What the parts share --- */

void tdm__emit(const struct tdm_mcu *mcu, struct tdm_mcu_event *event)
{
    event->done = mcu->file.offset;
    event->total = mcu->file.bytes;
    if (mcu->config->ops->event != NULL)
        mcu->config->ops->event(mcu->config->ctx, event);
}

void tdm__emit_value(const struct tdm_mcu *mcu, enum tdm_mcu_event_kind kind, uint8_t value)
{
    struct tdm_mcu_event event = {.kind = kind, .value = value};

    tdm__emit(mcu, &event);
}

bool tdm__is_yes(int error, struct tdm_reader *results)
{
    return error == TDM_OK && tdm_get_bool(results) && tdm_reader_done(results);
}

uint32_t tdm__time_left(const struct tdm_mcu *mcu, uint32_t when_ms)
{
    return tdm__is_past(mcu, when_ms) ? 0 : when_ms - mcu->now_ms;
}

uint32_t tdm__ask(struct tdm_mcu *mcu, struct tdm_request *call, const struct tdm_question *question)
{
    tdm_station_ask(&mcu->station, call, question, mcu, mcu->now_ms);
    return 0;
}

void tdm__drop(struct tdm_mcu *mcu, struct tdm_request *call)
{
    tdm_station_cancel(&mcu->station, call);
}

void tdm__feed(void *ctx)
{
    const struct tdm_mcu *mcu = ctx;

    if (mcu->healthy)
        mcu->config->ops->feed_watchdog(mcu->config->ctx);
}

struct tdm_trust tdm__trust(const struct tdm_mcu *mcu)
{
    struct tdm_trust trust = mcu->config->trust;

    trust.revoked_keys = mcu->log.record.revoked_keys;
    return trust;
}

uint8_t tdm__target_bank(const struct tdm_mcu *mcu)
{
    const struct tdm_mcu_config *config = mcu->config;

    return config->role != NULL ? config->running_bank : (uint8_t)(1 - config->running_bank);
}

bool tdm__read_running(struct tdm_mcu *mcu, struct tdm_manifest *manifest)
{
    const struct tdm_mcu_config *config = mcu->config;
    struct tdm_trust trust = tdm__trust(mcu);

    tdm__feed(mcu);
    mcu->running_known = tdm_bank_header(manifest, config->layout, config->running_bank, config->flash,
                                         &trust, config->work->front) == TDM_OK;
    tdm__feed(mcu);
    if (mcu->running_known)
        memcpy(mcu->running_digest, manifest->image_digest, sizeof mcu->running_digest);
    return mcu->running_known;
}

void tdm__leave(struct tdm_mcu *mcu, enum tdm_reset_cause cause)
{
    mcu->leaving = true;
    mcu->leave_cause = (uint8_t)cause;
    mcu->leave_ms = mcu->now_ms + DRAIN_MS;
}

/* --- Calls of the co-processor --- */

static const struct service *find_service(uint16_t uid);

static int serve_ping(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    (void)mcu, (void)args;
    return TDM_STATUS_OK;
}

static int serve_reboot(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    (void)args;
    tdm__leave(mcu, TDM_RESET_SOFT);
    return TDM_SERVE_TRUE;
}

static int serve_has_uid(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    (void)mcu;
    return find_service(tdm_get_u16(args)) != NULL ? TDM_SERVE_TRUE : TDM_SERVE_FALSE;
}

static int serve_state(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    tdm__link_state(mcu, tdm_get_u8(args));
    return TDM_STATUS_OK;
}

static int serve_vpin(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    struct tdm_mcu_event event = {.kind = TDM_MCU_VPIN};

    event.vpin = tdm_get_u16(args);
    event.data = tdm_get_binary(args, &event.bytes);
    if (tdm_reader_done(args))
        tdm__emit(mcu, &event);
    return TDM_STATUS_OK;
}

static int serve_event(struct tdm_mcu *mcu, struct tdm_reader *args)
{
    uint8_t event = tdm_get_u8(args);

    tdm__emit_value(mcu, TDM_MCU_NCP_EVENT, event);
    if (event == TDM_EVENT_NCP_REBOOTING)
        tdm__link_lost(mcu);
    return TDM_STATUS_OK;
}

enum { ANY = 0xFF };

/* Everything that is served. */
static const struct service {
    uint16_t uid;
    uint8_t bytes; /* of its arguments; ANY: it looks itself */
    int (*serve)(struct tdm_mcu *mcu, struct tdm_reader *args);
} services[] = {
    {TDM_UID_MCU_PING, 0, serve_ping},
    {TDM_UID_MCU_REBOOT, 0, serve_reboot},
    {TDM_UID_MCU_HAS_UID, 2, serve_has_uid},
    {TDM_UID_STATE_CHANGE, 1, serve_state},
    {TDM_UID_VPIN_CHANGE, ANY, serve_vpin},
    {TDM_UID_PROCESS_EVENT, 1, serve_event},
    {TDM_UID_OTA_AVAILABLE, ANY, tdm__serve_available},
    {TDM_UID_OTA_WRITE, ANY, tdm__serve_write},
    {TDM_UID_OTA_FINISH, 0, tdm__serve_finish},
    {TDM_UID_OTA_CANCEL, 0, tdm__serve_cancel},
};

static const struct service *find_service(uint16_t uid)
{
    size_t row = sizeof services / sizeof services[0];

    while (row-- > 0)
        if (services[row].uid == uid)
            return &services[row];
    return NULL;
}

static int serve(void *ctx, uint16_t uid, uint16_t msg_id, struct tdm_reader *args)
{
    struct tdm_mcu *mcu = ctx;
    const struct service *service = find_service(uid);

    mcu->heard_ms = mcu->now_ms;
    if (service == NULL)
        return TDM_STATUS_UNKNOWN_UID;
    if (service->bytes != ANY && args->length - args->position != service->bytes)
        return TDM_STATUS_ARGS_READ;
    mcu->serving = msg_id;
    return service->serve(mcu, args);
}

/* --- The client --- */

void tdm_mcu_init(struct tdm_mcu *mcu, const struct tdm_mcu_config *config, uint32_t now_ms)
{
    struct tdm_manifest running;

    memset(mcu, 0, sizeof *mcu); /* a link that was lost, and no update */
    mcu->config = config;
    mcu->now_ms = now_ms;
    mcu->healthy = true;
    tdm_station_init(&mcu->station, config->rx, config->rx_bytes, serve, mcu);
    /* log.found tells; without a record the client only keeps the link */
    if (tdm_record_load(&mcu->log, config->flash, config->layout) == TDM_OK)
        (void)tdm__read_running(mcu, &running);
    mcu->link.wake_ms = now_ms;
    mcu->file.settled_ms = now_ms;
    tdm__health_start(mcu);
}

void tdm_mcu_receive(struct tdm_mcu *mcu, const uint8_t *bytes, size_t count, uint32_t now_ms)
{
    mcu->now_ms = now_ms;
    if (!mcu->dead)
        tdm_station_receive(&mcu->station, bytes, count);
}

static bool is_drained(const struct tdm_mcu *mcu)
{
    const struct tdm_mcu_ops *ops = mcu->config->ops;

    return mcu->update.answer == 0 && tdm_station_idle(&mcu->station) && ops->drained != NULL &&
           ops->drained(mcu->config->ctx);
}

/* Resets as soon as all is out. The other parts rest but for what they still have to say. */
static uint32_t leave(struct tdm_mcu *mcu)
{
    if (!tdm__is_past(mcu, mcu->leave_ms) && !is_drained(mcu))
        return 1;
    mcu->dead = true;
    mcu->config->ops->reset(mcu->config->ctx, (enum tdm_reset_cause)mcu->leave_cause);
    return TDM__NEVER;
}

uint32_t tdm_mcu_poll(struct tdm_mcu *mcu, uint32_t now_ms)
{
    uint32_t wait_ms;

    mcu->now_ms = now_ms;
    if (mcu->dead)
        return TDM__NEVER;
    mcu->healthy = mcu->config->ops->healthy == NULL || mcu->config->ops->healthy(mcu->config->ctx);
    tdm__feed(mcu);
    if (mcu->hold != NULL)
        mcu->hold->count(mcu);
    wait_ms = tdm_station_poll(&mcu->station, mcu->now_ms);
    if (!mcu->leaving) {
        wait_ms = tdm__sooner(wait_ms, tdm__link_poll(mcu));
        if (wait_ms == 0)
            return 0; /* it asked: that goes out first, for what follows may take longer than an answer */
        wait_ms = tdm__sooner(wait_ms, tdm__health_poll(mcu));
    }
    wait_ms = tdm__sooner(wait_ms, tdm__update_poll(mcu));
    return mcu->leaving ? tdm__sooner(wait_ms, leave(mcu)) : wait_ms;
}

size_t tdm_mcu_pull(struct tdm_mcu *mcu, uint8_t *out, size_t capacity, uint32_t now_ms)
{
    size_t count = mcu->dead ? 0 : tdm_station_pull(&mcu->station, out, capacity);

    if (count > 0)
        mcu->link.sent_ms = now_ms;
    return count;
}

struct tdm_station *tdm_mcu_station(struct tdm_mcu *mcu)
{
    return &mcu->station;
}

bool tdm_mcu_is_up(const struct tdm_mcu *mcu)
{
    return mcu->link.up;
}

bool tdm_mcu_on_trial(const struct tdm_mcu *mcu)
{
    const struct tdm_record *record = &mcu->log.record;

    return record->state == TDM_BOOT_TRIAL && record->target == mcu->config->running_bank;
}
