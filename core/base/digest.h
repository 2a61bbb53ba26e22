/* digest.h - digest algorithms of libcrypto, looked up once in a process.
 *
 * EVP_sha256() and its like are looked up anew by each EVP_DigestInit_ex(), which costs several times what
 * digesting a short text does.  What is returned is never freed and may be used by any thread. */
#ifndef POSTERN_BASE_DIGEST_H
#define POSTERN_BASE_DIGEST_H

#include <openssl/evp.h>

const EVP_MD *digest_sha256(void);
const EVP_MD *digest_md5(void);

#endif
