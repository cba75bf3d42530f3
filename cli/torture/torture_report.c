/* One page, without scripts or anything from elsewhere: per scenario a strip of the flash operations, a row
 * per kind of cut, and the uncut life as a list. */
#include "cli/torture/torture_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NOTES_MAX = 16384,
    FAILED_MAX = 8192,
    CELL = 8,   /* pixels */
    LABEL = 90, /* of a row's name */
    ROWS = SIM_TEAR_COUNT,
    NOT_RUN = 0, /* else 1 + boots, or FAILED */
    FAILED = 255
};

struct torture_report {
    const char *layout;
    const struct sim_plan *plan;
    FILE *to; /* the scenarios, into text */
    char *text;
    size_t text_bytes;
    struct sim_world *world;
    const struct sim_onlooker *progress;
    bool uncut; /* the case without cuts is under way */
    uint8_t place[SIM_OPERATIONS_MAX];
    uint32_t places;
    uint8_t cell[ROWS][SIM_OPERATIONS_MAX];
    char notes[NOTES_MAX];
    size_t notes_used;
    char failed[FAILED_MAX]; /* links to scenarios with failed cases, as many as there is room for */
    size_t failed_used;
};

/* --- Collecting --- */

static void take_note(void *ctx, uint32_t at_ms, const char *line)
{
    struct torture_report *report = ctx;
    size_t room = sizeof report->notes - report->notes_used;
    int length;

    if (!report->uncut)
        return;
    length = snprintf(report->notes + report->notes_used, room, "%8" PRIu32 ".%03" PRIu32 " s  %s\n",
                      at_ms / 1000, at_ms % 1000, line);
    if (length > 0 && (size_t)length < room)
        report->notes_used += (size_t)length;
}

/* The worst of what was seen for this operation and kind of cut; of two cuts the first counts. */
static void take_case(struct torture_report *report, const struct sim_cut *cut,
                      const struct sim_outcome *outcome)
{
    uint8_t seen = outcome->guilty
                       ? FAILED
                       : (uint8_t)(1 + (outcome->boots_after_cut < 9 ? outcome->boots_after_cut : 9));

    if (cut->tear < SIM_TEAR_COUNT && cut->operation < SIM_OPERATIONS_MAX &&
        report->cell[cut->tear][cut->operation] < seen)
        report->cell[cut->tear][cut->operation] = seen;
}

static void take_end(void *ctx, const struct sim_cut *cuts, unsigned count, const struct sim_outcome *outcome)
{
    struct torture_report *report = ctx;

    if (count > 0) {
        take_case(report, &cuts[0], outcome);
        return;
    }
    report->uncut = false;
    report->places = report->world->places;
    memcpy(report->place, report->world->place, report->places);
}

static void take_progress(void *ctx, const struct sim_tally *tally)
{
    const struct torture_report *report = ctx;

    if (report->progress != NULL && report->progress->progress != NULL)
        report->progress->progress(report->progress->ctx, tally);
}

void torture_report_begin(struct torture_report *report, struct sim_world *world,
                          const struct sim_onlooker *progress, struct sim_onlooker *onlooker)
{
    report->world = world;
    report->progress = progress;
    report->uncut = true;
    report->places = 0;
    report->notes_used = 0;
    report->notes[0] = '\0';
    memset(report->cell, NOT_RUN, sizeof report->cell);
    world->note = take_note;
    world->note_ctx = report;
    *onlooker = (struct sim_onlooker){take_progress, take_end, report};
}

/* --- Drawing --- */

static void put_text(FILE *to, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", to);
            break;
        case '&':
            fputs("&amp;", to);
            break;
        default:
            fputc(*text, to);
        }
    }
}

/* A run of equal values in a row, from operation from on. */
static void put_run(FILE *to, const char *kind, unsigned value, unsigned row, uint32_t from,
                    uint32_t to_operation, const char *title)
{
    fprintf(to, "<rect class=\"%s%u\" x=\"%" PRIu32 "\" y=\"%u\" width=\"%" PRIu32 "\" height=\"%d\">", kind,
            value, LABEL + from * CELL, row * CELL, (to_operation - from) * CELL, CELL - 1);
    fprintf(to, "<title>operations %" PRIu32 " to %" PRIu32 ": %s</title></rect>", from, to_operation - 1,
            title);
}

static void put_row(FILE *to, const char *kind, const uint8_t *values, uint32_t count, unsigned row,
                    const char *(*title)(unsigned value))
{
    uint32_t from = 0, at;

    for (at = 1; at <= count; at++) {
        if (at == count || values[at] != values[from]) {
            put_run(to, kind, values[from], row, from, at, title(values[from]));
            from = at;
        }
    }
}

static const char *place_title(unsigned place)
{
    static const char *const titles[SIM_PLACES] = {"record unit 0", "record unit 1", "bank A", "bank B"};

    return place < SIM_PLACES ? titles[place] : "";
}

static const char *cell_title(unsigned value)
{
    static char text[48];

    if (value == NOT_RUN)
        return "not cut here in this run";
    if (value == FAILED)
        return "a case failed";
    (void)snprintf(text, sizeof text, "survived, at most %u starts", value - 1);
    return text;
}

static void put_label(FILE *to, unsigned row, const char *text)
{
    fprintf(to, "<text x=\"0\" y=\"%u\">%s</text>", row * CELL + CELL - 1, text);
}

static void put_picture(const struct torture_report *report)
{
    FILE *to = report->to;
    int tear;

    fprintf(to, "<div class=\"wide\"><svg width=\"%" PRIu32 "\" height=\"%d\">",
            LABEL + report->places * CELL + 4, (ROWS + 2) * CELL);
    put_label(to, 0, "flash");
    put_row(to, "p", report->place, report->places, 0, place_title);
    for (tear = 0; tear < ROWS; tear++) {
        put_label(to, 2 + (unsigned)tear, sim_tear_name((enum sim_tear)tear));
        put_row(to, "c", report->cell[tear], report->places, 2 + (unsigned)tear, cell_title);
    }
    fputs("</svg></div>\n", to);
}

static void link_failed(struct torture_report *report, const char *name)
{
    size_t room = sizeof report->failed - report->failed_used;
    int length = snprintf(report->failed + report->failed_used, room, " <a href=\"#%s\">%s</a>", name, name);

    if (length > 0 && (size_t)length < room)
        report->failed_used += (size_t)length;
    else
        report->failed[report->failed_used] = '\0';
}

void torture_report_end(struct torture_report *report, const struct sim_tally *tally)
{
    FILE *to = report->to;

    fprintf(to, "<h2 id=\"%s\">%s</h2><p>", tally->scenario->name, tally->scenario->name);
    put_text(to, tally->scenario->text);
    fprintf(to, ". %" PRIu32 " operations, %" PRIu32 " cases, %" PRIu32 " cuts, %" PRIu32 " failed.</p>\n",
            tally->operations, tally->cases, tally->cuts, tally->failures);
    if (tally->failures > 0) {
        link_failed(report, tally->scenario->name);
        fprintf(to, "<p class=\"bad\">tandem torture --case %s: ", tally->failed_case);
        put_text(to, tally->verdict);
        fputs("</p>\n", to);
    }
    put_picture(report);
    fputs("<details><summary>without a cut</summary><pre>", to);
    put_text(to, report->notes);
    fputs("</pre></details>\n", to);
}

/* --- The page --- */

static const char head[] =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>tandem torture</title><style>\n"
    "body{font:15px/1.4 sans-serif;max-width:75em;margin:2em auto;padding:0 1em}h2{margin:1.5em 0 "
    "0}p{margin:.2em 0}\n"
    ".wide{overflow-x:auto}svg{display:block;margin:.4em 0}svg "
    "text{font-size:8px}pre{font-size:12px}td+td{padding-left:1em}td:last-child{text-align:right}"
    ".bad{color:#b00}\n"
    ".p0{fill:#7a5}.p1{fill:#485}.p2{fill:#48c}.p3{fill:#84c}\n"
    ".c0{fill:#eee}.c1,.c2{fill:#bdb}.c3{fill:#9c9}.c4{fill:#7b7}.c5,.c6{fill:#ca5}.c7,.c8,.c9,.c10{fill:#"
    "c85}\n"
    ".c255{fill:#d00}</style></head><body>\n";

static const char legend[] =
    "<p>Each column is one operation of the flash, an erase or a call that programs, in the scenario without "
    "cuts. First row: where it works (<b style=\"color:#485\">record</b>, <b style=\"color:#48c\">bank "
    "A</b>, "
    "<b style=\"color:#84c\">bank B</b>). The others: the power was cut there, in this way. Green: the "
    "device "
    "came to the right firmware, darker where it took more starts; red: it did not; gray: not cut here in "
    "this "
    "run.</p>\n";

struct torture_report *torture_report_open(const char *layout, const struct sim_plan *plan)
{
    struct torture_report *report = calloc(1, sizeof *report);

    if (report != NULL) {
        report->layout = layout;
        report->plan = plan;
        report->to = open_memstream(&report->text, &report->text_bytes);
    }
    if (report == NULL || report->to == NULL) {
        free(report);
        return NULL;
    }
    return report;
}

static void put_plan(FILE *to, const struct torture_report *report)
{
    fputs("<h1>tandem torture</h1><p>Layout ", to);
    put_text(to, report->layout);
    fprintf(to, ", cuts: %s, seed %" PRIu32, sim_mode_name(report->plan->mode), report->plan->seed);
    if (report->plan->one_in > 1)
        fprintf(to, ", one case of %" PRIu32, report->plan->one_in);
    fputs(".</p>\n", to);
}

static void put_sums(FILE *to, const struct torture_report *report, const struct sim_total *total)
{
    int tear;

    fprintf(to, "<p%s><b>%" PRIu32 " cases, %" PRIu32 " failed.</b>%s</p>\n<table>",
            total->failures > 0 ? " class=\"bad\"" : "", total->cases, total->failures, report->failed);
    for (tear = 0; tear < SIM_KIND_COUNT; tear++) {
        if (total->by_tear[tear] > 0) {
            fprintf(to, "<tr><td>%s<td>%s", sim_tear_name((enum sim_tear)tear),
                    tear < SIM_TEAR_COUNT ? "power cut " : "");
            put_text(to, sim_tear_text((enum sim_tear)tear));
            fprintf(to, "<td>%" PRIu32, total->by_tear[tear]);
        }
    }
    fprintf(to, "<tr><td><td>most starts from a cut until a confirmed firmware ran<td>%u</table>\n",
            total->worst_boots);
}

/* Closes a stream into memory; false: there was not enough of it. */
static bool close_whole(FILE *stream)
{
    bool whole = !ferror(stream);

    return fclose(stream) == 0 && whole;
}

char *torture_report_close(struct torture_report *report, const struct sim_total *total)
{
    char *page = NULL;
    size_t bytes;
    bool whole = close_whole(report->to);
    FILE *to = open_memstream(&page, &bytes);

    if (to != NULL) {
        fputs(head, to);
        put_plan(to, report);
        put_sums(to, report, total);
        fputs(legend, to);
        fputs(report->text, to);
        fputs("</body></html>\n", to);
        whole = close_whole(to) && whole;
    }
    free(report->text);
    free(report);
    if (!whole) {
        free(page);
        return NULL;
    }
    return page;
}
