/* All three are one walk: from a folder with a database, to another (or to none), checking each file on the
 * way. */
#include "cloud/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/fleet/firmware/firmware.h"
#include "cloud/options.h"
#include "cloud/store/sqlite_file.h"

#define EXIT_USAGE 2
#define PATH_BYTES (OPTIONS_DATA_MAX + 256)
#define BLOCK      (64 * 1024)

struct command {
    const char *name;
    const char *usage;
    const char *done; /* what is said at the end */
};

static const struct command commands[] = {
    {"backup", "backup --data DIR [--files PLACE] --to DIR", "backed up"},
    {"restore", "restore --from DIR --data DIR [--files PLACE]", "restored"},
    {"check", "check --data DIR [--files PLACE]", "in order"},
};

struct walk {
    bool elsewhere;        /* files that the folder lacks are kept in --files */
    char from[PATH_BYTES]; /* database and firmware folder to read */
    char from_firmware[PATH_BYTES];
    char to[PATH_BYTES]; /* and to write; "" when only checking */
    char to_firmware[PATH_BYTES];
    size_t files;
    size_t left_out; /* of those elsewhere */
    bool gives;      /* what is made belongs to whom the folder belongs to, whose server may not be root's */
    uid_t user;
    gid_t group;
};

static bool __attribute__((format(printf, 1, 2))) complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("tandem-cloud: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return false;
}

/* --- Files --- */

static bool copy_block(int to, const uint8_t *block, size_t bytes)
{
    while (bytes > 0) {
        ssize_t written = write(to, block, bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        block += written;
        bytes -= (size_t)written;
    }
    return true;
}

/* Reads a file to its end, digests it, and copies it to another where that is one (to >= 0). */
static bool read_through(int from, int to, uint8_t digest[RECORD_DIGEST_BYTES])
{
    static uint8_t block[BLOCK];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ssize_t bytes = -1;
    bool good = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    while (good && (bytes = read(from, block, sizeof block)) > 0)
        good = EVP_DigestUpdate(context, block, (size_t)bytes) == 1 &&
               (to < 0 || copy_block(to, block, (size_t)bytes));
    good = good && bytes == 0 && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static bool give(const struct walk *walk, int fd)
{
    return !walk->gives || fchown(fd, walk->user, walk->group) == 0;
}

static bool take_firmware(struct walk *walk, const uint8_t sha256[RECORD_DIGEST_BYTES])
{
    char from_path[FIRMWARE_PATH_MAX];
    char to_path[FIRMWARE_PATH_MAX] = "";
    uint8_t digest[RECORD_DIGEST_BYTES] = {0};
    firmware_path(walk->from_firmware, sha256, from_path);
    int from = open(from_path, O_RDONLY | O_CLOEXEC);
    if (from < 0 && errno == ENOENT && walk->elsewhere) {
        walk->left_out++;
        return true;
    }
    if (from < 0)
        return complain("%s, which the database refers to: %s; %s", from_path, strerror(errno),
                        errno == EACCES ? "do this as its owner"
                                        : "get it from a backup, upload it again, or name with --files where "
                                          "firmware is kept");
    int to = -1;
    if (walk->to[0] != '\0') {
        firmware_path(walk->to_firmware, sha256, to_path);
        to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    }
    bool good = walk->to[0] == '\0' || to >= 0;
    good = good && read_through(from, to, digest) && (to < 0 || (give(walk, to) && fsync(to) == 0));
    if (!good)
        (void)complain("cannot copy %s to %s: %s", from_path, to_path, strerror(errno));
    else if (memcmp(digest, sha256, sizeof digest) != 0)
        good =
            complain("%s is damaged: its SHA-256 is not its name; get it from a backup, or upload it again",
                     from_path);
    if (to >= 0 && close(to) != 0)
        good = false;
    close(from);
    walk->files += good;
    return good;
}

static bool make_folder(const char *path)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST ||
           complain("cannot create %s: %s", path, strerror(errno));
}

static bool sync_path(const struct walk *walk, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && give(walk, fd) && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good || complain("cannot write %s to disk: %s", path, strerror(errno));
}

/* --- The walk --- */

static bool take_all_firmware(struct walk *walk, const char *database)
{
    char why[PATH_BYTES + 300];
    uint8_t(*digests)[RECORD_DIGEST_BYTES];
    size_t count;
    if (sqlite_file_firmware(database, &digests, &count, why, sizeof why) != STORE_OK)
        return complain("%s", why);
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = take_firmware(walk, digests[i]);
    free(digests);
    return good;
}

/* What is checked is what was written, where something was. */
static bool check_database(const char *database)
{
    char why[PATH_BYTES + 300];
    return sqlite_file_check(database, why, sizeof why) == STORE_OK || complain("%s", why);
}

static bool copy_database(const struct walk *walk)
{
    char why[PATH_BYTES + 300];
    if (sqlite_file_copy(walk->from, walk->to, why, sizeof why) != STORE_OK)
        return complain("%s", why);
    return sync_path(walk, walk->to);
}

/* Files come after the database: one that is there then stays, and one that the copy refers to is there. */
static bool run_walk(struct walk *walk)
{
    bool copies = walk->to[0] != '\0';
    if (copies && !(make_folder(walk->to_firmware) && copy_database(walk)))
        return false;
    const char *database = copies ? walk->to : walk->from;
    bool good = check_database(database) && take_all_firmware(walk, database);
    return good && (!copies || sync_path(walk, walk->to_firmware));
}

static void set_paths(char database[PATH_BYTES], char files[PATH_BYTES], const char *folder)
{
    snprintf(database, PATH_BYTES, "%.*s/tandem.db", PATH_BYTES - 16, folder);
    snprintf(files, PATH_BYTES, "%.*s/firmware", PATH_BYTES - 16, folder);
}

/* --- The commands --- */

/* Before anything is made for it. */
static bool is_there(const struct walk *walk)
{
    return access(walk->from, R_OK) == 0 ||
           complain("%s: %s; %s", walk->from, strerror(errno),
                    errno == EACCES
                        ? "do this as its owner"
                        : "name a data folder of tandem-cloud, or a backup of one (PostgreSQL has "
                          "tools of its own: docs/OPERATING.md)");
}

/* SQLite would put what stands in another database's log into the one that is restored. */
static bool holds_database(const char *name)
{
    char log[PATH_BYTES];
    snprintf(log, sizeof log, "%.*s-wal", PATH_BYTES - 8, name);
    return access(name, F_OK) == 0 || access(log, F_OK) == 0;
}

struct arguments {
    const char *data;
    const char *files;
    const char *to;
    const char *from;
};

static bool back_up(struct walk *walk, const struct arguments *arguments)
{
    char partial[PATH_BYTES];
    snprintf(partial, sizeof partial, "%s.partial", arguments->to);
    set_paths(walk->from, walk->from_firmware, arguments->data);
    if (!is_there(walk))
        return false;
    if (access(arguments->to, F_OK) == 0)
        return complain("%s is there already; choose a new name for each backup", arguments->to);
    if (mkdir(partial, 0700) != 0)
        return complain("cannot create %s: %s%s", partial, strerror(errno),
                        errno == EEXIST   ? "; an earlier backup was cut off, remove it"
                        : errno == ENOENT ? "; create the folder above it"
                                          : "");
    set_paths(walk->to, walk->to_firmware, partial);
    if (!run_walk(walk) || !sync_path(walk, partial))
        return complain("%s is not whole; remove it", partial);
    return rename(partial, arguments->to) == 0 ||
           complain("cannot rename %s to %s: %s", partial, arguments->to, strerror(errno));
}

/* Root restores for a server that is another user's. */
static bool find_owner(struct walk *walk, const char *folder)
{
    struct stat state;
    if (stat(folder, &state) != 0)
        return complain("cannot look at %s: %s", folder, strerror(errno));
    walk->gives = geteuid() == 0;
    walk->user = state.st_uid;
    walk->group = state.st_gid;
    return true;
}

/* The database gets its name last: no server starts on a folder that is not whole. */
static bool restore(struct walk *walk, const struct arguments *arguments)
{
    char name[PATH_BYTES];
    set_paths(walk->from, walk->from_firmware, arguments->from);
    set_paths(name, walk->to_firmware, arguments->data);
    snprintf(walk->to, sizeof walk->to, "%.*s.partial", PATH_BYTES - 16, name);
    if (!is_there(walk))
        return false;
    if (holds_database(name))
        return complain("%s holds a database already; stop its server and move away tandem.db and all that "
                        "begins so, or choose another --data",
                        arguments->data);
    (void)unlink(walk->to); /* of a restore that was cut off */
    if (!make_folder(arguments->data) || !find_owner(walk, arguments->data) || !run_walk(walk))
        return complain("%s is not restored; mend what is wrong and do it again", arguments->data);
    return (rename(walk->to, name) == 0 ||
            complain("cannot rename %s to %s: %s", walk->to, name, strerror(errno))) &&
           sync_path(walk, arguments->data);
}

static bool check(struct walk *walk, const struct arguments *arguments)
{
    set_paths(walk->from, walk->from_firmware, arguments->data);
    return is_there(walk) && run_walk(walk);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

bool backup_is_command(int argc, char **argv)
{
    return argc > 1 && find_command(argv[1]) != NULL;
}

static void print_usage(FILE *to, const struct command *command)
{
    fprintf(to,
            "Usage: tandem-cloud %s\n(a PostgreSQL database is backed up by its own tools; see "
            "docs/OPERATING.md)\n",
            command->usage);
}

/* A shell that completes a folder's name ends it by one. */
static void without_slash(char *path)
{
    for (size_t bytes = strlen(path); bytes > 1 && path[bytes - 1] == '/'; bytes--)
        path[bytes - 1] = '\0';
}

static bool parse(struct arguments *arguments, int argc, char **argv)
{
    static const struct option known[] = {
        {"data", 1, NULL, 'd'}, {"files", 1, NULL, 'f'}, {"to", 1, NULL, 't'}, {"from", 1, NULL, 'r'}, {0}};
    for (int id; (id = getopt_long(argc - 1, argv + 1, "", known, NULL)) != -1;) {
        const char **to = id == 'd'   ? &arguments->data
                          : id == 'f' ? &arguments->files
                          : id == 't' ? &arguments->to
                                      : &arguments->from;
        if (id == '?' || optarg == NULL || optarg[0] == '\0' || strlen(optarg) > OPTIONS_DATA_MAX)
            return false;
        without_slash(optarg);
        *to = optarg;
    }
    bool wants_to = strcmp(argv[1], "backup") == 0;
    bool wants_from = strcmp(argv[1], "restore") == 0;
    return optind == argc - 1 && arguments->data != NULL && wants_to == (arguments->to != NULL) &&
           wants_from == (arguments->from != NULL);
}

int backup_run(int argc, char **argv)
{
    const struct command *command = find_command(argv[1]);
    struct arguments arguments = {0};
    struct walk walk = {0};
    if (argc == 3 && strcmp(argv[2], "--help") == 0) {
        print_usage(stdout, command);
        return 0;
    }
    if (!parse(&arguments, argc, argv)) {
        print_usage(stderr, command);
        return EXIT_USAGE;
    }
    walk.elsewhere = arguments.files != NULL;
    bool good = arguments.to != NULL     ? back_up(&walk, &arguments)
                : arguments.from != NULL ? restore(&walk, &arguments)
                                         : check(&walk, &arguments);
    if (good)
        printf("%s, with %zu firmware file%s: %s\n", command->done, walk.files, walk.files == 1 ? "" : "s",
               arguments.to != NULL ? arguments.to : arguments.data);
    if (good && walk.left_out > 0)
        printf("%zu more are kept in %s alone\n", walk.left_out, arguments.files);
    return good ? 0 : 1;
}
