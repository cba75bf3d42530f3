#include "ncpd/base/journal.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct sockaddr_un journal = {.sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket"};

size_t journal_entry(char entry[JOURNAL_ENTRY_MAX], int priority, const char *mcu, const char *text)
{
    int head = snprintf(entry, JOURNAL_ENTRY_MAX, "PRIORITY=%d\nSYSLOG_IDENTIFIER=tandem-ncp\n", priority);
    int room = JOURNAL_ENTRY_MAX - head - 1; /* of the line break at the end */
    int length;

    if (mcu != NULL)
        length = snprintf(entry + head, (size_t)room, "TANDEM_MCU=%s\nMESSAGE=%s: %s", mcu, mcu, text);
    else
        length = snprintf(entry + head, (size_t)room, "MESSAGE=%s", text);
    length = head + (length < room ? length : room - 1);
    entry[length] = '\n';
    return (size_t)length + 1;
}

bool journal_send(int priority, const char *mcu, const char *text)
{
    char entry[JOURNAL_ENTRY_MAX];
    size_t length = journal_entry(entry, priority, mcu, text);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool sent;

    if (fd < 0)
        return false;
    sent = sendto(fd, entry, length, MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&journal,
                  sizeof journal) == (ssize_t)length;
    close(fd);
    return sent;
}
