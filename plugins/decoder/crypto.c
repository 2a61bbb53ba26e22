/* crypto.c - see crypto.h. */
#include "crypto.h"

const struct span crypto_nothing = { (const uint8_t *)"", 0 };

void crypto_digest(const EVP_MD *md, uint8_t *out, struct span a, struct span b, struct span c, struct span d)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_DigestInit_ex(context, md, NULL);
	EVP_DigestUpdate(context, a.at, a.n);
	EVP_DigestUpdate(context, b.at, b.n);
	EVP_DigestUpdate(context, c.at, c.n);
	EVP_DigestUpdate(context, d.at, d.n);
	EVP_DigestFinal_ex(context, out, NULL);
	EVP_MD_CTX_free(context);
}

static void swap(uint8_t *a, uint8_t *b)
{
	uint8_t kept = *a;
	*a = *b;
	*b = kept;
}

void crypto_rc4_from(const uint8_t *key, size_t key_bytes, size_t skip, const uint8_t *in, uint8_t *out, size_t n)
{
	uint8_t state[256], i = 0, j = 0;
	for (unsigned k = 0; k < 256; k++)
		state[k] = (uint8_t)k;
	for (unsigned k = 0; k < 256; k++) {
		j = (uint8_t)(j + state[k] + key[k % key_bytes]);
		swap(&state[k], &state[j]);
	}
	j = 0;
	for (size_t k = 0; k < skip + n; k++) {
		j = (uint8_t)(j + state[++i]);
		swap(&state[i], &state[j]);
		if (k >= skip)
			out[k - skip] = in[k - skip] ^ state[(uint8_t)(state[i] + state[j])];
	}
}

void crypto_rc4(const uint8_t *key, size_t key_bytes, const uint8_t *in, uint8_t *out, size_t n)
{
	crypto_rc4_from(key, key_bytes, 0, in, out, n);
}

bool crypto_aes(const EVP_CIPHER *cipher, bool encrypt, const uint8_t *key, const uint8_t *iv, const uint8_t *in, size_t n, uint8_t *out)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int made = 0;
	bool good = n <= INT32_MAX && EVP_CipherInit_ex(context, cipher, NULL, key, iv, encrypt) == 1 && EVP_CIPHER_CTX_set_padding(context, 0) == 1
		&& EVP_CipherUpdate(context, out, &made, in, (int)n) == 1 && (size_t)made == n;
	EVP_CIPHER_CTX_free(context);
	return good;
}

enum postern_result crypto_load(struct postern_instance *instance, struct postern_error *e)
{
	(void)instance;
	(void)e;
	static const uint8_t zero[32];
	uint8_t out[64];
	const EVP_MD *const digests[] = { EVP_md5(), EVP_sha1(), EVP_sha256(), EVP_sha384(), EVP_sha512() };
	const EVP_CIPHER *const ciphers[] = { EVP_aes_128_cbc(), EVP_aes_192_cbc(), EVP_aes_256_cbc(), EVP_aes_128_ecb(), EVP_aes_192_ecb(), EVP_aes_256_ecb() };
	for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
		crypto_digest(digests[i], out, crypto_nothing, crypto_nothing, crypto_nothing, crypto_nothing);
	for (size_t i = 0; i < sizeof ciphers / sizeof *ciphers; i++)
		crypto_aes(ciphers[i], i % 2, zero, zero, zero, 16, out);
	return POSTERN_OK;
}
