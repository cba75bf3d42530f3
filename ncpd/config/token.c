#include "ncpd/config/token.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ncpd/base/log.h"

static bool refuse(const struct mcu_config *mcu, const char *path, const char *why, const char *remedy)
{
    log_error(mcu->name, "token file %s: %s; %s", path, why, remedy);
    return false;
}

static bool read_line(int fd, char token[TOKEN_MAX + 1], const struct mcu_config *mcu, const char *path)
{
    struct stat file;
    ssize_t length;

    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode))
        return refuse(mcu, path, "not a file", "give the file that holds the device's token");
    if (mcu->token_credential[0] == '\0' && (file.st_mode & 077) != 0)
        return refuse(mcu, path, "others than its owner may read or write it", "chmod 600 it");
    length = read(fd, token, TOKEN_MAX + 1);
    if (length < 0 || length > TOKEN_MAX)
        return refuse(mcu, path, length < 0 ? strerror(errno) : "longer than 255 bytes",
                      "it holds one token, in one line");
    token[length] = '\0';
    token[strcspn(token, " \t\r\n")] = '\0';
    return token[0] != '\0' || refuse(mcu, path, "empty", "put the device's token into it");
}

bool token_read(char token[TOKEN_MAX + 1], const struct mcu_config *mcu)
{
    char path[2 * CONFIG_TEXT];
    bool good;
    int fd;

    config_token_path(mcu, path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(mcu, path, strerror(errno),
                      errno == EACCES ? "chown it to the user that runs tandem-ncp, with mode 600"
                                      : "put the device's token there, or name another TokenFile");
    good = read_line(fd, token, mcu, path);
    close(fd);
    return good;
}
