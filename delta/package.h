/* From one package to another: the same firmware and signature, with the payload encoded or plain again. */
#ifndef DELTA_PACKAGE_H
#define DELTA_PACKAGE_H

#include "delta/encode.h"
#include "tandem/package.h"

/* A package in memory, taken apart; everything points into data, which stays the caller's. */
struct delta_package {
    struct tdm_envelope envelope;
    struct tdm_manifest manifest;
    const uint8_t *head;
    const uint8_t *table;
    const uint8_t *payload;
};

/* Looks at sizes, not at digests or the signature. Those of tdm_envelope_parse and tdm_head_parse,
 * TDM_E_TRUNCATED, TDM_E_FORMAT (bytes behind the end), TDM_E_MANIFEST. */
TDM_MUST_USE int delta_package_open(struct delta_package *package, const uint8_t *data, size_t bytes);

/* The plain image of a package, checked against its signed digest; from malloc. base: the package of the base
 * image, plain; NULL without one. TDM_E_DIGEST, TDM_E_ENCODING (the base is not plain), TDM_E_NOT_FOUND (it
 * needs another base), those of delta_decode. */
TDM_MUST_USE int delta_package_image(uint8_t **image, const struct delta_package *package,
                                     const struct delta_package *base);

/* Encodes a plain package, as a difference to base or alone (NULL); both are plain. *to is from malloc.
 * TDM_E_ENCODING where one is not plain, TDM_E_DIGEST where one is damaged, those of delta_encode. */
TDM_MUST_USE int delta_package_encode(uint8_t **to, size_t *to_bytes, const struct delta_package *package,
                                      const struct delta_package *base, delta_progress_fn *progress,
                                      void *ctx);

#endif
