/* tandem torture: the simulator of sim/ on a user's own flash layout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/base/files.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/base/progress.h"
#include "cli/base/show.h"
#include "cli/torture/torture_images.h"
#include "cli/torture/torture_order.h"
#include "cli/torture/torture_report.h"

/* --- Running --- */

struct watch {
    const struct sim_plan *plan;
    struct progress bar;
};

static void show_progress(void *ctx, const struct sim_tally *tally)
{
    struct watch *watch = ctx;
    uint64_t expected = sim_plan_cases(watch->plan, tally);

    progress_show(&watch->bar, tally->cases < expected ? tally->cases : expected, expected);
}

static json_t *tally_json(const struct sim_tally *tally)
{
    return json_pack("{s:s, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:s}", "scenario", tally->scenario->name,
                     "one_in", (json_int_t)tally->one_in, "operations", (int)tally->operations, "frames",
                     (int)tally->frames, "cases", (int)tally->cases, "cuts", (int)tally->cuts, "failed",
                     (int)tally->failures, "worst_boots", (int)tally->worst_boots, "first_failed",
                     tally->failed_case, "verdict", tally->verdict);
}

static json_t *total_json(const struct sim_total *total, const struct sim_plan *plan, json_t *rows)
{
    json_t *tears = json_object();
    int tear;

    for (tear = 0; tear < SIM_KIND_COUNT; tear++)
        (void)json_object_set_new(tears, sim_tear_name((enum sim_tear)tear),
                                  json_integer(total->by_tear[tear]));
    return json_pack("{s:s, s:I, s:I, s:i, s:i, s:i, s:i, s:o, s:o}", "cuts_mode", sim_mode_name(plan->mode),
                     "seed", (json_int_t)plan->seed, "one_in", (json_int_t)plan->one_in, "cases",
                     (int)total->cases, "cuts", (int)total->cuts, "failed", (int)total->failures,
                     "worst_boots", (int)total->worst_boots, "by_tear", tears, "scenarios", rows);
}

/* A run over scenarios, and who wants to know of it; what nobody asked for is NULL. */
struct run {
    const struct sim_layout *layout;
    const struct torture_images *images;
    struct sim_plan plan;
    struct sim_total total;
    bool json;                     /* instead of a table */
    json_t *rows;                  /* for --json and a report that is JSON */
    struct torture_report *report; /* that is a page */
};

static void torture_scenario(struct run *run, struct sim_world *world, struct sim_tally *tally)
{
    struct watch watch = {.plan = &run->plan};
    const struct sim_onlooker progress = {.progress = show_progress, .ctx = &watch};
    struct sim_onlooker onlooker = progress;

    if (run->report != NULL)
        torture_report_begin(run->report, world, &progress, &onlooker);
    progress_start(&watch.bar, world->scenario->name);
    sim_torture(world, &run->plan, tally, &onlooker);
    progress_end(&watch.bar);
    if (run->report != NULL)
        torture_report_end(run->report, tally);
}

/* Runs one scenario, adds it up, and prints or keeps its row. */
static int run_scenario(struct run *run, const struct sim_scenario *scenario)
{
    static struct sim_world world;
    struct sim_tally tally;
    int rc = torture_images_open(run->images, &world, scenario, run->layout);

    if (rc != CLI_OK)
        return rc;
    if (!run->json && run->total.cases == 0) {
        sim_report_heading(stdout);
        fflush(stdout);
    }
    torture_scenario(run, &world, &tally);
    sim_world_close(&world);
    sim_total_add(&run->total, &tally);
    if (run->rows != NULL)
        (void)json_array_append_new(run->rows, tally_json(&tally));
    if (!run->json) {
        sim_report_row(stdout, &tally);
        fflush(stdout); /* a run takes long, and a pipe would show nothing of it */
    }
    return CLI_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);

    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Begins what --report asks for. A run takes long, and its end is no time to find that there is no such
 * folder. */
static int open_report(const struct invocation *call, struct run *run)
{
    const char *path = option_text(call, "report");
    const char *layout = option_text(call, "layout");
    bool page = path != NULL && ends_with(path, ".html");
    int rc;

    if (path == NULL)
        return CLI_OK;
    if (!page && !ends_with(path, ".json"))
        return output_fail(CLI_USAGE, "--report takes a file that ends in .html or .json, not \"%s\"", path);
    rc = file_try(path);
    if (rc == CLI_OK && page) {
        run->report = torture_report_open(layout != NULL ? layout : "small", &run->plan);
        rc = run->report != NULL ? CLI_OK : output_fail(CLI_FAILED, "out of memory");
    }
    return rc;
}

static int write_report(const char *path, struct run *run, const json_t *sums)
{
    char *text = run->report != NULL ? torture_report_close(run->report, &run->total)
                                     : json_dumps(sums, JSON_INDENT(2));
    int rc =
        text != NULL ? file_write(path, text, strlen(text), 0666) : output_fail(CLI_FAILED, "out of memory");

    free(text);
    return rc;
}

/* The sums, to everybody who asked. */
static int conclude(const struct invocation *call, struct run *run)
{
    const char *path = option_text(call, "report");
    json_t *sums = total_json(&run->total, &run->plan, run->rows);
    int rc = path != NULL ? write_report(path, run, sums) : CLI_OK;

    if (run->json) {
        int printed = show_json(sums);

        return rc == CLI_OK ? printed : rc;
    }
    json_decref(sums);
    sim_report_total(stdout, &run->total, &run->plan);
    return rc;
}

static int run_all(const struct invocation *call, const struct sim_scenario *only,
                   const struct sim_layout *layout, const struct torture_images *images)
{
    struct run run = {
        .layout = layout, .images = images, .json = option_given(call, "json"), .rows = json_array()};
    const struct sim_scenario *scenario;
    int rc = torture_order_plan(call, &run.plan);

    rc = rc == CLI_OK ? open_report(call, &run) : rc;
    for (scenario = sim_scenarios(layout); rc == CLI_OK && scenario->name != NULL; scenario++) {
        if (only == NULL ? torture_images_fit(images, scenario) : only == scenario)
            rc = run_scenario(&run, scenario);
    }
    if (rc != CLI_OK) {
        json_decref(run.rows);
        if (run.report != NULL)
            free(torture_report_close(run.report, &run.total));
        return rc;
    }
    rc = conclude(call, &run);
    return rc == CLI_OK && run.total.failures > 0 ? CLI_FAILED : rc;
}

static void print_note(void *ctx, uint32_t at_ms, const char *line)
{
    (void)ctx;
    printf("%9u.%03u s  %s\n", (unsigned)(at_ms / 1000), (unsigned)(at_ms % 1000), line);
}

static int run_case(const struct invocation *call, const char *name, const struct sim_layout *layout,
                    const struct torture_images *images)
{
    static struct sim_world world;
    const struct sim_scenario *scenario;
    struct sim_cut cuts[SIM_CUTS_MAX];
    struct sim_outcome outcome;
    unsigned count;
    int rc;

    if (!sim_case_parse(name, &scenario, cuts, &count))
        return output_fail(CLI_USAGE, "\"%s\" names no case; a case looks like healthy:12t7", name);
    rc = torture_order_fits(scenario, layout);
    if (rc != CLI_OK)
        return rc;
    rc = torture_images_open(images, &world, scenario, layout);
    if (rc != CLI_OK)
        return rc;
    world.note = option_given(call, "json") ? NULL : print_note;
    sim_world_run(&world, cuts, count, &outcome);
    sim_world_close(&world);
    rc = show_fields(call, json_pack("{s:s, s:s, s:i, s:i, s:i, s:b, s:s}", "case", name, "scenario",
                                     scenario->text, "cuts", (int)outcome.cuts, "boots", (int)outcome.boots,
                                     "virtual_seconds", (int)(outcome.virtual_ms / 1000), "survived",
                                     !outcome.guilty, "verdict",
                                     outcome.guilty ? outcome.verdict : "all invariants hold"));
    if (rc == CLI_OK && !outcome.guilty && outcome.cuts < count)
        return output_fail(CLI_FAILED,
                           "%s: the scenario ends before %s cut; on this layout there is no such case", name,
                           outcome.cuts == 0 ? "the" : "the second");
    return rc == CLI_OK && outcome.guilty ? CLI_FAILED : rc;
}

static int list(const struct sim_layout *layout)
{
    const struct sim_scenario *scenario;

    for (scenario = sim_scenarios(layout); scenario->name != NULL; scenario++)
        printf("%-28s %s\n", scenario->name, scenario->text);
    return CLI_OK;
}

static int run_with(const struct invocation *call, const struct sim_layout *layout,
                    const struct torture_images *images)
{
    const struct sim_scenario *only;
    int rc;

    if (option_given(call, "case"))
        return run_case(call, option_text(call, "case"), layout, images);
    rc = torture_order_scenario(call, layout, &only);
    return rc == CLI_OK ? run_all(call, only, layout, images) : rc;
}

static int run(const struct invocation *call)
{
    struct torture_images images;
    struct sim_layout layout;
    int rc;

    rc = torture_order_layout(call, &layout);
    if (rc == CLI_OK && option_given(call, "list"))
        return list(&layout);
    if (rc == CLI_OK) {
        rc = torture_images_read(&images, call);
        rc = rc == CLI_OK ? run_with(call, &layout, &images) : rc;
        torture_images_free(&images);
    }
    return rc;
}

static const struct option options[] = {
    {"layout", 'l', "FILE.json", "your board's flash (docs/LAYOUT.md), or a small one: small, one, ...", 0},
    {"cuts", 0, "MODE", "none, each (every operation), pairs, line (every frame) or random; default each", 0},
    {"one-in", 0, "N", "run one case of N; default all", 0},
    {"scenario", 's', "NAME", "only this one", 0},
    {"base", 0, "FILE.bin", "with --image: what the device has, instead of an image that is made up", 0},
    {"image", 0, "FILE.bin", "what is shipped to it, in the scenarios that ship one firmware", 0},
    {"seed", 0, "N", "other bits and other draws; default 0", 0},
    {"report", 0, "FILE", "write a report: FILE.html with pictures, or FILE.json", 0},
    {"case", 0, "ID", "replay one case, as a failure names it", 0},
    {"list", 0, NULL, "print the scenarios", 0},
    {0},
};

const struct command command_torture = {
    .name = "torture",
    .arguments = "",
    .summary = "run a simulated device through power cuts at every flash operation",
    .details = "Runs the real bootloader logic, update client and co-processor on simulated flash, line and\n"
               "clock. The power is cut before, during and after every erase and program, and a judge\n"
               "that shares no code with them looks at the flash. docs/TORTURE.md says what is checked.\n"
               "A failed case is printed with an ID that replays it (with the same --layout).\n",
    .options = options,
    .uses = USES_JSON,
    .run = run,
};
