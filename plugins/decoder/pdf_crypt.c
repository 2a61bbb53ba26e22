/* pdf_crypt.c - see pdf_crypt.h. ISO 32000-2, 7.6; the algorithms' numbers are that document's. */
#include "pdf_crypt.h"

#include "crypto.h"

static const uint8_t padding[32] = "\x28\xbf\x4e\x5e\x4e\x75\x8a\x41\x64\x00\x4e\x56\xff\xfa\x01\x08\x2e\x2e\x00\xb6\xd0\x68\x3e\x80\x2f\x0c\xa9\xfe\x64\x53\x69\x7a";

#define NAMESAKES_MAX 64		/* of a crypt filter */
#define ENTRY_MAX_BYTES 1024	/* of a string that is 127 bytes at most, with escapes */
#define ROUND_INPUT_MAX (64 * (127 + 64 + 48))

/* --- revisions 2 to 4: MD5 and RC4 --- */

static void pad(const char *password, uint8_t out[32])
{
	size_t n = strnlen(password, 32);
	memcpy(out, password, n);
	memcpy(out + n, padding, 32 - n);
}

/* Algorithm 2 */
static void old_file_key(struct pdf_crypt *c, const uint8_t padded[32])
{
	uint8_t p[8] = { (uint8_t)c->permissions, (uint8_t)(c->permissions >> 8), (uint8_t)(c->permissions >> 16), (uint8_t)(c->permissions >> 24),
		0xff, 0xff, 0xff, 0xff }, sum[16];
	uint8_t front[64];
	memcpy(front, padded, 32);
	memcpy(front + 32, c->owner.at, 32);
	crypto_digest(EVP_md5(), sum, (struct span){ front, 64 }, (struct span){ p, 4 }, c->id,
		(struct span){ p + 4, c->revision >= 4 && !c->metadata ? 4 : 0 });
	for (int i = 0; i < 50 && c->revision >= 3; i++)
		crypto_digest(EVP_md5(), sum, (struct span){ sum, c->key_bytes }, crypto_nothing, crypto_nothing, crypto_nothing);
	memcpy(c->key, sum, c->key_bytes);
}

static void rc4_rounds(const uint8_t *key, size_t key_bytes, uint8_t *data, size_t n, int first, int last)
{
	uint8_t other[32];
	for (int i = first;; i += first < last ? 1 : -1) {
		for (size_t k = 0; k < key_bytes; k++)
			other[k] = (uint8_t)(key[k] ^ i);
		crypto_rc4(other, key_bytes, data, data, n);
		if (i == last)
			return;
	}
}

/* Algorithms 4 and 5: what the key makes of a known text stands in the file. */
static bool old_key_fits(const struct pdf_crypt *c)
{
	uint8_t check[32];
	if (c->revision == 2) {
		crypto_rc4(c->key, c->key_bytes, padding, check, 32);
		return memcmp(check, c->user.at, 32) == 0;
	}
	crypto_digest(EVP_md5(), check, (struct span){ padding, 32 }, c->id, crypto_nothing, crypto_nothing);
	rc4_rounds(c->key, c->key_bytes, check, 16, 0, 19);
	return memcmp(check, c->user.at, 16) == 0;
}

/* Algorithm 7: the owner's password gives the user's. */
static void user_of_owner(const struct pdf_crypt *c, const uint8_t padded[32], uint8_t user[32])
{
	uint8_t sum[16];
	crypto_digest(EVP_md5(), sum, (struct span){ padded, 32 }, crypto_nothing, crypto_nothing, crypto_nothing);
	for (int i = 0; i < 50 && c->revision >= 3; i++)
		crypto_digest(EVP_md5(), sum, (struct span){ sum, 16 }, crypto_nothing, crypto_nothing, crypto_nothing);
	memcpy(user, c->owner.at, 32);
	if (c->revision == 2)
		crypto_rc4(sum, c->key_bytes, user, user, 32);
	else
		rc4_rounds(sum, c->key_bytes, user, 32, 19, 0);
}

static bool try_old(struct pdf_crypt *c, const char *password)
{
	uint8_t padded[32], user[32];
	pad(password, padded);
	old_file_key(c, padded);
	if (old_key_fits(c))
		return true;
	user_of_owner(c, padded, user);
	old_file_key(c, user);
	return old_key_fits(c);
}

/* --- revisions 5 and 6: SHA-2 and AES --- */

/* Algorithm 2.B */
static void harden(const char *password, struct span user, uint8_t sum[64])
{
	static uint8_t input[ROUND_INPUT_MAX], output[ROUND_INPUT_MAX];
	size_t length = strlen(password), sum_bytes = 32;
	for (int round = 0;; round++) {
		size_t n = length + sum_bytes + user.n;
		memcpy(input, password, length);
		memcpy(input + length, sum, sum_bytes);
		memcpy(input + length + sum_bytes, user.at, user.n);
		for (size_t i = 1; i < 64; i++)
			memcpy(input + i * n, input, n);
		if (!crypto_aes(EVP_aes_128_cbc(), true, sum, sum + 16, input, 64 * n, output))
			return;
		unsigned rest = 0;
		for (int i = 0; i < 16; i++)
			rest += output[i];
		const EVP_MD *md = rest % 3 == 0 ? EVP_sha256() : rest % 3 == 1 ? EVP_sha384() : EVP_sha512();
		sum_bytes = (size_t)EVP_MD_size(md);
		uint8_t last = output[64 * n - 1];
		crypto_digest(md, sum, (struct span){ output, 64 * n }, crypto_nothing, crypto_nothing, crypto_nothing);
		if (round >= 63 && last <= round - 31)
			return;
	}
}

static void new_hash(const struct pdf_crypt *c, const char *password, struct span salt, struct span user, uint8_t sum[64])
{
	crypto_digest(EVP_sha256(), sum, (struct span){ (const uint8_t *)password, strlen(password) }, salt, user, crypto_nothing);
	if (c->revision >= 6)
		harden(password, user, sum);
}

/* entry: 32 bytes of hash, 8 of salt for it, 8 of salt for the key. */
static bool try_new_as(struct pdf_crypt *c, const char *password, struct span entry, struct span packed_key, struct span user)
{
	uint8_t sum[64];
	static const uint8_t zero[16];
	if (entry.n < 48 || packed_key.n < 32)
		return false;
	new_hash(c, password, span_sub(entry, 32, 8), user, sum);
	if (memcmp(sum, entry.at, 32) != 0)
		return false;
	new_hash(c, password, span_sub(entry, 40, 8), user, sum);
	return crypto_aes(EVP_aes_256_cbc(), false, sum, zero, packed_key.at, 32, c->key);
}

bool pdf_crypt_try(struct pdf_crypt *c, const char *password)
{
	if (strlen(password) > 127)
		return false;
	if (c->revision < 5)
		return try_old(c, password);
	return try_new_as(c, password, c->user, c->user_key, crypto_nothing) || try_new_as(c, password, c->owner, c->owner_key, span_sub(c->user, 0, 48));
}

/* --- the dictionary --- */

static enum pdf_method method_of(struct span cfm)
{
	return pdf_is_name(cfm, "V2") ? PDF_RC4 : pdf_is_name(cfm, "AESV2") ? PDF_AES_128 : pdf_is_name(cfm, "AESV3") ? PDF_AES_256
		: pdf_is_name(cfm, "None") ? PDF_PLAIN : PDF_METHOD_UNKNOWN;
}

/* The crypt filter `name` of CF: its dictionary stands behind that name. */
static enum pdf_method find_method(struct span filters, struct span name, enum pdf_method without)
{
	struct pdf_dict d;
	size_t end, at = pdf_skip_space(name, 0);
	if (name.n == 0 || pdf_is_name(name, "Identity"))
		return without;
	struct span word = span_from(name, at);
	while (word.n > 1 && strchr(" \r\n\t", word.at[word.n - 1]))
		word.n--;
	for (int turn = 0; turn < NAMESAKES_MAX && (at = span_find(filters, turn == 0 ? 0 : at + 1, word.at, word.n)) != SIZE_MAX; turn++)
		if (pdf_read_dict(span_from(filters, at + word.n), &d, &end))
			return method_of(d.value[PDF_CFM]);
	return PDF_METHOD_UNKNOWN;
}

static void read_methods(const struct pdf_dict *d, struct pdf_crypt *c)
{
	if (c->version < 4) {
		c->streams = c->strings = c->files = PDF_RC4;
		return;
	}
	c->streams = find_method(d->value[PDF_CF], d->value[PDF_StmF], PDF_PLAIN);
	c->strings = find_method(d->value[PDF_CF], d->value[PDF_StrF], PDF_PLAIN);
	c->files = d->value[PDF_EFF].n > 0 ? find_method(d->value[PDF_CF], d->value[PDF_EFF], PDF_PLAIN) : c->streams;
}

static struct span entry_string(struct postern_call *call, struct span value)
{
	return pdf_string(call, span_sub(value, 0, ENTRY_MAX_BYTES));
}

bool pdf_crypt_read(struct postern_call *call, const struct pdf_dict *d, struct span id, struct pdf_crypt *c)
{
	int64_t bits = 40;
	*c = (struct pdf_crypt){ .id = id, .metadata = span_find(d->value[PDF_EncryptMetadata], 0, "false", 5) == SIZE_MAX };
	if (!pdf_is_name(d->value[PDF_Filter], "Standard") || !pdf_integer(d->value[PDF_V], &c->version) || !pdf_integer(d->value[PDF_R], &c->revision)
		|| !pdf_integer(d->value[PDF_P], &c->permissions))
		return false;
	pdf_integer(d->value[PDF_Length], &bits);
	c->owner = entry_string(call, d->value[PDF_O]);
	c->user = entry_string(call, d->value[PDF_U]);
	c->owner_key = entry_string(call, d->value[PDF_OE]);
	c->user_key = entry_string(call, d->value[PDF_UE]);
	c->key_bytes = c->version >= 5 ? 32 : c->revision == 2 ? 5 : c->version >= 4 ? 16 : bits >= 40 && bits <= 128 ? (size_t)bits / 8 : 5;
	read_methods(d, c);
	bool known = c->streams != PDF_METHOD_UNKNOWN && c->strings != PDF_METHOD_UNKNOWN && c->files != PDF_METHOD_UNKNOWN;
	return known && c->revision >= 2 && c->revision <= 6 && (c->revision >= 5) == (c->version >= 5) && c->owner.n >= 32 && c->user.n >= 32;
}

/* --- contents --- */

/* Algorithm 1 */
static size_t object_key(const struct pdf_crypt *c, enum pdf_method method, uint32_t number, uint32_t generation, uint8_t key[32])
{
	if (method == PDF_AES_256) {
		memcpy(key, c->key, 32);
		return 32;
	}
	uint8_t tail[9] = { (uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), (uint8_t)generation, (uint8_t)(generation >> 8), 's', 'A', 'l', 'T' };
	size_t key_bytes = c->key_bytes < 16 ? c->key_bytes : 16;
	crypto_digest(EVP_md5(), key, (struct span){ c->key, key_bytes }, (struct span){ tail, method == PDF_AES_128 ? 9 : 5 }, crypto_nothing, crypto_nothing);
	return key_bytes + 5 < 16 ? key_bytes + 5 : 16;
}

size_t pdf_decrypt(const struct pdf_crypt *c, enum pdf_method method, uint32_t number, uint32_t generation, struct span s, uint8_t *out)
{
	uint8_t key[32];
	size_t key_bytes = object_key(c, method, number, generation, key);
	if (method == PDF_RC4) {
		crypto_rc4(key, key_bytes, s.at, out, s.n);
		return s.n;
	}
	if (s.n < 32)
		return 0;
	size_t n = (s.n - 16) & ~(size_t)15;
	if (!crypto_aes(method == PDF_AES_128 ? EVP_aes_128_cbc() : EVP_aes_256_cbc(), false, key, s.at, s.at + 16, n, out))
		return SIZE_MAX;
	return out[n - 1] >= 1 && out[n - 1] <= 16 ? n - out[n - 1] : n;
}
