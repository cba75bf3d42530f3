#include "cloud/net/connection.h"

#include <stdio.h>
#include <stdlib.h>

#include "cloud/fleet/device.h"
#include "cloud/log.h"

static int run_job(struct desk_job *desk_job, struct fleet *fleet)
{
    struct job *job = (struct job *)desk_job;
    int result = STORE_OK;
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
    case JOB_LOG:
        result = device_logged(fleet, job->device, job->text);
        break;
    case JOB_OFFER_SENT:
        result = device_offer_sent(fleet, job->device, job->shipment);
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
    if (c != NULL) {
        c->jobs--;
        if (result != STORE_OK)
            mqtt_session_end(&c->session, MQTT_END_KICKED); /* it comes back and says it again */
        else if (job->packet_id != 0)
            mqtt_session_acknowledge(&c->session, job->packet_id);
        connection__serve(c);
    }
    free(job);
}

struct job *job__new(struct connection *c, enum job_kind kind)
{
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        abort();
    job->job.run = run_job;
    job->job.done = job_done;
    job->kind = kind;
    job->gateway = c->gateway;
    job->connection = c->number;
    job->device = c->device;
    return job;
}

void job__post(struct connection *c, struct job *job)
{
    c->jobs++;
    desk_post(c->gateway->desk, &job->job);
}

struct job *job__of_message(struct connection *c, const struct mqtt_message *message)
{
    struct job *job = NULL;
    bool ok = true;
    if (mqtt_slice_equals(message->topic, "info/mcu")) {
        job = job__new(c, JOB_CHECK_IN);
        ok = report_parse_check_in(message->payload.data, message->payload.length, &job->check_in);
    } else if (mqtt_slice_equals(message->topic, "ota/report")) {
        job = job__new(c, JOB_REPORT);
        ok = report_parse(message->payload.data, message->payload.length, &job->report);
    }
    if (!ok) {
        job->kind = JOB_LOG;
        snprintf(job->text, sizeof job->text, "%.*s: malformed, ignored", (int)message->topic.length,
                 (const char *)message->topic.data);
    }
    return job;
}
