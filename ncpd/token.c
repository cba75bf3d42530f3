#include "ncpd/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ncpd/log.h"

static bool refuse(const char *path, const char *why, const char *remedy)
{
    log_error("token file %s: %s; %s", path, why, remedy);
    return false;
}

static bool read_line(int fd, char token[TOKEN_MAX + 1], const char *path)
{
    struct stat file;
    ssize_t length;

    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        return refuse(path, "not a file", "give the file that holds the device's token");
    }
    if ((file.st_mode & 077) != 0) {
        return refuse(path, "others than its owner may read or write it", "chmod 600 it");
    }
    length = read(fd, token, TOKEN_MAX + 1);
    if (length < 0 || length > TOKEN_MAX) {
        return refuse(path, length < 0 ? strerror(errno) : "longer than 255 bytes",
                      "it holds one token, in one line");
    }
    token[length] = '\0';
    token[strcspn(token, " \t\r\n")] = '\0';
    return token[0] != '\0' || refuse(path, "empty", "put the device's token into it");
}

bool token_read(char token[TOKEN_MAX + 1], const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good;

    if (fd < 0) {
        return refuse(path, strerror(errno), "give the file that holds the device's token with --token-file");
    }
    good = read_line(fd, token, path);
    close(fd);
    return good;
}
