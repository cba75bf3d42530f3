/* Keeps the flash of QEMU's microbit in a file: a library for LD_PRELOAD.
 *
 * QEMU gives that flash to nobody but itself: anonymous memory, gone when QEMU ends. This library waits for
 * the one mapping of exactly that size and puts the file in its place, shared, so that every write is in the
 * file at once and a kill at any moment loses nothing. tools/qemu-device sets
 *
 *     TANDEM_FLASH_FD       the open file
 *     TANDEM_FLASH_BYTES    its size, which no other memory of the machine has
 *
 * Were the mapping never seen, the flash would be all zero and QEMU would stop at once: there is no vector
 * table. */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef void *map_function(void *at, size_t bytes, int protection, int flags, int fd, off64_t offset);

static bool done;

static long number_from(const char *name)
{
    const char *text = getenv(name);

    return text != NULL ? strtol(text, NULL, 10) : -1;
}

static map_function *real_map(void)
{
    static map_function *found;

    if (found == NULL)
        *(void **)&found = dlsym(RTLD_NEXT, "mmap64");
    if (found == NULL) {
        fputs("qemu-device: the C library has no mmap64\n", stderr);
        _exit(1);
    }
    return found;
}

static bool is_flash(size_t bytes, int protection, int flags)
{
    return !done && (long)bytes == number_from("TANDEM_FLASH_BYTES") && (flags & MAP_ANONYMOUS) != 0 &&
           protection == (PROT_READ | PROT_WRITE);
}

static void *map_file(void *at, size_t bytes, int flags)
{
    int place = flags & MAP_FIXED;
    void *memory = real_map()(at, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | place,
                              (int)number_from("TANDEM_FLASH_FD"), 0);

    if (memory == MAP_FAILED) {
        fprintf(stderr, "qemu-device: the flash file cannot be mapped: %s\n", strerror(errno));
        _exit(1);
    }
    done = true;
    return memory;
}

void *mmap64(void *at, size_t bytes, int protection, int flags, int fd, off64_t offset)
{
    if (is_flash(bytes, protection, flags))
        return map_file(at, bytes, flags);
    return real_map()(at, bytes, protection, flags, fd, offset);
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    return mmap64(at, bytes, protection, flags, fd, offset);
}
