/* A download: the link's own token, a note in the store, the file or a part of it, a note again. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/fleet/devices/device.h"
#include "cloud/fleet/firmware/form.h"
#include "cloud/log.h"
#include "cloud/net/front/visit.h"
#include "cloud/net/http/http_query.h"
#include "cloud/net/http/http_value.h"
#include "cloud/text.h"

/* Of all connections three quarters may download, so that people get in. */
#define DOWNLOADS_OF(connections)   ((connections) - (connections) / 4)
/* Of these a quarter may be one device's, or what fetches with its link: all of them would be everybody's. */
#define DOWNLOADS_EACH(connections) (DOWNLOADS_OF(connections) / 4)

/* The rate of the shipment whose offer the device got last, if it is for this firmware. */
static int read_rate(struct visit *visit, struct fleet *fleet, int64_t id)
{
    struct shipment shipment;
    int result = store_shipment_get(fleet->store, id, &shipment);
    if (result == STORE_OK && shipment.firmware == visit->ticket.firmware) {
        visit->shipment = id;
        visit->bytes_per_second = shipment.bytes_per_second;
    }
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

/* What is sent is the form that was offered, in place of the firmware's own file. */
static int read_form(struct visit *visit, struct fleet *fleet)
{
    struct form form;
    struct firmware *firmware = &visit->call.firmware;
    visit->form = visit->ticket.form != 0;
    if (!visit->form)
        return STORE_OK;
    int result = store_form_get(fleet->store, visit->ticket.form, &form);
    if (result == STORE_OK && (form.state != FORM_STATE_READY || form.firmware != firmware->id))
        result = STORE_NOT_FOUND;
    if (result != STORE_OK)
        return result;
    firmware->size = form.size;
    memcpy(firmware->sha256, form.sha256, sizeof firmware->sha256);
    memcpy(firmware->md5, form.md5, sizeof firmware->md5);
    return STORE_OK;
}

#define ETAG_MAX (2 * RECORD_DIGEST_BYTES + 3)

static const char *write_etag(const struct firmware *firmware, char etag[ETAG_MAX])
{
    etag[0] = '"';
    text_hex(firmware->sha256, RECORD_DIGEST_BYTES, etag + 1);
    memcpy(etag + 1 + 2 * RECORD_DIGEST_BYTES, "\"", 2);
    return etag;
}

/* 412 where another file than this one is asked for, 304 where the client has this one; else 0, and the part
 * counts (RFC 9110, 13.2.2). */
static int refused_by_condition(const struct visit *visit)
{
    const struct http_head *head = &visit->exchange->head;
    const char *wanted = http_head_value(head, "if-match");
    char etag[ETAG_MAX];
    write_etag(&visit->call.firmware, etag);
    if (wanted[0] != '\0' && !http_etag_listed(wanted, etag, false))
        return 412;
    return http_etag_listed(http_head_value(head, "if-none-match"), etag, true) ? 304 : 0;
}

/* The part that is asked for. Only a GET has one (RFC 9110, 14.2), and only of the file that it knows. */
static enum http_range wanted_part(const struct visit *visit, int64_t *start, int64_t *length)
{
    const struct http_head *head = &visit->exchange->head;
    const char *condition = http_head_value(head, "if-range");
    char etag[ETAG_MAX];
    if (head->method != HTTP_GET)
        return HTTP_RANGE_NONE;
    if (condition[0] != '\0' && strcmp(condition, write_etag(&visit->call.firmware, etag)) != 0)
        return HTTP_RANGE_NONE;
    return http_range_parse(http_head_value(head, "range"), visit->call.firmware.size, start, length);
}

static int run_download(struct desk_job *job, struct fleet *fleet)
{
    struct visit *visit = (struct visit *)job;
    struct device device;
    int64_t start = 0;
    int64_t length;
    int result = store_device_get(fleet->store, visit->ticket.device, &device);
    if (result == STORE_OK && device.revoked)
        result = STORE_NOT_FOUND;
    if (result == STORE_OK)
        result = store_firmware_get(fleet->store, visit->ticket.firmware, &visit->call.firmware);
    if (result == STORE_OK)
        result = read_rate(visit, fleet, device.shipment);
    if (result == STORE_OK)
        result = read_form(visit, fleet);
    if (result != STORE_OK || visit->exchange->head.method != HTTP_GET || refused_by_condition(visit) != 0)
        return result;
    (void)wanted_part(visit, &start, &length);
    return device_download(fleet, device.id, visit->ticket.firmware,
                           start == 0 ? DOWNLOAD_BEGINS : DOWNLOAD_GOES_ON);
}

static void add_digests(struct http_exchange *exchange, const struct firmware *firmware)
{
    char text[2 * RECORD_DIGEST_BYTES + 3];
    http_header(exchange, "x-sha256", text_base64(firmware->sha256, sizeof firmware->sha256, text));
    http_header(exchange, "x-md5", text_hex(firmware->md5, sizeof firmware->md5, text));
    http_header(exchange, "x-fw-type", firmware->type);
    http_header(exchange, "x-fw-ver", firmware->version);
    http_header(exchange, "x-fw-build", firmware->build);
    http_header(exchange, "Accept-Ranges", "bytes");
    http_header(exchange, "X-Content-Type-Options", "nosniff"); /* no browser runs it as this site's script */
}

static void send_file(struct visit *visit, int file)
{
    struct http_exchange *exchange = visit->exchange;
    const struct firmware *firmware = &visit->call.firmware;
    int64_t start = 0;
    int64_t length = firmware->size;
    char etag[ETAG_MAX];
    char content[96];
    http_header(exchange, "ETag", write_etag(firmware, etag));
    enum http_range range = wanted_part(visit, &start, &length);
    if (range == HTTP_RANGE_UNSATISFIABLE) {
        close(file);
        snprintf(content, sizeof content, "bytes */%lld", (long long)firmware->size);
        http_header(exchange, "Content-Range", content);
        visit__refuse(exchange, 416, "range not satisfiable", "the range starts behind the end of the file");
        return;
    }
    add_digests(exchange, firmware);
    if (range == HTTP_RANGE_PART) {
        snprintf(content, sizeof content, "bytes %lld-%lld/%lld", (long long)start,
                 (long long)(start + length - 1), (long long)firmware->size);
        http_header(exchange, "Content-Range", content);
    }
    exchange->patient = true; /* devices are on slow lines, and shipments have rates */
    visit->sending = true;
    visit->front->sending++;
    http_share_rate(exchange, rates_group(&visit->front->rates, visit->front->base, visit->shipment,
                                          visit->bytes_per_second));
    visit->to_the_end = exchange->head.method == HTTP_GET && start + length == firmware->size;
    http_reply_file(exchange, range == HTTP_RANGE_PART ? 206 : 200, "application/octet-stream", file, start,
                    length);
}

static void open_file(struct visit *visit);

/* Its file is gone for good: so is the form, and it is made again when it is wanted. */
static int run_forget(struct desk_job *job, struct fleet *fleet)
{
    const struct visit *visit = (const struct visit *)job;
    int result = store_form_delete(fleet->store, visit->ticket.form);
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

static void forgotten(struct desk_job *job, int result)
{
    const struct visit *visit = (const struct visit *)job;
    (void)result;
    visit__refuse(visit->exchange, 404, "not available",
                  "the file is not there any more; a new offer follows");
}

static void on_fetched(struct porter_job *errand, enum files_result result)
{
    struct visit *visit = visit__of_errand(errand);
    if (result == FILES_OK)
        open_file(visit);
    else if (result == FILES_ABSENT && visit->form)
        visit__post(visit, run_forget, forgotten);
    else
        visit__postpone(visit->exchange, 30,
                        "the firmware's file cannot be had just now; the server's log says why");
}

/* -1 and ENODATA where it is not as long as it should be: the server would owe the rest. */
static int open_whole(const char *path, int64_t bytes)
{
    struct stat state;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || (fstat(file, &state) == 0 && state.st_size == bytes))
        return file;
    log_line(LOG_LEVEL_ERROR, "file-damaged", "path=%s bytes=%lld expected=%lld", path,
             (long long)state.st_size, (long long)bytes);
    close(file);
    errno = ENODATA;
    return -1;
}

static bool is_lost(int error)
{
    return error == ENOENT || error == ENODATA;
}

static void open_file(struct visit *visit)
{
    bool fetched = visit->errand.done != NULL;
    firmware_path(visit->form ? visit->front->forms_folder : visit->front->folder,
                  visit->call.firmware.sha256, visit->path);
    int file = open_whole(visit->path, visit->call.firmware.size);
    if (file < 0 && is_lost(errno) && visit->front->porter != NULL && !fetched) {
        unlink(visit->path); /* a copy that is damaged is no copy */
        visit__send(visit, PORTER_FETCH, visit->path, on_fetched);
        return;
    }
    int error = errno;
    if (file < 0 && is_lost(error) && visit->form) {
        visit__post(visit, run_forget, forgotten);
        return;
    }
    if (file < 0)
        log_line(
            LOG_LEVEL_ERROR, "file-failed",
            "path=%s what=open error=\"%s\" hint=\"get it from a backup, or upload the same file again\"",
            visit->path, strerror(error));
    if (file >= 0)
        send_file(visit, file);
    else if (error == EMFILE || error == ENFILE)
        visit__postpone(visit->exchange, 10, "too many downloads at a time");
    else
        visit__refuse(visit->exchange, 500, "server error",
                      "the firmware's file cannot be read; the server's log says why");
}

static void refuse_by_condition(struct visit *visit, int status)
{
    char etag[ETAG_MAX];
    http_header(visit->exchange, "ETag", write_etag(&visit->call.firmware, etag));
    if (status == 304)
        http_reply(visit->exchange, 304, NULL, NULL, 0);
    else
        visit__refuse(visit->exchange, status, "another file",
                      "the link's file is not one that If-Match names");
}

static void download_ready(struct desk_job *job, int result)
{
    struct visit *visit = (struct visit *)job;
    int refusal = result == STORE_OK ? refused_by_condition(visit) : 0;
    if (refusal != 0)
        refuse_by_condition(visit, refusal);
    else if (result == STORE_OK)
        open_file(visit);
    else if (result == STORE_NOT_FOUND)
        visit__refuse(visit->exchange, 404, "not available",
                      "the firmware or the device is not there any more");
    else
        visit__postpone(visit->exchange, 10, "the server's database cannot answer just now");
}

static size_t downloads_of(const struct front *front, int64_t device)
{
    return (size_t)idmap_get(&front->downloads, (uint64_t)device);
}

static void set_downloads(struct front *front, int64_t device, size_t count)
{
    if (count == 0)
        (void)idmap_remove(&front->downloads, (uint64_t)device);
    else
        (void)idmap_set(&front->downloads, (uint64_t)device, (void *)count);
}

void visit__begin_download(struct visit *visit)
{
    struct front *front = visit->front;
    char token[TICKET_MAX];
    bool valid = http_query_get(visit->exchange->head.query, "token", token, sizeof token) &&
                 ticket_read(&visit->ticket, front->ticket_key, token) &&
                 visit->ticket.firmware == visit->call.id && visit->ticket.expires >= text_now_ms();
    if (!valid)
        visit__refuse(visit->exchange, 403, "no access",
                      "the link is not valid, or no longer; a new offer brings a new one");
    else if (front->sending >= DOWNLOADS_OF(front->bound.max))
        visit__postpone(visit->exchange, 20, "too many downloads at a time");
    else if (downloads_of(front, visit->ticket.device) >= DOWNLOADS_EACH(front->bound.max))
        visit__postpone(visit->exchange, 20, "this device has too many downloads at a time");
    else
        visit->counted = true;
    if (visit->counted)
        set_downloads(front, visit->ticket.device, downloads_of(front, visit->ticket.device) + 1);
}

/* The whole file has left: the second half of what device_download tells. */
struct sent {
    struct desk_job job;
    struct ticket ticket;
};

static int run_sent(struct desk_job *job, struct fleet *fleet)
{
    const struct ticket *ticket = &((struct sent *)job)->ticket;
    return device_download(fleet, ticket->device, ticket->firmware, DOWNLOAD_SENT);
}

static void sent_done(struct desk_job *job, int result)
{
    if (result != STORE_OK)
        log_line(LOG_LEVEL_ERROR, "device-event-lost", "kind=downloaded result=%d", result);
    free(job);
}

static void tell_sent(const struct visit *visit)
{
    struct sent *sent = calloc(1, sizeof *sent);
    if (sent == NULL)
        abort();
    sent->ticket = visit->ticket;
    sent->job.run = run_sent;
    sent->job.done = sent_done;
    sent->job.simple = true;
    desk_post(visit->front->desk, &sent->job);
}

void visit__finish_download(struct visit *visit)
{
    visit__post(visit, run_download, download_ready);
}

void visit__end_download(struct visit *visit, bool sent)
{
    if (visit->sending)
        visit->front->sending--;
    visit->sending = false;
    if (visit->counted)
        set_downloads(visit->front, visit->ticket.device,
                      downloads_of(visit->front, visit->ticket.device) - 1);
    visit->counted = false;
    if (sent && visit->to_the_end)
        tell_sent(visit);
}
