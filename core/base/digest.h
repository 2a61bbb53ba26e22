/* digest.h - digest algorithms of libcrypto, looked up once in a process.
 *
 * EVP_sha256() and its like are looked up anew by each EVP_DigestInit_ex(), which costs several times what
 * digesting a short text does.  What is returned is never freed and may be used by any thread. */
#ifndef POSTERN_BASE_DIGEST_H
#define POSTERN_BASE_DIGEST_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

const EVP_MD *digest_sha256(void);
const EVP_MD *digest_md5(void);
/* By an administrator's name for it ("SHA1", "SHA-256", "MD5"); NULL: there is none, or the name is "" or NULL. Looked up anew only
 * when the name changes: for one thread. */
const EVP_MD *digest_by_name(const char *name);

#define DIGEST_TEXT_MAX (2 * EVP_MAX_MD_SIZE + 1)
/* Lower case hexadecimal digits of a digest, NUL-terminated. */
void digest_text(const unsigned char *digest, size_t n, char text[DIGEST_TEXT_MAX]);
/* The digest of n bytes as text. false: no such algorithm. */
bool digest_of(const char *name, const void *data, size_t n, char text[DIGEST_TEXT_MAX]);

#endif
