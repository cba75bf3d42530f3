/* The time of day, out of a file that a test writes: a library for LD_PRELOAD.
 *
 * TANDEM_CLOCK_FILE names a file with a 64-bit number, milliseconds since 1970. To the program itself
 * CLOCK_REALTIME stands at that number until the file is written again; to libraries, which measure with it
 * how long a peer was silent, and on all other clocks time goes on as it does. So hours pass when the test
 * says so, and no test depends on how fast it runs. */
#define _GNU_SOURCE

#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shown;
static uintptr_t program_from = UINTPTR_MAX, program_to; /* where its code stands */

static int find_program(struct dl_phdr_info *info, size_t bytes, void *ctx)
{
    (void)bytes;
    (void)ctx;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + part->p_vaddr;
        if (part->p_type != PT_LOAD)
            continue;
        program_from = from < program_from ? from : program_from;
        program_to = from + part->p_memsz > program_to ? from + part->p_memsz : program_to;
    }
    return 1; /* the first is the program, and the only one that is asked for */
}

__attribute__((constructor)) static void open_clock(void)
{
    const char *path = getenv("TANDEM_CLOCK_FILE");
    int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = mmap(NULL, sizeof *shown, PROT_READ, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        shown = map;
    close(fd);
    dl_iterate_phdr(find_program, NULL);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    uintptr_t caller = (uintptr_t)__builtin_return_address(0);
    if (clock != CLOCK_REALTIME || shown == NULL || caller < program_from || caller >= program_to)
        return (int)syscall(SYS_clock_gettime, clock, now);
    int64_t ms = *shown;
    now->tv_sec = (time_t)(ms / 1000);
    now->tv_nsec = (long)(ms % 1000) * 1000000;
    return 0;
}
