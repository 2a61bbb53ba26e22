/* crypto.h - digests and ciphers that documents are locked with, over OpenSSL; RC4 is here, since that wants a file to load for it. */
#ifndef POSTERN_DECODER_CRYPTO_H
#define POSTERN_DECODER_CRYPTO_H

#include <openssl/evp.h>

#include "span.h"

extern const struct span crypto_nothing;

/* The digest of up to four pieces. */
void crypto_digest(const EVP_MD *md, uint8_t *out, struct span a, struct span b, struct span c, struct span d);
/* in and out may be the same. `skip` bytes of the key stream are left out first. */
void crypto_rc4_from(const uint8_t *key, size_t key_bytes, size_t skip, const uint8_t *in, uint8_t *out, size_t n);
void crypto_rc4(const uint8_t *key, size_t key_bytes, const uint8_t *in, uint8_t *out, size_t n);
/* Whole blocks, no padding. */
bool crypto_aes(const EVP_CIPHER *cipher, bool encrypt, const uint8_t *key, const uint8_t *iv, const uint8_t *in, size_t n, uint8_t *out);
/* A plugin's load(): let the library find its algorithms, before the jail. */
enum postern_result crypto_load(struct postern_instance *instance, struct postern_error *e);

#endif
