#include "cloud/deltas/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "cloud/text.h"
#include "delta/package.h"

#define ARGUMENTS      7
#define MEMORY_FACTOR  14 /* delta/encode.h */
#define MEMORY_OWN_MIB 16
#define NICENESS       10
#define FILE_BYTES_MAX ((uint64_t)256 << 20)
#define FILES_OPEN_MAX 32

const char *worker_slug(enum worker_result result)
{
    static const char *const slugs[] = {
#define WORKER_SLUG(name, slug, text) slug,
        WORKER_RESULTS(WORKER_SLUG)
#undef WORKER_SLUG
    };
    return slugs[result];
}

const char *worker_text(enum worker_result result)
{
    static const char *const texts[] = {
#define WORKER_TEXT(name, slug, text) text,
        WORKER_RESULTS(WORKER_TEXT)
#undef WORKER_TEXT
    };
    return texts[result];
}

bool worker_is_command(int argc, char **argv)
{
    return argc == ARGUMENTS && strcmp(argv[1], WORKER_COMMAND) == 0;
}

/* --- Limits --- */

static bool bound(int resource, uint64_t most)
{
    struct rlimit limit = {most, most};
    return setrlimit(resource, &limit) == 0;
}

/* SIGXCPU tells why it ended; at the hard limit the kernel sends SIGKILL, as it does for want of memory. */
static bool bound_time(uint64_t seconds)
{
    struct rlimit limit = {seconds, seconds + 1};
    return setrlimit(RLIMIT_CPU, &limit) == 0;
}

/* AddressSanitizer reserves terabytes of addresses. */
static bool bound_memory(uint64_t mib)
{
#if defined(__SANITIZE_ADDRESS__)
    (void)mib;
    return true;
#else
    return bound(RLIMIT_AS, mib << 20);
#endif
}

/* It ends with the server, dumps no core, and gains no rights. */
static bool set_limits(uint64_t mib, uint64_t seconds)
{
    signal(SIGXFSZ, SIG_IGN);
    return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           setpriority(PRIO_PROCESS, 0, NICENESS) == 0 && bound(RLIMIT_CORE, 0) && bound_time(seconds) &&
           bound(RLIMIT_FSIZE, FILE_BYTES_MAX) && bound(RLIMIT_NOFILE, FILES_OPEN_MAX) && bound_memory(mib);
}

/* --- Files --- */

struct input {
    uint8_t *data;
    size_t bytes;
    struct delta_package package;
};

static bool read_whole(int fd, uint8_t *to, size_t bytes)
{
    while (bytes > 0) {
        ssize_t got = read(fd, to, bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        bytes -= (size_t)got;
    }
    return true;
}

static enum worker_result read_input(struct input *input, const char *path)
{
    struct stat status;
    enum worker_result result = WORKER_WRONG;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &status) == 0 && status.st_size > 0 &&
        (uint64_t)status.st_size <= FILE_BYTES_MAX) {
        input->bytes = (size_t)status.st_size;
        input->data = malloc(input->bytes);
        result = input->data == NULL ? WORKER_MEMORY : WORKER_READY;
        if (input->data != NULL && (!read_whole(fd, input->data, input->bytes) ||
                                    delta_package_open(&input->package, input->data, input->bytes) != TDM_OK))
            result = WORKER_WRONG;
    }
    if (fd >= 0)
        close(fd);
    return result;
}

static bool write_whole(int fd, const uint8_t *from, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(fd, from, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        from += written;
        bytes -= (size_t)written;
    }
    return true;
}

static enum worker_result write_output(const char *path, const uint8_t *data, size_t bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool good = fd >= 0 && write_whole(fd, data, bytes) && fsync(fd) == 0;
    if (fd >= 0 && close(fd) != 0)
        good = false;
    return good ? WORKER_READY : WORKER_DISK;
}

/* --- The work --- */

static enum worker_result result_of(int error)
{
    if (error == TDM_OK)
        return WORKER_READY;
    return error == TDM_E_ROOM ? WORKER_MEMORY : WORKER_WRONG;
}

/* What a device would make of it: the signed image, by its digest. */
static enum worker_result check(const uint8_t *data, size_t bytes, const struct input *base)
{
    struct delta_package package;
    uint8_t *image = NULL;
    int error = delta_package_open(&package, data, bytes);
    if (error == TDM_OK)
        error = delta_package_image(&image, &package, base->data != NULL ? &base->package : NULL);
    free(image);
    return result_of(error);
}

static bool print_line(const uint8_t *data, size_t bytes)
{
    uint8_t sha256[EVP_MAX_MD_SIZE];
    uint8_t md5[EVP_MAX_MD_SIZE];
    char sha256_hex[2 * EVP_MAX_MD_SIZE + 1];
    char md5_hex[2 * EVP_MAX_MD_SIZE + 1];
    return EVP_Digest(data, bytes, sha256, NULL, EVP_sha256(), NULL) == 1 &&
           EVP_Digest(data, bytes, md5, NULL, EVP_md5(), NULL) == 1 &&
           printf("%zu %s %s\n", bytes, text_hex(sha256, RECORD_DIGEST_BYTES, sha256_hex),
                  text_hex(md5, 16, md5_hex)) > 0 &&
           fflush(stdout) == 0;
}

static enum worker_result encode(const struct input *package, const struct input *base, const char *to)
{
    uint8_t *data = NULL;
    size_t bytes = 0;
    enum worker_result result = result_of(delta_package_encode(
        &data, &bytes, &package->package, base->data != NULL ? &base->package : NULL, NULL, NULL));
    if (result == WORKER_READY)
        result = check(data, bytes, base);
    if (result == WORKER_READY)
        result = write_output(to, data, bytes);
    if (result == WORKER_READY && !print_line(data, bytes))
        result = WORKER_CRASHED;
    free(data);
    return result;
}

/* Said before it is tried: so the limit is not found out by failing at it. */
static bool fits(const struct input *package, const struct input *base, uint64_t mib)
{
    uint64_t needed = MEMORY_FACTOR * ((uint64_t)package->bytes + base->bytes);
    return mib > MEMORY_OWN_MIB && needed <= (mib - MEMORY_OWN_MIB) << 20;
}

int worker_run(int argc, char **argv)
{
    struct input package = {0};
    struct input base = {0};
    (void)argc;
    uint64_t mib = strtoull(argv[5], NULL, 10);
    if (!set_limits(mib, strtoull(argv[6], NULL, 10)))
        return WORKER_CRASHED;
    enum worker_result result = read_input(&package, argv[2]);
    if (result == WORKER_READY && strcmp(argv[3], "-") != 0)
        result = read_input(&base, argv[3]);
    if (result == WORKER_READY)
        result = fits(&package, &base, mib) ? encode(&package, &base, argv[4]) : WORKER_MEMORY;
    free(package.data);
    free(base.data);
    return (int)result;
}

/* --- For the maker --- */

bool worker_line_parse(const char *line, struct worker_output *output)
{
    char sha256[2 * RECORD_DIGEST_BYTES + 1];
    char md5[2 * 16 + 1];
    int end = 0;
    return sscanf(line, "%" SCNd64 " %64s %32s%n", &output->bytes, sha256, md5, &end) == 3 &&
           strcmp(line + end, "\n") == 0 && output->bytes > 0 &&
           text_hex_parse(sha256, output->sha256, RECORD_DIGEST_BYTES) &&
           text_hex_parse(md5, output->md5, sizeof output->md5);
}
