/* An upload streams: into a temporary file, and past the intake, which judges the whole. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cloud/fleet/firmware/removal.h"
#include "cloud/log.h"
#include "cloud/net/front/visit.h"
#include "cloud/text.h"

/* Of all connections: a large file may take hours, and nobody else's calls are to wait for it. */
#define UPLOADS_OF(connections) ((connections) / 8)

/* What uploads leave of the disk, since the database may be on it: a twentieth, and no more than this. */
#define SPARED_BYTES_MAX ((int64_t)256 << 20)

static bool has_room(const struct front *front, int64_t bytes)
{
    struct statvfs disk;
    if (statvfs(front->folder, &disk) != 0)
        return true; /* writing will tell */
    int64_t twentieth = (int64_t)(disk.f_blocks / 20 * disk.f_frsize);
    int64_t spared = twentieth < SPARED_BYTES_MAX ? twentieth : SPARED_BYTES_MAX;
    return (int64_t)(disk.f_bavail * disk.f_frsize) - front->uploading - bytes >= spared;
}

static void set_left(struct visit *visit, int64_t bytes)
{
    visit->front->uploading += bytes - visit->upload_left;
    visit->upload_left = bytes;
}

void visit__end_upload(struct visit *visit)
{
    set_left(visit, 0);
    if (visit->file >= 0)
        close(visit->file);
    visit->file = -1;
    if (visit->call.temporary[0] != '\0')
        unlink(visit->call.temporary);
    visit->call.temporary[0] = '\0';
    if (visit->taking) {
        intake_clear(&visit->intake);
        visit->front->uploads--;
    }
    visit->taking = false;
}

static void refuse_full(struct visit *visit)
{
    visit__refuse(visit->exchange, 507, "disk full",
                  "the firmware was not kept; free space in the server's data folder and upload it again");
}

static void upload_failed(struct visit *visit)
{
    bool full = errno == ENOSPC || errno == EDQUOT;
    log_line(LOG_LEVEL_ERROR, "upload-failed", "path=%s error=\"%s\"", visit->call.temporary,
             strerror(errno));
    visit__end_upload(visit);
    if (full)
        refuse_full(visit);
    else
        visit__refuse(visit->exchange, 500, "server error",
                      "the firmware could not be written; the server's log says why");
}

/* The file's name, for people: nothing is ever opened by it. */
static bool take_name(struct visit *visit)
{
    const char *given = api_parameter(&visit->call, "name");
    const char *name = given != NULL ? given : "firmware.bin";
    struct firmware *firmware = &visit->call.firmware;
    return name[0] != '\0' && strpbrk(name, "/\\") == NULL &&
           text_take(firmware->name, sizeof firmware->name, name);
}

bool visit__begin_upload(struct visit *visit)
{
    struct api_call *call = &visit->call;
    if (!take_name(visit)) {
        visit__refuse(visit->exchange, 400, "malformed request",
                      "name must be a plain file name of at most 255 bytes, without a path");
        return false;
    }
    if (strncmp(http_head_value(&visit->exchange->head, "content-type"), "multipart/", 10) == 0) {
        visit__refuse(visit->exchange, 415, "wrong content type",
                      "send the file itself as the body, not a form");
        return false;
    }
    if (visit->exchange->head.content_length > API_UPLOAD_MAX) {
        visit__refuse(visit->exchange, 413, "too large", "a firmware file may have 64 MiB at most");
        return false;
    }
    if (visit->front->uploads >= UPLOADS_OF(visit->front->bound.max)) {
        visit__postpone(visit->exchange, 30, "too many uploads at a time");
        return false;
    }
    if (!has_room(visit->front, visit->exchange->head.content_length)) {
        log_line(LOG_LEVEL_WARNING, "upload-refused", "path=%s error=\"too little space is left\"",
                 visit->front->folder);
        refuse_full(visit);
        return false;
    }
    set_left(visit, visit->exchange->head.content_length);
    snprintf(call->temporary, sizeof call->temporary, "%s/.upload-XXXXXX", visit->front->folder);
    visit->file = mkostemp(call->temporary, O_CLOEXEC);
    visit->taking = intake_init(&visit->intake);
    visit->front->uploads += visit->taking;
    if (visit->file >= 0 && visit->taking)
        return true;
    upload_failed(visit);
    return false;
}

void visit__take_upload(struct visit *visit, const void *data, size_t bytes)
{
    const char *from = data;
    intake_feed(&visit->intake, data, bytes);
    while (bytes > 0) {
        ssize_t written = write(visit->file, from, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            upload_failed(visit);
            return;
        }
        from += written;
        bytes -= (size_t)written;
        set_left(visit, visit->upload_left - written);
    }
}

/* It is kept where all servers find it: now it can be entered. */
static void on_kept(struct porter_job *errand, enum files_result result)
{
    struct visit *visit = visit__of_errand(errand);
    if (result == FILES_OK) {
        visit__call(visit);
        return;
    }
    visit__end_upload(visit);
    if (result == FILES_FULL)
        visit__refuse(visit->exchange, 507, "disk full",
                      "the firmware was not kept; make room where --files are");
    else
        visit__postpone(visit->exchange, 10,
                        "the firmware could not be kept where --files are; the server's log says why");
}

static int run_hold(struct desk_job *job, struct fleet *fleet)
{
    return removal_hold(fleet, ((struct visit *)job)->call.firmware.sha256);
}

/* Nobody removes it while it is being kept. */
static void on_held(struct desk_job *job, int result)
{
    struct visit *visit = (struct visit *)job;
    if (result == STORE_OK) {
        visit__send(visit, PORTER_PUT, visit->call.temporary, on_kept);
        return;
    }
    visit__end_upload(visit);
    visit__postpone(visit->exchange, 60,
                    result == STORE_CONFLICT
                        ? "this very file was deleted and is being removed at present; send it again"
                        : "the database does not work at present; GET /health says why");
}

void visit__finish_upload(struct visit *visit)
{
    char why[300];
    char name[RECORD_FILE_NAME];
    struct api_call *call = &visit->call;
    memcpy(name, call->firmware.name, sizeof name);
    if (!intake_finish(&visit->intake, &call->firmware, why, sizeof why)) {
        visit__end_upload(visit);
        visit__refuse(visit->exchange, 422, "not a firmware", why);
        return;
    }
    memcpy(call->firmware.name, name, sizeof name);
    if (visit->front->porter != NULL)
        visit__post(visit, run_hold, on_held);
    else
        visit__call(visit);
}
