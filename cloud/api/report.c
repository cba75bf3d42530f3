/* The report of a shipment: every device of it, in a file that has no name, written page by page. */
#include "cloud/api/api.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/rules/words.h"
#include "cloud/log.h"
#include "cloud/text.h"
#include "tandem/reason.h"

#define REPORT_STEP 500 /* devices in a turn */

struct report_work {
    struct api_steps steps; /* first: the call frees it */
    FILE *to;
    bool csv;
    int64_t after;
    int64_t rows;
};

static void free_work(struct api_steps *base)
{
    struct report_work *work = (struct report_work *)base;
    if (work->to != NULL)
        fclose(work->to);
    free(work);
}

static int begin(struct api_call *call, struct fleet *fleet)
{
    struct shipment shipment;
    const char *format = api_parameter(call, "format");
    int result = store_shipment_get(fleet->store, call->id, &shipment);
    if (result != STORE_OK)
        return result;
    if (format == NULL || (strcmp(format, "csv") != 0 && strcmp(format, "json") != 0))
        return api_refuse(call, 400, "malformed request", "format must be csv or json");
    struct report_work *work = calloc(1, sizeof *work);
    if (work == NULL)
        abort();
    work->steps.free = free_work;
    work->csv = strcmp(format, "csv") == 0;
    call->steps = &work->steps;
    int file = open(fleet->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    work->to = file < 0 ? NULL : fdopen(file, "w+");
    if (work->to == NULL) {
        log_line(LOG_LEVEL_ERROR, "report-failed", "path=%s error=\"%s\"", fleet->folder, strerror(errno));
        return STORE_FAILED;
    }
    fputs(work->csv ? "id,name,version,wave,status,reason,attempts,wire_bytes,encoding,bytes_sent,bytes_full,"
                      "updated,ended\r\n"
                    : "[",
          work->to);
    return STORE_OK;
}

/* Quoted where RFC 4180 asks for it. Devices say their versions themselves: what a spreadsheet would take for
 * a formula gets an apostrophe in front, which makes it a text. */
static void put_csv(FILE *to, const char *text)
{
    const char *mark = text[0] != '\0' && strchr("=+-@", text[0]) != NULL ? "'" : "";
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fprintf(to, "%s%s", mark, text);
        return;
    }
    fprintf(to, "\"%s", mark);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

static void put_csv_row(FILE *to, const struct target_line *line)
{
    const struct target *target = &line->target;
    char id[TEXT_ID_MAX];
    char time[TEXT_TIME_MAX] = "";
    if (target->updated != 0)
        text_time(target->updated, time);
    fprintf(to, "%s,", text_id('d', target->device, id));
    put_csv(to, line->name);
    fputc(',', to);
    put_csv(to, line->version);
    fprintf(to, ",%" PRId64 ",%s,%s,%" PRId64 ",%" PRId64 ",%s,%" PRId64 ",%" PRId64 ",%s,%s\r\n",
            target->wave, status_slug(target->status), tdm_reason_slug(target->reason), target->attempts,
            target->wire_bytes, target->form == FORM_NONE ? "" : status_form_slug(target->form),
            target->sent_bytes, target->plain_bytes, time, target->ended ? "true" : "false");
}

static void put_json_row(struct report_work *work, const struct target_line *line)
{
    struct device device = {.id = line->target.device};
    memcpy(device.name, line->name, sizeof line->name);
    memcpy(device.version, line->version, sizeof line->version);
    json_t *row = render_target(&line->target, SHIPMENT_LIVE, &device, "");
    json_object_del(row, "online");
    json_object_del(row, "text");
    fputs(work->rows > 0 ? ",\n" : "\n", work->to);
    json_dumpf(row, work->to, JSON_COMPACT);
    json_decref(row);
}

static int finish(struct api_call *call, struct report_work *work)
{
    if (call->file > 0)
        return STORE_OK; /* run again, for the transaction's sake */
    fputs(work->csv ? "" : "\n]\n", work->to);
    if (fflush(work->to) != 0 || ferror(work->to))
        return errno == ENOSPC || errno == EDQUOT ? STORE_FULL : STORE_FAILED;
    call->file_bytes = ftello(work->to);
    call->file_type = work->csv ? "text/csv; charset=utf-8" : "application/json";
    call->file = fcntl(fileno(work->to), F_DUPFD_CLOEXEC, 0);
    return call->file > 0 ? STORE_OK : STORE_FAILED;
}

static void put_lines(struct report_work *work, const struct target_line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++, work->rows++) {
        if (work->csv)
            put_csv_row(work->to, &lines[i]);
        else
            put_json_row(work, &lines[i]);
        work->after = lines[i].target.device;
    }
}

int api_shipment_report(struct api_call *call, struct fleet *fleet)
{
    struct target_line *lines;
    size_t count;
    int result = call->steps == NULL ? begin(call, fleet) : STORE_OK;
    if (result != STORE_OK)
        return result;
    struct report_work *work = (struct report_work *)call->steps;
    result = store_target_lines(fleet->store, call->id, work->after, REPORT_STEP, &lines, &count);
    if (result != STORE_OK)
        return result;
    put_lines(work, lines, count);
    free(lines);
    return count < REPORT_STEP ? finish(call, work) : DESK_MORE;
}
