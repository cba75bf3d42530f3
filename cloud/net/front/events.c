#include "cloud/net/front/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/log.h"
#include "cloud/text.h"

#define KEPT      1024 /* events */
#define RECHECK_S 20   /* how long somebody who was put out may go on listening */
#define FIELD_MAX 64

struct kept {
    uint64_t number; /* from 1 on; 0: none */
    int64_t organization;
    char type[FLEET_TOPIC_MAX];
    char text[FLEET_OFFER_MAX + 1];
};

struct client {
    struct client *next;
    struct http_exchange *exchange;
    struct api_call *call; /* by what it was admitted */
    bool checking;         /* a job of it is on the desk */
    bool gone;             /* and its client meanwhile */
};

struct events {
    struct event *timer;
    struct desk *desk;
    _Atomic bool *watched;
    int64_t epoch; /* tells the numbers of one process from another's */
    uint64_t newest;
    struct kept *ring;
    struct client *clients;
    size_t count;
};

/* --- One event --- */

static void send_event(const struct events *events, struct client *client, const struct kept *kept)
{
    char text[sizeof *kept + FIELD_MAX * 2];
    int bytes = snprintf(text, sizeof text, "id: %" PRIx64 "-%" PRIu64 "\nevent: %s\ndata: %s\n\n",
                         (uint64_t)events->epoch, kept->number, kept->type, kept->text);
    http_stream_send(client->exchange, text, (size_t)bytes);
}

/* Everything before this is not known to be complete: look anew. */
static void send_reset(const struct events *events, struct client *client)
{
    char text[2 * FIELD_MAX];
    int bytes = snprintf(text, sizeof text, "id: %" PRIx64 "-%" PRIu64 "\nevent: reset\ndata: {}\n\n",
                         (uint64_t)events->epoch, events->newest);
    http_stream_send(client->exchange, text, (size_t)bytes);
}

static void go_on(struct events *events, struct client *client, const char *last)
{
    uint64_t epoch = 0;
    uint64_t number = 0;
    int end = 0;
    bool ours = sscanf(last, "%16" SCNx64 "-%20" SCNu64 "%n", &epoch, &number, &end) == 2 &&
                last[end] == '\0' && epoch == (uint64_t)events->epoch && number <= events->newest &&
                number + KEPT >= events->newest;
    if (!ours) {
        send_reset(events, client);
        return;
    }
    for (uint64_t n = number + 1; n <= events->newest; n++) {
        const struct kept *kept = &events->ring[n % KEPT];
        if (kept->organization == client->call->caller.organization)
            send_event(events, client, kept);
    }
}

void events_notice(struct events *events, const struct effect *effect)
{
    struct kept *kept = &events->ring[++events->newest % KEPT];
    *kept = (struct kept){.number = events->newest, .organization = effect->organization};
    snprintf(kept->type, sizeof kept->type, "%s", effect->topic);
    snprintf(kept->text, sizeof kept->text, "%.*s", (int)effect->bytes, effect->text);
    for (struct client *client = events->clients; client != NULL; client = client->next) {
        if (!client->gone && client->call->caller.organization == kept->organization)
            send_event(events, client, kept);
    }
}

void events_missed(struct events *events)
{
    events->newest += KEPT + 1; /* nobody goes on from before */
    for (struct client *client = events->clients; client != NULL; client = client->next) {
        if (!client->gone)
            send_reset(events, client);
    }
}

/* --- Clients --- */

static void free_client(struct client *client)
{
    free(client->call);
    free(client);
}

static size_t streams_of(const struct events *events, int64_t account)
{
    size_t count = 0;
    for (const struct client *client = events->clients; client != NULL; client = client->next)
        count += !client->gone && client->call->caller.account == account;
    return count;
}

bool events_open(struct events *events, struct http_exchange *exchange, const struct api_call *call,
                 const char *last)
{
    if (events->count >= EVENTS_CLIENTS_MAX || streams_of(events, call->caller.account) >= EVENTS_EACH_MAX)
        return false;
    char place[FIELD_MAX];
    snprintf(place, sizeof place, "%s", last); /* the exchange may go with its client */
    struct client *client = calloc(1, sizeof *client);
    struct api_call *copy = malloc(sizeof *copy);
    if (client == NULL || copy == NULL)
        abort();
    *copy = *call;
    copy->answer = NULL;
    http_header(exchange, "Cache-Control", "no-store");
    http_header(exchange, "X-Accel-Buffering", "no"); /* nginx would hold events back */
    *client = (struct client){.next = events->clients, .exchange = exchange, .call = copy};
    if (!http_stream_begin(exchange, 200, "text/event-stream")) {
        free_client(client);
        return true;
    }
    events->clients = client;
    events->count++;
    atomic_store(events->watched, true);
    go_on(events, client, place);
    return true;
}

static void forget(struct events *events, struct client *client)
{
    struct client **link = &events->clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    free_client(client);
}

void events_closed(struct events *events, const struct http_exchange *exchange)
{
    for (struct client *client = events->clients; client != NULL; client = client->next) {
        if (client->exchange != exchange || client->gone)
            continue;
        events->count--;
        client->gone = true;
        if (!client->checking)
            forget(events, client);
        return;
    }
}

/* --- May they still? --- */

struct check {
    struct desk_job job; /* first: the desk hands it back */
    struct api_call call;
    struct events *events;
    struct client *client;
};

static int run_check(struct desk_job *job, struct fleet *fleet)
{
    return api_admit(&((struct check *)job)->call, fleet);
}

static void checked(struct desk_job *job, int result)
{
    struct check *check = (struct check *)job;
    struct client *client = check->client;
    /* A database in trouble puts nobody out. */
    bool out = result != STORE_OK && (check->call.status == 401 || check->call.status == 403);
    json_decref(check->call.answer);
    client->checking = false;
    if (client->gone)
        forget(check->events, client);
    else if (out)
        http_stream_end(client->exchange);
    free(check);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    struct events *events = ctx;
    for (struct client *client = events->clients; client != NULL; client = client->next) {
        if (client->checking || client->gone)
            continue;
        struct check *check = calloc(1, sizeof *check);
        if (check == NULL)
            abort();
        *check = (struct check){.job = {.run = run_check, .done = checked},
                                .call = *client->call,
                                .events = events,
                                .client = client};
        client->checking = true;
        desk_post(events->desk, &check->job);
    }
}

/* --- The whole --- */

struct events *events_start(struct event_base *base, _Atomic bool *watched)
{
    struct events *events = calloc(1, sizeof *events);
    struct timeval every = {.tv_sec = RECHECK_S};
    if (events == NULL)
        abort();
    *events = (struct events){.watched = watched, .epoch = text_now_ms()};
    events->ring = calloc(KEPT, sizeof *events->ring);
    events->timer = event_new(base, -1, EV_PERSIST, on_timer, events);
    if (events->ring == NULL || events->timer == NULL || event_add(events->timer, &every) != 0)
        abort();
    return events;
}

void events_attach(struct events *events, struct desk *desk)
{
    events->desk = desk;
}

void events_free(struct events *events)
{
    while (events->clients != NULL)
        forget(events, events->clients);
    event_free(events->timer);
    free(events->ring);
    free(events);
}

size_t events_clients(const struct events *events)
{
    return events->count;
}
