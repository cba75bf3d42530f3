/* What a device says becomes a job for the desk. */
#include "cloud/net/devices/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/fleet/devices/device.h"
#include "cloud/fleet/devices/values.h"
#include "cloud/log.h"

/* A server alone hears everything in order. Of several, one may have been cut off from the database for a
 * while. */
static int judge_late(struct job *job, const struct fleet *fleet)
{
    job->late = false;
    if (fleet->watch.count < 2 || job->kind == JOB_DISCONNECTED || job->kind == JOB_LOG)
        return STORE_OK;
    job->late = connection__clock_ms() - job->posted_ms > LATE_MS;
    if (job->late || job->kind == JOB_CONNECTED)
        return STORE_OK;
    struct presence presence = {0};
    int result = store_presence_get(fleet->store, job->device, &presence);
    if (result != STORE_OK && result != STORE_NOT_FOUND)
        return result;
    job->late = presence.node != fleet->node || presence.connection != job->connection;
    return STORE_OK;
}

static int run_job(struct desk_job *desk_job, struct fleet *fleet)
{
    struct job *job = (struct job *)desk_job;
    int result = judge_late(job, fleet);
    if (result != STORE_OK || job->late)
        return result;
    switch (job->kind) {
    case JOB_CONNECTED:
        result = device_connected(fleet, job->device, job->connection, job->text);
        break;
    case JOB_DISCONNECTED:
        result = device_disconnected(fleet, job->device, job->connection, job->text);
        break;
    case JOB_CHECK_IN:
        result = device_checked_in(fleet, job->device, job->connection, &job->check_in);
        break;
    case JOB_REPORT:
        result = device_reported(fleet, job->device, &job->report);
        break;
    case JOB_MESSAGE:
        result = values_message(fleet, job->device, job->message.topic, job->payload, job->message.bytes);
        break;
    case JOB_LOG:
        result = device_logged(fleet, job->device, job->text);
        break;
    }
    return result == STORE_NOT_FOUND ? STORE_OK : result; /* the device was deleted meanwhile */
}

static void job_done(struct desk_job *desk_job, int result)
{
    struct job *job = (struct job *)desk_job;
    struct connection *c = idmap_get(&job->gateway->connections, job->connection);
    if (result != STORE_OK)
        log_line(LOG_LEVEL_ERROR, "device-event-lost", "device=d%lld kind=%d result=%d",
                 (long long)job->device, (int)job->kind, result);
    if (job->late)
        log_line(LOG_LEVEL_INFO, "device-late", "device=d%lld connection=%llu", (long long)job->device,
                 (unsigned long long)job->connection);
    if (c != NULL) {
        c->jobs--;
        if (result != STORE_OK || job->late)
            mqtt_session_end(&c->session, MQTT_END_KICKED); /* it comes back and says it again */
        else if (job->packet_id != 0)
            mqtt_session_acknowledge(&c->session, job->packet_id);
        connection__serve(c);
    }
    free(job);
}

static struct job *new_with(struct connection *c, enum job_kind kind, size_t payload_bytes)
{
    struct job *job = calloc(1, sizeof *job + payload_bytes);
    if (job == NULL)
        abort();
    job->job.run = run_job;
    job->job.done = job_done;
    job->job.simple = true;
    job->kind = kind;
    job->gateway = c->gateway;
    job->connection = c->number;
    job->posted_ms = connection__clock_ms();
    job->device = c->device;
    return job;
}

struct job *job__new(struct connection *c, enum job_kind kind)
{
    return new_with(c, kind, 0);
}

void job__post(struct connection *c, struct job *job)
{
    c->jobs++;
    desk_post(c->gateway->desk, &job->job);
}

/* A line of the timeline instead of a message that makes no sense. */
static struct job *malformed(struct connection *c, const char *topic, const char *should)
{
    struct job *job = job__new(c, JOB_LOG);
    snprintf(job->text, sizeof job->text, "%s: malformed, ignored; %s", topic, should);
    connection__complain(c, job->text);
    return job;
}

static struct job *of_check_in(struct connection *c, struct mqtt_slice payload)
{
    struct job *job = job__new(c, JOB_CHECK_IN);
    if (!sayings_check_in(&c->gateway->sayings, payload.data, payload.length, &job->check_in)) {
        free(job);
        return malformed(c, "info/mcu",
                         "it is JSON with the texts tmpl, ver, build, type and the number rxbuff");
    }
    if (job->check_in.receive_bytes > 0)
        mqtt_session_limit(&c->session, job->check_in.receive_bytes < UINT32_MAX
                                            ? (uint32_t)job->check_in.receive_bytes
                                            : UINT32_MAX);
    return job;
}

static struct job *of_report(struct connection *c, struct mqtt_slice payload)
{
    struct job *job = job__new(c, JOB_REPORT);
    if (report_parse(payload.data, payload.length, &job->report))
        return job;
    free(job);
    return malformed(c, "ota/report", "docs/EXTENSIONS.md says what it is");
}

static struct job *of_other(struct connection *c, struct mqtt_slice topic, struct mqtt_slice payload)
{
    if (topic.length >= FLEET_TOPIC_MAX)
        return malformed(c, "a message", "its topic is longer than any that there is");
    struct job *job = new_with(c, JOB_MESSAGE, payload.length);
    memcpy(job->message.topic, topic.data, topic.length);
    job->message.bytes = payload.length;
    if (payload.length > 0)
        memcpy(job->payload, payload.data, payload.length);
    return job;
}

/* Programs in C send their strings with the NUL at the end. */
static struct mqtt_slice without_nul(struct mqtt_slice payload)
{
    if (payload.length > 0 && payload.data[payload.length - 1] == '\0')
        payload.length--;
    return payload;
}

struct job *job__of_message(struct connection *c, const struct mqtt_message *message)
{
    struct mqtt_slice payload = without_nul(message->payload);
    if (mqtt_slice_equals(message->topic, "info/mcu"))
        return of_check_in(c, payload);
    if (mqtt_slice_equals(message->topic, "ota/report"))
        return of_report(c, payload);
    return of_other(c, message->topic, payload);
}

struct job *job__of_will(struct connection *c)
{
    struct mqtt_message message = {.topic = mqtt_slice_of(c->will->topic),
                                   .payload = {c->will->payload, c->will->bytes}};
    return job__of_message(c, &message);
}
