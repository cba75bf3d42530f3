#include "ncpd/base/tty.h"

#include <errno.h>
#include <stddef.h>
#include <termios.h>

static const struct {
    uint32_t baud;
    speed_t speed;
} speeds[] = {
    {1200, B1200},       {2400, B2400},       {4800, B4800},       {9600, B9600},       {19200, B19200},
    {38400, B38400},     {57600, B57600},     {115200, B115200},   {230400, B230400},   {460800, B460800},
    {500000, B500000},   {576000, B576000},   {921600, B921600},   {1000000, B1000000}, {1152000, B1152000},
    {1500000, B1500000}, {2000000, B2000000}, {2500000, B2500000}, {3000000, B3000000}, {3500000, B3500000},
    {4000000, B4000000},
};

static speed_t speed_of(uint32_t baud)
{
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        if (speeds[i].baud == baud)
            return speeds[i].speed;
    }
    return B0;
}

bool tty_knows_baud(uint32_t baud)
{
    return speed_of(baud) != B0;
}

/* A driver that cannot do a rate sets another, and that is no error: what it took has to be read. */
bool tty_set(int fd, uint32_t baud)
{
    struct termios line;

    if (tcgetattr(fd, &line) != 0)
        return false;
    cfmakeraw(&line);
    line.c_iflag &= ~(tcflag_t)(IXOFF | IXANY);
    line.c_cflag |= CLOCAL | CREAD;
    line.c_cflag &= ~(tcflag_t)(HUPCL | CSTOPB | PARENB | CRTSCTS);
    if (cfsetspeed(&line, speed_of(baud)) != 0 || tcsetattr(fd, TCSADRAIN, &line) != 0 ||
        tcgetattr(fd, &line) != 0)
        return false;
    if (cfgetospeed(&line) != speed_of(baud)) {
        errno = ERANGE;
        return false;
    }
    return true;
}

bool tty_takes_baud(int fd, uint32_t baud, uint32_t now)
{
    bool takes = tty_knows_baud(baud) && tty_set(fd, baud);

    return tty_set(fd, now) && takes;
}
