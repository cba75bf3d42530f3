#include "cloud/supervisor.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* NOTIFY_SOCKET is a path, or an abstract name with @ in the place of its NUL. */
void supervisor_tell(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t bytes = path != NULL ? strlen(path) : 0;
    if (bytes < 2 || bytes >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, bytes);
    if (path[0] == '@')
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&to,
                  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes));
    close(fd);
}

/* JOURNAL_STREAM names the journal's end of it, and may be there where the output goes elsewhere. */
bool supervisor_keeps_log(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device;
    unsigned long long inode;
    struct stat own;
    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &own) == 0 && own.st_dev == device && own.st_ino == inode;
}
