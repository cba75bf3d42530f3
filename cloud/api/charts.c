/* What charts are drawn from: points kept once an hour, and how it is now. */
#include "cloud/api/api.h"
#include "cloud/durations.h"

#include <stdio.h>
#include <stdlib.h>

#define HOURS     168
#define HOURS_MAX 9600

static bool take_hours(struct api_call *call, int *hours)
{
    const char *text = api_parameter(call, "hours");
    int used = 0;
    *hours = HOURS;
    if (text == NULL || (sscanf(text, "%4d%n", hours, &used) == 1 && text[used] == '\0' && *hours >= 1 &&
                         *hours <= HOURS_MAX))
        return true;
    (void)api_refuse(call, 400, "malformed request", "hours must be a number from 1 to %d", HOURS_MAX);
    return false;
}

static void append_versions(json_t *list, const struct version_point *points, size_t count)
{
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:o, s:s, s:s, s:s, s:I}", "time", render_time(points[i].time),
                                        "template", points[i].template, "type", points[i].type, "version",
                                        points[i].version, "devices", (json_int_t)points[i].devices));
}

int api_chart_versions(struct api_call *call, struct fleet *fleet)
{
    struct version_point *kept = NULL, *now = NULL;
    size_t kept_count = 0, now_count = 0;
    char template[RECORD_TEXT];
    int hours;
    if (!api_parameter_text(call, "template", template, sizeof template) || !take_hours(call, &hours))
        return STORE_CONFLICT;
    int result = store_chart_versions(fleet->store, call->caller.organization, template,
                                      fleet->now - hours * HOUR_MS, &kept, &kept_count);
    if (result == STORE_OK)
        result = store_field(fleet->store, call->caller.organization, template, fleet->now, &now, &now_count);
    json_t *list = json_array();
    append_versions(list, kept, kept_count);
    append_versions(list, now, now_count);
    free(kept);
    free(now);
    call->answer = json_pack("{s:o}", "points", list);
    return result;
}

static json_t *render_point(int64_t time, const struct progress *progress)
{
    return json_pack(
        "{s:o, s:I, s:I, s:I}", "time", render_time(time), "updated", (json_int_t)progress->updated, "failed",
        (json_int_t)progress->failed, "rest",
        (json_int_t)(progress->target - progress->updated - progress->failed - progress->skipped));
}

int api_shipment_chart(struct api_call *call, struct fleet *fleet)
{
    struct shipment shipment;
    struct progress progress;
    struct progress_point *points;
    size_t count;
    int result = store_shipment_get(fleet->store, call->id, &shipment);
    if (result == STORE_OK)
        result = store_shipment_progress(fleet->store, call->id, &progress);
    if (result == STORE_OK)
        result = store_chart_shipment(fleet->store, call->id, &points, &count);
    if (result != STORE_OK)
        return result;
    struct progress none = {.target = progress.target};
    json_t *list = json_array();
    json_array_append_new(list, render_point(shipment.created, &none));
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, render_point(points[i].time, &points[i].progress));
    free(points);
    json_array_append_new(list, render_point(fleet->now, &progress));
    call->answer = json_pack("{s:o}", "points", list);
    return STORE_OK;
}
