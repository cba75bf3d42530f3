/* `tandem ncp status`: asks the co-processor on this machine how it is. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/base/commands.h"
#include "cli/base/member.h"
#include "cli/base/options.h"
#include "cli/base/output.h"
#include "cli/base/progress.h"
#include "cli/base/show.h"

#define DEFAULT_SOCKET "/run/tandem-ncp/status.sock"

enum { ANSWER_LIMIT_S = 5, NOTES_SHOWN = 5 };

/* -1 after a message. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {ANSWER_LIMIT_S, 0};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof address.sun_path) {
        output_fail(CLI_FAILED, "%s: too long for a socket's path", path);
        close(fd);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        output_fail(
            CLI_FAILED,
            errno == EACCES
                ? "%s: %s; ask as root, or as a member of the group that tandem-ncp runs as"
                : "%s: %s; tandem-ncp listens there if its configuration says StatusSocket= and it runs",
            path, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

/* --- For people --- */

static void print_text(const char *label, const char *format, const char *a, const char *b)
{
    char line[600];

    snprintf(line, sizeof line, format, a, b);
    printf("  %-9s", label);
    output_put(stdout, line, -1);
    putchar('\n');
}

static const char *state_text(json_int_t state)
{
    static const struct {
        json_int_t state;
        const char *text;
    } rows[] = {
        {1, "idle"},
        {2, "being configured"},
        {3, "connecting to the network"},
        {4, "connecting to the cloud"},
        {5, "connected"},
        {10, "not initialized"},
        {11, "update under way"},
        {12, "error"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].state == state)
            return rows[i].text;
    }
    return "unknown";
}

static void print_update(const json_t *mcu)
{
    char bar[PROGRESS_TEXT_BYTES];
    char what[256];
    const char *stage = member_text(mcu, "update.stage");
    json_int_t size = member_number(mcu, "update.size");

    if (strcmp(stage, "none") == 0)
        return;
    snprintf(what, sizeof what, "%s %s", member_text(mcu, "update.type"), member_text(mcu, "update.version"));
    if (strcmp(stage, "failed") == 0) {
        print_text("update", "%s: failed: %s", what, member_text(mcu, "update.reason"));
    } else if (json_is_true(member_find(mcu, "update.active")) && size > 0) {
        progress_text(bar, 20, (uint64_t)member_number(mcu, "update.bytes"), (uint64_t)size);
        snprintf(what + strlen(what), sizeof what - strlen(what), ": %s", stage);
        print_text("update", "%s %s", what, bar);
    } else {
        print_text("update", "%s: %s", what, stage);
    }
}

static void print_uart(const json_t *mcu)
{
    const char *path = member_text(mcu, "uart.path");
    const char *device = member_text(mcu, "uart.device");
    char rest[300];

    if (!json_is_true(member_find(mcu, "uart.open"))) {
        snprintf(rest, sizeof rest, ", not open%s%s", member_text(mcu, "uart.error")[0] != '\0' ? ": " : "",
                 member_text(mcu, "uart.error"));
        print_text("uart", "%s%s", path, rest);
        return;
    }
    if (strcmp(path, device) == 0)
        device = "";
    snprintf(rest, sizeof rest, "%s%s%s, %" JSON_INTEGER_FORMAT " baud", device[0] != '\0' ? " (" : "",
             device, device[0] != '\0' ? ")" : "", member_number(mcu, "uart.baud"));
    print_text("uart", "%s%s", path, rest);
}

static void print_mcu(const json_t *mcu)
{
    char line[128];

    output_put(stdout, member_text(mcu, "name"), -1);
    putchar('\n');
    print_uart(mcu);
    print_text("link", "%s, %s", member_text(mcu, "link"), state_text(member_number(mcu, "state")));
    snprintf(line, sizeof line, ":%" JSON_INTEGER_FORMAT "%s, %s", member_number(mcu, "cloud.port"),
             json_is_true(member_find(mcu, "cloud.tls")) ? " (TLS)" : "",
             json_is_true(member_find(mcu, "cloud.connected")) ? "connected" : "not connected");
    print_text("cloud", "%s%s", member_text(mcu, "cloud.host"), line);
    if (member_text(mcu, "device.version")[0] != '\0')
        print_text("firmware", "%s %s", member_text(mcu, "device.type"), member_text(mcu, "device.version"));
    print_update(mcu);
    printf("  %-9s%" JSON_INTEGER_FORMAT " in, %" JSON_INTEGER_FORMAT " out, %" JSON_INTEGER_FORMAT
           " with a wrong CRC, %" JSON_INTEGER_FORMAT " cut short, %" JSON_INTEGER_FORMAT " resent\n",
           "frames", member_number(mcu, "counters.frames_in"), member_number(mcu, "counters.frames_out"),
           member_number(mcu, "counters.crc_errors"), member_number(mcu, "counters.cut_short"),
           member_number(mcu, "counters.resends"));
}

static void print_notes(const json_t *notes)
{
    const json_t *note;
    size_t i;

    if (json_array_size(notes) > 0)
        puts("last warnings and errors");
    json_array_foreach(notes, i, note)
    {
        time_t at = (time_t)member_number(note, "at");
        char stamp[32];
        struct tm utc;

        if (i == NOTES_SHOWN)
            return;
        gmtime_r(&at, &utc);
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
        printf("  %s ", stamp);
        output_put(stdout, member_text(note, "mcu"), -1);
        printf("%s", member_text(note, "mcu")[0] != '\0' ? ": " : "");
        output_put(stdout, member_text(note, "text"), -1);
        putchar('\n');
    }
}

static int print_status(json_t *answer)
{
    const json_t *mcu;
    size_t i;

    printf("tandem-ncp %s, up %" JSON_INTEGER_FORMAT " s\n", member_text(answer, "version"),
           member_number(answer, "up_s"));
    json_array_foreach(json_object_get(answer, "mcus"), i, mcu)
    {
        print_mcu(mcu);
    }
    print_notes(json_object_get(answer, "notes"));
    json_decref(answer);
    return CLI_OK;
}

static int run_status(const struct invocation *call)
{
    const char *path = option_text(call, "socket");
    int fd = connect_to(path != NULL ? path : DEFAULT_SOCKET);
    json_t *answer;

    if (fd < 0)
        return CLI_FAILED;
    answer = json_loadfd(fd, 0, NULL);
    close(fd);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return output_fail(
            CLI_FAILED, "%s: no answer of tandem-ncp came within %d s; is it tandem-ncp that listens there?",
            path != NULL ? path : DEFAULT_SOCKET, ANSWER_LIMIT_S);
    }
    return option_given(call, "json") ? show_json(answer) : print_status(answer);
}

static const struct option status_options[] = {
    {"socket", 0, "PATH", "where tandem-ncp listens (" DEFAULT_SOCKET ")", 0},
    {0},
};

const struct command command_ncp_status = {
    .name = "ncp status",
    .arguments = "",
    .summary = "show the co-processor on this machine: links, updates, counters, last errors",
    .options = status_options,
    .uses = USES_JSON,
    .run = run_status,
};
