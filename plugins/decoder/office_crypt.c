/* office_crypt.c - see office_crypt.h. */
#include "office_crypt.h"

#include <stdlib.h>

#include "crypto.h"

#define PASSWORD_MAX 255		/* characters */
#define SPIN_MAX 10000000		/* what the format allows */
#define SPINS_BETWEEN 8192		/* two looks at the time */
#define SEGMENT_BYTES 4096
#define BLOCK_BYTES 1024		/* of a workbook: each has a key of its own */
#define EXCELS_OWN "VelvetSweatshop"

struct password { uint8_t wide[PASSWORD_MAX * 2]; size_t n; };

/* ASCII; what else is typed is left alone. */
static struct span widen(const char *text, struct password *p)
{
	for (p->n = 0; *text && p->n + 1 < sizeof p->wide; text++, p->n += 2) {
		p->wide[p->n] = (uint8_t)*text;
		p->wide[p->n + 1] = 0;
	}
	return (struct span){ p->wide, p->n };
}

static struct span number(uint32_t value, uint8_t bytes[4])
{
	for (unsigned i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	return (struct span){ bytes, 4 };
}

/* H(n + H(... H(0 + H(salt + password)))); false: no time left. */
static bool spin(struct postern_call *call, const EVP_MD *md, struct span salt, struct span password, uint32_t spins, uint8_t *hash)
{
	size_t bytes = (size_t)EVP_MD_size(md);
	uint8_t counter[4];
	crypto_digest(md, hash, salt, password, crypto_nothing, crypto_nothing);
	for (uint32_t i = 0; i < spins; i++) {
		if (i % SPINS_BETWEEN == SPINS_BETWEEN - 1 && !postern_may_go_on(call))
			return false;
		crypto_digest(md, hash, number(i, counter), (struct span){ hash, bytes }, crypto_nothing, crypto_nothing);
	}
	return true;
}

/* --- the agile form: all of it in XML --- */

struct agile {
	const EVP_MD *md, *data_md;
	const EVP_CIPHER *cipher, *data_cipher;
	size_t key_bytes, hash_bytes;
	struct span salt, data_salt, verifier, verifier_hash, key;
	uint32_t spins;
};

static const EVP_CIPHER *cbc_of(int64_t bits)
{
	return bits == 128 ? EVP_aes_128_cbc() : bits == 192 ? EVP_aes_192_cbc() : bits == 256 ? EVP_aes_256_cbc() : NULL;
}

static const EVP_CIPHER *ecb_of(int64_t bits)
{
	return bits == 128 ? EVP_aes_128_ecb() : bits == 192 ? EVP_aes_192_ecb() : bits == 256 ? EVP_aes_256_ecb() : NULL;
}

/* The value of NAME="..." in one element; n == 0: it has none. */
static struct span xml_attribute(struct postern_call *call, struct span element, const char *name)
{
	const char *wanted = postern_printf(call, " %s=\"", name);
	size_t at = span_find(element, 0, wanted, strlen(wanted)), from = at + strlen(wanted);
	size_t end = at == SIZE_MAX ? SIZE_MAX : span_find(element, from, "\"", 1);
	return end == SIZE_MAX ? (struct span){ element.at, 0 } : span_sub(element, from, end - from);
}

static uint32_t xml_number(struct postern_call *call, struct span element, const char *name)
{
	return (uint32_t)strtoul(span_text(call, xml_attribute(call, element, name)), NULL, 10);
}

static struct span xml_base64(struct postern_call *call, struct span element, const char *name)
{
	struct span text = xml_attribute(call, element, name);
	uint8_t *out = postern_alloc(call, text.n + 4);
	int n = text.n % 4 == 0 && text.n < 4096 ? EVP_DecodeBlock(out, text.at, (int)text.n) : -1;
	for (size_t i = text.n; n > 0 && i > 0 && text.at[i - 1] == '='; i--)
		n--;
	return (struct span){ out, n > 0 ? (size_t)n : 0 };
}

static const EVP_MD *xml_digest(struct postern_call *call, struct span element)
{
	static const struct { const char *name; const EVP_MD *(*md)(void); } known[] = {
		{ "SHA1", EVP_sha1 }, { "SHA-1", EVP_sha1 }, { "SHA256", EVP_sha256 }, { "SHA384", EVP_sha384 }, { "SHA512", EVP_sha512 },
	};
	const char *name = span_text(call, xml_attribute(call, element, "hashAlgorithm"));
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strcmp(name, known[i].name) == 0)
			return known[i].md();
	return NULL;
}

static struct span xml_element(struct span s, const char *name)
{
	size_t at = span_find(s, 0, name, strlen(name)), end = at == SIZE_MAX ? SIZE_MAX : span_find(s, at, ">", 1);
	return end == SIZE_MAX ? (struct span){ s.at, 0 } : span_sub(s, at, end - at);
}

static bool read_agile(struct postern_call *call, struct span xml, struct agile *a)
{
	struct span data = xml_element(xml, "<keyData"), key = xml_element(xml, "encryptedKey ");
	*a = (struct agile){
		.md = xml_digest(call, key), .data_md = xml_digest(call, data),
		.cipher = cbc_of(xml_number(call, key, "keyBits")), .data_cipher = cbc_of(xml_number(call, data, "keyBits")),
		.key_bytes = xml_number(call, key, "keyBits") / 8, .spins = xml_number(call, key, "spinCount"),
		.salt = xml_base64(call, key, "saltValue"), .data_salt = xml_base64(call, data, "saltValue"),
		.verifier = xml_base64(call, key, "encryptedVerifierHashInput"), .verifier_hash = xml_base64(call, key, "encryptedVerifierHashValue"),
		.key = xml_base64(call, key, "encryptedKeyValue"),
	};
	if (!a->md || !a->data_md || !a->cipher || a->data_cipher != a->cipher || a->spins > SPIN_MAX)
		return false;
	a->hash_bytes = (size_t)EVP_MD_size(a->md);
	size_t whole = (a->hash_bytes + 15) & ~(size_t)15;
	return a->salt.n == 16 && a->data_salt.n >= 1 && a->verifier.n == 16 && a->verifier_hash.n == whole && a->key.n >= a->key_bytes && a->key.n <= 32
		&& a->key.n % 16 == 0;
}

/* Each of the three values is locked with a key of its own, made from the password's hash and a fixed text. */
static bool agile_decrypt(const struct agile *a, const uint8_t *hash, const char *block, struct span in, uint8_t *out)
{
	uint8_t key[64];
	memset(key, 0x36, sizeof key);
	crypto_digest(a->md, key, (struct span){ hash, a->hash_bytes }, (struct span){ (const uint8_t *)block, 8 }, crypto_nothing, crypto_nothing);
	return crypto_aes(a->cipher, false, key, a->salt.at, in.at, in.n, out);
}

static bool try_agile(struct postern_call *call, const struct agile *a, struct span password, uint8_t key[32])
{
	uint8_t hash[64], input[64], expected[64], sum[64];
	if (!spin(call, a->md, a->salt, password, a->spins, hash))
		return false;
	if (!agile_decrypt(a, hash, "\xfe\xa7\xd2\x76\x3b\x4b\x9e\x79", a->verifier, input)
		|| !agile_decrypt(a, hash, "\xd7\xaa\x0f\x6d\x30\x61\x34\x4e", a->verifier_hash, expected))
		return false;
	crypto_digest(a->md, sum, (struct span){ input, 16 }, crypto_nothing, crypto_nothing, crypto_nothing);
	return memcmp(sum, expected, a->hash_bytes) == 0 && agile_decrypt(a, hash, "\x14\x6e\x0b\xe7\xab\xac\xd0\xd6", a->key, key);
}

/* --- the standard form: SHA-1 and AES in blocks that do not know each other --- */

struct standard {
	const EVP_CIPHER *cipher;
	size_t key_bytes;
	struct span salt, verifier, verifier_hash;
};

#define STANDARD_SPINS 50000

static bool read_standard(struct span info, struct standard *a)
{
	uint32_t header = span_32(info, 8), bits = span_32(info, 12 + 16);
	struct span verifier = span_from(info, 12 + (size_t)header);
	*a = (struct standard){
		.cipher = ecb_of(bits ? bits : 128), .key_bytes = bits ? bits / 8 : 16, .salt = span_sub(verifier, 4, 16), .verifier = span_sub(verifier, 20, 16),
		.verifier_hash = span_sub(verifier, 40, 32),
	};
	return a->cipher && span_32(verifier, 0) == 16 && a->verifier_hash.n == 32;
}

static bool try_standard(struct postern_call *call, const struct standard *a, struct span password, uint8_t key[64])
{
	uint8_t hash[20], zero[4], block[64], verifier[16], expected[32];
	if (!spin(call, EVP_sha1(), a->salt, password, STANDARD_SPINS, hash))
		return false;
	crypto_digest(EVP_sha1(), hash, (struct span){ hash, 20 }, number(0, zero), crypto_nothing, crypto_nothing);
	for (unsigned half = 0; half < 2; half++) {
		memset(block, half ? 0x5c : 0x36, sizeof block);
		for (unsigned i = 0; i < 20; i++)
			block[i] ^= hash[i];
		crypto_digest(EVP_sha1(), key + 20 * half, (struct span){ block, 64 }, crypto_nothing, crypto_nothing, crypto_nothing);
	}
	if (!crypto_aes(a->cipher, false, key, NULL, a->verifier.at, 16, verifier) || !crypto_aes(a->cipher, false, key, NULL, a->verifier_hash.at, 32, expected))
		return false;
	crypto_digest(EVP_sha1(), hash, (struct span){ verifier, 16 }, crypto_nothing, crypto_nothing, crypto_nothing);
	return memcmp(hash, expected, 20) == 0;
}

/* --- the package: its size, then segments; md: each has an initial vector of its own, made from the salt (agile) --- */

static bool write_package(struct postern_call *call, const EVP_CIPHER *cipher, const uint8_t *key, const EVP_MD *md, struct span salt, struct span package)
{
	uint64_t left = span_64(package, 0);
	struct span s = span_from(package, 8);
	uint8_t iv[64], counter[4], plain[SEGMENT_BYTES];
	bool good = true;
	for (uint32_t i = 0; good && left > 0 && s.n >= 16; i++) {
		size_t n = (s.n < SEGMENT_BYTES ? s.n : SEGMENT_BYTES) & ~(size_t)15;
		if (md)
			crypto_digest(md, iv, salt, number(i, counter), crypto_nothing, crypto_nothing);
		good = crypto_aes(cipher, false, key, md ? iv : NULL, s.at, n, plain) && postern_child_write(call, plain, n < left ? n : (size_t)left);
		left -= n < left ? n : left;
		s = span_from(s, n);
	}
	if (good && left > 0)
		postern_child_attribute(call, 'U');
	return good;
}

/* --- passwords --- */

/* Excel's own word, then those of the mail; NULL: no more, or no time. */
static const char *next_password(struct postern_call *call, size_t i)
{
	return i == 0 ? EXCELS_OWN : postern_may_go_on(call) ? postern_password(call, i - 1) : NULL;
}

enum office_unlocked office_put_package(struct postern_call *call, struct span info, struct span package)
{
	struct agile a;
	struct standard s = { 0 };
	struct password wide;
	uint8_t key[64];
	const char *word;
	bool is_agile = span_16(info, 0) == 4 && span_16(info, 2) == 4, fits = false;
	if (is_agile ? !read_agile(call, span_from(info, 8), &a) : span_16(info, 2) != 2 || !read_standard(info, &s))
		return OFFICE_LOCKED;
	size_t i = 0;
	for (; !fits && (word = next_password(call, i)); i++)
		fits = is_agile ? try_agile(call, &a, widen(word, &wide), key) : try_standard(call, &s, widen(word, &wide), key);
	if (!fits)
		return OFFICE_LOCKED;
	bool good = postern_child_begin(call, "package") && (is_agile ? write_package(call, a.data_cipher, key, a.data_md, a.data_salt, package)
		: write_package(call, s.cipher, key, NULL, crypto_nothing, package)) && postern_child_end(call);
	return !good ? OFFICE_OVER : i == 1 ? OFFICE_OPENED : OFFICE_OPENED_BY_WORD;
}

/* --- workbooks: RC4, by itself or through the system's library --- */

enum workbook_record { BIFF_FILEPASS = 0x2f, BIFF_SHEET = 0x85, BIFF_BEGIN = 0x809, BIFF_INTERFACE = 0xe1, BIFF_USER = 0x194, BIFF_HIDDEN = 0x195, BIFF_LOCK = 0x196 };

struct workbook_lock {
	bool library;
	const EVP_MD *md;
	size_t hash_bytes, key_bytes;	/* of the hash that goes into a block's key; of that key */
	struct span salt, verifier, verifier_hash;
	uint8_t hash[64];
};

static bool read_lock(struct span record, struct workbook_lock *l)
{
	uint16_t major = span_16(record, 2), minor = span_16(record, 4);
	if (span_16(record, 0) != 1)
		return false;		/* XOR */
	if (major == 1 && minor == 1) {
		*l = (struct workbook_lock){ .md = EVP_md5(), .hash_bytes = 5, .key_bytes = 16, .salt = span_sub(record, 6, 16), .verifier = span_sub(record, 22, 16),
			.verifier_hash = span_sub(record, 38, 16) };
		return l->verifier_hash.n == 16;
	}
	uint32_t header = span_32(record, 10), bits = span_32(record, 14 + 16);
	struct span verifier = span_from(record, 14 + (size_t)header);
	*l = (struct workbook_lock){ .library = true, .md = EVP_sha1(), .hash_bytes = 20, .key_bytes = bits ? bits / 8 : 5, .salt = span_sub(verifier, 4, 16),
		.verifier = span_sub(verifier, 20, 16), .verifier_hash = span_sub(verifier, 40, 20) };
	return minor == 2 && major >= 2 && major <= 4 && span_32(verifier, 0) == 16 && l->verifier_hash.n == 20 && l->key_bytes >= 5 && l->key_bytes <= 16;
}

static void hash_password(struct workbook_lock *l, struct span password)
{
	uint8_t sixteen[16 * 21], *to = sixteen;
	if (l->library) {
		crypto_digest(l->md, l->hash, l->salt, password, crypto_nothing, crypto_nothing);
		return;
	}
	crypto_digest(l->md, l->hash, password, crypto_nothing, crypto_nothing, crypto_nothing);
	for (unsigned i = 0; i < 16; i++, to += 21) {
		memcpy(to, l->hash, 5);
		memcpy(to + 5, l->salt.at, 16);
	}
	crypto_digest(l->md, l->hash, (struct span){ sixteen, sizeof sixteen }, crypto_nothing, crypto_nothing, crypto_nothing);
}

/* Bytes of the stream, from `at` on; a key of 40 bits is filled up with zeros. */
static void decrypt_bytes(const struct workbook_lock *l, uint64_t at, const uint8_t *in, uint8_t *out, size_t n)
{
	uint8_t key[64], counter[4];
	while (n > 0) {
		size_t in_block = (size_t)(at % BLOCK_BYTES), piece = BLOCK_BYTES - in_block < n ? BLOCK_BYTES - in_block : n;
		memset(key, 0, sizeof key);
		crypto_digest(l->md, key, (struct span){ l->hash, l->hash_bytes }, number((uint32_t)(at / BLOCK_BYTES), counter), crypto_nothing, crypto_nothing);
		if (l->key_bytes < 16)
			memset(key + l->key_bytes, 0, 16 - l->key_bytes);
		crypto_rc4_from(key, l->key_bytes == 5 ? 16 : l->key_bytes, in_block, in, out, piece);
		at += piece;
		in += piece;
		out += piece;
		n -= piece;
	}
}

static bool lock_fits(const struct workbook_lock *l)
{
	uint8_t both[36], sum[20];
	memcpy(both, l->verifier.at, 16);
	memcpy(both + 16, l->verifier_hash.at, l->verifier_hash.n);
	decrypt_bytes(l, 0, both, both, 16 + l->verifier_hash.n);
	crypto_digest(l->md, sum, (struct span){ both, 16 }, crypto_nothing, crypto_nothing, crypto_nothing);
	return memcmp(sum, both + 16, l->verifier_hash.n) == 0;
}

/* Heads of records, some records, and where a sheet begins, are not encrypted; the key stream goes on over them all the same. */
static size_t plain_bytes(uint16_t kind, size_t length)
{
	switch (kind) {
	case BIFF_BEGIN: case BIFF_FILEPASS: case BIFF_INTERFACE: case BIFF_USER: case BIFF_HIDDEN: case BIFF_LOCK:
		return length;
	case BIFF_SHEET:
		return length < 4 ? length : 4;
	default:
		return 0;
	}
}

static bool decrypt_records(struct postern_call *call, const struct workbook_lock *l, uint8_t *bytes, size_t n)
{
	struct span s = { bytes, n };
	for (size_t at = 0, turn = 1; span_has(s, at, 4); turn++) {
		uint16_t kind = span_16(s, at);
		struct span record = span_sub(s, at + 4, span_16(s, at + 2));
		size_t plain = plain_bytes(kind, record.n);
		decrypt_bytes(l, at + 4 + plain, record.at + plain, bytes + at + 4 + plain, record.n - plain);
		if (kind == BIFF_FILEPASS)
			memset(bytes + at, 0xff, 2);	/* nobody shall take it for locked any more */
		at += 4 + record.n;
		if (turn % 4096 == 0 && !postern_may_go_on(call))
			return false;
	}
	return true;
}

static struct span find_filepass(struct span s)
{
	for (size_t at = 0; span_has(s, at, 4); at += 4 + (size_t)span_16(s, at + 2))
		if (span_16(s, at) == BIFF_FILEPASS)
			return span_sub(s, at + 4, span_16(s, at + 2));
	return (struct span){ s.at, 0 };
}

enum office_unlocked office_unlock_workbook(struct postern_call *call, uint8_t *bytes, size_t n)
{
	struct workbook_lock l;
	struct password wide;
	const char *word;
	bool fits = false;
	if (!read_lock(find_filepass((struct span){ bytes, n }), &l))
		return OFFICE_LOCKED;
	size_t i = 0;
	for (; !fits && (word = next_password(call, i)); i++) {
		hash_password(&l, widen(word, &wide));
		fits = lock_fits(&l);
	}
	if (!fits)
		return OFFICE_LOCKED;
	return !decrypt_records(call, &l, bytes, n) ? OFFICE_OVER : i == 1 ? OFFICE_OPENED : OFFICE_OPENED_BY_WORD;
}
