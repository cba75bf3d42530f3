#include "cloud/net/front/console.h"

#include <errno.h>
#include <fts.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cloud/text.h"

#define FILES_MAX 4096
#define BYTES_MAX ((int64_t)64 * 1024 * 1024) /* of all files */

struct asset {
    char *path; /* "/assets/app.js" */
    const char *type;
    char *data;
    size_t bytes;
    char etag[36];
};

struct console {
    struct asset *assets; /* in order of path */
    size_t count;
    int64_t bytes;
};

static const char *type_of(const char *path)
{
    static const struct {
        const char *ending, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".woff2", "font/woff2"},
        {".txt", "text/plain; charset=utf-8"},
        {".webmanifest", "application/manifest+json"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(dot, types[i].ending) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct asset *)a)->path, ((const struct asset *)b)->path);
}

/* --- Reading the folder --- */

static bool read_whole(const char *path, struct asset *asset, size_t bytes)
{
    FILE *file = fopen(path, "rbe");
    asset->data = malloc(bytes + 1);
    bool read = file != NULL && asset->data != NULL && fread(asset->data, 1, bytes, file) == bytes;
    asset->bytes = bytes;
    if (file != NULL)
        fclose(file);
    return read;
}

static void name_version(struct asset *asset)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hex[33];
    SHA256((const unsigned char *)asset->data, asset->bytes, hash);
    snprintf(asset->etag, sizeof asset->etag, "\"%s\"", text_hex(hash, 16, hex));
}

static bool take_file(struct console *console, const char *path, size_t root, int64_t bytes)
{
    struct asset asset = {.type = type_of(path)};
    struct asset *grown = realloc(console->assets, (console->count + 1) * sizeof *grown);
    if (grown == NULL)
        abort();
    console->assets = grown;
    if (console->count == FILES_MAX || console->bytes + bytes > BYTES_MAX) {
        errno = EFBIG;
        return false;
    }
    asset.path = strdup(path + root);
    if (!read_whole(path, &asset, (size_t)bytes) || asset.path == NULL) {
        free(asset.path);
        free(asset.data);
        return false;
    }
    name_version(&asset);
    console->assets[console->count++] = asset;
    console->bytes += bytes;
    return true;
}

static bool take_folder(struct console *console, const char *folder)
{
    char root[4096];
    snprintf(root, sizeof root, "%s", folder);
    for (size_t end = strlen(root); end > 1 && root[end - 1] == '/'; end--)
        root[end - 1] = '\0';
    char *paths[] = {root, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    bool taken = walk != NULL;
    for (FTSENT *entry; taken && (entry = fts_read(walk)) != NULL;) {
        if (entry->fts_info == FTS_F)
            taken = take_file(console, entry->fts_path, strlen(root), entry->fts_statp->st_size);
        else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
            errno = entry->fts_errno;
            taken = false;
        }
    }
    if (walk != NULL)
        fts_close(walk);
    return taken;
}

static const struct asset *find(const struct console *console, const char *path)
{
    struct asset key = {.path = (char *)path};
    return console->count == 0 ? NULL : bsearch(&key, console->assets, console->count, sizeof key, by_path);
}

struct console *console_load(const char *folder, char *why, size_t capacity)
{
    struct console *console = calloc(1, sizeof *console);
    if (console == NULL)
        abort();
    bool taken = take_folder(console, folder);
    if (!taken)
        snprintf(why, capacity, "cannot read the console's folder %s: %s", folder, strerror(errno));
    if (console->count > 0)
        qsort(console->assets, console->count, sizeof *console->assets, by_path);
    if (taken && find(console, "/index.html") == NULL) {
        snprintf(why, capacity, "%s holds no index.html; --console takes the folder of the built console",
                 folder);
        taken = false;
    }
    if (taken)
        return console;
    console_free(console);
    return NULL;
}

void console_free(struct console *console)
{
    if (console == NULL)
        return;
    for (size_t i = 0; i < console->count; i++) {
        free(console->assets[i].path);
        free(console->assets[i].data);
    }
    free(console->assets);
    free(console);
}

/* --- Answering --- */

static const struct asset *choose(const struct console *console, const struct http_head *head)
{
    const struct asset *asset = find(console, head->path);
    bool page =
        strchr(head->path, '.') == NULL && strstr(http_head_value(head, "accept"), "text/html") != NULL;
    if (asset == NULL && (page || strcmp(head->path, "/") == 0))
        asset = find(console, "/index.html");
    return asset;
}

bool console_answer(const struct console *console, struct http_exchange *exchange)
{
    const struct http_head *head = &exchange->head;
    if (console == NULL || (head->method != HTTP_GET && head->method != HTTP_HEAD))
        return false;
    const struct asset *asset = choose(console, head);
    if (asset == NULL)
        return false;
    /* What the bundler puts into assets/ has a digest in its name. */
    bool fixed = strncmp(asset->path, "/assets/", 8) == 0;
    http_header(exchange, "Cache-Control", fixed ? "public, max-age=31536000, immutable" : "no-cache");
    http_header(exchange, "ETag", asset->etag);
    if (strcmp(http_head_value(head, "if-none-match"), asset->etag) == 0)
        http_reply(exchange, 304, NULL, NULL, 0);
    else
        http_reply(exchange, 200, asset->type, asset->data, asset->bytes);
    return true;
}

void console_guard(struct http_exchange *exchange)
{
    http_header(exchange, "Content-Security-Policy",
                "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
                "form-action 'self'; frame-ancestors 'none'");
    http_header(exchange, "X-Content-Type-Options", "nosniff");
    http_header(exchange, "X-Frame-Options", "DENY");
    http_header(exchange, "Referrer-Policy", "no-referrer");
    http_header(exchange, "Cross-Origin-Opener-Policy", "same-origin");
    http_header(exchange, "Cross-Origin-Resource-Policy", "same-origin");
}
