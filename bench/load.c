/* Many clients in one process, for make bench: against tandem-cloud, and against its yardsticks.
 *
 *   - load hold HOST PORT TOKENS: logs in once per token, says "ready", holds until its input ends
 *   - load checkin HOST PORT TOKENS ROUNDS: logs in, then ROUNDS times all check in at once and await
 *     their offers
 *   - load offers HOST PORT TOKENS: logs in and checks in, says "ready", then waits for one offer each
 *   - load echo HOST PORT COUNT ROUNDS: a broker; each client publishes to a topic of its own, ROUNDS times
 *   - load download HOST PORT PATHS CLIENTS SECONDS
 *
 * TOKENS and PATHS are files, one a line. Prints one line of JSON. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PENDING_MAX 200 /* logins under way: a storm is another measurement */
#define LIMIT_S     120 /* of anything */
#define BUFFER      2048

enum stage { CONNECTING, LOGGING_IN, SUBSCRIBING, READY, AWAITING, DONE };

struct client {
    int fd;
    enum stage stage;
    const char *secret; /* token, or path */
    size_t have;
    uint8_t buffer[BUFFER];
    int64_t left; /* of a body */
};

struct load {
    int epoll;
    struct sockaddr_in to;
    struct client *clients;
    size_t count;
    size_t opened, ready, answered, finished;
    uint64_t bytes;
    bool subscribes;
};

static void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The lines of a file, terminated; *count gets how many. */
static char **read_lines(const char *path, size_t *count)
{
    char **lines = NULL;
    char *line = NULL;
    size_t capacity = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die(path);
    *count = 0;
    for (ssize_t bytes; (bytes = getline(&line, &capacity, file)) > 0;) {
        line[strcspn(line, "\n")] = '\0';
        lines = realloc(lines, (*count + 1) * sizeof *lines);
        if (lines == NULL || (lines[*count] = strdup(line)) == NULL)
            die("memory");
        ++*count;
    }
    free(line);
    fclose(file);
    return lines;
}

/* --- MQTT 3.1.1, as little as is needed --- */

static size_t put_text(uint8_t *to, const char *text)
{
    size_t bytes = strlen(text);
    to[0] = (uint8_t)(bytes >> 8);
    to[1] = (uint8_t)bytes;
    memcpy(to + 2, text, bytes);
    return bytes + 2;
}

static void send_packet(struct client *client, uint8_t type, const uint8_t *body, size_t bytes)
{
    uint8_t packet[1024] = {type};
    size_t at = 1;
    size_t length = bytes;
    do {
        packet[at++] = (uint8_t)((length & 0x7F) | (length > 0x7F ? 0x80 : 0));
        length >>= 7;
    } while (length > 0);
    memcpy(packet + at, body, bytes);
    if (send(client->fd, packet, at + bytes, MSG_NOSIGNAL) != (ssize_t)(at + bytes))
        die("send");
}

static void send_connect(struct load *load, struct client *client)
{
    uint8_t body[256];
    char name[24];
    snprintf(name, sizeof name, "load-%zu", (size_t)(client - load->clients));
    size_t at = put_text(body, "MQTT");
    memcpy(body + at, "\x04\xC2\x00\x00", 4); /* no keep-alive: nothing but what is measured */
    at += 4;
    at += put_text(body + at, name);
    at += put_text(body + at, "device");
    at += put_text(body + at, client->secret);
    send_packet(client, 0x10, body, at);
    client->stage = LOGGING_IN;
}

static void send_subscribe(struct load *load, struct client *client)
{
    uint8_t body[64] = {0, 1};
    char topic[40];
    snprintf(topic, sizeof topic, "echo/%zu", (size_t)(client - load->clients));
    size_t at = 2 + put_text(body + 2, topic);
    body[at++] = 0;
    send_packet(client, 0x82, body, at);
    client->stage = SUBSCRIBING;
}

static void send_publish(struct load *load, struct client *client)
{
    static const char check_in[] = "{\"tmpl\":\"TMPLbench\",\"ver\":\"1.0.0\",\"build\":\"Nov 22 2026 "
                                   "10:00:00\",\"type\":\"pump\",\"rxbuff\":1024}";
    uint8_t body[256];
    char topic[40] = "info/mcu";
    if (load->subscribes)
        snprintf(topic, sizeof topic, "echo/%zu", (size_t)(client - load->clients));
    size_t at = put_text(body, topic);
    memcpy(body + at, check_in, sizeof check_in - 1);
    send_packet(client, 0x30, body, at + sizeof check_in - 1);
    client->stage = AWAITING;
}

static void take_packet(struct load *load, struct client *client, uint8_t type, const uint8_t *body)
{
    if (type == 0x20 && body[1] != 0) {
        fprintf(stderr, "load: login refused: %d\n", body[1]);
        exit(1);
    }
    if (type == 0x20 && load->subscribes)
        send_subscribe(load, client);
    else if (type == 0x20 || type == 0x90) {
        client->stage = READY;
        load->ready++;
    } else if ((type & 0xF0) == 0x30 && client->stage == AWAITING) {
        client->stage = READY;
        load->answered++;
    }
}

/* Whole packets off the front of the buffer. */
static void take_mqtt(struct load *load, struct client *client)
{
    size_t at = 0;
    for (;;) {
        size_t length = 0, head = 1;
        bool whole = false;
        while (!whole && at + head < client->have && head < 5) {
            uint8_t digit = client->buffer[at + head];
            length |= (size_t)(digit & 0x7F) << (7 * (head - 1));
            head++;
            whole = (digit & 0x80) == 0;
        }
        if (!whole || at + head + length > client->have)
            break;
        take_packet(load, client, client->buffer[at], client->buffer + at + head);
        at += head + length;
    }
    memmove(client->buffer, client->buffer + at, client->have - at);
    client->have -= at;
}

/* --- HTTP --- */

static void send_get(struct client *client)
{
    char request[512];
    int bytes = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", client->secret);
    if (send(client->fd, request, (size_t)bytes, MSG_NOSIGNAL) != bytes)
        die("send");
    client->left = -1;
    client->have = 0;
}

/* The head of an answer, once all of it is there: what came of the body behind it counts. */
static void take_head(struct client *client)
{
    client->buffer[client->have < BUFFER ? client->have : BUFFER - 1] = '\0';
    char *text = (char *)client->buffer;
    char *end = strstr(text, "\r\n\r\n");
    char *length = strcasestr(text, "Content-Length: ");
    if (end == NULL)
        return;
    if (strncmp(text, "HTTP/1.1 200", 12) != 0 || length == NULL) {
        fprintf(stderr, "load: answer: %.60s\n", text);
        exit(1);
    }
    client->left = strtoll(length + 16, NULL, 10) - (int64_t)(client->have - (size_t)(end + 4 - text));
}

static void take_http(struct load *load, struct client *client, const uint8_t *data, size_t bytes)
{
    if (client->left < 0) {
        size_t room = BUFFER - 1 - client->have;
        size_t kept = bytes < room ? bytes : room;
        memcpy(client->buffer + client->have, data, kept);
        client->have += kept;
        take_head(client);
        if (client->left >= 0)
            client->left -= (int64_t)(bytes - kept);
    } else {
        client->left -= (int64_t)bytes;
    }
    load->bytes += bytes;
    if (client->left == 0) {
        load->finished++;
        send_get(client);
    }
}

/* --- All clients --- */

static void open_client(struct load *load)
{
    struct client *client = &load->clients[load->opened++];
    int one = 1;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        die("socket");
    if (connect(client->fd, (struct sockaddr *)&load->to, sizeof load->to) != 0)
        die("connect");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->fd, &event) != 0)
        die("epoll");
}

static void turn(struct load *load, bool http)
{
    static uint8_t piece[256 * 1024];
    struct epoll_event events[256];
    int count = epoll_wait(load->epoll, events, 256, 100);
    for (int i = 0; i < count; i++) {
        struct client *client = events[i].data.ptr;
        ssize_t got = http ? recv(client->fd, piece, sizeof piece, 0)
                           : recv(client->fd, client->buffer + client->have, BUFFER - client->have, 0);
        if (got <= 0) {
            fprintf(stderr, "load: the server closed a connection\n");
            exit(1);
        }
        if (http) {
            take_http(load, client, piece, (size_t)got);
        } else {
            client->have += (size_t)got;
            take_mqtt(load, client);
        }
    }
}

/* Turns until *value has come to goal. */
static void until(struct load *load, const size_t *value, size_t goal, const char *what)
{
    double end = now_s() + LIMIT_S;
    while (*value < goal) {
        if (now_s() > end) {
            fprintf(stderr, "load: timed out: %s, %zu of %zu\n", what, *value, goal);
            exit(1);
        }
        turn(load, false);
    }
}

static void log_all_in(struct load *load)
{
    while (load->opened < load->count) {
        open_client(load);
        send_connect(load, &load->clients[load->opened - 1]);
        if (load->opened - load->ready > PENDING_MAX)
            until(load, &load->ready, load->opened - PENDING_MAX, "logins");
    }
    until(load, &load->ready, load->count, "logins");
}

static void say_ready(void)
{
    puts("ready");
    fflush(stdout);
}

/* The parent reads what it needs, then sends a line, or closes the pipe. */
static void wait_for_parent(void)
{
    char line[8];
    if (fgets(line, sizeof line, stdin) == NULL)
        return;
}

static void check_in_all(struct load *load)
{
    load->answered = 0;
    for (size_t i = 0; i < load->count; i++) {
        send_publish(load, &load->clients[i]);
        if (i % 64 == 63)
            turn(load, false);
    }
    until(load, &load->answered, load->count, "answers");
}

static void run_rounds(struct load *load, int rounds)
{
    log_all_in(load);
    say_ready();
    wait_for_parent();
    double start = now_s();
    for (int i = 0; i < rounds; i++)
        check_in_all(load);
    double seconds = now_s() - start;
    printf("{\"clients\": %zu, \"messages\": %zu, \"seconds\": %.4f}\n", load->count,
           load->count * (size_t)rounds, seconds);
    fflush(stdout);
    wait_for_parent();
}

static void run_offers(struct load *load)
{
    log_all_in(load);
    for (size_t i = 0; i < load->count; i++)
        send_publish(load, &load->clients[i]);
    say_ready();
    double end = now_s() + LIMIT_S;
    while (load->answered < load->count && now_s() < end)
        turn(load, false);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("{\"clients\": %zu, \"offers\": %zu, \"last\": %.4f}\n", load->count, load->answered,
           (double)now.tv_sec + (double)now.tv_nsec / 1e9);
}

static void run_download(struct load *load, double seconds)
{
    while (load->opened < load->count) {
        open_client(load);
        send_get(&load->clients[load->opened - 1]);
    }
    double start = now_s();
    while (now_s() - start < seconds)
        turn(load, true);
    printf("{\"clients\": %zu, \"downloads\": %zu, \"bytes\": %llu, \"seconds\": %.4f}\n", load->count,
           load->finished, (unsigned long long)load->bytes, now_s() - start);
}

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct load load = {.epoll = epoll_create1(EPOLL_CLOEXEC), .to.sin_family = AF_INET};
    if (argc < 5 || inet_pton(AF_INET, argv[2], &load.to.sin_addr) != 1) {
        fputs("Usage: see the head of bench/load.c\n", stderr);
        return 2;
    }
    const char *mode = argv[1];
    load.to.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
    load.subscribes = strcmp(mode, "echo") == 0;
    raise_file_limit();
    size_t lines = 1;
    static char *nobody[] = {""};
    char **secrets = load.subscribes ? nobody : read_lines(argv[4], &lines);
    load.count = load.subscribes || strcmp(mode, "download") == 0
                     ? strtoul(argv[load.subscribes ? 4 : 5], NULL, 10)
                     : lines;
    load.clients = calloc(load.count, sizeof *load.clients);
    if (load.clients == NULL || lines == 0)
        die("memory");
    for (size_t i = 0; i < load.count; i++)
        load.clients[i].secret = secrets[i % lines];
    if (strcmp(mode, "download") == 0)
        run_download(&load, strtod(argv[6], NULL));
    else if (strcmp(mode, "offers") == 0)
        run_offers(&load);
    else
        run_rounds(&load, argc > 5 ? (int)strtol(argv[5], NULL, 10) : 0);
    return 0;
}
