/* types_crypt.c - what is signed or encrypted: CMS (S/MIME) and OpenPGP, by their own structure, as libmagic knows some of their kinds only. */
#include "config.h"

#include "opener/types_inside.h"

/* --- CMS: a SEQUENCE that begins with the OID of its kind --- */

/* Behind this tag and its length at `at`, in however many bytes that is told; 0: they are not there. */
static size_t behind_head(struct bytes b, size_t at, uint8_t tag)
{
	if (at + 2 > b.n || b.at[at] != tag || b.at[at + 1] > 0x88)
		return 0;
	return at + 2 + (b.at[at + 1] > 0x80 ? b.at[at + 1] & 0x7f : 0);
}

static bool guess_cms(struct bytes b, struct type_guess *out)
{
	static const struct { const char *oid, *shorts, *full; unsigned length; } kinds[] = {
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", "p7m,p7m.enc", "PKCS#7 Enveloped Data", 9 },
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x04", "p7m,p7m.enc", "PKCS#7 Signed And Enveloped Data", 9 },
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x06", "p7m,p7m.enc", "PKCS#7 Encrypted Data", 9 },
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17", "p7m,p7m.enc", "CMS Authenticated Enveloped Data", 11 },
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x07", "p7m", "PKCS#7 Data", 8 },
		{ "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01", "p7m", "CMS Data", 10 },
	};
	size_t inside = behind_head(b, 0, 0x30), at = inside ? behind_head(b, inside, 0x06) : 0;
	for (size_t i = 0; at && i < G_N_ELEMENTS(kinds); i++)
		if (bytes_at(b, at, kinds[i].oid, kinds[i].length))
			return types_set(out, kinds[i].shorts, kinds[i].full);
	return false;
}

/* As text, with lines around that say so or without: what begins with a SEQUENCE begins with "MA" to "MI". */
static bool guess_cms_text(struct bytes b, struct type_guess *out)
{
	static const char *const lines[] = { "-----BEGIN PKCS7-----", "-----BEGIN PKCS #7 SIGNED DATA-----", "-----BEGIN CMS-----" };
	guchar head[48];
	gint state = 0;
	guint save = 0;
	while (b.n > 0 && g_ascii_isspace(*b.at))
		b = (struct bytes){ b.at + 1, b.n - 1 };
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		if (bytes_at(b, 0, lines[i], strlen(lines[i])))
			return types_set(out, "p7m", "PKCS#7 data, PEM");
	if (b.n < 64 || b.at[0] != 'M' || b.at[1] < 'A' || b.at[1] > 'I')
		return false;
	size_t n = g_base64_decode_step((const char *)b.at, 60, head, &state, &save);
	struct type_guess inner;
	return guess_cms((struct bytes){ head, n }, &inner) && types_set(out, "p7m", "PKCS#7 data, base64");
}

/* --- OpenPGP (RFC 9580): the first packet --- */

struct packet { unsigned tag; size_t body; };

static bool read_packet(struct bytes b, struct packet *out)
{
	if (b.n < 16 || !(b.at[0] & 0x80))
		return false;
	bool is_new = b.at[0] & 0x40;
	static const uint8_t old_lengths[] = { 1, 2, 4, 0 };
	size_t length = is_new ? (b.at[1] < 192 || (b.at[1] >= 224 && b.at[1] < 255) ? 1 : b.at[1] < 224 ? 2 : 5) : old_lengths[b.at[0] & 3];
	*out = (struct packet){ .tag = is_new ? b.at[0] & 0x3f : b.at[0] >> 2 & 0xf, .body = 1 + length };
	return true;
}

/* A session key for somebody's key: version 3, the key's id, a known algorithm. */
static bool is_for_key(struct bytes b, size_t body)
{
	static const uint8_t algorithms[] = { 1, 2, 16, 18, 25, 26 };
	return b.n > body + 9 && b.at[body] == 3 && memchr(algorithms, b.at[body + 9], sizeof algorithms);
}

/* A session key for a passphrase: version, cipher, and how the passphrase becomes a key. */
static bool is_for_passphrase(struct bytes b, size_t body)
{
	if (b.n < body + 4 || b.at[body] < 4 || b.at[body] > 6)
		return false;
	const uint8_t *how = b.at + body + (b.at[body] == 4 ? 1 : b.at[body] == 5 ? 1 : 2);
	return how[0] >= 1 && how[0] <= 13 && (b.at[body] != 4 || how[1] == 0 || how[1] == 1 || how[1] == 3 || how[1] == 4);
}

/* By deflate, zlib or bzip2, each by how such a stream begins. */
static bool is_compressed(struct bytes b, size_t body)
{
	const uint8_t *d = b.at + body;
	if (b.n < body + 5)
		return false;
	if (d[0] == 1)
		return (d[1] >> 1 & 3) != 3;
	return (d[0] == 2 && d[1] == 0x78 && (d[1] << 8 | d[2]) % 31 == 0) || (d[0] == 3 && memcmp(d + 1, "BZh", 3) == 0);
}

static bool guess_openpgp(struct bytes b, struct type_guess *out)
{
	struct packet p;
	if (!read_packet(b, &p))
		return false;
	if (p.tag == 1 && is_for_key(b, p.body))
		return types_set(out, "pgp,pgp.enc", "PGP message, encrypted for a key");
	if (p.tag == 3 && is_for_passphrase(b, p.body))
		return types_set(out, "pgp,pgp.enc", "PGP message, encrypted by a passphrase");
	return p.tag == 8 && is_compressed(b, p.body) && types_set(out, "pgp,pgp.msg", "PGP message, compressed");
}

bool types_guess_crypt(struct bytes b, struct type_guess *out)
{
	return guess_cms(b, out) || guess_cms_text(b, out) || guess_openpgp(b, out);
}
