/* The order of preference is delta, compressed, plain. A form that is being made is waited for; one that
 * can't be had gives way to the next at once. */
#include "cloud/fleet/firmware/form.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cloud/durations.h"
#include "cloud/text.h"

#define TRIES_MAX    3
#define PATH_BYTES   4096
#define RETRY_MS     MINUTE_MS /* four times as long after each failure */
#define USED_STEP_MS HOUR_MS   /* an offer is noted that seldom: many servers would meet in the row */

static const uint8_t no_base[RECORD_DIGEST_BYTES];

enum form_kind form_kind_of(const struct form *form)
{
    return memcmp(form->base, no_base, sizeof no_base) == 0 ? FORM_COMPRESSED : FORM_DELTA;
}

const char *form_state_slug(enum form_state state)
{
    static const char *const slugs[] = {
#define FORM_STATE_SLUG(name, slug) slug,
        FORM_STATES(FORM_STATE_SLUG)
#undef FORM_STATE_SLUG
    };
    return slugs[state];
}

/* Where the file of a form is. */
static void path_of(const struct fleet *fleet, const uint8_t sha256[RECORD_DIGEST_BYTES], char *to,
                    size_t capacity)
{
    char hex[2 * RECORD_DIGEST_BYTES + 1];
    snprintf(to, capacity, "%s/%s", fleet->forms.folder, text_hex(sha256, RECORD_DIGEST_BYTES, hex));
}

/* --- The choice --- */

struct question {
    struct fleet *fleet;
    const struct device *device;
    const struct firmware *firmware;
    enum form_ask ask;
    struct form_choice *choice;
};

/* The plain package of what the device runs: without it there is nothing to make a delta from. */
static int find_base(const struct question *q, bool *found)
{
    struct firmware base;
    int result =
        store_firmware_of_image(q->fleet->store, q->firmware->organization, q->device->digest, &base);
    *found = result == STORE_OK && strcmp(base.hardware, q->firmware->hardware) == 0 &&
             memcmp(base.digest, q->firmware->digest, sizeof base.digest) != 0;
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

static int want(const struct question *q, struct form *form)
{
    struct fleet *fleet = q->fleet;
    form->state = FORM_STATE_WANTED;
    form->wanted = fleet->now;
    if (q->ask != FORM_ASK)
        return STORE_OK;
    int result = form->id != 0 ? store_form_update(fleet->store, form) : store_form_add(fleet->store, form);
    if (result == STORE_CONFLICT) /* another server was faster */
        result = STORE_OK;
    if (result == STORE_OK)
        atomic_store(&fleet->forms.wanted, true);
    return result;
}

static int find_or_want(const struct question *q, const uint8_t *base, struct form *form, bool *there)
{
    bool has_base = true;
    int result = store_form_find(q->fleet->store, q->firmware->id, base, form);
    *there = result == STORE_OK;
    if (*there && form->state == FORM_STATE_FAILED && form->tries < TRIES_MAX && form->due <= q->fleet->now)
        return want(q, form);
    if (result != STORE_NOT_FOUND)
        return result;
    result = base != no_base ? find_base(q, &has_base) : STORE_OK;
    if (result != STORE_OK)
        return result;
    *form = (struct form){.firmware = q->firmware->id};
    memcpy(form->base, base, sizeof form->base);
    *there = has_base;
    return has_base ? want(q, form) : STORE_OK;
}

static int take_ready(const struct question *q, struct form *form)
{
    q->choice->kind = form_kind_of(form);
    q->choice->form = form->id;
    q->choice->bytes = form->size;
    q->choice->until = 0;
    if (q->ask == FORM_LOOK || q->fleet->now - form->used < USED_STEP_MS)
        return STORE_OK;
    form->used = q->fleet->now;
    return store_form_update(q->fleet->store, form);
}

/* *settled: it is offered, or waited for. */
static int consider(struct question *q, const uint8_t *base, bool *settled)
{
    struct form form;
    bool there;
    *settled = false;
    int result = find_or_want(q, base, &form, &there);
    if (result != STORE_OK || !there)
        return result;
    *settled = form.state == FORM_STATE_READY;
    if (*settled)
        return take_ready(q, &form);
    if (form.state != FORM_STATE_WANTED && form.state != FORM_STATE_MAKING)
        return STORE_OK;
    int64_t until = form.wanted + q->fleet->forms.wait_ms;
    if (q->ask == FORM_NOW || until <= q->fleet->now) {
        q->ask = FORM_NOW; /* it was waited for long enough: no waiting for the next one */
        return STORE_OK;
    }
    q->choice->until = until;
    *settled = true;
    return STORE_OK;
}

int form_choose(struct fleet *fleet, const struct device *device, const struct firmware *firmware,
                const struct target *target, enum form_ask ask, struct form_choice *choice)
{
    struct question q = {fleet, device, firmware, ask, choice};
    bool settled = false;
    int result = STORE_OK;
    *choice = (struct form_choice){.kind = firmware->form, .bytes = firmware->size};
    if (fleet->forms.off || !firmware->package || firmware->form != FORM_PLAIN ||
        target->encoded == ENCODED_NEVER)
        return STORE_OK;
    bool base_runs = device->digest_known && device->state == DEVICE_CONFIRMED;
    if ((device->decodes & DECODES_DELTA) != 0 && base_runs)
        result = consider(&q, device->digest, &settled);
    if (result == STORE_OK && !settled && (device->decodes & DECODES_COMPRESSED) != 0)
        result = consider(&q, no_base, &settled);
    return result;
}

/* --- Making --- */

static int give_up(struct fleet *fleet, struct form *form, const char *why)
{
    form->state = FORM_STATE_FAILED;
    form->tries = TRIES_MAX;
    snprintf(form->why, sizeof form->why, "%s", why);
    return store_form_update(fleet->store, form);
}

int form_take(struct fleet *fleet, int64_t lease_ms, struct form *form, struct firmware *firmware,
              struct firmware *base)
{
    *base = (struct firmware){0};
    int result = store_form_due(fleet->store, fleet->now, form);
    if (result == STORE_OK)
        result = store_firmware_get(fleet->store, form->firmware, firmware);
    if (result != STORE_OK)
        return result;
    if (form->state == FORM_STATE_MAKING && form->tries >= TRIES_MAX) {
        result = give_up(fleet, form, "the server that made it ended, time and again");
        return result == STORE_OK ? STORE_NOT_FOUND : result;
    }
    if (form_kind_of(form) == FORM_DELTA)
        result = store_firmware_of_image(fleet->store, firmware->organization, form->base, base);
    if (result == STORE_NOT_FOUND) {
        result = give_up(fleet, form, "the package of its base was deleted");
        return result == STORE_OK ? STORE_NOT_FOUND : result;
    }
    form->state = FORM_STATE_MAKING;
    form->node = fleet->node;
    form->due = fleet->now + lease_ms;
    form->tries++;
    return result == STORE_OK ? store_form_update(fleet->store, form) : result;
}

int form_arrived(struct fleet *fleet, struct form *form)
{
    form->due = 0;
    if (form->state == FORM_STATE_FAILED)
        form->due = fleet->now + ((int64_t)RETRY_MS << (2 * (form->tries > 0 ? form->tries - 1 : 0)));
    form->used = fleet->now;
    int result = store_form_update(fleet->store, form);
    if (result == STORE_OK)
        result = store_form_arrived(fleet->store, form->firmware);
    fleet->busy = true;
    return result;
}

/* --- Room --- */

static int add_gone(const struct fleet *fleet, const uint8_t *sha256, uint8_t (*gone)[RECORD_DIGEST_BYTES],
                    size_t *count)
{
    bool known;
    int result = store_form_known(fleet->store, sha256, &known);
    if (result == STORE_OK && !known)
        memcpy(gone[(*count)++], sha256, RECORD_DIGEST_BYTES);
    return result;
}

int form_evict(struct fleet *fleet, int64_t but, uint8_t (*gone)[RECORD_DIGEST_BYTES], size_t most,
               size_t *count)
{
    int64_t ready;
    int64_t bytes;
    struct form oldest;
    *count = 0;
    int result = store_form_sums(fleet->store, &ready, &bytes);
    while (result == STORE_OK && bytes > fleet->forms.space_bytes && *count < most) {
        result = store_form_oldest(fleet->store, but, &oldest);
        if (result == STORE_NOT_FOUND)
            return STORE_OK;
        if (result == STORE_OK)
            result = store_form_delete(fleet->store, oldest.id);
        if (result == STORE_OK)
            result = add_gone(fleet, oldest.sha256, gone, count);
        bytes -= oldest.size;
    }
    return result;
}

static bool is_older(const char *path, int64_t before_ms)
{
    struct stat status;
    return stat(path, &status) == 0 && (int64_t)status.st_mtim.tv_sec * 1000 <= before_ms;
}

int form_strays(const struct fleet *fleet, int64_t age_ms, uint8_t (*gone)[RECORD_DIGEST_BYTES], size_t most,
                size_t *count)
{
    char path[PATH_BYTES];
    uint8_t sha256[RECORD_DIGEST_BYTES];
    int result = STORE_OK;
    *count = 0;
    DIR *folder = opendir(fleet->forms.folder);
    if (folder == NULL)
        return STORE_OK; /* nothing is kept there then */
    for (struct dirent *entry; result == STORE_OK && *count < most && (entry = readdir(folder)) != NULL;) {
        if (!text_hex_parse(entry->d_name, sha256, sizeof sha256))
            continue;
        path_of(fleet, sha256, path, sizeof path);
        if (is_older(path, fleet->now - age_ms))
            result = add_gone(fleet, sha256, gone, count);
    }
    closedir(folder);
    return result;
}
