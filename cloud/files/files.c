#include "cloud/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "cloud/log.h"
#include "cloud/text.h"

struct files {
    const struct files_kind *kind;
    void *place;
};

struct files *files_open(const char *address, char *why, size_t capacity)
{
    static const struct files_kind *const kinds[] = {&files_s3, &files_directory};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strncmp(address, kinds[i]->scheme, strlen(kinds[i]->scheme)) != 0)
            continue;
        struct files *files = calloc(1, sizeof *files);
        if (files == NULL)
            abort();
        *files = (struct files){kinds[i], kinds[i]->open(address, why, capacity)};
        if (files->place != NULL)
            return files;
        free(files);
        return NULL;
    }
    snprintf(why, capacity, "%s is neither an absolute path nor s3://BUCKET[/PREFIX]", address);
    return NULL;
}

void files_close(struct files *files)
{
    if (files == NULL)
        return;
    files->kind->close(files->place);
    free(files);
}

enum files_result files_put(struct files *files, const char *name, const char *path, const atomic_bool *stop)
{
    return files->kind->put(files->place, name, path, stop);
}

enum files_result files_remove(struct files *files, const char *name, const atomic_bool *stop)
{
    return files->kind->remove(files->place, name, stop);
}

/* Whether the file's bytes have the digest that name says. */
static bool is_genuine(const char *path, const char *name)
{
    uint8_t piece[16384];
    uint8_t hash[EVP_MAX_MD_SIZE];
    char hex[2 * EVP_MAX_MD_SIZE + 1];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t bytes = fd >= 0 && digest != NULL && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1 ? 1 : -1;
    while (bytes > 0 && (bytes = read(fd, piece, sizeof piece)) > 0)
        EVP_DigestUpdate(digest, piece, (size_t)bytes);
    bool genuine = bytes == 0 && EVP_DigestFinal_ex(digest, hash, NULL) == 1 &&
                   strcmp(text_hex(hash, 32, hex), name) == 0;
    EVP_MD_CTX_free(digest);
    if (fd >= 0)
        close(fd);
    return genuine;
}

enum files_result files_get(struct files *files, const char *name, const char *path, const atomic_bool *stop)
{
    char part[4200];
    snprintf(part, sizeof part, "%s.part", path);
    unlink(part);
    enum files_result result = files->kind->get(files->place, name, part, stop);
    if (result == FILES_OK && !is_genuine(part, name)) {
        log_line(LOG_LEVEL_ERROR, "file-damaged",
                 "name=%s hint=\"what is kept has another digest; upload it again\"", name);
        result = FILES_FAILED;
    }
    if (result == FILES_OK && rename(part, path) != 0) {
        log_line(LOG_LEVEL_ERROR, "file-failed", "path=%s what=rename error=\"%s\"", path, strerror(errno));
        result = FILES_FAILED;
    }
    if (result != FILES_OK)
        unlink(part);
    return result;
}
