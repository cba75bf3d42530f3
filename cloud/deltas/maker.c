#include "cloud/deltas/maker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/deltas/child.h"
#include "cloud/fleet/firmware/firmware.h"
#include "cloud/fleet/firmware/form.h"
#include "cloud/log.h"
#include "cloud/store/audit.h"
#include "cloud/text.h"

#define LOOK_MS       100
#define LOOKS_IDLE    20 /* so seldom where nothing here is known to be wanted: other servers may have died */
#define CLOCK_FACTOR  3
#define LEASE_MORE_MS 120000
#define GONE_MAX      100    /* files removed at once */
#define SWEEP_LOOKS   36000  /* an hour */
#define SWEEP_AGE_MS  600000 /* a file is there for a moment before its form is */
#define PATH_BYTES    (FIRMWARE_PATH_MAX + 64)
#define PART_NAME     ".part"

enum step { IDLE, ASKING, FETCHING, WORKING, KEEPING, ENTERING };

struct maker {
    struct event_base *base;
    struct desk *desk;
    struct fleet *fleet;
    struct porter *porter;
    struct maker_settings settings;
    struct maker_figures figures;
    struct event *look;
    unsigned looks;
    enum step step;
    bool stopping;
    /* What is being made: */
    struct desk_job job; /* asks, and enters */
    struct porter_job errand;
    struct form form;
    struct firmware firmware;
    struct firmware base_firmware;
    char package_path[PATH_BYTES];
    char base_path[PATH_BYTES];
    char part_path[PATH_BYTES];
    char path[PATH_BYTES]; /* once it is made */
    struct child child;
    enum worker_result result;
    /* Files that no form has any more: */
    uint8_t gone[GONE_MAX][RECORD_DIGEST_BYTES];
    size_t gone_count;
};

static void enter(struct maker *maker, enum worker_result result);

static struct maker *of_job(struct desk_job *job)
{
    return (struct maker *)((char *)job - offsetof(struct maker, job));
}

static struct maker *of_errand(struct porter_job *errand)
{
    return (struct maker *)((char *)errand - offsetof(struct maker, errand));
}

/* --- The folder --- */

bool maker_open_folder(const char *folder)
{
    char path[PATH_BYTES];
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return false;
    snprintf(path, sizeof path, "%s/" PART_NAME, folder);
    return unlink(path) == 0 || errno == ENOENT;
}

/* --- Entering: what became of it --- */

static int add_audit(struct fleet *fleet, const struct maker *maker)
{
    char base[2 * RECORD_DIGEST_BYTES + 1] = "";
    struct audit entry = {.organization = maker->firmware.organization,
                          .time = fleet->now,
                          .done = maker->result == WORKER_READY};
    if (maker->base_firmware.id != 0)
        text_hex(maker->form.base, RECORD_DIGEST_BYTES, base);
    snprintf(entry.action, sizeof entry.action, "makeDelta");
    text_id('f', maker->firmware.id, entry.subject);
    snprintf(entry.detail, sizeof entry.detail,
             "{\"base\":\"%s\",\"result\":\"%s\",\"bytes\":%" PRId64 ",\"plain_bytes\":%" PRId64 "}", base,
             worker_slug(maker->result), maker->form.size, maker->firmware.size);
    return store_audit_add(fleet->store, &entry);
}

static int run_enter(struct desk_job *job, struct fleet *fleet)
{
    struct maker *maker = of_job(job);
    struct form form = maker->form;
    maker->gone_count = 0;
    int result = form_arrived(fleet, &form);
    if (result == STORE_NOT_FOUND) /* its firmware was deleted meanwhile; the file goes with the next sweep */
        return STORE_OK;
    if (result == STORE_OK && maker->result != WORKER_RESULTS_COUNT)
        result = add_audit(fleet, maker);
    if (result == STORE_OK)
        result = form_evict(fleet, form.id, maker->gone, GONE_MAX, &maker->gone_count);
    return result;
}

static void removed(struct porter_job *errand, enum files_result result)
{
    (void)result; /* it was logged; what stays is found under no name */
    free(errand);
}

static void remove_file(struct maker *maker, const uint8_t sha256[RECORD_DIGEST_BYTES])
{
    char path[PATH_BYTES];
    char hex[2 * RECORD_DIGEST_BYTES + 1];
    text_hex(sha256, RECORD_DIGEST_BYTES, hex);
    snprintf(path, sizeof path, "%s/%s", maker->settings.folder, hex);
    unlink(path);
    log_line(LOG_LEVEL_INFO, "delta-removed", "sha256=%s", hex);
    if (maker->porter == NULL)
        return;
    struct porter_job *errand = calloc(1, sizeof *errand);
    if (errand == NULL)
        abort();
    *errand = (struct porter_job){.task = PORTER_REMOVE, .path = "", .done = removed};
    snprintf(errand->name, sizeof errand->name, "%s", hex);
    porter_post(maker->porter, errand);
}

static void entered(struct desk_job *job, int result)
{
    struct maker *maker = of_job(job);
    if (result != STORE_OK)
        log_line(LOG_LEVEL_ERROR, "delta-failed", "firmware=f%" PRId64 " reason=\"%s\"", maker->firmware.id,
                 store_result_text(result));
    for (size_t i = 0; i < maker->gone_count && result == STORE_OK && !maker->stopping; i++)
        remove_file(maker, maker->gone[i]);
    maker->step = IDLE;
    atomic_store(&maker->fleet->forms.wanted, true); /* the next one may wait */
}

static void say(const struct maker *maker)
{
    char base[2 * RECORD_SHORT_BYTES + 1] = "none";
    const struct form *form = &maker->form;
    bool good = maker->result == WORKER_READY || maker->result == WORKER_NO_GAIN;
    if (maker->base_firmware.id != 0)
        text_hex(form->base, RECORD_SHORT_BYTES, base);
    if (good)
        log_line(LOG_LEVEL_INFO, maker->result == WORKER_READY ? "delta-made" : "delta-no-gain",
                 "firmware=f%" PRId64 " base=%s bytes=%" PRId64 " plain_bytes=%" PRId64 " ms=%" PRId64,
                 form->firmware, base, form->size, maker->firmware.size, form->took_ms);
    else
        log_line(LOG_LEVEL_WARNING, "delta-failed",
                 "firmware=f%" PRId64 " base=%s result=%s tries=%" PRId64 " reason=\"%s\"", form->firmware,
                 base, worker_slug(maker->result), form->tries, worker_text(maker->result));
}

/* Ends the making, with the result: the store hears of it, and the devices that wait. */
static void enter(struct maker *maker, enum worker_result result)
{
    struct form *form = &maker->form;
    unlink(maker->part_path);
    maker->step = ENTERING;
    maker->result = result;
    if (result == WORKER_RESULTS_COUNT) { /* the server ends */
        form->state = FORM_STATE_WANTED;
        form->tries--;
    } else {
        form->state = result == WORKER_READY     ? FORM_STATE_READY
                      : result == WORKER_NO_GAIN ? FORM_STATE_NO_GAIN
                                                 : FORM_STATE_FAILED;
        snprintf(form->why, sizeof form->why, "%s", result == WORKER_READY ? "" : worker_text(result));
        maker->figures.made[result]++;
        maker->figures.took_ms += form->took_ms;
        say(maker);
    }
    maker->job = (struct desk_job){.run = run_enter, .done = entered};
    desk_post(maker->desk, &maker->job);
}

/* --- Keeping --- */

static void kept(struct porter_job *errand, enum files_result result)
{
    struct maker *maker = of_errand(errand);
    enter(maker, maker->stopping        ? WORKER_RESULTS_COUNT
                 : result == FILES_OK   ? WORKER_READY
                 : result == FILES_FULL ? WORKER_DISK
                                        : WORKER_FILES);
}

static void keep(struct maker *maker)
{
    char hex[2 * RECORD_DIGEST_BYTES + 1];
    text_hex(maker->form.sha256, RECORD_DIGEST_BYTES, hex);
    snprintf(maker->path, sizeof maker->path, "%s/%s", maker->settings.folder, hex);
    if (rename(maker->part_path, maker->path) != 0) {
        log_line(LOG_LEVEL_ERROR, "file-failed", "path=%s what=rename error=\"%s\"", maker->path,
                 strerror(errno));
        enter(maker, WORKER_DISK);
    } else if (maker->porter == NULL) {
        enter(maker, WORKER_READY);
    } else {
        maker->step = KEEPING;
        maker->errand = (struct porter_job){.task = PORTER_PUT, .path = maker->path, .done = kept};
        snprintf(maker->errand.name, sizeof maker->errand.name, "%s", hex);
        porter_post(maker->porter, &maker->errand);
    }
}

/* --- Working --- */

static bool is_worth_it(const struct maker *maker)
{
    return maker->form.size <= maker->firmware.size / 100 * FORM_PERCENT_MAX;
}

static void ended(void *ctx, enum worker_result result, const struct worker_output *output, int64_t took_ms)
{
    struct maker *maker = ctx;
    struct form *form = &maker->form;
    form->took_ms = took_ms;
    if (result != WORKER_READY) {
        enter(maker, result);
        return;
    }
    form->size = output->bytes;
    memcpy(form->sha256, output->sha256, sizeof output->sha256);
    memcpy(form->md5, output->md5, sizeof output->md5);
    if (is_worth_it(maker))
        keep(maker);
    else
        enter(maker, WORKER_NO_GAIN);
}

static void work(struct maker *maker)
{
    const struct child_order order = {
        .package = maker->package_path,
        .base = maker->base_firmware.id != 0 ? maker->base_path : NULL,
        .to = maker->part_path,
        .memory_mib = maker->settings.memory_mib,
        .seconds = maker->settings.seconds,
        .clock_seconds = CLOCK_FACTOR * maker->settings.seconds,
    };
    unlink(maker->part_path);
    maker->step = WORKING;
    if (!child_start(&maker->child, maker->base, &order, ended, maker))
        enter(maker, WORKER_CRASHED);
}

/* --- Fetching: the package, then the base --- */

static void fetch_next(struct maker *maker);

static void fetched(struct porter_job *errand, enum files_result result)
{
    struct maker *maker = of_errand(errand);
    if (maker->stopping)
        enter(maker, WORKER_RESULTS_COUNT);
    else if (result != FILES_OK)
        enter(maker, WORKER_FILES);
    else
        fetch_next(maker);
}

static bool fetch(struct maker *maker, const struct firmware *firmware, const char *path)
{
    if (maker->porter == NULL || firmware->id == 0 || access(path, R_OK) == 0)
        return false;
    maker->errand = (struct porter_job){.task = PORTER_FETCH, .path = path, .done = fetched};
    text_hex(firmware->sha256, RECORD_DIGEST_BYTES, maker->errand.name);
    porter_post(maker->porter, &maker->errand);
    return true;
}

static void fetch_next(struct maker *maker)
{
    if (!fetch(maker, &maker->firmware, maker->package_path) &&
        !fetch(maker, &maker->base_firmware, maker->base_path))
        work(maker);
}

/* --- Sweeping: files whose form went with its firmware --- */

static int run_sweep(struct desk_job *job, struct fleet *fleet)
{
    struct maker *maker = of_job(job);
    return form_strays(fleet, maker->looks == 0 ? 0 : SWEEP_AGE_MS, maker->gone, GONE_MAX,
                       &maker->gone_count);
}

static void swept(struct desk_job *job, int result)
{
    struct maker *maker = of_job(job);
    for (size_t i = 0; i < maker->gone_count && result == STORE_OK && !maker->stopping; i++)
        remove_file(maker, maker->gone[i]);
    maker->step = IDLE;
    maker->looks++;
}

/* --- Asking --- */

static int run_ask(struct desk_job *job, struct fleet *fleet)
{
    struct maker *maker = of_job(job);
    return form_take(fleet, maker->settings.seconds * CLOCK_FACTOR * 1000 + LEASE_MORE_MS, &maker->form,
                     &maker->firmware, &maker->base_firmware);
}

static void asked(struct desk_job *job, int result)
{
    struct maker *maker = of_job(job);
    maker->step = IDLE;
    maker->looks++;
    if (result != STORE_OK) {
        if (result != STORE_NOT_FOUND)
            atomic_store(&maker->fleet->forms.wanted, true);
        return;
    }
    firmware_path(maker->settings.firmware_folder, maker->firmware.sha256, maker->package_path);
    firmware_path(maker->settings.firmware_folder, maker->base_firmware.sha256, maker->base_path);
    maker->form.took_ms = 0;
    maker->form.size = 0;
    maker->step = FETCHING;
    if (maker->stopping)
        enter(maker, WORKER_RESULTS_COUNT);
    else
        fetch_next(maker);
}

static void on_look(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct maker *maker = ctx;
    bool wanted = atomic_load(&maker->fleet->forms.wanted);
    bool sweeps = maker->looks % SWEEP_LOOKS == 0;
    if (maker->step != IDLE)
        return;
    if (!sweeps && !wanted && maker->looks % LOOKS_IDLE != 0) {
        maker->looks++;
        return;
    }
    if (!sweeps)
        atomic_store(&maker->fleet->forms.wanted, false);
    maker->step = ASKING;
    maker->job = sweeps ? (struct desk_job){.run = run_sweep, .done = swept}
                        : (struct desk_job){.run = run_ask, .done = asked};
    desk_post(maker->desk, &maker->job);
}

/* --- The whole --- */

struct maker *maker_start(struct event_base *base, struct desk *desk, struct fleet *fleet,
                          struct porter *porter, const struct maker_settings *settings)
{
    struct timeval every = {.tv_usec = LOOK_MS * 1000};
    struct maker *maker = calloc(1, sizeof *maker);
    if (maker == NULL)
        abort();
    *maker =
        (struct maker){.base = base, .desk = desk, .fleet = fleet, .porter = porter, .settings = *settings};
    snprintf(maker->part_path, sizeof maker->part_path, "%s/" PART_NAME, settings->folder);
    maker->look = event_new(base, -1, EV_PERSIST, on_look, maker);
    if (maker->look == NULL || event_add(maker->look, &every) != 0)
        abort();
    return maker;
}

const struct maker_figures *maker_figures(const struct maker *maker)
{
    return &maker->figures;
}

void maker_stop(struct maker *maker)
{
    if (maker == NULL)
        return;
    maker->stopping = true;
    event_free(maker->look);
    if (maker->step != WORKING)
        return;
    child_kill(&maker->child);
    enter(maker, WORKER_RESULTS_COUNT);
}

void maker_free(struct maker *maker)
{
    free(maker);
}
