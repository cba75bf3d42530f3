/* A firmware file on its way in: takes bytes as they arrive, keeps what the server must know, and judges the
 * whole. No file is touched here. */
#ifndef TANDEM_CLOUD_INTAKE_H
#define TANDEM_CLOUD_INTAKE_H

#include <openssl/evp.h>

#include "cloud/store/records.h"
#include "tandem/package.h"

struct intake {
    EVP_MD_CTX *sha256;
    EVP_MD_CTX *md5;
    EVP_MD_CTX *payload; /* SHA-256 of the package's payload */
    int64_t size;
    uint8_t front[TDM_PACKAGE_FRONT_MAX]; /* the file's first bytes */
    size_t front_bytes;
    int64_t payload_start; /* in a package; -1 before it is known, and in other files */
    struct tdm_tag_scanner scanner;
    struct tdm_tag tag;
    bool tagged;
};

/* False without memory. */
bool intake_init(struct intake *intake);
void intake_clear(struct intake *intake);

void intake_feed(struct intake *intake, const void *data, size_t bytes);

/* Fills firmware (all but id, name and upload time). False if the file is not acceptable; why says the reason
 * and what to do. */
bool intake_finish(struct intake *intake, struct firmware *firmware, char *why, size_t capacity);

#endif
