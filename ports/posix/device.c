/* The tool around the board: options, and everything that can be wrong before the power is switched on. */
#include "ports/posix/device.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ports/posix/layout.h"
#include "ports/posix/supervisor.h"

#define EXIT_USAGE       2
#define LOCK_PATIENCE_MS 1000u
#define LOG_LINE_BYTES   512

static const char usage[] =
    "Usage: tandem-device --flash FILE --uart unix:PATH [--log FILE] [--one-bank]\n"
    "\n"
    "A device as a process: the bootloader and the demo application, with flash in a file.\n"
    "\n"
    "  --flash FILE      contents of the flash, made by\n"
    "                    tandem factory --layout ports/posix/layout.json --app APP.tdm --key KEY.pub -o "
    "FILE\n"
    "  --uart unix:PATH  where the UART to the co-processor listens, for tandem-ncp --uart unix:PATH\n"
    "  --log FILE        takes what the device prints (appended); without it, standard error does\n"
    "  --one-bank        there is no bank B: the bootloader replaces the image, with the co-processor's "
    "help;\n"
    "                    the flash is made with ports/posix/onebank/layout.json\n"
    "  --help, --version\n"
    "\n"
    "What an image does when it runs is simulated: tools/make-sim-image makes images. SIGTERM ends the "
    "device,\n"
    "SIGKILL cuts its power; the flash keeps what was written. Exit status: 0 ended by a signal, 1 failed, 2 "
    "usage.\n";

struct options {
    const char *flash;
    const char *uart;
    const char *log;
    bool one_bank;
};

uint64_t device_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

void device_log(const struct device *device, const char *format, ...)
{
    char line[LOG_LINE_BYTES];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    if ((size_t)length > sizeof line - 2)
        length = (int)sizeof line - 2;
    line[length++] = '\n';
    /* A log that cannot be written stops nothing. */
    if (write(device->log, line, (size_t)length) < 0)
        return;
}

static int complain(const char *what, const char *name, const char *why)
{
    fprintf(stderr, "tandem-device: %s '%s': %s\n", what, name, why);
    return -1;
}

/* Waits a moment for the lock: a device that was just killed may still be on its way out. */
static int lock(int file)
{
    uint64_t start_ms = device_clock_ms();

    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        struct timespec pause = {0, 20000000};

        if (errno != EWOULDBLOCK || device_clock_ms() - start_ms > LOCK_PATIENCE_MS)
            return -1;
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int open_flash(struct device *device, const char *name)
{
    char why[160];
    struct stat status;
    int error;

    device->flash = open(name, O_RDWR | O_CLOEXEC);
    if (device->flash < 0 && errno == ENOENT)
        return complain("flash file", name, "does not exist; make one with tandem factory (see --help)");
    if (device->flash < 0)
        return complain("flash file", name, strerror(errno));
    if (lock(device->flash) != 0)
        return complain("flash file", name, "another device uses it; end that one, or give this one a copy");
    if (fstat(device->flash, &status) != 0)
        return complain("flash file", name, strerror(errno));
    if (status.st_size != (off_t)LAYOUT_FLASH_BYTES) {
        snprintf(why, sizeof why,
                 "has %jd bytes, this device's flash has %u; make one with tandem factory (see --help)",
                 (intmax_t)status.st_size, LAYOUT_FLASH_BYTES);
        return complain("flash file", name, why);
    }
    /* Holes are filled now, so that a full disk is told here and not in the middle of an update. */
    error = posix_fallocate(device->flash, 0, LAYOUT_FLASH_BYTES);
    if (error == ENOSPC)
        return complain("flash file", name, "the disk has no room for all of it; free some and start again");
    return error == 0 ? 0 : complain("flash file", name, strerror(error));
}

static int open_log(struct device *device, const char *name)
{
    if (name == NULL)
        return 0;
    device->log = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return device->log >= 0 ? 0 : complain("log file", name, strerror(errno));
}

static int map_watchdog(struct device *device)
{
    void *shared =
        mmap(NULL, sizeof *device->watchdog, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED)
        return complain("shared memory", "watchdog", strerror(errno));
    device->watchdog = shared;
    return 0;
}

#define GO_ON (-1) /* in place of an exit status */

static int take_option(struct options *options, int option)
{
    switch (option) {
    case 'f':
        options->flash = optarg;
        return GO_ON;
    case 'u':
        options->uart = optarg;
        return GO_ON;
    case 'l':
        options->log = optarg;
        return GO_ON;
    case '1':
        options->one_bank = true;
        return GO_ON;
    case 'h':
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    case 'v':
        puts("tandem-device " TANDEM_VERSION);
        return EXIT_SUCCESS;
    default:
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
}

static int parse_options(struct options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"flash", required_argument, NULL, 'f'},
        {"uart", required_argument, NULL, 'u'},
        {"log", required_argument, NULL, 'l'},
        {"one-bank", no_argument, NULL, '1'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int option, status = GO_ON;

    while (status == GO_ON && (option = getopt_long(argc, argv, "", known, NULL)) != -1)
        status = take_option(options, option);
    if (status != GO_ON)
        return status;
    if (optind < argc || options->flash == NULL || options->uart == NULL ||
        strncmp(options->uart, "unix:", 5) != 0 || options->uart[5] == '\0') {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return GO_ON;
}

int device_main(int argc, char **argv, void (*program)(void))
{
    struct options options = {NULL, NULL, NULL, false};
    struct device device = {.log = STDERR_FILENO, .cause = TDM_RESET_POWER};
    struct wire wire;
    int status = parse_options(&options, argc, argv);

    if (status != GO_ON)
        return status;
    if (open_log(&device, options.log) != 0 || open_flash(&device, options.flash) != 0 ||
        map_watchdog(&device) != 0)
        return EXIT_FAILURE;
    if (wire_open(&wire, options.uart + 5) != 0)
        return EXIT_FAILURE;
    device.uart = wire.processor;
    device.one_bank = options.one_bank;
    status = supervisor_run(&device, &wire, program);
    wire_close(&wire);
    return status;
}
