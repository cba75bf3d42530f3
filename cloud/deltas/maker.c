#include "cloud/deltas/maker.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cloud/fleet/firmware.h"
#include "cloud/fleet/form.h"
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
    pid_t child;
    int output; /* of the child */
    struct event *ended;
    struct timespec started;
    bool late;
    enum worker_result result;
    /* Files that no form has any more: */
    uint8_t gone[GONE_MAX][RECORD_DIGEST_BYTES];
    size_t gone_count;
};

static void enter(struct maker *maker, enum worker_result result);

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
    struct maker *maker = (struct maker *)((char *)job - offsetof(struct maker, job));
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
    struct maker *maker = (struct maker *)((char *)job - offsetof(struct maker, job));
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

static struct maker *of_errand(struct porter_job *errand)
{
    return (struct maker *)((char *)errand - offsetof(struct maker, errand));
}

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

/* What the process left: its line, and its status. */
static enum worker_result read_output(struct maker *maker, const siginfo_t *status)
{
    char line[WORKER_LINE_MAX] = "";
    struct worker_output output;
    bool exited = status->si_code == CLD_EXITED;
    ssize_t bytes = read(maker->output, line, sizeof line - 1);
    if (maker->late || (!exited && status->si_status == SIGXCPU))
        return WORKER_TIME;
    if (exited && status->si_status > WORKER_READY && status->si_status < WORKER_CRASHED)
        return (enum worker_result)status->si_status;
    if (!exited || status->si_status != WORKER_READY || bytes <= 0 || !worker_line_parse(line, &output))
        return WORKER_CRASHED;
    maker->form.size = output.bytes;
    memcpy(maker->form.sha256, output.sha256, sizeof output.sha256);
    memcpy(maker->form.md5, output.md5, sizeof output.md5);
    return is_worth_it(maker) ? WORKER_READY : WORKER_NO_GAIN;
}

static int64_t elapsed_ms(const struct maker *maker)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)(now.tv_sec - maker->started.tv_sec) * 1000 +
           (now.tv_nsec - maker->started.tv_nsec) / 1000000;
}

static void on_ended(evutil_socket_t pidfd, short what, void *ctx)
{
    struct maker *maker = ctx;
    siginfo_t status = {0};
    if ((what & EV_TIMEOUT) != 0) {
        maker->late = true;
        kill(maker->child, SIGKILL);
        event_add(maker->ended, NULL);
        return;
    }
    waitid(P_PIDFD, (id_t)pidfd, &status, WEXITED);
    enum worker_result result = read_output(maker, &status);
    maker->form.took_ms = elapsed_ms(maker);
    event_free(maker->ended);
    maker->ended = NULL;
    maker->child = 0;
    close((int)pidfd);
    close(maker->output);
    if (result == WORKER_READY)
        keep(maker);
    else
        enter(maker, result);
}

static void end_child(const struct maker *maker)
{
    kill(maker->child, SIGKILL);
    waitpid(maker->child, NULL, 0);
}

/* Without the server's environment, which holds keys. */
static int spawn(struct maker *maker, int output)
{
    char mib[24];
    char seconds[24];
    char *const arguments[] = {"tandem-cloud",
                               WORKER_COMMAND,
                               maker->package_path,
                               maker->base_firmware.id != 0 ? maker->base_path : "-",
                               maker->part_path,
                               mib,
                               seconds,
                               NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    snprintf(mib, sizeof mib, "%" PRId64, maker->settings.memory_mib);
    snprintf(seconds, sizeof seconds, "%" PRId64, maker->settings.seconds);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(&maker->child, "/proc/self/exe", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void work(struct maker *maker)
{
    struct timeval limit = {.tv_sec = CLOCK_FACTOR * maker->settings.seconds};
    int ends[2];
    unlink(maker->part_path);
    clock_gettime(CLOCK_MONOTONIC, &maker->started);
    maker->step = WORKING;
    maker->late = false;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        enter(maker, WORKER_CRASHED);
        return;
    }
    int error = spawn(maker, ends[1]);
    close(ends[1]);
    int pidfd = error == 0 ? pidfd_open(maker->child, 0) : -1;
    if (pidfd < 0) {
        log_line(LOG_LEVEL_ERROR, "worker-failed", "error=\"%s\"", strerror(error != 0 ? error : errno));
        close(ends[0]);
        if (error == 0)
            end_child(maker);
        enter(maker, WORKER_CRASHED);
        return;
    }
    maker->output = ends[0];
    maker->ended = event_new(maker->base, pidfd, EV_READ, on_ended, maker);
    if (maker->ended == NULL || event_add(maker->ended, &limit) != 0)
        abort();
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
    struct maker *maker = (struct maker *)((char *)job - offsetof(struct maker, job));
    return form_strays(fleet, maker->looks == 0 ? 0 : SWEEP_AGE_MS, maker->gone, GONE_MAX,
                       &maker->gone_count);
}

static void swept(struct desk_job *job, int result)
{
    struct maker *maker = (struct maker *)((char *)job - offsetof(struct maker, job));
    for (size_t i = 0; i < maker->gone_count && result == STORE_OK && !maker->stopping; i++)
        remove_file(maker, maker->gone[i]);
    maker->step = IDLE;
    maker->looks++;
}

/* --- Asking --- */

static int run_ask(struct desk_job *job, struct fleet *fleet)
{
    struct maker *maker = (struct maker *)((char *)job - offsetof(struct maker, job));
    return form_take(fleet, maker->settings.seconds * CLOCK_FACTOR * 1000 + LEASE_MORE_MS, &maker->form,
                     &maker->firmware, &maker->base_firmware);
}

static void asked(struct desk_job *job, int result)
{
    struct maker *maker = (struct maker *)((char *)job - offsetof(struct maker, job));
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
    end_child(maker);
    close(event_get_fd(maker->ended));
    event_free(maker->ended);
    close(maker->output);
    enter(maker, WORKER_RESULTS_COUNT);
}

void maker_free(struct maker *maker)
{
    free(maker);
}
